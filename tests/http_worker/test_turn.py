"""What the poller does when it meets what nobody has thought of."""

from __future__ import annotations

import logging
import math
import selectors
import socket
from typing import Any

import pytest

from app.http_worker import Worker
from app.http_worker.connection import Connection


class Ready:
    """A selector for which all of its connections have something to be read."""

    def __init__(self, *connections: Connection) -> None:
        self._keys = [selectors.SelectorKey(0, 0, selectors.EVENT_READ, connection) for connection in connections]

    def select(self, timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
        return [(key, selectors.EVENT_READ) for key in self._keys]

    def unregister(self, sock: socket.socket) -> None:
        pass


class Reader:
    """Takes whatever comes, or can't."""

    started = False

    def __init__(self, broken: bool) -> None:
        self._broken = broken

    def feed(self, data: bytes) -> None:
        if self._broken:
            raise ZeroDivisionError("unforeseen")

    def next(self) -> None:
        return None

    def takes_continue(self) -> bool:
        return False


def test_a_connection_that_can_not_be_read_is_closed_and_the_others_are_served(caplog: pytest.LogCaptureFixture):
    worker: Any = Worker.__new__(Worker)
    pairs = [socket.socketpair() for _ in range(2)]
    readers = [Reader(broken=True), Reader(broken=False)]
    broken, sound = (
        Connection(ours, "client", "server", reader)  # type: ignore[arg-type] # a stand-in
        for (ours, _), reader in zip(pairs, readers, strict=True)
    )
    for _, client in pairs:
        client.sendall(b"GET")
    worker._connections = {broken, sound}
    worker._selector = Ready(broken, sound)
    worker._next_sweep = math.inf
    worker._bytes, worker._most_bytes = 0, 1000
    with caplog.at_level(logging.ERROR):
        worker._turn()
    assert worker._connections == {sound}
    assert [record.exc_info is not None for record in caplog.records] == [True]
    for pair in pairs:
        for each in pair:
            each.close()
