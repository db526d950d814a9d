"""SQLite: one file, one writer. WAL lets readers go on meanwhile; ids come from a counter table."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

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
from app.store.dialect import Call, Kind, Op, Row, Session, Stale, Values, Wanted, Write
from app.store.maintenance import DETACHED_FIRST, OPEN_WORK
from app.store.sql import INCIDENTS
from app.store.tables import IdCounterRow, ProcessQueueRow, table

COUNTER = table(IdCounterRow)
QUEUE = table(ProcessQueueRow)
BUSY_TIMEOUT_MS = 10_000
DROPPED_AT_ONCE = 1000
"""Rows that are deleted in one transaction: other writers should not wait for long."""
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
        if call.changes is not None and result.rowcount != call.changes:
            raise Stale
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
        self, session: Session, wanted: Sequence[Wanted], unlimited: Sequence[str]
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        # Counting is writing: it belongs into the one transaction.
        session.begin()
        parameters: dict[str, Any] = {"unlimited": json.dumps(unlimited)}
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
        return ids, bool(rows[0][3])

    def writes(self, writes: Sequence[Write], unlimited: Sequence[str] = ()) -> list[Call]:
        # Whether these have a limit was read in this transaction, beside which nobody writes.
        calls = []
        for write in writes:
            rows: list[Values] = write.rows
            if write.op.kind in (Kind.UPDATE, Kind.DELETE):
                rows = [{f"v_{column}": value for column, value in row.items()} for row in rows]
            changes = len(rows) if write.op.exact else None
            # A list of one would make it executemany, which costs more.
            calls.append(Call(_statement(write.op), rows if len(rows) > 1 else rows[0], changes))
        return calls

    def lock_instances(self) -> list[Call]:
        return []

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
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def retryable(self, error: BaseException) -> bool:
        return isinstance(error, Stale) or (
            isinstance(error, OperationalError) and "database is locked" in str(error.orig)
        )


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
        RETURNING table_name, partition, last_id, EXISTS (
            SELECT 1 FROM {queue}
            WHERE bpmn_process_id IN (SELECT value FROM json_each(:unlimited)) AND parallelism <> 0
        )"""
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
    conditions = [columns[name] == bindparam(f"v_{name}") for name in (*op.key, *op.unchanged)]
    if op.where:
        conditions.append(literal_column(f"({op.where})"))
    if op.kind is Kind.DELETE:
        return delete(op.table).where(*conditions)
    values: dict[str, Any] = {column: bindparam(f"v_{column}") for column in op.columns}
    if "revision" in op.unchanged:
        values["revision"] = columns.revision + 1
    return update(op.table).where(*conditions).values(values)
