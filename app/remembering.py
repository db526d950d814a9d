"""The service as a request with an Idempotency-Key sees it: it executes nothing that was executed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from app.commands.base import Command
from app.commands.job import LockJobs
from app.commands.result import kind_of
from app.commands.task import ExecutedTasks, LockTasks
from app.criteria import TaskCriteria
from app.engine.records import Job, Task
from app.errors import EngineError, ErrorKind
from app.memory import Memory, Step
from app.service import Service

R = TypeVar("R")
T = TypeVar("T")

_UNCERTAIN = frozenset({ErrorKind.BUG, ErrorKind.UNAVAILABLE, ErrorKind.UNKNOWN})
"""Errors that say nothing about the command itself: another time it may succeed."""


class Remembering:
    """Has commands executed by the service, and their results kept, each in the next place of the request.

    What it does not know of is done by the service itself, and not kept.
    """

    def __init__(self, service: Service, memory: Memory) -> None:
        self._service = service
        self._memory = memory
        self._place = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._service, name)

    def execute(self, command: Command[R]) -> R:
        if command.reads:
            return self._service.execute(command)
        result: R | None = None
        try:
            result = self._service.execute(command, Step(self._memory, self._place))
            return result
        finally:
            # Where nothing was to be done, the request may look again.
            self._place += result != []

    def execute_each(self, commands: Sequence[Command[R]]) -> list[R | Exception]:
        """Once all is done, refusals are kept as well: the answer is given, and is to be the same the next time."""
        first = self._place
        self._place += len(commands)
        kinds = {first + number: kind_of(command) for number, command in enumerate(commands)}
        outcomes: dict[int, Any] = self._service.recall(self._memory, kinds)
        left = [place for place in kinds if place not in outcomes]
        steps = [Step(self._memory, place) for place in left]
        found = self._service.execute_each([commands[place - first] for place in left], steps)
        outcomes |= zip(left, found, strict=True)
        refusals = {place: outcome for place, outcome in outcomes.items() if isinstance(outcome, Exception)}
        if refusals and all(map(_is_certain, refusals.values())):
            outcomes |= self._service.keep(self._memory, kinds, refusals)
        return [outcomes[place] for place in kinds]

    def lock_jobs(self, command: LockJobs) -> list[Job]:
        """Jobs that were locked before are answered as they were then, whoever has them now."""
        places = range(self._place, self._place + 2)
        known = self._service.recall(self._memory, dict.fromkeys(places, list[Job]))
        jobs = _joined(known) or self._service.lock_jobs(command, [Step(self._memory, place) for place in places])
        if jobs:
            self._place += 2
        return jobs

    def execute_tasks(self, command: LockTasks) -> ExecutedTasks:
        """Of tasks that were locked before, those are run that were not."""
        *locking, whole = range(self._place, self._place + 3)
        self._place += 3
        kinds = {**dict.fromkeys(locking, list[Task]), whole: ExecutedTasks}
        known = self._service.recall(self._memory, kinds)
        if whole in known:
            found: ExecutedTasks = known[whole]
            return found
        tasks = self._as_they_are(_joined(known))
        if not tasks:
            tasks = self._service.tasks.lock(command, [Step(self._memory, place) for place in locking])
        own = [task for task in tasks if task.completed_at is None and task.locked_by == self._service.config.engine_id]
        executed = self._service.tasks.run(own)
        # Another request with the key may have been faster.
        others = self._as_they_are([*(task for task in tasks if task not in own), *executed.failed])
        executed.completed.extend(task for task in others if task.completed_at is not None)
        executed.failed[:] = [task for task in others if task.completed_at is None]
        if executed.failed or not executed.completed:
            return executed
        kept: ExecutedTasks = self._service.keep(self._memory, kinds, {whole: executed})[whole]
        return kept

    def _as_they_are(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks as they are stored now."""
        criteria = (TaskCriteria(partition=task.partition, id=task.id) for task in tasks)
        return [task for each in criteria for task in self._service.query(each)]


def _joined(known: Mapping[int, list[T]]) -> list[T]:
    """What was locked in several places."""
    return [each for place in sorted(known) for each in known[place]]


def _is_certain(outcome: Exception) -> bool:
    return isinstance(outcome, EngineError) and outcome.kind not in _UNCERTAIN
