"""One run: services under load while things break, then rest, then the verdict."""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from tests.chaos.faults import Faults
from tests.chaos.journal import Client, Journal, NoAnswer
from tests.chaos.load import Load
from tests.chaos.processes import PATIENCE, Arrangement
from tests.chaos.verdict import Verdict
from tests.machine.tables import Database, Tables
from tests.store.database import connected

LEASE = 2
OPTIONS = {
    "BPMN_TASK_LOCK_TIMEOUT": f"PT{LEASE}S",
    "BPMN_TASK_EXECUTOR_INTERVAL": "PT1S",
    "BPMN_TASK_EXECUTOR_LIMIT": "5",
    "BPMN_TRANSACTION_TIMEOUT": "PT5S",
    "BPMN_DATABASE_POOL_SIZE": "5",
    "BPMN_DATABASE_POOL_TIMEOUT": "PT5S",
    "BPMN_HTTP_THREADS": "4",
    "BPMN_SHUTDOWN_DELAY": "PT0S",
    "BPMN_SHUTDOWN_GRACE": "PT3S",
    "BPMN_LOG_LEVEL": "WARNING",
}
BY_DATABASE = {"sqlite": {"BPMN_HTTP_WORKERS": "1"}, "postgres": {"BPMN_HTTP_WORKERS": "2"}}

STILL = 30.0
"""Seconds without any progress, after which what is left will stay for ever."""
SHOWN = 10
FAR_AWAY = timedelta(days=10)

ACTIVE = """
    SELECT count(*) FROM process_instance
    WHERE bpmn_process_id = 'limited' AND started_at IS NOT NULL AND ended_at IS NULL"""
PROGRESS = (
    "SELECT count(*) FROM process_instance WHERE ended_at IS NOT NULL",
    "SELECT count(*) FROM job WHERE completed_at IS NOT NULL",
    "SELECT count(*) FROM task WHERE completed_at IS NOT NULL",
)
LEFT = (
    "SELECT count(*) FROM process_instance WHERE ended_at IS NULL",
    "SELECT count(*) FROM job WHERE completed_at IS NULL AND (NOT detached OR locked_by IS NOT NULL)",
    # What the engine does every day belongs to no process.
    "SELECT count(*) FROM task WHERE completed_at IS NULL AND (process_id IS NOT NULL OR locked_by IS NOT NULL)",
)


@dataclass
class Report:
    """What happened; `violations` is empty if all is well."""

    violations: list[str]
    faults: Counter[str]
    asked: int
    unanswered: int
    broken: int
    """Requests that were told 500."""
    instances: int
    folder: Path | None = None
    """Where the logs are, if they were kept."""
    took: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"{self.asked} requests, {self.unanswered} without an answer, {self.broken} told 500; "
            f"{self.instances} instances",
            "faults: " + (", ".join(f"{count} {name}" for name, count in sorted(self.faults.items())) or "none"),
            ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.took.items()),
        ]
        if self.violations:
            lines += [f"{len(self.violations)} violations, logs in {self.folder}"]
            by_check = itertools.groupby(self.violations, key=lambda text: text.partition(":")[0])
            for check, found in ((check, list(found)) for check, found in by_check):
                lines += [*found[:SHOWN], *([f"{check}: {len(found) - SHOWN} more"] if len(found) > SHOWN else ())]
        return "\n".join(lines)


class Watcher:
    """Counts over and over how many instances of the process with a limit are active."""

    def __init__(self, url: str) -> None:
        self.most = 0
        self._url = url
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(0.05):
            # The database goes away and comes back; so does this.
            with contextlib.suppress(psycopg.OperationalError, sqlite3.OperationalError), connected(self._url) as found:
                while not self._over.wait(0.05):
                    self.most = max(self.most, found.execute(ACTIVE).fetchone()[0])

    def stop(self) -> None:
        self._over.set()
        self._thread.join(PATIENCE)


def counts(url: str, statements: tuple[str, ...]) -> tuple[int, ...]:
    with connected(url) as connection:
        return tuple(connection.execute(statement).fetchone()[0] for statement in statements)


def play(kind: str, seconds: float, seed: int, *, pace: float = 0.05, fault_pause: float = 2.0) -> Report:
    """Breaks things for so many seconds, and judges what is left once all is done."""
    arrangement = Arrangement(kind, OPTIONS | BY_DATABASE[kind])
    journal = Journal(arrangement.folder / "journal.jsonl")
    load = Load(journal, arrangement.services, seed, pace)
    took: dict[str, float] = {}
    try:
        began = time.monotonic()
        _begin(arrangement, load)
        took["start"] = time.monotonic() - began
        watcher = Watcher(arrangement.url)
        faults = Faults(arrangement, seed, fault_pause)
        load.start()
        faults.start()
        _wait(seconds, load, faults)
        faults.stop()
        load.stop_starting()
        rested = time.monotonic()
        stuck = _rest(arrangement, load)
        took["rest"] = time.monotonic() - rested
        load.stop()
        watcher.stop()
        tables = _read(arrangement.url)
        violations = stuck + Verdict(journal, tables, _now(), watcher.most).violations()
        violations += load.late
        violations += [f"a client broke: {error!r}" for error in [*load.broken, faults.error] if error]
        report = Report(
            violations,
            faults.count,
            len(journal.entries),
            sum(entry.status == 0 for entry in journal.entries),
            sum(entry.status == 500 for entry in journal.entries),
            len(tables["process_instance"]),
            arrangement.folder if violations else None,
            took,
        )
        arrangement.keeps_logs = bool(violations)
        if violations:
            (arrangement.folder / "rows.json").write_text(json.dumps(tables, default=str, indent=1), encoding="utf-8")
        return report
    except BaseException:
        arrangement.keeps_logs = True
        raise
    finally:
        journal.close()
        arrangement.close()


def _begin(arrangement: Arrangement, load: Load) -> None:
    """Both services run, and the processes are there."""
    for service in arrangement.services:
        service.start()
    load.deploy_all()
    # At midnight messages would be purged that are still to be counted.
    later = datetime.now(UTC) + FAR_AWAY
    with connected(arrangement.url) as connection:
        connection.execute(f"UPDATE task SET due_at = '{later:%Y-%m-%d %H:%M:%S.000000}' WHERE type LIKE 'PURGE_%'")


def _wait(seconds: float, load: Load, faults: Faults) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not load.broken and not faults.error:
        time.sleep(0.1)


def _rest(arrangement: Arrangement, load: Load) -> list[str]:
    """Waits until all work is done, and sees to what clients have given up; what is wrong if that never happens."""
    for service in arrangement.services:
        if not service.is_running:
            service.start()
    client = load.client("finisher")
    before, since = (), time.monotonic()
    left: tuple[int, ...] = (1,)
    try:
        while any(left := counts(arrangement.url, LEFT)):
            _finish(arrangement.url, load, client)
            done = counts(arrangement.url, PROGRESS)
            if done != before:
                before, since = done, time.monotonic()
            if time.monotonic() - since > STILL:
                return [f"rest: nothing has happened for {STILL:g} s, but {left} instances, jobs and tasks are open"]
            time.sleep(0.3)
    finally:
        client.close()
    return []


def _finish(url: str, load: Load, client: Client) -> None:
    """Sends again what nobody knows whether it was sent, as far as somebody waits for it."""
    with contextlib.suppress(NoAnswer):
        with connected(url) as connection:
            unpaid = connection.execute(
                "SELECT correlation_key FROM message_subscription WHERE name = 'paid'"
            ).fetchall()
            silent = connection.execute("SELECT name FROM signal_subscription").fetchall()
            # What a suspended instance has called is suspended on its own.
            suspended = connection.execute(
                "SELECT correlation_key, partition, id FROM process_instance WHERE state = 'SUSPENDED'"
            ).fetchall()
        for (name,) in unpaid:
            load.pay(client, name)
        for (name,) in silent:
            load.ring(client, name.removeprefix("ring-"))
        for name, partition, id in suspended:
            path = f"/process-instances/{partition}/{id}/resume"
            load.until_told(client, "resume", name or "called", "PATCH", path, {}, "workerId")


def _read(url: str) -> Tables:
    database = Database(url)
    try:
        return database.tables()
    finally:
        database.close()


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
