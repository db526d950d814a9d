"""A thread that has answered stays with its client for a moment. Nobody else notices, and the client neither."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.http_worker.serving import HOST, PATIENCE, Client, Served, gunicorn, serving
from tests.http_worker.test_probes import THREADS, blocked, fill

pytestmark = pytest.mark.sqlite

HALF = b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{"


def test_more_busy_clients_than_threads_are_all_answered(served: Served):
    counts: dict[int, int] = {}

    def ask(number: int) -> None:
        with served.connect() as client:
            for _ in range(100):
                assert client.send_post("/jobs/query").answer().status == 200
                counts[number] = counts.get(number, 0) + 1

    clients = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(4 * THREADS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join(PATIENCE)
    assert counts == dict.fromkeys(range(4 * THREADS), 100)


def test_a_client_that_goes_on_and_on_does_not_keep_threads_from_others(served: Served):
    done = threading.Event()

    def ask() -> None:
        with served.connect() as client:
            while not done.is_set():
                client.send_post("/jobs/query").answer()

    clients = [threading.Thread(target=ask, daemon=True) for _ in range(THREADS)]
    for each in clients:
        each.start()
    try:
        for _ in range(50):
            assert served.post("/jobs/query").status == 200
    finally:
        done.set()
        for each in clients:
            each.join(PATIENCE)


def test_a_second_request_that_comes_in_pieces_keeps_no_thread(served: Served):
    with ExitStack() as stack:
        slow = [stack.enter_context(served.connect()) for _ in range(2 * THREADS)]
        for client in slow:
            assert client.send_post("/jobs/query").answer().status == 200
            client.send(HALF)
        for _ in range(20):
            assert served.post("/jobs/query").status == 200
        assert [client.send(b"}").answer().status for client in slow] == 2 * THREADS * [200]


def test_a_second_request_that_is_large_is_answered(client: Client):
    for size in (2, 300_000, 2, 900_000):
        assert client.send_post("/jobs/query", b"{}".ljust(size)).answer().status == 200


def test_a_second_request_that_is_malformed_is_refused(client: Client):
    assert client.send_get("/healthz").answer().status == 200
    answer = client.send(b"oops\r\n\r\n").answer()
    assert (answer.status, answer.problem["title"], answer.is_last) == (400, "invalid request", True)
    assert client.ends()


def test_a_second_request_that_waits_to_be_told_is_told_to_continue(client: Client):
    assert client.send_post("/jobs/query").answer().status == 200
    client.send(b"POST /jobs/query HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.answer().status == 100
    assert client.send(b"{}").answer().status == 200


def test_the_thread_of_a_probe_answers_nothing_else(database_url: str, tmp_path: Path):
    with serving(database_url, tmp_path) as served, ExitStack() as stack:
        with blocked(database_url) as waiting:
            clients = fill(stack, served, waiting)
            for _ in range(5):
                both = stack.enter_context(served.connect())
                assert both.send_get("/healthz").answer().status == 200
                clients.append(both.send_get("/docs"))
                assert served.get("/healthz").body == b"ok"
            assert all(client.is_silent for client in clients)
        assert {client.answer().status for client in clients} == {200, 201}


def test_a_client_that_asks_without_a_pause_learns_that_the_service_stops(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served, served.connect() as client:
        assert client.send_get("/healthz").answer().status == 200
        served.process.send_signal(signal.SIGTERM)
        while not (answer := client.send_post("/jobs/query").answer()).is_last:
            assert answer.status == 200
        assert answer.status == 200
        assert served.process.wait(PATIENCE) == 0


def test_requests_of_one_connection_count_for_the_number_that_a_process_serves(sqlite_url: str, tmp_path: Path):
    program = gunicorn("app.wsgi", "--max-requests", "50")
    with serving(sqlite_url, tmp_path, program=program, ready=False) as served:
        answers = []
        while not answers:
            with suppress(OSError), served.connect() as client:
                while not (answers and answers[-1].is_last):
                    answers.append(client.send_post("/jobs/query").answer())
        assert {answer.status for answer in answers} == {200}
        assert len(answers) <= 50


def test_clients_that_leave_after_an_answer_are_forgotten(served: Served):
    before = len(served.log)
    for _ in range(50):
        with served.connect() as client:
            assert client.send_post("/jobs/query").answer().status == 200
    assert served.post("/jobs/query").status == 200
    assert all(" INFO app.api.log: request method=POST " in line for line in served.log[before:])
