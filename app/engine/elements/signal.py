"""Signal catch, boundary, throw and end events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.catching import trigger_boundary
from app.engine.elements.event import BoundaryEvent, CatchEvent, Event
from app.engine.elements.throwing import ThrowEvent
from app.engine.needs import IsSubscribed, Need, SignalSubscribers
from app.engine.records import Job, SignalSubscription, Task
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message
    from app.engine.run import Run


class SignalEvent(Event):
    undefined_job = JobType.SUBSCRIBE_SIGNAL
    jobs = (JobType.SUBSCRIBE_SIGNAL,)
    leaves = (Job, Task, SignalSubscription)

    def define(self, run: Run, token: ElementInstance) -> None:
        definition = token.node.definition
        assert definition is not None and definition.signal_name is not None
        run.subscribe_signal(token, definition.signal_name)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        if not completion.signal_name:
            raise refused("expected a signal name")
        run.subscribe_signal(token, completion.signal_name)


class SignalCatchEvent(CatchEvent, SignalEvent):
    def define(self, run: Run, token: ElementInstance) -> None:
        SignalEvent.define(self, run, token)
        self.wait_armed(run, token)


class SignalBoundaryEvent(BoundaryEvent, SignalEvent):
    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        return (IsSubscribed(token.partition, token.id),) if token.node.recurs else ()

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        renewed = trigger_boundary(run, token)
        if renewed and not run.need(IsSubscribed(token.partition, token.id)):
            assert token.context is not None
            run.subscribe_signal(renewed, token.context)


class SignalThrowEvent(ThrowEvent):
    """Sends a signal when its task runs."""

    undefined_job = JobType.SET_SIGNAL_NAME
    jobs = (JobType.SET_SIGNAL_NAME,)

    def defined_as(self, token: ElementInstance) -> str | None:
        return token.node.definition.signal_name if token.node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.signal_name:
            raise refused("expected a signal name")
        return completion.signal_name

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        return () if token.context is None else (SignalSubscribers(token.context),)

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        run.throw_signal(context)
        run.complete(token)
