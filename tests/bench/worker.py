"""How many jobs one process of `py_bpmn.worker` does, how soon it has one, and how often it asks when there is none.

    python -m tests.bench.worker [--databases sqlite postgres] [--jobs 5000] [--idle 60]

Beside it, on the same database and in the same minute, the benchmark's own clients do such jobs in batches of 50. The
exit code is 1 when the worker does less than 0.6 times as many jobs a second as these, begins a job late, or asks too
often.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from typing import Any

from app.config import Config
from app.store import migrate
from py_bpmn import Client
from py_bpmn._operations import NewProcessInstance
from py_bpmn.worker import Job, Process, Worker
from tests.bench.fill import analyse
from tests.bench.load import HEAD, MODELS, SCENARIOS, TAIL
from tests.bench.measure import loads
from tests.bench.serve import PASSWORD, ROOT, USERNAME, serving
from tests.databases import Databases

KINDS = ("sqlite", "postgres")
THREADS = 16
BATCH = 50
SHARE = 0.6
PICKED_UP_MS = 100.0
IDLE_REQUESTS = 4.0
"""A minute."""
XML = HEAD.format(id="one-task", root="") + MODELS["one-task"] + TAIL


def work(url: str, jobs: int) -> None:
    """The worker's process: prints when it is ready, when so many jobs are begun, and how late each later one was."""
    process = Process("one-task", bpmn=XML)
    lock = threading.Lock()
    begun = 0

    @process.execute("work")
    def empty(job: Job, at: float = 0.0) -> None:
        nonlocal begun
        now = time.time()
        with lock:
            begun += 1
            if begun == 1 or begun == jobs:
                print(json.dumps({"begun": begun, "at": now}), flush=True)
        if at:
            print(json.dumps({"late": now - at}), flush=True)

    with ExitStack() as stack:
        client = stack.enter_context(Client(url, username=USERNAME, password=PASSWORD))
        worker = Worker(process, client=client, threads=THREADS)
        stack.enter_context(worker.running())
        with suppress(KeyboardInterrupt):
            sys.stdin.read()


def measure(url: str, jobs: int, idle: float) -> dict[str, Any]:
    with ExitStack() as stack:
        served = stack.enter_context(serving(url, BPMN_METRICS_ENABLED="true"))
        address = f"http://127.0.0.1:{served.port}"
        client = stack.enter_context(Client(address, username=USERNAME, password=PASSWORD))
        deployed = client.deploy(XML)
        one = NewProcessInstance(bpmn_process_id="one-task", version=deployed.version)
        for _ in range(jobs // BATCH):
            client.api.create_process_instances(process_instances=[one] * BATCH)
        analyse(url)
        command = [sys.executable, "-m", "tests.bench.worker", "--work", address, "--jobs", str(jobs)]
        worker = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None and worker.stdin is not None
        lines = (json.loads(line) for line in worker.stdout)
        first, last = next(lines)["at"], next(lines)["at"]
        rate = jobs / (last - first)
        late = _pick_up(client, lines)
        before, began = _requests(served.port), time.monotonic()
        threading.Event().wait(idle)
        # Asking is a request itself.
        asked = _requests(served.port) - before - 1
        minutes = (time.monotonic() - began) / 60
        worker.stdin.close()
        worker.wait(60)
    return {
        "jobs_per_second": round(rate),
        "picked_up_ms": {
            "p50": round(late[len(late) // 2] * 1000, 1),
            "p99": round(late[-1 - len(late) // 100] * 1000, 1),
        },
        "idle_requests_per_minute": round(asked / minutes, 1) if minutes else None,
    }


def _pick_up(client: Client, lines: Any) -> list[float]:
    late = []
    for _ in range(200):
        client.start("one-task", variables={"at": time.time()})
        late.append(next(lines)["late"])
        threading.Event().wait(0.01)
    return sorted(late)


def _requests(port: int) -> float:
    with Client(f"http://127.0.0.1:{port}", username=USERNAME, password=PASSWORD) as client:
        found = re.findall(r"^bpmn_http_requests_total\{[^}]*\} (\S+)", client.api.get_metrics(), re.MULTILINE)
    return sum(map(float, found))


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.worker", description=__doc__.partition("\n")[0])
    parser.add_argument("--databases", nargs="+", choices=KINDS, default=KINDS, help="default: both")
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--idle", type=float, default=60.0, help="seconds without a job")
    parser.add_argument("--work", default="", metavar="URL", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.work:
        work(arguments.work, arguments.jobs)
        return 0
    databases = Databases(lambda url: migrate(Config(database_url=url)))
    is_short = False
    try:
        for kind in arguments.databases:
            beside = {}
            for name in ("lock-batch", "batch-complete"):
                (line,) = loads(databases, kind, SCENARIOS[name], (1,), 1.5)
                beside[name] = line
            with databases.fresh(kind) as url:
                found = measure(url, arguments.jobs, arguments.idle)
            rates = {name: round(line["rate"]) for name, line in beside.items()}
            print(json.dumps({kind: {**found, "beside": rates}}, indent=1))
            is_short |= found["jobs_per_second"] < SHARE * rates["lock-batch"]
            is_short |= found["picked_up_ms"]["p99"] > PICKED_UP_MS
            is_short |= arguments.idle > 0 and found["idle_requests_per_minute"] > IDLE_REQUESTS
    finally:
        databases.stop()
    return int(is_short)


if __name__ == "__main__":
    sys.exit(main())
