"""What waits for one of several events, and what starts a process by an event without being a start event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from app.bpmn.causes import at, at_flow
from app.bpmn.kinds import CATCH_EVENTS, ElementType
from app.bpmn.model import Element
from app.errors import Cause

T = ElementType

AFTER_EVENT_GATEWAY = CATCH_EVENTS - {T.PARALLEL_MULTIPLE_CATCH_EVENT} | {T.RECEIVE_TASK}
_WITH_MESSAGE = frozenset({T.MESSAGE_CATCH_EVENT, T.RECEIVE_TASK})
_STARTING = _WITH_MESSAGE | {T.SIGNAL_CATCH_EVENT, T.TIMER_CATCH_EVENT}
"""What can start a process."""


def _event_gateway_branches(element: Element) -> Iterator[Cause]:
    if not element.refused and len(element.outgoing_ids) < 2:
        yield at(element, f"event-based gateway {element.id} must have at least 2 outgoing sequence flows")


def _event_gateway_targets(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.6.6: what waits for an event, but not both message events and receive tasks."""
    targets = list(dict.fromkeys(flow.target for flow in element.outgoing))
    for target in targets:
        if target.type not in AFTER_EVENT_GATEWAY and not target.refused:
            yield at(target, f"event-based gateway {element.id} cannot be followed by {target.type}")
    if {T.MESSAGE_CATCH_EVENT, T.RECEIVE_TASK} <= {target.type for target in targets}:
        what = "cannot be followed by both message catch events and receive tasks"
        yield at(element, f"event-based gateway {element.id} {what}")


def event_gateway(element: Element) -> Element | None:
    """The event-based gateway that leads to an element."""
    return next((flow.source for flow in element.incoming if flow.source.type is T.EVENT_BASED_GATEWAY), None)


def _only_behind_event_gateway(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.6.6: an event behind an event-based gateway has no other incoming sequence flow."""
    gateway = event_gateway(element)
    if gateway is None or gateway.refused:
        return
    kind = "receive task" if element.type is T.RECEIVE_TASK else "event"
    who = f"{kind} {element.id} behind event-based gateway {gateway.id}"
    if len(element.incoming) > 1:
        yield at(element, f"{who} must have no other incoming sequence flow")
    if element.type is T.RECEIVE_TASK:
        yield from _bare(element, who)


def _instantiating_gateway(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.6.6 and 13.2: what starts a process by the first of several events, or by all of them."""
    if not element.instantiate or element.refused:
        return
    who = f"instantiating event-based gateway {element.id}"
    if element.parent is not None and element.parent.type is not T.PROCESS:
        yield at(element, f"{who} must not be in a sub-process")
    for flow in element.incoming:
        if not flow.source.refused:
            yield at_flow(flow, f"must not lead into {who}")
    allowed = _WITH_MESSAGE if element.parallel else _STARTING
    for target in dict.fromkeys(flow.target for flow in element.outgoing):
        if target.type in AFTER_EVENT_GATEWAY - allowed and not target.refused:
            kind = "parallel " if element.parallel else ""
            yield at(target, f"{kind}{who} cannot be followed by {target.type}")


def _bare(element: Element, who: str) -> Iterator[Cause]:
    """That a receive task is no more than an event."""
    if element.loop is not None:
        yield at(element, f"{who} must have no loop or multi-instance marker")
    for event in element.attached:
        if not event.refused:
            yield at(event, f"boundary event {event.id} cannot be attached to {who}")


def _instantiating_task(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.3.3: a receive task that starts a process is like a message start event of it."""
    if element.instantiate and not element.refused:
        who = f"instantiating receive task {element.id}"
        if element.parent is not None and element.parent.type is not T.PROCESS:
            yield at(element, f"{who} must not be in a sub-process")
        yield from _bare(element, who)
        for flow in element.incoming:
            if not flow.source.refused:
                yield at_flow(flow, f"must not lead into {who}")


RULES: Sequence[tuple[Callable[[Element], Iterable[Cause]], Iterable[ElementType]]] = (
    (_event_gateway_branches, {T.EVENT_BASED_GATEWAY}),
    (_event_gateway_targets, {T.EVENT_BASED_GATEWAY}),
    (_instantiating_gateway, {T.EVENT_BASED_GATEWAY}),
    (_only_behind_event_gateway, AFTER_EVENT_GATEWAY),
    (_instantiating_task, {T.RECEIVE_TASK}),
)
"""Each with the types it is about."""
