"""One race: two commands at once, judged by what either order would have done, and by the rows once all is at rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from app.commands.base import Command
from app.commands.job import LockJobs
from app.commands.lease import RecoverJobs
from app.commands.removal import DeleteEndedInstances
from app.commands.task import ExtendTasks, LockTasks, PostponeTask, RecoverTasks
from tests.machine.tables import Tables
from tests.races.gate import Point
from tests.races.outcome import at_rest, contents, difference
from tests.races.stage import Stage

Outcome = tuple[list[str], Counter[str]]
"""What the two have answered, and the rows."""

CLAIMING = (LockJobs, LockTasks)
PASSING = (*CLAIMING, ExtendTasks, PostponeTask, RecoverJobs, RecoverTasks)
"""These pass over what somebody else is writing, instead of waiting for what becomes of it."""


class Races:
    """Races that all begin with the rows of one stage."""

    def __init__(self, stage: Stage, commands: Sequence[Command[Any]]) -> None:
        self._stage = stage
        self._commands = commands
        self._before: Tables = stage.tables()
        self._orders: dict[tuple[int, int], tuple[Outcome, Tables]] = {}
        self._reads: dict[int, bool] = {}
        """Whether a command reads anything before it takes a lock: if not, that point is the other order."""

    def violations(self, first: int, second: int, points: Sequence[Point | int] = tuple(Point)) -> Iterator[str]:
        """What is wrong when the second command (by position) comes while the first one stops at each of the points."""
        for point in points:
            if point is not Point.READ or self._reads.get(first, True):
                yield from (f"held at {point}: {text}" for text in self._violations(first, second, point))

    def _violations(self, first: int, second: int, point: Point | int) -> Iterator[str]:
        orders = [self._in_order(first, second), self._in_order(second, first, turned=True)]
        stage = self._stage
        stage.restore()
        ahead, behind = stage.at_once(self._commands[first], self._commands[second], point)
        if point is Point.READ:
            self._reads[first] = stage.services[0].gate.has_read
        over = stage.tables()
        found: Outcome = [ahead.text, behind.text], contents(over)
        if found not in [outcome for outcome, _ in orders] and not (
            self._but_for_locks(first, second, found, over, orders) or self._but_for_deletion(first, second, found)
        ):
            yield _neither(found, [outcome for outcome, _ in orders])
        stage.rest()
        yield from at_rest(self._before, over, stage.tables(), stage.now)

    def _in_order(self, one: int, other: int, *, turned: bool = False) -> tuple[Outcome, Tables]:
        if (one, other) not in self._orders:
            self._stage.restore()
            answers = self._stage.one_after_the_other((self._commands[one], self._commands[other]))
            tables = self._stage.tables()
            self._orders[one, other] = ([answer.text for answer in answers], contents(tables)), tables
        (answers, rows), tables = self._orders[one, other]
        return ((answers[::-1] if turned else answers), rows), tables

    def _but_for_locks(
        self, first: int, second: int, found: Outcome, over: Tables, orders: list[tuple[Outcome, Tables]]
    ) -> bool:
        """Who passes over work may get at less than in either order; all else is as in one of them.

        Two who claim work get each piece once, and as much as there is.
        """
        commands = [self._commands[position] for position in (first, second)]
        waiting = [position for position, command in enumerate(commands) if not isinstance(command, PASSING)]
        if len(waiting) == 2 or all(isinstance(command, CLAIMING) for command in commands):
            return False
        rows = contents(over, locks=False)
        return any(
            all(found[0][position] == outcome[0][position] for position in waiting)
            and rows == contents(tables, locks=False)
            for outcome, tables in orders
        )

    def _but_for_deletion(self, first: int, second: int, found: Outcome) -> bool:
        """Who deletes what is old leaves alone what somebody else has locked: another time it is there still."""
        for place, (one, other) in enumerate(((first, second), (second, first))):
            if isinstance(self._commands[one], DeleteEndedInstances):
                self._stage.restore()
                (answer,) = self._stage.one_after_the_other((self._commands[other],))
                answers = [answer.text] if place else ["False"]
                answers += ["False"] if place else [answer.text]
                if found == (answers, contents(self._stage.tables())):
                    return True
        return False


def _neither(found: Outcome, orders: Sequence[Outcome]) -> str:
    lines = [f"neither order leads there, answered {found[0]}"]
    for name, expected in zip(("the first one first", "the second one first"), orders, strict=True):
        lines += [f" {name}: answered {expected[0]}, rows", difference(found[1], expected[1]) or "  the same"]
    return "\n".join(lines)
