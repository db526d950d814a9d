"""Runs the benchmark, prints tables, and writes all figures as JSON when asked to.

The exit code is 1 when a request failed, whatever the speed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psycopg

from app.config import Config
from app.store import migrate
from tests.bench.backlog import WAITING, lock_times
from tests.bench.count import count
from tests.bench.load import UNITS, Failed, Load, deploy, run
from tests.bench.serve import AUTHORIZATION, Served, cpu_seconds, postgres_pid, serving
from tests.databases import Databases, plain

CLIENTS = (1, 4)
DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}
"""What the PostgreSQL of the tests does without; for figures, it works as it does out of the box."""
OPERATIONS = ("create", "lock", "complete", "execute")
NOTED = (*DURABLE, "shared_buffers", "server_version")


def main() -> int:
    arguments = _arguments()
    databases = Databases(lambda url: migrate(Config(database_url=url)))
    results = {}
    try:
        for kind in arguments.databases:
            results[kind] = _bench(databases, kind, arguments)
            _print(kind, results[kind])
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    finally:
        databases.stop()
    if arguments.json:
        machine = {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()}
        figures = {"machine": machine, "seconds": arguments.seconds, "databases": results}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    failures = [failure for result in results.values() for load in result["load"] for failure in load["failures"]]
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the service.")
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each line (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file, too")
    kinds = ("sqlite", "postgres")
    parser.add_argument("--databases", nargs="+", choices=kinds, default=kinds, help="default: both")
    return parser.parse_args()


def _bench(databases: Databases, kind: str, arguments: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"load_average": os.getloadavg()[0]}
    with databases.fresh(kind) as url:
        result["settings"] = _settings(url) if kind == "postgres" else {"journal_mode": "wal", "synchronous": "normal"}
        result["counts"] = count(url)
    with databases.fresh(kind) as url, serving(url) as served:
        result["load"] = _loads(url, served, arguments.seconds)
    with databases.fresh(kind) as url, serving(url) as served:
        result["lock_ms"] = lock_times(url, served)
    return result


def _settings(url: str) -> dict[str, str]:
    """Makes a server that was started for this run durable, and tells how the server is set."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        if "TEST_DATABASE_URL" not in os.environ:
            for name, value in DURABLE.items():
                connection.execute(f"ALTER SYSTEM SET {name} = {value}")
            connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(plain(url)) as connection:
        query = f"SELECT {', '.join(f'current_setting({name!r})' for name in NOTED)}"
        return dict(zip(NOTED, connection.execute(query).fetchone() or (), strict=True))


def _loads(url: str, served: Served, seconds: float) -> list[dict[str, Any]]:
    """A line for each process and number of clients, after some time that is not measured."""
    database = None if url.startswith("sqlite") else postgres_pid(url)
    connection = served.connect()
    processes = [deploy(connection.ask, name) for name in UNITS]
    connection.close()
    lines = []
    for process in processes:
        warm = run(served.port, AUTHORIZATION, process, max(CLIENTS), min(1.0, seconds))
        _analyse(url)
        for clients in CLIENTS:
            pids = {"service": served.pid} | ({"database": database} if database else {})
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            load = run(served.port, AUTHORIZATION, process, clients, seconds)
            used = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
            load.failures += warm.failures
            lines.append(_line(process["bpmnProcessId"], clients, load, used))
            warm.failures.clear()
    return lines


def _analyse(url: str) -> None:
    if not url.startswith("sqlite"):
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("ANALYZE")


def _line(process: str, clients: int, load: Load, used: dict[str, float]) -> dict[str, Any]:
    instances = load.instances or 1
    return {
        "process": process,
        "clients": clients,
        "instances": load.instances,
        "instances_per_second": load.instances / load.elapsed,
        "cpu_ms_per_instance": {name: seconds / instances * 1000 for name, seconds in used.items()},
        "generator_cpu_ms_per_instance": load.generator_cpu / instances * 1000,
        "generator_cpu_share": load.generator_cpu / load.elapsed,
        "request_ms": {operation: _spread(taken) for operation, taken in load.seconds.items()},
        "failures": load.failures,
    }


def _spread(seconds: list[float]) -> dict[str, float]:
    p95 = quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return {"median": median(seconds) * 1000, "p95": p95 * 1000}


def _print(kind: str, result: dict[str, Any]) -> None:
    print(f"\n== {kind}: " + ", ".join(f"{name} {value}" for name, value in result["settings"].items()))
    head = (
        "process",
        "clients",
        "instances/s",
        "service",
        "database",
        "generator",
        "create",
        "lock",
        "complete",
        "execute",
    )
    print("\nCPU is in ms per instance, requests are medians in ms")
    _table([head, *(_row(line) for line in result["load"])])
    print("\nstatements + BEGIN/COMMIT / round trips, per request")
    _table([("process", "operation", "statements", "transaction", "round trips"), *_counts(result["counts"])])
    print("\nlocking one job, median in ms")
    rows = [(kind, *(f"{ms:.2f}" for ms in times.values())) for kind, times in result["lock_ms"].items()]
    _table([("asked for", "no backlog", f"{WAITING:,} waiting jobs"), *rows])


def _row(line: dict[str, Any]) -> tuple[str, ...]:
    cpu, requests = line["cpu_ms_per_instance"], line["request_ms"]
    return (
        line["process"],
        str(line["clients"]),
        f"{line['instances_per_second']:.1f}",
        f"{cpu['service']:.2f}",
        f"{cpu['database']:.2f}" if "database" in cpu else "-",
        f"{line['generator_cpu_ms_per_instance']:.2f}",
        *(
            f"{requests[name]['median']:.2f}" if name in requests else "-"
            for name in ("create", "lock", "complete", "execute")
        ),
    )


def _counts(counts: dict[str, dict[str, list[dict[str, Any]]]]) -> Iterable[tuple[str, ...]]:
    for process, operations in counts.items():
        for operation, requests in operations.items():
            columns = zip(*(request.values() for request in requests), strict=True)
            yield process, operation, *(", ".join("-" if n is None else str(n) for n in column) for column in columns)


def _table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    sys.exit(main())
