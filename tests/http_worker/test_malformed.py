"""What is no request gets one problem, and nothing that follows on the connection is taken for a request."""

from __future__ import annotations

import pytest

from tests.http_worker.serving import HOST, Client, Served, is_request_id

pytestmark = pytest.mark.sqlite

POST = b"POST /jobs/query HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

MALFORMED = {
    "no request at all": b"hello\r\n\r\n",
    "two empty lines": b"\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "too many spaces": b"GET  /healthz HTTP/1.1\r\n\r\n",
    "lower case method": b"get /healthz HTTP/1.1\r\n\r\n",
    "odd method": b"G(ET /healthz HTTP/1.1\r\n\r\n",
    "target that is no path": b"GET healthz HTTP/1.1\r\n\r\n",
    "control character in the target": b"GET /health\x00z HTTP/1.1\r\n\r\n",
    "bytes beyond ASCII in the target": b"GET /h\xe4lthz HTTP/1.1\r\n\r\n",
    "version of the future": b"GET /healthz HTTP/3.0\r\n\r\n",
    "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "line feed alone": b"GET /healthz HTTP/1.1\n\n",
    "line feed alone in the headers": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\nX: y\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "header without colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"oops\r\n\r\n",
    "header without name": b"GET /healthz HTTP/1.1\r\n" + HOST + b": oops\r\n\r\n",
    "space before the colon": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X : y\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: y\r\n z\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n\r\n",
    "length that is no number": POST + b"Content-Length: two\r\n\r\n{}",
    "negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "signed length": POST + b"Content-Length: +2\r\n\r\n{}",
    "endless length": POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}",
    "list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "coding after the chunks": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "coding without chunks": POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /jobs/query HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size that is no number": CHUNKED + b"xyz\r\n{}\r\n0\r\n\r\n",
    "negative chunk size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "signed chunk size": CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
    "chunk size with prefix": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "chunk size with underscore": CHUNKED + b"0_2\r\n{}\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
    "endless chunk size": CHUNKED + b"1" * 500 + b"\r\n{}\r\n0\r\n\r\n",
    "chunk size before a space": CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
    "chunk size before a line feed": CHUNKED + b"2\n{}\r\n0\r\n\r\n",
    "long extension": CHUNKED + b"2;a=" + b"b" * 5000,
    "malformed extension": CHUNKED + b"2;=\r\n{}\r\n0\r\n\r\n",
    "carriage return in an extension": CHUNKED + b"2;a=\rb\r\n{}\r\n0\r\n\r\n",
    "chunk that is longer than its size": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "chunk that is shorter than its size": CHUNKED + b"3\r\n{}\r\n0\r\n\r\n",
    "chunk that ends with a line feed": CHUNKED + b"2\r\n{}\n0\r\n\r\n",
    "malformed trailer": CHUNKED + b"2\r\n{}\r\n0\r\noops\r\n\r\n",
    "trailer that is for the head": CHUNKED + b"2\r\n{}\r\n0\r\nContent-Length: 3\r\n\r\n",
    "trailer with a line feed": CHUNKED + b"2\r\n{}\r\n0\r\nA: b\n",
    "endless trailers": CHUNKED + b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 2000,
}

OTHERS = {
    "long request line": (b"GET /" + b"a" * 9000, 414),
    "long header": (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 70_000, 431),
    "many headers": (b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    "unknown expectation": (POST + b"Expect: miracles\r\nContent-Length: 2\r\n\r\n{}", 417),
    "unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
}

SMUGGLED = b"GET /readiness HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in MALFORMED.items()])
def test_what_is_malformed_is_one_problem_and_the_end_of_the_connection(client: Client, sent: bytes):
    answer = client.send(sent).answer()
    problem = answer.problem
    assert (answer.status, problem["title"], answer.is_last) == (400, "invalid request", True)
    assert problem["type"] in ("HTTP_REQUEST_BODY", "HTTP_REQUEST_URI")
    assert is_request_id(answer.headers["x-request-id"])
    assert client.ends()


@pytest.mark.parametrize(
    ("sent", "status"), [pytest.param(sent, status, id=name) for name, (sent, status) in OTHERS.items()]
)
def test_what_is_too_large_or_unknown_is_a_problem_too(client: Client, sent: bytes, status: int):
    answer = client.send(sent).answer()
    assert (answer.status, answer.problem["title"], answer.is_last) == (status, "invalid request", True)
    assert client.ends()


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in MALFORMED.items()])
def test_what_follows_something_malformed_is_no_request(client: Client, sent: bytes):
    assert client.send(sent + SMUGGLED).answer().status == 400
    assert client.ends()


def test_a_malformed_body_is_answered_with_the_id_of_its_request(client: Client):
    sent = POST + b"X-Request-Id: mine\r\nTransfer-Encoding: chunked\r\n\r\noops\r\n"
    assert client.send(sent).answer().headers["x-request-id"] == "mine"


def test_requests_before_a_malformed_one_are_answered(client: Client):
    client.send_get("/healthz").send(b"oops\r\n\r\n")
    assert [client.answer().status for _ in range(2)] == [200, 400]
    assert client.ends()


def test_masses_of_what_is_malformed_do_not_fill_the_log(served: Served):
    before = len(served.log)
    for _ in range(100):
        with served.connect() as client:
            assert client.send(b"oops\r\n\r\n").answer().status == 400
    assert len(served.log) - before < 50
