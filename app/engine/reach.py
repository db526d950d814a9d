"""From where the incoming sequence flows of a gateway can still be reached (BPMN 2.0.2, 13.4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.engine.graph import Node


def reach_of(gateway: Node) -> dict[Node, int]:
    """By node of the same scope, the incoming flows that a token there can get to without passing the gateway.

    Bit i of a number stands for incoming flow i. Beside sequence flows, links lead on, and so do the boundary events of
    an activity, since a token in it may leave it there. From the gateway itself the flows are reached that lead back.
    """
    found: dict[Node, int] = {}
    for place, flow in enumerate(gateway.incoming):
        bit = 1 << place
        pending = [flow.source]
        while pending:
            node = pending.pop()
            if found.get(node, 0) & bit:
                continue
            found[node] = found.get(node, 0) | bit
            if node is not gateway:
                pending.extend(_before(node))
    return found


def _before(node: Node) -> Iterator[Node]:
    """The nodes from which a token can get to the node directly."""
    yield from (flow.source for flow in node.incoming)
    yield from node.linked_from
    if node.host is not None:
        yield node.host
