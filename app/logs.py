"""How log records are written: one line each, as text or JSON, with the id of the request they belong to.

Exceptions are written without the values that databases quote in their messages; see `app.redact`. Lines are written by
the thread that has something to say, each by one call of the system: nothing is lost when the process is killed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import orjson

from app.redact import describe, format_exception

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Id of the request that this thread serves; empty outside of requests."""

_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "taskName"}


def usable_request_id(given: str) -> str:
    """The caller's id where it is short visible ASCII, else one that is made up."""
    return given if _REQUEST_ID.fullmatch(given) else os.urandom(16).hex()


class Sparing:
    """Lets a few things be said at once, and then one in a while: whoever causes them in masses shall not fill the log.

    Safe to be asked by several threads.
    """

    def __init__(self, most: int, seconds: float) -> None:
        """`most` at once; each leaves room for another one after so many `seconds`."""
        self._most = most
        self._seconds = seconds
        self._left = float(most)
        self._looked = time.monotonic()
        self._unsaid = 0
        self._lock = threading.Lock()

    def ask(self) -> dict[str, Any] | None:
        """None when it is not to be said; else what to say along: `more_since_the_last`, where something was not."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._left + (now - self._looked) / self._seconds, self._most)
            self._looked = now
            if self._left < 1:
                self._unsaid += 1
                return None
            self._left -= 1
            unsaid, self._unsaid = self._unsaid, 0
        return {"more_since_the_last": unsaid} if unsaid else {}


_NOWHERE = vars(logging.LogRecord("", 0, "", 0, "", None, None))


class Plain(logging.LogRecord):
    """A record whose message is complete; it does not find out where it comes from, and costs a third of another."""

    def __init__(self, name: str, level: int, message: str, fields: Mapping[str, Any]) -> None:
        """`fields` are what `extra` is elsewhere."""
        self.fields: Mapping[str, Any]
        self.__dict__ = {
            **_NOWHERE,
            "name": name,
            "msg": message,
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "created": time.time(),
            "fields": fields,
        }


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:-6]


def _time(record: logging.LogRecord) -> str:
    seconds = int(record.created)
    return f"{_second(seconds)}.{int((record.created - seconds) * 1000):03d}Z"


def _extra(record: logging.LogRecord) -> Mapping[str, Any]:
    """What was logged by `extra`, in the order it was given."""
    if isinstance(record, Plain):
        return record.fields
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
        parts = [f"{_time(record)} {record.levelname} {record.name}: {_visible(_message(record))}"]
        parts += [f"{name}={_quoted(value)}" for name, value in _extra(record).items()]
        lines = [" ".join(parts)]
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
        try:
            line = orjson.dumps(fields, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except orjson.JSONEncodeError:
            # A lone surrogate, or a number beyond 64 bits.
            line = ""
        # Where standard error does not take every character, the line would not be JSON any more.
        return line if line.isascii() and line else json.dumps(fields, default=str)


_INVISIBLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BARE = re.compile(r"[!#-<>-\[\]-~]+")
"""Values that need no quotes: no white space, quote, equals sign or backslash."""


def _visible(text: str) -> str:
    """The text in one line, without what could move the cursor of whoever looks at it."""
    return (
        text if text.isprintable() else _INVISIBLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    )


def _quoted(value: Any) -> str:
    """The value of a field as it stands after `name=`; a text that could be taken for several fields is quoted."""
    if type(value) is dict:
        value = " ".join(f"{name}={each}" for name, each in value.items())
    return _quoted_text(value) if type(value) is str else _quoted_text(str(value))


@lru_cache(maxsize=1024)
def _quoted_text(text: str) -> str:
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=not text.isprintable())


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
