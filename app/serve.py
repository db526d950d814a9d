"""Runs the service: gunicorn with threads, and a task executor in every worker process."""

from __future__ import annotations

import logging
import math
import os
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from app import create_app
from app.config import Config
from app.errors import StartError
from app.executor import TaskExecutor
from app.service import Service, open_service
from app.store import find_schema, migrate, usable

if TYPE_CHECKING:
    from flask import Flask

logger = logging.getLogger(__name__)

NO_AUTHENTICATION = (
    "no authentication is configured: set BPMN_HTTP_BASIC_AUTH_USERNAME and BPMN_HTTP_BASIC_AUTH_PASSWORD, or create "
    "a key by `py-bpmn api-key create --secret-id ID`"
)


def prepare(config: Config) -> None:
    """Makes the database ready: migrates it, where that is asked for, and plans what the service does regularly.

    Raises StartError when the database can't be used, or the service must not be reached; a database that does not
    exist is not created then.
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
    if config.migrate_on_start:
        _migrate(config)
    with usable(config):
        service = open_service(config)
        try:
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
class Running:
    """The WSGI application, and what runs beside it in this process."""

    app: Flask
    service: Service
    executor: TaskExecutor | None

    def stop(self) -> None:
        """Stops the task executor, which releases what it has locked, and closes the connections to the database."""
        if self.executor is not None:
            self.executor.stop()
        self.service.close()


def start(config: Config) -> Running:
    """The application for `config`, with its task executor started if there is to be one."""
    service = open_service(config)
    executor = TaskExecutor(service) if config.task_executor_enabled else None
    app = create_app(config, service=service)
    if executor is not None:
        executor.start()
    return Running(app, service, executor)


def serve(config: Config) -> None:
    """Serves until the process is told to stop, then ends the process."""
    prepare(config)
    Server(config).run()


class _Logger(Logger):
    """Leaves gunicorn's log records to the handlers of `app.logs`."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Worker(ThreadWorker):
    """Goes on serving for a while when it is told to stop, so that whoever sends requests can learn about it."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.app.begin_to_stop():
            timer = threading.Timer(self.app.shutdown_delay, os.kill, (os.getpid(), sig))
            timer.daemon = True
            timer.start()
        else:
            super().handle_exit(sig, frame)


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
        "logger_class": _Logger,
        "loglevel": config.log_level.lower(),
        "proc_name": "py-bpmn",
    }


class Server(BaseApplication):
    """gunicorn, set up by `Config` alone: neither its command line nor its configuration file is read."""

    def __init__(self, config: Config) -> None:
        # Its database is migrated; a worker that is started anew has nothing to do there.
        self._config = replace(config, migrate_on_start=False)
        self._running: Running | None = None
        super().__init__()

    def load_config(self) -> None:
        for name, value in settings(self._config).items():
            self.cfg.set(name, value)
        self.cfg.set("worker_exit", self._worker_exit)

    def load(self) -> Flask:
        """Called in each worker after the fork: threads and connections would not survive it."""
        self._running = start(self._config)
        return self._running.app

    @property
    def shutdown_delay(self) -> float:
        """Seconds."""
        return self._config.shutdown_delay

    def begin_to_stop(self) -> bool:
        """Turns the readiness off; False when it was off already, or there is nothing to wait for."""
        if self._running is None or self._running.service.draining or not self.shutdown_delay:
            return False
        self._running.service.draining = True
        return True

    def _worker_exit(self, arbiter: Any, worker: Any) -> None:
        if self._running is not None:
            self._running.stop()
