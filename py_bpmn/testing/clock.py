"""Engine time, as tests move it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from py_bpmn.client import Client
from py_bpmn.errors import ConfigurationError, Conflict, Forbidden

__tracebackhide__ = True


class Clock:
    """Engine time: it goes on as the machine's clock does, and is ahead of that by as much as it was advanced."""

    def __init__(self, client: Client, moved: Callable[[], None], *, ahead: timedelta | None = timedelta(0)) -> None:
        """`moved` is told after the clock was moved. None for how far it is ahead has the engine asked."""
        self._client = client
        self._moved = moved
        self._ahead = ahead

    def __repr__(self) -> str:
        return "<Clock>"

    @property
    def now(self) -> datetime:
        """In UTC."""
        if self._ahead is None:
            self._ahead = self._ask()
        return datetime.now(UTC) + self._ahead

    def advances(self, **step: float) -> None:
        """By `hours=25` and the like, as `timedelta` takes them; what becomes due happens, such as timers that fire."""
        seconds = math.ceil(timedelta(**step).total_seconds())
        if seconds < 0:
            raise ValueError("the clock can't go back")
        self._set(time_duration=timedelta(seconds=seconds))

    def set(self, time: datetime) -> None:
        """To a time that is not over, in UTC where it does not say so itself."""
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        self._set(time=aware.astimezone(UTC))

    def reaches(self, time: datetime) -> None:
        """As `set`, to the first whole second from then on; a time that is over is reached already."""
        if time > self.now:
            self.set(datetime.fromtimestamp(math.ceil(time.timestamp()), UTC))

    def _set(self, **given: Any) -> None:
        try:
            answer = self._client.api.set_time(**given)
        except Forbidden as error:
            raise ConfigurationError(
                f"the engine at {self._client.url} does not let its clock be moved: {error.detail}. "
                "Tests that move it need an engine of their own, or one with BPMN_SET_TIME_ENABLED=true"
            ) from error
        except Conflict as error:
            raise AssertionError(f"the clock can't be set: {error.detail}") from error
        self._ahead = answer.new_time - datetime.now(UTC)
        self._moved()

    def _ask(self) -> timedelta:
        try:
            return self._client.api.set_time(time_duration="PT0S").new_time - datetime.now(UTC)
        except Forbidden:
            # One that can't be moved is that of the machine.
            return timedelta(0)
