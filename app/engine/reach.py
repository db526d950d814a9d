"""From where the incoming sequence flows of a gateway can still be reached (BPMN 2.0.2, 13.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.engine.graph import Node

REMEMBERED = 64
"""Gateways whose answers are kept. One of a large process takes some megabytes, so not all can be; to find it out anew
takes as long as to go through the flows of its scope."""


@lru_cache(maxsize=REMEMBERED)
def reach_of(gateway: Node) -> Mapping[Node, Collection[int]]:
    """By node of the same scope, the incoming flows that a token there can get to without passing the gateway.

    Bit i of a number stands for incoming flow i. One number of a node is that of the sequence flows and links that lead
    on from it. Each other one is that of a boundary event by which a token can leave this activity or one that it gets
    to: nobody knows whether it will, so what can be reached from there is a case of its own. Numbers that are 0 are
    left out, and nodes without any. From the gateway itself the flows are reached that lead back.
    """
    assert gateway.parent is not None
    nodes = gateway.parent.children
    direct: dict[Node, int] = {}
    for circle in _circles(nodes, gateway, _ways):
        mask = 0
        for node in circle:
            for target, place in _ways(node):
                if target is not gateway:
                    mask |= direct.get(target, 0)
                elif place is not None:
                    mask |= 1 << place
        direct.update(dict.fromkeys(circle, mask))
    by_events = _by_events(nodes, gateway, direct)
    masks = {node: dict.fromkeys([direct[node], *by_events.get(node, ())]) for node in nodes}
    return {node: found for node in nodes if (found := tuple(mask for mask in masks[node] if mask))}


def leading_to_empty(masks: Iterable[int], filled: int) -> int:
    """The flows that a token can get to and that are all empty, where none of the same case is `filled` already.

    By these a gateway waits for the token.
    """
    found = 0
    for mask in masks:
        found |= 0 if mask & filled else mask
    return found


def _by_events(nodes: Sequence[Node], gateway: Node, direct: Mapping[Node, int]) -> Mapping[Node, Collection[int]]:
    """What `direct` says of the boundary events that a token can leave by, sooner or later."""
    found: dict[Node, Collection[int]] = {}
    if not any(node.attached for node in nodes):
        return found
    for circle in _circles(nodes, gateway, _exits):
        masks: dict[int, None] = {}
        for node in circle:
            masks.update(dict.fromkeys(direct[event] for event in node.attached))
            for target, _ in _exits(node):
                if target is not gateway:
                    masks.update(dict.fromkeys(found.get(target, ())))
        found.update(dict.fromkeys(circle, tuple(masks)))
    return found


def _ways(node: Node) -> Iterator[tuple[Node, int | None]]:
    """Where a token can get to directly, and the place of the flow if it is one of several there."""
    for flow in node.outgoing:
        yield flow.target, flow.place
    if node.link is not None:
        yield node.link, None


def _exits(node: Node) -> Iterator[tuple[Node, int | None]]:
    """The same with the events by which an activity may be left."""
    yield from _ways(node)
    for event in node.attached:
        yield event, None


def _circles(
    nodes: Iterable[Node], gateway: Node, ways: Callable[[Node], Iterator[tuple[Node, int | None]]]
) -> Iterator[list[Node]]:
    """The nodes in groups that lead to each other, each group after those that it leads to; none passes the gateway.

    These are the strongly connected components, by the algorithm of Tarjan, without recursion.
    """
    number: dict[Node, int] = {}
    lowest: dict[Node, int] = {}
    path: list[Node] = []
    on_path: set[Node] = set()
    for start in nodes:
        if start in number:
            continue
        visits = [(start, ways(start))]
        number[start] = lowest[start] = len(number)
        path.append(start)
        on_path.add(start)
        while visits:
            node, left = visits[-1]
            for target, _ in left:
                if target is gateway:
                    continue
                if target not in number:
                    number[target] = lowest[target] = len(number)
                    path.append(target)
                    on_path.add(target)
                    visits.append((target, ways(target)))
                    break
                if target in on_path:
                    lowest[node] = min(lowest[node], number[target])
            else:
                visits.pop()
                if visits:
                    before = visits[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                if lowest[node] == number[node]:
                    circle = [path.pop()]
                    while circle[-1] is not node:
                        circle.append(path.pop())
                    on_path.difference_update(circle)
                    yield circle
