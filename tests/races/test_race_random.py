"""Random races: a random model, random steps, then two random commands at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.commands.task import LockTasks
from tests.conftest import examples
from tests.databases import Databases
from tests.machine.completion import Luck
from tests.machine.models import models
from tests.machine.player import Player
from tests.machine.steps import ALL, LUCK, PARALLELISM, steps
from tests.races.discover import Possible, possible
from tests.races.gate import Point
from tests.races.race import Races
from tests.races.stage import START, Stage

HELD_AT = (Point.WRITTEN, Point.WRITTEN, Point.READ, *range(8))
"""Before the commit, before the first lock, or after so many statements."""


class Playground:
    """A stage on which a player makes its steps."""

    def __init__(self, url: str) -> None:
        self.stage = Stage(url)
        self.database = self.stage.database

    def stop_the_clock(self) -> None:
        """It stands still anyway."""

    def player(self) -> Player:
        """With empty tables, apart from the engine's own tasks."""
        self.database.clean()
        self.stage.forget()
        self.stage.clock.advance(START - self.stage.clock.now())
        self.stage.service.prepare()
        return Player(self.database, self.stage.service, self.stage.clock, maintenance=True)


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def playground(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Playground]:
    with databases.fresh(request.param) as url:
        playground = Playground(url)
        yield playground
        playground.stage.close()


def pair(found: list[Possible], luck: Luck) -> tuple[Possible, Possible]:
    """Two commands; mostly such as have to do with the same."""
    kinds = sorted({type(each.command).__name__ for each in found})
    kind = luck.pick(kinds)
    first = luck.pick([each for each in found if type(each.command).__name__ == kind])
    related = [each for each in found if each.about & first.about]
    return first, luck.pick(related if related and luck.below(5) else found)


@settings(
    max_examples=examples(check=5, full=50),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(
    drawn=st.lists(models(), min_size=1, max_size=2),
    parallelism=PARALLELISM,
    program=st.lists(steps(ALL), max_size=12),
    claimed=st.integers(0, 3),
    luck=LUCK,
    point=st.sampled_from(HELD_AT),
)
def test_two_random_commands_at_once_are_as_good_as_one_after_the_other(
    playground, drawn, parallelism, program, claimed, luck, point
):
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
    first, second = pair(possible(stage.tables(), tasks, choice), choice)
    stage.save()
    wrong = list(Races(stage, (first.command, second.command)).violations(0, 1, [point]))
    assert not wrong, "\n".join((f"{first.command}", f"and {second.command}:", *wrong))
