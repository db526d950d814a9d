"""What is to be done every now and then, beside due tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.errors import is_unavailable

logger = logging.getLogger(__name__)


class Chore:
    """Something that every service process does at an interval, whether or not others do it, too.

    `do` returns whether there is more of it to be done at once. It should take a bounded part of the work each time,
    since due tasks wait meanwhile. What it raises is logged, unless the database is away, and it is tried again later.
    """

    def __init__(self, name: str, interval: float, do: Callable[[], bool]) -> None:
        """`interval` are seconds between the end of one time and the next."""
        self.name = name
        self.interval = interval
        self._do = do
        self._due = float("-inf")

    @property
    def seconds_left(self) -> float:
        """Until it is due; 0 when it is."""
        return max(0.0, self._due - time.monotonic())

    def do_when_due(self) -> None:
        if time.monotonic() < self._due:
            return
        has_more = False
        try:
            has_more = self._do()
        except Exception as error:
            if not is_unavailable(error):
                logger.exception("what is to be done now and then has failed: %s", self.name)
        self._due = time.monotonic() + (0.0 if has_more else self.interval)

    def put_off(self) -> None:
        """Was done by somebody else right now: it is due after its interval."""
        self._due = time.monotonic() + self.interval

    def hurry(self, seconds: float) -> None:
        """Has it done in so many seconds, unless it is due sooner."""
        self._due = min(self._due, time.monotonic() + seconds)
