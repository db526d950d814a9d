"""Where a BPMN file draws its elements: the planes of its diagrams, with their shapes and edges."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from py_bpmn._xml import Node

_FARTHEST = 1_000_000.0
"""Coordinates beyond are taken for mistakes."""


class Box(NamedTuple):
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> Point:
        return Point(self.x + self.width / 2, self.y + self.height / 2)

    def around(self, *points: Point) -> Box:
        """The smallest box with this one and the points in it."""
        xs = [self.x, self.x + self.width, *(point.x for point in points)]
        ys = [self.y, self.y + self.height, *(point.y for point in points)]
        return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


class Point(NamedTuple):
    x: float
    y: float


class File:
    """The elements of a file by id, and where it draws them."""

    def __init__(self, root: Node) -> None:
        self.elements: dict[str, Node] = {}
        self.parents: dict[str, Node] = {}
        """What is around an element, by its id."""
        self.planes: list[Node] = []
        for node in root.walk():
            if node.tag == "BPMNPlane":
                self.planes.append(node)
            elif node.namespace == root.namespace and node.get("id"):
                self.elements.setdefault(node.get("id"), node)
            for child in node.children:
                if child.get("id"):
                    self.parents.setdefault(child.get("id"), node)
        self.names = {id: name_of(node) for id, node in self.elements.items() if node.tag == "categoryValue"}

    def find(self, reference: str) -> Node | None:
        """What a reference means, with a prefix or without."""
        return self.elements.get(reference) or self.elements.get(reference.rpartition(":")[2])

    def source(self, flow: Node) -> Node | None:
        return self.find(flow.get("sourceRef"))


def name_of(node: Node) -> str:
    if node.tag == "textAnnotation":
        text = node.first("text")
        return text.text.strip() if text else ""
    return node.get("name") or (node.get("value") if node.tag == "categoryValue" else "")


@dataclass(slots=True, eq=False)
class Shape:
    id: str
    node: Node
    drawn: Node
    box: Box
    label: Box | None

    @property
    def is_expanded(self) -> bool:
        if self.drawn.get("isExpanded"):
            return self.drawn.is_true("isExpanded")
        return self.box.width > 110 or self.box.height > 90

    @property
    def is_band(self) -> bool:
        """Whether it is a participant in a choreography task."""
        return bool(self.drawn.get("participantBandKind"))

    @property
    def is_frame(self) -> bool:
        """Whether it has others in it."""
        tag = self.node.tag
        if self.is_band:
            return False
        return tag in POOLS or tag == "group" or (tag in SUB_PROCESSES and self.is_expanded)


@dataclass(slots=True, eq=False)
class Edge:
    id: str
    node: Node
    drawn: Node
    points: list[Point]
    label: Box | None


POOLS = ("participant", "lane")
SUB_PROCESSES = ("adHocSubProcess", "subChoreography", "subProcess", "transaction")
EVENTS = (
    "boundaryEvent",
    "endEvent",
    "implicitThrowEvent",
    "intermediateCatchEvent",
    "intermediateThrowEvent",
    "startEvent",
)
DATA = ("dataInput", "dataObject", "dataObjectReference", "dataOutput")
CONVERSATIONS = ("callConversation", "conversation", "subConversation")


@dataclass(slots=True, eq=False)
class Plane:
    """One diagram."""

    name: str
    """Of what it shows."""
    shapes: list[Shape]
    """In the order in which they lie upon each other."""
    edges: list[Edge]


def read_plane(file: File, plane: Node) -> Plane:
    """What the plane draws of the file's elements; what has no usable place is left out."""
    of = file.find(plane.get("bpmnElement"))
    found = Plane((name_of(of) or plane.get("bpmnElement")) if of else "", [], [])
    for drawn in plane.children:
        node = file.find(drawn.get("bpmnElement"))
        if node is None:
            continue
        label = drawn.first("BPMNLabel")
        bounds = _box(label.first("Bounds")) if label else None
        if drawn.tag == "BPMNShape" and (box := _box(drawn.first("Bounds"))):
            found.shapes.append(Shape(node.get("id"), node, drawn, box, bounds))
        elif drawn.tag == "BPMNEdge":
            points = [point for child in drawn.children if child.tag == "waypoint" and (point := _point(child))]
            if len(points) > 1:
                found.edges.append(Edge(node.get("id"), node, drawn, points, bounds))
    found.shapes.sort(key=_depth)
    return found


def _depth(shape: Shape) -> tuple[int, float]:
    """Frames from the outermost to the innermost; what lies on others comes last."""
    if shape.is_frame:
        order = {"participant": 0, "lane": 1, "group": 3}.get(shape.node.tag, 2)
        return order, -shape.box.width * shape.box.height
    return (5 if shape.node.tag == "boundaryEvent" or shape.is_band else 4), 0.0


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and abs(number) <= _FARTHEST else None


def _box(bounds: Node | None) -> Box | None:
    if bounds is None:
        return None
    x, y, w, h = (_number(bounds.get(name)) for name in ("x", "y", "width", "height"))
    if x is None or y is None or w is None or h is None or w < 0 or h < 0:
        return None
    return Box(x, y, w, h)


def _point(waypoint: Node) -> Point | None:
    x, y = _number(waypoint.get("x")), _number(waypoint.get("y"))
    return None if x is None or y is None else Point(x, y)
