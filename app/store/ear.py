"""A connection that hears what processes on the same PostgreSQL database tell each other (LISTEN and NOTIFY)."""

from __future__ import annotations

from typing import cast

import psycopg
from psycopg import sql
from sqlalchemy import Engine, text

from app.store import driver

CHANNEL = "'bpmn_' || current_schema()::regnamespace::oid"
"""Channels belong to the database, and all other things of ours to a schema."""
NOTIFY = text(f"SELECT pg_notify({CHANNEL}, :message)")


class Ear:
    """What is told from the moment on in which it is made. It takes an engine without a pool."""

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.connect()
        self._raw = cast("driver.Connection", self._connection.connection.driver_connection)
        try:
            row = self._raw.execute(f"SELECT {CHANNEL}").fetchone()
            assert row is not None
            self._raw.execute(sql.SQL("LISTEN {}").format(sql.Identifier(row[0])))
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        return self._raw.pgconn.socket

    def read(self) -> list[str] | None:
        """The messages that have come; None when the connection is lost."""
        pgconn = self._raw.pgconn
        found = []
        try:
            pgconn.consume_input()
            while message := pgconn.notifies():
                found.append(message.extra.decode(errors="replace"))
        except psycopg.Error:
            return None
        return None if self._raw.closed else found

    def close(self) -> None:
        self._connection.invalidate()
        self._connection.close()
