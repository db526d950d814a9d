"""A storm of timers: thousands that become due at once, while clients go on asking for other things."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg

from app.commands.instance import CreateProcessInstance
from app.commands.process import CreateProcess
from app.config import Config
from app.service import open_service
from tests.bench.serve import Served, cpu_seconds, postgres_pid, serving
from tests.databases import plain
from tests.store.database import connected

TIMER = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="timer" isExecutable="true">
    <startEvent id="start"/><intermediateCatchEvent id="wait"><timerEventDefinition>
    <timeDuration>P1D</timeDuration></timerEventDefinition></intermediateCatchEvent><endEvent id="end"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="wait"/><sequenceFlow id="b" sourceRef="wait" targetRef="end"/>
    </process></definitions>"""
TASK = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="task" isExecutable="true">
    <startEvent id="start"/><serviceTask id="work"/><endEvent id="end"/>
    <sequenceFlow id="a" sourceRef="start" targetRef="work"/><sequenceFlow id="b" sourceRef="work" targetRef="end"/>
    </process></definitions>"""
OPEN = "SELECT count(*) FROM task WHERE type = 'TRIGGER_EVENT' AND completed_at IS NULL"
PAUSE_SECONDS = 0.01
"""Between two requests of a client, who has other things to do."""
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 300.0


def storm(url: str, *, timers: int = 10_000, clients: int = 2, idle_seconds: float = 5.0) -> dict[str, Any]:
    """What becomes of timers on a migrated database: how many fire in a second, and how long clients wait meanwhile.

    Seconds are those of the clock, CPU is milliseconds for each timer. `idle` and `storm` are milliseconds that it
    takes to create a process instance, before and while the timers fire. PostgreSQL is served by two processes.
    """
    is_sqlite = url.startswith("sqlite")
    _fill(url, timers)
    options = {"BPMN_TASK_EXECUTOR_ENABLED": "true", "BPMN_TASK_EXECUTOR_INTERVAL": "1"}
    if not is_sqlite:
        options["BPMN_HTTP_WORKERS"] = "2"
    with serving(url, **options) as served:
        pids = {"service": served.pid}
        if not is_sqlite and (found := postgres_pid(url)):
            pids["database"] = found
        with _clients(served, clients):
            time.sleep(1)
        with _clients(served, clients) as idle:
            time.sleep(idle_seconds)
        before = {name: cpu_seconds(pid) for name, pid in pids.items()}
        with connected(url) as connection:
            now = datetime.now(UTC).replace(tzinfo=None)
            connection.execute(f"UPDATE task SET due_at = '{now:%Y-%m-%d %H:%M:%S.%f}' WHERE type = 'TRIGGER_EVENT'")
            # The executor does not know of it, and looks up once a second.
            _wait(lambda: _value(connection, OPEN) < timers)
            with _clients(served, clients) as meanwhile:
                started, left = time.perf_counter(), _value(connection, OPEN)
                _wait(lambda: _value(connection, OPEN) == 0)
                seconds = time.perf_counter() - started
        cpu = {name: (cpu_seconds(pid) - before[name]) / timers * 1000 for name, pid in pids.items()}
    return {
        "timers": timers,
        "seconds": seconds,
        "per_second": left / seconds,
        "cpu_ms": cpu,
        "idle": _spread(idle),
        "storm": _spread(meanwhile),
    }


def _fill(url: str, timers: int) -> None:
    service = open_service(Config(database_url=url))
    try:
        for id, xml in (("timer", TIMER), ("task", TASK)):
            service.execute(CreateProcess(bpmn_process_id=id, bpmn_xml=xml, version="1", worker_id="bench"))
        command = CreateProcessInstance(bpmn_process_id="timer", version="1", worker_id="bench")
        for outcome in service.execute_each([command] * timers):
            if isinstance(outcome, Exception):
                raise outcome
    finally:
        service.close()
    if not url.startswith("sqlite"):
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("ANALYZE")


@contextmanager
def _clients(served: Served, count: int) -> Iterator[list[float]]:
    """Clients that create process instances meanwhile; how many seconds each took, once the block has ended."""
    taken: list[float] = []
    done = threading.Event()
    failures: list[Exception] = []

    def create() -> None:
        connection = served.connect()
        body = {"bpmnProcessId": "task", "version": "1", "workerId": "bench"}
        try:
            while not done.wait(PAUSE_SECONDS):
                started = time.perf_counter()
                connection.ask("create", "POST", "/process-instances", body)
                taken.append(time.perf_counter() - started)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=create) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield taken
    finally:
        done.set()
        for thread in threads:
            thread.join()
    for failure in failures:
        raise failure


def _wait(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError("the timers do not fire")
        time.sleep(LOOK_SECONDS)


def _value(connection: Any, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def _spread(seconds: list[float]) -> dict[str, float]:
    # A storm may be over before anybody has asked for anything.
    ordered = sorted(seconds) or [0.0]
    at = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}
    found = {name: ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000 for name, part in at.items()}
    return {"requests": len(seconds), **found}
