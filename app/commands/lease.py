"""Leases of jobs: extended by those who hold them, and given back when they have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.commands.base import Command
from app.commands.context import Context
from app.engine.records import Job
from app.errors import EngineError, conflict, not_found
from app.timer import format_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJob:
    """A job as its worker knows it."""

    partition: date
    id: int
    lock_version: int = 0
    """Which of the locks of this job; 0 leaves that to the id of the worker."""

    def __str__(self) -> str:
        return f"job {self.partition}/{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendJobs(Command[list[datetime | EngineError]]):
    """Answers for each job when its lease ends, or why it can't be extended; a lease is never shortened."""

    title = "failed to extend jobs"
    worker_id: str
    lock_timeout: str
    """ISO 8601 duration, from now on."""
    jobs: tuple[HeldJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverJobs(Command[int]):
    """Gives back jobs whose lease has ended, whoever held them; how many these were."""

    title = "failed to recover jobs"
    of_engine = True


def extend_jobs(ctx: Context, cmd: ExtendJobs) -> list[datetime | EngineError]:
    days: dict[date, list[int]] = {}
    for each in cmd.jobs:
        days.setdefault(each.partition, []).append(each.id)
    found = {(job.partition, job.id): job for day in sorted(days) for job in ctx.tx.lock_held_jobs(day, days[day])}
    until = ctx.after(cmd.lock_timeout, "lock timeout")
    outcomes = [
        _extended(each, found.get((each.partition, each.id)), cmd.worker_id, ctx.now, until) for each in cmd.jobs
    ]
    for day, ids in _to_write(found.values(), outcomes, cmd.jobs).items():
        ctx.tx.extend_jobs(day, ids, until)
    return outcomes


def _extended(held: HeldJob, job: Job | None, worker_id: str, now: datetime, until: datetime) -> datetime | EngineError:
    try:
        if job is None:
            raise not_found(str(held))
        require_locked(job, worker_id, held.lock_version)
        if job.locked_until is None:
            raise conflict(f"{held} is locked until it is completed or unlocked: there is nothing to extend")
        require_lease(job, now)
        if job.detached:
            raise conflict(f"{held} is not needed any more: its element instance has ended")
    except EngineError as error:
        error.title = ExtendJobs.title
        return error
    return max(until, job.locked_until)


def _to_write(
    found: Iterable[Job], outcomes: Sequence[datetime | EngineError], jobs: Sequence[HeldJob]
) -> dict[date, list[int]]:
    """The jobs by day whose leases end later than they did."""
    ends = {(job.partition, job.id): job.locked_until for job in found}
    wanted: dict[date, set[int]] = {}
    for each, outcome in zip(jobs, outcomes, strict=True):
        if isinstance(outcome, datetime) and outcome != ends[each.partition, each.id]:
            wanted.setdefault(each.partition, set()).add(each.id)
    return {day: sorted(ids) for day, ids in wanted.items()}


def recover_jobs(ctx: Context, cmd: RecoverJobs) -> int:
    return ctx.tx.recover_jobs(ctx.now)


def require_locked(job: Job, worker_id: str, lock_version: int = 0) -> None:
    """Raises EngineError CONFLICT unless the worker holds the job, by this lock of it where one is named."""
    name = f"job {job.partition}/{job.id}"
    if job.completed_at is not None:
        raise conflict(f"{name} is completed")
    if job.locked_by is None:
        raise conflict(f"{name} is not locked")
    if job.locked_by != worker_id:
        raise conflict(f"{name} is not locked by worker {worker_id}, but {job.locked_by}")
    if lock_version and job.lock_version != lock_version:
        raise conflict(f"{name} is locked anew: by lock {job.lock_version}, not {lock_version}")


def require_lease(job: Job, now: datetime) -> None:
    """Raises EngineError CONFLICT for a lock that has ended by itself, whether or not that was noticed so far."""
    if job.locked_until is not None and job.locked_until <= now:
        until = format_timestamp(job.locked_until)
        raise conflict(f"job {job.partition}/{job.id} was locked until {until}: others may have it now")
