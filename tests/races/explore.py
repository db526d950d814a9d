"""Random races: a random model, random steps, then two random commands at once.

A case follows from its seed alone. `python -m tests.races` looks for new ones as long as it is let; a seed that
failed is played again by `BPMN_TEST_SEED=... pytest tests/races/test_race_random.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from app.commands.task import LockTasks
from tests.machine.completion import Luck
from tests.machine.models import models
from tests.machine.player import Player
from tests.machine.steps import ALL, LUCK, PARALLELISM, steps
from tests.races.discover import Possible, possible
from tests.races.gate import Point
from tests.races.race import Races
from tests.races.stage import START, Stage

SEED_VARIABLE = "BPMN_TEST_SEED"
HELD_AT = (Point.WRITTEN, Point.WRITTEN, Point.READ, *range(8))
"""Before the commit, before the first lock, or after so many statements."""


def chosen_seed() -> int:
    """The seed that was asked for, or a new one."""
    return int(os.environ.get(SEED_VARIABLE) or Random().randrange(2**32))


class Playground:
    """A stage on which a player makes its steps; the world of the player."""

    def __init__(self, url: str) -> None:
        self.stage = Stage(url)
        self.database = self.stage.database

    def stop_the_clock(self) -> None:
        pass

    def player(self) -> Player:
        """With empty tables, apart from the engine's own tasks."""
        self.database.clean()
        self.stage.forget()
        self.stage.clock.advance(START - self.stage.clock.now())
        self.stage.service.prepare()
        world: Any = self
        return Player(world, self.stage.service, self.stage.clock, maintenance=True)

    def close(self) -> None:
        self.stage.close()


def pair(found: list[Possible], luck: Luck) -> tuple[Possible, Possible]:
    """Two commands; mostly such as have to do with the same."""
    kinds = sorted({type(each.command).__name__ for each in found})
    kind = luck.pick(kinds)
    first = luck.pick([each for each in found if type(each.command).__name__ == kind])
    related = [each for each in found if each.about & first.about]
    return first, luck.pick(related if related and luck.below(5) else found)


def races(playground: Playground, seed: int, examples: int) -> None:
    """Plays that many races. Fails with the smallest one in which something is wrong."""

    @seeded(seed)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        print_blob=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        drawn=st.lists(models(), min_size=1, max_size=2),
        parallelism=PARALLELISM,
        program=st.lists(steps(ALL), max_size=12),
        claimed=st.integers(0, 3),
        luck=LUCK,
        point=st.sampled_from(HELD_AT),
    )
    def play(drawn: Any, parallelism: int, program: Any, claimed: int, luck: int, point: Point | int) -> None:
        player = playground.player()
        for number, model in enumerate(drawn):
            player.deploy(model, parallelism)
            player.start(number, luck)
            player.start(number, luck)
        for step in program:
            player.play(*step)
        stage, choice = playground.stage, Luck(luck)
        stage.clock.advance(timedelta(milliseconds=1))
        tasks = stage.service.execute(LockTasks(limit=claimed)) if claimed else []
        found = possible(stage.tables(), tasks, choice)
        first, second = pair(found, choice)
        stage.save()
        wrong = list(Races(stage, (first.command, second.command)).violations(0, 1, [point]))
        assert not wrong, "\n".join((f"{first.command}", f"and {second.command}:", *wrong))

    play()


def seeds(first: int) -> Iterator[int]:
    number = first
    while True:
        yield number
        number = (number + 1) % 2**32


def explore(
    playground: Playground, first: int, examples: int, goes_on: Callable[[], bool]
) -> Iterator[tuple[int, str]]:
    """One batch of races after the other; yields each seed, and what was wrong if anything was."""
    for seed in seeds(first):
        if not goes_on():
            return
        wrong = ""
        try:
            races(playground, seed, examples)
        except Exception as error:
            notes = "\n".join(getattr(error, "__notes__", ()))
            wrong = f"{type(error).__name__}: {error}\n{notes}"
        yield seed, wrong
