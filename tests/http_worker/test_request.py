"""Requests out of bytes, however these are cut into pieces."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from gunicorn.config import Config as GunicornConfig
from hypothesis import given
from hypothesis import strategies as st

from app.http_worker.request import BadRequest, RequestReader
from tests.http_worker.test_malformed import MALFORMED

CFG = GunicornConfig()
HEAD = b"POST /a HTTP/1.1\r\nHost: h\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": (b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n", b""),
    "an empty line before": (b"\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", b""),
    "HTTP/1.0": (b"GET /a HTTP/1.0\r\n\r\n", b""),
    "a length": (HEAD + b"Content-Length: 4\r\n\r\nabcd", b"abcd"),
    "an empty body": (HEAD + b"Content-Length: 0\r\n\r\n", b""),
    "chunks": (CHUNKED + b"2\r\nab\r\n002\r\ncd\r\n0\r\n\r\n", b"abcd"),
    "no chunks": (CHUNKED + b"0\r\n\r\n", b""),
    "extensions": (CHUNKED + b'2;a\r\nab\r\n2 ; b = "c;d"\r\ncd\r\n0;e=f\r\n\r\n', b"abcd"),
    "trailers": (CHUNKED + b"2\r\nab\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"ab"),
    "line ends in chunks": (CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
}


def read(pieces: Iterable[bytes], most: int = 100) -> list[bytes | str]:
    """The bodies of the requests in `pieces`; a text is what is wrong, and ends it."""
    reader = RequestReader(CFG, ("127.0.0.1", 1), most)
    found: list[bytes | str] = []
    try:
        for piece in pieces:
            reader.feed(piece)
            while received := reader.next():
                found.append(received.request.body.read() if received.complete else "cut off")
                if not received.complete:
                    return found
    except BadRequest as error:
        found.append(str(error))
    else:
        assert not reader.started, "something is left"
    return found


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    ends = sorted({place % len(data) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@pytest.mark.parametrize(("sent", "body"), [pytest.param(*each, id=name) for name, each in WHOLE.items()])
def test_a_request_is_read_at_once_and_byte_by_byte(sent: bytes, body: bytes):
    assert read([sent]) == [body]
    assert read(bytes([each]) for each in sent) == [body]


@given(st.lists(st.sampled_from(sorted(WHOLE)), min_size=1, max_size=5), st.lists(st.integers(0, 1000), max_size=5))
def test_requests_in_a_row_are_read_however_they_are_cut(names: list[str], places: list[int]):
    sent = b"".join(WHOLE[name][0] for name in names)
    assert read(cut(sent, places)) == [WHOLE[name][1] for name in names]


@given(st.sampled_from(sorted(MALFORMED)), st.lists(st.integers(0, 1000), max_size=5))
def test_what_is_malformed_is_found_however_it_is_cut(name: str, places: list[int]):
    [error] = read(cut(MALFORMED[name], places))
    assert isinstance(error, str)


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=3))
def test_any_bytes_are_requests_or_refused_or_waited_for(sent: bytes, places: list[int]):
    reader = RequestReader(CFG, ("127.0.0.1", 1), 100)
    for piece in cut(CHUNKED + sent, places):
        reader.feed(piece)
        try:
            while received := reader.next():
                assert len(received.request.body.read()) <= 101
        except BadRequest as error:
            assert error.status in range(400, 600)
            return


def test_nothing_is_kept_of_a_request_that_was_handed_out():
    reader = RequestReader(CFG, ("127.0.0.1", 1), 100)
    reader.feed(WHOLE["a length"][0] + b"GET ")
    assert reader.next()
    assert (reader.size, reader.started) == (4, True)


@pytest.mark.parametrize("size", [102, 10**9])
def test_a_body_that_is_announced_to_be_too_large_is_not_waited_for(size: int):
    assert read([HEAD + b"Content-Length: %d\r\n\r\n" % size]) == ["cut off"]


def test_a_body_of_a_byte_too_much_is_read_so_that_the_application_can_tell():
    assert read([HEAD + b"Content-Length: 101\r\n\r\n" + b"a" * 101]) == [b"a" * 101]


def test_chunks_that_become_too_much_are_cut_off():
    assert read([CHUNKED + b"64\r\n" + b"a" * 100 + b"\r\n5\r\nbb"]) == ["cut off"]


def test_the_client_is_told_to_continue_once_and_only_while_it_waits():
    reader = RequestReader(CFG, ("127.0.0.1", 1), 100)
    reader.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert reader.next() is None
    assert [reader.takes_continue(), reader.takes_continue()] == [True, False]
    reader.feed(b"{}")
    received = reader.next()
    assert received is not None
    assert received.request._expected_100_continue is False
