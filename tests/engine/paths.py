"""When a joining inclusive gateway is activated, by a plain search over paths (BPMN 2.0.2, 13.4.3)."""

from __future__ import annotations

from collections.abc import Collection

from app.bpmn.model import ElementType
from app.engine.elements.complex_gateway import used_flows
from app.engine.graph import Flow, Node
from app.engine.records import ElementInstance
from app.engine.types import InstanceState


def reached(node: Node, gateway: Node) -> set[Flow]:
    """The incoming flows of the gateway in which paths end that begin at the node and do not pass the gateway."""
    found: set[Flow] = set()
    seen: set[Node] = set()
    pending = [node]
    while pending:
        here = pending.pop()
        for flow in here.outgoing:
            if flow.target is gateway:
                found.add(flow)
            elif flow.target not in seen:
                seen.add(flow.target)
                pending.append(flow.target)
        if here.link and here.link not in seen:
            seen.add(here.link)
            pending.append(here.link)
    return found


def exits(node: Node, gateway: Node) -> set[Node]:
    """The boundary events by which a token may leave the node, or an activity that it gets to before the gateway."""
    found: set[Node] = set()
    seen = {node, gateway}
    pending = [node]
    while pending:
        here = pending.pop()
        found.update(here.attached)
        beyond = {flow.target for flow in here.outgoing} | {*here.attached} | ({here.link} if here.link else set())
        pending += beyond - seen
        seen |= beyond
    return found


def is_activated(gateway: Node, waiting: Collection[Flow], elsewhere: Collection[Node]) -> bool:
    """Tokens wait in the flows, and others are at nodes of the same scope, or leave them by boundary events."""
    for node in elsewhere:
        for begin in [node, *exits(node, gateway)]:
            flows = reached(begin, gateway)
            if flows - set(waiting) and not flows & set(waiting):
                return False
    return bool(waiting)


def gateways_that_could_go_on(tokens: Collection[ElementInstance]) -> list[str]:
    """Joins at which tokens wait although they are activated, among all active tokens of an instance.

    Of a complex gateway those that wait for its reset, which nothing keeps it from.
    """
    found = []
    groups: dict[tuple[ElementInstance | None, Node], list[ElementInstance]] = {}
    for token in tokens:
        if token.waits_at_join:
            groups.setdefault((token.parent, token.node), []).append(token)
    for (scope, gateway), waiting in groups.items():
        assert scope is not None
        others = [
            t.node
            for t in tokens
            if t.parent is scope
            and t not in waiting
            and (t.host is None or t.state is InstanceState.STARTED)
            and not t.behavior.has_gone_on(t)
        ]
        flows = {gateway.incoming[t.incoming] for t in waiting if t.incoming is not None}
        if gateway.type is ElementType.COMPLEX_GATEWAY:
            used = [used_flows(t.context) for t in waiting if t.behavior.has_gone_on(t)]
            if not used:
                continue
            flows |= {flow for place, flow in enumerate(gateway.incoming) if used[0] >> place & 1}
        if scope.state is InstanceState.STARTED and is_activated(gateway, flows, others):
            found.append(gateway.id)
    return found
