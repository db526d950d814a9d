"""How long locking one job takes, alone and behind a backlog of waiting jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from sqlalchemy import create_engine, text

from app.store.tables import JobRow, table
from tests.bench.load import Answer, Ask, complete, create, deploy, lock
from tests.bench.serve import Served

JOB = table(JobRow)
WAITING = 100_000
OFFSET = 1_000_000
"""Ids of copies are above it, and those of jobs that came about by themselves below."""
UNKNOWN = 1_000_000
"""A process that does not exist, beside one that does."""
ROUNDS = 40
WARM = 10
"""Locks before those that are measured: PostgreSQL settles for a plan after some."""


def lock_times(url: str, served: Served) -> dict[str, dict[str, float]]:
    """Median of a lock of one job in milliseconds, by what is asked for and whether there is a backlog.

    All of the backlog belongs to one process. It is written by SQL, not by the service. What is locked is completed
    before the next lock, unless it is out of the backlog: these jobs have no instances.
    """
    connection = served.connect()
    try:
        ask = connection.ask
        busy, idle = deploy(ask, "busy", "one-task"), deploy(ask, "idle", "one-task")
        kinds: dict[str, tuple[Answer, Callable[[Answer], Answer]]] = {
            "any job": (busy, lambda _: {}),
            "job of the process with the backlog": (busy, lambda _: {"processIds": [busy["id"]]}),
            "job of another process": (idle, lambda _: {"processIds": [idle["id"]]}),
            "job of two other processes": (idle, lambda _: {"processIds": [idle["id"], UNKNOWN]}),
            "job of an instance": (idle, lambda i: {"partition": i["partition"], "processInstanceId": i["id"]}),
        }
        alone = {kind: _measure(ask, *each) for kind, each in kinds.items()}
        _fill(url, create(ask, busy, "bench"))
        return {kind: {"alone": alone[kind], "behind": _measure(ask, *each)} for kind, each in kinds.items()}
    finally:
        connection.close()


def _measure(ask: Ask, process: Answer, conditions: Callable[[Answer], Answer]) -> float:
    seconds: list[float] = []

    def timed(operation: str, method: str, path: str, body: Answer) -> Answer:
        started = time.perf_counter()
        answer = ask(operation, method, path, body)
        seconds.append(time.perf_counter() - started)
        return answer

    for _ in range(WARM + ROUNDS):
        instance = create(ask, process, "bench")
        [job] = lock(timed, "bench", 1, **conditions(instance))
        if job["id"] < OFFSET:
            complete(ask, job, "bench")
    return median(seconds[WARM:]) * 1000


def _fill(url: str, instance: Answer) -> None:
    """Copies the job of an instance many times; the copies belong to no instance.

    PostgreSQL is told to analyse, which it would do by itself a little later; SQLite never does so by itself.
    """
    moved = {"id", "process_instance_id", "element_instance_id"}
    names = [column.name for column in JOB.columns]
    values = [f"job.{name} + number.i + {OFFSET}" if name in moved else f"job.{name}" for name in names]
    statement = f"""
        INSERT INTO job ({", ".join(names)})
        WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < {WAITING})
        SELECT {", ".join(values)} FROM job, number WHERE job.process_instance_id = {instance["id"]}"""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
        if engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE"))
    engine.dispose()
