"""Whatever fails, no value of a request is written to a log or shown by an answer of a server error.

Statements fail for real: tables are missing, or refuse to be written to with a message that quotes the row. Ids and
names of the model, partitions and ids, and who sent a request may be in a log; none of the other texts that came with
it is.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient

from app.clock import ManualClock
from app.logs import JsonFormatter, TextFormatter
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.databases import Databases
from tests.flow import ad_hoc, flow
from tests.http.bodies import DAY, FULL, places, put
from tests.http.dump import TABLES
from tests.http.models import MESSAGE_CATCH, SERVICE, TIMER_CATCH, USER_TASK
from tests.http.talk import Api, of
from tests.store.database import connected

CANARY = "canary-4711"
NAMES = tuple(table.name for table in TABLES)
PLAIN = {"partition", "states", "type", "time", "timeCycle", "timeDuration", "retryTimer", "bpmnXml"}
PLAIN |= {"expiresAt", "expressions", "from", "lockTimeout", "onConflict", "roles", "types", "until", "waitTimeout"}
"""Properties that take no free text; a model may be quoted."""


def with_canaries(body: dict[str, Any], **instead: Any) -> dict[str, Any]:
    """The body with the canary in all texts that may be anything."""
    for place in places(body, str):
        if not PLAIN & {step for step in place if isinstance(step, str)}:
            body = put(body, place, CANARY)
    who = FOR_WORKER if "workerId" in body else {}
    return {name: value for name, value in (body | who | instead).items() if value is not None}


def requests(ids: dict[str, int]) -> dict[str, tuple[str, str, Any]]:
    """Of each command and query one that comes to its statements."""
    instead: dict[str, dict[str, Any]] = {
        "createApiKey": {"secretId": "another"},
        "createProcess": {
            "bpmnProcessId": "p",
            "version": CANARY,
            **dict.fromkeys(("errors", "escalations", "messages", "signals", "timers")),
        },
        "createProcessInstance": {"bpmnElementId": None, "bpmnProcessId": "p", "version": "1"},
        "completeJob": {"completion": None, "elementVariables": None},
        "sendMessage": {"requireReceiver": None},
        "setElementVariables": {
            "variables": [{"name": CANARY, "data": {"encoding": CANARY, "value": CANARY}}],
        },
        "updateUserTask": {"elementVariables": None, "errorCode": None, "escalationCode": None},
        "lockJobs": dict.fromkeys(
            ("partition", "id", "processIds", "processInstanceId", "bpmnElementIds", "bpmnProcessIds", "taskTypes")
        ),
        "unlockJobs": {"partition": None, "id": None},
        "unlockTasks": {"partition": None, "id": None},
        "executeTasks": dict.fromkeys(("partition", "id", "processId", "processInstanceId", "type")),
        "setTime": {"time": "2026-12-24T00:00:00Z"},
    }
    found: dict[str, tuple[str, str, Any]] = {
        name: (method, path.format(**ids), with_canaries(deepcopy(body), **instead.get(name, {})))
        for name, (method, path, body) in FULL.items()
    }
    found["resumeProcessInstance"] = ("PATCH", f"/process-instances/{DAY}/{ids['suspended']}/resume", FOR_WORKER)
    found["completeJob with success"] = (*found["completeJob"][:2], found["completeJob"][2] | {"error": ""})
    found |= batches(found, ids)
    found["getProcessInstance"] = ("GET", f"/process-instances/{DAY}/{ids['instance']}", None)
    for name, place in (("moveJob", "jobs"), ("moveTimer", "tasks")):
        found[name] = ("PATCH", f"/{place}/{DAY}/{ids[name]}/due", FOR_WORKER)
    found["getProcessVariables"] = ("GET", f"/process-instances/{DAY}/{ids['instance']}/variables?names={CANARY}", None)
    found["getElementVariables"] = ("GET", f"/element-instances/{DAY}/{ids['visit']}/variables?names={CANARY}", None)
    found["getBpmnXml"] = ("GET", "/processes/1/bpmn-xml", None)
    found["getDiagram"] = ("GET", "/processes/1/diagram", None)
    # It takes no value, and there would be nothing left for the others.
    del found["resetEngine"]
    select = (f"/element-instances/{DAY}/{ids['adHoc']}/activities", {"activities": ["pick"], **FOR_WORKER})
    found["selectActivities"] = ("PATCH", *select)
    return found


NOT_OF_ONE = {"workerId", "returnVariables", "waitTimeout"}
"""What a request has that is not about one of several."""


def batches(alone: dict[str, tuple[str, str, Any]], ids: dict[str, int]) -> dict[str, tuple[str, str, Any]]:
    """Two of each, so that they share a transaction."""
    job, instance = (
        {key: value for key, value in alone[name][2].items() if key not in NOT_OF_ONE}
        for name in ("completeJob with success", "createProcessInstance")
    )
    jobs = [{"partition": DAY, "id": id, **job} for id in (ids["job"], 2_000_000_000)]
    return {
        "extendJobs": (
            "POST",
            "/jobs/extend",
            {"jobs": [{"partition": DAY, "id": ids["job"]}], "lockTimeout": "PT5M", **FOR_WORKER},
        ),
        "completeJobs": ("POST", "/jobs/complete", {"jobs": jobs, "lockNext": {}, **FOR_WORKER}),
        "createProcessInstances": (
            "POST",
            "/process-instances/batch",
            {"processInstances": [instance, instance], **FOR_WORKER},
        ),
    }


FOR_WORKER = {"workerId": "some-worker"}
READS = ("check", "count", "get", "group", "query")
"""How the names of operations begin that change nothing."""


def fill(api: Api) -> dict[str, int]:
    api.deploy(SERVICE)
    for process, xml in {"human": USER_TASK, "message": MESSAGE_CATCH, "timer": TIMER_CATCH}.items():
        api.deploy(xml.replace('process id="p"', f'process id="{process}"'), process=process)
    api.deploy(flow("s -> choose -> e", process="picking", choose=ad_hoc("pick")), process="picking")
    api.work(instance=api.start(), error="boom")
    suspended = api.start()
    api.patch(f"/process-instances/{DAY}/{suspended['id']}/suspend", workerId="w")
    instance = api.start()
    api.work(instance=api.start("human"), completion={"errorCode": "E"})
    waiting = api.start("message")
    api.work(instance=waiting, completion={"messageName": CANARY, "messageCorrelationKey": CANARY})
    of_instance = {"partition": DAY, "processInstanceId": instance["id"]}
    retried = api.work(instance=api.start(), error="boom", retryLimit=1, retryTimer="PT1H")
    timer = api.start("timer")
    api.work(instance=timer, completion={"timer": {"timeDuration": "PT1H"}})
    job = api.lock(**of_instance, lockTimeout="PT1M", **FOR_WORKER)
    # The task that delivers the message waits to be executed.
    variables = [{"name": CANARY, "data": {"encoding": CANARY, "value": CANARY}}]
    api.post("/messages", name=CANARY, correlationKey=CANARY, variables=variables, **FOR_WORKER)
    (waiting_timer,) = api.query("tasks", partition=DAY, processInstanceId=timer["id"])
    (retry,) = [
        each
        for each in api.query("jobs")
        if each["processInstanceId"] == retried["processInstanceId"] and "completedAt" not in each
    ]
    (picking,) = api.query("element-instances", bpmnElementId="choose", **of(api.start("picking")))
    return {
        "adHoc": picking["id"],
        "moveJob": retry["id"],
        "moveTimer": waiting_timer["id"],
        "job": job["id"],
        "visit": job["elementInstanceId"],
        "instance": instance["id"],
        "suspended": suspended["id"],
        "incident": 1,
        "task": 1,
        "key": api.post("/api-keys", secretId="some", roles=["READER"], **FOR_WORKER)["id"],
    }


class Stage(NamedTuple):
    url: str
    service: Service
    client: FlaskClient
    key: str
    ids: dict[str, int]

    def send(self, method: str, path: str, body: Any) -> Any:
        return self.client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {self.key}"})

    def run(self, *statements: str) -> None:
        with connected(self.url) as connection:
            for statement in statements:
                connection.execute(statement)

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def stage(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Stage]:
    with databases.fresh(request.param) as url:
        key = base64.b64encode(bytes(32)).decode()
        config = replace(configured(url), encryption_keys=(key,), api_key_cache_ttl=0, partition_ahead_days=0)
        service = open_service(config, ManualClock(datetime(2026, 11, 23, 12)))
        client = application(service).test_client()
        ids = fill(Api(client))
        stage = Stage(url, service, client, service.keys.create(CANARY), ids)
        held = "locked_at = created_at, locked_until = '2026-11-24 00:00:00.000000', state = 'LOCKED'"
        stage.run(f"UPDATE task SET locked_by = '{CANARY}', {held} WHERE type = 'PURGE_MESSAGES'")
        yield stage
        service.close()


@pytest.fixture
def logged() -> Iterator[Callable[[], str]]:
    """All that is logged, at the level DEBUG, as text and as JSON."""
    root, streams = logging.getLogger(), []
    level = root.level
    handlers = []
    for formatter in (TextFormatter(), JsonFormatter()):
        streams.append(io.StringIO())
        handlers.append(logging.StreamHandler(streams[-1]))
        handlers[-1].setFormatter(formatter)
        root.addHandler(handlers[-1])
    root.setLevel(logging.DEBUG)
    yield lambda: "".join(stream.getvalue() for stream in streams)
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


@contextmanager
def refusing(stage: Stage, *tables: str) -> Iterator[None]:
    """Every write to the tables fails with a message that quotes what came with the request."""
    if stage.is_sqlite:
        kinds = ("INSERT", "UPDATE", "DELETE")
        stage.run(
            *(
                f"CREATE TRIGGER refuse_{kind}_{table} BEFORE {kind} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'refused {CANARY}'); END"
                for table in tables
                for kind in kinds
            )
        )
        yield
        stage.run(*(f"DROP TRIGGER refuse_{kind}_{table}" for table in tables for kind in kinds))
        return
    stage.run(
        """CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'refused %', coalesce(NEW, OLD) USING DETAIL = coalesce(NEW, OLD)::text;
        END $$""",
        *(
            f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
            for table in tables
        ),
    )
    yield
    stage.run(*(f"DROP TRIGGER refuse ON {table}" for table in tables))


@contextmanager
def missing(stage: Stage, table: str) -> Iterator[None]:
    stage.run(f"ALTER TABLE {table} RENAME TO {table}_is_missing")
    yield
    stage.run(f"ALTER TABLE {table}_is_missing RENAME TO {table}")


def secrets(stage: Stage) -> list[str]:
    _, _, secret = base64.b64decode(stage.key).decode().rpartition(":")
    return [CANARY, stage.key, secret]


def has_failed(answer: Any) -> bool:
    """Whether the server is to blame, for a part of the answer at least."""
    results = answer.get_json().get("results", ()) if answer.is_json else ()
    return answer.status_code >= 500 or any(result.get("status", 0) >= 500 for result in results)


def test_no_value_of_a_command_that_can_not_be_written_leaks(stage: Stage, logged: Callable[[], str]):
    answers = {}
    with refusing(stage, *NAMES):
        for name, request in requests(stage.ids).items():
            answers[name] = stage.send(*request)
    writing = {name for name in answers if not name.startswith(READS)}
    failed = {name for name, answer in answers.items() if has_failed(answer)}
    assert failed == writing
    shown = "".join(answers[name].get_data(as_text=True) for name in failed)
    log = logged()
    assert log.count("failed, request") >= 2 * len(failed)
    assert not [secret for secret in secrets(stage) if secret in log or secret in shown]


def test_no_value_of_an_operation_that_can_not_read_leaks(stage: Stage, logged: Callable[[], str]):
    failed, shown = set(), ""
    found = requests(stage.ids)
    with refusing(stage, *NAMES):
        for table in NAMES:
            with missing(stage, table):
                for name, request in found.items():
                    answer = stage.send(*request)
                    if answer.status_code >= 500:
                        failed.add(name)
                        shown += answer.get_data(as_text=True)
    assert failed == set(found)
    log = logged()
    assert "_is_missing" not in log
    assert not [secret for secret in secrets(stage) if secret in log or secret in shown]


def test_no_value_of_a_task_that_breaks_leaks(stage: Stage, logged: Callable[[], str]):
    with refusing(stage, *(table for table in NAMES if table not in ("task", "incident"))):
        answer = stage.send("POST", "/tasks/execute", {"limit": 100})
    assert answer.status_code == 200
    executed = answer.get_json()
    assert executed["locked"] > 0
    errors = [task.get("error", "") for task in executed["completedTasks"] + executed["failedTasks"]]
    log = logged()
    assert not [secret for secret in secrets(stage) if secret in log or secret in "".join(errors)]
