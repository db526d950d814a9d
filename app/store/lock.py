"""Claiming and releasing work. Index and statement share one predicate, word for word, or the index is dead."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, select, text, update

from app.engine.types import WorkState
from app.store.dialect import Dialect
from app.store.tables import UNCLAIMED_JOB, UNCLAIMED_TASK, JobRow, TaskRow, table

JOB = table(JobRow)
TASK = table(TaskRow)


class Claims:
    """The statements of one dialect; each combination of filters has a text of its own, built once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.claim = cache(self._claim)
        self.release = cache(self._release)

    def _claim(self, of: Table, filters: frozenset[str]) -> Any:
        """Locks due work in the order partition, due time, id; parameters `now`, `limit`, `worker`, and the filters.

        Filters are column names, `process_ids`, and `detached` to see detached jobs too.
        """
        conditions: list[ColumnElement[bool]] = [of.c.due_at <= bindparam("now", type_=of.c.due_at.type)]
        conditions += [self._filter(of, name) for name in sorted(filters) if name != "detached"]
        due = (
            select(of.c.partition, of.c.id)
            .where(text(UNCLAIMED_JOB if of is JOB and "detached" not in filters else UNCLAIMED_TASK), *conditions)
            .order_by(of.c.partition, of.c.due_at, of.c.id)
            .limit(bindparam("limit"))
            .with_for_update(skip_locked=True)
            # Inside IN (...) the planner may run it again and lock too many.
            .cte("due")
        )
        return (
            update(of)
            .where(of.c.partition == due.c.partition, of.c.id == due.c.id)
            .values(
                locked_at=bindparam("now", type_=of.c.locked_at.type),
                locked_by=bindparam("worker"),
                state=WorkState.LOCKED.value,
            )
            .returning(*of.c)
        )

    def _filter(self, of: Table, name: str) -> ColumnElement[bool]:
        if name == "process_ids":
            return self._dialect.any_of(of.c.process_id, name)
        if name == "ids":
            return self._dialect.any_of(of.c.id, name)
        return of.c[name] == bindparam(f"f_{name}", type_=of.c[name].type)

    def _release(self, of: Table, filters: frozenset[str]) -> Any:
        """Unlocks what `worker` holds and has not completed; returns a row each."""
        conditions: list[ColumnElement[bool]] = [of.c.locked_by == bindparam("worker"), of.c.completed_at.is_(None)]
        conditions += [self._filter(of, name) for name in sorted(filters)]
        return (
            update(of)
            .where(*conditions)
            .values(locked_at=None, locked_by=None, locked_until=None, state=WorkState.CREATED.value)
            .returning(of.c.id)
        )
