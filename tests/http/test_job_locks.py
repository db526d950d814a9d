"""Locks of jobs over HTTP, for a time and of some kinds: what answers show, what is refused, how batches do it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.models import SERVICE
from tests.http.talk import WORKER, Api, key


@pytest.fixture
def started(api: Api) -> Any:
    api.deploy(SERVICE)
    return api.start()


def test_a_lease_is_shown_as_long_as_the_job_is_held_by_it(api: Api, started: Any):
    job = api.lock(lockTimeout="PT1M")
    assert (job["lockVersion"], "lockedUntil" in job) == (1, True)
    assert api.query("jobs") == [job]
    done = api.complete(job, lockVersion=1)
    assert {"lockedUntil", "lockVersion"}.isdisjoint(done)


def test_a_lock_without_a_lease_shows_none(api: Api, started: Any):
    assert {"lockedUntil", "lockVersion"}.isdisjoint(api.lock())


def test_after_its_time_a_job_goes_to_the_next_worker_and_the_first_one_is_refused(api: Api, started: Any):
    job = api.lock(lockTimeout="PT1M")
    api.send("PATCH", "/time", {"timeDuration": "PT2M"})
    again = api.lock(workerId="w2", lockTimeout="PT1M")
    assert (again["id"], again["lockVersion"], again["retryCount"]) == (job["id"], 2, 0)
    late = api.send("PATCH", f"/jobs/{key(job)}/complete", WORKER)
    assert late.problem[:3] == (409, "CONFLICT", "failed to complete job")
    assert api.complete(again, workerId="w2", lockVersion=2)["state"] == "DONE"


def test_extensions_are_answered_one_by_one(api: Api, started: Any):
    job = api.lock(lockTimeout="PT1M")
    held = {"partition": job["partition"], "id": job["id"]}
    answer = api.post(
        "/jobs/extend", lockTimeout="PT5M", jobs=[{**held, "lockVersion": 1}, {**held, "lockVersion": 2}], **WORKER
    )
    extended, refused = answer["results"]
    assert extended == {**held, "status": 200, "lockedUntil": api.query("jobs")[0]["lockedUntil"]}
    assert extended["lockedUntil"] > job["lockedUntil"]
    assert (refused["status"], refused["problem"]["title"]) == (409, "failed to extend jobs")


def test_a_batch_completes_by_lock_and_locks_the_next_with_a_lease(api: Api, started: Any):
    first = api.lock(lockTimeout="PT1M")
    second = api.start()
    item = {"partition": first["partition"], "id": first["id"]}
    answer = api.post(
        "/jobs/complete",
        jobs=[{**item, "lockVersion": 2}, {**item, "lockVersion": 1}],
        lockNext={"lockTimeout": "PT1M"},
        **WORKER,
    )
    assert [result["status"] for result in answer["results"]] == [409, 200]
    (job,) = answer["jobs"]
    assert (job["processInstanceId"], job["lockVersion"]) == (second["id"], 1)


@pytest.mark.parametrize("timeout", ["PT0S", "P0D", "1m", "P"])
def test_a_lease_that_is_over_at_once_is_no_lease(api: Api, started: Any, timeout: str):
    answer = api.send("POST", "/jobs/lock", {"lockTimeout": timeout, **WORKER})
    assert answer.problem[0] == 400
    assert [error["pointer"] for error in answer.body["errors"]] == ["#/lockTimeout"]


def test_a_lease_beyond_the_calendar_is_refused(api: Api, started: Any):
    answer = api.send("POST", "/jobs/lock", {"lockTimeout": "P9999Y", **WORKER})
    assert answer.problem[:3] == (400, "VALIDATION", "failed to lock jobs")
    assert [job["state"] for job in api.query("jobs")] == ["DUE"]


def test_filters_are_those_of_the_lock_and_of_the_next_one(api: Api, started: Any):
    job = api.lock(types=["EXECUTE"], bpmnElementIds=["work"], bpmnProcessIds=["p"])
    api.start()
    item = {"partition": job["partition"], "id": job["id"]}
    for kinds in ({"taskTypes": ["other"]}, {"types": ["SET_TIMER"]}, {"bpmnElementIds": ["other"]}):
        assert api.post("/jobs/lock", **kinds, **WORKER)["jobs"] == []
    assert len(api.post("/jobs/complete", jobs=[item], lockNext={"bpmnElementIds": ["work"]}, **WORKER)["jobs"]) == 1


def test_an_unknown_type_of_job_is_refused(api: Api, started: Any):
    assert api.send("POST", "/jobs/lock", {"types": ["LUNCH"], **WORKER}).problem[0] == 400
