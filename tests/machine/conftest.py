"""The world of a module, in which plays take place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.machine.player import World


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    with databases.fresh("sqlite") as url:
        world = World(url)
        yield world
        world.close()
