"""The service under test, and the CPU time of processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.load import Connection
from tests.databases import plain

ROOT = Path(__file__).resolve().parent.parent.parent
USERNAME = PASSWORD = "bench"
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
START_SECONDS = 60.0
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    pid: int

    def connect(self) -> Connection:
        return Connection(self.port, AUTHORIZATION)


@contextmanager
def serving(url: str, **options: str) -> Iterator[Served]:
    """`py-bpmn serve` on the database, in its default arrangement of processes and threads, without executor.

    Other options of the service are given by their names.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    others = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_", "GO_BPMN_"))}
    own = {
        "BPMN_DATABASE_URL": url,
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BPMN_HTTP_BASIC_AUTH_USERNAME": USERNAME,
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": PASSWORD,
        "BPMN_TASK_EXECUTOR_ENABLED": "false",
        "BPMN_LOG_LEVEL": "WARNING",
        "BPMN_SHUTDOWN_DELAY": "0",
    }
    process = subprocess.Popen([sys.executable, "-m", "app.cli", "serve"], cwd=ROOT, env=others | own | options)
    try:
        _wait(process, port)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = Connection(port, AUTHORIZATION)
            connection.ask("wait", "POST", "/processes/query", {})
            connection.close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have used, those that have ended included."""
    ticks: dict[int, int] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found = int(path.parent.name)
        ticks[found] = sum(int(each) for each in fields[11:15])
        children[int(fields[1])].append(found)
    total, left = 0, [pid]
    while left:
        each = left.pop()
        total += ticks.get(each, 0)
        left += children[each]
    return total / TICK


def postgres_pid(url: str) -> int | None:
    """The process of the PostgreSQL server, if it runs on this machine."""
    with psycopg.connect(plain(url)) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        try:
            name, _, fields = Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")
        except OSError:
            return None
    return int(fields.split()[1]) if "postgres" in name else None
