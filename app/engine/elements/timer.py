"""Timers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.trigger import Recur, Trigger
from app.engine.payload import timer_payload
from app.engine.slots import NotEvaluated, Slot
from app.engine.types import JobType, TaskType
from app.errors import Refusal, refused
from app.expr import as_timer
from app.timer import Timer, TimerError, first_due, next_due

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Task
    from app.engine.run import Run


class TimerTrigger(Trigger):
    """Where it goes on waiting, it repeats cycles, and durations that don't come from the XML, from its run time on.

    Ticks that were missed come to one firing, and repetitions count firings.
    """

    undefined_job = JobType.SET_TIMER
    jobs = (JobType.SET_TIMER,)

    def is_evaluated(self, node: Node) -> bool:
        return Slot.TIMER in node.programs

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        assert token.node.timer_text is not None
        kind = token.node.timer_text[0]
        timer = run.slot(token, Slot.TIMER, lambda value: as_timer(value, kind))
        try:
            self._set(run, token, timer)
        except Refusal as error:
            raise NotEvaluated(Slot.TIMER, error.detail) from error
        return True

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
