"""Columns and rows for the nodes of one scope, so that flows lead from left to right wherever they can.

The steps are those of layered drawing (K. Sugiyama et al., Methods for visual understanding of hierarchical system
structures, 1981): flows that close a loop are set apart, each node comes one column behind the last of those before
it, and the nodes of a column are ordered by what they are connected with. Nodes are numbers here. The same nodes and
flows always get the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Flow = tuple[int, int, bool]
"""Source, target, and whether it leaves the source downwards: from a boundary event."""


class Places(NamedTuple):
    columns: list[int]
    rows: list[int]


def place(count: int, flows: Sequence[Flow], starts: Sequence[int]) -> Places:
    """Column and row of each of the nodes 0 to `count` - 1; no two have the same. `starts` come first."""
    found, forward = _visit(count, flows, starts)
    after: list[list[tuple[int, bool]]] = [[] for _ in range(count)]
    before: list[list[tuple[int, bool]]] = [[] for _ in range(count)]
    for source, target, low in forward:
        after[source].append((target, low))
        before[target].append((source, low))
    columns = _columns(found, after, before, frozenset(starts))
    layers = _layers(found, columns)
    _order(layers, before, after)
    return Places(_dense(columns), _dense(_rows(layers, before, after)))


def _dense(numbers: Sequence[int]) -> list[int]:
    """The numbers without gaps between them."""
    places = {number: place for place, number in enumerate(sorted(set(numbers)))}
    return [places[number] for number in numbers]


class _Found(NamedTuple):
    first: list[int]
    """The nodes in the order in which they are met."""
    last: list[int]
    """The nodes in an order in which each precedes all that its forward flows lead to."""


def _visit(count: int, flows: Sequence[Flow], starts: Sequence[int]) -> tuple[_Found, list[Flow]]:
    """A depth-first search, and the flows without those that lead back to where the search has come from."""
    leaving: list[list[Flow]] = [[] for _ in range(count)]
    entered = [False] * count
    for flow in flows:
        leaving[flow[0]].append(flow)
        entered[flow[1]] = True
    roots = [*starts, *(node for node in range(count) if not entered[node]), *range(count)]
    first: list[int] = []
    last: list[int] = []
    forward: list[Flow] = []
    met, left = [False] * count, [False] * count
    for root in roots:
        if met[root]:
            continue
        met[root] = True
        first.append(root)
        path = [(root, iter(leaving[root]))]
        while path:
            node, rest = path[-1]
            for flow in rest:
                target = flow[1]
                if not met[target]:
                    forward.append(flow)
                    met[target] = True
                    first.append(target)
                    path.append((target, iter(leaving[target])))
                    break
                if left[target]:
                    forward.append(flow)
            else:
                left[node] = True
                last.append(node)
                path.pop()
    last.reverse()
    return _Found(first, last), forward


Neighbours = Sequence[Sequence[tuple[int, bool]]]


def _columns(found: _Found, after: Neighbours, before: Neighbours, starts: frozenset[int]) -> list[int]:
    """The longest path to each node; what nothing leads to stands right before what follows, unless it is a start."""
    columns = [0] * len(found.first)
    for node in found.last:
        for target, _ in after[node]:
            columns[target] = max(columns[target], columns[node] + 1)
    for node in found.last:
        if not before[node] and after[node] and node not in starts:
            columns[node] = min(columns[target] for target, _ in after[node]) - 1
    return columns


def _layers(found: _Found, columns: Sequence[int]) -> list[list[int]]:
    layers: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for node in found.first:
        layers[columns[node]].append(node)
    return layers


def _order(layers: list[list[int]], before: Neighbours, after: Neighbours) -> None:
    """Two sweeps: by the mean place of those before, from left to right, and by that of those behind."""
    places = {node: float(place) for layer in layers for place, node in enumerate(layer)}
    for sweep, neighbours in ((layers, before), (layers[::-1], after)):
        for layer in sweep:
            wanted = {node: _mean(node, neighbours[node], places) for node in layer}
            layer.sort(key=wanted.__getitem__)
            places.update((node, float(place)) for place, node in enumerate(layer))


def _mean(node: int, neighbours: Sequence[tuple[int, bool]], places: dict[int, float]) -> float:
    if not neighbours:
        return places[node]
    return sum(places[other] + low / 2 for other, low in neighbours) / len(neighbours)


def _rows(layers: list[list[int]], before: Neighbours, after: Neighbours) -> list[int]:
    """Each node in the row of the topmost of its neighbours, or below it where that is taken."""
    rows = [0] * len(before)
    for layer in layers:
        free = 0
        for node in layer:
            wanted = min((rows[source] + low for source, low in before[node]), default=0)
            rows[node] = max(free, wanted)
            free = rows[node] + 1
    for layer in reversed(layers):
        limit = 2 * len(rows)
        for node in reversed(layer):
            wanted = min((rows[target] - low for target, low in after[node]), default=0)
            rows[node] = min(max(rows[node], wanted), limit)
            limit = rows[node] - 1
    return rows
