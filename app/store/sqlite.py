"""SQLite: one file, one writer. WAL lets readers go on meanwhile; ids come from a counter table."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from sqlalchemy import (
    JSON,
    Connection,
    Engine,
    Executable,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.elements import ColumnElement

from app.clock import SystemClock
from app.config import Config
from app.store.dialect import (
    NOTHING_ASSUMED,
    Assumed,
    Execution,
    Kind,
    Op,
    Row,
    Session,
    Stale,
    TooSlow,
    Values,
    Wanted,
    Write,
)
from app.store.maintenance import DETACHED_FIRST, OPEN_WORK
from app.store.sql import INCIDENTS
from app.store.sqlite_compiled import Compiled, Parameters
from app.store.tables import IdCounterRow, ProcessQueueRow, table
from app.store.trouble import Trouble, TroubleKind

logger = logging.getLogger(__name__)

COUNTER = table(IdCounterRow)
QUEUE = table(ProcessQueueRow)
BUSY_TIMEOUT_MS = 10_000
"""How long SQLite itself waits for another process, at most; the command is then tried again as long as it may take."""
WAL_BYTES = 64 * 1024 * 1024
"""A write-ahead log that has grown beyond is cut back when it starts from the beginning."""
MOST_COMPILED = 2000
"""Statements whose texts are kept. A claim has one for each number that workers ask for, and these may ask for any."""
CACHED = 256
"""Statements that a connection keeps ready."""
STEPS = 100_000
"""Steps of SQLite's virtual machine, some milliseconds of work, after which a statement looks at the time."""
DROPPED_AT_ONCE = 1000
"""Rows that are deleted in one transaction: other writers should not wait for long."""
REASONS = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: look at the permissions of the file and its folder",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_FULL: "there is no space left for it",
    sqlite3.SQLITE_IOERR: "it can't be read or written: look at the disk, and whether it is full",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "it is read-only: look at the permissions of the file and its folder",
}
"""Why a database can't be used, by SQLite's result code."""
DETACHED = ""
"""The table name of the counter that marks a day as detached; all else stays as it is."""


TROUBLE: Mapping[int, tuple[TroubleKind, str]] = {
    sqlite3.SQLITE_BUSY: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_CANTOPEN: (TroubleKind.AWAY, "the database can't be opened"),
    sqlite3.SQLITE_CORRUPT: (TroubleKind.BROKEN, "the database is damaged"),
    sqlite3.SQLITE_FULL: (TroubleKind.FULL, "the database has no space left"),
    sqlite3.SQLITE_INTERRUPT: (TroubleKind.BUSY, "the database takes too long"),
    sqlite3.SQLITE_IOERR: (TroubleKind.BROKEN, "the database can't read or write its file"),
    sqlite3.SQLITE_LOCKED: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_NOTADB: (TroubleKind.BROKEN, "the database is damaged"),
    sqlite3.SQLITE_PROTOCOL: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_READONLY: (TroubleKind.READ_ONLY, "the database is read-only"),
}
"""By SQLite's primary result code."""
REPEATABLE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
LASTING = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}
"""What a connection keeps saying, though another one may find the file in order."""


class WriterBusy(Exception):
    """Other commands of this process have been writing for as long as one may wait."""


class Limit:
    """Until when the statements of one connection have to end."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("inf")

    def start(self, seconds: float | None = None) -> None:
        """Gives them as long as one operation may take, or less."""
        self._until = time.monotonic() + min(seconds or self._seconds, self._seconds)

    def lift(self) -> None:
        self._until = float("inf")

    @property
    def left(self) -> float:
        """Seconds."""
        return max(0.0, self._until - time.monotonic())

    def is_over(self) -> bool:
        return time.monotonic() > self._until


class SQLiteSession:
    def __init__(self, connection: Connection, dialect: SQLite) -> None:
        self.connection = connection
        self._raw = cast("sqlite3.Connection", connection.connection.driver_connection)
        self._limit: Limit = connection.info["limit"]
        self._dialect = dialect
        self._writer = dialect.writer
        self._open = False

    def begin(self) -> None:
        if self._open:
            return
        self._enter()
        try:
            self._execute("BEGIN IMMEDIATE")
        except BaseException:
            self._writer.release()
            raise
        self._open = True

    def run(self, *executions: Execution) -> list[list[Row]]:
        if self._open or not any(execution.statement.is_dml for execution in executions):
            return [self._one(execution) for execution in executions]
        self._enter()
        try:
            return [self._one(execution) for execution in executions]
        finally:
            self._writer.release()

    def read(self, *executions: Execution, seconds: float, scans: bool = False) -> list[list[Row]]:
        found = []
        try:
            for execution in executions:
                self._limit.start(seconds)
                found.append(self._one(execution))
        except (sqlite3.Error, DBAPIError) as error:
            if _code(_cause(error)) != sqlite3.SQLITE_INTERRUPT:
                raise
            raise TooSlow from error
        return found

    def commit(self, *executions: Execution) -> None:
        if executions and not self._open:
            self.begin()
        self.run(*executions)
        if self._open:
            self._execute("COMMIT")
            self._leave()

    def close(self) -> None:
        if not self._open:
            return
        try:
            # SQLite may have rolled back by itself, as it does when the disk is full or a statement is interrupted.
            if not self.connection.invalidated and self._raw.in_transaction:
                self._limit.lift()
                self._execute("ROLLBACK")
        except Exception:
            logger.debug("rolling back failed", exc_info=True)
            # Without its connection the transaction is over, too.
            self.connection.invalidate()
        finally:
            self._leave()

    def _enter(self) -> None:
        """Writers of this process queue here, which is fairer and cheaper than SQLite's polling."""
        self._limit.start()
        if not self._writer.acquire(timeout=self._limit.left):
            raise WriterBusy

    def _leave(self) -> None:
        self._open = False
        self._writer.release()

    def _one(self, execution: Execution) -> list[Row]:
        compiled = self._dialect.compiled(execution.statement)
        if compiled is None:
            result = self.connection.execute(execution.statement, execution.parameters)
            found: list[Row] = list(result.all()) if result.returns_rows else []
            changes = result.rowcount
        else:
            given = execution.parameters
            parameters = [compiled.bind(each) for each in given] if isinstance(given, list) else compiled.bind(given)
            rows, changes = self._execute(compiled.sql, parameters)
            found = compiled.read(rows)
        if execution.changes is not None and changes != execution.changes:
            raise Stale
        return found

    def _execute(self, sql: str, parameters: Parameters | list[Parameters] = ()) -> tuple[list[Row], int]:
        """The rows, and how many were changed; by the driver itself."""
        try:
            if isinstance(parameters, list):
                cursor = self._raw.executemany(sql, parameters)
            else:
                cursor = self._raw.execute(sql, parameters)
            # Those that a statement has changed count when they are fetched.
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount
        except sqlite3.Error as error:
            if _code(error) in LASTING:
                self.connection.invalidate()
            raise


class SQLite:
    locks_rows = False
    creates_days = False

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.clock = clock or SystemClock()
        self._config = config
        self.writer = threading.RLock()
        self._compiled: dict[Any, Compiled | None] = {}
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
        return SQLiteSession(self.engine.connect(), self)

    def compiled(self, statement: Executable) -> Compiled | None:
        """None for a statement whose text depends on its parameters."""
        try:
            return self._compiled[statement]
        except KeyError:
            # Looked for once only: other threads may drop all of them at any time.
            compiled = self._compile(statement)
        if len(self._compiled) >= MOST_COMPILED:
            self._compiled.clear()
        self._compiled[statement] = compiled
        return compiled

    def _compile(self, statement: Executable) -> Compiled | None:
        try:
            return Compiled(statement, self.engine.dialect)
        except ValueError:
            return None

    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column.in_(bindparam(name, expanding=True))

    def days(self, of: Table) -> Select[Any]:
        # Each day that has a row has given it an id.
        return select(COUNTER.c.partition).where(COUNTER.c.table_name == literal_column(f"'{of.name}'"))

    def is_attached(self, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        # What was detached stays in its tables.
        return []

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        return (
            select(of.c.partition, of.c.id)
            .where(*conditions, of.c.partition.in_(self.days(of)))
            .order_by(of.c.partition, *(of.c[name] for name in order))
            .limit(limit)
        )

    def first_by_key(
        self,
        of: Table,
        key: str,
        name: str,
        conditions: Callable[[Any], list[Any]],
        order: Sequence[str],
        limit: int,
        day: ColumnElement[Any] | None = None,
    ) -> Select[Any]:
        due, head = of.alias("due"), of.alias("head")
        # Most days have nothing that is due: there no key has to be looked for.
        is_due = exists().where(*conditions(due)[:2], due.c.partition == COUNTER.c.partition).correlate(COUNTER)
        days = self.days(of).where(is_due, *([COUNTER.c.partition == day] if day is not None else [])).subquery("days")
        # What depends on the day comes after it: or each day would be looked at again for each key.
        of_day = func.substr(days.c.partition, literal_column("1"), literal_column("0"))
        given = bindparam(name, type_=JSON).op("||", return_type=Text())(of_day)
        keys = func.json_each(given).table_valued("value", name="keys")
        first: Select[Any] = (
            select(literal_column("head.rowid"))
            .select_from(head)
            .where(*conditions(head), head.c[key] == keys.c.value, head.c.partition == days.c.partition)
            .order_by(*(head.c[each] for each in order))
            .limit(limit)
            .correlate(days, keys)
        )
        return (
            select(of.c.partition, of.c.id)
            .select_from(days.join(keys, true()).join(of, literal_column(f"{of.name}.rowid").in_(first)))
            .order_by(of.c.partition, *(of.c[each] for each in order))
            .limit(limit)
        )

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        values = func.json_each(bindparam(name, type_=JSON)).table_valued("value")
        return column.in_(select(values.c.value)).is_(true())

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column.in_(select(_json_each(name).c.value))

    def begins_with_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        beginning = _json_each(name).c.value
        return exists(beginning).where(func.substr(column, 1, func.length(beginning)) == beginning)

    def is_found(self, column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
        return column.in_(found)

    def keys(self, of: Table, name: str) -> FromClause:
        each = _json_each(name)
        key = [
            func.json_extract(each.c.value, literal_column(f"'$.{column.name}'"), type_=column.type).label(column.name)
            for column in (of.c.partition, of.c.id)
        ]
        return select(*key).subquery(name)

    def has_tags(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        wanted = _json_each(name)
        return ~exists(wanted.c.key).where(_tag(column, wanted.c.key).is_distinct_from(wanted.c.value))

    def has_tag_names(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        wanted = _json_each(name)
        return ~exists(wanted.c.key).where(_tag(column, wanted.c.value).is_(None))

    def allocate(
        self, session: Session, wanted: Sequence[Wanted], assumed: Assumed
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        # Counting is writing: it belongs into the one transaction.
        session.begin()
        parameters: dict[str, Any] = {name: json.dumps(each) for name, each in assumed._asdict().items()}
        for i, each in enumerate(wanted):
            parameters[f"t{i}"] = each.table.name
            parameters[f"p{i}"] = each.partition.isoformat() if each.partition else ""
            parameters[f"n{i}"] = each.count
        (rows,) = session.run(Execution(_allocate(len(wanted)), parameters))
        last = {(name, partition): last_id for name, partition, last_id, _ in rows}
        ids = {}
        for each in wanted:
            end = last[each.table.name, each.partition.isoformat() if each.partition else ""]
            ids[each.table.name, each.partition] = list(range(end - each.count + 1, end + 1))
        return ids, bool(rows[0][3])

    def writes(self, writes: Sequence[Write], assumed: Assumed = NOTHING_ASSUMED) -> list[Execution]:
        # Whether it is so was read in this transaction, beside which nobody writes.
        executions = []
        for write in writes:
            rows: list[Values] = write.rows
            if write.op.kind in (Kind.UPDATE, Kind.DELETE):
                rows = [{f"v_{column}": value for column, value in row.items()} for row in rows]
            changes = len(rows) if write.op.exact else None
            # A list of one would make it executemany, which costs more.
            executions.append(Execution(_statement(write.op), rows if len(rows) > 1 else rows[0], changes))
        return executions

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

    def ping(self, connection: Connection) -> None:
        connection.execute(select(1))

    def retryable(self, error: BaseException) -> bool:
        return isinstance(error, Stale) or _code(_cause(error)) in REPEATABLE

    def trouble(self, error: BaseException) -> Trouble | None:
        if isinstance(error, PoolTimeout):
            detail = "all connections to the database are in use"
            return Trouble(TroubleKind.BUSY, detail, error, "the pool is exhausted")
        if isinstance(error, WriterBusy):
            return Trouble(TroubleKind.BUSY, "the database is busy with other commands", error, "a writer does not end")
        cause = _cause(error)
        kind, detail = TROUBLE.get(_code(cause), (None, ""))
        if kind is None or cause is None:
            return None
        return Trouble(kind, detail, cause, f"{cause} ({getattr(cause, 'sqlite_errorname', '')})")


def _cause(error: BaseException) -> BaseException | None:
    """What the driver has raised."""
    return error.orig if isinstance(error, DBAPIError) else error


def _json_each(name: str) -> TableValuedAlias:
    return func.json_each(bindparam(name, type_=Text)).table_valued("key", "value", name=f"wanted_{name}")


def _tag(column: ColumnElement[Any], name: ColumnElement[Any]) -> ColumnElement[Any]:
    quote: ColumnElement[str] = literal_column("'\"'", Text)
    return func.json_extract(column, literal_column("'$.'", Text) + quote + name + quote)


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code, 0 without."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _discard_broken(context: ExceptionContext) -> None:
    """Has connections opened anew that would not notice when their file is in order again."""
    if _code(context.original_exception) in LASTING:
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
        ) OR EXISTS (
            SELECT 1 FROM json_each(:deployed) AS known
            WHERE NOT EXISTS (SELECT 1 FROM process WHERE process.id = known.value)
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
