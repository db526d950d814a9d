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
from app.engine.types import WorkState
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
    monkeypatch.setattr("app.store.postgres.MOST_COMPILED", 20)
    for limit in range(1, 60):
        play.lock(postgres, limit=limit)
    dialect: Any = postgres._store._dialect
    assert len(dialect._compiled) <= 20
