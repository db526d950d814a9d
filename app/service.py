"""The one way in: commands in transactions, queries, due tasks, and the keys that may ask for them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from app import secret
from app.clock import Clock, cut
from app.commands import HANDLERS
from app.commands.base import Command
from app.commands.context import Context, Options
from app.commands.maintenance import Prepare
from app.commands.task import ExecutedTasks, LockTasks, ReleaseTasks, RunTask
from app.config import Config
from app.criteria import Criteria
from app.crypto import Cipher
from app.engine.graph import Graph
from app.engine.records import Job, Task
from app.engine.types import WorkState
from app.errors import EngineError, conflict
from app.store import ApiKey, GraphMissing, QueueLimited, Store, Transaction, open_store
from app.store.probe import Probe

logger = logging.getLogger(__name__)

R = TypeVar("R")


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
        self._keys: dict[tuple[str, str], tuple[float, ApiKey | None]] = {}
        self._probe = Probe(store.why_silent)
        self._lock = threading.Lock()

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
                return self._store.reach(partial(self._once, command, limited, loaded))
            except QueueLimited:
                limited = True
            except GraphMissing as missing:
                loaded[missing.process_id] = self._store.load_graph(missing.process_id)

    def _once(self, command: Command[R], limited: bool, loaded: dict[int, Graph]) -> R:
        began = time.monotonic()
        with self._store.begin(loaded) as tx:
            context = Context(tx, self._options, self._engine_time, limited=limited)
            result: R = HANDLERS[type(command)](context, command)
        if tx.wrote:
            self._store.written(began)
        if tx.due and self.on_due:
            self.on_due(tx.due)
        return result

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
        """Locks due tasks and runs each in a transaction of its own, so that a failing one takes no other with it."""
        return self.run_tasks(self.execute(command))

    def run_tasks(self, tasks: list[Task], stopped: Callable[[], bool] = lambda: False) -> ExecutedTasks:
        """Runs locked tasks in their order; once `stopped`, the rest is released."""
        executed = ExecutedTasks()
        for position, task in enumerate(tasks):
            if stopped():
                self._release(tasks[position:])
                break
            try:
                executed.completed.append(self.execute(RunTask(task=task)))
            except Exception:
                logger.exception("task failed", extra={"task": f"{task.partition}/{task.id}", "type": str(task.type)})
                executed.failed.append(task)
        return executed

    def _release(self, tasks: list[Task]) -> None:
        for partition in {task.partition for task in tasks}:
            ids = tuple(task.id for task in tasks if task.partition == partition)
            self.execute(ReleaseTasks(partition=partition, ids=ids))

    def now(self) -> datetime:
        """Engine time. Raises EngineError UNAVAILABLE like `execute`."""
        if not self.config.set_time_enabled:
            return self._base_time()
        return self._read(self._engine_time)

    def next_due(self) -> datetime | None:
        """When the next task becomes due, or did; None without any. Raises EngineError UNAVAILABLE like `execute`."""
        return self._read(Transaction.find_next_due)

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
