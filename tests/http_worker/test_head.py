"""What is taken for a plain head is the same request for gunicorn's parser."""

from __future__ import annotations

from typing import Any

import pytest
from gunicorn.config import Config as GunicornConfig
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from hypothesis import given
from hypothesis import strategies as st

from app.http_worker.head import Plain
from tests.http_worker.test_malformed import MALFORMED, OTHERS

CFG = GunicornConfig()
PEER = ("127.0.0.1", 1)
COMPARED = ("method", "uri", "path", "query", "fragment", "version", "headers", "scheme", "remote_addr", "must_close")

NAMES = st.sampled_from(
    [
        *("Host", "Content-Length", "content-type", "X-Forwarded-Proto", "X-Forwarded-For", "Connection", "Expect"),
        *("A_b", "Transfer-Encoding", "Authorization", "X:", "Ö", " X"),
    ]
) | st.text("ab-_: \t", max_size=4)
VALUES = st.sampled_from(
    ["", "h", "10", " 7 ", "007", "+1", "https", "close", "100-continue", "chunked", "ä", "a\x00b"]
)
LINES = st.builds(lambda name, value: f"{name}: {value}", NAMES, VALUES | st.text("a \t\x7f\r\n", max_size=4))
TARGETS = st.sampled_from(["/", "/a?b=c?d", "//a/b", "/a#b", "*", "a", "http://h/a", "/a;b", "/%41"]) | st.text(
    "/?#[]:@%a\t ", max_size=6
)
METHODS = st.sampled_from(["GET", "POST", "get", "CONNECT", "OPTIONS", "G"])
VERSIONS = st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0"])


def read(head: str, cfg: Any = CFG) -> Any:
    return Plain(cfg).read(head.encode("latin-1"), PEER)


def read_by_gunicorn(head: str, cfg: Any = CFG) -> Any:
    return Request(cfg, IterUnreader([head.encode("latin-1") + b"\r\n"]), PEER)


def head_of(method: str, target: str, version: str, lines: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in [f"{method} {target} {version}", *lines])


@given(METHODS, TARGETS, VERSIONS, st.lists(LINES, max_size=4), st.booleans())
def test_a_plain_head_is_the_same_request_for_both(
    method: str, target: str, version: str, lines: list[str], has_host: bool
):
    head = head_of(method, target, version, ["Host: h", *lines] if has_host else lines)
    found = read(head)
    if found is None:
        return
    plain, length = found
    other = read_by_gunicorn(head)
    assert [getattr(plain, name) for name in COMPARED] == [getattr(other, name) for name in COMPARED]
    assert length == other.body.reader.length
    assert plain.should_close() == other.should_close()


@pytest.mark.parametrize("target", ["/", "/jobs/lock", "/process-instances/query?limit=1", "/a/%20?b=%C3%BC", "//a"])
@pytest.mark.parametrize("connection", [[], ["Connection: close"], ["connection:  Keep-Alive "]])
def test_the_heads_that_clients_send_are_plain(target: str, connection: list[str]):
    lines = ["Host: h:80", "Content-Type: application/json", "Content-Length: 12", "Accept: */*", *connection]
    plain, length = read(head_of("POST", target, "HTTP/1.1", lines))
    other = read_by_gunicorn(head_of("POST", target, "HTTP/1.1", lines))
    assert [getattr(plain, name) for name in COMPARED] == [getattr(other, name) for name in COMPARED]
    assert (plain.should_close(), length) == (other.should_close(), 12)


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in MALFORMED.items()])
def test_nothing_that_is_malformed_is_plain(sent: bytes):
    assert Plain(CFG).read(sent.partition(b"\r\n\r\n")[0] + b"\r\n", PEER) is None


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, (sent, _) in OTHERS.items()])
def test_nothing_that_is_too_large_or_unknown_is_plain(sent: bytes):
    assert Plain(CFG).read(sent.partition(b"\r\n\r\n")[0] + b"\r\n", PEER) is None


LIMITS = {
    "limit_request_line": (head_of("GET", "/" + 30 * "a", "HTTP/1.1", ["Host: h"]), 40),
    "limit_request_fields": (head_of("GET", "/", "HTTP/1.1", ["Host: h", "A: b", "B: c"]), 2),
    "limit_request_field_size": (head_of("GET", "/", "HTTP/1.1", ["Host: h", f"A: {30 * 'a'}"]), 30),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_head_beyond_what_gunicorn_is_set_to_is_not_plain(name: str):
    head, limit = LIMITS[name]
    cfg = GunicornConfig()
    assert read(head, cfg) is not None
    cfg.set(name, limit)
    assert read(head, cfg) is None


def test_no_head_is_plain_where_a_proxy_writes_its_own_line_before():
    cfg = GunicornConfig()
    cfg.set("proxy_protocol", "v1")
    assert read(head_of("GET", "/", "HTTP/1.1", ["Host: h"]), cfg) is None
