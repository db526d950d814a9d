"""What a worker tells about itself: fields of log records, metrics, and whether it is in order. Never values."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from py_bpmn.errors import ConfigurationError
from py_bpmn.worker.job import Job

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

FIELDS = ("instance", "element", "job", "attempt", "requestId")
_current: ContextVar[dict[str, Any] | None] = ContextVar("py_bpmn_job", default=None)

logger = logging.getLogger("py_bpmn.worker")


@contextmanager
def about(job: Job) -> Iterator[None]:
    """Log records within are about this job."""
    token = _current.set({"instance": job.instance, "element": job.element, "job": job.ref, "attempt": job.attempt})
    try:
        yield
    finally:
        _current.reset(token)


class JobFields(logging.Filter):
    """Gives records the ids of the job that they are about: for handlers of `logging` that are configured elsewhere."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in (_current.get() or {}).items():
            # What somebody has said with `extra` stays.
            record.__dict__.setdefault(name, value)
        return True


_FIELDS = JobFields()


def mark_records() -> None:
    """Has all handlers of the root logger see the fields."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(_FIELDS)


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        known = [f"{name}={record.__dict__[name]}" for name in FIELDS if name in record.__dict__]
        first, newline, rest = super().format(record).partition("\n")
        return f"{first} [{' '.join(known)}]{newline}{rest}" if known else f"{first}{newline}{rest}"


class JsonFormatter(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def configure_logging(format: str) -> None:
    """Writes records of level INFO to standard error, as `text` or `json`, unless somebody else has decided."""
    formatters: dict[str, Callable[[], logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}
    if format not in formatters:
        raise ConfigurationError(f"the log format is text or json, but not {format}")
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(formatters[format]())
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        # It has a record for each request.
        logging.getLogger("httpx2").setLevel(logging.WARNING)
    mark_records()


class Metrics:
    """Counts what becomes of jobs."""

    def __init__(self, last_poll: Callable[[], float], running: Callable[[], int]) -> None:
        try:
            import prometheus_client
        except ImportError:
            raise ConfigurationError(
                "metrics_port takes prometheus-client, which is not installed: pip install prometheus-client"
            ) from None
        self.registry: CollectorRegistry = prometheus_client.CollectorRegistry()
        self.jobs = prometheus_client.Counter(
            "bpmn_worker_jobs", "What became of jobs.", ["element", "outcome"], registry=self.registry
        )
        self.seconds = prometheus_client.Histogram(
            "bpmn_worker_seconds", "How long handlers took.", ["element"], registry=self.registry
        )
        self.lost = prometheus_client.Counter(
            "bpmn_worker_lease_lost", "Jobs that were not this worker's any more.", registry=self.registry
        )
        gauge = prometheus_client.Gauge("bpmn_worker_running", "Handlers at work.", registry=self.registry)
        gauge.set_function(running)
        last = prometheus_client.Gauge(
            "bpmn_worker_last_poll_seconds", "Since the service has last answered.", registry=self.registry
        )
        last.set_function(last_poll)

    def text(self) -> bytes:
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


class Window:
    """Serves /metrics and /healthz."""

    def __init__(self, port: int, metrics: Metrics, is_healthy: Callable[[], bool]) -> None:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, metrics.text(), "text/plain; version=0.0.4; charset=utf-8")
                elif self.path == "/healthz":
                    found = is_healthy()
                    self._answer(200 if found else 503, b"ok\n" if found else b"no contact with the service\n")
                else:
                    self._answer(404, b"there are /metrics and /healthz\n")

            def _answer(self, status: int, body: bytes, type: str = "text/plain") -> None:
                self.send_response(status)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        try:
            self._server = ThreadingHTTPServer(("", port), Page)
        except OSError as error:
            raise ConfigurationError(f"can't serve metrics on port {port}: {error.strerror}") from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="bpmn-metrics", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
