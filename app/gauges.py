"""What the database tells of the state of the system, as gauges for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.store import Facts, Node
from app.store.facts import Waiting

if TYPE_CHECKING:
    from app.metrics import Measured

Values = dict[tuple[str, ...], float]
"""By the values of labels."""
MOST_PROCESSES = 500
"""Processes that have series of their own, those with the largest values first."""
OTHERS = "(others)"
"""Stands for the rest, which is summed up; it is no id of BPMN."""


def gauges(facts: Facts, nodes: Sequence[Node], now: datetime, clock: datetime) -> list[Measured]:
    """`now` is engine time, `clock` the one by which the rows of processes are written."""
    processes = ("bpmn_process_id",)
    incidents = {**dict.fromkeys(facts.active, 0), **facts.incidents}
    found: list[Measured] = [
        ("bpmn_jobs_due", "Jobs that are due and not locked.", _one(facts.jobs_due.count), ()),
        ("bpmn_jobs_oldest_due_seconds", "For how long the first of them is due.", _age(facts.jobs_due, now), ()),
        ("bpmn_jobs_locked", "Jobs that are locked by workers.", _one(facts.jobs_locked), ()),
        (
            "bpmn_tasks_overdue",
            "Tasks that the executor should have executed half a minute ago.",
            _one(facts.tasks_overdue.count),
            (),
        ),
        (
            "bpmn_tasks_oldest_overdue_seconds",
            "For how long the first of them is due.",
            _age(facts.tasks_overdue, now),
            (),
        ),
        ("bpmn_instances_active", "Process instances that have not ended.", _largest(facts.active), processes),
        ("bpmn_incidents_open", "Incidents that are not resolved.", _largest(incidents), processes),
        (
            "bpmn_executor_last_round_seconds",
            "How long ago the executor of a service process has looked for due tasks.",
            {
                (node.engine_id, node.host, str(node.pid)): max(0.0, (clock - node.executor_seen).total_seconds())
                for node in nodes
                if node.executor and node.executor_seen
            },
            ("engine_id", "host", "pid"),
        ),
    ]
    if facts.days is not None:
        states: Values = {("attached",): float(len(facts.days)), ("detached",): float(facts.detached_days)}
        found.append(("bpmn_partition_days", "Days that there are, by whether queries see them.", states, ("state",)))
        ahead = sum(day > now.date() for day in facts.days)
        found.append(("bpmn_partition_days_ahead", "Days to come that are there already.", _one(ahead), ()))
    if facts.files is not None:
        sizes: Values = {("database",): float(facts.files.size), ("wal",): float(facts.files.wal)}
        found.append(("bpmn_database_file_bytes", "Sizes of the files of SQLite.", sizes, ("file",)))
        found.append(
            ("bpmn_database_disk_free_bytes", "Space that is left for these files.", _one(facts.files.free), ())
        )
    return found


def _one(value: float) -> Values:
    return {(): float(value)}


def _age(waiting: Waiting, now: datetime) -> Values:
    return _one(max(0.0, (now - waiting.since).total_seconds()) if waiting.since else 0.0)


def _largest(counts: Mapping[str, int]) -> Values:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    found: Values = {(name,): float(count) for name, count in ordered[:MOST_PROCESSES]}
    if rest := ordered[MOST_PROCESSES:]:
        found[(OTHERS,)] = float(sum(count for _, count in rest))
    return found
