"""Plays with fire: `python -m tests.chaos --database postgres --seconds 600 --seed 1`."""

from __future__ import annotations

import argparse
import random
import sys

from tests.chaos.run import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--seconds", type=float, default=60, help="how long things break, in each run")
    parser.add_argument("--seed", type=int, default=None, help="of the first run; the next ones follow it")
    parser.add_argument("--runs", type=int, default=1, help="how many on each database")
    parser.add_argument("--pace", type=float, default=0.05, help="seconds between two requests of one client")
    parser.add_argument("--fault-pause", type=float, default=2.0, help="seconds between two faults, about")
    given = parser.parse_args()
    first = random.randrange(2**32) if given.seed is None else given.seed
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    failed = 0
    for seed in range(first, first + given.runs):
        for kind in kinds:
            print(f"{kind}, {given.seconds:g} s, --seed {seed}", flush=True)
            report = play(kind, given.seconds, seed, pace=given.pace, fault_pause=given.fault_pause)
            print(report, flush=True)
            failed += bool(report.violations)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
