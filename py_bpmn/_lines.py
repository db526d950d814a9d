"""How each kind of flow looks, and where its name is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import hypot

from py_bpmn import _icons
from py_bpmn._diagram import Edge, File, Point
from py_bpmn._ink import LABEL_FONT, Text, circle, icon, n, path
from py_bpmn._text import LINE, width, wrap

_DIRECTED = {"One": (False, True), "Both": (True, True)}
_ASSOCIATIONS = ("association", "dataAssociation", "dataInputAssociation", "dataOutputAssociation")


def line(edge: Edge, file: File) -> Iterator[str]:
    tag, points = edge.node.tag, edge.points
    if tag == "conversationLink":
        yield path(_way(points), "way double")
        yield path(_way(points), "way inner")
        return
    if tag in _ASSOCIATIONS:
        yield path(_way(points), "way dotted")
        directed = _DIRECTED.get(edge.node.get("associationDirection"), (False, tag != "association"))
        for is_there, head in zip(directed, (points[::-1], points), strict=True):
            if is_there:
                yield path(_head(head, 9, 5.5), "thin")
        return
    if tag == "messageFlow":
        yield path(_way(points), "way dashed")
        yield circle(points[0], 4, "line paper")
        yield path(_head(points, 11, 5.5) + "z", "line paper")
        visible = edge.drawn.get("messageVisibleKind")
        if visible:
            yield icon(_icons.event("message", throws=visible != "initiating"), _halfway(points))
        return
    yield path(_way(points), "way")
    yield path(_head(points, 10, 4.4) + "z", "full")
    yield from _start(edge, file)


def _start(edge: Edge, file: File) -> Iterator[str]:
    """The slash of a default flow, the diamond of a conditional one."""
    source = file.source(edge.node)
    if source is None:
        return
    first, second = edge.points[0], edge.points[1]
    along = _unit(first, second)
    if source.get("default") and file.find(source.get("default")) is edge.node:
        at = Point(first.x + along.x * 11, first.y + along.y * 11)
        one = Point(at.x + along.x * 3.5 + along.y * 5.5, at.y + along.y * 3.5 - along.x * 5.5)
        other = Point(2 * at.x - one.x, 2 * at.y - one.y)
        yield path(f"M{_at(one)}L{_at(other)}", "way")
    elif edge.node.first("conditionExpression") and not source.tag.endswith("Gateway"):
        corners = [(0.0, 0.0), (7.5, 4.5), (15.0, 0.0), (7.5, -4.5)]
        turned = [Point(first.x + along.x * a - along.y * b, first.y + along.y * a + along.x * b) for a, b in corners]
        yield path("M" + "L".join(_at(point) for point in turned) + "z", "line paper")


def _at(point: Point) -> str:
    return f"{n(point.x)} {n(point.y)}"


def _unit(one: Point, other: Point) -> Point:
    far = hypot(other.x - one.x, other.y - one.y)
    return Point((other.x - one.x) / far, (other.y - one.y) / far) if far else Point(1.0, 0.0)


def _head(points: Sequence[Point], long: float, half: float) -> str:
    """An arrow head at the last point, open at its back."""
    tip = points[-1]
    before = next((point for point in reversed(points) if point != tip), tip)
    back = _unit(tip, before)
    x, y = tip.x + back.x * long, tip.y + back.y * long
    one, other = Point(x - back.y * half, y + back.x * half), Point(x + back.y * half, y - back.x * half)
    return f"M{_at(one)}L{_at(tip)}L{_at(other)}"


def _way(points: Sequence[Point]) -> str:
    """The line, with its corners rounded."""
    parts = [f"M{_at(points[0])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(
            6.0, hypot(corner.x - before.x, corner.y - before.y) / 2, hypot(after.x - corner.x, after.y - corner.y) / 2
        )
        back, on = _unit(corner, before), _unit(corner, after)
        begin = Point(corner.x + back.x * radius, corner.y + back.y * radius)
        end = Point(corner.x + on.x * radius, corner.y + on.y * radius)
        parts.append(f"L{_at(begin)}Q{_at(corner)} {_at(end)}")
    return "".join(parts) + f"L{_at(points[-1])}"


def _halfway(points: Sequence[Point]) -> Point:
    left = sum(hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(points)) / 2
    for a, b in pairwise(points):
        far = hypot(b.x - a.x, b.y - a.y)
        if far >= left and far:
            return Point(a.x + (b.x - a.x) * left / far, a.y + (b.y - a.y) * left / far)
        left -= far
    return points[-1]


def edge_label(edge: Edge, name: str) -> Text:
    box = edge.label
    if box is not None and box.width > 0:
        lines = wrap(name, LABEL_FONT, max(box.width + 6, 60.0), 6)
        return Text(lines, box.middle.x, box.y, LABEL_FONT, "label")
    lines = wrap(name, LABEL_FONT, 100, 3)
    high = len(lines) * LABEL_FONT * LINE
    one, other = max(pairwise(edge.points), key=lambda pair: hypot(pair[1].x - pair[0].x, pair[1].y - pair[0].y))
    x, y = (one.x + other.x) / 2, (one.y + other.y) / 2
    if abs(one.x - other.x) < abs(one.y - other.y):
        wide = max((width(line, LABEL_FONT) for line in lines), default=0.0)
        return Text(lines, x + wide / 2 + 6, y - high / 2, LABEL_FONT, "label")
    return Text(lines, x, y - high - 3, LABEL_FONT, "label")
