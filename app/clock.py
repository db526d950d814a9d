"""Where engine time comes from. All times are naive UTC `datetime`s cut to milliseconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

MEASURED_AT_FIRST = 5
"""Looks at the other clock when nothing is known about it."""
CLOSE = timedelta(milliseconds=2)
"""A round trip that need not be beaten."""
STALE_SECONDS = 300.0
LASTING_SECONDS = 900.0
"""After that, the clocks may have drifted apart by more than a slow look errs."""
HELD_BACK = timedelta(seconds=1)
ZERO = timedelta(0)


def cut(value: datetime) -> datetime:
    """`value` truncated (never rounded) to milliseconds."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def earlier(time: datetime, by: timedelta) -> datetime:
    """`time` less `by`, or the beginning of the calendar."""
    return time - by if time - datetime.min > by else datetime.min


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time: naive, UTC, millisecond precision."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return cut(self.exact())

    def exact(self) -> datetime:
        """The time to the microsecond."""
        return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class _Look:
    ahead: timedelta
    took: timedelta
    at: float

    def contradicts(self, other: _Look) -> bool:
        """Whether one of the clocks must have been set in between."""
        return abs(self.ahead - other.ahead) > self.took + other.took


class FollowingClock:
    """Keeps to the clock of another machine, at which it looks from time to time.

    How far that one is ahead is known but for half of the time the look has taken: the shortest look counts, and a
    difference that is smaller than it took is none. Small corrections never make time go back, it stands still instead.
    """

    def __init__(self, own: SystemClock, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._best: _Look | None = None
        self._looked = float("-inf")
        self._last = datetime.min

    @property
    def is_stale(self) -> bool:
        """Whether it is time to measure again."""
        return self._elapsed() - self._looked > STALE_SECONDS

    def now(self) -> datetime:
        with self._lock:
            now = cut(self._own.exact() + self._ahead())
            if ZERO < self._last - now < HELD_BACK:
                return self._last
            self._last = now
            return now

    def measure(self, ask: Callable[[], datetime]) -> None:
        """Looks at the other clock, several times as long as nothing is known; `ask` tells its time."""
        for _ in range(1 if self._best else MEASURED_AT_FIRST):
            look = self._look(ask)
            with self._lock:
                self._looked = look.at
                if self._counts(look):
                    self._best = look
            if look.took <= CLOSE:
                return

    def _look(self, ask: Callable[[], datetime]) -> _Look:
        own, before = self._own.exact(), self._elapsed()
        other = ask()
        after = self._elapsed()
        took = timedelta(seconds=after - before)
        return _Look(other - (own + took / 2), took, after)

    def _counts(self, look: _Look) -> bool:
        best = self._best
        return best is None or look.took <= best.took or look.at - best.at > LASTING_SECONDS or look.contradicts(best)

    def _ahead(self) -> timedelta:
        best = self._best
        return best.ahead if best and abs(best.ahead) >= best.took else ZERO


class ManualClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = cut(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        self._now = cut(self._now + step)
