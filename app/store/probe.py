"""Whether the database answers, for those who may not wait long for the answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FRESH_SECONDS = 1.0
PATIENCE_SECONDS = 0.8

SILENT = "the database does not answer"


class Probe:
    """Asks in a thread of its own, at most once a second, and one at a time."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        """Returns why the database can't be used, or an empty text."""
        self._lock = threading.Lock()
        self._reason = SILENT
        self._asked = float("-inf")
        self._answer: threading.Event | None = None
        """Set when the question on its way is answered."""

    def reason(self) -> str:
        """Why the database can't be used, in a few words, or an empty text; known within a second."""
        with self._lock:
            now = time.monotonic()
            if self._answer is None and now - self._asked > FRESH_SECONDS:
                asking = threading.Event()
                threading.Thread(target=self._run, args=(asking,), name="probe", daemon=True).start()
                self._asked, self._answer = now, asking
            answer, left = self._answer, self._asked + PATIENCE_SECONDS - now
        if answer is None or answer.wait(max(0.0, left)):
            return self._reason
        return SILENT

    def _run(self, answer: threading.Event) -> None:
        reason = SILENT
        try:
            reason = self._ask()
        finally:
            with self._lock:
                self._reason = reason
                self._asked = time.monotonic()
                self._answer = None
            answer.set()
