"""What can be asked beside ids: states, times, and what is going on in an instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.service import Service
from tests.databases import Databases
from tests.http.past import DAYS, lived_through
from tests.http.talk import WORKER, Api, key, of

Entity = dict[str, Any]


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def past(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Api]:
    """Beside what is open, something of everything has ended, is locked, or was resolved."""
    with databases.fresh(request.param) as url, lived_through(url) as (service, api, clock):
        finish_something(service, api)
        clock.advance(timedelta(hours=1))
        yield api


def finish_something(service: Service, api: Api) -> None:
    instances = [each for each in api.query("process-instances") if "parentId" not in each]
    for instance in instances[::5]:
        api.patch(f"/process-instances/{key(instance)}/cancel", **WORKER)
    for instance in [each for each in instances if each["state"] == "STARTED" and each["bpmnProcessId"] == "p"][1::3]:
        if api.post("/jobs/lock", limit=1, **of(instance), **WORKER)["count"]:
            (job,) = api.query("jobs", **of(instance))[-1:]
            api.complete(job)
    (late,) = api.query("incidents")[-1:]
    api.patch(f"/incidents/{key(late)}/resolve", **WORKER)
    api.start(correlationKey="order-1")
    api.post("/jobs/lock", workerId="w2", limit=3)
    for task in api.query("user-tasks")[1::2]:
        if task["state"] == "STARTED":
            api.patch(f"/user-tasks/{key(task)}", revision=task["revision"], completed=True, **WORKER)
    api.post("/messages", name="paid-0", correlationKey="k0", expirationTimer={"timeDuration": "PT1H"}, **WORKER)


@pytest.fixture
def api(past: Api) -> Api:
    return past


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def is_open(work: Entity) -> bool:
    return "completedAt" not in work


def process_of(api: Api) -> Callable[[Entity], str]:
    names = {each["id"]: each["bpmnProcessId"] for each in api.query("processes")}
    return lambda entity: names.get(entity.get("processId"), "")


NOON = f"{DAYS[1]}T12:00:00Z"
NEXT_NOON = f"{DAYS[2]}T12:00:00Z"

CASES: list[tuple[str, dict[str, Any], Callable[[Entity], bool]]] = [
    ("processes", {"bpmnProcessId": "p"}, lambda e: e["bpmnProcessId"] == "p"),
    ("process-instances", {"bpmnProcessId": "p"}, lambda e: e["bpmnProcessId"] == "p"),
    ("process-instances", {"versions": ["2"]}, lambda e: e["version"] == "2"),
    ("process-instances", {"states": ["CANCELED"]}, lambda e: e["state"] == "CANCELED"),
    ("process-instances", {"states": ["COMPLETED", "CANCELED"]}, lambda e: "endedAt" in e),
    ("process-instances", {"states": ["STARTED"]}, lambda e: e["state"] == "STARTED"),
    ("process-instances", {"states": ["STARTED", "CANCELED"]}, lambda e: e["state"] in ("STARTED", "CANCELED")),
    ("process-instances", {"correlationKey": "order-1"}, lambda e: e.get("correlationKey") == "order-1"),
    ("process-instances", {"created": {"from": NOON}}, lambda e: time(e["createdAt"]) >= time(NOON)),
    ("process-instances", {"created": {"until": NOON}}, lambda e: time(e["createdAt"]) < time(NOON)),
    (
        "process-instances",
        {"created": {"from": NOON, "until": NEXT_NOON}},
        lambda e: time(NOON) <= time(e["createdAt"]) < time(NEXT_NOON),
    ),
    ("process-instances", {"ended": {"from": NOON}}, lambda e: "endedAt" in e),
    ("process-instances", {"ended": {"until": NOON}}, lambda e: False),
    ("process-instances", {"rootsOnly": True}, lambda e: "parentId" not in e),
    ("process-instances", {"createdBy": "w1"}, lambda e: e["createdBy"] == "w1"),
    ("process-instances", {"createdBy": "nobody"}, lambda e: False),
    ("element-instances", {"bpmnElementTypes": ["SERVICE_TASK"]}, lambda e: e["bpmnElementType"] == "SERVICE_TASK"),
    ("element-instances", {"active": True}, lambda e: "endedAt" not in e),
    ("jobs", {"states": ["DUE"]}, lambda e: e["state"] == "DUE"),
    ("jobs", {"states": ["CREATED"]}, lambda e: e["state"] == "CREATED"),
    ("jobs", {"states": ["LOCKED"]}, lambda e: e["state"] == "LOCKED"),
    ("jobs", {"states": ["DONE", "CAUSED_INCIDENT"]}, lambda e: e["state"] in ("DONE", "CAUSED_INCIDENT")),
    ("jobs", {"types": ["SET_TIMER", "CALL_PROCESS"]}, lambda e: e["type"] in ("SET_TIMER", "CALL_PROCESS")),
    ("jobs", {"bpmnElementId": "work"}, lambda e: e["bpmnElementId"] == "work"),
    ("jobs", {"lockedBy": "w2"}, lambda e: e.get("lockedBy") == "w2"),
    ("jobs", {"lockedBy": "w1", "states": ["LOCKED"]}, lambda e: e.get("lockedBy") == "w1" and is_open(e)),
    ("tasks", {"states": ["CREATED", "DUE"]}, lambda e: e["state"] in ("CREATED", "DUE")),
    ("tasks", {"states": ["DUE"]}, lambda e: e["state"] == "DUE"),
    ("tasks", {"bpmnElementId": "join"}, lambda e: e.get("bpmnElementId") == "join"),
    ("incidents", {"open": True}, lambda e: "resolvedAt" not in e),
    ("incidents", {"processId": 1}, lambda e: e["processId"] == 1),
    ("incidents", {"created": {"from": NOON}}, lambda e: time(e["createdAt"]) >= time(NOON)),
    ("user-tasks", {"states": ["STARTED"]}, lambda e: e["state"] == "STARTED"),
    ("user-tasks", {"states": ["COMPLETED", "CANCELED"]}, lambda e: e["state"] in ("COMPLETED", "CANCELED")),
    ("user-tasks", {"bpmnElementId": "approve"}, lambda e: e["bpmnElementId"] == "approve"),
    ("user-tasks", {"correlationKey": "k"}, lambda e: e.get("correlationKey") == "k"),
    ("messages", {"correlationKey": "k"}, lambda e: e["correlationKey"] == "k"),
    ("messages", {"correlationKey": "k0", "name": "paid-0"}, lambda e: e["name"] == "paid-0"),
    ("messages", {"correlated": True}, lambda e: e["correlated"]),
]


@pytest.mark.parametrize(("resource", "criteria", "matches"), CASES, ids=[f"{case[0]} {case[1]}" for case in CASES])
def test_a_criterion_finds_what_is_so(
    api: Api, resource: str, criteria: dict[str, Any], matches: Callable[[Entity], bool]
):
    expected = [each for each in api.query(resource) if matches(each)]
    assert api.query(resource, **criteria) == expected
    answer = api.succeed("POST", f"/{resource}/query?order=-id&total=true&limit=1000", criteria)
    assert (answer["results"], answer["total"]) == (expected[::-1], len(expected))


def test_most_criteria_find_something_but_not_all(api: Api):
    counts = {}
    for resource, criteria, _ in CASES:
        counts[resource, str(criteria)] = len(api.query(resource, **criteria)), len(api.query(resource))
    telling = [name for name, (found, total) in counts.items() if 0 < found < total]
    assert len(telling) > 0.7 * len(CASES), counts


@pytest.mark.parametrize("resource", ["jobs", "user-tasks"])
def test_work_is_found_by_the_process_over_all_its_versions(api: Api, resource: str):
    name = process_of(api)
    for process in ("p", "human", "unknown"):
        expected = [each for each in api.query(resource) if name(each) == process]
        assert api.query(resource, bpmnProcessId=process) == expected
        assert bool(expected) is (process == "human" or (process == "p" and resource == "jobs"))


@pytest.mark.parametrize("resource", ["jobs", "tasks"])
def test_open_work_is_what_is_still_to_be_done(api: Api, resource: str):
    """Not what was left behind by what has ended meanwhile."""
    active = {(each["partition"], each["id"]) for each in api.query("element-instances", active=True)}

    def is_needed(work: Entity) -> bool:
        visit = work.get("elementInstanceId")
        return is_open(work) and (visit is None or (work["partition"], visit) in active)

    everything = api.query(resource)
    found = api.query(resource, open=True)
    assert found == [each for each in everything if is_needed(each)]
    assert 0 < len(found) < len([each for each in everything if is_open(each)]) or resource == "tasks"


def test_the_newest_version_of_each_process_is_found(api: Api):
    newest = {each["bpmnProcessId"]: each for each in api.query("processes")}
    found = api.query("processes", latestOnly=True)
    assert found == sorted(newest.values(), key=lambda each: each["id"])
    assert api.query("processes", latestOnly=True, bpmnProcessId="p") == [newest["p"]]
    (older, _) = api.query("processes", bpmnProcessId="p")
    assert api.query("processes", latestOnly=True, id=older["id"]) == []


def test_instances_are_found_by_open_incidents(api: Api):
    incidents = api.query("incidents", open=True)
    expected = {(each["partition"], each["processInstanceId"]) for each in incidents}
    everything = api.query("process-instances")
    found = api.query("process-instances", hasIncident=True)
    assert found == [each for each in everything if (each["partition"], each["id"]) in expected]
    assert 0 < len(found) < len({(each["partition"], each["processInstanceId"]) for each in api.query("incidents")}) + 1
    day = api.query("process-instances", hasIncident=True, partition=DAYS[0], states=["STARTED"])
    assert day == [each for each in found if each["partition"] == DAYS[0] and each["state"] == "STARTED"]


@pytest.mark.parametrize("element", ["work", "approve", "join", "catch", "nothing"])
def test_instances_are_found_by_where_they_wait(api: Api, element: str):
    visits = api.query("element-instances", active=True, bpmnElementId=element)
    waiting = {(each["partition"], each["processInstanceId"]) for each in visits}
    expected = [each for each in api.query("process-instances") if (each["partition"], each["id"]) in waiting]
    assert api.query("process-instances", waitingAt=element) == expected
    for process in ("p", "human"):
        of_process = [each for each in expected if each["bpmnProcessId"] == process]
        assert api.query("process-instances", waitingAt=element, bpmnProcessId=process) == of_process
    today = [each for each in expected if each["partition"] == DAYS[0]]
    assert api.query("process-instances", waitingAt=element, partition=DAYS[0]) == today


def test_all_criteria_hold_together(api: Api):
    criteria: dict[str, Any] = {"bpmnProcessId": "p", "versions": ["1"], "states": ["STARTED"], "hasIncident": True}
    criteria |= {"waitingAt": "work", "rootsOnly": True, "created": {"until": NEXT_NOON}, "createdBy": "w1"}
    found = api.query("process-instances", **criteria)
    narrowed = api.query("process-instances")
    for name, value in criteria.items():
        keys = [key(each) for each in api.query("process-instances", **{name: value})]
        narrowed = [each for each in narrowed if key(each) in keys]
    assert found == narrowed
    assert found


@pytest.mark.parametrize(
    ("resource", "criteria", "pointer"),
    [
        ("process-instances", {"versions": ["v"] * 2}, "#/versions"),
        ("process-instances", {"versions": [str(n) for n in range(101)]}, "#/versions"),
        ("process-instances", {"waitingAt": "x" * 256}, "#/waitingAt"),
        ("jobs", {"types": ["EXECUTE", "EXECUTE"]}, "#/types"),
    ],
)
def test_lists_and_texts_have_bounds(api: Api, resource: str, criteria: dict[str, Any], pointer: str):
    answer = api.send("POST", f"/{resource}/query", criteria)
    assert answer.problem[:2] == (400, "HTTP_REQUEST_BODY")
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]


@pytest.mark.parametrize("criteria", [{"states": ["ENDED"]}, {"created": {"from": "today"}}, {"created": "today"}])
def test_what_is_no_state_or_time_is_refused(api: Api, criteria: dict[str, Any]):
    assert api.send("POST", "/process-instances/query", criteria).problem[:2] == (400, "HTTP_REQUEST_BODY")


@pytest.mark.parametrize(
    "criteria", [{"hasIncident": False}, {"states": []}, {"created": {}}, {"created": None}, {"ended": {"from": None}}]
)
def test_what_says_nothing_filters_nothing(api: Api, criteria: dict[str, Any]):
    assert api.query("process-instances", **criteria) == api.query("process-instances")
