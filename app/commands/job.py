"""Locking, unlocking and completing jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from app.commands.base import Audited, Command, Completion, VariableInput
from app.commands.conditions import look_at_conditions, watched_variables
from app.commands.context import (
    Context,
    later,
)
from app.commands.delivery import finish_walk
from app.commands.lease import require_lease, require_locked
from app.commands.needs import load, walk_as_needed
from app.commands.queue import foresee_end
from app.crypto import CipherError
from app.engine.changes import Changes
from app.engine.failures import incident_of
from app.engine.needs import Need, WholeInstance
from app.engine.records import ElementInstance, Job
from app.engine.run import needs_of_job
from app.engine.types import JobType, WorkState
from app.errors import EngineError, ErrorKind, not_found
from app.store.claims import JOB
from app.store.elements import Kinds
from app.store.load import Snapshot

MOST_OF_VARIABLES = 16 * 1024 * 1024
"""Characters of variables that jobs are locked with at once; a single job comes with all of its own."""
LOCKED_WITH_VARIABLES = 25
"""Jobs whose variables are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockJobs(Command[list[Job]]):
    title = "failed to lock jobs"
    worker_id: str
    limit: int = 1
    partition: date | None = None
    id: int = 0
    process_ids: tuple[int, ...] = ()
    process_instance_id: int = 0
    types: tuple[JobType, ...] = ()
    bpmn_element_ids: tuple[str, ...] = ()
    bpmn_process_ids: tuple[str, ...] = ()
    """All versions of these."""
    task_types: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    """Names of variables that the jobs are to come with."""
    all_variables: bool = False
    lock_timeout: str = ""
    """ISO 8601 duration after which the lock ends by itself; empty leaves it to BPMN_JOB_LOCK_TIMEOUT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockJobs(Audited[int]):
    title = "failed to unlock jobs"
    worker_id: str
    partition: date | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteJob(Command[Job]):
    title = "failed to complete job"
    partition: date
    id: int
    worker_id: str
    completion: Completion | None = None
    element_variables: tuple[VariableInput, ...] = ()
    error: str = ""
    lock_version: int = 0
    """The lock by which the worker holds the job; 0 leaves that to its id."""
    process_variables: tuple[VariableInput, ...] = ()
    retry_limit: int = 0
    retry_timer: str = ""
    """ISO 8601 duration."""


def lock_jobs(ctx: Context, cmd: LockJobs) -> list[Job]:
    filters: dict[str, Any] = {
        "partition": cmd.partition,
        "id": cmd.id,
        "process_instance_id": cmd.process_instance_id,
    }
    kinds = Kinds(
        types=cmd.types,
        bpmn_element_ids=cmd.bpmn_element_ids,
        bpmn_process_ids=cmd.bpmn_process_ids,
        task_types=cmd.task_types,
        process_ids=cmd.process_ids,
    )
    if not kinds:
        is_one = len(cmd.process_ids) == 1
        filters |= {"process_id": cmd.process_ids[0]} if is_one else {"process_ids": list(cmd.process_ids)}
    lock = partial(
        ctx.tx.claim_jobs,
        worker=cmd.worker_id,
        filters={name: value for name, value in filters.items() if value},
        # Work that nobody needs any more is handed out only to who asks for just that.
        detached=bool(cmd.id),
        kinds=kinds or None,
    )
    if cmd.all_variables or cmd.variables:
        return _lock_with_variables(ctx, cmd, lock)
    return lock(now=ctx.now, limit=cmd.limit, until=_end_of_lease(ctx, cmd.lock_timeout))


def _lock_with_variables(ctx: Context, cmd: LockJobs, lock: Callable[..., list[Job]]) -> list[Job]:
    """Jobs with their variables, in small steps: no more are read than are answered, but for those of one step."""
    # Or jobs would be locked, and their worker not be told, when the variables can't be read.
    ctx.tx.begin()
    until = _end_of_lease(ctx, cmd.lock_timeout)
    found: list[Job] = []
    left = MOST_OF_VARIABLES
    while len(found) < cmd.limit:
        step = min(LOCKED_WITH_VARIABLES, cmd.limit - len(found))
        jobs = lock(now=ctx.now, limit=step, until=until)
        _add_variables(ctx, jobs, None if cmd.all_variables else cmd.variables)
        left = _unlock_rest(ctx, cmd.worker_id, jobs, left, is_first=not found)
        found += jobs
        if len(jobs) < step:
            break
    return found


def _add_variables(ctx: Context, jobs: list[Job], names: Sequence[str] | None) -> None:
    """A value without a key does not keep its job from being done: it says what is wrong with it."""
    for job, variables in zip(jobs, ctx.tx.load_visible_variables(jobs, names), strict=True):
        job.variables = variables
        for variable in variables:
            if variable.encrypted:
                try:
                    variable.value = ctx.cipher.decrypt(variable.value)
                except CipherError as error:
                    variable.value, variable.error = "", f"can't be decrypted: {error}"


def _unlock_rest(ctx: Context, worker: str, jobs: list[Job], left: int, *, is_first: bool) -> int:
    """Takes away, and unlocks, the jobs from the one on whose variables do not fit; how many characters are left then.

    With `is_first` the first job stays in any case.
    """
    days: dict[date, list[int]] = {}
    for number, job in enumerate(jobs):
        left -= sum(len(variable.value) for variable in job.variables)
        if left < 0 and not (is_first and number == 0):
            for each in jobs[number:]:
                days.setdefault(each.partition, []).append(each.id)
            del jobs[number:]
            break
    for day, ids in days.items():
        ctx.tx.release(JOB, worker, {"partition": day, "ids": ids})
    return left


def _end_of_lease(ctx: Context, lock_timeout: str) -> datetime | None:
    if lock_timeout:
        return ctx.after(lock_timeout, "lock timeout")
    return later(ctx.now, ctx.config.job_lock_timeout) if ctx.config.job_lock_timeout else None


def unlock_jobs(ctx: Context, cmd: UnlockJobs) -> int:
    filters = {"partition": cmd.partition, "id": cmd.id}
    ctx.begin_audited()
    return ctx.tx.release(JOB, cmd.worker_id, {name: value for name, value in filters.items() if value})


def complete_job(ctx: Context, cmd: CompleteJob) -> Job:
    """Locks the tree of the job's instance; variables are set also when the job fails, but not for a canceled one."""
    try:
        return walk_as_needed(ctx, lambda missed: _complete(ctx, cmd, missed))
    except _WalkFailed as failure:
        # What has been walked is spoiled, and events may wait for the variables that stay.
        ctx.start_over()
        failed = replace(cmd, error=failure.error)
        return walk_as_needed(ctx, lambda missed: _complete(ctx, failed, missed))


class _WalkFailed(Exception):
    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


def _complete(ctx: Context, cmd: CompleteJob, missed: list[Need[Any]]) -> Job:
    found = ctx.tx.lock_instance("job", cmd.partition, cmd.id, whole=WholeInstance() in missed)
    if found is None:
        raise not_found(f"job {cmd.partition}/{cmd.id}")
    job: Job = found.row
    require_locked(job, cmd.worker_id, cmd.lock_version)
    token = found.snapshot.token(job.element_instance_id)
    job.node = token.node
    if token.state.ended:
        changes = Changes()
        require_lease(job, ctx.now)
        job.state = WorkState.CANCELED
    else:
        changes = _outcome(ctx, cmd, job, found.snapshot, token, missed)
    job.completed_at = ctx.now
    changes.update(job)
    ctx.tx.save(changes)
    return job


def _outcome(
    ctx: Context, cmd: CompleteJob, job: Job, snapshot: Snapshot, token: ElementInstance, missed: list[Need[Any]]
) -> Changes:
    """What the completion changes, or how the job fails; a walk that fails has changed nothing but the variables."""
    changes, completion = Changes(), cmd.completion or Completion()
    behavior = token.behavior
    known: dict[Need[Any], Any] = {}

    def get_ready() -> None:
        known.update(load(ctx, changes, [*needs_of_job(token, job, completion), *missed], snapshot))
        if job.type in behavior.leaving_jobs:
            foresee_end(ctx, snapshot, token)

    error = cmd.error or _refusal(get_ready)
    # All is locked: time can be read.
    require_lease(job, ctx.now)
    retry_due = ctx.after(cmd.retry_timer)

    def walk() -> None:
        ctx.run(snapshot, cmd.worker_id, changes, known).job_done(job, token, completion, retry_due)
        finish_walk(ctx, changes, cmd.worker_id)

    _set_variables(ctx, cmd, changes, token)
    error = error or _refusal(walk)
    if not error:
        job.state = WorkState.DONE
        return changes
    if snapshot.graph.watched_names and not cmd.error:
        raise _WalkFailed(error)
    changes = Changes()
    known = dict(watched_variables(ctx, changes, missed, snapshot))
    _set_variables(ctx, cmd, changes, token)
    look_at_conditions(ctx, changes, known, snapshot, cmd.worker_id)
    _fail(job, error, snapshot, changes, cmd, retry_due, ctx.now)
    return changes


def _set_variables(ctx: Context, cmd: CompleteJob, changes: Changes, token: ElementInstance) -> None:
    variables = ctx.variables(changes, cmd.worker_id)
    variables.set_element_variables(token, cmd.element_variables)
    variables.set_process_variables(token.instance, cmd.process_variables)


def _refusal(do: Callable[[], None]) -> str:
    """Why the completion is unusable, if it is."""
    try:
        do()
    except EngineError as error:
        if error.kind is ErrorKind.BUG:
            raise
        return error.as_text()
    return ""


def _fail(
    job: Job,
    error: str,
    snapshot: Snapshot,
    changes: Changes,
    cmd: CompleteJob,
    retry_due: datetime,
    now: datetime,
) -> None:
    job.error = error
    if cmd.retry_limit > job.retry_count:
        job.state = WorkState.CAUSED_RETRY
        retry = retry_job(job, cmd.worker_id, now, retry_due)
        retry.retry_count = job.retry_count + 1
        changes.insert(retry)
        return
    job.state = WorkState.CAUSED_INCIDENT
    changes.insert(incident_of(job, snapshot.instance.bpmn_process_id, now, cmd.worker_id))


def retry_job(job: Job, actor: str, now: datetime, due_at: datetime) -> Job:
    """A new job for the same work, with a retry count of 0."""
    return Job(
        partition=job.partition,
        element_id=job.element_id,
        element_instance_id=job.element_instance_id,
        process_id=job.process_id,
        process_instance_id=job.process_instance_id,
        bpmn_element_id=job.bpmn_element_id,
        correlation_key=job.correlation_key,
        created_at=now,
        created_by=actor,
        due_at=due_at,
        type=job.type,
    )
