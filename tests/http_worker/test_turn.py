"""What the poller and the threads do when they meet what nobody has thought of."""

from __future__ import annotations

import logging
import math
import selectors
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from app.http_worker import Worker
from app.http_worker.connection import Connection, Phase
from app.http_worker.queue import Queue
from app.http_worker.request import Received
from app.http_worker.threads import Threads


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


def test_an_answer_that_is_too_much_by_itself_is_sent_and_slower_clients_are_given_up():
    worker: Any = Worker.__new__(Worker)
    pairs = [socket.socketpair() for _ in range(2)]
    reader: Any = SimpleNamespace(size=0)
    slow, large = (Connection(ours, "client", "server", reader) for ours, _ in pairs)
    for connection, size in ((slow, 10), (large, 1001)):
        connection.output.sendall(b"x" * size)
        connection.enter(Phase.SENDING)
    slow.since = large.since - 1
    worker._connections = {slow, large}
    worker._bytes, worker._most_bytes = 1011, 1000
    worker._shed_if_too_much()
    assert worker._connections == {large}
    for pair in pairs:
        for each in pair:
            each.close()


def test_a_thread_survives_a_second_request_that_can_not_be_read(caplog: pytest.LogCaptureFixture):
    threads: Any = Threads.__new__(Threads)
    threads._worker = SimpleNamespace(alive=True)
    ours, client = socket.socketpair()
    connection = Connection(ours, "client", "server", Reader(broken=True))  # type: ignore[arg-type] # as above
    client.sendall(b"GET")
    with caplog.at_level(logging.ERROR):
        assert threads._next(connection, Queue()) is None
    assert connection.is_over
    assert [record.exc_info is not None for record in caplog.records] == [True]
    for end in (ours, client):
        end.close()


class Waiting:
    """A request that has waited for a thread for so many seconds."""

    def __init__(self, seconds: float, *, ended: bool) -> None:
        self.threads: Any = Threads.__new__(Threads)
        self.threads._longest_wait = 30.0
        self.executed: list[Any] = []
        self.threads._answer = lambda connection, received: self.executed.append(received)
        ours, self.client = socket.socketpair()
        self.connection = Connection(ours, "client", "server", Reader(broken=False))  # type: ignore[arg-type] # as above
        self.connection.enter(Phase.SERVING)
        self.connection.since = time.monotonic() - seconds
        if ended:
            self.client.shutdown(socket.SHUT_WR)

    def served(self) -> tuple[int, bytes]:
        """How many requests were executed, and what the client got."""
        request = SimpleNamespace(headers=[("X-REQUEST-ID", "r1")])
        self.threads._serve_one(self.connection, Received(request))
        self.client.settimeout(0.0)
        try:
            got = self.client.recv(4096)
        except BlockingIOError:
            got = b""
        for end in (self.client, self.connection.sock):
            end.close()
        return len(self.executed), got


@pytest.mark.parametrize(("seconds", "ended"), [(31, False), (31, True), (5, True)])
def test_a_request_that_nobody_waits_for_any_more_is_not_executed(seconds: float, ended: bool):
    executed, got = Waiting(seconds, ended=ended).served()
    assert executed == 0
    assert got.startswith(b"HTTP/1.1 503 ")
    assert b"X-Request-Id: r1" in got
    assert b"all threads were busy for too long" in got


@pytest.mark.parametrize(("seconds", "ended"), [(0, False), (0, True), (5, False)])
def test_a_request_that_somebody_waits_for_is_executed(seconds: float, ended: bool):
    """Also where the client has said at once that it sends nothing more."""
    assert Waiting(seconds, ended=ended).served() == (1, b"")
