"""How often each element was visited, and how that went."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.service import Service
from tests.http.models import SERVICE, model
from tests.http.talk import WORKER, Api, key, of

BOUNDED = model(
    '<startEvent id="start"/><serviceTask id="work"/><endEvent id="end"/><endEvent id="late"/>'
    '<boundaryEvent id="limit" attachedToRef="work"><timerEventDefinition/></boundaryEvent>',
    "start -> work -> end",
    "limit -> late",
)
ONE = {"partition": "2026-11-23", "id": 1}
KEY = ("processId", "bpmnElementId")
LIMIT = {"timers": [{"bpmnElementId": "limit", "timer": {"timeDuration": "PT1H"}}]}


@pytest.fixture(autouse=True)
def nothing_kept(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.finding.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("app.finding.TIMES_TAKEN", 0)


def statistics(api: Api, flows: bool = False, **body: Any) -> dict[str, dict[str, Any]]:
    """By element; without what is 0."""
    answer = api.post(f"/processes/statistics?flows={str(flows).lower()}", **body)
    found = {}
    for each in answer["results"]:
        name = each["bpmnElementId"]
        assert (each["processId"], name) not in found
        found[name] = {field: value for field, value in each.items() if value and field not in KEY}
    if flows:
        found["flows"] = {(each["from"], each["to"]): each["count"] for each in answer["flows"]}
    else:
        assert "flows" not in answer
    return found


def test_visits_are_counted_by_element(api: Api, clock: ManualClock):
    api.deploy(BOUNDED, **LIMIT)
    instances = [api.start() for _ in range(5)]
    clock.advance(timedelta(minutes=3))
    api.work(instance=instances[0])
    api.work(instance=instances[1], error="boom", retryLimit=1)
    api.work(instance=instances[2], error="boom")
    api.patch(f"/process-instances/{key(instances[3])}/cancel", **WORKER)
    found = statistics(api, flows=True, bpmnProcessId="p")
    average = found["work"].pop("averageMs")
    assert 180_000 <= average < 182_000
    assert found == {
        "p": {"active": 3, "completed": 1, "canceled": 1, "averageMs": found["p"]["averageMs"]},
        "start": {"completed": 5},
        "work": {"active": 3, "completed": 1, "canceled": 1, "incidents": 1, "failedJobs": 2},
        "limit": {"canceled": 2},
        "end": {"completed": 1},
        "flows": {("start", "work"): 5, ("work", "end"): 1},
    }
    clock.advance(timedelta(hours=1))
    api.execute_tasks()
    found = statistics(api, flows=True, bpmnProcessId="p")
    assert found["limit"]["completed"] == 3
    assert found["flows"]["limit", "late"] == 3


def test_what_is_counted_can_be_chosen(api: Api, clock: ManualClock):
    first, second = api.deploy(SERVICE), api.deploy(SERVICE, "2")
    api.deploy(SERVICE.replace('process id="p"', 'process id="other"'), process="other")
    started = [api.start(), api.start(), api.start(version="2"), api.start("other")]
    clock.advance(timedelta(days=1))
    api.work(instance=started[0])
    late = api.start()

    def visits(**body: Any) -> tuple[int, int]:
        found = statistics(api, **body).get("work", {})
        return found.get("active", 0), found.get("completed", 0)

    assert visits(bpmnProcessId="p", versions=["1"]) == (2, 1)
    assert visits(bpmnProcessId="p", versions=["2"]) == (1, 0)
    assert visits(processIds=[second["id"]]) == (1, 0)
    assert visits(bpmnProcessId="p", processIds=[first["id"]]) == (2, 1)
    assert visits(bpmnProcessId="other", processIds=[first["id"]]) == (0, 0)
    assert visits(bpmnProcessId="unknown") == (0, 0)
    day = {"from": late["createdAt"]}
    assert visits(bpmnProcessId="p", versions=["1"], created=day) == (1, 0)
    assert visits(bpmnProcessId="p", versions=["1"], created={"until": late["createdAt"]}) == (1, 1)
    assert visits(bpmnProcessId="p", versions=["1"], states=["COMPLETED"]) == (0, 1)
    assert visits(bpmnProcessId="p", versions=["1"], states=["STARTED", "SUSPENDED"]) == (2, 0)
    one = {"partition": started[0]["partition"], "id": started[0]["id"]}
    assert visits(processInstance=one) == (0, 1)
    found = api.post("/processes/statistics", processInstance=one)["results"]
    assert [each["bpmnElementId"] for each in found] == ["p", "start", "work", "end"]
    assert {each["processId"] for each in found} == {first["id"]}


def test_each_version_has_counts_of_its_own(api: Api):
    first, second = api.deploy(SERVICE), api.deploy(SERVICE, "2")
    for version in ("1", "2", "2"):
        api.start(version=version)
    found = api.post("/processes/statistics", bpmnProcessId="p")["results"]
    assert {each["processId"]: each["active"] for each in found if each["bpmnElementId"] == "work"} == {
        first["id"]: 1,
        second["id"]: 2,
    }


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, ("#/bpmnProcessId", "required")),
        ({"versions": ["1"]}, ("#/bpmnProcessId", "required")),
        ({"processInstance": ONE, "bpmnProcessId": "p"}, ("#/bpmnProcessId", "unique")),
        ({"processInstance": {"partition": "2026-11-23"}}, ("#/processInstance/id", "required")),
    ],
)
def test_what_does_not_say_whose_visits_to_count_is_refused(api: Api, body: dict[str, Any], error: tuple[str, str]):
    answer = api.send("POST", "/processes/statistics", body)
    assert answer.problem[:2] == (400, "HTTP_REQUEST_BODY")
    assert [(each["pointer"], each["type"]) for each in answer.body["errors"]] == [error]


def test_an_instance_that_does_not_exist_is_not_found(api: Api):
    api.deploy(SERVICE)
    unknown = {"partition": "2026-11-23", "id": 2_000_000_000}
    assert api.send("POST", "/processes/statistics", {"processInstance": unknown}).problem[:2] == (404, "NOT_FOUND")


def test_suspended_visits_are_active(api: Api):
    api.deploy(model('<startEvent id="start"/><serviceTask id="a"/><serviceTask id="b"/>', "start -> a -> b"))
    instance = api.start()
    (job,) = api.post("/jobs/lock", **of(instance), **WORKER)["jobs"]
    api.patch(f"/process-instances/{key(instance)}/suspend", **WORKER)
    api.complete(job)
    assert {name: each.get("active") for name, each in statistics(api, bpmnProcessId="p").items()} == {
        "p": 1,
        "start": None,
        "a": None,
        "b": 1,
    }
