"""How the clock of the database is followed, however long looking at it takes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.clock import FollowingClock, SystemClock

NOON = datetime(2026, 11, 23, 12)
MS = timedelta(milliseconds=1)


class Machine(SystemClock):
    """This machine: its clock, and how long things take on it, are set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.time = NOON
        self.elapsed = 0.0

    def exact(self) -> datetime:
        return self.time

    def passes(self, step: timedelta) -> None:
        self.time += step
        self.elapsed += step.total_seconds()


class Database:
    """Its clock is ahead of the machine's, and a look at it takes its time on the way there and back."""

    def __init__(self, machine: Machine, ahead: timedelta) -> None:
        self.machine = machine
        self.ahead = ahead
        self.there = self.back = 0 * MS
        self.looks = 0

    def __call__(self) -> datetime:
        self.looks += 1
        self.machine.passes(self.there)
        time = self.machine.time + self.ahead
        self.machine.passes(self.back)
        return time


@pytest.fixture
def machine() -> Machine:
    return Machine()


def following(machine: Machine) -> FollowingClock:
    return FollowingClock(machine, lambda: machine.elapsed)


def looked(clock: FollowingClock, database: Database, there: timedelta, back: timedelta) -> None:
    database.there, database.back = there, back
    clock.measure(database)


def test_a_clock_that_has_not_looked_goes_with_the_machine(machine: Machine):
    assert following(machine).now() == NOON


def test_the_time_is_that_of_the_database(machine: Machine):
    database = Database(machine, timedelta(seconds=-7))
    clock = following(machine)
    looked(clock, database, MS, MS)
    assert clock.now() == machine.time - timedelta(seconds=7)


def test_the_shortest_look_counts(machine: Machine):
    database = Database(machine, timedelta(seconds=5))
    clock = following(machine)
    looked(clock, database, MS, MS)
    looked(clock, database, 160 * MS, 0 * MS)
    looked(clock, database, 0 * MS, 160 * MS)
    assert clock.now() == machine.time + timedelta(seconds=5)


def test_a_difference_that_is_smaller_than_the_look_took_is_none(machine: Machine):
    clock = following(machine)
    looked(clock, Database(machine, 0 * MS), 160 * MS, 0 * MS)
    assert clock.now() == machine.time


def test_a_slow_first_look_is_repeated_a_few_times(machine: Machine):
    database = Database(machine, timedelta(seconds=5))
    clock = following(machine)
    looked(clock, database, 40 * MS, 0 * MS)
    assert 1 < database.looks <= 5
    before = database.looks
    looked(clock, database, 40 * MS, 0 * MS)
    assert database.looks == before + 1


def test_a_fast_first_look_suffices(machine: Machine):
    database = Database(machine, timedelta(seconds=5))
    looked(following(machine), database, MS, MS)
    assert database.looks == 1


def test_a_correction_makes_time_stand_still_rather_than_go_back(machine: Machine):
    database = Database(machine, timedelta(seconds=5))
    clock = following(machine)
    looked(clock, database, 0 * MS, 80 * MS)
    early = clock.now()
    # The clock was 40 ms behind, and is now 40 ms ahead of what is known better.
    assert early == machine.time + timedelta(seconds=5) - 40 * MS
    looked(clock, database, 60 * MS, 0 * MS)
    ahead = clock.now()
    looked(clock, database, 0 * MS, 0 * MS)
    times = []
    for _ in range(10):
        times.append(clock.now())
        machine.passes(10 * MS)
    assert times == sorted(times)
    assert times[0] == ahead
    assert times[-1] == machine.time - 10 * MS + timedelta(seconds=5)


def test_a_clock_that_was_set_is_followed_at_once_be_it_backwards(machine: Machine):
    database = Database(machine, timedelta(seconds=5))
    clock = following(machine)
    looked(clock, database, 0 * MS, MS)
    assert clock.now() > machine.time + timedelta(seconds=4)
    database.ahead = timedelta(seconds=-60)
    looked(clock, database, 0 * MS, 20 * MS)
    assert abs(clock.now() - machine.time + timedelta(seconds=60)) <= 20 * MS


def test_an_old_look_gives_way_to_a_slower_one(machine: Machine):
    """The clocks drift apart."""
    database = Database(machine, timedelta(seconds=5))
    clock = following(machine)
    looked(clock, database, 0 * MS, MS)
    machine.passes(timedelta(hours=1))
    database.ahead += 2 * MS
    looked(clock, database, 2 * MS, 2 * MS)
    assert clock.now() == machine.time + timedelta(seconds=5) + 2 * MS


def test_it_is_time_to_look_again_after_some_minutes(machine: Machine):
    clock = following(machine)
    assert clock.is_stale
    clock.measure(Database(machine, 0 * MS))
    assert not clock.is_stale
    machine.passes(timedelta(minutes=6))
    assert clock.is_stale
