"""What must hold of every drawing of a process."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from app.bpmn.layout import Box, Layout, lay_out
from app.bpmn.model import Element, Process, SequenceFlow


def check(process: Process) -> Layout:
    layout = lay_out(process)
    elements = list(process.elements())
    assert set(layout.shapes) == set(elements[1:])
    assert set(layout.edges) == {flow for element in elements for flow in element.outgoing}
    for scope in elements:
        check_scope(layout, scope)
    assert lay_out_again(process, layout), "the same process gets the same drawing"
    return layout


def lay_out_again(process: Process, layout: Layout) -> bool:
    again = lay_out(process)
    return (again.shapes, again.edges, again.labels) == (layout.shapes, layout.edges, layout.labels)


def check_scope(layout: Layout, scope: Element) -> None:
    shapes = {child: layout.shapes[child] for child in scope.children}
    for (one, box), (other, another) in combinations(shapes.items(), 2):
        if other is one.attached_to or one is other.attached_to:
            event, host = (box, another) if one.attached_to is other else (another, box)
            assert event.middle.y == host.bottom, (one.id, other.id)
            assert host.x <= event.middle.x <= host.right, (one.id, other.id)
        else:
            assert not overlap(box, another), (one.id, other.id)
    around = layout.shapes.get(scope)
    drawn = [*shapes.values(), *(layout.labels[child] for child in shapes if child in layout.labels)]
    if around is not None:
        assert all(within(box, around) for box in drawn)
    for child in shapes:
        if child in layout.labels:
            assert not any(overlap(layout.labels[child], box) for other, box in shapes.items()), child.id
        for flow in child.outgoing:
            check_flow(layout, flow, shapes, around)


def check_flow(layout: Layout, flow: SequenceFlow, shapes: dict[Element, Box], around: Box | None) -> None:
    points = layout.edges[flow]
    source, target = shapes[flow.source], shapes[flow.target]
    begin = (source.middle.x, source.bottom) if flow.source.attached_to else (source.right, source.middle.y)
    assert points[0] == begin
    assert points[-1] == (target.x, target.middle.y)
    assert len(points) > 1
    for one, other in pairwise(points):
        assert (one.x == other.x) != (one.y == other.y), (flow.id, points)
        line = Box(min(one.x, other.x), min(one.y, other.y), abs(one.x - other.x), abs(one.y - other.y))
        assert around is None or within(line, around), (flow.id, points)
        for element, box in shapes.items():
            assert not crosses(line, box), (flow.id, element.id, points, box)
    if flow in layout.labels:
        assert flow.name
        assert not any(overlap(layout.labels[flow], box) for box in shapes.values()), flow.id
        assert around is None or within(layout.labels[flow], around), flow.id


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def crosses(line: Box, box: Box) -> bool:
    """Whether a line without width goes through the inside of a box."""
    return line.x < box.right and box.x < line.right and line.y < box.bottom and box.y < line.bottom


def within(box: Box, around: Box) -> bool:
    return around.x <= box.x and box.right <= around.right and around.y <= box.y and box.bottom <= around.bottom


def lines_upon_each_other(layout: Layout) -> Iterator[tuple[SequenceFlow, SequenceFlow]]:
    """Flows with neither source nor target in common that share a piece of their way."""
    for (one, points), (other, others) in combinations(layout.edges.items(), 2):
        apart = one.source is not other.source and one.target is not other.target
        if apart and any(_share(a, b) for a in pairwise(points) for b in pairwise(others)):
            yield one, other


def _share(one: tuple[tuple[int, int], ...], other: tuple[tuple[int, int], ...]) -> bool:
    for axis in (0, 1):
        if len({point[axis] for point in (*one, *other)}) == 1:
            (a, b), (c, d) = (sorted(point[1 - axis] for point in line) for line in (one, other))
            return max(a, c) < min(b, d)
    return False
