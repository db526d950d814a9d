"""How log records are written: one line each, as text or JSON, with the id of the request they belong to.

Exceptions are written without the values that databases quote in their messages; see `app.redact`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from app.redact import describe, format_exception

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that this thread serves; empty outside of requests."""

_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "taskName"}


def usable_request_id(given: str) -> str:
    """The caller's id where it is short visible ASCII, else one that is made up."""
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    """What was logged by `extra`, in the order it was given."""
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    request = request_id.get()
    return {"request_id": request, **fields} if request else fields


def _message(record: logging.LogRecord) -> str:
    """The message; exceptions among its arguments are described as those that are logged with a traceback."""
    if not isinstance(record.args, tuple) or not any(isinstance(value, BaseException) for value in record.args):
        return record.getMessage()
    values = tuple(describe(value) if isinstance(value, BaseException) else value for value in record.args)
    return str(record.msg) % values


class _Formatter(logging.Formatter):
    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return format_exception(ei[1]) if ei[1] is not None else ""


class TextFormatter(_Formatter):
    """`2026-01-31T12:00:00.000Z INFO app.serve: message key=value`"""

    def format(self, record: logging.LogRecord) -> str:
        parts = [f"{_time(record)} {record.levelname} {record.name}: {_message(record)}"]
        parts += [f"{name}={value}" for name, value in _extra(record).items()]
        lines = [" ".join(parts).replace("\r", "\\r").replace("\n", "\\n")]
        if record.exc_info:
            lines.append(self.formatException(record.exc_info))
        return "\n".join(lines)


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, message, the fields of `extra`, exception."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_extra(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def set_up(level: str, style: str) -> None:
    """Sends all log records to standard error: standard output belongs to the results of commands."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It warns, with host and user, of what the store handles: a pipeline that ends with an error.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    take_over_server()


def take_over_server() -> None:
    """Lets the web server's records, too, go where the others go, unless they go to a file of their own."""
    server = logging.getLogger("gunicorn.error")
    for handler in server.handlers[:]:
        if type(handler) is logging.StreamHandler:
            server.removeHandler(handler)
    server.propagate = not server.handlers
