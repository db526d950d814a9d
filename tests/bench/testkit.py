"""What a test of a process author costs beside its own steps, and what a step costs.

    python -m tests.bench.testkit [--tests 200]

The exit code is 1 when a test with an engine in its own process costs more than it should: the median of what the
fixture does before it, and of a test without a step.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from py_bpmn.testing.engine import Engine, InProcess, Subprocess
from py_bpmn.testing.kit import Bpmn
from tests.flow import flow

MOST_MS = 20.0
MODEL = flow("start -> work -> end")


def milliseconds(do: Callable[[], Any]) -> float:
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def fresh(engine: Engine) -> Bpmn:
    """As the fixture does it."""
    engine.reset({})
    return Bpmn(engine.client(""))


def measure(make: Callable[[], Engine], tests: int) -> dict[str, float]:
    """Medians in milliseconds, and how long it takes to have an engine at first."""
    found: dict[str, list[float]] = {name: [] for name in ("fixture", "deploy", "start", "complete", "waits_at")}
    began = time.perf_counter()
    engine = make()
    try:
        fresh(engine)
        first = (time.perf_counter() - began) * 1000
        for _ in range(tests):
            found["fixture"].append(milliseconds(lambda: fresh(engine)))
            bpmn = Bpmn(engine.client(""))
            found["deploy"].append(milliseconds(lambda bpmn=bpmn: bpmn.deploy(MODEL)))
            found["start"].append(milliseconds(lambda bpmn=bpmn: bpmn.start("p")))
            (story,) = bpmn.stories
            found["waits_at"].append(milliseconds(lambda story=story: story.waits_at("work")))
            found["complete"].append(milliseconds(lambda story=story: story.at("work").completes(x=1)))
    finally:
        engine.close()
    return {"first engine": round(first, 1), **{name: round(statistics.median(ms), 2) for name, ms in found.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=200)
    tests = parser.parse_args().tests
    here = measure(InProcess, tests)
    print("in process", json.dumps(here))
    there = measure(lambda: Subprocess(str(Path(sys.executable))), tests)
    print("subprocess", json.dumps(there))
    return int(here["fixture"] > MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
