"""Requests that wait take no thread, and are answered when there is something, and when the service stops."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases
from tests.http_worker.serving import PATIENCE, Client, Served, gunicorn, serving
from tests.store.play import model

DEPLOYED = {"bpmnProcessId": "p", "version": "1", "workerId": "w", "bpmnXml": model("start -> a -> end")}
STARTED = {"bpmnProcessId": "p", "version": "1", "workerId": "w"}
WAITERS = 6
"""Three times as many as there are threads."""
SEVERAL = {"BPMN_HTTP_WAITERS": str(WAITERS)}


def body(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def lock(seconds: int = 30, **conditions: Any) -> bytes:
    return body({"workerId": "w", "waitTimeout": f"PT{seconds}S", **conditions})


def create(served: Served) -> None:
    assert served.post("/process-instances", body(STARTED)).status == 201


def jobs(client: Client) -> list[dict[str, Any]]:
    answer = client.answer()
    assert answer.status == 200, answer
    found: list[dict[str, Any]] = json.loads(answer.body)["jobs"]
    return found


def answered(clients: list[Client]) -> list[Client]:
    return [client for client in clients if not client.is_silent]


def until_answered(clients: list[Client], count: int) -> list[Client]:
    """Those of the clients that have an answer, once they are so many; the others stay silent."""
    deadline = time.monotonic() + PATIENCE
    while len(found := answered(clients)) < count:
        assert time.monotonic() < deadline, f"only {len(found)} of {count} are answered"
        time.sleep(0.01)
    return found


def waiting(stack: ExitStack, served: Served, count: int) -> list[Client]:
    """Clients that wait, once all of them do, and have taken all places."""
    clients = [stack.enter_context(served.connect()).send_post("/jobs/lock", lock()) for _ in range(count)]
    deadline = time.monotonic() + PATIENCE
    while True:
        probe = served.post("/jobs/lock", lock(1, partition="2026-01-01"))
        early = answered(clients)
        if "retry-after" in probe.headers and not early:
            return clients
        for client in early:
            # There were others, who had not left yet.
            assert client.answer().headers["retry-after"] == "1"
            client.send_post("/jobs/lock", lock())
        assert time.monotonic() < deadline, "they do not wait"


@pytest.fixture(scope="module")
def patient(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("waiting")
    with databases.fresh("sqlite") as url, serving(url, folder, **SEVERAL) as served:
        assert served.post("/processes", body(DEPLOYED)).status == 201
        yield served


@pytest.mark.sqlite
def test_waiting_takes_no_thread_and_a_job_wakes_one_who_waits(patient: Served):
    with ExitStack() as stack:
        clients = waiting(stack, patient, WAITERS)
        assert patient.post("/jobs/query").status == 200
        create(patient)
        [woken] = until_answered(clients, 1)
        [job] = jobs(woken)
        assert job["state"] == "LOCKED"
        # The next request on the same connection is one like any other, and may wait as well.
        assert jobs(woken.send_post("/jobs/lock", body({"workerId": "w"}))) == []
        clients.remove(woken)
        assert answered(clients) == []
        create(patient)
        create(patient)
        assert len({json.dumps(jobs(client)) for client in until_answered(clients, 2)}) == 2


@pytest.mark.sqlite
def test_a_client_that_has_left_gets_no_job_and_leaves_its_place(patient: Served):
    with ExitStack() as stack:
        for client in waiting(stack, patient, WAITERS):
            client.close()
        stay = waiting(stack, patient, WAITERS)
        create(patient)
        [woken] = until_answered(stay, 1)
        assert len(jobs(woken)) == 1
    found = json.loads(patient.post("/jobs/query").body)["results"]
    assert {job["state"] for job in found} == {"LOCKED"}


@pytest.mark.sqlite
def test_what_a_client_sends_while_it_waits_is_answered_afterwards(patient: Served):
    with patient.connect() as client:
        client.send_post("/jobs/lock", lock(1, limit=1, partition="2026-01-01"))
        client.send_get("/healthz", "X-Request-Id: next")
        first, second = client.answer(), client.answer()
        assert json.loads(first.body) == {"count": 0, "jobs": []}
        assert "retry-after" not in first.headers
        assert second.headers["x-request-id"] == "next"


@pytest.mark.sqlite
def test_a_request_that_waits_keeps_its_id(patient: Served):
    with patient.connect() as client:
        answer = client.send_post("/jobs/lock", lock(1, partition="2026-01-01"), "X-Request-Id: mine").answer()
        assert answer.headers["x-request-id"] == "mine"


@pytest.mark.sqlite
def test_what_a_request_has_waited_for_is_answered_again_with_its_idempotency_key(patient: Served):
    key = "Idempotency-Key: waited"
    with patient.connect() as client, patient.connect() as other:
        client.send_post("/jobs/lock", lock(limit=1), key)
        # It has found nothing, and goes on.
        time_is_over = other.send_post("/jobs/lock", lock(1, partition="2026-01-01"), "Idempotency-Key: other").answer()
        assert "idempotency-replayed" not in time_is_over.headers
        assert client.is_silent
        create(patient)
        first = client.answer()
        assert "idempotency-replayed" not in first.headers
        again = other.send_post("/jobs/lock", lock(limit=1), key).answer()
        assert again.headers["idempotency-replayed"] == "true"
        assert again.body == first.body
        assert len(json.loads(first.body)["jobs"]) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("delay", ["0", "2s"])
def test_a_service_that_is_told_to_stop_answers_who_waits_at_once(sqlite_url: str, tmp_path: Path, delay: str):
    with serving(sqlite_url, tmp_path, BPMN_SHUTDOWN_DELAY=delay, **SEVERAL) as served, ExitStack() as stack:
        clients = waiting(stack, served, WAITERS)
        served.process.send_signal(signal.SIGTERM)
        for client in until_answered(clients, WAITERS):
            answer = client.answer()
            assert (answer.status, answer.is_last) == (200, delay == "0")
            assert answer.headers["retry-after"] == "1"
        assert served.process.wait(PATIENCE) == 0


@pytest.mark.sqlite
def test_under_another_worker_half_of_the_threads_wait(sqlite_url: str, tmp_path: Path):
    program = gunicorn("app.wsgi", worker=("--worker-class", "gthread"))
    with serving(sqlite_url, tmp_path, program=program) as served, ExitStack() as stack:
        assert served.post("/processes", body(DEPLOYED)).status == 201
        [waits] = waiting(stack, served, 1)
        create(served)
        assert len(jobs(waits)) == 1


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def test_a_job_that_another_process_has_created_wakes_one_who_waits(databases: Databases, tmp_path: Path, kind: str):
    with databases.fresh(kind) as url, serving(url, tmp_path) as one, serving(url, tmp_path) as other:
        assert one.post("/processes", body(DEPLOYED)).status == 201
        with one.connect() as client:
            client.send_post("/jobs/lock", lock())
            create(other)
            assert len(jobs(client)) == 1
