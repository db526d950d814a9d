"""Reads requests out of the bytes of one connection, as they come, and does no I/O.

Heads that are not plain are read by gunicorn's parser, which is strict about what would let two servers see different
requests (RFC 9112).
Bodies are collected here, so that a request is handed on when it is complete.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from gunicorn.http import errors
from gunicorn.http.body import CHUNK_EXT_RE, ChunkedReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from app.errors import ErrorKind
from app.http_worker.head import Plain

MAX_HEAD = 64 * 1024
MAX_LINE = 8190
"""Bytes of the first line, where gunicorn's setting does not say less."""
MAX_CHUNK_LINE = 1024
MAX_TRAILERS = 8 * 1024

_HEX = re.compile(rb"[0-9A-Fa-f]{1,15}")


class BadRequest(Exception):
    """What was sent is no request that can be answered; the connection can't be used any further."""

    def __init__(
        self,
        detail: str,
        status: int = 400,
        kind: ErrorKind = ErrorKind.HTTP_REQUEST_BODY,
        title: str = "invalid request",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Received:
    """A request as gunicorn knows it, whose `body` is a file in memory."""

    request: Any
    complete: bool = True
    """False when the body is larger than allowed: the rest of it is still on its way."""
    parked: Any = None
    """What the application has left of it, when the request has waited and is to be gone on with."""


class RequestReader:
    """The requests of one connection, one after the other.

    `max_body` is the size of the largest allowed body. One that is announced to be larger is not waited for, one that
    turns out to be is cut off after a byte too much, so that the application sees that it is too large.
    """

    def __init__(self, cfg: Any, peer: Any, max_body: int, plain: Plain | None = None) -> None:
        """`plain` is the one for `cfg`, where it was made before."""
        self._cfg = cfg
        self._plain = plain or Plain(cfg)
        self._peer = peer
        self._most = max_body + 1
        self._buffer = bytearray()
        self._line_ended = False
        self._request: Any = None
        self._body: _Sized | _Chunked | None = None
        self._number = 0

    @property
    def started(self) -> bool:
        """Whether there are bytes of a request that was not handed out. An empty line may precede one."""
        return self._request is not None or len(self._buffer) > 2 or bytes(self._buffer) not in (b"", b"\r\n")

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return len(self._buffer) + (self._body.size if self._body is not None else 0)

    @property
    def request_id(self) -> str:
        """The caller's id of the request that is being received, once its head is there."""
        headers = self._request.headers if self._request is not None else ()
        return next((value for name, value in headers if name == "X-REQUEST-ID"), "")

    def discard(self) -> None:
        """Forgets what was received."""
        self._buffer = bytearray()
        self._request = self._body = None

    def feed(self, data: bytes) -> None:
        self._line_ended = self._line_ended or b"\n" in data
        self._buffer += data

    def next(self) -> Received | None:
        """The next request if it is complete. Raises BadRequest."""
        if self._request is None and not self._read_head():
            return None
        assert self._body is not None
        complete = self._body.take(self._buffer)
        if complete is None:
            return None
        request, request.body = self._request, io.BytesIO(self._body.content)
        # Who sends without having been told to is not told any more.
        request._expected_100_continue = False
        self._request = self._body = None
        self._line_ended = b"\n" in self._buffer
        return Received(request, complete)

    def takes_continue(self) -> bool:
        """Whether the client waits for `100 Continue`; it is told once."""
        if self._request is None or not self._request._expected_100_continue:
            return False
        self._request._expected_100_continue = False
        return True

    def _read_head(self) -> bool:
        if not self._line_ended and len(self._buffer) <= (MAX_HEAD if b"\n" in self._buffer else MAX_LINE):
            # The parser would look at everything again for each piece that arrives.
            return False
        self._line_ended = False
        return self._read_plain_head() or self._read_other_head()

    def _read_plain_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD)
        found = self._plain.read(bytes(self._buffer[: end + 2]), self._peer) if end > 0 else None
        if found is None:
            return False
        self._request, length = found
        self._body = _Sized(length, self._most)
        self._number += 1
        del self._buffer[: end + 4]
        return True

    def _read_other_head(self) -> bool:
        unreader = IterUnreader([bytes(self._buffer)])
        try:
            request = Request(self._cfg, unreader, self._peer, self._number + 1)
        except errors.NoMoreData:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequest(f"the headers exceed {MAX_HEAD} bytes", 431) from None
            return False
        except errors.ParseException as error:
            raise _refusal(error) from error
        if request.version >= (1, 1) and not any(name == "HOST" for name, _ in request.headers):
            raise BadRequest("header Host is missing")
        self._buffer = bytearray(unreader.take_buffered())
        self._number += 1
        self._request = request
        reader = request.body.reader
        self._body = (
            _Chunked(request, self._most) if isinstance(reader, ChunkedReader) else _Sized(reader.length, self._most)
        )
        return True


class _Sized:
    """A body whose length is known, be it 0."""

    size = 0
    content = b""

    def __init__(self, length: int, most: int) -> None:
        self._length = length
        self._most = most

    def take(self, buffer: bytearray) -> bool | None:
        """None until the body is there; then it is taken out of `buffer`. False when it is cut off."""
        if self._length > self._most:
            return False
        if len(buffer) < self._length:
            return None
        if self._length:
            self.content = bytes(buffer[: self._length])
            del buffer[: self._length]
        return True


class _Part(Enum):
    SIZE = auto()
    DATA = auto()
    END = auto()
    TRAILERS = auto()


class _Chunked:
    """A body in chunks (RFC 9112 section 7.1)."""

    def __init__(self, request: Any, most: int) -> None:
        self.content = bytearray()
        self._request = request
        self._most = most
        self._left = 0
        self._part = _Part.SIZE

    @property
    def size(self) -> int:
        return len(self.content)

    def take(self, buffer: bytearray) -> bool | None:
        """As `_Sized.take`."""
        while True:
            if self._part is _Part.TRAILERS:
                return self._take_trailers(buffer)
            took = self._take_data(buffer) if self._part is _Part.DATA else self._take_line(buffer)
            if len(self.content) >= self._most:
                return False
            if not took:
                return None

    def _take_line(self, buffer: bytearray) -> bool:
        """The line before a chunk, or the end of one; False when it is not there yet."""
        end = buffer.find(b"\r\n", 0, MAX_CHUNK_LINE + 2)
        if end < 0:
            if len(buffer) > MAX_CHUNK_LINE:
                raise _bad_chunk(f"a line of a chunk exceeds {MAX_CHUNK_LINE} bytes")
            if b"\n" in buffer or (self._part is _Part.END and not b"\r\n".startswith(buffer)):
                raise _bad_chunk("a chunk does not end as it should, with CR LF")
            return False
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        if self._part is _Part.END:
            if line:
                raise _bad_chunk("a chunk is longer than its size says")
            self._part = _Part.SIZE
        else:
            self._left = _chunk_size(line)
            self._part = _Part.DATA if self._left else _Part.TRAILERS
        return True

    def _take_data(self, buffer: bytearray) -> bool:
        count = min(self._left, len(buffer), self._most - len(self.content))
        self.content += buffer[:count]
        del buffer[:count]
        self._left -= count
        if self._left:
            return False
        self._part = _Part.END
        return True

    def _take_trailers(self, buffer: bytearray) -> bool | None:
        if buffer.startswith(b"\r\n"):
            del buffer[:2]
            return True
        end = buffer.find(b"\r\n\r\n", 0, MAX_TRAILERS + 4)
        if end < 0:
            if len(buffer) > MAX_TRAILERS:
                raise _bad_chunk(f"the trailers exceed {MAX_TRAILERS} bytes")
            if buffer.count(b"\n") != buffer.count(b"\r\n"):
                raise _bad_chunk("a line of the trailers does not end with CR LF")
            return None
        try:
            self._request.trailers = self._request.parse_headers(bytes(buffer[:end]), from_trailer=True)
        except errors.ParseException as error:
            raise _bad_chunk("the trailers are malformed") from error
        del buffer[: end + 4]
        return True


def _chunk_size(line: bytes) -> int:
    digits, semicolon, extension = line.partition(b";")
    if semicolon:
        digits = digits.rstrip(b" \t")
        if CHUNK_EXT_RE.fullmatch(b";" + extension) is None:
            raise _bad_chunk("the extension of a chunk is malformed")
    if _HEX.fullmatch(digits) is None:
        raise _bad_chunk("the size of a chunk must be a hexadecimal number")
    return int(digits, 16)


def _bad_chunk(detail: str) -> BadRequest:
    return BadRequest(f"the chunked body is malformed: {detail}")


_REFUSALS: tuple[tuple[type[Exception], int, ErrorKind, str], ...] = (
    (
        errors.InvalidRequestLine,
        400,
        ErrorKind.HTTP_REQUEST_URI,
        "the first line must be METHOD TARGET HTTP/1.1, with a target in percent-encoded ASCII",
    ),
    (errors.LimitRequestLine, 414, ErrorKind.HTTP_REQUEST_URI, "the first line is too long"),
    (errors.InvalidRequestMethod, 400, ErrorKind.HTTP_REQUEST_URI, "the method is malformed"),
    (errors.InvalidHTTPVersion, 400, ErrorKind.HTTP_REQUEST_URI, "the version must be HTTP/1.0 or HTTP/1.1"),
    (errors.LimitRequestHeaders, 431, ErrorKind.HTTP_REQUEST_BODY, "there are too many headers, or one is too long"),
    (errors.ExpectationFailed, 417, ErrorKind.HTTP_REQUEST_BODY, "Expect must be 100-continue"),
    (errors.UnsupportedTransferCoding, 501, ErrorKind.HTTP_REQUEST_BODY, "Transfer-Encoding must be chunked"),
    (errors.InvalidSchemeHeaders, 400, ErrorKind.HTTP_REQUEST_BODY, "headers contradict each other about the scheme"),
    (errors.ForbiddenProxyRequest, 403, ErrorKind.HTTP_REQUEST_BODY, "the PROXY protocol is not allowed here"),
    (errors.ConfigurationProblem, 500, ErrorKind.UNKNOWN, "the server is not configured for this request"),
)


def _refusal(error: Exception) -> BadRequest:
    for type_, status, kind, detail in _REFUSALS:
        if isinstance(error, type_):
            return BadRequest(detail, status, kind)
    if isinstance(error, errors.InvalidHeader) and error.hdr in ("CONTENT-LENGTH", "TRANSFER-ENCODING", "HOST"):
        return BadRequest(f"header {error.hdr.title()} is malformed, repeated, or contradicts another header")
    return BadRequest("a header is malformed")
