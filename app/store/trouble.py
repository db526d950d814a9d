"""What is the database's trouble and not a command's own: when it is repeated, what users are told, what is logged."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from app.errors import unavailable

logger = logging.getLogger(__name__)

R = TypeVar("R")

ATTEMPTS = 5
QUIET_SECONDS = 10.0
"""A busy database serves some and refuses others: it counts as answering again when nobody was refused for so long."""


class TroubleKind(StrEnum):
    AWAY = "away"
    BROKEN = "broken"
    BUSY = "busy"
    FULL = "full"
    READ_ONLY = "read-only"


_WRITES_ONLY = frozenset({TroubleKind.BROKEN, TroubleKind.FULL, TroubleKind.READ_ONLY})
"""What may hit writers alone, so that only writing proves that it is over."""


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: TroubleKind
    detail: str
    """A sentence for users, without names of hosts, files or roles."""
    error: BaseException
    """As the driver has raised it."""
    reason: str = ""
    """What the driver says, for operators: one line, without parameters of statements."""


class Diagnosis(Protocol):
    """What a dialect knows about errors."""

    def retryable(self, error: BaseException) -> bool: ...

    def trouble(self, error: BaseException) -> Trouble | None: ...


class Guard:
    """Stands between the service and a database that may be away, busy or full; one in each process."""

    def __init__(self, diagnosis: Diagnosis, limit: float, *, quiet: bool = False) -> None:
        """`quiet` leaves it to the caller to tell of an outage."""
        self._diagnosis = diagnosis
        self._limit = limit
        self.outages = Outages(quiet=quiet)
        self.on_retry: Callable[[], None] = lambda: None

    def reach(self, do: Callable[[], R], *, again: bool = True) -> R:
        """What `do` returns. It is repeated a few times where it has changed nothing and may succeed, given `again`.

        No attempt begins later than `limit` seconds after the first one. Raises EngineError UNAVAILABLE, with the
        driver's error as its cause, for what is the database's trouble; everything else passes.
        """
        start = time.monotonic()
        attempt = 1
        while True:
            began = time.monotonic()
            try:
                result = do()
            except Exception as error:
                trouble = self._diagnosis.trouble(error)
                if again and attempt < ATTEMPTS and self._repeats(error, trouble, start):
                    # A lost connection makes no line of its own: there may be hundreds at once.
                    level = logging.DEBUG if trouble and trouble.kind is TroubleKind.AWAY else logging.INFO
                    self.on_retry()
                    logger.log(level, "retrying after a conflict in the database")
                    time.sleep(random.uniform(0.005, 0.02) * 2**attempt)
                    attempt += 1
                    continue
                if trouble is None:
                    raise
                self.outages.begin(trouble)
                raise unavailable(trouble.detail) from trouble.error
            self.outages.answered(began)
            return result

    def _repeats(self, error: Exception, trouble: Trouble | None, start: float) -> bool:
        if not self._diagnosis.retryable(error) or time.monotonic() - start >= self._limit:
            return False
        # Where others have found that the database is away, waiting for it would only use up threads.
        return not (trouble and trouble.kind is TroubleKind.AWAY and self.outages.lasts(TroubleKind.AWAY))


@dataclass(slots=True)
class _Outage:
    start: float
    last: float


class Outages:
    """Logs one line when the database begins to fail in some way, and one when it answers again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, quiet: bool = False) -> None:
        self._clock = clock
        self.quiet = quiet
        """Whether telling of outages is left to others."""
        self._lasting: dict[TroubleKind, _Outage] = {}
        self._lock = threading.Lock()

    def lasts(self, kind: TroubleKind) -> bool:
        return kind in self._lasting

    def begin(self, trouble: Trouble) -> None:
        now = self._clock()
        with self._lock:
            outage = self._lasting.get(trouble.kind)
            if outage:
                outage.last = now
                return
            self._lasting[trouble.kind] = _Outage(now, now)
        if self.quiet:
            return
        logger.error("%s", trouble.detail, extra={"trouble": trouble.kind.value, "reason": trouble.reason})

    def answered(self, began: float) -> None:
        """Something that began at that time has succeeded."""
        self._end(began, wrote=False)

    def written(self, began: float) -> None:
        """The same for something that has written."""
        self._end(began, wrote=True)

    def _end(self, began: float, *, wrote: bool) -> None:
        if not self._lasting or self.quiet:
            return
        now = self._clock()
        for kind in TroubleKind:
            if (kind in _WRITES_ONLY) is not wrote:
                continue
            with self._lock:
                outage = self._lasting.get(kind)
                quiet = QUIET_SECONDS if kind is TroubleKind.BUSY else 0.0
                if outage is None or began < outage.last + quiet:
                    continue
                del self._lasting[kind]
            logger.warning("the database answers again after %.0f s", now - outage.start, extra={"trouble": kind.value})
