"""Requests that wait for a thread, and threads that wait for requests."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from queue import SimpleQueue

from app.http_worker.connection import Connection
from app.http_worker.request import Received


class Queue:
    """First come, first served. A thread may also wait for one client's next request, while no other request waits.

    It is called back when a request comes for which there is no other thread.
    """

    def __init__(self) -> None:
        self._items: SimpleQueue[tuple[Connection, Received]] = SimpleQueue()
        self._lock = threading.Lock()
        self._spare = 0
        """How many threads wait here, less the requests that wait."""
        self._away = 0
        """How many threads wait for a client."""
        self._bell, self._button = os.pipe()
        os.set_blocking(self._bell, False)
        os.set_blocking(self._button, False)

    @property
    def is_short_of_threads(self) -> bool:
        """Whether a request waits for a thread."""
        return self._spare < 0

    def put(self, connection: Connection, received: Received) -> None:
        with self._lock:
            self._spare -= 1
            calls = self._spare < 0 and self._away > 0
        self._items.put((connection, received))
        if calls:
            # A full pipe calls as well.
            with contextlib.suppress(BlockingIOError):
                os.write(self._button, b".")

    def get(self) -> tuple[Connection, Received]:
        with self._lock:
            self._spare += 1
        return self._items.get()

    def wait_for(self, client: socket.socket, seconds: float) -> bool:
        """Whether the client sends something, or leaves, within that time and before a request waits for a thread."""
        with self._lock:
            if self._spare < 0:
                return False
            self._away += 1
        poll = select.poll()
        poll.register(client, select.POLLIN)
        poll.register(self._bell, select.POLLIN)
        until = time.monotonic() + seconds
        try:
            while True:
                events = dict(poll.poll(max(0.0, until - time.monotonic()) * 1000))
                if self._bell not in events:
                    return bool(events)
                # One thread for each call; another one may have been faster.
                with contextlib.suppress(BlockingIOError):
                    os.read(self._bell, 1)
                    return False
        finally:
            with self._lock:
                self._away -= 1
