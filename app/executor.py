"""The thread that runs due tasks and chores, one in every service process; claims skip what others have locked."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from app.commands.task import LockTasks
from app.errors import is_unavailable
from app.service import Service

logger = logging.getLogger(__name__)

OUTAGE_PAUSE = 1.0
"""Seconds between two looks while the database is away."""
HELD_PAUSE = 0.1
REST = 1.0
"""How long to leave processor and database to others after due tasks were run, as a part of the time that it took."""
LONGEST_REST = 0.05


class TaskExecutor:
    """Wakes up as soon as a task of this process becomes due, and for those of others at every interval."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._interval = service.config.task_executor_interval
        self._limit = service.config.task_executor_limit
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._next: datetime | None = None
        self._tasks_at = float("-inf")
        """When to look for tasks the next time; seconds of the monotonic clock."""
        self._recovered = float("-inf")
        """When leases were looked through at last; seconds of the monotonic clock."""
        self._thread = threading.Thread(target=self._loop, name="task-executor", daemon=True)

    def start(self) -> None:
        self._service.on_due = self._due
        self._thread.start()

    def stop(self) -> None:
        """Finishes the running task, gives back what else is locked, and ends the thread."""
        self._service.on_due = None
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def _due(self, at: datetime) -> None:
        """Tasks were created, the first of which becomes due at that time."""
        with self._lock:
            sooner = self._next is None or at < self._next
            if sooner:
                self._next = at
                self._tasks_at = float("-inf")
        if sooner:
            self._wake.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._look())
            self._wake.clear()

    def _look(self) -> float:
        """Executes what is due; how many seconds to sleep then."""
        try:
            self._service.tasks.settle()
            if time.monotonic() >= self._tasks_at:
                self._drain()
                self._plan()
            to_chore = self._do_chores()
            return min(max(0.0, self._tasks_at - time.monotonic()), to_chore)
        except Exception as error:
            self._tasks_at = float("-inf")
            # When the database is back, what became due meanwhile is late already.
            if not is_unavailable(error):
                logger.exception("due tasks could not be executed")
            return min(OUTAGE_PAUSE, self._interval)

    def _drain(self) -> None:
        """Runs due tasks until there are none."""
        while not self._stopping.is_set():
            with self._lock:
                self._next = None
            self._service.nodes.note_executor()
            locked = self._service.execute(LockTasks(limit=self._limit))
            if locked:
                began = time.monotonic()
                self._service.tasks.run(locked, self._stopping.is_set)
                self._stopping.wait(min(REST * (time.monotonic() - began), LONGEST_REST))
                # They don't wait until all is done: while tasks come faster than they are executed, that is never.
                self._do_chores()
            elif not self._recovers():
                return

    def _do_chores(self) -> float:
        """Does the chores whose time has come; seconds until the next one is due."""
        for chore in self._service.chores:
            if self._stopping.is_set():
                break
            chore.do_when_due()
        return min((chore.seconds_left for chore in self._service.chores), default=self._interval)

    def _recovers(self) -> bool:
        """Gives back tasks whose lease has ended, if it may be that there are any; whether there were."""
        due, lease = self._service.upcoming()
        with self._lock:
            self._next = min([at for at in (self._next, due, lease) if at], default=None)
        is_over = lease is not None and lease <= self._service.now()
        if not is_over and time.monotonic() - self._recovered < self._interval:
            return False
        self._recovered = time.monotonic()
        return self._service.tasks.recover() > 0

    def _plan(self) -> None:
        """Looks for tasks again when the next one is due or the next lease ends, but no later than after the interval.

        At once, when there was a sooner one meanwhile.
        """
        with self._lock:
            due = self._next
        seconds = self._interval if due is None else (due - self._service.now()).total_seconds()
        with self._lock:
            if self._next is due:
                # What is due and could not be had is in the hands of somebody who is about to have it done.
                self._tasks_at = time.monotonic() + min(self._interval, seconds if seconds > 0 else HELD_PAUSE)
