"""Several workers lock jobs at once: each job comes out exactly once, however many processes there are."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

import pytest

from app.clock import ManualClock
from app.commands.job import UnlockJobs
from app.config import Config
from app.service import Service, open_service
from tests.store import play
from tests.store.database import require_sound, value
from tests.store.together import failures, in_processes, in_threads

INSTANCES = 4
BRANCHES = 100
WORKERS = 8
LATER = datetime(2026, 11, 23, 12, 1)
"""When all of the jobs are due for certain, whatever a process makes of the database's clock."""


def lock_all(service: Service, worker: str) -> list[tuple[date, int]]:
    """Locks jobs in small batches until there are none."""
    found = []
    while jobs := play.lock(service, worker=worker, limit=7):
        assert all(job.locked_by == worker for job in jobs)
        found += [(job.partition, job.id) for job in jobs]
    return found


def lock_all_with_workers(url: str, name: str, workers: int) -> list[tuple[date, int]]:
    """What the workers of one process got."""
    service = open_service(Config(database_url=url, partition_ahead_days=0), ManualClock(LATER))
    try:
        outcomes = in_threads(*[lambda n=n: lock_all(service, f"{name}-{n}") for n in range(workers)])
    finally:
        service.close()
    for error in failures(outcomes):
        raise error
    return [job for outcome in outcomes for job in outcome]


def require_each_once(url: str, found: list[tuple[date, int]]) -> None:
    assert [job for job, times in Counter(found).items() if times > 1] == []
    assert len(found) == INSTANCES * BRANCHES
    assert value(url, "SELECT count(*) FROM job WHERE locked_by IS NULL") == 0
    require_sound(url)


def fill(service: Service) -> None:
    for _ in range(INSTANCES):
        play.begin(service, play.wide(BRANCHES))


def test_the_workers_of_two_processes_get_each_job_once(config: Config, service: Service):
    fill(service)
    url = config.database_url
    arguments = [(url, "one", WORKERS // 2), (url, "two", WORKERS // 2)]
    outcomes = in_processes(lock_all_with_workers, arguments)
    assert failures(outcomes) == []
    require_each_once(url, [job for outcome in outcomes for job in outcome])


def test_the_threads_of_one_process_get_each_job_once(config: Config, service: Service):
    fill(service)
    outcomes = in_threads(*[lambda n=n: lock_all(service, f"w{n}") for n in range(WORKERS)])
    assert failures(outcomes) == []
    require_each_once(config.database_url, [job for outcome in outcomes for job in outcome])


def test_workers_that_complete_at_once_what_they_lock_end_every_instance(
    config: Config, service: Service, other: Service
):
    for _ in range(20):
        play.begin(service, play.wide(4))

    def work(each: Service, worker: str) -> int:
        done = 0
        while jobs := play.lock(each, worker=worker, limit=3):
            for job in jobs:
                play.complete(each, job, worker=worker)
                done += 1
        return done

    outcomes = in_threads(*[lambda n=n: work((service, other)[n % 2], f"w{n}") for n in range(WORKERS)])
    assert failures(outcomes) == []
    assert sum(outcomes) == 80
    assert value(config.database_url, "SELECT count(*) FROM process_instance WHERE state = 'COMPLETED'") == 20
    require_sound(config.database_url)


def test_locking_and_giving_back_at_once_loses_no_job(config: Config, service: Service):
    play.begin(service, play.wide(20))

    def lock_and_unlock(worker: str) -> None:
        for _ in range(10):
            play.lock(service, worker=worker, limit=5)
            service.execute(UnlockJobs(worker_id=worker))

    outcomes = in_threads(*[lambda n=n: lock_and_unlock(f"w{n}") for n in range(4)])
    assert failures(outcomes) == []
    assert len(play.lock(service)) == 20
    require_sound(config.database_url)


@pytest.mark.parametrize("limit", [1, 1000])
def test_one_job_goes_to_one_of_many(service: Service, limit: int):
    for _ in range(5):
        play.begin(service)
        outcomes = in_threads(*[lambda n=n: play.lock(service, worker=f"w{n}", limit=limit) for n in range(4)])
        assert failures(outcomes) == []
        assert sorted(len(jobs) for jobs in outcomes) == [0, 0, 0, 1]
