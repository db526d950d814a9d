"""Heads as nearly all clients send them, read by one look at them. All others are for gunicorn's parser to judge.

What is taken for plain here, gunicorn's parser takes for the same request.
"""

from __future__ import annotations

import re
from typing import Any

from gunicorn.http.message import DEFAULT_MAX_HEADERFIELD_SIZE, MAX_HEADERS, MAX_REQUEST_LINE, Request

_HEAD = re.compile(
    r"(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE) (?P<target>/[!-\"$-~]*+) HTTP/1\.1\r\n"
    r"(?P<fields>(?>[A-Za-z0-9-]++:[\t -~]*+\r\n)++)"
)
"""RFC 9112 sections 3 and 5, without what is obsolete, beyond ASCII, or needs a closer look."""
_LENGTH = re.compile(r"[0-9]{1,15}")
_UNUSUAL = frozenset({"TRANSFER-ENCODING", "EXPECT"})


class PlainRequest(Request):
    """A request as gunicorn knows it, whose head was plain."""

    def __init__(self, peer: Any, method: str, uri: str, headers: list[tuple[str, str]], scheme: str) -> None:
        self.method = method
        self.uri = uri
        self.path, _, self.query = uri.partition("?")
        self.fragment = ""
        self.version = (1, 1)
        self.headers = headers
        self.trailers: list[tuple[str, str]] = []
        self.scheme = scheme
        self.peer_addr = self.remote_addr = peer
        self.proxy_protocol_info = None
        self.must_close = False
        self.body: Any = None


class Plain:
    """Reads plain heads within the limits that gunicorn is set to."""

    def __init__(self, cfg: Any) -> None:
        self._scheme = "https" if cfg.is_ssl else "http"
        self._applies = cfg.proxy_protocol == "off"
        self._most_fields = _limit(cfg.limit_request_fields, MAX_HEADERS)
        self._longest_field = cfg.limit_request_field_size
        if self._longest_field <= 0:
            self._longest_field = DEFAULT_MAX_HEADERFIELD_SIZE
        self._longest_line = _limit(cfg.limit_request_line, MAX_REQUEST_LINE)
        self._unusual = _UNUSUAL.union(cfg.secure_scheme_headers)

    def read(self, head: bytes, peer: Any) -> tuple[PlainRequest, int] | None:
        """The request and the length of its body; None for what is not plain.

        `head` ends with the last of its lines, without the empty one that follows.
        """
        match = _HEAD.fullmatch(head.decode("latin-1")) if self._applies else None
        if match is None or match.end("target") + len(" HTTP/1.1") > self._longest_line:
            return None
        headers = []
        fields: dict[str, str] = {}
        for line in match["fields"].split("\r\n")[:-1]:
            if len(line) + len("\r\n") > self._longest_field:
                return None
            name, _, value = line.partition(":")
            name, value = name.upper(), value.strip(" \t")
            fields[name] = value
            headers.append((name, value))
        # One value for each name.
        if not (len(fields) == len(headers) <= self._most_fields and "HOST" in fields):
            return None
        length = fields.get("CONTENT-LENGTH", "0")
        if not self._unusual.isdisjoint(fields) or not _LENGTH.fullmatch(length):
            return None
        return PlainRequest(peer, match["method"], match["target"], headers, self._scheme), int(length)


def _limit(given: int, most: int) -> int:
    return given if 0 < given < most else most
