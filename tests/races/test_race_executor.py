"""The threads that run due tasks: each task once, at once when it is due, and nothing kept when they stop."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock, SystemClock
from app.commands.task import LockTasks, RunTask
from app.config import Config
from app.criteria import ElementInstanceCriteria, TaskCriteria
from app.executor import TaskExecutor
from app.service import Service, open_service
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.play import model
from tests.store.together import PATIENCE, failures, in_processes

HOUR = 3600.0
TASKS = 60
OPEN_EVENTS = "SELECT count(*) FROM task WHERE type = 'TRIGGER_EVENT' AND completed_at IS NULL"
OPEN_INSTANCES = "SELECT count(*) FROM process_instance WHERE ended_at IS NULL"
TIMER_CATCH = model(
    "start -> catch -> end",
    body='<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)


def wait_until(reached: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < deadline, what


@contextmanager
def running(service: Service) -> Iterator[TaskExecutor]:
    executor = TaskExecutor(service)
    executor.start()
    try:
        yield executor
    finally:
        executor.stop()


@pytest.fixture
def config(config: Config) -> Config:
    """An executor that looks by itself once an hour only."""
    return replace(config, task_executor_interval=HOUR)


class Ran:
    """Notes which tasks a service has run; the first one may be made to wait."""

    def __init__(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tasks: list[int] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        execute = service.execute

        def noted(command: Any) -> Any:
            if not isinstance(command, RunTask):
                return execute(command)
            self.reached.set()
            assert self.go_on.wait(PATIENCE)
            result = execute(command)
            self.tasks.append(command.task.id)
            return result

        monkeypatch.setattr(service, "execute", noted)

    def holds(self) -> None:
        self.go_on.clear()


def run_until_done(url: str, engine_id: str) -> None:
    """A service process with its executor, until no task is left."""
    config = Config(database_url=url, engine_id=engine_id, task_executor_limit=5, partition_ahead_days=1)
    service = open_service(config, SystemClock())
    with running(service):
        wait_until(lambda: value(url, OPEN_EVENTS) == 0, "tasks are left")
    service.close()


def test_the_executors_of_two_processes_run_each_task_once(config: Config, service: Service):
    """Their clocks are long past the time of the timers."""
    url = config.database_url
    for _ in range(TASKS):
        play.begin(service, TIMER_CATCH)
    assert failures(in_processes(run_until_done, [(url, "one"), (url, "two")])) == []
    found = rows(url, "SELECT locked_by, state FROM task WHERE type = 'TRIGGER_EVENT'")
    assert Counter(state for _, state in found) == {"DONE": TASKS}
    assert {engine for engine, _ in found} <= {"one", "two"}
    ends = service.query(ElementInstanceCriteria(bpmn_element_id="end"))
    assert len(ends) == len({end.process_instance_id for end in ends}) == TASKS
    require_sound(url)


def test_a_join_is_run_as_soon_as_the_last_branch_has_arrived(config: Config, service: Service):
    """Without waiting for the interval, which is an hour."""
    with running(service):
        instance = play.begin(service, play.TWO_TASKS)
        play.work(service, instance)
        wait_until(lambda: value(config.database_url, OPEN_INSTANCES) == 0, "the join was not run")
    require_sound(config.database_url)


def test_a_chain_of_tasks_is_run_without_waiting_in_between(config: Config, service: Service):
    throws = "".join(
        f'<intermediateThrowEvent id="t{n}"><escalationEventDefinition escalationRef="e"/></intermediateThrowEvent>'
        for n in range(5)
    )
    chain = model(
        "start -> t0 -> t1 -> t2 -> t3 -> t4 -> end",
        head='<escalation id="e" name="e" escalationCode="1"/>',
        body=throws,
    )
    with running(service):
        play.begin(service, chain)
        wait_until(lambda: value(config.database_url, OPEN_INSTANCES) == 0, "the chain was not run")
    require_sound(config.database_url)


def test_an_executor_runs_what_was_due_before_it_started(config: Config, clock: ManualClock, service: Service):
    for _ in range(TASKS // 2):
        play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=2))
    with running(service):
        wait_until(lambda: value(config.database_url, OPEN_EVENTS) == 0, "tasks are left")


@pytest.mark.usefixtures("one_by_one")
def test_stopping_finishes_the_running_task_and_gives_back_the_rest_of_its_batch_only(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(6):
        instance = play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=2))
    # Somebody else under the same engine id, such as a request, holds two of them.
    held = {task.id for task in service.execute(LockTasks(limit=2, process_id=instance.process_id))}
    ran = Ran(service, monkeypatch)
    ran.holds()
    executor = TaskExecutor(service)
    executor.start()
    assert ran.reached.wait(PATIENCE)
    stopping = threading.Thread(target=executor.stop)
    stopping.start()
    wait_until(executor._stopping.is_set, "it was not told to stop")
    ran.go_on.set()
    stopping.join(PATIENCE)
    assert not stopping.is_alive()
    assert len(ran.tasks) == 1
    found = service.query(TaskCriteria(process_id=instance.process_id))
    assert {task.id for task in found if task.locked_by and task.completed_at is None} == held
    assert {task.id for task in found if task.completed_at} <= set(ran.tasks)
    require_sound(config.database_url)


def test_a_stopped_executor_runs_nothing_any_more(config: Config, service: Service, monkeypatch: pytest.MonkeyPatch):
    ran = Ran(service, monkeypatch)
    with running(service):
        wait_until(lambda: service.on_due is not None, "it did not start")
    ran.tasks.clear()
    play.work(service, play.begin(service, play.TWO_TASKS))
    assert ran.tasks == []
    assert service.on_due is None


@pytest.mark.usefixtures("one_by_one")
def test_a_task_that_breaks_keeps_the_others_from_nothing(
    config: Config, clock: ManualClock, service: Service, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(4):
        instance = play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=2))
    execute = service.execute
    broken: list[int] = []

    def breaking(command: Any) -> Any:
        if isinstance(command, RunTask) and command.task.process_instance_id and not broken:
            broken.append(command.task.id)
            raise RuntimeError("broken on purpose")
        return execute(command)

    monkeypatch.setattr(service, "execute", breaking)
    with running(service):
        wait_until(lambda: value(config.database_url, OPEN_INSTANCES) == 1, "the others were not run")
    found = service.query(TaskCriteria(process_id=instance.process_id))
    assert [task.id for task in found if task.state == "CAUSED_INCIDENT"] == broken
