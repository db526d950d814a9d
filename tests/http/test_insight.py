"""What an instance waits for, what has happened in it, and where the instances of a query wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from tests.http.models import CALL, MESSAGE_START, SERVICE, model
from tests.http.talk import WORKER, Api, key, of

EVERYTHING = model(
    '<startEvent id="start"/><parallelGateway id="fork"/>'
    '<serviceTask id="work" name="Work it"/><serviceTask id="held"/><serviceTask id="again"/><serviceTask id="broken"/>'
    '<userTask id="human"/><parallelGateway id="join"/>'
    '<intermediateCatchEvent id="timer"><timerEventDefinition/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="message"><messageEventDefinition/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="signal"><signalEventDefinition/></intermediateCatchEvent>'
    '<eventBasedGateway id="first"/>'
    '<intermediateCatchEvent id="late"><timerEventDefinition/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="early"><signalEventDefinition/></intermediateCatchEvent>'
    '<endEvent id="end"/>',
    "start -> fork -> work -> join -> end",
    *(f"fork -> {name}" for name in ("held", "again", "broken", "human", "timer", "message", "signal", "first")),
    "first -> late",
    "first -> early",
    "human -> join",
    "fork -> join",
)
DEFINITIONS = {
    "timers": [{"bpmnElementId": name, "timer": {"timeDuration": "PT1H"}} for name in ("timer", "late")],
    "signals": [{"bpmnElementId": name, "signalName": f"{name}-name"} for name in ("signal", "early")],
    "messages": [{"bpmnElementId": "message", "messageName": "paid"}],
}


def waiting(api: Api, instance: Any, parameters: str = "") -> list[Any]:
    answer = api.get(f"/process-instances/{key(instance)}/waiting{parameters}")
    assert answer["count"] == len(answer["results"])
    results: list[Any] = answer["results"]
    return results


def history(api: Api, instance: Any, parameters: str = "") -> list[Any]:
    answer = api.get(f"/process-instances/{key(instance)}/history{parameters}")
    assert answer["count"] == len(answer["results"])
    results: list[Any] = answer["results"]
    return results


@pytest.fixture
def everything(api: Api) -> Any:
    """An instance that waits for something of nearly every kind."""
    api.deploy(EVERYTHING, **DEFINITIONS)
    instance = api.start()
    jobs = {job["bpmnElementId"]: job for job in api.post("/jobs/lock", limit=100, **of(instance), **WORKER)["jobs"]}
    api.post("/jobs/unlock", id=jobs["work"]["id"], partition=instance["partition"], **WORKER)
    api.complete(jobs["again"], error="not now", retryLimit=1, retryTimer="PT5M")
    api.complete(jobs["broken"], error="never")
    (correlated,) = [job for job in jobs.values() if job["type"] == "SET_MESSAGE_CORRELATION_KEY"]
    api.complete(correlated, completion={"messageCorrelationKey": "k1"})
    return instance


def test_each_element_instance_tells_what_would_have_it_go_on(api: Api, everything: Any):
    found = {entry["bpmnElementId"]: entry for entry in waiting(api, everything)}
    kinds = {name: entry["kind"] for name, entry in found.items()}
    assert kinds == {
        "work": "JOB",
        "held": "JOB",
        "again": "RETRY",
        "broken": "INCIDENT",
        "human": "USER_TASK",
        "join": "JOIN",
        "timer": "TIMER",
        "message": "MESSAGE",
        "signal": "SIGNAL",
        "late": "TIMER",
        "early": "SIGNAL",
    }
    (incident,) = api.query("incidents", **of(everything))
    (user_task,) = api.query("user-tasks", **of(everything))
    jobs = {job["bpmnElementId"]: job for job in api.query("jobs", **of(everything))}
    details = {
        "work": {"bpmnElementName": "Work it", "jobId": jobs["work"]["id"], "jobType": "EXECUTE", "state": "DUE"},
        "held": {"jobId": jobs["held"]["id"], "state": "LOCKED", "lockedBy": "w1"},
        "again": {"jobId": jobs["again"]["id"], "error": "not now", "retryCount": 1, "dueAt": jobs["again"]["dueAt"]},
        "broken": {"incidentId": incident["id"], "error": "never", "errorId": incident["errorId"]},
        "human": {"userTaskId": user_task["id"]},
        "join": {"missing": ["work", "human"]},
        "message": {"name": "paid", "correlationKey": "k1"},
        "signal": {"name": "signal-name"},
    }
    for name, expected in details.items():
        assert {field: found[name].get(field) for field in expected} == expected
    visits = {each["bpmnElementId"]: each for each in api.query("element-instances", **of(everything), active=True)}
    assert all(entry["elementInstanceId"] == visits[name]["id"] for name, entry in found.items())


def test_a_join_waits_for_what_has_not_arrived(api: Api, everything: Any):
    (user_task,) = api.query("user-tasks", **of(everything))
    api.patch(f"/user-tasks/{key(user_task)}", revision=1, completed=True, **WORKER)
    api.execute_tasks()
    found = [entry for entry in waiting(api, everything) if entry["kind"] == "JOIN"]
    assert [entry["missing"] for entry in found] == [["work"], ["work"]]


def test_what_is_over_is_waited_for_no_more(api: Api, everything: Any, clock: ManualClock):
    clock.advance(timedelta(hours=2))
    api.execute_tasks()
    found = {entry["bpmnElementId"]: entry for entry in waiting(api, everything)}
    assert set(found) == {"work", "held", "again", "broken", "human", "join", "message", "signal"}
    assert (found["again"]["kind"], found["again"]["state"], found["again"]["error"]) == ("JOB", "DUE", "not now")
    api.patch(f"/process-instances/{key(everything)}/cancel", **WORKER)
    assert waiting(api, everything) == []


def test_what_has_happened_is_about_to_be_worked_off(api: Api, everything: Any):
    api.post("/messages", name="paid", correlationKey="k1", **WORKER)
    (entry,) = [entry for entry in waiting(api, everything) if entry["bpmnElementId"] == "message"]
    assert (entry["kind"], entry["taskType"], entry["name"]) == ("TASK", "TRIGGER_EVENT", "paid")


def test_there_may_be_more_than_is_told(api: Api, everything: Any):
    answer = api.get(f"/process-instances/{key(everything)}/waiting?limit=4")
    assert answer["hasMore"] is True
    assert answer["results"] == waiting(api, everything)[: answer["count"]]
    assert "hasMore" not in api.get(f"/process-instances/{key(everything)}/waiting?limit=100")


HOSTS = model(
    '<startEvent id="start"/><parallelGateway id="fork"/><serviceTask id="work"/>'
    '<subProcess id="sub"><startEvent id="in"/><serviceTask id="inner"/>'
    '<sequenceFlow id="i" sourceRef="in" targetRef="inner"/></subProcess>'
    '<boundaryEvent id="limit" attachedToRef="work"><timerEventDefinition/></boundaryEvent>'
    '<boundaryEvent id="stop" attachedToRef="work"><signalEventDefinition/></boundaryEvent>'
    '<boundaryEvent id="outer" attachedToRef="sub"><signalEventDefinition/></boundaryEvent>'
    '<boundaryEvent id="ask" attachedToRef="sub"><messageEventDefinition/></boundaryEvent>'
    '<endEvent id="end"/>',
    "start -> fork -> work",
    "fork -> sub",
    *(f"{event} -> end" for event in ("limit", "stop", "outer", "ask")),
)


def test_boundary_events_are_told_with_what_they_are_attached_to(api: Api):
    api.deploy(
        HOSTS,
        timers=[{"bpmnElementId": "limit", "timer": {"timeDuration": "PT1H"}}],
        signals=[{"bpmnElementId": name, "signalName": name} for name in ("stop", "outer")],
    )
    instance = api.start()
    found = {entry["bpmnElementId"]: entry for entry in waiting(api, instance)}
    assert {name: entry["kind"] for name, entry in found.items()} == {"work": "JOB", "outer": "SIGNAL", "ask": "JOB"}
    assert [(event["bpmnElementId"], event["kind"]) for event in found["work"]["also"]] == [
        ("limit", "TIMER"),
        ("stop", "SIGNAL"),
    ]
    assert found["ask"]["jobType"] == "SUBSCRIBE_MESSAGE"


def test_a_suspended_instance_waits_to_be_resumed(api: Api):
    api.deploy(model('<startEvent id="start"/><serviceTask id="a"/><serviceTask id="b"/>', "start -> a -> b"))
    instance = api.start()
    job = api.lock()
    api.patch(f"/process-instances/{key(instance)}/suspend", **WORKER)
    found = [(entry["bpmnElementId"], entry["kind"]) for entry in waiting(api, instance)]
    assert found == [("p", "SUSPENDED"), ("a", "JOB")]
    api.complete(job)
    found = [(entry["bpmnElementId"], entry["kind"]) for entry in waiting(api, instance)]
    assert found == [("p", "SUSPENDED"), ("b", "SUSPENDED")]


def test_a_queued_instance_knows_its_position(api: Api):
    api.deploy(SERVICE, parallelism=1)
    instances = [api.start() for _ in range(3)]
    assert [(entry["kind"], entry.get("position")) for entry in waiting(api, instances[2])] == [("QUEUED", 2)]
    assert [(entry["kind"], entry.get("position")) for entry in waiting(api, instances[1])] == [("QUEUED", 1)]
    api.work(instance=instances[0])
    (entry,) = waiting(api, instances[1])
    assert (entry["kind"], "position" in entry) == ("QUEUED", False)


def test_the_error_of_a_job_is_not_told_of_the_next_one_of_its_element(api: Api):
    api.deploy(SERVICE)
    api.deploy(CALL.replace('process id="p"', 'process id="caller"'), process="caller")
    caller = api.start("caller")
    api.work(instance=caller, error="not now", retryLimit=1)
    (entry,) = waiting(api, caller)
    assert (entry["jobType"], entry["error"]) == ("CALL_PROCESS", "not now")
    api.work(instance=caller, completion={"calledProcess": {"bpmnProcessId": "p", "version": "1"}})
    (called,) = api.query("process-instances", parentId=caller["id"], partition=caller["partition"])
    api.work(instance=called)
    (entry,) = waiting(api, caller)
    assert (entry["jobType"], entry.get("error")) == ("PASS_VARIABLES", None)


def test_a_call_activity_waits_for_what_it_has_called(api: Api):
    api.deploy(SERVICE)
    api.deploy(CALL.replace('process id="p"', 'process id="caller"'), process="caller")
    caller = api.start("caller")
    api.work(instance=caller, completion={"calledProcess": {"bpmnProcessId": "p", "version": "1"}})
    (called,) = api.query("process-instances", parentId=caller["id"], partition=caller["partition"])
    (entry,) = waiting(api, caller)
    assert (entry["kind"], entry["partition"], entry["processInstanceId"]) == (
        "CALLED_INSTANCE",
        called["partition"],
        called["id"],
    )
    assert [entry["kind"] for entry in waiting(api, called)] == ["JOB"]
    api.patch(f"/process-instances/{key(called)}/cancel", **WORKER)
    assert waiting(api, caller) == [entry], "nobody goes on for it"


def test_a_history_tells_what_has_happened_in_its_order(api: Api, everything: Any, clock: ManualClock):
    clock.advance(timedelta(minutes=1))
    api.post("/messages", name="paid", correlationKey="k1", **WORKER)
    api.post("/signals", name="signal-name", workerId="sender")
    api.execute_tasks()
    clock.advance(timedelta(hours=1))
    api.execute_tasks()
    (incident,) = api.query("incidents", **of(everything))
    api.patch(f"/incidents/{key(incident)}/resolve", workerId="op")
    found = history(api, everything)
    assert [entry["time"] for entry in found] == sorted(entry["time"] for entry in found)
    entered = [entry["bpmnElementId"] for entry in found if entry["kind"] == "ELEMENT_INSTANCE"]
    assert entered[:4] == ["p", "start", "fork", "work"]
    told = {(entry["kind"], entry.get("bpmnElementId")): entry for entry in found}
    assert told["JOB", "again"]["error"] == "not now"
    assert (told["JOB", "broken"]["state"], told["JOB", "broken"]["lockedBy"]) == ("CAUSED_INCIDENT", "w1")
    assert (told["INCIDENT", "broken"]["error"], told["INCIDENT", "broken"]["resolvedBy"]) == ("never", "op")
    assert (told["MESSAGE", "message"]["name"], told["MESSAGE", "message"]["createdBy"]) == ("paid", "w1")
    assert (told["SIGNAL", "signal"]["name"], told["SIGNAL", "signal"]["createdBy"]) == ("signal-name", "sender")
    assert ("TIMER", "timer") in told
    assert told["USER_TASK", "human"]["state"] == "STARTED"
    assert ("JOB", "work") not in told, "it is not done yet"
    assert ("TASK", "join") not in told, "it went well"
    ended = told["ELEMENT_INSTANCE", "start"]
    assert (ended["state"], ended["endedAt"], ended["prevBpmnElementId"] if "prevId" in ended else None) == (
        "COMPLETED",
        everything["createdAt"],
        None,
    )
    assert told["ELEMENT_INSTANCE", "work"]["prevBpmnElementId"] == "fork"


def test_a_history_tells_what_operators_have_done(api: Api, everything: Any):
    path = f"/process-instances/{key(everything)}"
    api.patch(f"{path}/suspend", workerId="op", reason="look first")
    api.patch(f"{path}/resume", workerId="op")
    (incident,) = api.query("incidents", **of(everything))
    api.patch(f"/incidents/{key(incident)}/resolve", workerId="op")
    api.patch(f"/process-instances/{key(api.start())}/cancel", workerId="other")
    actions = [entry for entry in history(api, everything) if entry["kind"] == "ACTION"]
    assert [(entry["operation"], entry["actor"], entry.get("reason")) for entry in actions] == [
        ("suspendProcessInstance", "op", "look first"),
        ("resumeProcessInstance", "op", None),
        ("resolveIncident", "op", None),
    ]
    page = api.get(f"{path}/history?order=-time&limit=2")
    assert page["results"] == actions[:0:-1]
    assert api.get(f"{path}/history?limit=1&cursor={page['nextCursor']}")["results"] == actions[:1]


@pytest.mark.parametrize("order", ["time", "-time"])
def test_pages_of_a_history_have_everything_once(api: Api, everything: Any, order: str):
    expected = history(api, everything, f"?order={order}")
    assert expected == history(api, everything)[:: -1 if order == "-time" else 1]
    path = f"/process-instances/{key(everything)}/history"
    page = api.get(f"{path}?order={order}&limit=3")
    found = page["results"]
    while "nextCursor" in page:
        page = api.get(f"{path}?limit=3&cursor={page['nextCursor']}")
        found += page["results"]
    assert found == expected


def test_an_instance_that_a_message_started_tells_which(api: Api):
    api.deploy(MESSAGE_START, messages=[{"bpmnElementId": "start", "messageName": "ordered"}])
    message = api.post("/messages", name="ordered", correlationKey="k", **WORKER)
    api.execute_tasks()
    (instance,) = api.query("process-instances")
    first = history(api, instance)[0]
    assert (first["kind"], first["messageId"], first["name"]) == ("MESSAGE", message["id"], "ordered")


@pytest.mark.parametrize("what", ["waiting", "history"])
def test_an_unknown_instance_has_neither(api: Api, what: str):
    assert api.send("GET", f"/process-instances/2026-11-23/2000000000/{what}").problem == (
        404,
        "NOT_FOUND",
        "failed to get process instance",
        "process instance 2026-11-23/2000000000 could not be found",
    )
    assert api.send("GET", f"/process-instances/2020-01-01/1/{what}").status == 404


def test_pages_that_a_history_does_not_have_are_refused(api: Api, everything: Any):
    path = f"/process-instances/{key(everything)}/history"
    other = api.start()
    cursor = api.get(f"{path}?limit=1")["nextCursor"]
    assert api.send("GET", f"{path}?order=id").problem[:2] == (400, "VALIDATION")
    assert api.send("GET", f"{path}?cursor=x").problem[:2] == (400, "QUERY")
    assert api.send("GET", f"{path}?cursor={cursor}&order=-time").problem[:2] == (400, "QUERY")
    for unknown in ("offset=1", "total=true"):
        assert api.send("GET", f"{path}?{unknown}").problem[0] == 400
    assert api.send("GET", f"/process-instances/{key(other)}/history?cursor={cursor}").problem[:2] == (400, "QUERY")


def test_a_query_tells_where_its_instances_wait(api: Api, everything: Any):
    api.deploy(SERVICE, "3")
    api.start(version="3")
    api.deploy(SERVICE, "2")
    api.work(instance=api.start(version="2"))
    found = api.post("/process-instances/query?waiting=true")["results"]
    assert [(each.get("incidentCount"), each.get("waitingAt")) for each in found] == [
        (1, ["again", "broken", "early", "held", "human", "join", "late", "message", "signal", "timer"]),
        (None, ["work"]),
        (None, None),
    ]
    plain = api.query("process-instances")
    assert [{**each, "incidentCount": None, "waitingAt": None} for each in plain] == [
        {**each, "incidentCount": None, "waitingAt": None} for each in found
    ]
    page = api.post("/process-instances/query?waiting=true&order=-id&limit=1&total=true")
    assert (page["results"], page["total"], "nextCursor" in page) == (found[2:], 3, True)
    assert api.post("/process-instances/query?waiting=true", bpmnProcessId="nothing") == {"count": 0, "results": []}
