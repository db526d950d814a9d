"""Days come and go, messages and signals are purged: what the engine does by tasks of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app import criteria as c
from app.clock import ManualClock
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import LockTasks, UnlockTasks
from app.commands.variable import GetElementVariables, GetProcessVariables
from app.config import Config
from app.engine.records import Task
from app.engine.types import InstanceState, WorkState
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from app.store import maintenance, open_store
from app.timer import Timer
from tests.conftest import application
from tests.store import play
from tests.store.database import rows

DAY = date(2026, 11, 23)
"""Where the clock stands when a test begins."""

PURGES = ["11-25/2 PURGE_MESSAGES 11-25 00:00", "11-25/3 PURGE_SIGNALS 11-25 00:00"]


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, partition_retention_days=2)


@contextmanager
def opened(config: Config, clock: ManualClock, **options: Any) -> Iterator[Service]:
    service = open_service(replace(config, **options), clock)
    yield service
    service.close()


def days(count: int) -> date:
    return DAY + timedelta(days=count)


def listed(service: Service, type: str = "", *, open_only: bool = True) -> list[str]:
    """Management tasks like `11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26`."""
    found = service.query(c.TaskCriteria(type=type))
    return [_text(task) for task in found if task.process_id is None and not (open_only and task.completed_at)]


def _text(task: Task) -> str:
    of = f" of {task.serialized_task[-7:-2]}" if task.serialized_task else ""
    return f"{task.partition:%m-%d}/{task.id} {task.type} {task.due_at:%m-%d %H:%M}{of}"


def run(service: Service) -> list[tuple[str, str]]:
    """Executes what is due, and what becomes due by that, as types and states."""
    done: list[tuple[str, str]] = []
    while tasks := service.execute(LockTasks(limit=100)):
        executed = service.tasks.run(tasks)
        assert executed.failed == []
        done += [(task.type.value, task.state.value) for task in executed.completed]
    return done


def jump(service: Service, to: datetime) -> None:
    service.execute(SetTime(timer=Timer(time=to)))


def attached(config: Config) -> list[date]:
    store = open_store(config)
    with store.begin() as tx:
        found = tx.maintenance.attached_days()
    store.close()
    return sorted(found)


def finished_instance(service: Service) -> Any:
    instance = play.begin(service, variables=play.variables(a="1"))
    play.work(service, instance)
    return instance


@pytest.mark.parametrize("retention", [None, 2])
def test_a_fresh_service_has_the_tasks_of_the_contract(config: Config, clock: ManualClock, retention: int | None):
    create = ["11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26"]
    detach = ["11-25/1 DETACH_PARTITION 11-25 00:05 of 11-23"]
    purges = ["11-25/1 PURGE_MESSAGES 11-25 00:00", "11-25/2 PURGE_SIGNALS 11-25 00:00"]
    expected = create + detach + PURGES if retention else purges if config.is_sqlite else create + purges
    with opened(config, clock, partition_retention_days=retention) as service:
        assert listed(service) == expected


def test_management_tasks_look_on_the_wire_as_in_the_contract(service: Service):
    answer = application(service).test_client().post("/tasks/query", json={}, auth=("test", "test"))
    assert answer.json is not None
    results = answer.json["results"]
    created = {result.pop("createdAt")[:13] for result in results}
    assert created <= {"2026-11-23T12", "2026-11-23T11"}
    common = {"createdBy": "default-engine", "retryCount": 0, "state": "CREATED"}
    assert results == [
        {
            **common,
            "partition": "2026-11-24",
            "id": 1,
            "dueAt": "2026-11-24T00:00:00Z",
            "serializedTask": '{"Partition":"2026-11-26"}',
            "type": "CREATE_PARTITION",
        },
        {
            **common,
            "partition": "2026-11-25",
            "id": 1,
            "dueAt": "2026-11-25T00:05:00Z",
            "serializedTask": '{"Partition":"2026-11-23"}',
            "type": "DETACH_PARTITION",
        },
        {**common, "partition": "2026-11-25", "id": 2, "dueAt": "2026-11-25T00:00:00Z", "type": "PURGE_MESSAGES"},
        {**common, "partition": "2026-11-25", "id": 3, "dueAt": "2026-11-25T00:00:00Z", "type": "PURGE_SIGNALS"},
    ]


@pytest.mark.parametrize(
    ("ahead", "retention", "expected"),
    [
        (1, 1, ["11-24/1 CREATE_PARTITION 11-24 00:00 of 11-25", "11-24/2 DETACH_PARTITION 11-24 00:05 of 11-23"]),
        (
            2,
            1,
            [
                "11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26",
                "11-24/2 DETACH_PARTITION 11-24 00:05 of 11-23",
                "11-25/1 DETACH_PARTITION 11-25 00:05 of 11-24",
            ],
        ),
        (2, 30, ["11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26"]),
        (4, 2, [
            "11-24/1 CREATE_PARTITION 11-24 00:00 of 11-28",
            "11-25/1 DETACH_PARTITION 11-25 00:05 of 11-23",
            "11-26/1 DETACH_PARTITION 11-26 00:05 of 11-24",
            "11-27/1 DETACH_PARTITION 11-27 00:05 of 11-25",
        ]),
    ],
)  # fmt: skip
def test_days_are_provided_and_kept_as_configured(
    config: Config, clock: ManualClock, ahead: int, retention: int, expected: list[str]
):
    with opened(config, clock, partition_ahead_days=ahead, partition_retention_days=retention) as service:
        assert [line for line in listed(service) if "PURGE" not in line] == expected


def test_a_second_service_and_a_restart_on_the_same_day_add_nothing(
    service: Service, config: Config, clock: ManualClock
):
    before = listed(service, open_only=False)
    with opened(config, clock):
        clock.advance(timedelta(hours=11))
        with opened(config, clock):
            assert listed(service, open_only=False) == before


def test_services_that_start_at_once_make_one_set_of_tasks(config: Config, clock: ManualClock):
    ready = threading.Barrier(3)
    failures: list[Exception] = []

    def begin() -> None:
        ready.wait()
        try:
            open_service(config, clock).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with opened(config, clock) as service:
        assert len(listed(service, open_only=False)) == 4


def test_a_restart_before_the_tasks_of_the_day_have_run_leaves_one_chain(
    service: Service, config: Config, clock: ManualClock
):
    clock.advance(timedelta(days=1))
    with opened(config, clock):
        pass
    assert listed(service) == [
        "11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26",
        "11-25/1 DETACH_PARTITION 11-25 00:05 of 11-23",
        *PURGES,
        "11-25/4 CREATE_PARTITION 11-25 00:00 of 11-27",
        "11-26/1 DETACH_PARTITION 11-26 00:05 of 11-24",
        "11-26/2 PURGE_MESSAGES 11-26 00:00",
        "11-26/3 PURGE_SIGNALS 11-26 00:00",
    ]
    # SQLite has nothing to create, so there it is the tasks in the partition that make it exist.
    assert run(service) == [("CREATE_PARTITION", "CANCELED")]
    assert len(listed(service)) == 7
    clock.advance(timedelta(days=1))
    run(service)
    assert listed(service) == [
        "11-26/1 DETACH_PARTITION 11-26 00:05 of 11-24",
        "11-26/2 PURGE_MESSAGES 11-26 00:00",
        "11-26/3 PURGE_SIGNALS 11-26 00:00",
        "11-26/4 CREATE_PARTITION 11-26 00:00 of 11-28",
        "11-27/1 DETACH_PARTITION 11-27 00:05 of 11-25",
    ]


def test_days_come_and_go_one_by_one(service: Service, config: Config, clock: ManualClock):
    for today in range(1, 6):
        finished_instance(service)
        clock.advance(timedelta(days=1))
        assert {state for _, state in run(service)} == {"DONE"}
        expected = [days(count) for count in range(max(0, today - 1), today + 3)]
        assert [day for day in attached(config) if day <= days(today + 1)] == expected[:-1]
        if not config.is_sqlite:
            assert attached(config) == expected
    assert len(listed(service)) == 5


def test_a_create_task_for_a_day_that_exists_is_canceled_and_has_a_successor(
    service: Service, config: Config, clock: ManualClock
):
    store = open_store(config)
    store.ensure_days([days(3)])
    store.close()
    clock.advance(timedelta(days=1))
    assert run(service) == [("CREATE_PARTITION", "DONE" if config.is_sqlite else "CANCELED")]
    assert listed(service, "CREATE_PARTITION") == ["11-25/4 CREATE_PARTITION 11-25 00:00 of 11-27"]


def test_a_jump_makes_the_target_day_usable_at_once_and_leaks_nothing(service: Service, config: Config):
    finished_instance(service)
    jump(service, datetime(2026, 11, 28, 12))
    assert set(listed(service)) == {
        "11-24/1 CREATE_PARTITION 11-24 00:00 of 11-26",
        "11-25/1 DETACH_PARTITION 11-25 00:05 of 11-23",
        *PURGES,
        *(line for line in listed(service) if line.startswith("11-28/") and "DETACH" in line),
        "11-29/1 CREATE_PARTITION 11-29 00:00 of 12-01",
        "11-30/1 DETACH_PARTITION 11-30 00:05 of 11-28",
        "11-30/2 PURGE_MESSAGES 11-30 00:00",
        "11-30/3 PURGE_SIGNALS 11-30 00:00",
    }
    created = {task.created_at.date() for task in service.query(c.TaskCriteria()) if task.partition > days(4)}
    assert created == {days(5)}
    assert finished_instance(service).partition == days(5)
    ran = run(service)
    assert ("CREATE_PARTITION", "CANCELED") in ran
    assert ran.count(("DETACH_PARTITION", "DONE")) == 3
    assert [day for day in attached(config) if day < days(5)] == []
    assert [line for line in listed(service) if "_PARTITION" in line] == [
        "11-29/1 CREATE_PARTITION 11-29 00:00 of 12-01",
        "11-30/1 DETACH_PARTITION 11-30 00:05 of 11-28",
    ]


def test_downtime_of_several_days_leaks_nothing(config: Config, clock: ManualClock):
    with opened(config, clock) as service:
        finished_instance(service)
    clock.advance(timedelta(days=4))
    with opened(config, clock) as service:
        assert finished_instance(service).partition == days(4)
        run(service)
        assert [day for day in attached(config) if day < days(4)] == []
        assert len(listed(service, "CREATE_PARTITION")) == 1
        clock.advance(timedelta(days=3))
        run(service)
        assert [day for day in attached(config) if day < days(5)] == []


def test_a_day_whose_detaching_was_forgotten_is_found_again(service: Service, config: Config, clock: ManualClock):
    with opened(config, clock, partition_retention_days=None) as forgetful:
        clock.advance(timedelta(days=4))
        finished_instance(forgetful)
        assert [line for line in listed(forgetful) if "DETACH" in line] == [
            "11-25/1 DETACH_PARTITION 11-25 00:05 of 11-23"
        ]
        assert ("DETACH_PARTITION", "CANCELED") in run(forgetful)
        assert listed(forgetful, "DETACH_PARTITION") == []
    with opened(config, clock) as service:
        run(service)
        assert [day for day in attached(config) if day < days(4)] == []


def test_several_services_share_a_jump(service: Service, config: Config, clock: ManualClock):
    with opened(config, clock) as other:
        jump(service, datetime(2027, 2, 1, 12))
        assert finished_instance(other).partition == date(2027, 2, 1)
        before = listed(service, open_only=False)
        jump(other, datetime(2027, 2, 1, 13))
        assert listed(service, open_only=False) == before


def test_the_end_of_the_calendar_can_be_reached(service: Service):
    play.begin(service)
    jump(service, datetime(9999, 12, 31, 23))
    assert finished_instance(service).partition == date(9999, 12, 31)
    run(service)
    assert not [line for line in listed(service) if "CREATE" in line]


def test_a_day_with_an_open_instance_stays_until_the_instance_has_ended(
    service: Service, config: Config, clock: ManualClock
):
    instance = play.begin(service)
    jump(service, datetime(2026, 11, 27, 12))
    assert ("DETACH_PARTITION", "DONE") in run(service)
    # Five minutes, and one for each day of age.
    (again,) = [line for line in listed(service, "DETACH_PARTITION") if line.endswith("of 11-23")]
    assert again.startswith("11-27/")
    assert "DETACH_PARTITION 11-28 00:09" in again
    jump(service, datetime(2026, 11, 28, 12))
    run(service)
    (again,) = [line for line in listed(service, "DETACH_PARTITION") if line.endswith("of 11-23")]
    assert "DETACH_PARTITION 11-29 00:10" in again
    play.work(service, instance)
    (found,) = service.query(c.ProcessInstanceCriteria(partition=DAY))
    assert found.state is InstanceState.COMPLETED
    jump(service, datetime(2026, 11, 29, 12))
    run(service)
    assert DAY not in attached(config)
    assert not [line for line in listed(service) if line.endswith("of 11-23")]


def test_a_day_with_a_task_that_was_not_executed_stays(service: Service, config: Config, clock: ManualClock):
    tick = play.model("start -> a -> end", body='<startEvent id="start"><timerEventDefinition id="t"/></startEvent>')
    play.deploy(service, tick, timers={"start": Timer(time=datetime(2026, 12, 3))})
    jump(service, datetime(2026, 11, 30, 12))
    run(service)
    assert DAY in attached(config)
    jump(service, datetime(2026, 12, 3, 12))
    run(service)
    (instance,) = service.query(c.ProcessInstanceCriteria())
    assert instance.partition == DAY
    jump(service, datetime(2026, 12, 4, 12))
    run(service)
    play.work(service, instance)
    jump(service, datetime(2026, 12, 5, 12))
    run(service)
    assert DAY not in attached(config)


ENDLESS = play.model(
    "start -> x -> y -> x",
    head='<signal id="s" name="alarm"/>',
    body='<startEvent id="start"><signalEventDefinition signalRef="s"/></startEvent>'
    '<exclusiveGateway id="x"/><exclusiveGateway id="y"/>',
)


def test_a_day_with_an_incident_that_belongs_to_no_instance_stays_until_it_is_resolved(
    service: Service, config: Config, clock: ManualClock
):
    """A process that could not be started by a signal; its instances would never wait anywhere."""
    play.deploy(service, ENDLESS)
    service.execute(SendSignal(name="alarm", worker_id="w"))
    assert ("TRIGGER_EVENT", "CAUSED_INCIDENT") in run(service)
    clock.advance(timedelta(days=2))
    run(service)
    assert DAY in attached(config)
    assert len(service.query(c.IncidentCriteria(partition=DAY))) == 1
    # Resolving it would bring another one.
    rows(config.database_url, "UPDATE incident SET resolved_at = created_at")
    clock.advance(timedelta(days=1))
    run(service)
    assert DAY not in attached(config)


def test_a_detached_day_can_be_seen_on_sqlite_only(service: Service, config: Config):
    instance = finished_instance(service)
    jump(service, datetime(2026, 11, 26, 12))
    run(service)
    assert DAY not in attached(config)
    found = service.query(c.ProcessInstanceCriteria())
    assert [each.id for each in found] == ([instance.id] if config.is_sqlite else [])
    assert listed(service, "DROP_PARTITION", open_only=False) == []


def test_a_dropped_day_is_gone(config: Config, clock: ManualClock):
    with opened(config, clock, drop_partition_enabled=True) as service:
        instance = finished_instance(service)
        (visit, *_) = service.query(c.ElementInstanceCriteria())
        jump(service, datetime(2026, 11, 26, 12))
        young = finished_instance(service)
        assert ("DROP_PARTITION", "DONE") in run(service)
        dropped = listed(service, "DROP_PARTITION", open_only=False)
        assert [line[:5] for line in dropped] == ["11-26"] * 2
        assert {line[-5:] for line in dropped} == {"11-23", "11-24"}
        assert_gone(service, instance, visit)
        assert [each.id for each in service.query(c.ProcessInstanceCriteria())] == [young.id]
        assert service.execute(GetProcessVariables(partition=young.partition, id=young.id))


def assert_gone(service: Service, instance: Any, visit: Any) -> None:
    for criteria in (c.ProcessInstanceCriteria, c.ElementInstanceCriteria, c.JobCriteria, c.VariableCriteria):
        assert service.query(criteria(partition=DAY)) == []
    for command in (
        GetProcessVariables(partition=DAY, id=instance.id),
        GetElementVariables(partition=DAY, id=visit.id),
    ):
        with pytest.raises(EngineError) as refused:
            service.execute(command)
        assert refused.value.kind is ErrorKind.NOT_FOUND


def test_dropping_can_be_turned_off_before_it_happens(config: Config, clock: ManualClock):
    with opened(config, clock, drop_partition_enabled=True) as service:
        finished_instance(service)
        jump(service, datetime(2026, 11, 25, 12))
        service.execute_tasks(LockTasks(limit=100))
        assert listed(service, "DROP_PARTITION")
    with opened(config, clock) as service:
        assert ("DROP_PARTITION", "CANCELED") in run(service)


def test_a_longer_retention_counts_for_the_tasks_that_exist(service: Service, config: Config, clock: ManualClock):
    finished_instance(service)
    with opened(config, clock, partition_retention_days=4) as patient:
        jump(patient, datetime(2026, 11, 25, 12))
        assert ("DETACH_PARTITION", "CANCELED") in run(patient)
        assert DAY in attached(config)
        assert listed(patient, "DETACH_PARTITION")[0].endswith("DETACH_PARTITION 11-27 00:05 of 11-23")
        jump(patient, datetime(2026, 11, 27, 12))
        run(patient)
        assert DAY not in attached(config)


@pytest.mark.parametrize("drop", [False, True])
def test_a_task_that_is_killed_before_it_is_recorded_can_be_executed_again(
    config: Config, clock: ManualClock, drop: bool
):
    with opened(config, clock, drop_partition_enabled=drop) as service:
        finished_instance(service)
        jump(service, datetime(2026, 11, 26, 12))
        store = open_store(config)
        service.execute(LockTasks(limit=100))
        with store.begin() as tx:
            tx.maintenance.detach_day(DAY)
            if drop:
                tx.maintenance.drop_day(DAY)
        store.close()
        assert service.execute(UnlockTasks(engine_id="default-engine"))
        ran = run(service)
        assert {state for type, state in ran if type != "CREATE_PARTITION"} == {"DONE"}
        assert DAY not in attached(config)
        assert bool(listed(service, "DROP_PARTITION", open_only=False)) is drop
        assert not [line for line in listed(service) if line.endswith("of 11-23")]


def test_a_task_that_somebody_has_taken_over_is_not_executed(service: Service, config: Config, clock: ManualClock):
    finished_instance(service)
    jump(service, datetime(2026, 11, 25, 12))
    (stale,) = service.execute(LockTasks(limit=1, type="DETACH_PARTITION"))
    service.execute(UnlockTasks(engine_id="default-engine"))
    executed = service.tasks.run([stale])
    assert executed.failed == [stale]
    assert DAY in attached(config)


def test_expired_messages_are_purged_with_their_variables(service: Service, config: Config):
    deadline = Timer(time=datetime(2026, 11, 25))
    play.send(service, "gone", variables=play.variables(a="1", b="2"))
    play.send(service, "gone", expiration_timer=deadline, variables=play.variables(a="1"))
    play.send(service, "kept", expiration_timer=Timer(time=datetime(2026, 11, 25, 0, 0, 1)))
    play.deploy(service, play.MESSAGE_START)
    play.send(service, "ordered", variables=play.variables(c="3"))
    jump(service, datetime(2026, 11, 25, 12))
    service.execute_tasks(LockTasks(limit=100, type="PURGE_MESSAGES"))
    assert [message.name for message in service.query(c.MessageCriteria())] == ["kept", "ordered"]
    assert variable_names(config, "message_variable") == ["c"]


def test_messages_with_a_unique_key_are_purged_after_their_retention(config: Config, clock: ManualClock):
    """Whether they were consumed or not; a key whose message is gone is free again."""
    with opened(config, clock, message_unique_retention=37 * 3600.0) as service:
        play.work(service, play.begin(service, play.MESSAGE_CATCH), message_correlation_key="k")
        consumed = play.send(service, "paid", "k", unique_key="u")
        lost = play.send(service, "paid", "other", unique_key="u")
        play.send(service, "paid", "other", expiration_timer=Timer(time=datetime(2026, 11, 24, 23)), unique_key="v")
        run(service)
        jump(service, datetime(2026, 11, 25))
        service.execute_tasks(LockTasks(limit=100, type="PURGE_MESSAGES"))
        assert len(service.query(c.MessageCriteria())) == 3
        assert play.send(service, "paid", "k", unique_key="u").id == consumed.id
        jump(service, datetime(2026, 11, 26))
        service.execute_tasks(LockTasks(limit=100, type="PURGE_MESSAGES"))
        assert [message.unique_key for message in service.query(c.MessageCriteria())] == ["v"]
        assert play.send(service, "paid", "other", unique_key="u").id != lost.id


def test_a_retention_beyond_the_calendar_keeps_unique_keys_for_ever(config: Config, clock: ManualClock):
    with opened(config, clock, message_unique_retention=1e13) as service:
        play.send(service, "paid", unique_key="u")
        jump(service, datetime(2027, 11, 25))
        executed = service.execute_tasks(LockTasks(limit=100, type="PURGE_MESSAGES"))
        assert executed.failed == []
        assert len(service.query(c.MessageCriteria())) == 1


def test_purging_passes_by_what_is_kept(service: Service, config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maintenance, "PURGED_AT_ONCE", 2)
    monkeypatch.setattr(maintenance, "SOME_EXPIRED", maintenance.SOME_EXPIRED.limit(2))
    for number in range(7):
        play.send(service, f"m{number}", unique_key="u" if number % 3 == 1 else "")
    store = open_store(config)
    with store.begin() as tx:
        tx.maintenance.purge_messages(datetime(2026, 11, 24), datetime(2026, 11, 23))
    store.close()
    assert [message.name for message in service.query(c.MessageCriteria())] == ["m1", "m4"]


def test_signals_are_purged_when_all_their_triggers_have_run(service: Service, config: Config):
    play.begin(service, play.SIGNAL_CATCH)
    service.execute(SendSignal(name="nobody", worker_id="w", variables=play.variables(a="1")))
    service.execute(SendSignal(name="alarm", worker_id="w", variables=play.variables(b="2")))
    jump(service, datetime(2026, 11, 25, 12))
    service.execute_tasks(LockTasks(limit=100, type="PURGE_SIGNALS"))
    assert variable_names(config, "signal_variable") == ["b"]
    run(service)
    jump(service, datetime(2026, 11, 26, 12))
    service.execute_tasks(LockTasks(limit=100, type="PURGE_SIGNALS"))
    assert variable_names(config, "signal_variable") == []


def variable_names(config: Config, table: str) -> list[str]:
    return sorted(name for (name,) in rows(config.database_url, f"SELECT name FROM {table}"))


@pytest.mark.parametrize("type", ["PURGE_MESSAGES", "PURGE_SIGNALS"])
def test_purging_goes_on_the_next_day_unless_that_is_planned_already(
    service: Service, config: Config, clock: ManualClock, type: str
):
    clock.advance(timedelta(days=2))
    with opened(config, clock):
        assert [line[:5] for line in listed(service, type)] == ["11-25", "11-27"]
    (task,) = service.execute_tasks(LockTasks(type=type)).completed
    assert task.state is WorkState.DONE
    assert [line[:5] for line in listed(service, type)] == ["11-26", "11-27"]
    clock.advance(timedelta(days=1))
    service.execute_tasks(LockTasks(type=type))
    assert [line[:5] for line in listed(service, type)] == ["11-27"]
