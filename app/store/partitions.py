"""PostgreSQL: days as partitions, one table and one sequence for each partitioned table and day.

Nothing here runs in the transaction of a command, and each statement is a transaction of its own: a day is created
without keeping readers or writers out, and detached without making them wait. What was interrupted may be done again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any, LiteralString, cast

import psycopg
from psycopg import errors, sql
from sqlalchemy import JSON, Boolean, Column, Connection, Date, DateTime, Engine, Integer, Table, Text, text

from app.store.dialect import Execution, Session
from app.store.maintenance import DETACHED_FIRST, OPEN_WORK
from app.store.tables import PARTITIONED

logger = logging.getLogger(__name__)

CREATE_LOCK = 0x62706D6F
DETACH_LOCK = 0x62706D70
LOCK_TIMEOUT = "2s"
ATTEMPTS = 3
IN_USE = (errors.LockNotAvailable, errors.QueryCanceled)

ATTACHED = text("""
    SELECT DISTINCT substr(child.relname, length(parent.relname) + 2)
    FROM pg_inherits
    JOIN pg_class child ON child.oid = inhrelid
    JOIN pg_class parent ON parent.oid = inhparent
    WHERE parent.relkind = 'p' AND parent.oid = to_regclass(parent.relname::text)
""")
CREATE_TABLE: LiteralString = "CREATE TABLE {child} (LIKE {parent} INCLUDING ALL) WITH (fillfactor = 80)"
ATTACH: tuple[LiteralString, ...] = (
    "CREATE SEQUENCE IF NOT EXISTS {sequence} AS integer",
    "ALTER TABLE {parent} ATTACH PARTITION {child} FOR VALUES IN ({day})",
)
_SAMPLES: Mapping[type[Any], LiteralString] = {
    Boolean: "false",
    Date: "{day}",
    # A third lies before any now, which is what PostgreSQL assumes where it does not know: a plan is kept that is as
    # good as a new one.
    DateTime: "CAST({day} AS timestamp) + (n % 3 * 2 - 1) * interval '1 year'",
    Integer: "n / 4 + 1",
    JSON: "CAST('[]' AS jsonb)",
    Text: "'x' || n / 4",
}
# A variable has its name but once in an instance.
_UNLIKE: Mapping[str, LiteralString] = {
    **dict.fromkeys(("id", "element_instance_id", "job_id", "task_id"), "n"),
    "name": "'x' || n",
}
SAMPLES = 40
"""Fewer than the fifty changes after which PostgreSQL would look at the table again, and find it empty."""
DROP: tuple[LiteralString, ...] = (
    "DROP TABLE IF EXISTS {child}",
    "DROP SEQUENCE IF EXISTS {sequence}",
)


@lru_cache(maxsize=1024)
def table_name(of: Table, day: date) -> str:
    return f"{of.name}_{day:%Y%m%d}"


def sequence_name(of: Table, day: date | None) -> str:
    return f"{table_name(of, day)}_seq" if day else f"{of.name}_id_seq"


class Partitions:
    """Takes an engine without a pool: a command that waits for a day holds a connection of the pool already."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def attached(self, session: Session) -> set[date]:
        """The days of which at least one table is attached."""
        (rows,) = session.run(Execution(ATTACHED))
        return {day for (name,) in rows if (day := _parse_day(name))}

    def create(self, days: Sequence[date]) -> set[date]:
        """All days that there are then."""
        with self._connected() as (_, raw), _locked(raw, CREATE_LOCK):
            for day in days:
                # Known before it is there: a day that nobody knows of would be worked off by nobody.
                raw.execute("INSERT INTO partition_day VALUES (%s) ON CONFLICT DO NOTHING", (day,))
                for of in PARTITIONED:
                    if not _children(raw, of, day):
                        with raw.transaction():
                            _create(raw, of, day)
            return {day for (day,) in raw.execute("SELECT partition FROM partition_day")}

    def detach(self, day: date) -> None:
        """Leaves a day attached, or a part of it, that has open work or stays in use."""
        with self._connected() as (connection, raw):
            raw.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            for _ in range(ATTEMPTS):
                try:
                    with _locked(raw, DETACH_LOCK):
                        self._detach(connection, raw, day)
                    return
                except IN_USE:
                    logger.info("waiting to detach a partition", extra={"partition": day.isoformat()})
        logger.warning("a partition is in use and could not be detached", extra={"partition": day.isoformat()})

    def _detach(self, connection: Connection, raw: psycopg.Connection[Any], day: date) -> None:
        if connection.execute(OPEN_WORK, {"day": day}).scalar_one():
            return
        for of in DETACHED_FIRST:
            # What was interrupted comes first, whatever its day: it keeps others from being detached.
            for child, pending in sorted(_children(raw, of, day, or_pending=True), key=lambda each: not each[1]):
                how: LiteralString = "FINALIZE" if pending else "CONCURRENTLY"
                statement = sql.SQL("ALTER TABLE {parent} DETACH PARTITION {child} " + how)
                raw.execute(statement.format(parent=sql.Identifier(of.name), child=sql.Identifier(child)))
        raw.execute("DELETE FROM partition_day WHERE partition = %s", (day,))

    def drop(self, day: date) -> None:
        """Deletes the tables that are detached, or can be."""
        self.detach(day)
        with self._connected() as (_, raw):
            for of in DETACHED_FIRST:
                if not _children(raw, of, day):
                    _run(raw, DROP, of, day)

    @contextmanager
    def _connected(self) -> Iterator[tuple[Connection, psycopg.Connection[Any]]]:
        with self._engine.connect() as connection:
            yield connection, cast("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _locked(raw: psycopg.Connection[Any], key: int) -> Iterator[None]:
    raw.execute("SELECT pg_advisory_lock(%s)", (key,))
    try:
        yield
    finally:
        # A connection that is lost has given it back, and asking it would hide what has happened.
        if not raw.closed:
            raw.execute("SELECT pg_advisory_unlock(%s)", (key,))


def _children(
    raw: psycopg.Connection[Any], of: Table, day: date, *, or_pending: bool = False
) -> list[tuple[str, bool]]:
    """The attached table of the day, if there is one, and whether its detaching was interrupted.

    With `or_pending` those of other days too whose detaching was interrupted.
    """
    return raw.execute(
        """
        SELECT relname, inhdetachpending FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = to_regclass(%s) AND (relname = %s OR (%s AND inhdetachpending))
        """,
        (of.name, table_name(of, day), or_pending),
    ).fetchall()


def _create(raw: psycopg.Connection[Any], of: Table, day: date) -> None:
    # One that is there has been detached, or is of somebody who was interrupted: what is in it stays.
    if raw.execute("SELECT to_regclass(%s) IS NULL", (table_name(of, day),)).fetchone() == (True,):
        _run(raw, (CREATE_TABLE,), of, day)
        _describe(raw, of, day)
    _run(raw, ATTACH, of, day)


def _describe(raw: psycopg.Connection[Any], of: Table, day: date) -> None:
    """Lets PostgreSQL see what the rows of a day look like, which it remembers when they are gone.

    The plans that it makes while a day is empty are used for minutes, until it counts for the first time. Knowing
    nothing, it takes any index for as good as any other, and then goes through thousands of rows for each one.
    """
    rows = sql.SQL("INSERT INTO {child} ({names}) SELECT {values} FROM generate_series(1, {samples}) n")
    child, literal = sql.Identifier(table_name(of, day)), sql.Literal(day.isoformat())
    raw.execute(
        rows.format(
            child=child,
            names=sql.SQL(", ").join(sql.Identifier(column.name) for column in of.c),
            values=sql.SQL(", ").join(sql.SQL(_sample(column)).format(day=literal) for column in of.c),
            samples=sql.Literal(SAMPLES),
        )
    )
    raw.execute(sql.SQL("ANALYZE {child}").format(child=child))
    # In a transaction within: a table that is made in the same one would keep the size that it has had.
    with raw.transaction():
        raw.execute(sql.SQL("TRUNCATE {child}").format(child=child))


def _sample(column: Column[Any]) -> LiteralString:
    """What the column holds in row n of a day. What may be missing is missing in every other row."""
    alike = (text for kind, text in _SAMPLES.items() if isinstance(column.type, kind))
    sample: LiteralString = _UNLIKE.get(column.name) or next(alike)
    return "CASE WHEN n % 2 = 0 THEN " + sample + " END" if column.nullable else sample


def _run(raw: psycopg.Connection[Any], statements: tuple[LiteralString, ...], of: Table, day: date) -> None:
    for statement in statements:
        raw.execute(
            sql.SQL(statement).format(
                child=sql.Identifier(table_name(of, day)),
                parent=sql.Identifier(of.name),
                sequence=sql.Identifier(sequence_name(of, day)),
                day=sql.Literal(day.isoformat()),
            )
        )


def _parse_day(text: str) -> date | None:
    """None for a partition that is none of ours."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
