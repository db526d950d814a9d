"""How soon a job is in the hands of a worker that waits for one, and what those who wait cost the others.

    python -m tests.bench.waiting [--databases sqlite postgres]

The exit code is 1 when a job was picked up late, or those who wait held up the others, by the bounds below.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

from app.config import Config
from app.store import migrate
from tests.bench.load import Answer, create, deploy, lock
from tests.bench.serve import Served, serving
from tests.databases import Databases

KINDS = ("sqlite", "postgres")
WAIT_SECONDS = 5
PAUSE_SECONDS = 0.02
"""Between two jobs."""
LEARN_SECONDS = 11.0
"""After which all processes know that somebody waits."""
PICKED_UP_MS = 100.0
HELD_UP = 2.0
"""How many times as long creating an instance may take while others wait (99th percentile)."""


class Workers:
    """Threads that wait for jobs, and note when they have got one."""

    def __init__(self, served: Served, count: int, wait_seconds: int, **conditions: Any) -> None:
        """They want jobs that fulfil the `conditions`."""
        self._served = served
        self._conditions = conditions
        self._wait = f"PT{wait_seconds}S"
        self._stopping = threading.Event()
        self.got: list[tuple[int, float]] = []
        """The id of the instance of each job, and when its answer had come."""
        self.asked = 0
        self._lock = threading.Lock()
        self.failures: list[Exception] = []
        self._threads = [threading.Thread(target=self._work, args=(f"w{n}",)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _work(self, name: str) -> None:
        connection = self._served.connect()
        try:
            while not self._stopping.is_set():
                jobs = lock(connection.ask, name, 1, waitTimeout=self._wait, **self._conditions)
                at = time.perf_counter()
                with self._lock:
                    self.asked += 1
                    self.got += [(job["processInstanceId"], at) for job in jobs]
        except Exception as error:
            self.failures.append(error)
        finally:
            connection.close()

    @property
    def waiting(self) -> int:
        """How many still wait, or ask."""
        return sum(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Raises what one of them has failed with."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if self.failures:
            raise self.failures[0]


def options(url: str) -> dict[str, str]:
    return {} if url.startswith("sqlite") else {"BPMN_HTTP_WORKERS": "2"}


def pick_up(
    url: str,
    *,
    workers: int = 16,
    jobs: int = 300,
    learn_seconds: float = LEARN_SECONDS,
    wait_seconds: int = WAIT_SECONDS,
) -> dict[str, Any]:
    """Milliseconds from the answer to whoever created a job to that of the worker who gets it; none is below 0.

    PostgreSQL is served by two processes.
    """
    with serving(url, **options(url)) as served:
        connection = served.connect()
        process = deploy(connection.ask, "one-task")
        waiting = Workers(served, workers, wait_seconds)
        created: dict[int, float] = {}
        try:
            time.sleep(learn_seconds)
            for _ in range(jobs):
                instance = create(connection.ask, process, "bench")
                created[instance["id"]] = time.perf_counter()
                time.sleep(PAUSE_SECONDS)
            deadline = time.monotonic() + 10
            while len(waiting.got) < jobs and time.monotonic() < deadline:
                time.sleep(PAUSE_SECONDS)
        finally:
            waiting.stop()
            connection.close()
    times = Counter(instance for instance, _ in waiting.got)
    taken = [max(0.0, at - created[instance]) * 1000 for instance, at in waiting.got if instance in created]
    return {
        "jobs": jobs,
        "picked_up": len(times),
        "more_than_once": sum(count > 1 for count in times.values()),
        "requests": waiting.asked,
        "ms": percentiles(taken),
    }


def beside(url: str, *, waiting: int = 200, creates: int = 1000, wait_seconds: int = WAIT_SECONDS) -> dict[str, Any]:
    """Milliseconds that it takes to create an instance while nobody waits, and while many wait for other jobs."""
    with serving(url, BPMN_HTTP_WAITERS=str(waiting), **options(url)) as served, ExitStack() as stack:
        connection = served.connect()
        stack.callback(connection.close)
        process = deploy(connection.ask, "one-task")
        _created_ms(connection, process, creates)
        alone = _created_ms(connection, process, creates)
        others = Workers(served, waiting, wait_seconds, processIds=[2**31 - 1])
        stack.callback(others.stop)
        # Until all have connected, and each has looked once.
        time.sleep(waiting / 100)
        crowded = _created_ms(connection, process, creates)
        still_waiting = others.waiting
    return {
        "waiting": still_waiting,
        "requests": others.asked,
        "alone_ms": percentiles(alone),
        "crowded_ms": percentiles(crowded),
    }


def _created_ms(connection: Any, process: Answer, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        create(connection.ask, process, "bench")
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def percentiles(values: list[float]) -> dict[str, float]:
    found = sorted(values)
    return {name: found[int(part * (len(found) - 1))] for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.waiting", description="Measures long polling.")
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS, help="default: both")
    arguments = parser.parse_args(argv)
    databases = Databases(lambda url: migrate(Config(database_url=url)))
    late = False
    try:
        for kind in arguments.databases:
            with databases.fresh(kind) as url:
                picked_up = pick_up(url)
            with databases.fresh(kind) as url:
                held_up = beside(url)
            print(json.dumps({kind: {"pick_up": picked_up, "beside": held_up}}, indent=1))
            late |= picked_up["ms"]["p99"] > PICKED_UP_MS or picked_up["picked_up"] < picked_up["jobs"]
            late |= picked_up["more_than_once"] > 0
            late |= held_up["crowded_ms"]["p99"] > HELD_UP * held_up["alone_ms"]["p99"]
    finally:
        databases.stop()
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
