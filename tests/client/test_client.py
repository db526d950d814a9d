"""What the client does with connections, credentials, answers and failures, and its short names."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
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
    Raw,
    Refused,
    Start,
    Unauthorized,
    Unavailable,
)
from py_bpmn._operations import LockConditions
from py_bpmn._wire import encoded
from py_bpmn.client import connection, read_bpmn
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
        ({"url": "http://x..y"}, "the URL must be such as http://127.0.0.1:8080, but is 'http://x..y'"),
        ({"url": "http://" + "x" * 64 + ".test"}, "the URL must be such as"),
        ({"url": "http://\udcff"}, "the URL must be such as"),
        ({"url": "http://host/\x01"}, "the URL must be such as"),
        ({"url": "http://u:p@host"}, "must not have a user name or password"),
        ({"url": "http://host/?x=1"}, "must end with the path"),
        ({"username": "u"}, "a user name needs a password"),
        ({"password": "p", "username": ""}, "and a password a user name"),
        ({"key": "k", "username": "u", "password": "p"}, "only one of them can be sent"),
        ({"key": "k\n"}, "visible ASCII"),
        ({"username": "u", "password": "\udcff"}, "must be texts that UTF-8 has a form for"),
        ({"url": "https://host", "ca_file": "/nowhere"}, "'/nowhere' is no file of certificates"),
        ({"url": "https://host", "ca_file": "a\0b"}, r"'a\x00b' is no file of certificates"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_an_unusable_connection_is_refused(given: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("BPMN_URL", "BPMN_AUTHORIZATION", "BPMN_USERNAME", "BPMN_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Client(**given)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("proxy", ["nonsense://u:hidden@x", "http://u:hidden@h:port", "socks5://h"])
def test_an_unusable_proxy_is_a_mistake_of_the_environment(
    kind: type[Client] | type[AsyncClient], proxy: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ConfigurationError, match=r"a proxy that the environment names \(http_proxy, ") as caught:
        kind("http://service.test")
    assert "hidden" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_proxy_that_can_not_be_looked_up_is_found_by_the_first_request(monkeypatch: pytest.MonkeyPatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://u:hidden@x..y")
    with Client("http://service.test") as client, pytest.raises(ConfigurationError, match="its URL must be such as"):
        client.api.query_jobs()


def test_what_a_transport_raises_is_its_own():
    with pytest.raises(UnicodeError):
        Scripted(UnicodeError("not ours")).client().api.query_jobs()


def test_a_query_that_is_too_long_is_refused():
    with pytest.raises(Invalid, match="the request can't be sent: URL too long"):
        Scripted().client().deploy("<a/>", reason="x" * 70_000)


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


FOREIGN = "http://test is answered by something that is not py-bpmn: "
NONE_OF_OURS = FOREIGN + "the answer to POST /jobs/lock is none of py-bpmn's, or not all of it"
LOGIN = {"Location": "https://login.test/?token=secret"}
ABOUT_BLANK = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no route"}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (httpx2.Response(502, text="<h1>Bad gateway</h1>"), FOREIGN + "status 502"),
        (httpx2.Response(404), FOREIGN + "status 404"),
        (httpx2.Response(404, html="<h1>Not found</h1>", headers={"X-Request-Id": "3f2a"}), FOREIGN + "status 404"),
        (httpx2.Response(400, json={"message": "no"}), FOREIGN + "status 400"),
        (httpx2.Response(404, json=ABOUT_BLANK), FOREIGN + "status 404"),
        (httpx2.Response(409, json=["no"]), FOREIGN + "status 409"),
        (httpx2.Response(302, headers={"Location": "/"}), FOREIGN + "status 302"),
        (httpx2.Response(302, headers=LOGIN), FOREIGN + "status 302, which leads to https://login.test"),
        (httpx2.Response(302, headers={"Location": "http://[/"}), FOREIGN + "status 302"),
        (httpx2.Response(200, html="<h1>Welcome</h1>"), FOREIGN + "it answers POST /jobs/lock by a page"),
        (httpx2.Response(200, text="Welcome"), NONE_OF_OURS),
        (httpx2.Response(200, json=[]), NONE_OF_OURS),
        (httpx2.Response(200, json={"jobs": [{}]}), NONE_OF_OURS),
        (httpx2.Response(200, content=b'{"count":0,"jobs":['), NONE_OF_OURS),
    ],
    ids=lambda value: str(value.status_code) if isinstance(value, httpx2.Response) else "",
)
def test_what_is_no_answer_of_the_service_counts_as_none(answer: httpx2.Response, sentence: str):
    with pytest.raises(Unavailable) as caught:
        Scripted(answer).client().api.lock_jobs()
    assert (caught.value.detail, caught.value.status) == (sentence, answer.status_code)
    assert caught.value.is_foreign


@pytest.mark.parametrize("operation", ["suspend_process_instance", "get_bpmn_xml"])
def test_a_page_is_no_success_of_what_answers_nothing_or_text(operation: str):
    path: dict[str, Any] = {"id": 1} if operation == "get_bpmn_xml" else {"partition": date(2026, 11, 23), "id": 1}
    with pytest.raises(Unavailable, match="by a page"):
        getattr(Scripted(httpx2.Response(200, html="<h1>Welcome</h1>")).client().api, operation)(**path)


@pytest.mark.parametrize(
    ("operation", "status", "answer", "kind", "detail"),
    [
        (
            "check_readiness",
            503,
            {"text": "server is not ready: no tables\n"},
            Unavailable,
            "server is not ready: no tables",
        ),
        ("get_metrics", 403, {"headers": {"X-Hint": "turn it on"}}, Forbidden, "turn it on"),
        (
            "get_health",
            404,
            {},
            NotFound,
            "http://test has no GET /health: look at the path in BPMN_URL, or the service is ",
        ),
        ("get_health", 418, {}, ProblemError, "the answer has status 418, and no problem that says why"),
    ],
)
def test_the_service_may_say_why_without_a_problem(
    operation: str, status: int, answer: dict[str, Any], kind: type[ProblemError], detail: str
):
    headers = {"X-Request-Id": "3f2a", **answer.pop("headers", {})}
    with pytest.raises(kind) as caught:
        getattr(Scripted(httpx2.Response(status, headers=headers, **answer)).client().api, operation)()
    assert caught.value.detail.startswith(detail)
    assert (caught.value.request_id, caught.value.is_foreign) == ("3f2a", False)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {},
            "http://test needs credentials, and none were sent: set BPMN_AUTHORIZATION to an API key, or BPMN_USERNAME",
        ),
        (
            {"username": "u", "password": "hidden"},
            "does not take the user name and password that were sent: look at BPMN_",
        ),
        (
            {"key": "hidden"},
            "does not take the API key that was sent, which is wrong, revoked or has expired: look at BPMN_",
        ),
    ],
    ids=["none", "password", "key"],
)
def test_credentials_that_are_missing_or_wrong_are_told_by_where_they_come_from(
    given: dict[str, str], sentence: str, bpmn: Client, monkeypatch: pytest.MonkeyPatch
):
    for name in ("BPMN_USERNAME", "BPMN_AUTHORIZATION"):
        monkeypatch.delenv(name, raising=False)
    transport = bpmn._sender._transport
    with Client("http://test", transport=transport, **given) as client, pytest.raises(Unauthorized) as caught:
        client.api.query_jobs()
    assert sentence in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert (caught.value.status, caught.value.is_foreign) == (401, False)
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("status", "headers"), [(401, {"WWW-Authenticate": 'Bearer realm="py-bpmn"'}), (403, {"X-Hint": "turn it on"})]
)
def test_the_service_is_known_without_an_id_of_the_request(status: int, headers: dict[str, str]):
    with pytest.raises((Unauthorized, Forbidden)) as caught:
        Scripted(httpx2.Response(status, headers=headers)).client().api.query_jobs()
    assert not caught.value.is_foreign


def test_credentials_may_be_asked_for_by_something_in_between():
    with pytest.raises(Unauthorized, match="something that is not py-bpmn, and that asks for credentials") as caught:
        Scripted(httpx2.Response(401, html="<h1>Who are you?</h1>")).client().api.query_jobs()
    assert caught.value.is_foreign


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
    script = Scripted(httpx2.Response(200, json={"count": 0, "jobs": []}), refusal(404))
    client = script.client(worker_id="me")
    client.api.lock_jobs(lock_timeout=timedelta(days=1, seconds=1, milliseconds=1), wait_timeout="PT5S")
    with pytest.raises(NotFound):
        client.api.move_job(partition=date(2026, 11, 23), id=1, due_at=datetime(2026, 11, 23, 13, tzinfo=UTC))
    assert script.requests[0].content == b'{"lockTimeout":"P1DT2S","waitTimeout":"PT5S","workerId":"me"}'
    assert script.requests[1].content == b'{"dueAt":"2026-11-23T13:00:00.000Z","workerId":"me"}'


@pytest.mark.parametrize(
    ("timeout", "wait", "read"),
    [
        (3.0, timedelta(seconds=12), 15.0),
        (40.0, timedelta(seconds=60), 70.0),
        (40.0, timedelta(seconds=30), 40.0),
        (40.0, "P1M", 86410.0),
        (40.0, "PT1H1M1S", 3671.0),
        (40.0, "soon", 40.0),
        (40.0, None, 40.0),
        (1.0, timedelta.max, 86401.0),
    ],
    ids=str,
)
def test_an_answer_that_is_asked_to_wait_is_waited_for(timeout: float, wait: Any, read: float):
    script = Scripted(*[refusal(404)] * 5)
    client = script.client(timeout=timeout)
    for ask in (
        lambda: client.start("p", wait=wait),
        lambda: client.api.get_process_instance(partition=date(2026, 11, 23), id=1, wait_timeout=wait),
        lambda: client.api.lock_jobs(wait_timeout=wait),
        lambda: client.api.complete_jobs(jobs=[], lock_next=LockConditions(wait_timeout=wait)),
        lambda: client.send("paid", key="k", wait=wait),
    ):
        with pytest.raises(NotFound):
            ask()
    limits = {"connect": min(5.0, timeout), "read": read, "write": timeout, "pool": timeout}
    assert [request.extensions["timeout"] for request in script.requests] == [limits] * 5


def test_a_negative_duration_is_refused_before_it_is_sent():
    script = Scripted()
    with pytest.raises(ValueError, match="must not be negative"):
        script.client().api.lock_jobs(lock_timeout=timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("ask", "place"),
    [
        (lambda client: client.start("p", key="k\ud800"), "#/correlationKey"),
        (lambda client: client.start("p", variables={"xml": Raw("\ud800", "xml")}), "#/variables/0/data/value"),
        (lambda client: client.start("p", tags={"\ud800": "x"}), "#/tags/0/name"),
        (lambda client: client.deploy("<a/>", version="\ud800"), "query parameter version"),
        (lambda client: client.deploy("<a/>", tags={"a": "\ud800"}), "query parameter tags/0"),
        (lambda client: client.deploy("<a>\ud800</a>"), "the XML"),
        (lambda client: client.api.get_process_setting(bpmn_process_id="\ud800"), "path parameter bpmnProcessId"),
    ],
    ids=["text", "variable", "list", "query", "list in query", "file", "path"],
)
def test_half_a_character_is_refused_with_its_place_before_it_is_sent(ask: Callable[[Client], object], place: str):
    script = Scripted()
    with pytest.raises(Invalid) as caught:
        ask(script.client())
    assert f"{place} has half of a character, the lone surrogate U+D800, which can't be sent" in str(caught.value)
    assert (caught.value.status, caught.value.__suppress_context__) == (400, True)


@pytest.mark.parametrize("key", ["ü", "a\n", "a b"])
def test_a_key_that_no_header_can_hold_is_refused(key: str):
    with pytest.raises(Invalid, match="must be visible ASCII characters"):
        Scripted().client().api.suspend_process_instance(partition=date(2026, 11, 23), id=1, idempotency_key=key)


def test_a_body_is_encoded_as_it_is_sent():
    assert (
        encoded({"name": "ü", "count": None, "at": [date(2026, 11, 23)]}) == '{"name":"ü","at":["2026-11-23"]}'.encode()
    )
    with pytest.raises(Invalid, match="a name in #/more has half of a character"):
        encoded({"more": {"\udfff": 1}})


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


def test_a_text_is_taken_by_its_characters_whatever_encoding_it_declares(bpmn: Client):
    named = GREETING.replace('id="greet"', 'id="greet" name="Grüßt"')
    for number, encoding in enumerate(["ISO-8859-1", "UTF-16", "nonsense", "us-ascii", "UTF-8"]):
        text = f"<?xml version='1.0' encoding = '{encoding}' standalone='yes'?>{named}"
        process = bpmn.deploy("\ufeff" * (number % 2) + text, version=str(number))
        assert "Grüßt" in [each.bpmn_element_name for each in bpmn.api.query_elements(process_id=process.id).results]


def test_a_file_and_a_text_in_utf8_are_the_same_version(bpmn: Client, tmp_path: Path):
    text = f'<?xml version="1.0" encoding="utf-8"?>\n{GREETING}<!-- encoding="ISO-8859-1" ü -->'
    file = tmp_path / "order.bpmn"
    file.write_text(text, encoding="utf-8")
    assert read_bpmn(text) == file.read_bytes()
    file.write_bytes(text.replace("utf-8", "ISO-8859-1").encode("ISO-8859-1"))
    assert read_bpmn(file) == file.read_bytes()
    assert bpmn.deploy(file).id


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("nowhere.bpmn", "can't read nowhere.bpmn: No such file"),
        ("a\0b", r"can't read 'a\x00b'"),
        ("\ud800", r"can't read '\ud800'"),
    ],
)
def test_a_file_that_is_not_there_is_no_model(file: str, sentence: str):
    with pytest.raises(ConfigurationError) as caught:
        Scripted().client().deploy(file)
    assert sentence in str(caught.value)


def test_a_model_that_can_not_be_executed_is_refused(bpmn: Client):
    with pytest.raises(Refused) as caught:
        bpmn.deploy(GREETING.replace("serviceTask", "callChoreography"))
    assert "callChoreography" in str(caught.value)


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


def test_many_are_started_whatever_is_wrong_with_some(bpmn: Client):
    bpmn.deploy(GREETING)
    wrong = {
        3: Start(process="p", key="o-3", variables={"price": float("nan")}),
        4: Start(process="p", key="\ud800"),
        50: Start(process="p", key="x" * 300),
        99: Start(process="p", key="o-99", tags={"not a name": "x"}),
    }
    started = list(bpmn.start_many(wrong.get(number) or Start(process="p", key=f"o-{number}") for number in range(105)))
    refused = {number: found for number, found in enumerate(started) if isinstance(found, ProblemError)}
    assert {type(found) for found in refused.values()} == {Invalid}
    assert refused.keys() == wrong.keys()
    assert "variable price: the value is nan" in str(refused[3])
    assert [each.key for each in started if isinstance(each, Instance)] == [
        f"o-{number}" for number in range(105) if number not in wrong
    ]


def test_a_page_that_gets_no_answer_does_not_stop_the_next_one():
    def answer(request: httpx2.Request) -> httpx2.Response:
        new = json.loads(request.content)["processInstances"]
        if new[0]["correlationKey"] == "100":
            raise lost()
        if len(new) > 60:
            return httpx2.Response(413, html="<h1>Too large</h1>")
        problem = {"status": 404, "type": "NOT_FOUND", "title": "", "detail": new[0]["correlationKey"]}
        return httpx2.Response(200, json={"results": [{"status": 404, "problem": problem}] * len(new)})

    client = Client("http://test", transport=httpx2.MockTransport(answer), sleep=lambda _: None)
    found = list(client.start_many(Start(process="p", key=str(number)) for number in range(250)))
    kinds = [type(each) for each in found]
    assert kinds == [NotFound] * 100 + [Unavailable] * 100 + [NotFound] * 50
    assert [str(found[number]).rpartition(" ")[2] for number in (0, 50, 249)] == ["0", "50", "200"]


def test_a_variable_that_can_not_be_read_hides_no_other(bpmn: Client):
    bpmn.deploy(flow("start -> end"))
    variables = {"broken": Raw("{hidden", "json"), "odd": Raw("!!", "base64"), "n": 3}
    ended = bpmn.start("p", variables=variables, wait=timedelta(seconds=1), returns=list(variables))
    assert ended.variables == variables
    assert ended.get_variables() == variables
    assert ended.get_variables("n") == {"n": 3}
    for name in ("broken", "odd"):
        with pytest.raises(ValueError, match=f"variable {name}: what is stored as .* can't be read: ") as caught:
            ended.get_variables("n", name)
        assert "hidden" not in str(caught.value)


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
