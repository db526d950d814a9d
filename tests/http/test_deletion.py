"""A process version without instances can be deleted; the one before it takes its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.models import SERVICE, model
from tests.http.talk import WORKER, Api, key

STARTS = model(
    '<startEvent id="start"/><serviceTask id="work"/>'
    '<startEvent id="sent"><messageEventDefinition messageRef="m"/></startEvent>'
    '<startEvent id="rung"><signalEventDefinition signalRef="s"/></startEvent>'
    '<startEvent id="tick"><timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition></startEvent>'
    '<startEvent id="once"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition></startEvent>',
    "start -> work",
    "sent -> work",
    "rung -> work",
    "tick -> work",
    "once -> work",
    head='<message id="m" name="ordered"/><signal id="s" name="alarm"/>',
)


def delete(api: Api, process: Any) -> int:
    return api.send("DELETE", f"/processes/{process['id']}?workerId=w").status


def versions(api: Api) -> list[str]:
    return [process["version"] for process in api.query("processes")]


def suspended(api: Api, process: Any) -> dict[str, bool]:
    found = api.query("elements", processId=process["id"])
    return {each["bpmnElementId"]: each["eventDefinition"]["suspended"] for each in found if "eventDefinition" in each}


def open_timers(api: Api, process: Any) -> list[str]:
    tasks = api.query("tasks", processId=process["id"], type="TRIGGER_EVENT")
    return sorted(task["bpmnElementId"] for task in tasks if "completedAt" not in task)


def test_a_version_goes_with_all_that_belongs_to_it(api: Api):
    process = api.deploy(STARTS)
    assert open_timers(api, process) == ["once", "tick"]
    assert delete(api, process) == 204
    assert api.query("processes") == api.query("elements") == []
    assert open_timers(api, process) == []
    assert api.post("/messages", name="ordered", correlationKey="k", workerId="w")["result"] == "DISCARDED"
    assert api.post("/signals", name="alarm", workerId="w")["subscriberCount"] == 0
    for path in ("bpmn-xml", "diagram"):
        assert api.send("GET", f"/processes/{process['id']}/{path}").status == 404
    started = api.send("POST", "/process-instances", {"bpmnProcessId": "p", "version": "1", "workerId": "w"})
    assert started.problem[:2] == (404, "NOT_FOUND")
    assert delete(api, process) == 404


def test_a_version_with_instances_stays_even_if_they_have_ended(api: Api):
    process = api.deploy(SERVICE)
    first, _ = api.start(), api.start()
    path = f"/processes/{process['id']}?workerId=w"
    problem = (409, "CONFLICT", "failed to delete process")
    assert api.send("DELETE", path).problem == (*problem, f"process {process['id']} (p:1) has 2 process instances")
    api.patch(f"/process-instances/{key(first)}/cancel", workerId="w")
    assert api.send("DELETE", path).problem[3].endswith("has 2 process instances")
    assert versions(api) == ["1"]


@pytest.mark.parametrize("event", ["/messages", "/signals"])
def test_a_version_that_is_about_to_be_started_stays(api: Api, event: str):
    process = api.deploy(STARTS)
    body = {"name": "ordered", "correlationKey": "k"} if event == "/messages" else {"name": "alarm"}
    api.post(event, **body, workerId="w")
    answer = api.send("DELETE", f"/processes/{process['id']}?workerId=w")
    assert answer.problem[3] == f"process {process['id']} (p:1) is about to be started by 1 message or signal"
    assert api.execute_tasks(processId=process["id"])["completed"] == 1
    assert api.send("DELETE", f"/processes/{process['id']}?workerId=w").problem[3].endswith("has 1 process instance")


def test_the_version_before_is_the_newest_again(api: Api):
    first = api.deploy(STARTS, parallelism=1)
    second = api.deploy(STARTS.replace('id="work"', 'id="work" name="Work"'), version="2")
    assert set(suspended(api, first).values()) == {True}
    assert delete(api, second) == 204
    assert set(suspended(api, first).values()) == {False}
    assert open_timers(api, first) == ["once", "tick"]
    states = [api.start(version="")["state"] for _ in range(2)]
    assert states == ["STARTED", "QUEUED"], "its limit holds again"
    assert api.post("/messages", name="ordered", correlationKey="k", workerId="w")["result"] == "STARTING"


def test_timers_of_the_version_before_go_on_if_they_repeat(api: Api):
    first = api.deploy(STARTS)
    second = api.deploy(STARTS.replace('id="work"', 'id="work" name="Work"'), version="2")
    api.patch("/time", timeDuration="PT3H")
    api.execute_tasks(processId=first["id"])
    assert open_timers(api, first) == []
    assert delete(api, second) == 204
    assert open_timers(api, first) == ["tick"]
    assert api.query("process-instances") == []


def test_a_message_that_starts_another_process_by_now_goes_on_doing_so(api: Api):
    first = api.deploy(STARTS)
    second = api.deploy(SERVICE, version="2")
    other = api.deploy(STARTS.replace('process id="p"', 'process id="q"'), process="q")
    assert delete(api, second) == 204
    found = suspended(api, first)
    assert found.pop("sent") is True
    assert set(found.values()) == {False}
    assert set(suspended(api, other).values()) == {False}


def test_an_older_version_changes_nothing_for_the_newest(api: Api):
    first = api.deploy(STARTS)
    second = api.deploy(STARTS.replace('id="work"', 'id="work" name="Work"'), version="2")
    before = suspended(api, second)
    assert delete(api, first) == 204
    assert suspended(api, second) == before
    assert open_timers(api, second) == ["once", "tick"]
    assert versions(api) == ["2"]


def test_settings_go_with_the_last_version(api: Api):
    first, second = api.deploy(SERVICE), api.deploy(SERVICE, "2")
    for setting in ({"retentionDays": 1}, {"retentionDays": 2}):
        api.put("/process-settings/p", **setting, **WORKER)
    assert delete(api, second) == 204
    assert api.get("/process-settings/p")["retentionDays"] == 2
    assert delete(api, first) == 204
    assert api.query("process-settings") == []
    api.deploy(SERVICE)
    assert "retentionDays" not in api.get("/process-settings/p")


def test_a_version_can_be_deployed_anew(api: Api):
    first = api.deploy(SERVICE)
    api.deploy(STARTS, version="2")
    assert delete(api, first) == 204
    again = api.deploy(SERVICE.replace('id="work"', 'id="work" name="Work"'))
    assert again["id"] > first["id"]
    assert api.start()["processId"] == again["id"]


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("", "failed to validate query parameters"),
        ("?workerId=", "failed to validate query parameters"),
        ("?workerId=w&force=true", "unknown query parameter force, known are workerId, reason"),
    ],
)
def test_wrong_parameters_delete_nothing(api: Api, query: str, detail: str):
    process = api.deploy(SERVICE)
    answer = api.send("DELETE", f"/processes/{process['id']}{query}")
    assert answer.problem == (400, "HTTP_REQUEST_URI", "invalid query parameters", detail)
    assert versions(api) == ["1"]
