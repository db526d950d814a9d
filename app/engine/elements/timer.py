"""Timers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.trigger import Recur, Trigger
from app.engine.payload import timer_payload
from app.engine.types import JobType, TaskType
from app.errors import refused
from app.timer import Timer, TimerError, first_due, next_due

if TYPE_CHECKING:
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Task
    from app.engine.run import Run


class TimerTrigger(Trigger):
    """Where it goes on waiting, it repeats cycles, and durations that don't come from the XML, from its run time on.

    Ticks that were missed come to one firing, and repetitions count firings.
    """

    undefined_job = JobType.SET_TIMER
    jobs = (JobType.SET_TIMER,)

    def define(self, run: Run, token: ElementInstance) -> None:
        definition = token.node.definition
        assert definition is not None and definition.timer is not None
        self._set(run, token, definition.timer)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        if completion.timer is None:
            raise refused("expected a timer")
        self._set(run, token, completion.timer)
        return True

    def recurrence(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> Recur | None:
        left = task.repetitions
        if token.node.interrupting or not payload.timer or left == 1:
            return None
        try:
            planned = payload.planned_at or task.due_at
            due = next_due(payload.timer, planned, run.now, payload.first_due_at)
        except TimerError as error:
            raise refused(f"failed to evaluate timer: {error}") from error
        if due is None:
            return None

        def repeat(renewed: ElementInstance) -> None:
            again = replace(payload, planned_at=None)
            repetitions = left - 1 if left else None
            run.create_task(renewed, TaskType.TRIGGER_EVENT, again, due_at=due, repetitions=repetitions)

        return repeat

    def _set(self, run: Run, token: ElementInstance, timer: Timer) -> None:
        try:
            due = first_due(timer, run.now)
        except TimerError as error:
            raise refused(f"failed to evaluate timer: {error}") from error
        payload = timer_payload(timer, due)
        run.create_task(token, TaskType.TRIGGER_EVENT, payload, due_at=due, repetitions=timer.repetitions)
