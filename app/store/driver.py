"""psycopg, with connections that give up, and what its errors tell about the state of things."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeVar

import psycopg
from psycopg import errors, pq
from psycopg.abc import PQGen
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.store.pipeline import NoAnswer, Pipeline
from app.store.trouble import Trouble, TroubleKind

T = TypeVar("T")

GRACE_SECONDS = 1.0
"""The server ends a statement that takes too long; only a server that doesn't answer at all is given up later."""
CONNECT_SECONDS = 10
END_SECONDS = 0.05
KEEPALIVE_SECONDS = 15

REPEATABLE = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    # There are no checks but those of days: one that was read from was detached before it was written to.
    errors.CheckViolation,
    # A row is not as it was read, or a process has a limit by now: statements that write say so by dividing.
    errors.DivisionByZero,
)

AWAY = "the database can't be reached"
TROUBLE: Mapping[str, tuple[TroubleKind, str]] = {
    "08": (TroubleKind.AWAY, AWAY),
    "22012": (TroubleKind.BUSY, "the database is busy with others that change the same"),
    "25006": (TroubleKind.READ_ONLY, "the database is read-only"),
    "25P03": (TroubleKind.AWAY, AWAY),
    "25P04": (TroubleKind.AWAY, AWAY),
    "40": (TroubleKind.BUSY, "the database is busy with others that change the same"),
    "53100": (TroubleKind.FULL, "the database has no space left"),
    "53": (TroubleKind.BUSY, "the database is short of resources"),
    "55P03": (TroubleKind.BUSY, "the database is busy with others that change the same"),
    "57014": (TroubleKind.BUSY, "the database takes too long"),
    "57P": (TroubleKind.AWAY, AWAY),
    "58": (TroubleKind.BROKEN, "the database can't read or write its files"),
}
"""By the beginning of SQLSTATE, the longest one counts (PostgreSQL documentation, appendix A)."""


class Disconnected(Exception):
    """The connection was lost before anything was committed: the command can be tried again."""


class DayGone(Exception):
    """The tables of a day are not there any more: the command can be tried again, without naming them."""


class CommitUnknown(Exception):
    """The connection was lost while a change was being committed: it may have taken effect, or not."""


class Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server does not answer within `limit` seconds, None for ever."""

    limit: float | None = None
    hot: Pipeline
    """For the statements of commands and queries."""

    def wait(self, gen: PQGen[T], *args: Any, **options: Any) -> T:
        return super().wait(gen if self.limit is None else self._limited(gen, self.limit), *args, **options)

    def _limited(self, gen: PQGen[T], limit: float) -> PQGen[T]:
        until = time.monotonic() + limit
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                # Whoever waits looks up several times a second, with nothing in hand.
                if not ready and time.monotonic() > until:
                    self.pgconn.finish()
                    raise NoAnswer(f"the server has not answered for {limit:.0f} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result

    @property
    def is_lost(self) -> bool:
        """Whether no transaction can be ended on it any more, be it closed or in the middle of a statement."""
        pgconn = self.pgconn
        return (
            self.closed
            or pgconn.transaction_status in (pq.TransactionStatus.ACTIVE, pq.TransactionStatus.UNKNOWN)
            or pgconn.pipeline_status != pq.PipelineStatus.OFF
        )

    @property
    def is_in_transaction(self) -> bool:
        return self.pgconn.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @property
    def has_ended(self) -> bool:
        """Whether the server has ended it while nobody used it; asks nobody, and costs next to nothing."""
        if self.closed:
            return True
        if not _is_readable(self.pgconn.socket):
            return False
        try:
            # A notice, perhaps; a server that has gone leaves the end of the stream, which stays to be read.
            self.pgconn.consume_input()
        except psycopg.Error:
            return True
        # A server that ends a connection says so, and closes it a moment later.
        return self.closed or _is_readable(self.pgconn.socket, END_SECONDS)


def _is_readable(socket: int, seconds: float = 0.0) -> bool:
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def connect_arguments(url: URL, timeout: float) -> dict[str, Any]:
    """What makes lost connections known in time, where `url` does not say it otherwise."""
    arguments = {
        "connect_timeout": math.ceil(min(CONNECT_SECONDS, timeout)),
        "keepalives": 1,
        "keepalives_idle": KEEPALIVE_SECONDS,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": int(timeout * 1000),
    }
    return {name: value for name, value in arguments.items() if name not in url.query}


def missing_days(error: psycopg.Error, days: Iterable[date]) -> set[date]:
    """Those of the days whose table is said to be missing."""
    if not isinstance(error, errors.UndefinedTable):
        return set()
    message = error.diag.message_primary or ""
    return {day for day in days if f"_{day:%Y%m%d}" in message}


def cause_of(error: BaseException) -> BaseException:
    """What the driver has raised."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    if isinstance(error, Disconnected | CommitUnknown) and error.__cause__ is not None:
        return error.__cause__
    return error


def is_repeatable(error: BaseException) -> bool:
    """Whether the same may succeed the next time, and has certainly not taken effect."""
    if isinstance(error, Disconnected | DayGone):
        return True
    if isinstance(error, CommitUnknown):
        return False
    cause = cause_of(error)
    return isinstance(cause, REPEATABLE) or (
        isinstance(cause, psycopg.Error) and _kind(cause) == (TroubleKind.AWAY, AWAY)
    )


def trouble(error: BaseException) -> Trouble | None:
    if isinstance(error, PoolTimeout):
        return Trouble(TroubleKind.BUSY, "all connections to the database are in use", error, "the pool is exhausted")
    cause = cause_of(error)
    if not isinstance(cause, psycopg.Error):
        return None
    if isinstance(error, CommitUnknown):
        detail = "the connection to the database was lost while saving: it may or may not have taken effect"
        return Trouble(TroubleKind.AWAY, detail, cause, _reason(cause))
    kind, detail = _kind(cause)
    return Trouble(kind, detail, cause, _reason(cause)) if kind else None


def _kind(error: psycopg.Error) -> tuple[TroubleKind | None, str]:
    state = error.sqlstate
    if state is None:
        # The driver itself has noticed it, not the server.
        return (TroubleKind.AWAY, AWAY) if isinstance(error, psycopg.OperationalError) else (None, "")
    return next((TROUBLE[state[:length]] for length in (5, 3, 2) if state[:length] in TROUBLE), (None, ""))


def _reason(error: psycopg.Error) -> str:
    """One line, without the details that may quote what a row contains."""
    lines = [line.strip() for line in (error.diag.message_primary or str(error)).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # Where several addresses were tried, the first line only announces those that follow.
    return " ".join(lines) if lines[0].endswith(":") else lines[0]
