"""What got slower or faster between two results, beyond the noise of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

Result = dict[str, Any]
"""What the benchmark writes as JSON."""

LEAST_NOISE = 0.05
"""Of the smallest spread of a few rounds, little can be said."""
NOISE_OF_ONE_ROUND = 0.15
BOUND = 1.25
"""How many times as much something may take before a comparison fails."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Less is better."""

    value: float
    noise: float
    """By how much of it the value may be off."""

    @classmethod
    def of(cls, rounds: Iterable[float]) -> Figure | None:
        """The median of rounds, with half of their spread as the noise; None for nothing measurable."""
        values = sorted(rounds)
        value = median(values) if values else 0.0
        if value <= 0:
            return None
        spread = (values[-1] - values[0]) / value / 2
        return cls(value, max(LEAST_NOISE, spread) if len(values) > 1 else NOISE_OF_ONE_ROUND)


@dataclass(frozen=True, slots=True)
class Change:
    name: str
    ratio: float
    """How many times as much it takes now."""
    noise: float

    @property
    def is_real(self) -> bool:
        """Whether it is more than noise, in one direction or the other."""
        return max(self.ratio, 1 / self.ratio) > 1 + self.noise

    def is_worse_than(self, bound: float) -> bool:
        return self.is_real and self.ratio > bound

    def __str__(self) -> str:
        word = "slower" if self.ratio > 1 else "faster"
        by = max(self.ratio, 1 / self.ratio)
        return f"{word} {by:5.2f} x  (noise {self.noise:.0%})  {self.name}"


def changes(before: Result, after: Result) -> list[Change]:
    """All that can be compared, the worst first. What only one of them has is left out."""
    old, new = figures(before), figures(after)
    found = [
        Change(name, new[name].value / old[name].value, new[name].noise + old[name].noise)
        for name in old
        if name in new
    ]
    return sorted(found, key=lambda change: -change.ratio)


def figures(result: Result) -> dict[str, Figure]:
    """By name. Times and CPU are in units of the machine's speed at that time, so that another day does not count."""
    return {name: figure for name, figure in _figures(result) if figure is not None}


def _figures(result: Result) -> Iterator[tuple[str, Figure | None]]:
    for kind, part in result["databases"].items():
        for load in part["loads"]:
            name = f"{kind}, {load['scenario']}, {load['clients']} clients"
            rounds = load["rounds"]
            yield f"{name}: time per unit", Figure.of(1000 / each["rate"] / each["speed_ms"] for each in rounds)
            for process in rounds[0]["cpu_ms"]:
                each_cpu = (each["cpu_ms"][process] / each["speed_ms"] for each in rounds)
                yield f"{name}: CPU of the {process}", Figure.of(each_cpu)
        for scenario, operations in part["counts"].items():
            for operation, requests in operations.items():
                for what in ("statements", "round_trips"):
                    total = sum(request[what] or 0 for request in requests)
                    yield f"{kind}, {scenario}, {operation}: {what.replace('_', ' ')}", _exact(total)
        starts = part["starts"]["rounds"]
        yield f"{kind}: CPU of a start", Figure.of(each["cpu_ms"] / each["speed_ms"] for each in starts)
        yield f"{kind}: memory after a start", Figure.of(each["memory_mib"]["pss"] for each in starts)
        if part["memory"]:
            yield f"{kind}: memory after many instances", Figure.of([part["memory"]["after"]["pss"]])
        if part.get("storm"):
            for process, ms in part["storm"]["cpu_ms"].items():
                yield f"{kind}: CPU of the {process} for each timer of a storm", Figure.of([ms])
        for line in part["growth"]:
            for operation, each in line["operations"].items():
                yield f"{kind}, {line['state']}, {operation}: CPU against an empty one", Figure.of(each["cpu_ratios"])


def _exact(count: int) -> Figure | None:
    return Figure(float(count), 0.0) if count else None
