"""What is refused leaves no trace, whatever is wrong with it, and is never a server error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest

from app.clock import ManualClock
from app.config import Config
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.databases import Databases
from tests.http.bodies import DAY, FULL, places, put
from tests.http.dump import dump
from tests.http.models import SERVICE, STRAIGHT, TIMER_CATCH, TIMER_START, USER_TASK, model
from tests.http.talk import WORKER, Answer, Api, key, of

UNKNOWN = f"{DAY}/2147483647"
REQUESTS = {operation: request for operation, request in FULL.items() if operation != "resetEngine"}
"""That one has no values that could be bad, and leaves nothing for the others."""


@pytest.fixture
def unchanged(config: Config) -> Iterator[Callable[[], None]]:
    """Call it before the requests; after the test the database must be as it was then."""
    before = []
    yield lambda: before.append(dump(config.database_url))
    assert before == [dump(config.database_url)]


def fill(api: Api) -> dict[str, int]:
    """The ids that the paths of `REQUESTS` name."""
    api.deploy(SERVICE)
    api.deploy(USER_TASK.replace('process id="p"', 'process id="human"'), process="human")
    failed = api.start()
    api.work(instance=failed, error="boom")
    (incident,) = api.query("incidents")
    instance = api.start()
    human = api.start("human")
    api.work(instance=human, completion={"errorCode": "E"})
    job = api.lock()
    (task,) = api.query("user-tasks")
    key = api.post("/api-keys", secretId="filled", roles=["READER"], workerId="w1")
    return {
        "key": key["id"],
        "job": job["id"],
        "visit": job["elementInstanceId"],
        "instance": instance["id"],
        "incident": incident["id"],
        "task": task["id"],
    }


class World(NamedTuple):
    """A service with something of every kind; whatever a test sends must be refused."""

    api: Api
    ids: dict[str, int]

    def send(self, method: str, path: str, body: Any = None, raw: str | bytes | None = None) -> Answer:
        return self.api.send(method, path.format(**self.ids), body, raw=raw)


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def opened(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[Service, dict[str, int]]]:
    with databases.fresh(request.param) as url:
        service = open_service(configured(url), ManualClock(datetime(2026, 11, 23, 12)))
        yield service, fill(Api(application(service).test_client()))
        service.close()


@pytest.fixture(scope="module")
def filled(opened: tuple[Service, dict[str, int]]) -> dict[str, list[Any]]:
    return dump(opened[0].config.database_url)


@pytest.fixture
def world(opened: tuple[Service, dict[str, int]], filled: dict[str, list[Any]]) -> Iterator[World]:
    service, ids = opened
    yield World(Api(application(service).test_client()), ids)
    assert dump(service.config.database_url) == filled


def refuse(answer: Answer, *statuses: int) -> None:
    assert answer.status in (statuses or (400,)), answer
    assert answer.problem


class TestRefusedByTheEngine:
    @pytest.mark.parametrize(
        ("request_body", "status"),
        [
            ({"bpmnXml": "abc"}, 422),
            ({"bpmnXml": SERVICE[:-20]}, 422),
            ({"bpmnProcessId": "nope"}, 422),
            ({"bpmnXml": model('<startEvent id="start"/><startEvent id="other"/>')}, 422),
            ({"bpmnXml": SERVICE.replace('isExecutable="true"', "")}, 422),
            ({"timers": [{"bpmnElementId": "work", "timer": {"timeDuration": "PT1H"}}]}, 400),
            ({"timers": [{"bpmnElementId": "nowhere", "timer": {"timeDuration": "PT1H"}}]}, 400),
            ({"bpmnXml": TIMER_START}, 400),
            (
                {
                    "bpmnXml": TIMER_START,
                    "timers": [{"bpmnElementId": "start", "timer": {"timeCycle": "0 0 1 1 * 2020"}}],
                },
                400,
            ),
            ({"version": "1"}, 409),
        ],
    )
    def test_a_process(self, api: Api, unchanged, request_body, status):
        api.deploy(STRAIGHT)
        api.start()
        unchanged()
        body = {"bpmnProcessId": "p", "bpmnXml": SERVICE, "version": "2", "parallelism": 1} | WORKER | request_body
        refuse(api.send("POST", "/processes", body), status)

    @pytest.mark.parametrize(
        ("request_body", "status"),
        [
            ({"version": "9"}, 404),
            ({"bpmnProcessId": "nope"}, 404),
            ({"bpmnProcessId": "timed"}, 422),
            ({"tags": [{"name": "a b", "value": "c"}]}, 400),
            ({"variables": [{"name": "a", "data": {"encoding": "json"}}]}, 400),
        ],
    )
    def test_a_process_instance(self, api: Api, unchanged, request_body, status):
        api.deploy(SERVICE, parallelism=1)
        timers = [{"bpmnElementId": "start", "timer": {"timeDuration": "PT1H"}}]
        api.deploy(TIMER_START.replace('process id="p"', 'process id="timed"'), process="timed", timers=timers)
        unchanged()
        body = {"bpmnProcessId": "p", "version": "1", "variables": [{"name": "a"}]} | WORKER | request_body
        refuse(api.send("POST", "/process-instances", body), status)

    @pytest.mark.parametrize(
        ("path", "request_body", "status"),
        [
            (UNKNOWN, {}, 404),
            (f"{DAY}/{{done}}", {}, 409),
            (f"{DAY}/{{open}}", {}, 409),
            (f"{DAY}/{{locked}}", {"workerId": "w2"}, 409),
            (f"{DAY}/{{locked}}", {"elementVariables": [{"bpmnElementId": "nowhere", "name": "a"}]}, 400),
            (
                f"{DAY}/{{locked}}",
                {"error": "boom", "elementVariables": [{"bpmnElementId": "nowhere", "name": "a"}]},
                400,
            ),
            (f"{DAY}/{{locked}}", {"error": "boom", "retryLimit": 1, "retryTimer": "P9999Y"}, 400),
        ],
    )
    def test_a_completion(self, api: Api, unchanged, path, request_body, status):
        api.deploy(SERVICE)
        done = api.work(instance=api.start())
        api.start()
        locked = api.lock()
        (unlocked,) = api.query("jobs", **of(api.start()))
        unchanged()
        variables = [{"name": "a", "data": {"encoding": "json", "value": "1"}}]
        path = path.format(done=done["id"], open=unlocked["id"], locked=locked["id"])
        body = {"processVariables": variables} | WORKER | request_body
        refuse(api.send("PATCH", f"/jobs/{path}/complete", body), status)


NO_TEXT = ("a\0b", "\0", "a\ud800b", "\udfff", "\udc00\ud800")
NO_NUMBER = (-(2**63) - 1, 2**63, 10**30, 1.5, 1e300, True, "1")
BEYOND_32_BITS = (2**31, -(2**31) - 1)
NO_DATE = (
    "0000-01-01",
    "10000-01-01",
    "2026-02-29",
    "2026-13-01",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "2026-02-29T00:00:00Z",
)
TOO_DEEP = ("[" * 101 + "]" * 101, '{"a":' * 101 + "1" + "}" * 101, "[" * 100_000)


@pytest.mark.parametrize("operation", REQUESTS)
class TestBadValues:
    """Each value of a request in turn is one that not every database, or none, can keep."""

    def test_texts(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for place in places(body, str):
            for bad in NO_TEXT:
                refuse(world.send(method, path, put(body, place, bad)))

    def test_numbers(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for place in places(body, int):
            is_64_bits = (operation, place) == ("queryMessages", ("id",))
            for bad in NO_NUMBER if is_64_bits else NO_NUMBER + BEYOND_32_BITS:
                refuse(world.send(method, path, put(body, place, bad)))

    def test_dates(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for place in places(body, str):
            if place[-1] in ("partition", "time"):
                for bad in NO_DATE:
                    refuse(world.send(method, path, put(body, place, bad)))

    def test_property_names(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for name in NO_TEXT:
            refuse(world.send(method, path, body | {name: 1}))

    def test_bytes_that_are_no_text(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for bad in (b"\xed\xa0\x80", b"\xff", b"\xc0\x80"):
            raw = json.dumps(body).encode().replace(b'"', b'"' + bad, 1)
            refuse(world.send(method, path, raw=raw))

    def test_deep_nesting(self, world: World, operation):
        method, path, body = REQUESTS[operation]
        for nested in TOO_DEEP:
            for raw in (nested, f'{{"{next(iter(body))}":{nested}}}', f'{{"x":{nested}}}'):
                refuse(world.send(method, path, raw=raw))


READS = [
    ("GET", f"/element-instances/{DAY}/{{visit}}/variables", None),
    ("GET", f"/process-instances/{DAY}/{{instance}}/variables", None),
    ("GET", "/processes/{instance}/bpmn-xml", None),
    ("GET", "/processes/{instance}/diagram", None),
    ("DELETE", "/processes/{instance}?workerId=w", None),
]
WITH_KEY = [request for request in [*REQUESTS.values(), *READS] if "{" in request[1]]
NO_ID = ("1%00", "%00", "%ED%A0%80", "%FF", "2147483648", "-2147483649", "9" * 30, "1.0", "1e2", "%EF%BC%91", "%20")
NO_DAY = (f"{DAY}%00", "%00", "%ED%A0%80", "0000-01-01", "10000-01-01", "2026-02-29", "2026-11-%EF%BC%92%EF%BC%93")


@pytest.mark.parametrize(("method", "path", "body"), WITH_KEY)
class TestBadPaths:
    def test_ids(self, world: World, method, path, body):
        before, _, rest = path.partition("{")
        for bad in NO_ID:
            refuse(world.send(method, before + bad + rest.partition("}")[2], body))

    def test_days(self, world: World, method, path, body):
        for bad in NO_DAY if DAY in path else ():
            refuse(world.send(method, path.replace(DAY, bad), body))

    def test_days_that_nobody_lives_to_see_are_empty(self, world: World, method, path, body):
        for day in ("0001-01-01", "9999-12-31") if DAY in path else ():
            refuse(world.send(method, path.replace(DAY, day), body), 404)


@pytest.mark.parametrize(
    ("path", "body"), [(path, body) for _, path, body in REQUESTS.values() if path.endswith("/query")]
)
class TestBadPages:
    def test_pages(self, world: World, path, body):
        for name in ("limit", "offset"):
            for bad in ("-1", "1.5", "", "+5", *NO_ID):
                refuse(world.send("POST", f"{path}?{name}={bad}", {}))

    def test_the_largest_page_is_a_page_and_a_larger_one_is_none(self, world: World, path, body):
        largest, last = Config().max_query_limit, 2**31 - 1
        assert world.api.post(f"{path}?limit={largest}")["results"] == world.api.post(path)["results"]
        assert world.api.post(f"{path}?limit={largest}&offset={last}") == {"count": 0, "results": []}
        for limit in (largest + 1, last):
            refuse(world.send("POST", f"{path}?limit={limit}", {}))

    def test_the_largest_numbers_and_the_first_and_last_day_match_nothing(self, world: World, path, body):
        for place in places(body, int):
            for number in (2**31 - 1, -(2**31)):
                assert world.api.post(path, **{place[0]: number})["count"] == 0
        for day in ("0001-01-01", "9999-12-31") if "partition" in body else ():
            assert world.api.post(path, partition=day)["count"] == 0


@pytest.mark.parametrize("names", ["%00", "a,b%00", "%ED%A0%80", "a,%FF"])
def test_names_that_are_no_text(world: World, names):
    for path in (READS[0][1], READS[1][1]):
        refuse(world.send("GET", f"{path}?names={names}"))


BEYOND = ("PT999999999999999999H", "P9999Y", "P999999999999999999Y", "P120000M", "P999999999D")


@pytest.mark.parametrize("duration", BEYOND)
class TestTimersBeyondTheYear9999:
    def test_are_refused(self, world: World, duration):
        timer = {"timeDuration": duration}
        message = {"name": "n", "correlationKey": "k", "expirationTimer": timer}
        start = {"bpmnXml": TIMER_START, "timers": [{"bpmnElementId": "start", "timer": timer}]}
        refuse(world.send("PATCH", "/time", timer))
        refuse(world.send("POST", "/messages", message | WORKER))
        refuse(world.send("PATCH", f"/incidents/{DAY}/{{incident}}/resolve", {"retryTimer": duration} | WORKER))
        refuse(world.send("POST", "/processes", {"bpmnProcessId": "p", "version": "2"} | start | WORKER))
        for more in ({"error": "boom", "retryLimit": 1}, {}):
            refuse(world.send("PATCH", f"/jobs/{DAY}/{{job}}/complete", {"retryTimer": duration} | more | WORKER))

    def test_make_a_job_fail_that_asks_for_a_timer(self, api: Api, duration):
        api.deploy(TIMER_CATCH)
        job = api.work(instance=api.start(), completion={"timer": {"timeDuration": duration}})
        assert job["state"] == "CAUSED_INCIDENT"
        assert job["error"].startswith("failed to evaluate timer: ")
        assert api.query("tasks", type="TRIGGER_EVENT") == []

    def test_do_not_let_an_instance_start_that_would_wait_for_them(self, api: Api, duration):
        timers = [{"bpmnElementId": "catch", "timer": {"timeDuration": duration}}]
        api.deploy(TIMER_CATCH, timers=timers)
        refuse(api.send("POST", "/process-instances", {"bpmnProcessId": "p", "version": "1"} | WORKER), 400, 422)
        assert api.query("process-instances") == []


class TestTheEndOfTime:
    """Engine time stands at the last moment that there is."""

    @pytest.fixture
    def ids(self, api: Api):
        found = fill(api)
        api.patch("/time", time="9999-12-31T23:59:59Z")
        return found

    @pytest.mark.parametrize("duration", ["P1Y", "PT1S", "P1D"])
    def test_time_does_not_go_on(self, api: Api, ids, duration):
        refuse(api.send("PATCH", "/time", {"timeDuration": duration}))

    def test_no_operation_breaks(self, api: Api, ids):
        for method, path, body in REQUESTS.values():
            assert api.send(method, path.format(**ids), body).status < 500
        api.start()
        api.execute_tasks()

    def test_time_stops_and_the_service_can_start_again(self, api: Api, ids, config: Config, clock: ManualClock):
        clock.advance(timedelta(days=1))
        api.start()
        again = open_service(config, clock)
        instance = Api(application(again).test_client()).start()
        again.close()
        assert instance["createdAt"] == "9999-12-31T23:59:59.999Z"


class TestEncryptionWithoutAKey:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, encryption_keys=())

    def test_values_are_refused(self, api: Api):
        ids = fill(api)
        for operation in ("createProcessInstance", "setProcessVariables", "setElementVariables", "sendSignal"):
            method, path, body = REQUESTS[operation]
            answer = api.send(method, path.format(**ids), body)
            assert answer.problem[:2] == (400, "VALIDATION"), operation

    def test_values_can_not_be_read_and_the_problem_says_why(self, config: Config, clock: ManualClock):
        key_for_now = ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",)
        writer = open_service(replace(config, encryption_keys=key_for_now), clock)
        api = Api(application(writer).test_client())
        api.deploy(SERVICE)
        data = {"encoding": "json", "encrypted": True, "value": "1"}
        instance = api.start(variables=[{"name": "a", "data": data}])
        writer.close()
        reader = open_service(config, clock)
        client = application(reader).test_client()
        answer = client.get(
            f"/process-instances/{key(instance)}/variables", headers={"Authorization": "Basic dGVzdDp0ZXN0"}
        )
        reader.close()
        assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
        detail = "variable a can't be decrypted: no encryption key is configured, request "
        assert answer.get_json()["detail"].startswith(detail)
