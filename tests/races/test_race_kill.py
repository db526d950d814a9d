"""A service process that dies in the middle of its work leaves nothing half done, and its work can be taken over."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from app.clock import SystemClock
from app.commands.job import UnlockJobs
from app.commands.task import UnlockTasks
from app.config import Config
from app.service import Service, open_service
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.together import PATIENCE, context, in_threads

THREADS = 4
ENOUGH = 25
"""Completed instances after which the process is well in its stride."""
COMPLETED = "SELECT count(*) FROM process_instance WHERE state = 'COMPLETED'"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{}'"


def victim(url: str) -> Config:
    return Config(database_url=url, engine_id="victim", partition_ahead_days=1)


def work_for_ever(url: str) -> None:
    """Starts instances, completes their jobs, and runs their joins, as fast as it goes."""
    service = open_service(victim(url), SystemClock())

    def work(worker: str) -> None:
        while True:
            play.start(service, variables=play.variables(x="1"))
            for job in play.lock(service, worker=worker, limit=3):
                play.complete(service, job, worker=worker, process_variables=play.variables(x="2", y="3"))
            play.run_joins(service, limit=3)

    outcomes = in_threads(*[partial(work, f"w{n}") for n in range(THREADS)])
    raise AssertionError(outcomes)


def wait_until(reached: Any, process: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert process is None or process.is_alive(), "the process has ended by itself"
        assert time.monotonic() < deadline, "it was never reached"


def take_over(service: Service) -> None:
    """Gives back what the dead have locked, and does it."""
    for number in range(THREADS):
        service.execute(UnlockJobs(worker_id=f"w{number}"))
    service.execute(UnlockTasks(engine_id="victim"))
    busy = True
    while busy:
        jobs = play.lock(service)
        for job in jobs:
            play.complete(service, job)
        busy = bool(play.run_joins(service) or jobs)


@pytest.mark.slow
@pytest.mark.parametrize("round", range(3))
def test_a_killed_process_leaves_whole_transactions_and_work_that_others_can_do(config: Config, round: int):
    """Each round kills at another moment; which one is left to chance."""
    url = config.database_url
    service = open_service(config, SystemClock())
    play.deploy(service, play.TWO_TASKS)
    process = context().Process(target=work_for_ever, args=(url,), daemon=True)
    process.start()
    wait_until(lambda: value(url, COMPLETED) >= ENOUGH * (round + 1), process)
    process.kill()
    process.join(PATIENCE)
    if not config.is_sqlite:
        # What a statement that was on its way has done is known only once the server has noticed.
        wait_until(lambda: value(url, CONNECTIONS.format("victim")) == 0, None)
    require_sound(url)
    take_over(service)
    assert value(url, "SELECT count(*) FROM process_instance WHERE ended_at IS NULL") == 0
    assert value(url, "SELECT count(*) FROM job WHERE completed_at IS NULL AND NOT detached") == 0
    assert play.begin(service).id > value(url, COMPLETED)
    require_sound(url)
    service.close()


def test_a_command_goes_on_with_another_connection_where_the_server_has_ended_the_first(postgres: Service):
    url = postgres.config.database_url
    instance = play.begin(postgres, play.wide(3))
    jobs = play.lock_of(postgres, instance)
    for job in jobs:
        rows(url, CONNECTIONS.replace("count(*)", "pg_terminate_backend(pid)").format("default-engine"))
        wait_until(lambda: value(url, CONNECTIONS.format("default-engine")) == 0, None)
        assert play.complete(postgres, job).state == "DONE"
    assert value(url, COMPLETED) == 1
    require_sound(url)
