"""Tasks are locked for a time only: what a process leaves behind when it dies, or loses its database, others do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.incident import ResolveIncident
from app.commands.task import ExtendTasks, LockTasks, PostponeTask, RunTask, UnlockTasks
from app.config import Config
from app.criteria import IncidentCriteria, TaskCriteria
from app.engine.records import Task
from app.engine.types import WorkState
from app.errors import unavailable
from app.executor import TaskExecutor
from app.service import Service, open_service
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.play import model
from tests.store.together import PATIENCE

HOUR = 3600.0
LEASE = timedelta(seconds=60)
TIMER_CATCH = model(
    "start -> catch -> end",
    body='<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)
LOCKED = "SELECT count(*) FROM task WHERE locked_by IS NOT NULL AND completed_at IS NULL"
OPEN_INSTANCES = "SELECT count(*) FROM process_instance WHERE ended_at IS NULL"


@pytest.fixture
def config(config: Config) -> Config:
    """An executor that looks by itself once an hour only."""
    return replace(config, task_executor_interval=HOUR, task_lock_timeout=LEASE.total_seconds())


def due_timer(service: Service, clock: ManualClock) -> Task:
    """A timer that is due, not locked."""
    instance = play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=1))
    (task,) = service.query(TaskCriteria(process_instance_id=instance.id, partition=instance.partition))
    return task


def lock(service: Service, task: Task) -> list[Task]:
    return service.execute(LockTasks(limit=1, partition=task.partition, id=task.id))


def found(service: Service, task: Task) -> Task:
    (stored,) = service.query(TaskCriteria(partition=task.partition, id=task.id))
    return stored


class Broken:
    """A service whose database fails the commands of some types."""

    def __init__(self, service: Service, monkeypatch: pytest.MonkeyPatch, *kinds: type[Any]) -> None:
        self.kinds = kinds
        self.refused = threading.Event()
        execute = service.execute

        def failing(command: Any) -> Any:
            if isinstance(command, self.kinds):
                self.refused.set()
                raise unavailable("the database is away")
            return execute(command)

        monkeypatch.setattr(service, "execute", failing)

    def mend(self) -> None:
        self.kinds = ()


def test_a_task_that_its_process_left_behind_is_executed_when_its_lease_has_ended(
    config: Config, clock: ManualClock, service: Service
):
    task = due_timer(service, clock)
    crashed = open_service(replace(config, engine_id="crashed"), clock)
    assert lock(crashed, task)
    crashed.close()
    assert service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed == []
    clock.advance(LEASE)
    (done,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert (done.id, done.state, done.locked_by, done.error) == (task.id, WorkState.DONE, "default-engine", None)
    require_sound(config.database_url)


def test_a_lease_that_is_extended_keeps_others_away(config: Config, clock: ManualClock, service: Service):
    task = due_timer(service, clock)
    (held,) = lock(service, task)
    clock.advance(LEASE / 2)
    assert service.execute(ExtendTasks(partition=held.partition, ids=(held.id,))) == 1
    clock.advance(LEASE / 2)
    assert service.tasks.recover() == 0
    clock.advance(LEASE / 2)
    assert service.tasks.recover() == 1
    assert found(service, task).state is WorkState.DUE


def test_the_lease_of_another_engine_is_not_extended(config: Config, clock: ManualClock, service: Service):
    task = due_timer(service, clock)
    lock(service, task)
    other = open_service(replace(config, engine_id="other"), clock)
    assert other.execute(ExtendTasks(partition=task.partition, ids=(task.id,))) == 0
    other.close()


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("closed", [False, True])
def test_leases_are_extended_while_a_batch_runs(
    config: Config, clock: ManualClock, database_url: str, monkeypatch: pytest.MonkeyPatch, closed: bool
):
    """With a lease of a hundredth of a second, in the time that the first task of the batch takes.

    A service that was closed goes on: worker processes fork with one that has prepared the database and was closed.
    """
    service = open_service(replace(config, task_lock_timeout=0.01), clock)
    if closed:
        service.close()
    tasks = [due_timer(service, clock) for _ in range(2)]
    locked = [each for task in tasks for each in lock(service, task)]
    extended = threading.Event()
    execute = service.execute

    def slow(command: Any) -> Any:
        if isinstance(command, RunTask):
            assert extended.wait(PATIENCE)
        result = execute(command)
        if isinstance(command, ExtendTasks) and len(command.ids) == 2:
            extended.set()
        return result

    monkeypatch.setattr(service, "execute", slow)
    assert len(service.tasks.run(locked).completed) == 2
    service.close()


def test_a_task_that_was_lost_meanwhile_is_left_to_who_has_it(config: Config, clock: ManualClock, service: Service):
    task = due_timer(service, clock)
    (held,) = lock(service, task)
    other = open_service(replace(config, engine_id="other"), clock)
    clock.advance(LEASE)
    assert other.tasks.recover() == 1
    (theirs,) = lock(other, task)
    assert [each.id for each in service.tasks.run([held]).failed] == [task.id]
    assert [each.id for each in other.tasks.run([theirs]).completed] == [task.id]
    other.close()
    require_sound(config.database_url)


def test_a_failure_of_the_database_is_no_failure_of_the_task(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    task = due_timer(service, clock)
    broken = Broken(service, monkeypatch, RunTask)
    executed = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT"))
    assert ([each.id for each in executed.failed], executed.completed) == ([task.id], [])
    left = found(service, task)
    assert (left.state, left.retry_count, left.error) == (WorkState.LOCKED, 0, "the database is away")
    broken.mend()
    clock.advance(timedelta(seconds=1))
    (done,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert (done.state, done.error) == (WorkState.DONE, None)
    assert service.query(IncidentCriteria()) == []


def test_the_more_often_the_database_fails_a_task_the_later_it_is_tried_again(
    config: Config, clock: ManualClock, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    service = open_service(replace(config, task_executor_interval=60), clock)
    task = due_timer(service, clock)
    Broken(service, monkeypatch, RunTask)
    pauses = []
    for _ in range(8):
        assert service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).failed
        (until,) = rows(database_url, "SELECT locked_until FROM task WHERE type = 'TRIGGER_EVENT'")[0]
        at = until if isinstance(until, datetime) else datetime.fromisoformat(until)
        pauses.append((at - clock.now()).total_seconds())
        clock.advance(at - clock.now())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert found(service, task).retry_count == 0
    service.close()


@pytest.mark.parametrize("retries", [0, 3])
def test_a_task_that_was_interrupted_ten_times_in_a_row_becomes_an_incident(
    config: Config, clock: ManualClock, database_url: str, retries: int
):
    """Each time its process dies; whatever is configured for tasks that fail by themselves."""
    service = open_service(replace(config, task_retry_limit=retries), clock)
    task = due_timer(service, clock)
    for _ in range(10):
        assert lock(service, task)
        clock.advance(LEASE)
        assert service.tasks.recover() == 1
    (given_up,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert (given_up.state, given_up.error) == (
        WorkState.CAUSED_INCIDENT,
        "EXECUTION: failed to execute task: interrupted 10 times in a row",
    )
    (incident,) = service.query(IncidentCriteria())
    service.execute(ResolveIncident(partition=incident.partition, id=incident.id, worker_id="op"))
    (done,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert done.state is WorkState.DONE
    service.close()
    require_sound(database_url)


def interrupted(service: Service, clock: ManualClock, times: int, error: str) -> None:
    for _ in range(times):
        (held,) = service.execute(LockTasks(limit=1, type="TRIGGER_EVENT"))
        service.execute(PostponeTask(task=held, error=error))
        clock.advance(timedelta(hours=1))
        assert service.tasks.recover() == 1


def test_what_the_database_has_interrupted_often_is_tried_again_when_it_is_back(
    config: Config, clock: ManualClock, service: Service
):
    """A table that was locked for an hour is no reason to give up what is due."""
    due_timer(service, clock)
    interrupted(service, clock, 12, "the database takes too long")
    (done,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert (done.state, done.error) == (WorkState.DONE, None)


def test_what_the_database_has_interrupted_often_and_interrupts_again_is_an_incident_that_tells_why(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    due_timer(service, clock)
    interrupted(service, clock, 10, "the connection was lost")
    Broken(service, monkeypatch, RunTask)
    (given_up,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert given_up.state is WorkState.CAUSED_INCIDENT
    assert given_up.error == (
        "EXECUTION: failed to execute task: interrupted 10 times in a row, at last by: the database is away"
    )
    assert len(service.query(IncidentCriteria())) == 1


def test_what_is_tried_again_and_again_ends_as_an_incident_without_being_tried(
    config: Config, clock: ManualClock, service: Service
):
    due_timer(service, clock)
    interrupted(service, clock, 20, "the connection was lost")
    (given_up,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert given_up.state is WorkState.CAUSED_INCIDENT


@pytest.mark.usefixtures("one_by_one")
def test_a_task_that_kills_its_process_takes_no_other_with_it(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    """The whole batch was locked by the process that died, and comes back as one."""
    tasks = [due_timer(service, clock) for _ in range(4)]
    deadly = tasks[1].id
    execute = service.execute

    class Killed(BaseException):
        pass

    def dies(command: Any) -> Any:
        if isinstance(command, RunTask) and command.task.id == deadly and command.task.interruptions < 10:
            raise Killed
        return execute(command)

    monkeypatch.setattr(service, "execute", dies)
    completed: list[Task] = []
    for _ in range(40):
        try:
            completed += service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
        except Killed:
            clock.advance(LEASE)
        if len(service.query(IncidentCriteria())) == 1:
            break
    found_states = {task.id: found(service, task).state for task in tasks}
    assert found_states == {task.id: WorkState.DONE for task in tasks} | {deadly: WorkState.CAUSED_INCIDENT}


@pytest.mark.usefixtures("one_by_one")
def test_what_could_not_be_given_back_in_an_outage_is_given_back_after_it(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    tasks = [due_timer(service, clock) for _ in range(3)]
    locked = service.execute(LockTasks(limit=3, type="TRIGGER_EVENT"))
    broken = Broken(service, monkeypatch, object)
    executed = service.tasks.run(locked)
    assert len(executed.failed) == 3
    broken.mend()
    assert value(config.database_url, LOCKED) == 3
    service.tasks.settle()
    # The one that was tried waits for a second, the others were not even begun.
    assert value(config.database_url, LOCKED) == 1
    clock.advance(timedelta(seconds=1))
    done = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert sorted(task.id for task in done) == sorted(task.id for task in tasks)
    assert {task.state for task in done} == {WorkState.DONE}


def test_unlocking_by_hand_ends_a_lease(config: Config, clock: ManualClock, service: Service):
    task = due_timer(service, clock)
    lock(service, task)
    assert service.execute(UnlockTasks(engine_id="default-engine")) == 1
    clock.advance(LEASE)
    assert service.tasks.recover() == 0
    (done,) = service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed
    assert done.state is WorkState.DONE


@pytest.fixture
def running(config: Config, clock: ManualClock, service: Service) -> Iterator[TaskExecutor]:
    executor = TaskExecutor(service)
    yield executor
    executor.stop()


def wait_until_done(url: str, left: str = OPEN_INSTANCES) -> None:
    deadline = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        if value(url, left) == 0:
            return
        deadline.wait(0.05)
    pytest.fail("it was not executed")


def test_after_an_outage_the_executor_looks_at_once(
    config: Config, clock: ManualClock, service: Service, running: TaskExecutor, monkeypatch: pytest.MonkeyPatch
):
    """And not after its interval, which is an hour."""
    due_timer(service, clock)
    broken = Broken(service, monkeypatch, LockTasks)
    running.start()
    assert broken.refused.wait(PATIENCE)
    broken.mend()
    wait_until_done(config.database_url)


def test_the_executor_wakes_up_when_a_lease_ends(
    config: Config, clock: ManualClock, service: Service, running: TaskExecutor
):
    """The lease of a process that has died, and before the interval, which is an hour."""
    task = due_timer(service, clock)
    crashed = open_service(replace(config, engine_id="crashed", task_lock_timeout=1), clock)
    lock(crashed, task)
    crashed.close()
    running.start()
    clock.advance(timedelta(seconds=1))
    wait_until_done(config.database_url)
    require_sound(config.database_url)


def test_an_unexpected_failure_is_retried_as_configured_before_it_is_an_incident(
    config: Config, clock: ManualClock, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    service = open_service(replace(config, task_retry_limit=1), clock)
    due_timer(service, clock)
    execute = service.execute

    def breaking(command: Any) -> Any:
        if isinstance(command, RunTask):
            raise ZeroDivisionError("unexpected")
        return execute(command)

    monkeypatch.setattr(service, "execute", breaking)
    states = [service.execute_tasks(LockTasks(limit=10, type="TRIGGER_EVENT")).completed[0].state for _ in range(2)]
    assert states == [WorkState.CAUSED_RETRY, WorkState.CAUSED_INCIDENT]
    service.close()


def test_a_task_of_an_earlier_version_that_was_locked_without_a_lease_is_given_back_as_well(
    config: Config, clock: ManualClock, service: Service
):
    task = due_timer(service, clock)
    lock(service, task)
    rows(config.database_url, "UPDATE task SET locked_until = NULL WHERE locked_by IS NOT NULL")
    clock.advance(LEASE / 2)
    assert service.tasks.recover() == 0
    clock.advance(LEASE / 2)
    assert service.tasks.recover() == 1
    assert found(service, task).state is WorkState.DUE
