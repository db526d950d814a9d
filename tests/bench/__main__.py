"""Runs the benchmark, prints tables, and writes all figures as JSON when asked to.

The exit code is 1 when a request failed, whatever the speed; and with `--compare` also when something takes more than
a bound allows.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.config import Config
from app.store import migrate
from tests.bench.compare import BOUND, changes
from tests.bench.count import count
from tests.bench.growth import grow
from tests.bench.load import SCENARIOS, Failed
from tests.bench.measure import Figures, loads, memory, settings, starts
from tests.bench.report import show, show_changes, show_loads
from tests.bench.storm import storm
from tests.databases import Databases

KINDS = ("sqlite", "postgres")
CLIENTS = (1, 4, 16)
THREADS = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: float
    """Of each scenario and number of clients."""
    starts: int
    rows: tuple[int, ...]
    """What the database is filled with to see whether operations stay flat."""
    days: tuple[int, ...]
    growth_requests: int
    growth_rounds: int
    instances: int
    """After which memory is looked at; 0 does not."""
    instances_seconds: float
    timers: int
    """That become due at once; 0 does without."""


FULL = Plan(3, 1.5, 7, (10_000, 100_000, 1_000_000), (5, 60), 100, 3, 100_000, 60.0, 10_000)
QUICK = Plan(1, 0.5, 3, (100_000,), (5,), 40, 3, 0, 0.0, 0)


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    databases = Databases(_migrate)
    began = time.monotonic()
    try:
        if arguments.defaults:
            return _defaults(databases, arguments)
        result = _bench(databases, arguments, QUICK if arguments.quick else FULL)
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    finally:
        databases.stop()
    result["minutes"] = (time.monotonic() - began) / 60
    for kind, part in result["databases"].items():
        show(kind, part)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    failed = _report(list(_failures(result)))
    too_much = False
    if arguments.compare:
        found = changes(json.loads(arguments.compare.read_text(encoding="utf-8")), result)
        show_changes(found, arguments.bound)
        too_much = any(change.is_worse_than(arguments.bound) for change in found)
    return int(failed or too_much)


def _migrate(url: str) -> None:
    migrate(Config(database_url=url))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the service.")
    parser.add_argument("--quick", action="store_true", help="two minutes instead of fifteen")
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS, help="default: both")
    parser.add_argument("--scenarios", nargs="+", choices=[*SCENARIOS], default=[*SCENARIOS], help="default: all")
    parser.add_argument("--loads-only", action="store_true", help="no starts, no memory, no growth")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file, too")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="say what changed since these figures")
    help = f"how many times as much may be taken with --compare (default: {BOUND})"
    parser.add_argument("--bound", type=float, default=BOUND, help=help)
    parser.add_argument("--defaults", action="store_true", help="only measure numbers of threads against each other")
    return parser.parse_args(argv)


def _bench(databases: Databases, arguments: argparse.Namespace, plan: Plan) -> dict[str, Any]:
    parts = {}
    for kind in arguments.databases:
        with databases.fresh(kind) as url:
            parts[kind] = {"settings": settings(url), "counts": count(url)}
    found: dict[tuple[str, str, int], list[Figures]] = {}
    for number in range(plan.rounds):
        for name in arguments.scenarios:
            # In turn, so that both have the machine in the same moods.
            for kind in arguments.databases[:: -1 if number % 2 else 1]:
                for line in loads(databases, kind, SCENARIOS[name], CLIENTS, plan.seconds):
                    found.setdefault((kind, name, line["clients"]), []).append(line)
                _progress(f"round {number + 1} of {plan.rounds}, {name} on {kind}")
    for kind, part in parts.items():
        part["loads"] = [_line(*key[1:], rounds) for key, rounds in found.items() if key[0] == kind]
        part |= {"starts": {"rounds": []}, "memory": {}, "storm": {}, "growth": []}
        if arguments.loads_only:
            continue
        _progress(f"starts on {kind}")
        part["starts"] = starts(databases, kind, plan.starts)
        if plan.instances:
            _progress(f"memory on {kind}")
            part["memory"] = memory(databases, kind, plan.instances, plan.instances_seconds)
        if plan.timers:
            _progress(f"a storm of timers on {kind}")
            with databases.fresh(kind) as url:
                part["storm"] = storm(url, timers=plan.timers)
        _progress(f"growth on {kind}")
        part["growth"] = grow(databases, kind, plan.rows, plan.days, plan.growth_requests, plan.growth_rounds)
    machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
    return {"machine": machine, "seconds": plan.seconds, "databases": parts}


def _line(name: str, clients: int, rounds: list[Figures]) -> Figures:
    return {"scenario": name, "unit": SCENARIOS[name].unit, "clients": clients, "rounds": rounds}


def _defaults(databases: Databases, arguments: argparse.Namespace) -> int:
    """The matrix that the defaults were chosen by: threads of each process, at 1, 4 and 16 clients."""
    failures: list[str] = []
    plan = QUICK if arguments.quick else FULL
    for kind in arguments.databases:
        with databases.fresh(kind) as url:
            settings(url)
        workers = 1 if kind == "sqlite" else os.cpu_count() or 1
        found: dict[tuple[int, str, int], list[Figures]] = {}
        for _ in range(plan.rounds):
            for threads in THREADS:
                for name in arguments.scenarios:
                    options = {"BPMN_HTTP_WORKERS": str(workers), "BPMN_HTTP_THREADS": str(threads)}
                    for line in loads(databases, kind, SCENARIOS[name], CLIENTS, plan.seconds, **options):
                        found.setdefault((threads, name, line["clients"]), []).append(line)
                        failures += line["failures"]
                    _progress(f"{name} on {kind} with {threads} threads")
        print(f"\n== {kind}, {workers} processes; the first column names the threads of each")
        lines = [(each, _line(name, clients, rounds)) for (each, name, clients), rounds in found.items()]
        lines.sort(key=lambda line: (line[1]["scenario"], line[1]["clients"], line[0]))
        show_loads([{**line, "scenario": f"{threads:2} {line['scenario']}"} for threads, line in lines])
    return int(_report(failures))


def _failures(result: dict[str, Any]) -> Iterator[str]:
    for part in result["databases"].values():
        for load in part["loads"]:
            for each in load["rounds"]:
                yield from each["failures"]
        yield from part["memory"].get("failures", ())
        for line in part["growth"]:
            yield from line["failures"]


def _report(failures: list[str]) -> bool:
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return bool(failures)


def _progress(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
