"""Which jobs and tasks are handed out, in which order, and how they are given back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.instance import CancelProcessInstance
from app.commands.job import UnlockJobs
from app.commands.task import LockTasks, ReleaseTasks, UnlockTasks
from app.config import Config
from app.criteria import JobCriteria
from app.engine.completion import Completion
from app.engine.records import Job
from app.engine.types import JobType, WorkState
from app.service import Service, open_service
from app.timer import Timer
from tests.store import play
from tests.store.database import connected, rows
from tests.store.play import model

TIMER_CATCH = model(
    "start -> catch -> end",
    body='<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)


def keys(work: list[Any]) -> list[tuple[date, int]]:
    return [(each.partition, each.id) for each in work]


def set_due(config: Config, minutes: dict[int, int], noon: datetime) -> None:
    """Moves when jobs become due, by their id."""
    with connected(config.database_url) as connection:
        for id, late in minutes.items():
            text = str(noon + timedelta(minutes=late)) + ".000000"
            connection.execute(f"UPDATE job SET due_at = '{text}' WHERE id = {id}")


def test_work_is_handed_out_by_day_then_due_time_then_id(config: Config, clock: ManualClock, service: Service):
    for _ in range(4):
        play.begin(service)
    noon = clock.now()
    set_due(config, {1: -1, 2: -3, 3: -1, 4: -2}, noon)
    clock.advance(timedelta(days=1))
    play.begin(service)
    set_due(config, {}, noon)
    first, second = noon.date(), clock.now().date()
    assert keys(play.lock(service, limit=3)) == [(first, 2), (first, 4), (first, 1)]
    assert keys(play.lock(service, limit=3)) == [(first, 3), (second, 1)]
    assert play.lock(service) == []


def test_what_is_not_due_yet_is_not_handed_out(config: Config, clock: ManualClock, service: Service):
    for _ in range(2):
        play.begin(service)
    set_due(config, {1: 10, 2: 5}, clock.now())
    # Time follows the clock of a database that may be a little behind.
    clock.advance(timedelta(minutes=4))
    assert play.lock(service) == []
    clock.advance(timedelta(minutes=2))
    assert keys(play.lock(service)) == [(clock.now().date(), 2)]


def test_no_more_than_the_limit_is_handed_out(service: Service):
    for _ in range(5):
        play.begin(service)
    assert [len(play.lock(service, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_locked_job_tells_who_holds_it_since_when(service: Service):
    play.begin(service)
    (job,) = play.lock(service, worker="me")
    assert (job.locked_by, job.state) == ("me", WorkState.LOCKED)
    assert job.locked_at is not None and job.locked_at >= job.due_at
    (stored,) = service.query(JobCriteria(id=job.id))
    assert (stored.locked_by, stored.locked_at, stored.state) == ("me", job.locked_at, WorkState.LOCKED)


def test_filters_narrow_what_is_handed_out(clock: ManualClock, service: Service):
    processes = [play.deploy(service, model("start -> a -> end", process_id=f"p{n}")) for n in range(3)]
    instances = [play.start(service, process.bpmn_process_id) for process in processes for _ in range(2)]
    day = clock.now().date()

    def locked(**filters: Any) -> list[int]:
        found = play.lock(service, **filters)
        service.execute(UnlockJobs(worker_id=play.WORKER))
        return [job.id for job in found]

    assert locked() == [1, 2, 3, 4, 5, 6]
    assert locked(process_ids=(processes[1].id,)) == [3, 4]
    assert locked(process_ids=(processes[0].id, processes[2].id)) == [1, 2, 5, 6]
    assert locked(process_ids=(processes[0].id, 999)) == [1, 2]
    assert locked(process_instance_id=instances[3].id) == [4]
    assert locked(partition=day, id=5) == [5]
    assert locked(partition=day) == [1, 2, 3, 4, 5, 6]
    assert locked(partition=day + timedelta(days=1)) == []
    assert locked(partition=day, id=5, process_ids=(processes[0].id,)) == []


TYPED = model(
    "start -> fork -> pay -> end",
    "fork -> mail -> end",
    "fork -> other -> end",
    "fork -> choose -> end",
    "choose -> end2",
    body='<serviceTask id="pay" xmlns:z="http://camunda.org/schema/zeebe/1.0"><extensionElements>'
    '<z:taskDefinition type=" charge "/></extensionElements></serviceTask>'
    '<sendTask id="mail" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:topic="letters"/>'
    '<exclusiveGateway id="choose"/>',
)
FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a task type": ({"task_types": ("charge",)}, ["p.pay", "q.pay"]),
    "several task types": ({"task_types": ("letters", "charge")}, ["p.mail", "p.pay", "q.mail", "q.pay"]),
    "a job type": ({"types": (JobType.EVALUATE_EXCLUSIVE_GATEWAY,)}, ["p.choose", "q.choose"]),
    "an element": ({"bpmn_element_ids": ("other",)}, ["p.other", "q.other"]),
    "an element of a process": ({"bpmn_element_ids": ("other",), "bpmn_process_ids": ("q",)}, ["q.other"]),
    "a process": ({"bpmn_process_ids": ("q",)}, ["q.choose", "q.mail", "q.other", "q.pay"]),
    "a task type that its element does not have": ({"task_types": ("letters",), "bpmn_element_ids": ("pay",)}, []),
    "a type and a task type": ({"types": (JobType.EXECUTE,), "task_types": ("letters",)}, ["p.mail", "q.mail"]),
    "what does not exist": ({"task_types": ("nothing",)}, []),
    "a process that does not exist": ({"bpmn_process_ids": ("nothing",)}, []),
}


@pytest.fixture
def typed(service: Service) -> dict[int, str]:
    """Names of processes by id: `p` in two versions with an instance each, `q` in one with two."""
    other = TYPED.replace('process id="p"', 'process id="q"')
    found = [play.deploy(service, TYPED, version="1"), play.deploy(service, TYPED, version="2")]
    found.append(play.deploy(service, other))
    for bpmn_process_id, version in (("p", "1"), ("p", "2"), ("q", "1"), ("q", "1")):
        play.start(service, bpmn_process_id, version=version)
    return {process.id: process.bpmn_process_id for process in found}


def named(typed: dict[int, str], jobs: list[Job]) -> list[str]:
    return sorted(f"{typed[job.process_id]}.{job.bpmn_element_id}" for job in jobs)


@pytest.mark.parametrize("name", FILTERS)
def test_a_worker_gets_the_kinds_of_jobs_it_asks_for_of_all_versions(
    service: Service, typed: dict[int, str], name: str
):
    filters, expected = FILTERS[name]
    found = play.lock(service, **filters)
    assert named(typed, found) == sorted(expected * 2)
    assert keys(found) == sorted(keys(found))
    service.execute(UnlockJobs(worker_id=play.WORKER))
    assert keys(play.lock(service, limit=2, **filters)) == keys(found)[:2]
    service.execute(UnlockJobs(worker_id=play.WORKER))
    if found:
        (first, *_) = found
        assert keys(play.lock(service, partition=first.partition, id=first.id, **filters)) == keys([first])
        own = play.lock(service, process_instance_id=found[-1].process_instance_id, **filters)
        assert keys(own) == [key for key in keys(found) if key in keys(own)] and own[-1].id == found[-1].id
        service.execute(UnlockJobs(worker_id=play.WORKER))
        assert keys(play.lock(service, partition=first.partition, **filters)) == keys(found)


def test_filters_narrow_each_other(service: Service, typed: dict[int, str]):
    first = min(typed)
    found = play.lock(service, process_ids=(first,), task_types=("charge",))
    assert [(job.process_id, job.bpmn_element_id) for job in found] == [(first, "pay")]
    assert play.lock(service, process_ids=(first,), bpmn_process_ids=("q",)) == []


def test_jobs_of_many_elements_come_in_the_order_in_which_they_are_due(
    config: Config, clock: ManualClock, service: Service
):
    play.begin(service, play.wide(20))
    noon = clock.now()
    set_due(config, {id: -((id * 7) % 20) for id in range(1, 21)}, noon)
    clock.advance(timedelta(minutes=1))
    wanted = tuple(f"a{n}" for n in range(0, 20, 2))
    found = play.lock(service, bpmn_element_ids=wanted, limit=4)
    expected = sorted(range(1, 20, 2), key=lambda id: (-((id * 7) % 20), id))
    assert [job.id for job in found] == expected[:4]


def test_a_version_that_another_process_has_deployed_is_known_at_once(service: Service, other: Service):
    for version in range(1, 4):
        play.deploy(other, TYPED, version=str(version))
        play.start(other, "p", version=str(version))
        (job,) = play.lock(service, task_types=("charge",))
        play.complete(service, job)


def test_task_types_that_were_not_looked_for_when_a_process_was_deployed_are_known(
    config: Config, service: Service, typed: dict[int, str]
):
    """As long as both an earlier release and this one run."""
    with connected(config.database_url) as connection:
        connection.execute("UPDATE element SET task_type = NULL")
    assert named(typed, play.lock(service, task_types=("charge",))) == ["p.pay", "p.pay", "q.pay", "q.pay"]


def test_of_more_elements_than_are_looked_for_one_by_one_all_jobs_are_found(
    service: Service, typed: dict[int, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.store.transaction.MOST_KEYS", 1)
    assert named(typed, play.lock(service, task_types=("letters",))) == ["p.mail", "p.mail", "q.mail", "q.mail"]
    assert named(typed, play.lock(service, types=(JobType.EXECUTE,), bpmn_process_ids=("q",))) == [
        *("q.other", "q.other"),
        *("q.pay", "q.pay"),
    ]


def canceled_job(service: Service) -> Job:
    """The detached job of an instance that was canceled."""
    instance = play.begin(service)
    service.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER))
    (job,) = service.query(JobCriteria(process_instance_id=instance.id))
    assert job.detached
    return job


def test_work_that_nobody_needs_any_more_is_handed_out_by_id_only(service: Service):
    job = canceled_job(service)
    assert play.lock(service) == []
    assert play.lock(service, partition=job.partition) == []
    assert play.lock(service, process_ids=(job.process_id,)) == []
    assert play.lock(service, process_instance_id=job.process_instance_id) == []
    assert keys(play.lock(service, partition=job.partition, id=job.id)) == [(job.partition, job.id)]
    assert play.complete(service, job).state is WorkState.CANCELED


def test_rows_that_others_hold_are_passed_over_and_not_waited_for(postgres: Service):
    for _ in range(3):
        play.begin(postgres)
    with connected(postgres.config.database_url) as other, other.transaction():
        other.execute("SELECT 1 FROM job WHERE id = 1 FOR UPDATE")
        assert [job.id for job in play.lock(postgres, limit=1)] == [2]
        assert [job.id for job in play.lock(postgres)] == [3]
    assert [job.id for job in play.lock(postgres)] == [1]


def test_jobs_are_given_back_by_worker_day_and_id(clock: ManualClock, service: Service):
    for _ in range(4):
        play.begin(service)
    day = clock.now().date()
    play.lock(service, worker="one", limit=3)
    play.lock(service, worker="two", limit=1)

    def unlock(worker: str, **filters: Any) -> int:
        return service.execute(UnlockJobs(worker_id=worker, **filters))

    assert unlock("nobody") == 0
    assert unlock("one", partition=day, id=4) == 0
    assert unlock("one", partition=day + timedelta(days=1)) == 0
    assert unlock("one", partition=day, id=2) == 1
    assert [job.id for job in play.lock(service, worker="three")] == [2]
    assert unlock("one", partition=day) == 2
    assert unlock("two") == 1
    assert [job.id for job in play.lock(service, worker="three")] == [1, 3, 4]


def test_a_job_given_back_is_as_it_was_before_but_for_the_count_of_its_locks(service: Service):
    play.begin(service)
    (before,) = service.query(JobCriteria())
    play.lock(service)
    service.execute(UnlockJobs(worker_id=play.WORKER))
    (after,) = service.query(JobCriteria())
    assert (before.lock_version, after.lock_version) == (0, 1)
    kept = set(Job.__slots__) - {"lock_version"}
    assert {name: getattr(after, name) for name in kept} == {name: getattr(before, name) for name in kept}


def test_completed_jobs_are_neither_handed_out_nor_given_back(service: Service):
    play.begin(service)
    (job,) = play.lock(service)
    play.complete(service, job)
    assert service.execute(UnlockJobs(worker_id=play.WORKER)) == 0
    assert play.lock(service) == []
    assert play.lock(service, partition=job.partition, id=job.id) == []


def test_tasks_are_handed_out_by_filter_and_given_back_by_engine_day_and_id(clock: ManualClock, service: Service):
    instances = [play.begin(service, TIMER_CATCH) for _ in range(3)]
    first, own, _ = instances
    assert service.execute(LockTasks(limit=10, process_id=own.process_id)) == []
    clock.advance(timedelta(hours=1))
    (task,) = service.execute(LockTasks(limit=10, process_instance_id=own.id, type="TRIGGER_EVENT"))
    assert (task.process_instance_id, task.locked_by) == (own.id, "default-engine")
    assert service.execute(LockTasks(limit=10, type="JOIN_PARALLEL_GATEWAY")) == []
    assert len(service.execute(LockTasks(limit=10, process_id=own.process_id))) == 2
    assert service.execute(UnlockTasks(engine_id="other-engine")) == 0
    assert service.execute(UnlockTasks(engine_id="default-engine", partition=task.partition, id=task.id)) == 1
    assert service.execute(ReleaseTasks(partition=task.partition, ids=(task.id,))) == 0
    assert service.execute(UnlockTasks(engine_id="default-engine")) == 2
    assert len(service.execute(LockTasks(limit=10, process_id=first.process_id))) == 3


def test_releasing_a_batch_gives_back_what_it_names_and_nothing_else(clock: ManualClock, service: Service):
    for _ in range(4):
        instance = play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=1))
    tasks = service.execute(LockTasks(limit=10, process_id=instance.process_id))
    day = tasks[0].partition
    assert service.execute(ReleaseTasks(partition=day, ids=(tasks[1].id, tasks[3].id, 999))) == 2
    found = service.execute(LockTasks(limit=10, process_id=instance.process_id))
    assert keys(found) == [(day, tasks[1].id), (day, tasks[3].id)]


def test_two_services_on_one_database_hand_out_each_job_once(config: Config, clock: ManualClock, service: Service):
    for _ in range(6):
        play.begin(service)
    other = open_service(config, clock)
    found = [job.id for each in (service, other, service) for job in play.lock(each, limit=2)]
    other.close()
    assert found == [1, 2, 3, 4, 5, 6]


def test_a_retry_is_handed_out_once_it_is_due(clock: ManualClock, service: Service):
    play.begin(service)
    (job,) = play.lock(service)
    play.complete(service, job, error="broken", retry_limit=1, retry_timer="PT1H")
    assert play.lock(service) == []
    clock.advance(timedelta(hours=1, seconds=1))
    (again,) = play.lock(service)
    assert (again.retry_count, again.id) == (1, 2)
    assert rows(service.config.database_url, "SELECT count(*) FROM job WHERE completed_at IS NULL") == [(1,)]


def test_a_timer_given_by_a_worker_is_handed_out_once_it_is_due(clock: ManualClock, service: Service):
    instance = play.begin(
        service,
        model(
            "start -> catch -> end",
            body='<intermediateCatchEvent id="catch"><timerEventDefinition/></intermediateCatchEvent>',
        ),
    )
    (job,) = play.lock_of(service, instance)
    play.complete(service, job, completion=Completion(timer=Timer(time_duration="PT5M")))
    assert play.run_events(service) == []
    clock.advance(timedelta(minutes=5, seconds=1))
    assert len(play.run_events(service)) == 1


def test_numbers_that_workers_ask_for_are_not_remembered_for_ever(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.store.postgres_compiled.MOST_COMPILED", 20)
    for limit in range(1, 60):
        play.lock(postgres, limit=limit)
    dialect: Any = postgres._store._dialect
    assert len(dialect.statements._compiled) <= 20
