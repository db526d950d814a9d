"""Responses: JSON, plain text, or nothing but a status."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from app.api.context import current

Headers = list[tuple[str, str]]

_STATUS_LINES = {status.value: f"{status.value} {status.phrase.upper()}" for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})


class Response:
    """A response whose body is complete. It has no content type unless it is given one."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, body: bytes = b"", status: int = 200, content_type: str = "") -> None:
        self.body = body
        self.status = status
        self.headers: Headers = [("Content-Type", content_type)] if content_type else []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Gives itself to a WSGI server (PEP 3333)."""
        headers = self.headers
        if self.status not in _WITHOUT_BODY:
            headers = [*headers, ("Content-Length", str(len(self.body)))]
        start_response(_STATUS_LINES[self.status], headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


def json_answer(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE), status, "application/json")


def text_answer(text: str, status: int = 200) -> Response:
    return Response(text.encode(), status, "text/plain; charset=utf-8")


def empty(status: int = 204) -> Response:
    return Response(status=status)


def bare(status: int, sentence: str, headers: Mapping[str, str | list[str]] | None = None) -> Response:
    """A refusal without a body; a browser gets a short page with `sentence`."""
    response = empty(status)
    if wants_page():
        title = f"{status} {HTTPStatus(status).phrase}"
        response = Response(_PAGE.format(title=title, sentence=sentence).encode(), status, HTML)
    for name, value in (headers or {}).items():
        response.headers += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return response


def wants_page() -> bool:
    """Whether the request comes from a browser: it asks for HTML by name."""
    accepted = parse_accept_header(current.get().environ.get("HTTP_ACCEPT"), MIMEAccept)
    return any(media_type.lower() == "text/html" and quality for media_type, quality in accepted)


HTML = "text/html; charset=utf-8"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{sentence}</p></body>
</html>
"""
