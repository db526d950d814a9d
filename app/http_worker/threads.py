"""The threads that serve requests. A connection is theirs from the hand-over of a request until they give it back."""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from gunicorn.http.wsgi import create
from gunicorn.workers.base import Worker

from app import logs
from app.errors import ErrorKind
from app.http_worker.answer import Answer
from app.http_worker.connection import RECEIVE_BYTES, Connection, Phase
from app.http_worker.problem import last_answer
from app.http_worker.queue import Queue
from app.http_worker.request import BadRequest, Received
from app.waiting import CAN_PARK, PARKED, RESUMED

logger = logging.getLogger(__name__)

PROBES = ("/healthz", "/readiness")
PATIENCE_SECONDS = 1.0
"""How long a request may wait for a thread before it is asked whether its client is still there."""
STAY_SECONDS = 0.005
"""How long a thread that has answered waits for the client's next request, while no other request waits for it."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Threads:
    """Those of one worker process, which run as long as it does."""

    def __init__(self, worker: Worker, application: Application, longest_wait: float) -> None:
        """No request is served that has waited for a thread for longer than `longest_wait`, in seconds."""
        self._worker = worker
        self._application = application
        self._longest_wait = longest_wait
        self._cfg = worker.cfg
        self._log = worker.log
        self._numbers = itertools.count(1)
        self.returned: deque[Connection] = deque()
        """Those that are the poller's again, which is woken for them."""
        self.parked: deque[Connection] = deque()
        """Those that have begun to wait, and nobody hears; the poller is woken for them, too."""
        self._requests = self._start("requests", self._cfg.threads)
        self._probes = {path: self._start(path, 1) for path in PROBES}

    def hand_over(self, connection: Connection, received: Received) -> None:
        self._begin(connection)
        self._queue_of(received).put(connection, received)

    def _queue_of(self, received: Received) -> Queue:
        return self._probes.get(received.request.uri, self._requests)

    def _begin(self, connection: Connection) -> None:
        connection.enter(Phase.SERVING)
        if next(self._numbers) >= self._worker.max_requests and self._worker.alive:
            self._log.info("Autorestarting worker after current request.")
            self._worker.alive = False

    def _start(self, name: str, count: int) -> Queue:
        queue = Queue()
        for number in range(count):
            threading.Thread(target=self._serve, args=(queue,), name=f"{name}-{number}", daemon=True).start()
        return queue

    def _serve(self, queue: Queue) -> None:
        """Answers one request after the other, and those of one client without a way through the poller."""
        while True:
            connection, received = queue.get()
            if not self._serve_one(connection, received):
                continue
            while (following := self._next(connection, queue)) is not None:
                if self._queue_of(following) is not queue:
                    self.hand_over(connection, following)
                    break
                self._begin(connection)
                if not self._serve_one(connection, following):
                    break
            else:
                self._give_back(connection)

    def _serve_one(self, connection: Connection, received: Received) -> bool:
        """False for a request that waits from now on: the thread does not have the connection any more."""
        output = connection.output
        if received.parked is not None and connection.is_ended_by_client():
            received.parked.waiter.abandon()
            output.broken = True
        elif self._came_too_late(connection):
            if received.parked is not None:
                received.parked.waiter.abandon()
            given = (value for name, value in received.request.headers if name == "X-REQUEST-ID")
            request_id = logs.usable_request_id(next(given, ""))
            detail = "all threads were busy for too long: try again a little later"
            output.sendall(last_answer(503, ErrorKind.UNAVAILABLE, "the service is busy", detail, request_id))
            connection.ends = True
        else:
            parked = self._answer(connection, received)
            if parked is not None:
                self._park(connection, received, parked)
                return False
        output.flush()
        return True

    def _park(self, connection: Connection, received: Received, parked: Any) -> None:
        # All that is needed of it has been read.
        received.request.body = io.BytesIO()
        connection.waiting = replace(received, parked=parked)
        with connection.lock:
            connection.enter(Phase.WAITING)
            is_heard = bool(connection.watched)
        if not is_heard:
            self.parked.append(connection)
            self._ring()
        parked.waiter.sleep(partial(self._resume, connection))

    def _resume(self, connection: Connection) -> None:
        """Called in whatever thread wakes a request that waits."""
        with connection.lock:
            if connection.phase is not Phase.WAITING:
                return
            connection.enter(Phase.SERVING)
        assert connection.waiting is not None
        self._requests.put(connection, connection.waiting)

    def _next(self, connection: Connection, queue: Queue) -> Received | None:
        """The client's next request if it comes at once, and no other request waits for the thread.

        A thread waits for no more than the beginning: a request that comes in pieces is the poller's.
        """
        reader = connection.reader
        if connection.is_over or not self._worker.alive or queue.is_short_of_threads:
            return None
        try:
            received = reader.next()
            if received is None and not reader.started and queue.wait_for(connection.sock, STAY_SECONDS):
                self._read(connection)
                received = reader.next()
        except BadRequest as refusal:
            connection.refusal = refusal
            return None
        except Exception:
            # As in the poller: whatever one client has found out, the thread is there for others.
            logger.exception("a connection is closed, since it could not be read")
            connection.output.broken = True
            return None
        return received

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            connection.reader.feed(data)
        else:
            connection.output.broken = True

    def _give_back(self, connection: Connection) -> None:
        with connection.lock:
            # Whoever hears the client meanwhile waits for the lock.
            if not (connection.is_over or connection.refusal or connection.reader.started):
                connection.enter(Phase.IDLE)
                if connection.watched:
                    return
        self.returned.append(connection)
        self._ring()

    def _came_too_late(self, connection: Connection) -> bool:
        """Whether a request has waited for a thread longer than any client waits, or than this one did."""
        waited = time.monotonic() - connection.since
        return waited > self._longest_wait or (waited > PATIENCE_SECONDS and connection.is_ended_by_client())

    def _answer(self, connection: Connection, received: Received) -> Any:
        """Leaves at least the end of the answer to be sent. Returns what is left of a request that is to wait first."""
        request, output = received.request, connection.output
        environ: dict[str, Any] = {}
        response = None
        try:
            self._cfg.pre_request(self._worker, request)
            started = datetime.now()
            response, environ = create(request, output, connection.client, connection.server, self._cfg, Answer)
            environ["wsgi.multithread"] = True
            environ[CAN_PARK] = True
            environ[RESUMED] = received.parked
            parts = self._application(environ, response.start_response)
            if PARKED in environ:
                return environ[PARKED]
            # Only now: the process may have been told to stop while the request was served.
            if not (received.complete and self._worker.alive and self._cfg.keepalive):
                response.force_close()
            try:
                for part in parts:
                    response.write(part)
                    if response.response_length is None or response.sent < response.response_length:
                        output.flush()
                response.close()
            finally:
                if hasattr(parts, "close"):
                    parts.close()
            self._log.access(response, request, environ, datetime.now() - started)
            connection.ends = response.should_close()
        except Exception:
            request_id = logs.usable_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
            logger.exception("%s %s failed, request %s", request.method, request.path, request_id)
            if response is None or not response.headers_sent:
                detail = f"see server logs, request {request_id}"
                output.sendall(last_answer(500, ErrorKind.UNKNOWN, "unexpected error occurred", detail, request_id))
            connection.ends = True
        finally:
            self._cfg.post_request(self._worker, request, environ, response)
        return None

    def _ring(self) -> None:
        """Wakes the poller."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._worker.PIPE[1], b".")
