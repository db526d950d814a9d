"""Random commands on random models: whatever happens, the invariants hold after each step."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.conftest import examples
from tests.databases import Databases
from tests.machine.models import models
from tests.machine.player import World
from tests.machine.steps import DETAILS, EVENTS, LUCK, MOVES, OPERATION, PARALLELISM, steps


class Machine(RuleBasedStateMachine):
    """Rules by theme. Moves are in each, since some of the rules are left out of an example."""

    world: World

    def __init__(self):
        super().__init__()
        self.player = self.world.play()

    @initialize(drawn=st.lists(models(), min_size=1, max_size=2), parallelism=PARALLELISM, luck=LUCK)
    def begin(self, drawn, parallelism, luck):
        for number, model in enumerate(drawn):
            self.player.deploy(model, parallelism)
            self.player.start(number, luck)

    @rule(step=steps(MOVES))
    def move(self, step):
        self.player.play(*step)

    @rule(step=steps((*DETAILS, *MOVES)))
    def meddle(self, step):
        self.player.play(*step)

    @rule(step=steps((*OPERATION, *MOVES)))
    def operate(self, step):
        self.player.play(*step)

    @rule(step=steps((*EVENTS, *MOVES)))
    def send(self, step):
        self.player.play(*step)


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    with databases.fresh("sqlite") as url:
        world = World(url)
        yield world
        world.close()


SUPPRESSED = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.hypothesis
@pytest.mark.sqlite
def test_invariants_hold_whatever_is_done(world):
    class Bound(Machine):
        pass

    Bound.world = world
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=examples(check=15, full=1400),
            stateful_step_count=16,
            print_blob=True,
            suppress_health_check=SUPPRESSED,
        ),
    )
