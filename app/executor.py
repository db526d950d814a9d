"""The thread that runs due tasks, one in every service process; claims skip what others have locked."""

from __future__ import annotations

import logging
import threading
from datetime import datetime

from app.commands.task import LockTasks
from app.service import Service

logger = logging.getLogger(__name__)


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
        if sooner:
            self._wake.set()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            wait = self._interval
            try:
                self._drain()
                wait = self._seconds_to_next()
            except Exception:
                logger.exception("due tasks could not be executed")
            self._wake.wait(wait)
            self._wake.clear()

    def _drain(self) -> None:
        """Runs due tasks until there are none."""
        while not self._stopping.is_set():
            with self._lock:
                self._next = None
            locked = self._service.execute(LockTasks(limit=self._limit))
            if not locked:
                return
            self._service.run_tasks(locked, self._stopping.is_set)

    def _seconds_to_next(self) -> float:
        """How long to sleep: until the next task is due, but no longer than the interval."""
        found = self._service.next_due()
        with self._lock:
            if found and (self._next is None or found < self._next):
                self._next = found
            due = self._next
        if due is None:
            return self._interval
        return min(self._interval, max(0.0, (due - self._service.now()).total_seconds()))
