"""Small processes for workers, written in one line each."""

from __future__ import annotations

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="t">'
)


def model(id: str, *elements: str, more: str = "") -> str:
    """A process whose elements follow each other; the first one starts it.

    An element is its tag and id, such as `serviceTask charge`, and may have content: `boundaryEvent x|<...>`.
    """
    drawn, flows, before = [], [], ""
    for each in elements:
        head, _, content = each.partition("|")
        tag, element, *attributes = head.split(" ")
        drawn.append(f'<{tag} id="{element}" {" ".join(attributes)}>{content}</{tag}>')
        if before and tag != "boundaryEvent":
            flows.append(f'<sequenceFlow id="{before}-{element}" sourceRef="{before}" targetRef="{element}"/>')
        if tag != "boundaryEvent":
            before = element
    body = "".join([*drawn, *flows])
    return f'{HEAD}<process id="{id}" isExecutable="true">{body}{more}</process></definitions>'


def tasks(id: str, *names: str) -> str:
    """Service tasks, one after the other."""
    return model(id, "startEvent start", *(f"serviceTask {name}" for name in names), "endEvent end")
