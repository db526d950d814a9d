"""Due tasks: locked, run with their leases extended meanwhile, and given back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.commands.base import Command
from app.commands.task import (
    MOST_INTERRUPTIONS,
    ExecutedTasks,
    ExtendTasks,
    FailTask,
    LockTasks,
    PostponeTask,
    RecoverTasks,
    ReleaseTasks,
    RunTask,
)
from app.config import Config
from app.engine.records import Task
from app.errors import EngineError, ErrorKind
from app.leases import Leases
from app.memory import Step
from app.sharing import Sharing, outcome

if TYPE_CHECKING:
    from app.metrics import Metrics

logger = logging.getLogger(__name__)

R = TypeVar("R")

EXTENSIONS = 3
"""How often a lease is extended in the time that it lasts."""


@dataclass(slots=True)
class Owed:
    """Tasks that this process holds, and could not give back."""

    postponed: list[PostponeTask] = field(default_factory=list)
    released: list[Task] = field(default_factory=list)


class Executes(Protocol):
    """Who executes a command in a transaction, as `Service` does."""

    def execute(self, command: Command[R], step: Step | None = None) -> R: ...


class Tasks:
    def __init__(self, config: Config, service: Executes, sharing: Sharing, metrics: Metrics | None) -> None:
        self._engine_id = config.engine_id
        self._service = service
        self._sharing = sharing
        self._metrics = metrics
        self._leases = Leases(self._extend, config.task_lock_timeout / EXTENSIONS)
        self._lock = threading.Lock()
        self._owed = Owed()

    def lock(self, command: LockTasks, steps: Sequence[Step] = ()) -> list[Task]:
        """Locks due tasks, also those whose leases have ended; for that there are two `steps`, if there are any."""
        self.settle()
        tasks = self._service.execute(command, *steps[:1])
        if len(tasks) < command.limit and self.recover():
            tasks += self._service.execute(replace(command, limit=command.limit - len(tasks)), *steps[1:])
        return tasks

    def run(self, tasks: list[Task], stopped: Callable[[], bool] = lambda: False) -> ExecutedTasks:
        """Runs locked tasks and extends their leases meanwhile; once `stopped`, the rest is released.

        They run in their order, those of different instances together. Of those that were interrupted before only the
        first does, as the last one; the others are released.
        """
        executed = ExecutedTasks()
        left = sorted(tasks, key=lambda task: task.interruptions > 0)
        steps = self._steps(left)
        goes_on = True
        with self._leases.held(left):
            while left and goes_on and not stopped():
                for task, outcome in next(steps):
                    left.remove(task)
                    if isinstance(outcome, EngineError):
                        goes_on = self._fail(executed, task, outcome)
                        if not goes_on:
                            # The others would fail as well.
                            executed.failed.extend(left)
                            break
                    elif isinstance(outcome, Exception):
                        raise outcome
                    else:
                        executed.completed.append(outcome)
        self._give_back(left)
        return executed

    def _steps(self, left: list[Task]) -> Iterator[list[tuple[Task, Any]]]:
        """What comes of the tasks, which are taken out of `left` by who receives it."""
        calm = [task for task in left if not task.interruptions]
        commands = [RunTask(task=task) for task in calm]
        for outcomes in self._sharing.each(commands, lambda place: self._run_one(commands[place])):
            yield [(calm[place], outcome) for place, outcome in outcomes.items()]
        # Whatever has killed a process before must not take others with it: it comes last, and alone.
        first, *others = left
        left[:] = [first]
        self._give_back(others)
        yield [(first, outcome(self._run_one, RunTask(task=first)))]

    def _fail(self, executed: ExecutedTasks, task: Task, error: EngineError) -> bool:
        """Notes a task that could not be executed; whether it is worth trying others."""
        if error.kind is not ErrorKind.UNAVAILABLE:
            logger.warning("a task was not executed: %s", error.detail, extra=_named(task))
            executed.failed.append(task)
            return True
        given_up = self._give_up(task, error.detail)
        (executed.completed if given_up else executed.failed).append(given_up or task)
        return given_up is not None or self._postpone(task, error.detail)

    def _give_back(self, tasks: Iterable[Task]) -> None:
        with self._lock:
            self._owed.released.extend(tasks)
        self.settle()

    def _run_one(self, command: RunTask) -> Task:
        """Raises EngineError for a task that was lost, or can't be executed now; whatever breaks is its own failure."""
        try:
            return self._service.execute(command)
        except EngineError:
            raise
        except Exception as error:
            logger.exception("a task broke", extra=_named(command.task))
            reason = f"unexpected {type(error).__name__}, see the log of {self._engine_id}"
            return self._service.execute(FailTask(task=command.task, error=reason))

    def _give_up(self, task: Task, error: str) -> Task | None:
        """The task with its incident, if it was interrupted too often and that can be said now."""
        if task.interruptions < MOST_INTERRUPTIONS:
            return None
        try:
            return self._service.execute(FailTask(task=task, error=error, gives_up=True))
        except EngineError:
            # What keeps it from being executed keeps it from being given up.
            return None

    def _postpone(self, task: Task, error: str) -> bool:
        """Has a task tried again later; whether the database took it, otherwise it is owed."""
        postponed = PostponeTask(task=task, error=error)
        try:
            self._service.execute(postponed)
        except EngineError:
            with self._lock:
                self._owed.postponed.append(postponed)
            return False
        return True

    def settle(self) -> None:
        """Gives back what this process could not while the database was away; after a crash leases see to it.

        What can't be given back even now stays owed.
        """
        with self._lock:
            owed, self._owed = self._owed, Owed()
        try:
            while owed.postponed:
                self._service.execute(owed.postponed[-1])
                owed.postponed.pop()
            for partition, ids in _by_partition(owed.released).items():
                self._service.execute(ReleaseTasks(partition=partition, ids=ids))
                owed.released = [task for task in owed.released if task.partition != partition]
        except EngineError:
            with self._lock:
                self._owed.postponed += owed.postponed
                self._owed.released += owed.released

    def _extend(self, tasks: Collection[Task]) -> None:
        for partition, ids in _by_partition(tasks).items():
            try:
                self._service.execute(ExtendTasks(partition=partition, ids=ids))
            except Exception:
                logger.warning("leases of tasks could not be extended", exc_info=True)

    def recover(self) -> int:
        """Gives back tasks whose lease has ended, whoever held them; how many these were."""
        count = self._service.execute(RecoverTasks())
        if self._metrics is not None:
            self._metrics.expired("task", count)
        return count

    def forget(self) -> None:
        """Owes nothing any more: what was owed is not there."""
        with self._lock:
            self._owed = Owed()

    def close(self) -> None:
        self._leases.close()


def _by_partition(tasks: Iterable[Task]) -> dict[date, tuple[int, ...]]:
    """The ids of tasks by partition."""
    found: dict[date, tuple[int, ...]] = {}
    for task in tasks:
        found[task.partition] = (*found.get(task.partition, ()), task.id)
    return found


def _named(task: Task) -> dict[str, str]:
    return {"task": f"{task.partition}/{task.id}", "type": str(task.type)}
