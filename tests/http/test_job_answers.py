"""What a job tells its worker: of its element, and the variables that were asked for."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from app.config import Config
from app.service import Service, open_service
from tests.conftest import application
from tests.http.models import model
from tests.http.talk import WORKER, Api, key

SAID = (
    "bpmnElementName",
    "calledElement",
    "decisions",
    "errorName",
    "escalationName",
    "messageName",
    "signalName",
    "taskType",
    "timer",
)
HEAD = (
    '<message id="m" name="paid"/><signal id="s" name="alarm"/><error id="x" name="broken"/>'
    '<escalation id="y" name="late"/>'
)
ZEEBE = 'xmlns:z="http://camunda.org/schema/zeebe/1.0"'
CAMUNDA = 'xmlns:c="http://camunda.org/schema/1.0/bpmn"'
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "a task of one tool": (
        f'<serviceTask id="at" name="Pay" {ZEEBE}><extensionElements><z:taskDefinition type="charge"/>'
        "</extensionElements></serviceTask>",
        {"bpmnElementName": "Pay", "taskType": "charge"},
    ),
    "a task of another one": (
        f'<sendTask id="at" {CAMUNDA} c:type="external" c:topic="letters"/>',
        {"taskType": "letters"},
    ),
    "a task that says nothing": ('<scriptTask id="at"/>', {}),
    "a call activity": (
        '<callActivity id="at" name="Ship" calledElement="s:1"/>',
        {"bpmnElementName": "Ship", "calledElement": "s:1"},
    ),
    "a message that is caught": (
        '<intermediateCatchEvent id="at"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
        {"messageName": "paid"},
    ),
    "a message that is thrown": (
        f'<intermediateThrowEvent id="at"><messageEventDefinition messageRef="m" {CAMUNDA} c:topic="mail"/>'
        "</intermediateThrowEvent>",
        {"messageName": "paid", "taskType": "mail"},
    ),
    "a receive task": ('<receiveTask id="at" messageRef="m"/>', {"messageName": "paid"}),
    "a timer that is no literal": (
        '<intermediateCatchEvent id="at"><timerEventDefinition><timeDuration>= wait</timeDuration>'
        "</timerEventDefinition></intermediateCatchEvent>",
        {"timer": {"type": "timeDuration", "text": "= wait"}},
    ),
}
CHOICE = model(
    '<startEvent id="start"/><exclusiveGateway id="at" name="In stock?" default="at-reorder"/>'
    '<endEvent id="ship" name="Ship"/><endEvent id="reorder"/>',
    "start -> at -> ship",
    "at -> reorder",
).replace(
    '<sequenceFlow id="at-ship" sourceRef="at" targetRef="ship"/>',
    '<sequenceFlow id="at-ship" name="yes" sourceRef="at" targetRef="ship">'
    "<conditionExpression> stock &gt; 0 </conditionExpression></sequenceFlow>",
)
DECISIONS = [
    {"flowId": "at-ship", "name": "yes", "target": "ship", "targetName": "Ship", "condition": "stock > 0"},
    {"flowId": "at-reorder", "target": "reorder", "default": True},
]
NESTED = model(
    '<startEvent id="start"/><subProcess id="sub"><startEvent id="begin"/><serviceTask id="work"/>'
    '<sequenceFlow id="inside" sourceRef="begin" targetRef="work"/></subProcess>',
    "start -> sub",
)


def said(job: Any) -> dict[str, Any]:
    return {name: job[name] for name in SAID if name in job}


@pytest.mark.parametrize("name", SHOWN)
def test_a_job_shows_what_the_file_says_of_its_element(api: Api, name: str):
    element, expected = SHOWN[name]
    api.deploy(model(f'<startEvent id="start"/>{element}<endEvent id="end"/>', "start -> at -> end", head=HEAD))
    api.start()
    assert said(api.lock()) == expected
    (queried,) = api.query("jobs")
    assert said(queried) == expected
    answer = api.post(
        "/jobs/complete", jobs=[{"partition": queried["partition"], "id": queried["id"], "error": "x"}], **WORKER
    )
    assert said(answer["results"][0]["job"]) == expected


def test_a_decision_job_shows_what_can_be_decided_for_and_takes_each_of_it(api: Api):
    api.deploy(CHOICE)
    for decision in ("at-ship", "ship", "at-reorder", "reorder"):
        instance = api.start()
        job = api.lock()
        assert (job["decisions"], job["bpmnElementName"]) == (DECISIONS, "In stock?")
        api.complete(job, completion={"exclusiveGatewayDecision": decision})
        (last,) = api.query(
            "element-instances",
            partition=instance["partition"],
            processInstanceId=instance["id"],
            bpmnElementId=decision.removeprefix("at-"),
        )
        assert last["state"] == "COMPLETED"


def test_a_job_about_the_flows_of_a_task_shows_those_that_can_be_decided_for(api: Api):
    task = '<serviceTask id="at" name="In stock?" default="at-reorder"/><endEvent id="log"/>'
    flows = '<sequenceFlow id="at-log" sourceRef="at" targetRef="log"/>'
    gateway = '<exclusiveGateway id="at" name="In stock?" default="at-reorder"/>'
    api.deploy(CHOICE.replace(gateway, task).replace("</process>", flows + "</process>"))
    instance = api.start()
    api.complete(api.lock())
    job = api.lock()
    assert (job["type"], job["decisions"]) == ("EVALUATE_OUTGOING_FLOWS", DECISIONS)
    api.complete(job, completion={"inclusiveGatewayDecision": ["ship"]})
    found = api.query("element-instances", partition=instance["partition"], processInstanceId=instance["id"])
    assert {each["bpmnElementId"]: each["state"] for each in found} == dict.fromkeys(
        ("p", "start", "at", "ship", "log"), "COMPLETED"
    )


def text(name: str, value: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "data": {"encoding": "text", "value": value, **more}}


@pytest.fixture
def nested(api: Api) -> Any:
    """The job of a task in a sub-process, with variables of each scope."""
    api.deploy(NESTED)
    instance = api.start(variables=[text("a", "outer"), text("b", "outer"), text("secret", "s", encrypted=True)])
    visits = {each["bpmnElementId"]: each for each in api.query("element-instances")}
    api.put(
        f"/element-instances/{key(visits['sub'])}/variables",
        variables=[text("a", "middle"), text("c", "middle")],
        **WORKER,
    )
    api.put(f"/element-instances/{key(visits['work'])}/variables", variables=[text("c", "inner")], **WORKER)
    return instance


def values(job: Any) -> list[tuple[Any, ...]]:
    return [(each.get("bpmnElementId"), each["name"], each["data"]["value"]) for each in job["variables"]]


def test_a_job_comes_with_the_variables_it_sees_the_innermost_first(api: Api, nested: Any):
    job = api.lock(allVariables=True)
    assert values(job) == [
        ("work", "c", "inner"),
        ("sub", "a", "middle"),
        (None, "b", "outer"),
        (None, "secret", "s"),
    ]
    assert "variables" not in api.query("jobs")[0]


def test_a_job_comes_with_the_variables_that_are_named(api: Api, nested: Any):
    assert values(api.lock(variables=["a", "nothing"])) == [("sub", "a", "middle")]
    assert "variables" not in api.query("jobs")[0]


def test_each_of_several_jobs_comes_with_its_own(api: Api, nested: Any):
    api.start(variables=[text("b", "other")])
    answer = api.post("/jobs/lock", limit=10, variables=["b"], **WORKER)
    assert [values(job) for job in answer["jobs"]] == [[(None, "b", "outer")], [(None, "b", "other")]]


def test_any_number_of_jobs_comes_with_variables(api: Api):
    api.deploy(model('<startEvent id="start"/><serviceTask id="at"/><endEvent id="end"/>', "start -> at -> end"))
    started = [api.start(variables=[text("v", str(number))])["id"] for number in range(60)]
    jobs = api.post("/jobs/lock", limit=55, variables=["v"], lockTimeout="PT1M", **WORKER)["jobs"]
    assert [job["processInstanceId"] for job in jobs] == started[:55]
    assert [values(job) for job in jobs] == [[(None, "v", str(number))] for number in range(55)]
    assert {job["lockVersion"] for job in jobs} == {1}
    assert len(api.post("/jobs/lock", limit=55, variables=["v"], **WORKER)["jobs"]) == 5


def test_jobs_with_too_many_variables_for_one_answer_are_left_to_the_next(api: Api):
    api.deploy(model('<startEvent id="start"/><serviceTask id="at"/><endEvent id="end"/>', "start -> at -> end"))
    started = [api.start(variables=[text("v", "x" * 1_000_000)])["id"] for _ in range(18)]
    found: list[list[int]] = []
    while jobs := api.post("/jobs/lock", limit=1000, variables=["v"], **WORKER)["jobs"]:
        assert all(len(job["variables"][0]["data"]["value"]) == 1_000_000 for job in jobs)
        found.append([job["processInstanceId"] for job in jobs])
    assert found == [started[:16], started[16:]]
    assert {job["retryCount"] for job in api.query("jobs")} == {0}


def test_a_value_without_its_key_does_not_keep_the_job_from_its_worker(config: Config, api: Api, nested: Any):
    other = open_service(replace(config, encryption_keys=(base64.b64encode(bytes(31) + b"x").decode(),)))
    try:
        job = Api(application(other).test_client()).lock(variables=["b", "secret"])
    finally:
        other.close()
    known, unknown = job["variables"]
    assert known["data"]["value"] == "outer"
    assert set(unknown) == {"name", "error"} and unknown["error"].startswith("can't be decrypted")


def test_what_the_file_says_is_left_out_when_it_can_not_be_read_and_the_jobs_are_not_lost(
    service: Service, api: Api, nested: Any, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: Any) -> Any:
        raise OSError("away")

    monkeypatch.setattr(service._store, "load_graph", broken)
    monkeypatch.setattr(service._store._graphs, "find", lambda _: None)
    assert api.lock()["bpmnElementId"] == "work"
