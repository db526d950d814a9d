"""A limit on parallelism holds whatever happens at once, and whoever waits gets a turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.commands.instance import CancelProcessInstance, SuspendProcessInstance
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.engine.completion import CalledProcess, Completion
from app.engine.records import ProcessInstance
from app.engine.types import TaskType
from app.service import Service
from tests.races.held import Held, InBackground, wait_for_a_lock
from tests.races.paused import Paused
from tests.store import play
from tests.store.database import connected, require_sound, rows, value
from tests.store.together import failures, in_threads

ACTIVE = """
    SELECT count(*) FROM process_instance
    WHERE bpmn_process_id = 'p' AND ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM queue_entry e
        WHERE e.partition = process_instance.partition AND e.process_instance_id = process_instance.id)"""
OPEN = "SELECT count(*) FROM process_instance WHERE ended_at IS NULL"
STATES = "SELECT state FROM process_instance WHERE bpmn_process_id = 'p' ORDER BY partition, id"
CREATED = 24
CREATORS = 3


class Watcher:
    """Counts over and over how many instances are active at once."""

    def __init__(self, url: str) -> None:
        self.most = 0
        self.stop = threading.Event()
        self._url = url

    def watch(self) -> None:
        with connected(self._url) as connection:
            while not self.stop.is_set():
                self.most = max(self.most, connection.execute(ACTIVE).fetchone()[0])


def create(service: Service, count: int) -> None:
    for _ in range(count):
        play.start(service)


def work_until(service: Service, finished: threading.Event, worker: str) -> None:
    """Completes jobs and runs tasks, until there is nothing more to come."""
    while True:
        done = finished.is_set()
        jobs = play.lock(service, worker=worker, limit=2)
        for job in jobs:
            play.complete(service, job, worker=worker)
        if not play.run_tasks(service, limit=5) and not jobs and done and not value(service.config.database_url, OPEN):
            return


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_than_the_limit_are_ever_active_and_none_is_stuck(
    config: Config, service: Service, other: Service, limit: int
):
    play.deploy(service, parallelism=limit)
    watcher, created = Watcher(config.database_url), threading.Event()

    def create_all() -> None:
        creating = [partial(create, each, CREATED // CREATORS) for each in (service, other, service)]
        assert failures(in_threads(*creating)) == []
        created.set()

    def work_all() -> None:
        working = [partial(work_until, each, created, f"w{n}") for n, each in enumerate((service, other))]
        assert failures(in_threads(*working)) == []
        watcher.stop.set()

    assert failures(in_threads(create_all, work_all, watcher.watch)) == []
    assert 1 <= watcher.most <= limit
    ended = service.query(ProcessInstanceCriteria())
    assert [instance.state for instance in ended] == ["COMPLETED"] * CREATED
    require_sound(config.database_url)


def test_a_slot_that_becomes_free_twice_at_once_lets_two_in(config: Config, service: Service, other: Service):
    play.deploy(service, parallelism=2)
    for _ in range(10):
        create(service, 4)
        play.run_tasks(service)
        jobs = play.lock(service)
        assert len(jobs) == 2
        both = zip((service, other), jobs, strict=True)
        assert failures(in_threads(*[partial(play.complete, each, job) for each, job in both])) == []
        assert value(config.database_url, ACTIVE) == 2
        # The rest goes one by one.
        while value(config.database_url, OPEN):
            play.run_tasks(service)
            for job in play.lock(service):
                play.complete(service, job)
    require_sound(config.database_url)


def test_canceling_the_active_one_and_creating_another_at_once_leaves_one_active(
    config: Config, service: Service, other: Service
):
    play.deploy(service, parallelism=1)
    active = play.start(service)
    for _ in range(10):
        cancel = CancelProcessInstance(partition=active.partition, id=active.id, worker_id=play.WORKER)
        outcomes = in_threads(partial(service.execute, cancel), partial(play.start, other))
        assert failures(outcomes) == []
        assert value(config.database_url, ACTIVE) == 1
        play.run_tasks(service)
        active = outcomes[1]
    require_sound(config.database_url)


def test_a_limit_that_is_introduced_while_instances_start_holds_from_then_on(
    config: Config, service: Service, other: Service
):
    """Each instance either was there before the limit, or counts under it."""
    for number in range(4):
        play.deploy(service, version=f"{number}.unlimited")
        outcomes = in_threads(
            partial(play.deploy, service, version=f"{number}.limited", parallelism=1),
            partial(play.start, other, version=f"{number}.unlimited"),
            partial(play.start, service, version=f"{number}.unlimited"),
        )
        assert failures(outcomes) == []
        late = play.start(other, version=f"{number}.unlimited")
        assert late.state == "QUEUED"
        while value(config.database_url, OPEN):
            play.run_tasks(service)
            for job in play.lock(service):
                play.complete(service, job)
        play.deploy(service, version=f"{number}.free")
    require_sound(config.database_url)


def test_an_instance_that_ends_while_a_limit_is_introduced_keeps_nobody_waiting_for_its_slot(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    """It looked for no queue, since there was no limit; whoever introduces one has to wait until it is gone."""
    play.deploy(postgres)
    play.start(postgres)
    (job,) = play.lock(postgres)
    completing = Held(monkeypatch, lambda: play.complete(postgres, job))
    deploying = InBackground(lambda: play.deploy(postgres, version="2", parallelism=1))
    wait_for_a_lock(postgres.config.database_url, deploying)
    completing.commits()
    deploying.result()
    assert play.start(postgres).state == "STARTED"
    assert play.start(postgres).state == "QUEUED"
    require_sound(postgres.config.database_url)


def test_whoever_ends_while_another_one_queues_up_lets_it_in(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    """Both look at the queue under one lock: the one that queues up is seen by the one that ends, or sees its end."""
    url = postgres.config.database_url
    play.deploy(postgres, parallelism=1)
    play.start(postgres)
    (job,) = play.lock(postgres)
    starting = Held(monkeypatch, lambda: play.start(postgres))
    completing = InBackground(lambda: play.complete(postgres, job))
    wait_for_a_lock(url, completing)
    assert starting.commits().state == "QUEUED"
    completing.result()
    play.run_tasks(postgres)
    assert value(url, ACTIVE) == value(url, OPEN) == 1
    assert len(play.lock(postgres)) == 1
    require_sound(url)


def cancel(service: Service, instance: ProcessInstance) -> None:
    service.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER))


def states(service: Service) -> list[str]:
    return [row[0] for row in rows(service.config.database_url, STATES)]


def require_rest(service: Service, limit: int) -> None:
    """Fails unless as many are active as the limit allows, each of them goes on, and the queue counts them."""
    url = service.config.database_url
    play.run_tasks(service)
    active, waiting = value(url, ACTIVE), value(url, "SELECT count(*) FROM queue_entry WHERE bpmn_process_id = 'p'")
    assert active == min(limit, active + waiting)
    assert value(url, "SELECT active FROM process_queue WHERE bpmn_process_id = 'p'") == active
    assert value(url, STARTED) == active
    require_sound(url)


STARTED = "SELECT count(*) FROM process_instance WHERE bpmn_process_id = 'p' AND state = 'STARTED'"


def test_a_queued_instance_whose_cancellation_commits_late_does_not_rise_from_the_dead(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    """Whoever ends looks for the next one when the cancellation is through, and not before."""
    play.deploy(postgres, parallelism=1)
    play.start(postgres)
    canceled = play.start(postgres)
    play.start(postgres)
    (job,) = play.lock(postgres)
    canceling = Held(monkeypatch, lambda: cancel(postgres, canceled))
    completing = InBackground(lambda: play.complete(postgres, job))
    wait_for_a_lock(postgres.config.database_url, completing)
    canceling.commits()
    completing.result()
    assert states(postgres) == ["COMPLETED", "CANCELED", "QUEUED"]
    require_rest(postgres, 1)
    assert states(postgres) == ["COMPLETED", "CANCELED", "STARTED"]


def test_an_instance_whose_turn_comes_while_it_is_canceled_gives_it_to_the_next(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    """The cancellation has read the instance as a queued one; only under the lock of the queue it knows better."""
    play.deploy(postgres, parallelism=1)
    play.start(postgres)
    canceled = play.start(postgres)
    play.start(postgres)
    (job,) = play.lock(postgres)
    completing = Held(monkeypatch, lambda: play.complete(postgres, job))
    canceling = InBackground(lambda: cancel(postgres, canceled))
    wait_for_a_lock(postgres.config.database_url, canceling)
    completing.commits()
    canceling.result()
    require_rest(postgres, 1)
    assert states(postgres) == ["COMPLETED", "CANCELED", "STARTED"]


CALLER = play.model("start -> call -> end", process_id="caller")


def call(service: Service) -> ProcessInstance:
    """An instance of another process that has called one of `p`."""
    caller = play.begin(service, CALLER)
    (job,) = play.lock_of(service, caller)
    called = CalledProcess(bpmn_process_id="p", version="1")
    play.complete(service, job, completion=Completion(called_process=called))
    return caller


def test_a_called_instance_whose_turn_comes_while_its_tree_is_canceled_gives_it_to_the_next(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(postgres, parallelism=1)
    play.start(postgres)
    (job,) = play.lock(postgres)
    caller = call(postgres)
    play.start(postgres)
    completing = Held(monkeypatch, lambda: play.complete(postgres, job))
    canceling = InBackground(lambda: cancel(postgres, caller))
    wait_for_a_lock(postgres.config.database_url, canceling)
    completing.commits()
    canceling.result()
    require_rest(postgres, 1)
    assert states(postgres) == ["COMPLETED", "CANCELED", "STARTED"]


def test_an_instance_that_is_canceled_between_its_turn_and_its_start_gives_the_slot_back_once(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(postgres, parallelism=1)
    play.start(postgres)
    canceled = play.start(postgres)
    play.start(postgres)
    (job,) = play.lock(postgres)
    play.complete(postgres, job)
    canceling = Held(monkeypatch, lambda: cancel(postgres, canceled))
    starting = InBackground(lambda: play.run_tasks(postgres, TaskType.START_PROCESS_INSTANCE))
    wait_for_a_lock(postgres.config.database_url, starting)
    canceling.commits()
    assert [task.state for task in starting.result()] == ["CANCELED"]
    require_rest(postgres, 1)
    assert states(postgres) == ["COMPLETED", "CANCELED", "STARTED"]


def test_two_whose_turn_comes_at_once_are_two(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    """A completion and the task of a raised limit meet at the queue."""
    play.deploy(postgres, parallelism=1)
    for _ in range(4):
        play.start(postgres)
    (job,) = play.lock(postgres)
    play.deploy(postgres, version="2", parallelism=2)
    completing = Held(monkeypatch, lambda: play.complete(postgres, job))
    dequeuing = InBackground(lambda: play.run_tasks(postgres, TaskType.DEQUEUE_PROCESS_INSTANCE))
    wait_for_a_lock(postgres.config.database_url, dequeuing)
    completing.commits()
    # The completion has filled both slots.
    assert [task.state for task in dequeuing.result()] == ["CANCELED"]
    require_rest(postgres, 2)
    assert states(postgres) == ["COMPLETED", "STARTED", "STARTED", "QUEUED"]


BEFORE: dict[str, Callable[[Service], Callable[[], Any]]] = {
    "a start": lambda service: lambda: play.start(service),
    "a call": lambda service: _calls(service),
    "an end": lambda service: _ends(service),
    "a cancellation": lambda service: _cancels(service),
}
"""Commands that look for no queue, since their process has no limit."""


def _calls(service: Service) -> Callable[[], Any]:
    caller = play.begin(service, CALLER)
    (job,) = play.lock_of(service, caller)
    called = CalledProcess(bpmn_process_id="p", version="1")
    return lambda: play.complete(service, job, completion=Completion(called_process=called))


def _ends(service: Service) -> Callable[[], Any]:
    (job,) = play.lock_of(service, play.start(service))
    return lambda: play.complete(service, job)


def _cancels(service: Service) -> Callable[[], Any]:
    instance = play.start(service)
    return lambda: cancel(service, instance)


@pytest.mark.parametrize("prepared", [0, 8], ids=["a new connection", "prepared statements"])
@pytest.mark.parametrize("name", BEFORE)
def test_a_limit_holds_that_is_set_between_the_look_of_a_command_and_its_write(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, name: str, prepared: int
):
    play.deploy(postgres)
    play.start(postgres)
    for _ in range(prepared):
        BEFORE[name](postgres)()
    active = value(postgres.config.database_url, ACTIVE)
    command = Paused(monkeypatch, BEFORE[name](postgres))
    play.deploy(postgres, version="2", parallelism=active)
    command.goes_on()
    assert command.attempts == 2
    require_rest(postgres, active)


@pytest.mark.parametrize("prepared", [0, 8], ids=["a new connection", "prepared statements"])
@pytest.mark.parametrize("name", BEFORE)
def test_a_limit_that_is_about_to_be_set_is_waited_for_by_whoever_writes(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, name: str, prepared: int
):
    """The write has begun before the limit is committed, and must not see the time before."""
    play.deploy(postgres)
    play.start(postgres)
    for _ in range(prepared):
        BEFORE[name](postgres)()
    do = BEFORE[name](postgres)
    active = value(postgres.config.database_url, ACTIVE)
    deploying = Held(monkeypatch, lambda: play.deploy(postgres, version="2", parallelism=active))
    command = InBackground(do)
    wait_for_a_lock(postgres.config.database_url, command)
    deploying.commits()
    command.result()
    require_rest(postgres, active)


@pytest.mark.parametrize("name", BEFORE)
def test_whoever_has_written_counts_when_a_limit_is_set(postgres: Service, monkeypatch: pytest.MonkeyPatch, name: str):
    play.deploy(postgres)
    play.start(postgres)
    active = value(postgres.config.database_url, ACTIVE)
    command = Held(monkeypatch, BEFORE[name](postgres))
    deploying = InBackground(lambda: play.deploy(postgres, version="2", parallelism=5))
    wait_for_a_lock(postgres.config.database_url, deploying)
    command.commits()
    deploying.result()
    assert value(postgres.config.database_url, "SELECT active FROM process_queue WHERE bpmn_process_id = 'p'") == value(
        postgres.config.database_url, ACTIVE
    )
    assert active >= 1
    require_rest(postgres, 5)


def test_a_limit_that_cannot_be_set_at_once_does_not_stop_others_for_long(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    """It waits for one who writes; who comes later must not wait behind it, but for a moment."""
    play.deploy(postgres)
    started = Held(monkeypatch, lambda: play.start(postgres))
    deploying = InBackground(lambda: play.deploy(postgres, version="2", parallelism=5))
    wait_for_a_lock(postgres.config.database_url, deploying)
    assert play.start(postgres).state == "STARTED"
    started.commits()
    deploying.result()
    require_rest(postgres, 5)


def test_starting_under_a_limit_takes_ids_once(config: Config, service: Service):
    play.deploy(service, parallelism=2)
    assert [play.start(service).id for _ in range(5)] == [1, 2, 3, 4, 5]


def test_a_process_that_learns_of_a_limit_late_tries_twice_only_once(config: Config, service: Service, other: Service):
    """The first id may be lost on PostgreSQL."""
    play.deploy(service, parallelism=1)
    first, *others = [play.start(other) for _ in range(4)]
    assert [each.state for each in (first, *others)] == ["STARTED", "QUEUED", "QUEUED", "QUEUED"]
    assert [each.id - first.id for each in others] == [1, 2, 3]


def test_two_processes_that_call_each_other_under_limits_do_not_block_each_other(
    config: Config, service: Service, other: Service
):
    """Locks on both queues are always taken in the same order."""
    for one, two in (("p", "q"), ("q", "p")):
        body = f'<callActivity id="call" calledElement="{two}"/>'
        play.deploy(service, play.model("start -> call -> end", process_id=one, body=body), parallelism=3)
    trees = []
    for bpmn_process_id in ("p", "q") * 3:
        trees.append(play.start(service, bpmn_process_id))
        for job in play.lock_of(service, trees[-1]):
            play.complete(service, job)
    canceling = [partial(cancel, each, tree) for each, tree in zip((service, other) * 3, trees, strict=True)]
    assert failures(in_threads(*canceling)) == []
    play.run_tasks(service)
    assert value(config.database_url, OPEN) == 0
    assert rows(config.database_url, "SELECT active FROM process_queue") == [(0,), (0,)]
    assert value(config.database_url, "SELECT count(*) FROM queue_entry") == 0


def test_a_suspension_and_a_cancellation_at_once_leave_the_slot_to_the_next(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(postgres, parallelism=1)
    active = play.start(postgres)
    play.start(postgres)
    suspend = SuspendProcessInstance(partition=active.partition, id=active.id, worker_id=play.WORKER)
    suspending = Held(monkeypatch, lambda: postgres.execute(suspend))
    canceling = InBackground(lambda: cancel(postgres, active))
    wait_for_a_lock(postgres.config.database_url, canceling)
    suspending.commits()
    canceling.result()
    require_rest(postgres, 1)
    assert states(postgres) == ["CANCELED", "STARTED"]
