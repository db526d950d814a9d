"""Each two commands that write, on all they can meet on, at once: as good as one after the other, in either order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any
from zlib import crc32

import pytest

from app.commands import HANDLERS
from tests.databases import Databases
from tests.races.moves import Move
from tests.races.race import Races
from tests.races.scenes import SCENES, Scene
from tests.races.stage import Stage

WRITING = {command for command in HANDLERS if not command.reads}
"""A command that is added belongs to these until it says that it only reads."""
PARTS = 3
"""The first third of all pairs is a part of each run, the others of the long ones."""
CASES = [
    pytest.param(
        *(kind, scene, part, first),
        marks=[getattr(pytest.mark, kind), *([pytest.mark.slow] if part else [])],
        id=f"{kind}-{scene.name}-{part}-{move}",
    )
    for kind in ("sqlite", "postgres")
    for scene in SCENES
    for part in range(PARTS)
    for first, move in enumerate(scene.moves)
]


def part_of(first: Move, second: Move) -> int:
    """The same whichever of the two is held."""
    return crc32("+".join(sorted((str(first), str(second)))).encode()) % PARTS


class Stages:
    """The scene that was last asked for, built once."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._built: tuple[str, Scene] | None = None
        self._open: list[Any] = []
        self._races: Races | None = None

    def races(self, kind: str, scene: Scene) -> Races:
        if self._built != (kind, scene):
            self.close()
            database = self._databases.fresh(kind)
            stage = Stage(database.__enter__())
            self._open = [lambda: database.__exit__(None, None, None), stage.close]
            scene.build(stage)
            stage.save()
            self._races = Races(stage, [move.make(stage) for move in scene.moves])
            self._built = kind, scene
        assert self._races is not None
        return self._races

    def close(self) -> None:
        self._built = None
        while self._open:
            self._open.pop()()


@pytest.fixture(scope="module")
def stages(databases: Databases) -> Iterator[Stages]:
    stages = Stages(databases)
    yield stages
    stages.close()


@pytest.mark.parametrize(("kind", "scene", "part", "first"), CASES)
def test_two_commands_at_once_are_as_good_as_one_after_the_other(
    stages: Stages, kind: str, scene: Scene, part: int, first: int
):
    """The first is held before it takes a lock, and before it commits; the second comes, and waits if it must."""
    races = stages.races(kind, scene)
    wrong = [
        f"{scene.moves[first]} + {move}, {violation}"
        for second, move in enumerate(scene.moves)
        if part_of(scene.moves[first], move) == part
        for violation in races.violations(first, second)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_command_that_writes_meets_every_other():
    """With itself, and both ways round."""
    met = {(first.command, second.command) for scene in SCENES for first, second in scene.pairs()}
    missing = sorted(f"{one.__name__} + {other.__name__}" for one, other in set(product(WRITING, WRITING)) - met)
    assert not missing, f"no scene has {missing}: give the command a move"


def test_the_moves_of_a_scene_have_names_of_their_own():
    for scene in SCENES:
        names = [str(move) for move in scene.moves]
        assert len(names) == len(set(names)), f"{scene.name}: {names}"
