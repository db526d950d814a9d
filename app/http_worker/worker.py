"""The poller: it alone waits for events, reads, and closes, but where a thread has the connection."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from gunicorn.workers.base import Worker as BaseWorker

from app import logs
from app.config import Config
from app.errors import ErrorKind
from app.http_worker.connection import RECEIVE_BYTES, Connection, Phase
from app.http_worker.head import Plain
from app.http_worker.problem import last_answer
from app.http_worker.request import BadRequest, RequestReader
from app.http_worker.threads import Threads

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.5
"""How often deadlines are looked at, and the master is told that the process lives."""
STOP_LINGER_SECONDS = 2.0
"""How long a stopping process keeps connections without a request: a client may just be sending one."""
WARNING_SECONDS = 60.0
REFUSAL_SECONDS = 1.0
SPARE_FILES = 256
"""What a process may open besides connections of clients: the database's, among others."""
MOST_BYTES = 64 * 1024 * 1024
"""Bytes of requests and answers that are kept for slow clients; or more, where a few of the largest need more."""
LARGEST_BODIES = 8


class Application(Protocol):
    """What is served: a WSGI application that knows how it is to be served."""

    config: Config

    def begin_to_stop(self) -> bool:
        """Turns the readiness off; False when there is nobody to be told, or it was off already."""
        ...

    def stop_waiting(self) -> None:
        """Has requests that wait be answered, and lets no other one wait."""
        ...

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]: ...


class Worker(BaseWorker):
    wsgi: Application
    _is_told_to_stop = False

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Called by the master. Raises RuntimeError, which ends it."""
        if cfg.is_ssl:
            raise RuntimeError("app.http_worker serves HTTP only: leave TLS to a proxy in front")

    def run(self) -> None:
        """Serves until the process is told to stop."""
        config = self.wsgi.config
        self._request_timeout = config.http_request_timeout
        self._max_body = config.http_max_body
        self._plain = Plain(self.cfg)
        self._most_bytes = max(MOST_BYTES, LARGEST_BODIES * self._max_body)
        self._most_connections = _allowed(self.cfg.worker_connections)
        self._bytes = 0
        self._connections: set[Connection] = set()
        self._stop_at = math.inf
        self._stopped_at = -math.inf
        self._next_sweep = 0.0
        self._next_warning = 0.0
        self._next_refusal = 0.0
        self._unsaid = 0
        self._accepting = False
        self._threads = Threads(self, self.wsgi, config.transaction_timeout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.PIPE[0], selectors.EVENT_READ, self._wake_up)
        self._accept(True)
        while self.alive:
            self._turn()
        self._finish()

    def init_signals(self) -> None:
        """Has this process's own handlers called, also for what has arrived since it was forked."""
        master = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        super().init_signals()
        # Until now a signal reached this process's copy of the master, which nobody asks what it has noted.
        missed = getattr(master, "SIG_QUEUE", None)
        while missed is not None and not missed.empty():
            sig = missed.get_nowait()
            if sig == signal.SIGTERM:
                self.handle_exit(sig, None)
            elif sig in (signal.SIGINT, signal.SIGQUIT):
                self.handle_quit(sig, None)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """SIGTERM: goes on serving for a while, so that whoever sends requests can learn about it; then stops."""
        application: Application | None = getattr(self, "wsgi", None)
        if application is not None and application.begin_to_stop():
            self._stop_at = time.monotonic() + application.config.shutdown_delay
        else:
            self.alive = False
        self._is_told_to_stop = True

    def _finish(self) -> None:
        """Serves what was begun, and what is just arriving, but accepts no connection any more."""
        self._accept(False)
        for listener in self.sockets:
            listener.close()
        self._stopped_at = time.monotonic()
        self.wsgi.stop_waiting()
        limit = self._stopped_at + self.cfg.graceful_timeout
        while self._connections and time.monotonic() < limit:
            self._turn()

    def _turn(self) -> None:
        """Waits for events and handles them, and looks at the clock now and then."""
        for key, events in self._selector.select(SWEEP_SECONDS):
            if not isinstance(key.data, Connection):
                key.data()
                continue
            try:
                self._attend(key.data, events)
            except Exception:
                # Whatever one client has found out, it is no reason to stop serving the others.
                logger.exception("a connection is closed, since it could not be read")
                self._close(key.data)
        if self._is_told_to_stop:
            # Not by the signal's handler, which may have interrupted whoever is just about to wait.
            self._is_told_to_stop = False
            self.wsgi.stop_waiting()
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            self._sweep(now)

    def _wake_up(self) -> None:
        """A signal has arrived, or a thread has returned a connection."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)
        while self._threads.parked:
            connection = self._threads.parked.popleft()
            if connection in self._connections:
                # To hear whether the client leaves.
                self._watch(connection, selectors.EVENT_READ)
        while self._threads.returned:
            connection = self._threads.returned.popleft()
            if connection not in self._connections:
                continue
            self._bytes += connection.reader.size
            if connection.refusal is not None:
                self._refuse(connection, connection.refusal)
            else:
                self._go_on(connection)

    def _sweep(self, now: float) -> None:
        """Tells the master that the process lives, and gives up connections that take too long."""
        self.notify()
        if self.ppid != os.getppid():
            self.log.info("Parent changed, shutting down: %s", self)
            self.alive = False
        if now >= self._stop_at:
            self.alive = False
        for connection in list(self._connections):
            if now > self._deadline(connection):
                self._give_up(connection)
        if self.alive:
            self._accept(True)

    def _deadline(self, connection: Connection) -> float:
        if connection.phase >= Phase.WAITING:
            return math.inf
        if connection.phase is Phase.SENDING or connection.reader.started:
            return connection.since + self._request_timeout
        limit = self.cfg.keepalive if connection.phase is Phase.IDLE else self._request_timeout
        if self.alive:
            return connection.since + float(limit)
        return max(connection.since, self._stopped_at) + min(limit, STOP_LINGER_SECONDS)

    def _give_up(self, connection: Connection) -> None:
        if connection.phase is Phase.RECEIVING and connection.reader.started:
            detail = f"the request did not arrive within {self._request_timeout:g}s"
            self._refuse(connection, BadRequest(detail, 408))
        else:
            self._close(connection)

    def _accept(self, wanted: bool) -> None:
        """Accepts new connections from now on, or not."""
        if wanted == self._accepting:
            return
        self._accepting = wanted
        for listener in self.sockets:
            if wanted:
                listener.setblocking(False)
                connect = partial(self._connect, listener, listener.getsockname())
                self._selector.register(listener, selectors.EVENT_READ, connect)
            else:
                self._selector.unregister(listener)

    def _connect(self, listener: socket.socket, server: Any) -> None:
        if len(self._connections) >= self._most_connections and not self._make_room():
            return
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                self._make_room()
            return
        sock.setblocking(False)
        connection = Connection(sock, client, server, RequestReader(self.cfg, client, self._max_body, self._plain))
        self._connections.add(connection)
        self._watch(connection, selectors.EVENT_READ)
        # The request is often there already.
        self._receive(connection)

    def _make_room(self) -> bool:
        """Closes the connection that does without the longest, idle ones first; False where all are being served."""
        now = time.monotonic()
        if now >= self._next_warning:
            self._next_warning = now + WARNING_SECONDS
            logger.warning("there are too many connections, idle ones are closed: %s", len(self._connections))
        others = [each for each in self._connections if each.phase < Phase.WAITING]
        if not others:
            # They wait in the queue of the system, until the next sweep.
            self._accept(False)
            self._answer_first()
            return False
        self._close(min(others, key=lambda each: (each.phase, each.since)))
        return True

    def _answer_first(self) -> None:
        """Has the request be answered that waits for the longest time, whether there is something for it or not."""
        waiting = [each for each in self._connections if each.phase is Phase.WAITING]
        if waiting and (first := min(waiting, key=lambda each: each.since).waiting) is not None:
            first.parked.waiter.end()

    def _attend(self, connection: Connection, events: int) -> None:
        if connection not in self._connections:
            return
        waiting = None
        with connection.lock:
            if connection.phase is Phase.SERVING:
                # The next request or the end: looked at when the request at hand is answered.
                self._watch(connection, 0)
                return
            if connection.phase is Phase.WAITING:
                if not self._has_left(connection):
                    return
                connection.enter(Phase.CLOSING)
                waiting = connection.waiting
        if waiting is not None:
            waiting.parked.waiter.abandon()
            self._close(connection)
        elif events & selectors.EVENT_WRITE:
            self._go_on(connection)
        else:
            self._receive(connection)

    def _has_left(self, connection: Connection) -> bool:
        """Whether the client of a request that waits has gone; what it sends instead is kept for later."""
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        if data:
            connection.reader.feed(data)
            self._bytes += len(data)
            if connection.reader.size > RECEIVE_BYTES:
                self._watch(connection, 0)
        return not data

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._close(connection)
        elif connection.phase is not Phase.CLOSING:
            connection.reader.feed(data)
            self._read_next(connection)
            self._bytes += len(data)
            self._shed_if_too_much()

    def _shed_if_too_much(self) -> None:
        """Gives up those who have been sending a request or taking an answer for the longest time.

        Not the last one: an answer that is too much all by itself is sent, since what it tells of was done.
        """
        if self._bytes <= self._most_bytes:
            return
        # Until now it was counted what came, and not what went.
        self._bytes = sum(each.size for each in self._connections)
        slow = [each for each in self._connections if each.phase in (Phase.RECEIVING, Phase.SENDING)]
        for connection in sorted(slow, key=lambda each: each.since)[:-1]:
            if self._bytes <= self._most_bytes:
                return
            self._bytes -= connection.size
            if connection.phase is Phase.SENDING:
                self._close(connection)
            else:
                detail = "too many large requests are being received: try again a little later"
                self._refuse(connection, BadRequest(detail, 503, ErrorKind.UNAVAILABLE, "the service is busy"))

    def _go_on(self, connection: Connection) -> None:
        """Does what comes after an answer, once that is sent."""
        took = connection.output.flush()
        if connection.output.broken:
            self._close(connection)
        elif connection.output.pending:
            if connection.phase is not Phase.SENDING:
                self._bytes += connection.output.size
            if took or connection.phase is not Phase.SENDING:
                connection.enter(Phase.SENDING)
            self._watch(connection, selectors.EVENT_WRITE)
            self._shed_if_too_much()
        elif connection.ends:
            self._end(connection)
        else:
            self._watch(connection, selectors.EVENT_READ)
            self._read_next(connection)

    def _read_next(self, connection: Connection) -> None:
        """Hands the next request to a thread if it is complete, and else waits for more of it."""
        try:
            received = connection.reader.next()
        except BadRequest as refusal:
            self._refuse(connection, refusal)
            return
        if received is not None:
            self._threads.hand_over(connection, received)
            return
        phase = Phase.RECEIVING if connection.reader.started else Phase.IDLE
        if connection.phase is not phase:
            connection.enter(phase)
        if connection.reader.takes_continue():
            connection.output.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.output.flush()

    def _refuse(self, connection: Connection, refusal: BadRequest) -> None:
        """Answers what is no request, and ends the connection: nobody knows where the next one would begin."""
        request_id = logs.usable_request_id(connection.reader.request_id)
        self._log(refusal, request_id)
        connection.reader.discard()
        connection.ends = True
        connection.output.sendall(last_answer(refusal.status, refusal.kind, refusal.title, refusal.detail, request_id))
        self._go_on(connection)

    def _log(self, refusal: BadRequest, request_id: str) -> None:
        """Not for each of them: whoever sends them in masses shall not fill the log."""
        now = time.monotonic()
        if now < self._next_refusal:
            self._unsaid += 1
            return
        more = {"more_since_the_last": self._unsaid} if self._unsaid else {}
        logger.info("request %s is refused with %s: %s", request_id, refusal.status, refusal.detail, extra=more)
        self._unsaid = 0
        self._next_refusal = now + REFUSAL_SECONDS

    def _end(self, connection: Connection) -> None:
        """Says that nothing follows. A client that is still sending would lose the answer if it were closed at once."""
        try:
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.reader.discard()
        connection.enter(Phase.CLOSING)
        self._watch(connection, selectors.EVENT_READ)

    def _close(self, connection: Connection) -> None:
        self._watch(connection, 0)
        self._connections.discard(connection)
        connection.sock.close()

    def _watch(self, connection: Connection, events: int) -> None:
        if events == connection.watched:
            return
        if not events:
            self._selector.unregister(connection.sock)
        elif not connection.watched:
            self._selector.register(connection.sock, events, connection)
        else:
            self._selector.modify(connection.sock, events, connection)
        connection.watched = events


def _allowed(connections: int) -> int:
    """How many of `connections` the system allows, which is asked for more files if it does not allow all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = sys.maxsize if hard == resource.RLIM_INFINITY else hard
    wanted = min(connections + SPARE_FILES, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, min(connections, most - SPARE_FILES))
