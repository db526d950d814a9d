"""What operators do is noted with who has asked for it and why; what changes nothing is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.chores import Chore
from app.clock import ManualClock
from app.commands import HANDLERS
from app.commands.audit import AUDITED
from app.commands.base import Audited
from app.config import Config
from app.service import Service
from tests.conftest import application
from tests.http.dump import dump
from tests.http.models import SERVICE
from tests.http.talk import WORKER, Api, key

DAY = "2026-11-23"
NOT_AUDITED = {
    *("CompleteJob", "CreateProcessInstance", "LockJobs", "SendMessage", "SendSignal", "UpdateUserTask"),
    *("CheckProcess", "GetBpmnXml", "GetElementVariables", "GetProcess", "GetProcessInstance", "GetProcessSetting"),
    *("ExtendTasks", "FailTask", "LockTasks", "PostponeTask", "RecoverTasks", "ReleaseTasks", "RunTask"),
    *("GetProcessVariables", "DeleteEndedInstances", "ExtendJobs", "Prepare", "RecoverJobs"),
}
"""Commands whose rows tell who it was, that change nothing, or are the engine's own."""


def test_every_command_is_audited_or_known_not_to_be():
    audited = {command for command in HANDLERS if issubclass(command, Audited)}
    assert set(AUDITED) == audited
    assert {command.__name__ for command in HANDLERS} - NOT_AUDITED == {command.__name__ for command in audited}


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, audit_retention_days=365)


def entries(api: Api, **criteria: Any) -> list[dict[str, Any]]:
    return api.query("audit", **criteria)


def variable(name: str, value: str | None = "secret-value") -> dict[str, Any]:
    return {"name": name} | ({"data": {"encoding": "json", "value": value}} if value else {})


def operate(api: Api) -> dict[str, Any]:
    """Everything that is audited, each thing once, on one instance and some others."""
    api.deploy(SERVICE)
    failed, instance = api.start(), api.start()
    path = f"/process-instances/{key(instance)}"
    api.work(instance=failed, error="boom")
    (incident,) = api.query("incidents")
    api.patch(f"/incidents/{key(incident)}/resolve", **WORKER, retryTimer="PT1H", reason="was a typo")
    api.put(f"{path}/variables", **WORKER, variables=[variable("a"), variable("b", None)])
    job = api.lock(processInstanceId=instance["id"], partition=DAY)
    visit = job["elementInstanceId"]
    api.put(f"/element-instances/{DAY}/{visit}/variables", **WORKER, variables=[variable("c")])
    api.post("/jobs/unlock", **WORKER)
    api.patch(f"{path}/suspend", **WORKER, reason="wait for the bank")
    api.patch(f"{path}/resume", **WORKER)
    api.patch(f"{path}/cancel", **WORKER)
    api.put("/process-settings/p", **WORKER, retentionDays=7, reason="says the contract")
    api.succeed("DELETE", f"{path}?workerId=w1&reason=asked+for")
    made = api.post("/api-keys", **WORKER, secretId="shop", roles=["WORKER", "READER"], bpmnProcessIds=["p"])
    api.patch(f"/api-keys/{made['id']}/revoke", **WORKER, reason="closed")
    api.patch("/time", timeDuration="PT1H", reason="a test")
    return {"instance": instance, "failed": failed, "visit": visit, "incident": incident}


def test_what_operators_do_is_noted_with_who_and_why(api: Api):
    done = operate(api)
    found = entries(api)
    common = {"actor": "w1", "credential": "test", "role": "ADMIN"}
    assert all(entry.items() >= (common if entry["operation"] != "setTime" else {}).items() for entry in found)
    assert all(entry["requestId"] for entry in found)
    of_instance = {"partition": DAY, "bpmnProcessId": "p"}
    on_it = of_instance | {"processInstanceId": done["instance"]["id"]}
    names = {"actor", "credential", "role", "requestId", "id", "time"}
    assert [{name: value for name, value in entry.items() if name not in names} for entry in found[:-1]] == [
        {"operation": "createProcess", "bpmnProcessId": "p", "target": "process p:1"},
        {
            "operation": "resolveIncident",
            **of_instance,
            "processInstanceId": done["failed"]["id"],
            "target": f"incident {key(done['incident'])}",
            "detail": {"retryTimer": "PT1H"},
            "reason": "was a typo",
        },
        {"operation": "setProcessVariables", **on_it, "detail": {"variables": ["a"], "deletedVariables": ["b"]}},
        {
            "operation": "setElementVariables",
            **on_it,
            "target": f"element instance {DAY}/{done['visit']}",
            "detail": {"variables": ["c"]},
        },
        {"operation": "unlockJobs", "detail": {"count": 1, "lockedBy": "w1"}},
        {"operation": "suspendProcessInstance", **on_it, "reason": "wait for the bank"},
        {"operation": "resumeProcessInstance", **on_it},
        {"operation": "cancelProcessInstance", **on_it},
        {
            "operation": "setProcessSetting",
            "bpmnProcessId": "p",
            "target": "process p",
            "detail": {"retentionDays": 7},
            "reason": "says the contract",
        },
        {"operation": "deleteProcessInstance", **on_it, "reason": "asked for"},
        {
            "operation": "createApiKey",
            "target": "API key shop",
            "detail": {"roles": ["READER", "WORKER"], "bpmnProcessIds": ["p"]},
        },
        {"operation": "revokeApiKey", "target": "API key shop", "reason": "closed"},
    ]
    assert (found[-1]["operation"], found[-1]["reason"]) == ("setTime", "a test")
    assert sorted(found[-1]["detail"]) == ["newTime", "oldTime"]


def test_no_value_of_a_variable_is_noted(api: Api, config: Config):
    operate(api)
    assert "secret-value" not in repr(dump(config.database_url)["audit"])


def test_what_changes_nothing_or_is_refused_is_not_noted(api: Api):
    api.deploy(SERVICE)
    instance = api.start()
    api.put("/process-settings/p", **WORKER, retentionDays=7)
    before = entries(api)
    api.put("/process-settings/p", **WORKER, retentionDays=7)
    assert api.send("DELETE", f"/process-instances/{key(instance)}?workerId=w1").status == 409
    api.deploy(SERVICE)
    api.post("/jobs/unlock", **WORKER)
    api.put(f"/process-instances/{key(instance)}/variables", **WORKER)
    assert api.send("PATCH", f"/process-instances/{key(instance)}/resume", WORKER).status == 409
    assert api.send("PATCH", "/incidents/2026-11-23/9/resolve", WORKER).status == 404
    assert entries(api) == before


def test_entries_are_found_by_all_that_they_tell(api: Api):
    done = operate(api)
    found = entries(api)
    on_it = [entry["operation"] for entry in found if entry.get("processInstanceId") == done["instance"]["id"]]
    assert len(on_it) == 6

    def operations(**criteria: Any) -> list[str]:
        return [entry["operation"] for entry in entries(api, **criteria)]

    assert operations(partition=DAY, processInstanceId=done["instance"]["id"]) == on_it
    assert operations(operations=["createApiKey", "setTime"]) == ["createApiKey", "setTime"]
    assert len(operations(bpmnProcessId="p")) == 9
    assert (operations(actor="nobody"), operations(credential="nobody")) == ([], [])
    assert len(operations(actor="w1", credential="test")) == len(found) - 1
    moment = found[3]["time"]
    assert operations(created={"until": moment}) + operations(created={"from": moment}) == operations()
    page = api.succeed("POST", "/audit/query?offset=2&limit=3", {})
    assert page["results"] == found[2:5]


def test_entries_are_purged_some_at_a_time_when_their_time_is_over(
    api: Api, service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.store.PURGED_AT_ONCE", 1)
    monkeypatch.setattr("app.store.PURGE", _purging_one())
    (chore,) = [each for each in service.chores if each.name == "purge the audit"]
    api.deploy(SERVICE)
    instance = api.start()
    api.patch(f"/process-instances/{key(instance)}/suspend", **WORKER)
    clock.advance(timedelta(days=2))
    api.patch(f"/process-instances/{key(instance)}/resume", **WORKER)
    assert left_after(chore, api) == 3
    clock.advance(timedelta(days=364))
    assert left_after(chore, api) == 2
    assert chore.seconds_left == 0
    assert left_after(chore, api) == 1
    assert left_after(chore, api) == 1
    assert chore.seconds_left > 0


def left_after(chore: Chore, api: Api) -> int:
    chore._due = 0.0
    chore.do_when_due()
    return len(entries(api))


def _purging_one() -> Any:
    from sqlalchemy import bindparam, delete, select

    from app.store.audit import AUDIT

    old = AUDIT.c.time < bindparam("until", type_=AUDIT.c.time.type)
    some = select(AUDIT.c.id).where(old).order_by(AUDIT.c.time).limit(1)
    return delete(AUDIT).where(AUDIT.c.id.in_(some)).returning(AUDIT.c.id)


def test_the_engine_itself_is_not_audited(api: Api, service: Service):
    service.keys.create("a")
    service.prepare()
    assert entries(api) == []


def test_who_asks_is_forgotten_with_the_request(api: Api, service: Service):
    api.deploy(SERVICE)
    before = entries(api)
    service.keys.revoke(service.keys.issue("a")[0].secret_id)
    assert entries(Api(application(service).test_client())) == before
