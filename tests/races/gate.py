"""Commands that stop at a chosen point on their way to the database, for another one to meet them there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from app.clock import Clock
from app.config import Config
from app.service import Service
from app.store import Store
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.postgres import Postgres
from app.store.sql import CLOCK_OFFSET
from app.store.sqlite import SQLite
from tests.races.held import InBackground
from tests.store.together import PATIENCE


class Point(StrEnum):
    READ = "read"
    """It has read what it reads without a lock, and is about to open its transaction."""
    WRITTEN = "written"
    """It has written all it writes, and is about to commit."""


class Stuck(BaseException):
    """A command will never end. Nothing can be tried again, since it still holds what it holds."""


class Gate:
    """All that the commands of one service say to the database passes here."""

    def __init__(self) -> None:
        self._point: Point | int | None = None
        self._go_on = threading.Event()
        self._reached = threading.Event()
        self._passed = 0
        self.writes = threading.Event()
        """Somebody has opened a transaction, or is about to."""
        self.inside = False
        """Whether somebody has a transaction open."""
        self.has_read = False
        """Whether the command that was stopped had said anything to the database before."""

    def close_at(self, point: Point | int) -> None:
        """The next command stops at the point; a number counts what it says to the database before it stops."""
        self._go_on.clear()
        self._reached.clear()
        self._passed = 0
        self.has_read = False
        self._point = point

    def wait(self, command: InBackground[Any]) -> None:
        """Returns once the command has reached the point, or has ended without."""
        deadline = time.monotonic() + PATIENCE
        while not self._reached.wait(0.001) and not command.is_done:
            if time.monotonic() > deadline:
                raise Stuck("the first one does not get to the point")

    def open(self) -> None:
        self._point = None
        self._go_on.set()

    @property
    def holds(self) -> bool:
        """Whether what happens in one transaction has to be kept in one: a lone statement commits by itself."""
        return self._point is not None

    @property
    def waits_for_the_writing(self) -> bool:
        return self._point is Point.WRITTEN

    def pass_by(self, point: Point | None = None) -> None:
        if self._point is None:
            return
        if self._point != (point if isinstance(self._point, Point) else self._passed):
            self._passed += point is not Point.READ
            return
        self._point = None
        self.has_read = self._passed > 0
        self._reached.set()
        assert self._go_on.wait(PATIENCE), "nobody has let it go on"


class GatedSession:
    """A session whose statements pass a gate."""

    def __init__(self, inner: Session, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate
        self._open = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def begin(self) -> None:
        if not self._open:
            self._gate.pass_by(Point.READ)
            self._gate.writes.set()
        self._inner.begin()
        self._open = self._gate.inside = True

    def run(self, *calls: Execution) -> list[list[Row]]:
        if not self._open and any(getattr(call.statement, "is_dml", False) for call in calls):
            if self._gate.holds:
                self.begin()
            self._gate.writes.set()
        # The time is read under a lock of Python's own, which belongs to both services here, but not to two machines.
        if not any(call.statement is CLOCK_OFFSET for call in calls):
            self._gate.pass_by()
        return self._inner.run(*calls)

    def commit(self, *calls: Execution) -> None:
        if calls and self._gate.waits_for_the_writing:
            self.begin()
            self._inner.run(*calls)
            calls = ()
        elif calls and not self._open:
            self._gate.pass_by(Point.READ)
            self._gate.writes.set()
        self._gate.pass_by(Point.WRITTEN)
        self._inner.commit(*calls)
        self._open = self._gate.inside = False

    def close(self) -> None:
        self._inner.close()
        self._gate.inside = False


class GatedDialect:
    """A dialect whose sessions pass a gate."""

    def __init__(self, inner: Dialect, gate: Gate) -> None:
        self._inner = inner
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def session(self) -> GatedSession:
        return GatedSession(self._inner.session(), self._gate)


class GatedService(Service):
    """A service whose commands can be stopped."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.gate = Gate()
        dialect: Any = GatedDialect((SQLite if config.is_sqlite else Postgres)(config), self.gate)
        super().__init__(config, Store(dialect), clock)


def in_order_of_meeting(
    first: GatedService,
    one: Callable[[], Any],
    second: GatedService,
    other: Callable[[], Any],
    point: Point | int,
    is_waiting: Callable[[], bool],
) -> tuple[InBackground[Any], InBackground[Any]]:
    """Does both at once: `one` stops at the point until `other` is done, or waits for it.

    `is_waiting` says whether somebody waits for a lock in the database.
    """
    first.gate.close_at(point)
    ahead = InBackground(one)
    first.gate.wait(ahead)
    second.gate.writes.clear()
    behind = InBackground(other)
    deadline = time.monotonic() + PATIENCE
    behind.thread.join(0.003)
    while not behind.is_done and not is_waiting():
        if time.monotonic() > deadline:
            raise Stuck("the second one neither waits nor ends")
        behind.thread.join(0.001)
    first.gate.open()
    for each in (ahead, behind):
        each.thread.join(PATIENCE)
        if not each.is_done:
            raise Stuck("it does not end")
    return ahead, behind
