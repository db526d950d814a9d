"""Which outgoing sequence flows a decision names."""

from __future__ import annotations

from collections.abc import Sequence

from app.engine.graph import Flow, Node
from app.errors import refused

MOST_NAMED = 50
"""Flows that a refusal lists."""


def decided_flow(node: Node, decision: str) -> Flow:
    """The flow that a decision names by its id or by its target. Raises Refusal."""
    flow = node.flow(decision)
    if flow is None:
        raise refused(f"element {node.id} has no outgoing sequence flow to {decision}; {possible(node.outgoing)}")
    return flow


def decided_flows(node: Node, decisions: Sequence[str]) -> list[Flow]:
    """The flows out of an activity or event, of which some have conditions: those that a decision names are true.

    Flows without a condition are among them, and the default flow is if no condition is true (BPMN 2.0.2, 13.3.1).
    Raises Refusal.
    """
    conditional = [flow for flow in node.outgoing if flow.is_conditional]
    chosen: list[Flow] = []
    for decision in decisions:
        flow = next((f for f in conditional if f.id == decision), None) or next(
            (f for f in conditional if f.target.id == decision and f not in chosen), None
        )
        if flow is None:
            known = any(f.target.id == decision for f in conditional)
            if not known:
                what = f"element {node.id} has no conditional sequence flow to {decision}"
                raise refused(f"{what}; {possible(conditional)}")
        if flow is None or flow in chosen:
            raise refused(f"decision contains duplicate BPMN element ID {decision}")
        chosen.append(flow)
    if not chosen and node.default:
        chosen.append(node.default)
    found = [flow for flow in node.outgoing if flow in chosen or not (flow.is_conditional or flow.default)]
    if not found:
        raise refused(f"expected an outgoing sequence flow; {possible(conditional)}")
    return found


def possible(flows: Sequence[Flow]) -> str:
    some = [f"{flow.target.id} (flow {flow.id})" for flow in flows[:MOST_NAMED]]
    return f"possible: {', '.join(some)}{', …' if len(flows) > MOST_NAMED else ''}"
