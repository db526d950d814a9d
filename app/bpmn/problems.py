"""What is wrong with an element, noted while it is read."""

from __future__ import annotations

from app.bpmn.model import Element, Problem
from app.bpmn.reader import Place


def refuse(element: Element, construct: str, place: Place) -> None:
    """Notes that a construct can't be executed, whatever else is said about the element."""
    who = f"element {element.id}" if element.id else "element without ID"
    element.report(Problem("element", f"{who} is not supported: {construct} (line {place.line})", element, place))
    element.refused = True


def object_to(element: Element, sentence: str, place: Place) -> None:
    """Notes what is wrong about something that could be executed otherwise."""
    element.report(Problem("element", f"{sentence} (line {place.line})", element, place))
