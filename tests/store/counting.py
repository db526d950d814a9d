"""How much a command asks of its database: statements, round trips, rows that come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.store.postgres_session import PostgresSession
from app.store.sqlite_session import SQLiteSession
from tests.wire import Count

_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK")


@contextmanager
def noting_statements(note: Callable[[str], None]) -> Iterator[None]:
    """Tells of each statement that SQLite is about to execute for this process, by whomever; many rows are one."""
    execute = SQLiteSession._execute

    def by_session(self: SQLiteSession, sql: str, *parameters: Any) -> Any:
        note(sql)
        return execute(self, sql, *parameters)

    def by_sqlalchemy(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        note(sql)

    event.listen(Engine, "before_cursor_execute", by_sqlalchemy)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SQLiteSession, "_execute", by_session)
            yield
    finally:
        event.remove(Engine, "before_cursor_execute", by_sqlalchemy)


@contextmanager
def counting_statements() -> Iterator[Count]:
    """Counts what is executed in this process, which is all there is on SQLite."""
    count = Count()

    def note(text: str) -> None:
        (count.transactions if text.startswith(_CONTROL) else count.texts).append(text)

    with noting_statements(note):
        yield count


@dataclass(slots=True)
class Answers:
    """How many rows came back, call by call."""

    rows: list[int] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.rows)


def counted_answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Counts the rows that commands get from now on."""
    answers = Answers()
    for session in (PostgresSession, SQLiteSession):
        run = session.run

        def counted(self: Any, *calls: Any, run: Any = run) -> list[list[Any]]:
            results = run(self, *calls)
            answers.rows.extend(len(rows) for rows in results)
            return results

        monkeypatch.setattr(session, "run", counted)
    return answers
