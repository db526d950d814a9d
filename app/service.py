"""The one way in: commands in transactions, queries, and due tasks."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from app.chores import Chore
from app.clock import Clock, cut
from app.commands import HANDLERS
from app.commands.base import Command
from app.commands.context import Context, Options
from app.commands.group import Rounds, Shared, execute_together, key_of, shares
from app.commands.maintenance import Prepare
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
from app.criteria import Criteria
from app.crypto import Cipher
from app.engine.graph import Graph
from app.engine.records import Job, Task
from app.engine.types import WorkState
from app.errors import EngineError, ErrorKind, conflict, is_unavailable, unavailable
from app.keys import ApiKeys
from app.leases import Leases
from app.store import GraphMissing, QueueLimited, Store, Transaction, open_store
from app.store.probe import Probe

logger = logging.getLogger(__name__)

R = TypeVar("R")

MOST_TOGETHER = 50
"""Commands that share a transaction."""
EXTENSIONS = 3
"""How often a lease is extended in the time that it lasts."""


@dataclass(slots=True)
class Owed:
    """Tasks that this process holds, and could not give back."""

    postponed: list[PostponeTask] = field(default_factory=list)
    released: list[Task] = field(default_factory=list)


def _by_partition(tasks: Iterable[Task]) -> dict[date, tuple[int, ...]]:
    """The ids of tasks by partition."""
    found: dict[date, tuple[int, ...]] = {}
    for task in tasks:
        found[task.partition] = (*found.get(task.partition, ()), task.id)
    return found


def _named(task: Task) -> dict[str, str]:
    return {"task": f"{task.partition}/{task.id}", "type": str(task.type)}


def _outcome(execute: Callable[[Any], R], command: Command[Any]) -> R | Exception:
    try:
        return execute(command)
    except Exception as error:
        return error


def _each_alone(commands: Sequence[Command[Any]]) -> Shared:
    return Shared(alone=list(range(len(commands))))


def _not_tried(command: Command[Any]) -> EngineError:
    error = unavailable("not tried, because the database was unavailable just before")
    error.title = command.title
    return error


class Service:
    def __init__(self, config: Config, store: Store, clock: Clock | None = None) -> None:
        self.config = config
        self.draining = False
        """True once the service is told to stop: it still answers, but should get no new requests."""
        self.on_due: Callable[[datetime], None] | None = None
        """Told after a commit when the first of the new tasks becomes due."""
        self._store = store
        self._clock = clock or store.clock
        self._options = Options(config=config, cipher=Cipher(config.encryption_keys))
        self.keys = ApiKeys(store, self._base_time, config.api_key_cache_ttl)
        self._probe = Probe(store.why_silent)
        self._lock = threading.Lock()
        self._leases = Leases(self._extend, config.task_lock_timeout / EXTENSIONS)
        self._owed = Owed()
        self.chores: list[Chore] = []
        """What the executor of every service process does beside due tasks, in this order."""

    def execute(self, command: Command[R]) -> R:
        """Runs a command in one transaction, and again a few times where that may help, such as after a deadlock.

        Raises EngineError with at least the title of the command; UNAVAILABLE, with the driver's error as its cause,
        when the database is away, busy or full. Then nothing has changed, unless the detail says that it may have.
        """
        try:
            return self._attempt(command)
        except EngineError as error:
            error.title = error.title or command.title
            raise

    def _attempt(self, command: Command[R]) -> R:
        limited = False
        loaded: dict[int, Graph] = {}
        while True:
            try:
                return self._store.reach(self._attempts(command, limited, loaded))
            except QueueLimited:
                limited = True
            except GraphMissing as missing:
                loaded[missing.process_id] = self._store.load_graph(missing.process_id)

    def _attempts(self, command: Command[R], limited: bool, loaded: dict[int, Graph]) -> Callable[[], R]:
        """Each call is an attempt; what the first one assumes of processes may be why it has to be repeated."""
        assumed = itertools.chain([limited], itertools.repeat(True))
        return lambda: self._once(command, next(assumed), loaded)

    def _once(self, command: Command[R], limited: bool, loaded: dict[int, Graph]) -> R:
        began = time.monotonic()
        with self._store.begin(loaded) as tx:
            context = Context(tx, self._options, self._engine_time, limited=limited)
            result: R = HANDLERS[type(command)](context, command)
        self._committed(tx, began)
        return result

    def _committed(self, tx: Transaction, began: float) -> None:
        if tx.wrote:
            self._store.written(began)
        if tx.due and self.on_due:
            self.on_due(tx.due)

    def execute_each(self, commands: Sequence[Command[R]]) -> list[R | Exception]:
        """What each of the commands, which are of one kind, returns or raises: as if it was executed alone.

        Those on one tree of instances are executed in their order, of the others those first that can share a
        transaction. Once the database is unavailable, the commands that are left are not tried.
        """
        found: dict[int, Any] = {}
        for outcomes in self._each(commands, self.execute):
            found |= outcomes
            if any(map(is_unavailable, outcomes.values())):
                break
        return [found[place] if place in found else _not_tried(command) for place, command in enumerate(commands)]

    def _each(self, commands: Sequence[Command[Any]], alone: Callable[[Any], Any]) -> Iterator[dict[int, Any]]:
        """What the commands return or raise, by their places; those that shared a transaction at once.

        The others are executed by `alone`, each when the next outcome is asked for.
        """
        rounds = Rounds([key_of(command) for command in commands], MOST_TOGETHER)
        while places := rounds.deal():
            sharing = [place for place in places if shares(commands[place])]
            done: set[int] = set()
            if len(sharing) > 1:
                shared = self._share([commands[place] for place in sharing])
                later = {sharing[n]: root for n, root in shared.later.items()}
                outcomes = {sharing[n]: outcome for n, outcome in shared.settled.items()}
                rounds.defer(later)
                done = {*later, *outcomes}
                if outcomes:
                    yield outcomes
            for place in places:
                if place not in done:
                    yield {place: _outcome(alone, commands[place])}

    def _share(self, commands: Sequence[Command[Any]]) -> Shared:
        """Executes what can be executed in one transaction; nothing, where that can't be committed as a whole."""
        loaded: dict[int, Graph] = {}
        while True:
            try:
                return self._store.reach(lambda: self._once_together(commands, loaded))
            except GraphMissing as missing:
                process_id = missing.process_id
            except EngineError as error:
                error.title = error.title or commands[0].title
                return Shared(settled=dict.fromkeys(range(len(commands)), error))
            try:
                loaded[process_id] = self._store.load_graph(process_id)
            except Exception:
                # It concerns those of this process only.
                return _each_alone(commands)

    def _once_together(self, commands: Sequence[Command[Any]], loaded: dict[int, Graph]) -> Shared:
        began = time.monotonic()
        try:
            with self._store.begin_group(loaded) as tx:
                shared = execute_together(tx, self._options, self._engine_time, commands)
        except GraphMissing:
            raise
        except Exception as error:
            if self._store.is_away(error):
                raise
            # One of them may be to blame, and the others are not to suffer from it.
            logger.debug("commands that shared a transaction are executed one by one", exc_info=True)
            return _each_alone(commands)
        self._committed(tx, began)
        return shared

    def query(self, criteria: Criteria, *, offset: int = 0, limit: int = 0) -> list[Any]:
        """The matching records in the order of partition and id; `limit` 0 is the default limit.

        Raises EngineError UNAVAILABLE like `execute`.
        """
        now = self.now()
        found = self._store.query(criteria, now, offset, limit or self.config.default_query_limit)
        for record in found:
            if isinstance(record, Job | Task) and record.state is WorkState.CREATED and record.due_at <= now:
                record.state = WorkState.DUE
        return found

    def execute_tasks(self, command: LockTasks) -> ExecutedTasks:
        """Locks due tasks and runs them; one that fails takes no other with it."""
        self.settle()
        tasks = self.execute(command)
        if len(tasks) < command.limit and self.recover_tasks():
            tasks += self.execute(replace(command, limit=command.limit - len(tasks)))
        return self.run_tasks(tasks)

    def run_tasks(self, tasks: list[Task], stopped: Callable[[], bool] = lambda: False) -> ExecutedTasks:
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
        for outcomes in self._each([RunTask(task=task) for task in calm], self._run):
            yield [(calm[place], outcome) for place, outcome in outcomes.items()]
        # Whatever has killed a process before must not take others with it: it comes last, and alone.
        first, *others = left
        left[:] = [first]
        self._give_back(others)
        yield [(first, _outcome(self._run, RunTask(task=first)))]

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

    def _run(self, command: RunTask) -> Task:
        """Raises EngineError for a task that was lost, or can't be executed now; whatever breaks is its own failure."""
        try:
            return self.execute(command)
        except EngineError:
            raise
        except Exception as error:
            logger.exception("a task broke", extra=_named(command.task))
            reason = f"unexpected {type(error).__name__}, see the log of {self.config.engine_id}"
            return self.execute(FailTask(task=command.task, error=reason))

    def _give_up(self, task: Task, error: str) -> Task | None:
        """The task with its incident, if it was interrupted too often and that can be said now."""
        if task.interruptions < MOST_INTERRUPTIONS:
            return None
        try:
            return self.execute(FailTask(task=task, error=error, gives_up=True))
        except EngineError:
            # What keeps it from being executed keeps it from being given up.
            return None

    def _postpone(self, task: Task, error: str) -> bool:
        """Has a task tried again later; whether the database took it, otherwise it is owed."""
        postponed = PostponeTask(task=task, error=error)
        try:
            self.execute(postponed)
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
                self.execute(owed.postponed[-1])
                owed.postponed.pop()
            for partition, ids in _by_partition(owed.released).items():
                self.execute(ReleaseTasks(partition=partition, ids=ids))
                owed.released = [task for task in owed.released if task.partition != partition]
        except EngineError:
            with self._lock:
                self._owed.postponed += owed.postponed
                self._owed.released += owed.released

    def _extend(self, tasks: Collection[Task]) -> None:
        for partition, ids in _by_partition(tasks).items():
            try:
                self.execute(ExtendTasks(partition=partition, ids=ids))
            except Exception:
                logger.warning("leases of tasks could not be extended", exc_info=True)

    def recover_tasks(self) -> int:
        """Gives back tasks whose lease has ended, whoever held them; how many these were."""
        return self.execute(RecoverTasks())

    def upcoming(self) -> tuple[datetime | None, datetime | None]:
        """When the next task becomes due, or did, and when the next lease of a task ends, or did; None without any."""
        return self._read(Transaction.find_upcoming)

    def now(self) -> datetime:
        """Engine time. Raises EngineError UNAVAILABLE like `execute`."""
        if not self.config.set_time_enabled:
            return self._base_time()
        return self._read(self._engine_time)

    def _read(self, ask: Callable[[Transaction], R]) -> R:
        def read() -> R:
            with self._store.begin() as tx:
                return ask(tx)

        return self._store.reach(read)

    def _base_time(self) -> datetime:
        return self._clock.now()

    def _engine_time(self, tx: Transaction) -> datetime:
        # Several processes must agree on the offset, so each command reads it, where it may change at all.
        offset = tx.clock_offset() if self.config.set_time_enabled else timedelta(0)
        try:
            return cut(self._base_time() + offset)
        except OverflowError:
            # Engine time was moved to the end of the calendar: there it stops.
            return cut(datetime.max)

    def ready(self) -> bool:
        """Whether the database answers; known within a second, asked at most once a second."""
        return not self.why_not_ready()

    def why_not_ready(self) -> str:
        """Why the database can't be used, in a few words for everybody; an empty text when it can."""
        return self._probe.reason()

    def prepare(self) -> None:
        """Makes the database ready for the days to come. Raises EngineError CONFLICT for a clock that was moved."""
        if not self.config.set_time_enabled and self._read(Transaction.clock_offset):
            raise conflict(
                "engine time was moved ahead, but BPMN_SET_TIME_ENABLED is false: "
                "set it to true, or use a database whose time was never moved"
            )
        self.execute(Prepare())

    def close(self) -> None:
        self._leases.close()
        self._store.close()


def open_service(config: Config, clock: Clock | None = None, *, quiet: bool = False) -> Service:
    """A service on a migrated database, prepared for the days to come; it starts no thread.

    What keeps it from the database while it is opened is raised, and logged as well unless `quiet`.
    """
    store = open_store(config, quiet=quiet)
    service = Service(config, store, clock)
    try:
        service.prepare()
    except BaseException:
        service.close()
        raise
    store.tell_of_outages()
    return service
