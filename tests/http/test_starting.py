"""Starting process instances: the newest version, and one instance at a time for each correlation key."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import Config
from tests.http.dump import dump
from tests.http.models import CALL, MESSAGE_START, SERVICE
from tests.http.talk import WORKER, Answer, Api, key

UNIQUE = {"uniqueCorrelationKey": True}
RETURN = {**UNIQUE, "onConflict": "RETURN"}


def start(api: Api, key: str = "k", process: str = "p", **more: Any) -> Answer:
    return api.send("POST", "/process-instances", {"bpmnProcessId": process, "correlationKey": key, **WORKER, **more})


def in_batch(api: Api, *instances: Any) -> list[Any]:
    results: list[Any] = api.post("/process-instances/batch", processInstances=list(instances), **WORKER)["results"]
    return results


def test_without_a_version_it_is_the_newest_one(api: Api):
    for version in ("2", "1"):
        api.deploy(SERVICE, version)
    assert start(api).body["version"] == "1"
    assert [each["processInstance"]["version"] for each in in_batch(api, {"bpmnProcessId": "p"})] == ["1"]


def test_a_second_instance_with_the_key_is_refused_and_the_first_one_named(api: Api):
    api.deploy(SERVICE)
    first = start(api, **UNIQUE)
    assert first.status == 201
    api.deploy(SERVICE.replace('id="work"', 'id="work" name="x"'), "2")
    for version in ({}, {"version": "1"}):
        again = start(api, **UNIQUE, **version)
        assert again.problem == (
            409,
            "CONFLICT",
            "failed to create process instance",
            f"process instance {key(first.body)} of process p has correlation key k, and has not ended",
        )
        assert again.body["existing"] == {name: first.body[name] for name in ("partition", "id")}
    assert api.query("process-instances") == [first.body]


def test_a_refused_instance_leaves_no_trace(api: Api, config: Config):
    api.deploy(SERVICE, parallelism=1)
    start(api)
    before = dump(config.database_url)
    assert start(api, **UNIQUE).status == 409
    assert start(api, **RETURN).status == 200
    assert dump(config.database_url) == before


def test_the_instance_that_is_there_is_returned_on_request(api: Api):
    api.deploy(SERVICE)
    first = start(api, **RETURN)
    again = start(api, **RETURN, tags={"ignored": "x"})
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


def test_the_key_is_free_when_the_instance_has_ended(api: Api):
    api.deploy(SERVICE)
    first = start(api, **UNIQUE).body
    assert start(api, **UNIQUE).status == 409
    api.work(instance=first)
    second = start(api, **UNIQUE)
    assert second.status == 201
    api.patch(f"/process-instances/{key(second.body)}/cancel", **WORKER)
    assert start(api, **UNIQUE).status == 201


def test_a_queued_or_suspended_instance_holds_its_key(api: Api):
    api.deploy(SERVICE, parallelism=1)
    api.deploy(SERVICE.replace('id="p"', 'id="other"'), process="other")
    running, queued = start(api, "running").body, start(api, "queued").body
    assert queued["state"] == "QUEUED"
    assert start(api, "queued", **UNIQUE).body["existing"]["id"] == queued["id"]
    api.patch(f"/process-instances/{key(running)}/suspend", **WORKER)
    assert start(api, "running", **RETURN).body["state"] == "SUSPENDED"


def test_other_keys_and_other_processes_are_not_in_the_way(api: Api):
    api.deploy(SERVICE)
    api.deploy(SERVICE.replace('id="p"', 'id="other"'), process="other")
    assert {start(api, key, process, **UNIQUE).status for key in ("k", "K", "k ") for process in ("p", "other")} == {
        201
    }
    # Who does not ask for it gets an instance in any case.
    assert start(api).status == 201
    assert start(api, **UNIQUE).status == 409


def test_called_instances_do_not_hold_a_key_and_those_of_messages_do(api: Api):
    api.deploy(SERVICE)
    api.deploy(CALL.replace('id="p"', 'id="caller"'), process="caller")
    caller = start(api, process="caller").body
    called = {"bpmnProcessId": "p", "version": "1", "correlationKey": "k"}
    api.work(instance=caller, completion={"calledProcess": called})
    assert len(api.query("process-instances", rootId=caller["id"], partition=caller["partition"])) == 2
    assert start(api, **UNIQUE).status == 201
    messages = [{"bpmnElementId": "start", "messageName": "go"}]
    api.deploy(MESSAGE_START.replace('id="p"', 'id="sent"'), process="sent", messages=messages)
    api.post("/messages", name="go", correlationKey="k", **WORKER)
    api.execute_tasks(type="TRIGGER_EVENT")
    assert start(api, process="sent", version="1", **UNIQUE).status == 409


def test_each_of_a_batch_is_unique_on_its_own(api: Api):
    api.deploy(SERVICE)
    new: dict[str, Any] = {"bpmnProcessId": "p", "correlationKey": "k"}
    results = in_batch(api, {**new, **UNIQUE}, {**new, "correlationKey": "l"}, {**new, **UNIQUE}, {**new, **RETURN})
    assert [result["status"] for result in results] == [201, 201, 409, 200]
    created = results[0]["processInstance"]
    assert results[2]["problem"]["existing"] == {name: created[name] for name in ("partition", "id")}
    assert results[3]["processInstance"] == created
    assert len(api.query("process-instances")) == 2


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (UNIQUE, ["#/correlationKey"]),
        ({"correlationKey": "k", "onConflict": "RETURN"}, ["#/uniqueCorrelationKey"]),
        ({"onConflict": "FAIL"}, ["#/uniqueCorrelationKey"]),
    ],
)
def test_what_a_unique_start_needs_is_told(client, given, missing):
    api = Api(client)
    answer = api.send("POST", "/process-instances", {"bpmnProcessId": "p", **WORKER, **given})
    assert answer.problem[:2] == (400, "HTTP_REQUEST_BODY")
    assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [(m, "required") for m in missing]


def test_an_unknown_way_to_resolve_a_conflict_is_refused(api: Api):
    answer = start(api, **UNIQUE, onConflict="REPLACE")
    assert answer.problem[3] == "failed to unmarshal JSON: invalid conflict resolution REPLACE"
