"""Executing and unlocking the engine's own work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from app.commands import maintenance
from app.commands.base import Command
from app.commands.context import (
    Context,
    deliver_variables,
    insert_task,
    message_key,
    walk_as_needed,
)
from app.commands.queue import dequeue, foresee_end, lock_queues_of, must_queue, settle
from app.commands.signal import broadcast
from app.engine.changes import Changes
from app.engine.elements import behavior_of
from app.engine.elements.signal import SignalThrowEvent
from app.engine.payload import Payload, parse_payload
from app.engine.records import EventVariable, Incident, Task
from app.engine.run import start_instance
from app.engine.types import InstanceState, TaskType, WorkState
from app.engine.work import Facts
from app.errors import EngineError, ErrorKind, bug, conflict, execution_failed, not_found
from app.store.lock import TASK
from app.store.transaction import Found
from app.timer import TimerError, next_due

MOST_INTERRUPTIONS = 10
"""In a row, before a task becomes an incident.

One whose process has died each time may well be what kills it, and is not tried again. Where the database has told a
reason, that may be over: it is tried, up to twice as often, and given up when it fails once more.
"""
LONGEST_ERROR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LockTasks(Command[list[Task]]):
    """Locks due tasks for this engine; `Service.execute_tasks` runs each in a transaction of its own.

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
    task: Task


@dataclass(frozen=True, slots=True, kw_only=True)
class FailTask(Command[Task]):
    """Records that the execution of a locked task broke: it has a successor, or an incident with `error`."""

    title = "failed to execute task"
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
    task: Task
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendTasks(Command[int]):
    """Renews the lease of tasks of one partition that this engine has locked."""

    title = "failed to extend tasks"
    partition: date
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTasks(Command[int]):
    """Gives back tasks whose lease has ended, whoever held them; how many these were."""

    title = "failed to recover tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTasks(Command[int]):
    """Gives back tasks of one partition that were locked, but not executed."""

    title = "failed to release tasks"
    partition: date
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockTasks(Command[int]):
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
    return ctx.tx.lock_tasks(
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
    ctx.tx.postpone_task(task.partition, task.id, ctx.engine_id, _later(ctx.now, pause), cmd.error[:LONGEST_ERROR])


def recover_tasks(ctx: Context, cmd: RecoverTasks) -> int:
    return ctx.tx.recover_tasks(ctx.now, _later(ctx.now, -ctx.config.task_lock_timeout))


def _end_of_lease(ctx: Context) -> datetime:
    return _later(ctx.now, ctx.config.task_lock_timeout)


def _later(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        # The calendar ends here.
        return now


def unlock_tasks(ctx: Context, cmd: UnlockTasks) -> int:
    filters = {"partition": cmd.partition, "id": cmd.id}
    return ctx.tx.release(TASK, cmd.engine_id, {name: value for name, value in filters.items() if value})


def release_tasks(ctx: Context, cmd: ReleaseTasks) -> int:
    return ctx.tx.release(TASK, ctx.engine_id, {"partition": cmd.partition, "ids": list(cmd.ids)})


def run_task(ctx: Context, cmd: RunTask) -> Task:
    """Runs the task and records what became of it. An engine error is kept with the task, and nothing else of it."""
    if cmd.task.interruptions >= (2 * MOST_INTERRUPTIONS if cmd.task.error else MOST_INTERRUPTIONS):
        return _give_up(ctx, _lock(ctx, cmd.task))
    if cmd.task.process_instance_id is not None:
        return walk_as_needed(ctx, lambda whole: _run_in_instance(ctx, cmd.task, whole))
    if cmd.task.type in maintenance.BEFOREHAND:
        _require_locked(ctx, cmd.task, ctx.tx.find_task(cmd.task.partition, cmd.task.id))
        maintenance.BEFOREHAND[cmd.task.type](ctx, cmd.task)
    task = _require_locked(ctx, cmd.task, ctx.tx.lock_task(cmd.task.partition, cmd.task.id))
    changes = Changes()
    try:
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


def _run_in_instance(ctx: Context, given: Task, whole: bool) -> Task:
    if given.type is TaskType.JOIN_PARALLEL_GATEWAY and not whole:
        found = ctx.tx.lock_instance_of_join(given.partition, given.id)
    else:
        whole = whole or given.type in _WHOLE
        found = ctx.tx.lock_instance("task", given.partition, given.id, whole=whole)
    task = _require_locked(ctx, given, found.row if found else None)
    assert found is not None
    changes = Changes()
    try:
        task.state = _IN_INSTANCE[task.type](ctx, changes, task, found)
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
    if retried and ctx.config.task_retry_limit > task.retry_count:
        task.state = WorkState.CAUSED_RETRY
        retry = insert_task(ctx, changes, retry_task(task, ctx.engine_id, ctx.now, ctx.now))
        retry.retry_count = task.retry_count + 1
        return changes
    task.state = WorkState.CAUSED_INCIDENT
    changes.insert(
        Incident(
            partition=task.partition,
            element_id=task.element_id,
            element_instance_id=task.element_instance_id,
            process_id=task.process_id,
            process_instance_id=task.process_instance_id,
            task_id=task.id,
            created_at=ctx.now,
            created_by=ctx.engine_id,
        )
    )
    return changes


def retry_task(task: Task, actor: str, now: datetime, due_at: datetime) -> Task:
    """A new task for the same work, with a retry count of 0."""
    return Task(
        partition=task.partition,
        element_id=task.element_id,
        element_instance_id=task.element_instance_id,
        process_id=task.process_id,
        process_instance_id=task.process_instance_id,
        bpmn_element_id=task.bpmn_element_id,
        created_at=now,
        created_by=actor,
        due_at=due_at,
        repetitions=task.repetitions,
        serialized_task=task.serialized_task,
        type=task.type,
    )


def _start_process_instance(ctx: Context, changes: Changes, task: Task, found: Found) -> WorkState:
    if found.snapshot.instance.state is not InstanceState.QUEUED:
        return WorkState.CANCELED
    ctx.run(found.snapshot, ctx.engine_id, changes).release()
    settle(ctx, changes, ctx.engine_id)
    return WorkState.DONE


def _terminate_process_instance(ctx: Context, changes: Changes, task: Task, found: Found) -> WorkState:
    if found.snapshot.instance.state.ended:
        return WorkState.CANCELED
    lock_queues_of(ctx, [found.snapshot])
    ctx.run(found.snapshot, ctx.engine_id, changes).end_instance(InstanceState.TERMINATED)
    settle(ctx, changes, ctx.engine_id)
    return WorkState.DONE


def _join(ctx: Context, changes: Changes, task: Task, found: Found) -> WorkState:
    return _move(ctx, changes, task, found, ctx.engine_id, Facts())


def _trigger_event(ctx: Context, changes: Changes, task: Task, found: Found) -> WorkState:
    """Something has happened that an element instance waits for."""
    payload = parse_payload(task.serialized_task)
    if payload.message_id:
        return _deliver_message(ctx, changes, task, found, payload.message_id)
    if payload.signal_id:
        return _deliver_signal(ctx, changes, task, found, payload.signal_id)
    return _move(ctx, changes, task, found, ctx.engine_id, Facts())


def _move(ctx: Context, changes: Changes, task: Task, found: Found, actor: str, facts: Facts) -> WorkState:
    assert task.element_instance_id is not None
    token = found.snapshot.addressed(task.element_instance_id)
    if token.state.ended or found.snapshot.instance.state.ended:
        return WorkState.CANCELED
    foresee_end(ctx, found.snapshot, token)
    thrown = token.context if isinstance(behavior_of(token.node), SignalThrowEvent) else None
    subscriptions = ctx.tx.lock_signal_subscriptions(thrown) if thrown is not None else []
    run = ctx.run(found.snapshot, actor, changes, facts)
    run.task_due(task, token, parse_payload(task.serialized_task))
    if thrown is not None:
        broadcast(ctx, changes, thrown, actor, [], subscriptions)
    settle(ctx, changes, actor)
    return WorkState.DONE


def _deliver_message(ctx: Context, changes: Changes, task: Task, found: Found, message_id: int) -> WorkState:
    loaded = ctx.tx.lock_message(message_id)
    if loaded is None:
        raise bug(f"message {message_id} could not be found")
    message, variables = loaded
    facts = Facts()
    token = found.snapshot.addressed(task.element_instance_id or 0)
    if token.node.recurs and not token.state.ended:
        # The event goes on waiting, and may find the next message already there.
        ctx.tx.lock_key(message_key(message.name, message.correlation_key))
        facts.correlation_key = message.correlation_key
        facts.subscribed = ctx.tx.is_subscribed(token)
        facts.buffered = ctx.tx.find_buffered(message.name, message.correlation_key, ctx.now)
    state = _move(ctx, changes, task, found, message.created_by, facts)
    changes.expired_messages[message.id] = ctx.now
    if state is WorkState.DONE:
        deliver_variables(changes, found.snapshot.instance, variables, ctx.now, message.created_by)
    return state


def _deliver_signal(ctx: Context, changes: Changes, task: Task, found: Found, signal_id: int) -> WorkState:
    loaded = ctx.tx.load_signal(signal_id)
    if loaded is None:
        raise bug(f"signal {signal_id} could not be found")
    signal, variables = loaded
    facts = Facts()
    token = found.snapshot.addressed(task.element_instance_id or 0)
    if token.node.recurs and not token.state.ended:
        facts.subscribed = ctx.tx.is_subscribed(token)
    state = _move(ctx, changes, task, found, signal.created_by, facts)
    changes.delivered_signals.append(signal.id)
    if state is WorkState.DONE:
        deliver_variables(changes, found.snapshot.instance, variables, ctx.now, signal.created_by)
    return state


def _trigger_start_event(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """A message, signal or timer start event creates an instance in the partition of its task."""
    payload = parse_payload(task.serialized_task)
    assert task.process_id is not None and task.element_id is not None
    is_timer = payload.timer is not None and not payload.message_id
    if is_timer and ctx.tx.is_suspended(task.element_id):
        return WorkState.DONE
    graph = ctx.tx.graph(task.process_id)
    queued = must_queue(ctx, changes, graph.bpmn_process_id)
    created_by, correlation_key, message_id = ctx.engine_id, None, None
    variables: list[EventVariable] = []
    if payload.message_id:
        loaded = ctx.tx.lock_message(payload.message_id)
        if loaded is None:
            raise bug(f"message {payload.message_id} could not be found")
        message, variables = loaded
        created_by, correlation_key = message.created_by, message.correlation_key
        message_id = message.id
        if payload.timer:
            changes.expired_messages[message.id] = ctx.now
    elif payload.signal_id:
        found = ctx.tx.load_signal(payload.signal_id)
        if found is None:
            raise bug(f"signal {payload.signal_id} could not be found")
        signal, variables = found
        created_by = signal.created_by
        changes.delivered_signals.append(signal.id)
    if is_timer:
        _repeat_start(ctx, changes, task, payload)
    run = start_instance(
        graph,
        partition=task.partition,
        now=ctx.now,
        actor=ctx.engine_id,
        created_by=created_by,
        changes=changes,
        state=InstanceState.QUEUED if queued else InstanceState.STARTED,
        start=graph.node(task.element_id),
        correlation_key=correlation_key,
        message_id=message_id,
    )
    deliver_variables(changes, run.instance, variables, ctx.now, created_by)
    settle(ctx, changes, ctx.engine_id)
    task.instance = run.instance
    return WorkState.DONE


def plan_next_start(ctx: Context, changes: Changes, task: Task) -> None:
    """A start event whose timer repeats is not stopped by a firing that has failed: the next one is planned with it.

    To be called before a retry or an incident is made of `task`, whatever the task is for. Trying again then makes up
    for this one firing only.
    """
    payload = parse_payload(task.serialized_task)
    if task.type is not TaskType.TRIGGER_EVENT or task.element_instance_id is not None or payload.message_id:
        return
    if payload.timer and task.element_id is not None and not ctx.tx.is_suspended(task.element_id):
        _repeat_start(ctx, changes, task, payload)
        task.repetitions = 1


def _repeat_start(ctx: Context, changes: Changes, task: Task, payload: Payload) -> None:
    """A cycle goes on from the time that was due, so that missed ticks are caught up one by one."""
    timer = payload.timer
    if timer is None or not timer.time_cycle or timer.time or task.repetitions == 1:
        return
    try:
        due = next_due(timer, task.due_at, task.due_at, payload.first_due_at)
    except TimerError:
        # A cron expression whose last tick is behind us.
        return
    if due is None:
        return
    again = retry_task(task, ctx.engine_id, ctx.now, due)
    again.partition = ctx.now.date()
    if task.repetitions:
        again.repetitions = task.repetitions - 1
    insert_task(ctx, changes, again)


def _dequeue(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """Takes the next instance out of the queue of a process whose limit was raised or lifted."""
    bpmn_process_id = parse_payload(task.serialized_task).bpmn_process_id
    assert bpmn_process_id is not None
    done, go_on = dequeue(ctx, changes, bpmn_process_id, ctx.engine_id)
    if go_on:
        insert_task(ctx, changes, retry_task(task, ctx.engine_id, ctx.now, ctx.now))
    return WorkState.DONE if done else WorkState.CANCELED


_WHOLE = frozenset({TaskType.START_PROCESS_INSTANCE, TaskType.TERMINATE_PROCESS_INSTANCE})
_IN_INSTANCE = {
    TaskType.JOIN_PARALLEL_GATEWAY: _join,
    TaskType.START_PROCESS_INSTANCE: _start_process_instance,
    TaskType.TERMINATE_PROCESS_INSTANCE: _terminate_process_instance,
    TaskType.TRIGGER_EVENT: _trigger_event,
}
STANDALONE = {
    TaskType.CREATE_PARTITION: maintenance.create_partition,
    TaskType.DEQUEUE_PROCESS_INSTANCE: _dequeue,
    TaskType.DETACH_PARTITION: maintenance.detach_partition,
    TaskType.DROP_PARTITION: maintenance.drop_partition,
    TaskType.PURGE_MESSAGES: maintenance.purge,
    TaskType.PURGE_SIGNALS: maintenance.purge,
    TaskType.TRIGGER_EVENT: _trigger_start_event,
}
