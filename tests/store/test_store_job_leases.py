"""Jobs that are locked for a time: what the end of a lease changes, for whom, and what it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.job import LockJobs, UnlockJobs
from app.commands.lease import ExtendJobs, HeldJob, RecoverJobs
from app.config import Config
from app.criteria import JobCriteria
from app.engine.records import Job
from app.engine.types import WorkState
from app.errors import EngineError, ErrorKind
from app.executor import TaskExecutor
from app.service import Service, open_service
from app.timer import format_timestamp
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.test_store_leases import wait_until_done
from tests.store.together import failures, in_threads

LEASE = "PT1M"
MINUTE = timedelta(minutes=1)


def leased(service: Service, *, worker: str = play.WORKER, lock_timeout: str = LEASE) -> Job:
    """The job of a new instance."""
    instance = play.begin(service)
    (job,) = play.lock(
        service,
        worker=worker,
        lock_timeout=lock_timeout,
        partition=instance.partition,
        process_instance_id=instance.id,
    )
    return job


def stored(service: Service, job: Job) -> Job:
    (found,) = service.query(JobCriteria(partition=job.partition, id=job.id))
    assert isinstance(found, Job)
    return found


def recover(service: Service) -> int:
    return service.execute(RecoverJobs())


def held(job: Job, *, lock_version: int = 0) -> HeldJob:
    return HeldJob(partition=job.partition, id=job.id, lock_version=lock_version)


def extend(service: Service, *jobs: HeldJob, worker: str = play.WORKER, by: str = LEASE) -> list[Any]:
    return service.execute(ExtendJobs(worker_id=worker, lock_timeout=by, jobs=jobs))


def refused(do: Callable[[], Any], kind: ErrorKind = ErrorKind.CONFLICT) -> str:
    with pytest.raises(EngineError) as caught:
        do()
    assert caught.value.kind is kind
    return caught.value.detail


def test_a_lease_that_has_ended_gives_the_job_to_another_worker(config: Config, clock: ManualClock, service: Service):
    job = leased(service)
    assert job.locked_until is not None and job.locked_at is not None
    assert (job.locked_until - job.locked_at, job.lock_version) == (MINUTE, 1)
    clock.advance(MINUTE / 2)
    assert recover(service) == 0
    clock.advance(MINUTE / 2 + timedelta(seconds=1))
    assert recover(service) == 1
    free = stored(service, job)
    assert (free.state, free.locked_by, free.locked_at, free.locked_until) == (WorkState.DUE, None, None, None)
    assert (free.retry_count, free.due_at) == (0, job.due_at)
    (again,) = play.lock(service, worker="other", lock_timeout=LEASE)
    assert (again.id, again.locked_by, again.lock_version) == (job.id, "other", 2)
    assert play.complete(service, again, worker="other").state is WorkState.DONE
    require_sound(config.database_url)


@pytest.mark.parametrize("noticed", [False, True])
def test_a_completion_that_comes_too_late_changes_nothing(
    config: Config, clock: ManualClock, service: Service, noticed: bool
):
    """Whether or not somebody has noticed that the lease has ended."""
    job = leased(service)
    clock.advance(MINUTE + timedelta(seconds=1))
    if noticed:
        assert recover(service) == 1
    before = rows(config.database_url, "SELECT * FROM job"), rows(config.database_url, "SELECT * FROM variable")
    detail = refused(lambda: play.complete(service, job, process_variables=play.variables(x="late")))
    assert ("is not locked" if noticed else "was locked until") in detail
    refused(lambda: play.complete(service, job, error="late"))
    after = rows(config.database_url, "SELECT * FROM job"), rows(config.database_url, "SELECT * FROM variable")
    assert before == after


def test_two_locks_by_one_worker_id_are_told_apart(clock: ManualClock, service: Service):
    first = leased(service)
    clock.advance(MINUTE + timedelta(seconds=1))
    assert recover(service) == 1
    (second,) = play.lock(service, lock_timeout=LEASE)
    assert (first.lock_version, second.lock_version) == (1, 2)
    detail = refused(lambda: play.complete(service, first, lock_version=first.lock_version))
    assert detail == f"job {first.partition}/{first.id} is locked anew: by lock 2, not 1"
    assert play.complete(service, second, lock_version=second.lock_version).state is WorkState.DONE


def test_every_lock_counts_with_or_without_a_lease(service: Service):
    play.begin(service)
    versions = []
    for timeout in ("", LEASE, ""):
        (job,) = play.lock(service, lock_timeout=timeout)
        versions.append((job.lock_version, job.locked_until is not None))
        service.execute(UnlockJobs(worker_id=play.WORKER))
    assert versions == [(1, False), (2, True), (3, False)]


def test_a_job_without_a_lease_stays_locked(clock: ManualClock, service: Service):
    play.begin(service)
    (job,) = play.lock(service)
    clock.advance(timedelta(days=1))
    assert recover(service) == 0
    assert play.complete(service, job).state is WorkState.DONE


def test_the_option_gives_a_lease_to_workers_that_ask_for_none(config: Config, clock: ManualClock):
    service = open_service(replace(config, job_lock_timeout=60), clock)
    job, own = leased(service, lock_timeout=""), leased(service, lock_timeout="PT1H")
    service.close()
    leases = [each.locked_until - each.locked_at for each in (job, own) if each.locked_until and each.locked_at]
    assert leases == [MINUTE, timedelta(hours=1)]


def test_an_extension_moves_the_end_and_never_shortens(clock: ManualClock, service: Service):
    job = leased(service)
    clock.advance(MINUTE / 2)
    (until,) = extend(service, held(job, lock_version=1))
    assert isinstance(until, datetime) and job.locked_until is not None
    assert timedelta(seconds=29) <= until - job.locked_until <= timedelta(seconds=31)
    assert extend(service, held(job), by="PT1S") == [until]
    assert stored(service, job).locked_until == until
    clock.advance(MINUTE - timedelta(seconds=2))
    assert recover(service) == 0
    assert play.complete(service, job, lock_version=1).state is WorkState.DONE


def test_each_job_of_an_extension_is_answered_for_itself(clock: ManualClock, service: Service):
    done, ended, foreign, for_ever, anew, fine = (
        leased(service),
        leased(service, lock_timeout="PT1S"),
        leased(service, worker="other"),
        leased(service, lock_timeout=""),
        leased(service),
        leased(service),
    )
    play.complete(service, done)
    clock.advance(timedelta(seconds=2))
    unknown = HeldJob(partition=done.partition, id=4711)
    jobs = (held(done), held(ended), held(foreign), held(for_ever), held(anew, lock_version=7), unknown, held(fine))
    *errors, until = extend(service, *jobs)
    assert isinstance(until, datetime)
    assert ended.locked_until is not None
    assert [
        error.detail.removeprefix(f"job {job.partition}/{job.id} ")
        for error, job in zip(errors, jobs[:-1], strict=True)
    ] == [
        "is completed",
        f"was locked until {format_timestamp(ended.locked_until)}: others may have it now",
        "is not locked by worker worker, but other",
        "is locked until it is completed or unlocked: there is nothing to extend",
        "is locked anew: by lock 1, not 7",
        "could not be found",
    ]
    assert [error.kind for error in errors] == [ErrorKind.CONFLICT] * 5 + [ErrorKind.NOT_FOUND]


def test_a_job_that_is_named_twice_is_extended_once(service: Service):
    job = leased(service, lock_timeout="PT10S")
    first, second = extend(service, held(job), held(job, lock_version=1))
    assert first == second == stored(service, job).locked_until


@pytest.mark.parametrize("executor", [False, True])
def test_a_look_for_jobs_gives_back_leases_where_no_executor_does(config: Config, clock: ManualClock, executor: bool):
    service = open_service(replace(config, task_executor_enabled=executor), clock)
    job = leased(service)
    clock.advance(MINUTE + timedelta(seconds=1))
    found = service.lock_jobs(LockJobs(worker_id="other", limit=10))
    assert [each.id for each in found] == ([] if executor else [job.id])
    service.close()


def test_the_executor_gives_leases_back_and_says_how_many(
    config: Config, clock: ManualClock, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "app.leases")
    service = open_service(replace(config, task_executor_interval=3600.0), clock)
    executor = TaskExecutor(service)
    executor.start()
    jobs = [leased(service) for _ in range(3)]
    clock.advance(MINUTE + timedelta(seconds=1))
    wait_until_done(config.database_url, "SELECT count(*) FROM job WHERE locked_by IS NOT NULL")
    executor.stop()
    service.close()
    assert [record.jobs for record in caplog.records] == [len(jobs)]  # type: ignore[attr-defined]


def test_workers_that_die_and_others_that_go_on_complete_each_job_once(
    config: Config, clock: ManualClock, service: Service, other: Service
):
    """Each worker forgets half of what it locks, and is late with some of the rest."""
    for _ in range(10):
        play.begin(service, play.wide(4))

    def work(each: Service, name: str) -> list[int]:
        done = []
        for turn in range(6):
            for number, job in enumerate(play.lock(each, worker=name, limit=5, lock_timeout="PT1S")):
                if (number + turn) % 2:
                    continue
                if number == 2:
                    clock.advance(timedelta(seconds=2))
                    recover(each)
                try:
                    play.complete(each, job, worker=name, lock_version=job.lock_version)
                except EngineError as error:
                    assert error.kind is ErrorKind.CONFLICT
                else:
                    done.append(job.id)
        return done

    outcomes = in_threads(*[lambda n=n: work((service, other)[n % 2], "same id") for n in range(4)])
    assert failures(outcomes) == []
    done = [id for outcome in outcomes for id in outcome]
    clock.advance(timedelta(seconds=2))
    recover(service)
    while jobs := play.lock(service, lock_timeout=LEASE):
        done += [play.complete(service, job).id for job in jobs]
    assert sorted(done) == list(range(1, 41))
    assert value(config.database_url, "SELECT count(*) FROM process_instance WHERE state = 'COMPLETED'") == 10
    require_sound(config.database_url)
