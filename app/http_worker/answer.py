"""Answers as gunicorn writes them, without doing anew for each what is the same for most."""

from __future__ import annotations

import time
from collections.abc import Iterable

from gunicorn import SERVER, util
from gunicorn.http.wsgi import HEADER_VALUE_RE, Response

_PLAIN = frozenset({"Content-Type", "X-Request-Id"})
"""Headers that say nothing about where the answer ends, or what becomes of the connection."""


class Answer(Response):
    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        for name, value in headers:
            if name in _PLAIN and HEADER_VALUE_RE.fullmatch(value):
                self.headers.append((name, value))
            else:
                super().process_headers([(name, value)])

    def default_headers(self) -> list[str]:
        """The first line and the server's own headers."""
        major, minor = self.req.version
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Server: {SERVER}\r\n",
            f"Date: {date.now()}\r\n",
            f"Connection: {'close' if self.should_close() else 'keep-alive'}\r\n",
        ]
        if self.chunked:
            lines.append("Transfer-Encoding: chunked\r\n")
        return lines


class _Date:
    """The value of the Date header (RFC 9110 section 6.6.1), written once a second."""

    def __init__(self) -> None:
        self._written = (0, "")

    def now(self) -> str:
        second = int(time.time())
        if self._written[0] != second:
            # As one value: other threads see either the old one or the new one.
            self._written = second, util.http_date(second)
        return self._written[1]


date = _Date()
