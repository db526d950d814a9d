"""Sentences about process instances: where one stands, and what has happened in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from py_bpmn._operations import HistoryEntry, InstanceState, Waiting
from py_bpmn.client import ENDED

TIMES = ("never", "once", "twice")
UNITS = (("d", 86400), ("h", 3600), ("m", 60))
LONGEST_ERROR = 300


def standing(state: InstanceState, waiting: Sequence[Waiting], now: datetime) -> str:
    """`is waiting at: ship (job)`, or `is completed`."""
    if not waiting:
        return f"is {state.lower()}{'' if state in ENDED else ', and waits at nothing'}"
    how = "is suspended, waiting at" if state == "SUSPENDED" else "is waiting at"
    return f"{how}: {', '.join(f'{place(each)} ({why(each, now)})' for each in waiting)}"


def place(waiting: Waiting) -> str:
    """The element, with the number of an instance that is inside of a loop or a multi-instance activity."""
    number = f" #{waiting.loop_counter}" if waiting.loop_counter else ""
    return f"{waiting.bpmn_element_id}{number}"


def why(waiting: Waiting, now: datetime) -> str:
    """What an element instance waits for."""
    error = first_line(waiting.error)
    match waiting.kind:
        case "JOB":
            return _job(waiting, error)
        case "RETRY":
            due = f"retry due {_until(waiting.due_at, now)}"
            return ", ".join(filter(None, [f"{_failed(waiting)}: {error}" if error else _failed(waiting), due]))
        case "INCIDENT":
            return f"incident: {error}"
        case "TIMER":
            return f"timer, due {_until(waiting.due_at, now)}"
        case "MESSAGE":
            return f"message {waiting.name}, key {waiting.correlation_key}"
        case "SIGNAL":
            return f"signal {waiting.name}"
        case "CALLED_INSTANCE":
            return f"called instance {waiting.partition}/{waiting.process_instance_id}"
        case "JOIN":
            return f"join, missing: {', '.join(waiting.missing)}" if waiting.missing else "join"
        case "QUEUED":
            return f"queued, number {waiting.position}" if waiting.position else "queued"
        case kind:
            return kind.lower().replace("_", " ")


def _job(waiting: Waiting, error: str) -> str:
    parts = ["job" if waiting.job_type == "EXECUTE" else f"job {waiting.job_type}"]
    if waiting.retry_count:
        parts = [f"{_failed(waiting)}: {error}" if error else _failed(waiting), "retry due now"]
    if waiting.locked_by:
        parts.append(f"locked by {waiting.locked_by}")
    return ", ".join(parts)


def _failed(waiting: Waiting) -> str:
    count = waiting.retry_count or 0
    return f"job failed {TIMES[count] if count < len(TIMES) else f'{count} times'}"


def first_line(error: str | None) -> str:
    line = (error or "").strip().partition("\n")[0]
    return line if len(line) <= LONGEST_ERROR else f"{line[:LONGEST_ERROR]}..."


def _until(time: datetime | None, now: datetime) -> str:
    if time is None:
        return "at some time"
    return "now" if time <= now else f"in {duration(time - now)}"


def duration(time: timedelta) -> str:
    """`10s`, `5m`, `1d 1h`: rounded up to a second, and from a minute on to the nearest one."""
    seconds = -int(-time.total_seconds() // 1)
    if seconds < 60:
        return f"{seconds}s"
    left = round(seconds / 60) * 60
    parts = []
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts)


def timeline(name: str, entries: Iterable[HistoryEntry]) -> list[str]:
    """Time, element and what happened, a line for each."""
    rows = [(f"{each.time:%H:%M:%S}.{each.time.microsecond // 1000:03}", each.bpmn_element_id or "", _event(each))
            for each in entries]  # fmt: skip
    width = max((len(element) for _, element, _ in rows), default=0)
    return [name, *(f"  {time}  {element:{width}}  {event}" for time, element, event in rows)]


def _event(entry: HistoryEntry) -> str:
    error = first_line(entry.error)
    match entry.kind:
        case "ELEMENT_INSTANCE":
            return f"{(entry.bpmn_element_type or '').lower().replace('_', ' ')}, {(entry.state or '').lower()}"
        case "JOB":
            job = "job" if entry.job_type == "EXECUTE" else f"job {entry.job_type}"
            return f"{job} failed: {error}" if error else f"{job} done by {entry.locked_by}"
        case "INCIDENT":
            resolved = f", resolved by {entry.resolved_by}" if entry.resolved_by else ""
            return f"incident: {error}{resolved}"
        case "MESSAGE" | "SIGNAL":
            return f"{entry.kind.lower()} {entry.name} has come"
        case "TIMER":
            return "timer has fired"
        case "TASK":
            return f"{(entry.task_type or '').lower().replace('_', ' ')} failed: {error}"
        case "USER_TASK":
            return f"user task, {(entry.state or '').lower()}"
        case _:
            return f"{entry.operation} by {entry.actor}"
