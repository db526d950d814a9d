"""Who waits for whom: readers for nobody, writers for one another, and a deadlock is nobody's problem."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.process import GetBpmnXml
from app.commands.variable import GetElementVariables, GetProcessVariables, SetElementVariables, SetProcessVariables
from app.config import Config
from app.criteria import ElementInstanceCriteria, JobCriteria, ProcessInstanceCriteria, VariableCriteria
from app.engine.records import Job, ProcessInstance
from app.service import Service, open_service
from app.store import sqlite
from tests.races.held import InBackground, wait_for_a_lock
from tests.store import play
from tests.store.database import connected, require_sound
from tests.store.together import PATIENCE

HASTE = 5.0
"""Seconds within which whatever does not wait is done."""

READS: dict[str, Callable[[Service, ProcessInstance, Job], Any]] = {
    "process variables": lambda service, instance, job: service.execute(
        GetProcessVariables(partition=instance.partition, id=instance.id)
    ),
    "element variables": lambda service, instance, job: service.execute(
        GetElementVariables(partition=job.partition, id=job.element_instance_id)
    ),
    "model": lambda service, instance, job: service.execute(GetBpmnXml(id=instance.process_id)),
    "instances": lambda service, instance, job: service.query(ProcessInstanceCriteria()),
    "element instances": lambda service, instance, job: service.query(ElementInstanceCriteria()),
    "jobs": lambda service, instance, job: service.query(JobCriteria()),
    "variables": lambda service, instance, job: service.query(VariableCriteria()),
}


@pytest.fixture
def impatient(config: Config, clock: ManualClock) -> Iterator[Service]:
    """A service whose statements end when they wait for long."""
    service = open_service(replace(config, transaction_timeout=HASTE), clock)
    yield service
    service.close()


def test_reading_waits_for_no_writer(config: Config, impatient: Service):
    instance = play.begin(impatient, variables=play.variables(x="1"))
    (job,) = play.lock_of(impatient, instance)
    impatient.execute(
        SetElementVariables(
            partition=job.partition,
            id=job.element_instance_id,
            worker_id=play.WORKER,
            variables=play.variables(y="1"),
        )
    )
    with connected(config.database_url) as writer:
        if config.is_sqlite:
            writer.execute("BEGIN IMMEDIATE")
        else:
            writer.execute("BEGIN")
            for table in ("process_instance", "element_instance", "job", "variable"):
                writer.execute(f"SELECT 1 FROM {table} FOR UPDATE")
        writer.execute("UPDATE variable SET value = 'not yet'")
        found = {name: InBackground(partial(read, impatient, instance, job)) for name, read in READS.items()}
        results = {name: reading.result() for name, reading in found.items()}
        writer.execute("ROLLBACK")
    assert all(results.values())
    assert [variable.value for variable in results["element variables"]] == ["1"]
    assert [variable.value for variable in results["process variables"]] == ["1"]


def set_variable(service: Service, instance: ProcessInstance, value: str) -> None:
    service.execute(
        SetProcessVariables(
            partition=instance.partition,
            id=instance.id,
            worker_id=play.WORKER,
            variables=play.variables(x=value),
        )
    )


def test_instances_do_not_wait_for_one_another(postgres: Service):
    url = postgres.config.database_url
    first, second = play.begin(postgres), play.begin(postgres)
    jobs = {job.process_instance_id: job for job in play.lock(postgres)}
    with connected(url) as writer:
        writer.execute("BEGIN")
        writer.execute(f"SELECT 1 FROM process_instance WHERE id = {first.id} FOR UPDATE")
        waiting = InBackground(lambda: play.complete(postgres, jobs[first.id]))
        wait_for_a_lock(url, waiting)
        play.complete(postgres, jobs[second.id])
        play.begin(postgres)
        assert not waiting.is_done
        writer.execute("ROLLBACK")
    assert waiting.result().state == "DONE"
    require_sound(url)


class Retries(logging.Handler):
    """Notices when the service tries a command again."""

    def __init__(self) -> None:
        super().__init__()
        self.happened = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("retrying"):
            self.happened.set()


@pytest.fixture
def retries() -> Iterator[Retries]:
    handler = Retries()
    logger = logging.getLogger("app.store.trouble")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.setLevel(level)
    logger.removeHandler(handler)


def test_a_command_that_falls_victim_to_a_deadlock_is_tried_again(postgres: Service, retries: Retries):
    """The command holds its instance and wants the queue; somebody holds the queue and wants the instance."""
    url = postgres.config.database_url
    play.deploy(postgres, parallelism=5)
    instance = play.start(postgres)
    (job,) = play.lock(postgres)
    with connected(url) as somebody:
        # The other side never looks for deadlocks: the command does, and is the one to give way.
        somebody.execute("SET deadlock_timeout = '10min'")
        somebody.execute("BEGIN")
        somebody.execute("SELECT 1 FROM process_queue FOR UPDATE")
        completing = InBackground(lambda: play.complete(postgres, job))
        wait_for_a_lock(url, completing)
        somebody.execute(f"SELECT 1 FROM process_instance WHERE id = {instance.id} FOR UPDATE")
        assert retries.happened.wait(PATIENCE)
        somebody.execute("COMMIT")
    assert completing.result().state == "DONE"
    (ended,) = postgres.query(ProcessInstanceCriteria())
    assert ended.state == "COMPLETED"
    require_sound(url)


@pytest.mark.sqlite
def test_a_command_that_finds_the_file_busy_is_tried_again(
    databases: Any, clock: ManualClock, retries: Retries, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 10)
    with databases.fresh("sqlite") as url:
        service = open_service(Config(database_url=url), clock)
        instance = play.begin(service)
        with connected(url) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            setting = InBackground(lambda: set_variable(service, instance, "1"))
            assert retries.happened.wait(PATIENCE)
            somebody.execute("ROLLBACK")
        setting.result()
        assert [variable.value for variable in service.query(VariableCriteria())] == ["1"]
        service.close()


def test_what_cannot_succeed_is_not_tried_for_ever(config: Config, service: Service, retries: Retries):
    """Only what may go well the next time is repeated."""
    instance = play.begin(service)
    with connected(config.database_url) as somebody:
        somebody.execute("ALTER TABLE variable RENAME TO elsewhere")
    with pytest.raises(Exception, match="variable"):
        set_variable(service, instance, "1")
    assert not retries.happened.is_set()
    with connected(config.database_url) as somebody:
        somebody.execute("ALTER TABLE elsewhere RENAME TO variable")
    set_variable(service, instance, "1")
