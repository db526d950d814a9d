"""Timer catch and boundary events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.catching import trigger_boundary
from app.engine.elements.event import BoundaryEvent, CatchEvent, Event
from app.engine.payload import timer_payload
from app.engine.types import JobType, TaskType
from app.errors import refused
from app.timer import Timer, TimerError, first_due, next_due

if TYPE_CHECKING:
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Task
    from app.engine.run import Run


class TimerEvent(Event):
    undefined_job = JobType.SET_TIMER
    jobs = (JobType.SET_TIMER,)

    def define(self, run: Run, token: ElementInstance) -> None:
        definition = token.node.definition
        assert definition is not None and definition.timer is not None
        self._set(run, token, definition.timer)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        if completion.timer is None:
            raise refused("expected a timer")
        self._set(run, token, completion.timer)

    def _set(self, run: Run, token: ElementInstance, timer: Timer) -> None:
        try:
            due = first_due(timer, run.now)
        except TimerError as error:
            raise refused(f"failed to evaluate timer: {error}") from error
        payload = timer_payload(timer, due)
        run.create_task(token, TaskType.TRIGGER_EVENT, payload, due_at=due, repetitions=timer.repetitions)


class TimerCatchEvent(CatchEvent, TimerEvent):
    def define(self, run: Run, token: ElementInstance) -> None:
        TimerEvent.define(self, run, token)
        self.wait_armed(run, token)


class TimerBoundaryEvent(BoundaryEvent, TimerEvent):
    """A non-interrupting one repeats cycles, and durations that don't come from the XML, from its run time on.

    Ticks that were missed come to one firing, and repetitions count firings.
    """

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        due = None
        left = task.repetitions
        if not token.node.interrupting and payload.timer and left != 1:
            try:
                planned = payload.planned_at or task.due_at
                due = next_due(payload.timer, planned, run.now, payload.first_due_at)
            except TimerError as error:
                raise refused(f"failed to evaluate timer: {error}") from error
        renewed = trigger_boundary(run, token, again=due is not None)
        if renewed:
            run.create_task(
                renewed,
                TaskType.TRIGGER_EVENT,
                replace(payload, planned_at=None),
                due_at=due,
                repetitions=left - 1 if left else None,
            )
