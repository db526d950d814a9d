"""Whatever is answered, a process instance comes to its end, or waits for something that may still come.

What is drawn is driven like this, too, and what people and tools have drawn. The player looks after each step whether
all that is active has a reason to wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.databases import Databases
from tests.machine.driver import Driver
from tests.machine.models import models
from tests.machine.picture import Model
from tests.machine.player import World
from tests.machine.steps import PARALLELISM

FILES = sorted((Path(__file__).parent.parent / "files").rglob("*.bpmn"))
MOST = 60
"""Steps after which a model may still go round in a loop."""
SEED = st.integers(0, 2**32)
BOUNDS = settings(
    max_examples=examples(check=8, full=80),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def either(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    with databases.fresh(request.param) as url:
        world = World(url)
        yield world
        world.close()


@BOUNDS
@given(drawn=st.lists(models(), min_size=1, max_size=2), parallelism=PARALLELISM, seed=SEED)
def test_what_is_drawn_comes_to_its_end(either, drawn, parallelism, seed):
    player = either.play(maintenance=False)
    for model in drawn:
        player.deploy(model, parallelism)
    driver = Driver(player, Random(seed))
    driver.start()
    driver.drive(MOST)


@pytest.mark.parametrize("seed", range(examples(check=1, full=2)))
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_in_a_file_comes_to_its_end(either, file, seed):
    player = either.play(maintenance=False)
    for model in processes(file):
        player.deploy(model, 0)
    driver = Driver(player, Random(seed))
    driver.start()
    driver.drive(MOST)


def processes(file: Path) -> Iterator[Model]:
    xml = file.read_text(encoding="utf-8")
    for node in ElementTree.fromstring(xml).iter("{http://www.omg.org/spec/BPMN/20100524/MODEL}process"):
        if node.get("isExecutable") == "true":
            yield Model(node.attrib["id"], xml, "{}", sound=False)
