"""Events by their position: what waits in the flow, what is attached to an activity, and what throws.

What they are about is their trigger (`app.engine.elements.trigger`): each position goes with each trigger.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.elements.event_based import enter_start
from app.engine.elements.trigger import Raised, Thrown, Trigger
from app.engine.records import Job, Task
from app.engine.slots import NotEvaluated
from app.engine.types import InstanceState, TaskType
from app.expr import as_text

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.needs import Need
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message
    from app.engine.run import Run
    from app.engine.slots import Slot


class Event(Behavior):
    """An event that is armed as the model says, or else as a worker says in a job."""

    trigger: Trigger

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self.jobs = trigger.jobs
        self.leaves = (Job, Task, *trigger.leaves)

    def is_pending(self, node: Node) -> bool:
        return self.trigger.needs_job(node) or self.trigger.is_evaluated(node)

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        return self.trigger.needs_of_job(token.node, completion)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if self.trigger.is_evaluated(token.node):
            self._evaluate(run, token)
        elif self.trigger.needs_job(token.node):
            run.wait(token, InstanceState.CREATED)
            run.create_job(token, self.trigger.job(token.node))
        else:
            self.trigger.define(run, token)
            self.armed(run, token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        waits = self.trigger.define_from(run, token, completion)
        self.armed(run, token)
        self.defined(run, token, waits=waits)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        self._evaluate(run, token)

    def _evaluate(self, run: Run, token: ElementInstance) -> None:
        try:
            waits = self.trigger.define_by_evaluation(run, token)
        except NotEvaluated as error:
            run.wait(token, InstanceState.CREATED)
            run.fail_to_evaluate(token, error.slot, error.reason, error.part)
            return
        self.armed(run, token)
        self.defined(run, token, waits=waits)

    def armed(self, run: Run, token: ElementInstance) -> None:
        """It is defined, by the model or by a worker."""

    def defined(self, run: Run, token: ElementInstance, *, waits: bool) -> None:
        """A worker has defined it. It does not wait any more where what it waits for has happened already."""


class CatchEvent(Event):
    """Waits for its event in the flow, or as one of several behind an event-based gateway."""

    def enter(self, run: Run, token: ElementInstance) -> None:
        if token.node.instantiates:
            enter_start(run, token)
        else:
            super().enter(run, token)

    def armed(self, run: Run, token: ElementInstance) -> None:
        run.wait(token, InstanceState.CREATED if run.gateway(token) else InstanceState.STARTED)

    def defined(self, run: Run, token: ElementInstance, *, waits: bool) -> None:
        # A gateway whose event has happened already need not become ready: that event is about to end it.
        if waits and run.gateway(token):
            run.defined(token)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        if not self.trigger.happens(run, token, self.trigger.part_of(token.node, payload), None):
            return
        gateway = run.gateway(token)
        run.complete(token)
        if gateway:
            run.disarm(gateway)
            run.end(gateway)


class AttachedEvent(Event):
    """Waits as long as its host is active, also where that is suspended."""

    stops_when_suspended = False

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token, InstanceState.CREATED)
        super().enter(run, token)

    def defined(self, run: Run, token: ElementInstance, *, waits: bool) -> None:
        # The host of an interrupting event that has happened already must not start any more.
        if waits or token.node.recurs:
            run.defined(token)

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        if not token.node.stays_subscribed:
            return ()
        return self.trigger.needs_to_recur(token, self.trigger.part_of(token.node, payload), message)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        node = self.trigger.part_of(token.node, payload)
        recur = self.trigger.recurrence(run, token, node, task, payload)
        renewed = self.happens(run, token, again=recur is not None, raised=_raised(payload), node=node)
        if renewed and recur:
            recur(renewed)

    def note(self, run: Run, event: ElementInstance, raised: Raised | None, node: Node | None) -> bool:
        """Sets the variables that the model names for what happens; whether that is all that the event waits for."""
        node = node or event.node
        self._note(run, node, raised)
        return self.trigger.happens(run, event, node, raised)

    def renewed(self, run: Run, event: ElementInstance, *, again: bool) -> ElementInstance | None:
        """What waits in the place of the event, which happens, if it is to happen again."""
        return self.trigger.renew(run, event) if again and not event.node.interrupting else None

    def _note(self, run: Run, node: Node, raised: Raised | None) -> None:
        """Sets the process variables that the model names for what is caught."""
        if raised is not None and node.caught:
            found = raised.variables()
            for what, name in node.caught.items():
                if what in found:
                    run.variables.store(run.instance, None, name, "text", found[what])


class BoundaryEvent(AttachedEvent):
    """Attached to an activity, which it interrupts or not."""

    def happens(
        self,
        run: Run,
        event: ElementInstance,
        *,
        again: bool = True,
        raised: Raised | None = None,
        node: Node | None = None,
    ) -> ElementInstance | None:
        """Its flows go on, and its host ends if it interrupts."""
        if not self.note(run, event, raised, node):
            return None
        renewed = self.renewed(run, event, again=again)
        run.complete(event)
        if event.node.interrupting:
            assert event.host is not None
            run.terminate(event.host)
        return renewed


class HandlerStart(AttachedEvent):
    """The start event of an event sub-process, which waits while the scope around that is active."""

    def happens(
        self,
        run: Run,
        event: ElementInstance,
        *,
        again: bool = True,
        raised: Raised | None = None,
        node: Node | None = None,
    ) -> ElementInstance | None:
        """The event sub-process begins, after everything else in the scope has ended if it interrupts.

        BPMN 2.0.2, 13.5.4.
        """
        if not self.note(run, event, raised, node):
            return None
        scope = run.scope_of(event)
        renewed = self.renewed(run, event, again=again)
        run.complete(event, [])
        if event.node.interrupting:
            run.interrupt(scope)
        assert event.node.parent is not None
        handler = run.arrive(event.node.parent, scope, event)
        caught = self.trigger.caught(event, raised)
        if caught:
            run.variables.set_texts(handler, caught)
        return renewed


class ThrowEvent(Behavior):
    """Throws when its task runs, after a job has named what it throws, if the model does not."""

    def __init__(self, thrown: Thrown) -> None:
        self.thrown = thrown
        self.jobs = (thrown.undefined_job,)
        self.leaves = (Job, Task)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if self.thrown.slot in token.node.programs:
            self.evaluate(run, token, self.thrown.slot)
            return
        context = self.thrown.defined_as(token.node)
        if context is None:
            run.wait(token, InstanceState.CREATED)
            run.create_job(token, self.thrown.undefined_job)
        else:
            self._schedule(run, token, context)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        self._schedule(run, token, self.thrown.given_by(completion))

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        try:
            context = run.slot(token, slot, as_text)
        except NotEvaluated as error:
            run.wait(token)
            run.fail_to_evaluate(token, slot, error.reason)
        else:
            self._schedule(run, token, context)

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        return () if token.context is None else self.thrown.needs_to_throw(token.context)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        assert token.context is not None
        self.throw(run, token, token.context)

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        self.thrown.throw(run, token, context)

    def _schedule(self, run: Run, token: ElementInstance, context: str) -> None:
        token.context = context
        run.wait(token)
        run.create_task(token, TaskType.TRIGGER_EVENT)


class EndEvent(ThrowEvent):
    """The last of its path."""

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        self.thrown.end(run, token, context)


def _raised(payload: Payload) -> Raised | None:
    """What a called process has thrown."""
    if payload.error_code is None and payload.escalation_code is None:
        return None
    return Raised(payload.error_code, payload.escalation_code, payload.error_message or "")
