"""SQLite: one file, one writer. WAL lets readers go on meanwhile; ids come from a counter table."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.elements import ColumnElement

from app.config import Config
from app.store.dialect import Call, Kind, Op, Row, Session, Values, Wanted, Write
from app.store.maintenance import DETACHED_FIRST, OPEN_WORK
from app.store.sql import INCIDENTS
from app.store.tables import IdCounterRow, ProcessQueueRow, table

logger = logging.getLogger(__name__)

COUNTER = table(IdCounterRow)
QUEUE = table(ProcessQueueRow)
BUSY_TIMEOUT_MS = 10_000
DROPPED_AT_ONCE = 1000
"""Rows that are deleted in one transaction: other writers should not wait for long."""
REASONS = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: look at the permissions of the file and its folder",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_FULL: "there is no space left for it",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "it is read-only: look at the permissions of the file and its folder",
}
"""Why a database can't be used, by SQLite's result code."""
DETACHED = ""
"""The table name of the counter that marks a day as detached; all else stays as it is."""


class SQLiteSession:
    def __init__(self, connection: Connection, writer: threading.RLock) -> None:
        self.connection = connection
        self._writer = writer
        self._open = False

    def begin(self) -> None:
        if self._open:
            return
        # Writers of this process queue here, which is fairer and cheaper than SQLite's polling.
        self._writer.acquire()
        try:
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        except BaseException:
            self._writer.release()
            raise
        self._open = True

    def run(self, *calls: Call) -> list[list[Row]]:
        return [self._one(call) for call in calls]

    def commit(self, *calls: Call) -> None:
        if calls and not self._open:
            self.begin()
        self.run(*calls)
        if self._open:
            self._finish("COMMIT")

    def close(self) -> None:
        if self._open:
            self._finish("ROLLBACK")

    def _finish(self, statement: str) -> None:
        self.connection.exec_driver_sql(statement)
        self._open = False
        self._writer.release()

    def _one(self, call: Call) -> list[Row]:
        result = self.connection.execute(call.statement, call.parameters)
        return list(result.all()) if result.returns_rows else []


class SQLite:
    locks_rows = False
    creates_days = False
    skew = timedelta(0)

    def __init__(self, config: Config) -> None:
        self.engine: Engine = create_engine(
            config.database_url,
            isolation_level="AUTOCOMMIT",
            pool_size=config.database_pool_size,
            pool_timeout=config.database_pool_timeout,
            max_overflow=0,
            # What a statement failed with is logged.
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        )
        self._writer = threading.RLock()

        @event.listens_for(self.engine, "connect")
        def configure(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute(f"PRAGMA synchronous = {'FULL' if config.sqlite_synchronous == 'FULL' else 'NORMAL'}")
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            cursor.close()

    def session(self) -> SQLiteSession:
        return SQLiteSession(self.engine.connect(), self._writer)

    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column.in_(bindparam(name, expanding=True))

    def days(self, of: Table) -> Select[Any]:
        # Each day that has a row has given it an id.
        return select(COUNTER.c.partition).where(COUNTER.c.table_name == literal_column(f"'{of.name}'"))

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        return (
            select(of.c.partition, of.c.id)
            .where(*conditions, of.c.partition.in_(self.days(of)))
            .order_by(of.c.partition, *(of.c[name] for name in order))
            .limit(limit)
        )

    def has_tag(self, column: ColumnElement[Any], name: str, value: str) -> ColumnElement[bool]:
        found = func.json_extract(column, f'$."{name}"')
        return found == value if value else found.is_not(None)

    def allocate(
        self, session: Session, wanted: Sequence[Wanted], limited: str | None
    ) -> tuple[dict[tuple[str, date | None], list[int]], int]:
        # Counting is writing: it belongs into the one transaction.
        session.begin()
        parameters: dict[str, Any] = {"limited": limited}
        for i, each in enumerate(wanted):
            parameters[f"t{i}"] = each.table.name
            parameters[f"p{i}"] = each.partition.isoformat() if each.partition else ""
            parameters[f"n{i}"] = each.count
        (rows,) = session.run(Call(_allocate(len(wanted)), parameters))
        last = {(name, partition): last_id for name, partition, last_id, _ in rows}
        ids = {}
        for each in wanted:
            end = last[each.table.name, each.partition.isoformat() if each.partition else ""]
            ids[each.table.name, each.partition] = list(range(end - each.count + 1, end + 1))
        return ids, rows[0][3] or 0

    def writes(self, writes: Sequence[Write]) -> list[Call]:
        calls = []
        for write in writes:
            rows: list[Values] = write.rows
            if write.op.kind in (Kind.UPDATE, Kind.DELETE):
                rows = [{f"v_{column}": value for column, value in row.items()} for row in rows]
            # A list of one would make it executemany, which costs more.
            calls.append(Call(_statement(write.op), rows if len(rows) > 1 else rows[0]))
        return calls

    def advisory_lock(self, key: str) -> Call | None:
        return None

    def create_days(self, days: Sequence[date]) -> None:
        pass

    def attached_days(self, session: Session) -> set[date]:
        (rows,) = session.run(Call(_ATTACHED))
        return {date.fromisoformat(row[0]) for row in rows}

    def detach_day(self, session: Session, day: date) -> None:
        session.begin()
        (rows,) = session.run(Call(OPEN_WORK, {"day": day}))
        session.commit(*() if rows[0][0] else (Call(_DETACH, {"day": day.isoformat()}),))

    def drop_day(self, session: Session, day: date) -> None:
        session.begin()
        (rows,) = session.run(Call(OPEN_WORK, {"day": day}))
        if rows[0][0]:
            session.commit(Call(_ATTACH, {"day": day.isoformat()}))
            return
        # Incidents are not many; without them nothing new comes into the day, so the rest can go bit by bit.
        session.commit(Call(delete(INCIDENTS).where(INCIDENTS.c.partition == day)))
        for of in DETACHED_FIRST:
            some = select(of.c.id).where(of.c.partition == day).limit(DROPPED_AT_ONCE)
            statement = delete(of).where(of.c.partition == day, of.c.id.in_(some)).returning(of.c.id)
            found = DROPPED_AT_ONCE
            while found == DROPPED_AT_ONCE:
                session.begin()
                (rows,) = session.run(Call(statement))
                found = len(rows)
                session.commit()
        session.commit(Call(delete(COUNTER).where(COUNTER.c.partition == day.isoformat())))

    def migrating(self, connection: Connection) -> None:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            except OperationalError as error:
                if _code(error.orig) != sqlite3.SQLITE_BUSY:
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
        return REASONS.get(_code(error), str(error))

    def retryable(self, error: BaseException) -> bool:
        return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code; 0 when it has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


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


@cache
def _allocate(count: int) -> Any:
    # As text: SQLAlchemy would compile an INSERT of several rows anew each time.
    counter, queue = COUNTER.name, QUEUE.name
    rows = ", ".join(f"(:t{i}, :p{i}, :n{i})" for i in range(count))
    return text(
        f"""INSERT INTO {counter} (table_name, partition, last_id) VALUES {rows}
        ON CONFLICT (table_name, partition) DO UPDATE SET last_id = {counter}.last_id + excluded.last_id
        RETURNING table_name, partition, last_id, (SELECT parallelism FROM {queue} WHERE bpmn_process_id = :limited)"""
    )


@cache
def _statement(op: Op) -> Any:
    columns = op.table.c
    if op.kind is Kind.INSERT:
        return insert(op.table)
    if op.kind is Kind.UPSERT:
        statement = sqlite_insert(op.table)
        return statement.on_conflict_do_update(
            index_elements=list(op.key),
            index_where=text(op.where) if op.where else None,
            set_={column: statement.excluded[column] for column in op.columns},
        )
    conditions = [columns[key] == bindparam(f"v_{key}") for key in op.key]
    if op.where:
        conditions.append(literal_column(f"({op.where})"))
    if op.kind is Kind.DELETE:
        return delete(op.table).where(*conditions)
    values: Mapping[str, Any] = {column: bindparam(f"v_{column}") for column in op.columns}
    return update(op.table).where(*conditions).values(values)
