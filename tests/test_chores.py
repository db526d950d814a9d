"""Chores: done at their interval, and none of them stops the executor or another one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.chores import Chore
from app.commands.task import LockTasks
from app.config import Config
from app.errors import unavailable
from app.executor import TaskExecutor
from app.service import Service, open_service

PATIENCE = 30.0


def test_a_chore_is_done_once_until_its_interval_has_passed() -> None:
    done: list[str] = []
    chore = Chore("count", 3600, lambda: bool(done.append("x")))
    chore.do_when_due()
    chore.do_when_due()
    assert done == ["x"]
    assert 3590 < chore.seconds_left <= 3600


def test_a_chore_that_has_more_to_do_is_due_at_once() -> None:
    left = [True, True, False]
    chore = Chore("drain", 3600, lambda: left.pop(0))
    for _ in range(3):
        assert chore.seconds_left == 0
        chore.do_when_due()
    assert left == []
    assert chore.seconds_left > 0


def test_a_chore_that_fails_is_logged_and_waits_for_its_interval(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> bool:
        raise ValueError("broken")

    chore = Chore("sweep", 3600, fail)
    chore.do_when_due()
    assert chore.seconds_left > 0
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "sweep" in record.getMessage()


def test_a_chore_says_nothing_when_the_database_is_away(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> bool:
        raise unavailable("the database is away")

    Chore("sweep", 3600, fail).do_when_due()
    assert not caplog.records


@pytest.fixture
def executed(config: Config) -> Iterator[Service]:
    """A service for an executor that looks by itself but once an hour."""
    service = open_service(replace(config, task_executor_enabled=True, task_executor_interval=3600.0))
    yield service
    service.close()


def test_the_executor_does_chores_though_no_task_is_due_and_another_chore_fails(executed: Service) -> None:
    done = threading.Semaphore(0)

    def fail() -> bool:
        raise ValueError("broken")

    def count() -> bool:
        done.release()
        return False

    executed.chores += [Chore("fails", 3600, fail), Chore("counts", 0.01, count)]
    executor = TaskExecutor(executed)
    executor.start()
    try:
        for _ in range(3):
            assert done.acquire(timeout=PATIENCE)
    finally:
        executor.stop()


def test_the_executor_does_chores_while_there_are_always_due_tasks(
    executed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Semaphore(0)
    execute = executed.execute
    monkeypatch.setattr(executed.tasks, "run", lambda tasks, stopped: None)
    monkeypatch.setattr(executed, "execute", lambda of: ["task"] if type(of) is LockTasks else execute(of))

    def count() -> bool:
        done.release()
        return False

    executed.chores.append(Chore("counts", 0.0, count))
    executor = TaskExecutor(executed)
    executor.start()
    try:
        for _ in range(3):
            assert done.acquire(timeout=PATIENCE)
    finally:
        executor.stop()
