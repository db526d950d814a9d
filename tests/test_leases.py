"""Leases that are held are extended, in one thread for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from datetime import date, datetime

import pytest

from app.engine.records import Task
from app.engine.types import TaskType
from app.leases import Leases

PATIENCE = 30.0


def task(id: int) -> Task:
    noon = datetime(2026, 11, 23, 12)
    return Task(
        partition=date(2026, 11, 23), id=id, created_at=noon, created_by="e", due_at=noon, type=TaskType.TRIGGER_EVENT
    )


class Extended:
    """Notes the ids of tasks whose leases are extended."""

    def __init__(self) -> None:
        self.ids: list[tuple[int, ...]] = []
        self._more = threading.Condition()

    def __call__(self, tasks: Collection[Task]) -> None:
        with self._more:
            self.ids.append(tuple(each.id for each in tasks))
            self._more.notify_all()

    def wait_for(self, *ids: int) -> None:
        """Until just these were extended at least once."""
        with self._more:
            assert self._more.wait_for(lambda: ids in self.ids, PATIENCE), self.ids


@pytest.fixture
def threads() -> Callable[[], list[threading.Thread]]:
    """The threads for leases that have begun since; services of other tests may have left theirs."""
    before = set(threading.enumerate())
    return lambda: [each for each in threading.enumerate() if each.name == "task-leases" and each not in before]


def test_what_is_held_is_extended_as_it_is_at_that_time(threads: Callable[[], list[threading.Thread]]):
    extended = Extended()
    leases = Leases(extended, 0.001)
    tasks = [task(1), task(2)]
    with leases.held(tasks), leases.held([task(3)]):
        extended.wait_for(1, 2)
        extended.wait_for(3)
        tasks.pop()
        extended.wait_for(1)
        assert len(threads()) == 1
    leases.close()
    assert threads() == []


def test_nothing_is_extended_that_is_not_held(threads: Callable[[], list[threading.Thread]]):
    extended = Extended()
    leases = Leases(extended, 0.001)
    with leases.held([task(1)]):
        extended.wait_for(1)
    for thread in threads():
        thread.join(PATIENCE)
    assert threads() == []
    with leases.held([task(2)]):
        extended.wait_for(2)
    leases.close()


def test_leases_are_extended_after_they_were_closed():
    extended = Extended()
    leases = Leases(extended, 0.001)
    with leases.held([task(1)]):
        leases.close()
        with leases.held([task(2)]):
            extended.wait_for(2)
    leases.close()
