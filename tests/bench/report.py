"""The figures of a run as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from tests.bench.compare import Change
from tests.bench.growth import steep
from tests.bench.measure import Figures

Row = tuple[str, ...]


def show(kind: str, part: dict[str, Any]) -> None:
    """All figures of one database."""
    print(f"\n== {kind}: " + ", ".join(f"{name} {value}" for name, value in part["settings"].items()))
    show_loads(part["loads"])
    print("\nstatements + BEGIN/COMMIT / round trips, per request")
    table([("scenario", "operation", "statements", "transaction", "round trips"), *_counts(part["counts"])])
    starts = part["starts"]["rounds"]
    if starts:
        print(
            f"\nstart: ready after {_middle(starts, 'seconds'):.2f} s, with {_middle(starts, 'cpu_ms'):.0f} ms of CPU "
            f"and {median(each['memory_mib']['pss'] for each in starts):.0f} MiB (PSS of all processes); "
            f"least {min(each['seconds'] for each in starts):.2f} s, {min(each['cpu_ms'] for each in starts):.0f} ms"
        )
    if part["memory"]:
        before, after = part["memory"]["before"], part["memory"]["after"]
        print(
            f"memory: PSS of all processes {before['pss']:.0f} MiB, {after['pss']:.0f} MiB after "
            f"{part['memory']['instances']:,} instances; RSS of the largest {before['rss']:.0f}, {after['rss']:.0f} MiB"
        )
    if part.get("storm"):
        found = part["storm"]
        cpu = ", ".join(f"{name} {ms:.2f}" for name, ms in found["cpu_ms"].items())
        print(
            f"storm: {found['timers']:,} timers at once, {found['per_second']:.0f} a second, CPU in ms each: {cpu}; "
            f"to create an instance meanwhile takes p50 {found['storm']['p50_ms']:.1f}, p99 "
            f"{found['storm']['p99_ms']:.1f} ms, when idle p50 {found['idle']['p50_ms']:.1f}, p99 "
            f"{found['idle']['p99_ms']:.1f}"
        )
    if part["growth"]:
        print(
            "\ngrowth: CPU of service and database in ms, and median time in ms; how many times as much as when empty"
        )
        table([("state", *(name for name in part["growth"][0]["operations"])), *_growth(part["growth"])])
        for line in part["growth"]:
            for sentence in steep(line):
                print(f"not flat: {sentence}")


def show_loads(loads: Sequence[Figures]) -> None:
    print("\nmedians of the rounds; CPU is in ms per unit, the service's and the database's; times of units are in ms;")
    print("machine is the CPU in ms of a fixed computation at that time; * where no jobs were left before the end")
    head = (
        "scenario",
        "unit",
        "clients",
        "units/s",
        "service",
        "database",
        "generator",
        "requests",
        "p50",
        "p99",
        "MiB",
        "machine",
    )
    table([head, *map(_load, loads)])


def _load(line: Figures) -> Row:
    rounds = line["rounds"]
    cpu = {name: median(each["cpu_ms"][name] for each in rounds) for name in rounds[0]["cpu_ms"]}
    return (
        line["scenario"],
        line["unit"],
        str(line["clients"]),
        f"{_middle(rounds, 'rate'):.0f}" + ("*" if any(each["drained"] for each in rounds) else ""),
        f"{cpu['service']:.2f}",
        f"{cpu['database']:.2f}" if "database" in cpu else "-",
        f"{_middle(rounds, 'generator_ms'):.2f}",
        f"{_middle(rounds, 'requests_per_unit'):.2f}",
        f"{_middle(rounds, 'p50_ms'):.1f}",
        f"{_middle(rounds, 'p99_ms'):.1f}",
        f"{median(each['memory_mib']['pss'] for each in rounds):.0f}",
        f"{_middle(rounds, 'speed_ms'):.1f}",
    )


def _middle(rounds: Sequence[Figures], name: str) -> float:
    return float(median(each[name] for each in rounds))


def _counts(counts: dict[str, dict[str, list[Figures]]]) -> Iterable[Row]:
    for scenario, operations in counts.items():
        for operation, requests in operations.items():
            columns = zip(*(request.values() for request in requests), strict=True)
            yield scenario, operation, *(", ".join("-" if n is None else str(n) for n in column) for column in columns)


def _growth(lines: Sequence[Figures]) -> Iterable[Row]:
    for line in lines:
        yield (
            line["state"],
            *(
                f"{each['cpu_ms']:.2f} ({each['cpu_ratio']:.2f} x), {each['p50_ms']:.1f} ({each['time_ratio']:.2f} x)"
                for each in line["operations"].values()
            ),
        )


def show_changes(changes: Sequence[Change], bound: float) -> None:
    """What changed beyond the noise, the worst first."""
    real = [change for change in changes if change.is_real]
    print(f"\n{len(changes)} figures compared, {len(real)} differ beyond the noise, which is half of the spread of the")
    print("rounds, added up for both results; times and CPU are divided by the machine's speed at that time")
    for change in real:
        print(f"{change}{'  (too much)' if change.is_worse_than(bound) else ''}")


def table(rows: Sequence[Row]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
