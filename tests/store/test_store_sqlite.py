"""SQLite: the statements that connections and threads of one process share."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import literal, select
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from app.store import sqlite_compiled
from app.store.sqlite_compiled import Statements

pytestmark = pytest.mark.sqlite


class DroppedMeanwhile(dict[Any, Any]):
    """Another thread drops everything whenever somebody has looked."""

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        self.clear()
        return found


def test_a_statement_is_found_although_another_thread_drops_all_texts(monkeypatch: pytest.MonkeyPatch):
    statements = Statements(SQLiteDialect())
    monkeypatch.setattr(statements, "_compiled", DroppedMeanwhile())
    statement = select(literal(1))
    first, second = (statements.compiled(statement) for _ in range(2))
    assert first is not None and second is not None
    assert first.sql == second.sql


def test_no_more_texts_are_kept_than_are_allowed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite_compiled, "MOST_COMPILED", 3)
    statements = Statements(SQLiteDialect())
    for number in range(10):
        found = statements.compiled(select(literal(number)))
        assert found is not None
        assert len(statements._compiled) <= 3
