"""Problems (RFC 9457) in the form of `app.api.problem`, where the API itself is not asked."""

from __future__ import annotations

from http import HTTPStatus

import orjson
from gunicorn import SERVER, util

from app.errors import ErrorKind


def problem(status: int, kind: ErrorKind, title: str, detail: str) -> bytes:
    """The body of an answer, as `application/problem+json`."""
    content = {"status": status, "type": kind, "title": title, "detail": detail}
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def last_answer(status: int, kind: ErrorKind, title: str, detail: str, request_id: str) -> bytes:
    """A problem as an answer after which the connection ends."""
    body = problem(status, kind, title, detail)
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Server: {SERVER}",
        f"Date: {util.http_date()}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        f"X-Request-Id: {request_id}",
    ]
    if status == 503:
        lines.append("Retry-After: 1")
    return "\r\n".join([*lines, "", ""]).encode() + body
