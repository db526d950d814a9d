"""Whether the service answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

from py_bpmn.errors import Forbidden, Unauthorized

LOOK_SECONDS = 0.1
"""How soon everybody knows that the service answers again."""
SHORTEST_WAIT = 0.5
"""Some may get answers while others do not."""


class Outage:
    """Tells once that the service is away, or refuses the credentials, and once that it is back."""

    def __init__(self, away: Callable[[str], None], back: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._away = away
        self._back = back
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._refuses = False
        self.last_answer = clock()
        """When the service has last answered."""

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def failed(self, problem: Exception) -> None:
        refuses = isinstance(problem, Unauthorized | Forbidden) and not problem.is_foreign
        with self._lock:
            # Who waits for a service to come back must see that it is there, and that something else is wrong.
            is_new = self._since is None or refuses != self._refuses
            self._refuses = refuses
            if self._since is None:
                self._since = self._clock()
        if is_new:
            what = "refuses the worker's credentials" if refuses else "does not answer"
            reason = str(problem).partition("\n")[0]
            self._away(f"the service {what}, which is tried until that changes: {reason}")

    def wait(self, seconds: float, pause: Callable[[float], bool]) -> bool:
        """Pauses before the next try, unless somebody else gets an answer; True as soon as `pause` says so."""
        if pause(min(seconds, SHORTEST_WAIT)):
            return True
        until = self._clock() + seconds - SHORTEST_WAIT
        while self.is_on and (left := until - self._clock()) > 0:
            if pause(min(left, LOOK_SECONDS)):
                return True
        return False

    def succeeded(self) -> None:
        self.last_answer = self._clock()
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
        if since is not None:
            self._back(self.last_answer - since)
