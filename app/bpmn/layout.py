"""A drawing of a process: where its elements and flows are, computed from nothing but how they are connected.

Each scope is a grid of columns and rows (`layers`) with channels for its flows between them (`routing`). Scopes are
drawn from the inside out. The same process always gets the same drawing. Lengths are those of BPMN DI: pixels, with
the origin at the top left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from app.bpmn.kinds import ACTIVITIES, BOUNDARY_EVENTS, GATEWAYS, SCOPES, START_EVENTS, ElementType
from app.bpmn.layers import Places, place
from app.bpmn.model import Element, Process, SequenceFlow
from app.bpmn.routing import Channel, Net, Routes, Way, route

T = ElementType

Named = tuple[SequenceFlow, int, int]
"""A flow with the numbers of its source and its target."""

_BOXES = ACTIVITIES | {T.EVENT_SUB_PROCESS}
"""What has its name inside."""
TASK = (100, 80)
GATEWAY = (50, 50)
EVENT = (36, 36)
EMPTY_SCOPE = (140, 120)
"""The least size of a sub-process."""
LABEL_WIDTH = 90
_LINE_HEIGHT = 14
_CHARACTERS = 14
"""Of a line of a label."""
_MOST_LINES = 4
_TRACK = 12
_COLUMN_GAP = 50
_ROW_GAP = 34
_MARGIN = 25
"""Between a node and the first track beside it."""
_PADDING = 30
_HEADER = 20
"""Room for the name of a sub-process."""
_ORIGIN = (160, 80)


class Point(NamedTuple):
    x: int
    y: int


class Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def middle(self) -> Point:
        return Point(self.x + self.width // 2, self.y + self.height // 2)

    def moved(self, x: int, y: int) -> Box:
        return Box(self.x + x, self.y + y, self.width, self.height)


@dataclass(slots=True, eq=False)
class Layout:
    shapes: dict[Element, Box] = field(default_factory=dict)
    """Of all elements but the process."""
    edges: dict[SequenceFlow, list[Point]] = field(default_factory=dict)
    """From the border of the source to that of the target."""
    labels: dict[Element | SequenceFlow, Box] = field(default_factory=dict)
    """Of events, gateways and flows that have a name; other names stand in their shapes."""


def lay_out(process: Process) -> Layout:
    """The drawing of a process, which need not satisfy any rule."""
    elements = list(process.elements())
    drawn: dict[Element, _Scope] = {}
    for element in reversed(elements):
        if element.children or element.type in SCOPES:
            drawn[element] = _Scope(element, drawn)
    layout = Layout()
    origins = {process.element: Point(*_ORIGIN)}
    for element in elements:
        if element in drawn:
            scope, origin = drawn[element], origins[element]
            for child, box in scope.shapes.items():
                layout.shapes[child] = box.moved(*origin)
                origins[child] = Point(layout.shapes[child].x + _PADDING, layout.shapes[child].y + _PADDING + _HEADER)
            for flow, points in scope.edges.items():
                layout.edges[flow] = [Point(x + origin.x, y + origin.y) for x, y in points]
            for labelled, box in scope.labels.items():
                layout.labels[labelled] = box.moved(*origin)
    return layout


def label_height(name: str) -> int:
    lines = sum(1 + max(len(line) - 1, 0) // _CHARACTERS for line in name.splitlines()[:_MOST_LINES])
    return _LINE_HEIGHT * min(lines, _MOST_LINES)


class _Cell:
    """What a node takes up around its middle, with its boundary events and its label."""

    __slots__ = ("attached", "down", "element", "half", "height", "spacing", "up", "width")

    def __init__(self, element: Element, attached: Sequence[Element], scope: _Scope | None) -> None:
        self.element = element
        self.attached = attached
        self.width, self.height = _size(element, scope)
        named = any(event.name for event in attached)
        self.spacing = LABEL_WIDTH + 10 if named else EVENT[0] + 14
        self.width = max(self.width, len(attached) * self.spacing)
        self.up = self.down = self.height // 2
        self.half = self.width // 2
        if attached:
            self.down += EVENT[1] // 2 + max(label_height(event.name) for event in attached)
        elif element.name and _is_labelled(element):
            self.down += 4 + label_height(element.name)
            self.half = max(self.half, LABEL_WIDTH // 2)

    def box(self, middle: Point) -> Box:
        return Box(middle.x - self.width // 2, middle.y - self.height // 2, self.width, self.height)

    def label(self, box: Box) -> Box:
        height = label_height(self.element.name)
        return Box(box.middle.x - LABEL_WIDTH // 2, box.bottom + 4, LABEL_WIDTH, height)

    def events(self, box: Box) -> Iterable[tuple[Element, Box, Box]]:
        """The boundary events on the lower border, the first on the right, with their shapes and labels."""
        x = box.right - 20
        for event in self.attached:
            shape = Box(x - EVENT[0] // 2, box.bottom - EVENT[1] // 2, *EVENT)
            label = Box(x - 4 - LABEL_WIDTH, shape.bottom, LABEL_WIDTH, label_height(event.name))
            yield event, shape, label
            x -= self.spacing


def _size(element: Element, scope: _Scope | None) -> tuple[int, int]:
    if scope is not None:
        inner = (scope.width + 2 * _PADDING, scope.height + 2 * _PADDING + _HEADER)
        return max(inner[0], EMPTY_SCOPE[0]), max(inner[1], EMPTY_SCOPE[1])
    if element.type in _BOXES:
        return TASK
    return GATEWAY if element.type in GATEWAYS else EVENT


def _is_labelled(element: Element) -> bool:
    return element.type not in _BOXES


class _Scope:
    """The inside of a scope, with its own origin."""

    def __init__(self, element: Element, drawn: Mapping[Element, _Scope]) -> None:
        self.shapes: dict[Element, Box] = {}
        self.edges: dict[SequenceFlow, list[Point]] = {}
        self.labels: dict[Element | SequenceFlow, Box] = {}
        attached = {child: host for child in element.children if (host := _host(child)) is not None}
        nodes = [child for child in element.children if child not in attached]
        self._cells = [
            _Cell(node, [event for event in node.attached if event in attached], drawn.get(node)) for node in nodes
        ]
        self._number = {node: number for number, node in enumerate(nodes)}
        self._number |= {event: self._number[host] for event, host in attached.items()}
        self._attached = attached
        self._flows = [flow for child in element.children for flow in child.outgoing]
        links = [
            (self._number[flow.source], self._number[flow.target], flow.source in attached) for flow in self._flows
        ]
        starts = [number for number, node in enumerate(nodes) if node.type in START_EVENTS]
        self._places = place(len(nodes), links, starts)
        self._routes = route(links, self._places)
        named = [(flow, source, target) for flow, (source, target, _) in zip(self._flows, links, strict=True)]
        self._grid = _Grid(self._cells, self._places, self._routes, named)
        self.width, self.height = self._grid.width, self._grid.height
        self._draw_nodes()
        for number in range(len(self._flows)):
            self._draw_flow(number)

    def _draw_nodes(self) -> None:
        for cell, column, row in zip(self._cells, *self._places, strict=True):
            box = cell.box(Point(self._grid.columns[column], self._grid.rows[row]))
            self.shapes[cell.element] = box
            if cell.element.name and _is_labelled(cell.element):
                self.labels[cell.element] = cell.label(box)
            for event, shape, label in cell.events(box):
                self.shapes[event] = shape
                if event.name:
                    self.labels[event] = label

    def _draw_flow(self, number: int) -> None:
        flow = self._flows[number]
        source, target = self.shapes[flow.source], self.shapes[flow.target]
        points = self._ends(flow, source, target)
        if flow.target not in self._attached:
            points[1:1] = self._bends(number, points[0], points[1])
        self.edges[flow] = _straightened(points)
        if flow.name:
            self.labels[flow] = self._grid.label(number, self.edges[flow])

    def _ends(self, flow: SequenceFlow, source: Box, target: Box) -> list[Point]:
        low = flow.source in self._attached
        begin = Point(source.middle.x, source.bottom) if low else Point(source.right, source.middle.y)
        if flow.target in self._attached:
            return [begin, Point(target.middle.x, target.bottom)]
        return [begin, Point(target.x, target.middle.y)]

    def _bends(self, number: int, begin: Point, end: Point) -> list[Point]:
        way, grid = self._routes.ways[number], self._grid
        source = self._number[self._flows[number].source]
        target = self._number[self._flows[number].target]
        if way is Way.STRAIGHT:
            return []
        if way is Way.DROP:
            return [Point(begin.x, end.y)]
        turn = self._routes.turns[number]
        if way is Way.STEP:
            x = grid.x(self._places.columns[source] + 1, turn)
            return [Point(x, begin.y), Point(x, end.y)]
        y = grid.y(self._routes.between_rows[number], ("t", target))
        before = grid.x(self._places.columns[target], ("t", target))
        way_out = [Point(begin.x, y)]
        if way is Way.BRIDGE:
            x = grid.x(self._places.columns[source] + 1, turn)
            way_out = [Point(x, begin.y), Point(x, y)]
        return [*way_out, Point(before, y), Point(before, end.y)]


def _host(element: Element) -> Element | None:
    """The activity on whose border the element is drawn."""
    host = element.attached_to
    if element.type not in BOUNDARY_EVENTS or host is None:
        return None
    return host if host.parent is element.parent and host.attached_to is None else None


def _straightened(points: Sequence[Point]) -> list[Point]:
    """The points without those between two others of one line, but both ends."""
    found: list[Point] = []
    for point in points:
        if found and point == found[-1]:
            continue
        if len(found) > 1 and (found[-2].x == found[-1].x == point.x or found[-2].y == found[-1].y == point.y):
            found[-1] = point
        else:
            found.append(point)
    return found if len(found) > 1 else [*found, points[-1]]


class _Grid:
    """The coordinates of columns, rows, tracks, and of the labels of flows."""

    def __init__(self, cells: Sequence[_Cell], places: Places, routes: Routes, flows: Sequence[Named]) -> None:
        self._routes = routes
        self._labels = _Labels(flows, places, routes)
        halves = [0] * (max(places.columns, default=-1) + 1)
        ups, downs = [0] * len(routes.horizontal[:-1]), [0] * len(routes.horizontal[:-1])
        for cell, column, row in zip(cells, *places, strict=True):
            halves[column] = max(halves[column], cell.half)
            ups[row] = max(ups[row], cell.up)
            downs[row] = max(downs[row], cell.down)
        wide = [_gap(routes.vertical, n, _COLUMN_GAP) + self._labels.wide(n) for n in range(len(routes.vertical))]
        deep = [_gap(routes.horizontal, n, _ROW_GAP) + self._labels.deep(n) for n in range(len(routes.horizontal))]
        self._left, self.width = _positions(wide, [2 * half for half in halves])
        self._top, self.height = _positions(deep, [up + down for up, down in zip(ups, downs, strict=True)])
        self.columns = [x + gap + half for x, gap, half in zip(self._left, wide, halves, strict=False)]
        self.rows = [y + gap + up for y, gap, up in zip(self._top, deep, ups, strict=False)]

    def x(self, channel: int, net: Net) -> int:
        return self._left[channel] + _MARGIN + _TRACK * self._routes.vertical[channel].wires[net].track

    def y(self, channel: int, net: Net) -> int:
        track = self._routes.horizontal[channel].wires[net].track
        return self._top[channel] + self._labels.deep(channel) + _ROW_GAP // 2 + _TRACK * track

    def label(self, number: int, points: Sequence[Point]) -> Box:
        """Beside the first piece of a flow that it has for itself."""
        spot, offset, height = self._labels.spots[number]
        way, begin, end = self._routes.ways[number], points[0], points[-1]
        x, y = begin.x + 6, end.y - 4 - height
        if way in (Way.STRAIGHT, Way.STEP):
            tracks = self._routes.vertical[spot.channel].tracks
            x, y = self._left[spot.channel] + _MARGIN + _TRACK * max(tracks - 1, 0) + 8, y - offset
        elif way in (Way.BRIDGE, Way.UNDERPASS):
            corner, following = points[2:4] if way is Way.BRIDGE else points[1:3]
            x = corner.x + 6 if following.x > corner.x else max(0, corner.x - 6 - LABEL_WIDTH)
            y = self._top[spot.channel] + 4 + offset
        return Box(x, y, LABEL_WIDTH, height)


class _Spot(NamedTuple):
    between_rows: bool
    channel: int
    place: int


class _Labels:
    """Where the labels of flows are: those at one spot above each other."""

    def __init__(self, flows: Sequence[Named], places: Places, routes: Routes) -> None:
        self.spots: dict[int, tuple[_Spot, int, int]] = {}
        """By flow: spot, distance from it, height."""
        stacks: dict[_Spot, int] = {}
        for number, (flow, source, target) in enumerate(flows):
            if flow.name:
                way, height = routes.ways[number], label_height(flow.name)
                if way in (Way.BRIDGE, Way.UNDERPASS):
                    spot = _Spot(True, routes.between_rows[number], 2 * places.columns[source] + (way is Way.BRIDGE))
                else:
                    spot = _Spot(False, places.columns[source] + 1, places.rows[target])
                offset = stacks.get(spot, 0)
                stacks[spot] = offset + height
                self.spots[number] = spot, offset, height
        self._wide = {spot.channel for spot in stacks if not spot.between_rows}
        self._deep: dict[int, int] = {}
        for spot, height in stacks.items():
            if spot.between_rows:
                self._deep[spot.channel] = max(self._deep.get(spot.channel, 0), height + 4)

    def wide(self, channel: int) -> int:
        """What they add to the width of a channel between columns."""
        return LABEL_WIDTH if channel in self._wide else 0

    def deep(self, channel: int) -> int:
        """What they add to the height of a channel between rows."""
        return self._deep.get(channel, 0)


def _gap(channels: Sequence[Channel], number: int, least: int) -> int:
    """The width of a channel; at the edge of a scope there is none unless it is used."""
    tracks = channels[number].tracks
    if not tracks and number in (0, len(channels) - 1):
        return 0
    return least + _TRACK * max(tracks - 1, 0)


def _positions(gaps: Sequence[int], sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where each gap begins if sizes stand between them; and the end of the last one, rounded up to be even."""
    steps = [gap + size for gap, size in zip(gaps, [*sizes, 0], strict=False)]
    *begins, end = accumulate(steps, initial=0)
    return begins, end + end % 2
