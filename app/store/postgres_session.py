"""PostgreSQL: a session. What is passed together travels in one pipeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import psycopg
from sqlalchemy import Connection, text

from app.store import driver
from app.store.dialect import Execution, Row, TooSlow, Values
from app.store.pipeline import BEGIN, COMMIT, ROLLBACK, Request, Statement
from app.store.postgres_compiled import Statements

logger = logging.getLogger(__name__)

_READING = text("SELECT set_config('statement_timeout', :milliseconds, true), set_config('jit', 'off', true)")
_SCANNING = text(
    """SELECT set_config('statement_timeout', :milliseconds, true), set_config('jit', 'off', true),
    set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true),
    set_config('enable_partitionwise_aggregate', 'on', true)"""
)
"""Who reads a good part of a table had better read all of it; sessions are set up for those who go by key."""

T = TypeVar("T")


class PostgresSession:
    def __init__(self, connection: Connection, statements: Statements, settings: Statement | None) -> None:
        """`settings` begin each transaction, where the connection itself is not set up."""
        self.connection = connection
        self._raw = cast("driver.Connection", connection.connection.driver_connection)
        self._statements = statements
        self._settings = settings
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
            if gone and self._statements.forget(gone):
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
            (self._statements.compiled(execution), cast("Values", execution.parameters)) for execution in executions
        ]
        begins = self._pending
        before: list[Request] = []
        if self._settings and not self._open:
            # What travels together is one transaction, also without a word of where it begins.
            before.append((self._settings, {}))
        if begins:
            self._pending = False
            self._open = True
            before.insert(0, (BEGIN, {}))
        if commit:
            requests.append((COMMIT, {}))
        results = self._raw.hot.run(before + requests)
        return results[len(before) : len(before) + len(executions)]
