"""PostgreSQL: its connections, days as partitions, and what locks others out.

Statements are compiled once to text, travel in pipelines, and are run by psycopg itself, which prepares them on the
server. A set of writes is one of them.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, cast

from sqlalchemy import BigInteger, Connection, Engine, bindparam, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool

from app.clock import FollowingClock, SystemClock
from app.config import Config
from app.errors import StartError
from app.redact import mask_password
from app.store import driver
from app.store.dialect import Execution, Session
from app.store.ear import NOTIFY, Ear
from app.store.partitions import Partitions
from app.store.pipeline import Pipeline, Statement
from app.store.postgres_compiled import Statements
from app.store.postgres_expressions import PostgresExpressions
from app.store.postgres_session import PostgresSession
from app.store.postgres_writes import PostgresWrites
from app.store.trouble import Trouble

logger = logging.getLogger(__name__)

MIGRATION_LOCK = 0x62706D6E


class Postgres(PostgresExpressions, PostgresWrites):
    locks_rows = True
    creates_days = True

    def __init__(self, config: Config, clock: SystemClock | None = None) -> None:
        self.clock = FollowingClock(clock or SystemClock())
        self._limit = config.transaction_timeout + driver.GRACE_SECONDS
        self._lost_at = float("-inf")
        self._is_pooled = bool(config.database_direct_url)
        """Whether a pooler stands between, behind which each transaction may get to another session."""
        self._settings = _settle(session_settings(config)) if self._is_pooled else None
        """What sets up a transaction where the session can't be set up."""
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
        self.statements = Statements(self.engine.dialect)
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
        return PostgresSession(self.engine.connect(), self.statements, self._settings)

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
        self.statements.know(self._partitions.create(days))

    def attached_days(self, session: Session) -> set[date]:
        return self._partitions.attached(session)

    def detach_day(self, session: Session, day: date) -> None:
        self.statements.forget({day})
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
