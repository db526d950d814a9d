"""Whether a file draws a process itself, so completely that nothing of it would be missing on a screen."""

from __future__ import annotations

from math import isfinite
from typing import Any

from defusedxml.ElementTree import DefusedXMLParser

from app.bpmn.model import Process
from app.bpmn.reader import WHITE_SPACE

_MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
_BOUNDS = "{http://www.omg.org/spec/DD/20100524/DC}Bounds"
_WAYPOINT = "{http://www.omg.org/spec/DD/20100524/DI}waypoint"
_PATH = (f"{_MODEL}definitions", f"{_DI}BPMNDiagram", f"{_DI}BPMNPlane")
"""Where shapes and edges are."""


def draws(xml: str, process: Process) -> bool:
    """Whether the well-formed XML has the namespace of BPMN, a shape for each element and an edge for each flow."""
    return read_drawing(xml).has(process)


def read_drawing(xml: str) -> Drawing:
    """What the well-formed XML has a place for."""
    seen = Drawing()
    if _DI[1:-1] in xml:
        parser = DefusedXMLParser(target=seen, forbid_dtd=True)
        parser.feed(xml.removeprefix("\ufeff"))
        parser.close()
    return seen


class Drawing:
    """Collects what has a place."""

    def __init__(self) -> None:
        self.shapes: set[str] = set()
        """Ids of what has a shape with bounds; `edges`: with at least two points. With and without their prefix."""
        self.edges: set[str] = set()
        self._open: list[str] = []
        self._drawn = ""
        """What the shape or edge at hand stands for."""
        self._points = 0

    def has(self, process: Process) -> bool:
        """Whether there is a shape for each element of a process and an edge for each flow."""
        elements = list(process.elements())[1:]
        flows = (flow for element in elements for flow in element.outgoing)
        return self.shapes.issuperset(element.id for element in elements) and self.edges.issuperset(
            flow.id for flow in flows
        )

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        depth = len(self._open)
        if depth == len(_PATH):
            self._drawn = str(attributes.get("bpmnElement", "")).strip(WHITE_SPACE)
            self._points = 0
        elif depth == len(_PATH) + 1 and self._drawn:
            self._take(name, attributes)
        self._open.append(name)

    def _take(self, name: str, attributes: dict[str, Any]) -> None:
        above = self._open[-1]
        if tuple(self._open[:-1]) != _PATH:
            return
        if above == f"{_DI}BPMNShape" and name == _BOUNDS and _are_numbers(attributes, "x", "y", "width", "height"):
            self.shapes |= _names(self._drawn)
        elif above == f"{_DI}BPMNEdge" and name == _WAYPOINT and _are_numbers(attributes, "x", "y"):
            self._points += 1
            if self._points > 1:
                self.edges |= _names(self._drawn)

    def end(self, _name: str) -> None:
        self._open.pop()

    def data(self, _text: str) -> None:
        """Text tells nothing."""

    def close(self) -> None:
        """Part of the parser's protocol."""


def _names(reference: str) -> set[str]:
    return {reference, reference.partition(":")[2] or reference}


def _are_numbers(attributes: dict[str, Any], *names: str) -> bool:
    try:
        return all(isfinite(float(attributes[name])) for name in names)
    except (KeyError, ValueError):
        return False
