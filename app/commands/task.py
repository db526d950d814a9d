"""Locking, executing and giving back the engine's own work; what it consists of is in `app.commands.runner`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.commands import maintenance
from app.commands.base import Audited, Command
from app.commands.context import Context, later
from app.commands.needs import walk_as_needed
from app.commands.runner import (
    IN_INSTANCE,
    STANDALONE,
    STARTING,
    WHOLE,
    WITH_SIBLINGS,
    Missed,
    plan_next_start,
    retry_task,
)
from app.engine.changes import Changes
from app.engine.failures import incident_of
from app.engine.needs import WholeInstance
from app.engine.records import Task
from app.engine.types import TaskType, WorkState
from app.errors import EngineError, ErrorKind, conflict, execution_failed, not_found
from app.store.claims import TASK

MOST_INTERRUPTIONS = 10
"""In a row, before a task becomes an incident.

One whose process has died each time may well be what kills it, and is not tried again. Where the database has told a
reason, that may be over: it is tried, up to twice as often, and given up when it fails once more.
"""
LONGEST_ERROR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTasks(Command[list[Task]]):
    """Locks due tasks for this engine; `Service.execute_tasks` runs them.

    The lock is a lease: who does not extend it loses the tasks to others after BPMN_TASK_LOCK_TIMEOUT.
    """

    title = "failed to execute tasks"
    limit: int = 1
    partition: date | None = None
    id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask(Command[Task]):
    """Runs one task that this engine has locked."""

    title = "failed to execute task"
    of_engine = True
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTask(Command[Task]):
    """Records that the execution of a locked task broke: it has a successor, or an incident with `error`."""

    title = "failed to execute task"
    of_engine = True
    task: Task
    error: str
    gives_up: bool = False
    """Whether it was interrupted too often, `error` being the last reason: an incident, whatever is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostponeTask(Command[None]):
    """Leaves a locked task, whose execution failed for a reason that is not its own, to be tried again later.

    The more often in a row that happens, the later: after a second, then two, up to BPMN_TASK_EXECUTOR_INTERVAL.
    """

    title = "failed to postpone task"
    of_engine = True
    task: Task
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendTasks(Command[int]):
    """Renews the lease of tasks of one partition that this engine has locked."""

    title = "failed to extend tasks"
    of_engine = True
    partition: date
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTasks(Command[int]):
    """Gives back tasks whose lease has ended, whoever held them; how many these were."""

    title = "failed to recover tasks"
    of_engine = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTasks(Command[int]):
    """Gives back tasks of one partition that were locked, but not executed."""

    title = "failed to release tasks"
    of_engine = True
    partition: date
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockTasks(Audited[int]):
    title = "failed to unlock tasks"
    engine_id: str
    partition: date | None = None
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedTasks:
    """What became of a batch: `completed` ended in whatever state, `failed` did not and stay locked for a while."""

    completed: list[Task] = field(default_factory=list)
    failed: list[Task] = field(default_factory=list)


def lock_tasks(ctx: Context, cmd: LockTasks) -> list[Task]:
    filters: dict[str, Any] = {
        "partition": cmd.partition,
        "id": cmd.id,
        "process_id": cmd.process_id,
        "process_instance_id": cmd.process_instance_id,
        "type": cmd.type,
    }
    return ctx.tx.claim_tasks(
        now=ctx.now,
        worker=ctx.engine_id,
        limit=cmd.limit,
        filters={name: value for name, value in filters.items() if value},
        until=_end_of_lease(ctx),
    )


def extend_tasks(ctx: Context, cmd: ExtendTasks) -> int:
    return ctx.tx.extend_tasks(cmd.partition, list(cmd.ids), ctx.engine_id, _end_of_lease(ctx))


def postpone_task(ctx: Context, cmd: PostponeTask) -> None:
    task = cmd.task
    pause = min(2.0**task.interruptions, ctx.config.task_executor_interval)
    ctx.tx.postpone_task(task.partition, task.id, ctx.engine_id, later(ctx.now, pause), cmd.error[:LONGEST_ERROR])


def recover_tasks(ctx: Context, cmd: RecoverTasks) -> int:
    return ctx.tx.recover_tasks(ctx.now, later(ctx.now, -ctx.config.task_lock_timeout))


def _end_of_lease(ctx: Context) -> datetime:
    return later(ctx.now, ctx.config.task_lock_timeout)


def unlock_tasks(ctx: Context, cmd: UnlockTasks) -> int:
    filters = {"partition": cmd.partition, "id": cmd.id}
    ctx.begin_audited()
    return ctx.tx.release(TASK, cmd.engine_id, {name: value for name, value in filters.items() if value})


def release_tasks(ctx: Context, cmd: ReleaseTasks) -> int:
    return ctx.tx.release(TASK, ctx.engine_id, {"partition": cmd.partition, "ids": list(cmd.ids)})


def run_task(ctx: Context, cmd: RunTask) -> Task:
    """Runs the task and records what became of it. An engine error is kept with the task, and nothing else of it."""
    if cmd.task.interruptions >= (2 * MOST_INTERRUPTIONS if cmd.task.error else MOST_INTERRUPTIONS):
        return _give_up(ctx, _lock(ctx, cmd.task))
    if cmd.task.process_instance_id is not None:
        return walk_as_needed(ctx, lambda missed: _run_in_instance(ctx, cmd.task, missed))
    if cmd.task.type in maintenance.BEFOREHAND:
        _require_locked(ctx, cmd.task, ctx.tx.find_task(cmd.task.partition, cmd.task.id))
        maintenance.BEFOREHAND[cmd.task.type](ctx, cmd.task)
    return walk_as_needed(ctx, lambda missed: _run_standalone(ctx, cmd.task, missed))


def _run_standalone(ctx: Context, given: Task, missed: Missed) -> Task:
    task = _require_locked(ctx, given, ctx.tx.lock_task(given.partition, given.id))
    changes = Changes()
    try:
        if task.type in STARTING:
            task.state = STARTING[task.type](ctx, changes, task, missed)
        else:
            task.state = STANDALONE[task.type](ctx, changes, task)
    except EngineError as error:
        changes = _failed(ctx, task, error)
    return _finish(ctx, changes, task)


def fail_task(ctx: Context, cmd: FailTask) -> Task:
    task = _lock(ctx, cmd.task)
    if cmd.gives_up:
        task.error = cmd.error
        return _give_up(ctx, task)
    return _finish(ctx, _failed(ctx, task, EngineError(ErrorKind.UNKNOWN, cmd.error, title=cmd.title)), task)


def _give_up(ctx: Context, task: Task) -> Task:
    """The incident of a task that was interrupted too often, without another try to execute it."""
    reason = f"interrupted {task.interruptions} times in a row"
    if task.error:
        reason += f", at last by: {task.error}"
    return _finish(ctx, _failed(ctx, task, execution_failed("failed to execute task", reason), retried=False), task)


def _lock(ctx: Context, given: Task) -> Task:
    """The task, under the lock of its instance or else its own. Raises EngineError CONFLICT for one that is lost."""
    if given.process_instance_id is None:
        return _require_locked(ctx, given, ctx.tx.lock_task(given.partition, given.id))
    found = ctx.tx.lock_instance("task", given.partition, given.id)
    return _require_locked(ctx, given, found.row if found else None)


def _run_in_instance(ctx: Context, given: Task, missed: Missed) -> Task:
    whole = given.type in WHOLE or WholeInstance() in missed
    if given.type in WITH_SIBLINGS and not whole:
        found = ctx.tx.lock_instance_of_join(given.partition, given.id)
    else:
        found = ctx.tx.lock_instance("task", given.partition, given.id, whole=whole)
    task = _require_locked(ctx, given, found.row if found else None)
    assert found is not None
    changes = Changes()
    try:
        task.state = IN_INSTANCE[task.type](ctx, changes, task, found, missed)
    except EngineError as error:
        changes = _failed(ctx, task, error)
    return _finish(ctx, changes, task)


def _require_locked(ctx: Context, given: Task, task: Task | None) -> Task:
    """Somebody may have unlocked the task meanwhile, and somebody else executed it."""
    if task is None:
        raise not_found(f"task {given.partition}/{given.id}")
    if task.completed_at is not None or task.locked_by != ctx.engine_id:
        raise conflict(f"task {task.partition}/{task.id} is not locked by {ctx.engine_id}")
    return task


def _finish(ctx: Context, changes: Changes, task: Task) -> Task:
    if task.state in (WorkState.DONE, WorkState.CANCELED):
        # What interrupted it before is over.
        task.error = None
    task.completed_at = ctx.now
    changes.update(task)
    ctx.tx.save(changes)
    return task


def _failed(ctx: Context, task: Task, error: EngineError, *, retried: bool = True) -> Changes:
    """The task keeps the error, and has a successor or an incident; what it has walked so far is dropped."""
    changes = Changes()
    task.error = error.as_text()
    task.instance = None
    plan_next_start(ctx, changes, task)
    # What can't be evaluated does not change by itself.
    retried = retried and task.type is not TaskType.EVALUATE_EXPRESSION
    if retried and ctx.config.task_retry_limit > task.retry_count:
        task.state = WorkState.CAUSED_RETRY
        retry = changes.schedule(retry_task(task, ctx.engine_id, ctx.now, ctx.now))
        retry.retry_count = task.retry_count + 1
        return changes
    task.state = WorkState.CAUSED_INCIDENT
    changes.insert(incident_of(task, _bpmn_process_id(ctx, task), ctx.now, ctx.engine_id))
    return changes


def _bpmn_process_id(ctx: Context, task: Task) -> str | None:
    """None for a task that belongs to no process."""
    if task.process_id is None:
        return None
    if task.process_instance_id is not None:
        # At hand, since the instance was locked.
        return ctx.tx.graph(task.process_id).bpmn_process_id
    process = ctx.tx.find_process_by_id(task.process_id)
    return process.bpmn_process_id if process else None
