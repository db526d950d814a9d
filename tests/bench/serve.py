"""The service under test, as it is started for users."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.load import Connection
from tests.bench.process import cpu_seconds as cpu_seconds
from tests.databases import plain

ROOT = Path(__file__).resolve().parent.parent.parent
USERNAME = PASSWORD = "bench"
AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
START_SECONDS = 60.0
LOOK_SECONDS = 0.003
READINESS = b"GET /readiness HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"
IGNORED = ("BPMN_", "GO_BPMN_", "PYTHONDONTWRITEBYTECODE")
"""How names of the environment begin that the service does not see."""


@dataclass(frozen=True, slots=True)
class Served:
    port: int
    pid: int
    start_seconds: float
    """From the start of the process to the first answer that it is ready."""
    start_cpu: float

    def connect(self) -> Connection:
        return Connection(self.port, AUTHORIZATION)


@contextmanager
def serving(url: str, **options: str) -> Iterator[Served]:
    """`py-bpmn serve` on the database, in its default arrangement of processes and threads, without executor.

    Other `options` of the service are given by their names.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    others = {name: value for name, value in os.environ.items() if not name.startswith(IGNORED)}
    own = {
        "BPMN_DATABASE_URL": url,
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BPMN_HTTP_BASIC_AUTH_USERNAME": USERNAME,
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": PASSWORD,
        "BPMN_TASK_EXECUTOR_ENABLED": "false",
        "BPMN_LOG_LEVEL": "WARNING",
        "BPMN_SHUTDOWN_DELAY": "0",
    }
    began = time.perf_counter()
    command = [sys.executable, "-m", "app.cli", "serve"]
    process = subprocess.Popen(command, cwd=ROOT, env=others | own | options)
    try:
        _wait(process, port)
        yield Served(port, process.pid, time.perf_counter() - began, cpu_seconds(process.pid))
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
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(READINESS)
                if client.recv(4096).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise ChildProcessError(f"the service did not start: {process.poll()}")
        time.sleep(LOOK_SECONDS)


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
