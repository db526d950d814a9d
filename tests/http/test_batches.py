"""Several jobs, or several process instances, in one request: each is answered as it would be alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.commands.job import LockJobs
from app.config import Config
from app.errors import EngineError, ErrorKind
from app.service import Service
from tests.http.models import SERVICE, USER_TASK
from tests.http.talk import WORKER, Api, key

NEW = {"bpmnProcessId": "p", "version": "1"}


def complete(api: Api, *jobs: Any, **more: Any) -> Any:
    return api.post("/jobs/complete", jobs=list(jobs), **WORKER, **more)


def create(api: Api, *instances: Any) -> Any:
    return api.post("/process-instances/batch", processInstances=list(instances), **WORKER)["results"]


def item(job: Any, **outcome: Any) -> dict[str, Any]:
    return {"partition": job["partition"], "id": job["id"], **outcome}


@pytest.fixture
def jobs(api: Api) -> list[Any]:
    """Of six instances, locked."""
    api.deploy(SERVICE)
    create(api, *[NEW] * 6)
    found: list[Any] = api.post("/jobs/lock", limit=6, **WORKER)["jobs"]
    return found


def test_jobs_are_completed_in_one_request(api: Api, jobs):
    results = complete(api, *[item(job) for job in jobs])["results"]
    assert [(result["status"], result["partition"], result["id"]) for result in results] == [
        (200, job["partition"], job["id"]) for job in jobs
    ]
    assert [result["job"] for result in results] == api.query("jobs")
    assert {instance["state"] for instance in api.query("process-instances")} == {"COMPLETED"}


def test_each_job_is_answered_as_it_would_be_alone(api: Api, jobs):
    """The same requests one after the other, for the jobs of another batch."""
    outcomes: list[dict[str, Any]] = [
        {"processVariables": [{"name": "a", "data": {"encoding": "json", "value": "1"}}]},
        {"error": "broken", "retryLimit": 1, "retryTimer": "PT1H"},
        {"error": "broken"},
        {"retryTimer": "soon", "retryLimit": -1},
        {"elementVariables": [{"bpmnElementId": "nowhere", "name": "a"}]},
        {"processVariables": [{"name": "not allowed"}]},
    ]
    batch = complete(api, *[item(job, **outcome) for job, outcome in zip(jobs, outcomes, strict=True)])["results"]
    create(api, *[NEW] * 6)
    others = api.post("/jobs/lock", limit=6, **WORKER)["jobs"]
    for result, job, other, outcome in zip(batch, jobs, others, outcomes, strict=True):
        alone = api.send("PATCH", f"/jobs/{key(other)}/complete", {**outcome, **WORKER})
        assert result["status"] == alone.status
        told = result.get("job") or result["problem"]
        assert comparable(told, job) == comparable(alone.body, other)


def comparable(told: Any, job: Any) -> Any:
    own = {"id", "elementInstanceId", "processInstanceId"}
    found = {name: value for name, value in told.items() if name not in own}
    if "detail" in found:
        found["detail"] = found["detail"].replace(f"{job['partition']}/{job['elementInstanceId']} ", "")
    return found


def test_jobs_that_can_not_be_completed_are_told_why(api: Api, jobs):
    done, twice, free, foreign = jobs[:4]
    api.complete(done)
    api.post("/jobs/unlock", partition=free["partition"], id=free["id"], **WORKER)
    api.post("/jobs/unlock", partition=foreign["partition"], id=foreign["id"], **WORKER)
    api.post("/jobs/lock", partition=foreign["partition"], id=foreign["id"], workerId="w2")
    unknown = {"partition": done["partition"], "id": 2_000_000_000}
    results = complete(api, *[item(job) for job in (done, twice, twice, free, foreign, unknown)])["results"]
    name = f"job {done['partition']}/"
    assert [(result["status"], result.get("problem", {}).get("detail")) for result in results] == [
        (409, f"{name}{done['id']} is completed"),
        (200, None),
        (409, f"{name}{twice['id']} is completed"),
        (409, f"{name}{free['id']} is not locked"),
        (409, f"{name}{foreign['id']} is not locked by worker w1, but w2"),
        (404, f"{name}2000000000 could not be found"),
    ]
    assert {result["problem"]["title"] for result in results if "problem" in result} == {"failed to complete job"}
    assert [job["state"] for job in api.query("jobs")].count("DONE") == 2


def test_a_job_whose_fields_break_rules_is_refused_and_the_others_are_completed(api: Api, jobs):
    results = complete(api, item(jobs[0]), item(jobs[1], retryTimer="soon"), item(jobs[2]))["results"]
    assert [result["status"] for result in results] == [200, 400, 200]
    assert results[1] == item(
        jobs[1],
        status=400,
        problem={
            "status": 400,
            "type": "HTTP_REQUEST_BODY",
            "title": "invalid request body",
            "detail": "failed to validate request body",
            "errors": [
                {"pointer": "#/retryTimer", "type": "iso8601_duration", "detail": "is invalid", "value": "soon"}
            ],
        },
    )


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no worker": ({"jobs": [{"partition": "2026-11-23", "id": 1}]}, ["#/workerId"]),
    "no jobs": ({**WORKER}, ["#/jobs"]),
    "an empty list": ({"jobs": [], **WORKER}, ["#/jobs"]),
    "too many": ({"jobs": [{"partition": "2026-11-23", "id": 1}] * 101, **WORKER}, ["#/jobs"]),
    "a job without an id": ({"jobs": [{"partition": "2026-11-23"}], **WORKER}, ["#/jobs/0/id"]),
    "a job that is null": ({"jobs": [None], **WORKER}, ["#/jobs/0/partition", "#/jobs/0/id"]),
    "an id below 1": ({"jobs": [{"partition": "2026-11-23", "id": -1}], **WORKER}, ["#/jobs/0/id"]),
    "wrong conditions": (
        {"jobs": [{"partition": "2026-11-23", "id": 1}], "lockNext": {"limit": 1001}, **WORKER},
        ["#/lockNext/limit"],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_that_does_not_tell_what_it_is_about_is_refused_as_a_whole(api: Api, jobs, name):
    body, pointers = REFUSED[name]
    answer = api.send("POST", "/jobs/complete", body)
    assert answer.problem == (400, "HTTP_REQUEST_BODY", "invalid request body", "failed to validate request body")
    assert sorted(error["pointer"] for error in answer.body["errors"]) == sorted(pointers)
    assert {job["state"] for job in api.query("jobs")} == {"LOCKED"}


@pytest.mark.parametrize(
    ("part", "detail"),
    [
        ({"workerId": "w1"}, 'unknown JSON field "workerId"'),
        ({"retryTimer": 1}, "failed to unmarshal JSON: invalid duration 1"),
        ({"partition": "yesterday"}, 'failed to unmarshal JSON: invalid partition "yesterday"'),
    ],
)
def test_a_job_that_can_not_be_decoded_refuses_the_whole_request(api: Api, jobs, part, detail):
    answer = api.send("POST", "/jobs/complete", {"jobs": [item(jobs[0]), item(jobs[1], **part)], **WORKER})
    assert answer.problem == (400, "HTTP_REQUEST_BODY", "invalid request body", detail)
    assert {job["state"] for job in api.query("jobs")} == {"LOCKED"}


def test_the_next_jobs_come_with_the_answer(api: Api, jobs):
    create(api, *[NEW] * 3)
    answer = complete(api, *[item(job) for job in jobs], lockNext={"limit": 2})
    assert [job["lockedBy"] for job in answer["jobs"]] == ["w1", "w1"]
    assert {job["id"] for job in answer["jobs"]}.isdisjoint(job["id"] for job in jobs)
    # Conditions may be empty, and are those of lockJobs otherwise.
    (last,) = complete(api, *[item(job) for job in answer["jobs"]], lockNext={})["jobs"]
    assert complete(api, item(last), lockNext={"processIds": [2_000_000_000]})["jobs"] == []


def test_the_next_jobs_may_be_what_the_completed_ones_have_led_to(api: Api):
    api.deploy(SERVICE)
    api.start()
    job = api.lock()
    answer = complete(api, item(job, error="broken", retryLimit=1), lockNext={"limit": 10})
    assert [(each["retryCount"], each["state"]) for each in answer["jobs"]] == [(1, "LOCKED")]


def test_what_was_completed_is_told_when_the_next_jobs_can_not_be_locked(
    api: Api, jobs, service: Service, monkeypatch: pytest.MonkeyPatch
):
    execute = service.execute

    def fails(command: Any) -> Any:
        if isinstance(command, LockJobs):
            raise EngineError(ErrorKind.UNAVAILABLE, "the database can't be reached", title="failed to lock jobs")
        return execute(command)

    monkeypatch.setattr(service, "execute", fails)
    answer = complete(api, *[item(job) for job in jobs], lockNext={"limit": 2})
    assert [result["status"] for result in answer["results"]] == [200] * 6
    assert "jobs" not in answer
    assert answer["problem"] == {
        "status": 503,
        "type": "UNAVAILABLE",
        "title": "failed to lock jobs",
        "detail": "the database can't be reached",
    }


def test_without_conditions_nothing_is_locked(api: Api, jobs):
    create(api, NEW)
    assert set(complete(api, item(jobs[0]))) == {"results"}
    assert [job["state"] for job in api.query("jobs")].count("DUE") == 1


def test_process_instances_are_created_in_one_request(api: Api):
    api.deploy(SERVICE)
    variables = [{"name": "a", "data": {"encoding": "json", "value": "1"}}]
    results = create(api, NEW, {**NEW, "correlationKey": "k", "tags": {"x": "y"}, "variables": variables})
    assert [result["status"] for result in results] == [201, 201]
    created = [result["processInstance"] for result in results]
    assert created == api.query("process-instances")
    assert (created[1]["correlationKey"], created[1]["tags"]) == ("k", [{"name": "x", "value": "y"}])
    found = api.get(f"/process-instances/{key(created[1])}/variables")
    assert [variable["name"] for variable in found["variables"]] == ["a"]


def test_each_process_instance_is_answered_as_it_would_be_alone(api: Api):
    api.deploy(SERVICE)
    api.deploy(USER_TASK.replace('id="p"', 'id="human"'), process="human")
    given: list[dict[str, Any]] = [
        NEW,
        {"bpmnProcessId": "nowhere", "version": "1"},
        {"bpmnProcessId": "human"},
        {"version": "1"},
        {**NEW, "version": "2"},
        {**NEW, "tags": [{"name": "not allowed", "value": "x"}]},
        {},
    ]
    results = create(api, *given)
    assert [result["status"] for result in results] == [201, 404, 201, 400, 404, 400, 400]
    for result, body in zip(results, given, strict=True):
        alone = api.send("POST", "/process-instances", {**body, **WORKER})
        assert result["status"] == alone.status
        if "problem" in result:
            assert result["problem"] == alone.body
    assert len(api.query("process-instances")) == 4


class TestSmallBodies:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, http_max_body=2000)

    def test_a_batch_is_bounded_like_every_body(self, api: Api):
        answer = api.send("POST", "/process-instances/batch", {"processInstances": [NEW] * 100, **WORKER})
        assert answer.problem[0] == 400
        assert "request body size must not exceed 2000 bytes" in answer.problem[3]


@pytest.mark.parametrize("path", ["/jobs/complete", "/process-instances/batch"])
def test_a_batch_needs_credentials(client, path):
    assert client.post(path, json={}).status_code == 401
