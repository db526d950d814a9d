"""Measures: scenarios under load, starts, memory. Each on a database of its own, against a service started for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from statistics import median
from typing import Any

import psycopg

from tests.bench.fill import analyse, copy
from tests.bench.generator import Load, middle, percentile, run
from tests.bench.load import SCENARIOS, Answer, Connection, Failed, Scenario, Stage, create, prepare
from tests.bench.process import cpu_seconds, memory_mib, speed
from tests.bench.serve import AUTHORIZATION, Served, postgres_pid, serving
from tests.databases import Databases, plain

Figures = dict[str, Any]

WARM_CLIENTS = 4
OPEN_JOBS = 25_000
"""What is filled in for scenarios that take jobs; whoever uses them up is measured for a shorter time."""
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}
"""What the PostgreSQL of the tests does without; for figures, it works as it does out of the box."""
NOTED = (*DURABLE, "shared_buffers", "server_version")


def settings(url: str) -> dict[str, str]:
    """Makes a server that was started for this run durable, and tells how the server is set."""
    if url.startswith("sqlite"):
        return {"journal_mode": "wal", "synchronous": "normal"}
    with psycopg.connect(plain(url), autocommit=True) as connection:
        if "TEST_DATABASE_URL" not in os.environ:
            for name, value in DURABLE.items():
                connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(plain(url)) as connection:
        query = f"SELECT {', '.join(f'current_setting({name!r})' for name in NOTED)}"
        return dict(zip(NOTED, connection.execute(query).fetchone() or (), strict=True))


class Cpu:
    """Seconds of CPU that the service and the database use meanwhile, for as long as they run on this machine."""

    def __init__(self, url: str, served: Served) -> None:
        database = None if url.startswith("sqlite") else postgres_pid(url)
        self._pids = {"service": served.pid} | ({"database": database} if database else {})
        self._before = self._now()

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def used(self) -> dict[str, float]:
        return {name: seconds - self._before[name] for name, seconds in self._now().items()}


def knows(connection: Connection, scenario: Scenario) -> bool:
    """Whether the service has the operation that the scenario is about."""
    if not scenario.optional:
        return True
    try:
        connection.ask("look", "POST", scenario.optional, {})
    except Failed as error:
        return not str(error).startswith("look: 404")
    return True


def loads(
    databases: Databases, kind: str, scenario: Scenario, clients: Sequence[int], seconds: float, **options: str
) -> list[Figures]:
    """A line for each number of clients, after some time that is not measured; none of an unknown scenario."""
    with databases.fresh(kind) as url, serving(url, **options) as served:
        connection = served.connect()
        try:
            if not knows(connection, scenario):
                return []
            stage = prepare(connection.ask, scenario)
            if scenario.open_jobs:
                copy(url, create(connection.ask, stage.process, "bench"), OPEN_JOBS)
            warm = run(served.port, AUTHORIZATION, scenario, stage, clients=WARM_CLIENTS, seconds=min(1.0, seconds))
            analyse(url)
            found = [_loaded(url, served, scenario, stage, each, seconds) for each in clients]
            found[0]["failures"] = [*warm.failures, *found[0]["failures"], *unfinished(connection, stage)]
            return found
        finally:
            connection.close()


def _loaded(url: str, served: Served, scenario: Scenario, stage: Stage, clients: int, seconds: float) -> Figures:
    before, cpu = speed(), Cpu(url, served)
    load = run(served.port, AUTHORIZATION, scenario, stage, clients=clients, seconds=seconds)
    used = cpu.used()
    return {
        "clients": clients,
        **figures(load, used),
        "speed_ms": (before + speed()) / 2,
        "memory_mib": memory_mib(served.pid),
        "request_ms": {
            operation: {"p50": middle(taken), "p99": percentile(taken, 0.99)}
            for operation, taken in load.request_seconds.items()
        },
        "drained": load.drained,
        "failures": load.failures,
    }


def figures(load: Load, used: dict[str, float]) -> Figures:
    units = load.units or 1
    return {
        "units": load.units,
        "rate": load.units / load.elapsed,
        "cpu_ms": {name: seconds / units * 1000 for name, seconds in used.items()},
        "requests_per_unit": load.requests / units,
        "generator_ms": load.generator_cpu / units * 1000,
        "generator_share": load.generator_cpu / load.elapsed,
        "p50_ms": middle(load.unit_seconds),
        "p99_ms": percentile(load.unit_seconds, 0.99),
    }


def unfinished(connection: Connection, stage: Stage) -> list[str]:
    """Makes sure that what was counted as an instance has really ended."""
    if stage.last is None:
        return []
    key: Answer = {"partition": stage.last["partition"], "id": stage.last["id"]}
    [found] = connection.ask("query", "POST", "/process-instances/query?limit=1", key)["results"]
    return [] if found["state"] == "COMPLETED" else [f"the last instance is {found['state']}"]


def starts(databases: Databases, kind: str, times: int) -> Figures:
    """How long a start on a migrated database takes until it is ready, and how much CPU of all its processes."""
    found: list[Figures] = []
    with databases.fresh(kind) as url:
        # The first one compiles what was changed since the last.
        with serving(url, BPMN_TASK_EXECUTOR_ENABLED="true"):
            pass
        for _ in range(times):
            before = speed()
            with serving(url, BPMN_TASK_EXECUTOR_ENABLED="true") as served:
                memory = memory_mib(served.pid)
            found.append(
                {
                    "seconds": served.start_seconds,
                    "cpu_ms": served.start_cpu * 1000,
                    "speed_ms": (before + speed()) / 2,
                    "memory_mib": memory,
                }
            )
    return {"rounds": found, "seconds": median(each["seconds"] for each in found)}


def memory(databases: Databases, kind: str, instances: int, seconds: float) -> Figures:
    """Memory of the service before and after it has started and completed many instances, or as many as time allows."""
    with databases.fresh(kind) as url, serving(url) as served:
        connection = served.connect()
        try:
            before = memory_mib(served.pid)
            names = ("batch-start", "batch-complete") if knows(connection, SCENARIOS["batch-start"]) else ("service",)
            done, failures = 0, []
            for name in names:
                stage = prepare(connection.ask, SCENARIOS[name])
                load = run(
                    served.port,
                    AUTHORIZATION,
                    SCENARIOS[name],
                    stage,
                    clients=WARM_CLIENTS,
                    seconds=seconds / len(names),
                    units=instances,
                )
                done = done or load.units
                failures += load.failures
            return {"instances": done, "before": before, "after": memory_mib(served.pid), "failures": failures}
        finally:
            connection.close()
