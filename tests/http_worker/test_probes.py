"""Probes are answered while all request threads wait for the database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.databases import Databases, plain
from tests.http_worker.serving import Client, Served, gunicorn, serving

XML = (
    '<definitions xmlns=\\"http://www.omg.org/spec/BPMN/20100524/MODEL\\"><process id=\\"p\\" isExecutable=\\"true\\">'
    '<startEvent id=\\"s\\"/></process></definitions>'
)
THREADS = 2


def deploy(version: int) -> bytes:
    return f'{{"bpmnProcessId": "p", "version": "{version}", "workerId": "w", "bpmnXml": "{XML}"}}'.encode()


@contextmanager
def blocked(url: str) -> Iterator[Callable[[], int]]:
    """Keeps everybody else from writing; the function counts who waits, where the database can tell."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield lambda: THREADS
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(plain(url), autocommit=True) as watching, psycopg.connect(plain(url)) as locking:
        locking.execute("LOCK TABLE process IN ACCESS EXCLUSIVE MODE")

        def count() -> int:
            row = watching.execute(waiting).fetchone()
            assert row is not None
            return int(row[0])

        yield count
        locking.rollback()


def fill(stack: ExitStack, served: Served, waiting: Callable[[], int]) -> list[Client]:
    """Clients whose requests take all threads, and then some."""
    clients = [stack.enter_context(served.connect()).send_post("/processes", deploy(each)) for each in range(6)]
    while waiting() < THREADS:
        assert any(client.is_silent for client in clients)
    # Neither is there a thread for a request that needs no database.
    clients.append(stack.enter_context(served.connect()).send_get("/openapi.json"))
    return clients


def test_probes_are_answered_while_all_threads_wait_for_the_database(database_url: str, tmp_path: Path):
    with serving(database_url, tmp_path) as served, ExitStack() as stack:
        with blocked(database_url) as waiting:
            clients = fill(stack, served, waiting)
            for _ in range(20):
                assert served.get("/healthz").body == b"ok"
                assert served.get("/readiness").status == 200
            assert all(client.is_silent for client in clients)
        # createProcess answers 201.
        assert [client.answer().status for client in clients] == 6 * [201] + [200]


@pytest.mark.postgres
def test_the_master_does_not_end_a_process_whose_threads_all_wait(databases: Databases, tmp_path: Path):
    program = gunicorn("app.wsgi", "--timeout", "1")
    with databases.fresh("postgres") as url, serving(url, tmp_path, program=program) as served, ExitStack() as stack:
        workers = served.workers
        with blocked(url) as waiting:
            clients = fill(stack, served, waiting)
            beats = list(_beats(workers, 6))
            assert served.get("/healthz").status == 200
        assert [client.answer().status for client in clients] == 6 * [201] + [200]
        assert (served.workers, len(beats)) == (workers, 6)


def _beats(workers: set[int], count: int) -> Iterator[float]:
    """Waits for signs of life of a worker process: gunicorn has each change the times of a file."""
    [worker] = workers
    paths = [p for p in Path(f"/proc/{worker}/fd").iterdir() if "wgunicorn" in os.readlink(p)]
    seen = set()
    deadline = time.monotonic() + 30
    while len(seen) < count:
        assert time.monotonic() < deadline, "there is no sign of life"
        found = paths[0].stat().st_mtime
        if found not in seen:
            seen.add(found)
            yield found
        time.sleep(0.05)
