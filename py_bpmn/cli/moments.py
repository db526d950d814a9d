"""Where an instance waits and what has happened in it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from py_bpmn.cli.output import Column, age, headline, text_of

Entry = tuple[Any, bool]
"""What is waited for, and whether it is beside something else at the same element."""


def where_it_waits(
    results: Sequence[Any], partition: date, now: datetime
) -> tuple[list[Entry], tuple[Column, ...], None]:
    """Rows and columns: what stands beside an element's own wait follows it, marked by a plus."""
    rows: list[Entry] = []
    for each in results:
        rows.append((each, False))
        rows += [(event, True) for event in each.also]
    columns = (
        Column("ELEMENT", "", lambda row, _: "" if row[1] else _element(row[0])),
        Column("KIND", "", lambda row, _: f"+ {row[0].kind.lower()}" if row[1] else row[0].kind),
        Column("SINCE", "", lambda row, _: age(row[0].due_at if row[1] and row[0].due_at else row[0].since, now)),
        Column("DETAIL", "", lambda row, _: _detail(row[0], row[1], partition, now)),
    )
    return rows, columns, None


def _element(entry: Any) -> str:
    """With the number of an instance that is inside of a loop or a multi-instance activity."""
    return f"{entry.bpmn_element_id} #{entry.loop_counter}" if entry.loop_counter else str(entry.bpmn_element_id)


def _detail(entry: Any, beside: bool, day: date, now: datetime) -> str:
    # When what stands beside is due, has a column of its own.
    return f"{entry.bpmn_element_id}: {_subject(entry, day, None)}" if beside else _subject(entry, day, now)


def _subject(entry: Any, day: date, now: datetime | None) -> str:
    """What would have to happen, and what keeps it from that; with the time, also when it is due."""
    match entry.kind:
        case "INCIDENT":
            return f"incident {day}/{entry.incident_id}{_because(entry.error)}"
        case "JOB" | "RETRY":
            locked = f", locked by {entry.locked_by}" if entry.locked_by else ""
            tried = f", retry {entry.retry_count}" if entry.retry_count else ""
            return f"job {day}/{entry.job_id} {entry.job_type}{locked}{_due(entry, now)}{tried}{_because(entry.error)}"
        case "TASK" | "TIMER":
            return f"task {day}/{entry.task_id}{_due(entry, now)}{_because(entry.error)}"
        case "MESSAGE":
            return f"message {entry.name} with key {entry.correlation_key}"
        case "SIGNAL":
            return f"signal {entry.name}"
        case "CALLED_INSTANCE":
            return f"instance {entry.partition}/{entry.process_instance_id}"
        case "USER_TASK":
            return f"user task {day}/{entry.user_task_id}"
        case "JOIN":
            return f"missing {', '.join(entry.missing)}"
        case "QUEUED":
            return f"position {entry.position}" if entry.position is not None else ""
    return ""


def _due(entry: Any, now: datetime | None) -> str:
    """When the wait is over, if that is still to come."""
    return f", due {age(entry.due_at, now)}" if now and entry.due_at and entry.due_at > now else ""


def _because(error: str | None) -> str:
    return f": {headline(error)}" if error else ""


def what_happened(entries: Sequence[Any]) -> tuple[Sequence[Any], tuple[Column, ...], None]:
    columns = (
        Column("TIME", "time"),
        Column("KIND", "kind"),
        Column("ELEMENT", "bpmn_element_id"),
        Column("STATE", "state"),
        Column("DETAIL", "", lambda row, _: _fact(row)),
    )
    return entries, columns, None


def _fact(entry: Any) -> str:
    match entry.kind:
        case "JOB":
            parts = [f"job {entry.job_id} {entry.job_type}", entry.locked_by and f"by {entry.locked_by}"]
        case "TASK" | "TIMER":
            parts = [entry.task_id and f"task {entry.task_id}", entry.task_type]
            parts += [f"due {text_of(entry.due_at)}" if entry.due_at else ""]
        case "INCIDENT":
            parts = [f"incident {entry.incident_id}", entry.resolved_by and f"resolved by {entry.resolved_by}"]
        case "USER_TASK":
            parts = [f"user task {entry.user_task_id}", entry.updated_by and f"by {entry.updated_by}"]
        case "MESSAGE" | "SIGNAL":
            parts = [entry.name]
        case "ACTION":
            parts = [
                entry.operation,
                entry.actor and f"by {entry.actor}",
                entry.target,
                entry.reason and f"({entry.reason})",
            ]
        case _:
            parts = [entry.bpmn_element_type]
            parts += [f"from {entry.prev_bpmn_element_id}" if entry.prev_bpmn_element_id else ""]
    return " ".join(part for part in parts if part) + _because(entry.error)
