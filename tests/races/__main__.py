"""Looks for new random races: `python -m tests.races --database postgres --seconds 600 --seed 1`."""

from __future__ import annotations

import argparse
import sys
import time

from tests.conftest import _migrate
from tests.databases import Databases
from tests.races.explore import SEED_VARIABLE, Playground, chosen_seed, explore


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.races", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--seconds", type=float, default=0, help="how long; without, until it is interrupted")
    parser.add_argument("--seed", type=int, default=None, help="the first one; the next ones follow it")
    parser.add_argument("--examples", type=int, default=60, help="races of one seed, as the test has them")
    given = parser.parse_args()
    until = time.monotonic() + given.seconds if given.seconds else float("inf")
    databases, failed = Databases(_migrate), 0
    try:
        with databases.fresh(given.database) as url:
            playground = Playground(url)
            first = chosen_seed() if given.seed is None else given.seed
            for seed, wrong in explore(playground, first, given.examples, lambda: time.monotonic() < until):
                print(f"{SEED_VARIABLE}={seed}: {wrong or 'ok'}", flush=True)
                failed += bool(wrong)
            playground.close()
    except KeyboardInterrupt:
        pass
    finally:
        databases.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
