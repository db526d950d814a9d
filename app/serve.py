"""Runs the service: gunicorn with threads, and a task executor in every worker process."""

from __future__ import annotations

import errno
import gc
import logging
import math
import os
import platform
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from app import create_app, logs
from app.config import Config, inherits_sockets
from app.config.listing import changed
from app.errors import EngineError, ErrorKind, StartError
from app.executor import TaskExecutor
from app.http_worker import Logger, Worker
from app.http_worker.problem import problem
from app.metrics_folder import counting
from app.nodes import Heart
from app.redact import mask_password
from app.service import Service
from app.store import Store, find_schema, migrate, open_store, usable
from app.store.away import is_away
from app.version import version

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)

BOOT_ERROR = Arbiter.WORKER_BOOT_ERROR
"""Exit code of a worker process that can't be helped by starting another one: the master ends, too."""
PATIENCE_SECONDS = 3.0
"""How long a worker process waits for the database before it says what is wrong."""
MOST_PAUSE_SECONDS = 5.0
BACKLOG = 2048
"""Connections that wait in the queue of the system; as gunicorn's own default."""


NO_AUTHENTICATION = (
    "no authentication is configured: set BPMN_HTTP_BASIC_AUTH_USERNAME and BPMN_HTTP_BASIC_AUTH_PASSWORD, or create "
    "a key by `py-bpmn api-key create --secret-id ID`"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What does not depend on the process, without a connection and a thread: worker processes fork with it."""

    app: Flask
    service: Service
    store: Store


def log_start(config: Config) -> None:
    """The first line: what starts, with which options beside the defaults; secrets are masked."""
    fields = {
        "version": version(),
        "python": platform.python_version(),
        "database": mask_password(config.database_url),
        "authentication": _authentication(config),
        "options": dict(changed(config)),
    }
    logger.info("py-bpmn starts", extra=fields)


def _authentication(config: Config) -> str:
    if config.auth_mode == "none":
        return "none, this machine only"
    return "API keys, basic" if config.has_basic_auth else "API keys"


def load(config: Config) -> Loaded:
    """Loads the service, and touches no database."""
    store = open_store(config, quiet=True)
    service = Service(config, store)
    return Loaded(create_app(config, service=service), service, store)


def prepare(config: Config, loaded: Loaded | None = None) -> None:
    """Makes the database ready: migrates it, where that is asked for, and plans what the service does regularly.

    It is done by what is `loaded`, if anything, which has no connections afterwards. Raises StartError when the
    database can't be used, or the service must not be reached; a database that does not exist is not created then.
    """
    if config.auth_mode == "none" and not config.binds_loopback:
        raise StartError(
            f"BPMN_AUTH_MODE is none, but BPMN_HTTP_BIND_ADDRESS {config.http_bind_address} can be reached "
            "from other machines: bind to a loopback address such as 127.0.0.1:8080"
        )
    needs_key = config.auth_mode != "none" and not config.has_basic_auth
    schema = find_schema(config)
    if not config.migrate_on_start:
        schema.require_current()
    if needs_key and schema.revision is None:
        raise StartError(f"{NO_AUTHENTICATION} after `py-bpmn migrate`")
    if config.migrate_on_start and not schema.is_current:
        _migrate(config)
    service = (loaded or load(config)).service
    with usable(config):
        try:
            service.prepare()
            if needs_key and not service.keys.exist():
                raise StartError(NO_AUTHENTICATION)
        finally:
            # Connections must not be shared with the worker processes that are forked from here.
            service.close()


def _migrate(config: Config) -> None:
    done = migrate(config)
    if done.changed:
        logger.info("%s", done)


@dataclass(frozen=True, slots=True)
class _Running:
    """The web application, and what runs beside it in this process."""

    app: Flask
    service: Service
    executor: TaskExecutor | None
    heart: Heart

    def stop(self) -> None:
        if self.executor is not None:
            self.executor.stop()
        self.heart.stop()
        if self.service.metrics is not None:
            self.service.metrics.stop()
        self.service.close()


class Application:
    """The WSGI application of one process, with its task executor started if there is to be one.

    While the database is away it keeps trying: `/healthz` is answered as always, `/readiness` says what is missing, and
    everything else is refused until the service is there. What waiting does not help ends the process.
    """

    def __init__(
        self, config: Config, prepare: Callable[[], None] = lambda: None, loaded: Loaded | None = None
    ) -> None:
        """`prepare` is done first, each time it is tried; what is not `loaded` is loaded then."""
        self.config = config
        self._prepare = prepare
        self._loaded = loaded
        self._running: _Running | None = None
        self._reason = "it is starting"
        self._failed = False
        self._started = False
        self._lock = threading.Lock()
        self._tried = threading.Event()
        self._stopping = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        running = self._running
        return self._wait(environ, start_response) if running is None else running.app(environ, start_response)

    def start(self) -> None:
        """Waits for the first try, but not for long. Raises SystemExit where trying again would be of no use."""
        threading.Thread(target=self._open, name="start", daemon=True).start()
        self._tried.wait(PATIENCE_SECONDS)
        with self._lock:
            self._started = True
            if self._failed:
                sys.exit(BOOT_ERROR)

    def begin_to_stop(self) -> bool:
        """Turns the readiness off; False when it was off already, or there is nothing to wait for."""
        if self._running is None or self._running.service.draining or not self.config.shutdown_delay:
            return False
        self._running.service.draining = True
        return True

    def stop_waiting(self) -> None:
        """Has requests that wait be answered, and lets no other one wait."""
        if self._running is not None:
            self._running.service.waiting.drain()

    def stop(self) -> None:
        """Stops the task executor, which releases what it has locked, and closes the connections to the database."""
        self._stopping.set()
        with self._lock:
            if self._running is not None:
                self._running.stop()

    def _open(self) -> None:
        """Tries until the service runs, or can't."""
        for pause in _pauses():
            try:
                self._prepare()
                running = self._run()
            except Exception as error:
                if not is_away(error):
                    self._fail(error)
                    return
                self._note(error)
            else:
                with self._lock:
                    self._running = running
                    if self._stopping.is_set():
                        running.stop()
                self._tried.set()
                return
            self._tried.set()
            if self._stopping.wait(pause):
                return

    def _run(self) -> _Running:
        loaded = self._loaded = self._loaded or load(self.config)
        service = loaded.service
        try:
            service.prepare()
        except BaseException:
            service.close()
            raise
        loaded.store.tell_of_outages()
        executor = TaskExecutor(service) if self.config.task_executor_enabled else None
        if executor is not None:
            executor.start()
        heart = Heart(service.nodes)
        heart.start()
        if service.metrics is not None:
            service.metrics.start(lambda: loaded.store.connections_in_use, lambda: service.waiting.count)
        return _Running(loaded.app, service, executor, heart)

    def _note(self, error: Exception) -> None:
        reason = "the database can't be reached"
        if self._reason != reason:
            self._reason = reason
            logger.warning("waiting for the database: %s", str(error).partition("\n")[0])

    def _fail(self, error: Exception) -> None:
        known = isinstance(error, StartError | EngineError)
        logger.error("the service can't start: %s", error, exc_info=None if known else error)
        with self._lock:
            self._failed = True
            if self._started:
                # Nothing runs yet that would have to be ended.
                os._exit(BOOT_ERROR)
        self._tried.set()

    def _wait(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The answer to a request that comes before the service is there."""
        request_id = logs.usable_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        status, content_type, body = 503, "text/plain; charset=utf-8", f"server is not ready: {self._reason}\n".encode()
        if environ["PATH_INFO"] == "/healthz":
            status, body = 200, b"ok"
        elif environ["PATH_INFO"] != "/readiness":
            content_type = "application/problem+json"
            detail = f"the service is not ready: {self._reason}"
            body = problem(503, ErrorKind.UNAVAILABLE, "service unavailable", detail)
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
        if status == 503:
            headers.append(("Retry-After", "1"))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]


def _pauses() -> Iterator[float]:
    """Seconds between two tries."""
    pause = 0.25
    while True:
        yield pause
        pause = min(2 * pause, MOST_PAUSE_SECONDS)


def serve(config: Config) -> None:
    """Serves until the process is told to stop, then ends the process. Raises StartError."""
    with counting(config) as with_folder:
        _serve(with_folder)


def _serve(config: Config) -> None:
    if inherits_sockets():
        Server(config, _prepared(config)).run()
        return
    host, port = util.parse_address(config.http_bind_address)
    with socket.socket(socket.AF_INET6 if util.is_ipv6(host) else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _usable(config.http_bind_address):
            listener.bind((host, port))
        loaded = _prepared(config)
        with _usable(config.http_bind_address):
            # Only now: who connects shall be answered.
            listener.listen(BACKLOG)
        Server(config, loaded, listener).run()


def _prepared(config: Config) -> Loaded:
    loaded = load(config)
    prepare(config, loaded)
    log_start(config)
    # What is there now stays. Worker processes share its memory as long as nobody looks through it for garbage.
    gc.freeze()
    gc.enable()
    return loaded


@contextmanager
def _usable(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "another process listens there" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise StartError(f"BPMN_HTTP_BIND_ADDRESS {address} can't be used: {reason}") from error


def settings(config: Config) -> dict[str, Any]:
    """gunicorn's settings for `config`."""
    return {
        "bind": config.http_bind_address,
        "worker_class": Worker,
        "workers": config.http_workers,
        "threads": config.http_threads,
        "keepalive": math.ceil(config.http_keep_alive),
        "timeout": math.ceil(config.transaction_timeout) + 5,
        "graceful_timeout": math.ceil(config.shutdown_delay + config.shutdown_grace),
        "preload_app": False,
        "control_socket_disable": True,
        "logger_class": Logger,
        "loglevel": config.log_level.lower(),
        "proc_name": "py-bpmn",
    }


class Server(BaseApplication):
    """gunicorn, set up by `Config` alone: neither its command line nor its configuration file is read."""

    def __init__(self, config: Config, loaded: Loaded, listener: socket.socket | None = None) -> None:
        """The database is prepared by what is `loaded`."""
        self._config = config
        self._loaded = loaded
        self._bind = [f"fd://{listener.detach()}"] if listener is not None else []
        self._application: Application | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in settings(self._config).items():
            self.cfg.set(name, value)
        if self._bind:
            self.cfg.set("bind", self._bind)
        self.cfg.set("worker_exit", self._worker_exit)
        if self._config.metrics_enabled:
            self.cfg.set("child_exit", self._child_exit)

    def load(self) -> Application:
        """Called in each worker after the fork: threads and connections would not survive it."""
        self._application = Application(self._config, loaded=self._loaded)
        self._application.start()
        return self._application

    def _child_exit(self, arbiter: Any, worker: Any) -> None:
        """Called in the master, also for one that was killed."""
        from app import metrics

        metrics.forget_process(worker.pid, self._config.metrics_directory)

    def _worker_exit(self, arbiter: Any, worker: Any) -> None:
        if self._application is not None:
            self._application.stop()
