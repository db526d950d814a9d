"""All rows of a database as plain dictionaries, read with SQL of its own; alike on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from functools import cached_property
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.databases import plain

Row = dict[str, Any]

PARTITIONED = ("process_instance", "element_instance", "job", "task", "user_task", "incident", "variable")
GLOBAL = (
    "process",
    "element",
    "message",
    "message_variable",
    "message_subscription",
    "signal",
    "signal_variable",
    "signal_subscription",
    "engine_clock",
)
KEYS = {
    **dict.fromkeys(PARTITIONED, "partition, id"),
    **dict.fromkeys(GLOBAL, "id"),
    "event_definition": "element_id",
    "process_queue": "bpmn_process_id",
    "queue_entry": "partition, process_instance_id",
}
BOOLEANS = {
    "job": ("detached",),
    "task": ("detached",),
    "variable": ("encrypted",),
    "message": ("correlated", "key_freed"),
    "message_variable": ("encrypted",),
    "signal_variable": ("encrypted",),
    "element": ("multi_instance",),
    "element_instance": ("multi_instance",),
    "event_definition": ("instantiates", "suspended"),
}
TAGGED = frozenset({"process", "process_instance", "user_task"})


class Tables(dict[str, list[Row]]):
    """Rows by table in the order of their keys. Dates and times are texts that sort, tags are dictionaries."""

    @cached_property
    def by_key(self) -> dict[str, dict[tuple[str, int], Row]]:
        """Rows of the partitioned tables by partition and id."""
        return {name: {(row["partition"], row["id"]): row for row in self[name]} for name in PARTITIONED}

    def one(self, table: str, partition: str, id: int | None) -> Row | None:
        return self.by_key[table].get((partition, id)) if id else None


class Database:
    """A connection beside the service's."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: Any
        self._read: Tables | None = None
        self._version: list[Row] | None = None
        self._is_sqlite = url.startswith("sqlite")
        if self._is_sqlite:
            self._plain = _plain_from_sqlite
            self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self.connection.row_factory = sqlite3.Row
            self.connection.execute("PRAGMA synchronous = OFF")
            self._clean = [f"DELETE FROM {table}" for table in (*KEYS, "audit", "id_counter")]
        else:
            self._plain = _plain_from_postgres
            self.connection = psycopg.connect(plain(url), autocommit=True, row_factory=dict_row)
            self._clean = [f"DELETE FROM {table}" for table in (*KEYS, "audit")]

    def execute(self, statement: str) -> list[Row]:
        cursor = self.connection.execute(statement)
        return [dict(row) for row in cursor] if cursor.description else []

    def tables(self) -> Tables:
        """The rows as they are; the same object as before if nobody else has written meanwhile."""
        version = self.execute("PRAGMA data_version") if self._is_sqlite else None
        if self._read is None or version is None or self._version != version:
            self._version = version
            self._read = Tables(
                {
                    table: self._plain(table, self.execute(f"SELECT * FROM {table} ORDER BY {key}"))
                    for table, key in KEYS.items()
                }
            )
        return self._read

    def change(self, *statements: str) -> None:
        for statement in statements:
            self.execute(statement)
        self._read = None

    def clean(self) -> None:
        """Deletes all rows."""
        self.change("BEGIN", *self._clean, "COMMIT")

    def close(self) -> None:
        self.connection.close()


def _plain_from_sqlite(table: str, rows: list[Row]) -> list[Row]:
    for column in BOOLEANS.get(table, ()):
        for row in rows:
            row[column] = bool(row[column])
    if table in TAGGED:
        for row in rows:
            row["tags"] = json.loads(row["tags"]) if row["tags"] else None
    return rows


def _plain_from_postgres(table: str, rows: list[Row]) -> list[Row]:
    for row in rows:
        for name, value in row.items():
            if isinstance(value, datetime):
                row[name] = f"{value:%Y-%m-%d %H:%M:%S.%f}"
            elif isinstance(value, date):
                row[name] = value.isoformat()
    return rows


def differences(before: Tables, after: Tables) -> Iterator[str]:
    """What was written between two readings, as texts."""
    for table, rows in after.items():
        if rows != before[table]:
            yield from (f"{table}: wrote {row}" for row in rows if row not in before[table])
            yield from (f"{table}: had {row}" for row in before[table] if row not in rows)
