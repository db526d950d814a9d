"""A picture of a BPMN file, as SVG that needs nothing else: from the shapes and edges that the file itself has.

Each shape and each flow is a group with the attribute `data-element-id`. The picture adapts to dark backgrounds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from py_bpmn._diagram import (
    CONVERSATIONS,
    DATA,
    EVENTS,
    POOLS,
    Box,
    Edge,
    File,
    Plane,
    Point,
    Shape,
    name_of,
    read_plane,
)
from py_bpmn._figures import ROOM, figure, shape_label
from py_bpmn._ink import LABEL_FONT, Text, n, rect
from py_bpmn._lines import edge_label, line
from py_bpmn._text import MOST_OF_TOOLTIP, shown, width
from py_bpmn._xml import Node, UnreadableError, read
from py_bpmn.errors import BpmnClientError

MOST_PARTS = 50_000
"""Shapes and edges of a picture."""
_MARGIN = 20.0

STYLE = """
.bpmn-svg{font:12px/1.25 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
.bpmn-svg .page{fill:#fff}
.bpmn-svg .line,.bpmn-svg .bold,.bpmn-svg .shape,.bpmn-svg .way{stroke:#24292f;fill:none;stroke-width:1.2}
.bpmn-svg path,.bpmn-svg circle,.bpmn-svg rect{stroke-linecap:round;stroke-linejoin:round}
.bpmn-svg .shape{fill:#fff;stroke-width:1.5}
.bpmn-svg .shape.frame{fill:#f6f8fa;fill-opacity:.55}
.bpmn-svg .shape.shaded{fill:#d8dee4}
.bpmn-svg .shape.thick{stroke-width:3.6}
.bpmn-svg .shape.none{fill:none}
.bpmn-svg .shape.dotted,.bpmn-svg .line.dotted{stroke-dasharray:1 4}
.bpmn-svg .shape.dashed,.bpmn-svg .line.dashed{stroke-dasharray:5 3.5}
.bpmn-svg .shape.group{fill:none;stroke:#6e7781;stroke-dasharray:9 4 1.5 4}
.bpmn-svg .shape.blank{stroke:none}
.bpmn-svg .bold{stroke-width:2.4}
.bpmn-svg .thin{stroke:#6e7781;fill:none;stroke-width:1.2}
.bpmn-svg .full{fill:#24292f;stroke:#24292f;stroke-width:1;stroke-linejoin:round}
.bpmn-svg .paper{fill:#fff}
.bpmn-svg .gap{stroke:#fff;fill:none;stroke-width:1.2}
.bpmn-svg .way{stroke-width:1.5}
.bpmn-svg .way.dashed{stroke-dasharray:6 4}
.bpmn-svg .way.dotted{stroke:#6e7781;stroke-dasharray:1 4.5}
.bpmn-svg .way.double{stroke-width:4}
.bpmn-svg .way.inner{stroke:#fff;stroke-width:1.6}
.bpmn-svg text{fill:#24292f;stroke:none}
.bpmn-svg .label{font-size:11px;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}
.bpmn-svg .heading{font-size:15px;font-weight:600}
.bpmn-svg .taken>.way{stroke:#1a7f37;stroke-width:3}
.bpmn-svg .taken>.full{fill:#1a7f37;stroke:#1a7f37}
.bpmn-svg .missed>.way{stroke:#cf222e;stroke-width:2;stroke-dasharray:6 4}
.bpmn-svg .missed>.full{fill:#cf222e;stroke:#cf222e}
.bpmn-svg .missed>.shape{stroke:#cf222e;stroke-dasharray:6 4}
.bpmn-svg .missed>.shape:not(.frame):not(.none){fill:#ffebe9}
.bpmn-svg .visited>.shape:not(.frame):not(.none){fill:#dafbe1}
.bpmn-svg .visited>.shape{stroke:#1a7f37}
.bpmn-svg .badge{fill:#1a7f37}
.bpmn-svg .count{fill:#fff;font-size:10px;font-weight:600}
@media (prefers-color-scheme:dark){
.bpmn-svg .page{fill:#0d1117}
.bpmn-svg .line,.bpmn-svg .bold,.bpmn-svg .shape,.bpmn-svg .way{stroke:#d0d7de}
.bpmn-svg .thin,.bpmn-svg .shape.group,.bpmn-svg .way.dotted{stroke:#8b949e}
.bpmn-svg .shape,.bpmn-svg .paper{fill:#161b22}
.bpmn-svg .line:not(.paper),.bpmn-svg .bold,.bpmn-svg .way,.bpmn-svg .shape.none,.bpmn-svg .shape.group{fill:none}
.bpmn-svg .shape.frame{fill:#161b22}
.bpmn-svg .shape.shaded{fill:#30363d}
.bpmn-svg .full{fill:#d0d7de;stroke:#d0d7de}
.bpmn-svg .gap,.bpmn-svg .way.inner{stroke:#161b22}
.bpmn-svg text{fill:#e6edf3}
.bpmn-svg .label{stroke:#0d1117}
.bpmn-svg .taken>.way{stroke:#3fb950}
.bpmn-svg .taken>.full{fill:#3fb950;stroke:#3fb950}
.bpmn-svg .missed>.way,.bpmn-svg .missed>.shape{stroke:#ff7b72}
.bpmn-svg .missed>.full{fill:#ff7b72;stroke:#ff7b72}
.bpmn-svg .missed>.shape:not(.frame):not(.none){fill:#3d1418}
.bpmn-svg .visited>.shape:not(.frame):not(.none){fill:#12261e}
.bpmn-svg .visited>.shape{stroke:#3fb950}
.bpmn-svg .badge{fill:#238636}
}
"""


class DrawingError(BpmnClientError):
    """The file can't be drawn, for the reason in the message."""


def draw(
    xml: str | bytes,
    *,
    taken_flows: Collection[str] = frozenset(),
    missed_flows: Collection[str] = frozenset(),
    visits: Mapping[str, int] | None = None,
    missed: Collection[str] = frozenset(),
    title: str = "",
) -> str:
    """The diagrams of a BPMN file, one below the other.

    Flows that were taken are strong, and those that were missed are red and dashed, as are missed elements. Elements
    with visits show their number. Raises DrawingError for a file without a diagram.
    """
    try:
        root = read(xml)
    except UnreadableError as error:
        raise DrawingError(f"this can't be drawn: {error}") from None
    marks = _Marks(taken_flows, missed_flows, visits or {}, missed)
    file = File(root)
    planes = [_Picture(file, read_plane(file, plane)) for plane in file.planes]
    planes = [plane for plane in planes if plane.shapes or plane.edges]
    if not planes:
        raise DrawingError(
            "the file has no diagram: the service answers one with computed positions, GET /processes/{id}/diagram of "
            "a deployed process, or the diagram of POST /processes/check"
        )
    if sum(len(plane.shapes) + len(plane.edges) for plane in planes) > MOST_PARTS:
        raise DrawingError(f"the file draws more than {MOST_PARTS} shapes and edges, which is too much for a picture")
    return _page(planes, marks, title)


def _page(planes: Sequence[_Picture], marks: _Marks, title: str) -> str:
    parts: list[str] = []
    below, right = 0.0, 0.0
    for plane in planes:
        head = 34.0 if len(planes) > 1 else 0.0
        box = plane.box
        if head:
            heading = escape(shown(plane.name, 100))
            parts.append(f'<text class="heading" x="{n(_MARGIN)}" y="{n(below + 26)}">{heading}</text>')
        shift = f"{n(_MARGIN - box.x)} {n(below + head + _MARGIN - box.y)}"
        parts.append(f'<g transform="translate({shift})">')
        parts += plane.draw(marks)
        parts.append("</g>")
        below += head + box.height + 2 * _MARGIN
        right = max(right, box.width + 2 * _MARGIN)
    size = f'width="{n(right)}" height="{n(below)}"'
    view = f'viewBox="0 0 {n(right)} {n(below)}"'
    label = escape(shown(title, 200), quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bpmn-svg" {size} {view} role="img"'
        + (f' aria-label="{label}"><title>{label}</title>' if label else ">")
        + f'<style>{STYLE}</style><rect class="page" {size}/>'
        + "".join(parts)
        + "</svg>\n"
    )


@dataclass(frozen=True, slots=True)
class _Marks:
    taken_flows: Collection[str]
    missed_flows: Collection[str]
    visits: Mapping[str, int]
    missed: Collection[str]

    def of_flow(self, id: str) -> str:
        return "taken" if id in self.taken_flows else "missed" if id in self.missed_flows else ""

    def of_shape(self, id: str) -> str:
        return "visited" if self.visits.get(id) else "missed" if id in self.missed else ""


class _Picture:
    """A plane, and the texts beside its shapes and flows."""

    def __init__(self, file: File, plane: Plane) -> None:
        self._file = file
        self.name, self.shapes, self.edges = plane.name, plane.shapes, plane.edges
        parts: list[Shape | Edge] = [*self.shapes, *self.edges]
        self._room = self._rooms()
        self._texts = {id(part): self._label(part) for part in parts}

    @property
    def box(self) -> Box:
        """All that is drawn."""
        first = self.shapes[0].box if self.shapes else Box(*self.edges[0].points[0], 0, 0)
        found = first
        for shape in self.shapes:
            x, y, width, height = shape.box
            found = found.around(Point(x, y), Point(x + width, y + height))
        for edge in self.edges:
            found = found.around(*edge.points)
        for text in self._texts.values():
            if text is not None:
                found = found.around(*text.corners)
        return found

    def draw(self, marks: _Marks) -> Iterator[str]:
        frames = [shape for shape in self.shapes if shape.is_frame]
        others = [shape for shape in self.shapes if not shape.is_frame]
        yield from (self._draw_shape(shape, marks) for shape in frames)
        # Where flows share a way, the one that was taken is seen.
        edges = sorted(self.edges, key=lambda edge: ("missed", "", "taken").index(marks.of_flow(edge.id)))
        yield from (self._draw_edge(edge, marks) for edge in edges)
        yield from (self._draw_shape(shape, marks) for shape in others)

    def _draw_shape(self, shape: Shape, marks: _Marks) -> str:
        mark = marks.of_shape(shape.id)
        text = self._texts[id(shape)]
        inner = "".join(figure(shape, self._file)) + (text.draw() if text else "")
        return _group(shape.id, shape.node, mark, inner + _badge(shape, marks.visits.get(shape.id, 0)))

    def _draw_edge(self, edge: Edge, marks: _Marks) -> str:
        mark = marks.of_flow(edge.id)
        text = self._texts[id(edge)]
        return _group(edge.id, edge.node, mark, "".join(line(edge, self._file)) + (text.draw() if text else ""))

    def _label(self, part: Shape | Edge) -> Text | None:
        """What stands beside a shape or at an edge; names within shapes belong to their figures."""
        name = name_of(part.node)
        if isinstance(part, Edge):
            return edge_label(part, name) if name else None
        if part.node.tag == "group":
            value = self._file.find(part.node.get("categoryValueRef"))
            name = name_of(value) if value else ""
            box = part.label or Box(part.box.x, part.box.y + 4, part.box.width, 20)
            return Text.in_box(name, box, LABEL_FONT, "label") if name else None
        state = part.node.first("dataState")
        if state is not None and state.get("name"):
            name = f"{name}\n[{state.get('name')}]"
        has_label = part.node.tag in (*EVENTS, *DATA, *CONVERSATIONS, "dataStoreReference", "dataStore", "message")
        if not name or not (has_label or part.node.tag.endswith("Gateway")):
            return None
        return shape_label(part, name, self._room.get(id(part), max(ROOM, part.box.width)))

    def _rooms(self) -> dict[int, float]:
        """How wide the labels below boundary events may be: these stand side by side."""
        by_host: dict[str, list[Shape]] = {}
        for shape in self.shapes:
            if shape.node.tag == "boundaryEvent":
                by_host.setdefault(shape.node.get("attachedToRef"), []).append(shape)
        rooms: dict[int, float] = {}
        for events in by_host.values():
            events.sort(key=lambda event: event.box.middle)
            for one, other in pairwise(events):
                apart = other.box.middle.x - one.box.middle.x - 4
                if abs(other.box.middle.y - one.box.middle.y) < one.box.height:
                    for event in (one, other):
                        rooms[id(event)] = max(min(rooms.get(id(event), ROOM), apart), event.box.width)
        return rooms


def _group(id: str, node: Node, mark: str, inner: str) -> str:
    name = name_of(node)
    tooltip = escape(shown(f"{name} ({id})" if name else id, MOST_OF_TOOLTIP))
    attributes = f'data-element-id="{escape(shown(id, MOST_OF_TOOLTIP), quote=True)}" data-type="{escape(node.tag)}"'
    kind = f' class="{mark}"' if mark else ""
    return f"<g{kind} {attributes}><title>{tooltip}</title>{inner}</g>"


def _badge(shape: Shape, count: int) -> str:
    if not count or shape.node.tag in POOLS:
        return ""
    text = str(count) if count < 10_000 else f"{count // 1000}k"
    half = width(text, 10) / 2 + 5
    x, y = shape.box.x + shape.box.width - 4, shape.box.y
    box = Box(x - half, y - 7.5, 2 * half, 15)
    return (
        rect(box, "badge", 7.5) + f'<text class="count" x="{n(x)}" y="{n(y + 3.6)}" text-anchor="middle">{text}</text>'
    )
