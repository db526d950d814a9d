"""SQLite: one file, one writer. WAL lets readers go on meanwhile; days are columns, some of them marked as detached."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, event, func, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError

from app.clock import SystemClock
from app.config import Config
from app.store import sqlite_trouble
from app.store.dialect import Execution, Session
from app.store.maintenance import DETACHED_FIRST, OPEN_WORK
from app.store.sql import INCIDENTS
from app.store.sqlite_compiled import Statements
from app.store.sqlite_expressions import COUNTER, SQLiteExpressions
from app.store.sqlite_session import Limit, SQLiteSession
from app.store.sqlite_writes import SQLiteWrites
from app.store.trouble import Trouble

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_MS = 10_000
"""How long SQLite itself waits for another process, at most; the command is then tried again as long as it may take."""
WAL_BYTES = 64 * 1024 * 1024
"""A write-ahead log that has grown beyond is cut back when it starts from the beginning."""
CACHED = 256
"""Statements that a connection keeps ready."""
STEPS = 100_000
"""Steps of SQLite's virtual machine, some milliseconds of work, after which a statement looks at the time."""
DROPPED_AT_ONCE = 1000
"""Rows that are deleted in one transaction: other writers should not wait for long."""
DETACHED = ""
"""The table name of the counter that marks a day as detached; all else stays as it is."""


class SQLite(SQLiteExpressions, SQLiteWrites):
    locks_rows = False
    creates_days = False

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._config = config
        self._writer = threading.RLock()
        self.engine: Engine = create_engine(
            config.database_url,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            pool_size=config.database_pool_size,
            pool_timeout=config.database_pool_timeout,
            max_overflow=0,
            # Whoever returns a connection has ended its transaction, or has invalidated it.
            pool_reset_on_return=None,
            # The one that was used last knows most: its pages and statements are at hand.
            pool_use_lifo=True,
            connect_args={
                "timeout": self._busy_timeout / 1000,
                "check_same_thread": False,
                "cached_statements": CACHED,
            },
        )
        self.statements = Statements(self.engine.dialect)
        event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "checkout", self._checked_out)
        event.listen(self.engine, "handle_error", _discard_broken)

    @property
    def _busy_timeout(self) -> int:
        return min(BUSY_TIMEOUT_MS, int(self._config.transaction_timeout * 1000))

    def _connected(self, connection: sqlite3.Connection, record: Any) -> None:
        limit = record.info["limit"] = Limit(self._config.transaction_timeout)
        try:
            for setting in (
                f"busy_timeout = {self._busy_timeout}",
                "journal_mode = WAL",
                f"journal_size_limit = {WAL_BYTES}",
                f"synchronous = {'FULL' if self._config.sqlite_synchronous == 'FULL' else 'NORMAL'}",
            ):
                connection.execute(f"PRAGMA {setting}").close()
        except BaseException:
            connection.close()
            raise
        connection.set_progress_handler(limit.is_over, STEPS)

    def _checked_out(self, _connection: Any, record: Any, _proxy: Any) -> None:
        record.info["limit"].start()

    def session(self) -> SQLiteSession:
        return SQLiteSession(self.engine.connect(), self.statements, self._writer)

    def lock_senders(self) -> list[Execution]:
        return []

    def lock_instances(self) -> list[Execution]:
        return []

    def advisory_lock(self, key: str) -> Execution | None:
        return None

    def ear(self) -> None:
        return None

    def message(self, text: str) -> Execution:
        raise NotImplementedError

    def create_days(self, days: Sequence[date]) -> None:
        pass

    def attached_days(self, session: Session) -> set[date]:
        (rows,) = session.run(Execution(_ATTACHED))
        return {date.fromisoformat(row[0]) for row in rows}

    def detach_day(self, session: Session, day: date) -> None:
        session.begin()
        (rows,) = session.run(Execution(OPEN_WORK, {"day": day}))
        session.commit(*() if rows[0][0] else (Execution(_DETACH, {"day": day.isoformat()}),))

    def drop_day(self, session: Session, day: date) -> None:
        session.begin()
        (rows,) = session.run(Execution(OPEN_WORK, {"day": day}))
        if rows[0][0]:
            session.commit(Execution(_ATTACH, {"day": day.isoformat()}))
            return
        # Incidents are not many; without them nothing new comes into the day, so the rest can go bit by bit.
        session.commit(Execution(delete(INCIDENTS).where(INCIDENTS.c.partition == day)))
        for of in DETACHED_FIRST:
            some = select(of.c.id).where(of.c.partition == day).limit(DROPPED_AT_ONCE)
            statement = delete(of).where(of.c.partition == day, of.c.id.in_(some)).returning(of.c.id)
            found = DROPPED_AT_ONCE
            while found == DROPPED_AT_ONCE:
                session.begin()
                (rows,) = session.run(Execution(statement))
                found = len(rows)
                session.commit()
        session.commit(Execution(delete(COUNTER).where(COUNTER.c.partition == day.isoformat())))

    def migrating(self, connection: Connection) -> None:
        # What changes all rows of a table takes as long as it takes.
        connection.info["limit"].lift()
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if sqlite_trouble.code(error) != sqlite3.SQLITE_BUSY:
                    raise
                logger.info("another process writes to the database: waiting for it")
            else:
                return

    @property
    def place(self) -> str:
        return str(self._path)

    @property
    def _path(self) -> Path:
        name = self.engine.url.database or ""
        return Path(unquote(urlsplit(name).path) if name.startswith("file:") else name).absolute()

    def is_missing(self) -> bool:
        return not self._path.exists()

    def reason(self, error: BaseException) -> str:
        if self._path.is_dir():
            return "it is a folder, not a file"
        if not self._path.parent.is_dir():
            return f"the folder {self._path.parent} does not exist"
        return sqlite_trouble.reason(error)

    def ping(self, connection: Connection) -> None:
        connection.execute(select(1))

    def retryable(self, error: BaseException) -> bool:
        return sqlite_trouble.is_repeatable(error)

    def trouble(self, error: BaseException) -> Trouble | None:
        return sqlite_trouble.trouble(error)


def _discard_broken(context: ExceptionContext) -> None:
    """Has connections opened anew that would not notice when their file is in order again."""
    if sqlite_trouble.is_lasting(context.original_exception):
        context.is_disconnect = True


_DAY = bindparam("day", type_=COUNTER.c.partition.type)
_MARK = (COUNTER.c.table_name == DETACHED, COUNTER.c.partition == _DAY)
_ATTACHED = (
    select(COUNTER.c.partition)
    .where(COUNTER.c.partition != "")
    .group_by(COUNTER.c.partition)
    .having(func.min(COUNTER.c.table_name) != DETACHED)
)
_DETACH = sqlite_insert(COUNTER).values(table_name=DETACHED, partition=_DAY, last_id=0).on_conflict_do_nothing()
_ATTACH = delete(COUNTER).where(*_MARK)
