"""Signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.awaited import Awaited
from app.engine.completion import Completion
from app.engine.elements.trigger import Recur, Thrown, Trigger
from app.engine.needs import IsSubscribed, Need, SignalSubscribers
from app.engine.records import SignalSubscription
from app.engine.slots import Slot
from app.engine.types import JobType
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
    waits_for_signals = True
    leaves = (SignalSubscription,)

    def is_evaluated(self, node: Node) -> bool:
        return Slot.SIGNAL_NAME in node.programs

    def modeled(self, node: Node) -> Awaited:
        assert node.definition is not None and node.definition.signal_name is not None
        return Awaited(name=node.definition.signal_name)

    def evaluated(self, run: Run, token: ElementInstance, node: Node) -> Awaited:
        return Awaited(name=run.slot(token, Slot.SIGNAL_NAME, as_text, node=node))

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        if not completion.signal_name:
            raise refused("expected a signal name")
        return Awaited(name=completion.signal_name)

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        run.subscribe_signal(token, node, awaited.name)
        return True

    def needs_to_recur(self, token: ElementInstance, node: Node, message: Message | None) -> Iterable[Need[Any]]:
        return (IsSubscribed(token.partition, token.id),) if node.part is None else ()

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
        def subscribe(renewed: ElementInstance) -> None:
            if node.part is None and not run.need(IsSubscribed(token.partition, token.id)):
                assert token.context is not None
                run.subscribe_signal(renewed, node, token.context)

        return subscribe


def throw_signal(run: Run, host: ElementInstance, name: str) -> None:
    """Throws a signal that is caught at once by what is attached to `host`, rather by what does not interrupt it."""
    waiting = [
        (event, trigger, node)
        for event in run.armed(host)
        if (trigger := event.behavior.trigger) is not None
        for node, awaited in trigger.signals(event)
        if awaited == name
    ]
    waiting.sort(key=lambda each: each[0].node.interrupting)
    for event, trigger, node in waiting:
        if event not in run.armed(host):
            # It has been ended, or has happened by another of its definitions.
            continue
        if node.parallel_multiple:
            # It waits for others now, and for this one again when these have happened.
            run.unsubscribe_signal(event, node, name)
        interrupts = trigger.interrupts(event, node)
        event.behavior.happens(run, event, node=node)
        if interrupts:
            # Its subscription was not used up by the signal.
            run.stop_waiting(event)
    run.throw_signal(name, [event for event, *_ in waiting])


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
