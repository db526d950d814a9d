"""Processes on machines whose clocks differ agree on the time, which is that of their database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.clock import SystemClock
from app.config import Config
from app.service import Service
from app.store import open_store
from tests.databases import Databases
from tests.store import play
from tests.store.database import value
from tests.store.together import in_processes

pytestmark = pytest.mark.postgres

DATABASE_TIME = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"


class WrongClock(SystemClock):
    """Of a machine that somebody has set to a wrong time."""

    def __init__(self, wrong_by: timedelta = timedelta(0)) -> None:
        self.wrong_by = wrong_by

    def exact(self) -> datetime:
        return super().exact() + self.wrong_by


def service_on_machine(url: str, wrong_by: timedelta) -> Service:
    """A service on a machine whose clock is wrong, and that has only its database to know better."""
    config = Config(database_url=url, partition_ahead_days=0)
    service = Service(config, open_store(config, WrongClock(wrong_by)))
    service.prepare()
    return service


def start_one(url: str, wrong_by: timedelta) -> int:
    service = service_on_machine(url, wrong_by)
    instance = play.start(service)
    service.close()
    return instance.id


def lock_one(url: str, wrong_by: timedelta) -> int:
    service = service_on_machine(url, wrong_by)
    jobs = play.lock(service)
    service.close()
    return jobs[0].process_instance_id if jobs else 0


@pytest.mark.parametrize("wrong_by", [timedelta(hours=30), timedelta(seconds=5), timedelta(seconds=-5)], ids=str)
def test_a_job_that_one_process_has_created_is_due_for_another_at_once(databases: Databases, wrong_by: timedelta):
    with databases.fresh("postgres") as url:
        right = service_on_machine(url, timedelta(0))
        play.deploy(right)
        (started,) = in_processes(start_one, [(url, wrong_by)])
        (job,) = play.lock(right)
        assert job.process_instance_id == started
        mine = play.start(right)
        (locked,) = in_processes(lock_one, [(url, wrong_by)])
        assert locked == mine.id
        right.close()


@pytest.mark.parametrize("wrong_by", [timedelta(days=400), timedelta(seconds=-5)], ids=str)
def test_records_carry_the_time_of_the_database(databases: Databases, wrong_by: timedelta):
    with databases.fresh("postgres") as url:
        service = service_on_machine(url, wrong_by)
        play.deploy(service)
        before = value(url, DATABASE_TIME)
        created = play.start(service).created_at
        after = value(url, DATABASE_TIME)
        allowed = timedelta(seconds=1)
        assert before - allowed <= created <= after + allowed
        service.close()


def test_a_clock_that_is_set_while_the_service_runs_is_noticed(databases: Databases):
    with databases.fresh("postgres") as url:
        machine = WrongClock()
        config = Config(database_url=url, partition_ahead_days=0)
        service = Service(config, open_store(config, machine))
        service.prepare()
        machine.wrong_by = timedelta(minutes=20)
        # Whoever looks whether the service is ready looks at the clock.
        assert service.ready()
        assert abs(service.now() - value(url, DATABASE_TIME)) < timedelta(minutes=1)
        service.close()
