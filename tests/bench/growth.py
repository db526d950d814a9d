"""Whether operations stay as cheap as they are on an empty database, whatever else is in it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median
from typing import Any

from tests.bench.fill import analyse, attach, copy
from tests.bench.generator import run
from tests.bench.load import (
    KNOWN,
    SCENARIOS,
    Answer,
    Drained,
    Scenario,
    Stage,
    Turn,
    claim,
    completion,
    create,
    creation,
    deploy,
    prepare,
    require_done,
)
from tests.bench.measure import Cpu, Figures, figures
from tests.bench.serve import AUTHORIZATION, Served, serving
from tests.databases import Databases

FLAT = 1.3
"""How much more an operation may take than on an empty database to count as flat."""
ROWS_OF_A_PAIR = 11
"""An open and an ended instance of one task: their rows, those of their element instances and jobs."""
TIMERS = 100_000
ROWS_OF_A_DAY = 1000


@dataclass(slots=True)
class Side:
    """One of the two services that are measured in turn, with the instances and jobs that it is asked for."""

    url: str
    served: Served
    stage: Stage
    jobs: list[Answer] = field(default_factory=list)

    def measure(self, count: int) -> dict[str, Figures]:
        """What each operation takes."""
        return {name: self._measure(turn, count) for name, turn in self._turns().items()}

    def _measure(self, turn: Callable[[Stage, str], Turn], count: int) -> Figures:
        cpu = Cpu(self.url, self.served)
        scenario = Scenario("growth", "one-task", turn, "request")
        load = run(self.served.port, AUTHORIZATION, scenario, self.stage, units=count)
        return {**figures(load, cpu.used()), "failures": load.failures}

    def _turns(self) -> dict[str, Callable[[Stage, str], Turn]]:
        return {
            "create": self._create,
            "lock": self._lock,
            "complete": self._complete,
            "query by id": SCENARIOS["query"].turn,
        }

    def _create(self, stage: Stage, worker: str) -> Turn:
        yield creation(stage.process, worker)
        yield 1

    def _lock(self, stage: Stage, worker: str) -> Turn:
        self.jobs += (yield claim(worker, 1, processIds=[stage.process["id"]]))["jobs"]
        yield 1

    def _complete(self, stage: Stage, worker: str) -> Turn:
        if not self.jobs:
            raise Drained
        require_done((yield completion(self.jobs.pop(), worker)))
        yield 1


def grow(
    databases: Databases, kind: str, rows: tuple[int, ...], days: tuple[int, ...], count: int, rounds: int
) -> list[Figures]:
    """A line for each state of the database, with what operations take there and on an empty one, in turn."""
    found = []
    with ExitStack() as stack:
        empty, filled = (_side(stack, databases, kind) for _ in range(2))
        there = 0
        for wanted in rows:
            _fill(filled, (wanted - there) // ROWS_OF_A_PAIR)
            there = wanted
            found.append(_compared(f"{wanted:,} rows", empty, filled, count, rounds))
    with ExitStack() as stack:
        empty, filled = (_side(stack, databases, kind) for _ in range(2))
        for number in days:
            _fill_days(filled, number)
            found.append(_compared(f"{number} days", empty, filled, count, rounds))
    with ExitStack() as stack:
        empty, filled = (_side(stack, databases, kind) for _ in range(2))
        _fill_timers(filled, TIMERS)
        found.append(_compared(f"{TIMERS:,} timers", empty, filled, count, rounds))
    return found


def _side(stack: ExitStack, databases: Databases, kind: str) -> Side:
    url = stack.enter_context(databases.fresh(kind))
    served = stack.enter_context(serving(url))
    connection = served.connect()
    stack.callback(connection.close)
    return Side(url, served, prepare(connection.ask, SCENARIOS["query"]))


def _asking(side: Side, do: Callable[[Any], Answer]) -> Answer:
    connection = side.served.connect()
    try:
        return do(connection.ask)
    finally:
        connection.close()


def _fill(side: Side, pairs: int) -> None:
    ended = side.stage.known[-1]
    waiting = _asking(side, lambda ask: create(ask, side.stage.process, "bench"))
    copy(side.url, ended, pairs)
    copy(side.url, waiting, pairs)
    analyse(side.url)


def _fill_days(side: Side, number: int) -> None:
    today = date.fromisoformat(side.stage.known[-1]["partition"])
    days = [today - timedelta(days=back) for back in range(1, number + 1)]
    attach(side.url, days)
    for day in days:
        copy(side.url, side.stage.known[-1], ROWS_OF_A_DAY // 6, day)
    analyse(side.url)


def _fill_timers(side: Side, number: int) -> None:
    waiting = _asking(side, lambda ask: create(ask, deploy(ask, "timer"), "bench"))
    copy(side.url, waiting, number)
    analyse(side.url)


def _compared(state: str, empty: Side, filled: Side, count: int, rounds: int) -> Figures:
    for side in (empty, filled):
        # PostgreSQL settles for a plan after some executions.
        side.measure(KNOWN // 10)
    measured = [(empty.measure(count), filled.measure(count)) for _ in range(rounds)]
    operations = {name: _ratios([(one[name], other[name]) for one, other in measured]) for name in measured[0][0]}
    failures = [text for pair in measured for side in pair for each in side.values() for text in each["failures"]]
    return {"state": state, "operations": operations, "failures": failures}


def _ratios(pairs: list[tuple[Figures, Figures]]) -> Figures:
    """Medians; the ratios are of rounds, since the machine is as fast for both sides of one."""
    cpu = [(sum(one["cpu_ms"].values()), sum(other["cpu_ms"].values())) for one, other in pairs]
    took = [(one["p50_ms"], other["p50_ms"]) for one, other in pairs]
    return {
        "cpu_ms": median(other for _, other in cpu),
        "p50_ms": median(other for _, other in took),
        "cpu_ratios": [other / one for one, other in cpu],
        "cpu_ratio": median(other / one for one, other in cpu),
        "time_ratio": median(other / one for one, other in took),
    }


def steep(line: Figures) -> list[str]:
    """The operations that do not stay flat, with how much more they take."""
    return [
        f"{name} takes {max(each['cpu_ratio'], each['time_ratio']):.2f} times as much with {line['state']}"
        for name, each in line["operations"].items()
        if max(each["cpu_ratio"], each["time_ratio"]) > FLAT
    ]
