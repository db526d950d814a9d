"""SQLite: statements compiled once, to a text and what turns parameters and rows into what the driver takes and gives.

SQLAlchemy has built them and knows their types. Executing them by it would take several times as long as SQLite does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Date, DateTime, Dialect, Executable
from sqlalchemy.types import TypeEngine

from app.store.dialect import Row, Values

Convert = Callable[[Any], Any]
Parameters = tuple[Any, ...]

MOST_COMPILED = 2000
"""Statements whose texts are kept. A claim has one for each number that workers ask for, and these may ask for any."""


class Compiled:
    """Raises ValueError for a statement whose text depends on its parameters."""

    __slots__ = ("_columns", "_constants", "_converts", "_names", "_pick", "sql")

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        found: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # all that we execute can be compiled
        if found.literal_execute_params or found.post_compile_params:
            raise ValueError("the text depends on parameters")
        self.sql: str = found.string
        names = self._names = found.positiontup or []
        self._constants = {name: value for name in names if (value := found.binds[name].effective_value) is not None}
        bound = ((place, _bound(found.binds[name].type, dialect)) for place, name in enumerate(names))
        self._converts: list[tuple[int, Convert]] = [(place, convert) for place, convert in bound if convert]
        # With one name only it would give the value itself.
        self._pick: Callable[[Values], Parameters] | None = itemgetter(*names) if len(names) > 1 else None
        columns = getattr(statement, "exported_columns", ())
        converts = ((place, _read(column.type, dialect)) for place, column in enumerate(columns))
        self._columns: list[tuple[int, Convert]] = [(place, convert) for place, convert in converts if convert]

    def bind(self, given: Values) -> Parameters:
        """The parameters in the order of the text; those that are not given have the values they were built with."""
        if self._constants:
            given = {**self._constants, **given}
        try:
            found = self._pick(given) if self._pick else tuple(given[name] for name in self._names)
        except KeyError:
            found = tuple(given.get(name) for name in self._names)
        return tuple(_converted(found, self._converts)) if self._converts else found

    def read(self, rows: list[Row]) -> list[Row]:
        columns = self._columns
        if not columns:
            return rows
        return [_converted(row, columns) for row in rows]


class Statements:
    """Those of one database, whose texts are kept."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._compiled: dict[Any, Compiled | None] = {}

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
            return Compiled(statement, self._dialect)
        except ValueError:
            return None


def _converted(row: Sequence[Any], converts: list[tuple[int, Convert]]) -> list[Any]:
    values = list(row)
    for place, convert in converts:
        value = values[place]
        if value is not None:
            values[place] = convert(value)
    return values


@lru_cache(maxsize=64)
def _timestamp(value: datetime) -> str:
    return value.isoformat(" ", "microseconds")


_BOUND: Mapping[type[Any], Convert] = {Date: lru_cache(maxsize=64)(date.isoformat), DateTime: _timestamp}
"""How SQLAlchemy stores these, done by one call. One statement after the other has the same day and time."""


def _bound(type_: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if (known := _BOUND.get(type(type_))) is not None:
        return known
    convert: Convert | None = type_.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _read(type_: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    convert: Convert | None = type_.dialect_impl(dialect).result_processor(dialect, None)
    return convert
