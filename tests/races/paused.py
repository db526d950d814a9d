"""Commands that are stopped before they write anything, with all read and decided. PostgreSQL only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from app.store.postgres_session import PostgresSession
from tests.races.held import InBackground
from tests.store.together import PATIENCE

T = TypeVar("T")


class Paused(InBackground[T]):
    """A command that has read what it needs, has its ids, and does not write before it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, do: Callable[[], T]) -> None:
        self._reached = threading.Event()
        self._go_on = threading.Event()
        self.attempts = 0
        commit = PostgresSession.commit

        def paused(session: PostgresSession, *calls: Any) -> None:
            if threading.current_thread() is self.thread:
                self.attempts += 1
                self._reached.set()
                self._go_on.wait(PATIENCE)
            commit(session, *calls)

        monkeypatch.setattr(PostgresSession, "commit", paused)
        super().__init__(do)
        assert self._reached.wait(PATIENCE), "it has nothing to write"

    def goes_on(self) -> T:
        """What it has returned; `attempts` is how often it has tried to write."""
        self._go_on.set()
        return self.result()
