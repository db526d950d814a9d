"""What the application does with each request, whatever it asks for."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from app.api.context import current
from app.logs import request_id


def environ_of(path: str, body: bytes = b"", **others: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        **others,
    }


class Slow(io.RawIOBase):
    """A body that comes byte by byte, as from a server that passes on what has arrived."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(memoryview(buffer)[:1])


def ask(client: Any, environ: dict[str, Any]) -> tuple[str, dict[str, str], bytes]:
    got: list[Any] = []
    parts = client.application(environ, lambda status, headers: got.extend((status, dict(headers))))
    return got[0], got[1], b"".join(parts)


def test_nothing_of_a_request_is_left_in_the_thread(client, service):
    service.answer = []
    for path in ("/jobs/query", "/nothing", "/jobs/lock"):
        ask(client, environ_of(path, b"{}"))
        assert (current.get(None), request_id.get()) == (None, "")


def test_a_response_has_each_header_once(client, service):
    service.answer = []
    status, headers, body = ask(client, environ_of("/jobs/query", b"{}", HTTP_X_REQUEST_ID="mine"))
    assert status == "200 OK"
    assert headers == {"Content-Type": "application/json", "Content-Length": str(len(body)), "X-Request-Id": "mine"}


@pytest.mark.parametrize("terminated", [{}, {"wsgi.input_terminated": True}])
def test_a_body_is_read_to_its_end_however_the_server_passes_it_on(client, service, terminated):
    service.answer = []
    content = b'{"partition": "2025-05-01"}'
    for stream in (io.BytesIO(content), Slow(content), io.BufferedReader(Slow(content))):
        environ = environ_of("/jobs/query", content) | {"wsgi.input": stream} | terminated
        assert ask(client, environ)[0] == "200 OK"
        criteria, *_ = service.queries[-1]
        assert criteria.partition == date(2025, 5, 1)
