"""Threads that wait for one client, and are there when another one needs them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from app.http_worker.queue import Queue

LONG = 30.0
REQUEST: Any = ("connection", "request")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, client = socket.socketpair()
    yield ours, client
    for end in (ours, client):
        end.close()


class Waiting(threading.Thread):
    """A thread that waits for a client."""

    def __init__(self, queue: Queue, sock: socket.socket, seconds: float = LONG) -> None:
        super().__init__(daemon=True)
        self._queue = queue
        self._sock = sock
        self._seconds = seconds
        self.heard: bool | None = None
        self.start()

    def run(self) -> None:
        self.heard = self._queue.wait_for(self._sock, self._seconds)

    def result(self) -> bool | None:
        self.join(LONG)
        return self.heard


def until_away(queue: Queue, count: int) -> None:
    deadline = time.monotonic() + LONG
    while queue._away < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_thread_hears_the_client_it_waits_for(pair):
    ours, client = pair
    waiting = Waiting(Queue(), ours)
    client.sendall(b"GET")
    assert waiting.result() is True


def test_a_thread_hears_that_its_client_has_left(pair):
    ours, client = pair
    waiting = Waiting(Queue(), ours)
    client.close()
    assert waiting.result() is True


def test_a_thread_does_not_wait_for_ever(pair):
    assert Queue().wait_for(pair[0], 0.001) is False


def test_a_thread_does_not_wait_for_a_client_while_a_request_waits_for_a_thread(pair):
    queue = Queue()
    queue.put(*REQUEST)
    pair[1].sendall(b"GET")
    assert queue.is_short_of_threads
    assert queue.wait_for(pair[0], LONG) is False
    assert queue.get() == REQUEST
    assert not queue.is_short_of_threads


def test_a_thread_is_called_back_when_there_is_no_other_for_a_request(pair):
    queue = Queue()
    waiting = Waiting(queue, pair[0])
    until_away(queue, 1)
    queue.put(*REQUEST)
    assert waiting.result() is False
    assert queue.get() == REQUEST


def test_each_request_calls_one_thread_back(pair):
    queue = Queue()
    threads = [Waiting(queue, pair[0]) for _ in range(3)]
    until_away(queue, 3)
    queue.put(*REQUEST)
    deadline = time.monotonic() + LONG
    while sum(thread.is_alive() for thread in threads) > 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert queue._away >= 1, "all of them have come for one request"
    pair[1].sendall(b"GET")
    heard = [thread.result() for thread in threads]
    assert False in heard
    assert True in heard


def test_no_thread_is_called_back_when_another_one_is_free(pair):
    queue = Queue()
    taken: list[Any] = []
    free = threading.Thread(target=lambda: taken.append(queue.get()), daemon=True)
    free.start()
    while queue._spare < 1:
        time.sleep(0.001)
    waiting = Waiting(queue, pair[0])
    until_away(queue, 1)
    queue.put(*REQUEST)
    free.join(LONG)
    assert (taken, waiting.heard) == ([REQUEST], None)
    pair[1].sendall(b"GET")
    assert waiting.result() is True
