"""What nobody foresees in a handler, a result, or between worker and service: it costs its own job, and no other."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from py_bpmn import BpmnError, Client, Fail, Raw
from py_bpmn.worker import Process, Worker
from tests.worker.conftest import PATIENCE, until
from tests.worker.models import tasks

LONG = timedelta(seconds=10)
_names = (f"fault{number}" for number in itertools.count())


class Declined(BpmnError):
    def __init__(self, why: str) -> None:
        self.why = why


class Later(Fail):
    def __init__(self) -> None:
        self.why = "later"


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit


def raising(error: BaseException) -> Callable[[], Any]:
    def handler() -> None:
        raise error

    return handler


def returning(value: Any) -> Callable[[], Any]:
    return lambda: value


def raised_from(error: BaseException, cause: BaseException) -> Callable[[], Any]:
    def handler() -> None:
        try:
            raise cause
        except BaseException as caught:
            raise error from caught

    return handler


HANDLERS: dict[str, tuple[Callable[[], Any], str]] = {
    "a BPMN error whose class is half made": (raising(Declined("no")), "Declined needs a code"),
    "a failure whose class is half made": (raising(Later()), ""),
    "a failure with an endless delay": (raising(Fail("x", retry_in=timedelta.max)), ""),
    "an exception without a text": (raising(Unspeakable()), "Unspeakable (test_faults.py"),
    "an exception with a long text": (raising(ValueError("x" * 2_000_000)), "ValueError: xxx"),
    "half a character in a name": (returning({"x\ud800": 1}), "lone surrogate"),
    "half a character in a code": (raising(BpmnError("\ud800")), "lone surrogate"),
    "half a character in a value": (returning({"x": Raw("\ud800", "xml")}), "lone surrogate"),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_whatever_a_handler_does_fails_its_job_and_frees_its_thread(lite: Client, name: str):
    handler, text = HANDLERS[name]
    id = next(_names)
    process = Process(id, bpmn=tasks(id, "a"), retries=0)
    process.execute("a")(handler)
    with Worker(process, client=lite, threads=1).running():
        for _ in range(2):
            found = lite.start(id)
            (incident,) = until(lambda found=found: list(lite.incidents(process_instance_id=found.id)), "an incident")
            assert text in incident.error
            assert len(incident.error) < 20_000


def test_others_in_a_batch_do_not_suffer(lite: Client):
    id = next(_names)
    process = Process(id, bpmn=tasks(id, "a"), retries=5)
    together = threading.Barrier(6)
    done: list[int] = []

    @process.execute("a")
    def a(n: int) -> dict[str, Any]:
        done.append(n)
        together.wait(PATIENCE)
        return {"x": Raw("\udc00", "xml")} if n == 0 else {"fine": n}

    with Worker(process, client=lite, threads=6).running():
        started = [lite.start(id, variables={"n": n}) for n in range(6)]
        assert [each.wait(LONG).state for each in started[1:]] == ["COMPLETED"] * 5
        until(lambda: list(lite.incidents(process_instance_id=started[0].id)), "an incident")
    assert sorted(done) == list(range(6))


def test_a_failure_that_was_made_of_a_bpmn_error_fails_the_job(lite: Client):
    id = next(_names)
    process = Process(id, bpmn=tasks(id, "a"), retries=0)
    process.execute("a")(raised_from(Fail("try later", retry=False), BpmnError("DECLINED")))
    with Worker(process, client=lite, threads=1).running():
        found = lite.start(id)
        (incident,) = until(lambda: list(lite.incidents(process_instance_id=found.id)), "an incident")
    assert incident.error.startswith("try later")


class Between(httpx2.HTTPTransport):
    """Something between worker and service that answers completions itself as long as it has answers."""

    def __init__(self, *answers: httpx2.Response) -> None:
        super().__init__()
        self.answers = list(answers)
        self.keys: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/jobs/complete":
            self.keys.append(request.headers["Idempotency-Key"])
            if self.answers:
                return self.answers.pop(0)
        return super().handle_request(request)


ANSWERS = {
    "not found": httpx2.Response(404, html="<h1>no such page</h1>"),
    "a page": httpx2.Response(200, html="<h1>welcome</h1>"),
    "half an answer": httpx2.Response(200, content=b'{"results": [{"sta', headers={"Content-Type": "application/json"}),
    "bad request": httpx2.Response(400, html="<h1>bad request</h1>"),
    "a request that timed out": httpx2.Response(408, text=""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_of_something_between_is_no_refusal(lite: Client, name: str):
    id = next(_names)
    process = Process(id, bpmn=tasks(id, "a"), retries=0)
    process.execute("a")(lambda: {"x": 1})
    between = Between(ANSWERS[name])
    with Client(lite.url, worker_id="between", transport=between) as client, Worker(process, client=client).running():
        found = lite.start(id).wait(LONG)
    assert found.state == "COMPLETED"
    assert found.get_variables() == {"x": 1}
    assert len(between.keys) > 1
    assert len(set(between.keys)) == 1
