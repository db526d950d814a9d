"""Small BPMN files for tests, and what the parser says about them."""

from __future__ import annotations

from app.bpmn.advice import advise
from app.bpmn.model import Element, Process
from app.bpmn.parser import find_process, parse

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def bpmn(body: str, head: str = "", tail: str = "") -> str:
    """A file with the executable process `p`; `body` starts in line 2."""
    return (
        f'<definitions xmlns="{BPMN}">{head}<process id="p" isExecutable="true">\n{body}</process>{tail}</definitions>'
    )


def process(body: str, head: str = "", tail: str = "", *, xml_timers: bool = True) -> Process:
    return find_process(parse(bpmn(body, head, tail), xml_timers=xml_timers), "p")


def elements(found: Process) -> dict[str, Element]:
    return {element.id: element for element in found.elements()}


def accepted(body: str, head: str = "", tail: str = "", *, xml_timers: bool = True) -> dict[str, Element]:
    """The elements by id of a process that must have no causes."""
    found = process(body, head, tail, xml_timers=xml_timers)
    assert found.causes == []
    return elements(found)


def causes(body: str, head: str = "", tail: str = "") -> list[tuple[str, str, str]]:
    """Pointer, type and detail of every cause."""
    return [(cause.pointer, cause.type, cause.detail) for cause in process(body, head, tail).causes]


def warnings(body: str, head: str = "", tail: str = "", *, xml_timers: bool = True) -> list[tuple[str, str, str]]:
    """Pointer, type and detail of every warning about a process that must have no causes."""
    found = process(body, head, tail, xml_timers=xml_timers)
    assert found.causes == []
    return [(warning.pointer, warning.type, warning.detail) for warning in advise(found)]


def flow(source: str, target: str) -> str:
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}"/>'


def event(tag: str, definition: str = "", attributes: str = "") -> str:
    """An event `e` of that tag; a boundary event comes with the task it is attached to."""
    host = '<serviceTask id="host"/>' if tag == "boundaryEvent" else ""
    attached = 'attachedToRef="host"' if host else ""
    return f'{host}<{tag} id="e" {attached} {attributes}>{definition}</{tag}>'
