"""Leases of tasks that this process executes: extended for as long as they are held, by one thread for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from app.engine.records import Task


class Leases:
    """The thread starts with the first tasks that are held, and ends when there have been none for one interval."""

    def __init__(self, extend: Callable[[Collection[Task]], None], interval: float) -> None:
        """`extend` renews the leases of the tasks that it is given; it is called every `interval` seconds."""
        self._extend = extend
        self._interval = interval
        self._held: list[Collection[Task]] = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def held(self, tasks: Collection[Task]) -> Iterator[None]:
        """Has the leases of `tasks` extended, as they are at that time, for as long as the block takes."""
        with self._lock:
            self._held.append(tasks)
            # One that was started before the process was forked is not in this one.
            if self._thread is None or not self._thread.is_alive():
                self._closing = threading.Event()
                self._thread = threading.Thread(
                    target=self._loop, args=(self._closing,), name="task-leases", daemon=True
                )
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
                if not held and not closing.is_set():
                    self._thread = None
                    return
            for tasks in held:
                # A copy: the one who executes them takes off what is done.
                self._extend(tuple(tasks))

    def close(self) -> None:
        """Ends the thread, and waits for it. Tasks that are held afterwards start another one."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closing.set()
        if thread is not None and thread.is_alive():
            thread.join()
