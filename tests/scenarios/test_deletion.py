"""Ended instances are deleted, by name or when their process says so; days are kept as long as their instances."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import criteria as c
from app.clock import ManualClock
from app.commands.incident import ResolveIncident
from app.commands.instance import CancelProcessInstance
from app.commands.removal import DeleteEndedInstances, DeleteProcessInstance
from app.commands.settings import SetProcessSetting
from app.commands.task import LockTasks
from app.commands.variable import GetProcessVariables
from app.config import Config
from app.engine.records import ProcessInstance
from app.errors import EngineError, ErrorKind
from app.service import Service
from app.store import open_store
from tests.conftest import application
from tests.store import play
from tests.store.database import require_sound, rows

DAY = date(2026, 11, 23)
PARTS = ("process_instance", "element_instance", "job", "task", "user_task", "incident", "variable")
CALLED = play.model("start -> work -> end", process_id="c")
CALLER = play.model("start -> call -> end", body='<callActivity id="call" calledElement="c:1"/>')
RICH = play.model(
    "start -> fork -> a -> end",
    "fork -> broken",
    "fork -> user",
    "fork -> timer -> end2",
    body='<intermediateCatchEvent id="timer"><timerEventDefinition><timeDuration>PT9H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, partition_retention_days=2)


def counts(config: Config) -> dict[str, int]:
    return {name: rows(config.database_url, f"SELECT count(*) FROM {name}")[0][0] for name in PARTS}


def delete(service: Service, instance: ProcessInstance, **options: Any) -> bool:
    command = DeleteProcessInstance(partition=instance.partition, id=instance.id, worker_id="ada", **options)
    return service.execute(command)


def cancel(service: Service, instance: ProcessInstance) -> None:
    service.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id="ada"))


def ended(service: Service, xml: str = play.ONE_TASK) -> ProcessInstance:
    instance = play.begin(service, xml, variables=play.variables(x="1"))
    cancel(service, instance)
    return instance


def keep(service: Service, days: int, process: str = "p") -> None:
    service.execute(SetProcessSetting(bpmn_process_id=process, worker_id="ada", retention_days=days))


def delete_ended(service: Service) -> int:
    """How many times there was something to delete."""
    times = 0
    while service.delete_ended():
        times += 1
    return times


def left(service: Service) -> list[int]:
    return [instance.id for instance in service.query(c.ProcessInstanceCriteria())]


def refused(do: Callable[[], object]) -> tuple[ErrorKind, str]:
    with pytest.raises(EngineError) as error:
        do()
    return error.value.kind, error.value.detail


# By name


def rich(service: Service) -> ProcessInstance:
    """An ended instance that leaves something of every kind, and an incident with work to come."""
    instance = play.begin(service, RICH, variables=play.variables(x="1"))
    for job in play.lock_of(service, instance):
        if job.bpmn_element_id == "broken":
            play.complete(service, job, error="broken")
    cancel(service, instance)
    return instance


def test_an_ended_instance_goes_with_everything_in_it_and_nothing_else(service: Service, config: Config):
    kept = rich(service)
    before = counts(config)
    instance = rich(service)
    assert all(counts(config)[name] > before[name] for name in PARTS)
    assert delete(service, instance) is False
    assert counts(config) == before
    assert left(service) == [kept.id]
    require_sound(config.database_url)
    assert refused(lambda: delete(service, instance)) == (
        ErrorKind.NOT_FOUND,
        f"process instance {DAY}/{instance.id} could not be found",
    )


def test_what_was_called_goes_with_the_root_and_only_with_it(service: Service, config: Config):
    before = counts(config)
    play.deploy(service, CALLED)
    root = play.begin(service, CALLER)
    play.work(service, root)
    (called,) = service.query(c.ProcessInstanceCriteria(parent_id=root.id))
    assert refused(lambda: delete(service, root)) == (
        ErrorKind.CONFLICT,
        f"process instance {DAY}/{root.id} is not ended, but STARTED",
    )
    cancel(service, root)
    assert refused(lambda: delete(service, called)) == (
        ErrorKind.CONFLICT,
        f"process instance {DAY}/{called.id} was called, and is deleted together with process instance {DAY}/{root.id}",
    )
    assert delete(service, root) is False
    assert {**counts(config), "task": 0} == {**before, "task": 0}


def test_a_root_stays_as_long_as_something_that_it_has_called_is_active(service: Service, clock: ManualClock):
    """As after a boundary event: what was called is terminated by a task."""
    play.deploy(service, CALLED)
    timer = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    boundary = f'<boundaryEvent id="timer" attachedToRef="call">{timer}</boundaryEvent>'
    body = '<callActivity id="call" calledElement="c:1"/>' + boundary
    root = play.begin(service, play.model("start -> call -> end", "timer -> end2", body=body))
    play.work(service, root)
    clock.advance(timedelta(hours=2))
    play.run_events(service)
    (found,) = service.query(c.ProcessInstanceCriteria(id=root.id))
    assert found.state.ended
    assert refused(lambda: delete(service, root))[1].endswith("has called an instance that is not ended")
    keep(service, 1)
    clock.advance(timedelta(days=3))
    assert delete_ended(service) == 0
    play.run_tasks(service, "TERMINATE_PROCESS_INSTANCE")
    assert delete(service, root) is False
    assert left(service) == []


def test_a_large_tree_goes_bit_by_bit_and_its_root_last(service: Service, config: Config):
    before = counts(config)
    instance = play.begin(service, play.wide(1100))
    cancel(service, instance)
    parts = [delete(service, instance)]
    while parts[-1]:
        # A process that is killed here leaves this.
        (found,) = service.query(c.ProcessInstanceCriteria())
        assert found.state.ended
        require_deletable(config)
        parts.append(delete(service, instance, is_first=False))
    assert len(parts) == 3
    assert counts(config) == before
    assert delete(service, instance, is_first=False) is False


def require_deletable(config: Config) -> None:
    """Nothing that is left belongs to an instance that is gone."""
    for part in PARTS[1:]:
        query = f"""SELECT count(*) FROM {part} r WHERE process_instance_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM process_instance i WHERE i.partition = r.partition AND i.id = r.process_instance_id)"""
        assert rows(config.database_url, query) == [(0,)], part


def test_an_incident_goes_before_the_job_that_it_can_bring_back(
    service: Service, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.store.removal.DELETED_AT_ONCE", 1)
    instance = play.begin(service)
    (job,) = play.lock_of(service, instance)
    play.complete(service, job, error="boom")
    (incident,) = service.query(c.IncidentCriteria())
    cancel(service, instance)
    assert delete(service, instance)
    with pytest.raises(EngineError) as refused:
        service.execute(ResolveIncident(partition=incident.partition, id=incident.id, worker_id="ada"))
    assert refused.value.kind is ErrorKind.NOT_FOUND
    while delete(service, instance, is_first=False):
        pass
    assert not any(counts(config)[name] for name in ("process_instance", "job", "incident"))


def test_deletion_over_http(service: Service, config: Config):
    client: FlaskClient = application(service).test_client()
    instance = rich(service)
    path = f"/process-instances/{DAY}/{instance.id}"

    def send(query: str) -> Any:
        return client.delete(f"{path}{query}", auth=("test", "test"))

    missing = send("").get_json()
    assert (missing["status"], missing["errors"][0]["pointer"]) == (400, "?/workerId")
    assert send(f"?workerId=ada&reason={'x' * 501}").status_code == 400
    assert send("?workerId=%FF").status_code == 400
    assert send("?workerId=ada%00").status_code == 400
    assert (send("?workerId=ada").status_code, send("?workerId=ada").status_code) == (204, 404)


# Together with others


def at_once(*actions: Callable[[], object]) -> list[object]:
    """What each of the actions returns, or the kind of the EngineError that it raises."""
    ready = threading.Barrier(len(actions))
    outcomes: list[object] = [None] * len(actions)

    def run(number: int, action: Callable[[], object]) -> None:
        ready.wait()
        try:
            outcomes[number] = action()
        except EngineError as error:
            outcomes[number] = error.kind

    threads = [threading.Thread(target=run, args=each) for each in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_those_who_delete_one_instance_at_once_all_are_right(service: Service, config: Config):
    before = counts(config)
    for _ in range(5):
        instance = rich(service)
        outcomes = at_once(*[partial(delete, service, instance)] * 3)
        assert sorted(map(str, outcomes)) == ["False", "NOT_FOUND", "NOT_FOUND"]
    assert counts(config) == before


def test_an_incident_that_is_resolved_meanwhile_leaves_nothing_behind(service: Service, config: Config):
    before = counts(config)
    for _ in range(10):
        instance = rich(service)
        (incident,) = service.query(c.IncidentCriteria(process_instance_id=instance.id))
        resolve = ResolveIncident(partition=incident.partition, id=incident.id, worker_id="w")
        outcomes = at_once(partial(delete, service, instance), partial(service.execute, resolve))
        assert outcomes[0] is False
        assert outcomes[1] in (None, ErrorKind.NOT_FOUND)
        assert counts(config) == before


def test_who_reads_meanwhile_finds_all_or_nothing(service: Service):
    instance = rich(service)
    read = GetProcessVariables(partition=instance.partition, id=instance.id)
    outcomes = at_once(lambda: delete(service, instance), *[lambda: len(service.execute(read))] * 4)
    assert outcomes[0] is False
    assert set(outcomes[1:]) <= {0, 1, ErrorKind.NOT_FOUND}


# By the setting of a process


def test_instances_are_deleted_when_they_have_ended_long_enough_ago(
    service: Service, config: Config, clock: ManualClock
):
    keep_all = play.model("start -> a -> end", process_id="q")
    first = ended(service)
    play.deploy(service, keep_all)
    other = play.start(service, "q")
    cancel(service, other)
    running = play.begin(service)
    keep(service, 3)
    assert delete_ended(service) == 0
    clock.advance(timedelta(days=1))
    ended(service)
    clock.advance(timedelta(days=2, seconds=1))
    assert delete_ended(service) == 1
    assert first.id not in [each.id for each in service.query(c.ProcessInstanceCriteria(partition=DAY))]
    assert len(left(service)) == 3
    # From when it has ended, not from when it was started.
    cancel(service, running)
    clock.advance(timedelta(days=2))
    delete_ended(service)
    assert [(each.bpmn_process_id, each.id) for each in service.query(c.ProcessInstanceCriteria(partition=DAY))] == [
        ("q", other.id),
        ("p", running.id),
    ]
    clock.advance(timedelta(days=2))
    delete_ended(service)
    assert left(service) == [other.id]
    keep(service, 0)
    require_sound(config.database_url)


def test_processes_take_turns_and_each_time_some_instances_go(service: Service, clock: ManualClock):
    for process in ("p", "q"):
        play.deploy(service, play.model("start -> a -> end", process_id=process))
        for _ in range(150):
            cancel(service, play.start(service, process))
        keep(service, 1, process)
    clock.advance(timedelta(days=2))
    found = []
    while service.delete_ended():
        instances = service.query(c.ProcessInstanceCriteria())
        found.append(tuple(sum(each.bpmn_process_id == process for each in instances) for process in ("p", "q")))
    assert found == [(50, 150), (50, 50), (0, 50), (0, 0)]


def test_two_services_that_delete_at_once_delete_each_instance_once(
    service: Service, config: Config, clock: ManualClock
):
    before = counts(config)
    play.deploy(service)
    for _ in range(60):
        cancel(service, play.start(service))
    keep(service, 1)
    clock.advance(timedelta(days=2))
    command = DeleteEndedInstances(bpmn_process_id="p", retention_days=1)
    at_once(*[lambda: service.execute(command)] * 4)
    delete_ended(service)
    assert {name: count for name, count in counts(config).items() if name != "task"} == {
        name: count for name, count in before.items() if name != "task"
    }


def attached(config: Config) -> list[date]:
    store = open_store(config)
    with store.begin() as tx:
        found = tx.maintenance.attached_days()
    store.close()
    return sorted(found)


def run_all(service: Service) -> None:
    while tasks := service.execute(LockTasks(limit=100)):
        service.tasks.run(tasks)


def test_a_day_stays_attached_as_long_as_an_instance_in_it_is_to_be_kept(
    service: Service, config: Config, clock: ManualClock
):
    instance = ended(service)
    keep(service, 5)
    for days in (3, 1):
        clock.advance(timedelta(days=days))
        run_all(service)
        assert DAY in attached(config)
        assert left(service) == [instance.id]
    clock.advance(timedelta(days=1, hours=1))
    assert delete_ended(service) == 1
    clock.advance(timedelta(days=1))
    run_all(service)
    assert DAY not in attached(config)


def test_a_day_goes_at_its_time_where_its_instances_are_kept_for_less(
    service: Service, config: Config, clock: ManualClock
):
    ended(service)
    keep(service, 1)
    clock.advance(timedelta(days=3))
    run_all(service)
    assert DAY not in attached(config)


def test_what_was_started_long_ago_is_kept_from_its_end_on(service: Service, config: Config, clock: ManualClock):
    instance = play.begin(service)
    keep(service, 2)
    clock.advance(timedelta(days=4))
    cancel(service, instance)
    run_all(service)
    clock.advance(timedelta(days=1))
    run_all(service)
    assert DAY in attached(config)
    assert left(service) == [instance.id]


# Settings


def test_settings_are_those_of_a_process_that_is_deployed(service: Service, clock: ManualClock):
    client: FlaskClient = application(service).test_client()

    def send(method: str, path: str, **body: Any) -> Any:
        return client.open(path, method=method, json=body or None, auth=("test", "test"))

    assert send("GET", "/process-settings/p").status_code == 404
    assert send("PUT", "/process-settings/p", workerId="ada", retentionDays=1).status_code == 404
    play.deploy(service)
    assert send("GET", "/process-settings/p").get_json() == {"bpmnProcessId": "p"}
    assert send("POST", "/process-settings/query", bpmnProcessId="p").get_json()["results"] == []
    given = send("PUT", "/process-settings/p", workerId="ada", retentionDays=30).get_json()
    assert given.pop("updatedAt")[:13] in ("2026-11-23T12", "2026-11-23T11")
    assert given == {"bpmnProcessId": "p", "retentionDays": 30, "updatedBy": "ada"}
    assert send("GET", "/process-settings/p").get_json()["retentionDays"] == 30
    found = send("POST", "/process-settings/query", bpmnProcessId="p").get_json()["results"]
    assert [each["bpmnProcessId"] for each in found] == ["p"]
    taken = send("PUT", "/process-settings/p", workerId="bob").get_json()
    assert {**taken, "updatedAt": ""} == {"bpmnProcessId": "p", "updatedAt": "", "updatedBy": "bob"}
    for wrong in (-1, 36_501):
        assert send("PUT", "/process-settings/p", workerId="ada", retentionDays=wrong).status_code == 400
    assert send("GET", f"/process-settings/{'x' * 256}").status_code == 400
    assert send("GET", "/process-settings/%00").status_code == 400


def test_the_beginning_of_the_calendar_is_no_end(service: Service):
    play.deploy(service)
    assert service.execute(DeleteEndedInstances(bpmn_process_id="p", retention_days=36_500 * 100)) is False
