"""What the answer to a message tells of who gets it."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import Config
from tests.http.dump import dump
from tests.http.models import MESSAGE_CATCH, MESSAGE_START
from tests.http.talk import WORKER, Answer, Api, key

KEPT = {"expirationTimer": {"timeDuration": "PT1H"}}
TOLD = ("result", "partition", "processInstanceId", "bpmnElementId", "bpmnProcessId", "version")


def send(api: Api, name: str = "paid", **more: Any) -> Answer:
    return api.send("POST", "/messages", {"name": name, "correlationKey": "k", **WORKER, **more})


def told(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer
    return {name: answer.body[name] for name in TOLD if name in answer.body}


def subscriber(api: Api) -> Any:
    """An instance that waits for the message."""
    api.deploy(MESSAGE_CATCH, messages=[{"bpmnElementId": "catch", "messageName": "paid"}])
    instance = api.start()
    api.work(instance=instance, completion={"messageCorrelationKey": "k"})
    return instance


def deploy_start(api: Api, version: str = "1") -> None:
    messages = [{"bpmnElementId": "start", "messageName": "paid"}]
    api.deploy(MESSAGE_START.replace('id="p"', 'id="ordered"'), version, process="ordered", messages=messages)


def test_a_message_tells_who_gets_it(api: Api):
    instance = subscriber(api)
    assert told(send(api)) == {
        "result": "DELIVERED",
        "partition": instance["partition"],
        "processInstanceId": instance["id"],
        "bpmnElementId": "catch",
    }


def test_a_message_tells_which_process_it_starts(api: Api):
    deploy_start(api)
    deploy_start(api, "2")
    assert told(send(api)) == {"result": "STARTING", "bpmnProcessId": "ordered", "version": "2"}


def test_who_waits_comes_before_who_would_be_started(api: Api):
    deploy_start(api)
    subscriber(api)
    assert [send(api).body["result"] for _ in range(2)] == ["DELIVERED", "STARTING"]


def test_a_message_that_nobody_waits_for_is_buffered_or_discarded(api: Api):
    assert told(send(api)) == {"result": "DISCARDED"}
    assert told(send(api, expirationTimer={"time": "2020-01-01T00:00:00Z"})) == {"result": "DISCARDED"}
    assert told(send(api, **KEPT)) == {"result": "BUFFERED"}


def test_a_repetition_by_unique_key_is_told_as_such(api: Api):
    first = send(api, uniqueKey="u", **KEPT).body
    again = send(api, uniqueKey="u", requireReceiver=True)
    assert told(again) == {"result": "DUPLICATE"}
    assert again.body["id"] == first["id"]


def test_what_was_told_is_not_kept(api: Api):
    subscriber(api)
    send(api)
    (message,) = api.query("messages")
    assert not message.keys() & set(TOLD)


@pytest.mark.parametrize("more", [{}, KEPT, {"uniqueKey": "u"}])
def test_a_message_that_needs_a_receiver_is_refused_without_one(api: Api, config: Config, more):
    before = dump(config.database_url)
    assert send(api, requireReceiver=True, **more).problem == (
        404,
        "NOT_FOUND",
        "failed to send message",
        "a receiver of message paid with correlation key k could not be found",
    )
    assert dump(config.database_url) == before
    # Nor is its unique key taken.
    assert send(api, **more).body["result"] in ("BUFFERED", "DISCARDED")


def test_a_message_that_needs_a_receiver_is_sent_where_there_is_one(api: Api):
    subscriber(api)
    deploy_start(api)
    assert [send(api, requireReceiver=True).body["result"] for _ in range(2)] == ["DELIVERED", "STARTING"]
    api.execute_tasks(type="TRIGGER_EVENT")
    assert [instance["bpmnProcessId"] for instance in api.query("process-instances")] == ["p", "ordered"]


def test_a_receiver_that_has_ended_is_none(api: Api):
    instance = subscriber(api)
    api.patch(f"/process-instances/{key(instance)}/cancel", **WORKER)
    assert send(api, requireReceiver=True).status == 404
