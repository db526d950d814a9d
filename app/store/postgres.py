"""PostgreSQL: statements travel in pipelines, the changes of a command are one statement, days are partitions.

Statements are compiled once to text and run by psycopg itself, which prepares them on the server. A set of
writes becomes one data-modifying CTE that takes the rows of each table as one JSON parameter, so its text
depends on the tables only and not on the number of rows.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache, lru_cache, partial
from typing import Any, TypeVar, cast

import orjson
import psycopg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Date,
    Engine,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    literal_column,
    make_url,
    select,
    text,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import ColumnElement

from app.clock import FollowingClock, SystemClock
from app.config import Config, mask_password
from app.errors import StartError
from app.store import driver
from app.store.day_tables import DayCompiler, of_day
from app.store.dialect import (
    NOTHING_ASSUMED,
    Assumed,
    Execution,
    Kind,
    Op,
    Row,
    Session,
    TooSlow,
    Values,
    Wanted,
    Write,
)
from app.store.ear import NOTIFY, Ear
from app.store.partitions import Partitions, sequence_name
from app.store.pipeline import BEGIN, COMMIT, ROLLBACK, Pipeline, Request, Statement, array
from app.store.tables import PARTITIONED, PartitionDayRow, ProcessInstanceRow, ProcessQueueRow, ProcessRow, table
from app.store.trouble import Trouble

logger = logging.getLogger(__name__)

QUEUE = table(ProcessQueueRow)
PARTITION_DAY = table(PartitionDayRow)
PROCESS = table(ProcessRow)
PROCESS_INSTANCE = table(ProcessInstanceRow)
MOST_COMPILED = 2000
"""Texts that are kept. A claim has one for each number that workers ask for, and these may ask for any."""
MANY_IDS = 9
"""Ids of one table, from which on their number is a parameter."""
PASSED_OVER = 200
"""Rows of one key that others may be about to lock, beside those that a claim by several keys can find."""
ROWS_AT_ONCE = 100
"""Rows of a table that one statement changes: each is compared with each."""
MIGRATION_LOCK = 0x62706D6E

T = TypeVar("T")


class PostgresSession:
    def __init__(self, connection: Connection, dialect: Postgres) -> None:
        self.connection = connection
        self._raw = cast("driver.Connection", connection.connection.driver_connection)
        self._dialect = dialect
        self._pending = False
        self._open = False
        self._lost = False

    def begin(self) -> None:
        self._pending = not self._open

    def run(self, *executions: Execution) -> list[list[Row]]:
        # Outside of a transaction a statement that writes commits by itself.
        commits = not self._open and not self._pending and any(execution.statement.is_dml for execution in executions)
        return self._guarded(lambda: self._pipeline(executions), executions, commits=commits)

    def read(self, *executions: Execution, seconds: float, scans: bool = False) -> list[list[Row]]:
        # What travels together is one transaction, which the settings last for.
        limit = Execution(_SCANNING if scans else _READING, {"milliseconds": str(round(seconds * 1000))})
        try:
            return self.run(limit, *executions)[1:]
        except psycopg.errors.QueryCanceled as error:
            raise TooSlow from error

    def _guarded(self, do: Callable[[], T], executions: Sequence[Execution], *, commits: bool) -> T:
        try:
            return do()
        except psycopg.Error as error:
            gone = driver.missing_days(error, [execution.day for execution in executions if execution.day])
            if gone and self._dialect.forget(gone):
                raise driver.DayGone from error
            # What ends with a word of the server has not been committed; silence tells nothing.
            silent = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
            self._lost = silent or self._raw.is_lost
            if not self._lost:
                raise
            if silent and commits:
                raise driver.CommitUnknown from error
            raise driver.Disconnected from error

    def commit(self, *executions: Execution) -> None:
        if not self._open and not self._pending and len(executions) <= 1:
            if executions:
                self._guarded(lambda: self._pipeline(executions), executions, commits=True)
            return
        if not self._open:
            self._pending = True
        self._guarded(lambda: self._pipeline(executions, commit=True), executions, commits=True)
        self._open = False

    def close(self) -> None:
        self._open = self._pending = False
        try:
            if not self._lost and not self._raw.is_lost:
                if self._raw.is_in_transaction:
                    # By itself psycopg would forget all statements that are prepared.
                    self._raw.hot.run([(ROLLBACK, {})])
                return
        except psycopg.Error:
            logger.debug("rolling back failed", exc_info=True)
        # Such a connection must not come back to the pool; the server rolls back what it was about.
        self.connection.invalidate()

    def _pipeline(self, executions: Sequence[Execution], *, commit: bool = False) -> list[list[Row]]:
        requests: list[Request] = [
            (self._dialect.compiled(execution), cast("Values", execution.parameters)) for execution in executions
        ]
        begins = self._pending
        before: list[Request] = []
        if self._dialect.settings and not self._open:
            # What travels together is one transaction, also without a word of where it begins.
            before.append((self._dialect.settings, {}))
        if begins:
            self._pending = False
            self._open = True
            before.insert(0, (BEGIN, {}))
        if commit:
            requests.append((COMMIT, {}))
        results = self._raw.hot.run(before + requests)
        return results[len(before) : len(before) + len(executions)]


class Postgres:
    locks_rows = True
    creates_days = True

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.clock = FollowingClock(clock or SystemClock())
        self._limit = config.transaction_timeout + driver.GRACE_SECONDS
        self._lost_at = float("-inf")
        self._is_pooled = bool(config.database_direct_url)
        """Whether a pooler stands between, behind which each transaction may get to another session."""
        self.settings = _settle(session_settings(config)) if self._is_pooled else None
        """What sets up a transaction where the session can't be set up."""
        self._compiled: dict[Any, Statement] = {}
        self._days: set[date] = set()
        """Those that were seen to have tables."""
        self.engine = self._create_engine(
            config,
            config.database_url,
            pooled=self._is_pooled,
            pool_size=config.database_pool_size,
            pool_timeout=config.database_pool_timeout,
            max_overflow=0,
            # Whoever returns a connection has ended its transaction, or has invalidated it.
            pool_reset_on_return=None,
            # The one that was used last knows most: its pages and statements are at hand.
            pool_use_lifo=True,
        )
        event.listen(self.engine, "connect", self._connected)
        event.listen(self.engine, "checkout", self._checked_out)
        event.listen(self.engine, "invalidate", self._invalidated)
        direct = config.database_direct_url or config.database_url
        self._beside = self._create_engine(config, direct, pooled=False, poolclass=NullPool)
        """For connections that no command takes part in, and that need a session of their own."""
        self._partitions = Partitions(self._beside)

    def _create_engine(self, config: Config, address: str, *, pooled: bool, **options: Any) -> Engine:
        url = make_url(address)
        connect_args = {
            "application_name": config.engine_id,
            # Stronger than what the environment, the URL or the role says: parameters are written in it.
            "client_encoding": "UTF8",
            **driver.connect_arguments(url, config.transaction_timeout),
        }
        if pooled:
            connect_args["prepare_threshold"] = None
        else:
            given = url.query.get("options", "")
            settings = [f"-c {name}={value}" for name, value in session_settings(config).items()]
            connect_args["options"] = " ".join([*settings, given if isinstance(given, str) else " ".join(given)])
        engine = create_engine(
            url, isolation_level="AUTOCOMMIT", hide_parameters=True, connect_args=connect_args, **options
        )
        event.listen(engine, "do_connect", partial(self._connect, pooled))
        return engine

    def session(self) -> PostgresSession:
        return PostgresSession(self.engine.connect(), self)

    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column == any_(bindparam(name, type_=ARRAY(Integer)))

    def days(self, of: Table) -> Select[Any]:
        return select(PARTITION_DAY.c.partition)

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        # A limit that is written out makes PostgreSQL keep the plan, which takes longer to make than to run. As a
        # parameter, also as a subquery, it looks cheaper to plan anew for each number.
        first: ColumnElement[int] = literal_column(str(limit))
        days = self.days(of).order_by(PARTITION_DAY.c.partition).subquery("days")
        rows = (
            select(of.c.partition, of.c.id)
            .where(*conditions, of.c.partition == days.c.partition)
            .order_by(*(of.c[name] for name in order))
            .limit(first)
            .with_for_update(skip_locked=True)
            .lateral("rows")
        )
        return select(rows.c.partition, rows.c.id).select_from(days.join(rows, literal_column("true"))).limit(first)

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
        most: ColumnElement[int] = literal_column(str(limit))
        due, head, row = of.alias("due"), of.alias("head"), of.alias("row")
        # Most days have nothing that is due: there no key has to be looked for.
        is_due = (
            select(literal_column("1"))
            .select_from(due)
            .where(*conditions(due)[:2], due.c.partition == PARTITION_DAY.c.partition)
            .order_by(due.c.due_at, due.c.id)
            .limit(literal_column("1"))
            .correlate(PARTITION_DAY)
            .lateral("is_due")
        )
        found = select(PARTITION_DAY.c.partition).select_from(PARTITION_DAY.join(is_due, true()))
        if day is not None:
            found = found.where(PARTITION_DAY.c.partition == day)
        days = found.order_by(PARTITION_DAY.c.partition).subquery("days")
        # Unless it can count the keys, PostgreSQL makes one plan for any number of them.
        given = select(bindparam(name, type_=ARRAY(Integer))).scalar_subquery()
        keys = func.unnest(given).table_valued("key", name="keys").render_derived()
        # Of each key the first ones, whether or not others hold them; then those that can be had, in their order.
        first = (
            select(head.c.id, *(head.c[each] for each in order if each != "id"))
            .where(*conditions(head), head.c[key] == keys.c.key, head.c.partition == days.c.partition)
            .order_by(*(head.c[each] for each in order))
            .limit(literal_column(str(limit + PASSED_OVER)))
            .correlate(days, keys)
            .lateral("first")
        )
        merged = (
            select(first.c.id)
            .select_from(keys.join(first, true()))
            .order_by(*(first.c[each] for each in order))
            .correlate(days)
            .lateral("merged")
        )
        free = (
            select(row.c.partition, row.c.id)
            .where(*conditions(row), row.c.partition == days.c.partition, row.c.id == merged.c.id)
            .with_for_update(skip_locked=True)
            .correlate(days, merged)
            .lateral("free")
        )
        rows = (
            select(free.c.partition, free.c.id)
            .select_from(merged.join(free, true()))
            .limit(most)
            .correlate(days)
            .lateral("rows")
        )
        return select(rows.c.partition, rows.c.id).select_from(days.join(rows, true())).limit(most)

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column.in_(select(func.unnest(bindparam(name, type_=ARRAY(Integer)))))
        return found.is_(true())

    def is_attached(self, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return [exists().where(PARTITION_DAY.c.partition == day)]

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column == any_(_texts(name))

    def begins_with_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        beginning = func.jsonb_array_elements_text(_json(name)).table_valued("value", name=f"each_{name}")
        return exists(beginning.c.value).where(func.starts_with(column, beginning.c.value))

    def is_found(self, column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
        return column == any_(func.array(found.scalar_subquery(), type_=ARRAY(column.type)))

    def keys(self, of: Table, name: str) -> FromClause:
        key = (column("partition", of.c.partition.type), column("id", of.c.id.type))
        rows = func.jsonb_to_recordset(_json(name)).table_valued(*key)
        return rows.render_derived(name=name, with_types=True)

    def has_tags(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = sql_cast(column, JSONB).contains(_json(name))
        return found

    def has_tag_names(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = sql_cast(column, JSONB).has_all(_texts(name))
        return found

    def allocate(
        self, session: Session, wanted: Sequence[Wanted], assumed: Assumed
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        parameters = _parameters(assumed)
        parameters |= {f"count{n}": each.count for n, each in enumerate(wanted) if each.count >= MANY_IDS}
        sequences = tuple((sequence_name(each.table, each.partition), min(each.count, MANY_IDS)) for each in wanted)
        (((is_wrong, *blocks),),) = session.run(Execution(_allocate(sequences, _conditions(assumed)), parameters))
        ids = {(each.table.name, each.partition): sorted(ids) for each, ids in zip(wanted, blocks, strict=True)}
        return ids, is_wrong

    def writes(self, writes: Sequence[Write], assumed: Assumed = NOTHING_ASSUMED) -> list[Execution]:
        days = {row["partition"] for write in writes if "partition" in write.op.key for row in write.rows}
        day = days.pop() if len(days) == 1 else None
        first, *more = _pieces(writes)
        return [_written(first, assumed, day), *(_written(piece, NOTHING_ASSUMED, day) for piece in more)]

    def lock_senders(self) -> list[Execution]:
        return [Execution(_LOCK_SENDERS)]

    def lock_instances(self) -> list[Execution]:
        return [Execution(_SHORT_WAIT), Execution(_LOCK_INSTANCES)]

    def advisory_lock(self, key: str) -> Execution | None:
        high, low = zlib.crc32(key.encode()), zlib.adler32(key.encode())
        number = (high << 32 | low) - (1 << 63)
        return Execution(_ADVISORY_LOCK, {"key": number})

    def ear(self) -> Ear:
        return Ear(self._beside)

    def message(self, text: str) -> Execution:
        return Execution(NOTIFY, {"message": text})

    def create_days(self, days: Sequence[date]) -> None:
        self._days |= self._partitions.create(days)

    def attached_days(self, session: Session) -> set[date]:
        return self._partitions.attached(session)

    def detach_day(self, session: Session, day: date) -> None:
        self.forget({day})
        self._partitions.detach(day)

    def drop_day(self, session: Session, day: date) -> None:
        self._partitions.drop(day)

    def migrating(self, connection: Connection) -> None:
        # What changes all rows of a table takes as long as it takes.
        cast("driver.Connection", connection.connection.driver_connection).limit = None
        connection.exec_driver_sql("BEGIN")
        connection.execute(_WITHOUT_LIMITS)
        if not connection.execute(_TRY_ADVISORY_LOCK, {"key": MIGRATION_LOCK}).scalar_one():
            logger.info("another process migrates the database: waiting for it")
            connection.execute(_ADVISORY_LOCK, {"key": MIGRATION_LOCK})

    @property
    def place(self) -> str:
        return mask_password(self.engine.url.render_as_string(hide_password=True))

    def is_missing(self) -> bool:
        return False

    def reason(self, error: BaseException) -> str:
        # Where several addresses were tried, the first line only announces those that follow.
        lines = [line.strip() for line in str(error).strip().splitlines()]
        if "unsupported startup parameter" in str(error):
            return f"it is a pooler such as PgBouncer: {_USE_DIRECT}"
        return (" ".join(lines) if lines[0].endswith(":") else lines[0]) if lines else "it does not answer"

    def retryable(self, error: BaseException) -> bool:
        return driver.is_repeatable(error)

    def trouble(self, error: BaseException) -> Trouble | None:
        return driver.trouble(error)

    def ping(self, connection: Connection) -> None:
        self._measure(cast("driver.Connection", connection.connection.driver_connection))

    def compiled(self, execution: Execution) -> Statement:
        """Of a statement, and if it is about a day that is known, for the tables of this day."""
        day = execution.day if execution.day in self._days else None
        found = self._compiled.get((execution.statement, day))
        if found is None:
            if len(self._compiled) >= MOST_COMPILED:
                self._compiled.clear()
            found = self._compiled[execution.statement, day] = self._compile(execution.statement, day)
        return found

    def _compile(self, statement: Any, day: date | None) -> Statement:
        dialect = self.engine.dialect
        compiled = DayCompiler(dialect, statement) if day else statement.compile(dialect=dialect)
        return Statement(of_day(compiled.string, day) if day else compiled.string, compiled.params)

    def forget(self, days: set[date]) -> bool:
        """Names the tables of these days no more; whether that makes a difference."""
        known = self._days & days
        self._days -= known
        return bool(known)

    def _connect(
        self, pooled: bool, dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]
    ) -> driver.Connection:
        connection = driver.Connection.connect(*arguments, **options)
        connection.limit = self._limit
        connection.hot = Pipeline(connection, self._limit, prepares=not pooled)
        return connection

    def _connected(self, connection: driver.Connection, record: Any) -> None:
        record.info["opened"] = time.monotonic()
        record.info["new"] = True
        try:
            self._measure(connection)
        except BaseException:
            connection.close()
            raise

    def _checked_out(self, connection: driver.Connection, record: Any, _proxy: Any) -> None:
        """Has connections replaced that were lost while nobody used them, such as by a restart of the server."""
        if record.info.pop("new", False):
            return
        # When one was lost in use, those that are older are likely as dead, even where no end of stream has told so.
        if connection.has_ended or record.info["opened"] < self._lost_at:
            raise DisconnectionError
        if self.clock.is_stale:
            self._measure(connection)

    def _invalidated(self, _connection: Any, _record: Any, error: BaseException | None) -> None:
        if not isinstance(error, DisconnectionError):
            self._lost_at = time.monotonic()

    def _measure(self, connection: driver.Connection) -> None:
        def ask() -> datetime:
            row = connection.execute(_ASK).fetchone()
            assert row is not None
            time: datetime = row[0]
            if row[1] is None and not self._is_pooled:
                raise StartError(POOLER)
            return time

        self.clock.measure(ask)


def session_settings(config: Config) -> dict[str, str]:
    """What a session or a transaction of ours is set to."""
    timeout = str(int(config.transaction_timeout * 1000))
    settings = {
        _MARK: "on",
        "statement_timeout": timeout,
        "idle_in_transaction_session_timeout": timeout,
        "timezone": "UTC",
        # All that is hot goes by key. In a plan for any parameters, PostgreSQL would rather read whole days.
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        # A plan that was made while a day was new would read all of it, for as long as it is kept.
        "enable_seqscan": "off",
    }
    return settings | ({"search_path": config.database_schema} if config.database_schema else {})


def _settle(settings: Mapping[str, str]) -> Statement:
    """The settings, which are all ours, until the end of a transaction."""
    calls = (f"set_config('{name}', '{value}', true)" for name, value in settings.items())
    return Statement(f"SELECT {', '.join(calls)}", {})


_MARK = "bpmn.session"
"""A setting of no meaning: where it is missing, somebody between has kept the settings of the session for himself."""
_ASK = f"SELECT clock_timestamp() AT TIME ZONE 'UTC', current_setting('{_MARK}', true)"
_USE_DIRECT = "set BPMN_DATABASE_DIRECT_URL to the address of PostgreSQL itself, for what needs a session"
POOLER = f"the database can't be used through this pooler, which ignores how sessions are to be set: {_USE_DIRECT}"


def _json(name: str) -> ColumnElement[Any]:
    return sql_cast(bindparam(name, type_=Text), JSONB)


def _texts(name: str) -> ColumnElement[Any]:
    """The texts of a JSON array as an array of the database."""
    each = select(func.jsonb_array_elements_text(_json(name)))
    return func.array(each.scalar_subquery(), type_=ARRAY(Text))


_READING = text("SELECT set_config('statement_timeout', :milliseconds, true), set_config('jit', 'off', true)")
_SCANNING = text(
    """SELECT set_config('statement_timeout', :milliseconds, true), set_config('jit', 'off', true),
    set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true),
    set_config('enable_partitionwise_aggregate', 'on', true)"""
)
"""Who reads a good part of a table had better read all of it; sessions are set up for those who go by key."""
_ADVISORY_LOCK = select(func.pg_advisory_xact_lock(bindparam("key", type_=BigInteger)))
_TRY_ADVISORY_LOCK = select(func.pg_try_advisory_xact_lock(bindparam("key", type_=BigInteger)))
_WITHOUT_LIMITS = text(
    """SELECT set_config(name, '0', true) FROM pg_settings WHERE name IN
    ('idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout', 'transaction_timeout')"""
)
"""Lifts every limit in time that the server has, until the transaction ends; not every version has all of them."""


_SHORT_WAIT = text("SET LOCAL lock_timeout = '1s'")
# Whoever writes instances names the parent, whatever the day. Its days are left out: something else may hold these.
_LOCK_SENDERS = text("LOCK TABLE message, signal IN SHARE MODE")
_LOCK_INSTANCES = text("LOCK TABLE ONLY process_instance IN SHARE MODE")

# Who introduces a limit locks out all who write instances. These take their lock, too, before their statement gets its
# picture of the database: so it is in this picture, or they are waited for.
# The same for statements that write to the table of a day, which is another one: this one changes nothing.
_NAME_INSTANCES = text("UPDATE ONLY process_instance SET revision = revision WHERE false RETURNING 1 AS n")
_LIMITED = f"""EXISTS (
    SELECT 1 FROM {QUEUE.name} WHERE bpmn_process_id = ANY (CAST(:unlimited AS text[])) AND parallelism <> 0
)"""


# A process is deleted by somebody who has locked out all who write instances, too.
_GONE = (
    f"NOT EXISTS (SELECT 1 FROM {PROCESS.name} WHERE id = CAST(:deployed AS integer))",
    # For a number of rows that it does not know, PostgreSQL makes a plan each time. Few deal with several processes.
    f"""EXISTS (
        SELECT 1 FROM unnest(CAST(:deployed AS integer[])) AS known (id)
        WHERE NOT EXISTS (SELECT 1 FROM {PROCESS.name} WHERE {PROCESS.name}.id = known.id)
    )""",
)
"""Of one process, and of several."""


def _parameters(assumed: Assumed) -> dict[str, Any]:
    found: dict[str, Any] = {"unlimited": array(assumed.unlimited)} if assumed.unlimited else {}
    if assumed.deployed:
        found["deployed"] = assumed.deployed[0] if len(assumed.deployed) == 1 else array(assumed.deployed)
    return found


def _conditions(assumed: Assumed) -> tuple[str, ...]:
    """What would be wrong, in SQL."""
    limited = (_LIMITED,) if assumed.unlimited else ()
    return (*limited, _GONE[len(assumed.deployed) > 1]) if assumed.deployed else limited


@lru_cache(maxsize=MOST_COMPILED)
def _allocate(wanted: tuple[tuple[str, int], ...], wrong: tuple[str, ...]) -> Any:
    """Whether something is assumed wrongly, and the ids of each sequence, whose names are ours."""
    columns = [" OR ".join(wrong) or "false"]
    for n, (sequence, count) in enumerate(wanted):
        id = f"nextval('{sequence}')"
        if count < MANY_IDS:
            columns.append(f"ARRAY[{', '.join([id] * count)}]")
        else:
            # For a number of rows that it does not know, PostgreSQL makes a plan each time.
            columns.append(f"ARRAY(SELECT {id} FROM generate_series(1, :count{n}))")
    return text(f"SELECT {', '.join(columns)}")


def _pieces(writes: Sequence[Write]) -> list[list[Write]]:
    """The same writes, in the first piece all but what goes beyond ROWS_AT_ONCE, whose pieces follow."""
    pieces: list[list[Write]] = [[]]
    for write in writes:
        size = ROWS_AT_ONCE if write.op.kind in (Kind.UPDATE, Kind.DELETE) else len(write.rows)
        first, *more = (Write(write.op, write.rows[start : start + size]) for start in range(0, len(write.rows), size))
        pieces[0].append(first)
        pieces += [[each] for each in more]
    return pieces


def _written(writes: Sequence[Write], assumed: Assumed, day: date | None) -> Execution:
    """The writes in one statement; `day` is the one they are all about, if they are about one."""
    parameters = _parameters(assumed)
    if day:
        parameters["day"] = day
    for write in writes:
        name = write.op.name
        parameters[name] = orjson.dumps(write.rows).decode()
        if write.op.exact:
            parameters[f"{name}_count"] = len(write.rows)
        if write.op.kind in (Kind.UPDATE, Kind.DELETE) and _names_keys(write.op):
            key = _number(write.op)
            parameters[f"{name}_{key}"] = array([row[key] for row in write.rows])
    shape = tuple(write.op for write in writes)
    return Execution(_combined(shape, _conditions(assumed), day is not None), parameters, day=day)


def _names_keys(op: Op) -> bool:
    """Whether a write says the keys of its rows in an array, too.

    PostgreSQL assumes that the array is of ten, and plans anew each time for one that is shorter. Of the tables of a
    day it knows enough to do without.
    """
    return op.table not in PARTITIONED


def _number(op: Op) -> str:
    """The part of the key that is a number, and finds a row, or a few, on its day."""
    return next(name for name in op.key if isinstance(op.table.c[name].type, Integer))


@cache
def _combined(shape: tuple[Op, ...], wrong: tuple[str, ...], one_day: bool) -> Any:
    parts = [_statement(op, one_day) for op in shape]
    if len(parts) == 1 and not shape[0].exact and not wrong:
        return parts[0]
    # Every part sees the database as it was before; no part may touch what another one writes.
    ctes = []
    guards: list[Any] = [text(f"NOT ({condition})") for condition in wrong]
    for number, (part, op) in enumerate(zip(parts, shape, strict=True)):
        if op.exact:
            part = part.returning(literal_column("1"))
        ctes.append(part.cte(f"w{number}"))
        if op.exact:
            found = select(func.count()).select_from(ctes[-1]).scalar_subquery()
            guards.append(found == bindparam(f"{op.name}_count", type_=BigInteger))
    if one_day and any(op.table is PROCESS_INSTANCE for op in shape):
        ctes.append(_NAME_INSTANCES.columns(column("n")).cte("named"))
    # The commit is on its way already: only an error keeps it from taking effect.
    result = 1 / case((and_(*guards), 1), else_=0) if guards else literal_column("1")
    return select(result).add_cte(*ctes)


def _statement(op: Op, one_day: bool) -> Any:
    given = (*op.columns, *op.unchanged) if op.kind is Kind.UPDATE else ()
    names = [c.name for c in op.table.c] if op.kind in (Kind.INSERT, Kind.UPSERT) else [*op.key, *given]
    if op.kind is Kind.INSERT and op.columns:
        names = list(op.columns)
    rows = (
        func.jsonb_to_recordset(sql_cast(bindparam(op.name, type_=Text), JSONB))
        .table_valued(*(column(name, op.table.c[name].type) for name in names))
        .render_derived(name="r", with_types=True)
    )
    if op.kind is Kind.INSERT:
        return insert(op.table).from_select(names, select(text("r.*")).select_from(rows))
    if op.kind is Kind.UPSERT:
        statement = postgres_insert(op.table).from_select(names, select(text("r.*")).select_from(rows))
        return statement.on_conflict_do_update(
            index_elements=list(op.key),
            index_where=text(op.where) if op.where else None,
            set_={name: statement.excluded[name] for name in op.columns},
        )
    conditions = [
        op.table.c[key] == (bindparam("day", type_=Date) if key == "partition" and one_day else rows.c[key])
        for key in op.key
    ]
    if _names_keys(op):
        # Says so again, for all rows at once: a table that PostgreSQL takes for small would be read as a whole instead.
        number = op.table.c[_number(op)]
        conditions.append(number == any_(bindparam(f"{op.name}_{number.name}", type_=ARRAY(number.type))))
    # In a form that no index fits: the key finds the row, and not all others that a worker has locked.
    conditions += [(op.table.c[name] == rows.c[name]).is_(true()) for name in op.unchanged]
    if op.where:
        conditions.append(literal_column(f"({op.where})"))
    if op.kind is Kind.DELETE:
        return delete(op.table).where(*conditions)
    values: dict[str, Any] = {name: rows.c[name] for name in op.columns}
    if "revision" in op.unchanged:
        values["revision"] = op.table.c.revision + 1
    return update(op.table).where(*conditions).values(values)
