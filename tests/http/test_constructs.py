"""Loops, conditions, event sub-processes and several starts as clients see them, and what clients see without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.config import Config
from app.engine.types import ExpressionMode
from app.service import open_service
from tests.conftest import application
from tests.flow import (
    EVENT_BASED,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    TASK,
    USER,
    Kind,
    boundary,
    catch,
    conditional,
    end,
    event_sub,
    exclusive,
    flow,
    loop,
    multi,
    receive,
    several,
    start,
    sub,
)
from tests.http.talk import WORKER, Api, of

NEW = {"eventDefinitions", "expression", "expressions", "loopCounter", "multiInstance"}
"""Properties that answers have where there is something to say."""
OLD_ELEMENT_TYPES = """
    BUSINESS_RULE_TASK CALL_ACTIVITY ERROR_BOUNDARY_EVENT ERROR_END_EVENT ESCALATION_BOUNDARY_EVENT
    ESCALATION_END_EVENT ESCALATION_THROW_EVENT EVENT_BASED_GATEWAY EXCLUSIVE_GATEWAY INCLUSIVE_GATEWAY
    LINK_CATCH_EVENT LINK_THROW_EVENT MANUAL_TASK MESSAGE_BOUNDARY_EVENT MESSAGE_CATCH_EVENT MESSAGE_END_EVENT
    MESSAGE_START_EVENT MESSAGE_THROW_EVENT NONE_END_EVENT NONE_START_EVENT NONE_THROW_EVENT PARALLEL_GATEWAY
    PROCESS SCRIPT_TASK SEND_TASK SERVICE_TASK SIGNAL_BOUNDARY_EVENT SIGNAL_CATCH_EVENT SIGNAL_END_EVENT
    SIGNAL_START_EVENT SIGNAL_THROW_EVENT SUB_PROCESS TASK TIMER_BOUNDARY_EVENT TIMER_CATCH_EVENT
    TIMER_START_EVENT USER_TASK
"""
OLD_JOB_TYPES = """
    CALL_PROCESS EVALUATE_EXCLUSIVE_GATEWAY EVALUATE_INCLUSIVE_GATEWAY EXECUTE PASS_VARIABLES SET_ERROR_CODE
    SET_ESCALATION_CODE SET_MESSAGE_CORRELATION_KEY SET_SIGNAL_NAME SET_TIMER SUBSCRIBE_MESSAGE SUBSCRIBE_SIGNAL
"""
OLD_MODEL = {
    "text": "s -> x -> f -> c, w, u, n -> g -> e; bt -> eb",
    "x": exclusive("f"),
    "f": Kind("inclusiveGateway", default="c"),
    "c": Kind("callActivity", ' calledElement="called"'),
    "u": USER,
    "n": sub("s2 -> t2 -> e2"),
    "g": exclusive("e"),
    "bt": boundary("w", "timer:PT1H"),
}


def old_model(process: str) -> str:
    kinds = {name: kind for name, kind in OLD_MODEL.items() if isinstance(kind, Kind)}
    return flow(str(OLD_MODEL["text"]), process=process, **kinds)


def visits(api: Api, instance: Any, element: str) -> list[Any]:
    return api.query("element-instances", bpmnElementId=element, **of(instance))


def numbers(entries: list[Any]) -> list[tuple[Any, Any]]:
    return [(entry.get("multiInstance"), entry.get("loopCounter")) for entry in entries]


def element_variables(api: Api, visit: Any) -> dict[str, str]:
    found = api.get(f"/element-instances/{visit['partition']}/{visit['id']}/variables?excludeParentVariables=true")
    return {each["name"]: each["data"]["value"] for each in found["variables"]}


def error_of(api: Api, instance: Any, **outcome: Any) -> str:
    return str(api.work(instance=instance, retryLimit=100, **outcome).get("error", ""))


def test_a_multi_instance_is_seen_as_what_its_numbered_instances_are_inside_of(api: Api):
    process = api.deploy(flow("s -> t -> e", t=multi(cardinality="= size", condition="= enough")))
    elements = api.query("elements", processId=process["id"])
    assert {each["bpmnElementId"]: each.get("multiInstance") for each in elements} == dict.fromkeys("pse") | {"t": True}
    instance = api.start()
    job = api.work(instance=instance, completion={"loopCardinality": 2})
    assert (job["type"], job["state"], job["expression"]) == ("SET_LOOP_CARDINALITY", "DONE", "= size")
    body, *inner = visits(api, instance, "t")
    assert numbers([body, *inner]) == [(True, None), (None, 1), (None, 2)]
    assert {each["parentId"] for each in inner} == {body["id"]}
    history = api.get(f"/process-instances/{instance['partition']}/{instance['id']}/history")["results"]
    told = [entry for entry in history if entry.get("bpmnElementId") == "t" and entry["kind"] == "ELEMENT_INSTANCE"]
    assert numbers(told) == [(True, None), (None, 1), (None, 2)]
    first, _ = api.post("/jobs/lock", limit=10, **WORKER, **of(instance))["jobs"]
    assert "expression" not in first
    api.complete(first)
    asked = api.work(instance=instance, completion={"conditionFulfilled": True})
    assert (asked["type"], asked["expression"]) == ("EVALUATE_COMPLETION_CONDITION", "= enough")
    assert [visit["state"] for visit in visits(api, instance, "t")] == ["COMPLETED", "COMPLETED", "TERMINATED"]


def test_a_multi_instance_may_have_no_instance_at_all(api: Api):
    api.deploy(flow("s -> t -> e", t=multi()))
    instance = api.start()
    job = api.work(instance=instance, completion={"loopCardinality": 0})
    assert (job["state"], "expression" in job) == ("DONE", False)
    assert [numbers([visit]) for visit in visits(api, instance, "t")] == [[(True, None)]]
    assert api.get(f"/process-instances/{instance['partition']}/{instance['id']}")["state"] == "COMPLETED"


def test_what_is_not_given_is_neither_zero_nor_false(api: Api):
    api.deploy(flow("s -> t -> e", t=multi()))
    api.deploy(flow("s -> t -> e", process="q", t=loop(condition="= more", test_before=True)), process="q")
    counted, asked = api.start(), api.start("q")
    for completion in ({}, {"loopCardinality": None}):
        assert error_of(api, counted, completion=completion) == "expected a loop cardinality"
    for completion in ({}, {"conditionFulfilled": None}):
        expected = "expected whether the condition is fulfilled"
        assert error_of(api, asked, completion=completion) == expected
    job = api.work(instance=asked, completion={"conditionFulfilled": False})
    assert (job["type"], job["state"], job["expression"]) == ("EVALUATE_LOOP_CONDITION", "DONE", "= more")
    assert api.get(f"/process-instances/{asked['partition']}/{asked['id']}")["state"] == "COMPLETED"


def test_the_instances_of_a_loop_are_numbered(api: Api):
    api.deploy(flow("s -> t -> e", t=loop(maximum=2)))
    instance = api.start()
    api.work(instance=instance)
    assert numbers(visits(api, instance, "t")) == [(None, None), (None, 1), (None, 2)]


def test_a_receive_task_shows_the_name_of_its_message(api: Api):
    api.deploy(flow("s -> r -> e", r=receive("paid")))
    job = api.lock(**of(api.start()))
    assert (job["type"], job["messageName"]) == ("SET_MESSAGE_CORRELATION_KEY", "paid")


HANDLED = flow("s -> t -> e; x", t=SERVICE, x=event_sub("c -> u -> ex", c=start("error:X"), u=SERVICE))


def test_the_message_of_an_error_is_known_to_who_handles_it(api: Api):
    api.deploy(HANDLED)
    instance = api.start()
    api.work(instance=instance, completion={"errorCode": "X", "errorMessage": "none is left" + "!" * 10_000})
    (handler,) = visits(api, instance, "x")
    known = element_variables(api, handler)
    assert known == {"errorCode": "X", "errorMessage": "none is left" + "!" * (10_000 - len("none is left"))}


def test_people_may_say_something_about_an_error_too(api: Api):
    api.deploy(HANDLED.replace("serviceTask", "userTask", 2))
    instance = api.start()
    (task,) = api.query("user-tasks", **of(instance))
    error = {"errorCode": "X", "errorMessage": "none is left"}
    api.patch(f"/user-tasks/{task['partition']}/{task['id']}", revision=1, **error, **WORKER)
    (handler,) = visits(api, instance, "x")
    assert element_variables(api, handler) == error


def test_the_message_of_an_error_goes_along_out_of_a_called_process(api: Api):
    api.deploy(flow("s -> t -> e", process="q"), process="q")
    calls = Kind("callActivity", ' calledElement="q"')
    api.deploy(flow("s -> c -> e; x", c=calls, x=event_sub("b -> u -> ex", b=start("error:X"), u=SERVICE)))
    instance = api.start()
    api.work(instance=instance)
    (called,) = api.query("process-instances", parentId=instance["id"])
    api.work(instance=called, completion={"errorCode": "X", "errorMessage": "none is left"})
    api.execute_tasks()
    found = visits(api, instance, "x")
    # As today, what is around a call activity catches nothing of what it calls.
    assert found == []


STARTS = flow("a -> t -> e; b -> u -> e", a=Kind("startEvent"), b=Kind("startEvent"), t=SERVICE, u=SERVICE)


def test_an_instance_begins_at_the_start_event_that_is_named(api: Api):
    api.deploy(STARTS, expressions="ENGINE")
    instance = api.start(bpmnElementId="b")
    assert api.lock(**of(instance))["bpmnElementId"] == "u"
    for named in ({}, {"bpmnElementId": "t"}):
        body = {"bpmnProcessId": "p", "version": "1", **WORKER, **named}
        status, kind, _, detail = api.send("POST", "/process-instances", body).problem
        assert (status, kind, detail) == (400, "VALIDATION", "expected one of the start events [a, b]")
    batch = api.post("/process-instances/batch", processInstances=[{"bpmnProcessId": "p", **named}], **WORKER)
    assert [result["status"] for result in batch["results"]] == [400]


def test_a_called_instance_begins_at_the_start_event_that_is_named(api: Api):
    api.deploy(STARTS, expressions="ENGINE")
    api.deploy(flow("s -> c -> e", process="q", c=Kind("callActivity", ' calledElement="p"')), process="q")
    instance = api.start("q")
    assert error_of(api, instance) == "expected one of the start events [a, b]"
    api.work(instance=instance, completion={"calledProcess": {"bpmnElementId": "b"}})
    (called,) = api.query("process-instances", parentId=instance["id"])
    assert api.lock(**of(called))["bpmnElementId"] == "u"


MODEL = flow("s -> t -> e")


def test_who_evaluates_expressions_is_that_of_the_version(api: Api):
    workers = api.deploy(MODEL)
    assert "expressions" not in workers
    engine = api.deploy(MODEL, "2", expressions="ENGINE")
    assert engine["expressions"] == "ENGINE"
    assert api.deploy(MODEL, "2") == engine
    assert api.deploy(MODEL, "1", expressions="ENGINE") == workers
    found = api.query("processes", bpmnProcessId="p")
    assert [process.get("expressions") for process in found] == [None, "ENGINE"]
    headers = {"Content-Type": "application/xml"}
    path = "/processes?workerId=w1&version=3&expressions=ENGINE"
    assert api.send("POST", path, raw=MODEL, headers=headers).body["expressions"] == "ENGINE"
    assert api.send("POST", path.replace("ENGINE", "engine"), raw=MODEL, headers=headers).status == 400


def test_an_option_says_who_evaluates_where_the_deployment_does_not(config: Config):
    service = open_service(replace(config, expressions=ExpressionMode.ENGINE))
    api = Api(application(service).test_client())
    assert api.deploy(MODEL)["expressions"] == "ENGINE"
    assert "expressions" not in api.deploy(MODEL, "2", expressions="WORKER")
    service.close()


def test_models_without_these_constructs_show_none_of_their_properties(api: Api):
    called = flow("s -> t -> e", process="called")
    answers = [api.deploy(called, process="called"), api.deploy(old_model("p"))]
    instance = api.start()
    answers.append(instance)
    answers.append(api.work(instance=instance))
    answers.append(api.work(instance=instance, completion={"inclusiveGatewayDecision": ["w", "u", "n"]}))
    for job in api.post("/jobs/lock", limit=10, **WORKER)["jobs"]:
        answers += [job, api.complete(job)]
    for resource in ("elements", "element-instances", "jobs", "process-instances", "processes", "tasks", "user-tasks"):
        answers += api.query(resource)
    for part in ("history", "waiting"):
        answers += api.get(f"/process-instances/{instance['partition']}/{instance['id']}/{part}")["results"]
    assert len(answers) > 50
    assert not {name for answer in answers for name in answer} & NEW


def test_a_client_that_knows_nothing_of_them_and_names_its_processes_sees_none_of_them(api: Api):
    api.deploy(flow("s -> t -> e", process="called"), process="called")
    old = api.deploy(old_model("old"), process="old")
    constructs: dict[str, Kind] = {
        "r": receive("paid"),
        "m": multi(cardinality="= size"),
        "l": loop(condition="= more", test_before=True),
        "k": conditional(TASK, default="a", b="x > 1"),
        "j": INCLUSIVE,
        "f": PARALLEL,
        "g": EVENT_BASED,
        "c1": catch("timer:PT1H"),
        "r2": receive("shipped"),
        "x": event_sub("h -> i -> o", h=start("escalation"), i=SERVICE, o=end("error:X")),
    }
    text = "s -> f -> r, m, l, k, g; k -> a, b; a, b -> j; g -> c1, r2; r, m, l, j, c1, r2 -> e; x"
    new = api.deploy(flow(text, process="new", e=TASK, **constructs), process="new")
    other, instance = api.start("new"), api.start("old")
    seen_jobs = []
    for _ in range(10):
        for job in api.post("/jobs/lock", limit=10, processIds=[old["id"]], **WORKER)["jobs"]:
            seen_jobs.append(api.complete(job, completion={"inclusiveGatewayDecision": ["w", "u", "n"]}))
    elements = api.query("elements", processId=old["id"])
    seen = api.query("element-instances", processId=old["id"])
    listed = api.query("jobs", bpmnProcessId="old")
    assert {each["bpmnElementType"] for each in elements + seen} <= set(OLD_ELEMENT_TYPES.split())
    assert {job["type"] for job in seen_jobs + listed} <= set(OLD_JOB_TYPES.split())
    assert {each["processInstanceId"] for each in seen + listed} == {instance["id"]}
    assert not {name for each in elements + seen + seen_jobs + listed for name in each} & NEW
    # There is something that it could have seen.
    types = {each["bpmnElementType"] for each in api.query("elements", processId=new["id"])}
    jobs = {job["type"] for job in api.query("jobs", **of(other))}
    assert types - set(OLD_ELEMENT_TYPES.split()) == {"ESCALATION_START_EVENT", "EVENT_SUB_PROCESS", "RECEIVE_TASK"}
    assert jobs - set(OLD_JOB_TYPES.split()) == {
        "EVALUATE_LOOP_CONDITION",
        "EVALUATE_OUTGOING_FLOWS",
        "SET_LOOP_CARDINALITY",
    }


def test_jobs_are_locked_by_their_types_whatever_asks_for_them(api: Api):
    kinds: dict[str, Kind] = {
        "f": PARALLEL,
        "m": multi(Kind("userTask"), condition="= enough"),
        "l": loop(Kind("manualTask"), condition="= more", test_before=True),
        "k": conditional(TASK, default="a", b="x > 1"),
        "x": event_sub("c -> ex", c=start("message:paid", interrupting=False)),
        "y": event_sub("d -> ey", d=start("timer", interrupting=False)),
    }
    inside = sub("s2 -> f -> m, l, k; k -> a, b; x; y", **kinds)
    api.deploy(flow("s -> n -> e", n=inside))
    instance = api.start()
    expected = {"SET_MESSAGE_CORRELATION_KEY": "c", "SET_TIMER": "d"}
    completions = {
        "SET_MESSAGE_CORRELATION_KEY": {"messageCorrelationKey": "k"},
        "SET_TIMER": {"timer": {"timeDuration": "PT1H"}},
    }
    for type, element in expected.items():
        job = api.lock(types=[type], **of(instance))
        assert job["bpmnElementId"] == element
        api.complete(job, completion=completions[type])
    wanted = {"EVALUATE_LOOP_CONDITION": "l", "EVALUATE_OUTGOING_FLOWS": "k", "SET_LOOP_CARDINALITY": "m"}
    found = {type: api.lock(types=[type], **of(instance))["bpmnElementId"] for type in wanted}
    assert found == wanted


@pytest.mark.parametrize("member", ["EVALUATE_COMPLEX_GATEWAY", "SELECT_ACTIVITIES"])
def test_the_new_types_can_be_asked_for(api: Api, member: str):
    assert api.query("jobs", types=[member]) == []
    assert api.post("/jobs/lock", types=[member], **WORKER)["jobs"] == []


def test_an_event_with_several_definitions_shows_all_of_them(api: Api):
    c = several("intermediateCatchEvent", "conditional:x", "timer:PT1H", "signal:A", parallel=True)
    process = api.deploy(flow("s -> c -> e", s=several("startEvent", "message:m", "signal:B"), c=c))
    found = {each["bpmnElementId"]: each for each in api.query("elements", processId=process["id"])}
    message = {"suspended": False, "messageName": "m"}
    assert found["s"]["bpmnElementType"] == "MULTIPLE_START_EVENT"
    assert found["s"]["eventDefinition"] == message
    assert found["s"]["eventDefinitions"] == [message, {"suspended": False, "signalName": "B"}]
    assert found["c"]["bpmnElementType"] == "PARALLEL_MULTIPLE_CATCH_EVENT"
    assert "eventDefinition" not in found["c"]
    assert found["c"]["eventDefinitions"] == [
        {"suspended": False},
        {"suspended": False, "timer": {"timeDuration": "PT1H"}},
        {"suspended": False, "signalName": "A"},
    ]
    assert NEW.isdisjoint(found["e"])


def test_a_request_can_not_define_an_event_with_several_definitions(api: Api):
    model = flow("s -> c -> e", c=several("intermediateCatchEvent", "signal:A", "signal:B"))
    request = {"bpmnProcessId": "p", "bpmnXml": model, "version": "1", **WORKER}
    signals = [{"bpmnElementId": "c", "signalName": "C"}]
    refused = api.send("POST", "/processes", {**request, "signals": signals}).body
    assert [each["detail"] for each in refused["errors"]] == ["element c is not a signal event"]


@pytest.mark.parametrize(
    ("part", "type", "told"),
    [
        ("message:m", "SET_MESSAGE_CORRELATION_KEY", {"messageName": "m"}),
        ("timer:${due}", "SET_TIMER", {"timer": {"type": "timeDate", "text": "${due}"}}),
    ],
)
def test_a_job_tells_of_the_definition_that_is_asked_for(api: Api, part: str, type: str, told: dict[str, Any]):
    api.deploy(flow("s -> c -> e", c=several("intermediateCatchEvent", "signal:A", part)))
    instance = api.start()
    (job,) = api.post("/jobs/lock", limit=10, **WORKER, **of(instance))["jobs"]
    assert job["type"] == type
    assert {name: job.get(name) for name in ("messageName", "signalName", "timer") if name in job} == told
