"""Fills databases by SQL, which is a hundred times faster than the service: with copies of instances that it made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Connection, Table, create_engine, text

from app.config import Config
from app.store import open_store
from app.store.partitions import sequence_name
from app.store.tables import PARTITIONED
from tests.bench.load import Answer

REFERENCES = {
    "element_instance_id", "id", "job_id", "parent_id", "prev_id", "process_instance_id", "root_id", "task_id"
}  # fmt: skip
"""Columns with ids that count by day, so that a copy has others."""
STEP = 16
"""Ids that one copy has for itself in each table; more than an instance of these processes needs."""


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def copy(url: str, instance: Answer, count: int, day: date | None = None) -> int:
    """Copies an instance with all that belongs to it, on its day or another; how many rows these are."""
    target = day.isoformat() if day else instance["partition"]
    if day:
        attach(url, [day])
    rows = 0
    with _connected(url) as connection:
        base = max(_last_id(connection, of, target) for of in PARTITIONED)
        base = max(base, *(_last_id(connection, of, instance["partition"]) for of in PARTITIONED))
        for of in PARTITIONED:
            rows += _copy(connection, of, instance, count, base, target)
        for of in PARTITIONED:
            _count_on(connection, of, target)
    return rows


def _last_id(connection: Connection, of: Table, day: str) -> int:
    return int(connection.scalar(text(f"SELECT max(id) FROM {of.name} WHERE partition = '{day}'")) or 0)


def _copy(connection: Connection, of: Table, instance: Answer, count: int, base: int, day: str) -> int:
    owner = "id" if of.name == "process_instance" else "process_instance_id"
    values = {column.name: f"original.{column.name}" for column in of.columns}
    values |= {name: f"{values[name]} + {base} + number.i * {STEP}" for name in values.keys() & REFERENCES}
    values["partition"] = f"'{day}'" if connection.dialect.name == "sqlite" else f"date '{day}'"
    statement = f"""
        INSERT INTO {of.name} ({", ".join(values)})
        WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < {count - 1})
        SELECT {", ".join(values.values())} FROM number, {of.name} original
        WHERE original.partition = '{instance["partition"]}' AND original.{owner} = {instance["id"]}"""
    return connection.execute(text(statement)).rowcount


def _count_on(connection: Connection, of: Table, day: str) -> None:
    """Has new ids begin after those of the copies."""
    last = _last_id(connection, of, day)
    if not last:
        return
    if connection.dialect.name == "sqlite":
        statement = f"""
            INSERT INTO id_counter (table_name, partition, last_id) VALUES ('{of.name}', '{day}', {last})
            ON CONFLICT (table_name, partition) DO UPDATE SET last_id = excluded.last_id"""
    else:
        statement = f"SELECT setval('{sequence_name(of, date.fromisoformat(day))}', {last})"
    connection.execute(text(statement))


def attach(url: str, days: Iterable[date]) -> None:
    """Makes sure that there are these days."""
    store = open_store(Config(database_url=url))
    try:
        store.ensure_days(days)
    finally:
        store.close()


def analyse(url: str) -> None:
    """What PostgreSQL does by itself a little later; SQLite never does so by itself."""
    if not url.startswith("sqlite"):
        with _connected(url) as connection:
            connection.execute(text("ANALYZE"))
