"""What HTTP/1.1 promises to clients that keep to it."""

from __future__ import annotations

import socket

import pytest

from tests.http_worker.serving import HOST, Client, Served, is_request_id

pytestmark = pytest.mark.sqlite

POST = b"POST /jobs/query HTTP/1.1\r\n" + HOST
MEGABYTE = 1024 * 1024


def test_a_connection_is_kept_for_many_requests(client: Client):
    answers = [client.send_post("/jobs/query").answer() for _ in range(5)]
    assert {(each.status, each.headers["connection"]) for each in answers} == {(200, "keep-alive")}
    assert client.is_silent


def test_requests_that_are_sent_in_one_go_are_answered_in_their_order(client: Client):
    for number in range(20):
        client.send_get("/healthz", f"X-Request-Id: {number}") if number % 2 else client.send_post(
            "/jobs/query", b"{}", f"X-Request-Id: {number}"
        )
    assert [client.answer().headers["x-request-id"] for _ in range(20)] == [str(number) for number in range(20)]


@pytest.mark.parametrize("path", ["/healthz", "/readiness", "/openapi.json"])
def test_head_is_answered_without_a_body(client: Client, path: str):
    answer = client.send_get(path, method="HEAD").answer(to_head=True)
    assert answer.status == 200
    assert int(answer.headers["content-length"]) > 0
    assert client.send_get("/healthz").answer().body == b"ok"


def test_the_client_may_end_the_connection(client: Client):
    assert client.send_get("/healthz", "Connection: close").answer().is_last
    assert client.ends()


def test_a_connection_of_http_1_0_ends_with_the_answer(client: Client):
    answer = client.send_get("/healthz", version="1.0").answer()
    assert (answer.status, answer.is_last) == (200, True)
    assert client.ends()


def test_a_client_of_http_1_0_can_ask_to_keep_the_connection(client: Client):
    answer = client.send_get("/healthz", "Connection: keep-alive", version="1.0").answer()
    assert answer.headers["connection"] == "keep-alive"
    assert client.send_get("/healthz", version="1.0").answer().status == 200


def test_a_client_that_has_said_all_it_will_say_gets_its_answer(client: Client):
    client.send_post("/jobs/query")
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().status == 200
    assert client.ends()


def test_clients_that_leave_before_the_answer_harm_nobody(served: Served):
    for _ in range(20):
        served.connect().send_post("/jobs/query").close()
    assert served.post("/jobs/query").status == 200


def test_a_client_that_asks_is_told_to_continue(client: Client):
    client.send(POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.answer().status == 100
    assert client.send(b"{}").answer().status == 200


def test_a_client_of_http_1_0_is_not_told_to_continue(client: Client):
    client.send(b"POST /jobs/query HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
    assert client.answer().status == 200


def test_a_chunked_body_with_extensions_and_trailers_is_read(client: Client):
    client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n")
    assert client.answer().status == 200
    assert client.send_get("/healthz").answer().status == 200


@pytest.mark.parametrize("asks", [b"", b"Expect: 100-continue\r\n"], ids=["sends at once", "asks before"])
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(client: Client, asks: bytes):
    client.send(POST + asks + b"Content-Length: %d\r\n\r\n" % (MEGABYTE + 3))
    answer = client.answer()
    assert (answer.status, answer.is_last) == (400, True)
    assert answer.problem["detail"].startswith("request body size must not exceed 1MB")


@pytest.mark.parametrize("size", [MEGABYTE + 1, 8 * MEGABYTE])
def test_a_client_that_sends_too_much_reads_the_answer_all_the_same(client: Client, size: int):
    answer = client.send_post("/jobs/query", b"{}".ljust(size)).answer()
    assert answer.status == 400
    assert answer.problem["detail"].startswith("request body size must not exceed 1MB")


def test_chunks_that_are_too_much_are_refused(client: Client):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + 20 * chunk)
    answer = client.answer()
    assert (answer.status, answer.is_last) == (400, True)
    assert answer.problem["detail"].startswith("request body size must not exceed 1MB")


def test_the_largest_allowed_body_is_taken(client: Client):
    assert client.send_post("/jobs/query", b"{}".ljust(MEGABYTE)).answer().status == 200
    assert client.send_post("/jobs/query", b"{}".ljust(MEGABYTE)).answer().status == 200


def test_every_answer_has_the_id_of_its_request(client: Client):
    assert client.send_get("/healthz", "X-Request-Id: mine").answer().headers["x-request-id"] == "mine"
    assert is_request_id(client.send_get("/healthz").answer().headers["x-request-id"])
