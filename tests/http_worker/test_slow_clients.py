"""Clients that are silent, slow or too many keep the service from nobody else."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.http_worker.serving import HOST, Client, Served, gunicorn, serving

pytestmark = pytest.mark.sqlite

HALF = {
    "nothing": b"",
    "half a line": b"POST /jobs/qu",
    "half of the headers": b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Content-Le",
    "half of the body": b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{",
    "half of a chunk": b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n100\r\n{",
}
ASSET = "/docs/swagger-ui-bundle.js"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connected(stack: ExitStack, served: Served, count: int = 1, sent: bytes = b"") -> list[Client]:
    return [stack.enter_context(served.connect()).send(sent) for _ in range(count)]


def test_others_are_answered_while_a_hundred_clients_leave_their_requests_half_sent(served: Served, stack: ExitStack):
    half = [client for sent in HALF.values() for client in connected(stack, served, 20, sent)]
    assert len(half) == 100
    for _ in range(20):
        assert served.post("/jobs/query").status == 200
    [kept] = connected(stack, served)
    for _ in range(20):
        assert kept.send_post("/jobs/query").answer().status == 200
    assert all(client.is_silent for client in half), "one of them was given up"


def test_a_request_that_is_completed_late_is_answered(served: Served, stack: ExitStack):
    [client] = connected(stack, served, 1, HALF["half of the body"])
    assert served.post("/jobs/query").status == 200
    assert client.send(b"}".ljust(99)).answer().status == 200


@pytest.mark.parametrize("name", [name for name in HALF if name != "nothing"])
def test_a_request_that_does_not_arrive_in_time_is_given_up(impatient: Served, stack: ExitStack, name: str):
    [client] = connected(stack, impatient, 1, HALF[name])
    answer = client.answer()
    assert (answer.status, answer.is_last) == (408, True)
    assert answer.problem["detail"] == "the request did not arrive within 0.5s"
    assert client.ends()


def test_a_client_that_says_nothing_is_given_up_without_a_word(impatient: Served, stack: ExitStack):
    [client] = connected(stack, impatient)
    assert client.ends()


def test_a_request_must_be_complete_in_time_however_often_more_of_it_comes(impatient: Served, stack: ExitStack):
    [client] = connected(stack, impatient, 1, b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: ")
    while not select.select([client.socket], [], [], 0.05)[0]:
        client.send(b"y")
    assert client.answer().status == 408


def test_a_connection_that_waits_for_its_next_request_is_kept_longer(impatient: Served, stack: ExitStack):
    waiting, half = connected(stack, impatient, 2)
    assert waiting.send_get("/healthz").answer().status == 200
    assert half.send(HALF["half a line"]).answer().status == 408
    assert waiting.send_get("/healthz").answer().status == 200


def test_others_are_answered_while_many_do_not_take_their_answers(served: Served, stack: ExitStack):
    slow = [stack.enter_context(served.connect(receive_buffer=4096)) for _ in range(10)]
    for client in slow:
        for _ in range(10):
            client.send_get(ASSET)
    for _ in range(20):
        assert served.post("/jobs/query").status == 200


def test_answers_that_are_taken_late_are_complete(served: Served, stack: ExitStack):
    client = stack.enter_context(served.connect(receive_buffer=4096))
    for _ in range(10):
        client.send_get(ASSET)
    assert served.post("/jobs/query").status == 200
    bodies = {client.answer().body for _ in range(10)}
    assert bodies == {served.get(ASSET).body}


def test_a_client_that_takes_nothing_of_its_answer_is_given_up(impatient: Served, stack: ExitStack):
    client = stack.enter_context(impatient.connect(receive_buffer=4096))
    for _ in range(10):
        client.send_get(ASSET)
    # Another one that is given up after as long, and comes later.
    assert connected(stack, impatient, 1, HALF["half a line"])[0].answer().status == 408
    with pytest.raises(ConnectionError):
        for _ in range(10):
            client.answer()


def test_when_there_are_too_many_connections_those_that_are_idle_are_closed_first(
    sqlite_url: str, tmp_path: Path, stack: ExitStack
):
    program = gunicorn("app.wsgi", "--worker-connections", "6", "--keep-alive", "600")
    with serving(sqlite_url, tmp_path, program=program, BPMN_HTTP_REQUEST_TIMEOUT="10m") as served, stack:
        half = connected(stack, served, 2, HALF["half a line"])
        idle, late = [], []
        for group, count in ((idle, 4), (late, 5)):
            for _ in range(count):
                group += connected(stack, served)
                assert group[-1].send_get("/healthz").answer().status == 200
        assert all(client.ends() for client in idle)
        assert late[0].ends()
        assert all(client.is_silent for client in half)
        assert late[-1].send_get("/healthz").answer().status == 200
        assert sum("too many connections" in line for line in served.log) == 1


def test_when_too_much_is_half_sent_the_oldest_of_it_is_refused(served: Served, stack: ExitStack):
    size = 1024 * 1024
    head = b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size
    clients = connected(stack, served, 66, head + b" " * (size - 1))
    answer = clients[0].answer()
    assert (answer.status, answer.problem["type"], answer.headers["retry-after"]) == (503, "UNAVAILABLE", "1")
    assert clients[-1].send(b"}").answer().status == 400
