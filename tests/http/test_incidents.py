"""What incidents tell: their error, where it happened, and which of them are alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.service import Service
from tests.http.models import SERVICE, TIMER_CATCH, model
from tests.http.talk import WORKER, Api, of

OTHER = SERVICE.replace('process id="p"', 'process id="other"').replace('id="work"', 'id="pay"')
OTHER = OTHER.replace("-work", "-pay").replace("work-", "pay-").replace('"work"', '"pay"')


def fail(api: Api, process: str = "p", version: str = "1", error: str = "boom") -> Any:
    instance = api.start(process, version)
    api.work(instance=instance, error=error)
    (incident,) = api.query("incidents", **of(instance))
    return incident


def test_an_incident_of_a_job_tells_its_error_and_where_it_happened(api: Api):
    api.deploy(SERVICE)
    incident = fail(api, error="no stock of 'bolts'")
    assert {name: incident[name] for name in ("error", "bpmnProcessId", "bpmnElementId")} == {
        "error": "no stock of 'bolts'",
        "bpmnProcessId": "p",
        "bpmnElementId": "work",
    }
    assert len(incident["errorId"]) == 16
    (job,) = api.query("jobs", id=incident["jobId"], partition=incident["partition"])
    assert job["error"] == incident["error"]


def test_an_incident_of_a_task_tells_its_error(api: Api, service: Service, clock: ManualClock):
    """Be it one of an instance, or the start of one."""
    never = {"timers": [{"bpmnElementId": "catch", "timer": {"timeCycle": "0 0 14 23 11 ? 2026"}}]}
    xml = TIMER_CATCH.replace('<startEvent id="start"/>', '<startEvent id="start"><timerEventDefinition/></startEvent>')
    api.deploy(xml, timers=[*never["timers"], {"bpmnElementId": "start", "timer": {"time": "2026-11-23T15:00:00Z"}}])
    clock.advance(timedelta(hours=4))
    assert [task["state"] for task in api.execute_tasks()["completedTasks"]] == ["CAUSED_INCIDENT"]
    (incident,) = api.query("incidents")
    (task,) = api.query("tasks", id=incident["taskId"], partition=incident["partition"])
    assert (incident["bpmnProcessId"], incident["bpmnElementId"]) == ("p", "start")
    assert incident["error"] == task["error"]


def test_incidents_are_found_by_error_process_and_element(api: Api):
    api.deploy(SERVICE)
    api.deploy(SERVICE, "2")
    api.deploy(OTHER, process="other")
    incidents = [fail(api, error="no stock 1"), fail(api, version="2", error="no stock 2")]
    incidents += [fail(api, "other", error="no stock 3"), fail(api, error="boom")]
    alike = incidents[0]["errorId"]
    assert [each["errorId"] == alike for each in incidents] == [True, True, True, False]
    for criteria, expected in (
        ({"errorId": alike}, incidents[:3]),
        ({"errorId": alike, "bpmnProcessId": "p"}, incidents[:2]),
        ({"bpmnElementId": "pay"}, incidents[2:3]),
        ({"bpmnProcessId": "p", "processId": incidents[1]["processId"]}, incidents[1:2]),
        ({"bpmnProcessId": "nothing"}, []),
    ):
        assert api.query("incidents", **criteria) == expected


def test_a_group_tells_the_last_error_of_its_own_element(api: Api):
    """Though another element has failed alike at the same time."""
    tasks = '<startEvent id="start"/><parallelGateway id="fork"/><serviceTask id="a"/><serviceTask id="b"/>'
    api.deploy(model(tasks, "start -> fork", "fork -> a", "fork -> b"))
    api.start()
    for job in api.post("/jobs/lock", limit=2, **WORKER)["jobs"]:
        number = "12"[job["bpmnElementId"] == "b"]
        api.complete(job, error=f"no stock of {number}")
    groups = {group["bpmnElementId"]: group["error"] for group in api.post("/incidents/groups")["results"]}
    assert groups == {"a": "no stock of 1", "b": "no stock of 2"}


def test_incidents_are_grouped_by_what_has_failed_where(api: Api, clock: ManualClock):
    api.deploy(SERVICE)
    api.deploy(SERVICE, "2")
    api.deploy(OTHER, process="other")
    for number, version in enumerate("121"):
        clock.advance(timedelta(days=1))
        fail(api, version=version, error=f"no stock of {number}")
    clock.advance(timedelta(minutes=1))
    fail(api, "other", error="no stock of 7")
    (stock, _, _), other = api.query("incidents", bpmnProcessId="p"), api.query("incidents", bpmnProcessId="other")
    clock.advance(timedelta(minutes=1))
    late = fail(api, error="boom")

    answer = api.post("/incidents/groups")
    groups = [
        {name: group.get(name) for name in ("errorId", "bpmnProcessId", "count", "error")}
        for group in answer["results"]
    ]
    assert answer["count"] == 3
    assert groups == [
        {"errorId": stock["errorId"], "bpmnProcessId": "p", "count": 3, "error": "no stock of 2"},
        {"errorId": late["errorId"], "bpmnProcessId": "p", "count": 1, "error": "boom"},
        {"errorId": stock["errorId"], "bpmnProcessId": "other", "count": 1, "error": "no stock of 7"},
    ]
    first, last = (datetime.fromisoformat(answer["results"][0][name]) for name in ("first", "last"))
    assert last - first >= timedelta(days=2) - timedelta(seconds=1)
    assert answer["results"][2]["first"] == answer["results"][2]["last"] == other[0]["createdAt"]
    assert api.post("/incidents/groups?limit=1&offset=1")["results"] == answer["results"][1:2]
    assert api.post("/incidents/groups", bpmnElementId="pay")["results"] == answer["results"][2:]

    api.patch(f"/incidents/{late['partition']}/{late['id']}/resolve", **WORKER)
    assert [group["count"] for group in api.post("/incidents/groups", open=True)["results"]] == [3, 1]
    assert api.post("/incidents/groups", open=True, errorId=late["errorId"]) == {"count": 0, "results": []}


@pytest.fixture
def several(api: Api) -> Api:
    """Three open instances of one version, one of them with two incidents, one that has ended, and one of another."""
    xml = model(
        '<startEvent id="start"/><parallelGateway id="fork"/><serviceTask id="a"/><serviceTask id="b"/>',
        "start -> fork -> a",
        "fork -> b",
    )
    api.deploy(xml)
    api.deploy(SERVICE, "2")
    instances = [api.start() for _ in range(3)]
    for job in api.post("/jobs/lock", limit=2, **of(instances[0]), **WORKER)["jobs"]:
        api.complete(job, error="boom")
    api.work(instance=api.start(version="2"))
    api.work(instance=api.start(version="2"), error="boom")
    return api


def test_instances_are_counted_in_groups(several: Api):
    def count(**body: Any) -> list[Any]:
        answer = several.post("/process-instances/count", **body)
        assert answer["count"] == len(answer["results"])
        results: list[Any] = answer["results"]
        return results

    assert count() == [{"count": 5, "incidentCount": 3}]
    assert count(states=["STARTED"]) == [{"count": 4, "incidentCount": 3}]
    assert count(groupBy=["bpmnProcessId"]) == [{"bpmnProcessId": "p", "count": 5, "incidentCount": 3}]
    with_incident = count(groupBy=["version"], hasIncident=True)
    assert sorted((each["version"], each["count"], each["incidentCount"]) for each in with_incident) == [
        ("1", 1, 2),
        ("2", 1, 1),
    ]
    ids = {each["version"]: each["id"] for each in several.query("processes")}
    largest, *others = count(groupBy=["state", "version", "bpmnProcessId"])
    assert largest == {
        "bpmnProcessId": "p",
        "version": "1",
        "processId": ids["1"],
        "state": "STARTED",
        "count": 3,
        "incidentCount": 2,
    }
    rest = {(each["version"], each["processId"], each["state"]): each["incidentCount"] for each in others}
    assert rest == {("2", ids["2"], "STARTED"): 1, ("2", ids["2"], "COMPLETED"): 0}
    assert count(groupBy=["state"], bpmnProcessId="unknown") == []
    assert count(bpmnProcessId="unknown") == [{"count": 0, "incidentCount": 0}]


def test_what_nothing_can_be_grouped_by_is_refused(several: Api):
    for group in (["day"], ["state", "state"]):
        problem = several.send("POST", "/process-instances/count", {"groupBy": group}).problem
        assert problem[:2] == (400, "HTTP_REQUEST_BODY")
