"""Commands that share transactions do what they would do one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.commands import HANDLERS
from app.commands.base import Command
from app.commands.instance import CreateProcessInstance
from app.commands.job import CompleteJob, LockJobs
from app.commands.task import LockTasks, RunTask
from app.errors import EngineError
from tests.conftest import examples
from tests.databases import Databases
from tests.machine.completion import Luck
from tests.machine.models import models
from tests.machine.player import Player, World
from tests.machine.steps import ALL, LUCK, PARALLELISM, steps
from tests.machine.tables import differences
from tests.machine.test_same_answers import comparable_rows
from tests.races.discover import possible
from tests.races.stage import OTHER_WORKER

KINDS = (CreateProcessInstance, CompleteJob, RunTask)


@pytest.fixture(
    scope="module", params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def worlds(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[World, World]]:
    with databases.fresh(request.param) as one, databases.fresh(request.param) as other:
        worlds = World(one), World(other)
        yield worlds
        for world in worlds:
            world.close()


class Order:
    """Notes in which order commands of the kinds have come to their end, whichever way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[Command[Any]] = []
        for kind in KINDS:
            monkeypatch.setitem(HANDLERS, kind, self._noted(HANDLERS[kind]))  # type: ignore[arg-type]  # is a dict

    def _noted(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def noted(context: Any, command: Command[Any]) -> Any:
            try:
                result = handler(context, command)
            except EngineError:
                self.commands.append(command)
                raise
            self.commands.append(command)
            return result

        return noted


def outcome(of: Any) -> Any:
    """What can be compared where ids may have gaps."""
    if isinstance(of, EngineError):
        return of.kind, of.title, of.detail
    assert not isinstance(of, Exception), of
    return type(of), of.state, getattr(of, "error", None), getattr(of, "completed_at", None)


def found(player: Player, kind: type[Command[Any]], luck: int) -> list[Command[Any]]:
    """Commands of one kind, of which several may be about the same."""
    service = player.service
    service.execute(LockJobs(worker_id=OTHER_WORKER, limit=100))
    tasks = service.execute(LockTasks(limit=100)) if kind is RunTask else []
    player.look_again()
    commands = [each.command for each in possible(player.tables, tasks, Luck(luck)) if isinstance(each.command, kind)]
    return [*commands, *map(replace, commands)] if kind is CreateProcessInstance else commands


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(
    max_examples=examples(check=12, full=110),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(
    model=models(),
    parallelism=PARALLELISM,
    luck=LUCK,
    program=st.lists(steps(ALL), min_size=3, max_size=15),
    most=st.sampled_from((50, 50, 2)),
)
def test_a_batch_equals_its_commands_one_after_the_other(worlds, kind, model, parallelism, luck, program, most):
    together, in_turn = players = [world.play(maintenance=False) for world in worlds]
    begin = [
        ("deploy", {"model": model, "parallelism": parallelism}),
        *[("start", {"pick": 0, "luck": luck})] * 4,
    ]
    for player in players:
        for step in (*begin, *program):
            player.play(*step)
    commands, same = (found(player, kind, luck) for player in players)
    assert [str(command) for command in commands] == [str(command) for command in same]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("app.sharing.MOST_TOGETHER", most)
        order = Order(monkeypatch)
        outcomes = together.service.execute_each(commands)
    places = {id(command): place for place, command in enumerate(commands)}
    serial = list(dict.fromkeys(places[id(command)] for command in reversed(order.commands)))[::-1]
    assert sorted(serial) == list(range(len(commands)))
    for place in serial:
        try:
            alone: Any = in_turn.service.execute(same[place])
        except EngineError as error:
            alone = error
        assert outcome(outcomes[place]) == outcome(alone), commands[place]
    for player in players:
        player.look_again()
    differing = list(differences(comparable_rows(in_turn.tables), comparable_rows(together.tables)))
    assert not differing, "\n".join(differing)
