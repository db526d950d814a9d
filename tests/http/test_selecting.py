"""People select activities of an ad-hoc sub-process."""

from __future__ import annotations

from typing import Any

from tests.flow import SERVICE, ad_hoc, flow
from tests.http.talk import WORKER, Api, key, of

TITLE = "failed to select activities"


def visit(api: Api, instance: Any, element: str) -> Any:
    (found,) = api.query("element-instances", bpmnElementId=element, **of(instance))
    return found


def select(api: Api, visit: Any, *activities: str) -> Any:
    body = {"activities": activities, "reason": "asked for", **WORKER}
    return api.send("PATCH", f"/element-instances/{key(visit)}/activities", body)


def started(api: Api, instance: Any) -> list[str]:
    found = api.query("element-instances", active=True, **of(instance))
    return [each["bpmnElementId"] for each in found if each["state"] == "STARTED"]


def test_activities_start_beside_the_job_that_asks_for_them(api: Api):
    api.deploy(flow("s -> ah -> e", ah=ad_hoc("a; b -> c", condition="enough")))
    instance = api.start()
    (asking,) = api.query("jobs", **of(instance))
    assert (asking["type"], asking["expression"]) == ("SELECT_ACTIVITIES", "enough")
    assert select(api, visit(api, instance, "ah"), "a", "b", "a").status == 204
    assert started(api, instance) == ["p", "ah", "a", "b", "a"]
    assert {job["bpmnElementId"]: job["type"] for job in api.query("jobs", **of(instance))} == {
        "ah": "SELECT_ACTIVITIES",
        "a": "EXECUTE",
        "b": "EXECUTE",
    }
    (deed,) = [each for each in api.query("audit", **of(instance)) if each["operation"] == "selectActivities"]
    assert (deed["actor"], deed["reason"]) == ("w1", "asked for")
    assert deed["target"] == f"element instance {key(visit(api, instance, 'ah'))}"
    assert deed["detail"] == {"activities": ["a", "b", "a"]}


def test_what_is_not_enabled_is_refused_and_nothing_starts(api: Api):
    api.deploy(flow("s -> ah -> e", ah=ad_hoc("a; b -> c", sequential=True)))
    instance = api.start()
    scope = visit(api, instance, "ah")
    refused = {
        ("c",): "activity c of ah is not enabled; enabled: a, b",
        ("x",): "activity x of ah is not enabled; enabled: a, b",
        ("a", "b"): "activities of ah are performed one after the other",
    }
    for activities, detail in refused.items():
        assert select(api, scope, *activities).problem == (400, "VALIDATION", TITLE, detail)
    assert started(api, instance) == ["p", "ah"]
    assert select(api, scope).body["errors"][0]["pointer"] == "#/activities"


def test_only_an_ad_hoc_sub_process_that_is_started_takes_a_selection(api: Api):
    api.deploy(flow("s -> f -> ah, t -> e", f=SERVICE, ah=ad_hoc("a"), t=SERVICE))
    instance = api.start()
    task = visit(api, instance, "f")
    problem = (409, "CONFLICT", TITLE, "element f is no ad-hoc sub-process")
    assert select(api, task, "a").problem == problem
    api.work(instance=instance)
    assert select(api, task, "a").problem == (409, "CONFLICT", TITLE, f"element instance {key(task)} is ended")
    scope = visit(api, instance, "ah")
    api.patch(f"/process-instances/{key(instance)}/cancel", **WORKER)
    problem = (409, "CONFLICT", TITLE, f"process instance {key(instance)} is ended")
    assert select(api, scope, "a").problem == problem
    unknown = {**scope, "id": 2_000_000_000}
    problem = (404, "NOT_FOUND", TITLE, f"element instance {key(unknown)} could not be found")
    assert select(api, unknown, "a").problem == problem
