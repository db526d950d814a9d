"""Bringing forward what waits for its time: retries of jobs, and timers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from app.commands.base import Audited
from app.commands.context import Context
from app.engine.changes import Changes
from app.engine.payload import parse_payload
from app.engine.records import Job, Task
from app.engine.types import TaskType
from app.errors import conflict, not_found
from app.timer import format_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveJob(Audited[Job]):
    """Has a job that waits become due earlier; repeated, it changes nothing."""

    title = "failed to move due date of job"
    partition: date
    id: int
    worker_id: str
    due_at: datetime | None = None
    """None, or a time that is over, is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTimer(Audited[Task]):
    """Has a timer fire earlier; repeated, it changes nothing. If it repeats, it goes on as it would have."""

    title = "failed to move due date of task"
    partition: date
    id: int
    worker_id: str
    due_at: datetime | None = None


def move_job(ctx: Context, cmd: MoveJob) -> Job:
    name = f"job {cmd.partition}/{cmd.id}"
    found = ctx.tx.lock_instance("job", cmd.partition, cmd.id)
    if found is None:
        raise not_found(name)
    job: Job = found.row
    job.node = found.snapshot.graph.node(job.element_id)
    _require_waiting(name, job)
    changes = Changes()
    due_at = _earlier(ctx, name, job.due_at, cmd.due_at)
    if due_at != job.due_at:
        job.due_at = due_at
        changes.moved.append(job)
    ctx.tx.save(changes)
    return job


def move_timer(ctx: Context, cmd: MoveTimer) -> Task:
    name = f"task {cmd.partition}/{cmd.id}"
    task = _lock(ctx, cmd)
    if task is None:
        raise not_found(name)
    payload = parse_payload(task.serialized_task)
    if task.type is not TaskType.TRIGGER_EVENT or payload.timer is None or payload.message_id:
        raise conflict(f"{name} is no timer")
    _require_waiting(name, task)
    changes = Changes()
    due_at = _earlier(ctx, name, task.due_at, cmd.due_at)
    if due_at != task.due_at:
        task.serialized_task = replace(payload, planned_at=payload.planned_at or task.due_at).serialize()
        task.due_at = due_at
        changes.moved.append(task)
        changes.due.append(due_at)
    ctx.tx.save(changes)
    return task


def _lock(ctx: Context, cmd: MoveTimer) -> Task | None:
    """The task under the lock of its instance, or else its own."""
    task = ctx.tx.find_task(cmd.partition, cmd.id)
    if task is None or task.process_instance_id is None:
        return ctx.tx.lock_task(cmd.partition, cmd.id) if task else None
    found = ctx.tx.lock_instance("task", cmd.partition, cmd.id)
    return found.row if found else None


def _require_waiting(name: str, work: Job | Task) -> None:
    if work.completed_at is not None:
        raise conflict(f"{name} is completed")
    if work.detached:
        raise conflict(f"{name} is not needed any more: its element instance has ended")
    if work.locked_by is not None:
        raise conflict(f"{name} is locked by {work.locked_by}")


def _earlier(ctx: Context, name: str, due_at: datetime, wanted: datetime | None) -> datetime:
    """The time that is wanted, but not before now, unless it is due by then anyway."""
    if wanted is not None and wanted > due_at:
        at = format_timestamp(due_at)
        raise conflict(f"{name} is due at {at}: that can be brought forward, not put off to {format_timestamp(wanted)}")
    return min(due_at, max(wanted or ctx.now, ctx.now))
