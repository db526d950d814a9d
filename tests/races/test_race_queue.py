"""A limit on parallelism holds whatever happens at once, and whoever waits gets a turn."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from app.commands.instance import CancelProcessInstance
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.service import Service
from tests.races.held import Held, InBackground, wait_for_a_lock
from tests.store import play
from tests.store.database import connected, require_sound, value
from tests.store.together import failures, in_threads

ACTIVE = """
    SELECT count(*) FROM process_instance
    WHERE bpmn_process_id = 'p' AND ended_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM queue_entry e
        WHERE e.partition = process_instance.partition AND e.process_instance_id = process_instance.id)"""
OPEN = "SELECT count(*) FROM process_instance WHERE ended_at IS NULL"
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
