"""The one way in: commands in transactions, queries, and what is asked of the service beside them."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from app import caller, notices
from app.chores import Chore
from app.clock import Clock, cut, earlier
from app.commands import HANDLERS
from app.commands.audit import note
from app.commands.base import Command
from app.commands.context import Context, Options
from app.commands.instance import GetProcessInstance, SeenProcessInstance
from app.commands.job import LockJobs
from app.commands.lease import RecoverJobs
from app.commands.maintenance import Prepare
from app.commands.removal import DeleteEndedInstances
from app.commands.task import ExecutedTasks, LockTasks
from app.config import Config
from app.criteria import Criteria
from app.crypto import Cipher
from app.engine.graph import Graph
from app.engine.records import Job, Task
from app.errors import EngineError, conflict, is_unavailable, unavailable
from app.finding import Finding, show_due
from app.keys import ApiKeys
from app.leases import JobLeases
from app.memory import Memory, Step
from app.nodes import Nodes
from app.sharing import Sharing
from app.store import AssumedWrongly, Facts, GraphMissing, ProcessGone, Store, Transaction, open_store
from app.store.probe import Probe
from app.tasks import Tasks
from app.waiting import Waiting
from app.waker import Waker

if TYPE_CHECKING:
    from app.metrics import Metrics

logger = logging.getLogger(__name__)

R = TypeVar("R")

FORGETTING_SECONDS = 600.0
OVERDUE = timedelta(seconds=30)
"""Tasks that are due for longer count as overdue: the executor is late, or is not there."""
LONG_LOCKED = timedelta(hours=1)
"""Jobs that are locked for longer, and for no limited time, may belong to a worker that has died."""


def _metrics(config: Config) -> Metrics | None:
    if not config.metrics_enabled:
        return None
    # It takes its time, and memory.
    from app.metrics import Metrics

    return Metrics(config.metrics_directory)


def _each(results: Iterable[Any]) -> Iterator[Any]:
    """The results, and what is in those that are lists."""
    for result in results:
        yield from result if isinstance(result, list) else [result]


def _not_tried(command: Command[Any]) -> EngineError:
    error = unavailable("not tried, because the database was unavailable just before")
    error.title = command.title
    return error


def _handle(context: Context, command: Command[R]) -> R:
    result: R = HANDLERS[type(command)](context, command)
    note(context, command, result)
    return result


class Service:
    def __init__(self, config: Config, store: Store, clock: Clock | None = None) -> None:
        self.config = config
        self.draining = False
        """True once the service is told to stop: it still answers, but should get no new requests."""
        self.on_due: Callable[[datetime], None] | None = None
        """Told after a commit when the first of the new tasks becomes due."""
        self.metrics = _metrics(config)
        """None unless they are wanted."""
        self._store = store
        if self.metrics is not None:
            store.on_retry = self.metrics.retried
        self._clock = clock or store.clock
        self._options = Options(config=config, cipher=Cipher(config.encryption_keys))
        self.finding = Finding(store, self.now)
        self.keys = ApiKeys(store, self._base_time, config.api_key_cache_ttl, self.execute)
        self.nodes = Nodes(config, store, self._base_time)
        """This process and the others on the database."""
        self.waiting = Waiting(config.http_waiters, config.http_threads // 2)
        """Requests of this process that wait."""
        self._waker = Waker(self.waiting, self.nodes, store, self.now)
        self._probe = Probe(store.why_silent)
        self._sharing = Sharing(store, self._options, self._engine_time, self._committed, self.metrics)
        self.tasks = Tasks(config, self, self._sharing, self.metrics)
        self._turn = 0
        """Which process is next, of those whose ended instances are deleted."""
        self._job_leases = JobLeases(lambda: self._read(Transaction.find_first_lease_end), self._recover_jobs, self.now)
        self.chores: list[Chore] = [
            self._job_leases.chore,
            Chore("forget idempotency keys", FORGETTING_SECONDS, self.forget_results),
            Chore("note the use of API keys", 60.0, self.keys.note_use),
            Chore("purge the audit", 3600.0, self.purge_audit),
            Chore("delete ended instances", 60.0, self.delete_ended),
        ]
        """What the executor of every service process does beside due tasks, in this order."""

    def execute(self, command: Command[R], step: Step | None = None) -> R:
        """Runs a command in one transaction, and again a few times where that may help, such as after a deadlock.

        With a `step`, only if it was not done before. Raises EngineError with at least the title of the command;
        UNAVAILABLE, with the driver's error as its cause, when the database is away, busy or full. Then nothing has
        changed, unless the detail says that it may have.
        """
        began = time.perf_counter()
        try:
            return self._attempt(command, step)
        except EngineError as error:
            error.title = error.title or command.title
            raise
        finally:
            if self.metrics is not None:
                self.metrics.command(type(command).__name__, time.perf_counter() - began)

    def _attempt(self, command: Command[R], step: Step | None) -> R:
        limited = False
        loaded: dict[int, Graph] = {}
        while True:
            try:
                return self._store.reach(self._attempts(command, step, limited, loaded))
            except AssumedWrongly:
                limited = True
            except GraphMissing as missing:
                try:
                    loaded[missing.process_id] = self._store.load_graph(missing.process_id)
                except ProcessGone:
                    if limited:
                        raise
                    limited = True

    def _attempts(
        self, command: Command[R], step: Step | None, limited: bool, loaded: dict[int, Graph]
    ) -> Callable[[], R]:
        """Each call is an attempt; what the first one assumes of processes may be why it has to be repeated."""
        assumed = itertools.chain([limited], itertools.repeat(True))
        return lambda: self._once(command, step, next(assumed), loaded)

    def _once(self, command: Command[R], step: Step | None, limited: bool, loaded: dict[int, Graph]) -> R:
        began = time.monotonic()
        with self._store.begin(loaded) as tx:
            asking = None if command.of_engine else caller.current.get()
            context = Context(tx, self._options, self._engine_time, limited=limited, caller=asking)
            handle = partial(_handle, context, command)
            result: R = step.once(tx, command, handle) if step else handle()
        self._committed(tx, began)
        if step:
            self._store.describe(_each([result]))
        if tx.wrote:
            notices.of_command(command, result)
        return result

    def _committed(self, tx: Transaction, began: float) -> None:
        if tx.wrote:
            self._store.written(began)
            incidents = notices.of_changes(tx.changes, with_errors=self.config.log_errors)
            if self.metrics is not None:
                self.metrics.incidents(incidents)
        if self._waker.listens and (tx.wrote or tx.freed):
            self._waker.committed(tx.changes, freed=tx.freed)
        if tx.due and self.on_due:
            self.on_due(tx.due)
        if tx.leased_until and self._job_leases.handed_out() and self.on_due:
            self.on_due(tx.leased_until)

    def execute_each(self, commands: Sequence[Command[R]], steps: Sequence[Step] = ()) -> list[R | Exception]:
        """What each of the commands, which are of one kind, returns or raises: as if it was executed alone.

        With `steps`, one for each of them, those are executed that were not before. Those on one tree of instances are
        executed in their order, of the others those first that can share a transaction. Once the database is
        unavailable, the commands that are left are not tried.
        """
        found: dict[int, Any] = {}
        for outcomes in self._sharing.each(commands, lambda n: self.execute(commands[n], *steps[n : n + 1]), steps):
            found |= outcomes
            if any(map(is_unavailable, outcomes.values())):
                break
        self._store.describe(found.values())
        return [found[place] if place in found else _not_tried(command) for place, command in enumerate(commands)]

    def query(self, criteria: Criteria, *, offset: int = 0, limit: int = 0) -> list[Any]:
        """The matching records in the order of partition and id; `limit` 0 is the default limit.

        Raises EngineError UNAVAILABLE like `execute`.
        """
        now = self.now()
        found = self._store.query(criteria, now, offset, limit or self.config.default_query_limit)
        show_due(found, now)
        self._store.describe(found)
        return found

    def lock_jobs(self, command: LockJobs, steps: Sequence[Step] = ()) -> list[Job]:
        """Locks due jobs. Without an executor, leases that have ended are given back when there are too few jobs.

        For that there are two `steps`, if there are any. Raises EngineError like `execute`.
        """
        jobs = self.execute(command, *steps[:1])
        wanted = command.limit - len(jobs)
        if wanted and not self.config.task_executor_enabled and self._job_leases.recover_when_due():
            jobs += self.execute(replace(command, limit=wanted), *steps[1:])
        self._store.describe(jobs)
        return jobs

    def see_instance(self, partition: date, id: int, names: Iterable[str] = ()) -> SeenProcessInstance:
        """An instance as it is, once it has ended with those of its variables that are named.

        Raises EngineError NOT_FOUND, and like `execute`.
        """
        return self.execute(GetProcessInstance(partition=partition, id=id, names=tuple(names)))

    def see_task(self, partition: date, id: int) -> Task | None:
        """Raises EngineError UNAVAILABLE like `execute`."""
        return self._read(lambda tx: tx.find_task(partition, id))

    def count_outstanding(self, signal_id: int) -> int:
        """How many subscribers a signal has not reached yet. Raises EngineError UNAVAILABLE like `execute`."""
        found = self._read(lambda tx: tx.load_signal(signal_id))
        # Once it has reached all, it is not kept.
        return found[0].active_subscriber_count if found else 0

    def execute_tasks(self, command: LockTasks) -> ExecutedTasks:
        """Locks due tasks and runs them; one that fails takes no other with it."""
        return self.tasks.run(self.tasks.lock(command))

    def _recover_jobs(self) -> int:
        count = self.execute(RecoverJobs())
        if self.metrics is not None:
            self.metrics.expired("job", count)
        return count

    def upcoming(self) -> tuple[datetime | None, datetime | None]:
        """When the next task becomes due, or did, and when the next lease of a task ends, or did; None without any."""
        return self._read(Transaction.find_upcoming)

    def memory(self, key: str, request: Callable[[], str]) -> Memory:
        """What is known of a request with an idempotency key; the digest of the request is asked for when needed."""
        cipher = self._options.cipher if self.config.encryption_keys else None
        return Memory(key, request, self._base_time, cipher)

    def recall(self, memory: Memory, kinds: Mapping[int, Any]) -> dict[int, Any]:
        """What is known of places in a request, whose results are of these types.

        Raises EngineError CONFLICT when the key of the request belongs to another one.
        """
        found = self._read(lambda tx: memory.recall(tx, kinds))
        self._store.describe(_each(found.values()))
        return found

    def keep(self, memory: Memory, kinds: Mapping[int, Any], outcomes: Mapping[int, Any]) -> dict[int, Any]:
        """Has outcomes kept in a transaction of their own; in place of one that is known by now comes that one."""
        return self._read(lambda tx: memory.keep_new(tx, kinds, outcomes))

    def forget_results(self) -> bool:
        """Deletes some of what was kept for longer than BPMN_IDEMPOTENCY_HOURS; whether there may be more of it."""
        since = self._base_time() - timedelta(hours=self.config.idempotency_hours)
        return self._read(lambda tx: tx.forget_results(since))

    def facts(self) -> Facts:
        """The state of the system as the database tells it. Raises EngineError UNAVAILABLE like `execute`."""
        now = self.now()
        return self._store.read_facts(
            jobs_due_until=now, tasks_due_until=earlier(now, OVERDUE), locked_until=earlier(now, LONG_LOCKED)
        )

    def count_unreadable(self) -> tuple[int, int]:
        """How many encrypted variables of today and yesterday were looked at, and how many none of the keys decrypts.

        These are a few of the newest.
        """
        today = self.now().date()
        values = self._store.read_encrypted([today, earlier(self.now(), timedelta(days=1)).date()])
        return len(values), sum(not self._options.cipher.fits(value) for value in values)

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

    def delete_ended(self) -> bool:
        """Deletes some instances that have been ended for longer than their process says; whether there may be more.

        Processes that have some take turns.
        """
        retentions = self._read(lambda tx: tx.settings.retentions())
        turn = self._turn % max(1, len(retentions))
        for number, (bpmn_process_id, days) in enumerate([*retentions[turn:], *retentions[:turn]], turn + 1):
            if self.execute(DeleteEndedInstances(bpmn_process_id=bpmn_process_id, retention_days=days)):
                self._turn = number
                return True
        return False

    def purge_audit(self) -> bool:
        """Deletes some of what is kept for longer than is configured; whether there may be more of it."""
        days = self.config.audit_retention_days
        try:
            return days is not None and self._store.purge_audit(self.now() - timedelta(days=days))
        except OverflowError:
            # Before the calendar begins.
            return False

    def empty(self) -> None:
        """Deletes all that is stored, but for API keys and what is known of service processes; for tests, on SQLite.

        Time is that of the clock again, and nothing that was there before is remembered.
        """
        self._store.empty()
        self.finding = Finding(self._store, self.now)
        self.tasks.forget()
        self.prepare()

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
        self.tasks.close()
        self._waker.close()
        self.nodes.leave()
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
