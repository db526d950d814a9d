"""Which commands share a transaction, and in which order they come: nothing here needs a database."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.base import Command
from app.commands.group import Rounds, address_of, key_of, shares
from app.commands.instance import CancelProcessInstance, CreateProcessInstance
from app.commands.job import CompleteJob, LockJobs
from app.commands.task import RunTask
from app.engine.changes import Changes
from app.engine.records import Task
from app.engine.types import TaskType
from app.store.group import Address, Root

DAY = date(2026, 11, 23)


def task(type: TaskType = TaskType.TRIGGER_EVENT, **options: Any) -> Task:
    now = datetime(2026, 11, 23, 12)
    given: dict[str, Any] = {"process_instance_id": 7, **options}
    return Task(partition=DAY, id=3, created_at=now, created_by="w", due_at=now, type=type, **given)


def dealt(rounds: Rounds) -> list[list[int]]:
    found = []
    while places := rounds.deal():
        found.append(places)
    return found


def test_commands_without_a_key_come_in_their_order_as_many_as_may():
    assert dealt(Rounds([None] * 5, 2)) == [[0, 1], [2, 3], [4]]


def test_nothing_is_dealt_of_nothing():
    assert dealt(Rounds([], 2)) == []


def test_commands_with_the_same_key_come_in_different_rounds():
    assert dealt(Rounds(["a", "a", "b", "a", None], 10)) == [[0, 2, 4], [1], [3]]


def test_one_that_is_put_back_comes_next_and_before_others_of_its_tree():
    rounds = Rounds([None, None, None, None], 2)
    assert rounds.deal() == [0, 1]
    rounds.defer({1: "tree"})
    assert rounds.deal() == [1, 2]
    rounds.defer({2: "tree"})
    assert dealt(rounds) == [[2, 3]]


@given(trees=st.lists(st.integers(0, 4), max_size=30), most=st.integers(1, 6), told=st.booleans())
def test_each_command_comes_once_and_those_of_a_tree_in_their_order(trees: list[int], most: int, told: bool):
    """Whether the tree is known beforehand, or only once it was read."""
    rounds = Rounds(trees if told else [None] * len(trees), most)
    done: list[int] = []
    while places := rounds.deal():
        assert len(places) <= most
        met: set[int] = set()
        later = {}
        for place in places:
            if trees[place] in met:
                later[place] = trees[place]
            else:
                met.add(trees[place])
                done.append(place)
        assert not (told and later)
        rounds.defer(later)
    assert sorted(done) == list(range(len(trees)))
    for tree in set(trees):
        of_tree = [place for place in done if trees[place] == tree]
        assert of_tree == sorted(of_tree)


COMPLETE = CompleteJob(partition=DAY, id=3, worker_id="w")
START = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w")
TIMER = RunTask(task=task(serialized_task='{"Timer":{"TimeDuration":"PT1H"}}'))
JOIN = RunTask(task=task(TaskType.JOIN_PARALLEL_GATEWAY))
ADDRESSES: list[tuple[Command[Any], Address | None]] = [
    (COMPLETE, Address("job", DAY, 3)),
    (START, None),
    (TIMER, Address("task", DAY, 3)),
    (JOIN, Address("task", DAY, 3)),
]


@pytest.mark.parametrize(("command", "address"), ADDRESSES)
def test_what_can_be_read_beforehand_is_shared(command: Command[Any], address: Address | None):
    assert shares(command)
    assert address_of(command) == address


ALONE = [
    RunTask(task=task(serialized_task='{"MessageId":1}')),
    RunTask(task=task(serialized_task='{"SignalId":1}')),
    RunTask(task=task(TaskType.START_PROCESS_INSTANCE)),
    RunTask(task=task(TaskType.TERMINATE_PROCESS_INSTANCE)),
    RunTask(task=task(process_instance_id=None)),
    RunTask(task=task(TaskType.CREATE_PARTITION, process_instance_id=None)),
    RunTask(task=task(interruptions=1)),
    LockJobs(worker_id="w"),
    CancelProcessInstance(partition=DAY, id=1, worker_id="w"),
]


@pytest.mark.parametrize("command", ALONE, ids=str)
def test_what_needs_more_is_executed_alone(command: Command[Any]):
    assert not shares(command)


def test_a_task_tells_its_instance_and_a_job_does_not():
    assert (key_of(TIMER), key_of(COMPLETE), key_of(START)) == (Root(DAY, 7), None, None)


def test_all_that_commands_want_written_is_taken_over_in_their_order():
    """Whatever there may be, so that no kind of change is forgotten."""
    both, first, second = Changes(), Changes(), Changes()
    records = iter("abcdefghijklmnopqrstuvwxyz" * 4)
    for changes in (first, second):
        for name, value in vars(changes).items():
            given = next(records)
            if name in ("new", "updated", "deleted"):
                value[str] = [given]
            elif isinstance(value, dict):
                value[given] = given
            elif isinstance(value, set):
                value.add(given)
            elif isinstance(value, list):
                value.append(given)
            else:
                setattr(changes, name, given)
    both.absorb(first)
    both.absorb(second)
    for name, value in vars(both).items():
        one, other = getattr(first, name), getattr(second, name)
        if name in ("new", "updated", "deleted"):
            assert value == {str: one[str] + other[str]}, name
        elif isinstance(value, dict | set):
            assert value == one | other, name
        else:
            assert value == (one + other if isinstance(value, list) else other), name
