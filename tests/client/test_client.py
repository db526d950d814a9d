"""What the client does with connections, credentials, answers and failures, and its short names."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from py_bpmn import (
    DELETED,
    AsyncClient,
    Client,
    ConfigurationError,
    Conflict,
    Forbidden,
    Instance,
    Invalid,
    NotFound,
    ProblemError,
    Refused,
    Start,
    Unauthorized,
    Unavailable,
)
from py_bpmn.client import connection
from tests.flow import USER, flow

FILES = Path(__file__).resolve().parent.parent / "files"
GREETING = flow("start -> greet -> end")
HEALTH = {"status": "OK", "findings": [], "nodes": [], "version": "1", "time": "2026-11-23T12:00:00Z"}
TAG_PAGE = {"count": 0, "results": []}


class Scripted:
    """Answers requests one after the other; an exception stands for a connection that fails."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self._answers: Iterator[httpx2.Response | Exception] = iter(answers)
        self.requests: list[httpx2.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, **options: Any) -> Client:
        return Client("http://test", transport=httpx2.MockTransport(self), sleep=self.slept.append, **options)


def page() -> httpx2.Response:
    return httpx2.Response(200, json=TAG_PAGE)


def refusal(status: int, **headers: str) -> httpx2.Response:
    problem = {"status": status, "type": "CONFLICT", "title": "failed to lock jobs", "detail": "it is Sunday"}
    return httpx2.Response(status, json=problem, headers={"X-Request-Id": "3f2a", **headers})


def lost() -> Exception:
    return httpx2.ReadError("connection reset")


LOCAL = "http://127.0.0.1:8080"
BASIC = {"BPMN_USERNAME": "u", "BPMN_PASSWORD": "p"}
NAMED = {"BPMN_URL": "https://bpmn/x/", "BPMN_AUTHORIZATION": "k", "BPMN_WORKER_ID": "w"}


@pytest.mark.parametrize(
    ("given", "environ", "url", "authorization"),
    [
        ({}, {}, LOCAL, ""),
        ({}, NAMED, "https://bpmn/x", "k"),
        ({}, BASIC, LOCAL, "Basic dTpw"),
        ({"key": "mine"}, BASIC, LOCAL, "mine"),
        ({"url": "http://a", "username": "u", "password": "p"}, NAMED, "http://a", "Basic dTpw"),
    ],
    ids=["defaults", "environment", "password", "given key", "given all"],
)
def test_a_connection_is_given_or_taken_from_the_environment(
    given: dict[str, str], environ: dict[str, str], url: str, authorization: str
):
    found = connection(**given, environ=environ)
    assert (found.url, found.authorization) == (url, authorization)
    assert repr(found) == f"Connection({url})"


@pytest.mark.parametrize(("given", "worker"), [({}, "w"), ({"worker_id": "me"}, "me")])
def test_a_worker_is_named_by_the_program_or_the_environment(given: dict[str, str], worker: str):
    assert connection(**given, environ=NAMED).worker_id == worker


def test_a_worker_has_a_name_of_its_own_at_first():
    user, _, host = connection(environ={}).worker_id.partition("@")
    assert user and host


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"url": "localhost:8080"}, "the URL must be such as http://127.0.0.1:8080, but is 'localhost:8080'"),
        ({"url": "http://"}, "the URL must be such as"),
        ({"url": "http://host:port"}, "the URL must be such as"),
        ({"url": "http://u:p@host"}, "must not have a user name or password"),
        ({"url": "http://host/?x=1"}, "must end with the path"),
        ({"username": "u"}, "a user name needs a password"),
        ({"password": "p", "username": ""}, "and a password a user name"),
        ({"key": "k", "username": "u", "password": "p"}, "only one of them can be sent"),
        ({"key": "k\n"}, "visible ASCII"),
        ({"url": "https://host", "ca_file": "/nowhere"}, "/nowhere is no file of certificates"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_an_unusable_connection_is_refused(given: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("BPMN_URL", "BPMN_AUTHORIZATION", "BPMN_USERNAME", "BPMN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Client(**given)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (418, ProblemError),
    ],
)
def test_a_problem_is_raised_by_its_status(status: int, kind: type[ProblemError]):
    script = Scripted(*[refusal(status)] * 3)
    with pytest.raises(ProblemError) as caught:
        script.client().api.lock_jobs()
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.type, caught.value.request_id) == (status, "CONFLICT", "3f2a")
    assert str(caught.value) == "CONFLICT: failed to lock jobs: it is Sunday (request 3f2a)"


def test_a_problem_names_its_causes_and_what_is_in_the_way():
    body = {
        "status": 409,
        "type": "CONFLICT",
        "title": "failed to create process instance",
        "detail": "there is one",
        "errors": [{"pointer": "#/a", "type": "gte", "detail": "must be greater", "value": "0"}, {"detail": "so"}],
        "existing": {"partition": "2026-11-23", "id": 4},
    }
    with pytest.raises(Conflict) as caught:
        Scripted(httpx2.Response(409, json=body)).client().api.lock_jobs()
    assert caught.value.existing == "2026-11-23/4"
    assert str(caught.value).splitlines()[1:] == ["#/a: must be greater (is '0')", "so"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx2.Response(502, text="<h1>Bad gateway</h1>"), "the answer has status 502, and no problem that says why"),
        (httpx2.Response(403, headers={"X-Hint": "turn it on"}), "turn it on"),
        (httpx2.Response(200, text="<h1>Welcome</h1>"), "the answer to POST /jobs/lock is not one of py-bpmn's"),
        (httpx2.Response(200, json=[]), "the answer to POST /jobs/lock is not one of py-bpmn's"),
        (httpx2.Response(200, json={"jobs": [{}]}), "the answer to POST /jobs/lock is not one of py-bpmn's"),
        (httpx2.Response(302, headers={"Location": "/"}), "the answer has status 302"),
    ],
    ids=["proxy", "hint", "page", "list", "incomplete", "redirect"],
)
def test_what_is_no_answer_of_the_service_is_told(answer: httpx2.Response, sentence: str):
    with pytest.raises(ProblemError) as caught:
        Scripted(answer).client().api.lock_jobs()
    assert sentence in str(caught.value)


@pytest.mark.parametrize("failure", [lost, lambda: refusal(503), lambda: refusal(429)], ids=["lost", "503", "429"])
def test_a_request_that_failed_for_now_is_sent_again(failure: Callable[[], Any]):
    script = Scripted(failure(), failure(), page())
    assert script.client().api.query_jobs().count == 0
    first, second = script.slept
    assert 0.1 <= first <= 0.3
    assert 0.2 <= second <= 0.6


@pytest.mark.parametrize(("asked", "least", "most"), [("2", 2, 2.5), ("999", 30, 37.5), ("soon", 0.1, 0.3)])
def test_the_service_says_when_to_come_back(asked: str, least: float, most: float):
    script = Scripted(refusal(503, **{"Retry-After": asked}), page())
    script.client().api.query_jobs()
    [slept] = script.slept
    assert least <= slept <= most


def test_a_request_is_given_up_after_three_times():
    script = Scripted(lost(), lost(), lost())
    with pytest.raises(Unavailable) as caught:
        script.client().api.query_jobs()
    assert (caught.value.status, str(caught.value)) == (0, "UNAVAILABLE: http://test does not answer: connection reset")


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_an_answer_that_stays_is_not_asked_for_again(status: int):
    script = Scripted(refusal(status))
    with pytest.raises(ProblemError):
        script.client().api.query_jobs()
    assert len(script.requests) == 1


def test_a_write_that_is_sent_again_names_itself_by_the_same_key():
    script = Scripted(lost(), httpx2.Response(204), httpx2.Response(204))
    client = script.client()
    for _ in range(2):
        client.api.suspend_process_instance(partition=date(2026, 11, 23), id=1)
    first, again, other = (request.headers["Idempotency-Key"] for request in script.requests)
    assert first == again != other


def test_a_client_that_waits_for_a_short_time_does_not_take_longer_to_connect():
    script = Scripted(httpx2.Response(200, json=HEALTH))
    script.client(timeout=1.5).api.get_health()
    assert set(script.requests[0].extensions["timeout"].values()) == {1.5}


def test_a_key_may_be_chosen():
    script = Scripted(httpx2.Response(204))
    script.client().api.suspend_process_instance(partition=date(2026, 11, 23), id=1, idempotency_key="mine")
    assert script.requests[0].headers["Idempotency-Key"] == "mine"


@pytest.mark.parametrize("method", ["lock_jobs", "check_readiness", "check_liveness"])
def test_some_requests_are_sent_once(method: str):
    script = Scripted(lost(), page())
    with pytest.raises(Unavailable):
        getattr(script.client().api, method)()
    assert len(script.requests) == 1


def test_credentials_and_the_name_of_the_client_are_sent():
    script = Scripted(page())
    script.client(key="Bearer x").api.query_jobs()
    assert script.requests[0].headers["Authorization"] == "Bearer x"
    assert script.requests[0].headers["User-Agent"].startswith("py-bpmn-client/")


def test_durations_and_times_are_sent_as_the_service_reads_them():
    script = Scripted(httpx2.Response(200, json={"count": 0, "jobs": []}), httpx2.Response(404))
    client = script.client(worker_id="me")
    client.api.lock_jobs(lock_timeout=timedelta(days=1, seconds=1, milliseconds=1), wait_timeout="PT5S")
    with pytest.raises(NotFound):
        client.api.move_job(partition=date(2026, 11, 23), id=1, due_at=datetime(2026, 11, 23, 13, tzinfo=UTC))
    assert script.requests[0].content == b'{"lockTimeout":"P1DT2S","waitTimeout":"PT5S","workerId":"me"}'
    assert script.requests[1].content == b'{"dueAt":"2026-11-23T13:00:00.000Z","workerId":"me"}'


def test_a_negative_duration_is_refused_before_it_is_sent():
    script = Scripted()
    with pytest.raises(ValueError, match="must not be negative"):
        script.client().api.lock_jobs(lock_timeout=timedelta(seconds=-1))


def test_the_asynchronous_client_repeats_as_well(monkeypatch: pytest.MonkeyPatch):
    script = Scripted(lost(), refusal(503, **{"Retry-After": "0"}), page(), lost(), lost(), lost())
    monkeypatch.setattr("py_bpmn._wire.FIRST_DELAY", 0.0)

    async def ask() -> None:
        async with AsyncClient("http://test", transport=httpx2.MockTransport(script)) as client:
            assert (await client.api.query_jobs()).count == 0
            with pytest.raises(Unavailable):
                await client.api.query_jobs()

    asyncio.run(ask())
    assert len(script.requests) == 6


def test_threads_share_a_client(bpmn: Client):
    bpmn.deploy(GREETING, process="p")
    found: list[str] = []

    def start() -> None:
        found.extend(bpmn.start("p").ref for _ in range(5))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 20


def test_a_forked_process_has_connections_of_its_own(monkeypatch: pytest.MonkeyPatch):
    opened: list[int] = []
    original = httpx2.Client.__init__

    def noted(self: httpx2.Client, *arguments: Any, **options: Any) -> None:
        opened.append(os.getpid())
        original(self, *arguments, **options)

    monkeypatch.setattr(httpx2.Client, "__init__", noted)
    client = Scripted(page(), page()).client()
    client.api.query_jobs()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    client.api.query_jobs()
    assert len(opened) == 2


def test_a_sibling_is_another_worker_with_the_same_credentials():
    script = Scripted(lost(), page(), page())
    client = script.client(key="k", worker_id="w")
    paused: list[float] = []
    sibling = client.sibling(worker_id="other", sleep=paused.append)
    sibling.api.query_jobs()
    sibling.close()
    client.api.query_jobs()
    assert (sibling.worker_id, client.worker_id, len(paused), script.slept) == ("other", "w", 1, [])
    assert {request.headers["Authorization"] for request in script.requests} == {"k"}


def test_a_request_that_waits_is_cut():
    outcome: list[Exception] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}")

        def wait() -> None:
            try:
                client.api.lock_jobs()
            except Unavailable as error:
                outcome.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        accepted, _ = silent.accept()
        with accepted:
            accepted.recv(1)
            # It is on the wire: what is cut is this request, whenever that is.
            while waiting.is_alive():
                client.cut()
                waiting.join(0.01)
        client.close()
    assert [str(error).partition(": ")[0] for error in outcome] == ["UNAVAILABLE"]


def test_a_file_is_deployed_as_it_is(bpmn: Client, tmp_path: Path):
    file = tmp_path / "order.bpmn"
    file.write_bytes(("\ufeff" + GREETING).encode())
    first = bpmn.deploy(file, tags={"team": "sales"})
    again = bpmn.deploy(str(file))
    assert (first.bpmn_process_id, first.id, first.version) == ("p", again.id, again.version)
    assert bpmn.deploy(GREETING).id != first.id
    assert bpmn.check(file).process_id == first.id


def test_a_file_that_is_not_there_is_no_model(bpmn: Client):
    with pytest.raises(ConfigurationError, match=r"can't read nowhere\.bpmn: No such file"):
        bpmn.deploy("nowhere.bpmn")


def test_a_model_that_can_not_be_executed_is_refused(bpmn: Client):
    with pytest.raises(Refused) as caught:
        bpmn.deploy(GREETING.replace("serviceTask", "complexGateway"))
    assert "complexGateway" in str(caught.value)


def test_an_instance_is_started_and_followed(bpmn: Client):
    bpmn.deploy(GREETING)
    values = {"amount": Decimal("12.50"), "picture": b"\x00\xff", "name": "Ada", "tags": ["a", 1, None]}
    order = bpmn.start("p", key="o-17", variables=values, tags={"vip": "yes"})
    assert (order.process, order.key, order.state, order.ended) == ("p", "o-17", "STARTED", False)
    assert order.ref == "2026-11-23/1"
    [waiting] = order.waiting()
    assert (waiting.bpmn_element_id, waiting.kind) == ("greet", "JOB")
    assert order.get_variables() == {**values, "amount": "12.50"}
    order.set_variables({"name": DELETED, "amount": 13})
    assert order.get_variables("name", "amount") == {"amount": 13}
    assert [entry.bpmn_element_id for entry in order.history()][:3] == ["p", "start", "greet"]
    order.suspend()
    assert bpmn.instance("2026-11-23/1").state == "SUSPENDED"
    order.resume()
    order.cancel(reason="nobody wants it")
    assert order.refresh().ended
    order.delete()
    with pytest.raises(NotFound):
        bpmn.instance(order)


def test_many_instances_are_started_each_for_itself(bpmn: Client):
    bpmn.deploy(GREETING)
    orders = [Start(process="p", key=f"o-{number}", variables={"n": number}) for number in range(102)]
    orders[100] = Start(process="nobody")
    orders[101] = Start(process="p", key="o-1", unique=True)
    started = list(bpmn.start_many(iter(orders)))
    refused = started.pop(100)
    assert isinstance(refused, NotFound)
    assert "nobody" in refused.detail
    assert [each.key for each in started if isinstance(each, Instance)] == [o.key for o in orders if o.key]
    assert started[-1].ref == started[1].ref
    assert started[99].get_variables() == {"n": 99}


def test_an_instance_is_unique_by_its_key(bpmn: Client):
    bpmn.deploy(GREETING)
    assert bpmn.start("p", key="o-1", unique=True).ref == bpmn.start("p", key="o-1", unique=True).ref
    assert bpmn.start("p", key="o-1").ref != bpmn.start("p", key="o-1").ref


def test_a_start_waits_for_the_end(bpmn: Client):
    bpmn.deploy(flow("start -> end"))
    ended = bpmn.start("p", variables={"n": 3, "other": 1}, wait=timedelta(seconds=1), returns=["n"])
    assert ended.ended
    assert ended.variables == {"n": 3}
    assert ended.wait(timedelta(seconds=1)).ended


def test_all_instances_are_found_page_by_page(bpmn: Client):
    bpmn.deploy(GREETING)
    refs = [bpmn.start("p", key="k").ref for _ in range(5)]
    bpmn.start("p", key="other")
    assert [found.ref for found in bpmn.instances(process="p", key="k", limit=2)] == refs
    assert [found.ref for found in bpmn.instances(states=["COMPLETED"])] == []


@pytest.mark.parametrize("ref", ["17", "2026-11-26", "2026-11-26/x", "yesterday/1", ""])
def test_an_address_has_partition_and_id(bpmn: Client, ref: str):
    with pytest.raises(ConfigurationError, match="is addressed such as 2026-11-26/17"):
        bpmn.instance(ref)


def test_messages_and_signals_are_sent(bpmn: Client):
    bpmn.deploy(FILES / "order.bpmn")
    sent = bpmn.send("nobody", key="k", variables={"amount": 12.5})
    assert sent.result == "DISCARDED"
    assert bpmn.send("nobody", key="k", expires=timedelta(hours=1)).result == "BUFFERED"
    assert bpmn.send("nobody", key="k", expires=datetime(2026, 11, 24, tzinfo=UTC)).expires_at is not None
    with pytest.raises(NotFound):
        bpmn.send("nobody", key="other", require_receiver=True)
    assert bpmn.signal("anybody", variables={"x": 1}).name == "anybody"


def test_an_incident_is_resolved(bpmn: Client):
    bpmn.deploy(GREETING)
    bpmn.start("p")
    [job] = bpmn.api.lock_jobs().jobs
    bpmn.api.complete_job(partition=job.partition, id=job.id, error="refused")
    [incident] = bpmn.incidents()
    assert incident.error == "refused"
    bpmn.resolve(incident, retry_in=timedelta(0), reason="mended")
    assert list(bpmn.incidents()) == []


def test_a_user_task_is_completed_as_it_was_read(bpmn: Client):
    bpmn.deploy(flow("start -> approve -> end", approve=USER))
    order = bpmn.start("p")
    [task] = bpmn.user_tasks()
    done = bpmn.complete_user_task(task, variables={"approved": True})
    assert (done.state, order.refresh().state) == ("COMPLETED", "COMPLETED")
    assert order.get_variables() == {"approved": True}
    with pytest.raises(ProblemError):
        bpmn.complete_user_task(task)


def test_a_value_that_can_not_be_stored_is_told_with_its_name(bpmn: Client):
    with pytest.raises(ValueError, match="variable price: "):
        bpmn.start("p", variables={"price": float("nan")})
