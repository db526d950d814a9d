"""PostgreSQL: statements compiled once, to a text for all days and to one for the tables of each."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Dialect

from app.store.day_tables import DayCompiler, of_day
from app.store.dialect import Execution
from app.store.pipeline import Statement

MOST_COMPILED = 2000
"""Texts that are kept. A claim has one for each number that workers ask for, and these may ask for any."""


class Statements:
    """Those of one database, whose texts are kept."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[Any, Statement] = {}
        self._days: set[date] = set()
        """Those that were seen to have tables."""

    def know(self, days: set[date]) -> None:
        """Names the tables of these days from now on."""
        self._days |= days

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
        dialect = self._dialect
        compiled = DayCompiler(dialect, statement) if day else statement.compile(dialect=dialect)
        return Statement(of_day(compiled.string, day) if day else compiled.string, compiled.params)

    def forget(self, days: set[date]) -> bool:
        """Names the tables of these days no more; whether that makes a difference."""
        known = self._days & days
        self._days -= known
        return bool(known)
