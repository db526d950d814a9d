"""What wakes those who wait: commits here and elsewhere, the clock, and looks where nothing is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest

from app import waker
from app.commands.instance import CancelProcessInstance
from app.commands.job import CompleteJob, UnlockJobs
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import LockTasks
from app.config import Config
from app.errors import unavailable
from app.news import LONGEST, Happening, JobNews, News, NoNews, decode, encode
from app.service import Service, open_service
from app.store.ear import Ear
from app.timer import Timer
from app.waiting import JobWanted, Waiter, Want
from tests.store import play
from tests.store.database import rows, value

PATIENCE = 30.0
ANY = JobWanted()


@pytest.fixture
def one(config: Config) -> Iterator[Service]:
    one = open_service(config)
    play.deploy(one)
    yield one
    one.close()


@pytest.fixture
def other(config: Config, one: Service) -> Iterator[Service]:
    """Another process on the same database."""
    other = open_service(replace(config, engine_id="other"))
    yield other
    other.close()


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks but at the beginning."""
    for name in ("LOOK_SECONDS", "BLIND_SECONDS"):
        monkeypatch.setattr(waker, name, 3600.0)


class Sleeper:
    def __init__(self, service: Service, want: Want = ANY, seconds: float = 3600.0) -> None:
        waiter = service.waiting.enter(want, seconds, in_thread=False)
        assert waiter is not None
        self.waiter: Waiter = waiter
        self._woken = threading.Event()
        waiter.sleep(self._woken.set)

    @property
    def is_woken(self) -> bool:
        return self._woken.wait(PATIENCE)

    def sleep_on(self) -> None:
        """Sleeps again, until it is woken for something else."""
        self._woken.clear()
        self.waiter.sleep(self._woken.set)


@contextmanager
def asleep(service: Service, want: Want = ANY, seconds: float = 3600.0) -> Iterator[Sleeper]:
    """Sleeps, after what was looked for at the beginning."""
    sleeper = Sleeper(service, want, seconds)
    if isinstance(want, JobWanted):
        assert sleeper.is_woken, "there is a look at the beginning"
        sleeper.sleep_on()
    try:
        yield sleeper
    finally:
        sleeper.waiter.abandon()


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("rarely")
def test_a_new_job_and_one_that_is_given_back_wake_who_waits(one: Service):
    with asleep(one) as sleeper:
        play.start(one)
        assert sleeper.is_woken
        play.lock(one)
        sleeper.sleep_on()
        one.execute(UnlockJobs(worker_id=play.WORKER))
        assert sleeper.is_woken


@pytest.mark.usefixtures("rarely")
def test_a_retry_wakes_who_waits_when_it_becomes_due(one: Service):
    play.start(one)
    (job,) = play.lock(one)
    with asleep(one) as sleeper:
        command = CompleteJob(partition=job.partition, id=job.id, worker_id=play.WORKER, error="no", retry_limit=1)
        one.execute(replace(command, retry_timer="PT1S"))
        assert sleeper.is_woken
        assert len(play.lock(one)) == 1


@pytest.mark.usefixtures("rarely")
def test_a_retry_that_was_planned_before_wakes_who_waits_when_it_becomes_due(one: Service):
    play.start(one)
    (job,) = play.lock(one)
    command = CompleteJob(partition=job.partition, id=job.id, worker_id=play.WORKER, error="no", retry_limit=1)
    one.execute(replace(command, retry_timer="PT1S"))
    with asleep(one) as sleeper:
        assert sleeper.is_woken
        assert len(play.lock(one)) == 1


@pytest.mark.usefixtures("rarely")
def test_time_that_is_moved_wakes_who_waits(one: Service):
    play.start(one)
    (job,) = play.lock(one)
    command = CompleteJob(partition=job.partition, id=job.id, worker_id=play.WORKER, error="no", retry_limit=1)
    one.execute(replace(command, retry_timer="P1D"))
    with asleep(one) as sleeper:
        one.execute(SetTime(timer=Timer(time_duration="P2D")))
        assert sleeper.is_woken
        assert len(play.lock(one)) == 1


@pytest.mark.usefixtures("rarely")
def test_the_end_of_an_instance_wakes_who_waits_for_it_however_it_ends(one: Service):
    instances = [play.start(one) for _ in range(2)]
    ends = [Happening("instance", each.partition, each.id) for each in instances]
    with asleep(one, ends[0]) as first, asleep(one, ends[1]) as second:
        play.work(one, instances[0])
        assert first.is_woken
        assert one.waiting.awaited() == [ends[1]]
        last = instances[1]
        one.execute(CancelProcessInstance(partition=last.partition, id=last.id, worker_id="w"))
        assert second.is_woken


@pytest.mark.usefixtures("rarely")
def test_a_task_that_is_executed_and_a_signal_that_has_arrived_wake_who_waits(one: Service):
    play.work(one, play.begin(one, play.SIGNAL_CATCH), signal_name="alarm")
    signal = one.execute(SendSignal(name="alarm", worker_id="w"))
    assert signal.subscriber_count == 1
    (task,) = one.execute(LockTasks(limit=1))
    arrived = Happening("signal", None, signal.id)
    with asleep(one, arrived) as first, asleep(one, Happening("task", task.partition, task.id)) as second:
        one.tasks.run([task])
        assert first.is_woken
        assert second.is_woken


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.usefixtures("rarely")
def test_what_another_process_commits_is_told_to_who_waits(one: Service, other: Service):
    instance = play.start(one)
    with asleep(one) as sleeper, asleep(one, Happening("instance", instance.partition, instance.id)) as last:
        other.nodes.beat()
        play.start(other)
        assert sleeper.is_woken
        play.work(other, instance)
        assert last.is_woken


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.usefixtures("rarely")
def test_who_waits_already_learns_at_once_that_somebody_waits_elsewhere(one: Service, other: Service):
    with asleep(one, JobWanted(process_ids=(2_000_000_000,))), asleep(other) as sleeper:
        until(lambda: bool(one.nodes.others) and one.nodes.others[0].waits_since is not None)
        play.start(one)
        assert sleeper.is_woken


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_nothing_is_told_while_nobody_waits(one: Service, other: Service, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(other._store, "tell", told.append)
    one.nodes.beat()
    other.nodes.beat()
    play.start(other)
    assert not other._waker.listens
    assert told == []


def test_what_others_commit_without_telling_is_found_by_a_look(
    one: Service, other: Service, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waker, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(Ear, "read", lambda ear: [])
    instance = play.start(one)
    play.lock(one)
    other.nodes.beat()
    ends = Happening("instance", instance.partition, instance.id)
    with asleep(one) as sleeper, asleep(one, ends) as last:
        play.start(other)
        until(lambda: sleeper.is_woken and (bool(play.lock(one)) or sleeper.sleep_on() or False))
        other.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id="w"))
        assert last.is_woken


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_it_is_said_when_messages_do_not_arrive(
    one: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO")
    monkeypatch.setattr(waker, "ARRIVAL_SECONDS", 0.0)
    monkeypatch.setattr(Ear, "read", lambda ear: [])
    with asleep(one):
        until(lambda: "NOTIFY of PostgreSQL does not arrive" in caplog.text)
        time.sleep(3 * waker.BLIND_SECONDS)
    assert caplog.text.count("NOTIFY") == 1


LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
END_LISTENING = LISTENING.replace("count(*)", "pg_terminate_backend(pid)")


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_there_is_a_connection_that_listens_as_long_as_somebody_waits(
    one: Service, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waker, "LINGER_SECONDS", 0.0)
    waits = "SELECT count(*) FROM node WHERE waits_since IS NOT NULL"
    with asleep(one):
        assert value(config.database_url, waits) == 1
        assert value(config.database_url, LISTENING) == 1
    until(lambda: not one._waker.listens)
    assert value(config.database_url, LISTENING) == 0
    assert value(config.database_url, "SELECT count(*) FROM node") == 1
    assert value(config.database_url, waits) == 0


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_connection_that_was_lost_is_replaced_and_what_happened_meanwhile_is_found(
    one: Service, other: Service, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(waker, "LOOK_SECONDS", 3600.0)
    with asleep(one) as sleeper:
        rows(config.database_url, END_LISTENING)
        play.start(other)
        until(lambda: value(config.database_url, LISTENING) == 1)
        until(lambda: sleeper.is_woken and (bool(play.lock(one)) or sleeper.sleep_on() or False))


def test_nothing_runs_when_nobody_waits(one: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waker, "LINGER_SECONDS", 0.0)

    def runs() -> bool:
        return any(thread.name == "waker" for thread in threading.enumerate())

    assert not runs()
    with asleep(one):
        assert runs()
    until(lambda: not runs())
    with asleep(one):
        one.close()
        assert not runs()


def test_who_waits_while_the_database_is_away_is_answered_when_the_time_is_over(
    one: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def away(*_: Any) -> Any:
        raise unavailable("the database can't be reached")

    monkeypatch.setattr(one._store, "find_nodes", away)
    sleeper = Sleeper(one, seconds=0.2)
    assert sleeper.is_woken
    assert sleeper.waiter.is_over
    assert not caplog.records


def test_many_wait_and_a_job_makes_one_of_them_look(one: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waker, "LOOK_SECONDS", 3600.0)
    monkeypatch.setattr(waker, "BLIND_SECONDS", 3600.0)
    woken: list[int] = []
    with asleep(one), ExitStack() as stack:
        for number in range(16):
            waiter = one.waiting.enter(ANY, 3600, in_thread=False)
            assert waiter is not None
            stack.callback(waiter.abandon)
            waiter.sleep(partial(woken.append, number))
        for count in range(3):
            # The first one is woken who was there before all of them.
            play.start(one)
            assert woken == [*range(count)]


DAY = date(2026, 11, 23)
JOB = JobNews(DAY, 1, 2, 3, "EXECUTE", "a", "p", None)


def test_news_arrive_as_they_were_sent():
    news = News([JOB], {Happening("instance", DAY, 3), Happening("signal", None, 2**40)}, anything=True)
    assert decode(encode(news, 2**62)) == (2**62, news)
    assert decode(encode(News(), 1)) == (1, News())


def test_news_that_are_too_long_to_be_told_say_that_there_may_be_anything():
    text = encode(News([JOB] * 1000), 1)
    assert len(text) < LONGEST
    assert decode(text) == (1, News(anything=True))


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", '{"from": 1}', '{"from": 1, "jobs": [1], "happened": []}'])
def test_what_nobody_of_this_version_has_sent_is_no_news(text: str):
    with pytest.raises(NoNews):
        decode(text)
