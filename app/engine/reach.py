"""From where the incoming sequence flows of a gateway can still be reached (BPMN 2.0.2, 13.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.engine.graph import Node

REMEMBERED = 64
"""Gateways whose answers are kept. One of a large process takes some megabytes, so not all can be; to find it out anew
takes as long as to go through the flows of its scope."""


@lru_cache(maxsize=REMEMBERED)
def reach_of(gateway: Node) -> Mapping[Node, int]:
    """By node of the same scope, the incoming flows that a token there can get to without passing the gateway.

    Bit i of a number stands for incoming flow i; nodes from which there is none are left out. Beside sequence flows,
    links lead on, and so do the boundary events of an activity, since a token in it may leave it there. From the
    gateway itself the flows are reached that lead back.
    """
    assert gateway.parent is not None
    found: dict[Node, int] = {}
    for circle in _circles(gateway.parent.children, gateway):
        mask = 0
        for node in circle:
            for target, place in _ways(node):
                if target is not gateway:
                    mask |= found.get(target, 0)
                elif place is not None:
                    mask |= 1 << place
        found.update(dict.fromkeys(circle, mask))
    return {node: mask for node, mask in found.items() if mask}


def _ways(node: Node) -> Iterator[tuple[Node, int | None]]:
    """Where a token can get to directly, and the place of the flow if it is one of several there."""
    for flow in node.outgoing:
        yield flow.target, flow.place
    if node.link is not None:
        yield node.link, None
    for event in node.attached:
        yield event, None


def _circles(nodes: Iterable[Node], gateway: Node) -> Iterator[list[Node]]:
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
        visits = [(start, _ways(start))]
        number[start] = lowest[start] = len(number)
        path.append(start)
        on_path.add(start)
        while visits:
            node, ways = visits[-1]
            for target, _ in ways:
                if target is gateway:
                    continue
                if target not in number:
                    number[target] = lowest[target] = len(number)
                    path.append(target)
                    on_path.add(target)
                    visits.append((target, _ways(target)))
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
