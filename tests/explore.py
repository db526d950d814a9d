"""Looks for new cases in rounds, each with a seed of its own: `python -m tests.explore` (`make explore`).

Goes on until a round fails, the bounds are reached, or it is interrupted. A round plays the generated tests once.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time

INTERRUPTED = 2
"""pytest's exit code."""


def play(seed: int, options: list[str]) -> int:
    """The exit code of one round."""
    print(f"exploring: make explore SEED={seed}", flush=True)
    environ = os.environ | {"BPMN_TEST_PROFILE": "explore", "BPMN_TEST_EXPLORE": str(seed)}
    return subprocess.call([sys.executable, "-m", "pytest", "-q", "-m", "hypothesis", *options], env=environ)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play the round of this seed only")
    parser.add_argument("--rounds", type=int, help="end after so many rounds")
    parser.add_argument("--seconds", type=float, help="begin no further round after this time")
    arguments, options = parser.parse_known_args()
    if arguments.seed:
        return play(arguments.seed, options)
    end = time.monotonic() + arguments.seconds if arguments.seconds else float("inf")
    rounds = 0
    while rounds != arguments.rounds and (not rounds or time.monotonic() < end):
        seed = secrets.randbelow(2**32 - 1) + 1
        code = play(seed, options)
        if code == INTERRUPTED:
            return 130
        if code:
            print(f"found something; again: make explore SEED={seed}", flush=True)
            return code
        rounds += 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
