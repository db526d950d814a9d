"""What stands for a process that is called and not deployed: it waits at one task."""

from __future__ import annotations

STUB = "stub"
"""Version of processes that stand for others, which are called and not deployed."""
MARK = "~"
"""What begins that part of a version or key which makes it a test's own."""
STUB_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="http://py-bpmn.org/stub">
  <process id="{process}" isExecutable="true">
    <startEvent id="start"/>
    <sequenceFlow id="to-task" sourceRef="start" targetRef="task"/>
    <serviceTask id="task"/>
    <sequenceFlow id="to-end" sourceRef="task" targetRef="end"/>
    <endEvent id="end"/>
  </process>
</definitions>
"""


def is_stub(version: str) -> bool:
    return version.partition(MARK)[0] == STUB
