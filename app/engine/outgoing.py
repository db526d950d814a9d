"""Which outgoing sequence flows a decision names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from app.engine.graph import Flow, Node
from app.errors import refused
from app.expr import EvaluationError, Value, as_condition

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run

MOST_NAMED = 50
"""Flows that a refusal lists."""


def decided_flow(node: Node, decision: str) -> Flow:
    """The flow that a decision names by its id or by its target. Raises Refusal."""
    flow = node.flow(decision)
    if flow is None:
        raise refused(f"element {node.id} has no outgoing sequence flow to {decision}; {possible(node.outgoing)}")
    return flow


def decided_flows(node: Node, decisions: Sequence[str]) -> list[Flow]:
    """The flows out of an activity, event or complex gateway with conditions: those that a decision names are true.

    Flows without a condition are among them, and the default flow is if no condition is true (BPMN 2.0.2, 13.3.1).
    Raises Refusal.
    """
    # A complex gateway may have flows without any condition, about which is decided all the same.
    open_flows = [flow for flow in node.outgoing if flow.is_conditional] or node.outgoing
    chosen = named_flows(node, open_flows, decisions)
    if not chosen and node.default:
        chosen.append(node.default)
    found = [flow for flow in node.outgoing if flow in chosen or not (flow in open_flows or flow.default)]
    if not found:
        raise refused(f"expected an outgoing sequence flow; {possible(open_flows)}")
    return found


def named_flows(node: Node, flows: Sequence[Flow], decisions: Sequence[str]) -> list[Flow]:
    """Those of the `flows` that a decision names by their ids or targets. Raises Refusal."""
    chosen: list[Flow] = []
    for decision in decisions:
        flow = next((f for f in flows if f.id == decision), None) or next(
            (f for f in flows if f.target.id == decision and f not in chosen), None
        )
        if flow is None and not any(f.target.id == decision for f in flows):
            what = f"element {node.id} has no conditional sequence flow to {decision}"
            raise refused(f"{what}; {possible(flows)}")
        if flow is None or flow in chosen:
            raise refused(f"decision contains duplicate BPMN element ID {decision}")
        chosen.append(flow)
    return chosen


def true_conditions(
    run: Run, token: ElementInstance, given: Mapping[str, Value] = MappingProxyType({}), *, first: bool = False
) -> list[Flow]:
    """The flows whose conditions are true, or only the `first` one. Raises EvaluationError."""
    true = []
    for flow in token.node.outgoing:
        if flow.is_conditional and _is_true(run, token, flow, given):
            true.append(flow)
            if first:
                break
    return true


def true_flows(run: Run, token: ElementInstance, *, first: bool = False) -> list[Flow]:
    """The flows whose conditions are true, or only the `first` one; the default flow where none is.

    Out of an activity or event, those without a condition as well. Raises EvaluationError where there is no such flow.
    """
    node, true = token.node, true_conditions(run, token, first=first)
    if not true and node.default:
        true.append(node.default)
    found = [
        flow
        for flow in node.outgoing
        if flow in true or (node.has_conditions and not (flow.is_conditional or flow.default))
    ]
    if not found:
        raise EvaluationError(f"no condition of {node.id} is true and it has no default sequence flow")
    return found


def _is_true(run: Run, token: ElementInstance, flow: Flow, given: Mapping[str, Value]) -> bool:
    if flow.program is None:
        raise EvaluationError(f"expected a condition of sequence flow {flow.id} that can be evaluated")
    try:
        return run.evaluate(token, flow.program, as_condition, given)
    except EvaluationError as error:
        raise EvaluationError(f"condition of sequence flow {flow.id}: {error}") from error


def possible(flows: Sequence[Flow]) -> str:
    some = [f"{flow.target.id} (flow {flow.id})" for flow in flows[:MOST_NAMED]]
    return f"possible: {', '.join(some)}{', …' if len(flows) > MOST_NAMED else ''}"
