"""Where engine time comes from. All times are naive UTC `datetime`s cut to milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


def cut(value: datetime) -> datetime:
    """`value` truncated (never rounded) to milliseconds."""
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


class Clock(Protocol):
    def now(self) -> datetime:
        """The current time: naive, UTC, millisecond precision."""
        ...


class SystemClock:
    """The machine's clock, shifted by `skew` to follow the clock of a database."""

    def __init__(self, skew: timedelta = timedelta(0)) -> None:
        self.skew = skew

    def now(self) -> datetime:
        return cut(datetime.now(UTC).replace(tzinfo=None) + self.skew)


class ManualClock:
    """A clock that stands still until it is moved; for tests."""

    def __init__(self, start: datetime) -> None:
        self._now = cut(start)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> None:
        self._now = cut(self._now + step)
