"""Deletion under load: whether it keeps up with what clients make, and what it costs them meanwhile.

`python -m tests.bench.retention` measures for ten minutes on each database, in turns without and with instances that
are to be deleted. The exit code is 1 when a request failed, fewer instances were deleted than were brought to their end
meanwhile, or clients got less than a part of what they get otherwise (`--bound`).
"""

from __future__ import annotations

import argparse
import sys
from statistics import median
from typing import Any

from app.config import Config
from app.store import migrate
from tests.bench.fill import analyse, copy
from tests.bench.generator import Load, run
from tests.bench.load import SCENARIOS, Ask, complete, create, deploy, lock, prepare
from tests.bench.measure import settings
from tests.bench.serve import AUTHORIZATION, serving
from tests.databases import Databases
from tests.store.database import connected

OLD = "old"
COUNT = f"SELECT count(*) FROM process_instance WHERE bpmn_process_id = '{OLD}'"
LONG_AGO = "2020-01-01 00:00:00.000000"
BOUND = 1.3
COPIED_AT_ONCE = 20_000


def keep_up(url: str, *, seconds: float, rounds: int, clients: int, backlog: int) -> dict[str, Any]:
    """Figures of a migrated database with `backlog` instances that have ended long ago, in `rounds` of two halves.

    `calm` and `deleting` are units that clients bring to their end in a second, by round; of the second halves there
    are also how many instances were deleted and how many were ended, all together.
    """
    scenario = SCENARIOS["service"]
    with serving(url) as served:
        connection = served.connect()
        stage = prepare(connection.ask, scenario)
        _fill(url, connection.ask, backlog)
        connection.close()
    found: dict[str, Any] = {"calm": [], "deleting": [], "deleted": 0, "ended": 0, "seconds": 0.0, "failures": []}
    for _ in range(rounds):
        for part, days in (("calm", 0), ("deleting", 1)):
            _set_retention(url, days)
            before = left(url)
            with serving(url, BPMN_TASK_EXECUTOR_ENABLED="true", BPMN_TASK_EXECUTOR_INTERVAL="1") as served:
                load = run(served.port, AUTHORIZATION, scenario, stage, clients=clients, seconds=seconds)
                found[part].append(load.units / load.elapsed)
                found["failures"] += load.failures
                if days:
                    _count(found, load, before - left(url))
    _set_retention(url, 0)
    found["left"] = left(url)
    return found


def _count(found: dict[str, Any], load: Load, deleted: int) -> None:
    found["deleted"] += deleted
    found["ended"] += load.units
    found["seconds"] += load.elapsed


def left(url: str) -> int:
    """How many instances there still are to be deleted."""
    with connected(url) as connection:
        return int(connection.execute(COUNT).fetchone()[0])


def _fill(url: str, ask: Ask, backlog: int) -> None:
    process = deploy(ask, OLD, "one-task")
    instance = create(ask, process, "bench")
    (job,) = lock(ask, "bench", 1, processIds=[process["id"]])
    complete(ask, job, "bench")
    with connected(url) as connection:
        connection.execute(f"UPDATE process_instance SET ended_at = '{LONG_AGO}' WHERE bpmn_process_id = '{OLD}'")
    while (missing := backlog - left(url)) > 0:
        copy(url, instance, min(missing, COPIED_AT_ONCE))
    analyse(url)


def _set_retention(url: str, days: int) -> None:
    """Where no service is told: those that start then begin with it at once."""
    value = str(days or "NULL")
    with connected(url) as connection:
        connection.execute("DELETE FROM process_setting")
        connection.execute(
            "INSERT INTO process_setting (id, bpmn_process_id, retention_days, updated_at, updated_by) "
            f"VALUES (1, '{OLD}', {value}, '{LONG_AGO}', 'bench')"
        )


def verdict(found: dict[str, Any], bound: float) -> list[str]:
    """What is not as it should be."""
    wrong = [f"failed: {failure}" for failure in found["failures"]]
    if found["deleted"] < found["ended"] and found["left"]:
        wrong.append(f"{found['deleted']} instances were deleted while {found['ended']} ended")
    calm, deleting = median(found["calm"]), median(found["deleting"])
    if deleting * bound < calm:
        wrong.append(f"{deleting:.0f} instances in a second instead of {calm:.0f}, more than {bound} times less")
    return wrong


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.retention", description="Deletes under load.")
    parser.add_argument("--minutes", type=float, default=10.0, help="on each database (default: 10)")
    parser.add_argument("--rounds", type=int, default=5, help="of two halves each (default: 5)")
    parser.add_argument("--clients", type=int, default=4, help="at once (default: 4)")
    parser.add_argument("--backlog", type=int, default=200_000, help="instances to be deleted (default: 200000)")
    parser.add_argument("--databases", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"])
    parser.add_argument("--bound", type=float, default=BOUND, help=f"how much less is allowed (default: {BOUND})")
    arguments = parser.parse_args(argv)
    databases = Databases(lambda url: migrate(Config(database_url=url)) and None)
    is_wrong = False
    try:
        for kind in arguments.databases:
            with databases.fresh(kind) as url:
                settings(url)
                found = keep_up(
                    url,
                    seconds=arguments.minutes * 30 / arguments.rounds,
                    rounds=arguments.rounds,
                    clients=arguments.clients,
                    backlog=arguments.backlog,
                )
            calm, deleting = median(found["calm"]), median(found["deleting"])
            print(
                f"{kind}: {calm:.0f} instances in a second, {deleting:.0f} beside deletion "
                f"({calm / deleting:.2f} times less); "
                f"{found['deleted']} deleted while {found['ended']} ended in {found['seconds']:.0f} s"
            )
            for each in verdict(found, arguments.bound):
                is_wrong = True
                print(f"{kind}: {each}", file=sys.stderr)
    finally:
        databases.stop()
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
