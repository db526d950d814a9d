"""New random races on every run, as many as CI has time for; the seed is printed, and plays them again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import PROFILE
from tests.databases import Databases
from tests.races.explore import SEED_VARIABLE, Playground, chosen_seed, races

EXAMPLES = 60 if PROFILE == "full" else 8


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def playground(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Playground]:
    with databases.fresh(request.param) as url:
        playground = Playground(url)
        yield playground
        playground.close()


@pytest.mark.hypothesis
def test_two_random_commands_at_once_are_as_good_as_one_after_the_other(playground: Playground):
    seed = chosen_seed()
    print(f"{SEED_VARIABLE}={seed}")
    races(playground, seed, EXAMPLES)
