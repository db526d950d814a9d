"""Requests that wait, as clients see them; the test client waits in its thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.context import EXTENSION
from app.commands.instance import CancelProcessInstance
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.engine.records import ProcessInstance
from app.errors import unavailable
from app.service import Service, open_service
from tests.conftest import application
from tests.store import play

PATIENCE = 30.0


@pytest.fixture
def service(config: Config) -> Iterator[Service]:
    """A service by the time of the machine."""
    service = open_service(replace(config, long_poll_max=PATIENCE, http_threads=2))
    play.deploy(service)
    yield service
    service.close()


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return application(service).test_client()


class Asking:
    """A request in a thread of its own."""

    def __init__(self, service: Service, path: str, body: dict[str, Any], credential: str = "") -> None:
        self._app = application(service)
        assert self._app.extensions[EXTENSION] is service
        self._answer: Any = None
        self._thread = threading.Thread(target=self._ask, args=(path, body, credential))
        self._thread.start()

    def _ask(self, path: str, body: dict[str, Any], credential: str) -> None:
        self._answer = post(self._app.test_client(), path, body, credential)

    @property
    def answer(self) -> Any:
        self._thread.join(PATIENCE)
        assert self._answer is not None, "it is not answered"
        return self._answer


def post(client: FlaskClient, path: str, body: dict[str, Any], credential: str = "") -> Any:
    who: dict[str, Any] = {"headers": {"Authorization": credential}} if credential else {"auth": ("test", "test")}
    return client.post(path, json={"workerId": "w", **body}, **who)


def until_waiting(service: Service) -> None:
    """Until a request waits, or has looked at least."""
    deadline = time.monotonic() + PATIENCE
    while not service.waiting.count:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


def test_jobs_are_locked_as_soon_as_there_are_some(service: Service):
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H", "limit": 5})
    until_waiting(service)
    instance = play.start(service)
    (job,) = asking.answer.json["jobs"]
    assert (job["processInstanceId"], job["lockedBy"]) == (instance.id, "w")
    assert service.waiting.count == 0


CHARGE = play.model(
    "start -> a -> end",
    body='<serviceTask id="a"><extensionElements><z:taskDefinition xmlns:z="http://camunda.org/schema/zeebe/1.0" '
    'type="charge"/></extensionElements></serviceTask>',
)


def test_who_names_the_jobs_it_can_do_waits_for_these(service: Service):
    process = play.deploy(service, CHARGE, version="2")
    named = {
        "types": ["EXECUTE"],
        "bpmnElementIds": ["a", "other"],
        "bpmnProcessIds": ["p"],
        "processIds": [process.id, process.id + 1],
        "taskTypes": ["charge"],
    }
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H", **named})
    until_waiting(service)
    play.start(service)
    wanted = play.start(service, version="2")
    (job,) = asking.answer.json["jobs"]
    assert job["processInstanceId"] == wanted.id


def test_a_job_is_not_lost_on_a_credential_that_is_bound_to_other_processes(
    config: Config, monkeypatch: pytest.MonkeyPatch
):
    # Nobody looks without being woken.
    monkeypatch.setattr("app.waker.LOOK_SECONDS", 100 * PATIENCE)
    monkeypatch.setattr("app.waker.BLIND_SECONDS", 100 * PATIENCE)
    service = open_service(replace(config, long_poll_max=PATIENCE, http_threads=4))
    looks, look = threading.Semaphore(0), service.lock_jobs

    def counted(*command: Any) -> Any:
        found = look(*command)
        looks.release()
        return found

    monkeypatch.setattr(service, "lock_jobs", counted)
    play.deploy(service)
    bound = service.keys.create("bound", bpmn_process_ids=("other",))
    elsewhere = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H"}, bound)
    assert looks.acquire(timeout=PATIENCE)
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H"})
    assert looks.acquire(timeout=PATIENCE)
    play.start(service)
    assert asking.answer.json["count"] == 1
    service.waiting.drain()
    assert elsewhere.answer.json["count"] == 0
    service.close()


def test_what_is_there_is_locked_without_waiting(service: Service, client: FlaskClient):
    play.start(service)
    assert post(client, "/jobs/lock", {"waitTimeout": "PT1H"}).json["count"] == 1
    assert service.waiting.count == 0


def test_the_list_is_empty_after_the_time_and_no_time_is_longer_than_the_longest(service: Service, client: FlaskClient):
    service.config = replace(service.config, long_poll_max=0.5)
    answer = post(client, "/jobs/lock", {"waitTimeout": "P9999Y"})
    assert (answer.status_code, answer.json) == (200, {"count": 0, "jobs": []})
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("timeout", ["", "PT0S"])
def test_without_a_time_nobody_waits(service: Service, client: FlaskClient, timeout: str):
    assert post(client, "/jobs/lock", {"waitTimeout": timeout}).json["jobs"] == []
    assert not service._waker.listens


def test_half_of_the_threads_wait_and_other_requests_are_told_to_come_again(service: Service, client: FlaskClient):
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H"})
    until_waiting(service)
    early = post(client, "/jobs/lock", {"waitTimeout": "PT1H"})
    assert (early.json["jobs"], early.headers["Retry-After"]) == ([], "1")
    play.start(service)
    assert asking.answer.json["count"] == 1
    play.start(service)
    assert "Retry-After" not in post(client, "/jobs/lock", {}).headers


def test_who_completes_jobs_waits_for_the_next_ones(service: Service):
    play.start(service)
    (job,) = play.lock(service, worker="w")
    done = [{"partition": job.partition.isoformat(), "id": job.id}]
    asking = Asking(service, "/jobs/complete", {"jobs": done, "lockNext": {"waitTimeout": "PT1H"}})
    until_waiting(service)
    play.start(service)
    answer = asking.answer.json
    assert [result["status"] for result in answer["results"]] == [200]
    assert [each["state"] for each in answer["jobs"]] == ["LOCKED"]


def test_a_time_that_is_none_is_refused(client: FlaskClient):
    answer = post(client, "/jobs/lock", {"waitTimeout": "20s"})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (400, "#/waitTimeout")


def test_a_job_that_is_created_between_the_look_and_the_wait_is_not_missed(
    service: Service, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    execute = service.execute
    looks: list[int] = []

    def look(command: Any) -> Any:
        found = execute(command)
        looks.append(len(found))
        if len(looks) == 1:
            monkeypatch.setattr(service, "execute", execute)
            play.start(service)
            monkeypatch.setattr(service, "execute", look)
        return found

    monkeypatch.setattr(service, "execute", look)
    assert post(client, "/jobs/lock", {"waitTimeout": "PT1H"}).json["count"] == 1
    assert looks == [0, 1]


def test_a_look_that_breaks_ends_the_wait(service: Service, monkeypatch: pytest.MonkeyPatch):
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H"})
    until_waiting(service)

    def broken(command: Any) -> Any:
        raise ValueError(command)

    monkeypatch.setattr(service, "execute", broken)
    service.waiting.look()
    assert asking.answer.status_code == 500
    assert service.waiting.count == 0


STARTED = {"bpmnProcessId": "p", "version": "1"}


def get(client: FlaskClient, instance: dict[str, Any], query: str = "") -> Any:
    return client.get(f"/process-instances/{instance['partition']}/{instance['id']}{query}", auth=("test", "test"))


def only_instance(service: Service) -> ProcessInstance:
    """The one that a request has started that waits."""
    until_waiting(service)
    (instance,) = service.query(ProcessInstanceCriteria())
    assert isinstance(instance, ProcessInstance)
    return instance


def finish(service: Service, instance: ProcessInstance, **variables: str) -> None:
    for job in play.lock_of(service, instance):
        play.complete(service, job, process_variables=play.variables(**variables))


def test_the_end_of_a_new_instance_is_answered_with_its_variables(service: Service):
    wanted = ["b", "a", "missing"]
    asking = Asking(service, "/process-instances", {**STARTED, "waitTimeout": "PT1H", "returnVariables": wanted})
    finish(service, only_instance(service), a="1", b="2", c="3")
    answer = asking.answer
    assert (answer.status_code, answer.json["state"]) == (201, "COMPLETED")
    assert [(each["name"], each["data"]["value"]) for each in answer.json["variables"]] == [("a", "1"), ("b", "2")]


def test_an_instance_that_ends_otherwise_is_answered_at_once_as_well(service: Service):
    asking = Asking(service, "/process-instances", {**STARTED, "waitTimeout": "PT1H"})
    instance = only_instance(service)
    service.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id="w"))
    answer = asking.answer
    assert (answer.status_code, answer.json["state"]) == (201, "CANCELED")
    assert "variables" not in answer.json


def test_an_instance_that_goes_on_is_answered_as_it_is_and_can_be_waited_for_again(
    service: Service, client: FlaskClient
):
    answer = post(client, "/process-instances", {**STARTED, "waitTimeout": "PT1S", "returnVariables": ["a"]})
    assert (answer.status_code, answer.json["state"]) == (202, "STARTED")
    assert not {"variables", "Retry-After"} & {*answer.json, *answer.headers.keys()}
    assert get(client, answer.json).json == answer.json
    assert get(client, answer.json, "?waitTimeout=PT1S").json == answer.json
    (instance,) = service.query(ProcessInstanceCriteria())
    finish(service, instance)
    ended = get(client, answer.json, "?waitTimeout=PT1H")
    assert (ended.status_code, ended.json["state"]) == (200, "COMPLETED")


def test_an_instance_that_is_there_already_is_waited_for_like_a_new_one(service: Service, client: FlaskClient):
    unique = {**STARTED, "correlationKey": "k", "uniqueCorrelationKey": True, "onConflict": "RETURN"}
    first = post(client, "/process-instances", unique).json
    asking = Asking(service, "/process-instances", {**unique, "waitTimeout": "PT1H"})
    finish(service, only_instance(service))
    answer = asking.answer
    assert (answer.status_code, answer.json["state"], answer.json["id"]) == (200, "COMPLETED", first["id"])


def test_a_new_instance_is_answered_even_where_it_can_not_be_looked_at(
    service: Service, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    def away(*_: Any) -> Any:
        raise unavailable("the database can't be reached")

    monkeypatch.setattr(service, "see_instance", away)
    answer = post(client, "/process-instances", {**STARTED, "waitTimeout": "PT1S"})
    assert (answer.status_code, answer.json["state"]) == (202, "STARTED")


def test_a_new_instance_is_answered_at_once_where_too_many_wait_already(service: Service, client: FlaskClient):
    asking = Asking(service, "/jobs/lock", {"waitTimeout": "PT1H", "processIds": [2_000_000_000]})
    until_waiting(service)
    answer = post(client, "/process-instances", {**STARTED, "waitTimeout": "PT1H"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    service.waiting.drain()
    assert asking.answer.json["count"] == 0


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("2026-11-23/2000000000", 404, "process instance 2026-11-23/2000000000 could not be found"),
        ("2026-11-23/2000000000?waitTimeout=PT1H", 404, "process instance 2026-11-23/2000000000 could not be found"),
        ("2026-11-23/2000000000?waitTimeout=1h", 400, "is not an ISO 8601 duration"),
    ],
)
def test_an_instance_that_does_not_exist_is_not_waited_for(client: FlaskClient, path: str, status: int, detail: str):
    answer = client.get(f"/process-instances/{path}", auth=("test", "test"))
    assert answer.status_code == status
    assert detail in answer.json["detail"]


def deliver(service: Service) -> None:
    """Runs what is due, once somebody waits for it."""
    until_waiting(service)
    play.run_events(service)


def message(service: Service, key: str = "k", **options: Any) -> Asking:
    return Asking(service, "/messages", {"name": "paid", "correlationKey": key, "waitTimeout": "PT1H", **options})


def test_a_message_is_answered_once_its_receiver_has_moved_on(service: Service):
    instance = play.begin(service, play.MESSAGE_CATCH)
    play.work(service, instance, message_name="paid", message_correlation_key="k")
    sending = message(service)
    deliver(service)
    answer = sending.answer.json
    assert (answer["result"], answer["delivered"]) == ("DELIVERED", True)
    assert len(play.lock_of(service, instance)) == 1


def test_a_message_that_starts_an_instance_is_answered_with_it(service: Service):
    play.deploy(service, play.MESSAGE_START, version="2")
    sending = message(service, name="ordered")
    deliver(service)
    answer = sending.answer.json
    (instance,) = service.query(ProcessInstanceCriteria())
    assert (answer["result"], answer["delivered"]) == ("STARTING", True)
    assert (answer["partition"], answer["processInstanceId"]) == (instance.partition.isoformat(), instance.id)


def test_a_message_that_nobody_gets_is_not_waited_for(service: Service):
    answer = message(service).answer.json
    assert (answer["result"], answer["delivered"]) == ("DISCARDED", False)
    unique = {"uniqueKey": "u", "expirationTimer": {"timeDuration": "PT1H"}}
    assert message(service, **unique).answer.json["result"] == "BUFFERED"
    again = message(service, **unique).answer.json
    assert again["result"] == "DUPLICATE"
    assert "delivered" not in again


def test_a_message_that_is_not_delivered_in_time_is_answered_all_the_same(service: Service, client: FlaskClient):
    instance = play.begin(service, play.MESSAGE_CATCH)
    play.work(service, instance, message_name="paid", message_correlation_key="k")
    answer = post(client, "/messages", {"name": "paid", "correlationKey": "k", "waitTimeout": "PT1S"}).json
    assert (answer["result"], answer["delivered"]) == ("DELIVERED", False)


def test_a_signal_is_answered_once_it_has_reached_all_who_wait_for_it(service: Service, client: FlaskClient):
    for each in range(2):
        model = play.SIGNAL_CATCH.replace('id="p"', f'id="p{each}"')
        play.work(service, play.begin(service, model), signal_name="alarm")
    sending = Asking(service, "/signals", {"name": "alarm", "waitTimeout": "PT1H"})
    until_waiting(service)
    play.run_events(service, limit=1)
    play.run_events(service)
    assert sending.answer.json["deliveredCount"] == 2
    unheard = post(client, "/signals", {"name": "nothing", "waitTimeout": "PT1H"}).json
    assert unheard["deliveredCount"] == 0
    assert "deliveredCount" not in post(client, "/signals", {"name": "nothing"}).json


def test_a_request_that_is_sent_again_with_its_key_waits_again(service: Service):
    key = {"Idempotency-Key": "k"}
    body = {**STARTED, "waitTimeout": "PT1S"}
    app = application(service).test_client()
    first = app.post("/process-instances", json={"workerId": "w", **body}, auth=("test", "test"), headers=key)
    assert first.status_code == 202
    (instance,) = service.query(ProcessInstanceCriteria())
    finish(service, instance)
    second = app.post("/process-instances", json={"workerId": "w", **body}, auth=("test", "test"), headers=key)
    assert (second.status_code, second.json["state"], second.json["id"]) == (201, "COMPLETED", instance.id)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
