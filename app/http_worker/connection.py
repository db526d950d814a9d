"""One client's connection, and what it is at."""

from __future__ import annotations

import socket
import threading
import time
from enum import IntEnum
from typing import Any

from app.http_worker.request import BadRequest, Received, RequestReader

RECEIVE_BYTES = 64 * 1024
"""What is taken from a client at once, at most."""


class Phase(IntEnum):
    """What a connection is at, in the order in which connections are given up when there are too many."""

    IDLE = 0
    CLOSING = 1
    """All is said; what the client still sends is thrown away until it ends, too (RFC 9112 section 9.6)."""
    RECEIVING = 2
    SENDING = 3
    """The client does not take the answer as fast as it could get it."""
    WAITING = 4
    """The request waits for something to happen, and no thread has it; see `app.api.waiting`."""
    SERVING = 5
    """A thread has the connection, or will."""


class Output:
    """Takes what gunicorn writes, and sends it as far as the client takes it at once."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pending = bytearray()
        self.broken = False
        """Whether the client is gone."""

    @property
    def pending(self) -> bool:
        return bool(self._pending)

    @property
    def size(self) -> int:
        return len(self._pending)

    def sendall(self, data: bytes) -> None:
        """Keeps `data` for the next `flush`, so that head and body travel together."""
        if not self.broken:
            self._pending += data

    def flush(self) -> bool:
        """Sends as much as the client takes at once; whether it took anything."""
        if not self._pending:
            return False
        try:
            sent = self._sock.send(self._pending)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self.broken = True
            self._pending.clear()
            return False
        del self._pending[:sent]
        return True


class Connection:
    def __init__(self, sock: socket.socket, client: Any, server: Any, reader: RequestReader) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.reader = reader
        self.output = Output(sock)
        self.phase = Phase.RECEIVING
        self.since = time.monotonic()
        """When the phase was entered, or last led to something."""
        self.watched = 0
        """The events that the poller waits for."""
        self.lock = threading.Lock()
        """Held to leave SERVING or WAITING, and to look whether that has happened; never for long."""
        self.ends = False
        """Whether the answer at hand is the last one."""
        self.waiting: Received | None = None
        """The request that waits."""
        self.refusal: BadRequest | None = None
        """What a thread has found instead of a next request."""

    @property
    def is_over(self) -> bool:
        """Whether no other request can be answered, or not yet."""
        return self.ends or self.output.pending or self.output.broken

    @property
    def size(self) -> int:
        """Bytes that are kept, besides those of the request that is served."""
        return self.reader.size + self.output.size

    def is_ended_by_client(self) -> bool:
        """Whether the client has sent all that it will, or is gone; nothing is read."""
        try:
            return not self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def enter(self, phase: Phase) -> None:
        # In this order: who sees the phase may look at the time.
        self.since = time.monotonic()
        self.phase = phase
