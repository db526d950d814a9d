"""Retries and timers that are brought forward."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.clock import ManualClock
from app.commands.due import MoveJob, MoveTimer
from app.commands.instance import CancelProcessInstance
from app.commands.task import LockTasks
from app.config import Config
from app.criteria import ProcessInstanceCriteria, TaskCriteria
from app.engine.completion import Completion
from app.engine.records import Job, Task
from app.errors import EngineError, ErrorKind
from app.executor import TaskExecutor
from app.service import Service
from app.timer import Timer
from tests.store import play
from tests.store.database import require_sound
from tests.store.play import model
from tests.store.test_store_leases import TIMER_CATCH, wait_until_done

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def start_timer(cycle: str) -> str:
    return model(
        "start -> a -> end",
        body=f'<startEvent id="start"><timerEventDefinition><timeCycle>{cycle}</timeCycle></timerEventDefinition>'
        "</startEvent>",
    )


def boundary_timer(cycle: str) -> str:
    return model(
        "start -> a -> end",
        "at -> end2",
        body='<boundaryEvent id="at" attachedToRef="a" cancelActivity="false"><timerEventDefinition>'
        f"<timeCycle>{cycle}</timeCycle></timerEventDefinition></boundaryEvent>",
    )


def retry(service: Service) -> Job:
    """The job of a new instance that waits for an hour."""
    instance = play.begin(service)
    (job,) = play.lock_of(service, instance)
    play.complete(service, job, error="broken", retry_limit=1, retry_timer="PT1H")
    job.id += 1
    return job


def timer(service: Service) -> Task:
    (task,) = [each for each in service.query(TaskCriteria(type="TRIGGER_EVENT")) if each.completed_at is None]
    assert isinstance(task, Task)
    return task


def move(service: Service, work: Job | Task, due_at: datetime | None = None) -> Job | Task:
    kind = MoveJob if isinstance(work, Job) else MoveTimer
    return service.execute(kind(partition=work.partition, id=work.id, worker_id="op", due_at=due_at))


def conflict(service: Service, work: Job | Task, due_at: datetime | None = None) -> str:
    with pytest.raises(EngineError) as caught:
        move(service, work, due_at)
    assert caught.value.kind is ErrorKind.CONFLICT
    return caught.value.detail.partition("/")[2].partition(" ")[2]


def test_a_retry_is_brought_forward_to_now_or_another_time(clock: ManualClock, service: Service):
    job = retry(service)
    assert play.lock(service) == []
    later = clock.now() + HOUR / 2
    assert move(service, job, later).due_at == later
    moved = move(service, job)
    assert abs(moved.due_at - clock.now()) < SECOND
    clock.advance(SECOND)
    # Once it is due, there is nothing to bring forward.
    assert move(service, job).due_at == moved.due_at
    assert [each.id for each in play.lock(service)] == [job.id]


def test_a_time_that_is_over_is_now_and_a_later_one_is_refused(clock: ManualClock, service: Service):
    job = retry(service)
    assert "can be brought forward, not put off" in conflict(service, job, clock.now() + 2 * HOUR)
    assert abs(move(service, job, clock.now() - HOUR).due_at - clock.now()) < SECOND


def test_what_does_not_wait_is_not_moved(clock: ManualClock, service: Service):
    job = retry(service)
    clock.advance(2 * HOUR)
    (locked,) = play.lock(service)
    assert conflict(service, job) == "is locked by worker"
    play.complete(service, locked)
    assert conflict(service, job) == "is completed"
    left = retry(service)
    service.execute(CancelProcessInstance(partition=left.partition, id=left.process_instance_id, worker_id=play.WORKER))
    assert conflict(service, left) == "is not needed any more: its element instance has ended"
    with pytest.raises(EngineError) as caught:
        service.execute(MoveJob(partition=job.partition, id=4711, worker_id="op"))
    assert caught.value.kind is ErrorKind.NOT_FOUND


def test_a_timer_fires_when_it_is_brought_forward(config: Config, clock: ManualClock, service: Service):
    play.begin(service, TIMER_CATCH)
    task = timer(service)
    assert play.run_events(service) == []
    move(service, task)
    clock.advance(SECOND)
    assert [each.id for each in play.run_events(service)] == [task.id]
    require_sound(config.database_url)


def test_the_executor_fires_it_at_once(config: Config, clock: ManualClock, service: Service):
    """Though it looks by itself once a minute."""
    play.begin(service, TIMER_CATCH)
    executor = TaskExecutor(service)
    executor.start()
    move(service, timer(service))
    clock.advance(SECOND)
    wait_until_done(config.database_url)
    executor.stop()


@pytest.mark.parametrize("cycle", ["R3/PT1H", "0 * * * *"])
def test_a_start_timer_that_is_brought_forward_goes_on_as_it_would_have(
    clock: ManualClock, service: Service, cycle: str
):
    play.deploy(service, start_timer(cycle))
    planned = timer(service).due_at
    move(service, timer(service))
    clock.advance(SECOND)
    play.run_events(service)
    following = timer(service)
    assert (len(service.query(ProcessInstanceCriteria())), following.due_at - planned) == (1, HOUR)
    assert "PlannedAt" not in (following.serialized_task or "")


@pytest.mark.parametrize("cycle", ["R3/PT1H", "0 * * * *"])
def test_a_boundary_timer_that_is_brought_forward_goes_on_as_it_would_have(
    clock: ManualClock, service: Service, cycle: str
):
    play.begin(service, boundary_timer(cycle))
    planned = timer(service).due_at
    move(service, timer(service), clock.now() + HOUR / 10)
    move(service, timer(service))
    clock.advance(SECOND)
    play.run_events(service)
    assert timer(service).due_at - planned == HOUR


def test_what_is_no_timer_is_not_moved(clock: ManualClock, service: Service):
    instance = play.begin(service, play.MESSAGE_CATCH)
    play.work(service, instance, message_correlation_key="k")
    play.send(service, "paid", "k")
    assert conflict(service, timer(service)) == "is no timer"


def test_a_timer_that_is_being_executed_is_not_moved(clock: ManualClock, service: Service):
    play.begin(
        service,
        model(
            "start -> catch -> end",
            body='<intermediateCatchEvent id="catch"><timerEventDefinition/></intermediateCatchEvent>',
        ),
    )
    (job,) = play.lock(service)
    play.complete(service, job, completion=Completion(timer=Timer(time_duration="PT1H")))
    clock.advance(2 * HOUR)
    (task,) = service.execute(LockTasks(limit=1, type="TRIGGER_EVENT"))
    assert conflict(service, task) == "is locked by default-engine"
