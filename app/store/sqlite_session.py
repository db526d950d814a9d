"""SQLite: a session. Those of one process write one after the other."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from typing import cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from app.store.dialect import Execution, Row, Stale, TooSlow
from app.store.sqlite_compiled import Parameters, Statements
from app.store.sqlite_trouble import WriterBusy, code, is_lasting

logger = logging.getLogger(__name__)


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
    def __init__(self, connection: Connection, statements: Statements, writer: threading.RLock) -> None:
        self.connection = connection
        self._raw = cast("sqlite3.Connection", connection.connection.driver_connection)
        self._limit: Limit = connection.info["limit"]
        self._statements = statements
        self._writer = writer
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
            if code(error) != sqlite3.SQLITE_INTERRUPT:
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
        compiled = self._statements.compiled(execution.statement)
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
            if is_lasting(error):
                self.connection.invalidate()
            raise
