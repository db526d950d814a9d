"""Who waits is woken for what there is, once, and for nothing else; nothing is missed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import pytest

from app.news import Address, Happening, JobNews, News
from app.waiting import LOOKS_AT_ONCE, JobWanted, Waiter, Waiting, Want

DAY = date(2026, 11, 23)
ANY = JobWanted()
ENDS = Happening("instance", DAY, 7)


def job(id: int, process_id: int = 1, **facts: str) -> JobNews:
    given = {"type": "EXECUTE", "bpmn_element_id": "work", **facts}
    return JobNews(partition=DAY, id=id, process_id=process_id, process_instance_id=id, **given)


def of(process_id: int) -> JobWanted:
    return JobWanted(process_ids=(process_id,))


class Room:
    """Those who wait, and in which order they were woken."""

    def __init__(self, most: int = 100, most_in_threads: int = 1) -> None:
        self.waiting = Waiting(most, most_in_threads)
        self.woken: list[str] = []

    def enter(self, want: Want = ANY, seconds: float = 60.0) -> Waiter:
        waiter = self.waiting.enter(want, seconds, in_thread=False)
        assert waiter is not None
        return waiter

    def sleeper(self, name: str, want: Want = ANY, seconds: float = 60.0) -> Waiter:
        waiter = self.enter(want, seconds)
        waiter.sleep(self.alarm(name))
        return waiter

    def alarm(self, name: str) -> Callable[[], None]:
        return lambda: self.woken.append(name)

    def tell(self, *jobs: JobNews) -> list[str]:
        """Who is woken by these jobs."""
        self.woken.clear()
        self.waiting.tell(News([*jobs]))
        return self.woken


@pytest.fixture
def room() -> Room:
    return Room()


def test_as_many_are_woken_as_there_are_jobs_and_who_has_waited_longest_comes_first(room: Room):
    for name in "abc":
        room.sleeper(name)
    assert room.tell(job(1)) == ["a"]
    assert room.tell(job(2), job(3), job(4)) == ["b", "c"]


@pytest.mark.parametrize(
    ("want", "matches"),
    [
        (ANY, True),
        (JobWanted(partition=DAY, id=1), True),
        (JobWanted(partition=DAY, id=2), False),
        (JobWanted(partition=date(2026, 11, 24)), False),
        (of(1), True),
        (of(2), False),
        (JobWanted(process_instance_id=2), False),
        (JobWanted(types=("EXECUTE", "CALL_PROCESS")), True),
        (JobWanted(types=("CALL_PROCESS",)), False),
        (JobWanted(bpmn_element_ids=("work",)), True),
        (JobWanted(bpmn_element_ids=("other",)), False),
        (JobWanted(bpmn_process_ids=("p",)), True),
        (JobWanted(bpmn_process_ids=("q",)), False),
        (JobWanted(task_types=("t",)), True),
    ],
)
def test_only_those_are_woken_who_want_the_job_as_far_as_one_knows_what_it_is(room: Room, want: Want, matches: bool):
    room.sleeper("a", want)
    assert room.tell(job(1, bpmn_process_id="p")) == ["a"] * matches


def test_who_is_just_looking_looks_once_more_when_a_job_comes(room: Room):
    waiter = room.enter()
    assert room.tell(job(1)) == []
    waiter.sleep(room.alarm("a"))
    assert room.woken == ["a"]


def test_a_job_wakes_who_sleeps_rather_than_who_is_looking(room: Room):
    looking = room.enter()
    room.sleeper("b")
    assert room.tell(job(1)) == ["b"]
    looking.sleep(room.alarm("a"))
    assert room.woken == ["b"]


def test_a_job_that_was_not_to_be_had_is_offered_to_the_others_who_would_do_it_but_not_to_all(room: Room):
    first = room.sleeper("a", of(1))
    room.sleeper("b", of(1))
    room.sleeper("c")
    assert room.tell(job(1)) == ["a"]
    first.sleep(room.alarm("a"))
    assert room.woken == ["a", "c"]


def test_a_job_is_offered_to_another_when_who_was_woken_for_it_has_left_without_looking(room: Room):
    first = room.sleeper("a")
    room.sleeper("b")
    assert room.tell(job(1)) == ["a"]
    first.abandon()
    assert room.woken == ["a", "b"]


def test_a_job_is_offered_to_another_when_who_was_woken_for_it_has_got_another_one(room: Room):
    first = room.sleeper("a")
    second = room.sleeper("b")
    assert room.tell(job(1)) == ["a"]
    first.leave([Address(DAY, 9)])
    assert room.woken == ["a", "b"]
    second.leave([Address(DAY, 1)])
    assert room.waiting.count == 0


def test_a_job_that_came_for_who_is_leaving_is_offered_to_another(room: Room):
    looking = room.enter()
    assert room.tell(job(1)) == []
    room.sleeper("b")
    looking.leave([Address(DAY, 9)])
    assert room.woken == ["b"]


def test_one_of_those_who_want_the_same_looks_and_the_next_one_where_there_was_something(room: Room):
    first = room.sleeper("a")
    second = room.sleeper("b")
    room.sleeper("c")
    room.waiting.look()
    assert room.woken == ["a"]
    first.leave([Address(DAY, 1)])
    assert room.woken == ["a", "b"]
    second.sleep(room.alarm("b"))
    assert room.woken == ["a", "b"]


def test_not_all_look_at_once_when_many_want_different_jobs(room: Room):
    waiters = {str(n): room.sleeper(str(n), of(n)) for n in range(1, 2 * LOOKS_AT_ONCE + 2)}
    looked: list[str] = []
    for _ in range(3):
        room.woken.clear()
        room.waiting.look()
        assert len(room.woken) == LOOKS_AT_ONCE
        looked += room.woken
        for name in list(room.woken):
            waiters[name].sleep(room.alarm(name))
    assert set(looked) == set(waiters)


def test_all_are_woken_who_wait_for_the_same_thing_to_happen(room: Room):
    room.sleeper("a", ENDS)
    room.sleeper("b", ENDS)
    room.sleeper("c", ENDS._replace(id=8))
    looking = room.enter(ENDS)
    room.waiting.tell(News(happened={ENDS}))
    assert room.woken == ["a", "b"]
    looking.sleep(room.alarm("d"))
    assert room.woken == ["a", "b", "d"]


def test_who_has_waited_long_enough_is_woken_to_be_answered(room: Room):
    over = room.sleeper("a", seconds=0)
    waits = room.sleeper("b")
    room.waiting.expire()
    assert room.woken == ["a"]
    assert (over.is_over, waits.is_over) == (True, False)


def test_a_job_for_which_one_is_woken_just_when_its_time_is_over_is_not_lost(room: Room):
    first = room.sleeper("a", seconds=0)
    room.sleeper("b")
    assert room.tell(job(1)) == ["a"]
    room.waiting.expire()
    assert first.is_over
    first.leave()
    assert room.woken == ["a"], "it has looked: the job is gone"
    second = room.sleeper("c", of(2), seconds=0)
    room.waiting.expire()
    assert room.tell(job(2, process_id=2)) == ["b"]
    second.leave()


def test_all_are_answered_when_nobody_is_to_wait_any_more(room: Room):
    waiter = room.sleeper("a")
    looking = room.enter()
    room.waiting.drain()
    assert room.woken == ["a"]
    assert waiter.is_over
    assert looking.is_over
    assert room.waiting.enter(ANY, 60, in_thread=False) is None


def test_one_alone_can_be_told_to_end(room: Room):
    waiter = room.sleeper("a")
    room.sleeper("b")
    waiter.end()
    waiter.end()
    assert room.woken == ["a"]
    waiter.leave()
    waiter.end()
    assert room.woken == ["a"]


def test_only_so_many_wait_and_fewer_of_them_in_threads():
    waiting = Waiting(2, 1)
    kept = [waiting.enter(ANY, 60, in_thread=in_thread) for in_thread in (False, False, True)]
    assert all(kept)
    assert waiting.enter(ANY, 60, in_thread=False) is None
    assert waiting.enter(ANY, 60, in_thread=True) is None
    assert waiting.count == 3
    for waiter in kept:
        assert waiter is not None
        waiter.abandon()
        waiter.abandon()
    assert waiting.count == 0
    assert waiting.enter(ANY, 60, in_thread=True) is not None


class World:
    """Jobs, workers who wait for them, and others who take them without waiting."""

    KINDS = (ANY, of(1), of(2), JobWanted(process_ids=(1, 2)), JobWanted(bpmn_process_ids=("p",)))

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.waiting = Waiting(1000, 0)
        self.free: list[JobNews] = []
        self.untold: list[JobNews] = []
        self.looking: list[Waiter] = []
        self.has_looked: list[tuple[Waiter, JobNews | None]] = []
        self.asleep: list[Waiter] = []
        self.created = 0

    def step(self) -> None:
        does = [self.create, self.create, self.tell, self.tell, self.enter, self.enter, self.take]
        does += [self.look] * 4 + [self.finish] * 4 + [self.give_up]
        self.random.choice(does)()

    def create(self) -> None:
        self.created += 1
        # What is not known of a job is left to who looks.
        known = self.random.choice(["p", "q", None])
        made = JobNews(DAY, self.created, self.random.choice([1, 2, 3]), 1, "EXECUTE", "work", known)
        self.free.append(made)
        self.untold.append(made)

    def tell(self) -> None:
        told, self.untold = self.untold, []
        self.waiting.tell(News(told))

    def enter(self) -> None:
        waiter = self.waiting.enter(self.random.choice(self.KINDS), 60, in_thread=False)
        assert waiter is not None
        self.looking.append(waiter)

    def look(self) -> None:
        if self.looking:
            waiter = self.looking.pop(self.random.randrange(len(self.looking)))
            assert isinstance(waiter.want, JobWanted)
            found = next((each for each in self.free if is_wanted(waiter.want, each)), None)
            if found:
                self.free.remove(found)
            self.has_looked.append((waiter, found))

    def finish(self) -> None:
        if self.has_looked:
            waiter, found = self.has_looked.pop(self.random.randrange(len(self.has_looked)))
            if found:
                waiter.leave([found.address])
            else:
                self.asleep.append(waiter)
                waiter.sleep(lambda: self.wake(waiter))

    def wake(self, waiter: Waiter) -> None:
        self.asleep.remove(waiter)
        self.looking.append(waiter)

    def take(self) -> None:
        """By somebody who does not wait."""
        if self.free:
            self.free.pop(self.random.randrange(len(self.free)))

    def give_up(self) -> None:
        kind = self.random.choice([self.looking, self.asleep])
        if kind:
            kind.pop(self.random.randrange(len(kind))).abandon()

    def rest(self) -> None:
        self.tell()
        while self.looking or self.has_looked:
            self.look()
            self.finish()


def is_wanted(want: JobWanted, job: JobNews) -> bool:
    """By a look, which knows everything."""
    return want.matches(job._replace(bpmn_process_id=job.bpmn_process_id or "q"))


@pytest.mark.parametrize("seed", range(20))
def test_nobody_sleeps_while_there_is_a_job_for_it_whatever_comes_between(seed: int):
    world = World(seed)
    for _ in range(30):
        for _ in range(40):
            world.step()
        world.rest()
        for waiter in world.asleep:
            assert isinstance(waiter.want, JobWanted)
            assert not [each for each in world.free if is_wanted(waiter.want, each)], waiter.want
    assert world.created > 100
