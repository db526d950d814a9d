"""Timers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
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

    def modeled(self, node: Node) -> Awaited:
        assert node.definition is not None and node.definition.timer is not None
        return Awaited(timer=node.definition.timer)

    def evaluated(self, run: Run, token: ElementInstance, node: Node) -> Awaited:
        assert node.timer_text is not None
        kind = node.timer_text[0]
        timer = run.slot(token, Slot.TIMER, lambda value: as_timer(value, kind), node=node)
        try:
            _first_due(run, timer)
        except Refusal as error:
            raise NotEvaluated(Slot.TIMER, error.detail, node.part) from error
        return Awaited(timer=timer)

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        if completion.timer is None:
            raise refused("expected a timer")
        return Awaited(timer=completion.timer)

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        timer = awaited.timer
        assert timer is not None
        due = _first_due(run, timer)
        payload = replace(timer_payload(timer, due), part=node.part)
        run.create_task(token, TaskType.TRIGGER_EVENT, payload, due_at=due, repetitions=timer.repetitions)
        return True

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
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


def _first_due(run: Run, timer: Timer) -> datetime:
    """Raises Refusal."""
    try:
        return first_due(timer, run.now)
    except TimerError as error:
        raise refused(f"failed to evaluate timer: {error}") from error
