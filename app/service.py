"""The one way in: commands in transactions, queries, due tasks, and the keys that may ask for them."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from app import secret
from app.clock import Clock, SystemClock, cut
from app.commands import HANDLERS
from app.commands.base import Command
from app.commands.context import Context, Options
from app.commands.maintenance import Prepare
from app.commands.task import (
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
from app.engine.records import Job, Task
from app.engine.types import WorkState
from app.errors import EngineError, ErrorKind, conflict
from app.store import ApiKey, QueueLimited, Store, Transaction, open_store

logger = logging.getLogger(__name__)

R = TypeVar("R")

ATTEMPTS = 5
PING_SECONDS = 1.0
EXTENSIONS = 3
"""How often a lease is extended in the time that it lasts."""


@dataclass(slots=True)
class Owed:
    """Tasks that this process holds, and could not give back."""

    postponed: list[PostponeTask] = field(default_factory=list)
    released: list[Task] = field(default_factory=list)


def _named(task: Task) -> dict[str, str]:
    return {"task": f"{task.partition}/{task.id}", "type": str(task.type)}


class Service:
    def __init__(self, config: Config, store: Store, clock: Clock | None = None) -> None:
        self.config = config
        self.draining = False
        """True once the service is told to stop: it still answers, but should get no new requests."""
        self.on_due: Callable[[datetime], None] | None = None
        """Told after a commit when the first of the new tasks becomes due."""
        self._store = store
        self._clock = clock or SystemClock()
        # A clock that is given is the time; the machine's own clock follows that of the database.
        self._follows_database = clock is None
        self._options = Options(config=config, cipher=Cipher(config.encryption_keys))
        self._keys: dict[tuple[str, str], tuple[float, ApiKey | None]] = {}
        self._pinged = (float("-inf"), False)
        self._lock = threading.Lock()
        self._owed = Owed()

    def execute(self, command: Command[R]) -> R:
        """Runs a command in one transaction, and again a few times where that may help, such as after a deadlock.

        Raises EngineError with at least the title of the command.
        """
        try:
            return self._attempt(command)
        except EngineError as error:
            error.title = error.title or command.title
            raise

    def _attempt(self, command: Command[R]) -> R:
        limited = False
        attempt = 1
        while True:
            try:
                return self._once(command, limited)
            except QueueLimited:
                limited = True
            except Exception as error:
                if attempt == ATTEMPTS or not self._store.retryable(error):
                    raise
                logger.info("retrying after a conflict in the database", extra={"command": type(command).__name__})
                time.sleep(random.uniform(0.005, 0.02) * 2**attempt)
                attempt += 1
                # What was assumed of a process may have been wrong.
                limited = True

    def _once(self, command: Command[R], limited: bool) -> R:
        with self._store.begin() as tx:
            context = Context(tx, self._options, self._engine_time, limited=limited)
            result: R = HANDLERS[type(command)](context, command)
        if tx.due and self.on_due:
            self.on_due(tx.due)
        return result

    def query(self, criteria: Criteria, *, offset: int = 0, limit: int = 0) -> list[Any]:
        """The matching records in the order of partition and id; `limit` 0 is the default limit."""
        now = self.now()
        found = self._store.query(criteria, now, offset, limit or self.config.default_query_limit)
        for record in found:
            if isinstance(record, Job | Task) and record.state is WorkState.CREATED and record.due_at <= now:
                record.state = WorkState.DUE
        return found

    def execute_tasks(self, command: LockTasks) -> ExecutedTasks:
        """Locks due tasks and runs each in a transaction of its own, so that a failing one takes no other with it."""
        self.settle()
        tasks = self.execute(command)
        if len(tasks) < command.limit and self.recover_tasks():
            tasks += self.execute(replace(command, limit=command.limit - len(tasks)))
        return self.run_tasks(tasks)

    def run_tasks(self, tasks: list[Task], stopped: Callable[[], bool] = lambda: False) -> ExecutedTasks:
        """Runs locked tasks in their order and extends their leases meanwhile; once `stopped`, the rest is released."""
        executed = ExecutedTasks()
        left = deque(tasks)
        with self._extending(left):
            while left and not stopped():
                task = left[0]
                try:
                    executed.completed.append(self._run(task))
                except EngineError as error:
                    executed.failed.append(task)
                    if error.kind is ErrorKind.UNAVAILABLE and not self._postpone(task, error.detail):
                        # The others would fail as well.
                        left.popleft()
                        executed.failed.extend(left)
                        break
                left.popleft()
        with self._lock:
            self._owed.released.extend(left)
        self.settle()
        return executed

    def _run(self, task: Task) -> Task:
        """Raises EngineError for a task that was lost, or can't be executed now; whatever breaks is its own failure."""
        try:
            return self.execute(RunTask(task=task))
        except EngineError as error:
            if error.kind is not ErrorKind.UNAVAILABLE:
                logger.warning("a task was not executed: %s", error.detail, extra=_named(task))
            raise
        except Exception as error:
            logger.exception("a task broke", extra=_named(task))
            reason = f"unexpected {type(error).__name__}, see the log of {self.config.engine_id}"
            return self.execute(FailTask(task=task, error=reason))

    def _postpone(self, task: Task, error: str) -> bool:
        """Whether the database took it; otherwise it is owed."""
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
            for partition in {task.partition for task in owed.released}:
                ids = tuple(task.id for task in owed.released if task.partition == partition)
                self.execute(ReleaseTasks(partition=partition, ids=ids))
                owed.released = [task for task in owed.released if task.partition != partition]
        except EngineError:
            with self._lock:
                self._owed.postponed += owed.postponed
                self._owed.released += owed.released

    @contextmanager
    def _extending(self, tasks: Collection[Task]) -> Iterator[None]:
        """Renews the leases of `tasks`, as they are at that time, for as long as the block takes."""
        done = threading.Event()

        def extend() -> None:
            while not done.wait(self.config.task_lock_timeout / EXTENSIONS):
                for partition in {task.partition for task in tuple(tasks)}:
                    ids = tuple(task.id for task in tuple(tasks) if task.partition == partition)
                    try:
                        self.execute(ExtendTasks(partition=partition, ids=ids))
                    except Exception:
                        logger.warning("leases of tasks could not be extended", exc_info=True)

        thread = threading.Thread(target=extend, name="task-leases", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def recover_tasks(self) -> int:
        """Gives back tasks whose lease has ended, whoever held them; how many these were."""
        return self.execute(RecoverTasks())

    def upcoming(self) -> tuple[datetime | None, datetime | None]:
        """When the next task becomes due, or did, and when the next lease of a task ends, or did; None without any."""
        with self._store.begin() as tx:
            return tx.find_upcoming()

    def now(self) -> datetime:
        """Engine time."""
        if not self.config.set_time_enabled:
            return self._base_time()
        with self._store.begin() as tx:
            return self._engine_time(tx)

    def _base_time(self) -> datetime:
        return cut(self._clock.now() + self._store.skew) if self._follows_database else self._clock.now()

    def _engine_time(self, tx: Transaction) -> datetime:
        # Several processes must agree on the offset, so each command reads it, where it may change at all.
        offset = tx.clock_offset() if self.config.set_time_enabled else timedelta(0)
        try:
            return cut(self._base_time() + offset)
        except OverflowError:
            # Engine time was moved to the end of the calendar: there it stops.
            return cut(datetime.max)

    def ready(self) -> bool:
        """Whether the database answers; asked at most once a second."""
        checked, answered = self._pinged
        if time.monotonic() - checked > PING_SECONDS:
            try:
                self._store.ping()
                answered = True
            except Exception:
                logger.warning("the database does not answer", exc_info=True)
                answered = False
            self._pinged = (time.monotonic(), answered)
        return answered

    def prepare(self) -> None:
        """Makes the database ready for the days to come. Raises EngineError CONFLICT for a clock that was moved."""
        if not self.config.set_time_enabled:
            with self._store.begin() as tx:
                if tx.clock_offset():
                    raise conflict(
                        "engine time was moved ahead, but BPMN_SET_TIME_ENABLED is false: "
                        "set it to true, or use a database whose time was never moved"
                    )
        self.execute(Prepare())

    def api_key_valid(self, secret_id: str, given: str) -> bool:
        """Whether the key exists, which is remembered for a few seconds, and has not expired."""
        known = (secret_id, secret.hash_secret(given))
        until, key = self._keys.get(known, (float("-inf"), None))
        if until <= time.monotonic():
            key = self._store.find_api_key(secret_id)
            if key and not secret.matches(given, key.secret_hash):
                key = None
            with self._lock:
                if len(self._keys) > 10_000:
                    self._keys.clear()
                self._keys[known] = (time.monotonic() + self.config.api_key_cache_ttl, key)
        return key is not None and (key.expires_at is None or key.expires_at > self._base_time())

    def has_api_keys(self) -> bool:
        return bool(self._store.load_api_keys())

    def create_api_key(self, secret_id: str, expires_at: datetime | None = None) -> str:
        """The value of the Authorization header; the secret is not kept. Raises EngineError CONFLICT."""
        new = secret.new_secret()
        self._store.insert_api_key(ApiKey(secret_id, secret.hash_secret(new), self._base_time(), expires_at))
        return secret.authorization_value(secret_id, new)

    def list_api_keys(self) -> list[ApiKey]:
        return self._store.load_api_keys()

    def revoke_api_key(self, secret_id: str) -> None:
        """Raises EngineError NOT_FOUND. Other processes may accept the key for the seconds they remember it."""
        self._store.delete_api_key(secret_id)
        self._keys.clear()

    def close(self) -> None:
        self._store.close()


def open_service(config: Config, clock: Clock | None = None) -> Service:
    """A service on a migrated database, prepared for the days to come; it starts no thread."""
    service = Service(config, open_store(config), clock)
    service.prepare()
    return service
