"""Signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.trigger import Recur, Thrown, Trigger
from app.engine.needs import IsSubscribed, Need, SignalSubscribers
from app.engine.records import SignalSubscription
from app.engine.slots import Slot
from app.engine.types import JobType, UserTaskState
from app.errors import refused
from app.expr import as_text

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message, Task
    from app.engine.run import Run


class SignalTrigger(Trigger):
    undefined_job = JobType.SUBSCRIBE_SIGNAL
    jobs = (JobType.SUBSCRIBE_SIGNAL,)
    leaves = (SignalSubscription,)

    def is_evaluated(self, node: Node) -> bool:
        return Slot.SIGNAL_NAME in node.programs

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        run.subscribe_signal(token, run.slot(token, Slot.SIGNAL_NAME, as_text))
        return True

    def define(self, run: Run, token: ElementInstance) -> None:
        definition = token.node.definition
        assert definition is not None and definition.signal_name is not None
        run.subscribe_signal(token, definition.signal_name)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        if not completion.signal_name:
            raise refused("expected a signal name")
        run.subscribe_signal(token, completion.signal_name)
        return True

    def needs_to_recur(self, token: ElementInstance, message: Message | None) -> Iterable[Need[Any]]:
        return (IsSubscribed(token.partition, token.id),)

    def recurrence(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> Recur | None:
        def subscribe(renewed: ElementInstance) -> None:
            if not run.need(IsSubscribed(token.partition, token.id)):
                assert token.context is not None
                run.subscribe_signal(renewed, token.context)

        return subscribe


def throw_signal(run: Run, host: ElementInstance, name: str) -> None:
    """Throws a signal that is caught at once by what is attached to `host`, rather by what does not interrupt it."""
    waiting = [event for event in run.armed(host) if event.context == name and _waits_for_signal(event)]
    caught = sorted(waiting, key=lambda event: event.node.interrupting)
    for event in caught:
        if event.state.ended:
            continue
        event.behavior.happens(run, event)
        if event.node.interrupting:
            # Its subscription was not used up by the signal.
            run.clear_away(event, UserTaskState.TERMINATED)
    run.throw_signal(name, caught)


def _waits_for_signal(event: ElementInstance) -> bool:
    return isinstance(event.node.behavior.trigger, SignalTrigger)


class ThrownSignal(Thrown):
    slot = Slot.SIGNAL_NAME
    undefined_job = JobType.SET_SIGNAL_NAME

    def defined_as(self, node: Node) -> str | None:
        return node.definition.signal_name if node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.signal_name:
            raise refused("expected a signal name")
        return completion.signal_name

    def needs_to_throw(self, context: str) -> Iterable[Need[Any]]:
        return (SignalSubscribers(context),)

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        run.throw_signal(context)
        run.complete(token)
