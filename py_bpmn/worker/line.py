"""Connections to the service that a worker has for itself, and can cut while it waits for an answer."""

from __future__ import annotations

import dataclasses
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from py_bpmn._operations import Api
from py_bpmn.client import Client

LOOK_SECONDS = 0.1
"""How soon everybody knows that the service answers again."""
SHORTEST_WAIT = 0.5
"""Some may get answers while others do not."""


class Line:
    """As the client that it is made of, to the same service with the same credentials."""

    def __init__(
        self, client: Client, worker_id: str, sleep: Callable[[float], Any], timeout: float | None = None
    ) -> None:
        given = client._sender
        known = given._connection if timeout is None else dataclasses.replace(given._connection, timeout=timeout)
        self._sender = type(given)(known, given._transport, sleep)
        self._sender.worker_id = worker_id
        self.worker_id = worker_id
        self._is_own = given._transport is None
        self.send = self._sender.send
        self.api = Api(self._sender)

    def cut(self) -> None:
        """Has requests that wait for an answer fail."""
        transport: Any = self._sender._http._transport
        for connection in getattr(getattr(transport, "_pool", None), "connections", ()):
            stream = getattr(getattr(connection, "_connection", None), "_network_stream", None)
            found = stream.get_extra_info("socket") if stream is not None else None
            if found is not None:
                with suppress(OSError):
                    found.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._is_own:
            self._sender.close()


class Outage:
    """Tells once that the service is away, and once that it is back."""

    def __init__(self, away: Callable[[str], None], back: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._away = away
        self._back = back
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self.last_answer = clock()
        """When the service has last answered."""

    @property
    def is_on(self) -> bool:
        return self._since is not None

    def failed(self, problem: Exception) -> None:
        with self._lock:
            is_new = self._since is None
            if self._since is None:
                self._since = self._clock()
        if is_new:
            self._away(str(problem).partition("\n")[0])

    def wait(self, seconds: float, pause: Callable[[float], bool]) -> bool:
        """Pauses before the next try, unless somebody else gets an answer; True as soon as `pause` says so."""
        if pause(min(seconds, SHORTEST_WAIT)):
            return True
        until = time.monotonic() + seconds - SHORTEST_WAIT
        while self.is_on and (left := until - time.monotonic()) > 0:
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
