"""Commands that are stopped right before their COMMIT, to have others meet them there. PostgreSQL only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

from app.store.postgres_session import PostgresSession
from tests.store.database import value
from tests.store.together import PATIENCE

T = TypeVar("T")

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class InBackground(Generic[T]):
    """Something that is done in a thread of its own, from now on."""

    def __init__(self, do: Callable[[], T]) -> None:
        self._do = do
        self._outcome: list[T] = []
        self._error: list[BaseException] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._outcome.append(self._do())
        except BaseException as error:
            self._error.append(error)

    def result(self) -> T:
        """What it has returned; raises what it has raised."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "it is stuck"
        for error in self._error:
            raise error
        return self._outcome[0]

    @property
    def is_done(self) -> bool:
        return not self.thread.is_alive()


class TakenBack(Exception):
    """A command broke in the moment before its COMMIT."""


class Held(InBackground[T]):
    """A command that has written all it writes, and does not commit before it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, do: Callable[[], T]) -> None:
        self._written = threading.Event()
        self._go_on = threading.Event()
        self._fails = False
        commit = PostgresSession.commit

        def held(session: PostgresSession, *calls: Any) -> None:
            if threading.current_thread() is not self.thread or self._go_on.is_set():
                commit(session, *calls)
                return
            session.begin()
            session.run(*calls)
            self._written.set()
            self._go_on.wait(PATIENCE)
            if self._fails:
                raise TakenBack
            commit(session)

        monkeypatch.setattr(PostgresSession, "commit", held)
        super().__init__(do)
        assert self._written.wait(PATIENCE), "it has written nothing"

    def commits(self) -> T:
        self._go_on.set()
        return self.result()

    def rolls_back(self) -> None:
        self._fails = True
        self._go_on.set()
        with pytest.raises(TakenBack):
            self.result()


def wait_for_a_lock(url: str, waiting: InBackground[Any]) -> None:
    """Returns once somebody on the database waits for a lock; fails if nobody ever does."""
    deadline = time.monotonic() + PATIENCE
    while not value(url, WAITING):
        assert not waiting.is_done, "it did not have to wait"
        assert time.monotonic() < deadline, "nobody waits for a lock"
