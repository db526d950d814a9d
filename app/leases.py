"""Leases of tasks that this process executes are extended for as long as they are held, by one thread for all.

Leases of jobs are held by workers elsewhere: those that have ended are looked for now and then.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from app.chores import Chore
from app.engine.records import Task

logger = logging.getLogger(__name__)

BUSY = 1.0
"""Seconds between two looks for leases of jobs that have ended, while there are leases."""
IDLE = 5.0
"""The same while there are none; those that this process hands out count at once."""


class Leases:
    """The thread starts with the first tasks that are held, and ends when there have been none for one interval."""

    def __init__(self, extend: Callable[[Collection[Task]], None], interval: float) -> None:
        """`extend` renews the leases of the tasks that it is given; it is called every `interval` seconds."""
        self._extend = extend
        self._interval = interval
        self._held: list[Collection[Task]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        """Tells the thread to end; each thread has its own."""
        self._thread: threading.Thread | None = None

    @contextmanager
    def held(self, tasks: Collection[Task]) -> Iterator[None]:
        """Has the leases of `tasks` extended, as they are at that time, for as long as the block takes."""
        with self._lock:
            self._held.append(tasks)
            if self._thread is None or not self._thread.is_alive():
                self._closing = threading.Event()
                loop = partial(self._loop, self._closing)
                self._thread = threading.Thread(target=loop, name="task-leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._held = [each for each in self._held if each is not tasks]

    def _loop(self, closing: threading.Event) -> None:
        while not closing.wait(self._interval):
            with self._lock:
                held = list(self._held)
                if not held:
                    self._thread = None
                    return
            for tasks in held:
                # A copy: the one who executes them takes off what is done.
                self._extend(tuple(tasks))

    def close(self) -> None:
        """Ends the thread, and waits for it. What is held afterwards has another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closing.set()
        if thread is not None and thread.is_alive():
            thread.join()


class JobLeases:
    """When to look for leases of jobs that have ended, so that who has none does not pay for it."""

    def __init__(
        self, first_end: Callable[[], datetime | None], recover: Callable[[], int], now: Callable[[], datetime]
    ) -> None:
        """`first_end` tells when the next lease ends, or did; `recover` gives some back that have ended, and counts."""
        self._first_end = first_end
        self._recover = recover
        self._now = now
        self.chore = Chore("leases of jobs", BUSY, lambda: self.recover() > 0)

    def recover(self) -> int:
        """Gives back jobs whose lease has ended, some at a time; how many these were."""
        end = self._first_end()
        self.chore.interval = IDLE if end is None else BUSY
        if end is None or end > self._now():
            return 0
        count = self._recover()
        if count:
            logger.info("leases of jobs have ended, others can lock them: %d", count, extra={"jobs": count})
        return count

    def recover_when_due(self) -> int:
        """The same for who looks for jobs without an executor that does it: nothing soon after there were no leases."""
        if self.chore.interval == IDLE and self.chore.seconds_left > IDLE - BUSY:
            return 0
        count = self.recover()
        self.chore.put_off()
        return count

    def handed_out(self) -> bool:
        """Takes note of a new lease; whether nobody was about to look for its end."""
        idle = self.chore.seconds_left > BUSY
        if idle:
            self.chore.interval = BUSY
            self.chore.hurry(BUSY)
        return idle
