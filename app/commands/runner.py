"""What a task of each type does: `IN_INSTANCE` under the lock of an instance, `STANDALONE` for those without one.

Runners raise EngineError for what is the task's own failure; `app.commands.task` records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from app.commands import maintenance
from app.commands.context import Context
from app.commands.delivery import finish_walk
from app.commands.needs import load
from app.commands.queue import dequeue, foresee_end, lock_queues_of, must_queue
from app.engine.changes import Changes
from app.engine.graph import Graph
from app.engine.needs import Need
from app.engine.payload import Payload, parse_payload
from app.engine.records import EventVariable, Message, Task
from app.engine.start import start_instance
from app.engine.types import InstanceState, TaskType, WorkState
from app.errors import bug
from app.store.graphs import GraphMissing
from app.store.transaction import Found
from app.timer import TimerError, next_due

Missed = list[Need[Any]]
"""What walks before this one have missed."""


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


def _start_process_instance(ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed) -> WorkState:
    if found.snapshot.instance.state is not InstanceState.QUEUED:
        return WorkState.CANCELED
    ctx.run(found.snapshot, ctx.engine_id, changes, load(ctx, changes, missed, found.snapshot)).dequeue()
    finish_walk(ctx, changes, ctx.engine_id)
    return WorkState.DONE


def _terminate_process_instance(ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed) -> WorkState:
    if found.snapshot.instance.state.ended:
        return WorkState.CANCELED
    lock_queues_of(ctx, [found.snapshot])
    ctx.run(found.snapshot, ctx.engine_id, changes, load(ctx, changes, missed)).end_instance(InstanceState.TERMINATED)
    finish_walk(ctx, changes, ctx.engine_id)
    return WorkState.DONE


def _evaluate(ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed) -> WorkState:
    return _move(ctx, changes, task, found, missed, ctx.engine_id)


def _join(ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed) -> WorkState:
    return _move(ctx, changes, task, found, missed, ctx.engine_id)


def _trigger_event(ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed) -> WorkState:
    """Something has happened that an element instance waits for."""
    payload = parse_payload(task.serialized_task)
    if payload.message_id:
        return _deliver_message(ctx, changes, task, found, missed, payload.message_id)
    if payload.signal_id:
        return _deliver_signal(ctx, changes, task, found, missed, payload.signal_id)
    return _move(ctx, changes, task, found, missed, ctx.engine_id)


def _move(
    ctx: Context,
    changes: Changes,
    task: Task,
    found: Found,
    missed: Missed,
    actor: str,
    message: Message | None = None,
    variables: Sequence[EventVariable] = (),
) -> WorkState:
    """What has happened, such as the arrival of `message`, brings `variables` along."""
    assert task.element_instance_id is not None
    token = found.snapshot.addressed(task.element_instance_id)
    if token.state.ended or task.detached or found.snapshot.instance.state.ended:
        # Of an event with several definitions another one may have happened, and have it wait where to go on.
        return WorkState.CANCELED
    foresee_end(ctx, found.snapshot, token)
    payload = parse_payload(task.serialized_task)
    needs = token.behavior.needs_of_task(token, task, payload, message)
    known = load(ctx, changes, [*needs, *missed], found.snapshot)
    run = ctx.run(found.snapshot, actor, changes, known, message)
    ctx.variables(changes, actor).deliver(run.instance, variables)
    run.task_due(task, token, payload)
    finish_walk(ctx, changes, actor)
    return WorkState.DONE


def _deliver_message(
    ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed, message_id: int
) -> WorkState:
    loaded = ctx.tx.lock_message(message_id)
    if loaded is None:
        raise bug(f"message {message_id} could not be found")
    message, variables = loaded
    state = _move(ctx, changes, task, found, missed, message.created_by, message, variables)
    changes.expired_messages[message.id] = ctx.now
    return state


def _deliver_signal(
    ctx: Context, changes: Changes, task: Task, found: Found, missed: Missed, signal_id: int
) -> WorkState:
    loaded = ctx.tx.load_signal(signal_id)
    if loaded is None:
        raise bug(f"signal {signal_id} could not be found")
    signal, variables = loaded
    state = _move(ctx, changes, task, found, missed, signal.created_by, variables=variables)
    changes.delivered_signals.append(signal.id)
    return state


def _trigger_start_event(ctx: Context, changes: Changes, task: Task, missed: Missed) -> WorkState:
    """A message, signal or timer start event creates an instance in the partition of its task."""
    payload = parse_payload(task.serialized_task)
    assert task.process_id is not None and task.element_id is not None
    is_timer = payload.timer is not None and not payload.message_id
    if is_timer and ctx.tx.is_suspended(task.element_id, payload.part):
        return WorkState.DONE
    graph = _graph_to_start(ctx, task.process_id)
    if graph is None:
        return WorkState.CANCELED
    queued = must_queue(ctx, changes, graph)
    created_by, correlation_key, message_id = ctx.engine_id, None, None
    variables: list[EventVariable] = []
    if payload.message_id:
        loaded = ctx.tx.lock_message(payload.message_id)
        if loaded is None:
            raise bug(f"message {payload.message_id} could not be found")
        message, variables = loaded
        created_by, correlation_key = message.created_by, message.correlation_key
        message_id = message.id
    elif payload.signal_id:
        found = ctx.tx.load_signal(payload.signal_id)
        if found is None:
            raise bug(f"signal {payload.signal_id} could not be found")
        signal, variables = found
        created_by = signal.created_by
        changes.delivered_signals.append(signal.id)
    known = load(ctx, changes, missed)
    if message_id and payload.timer:
        changes.expired_messages[message_id] = ctx.now
    if is_timer:
        _repeat_start(ctx, changes, task, payload)
    run = start_instance(
        graph,
        [graph.node(task.element_id)],
        partition=task.partition,
        now=ctx.now,
        actor=ctx.engine_id,
        engine_id=ctx.engine_id,
        variables=ctx.variables(changes, ctx.engine_id),
        created_by=created_by,
        changes=changes,
        state=InstanceState.QUEUED if queued else InstanceState.STARTED,
        correlation_key=correlation_key,
        message_id=message_id,
        known=known,
        prepare=partial(ctx.variables(changes, created_by).deliver, variables=variables),
    )
    finish_walk(ctx, changes, ctx.engine_id)
    task.instance = run.instance
    return WorkState.DONE


def _graph_to_start(ctx: Context, process_id: int) -> Graph | None:
    """None for a process that was deleted. Raises GraphMissing for one that is to be loaded first."""
    if ctx.tx.is_doubtful and not ctx.tx.is_deployed(process_id):
        return None
    try:
        return ctx.tx.graph(process_id)
    except GraphMissing:
        if not ctx.tx.is_deployed(process_id):
            return None
        raise


def plan_next_start(ctx: Context, changes: Changes, task: Task) -> None:
    """A start event whose timer repeats is not stopped by a firing that has failed: the next one is planned with it.

    To be called before a retry or an incident is made of `task`, whatever the task is for. Trying again then makes up
    for this one firing only.
    """
    payload = parse_payload(task.serialized_task)
    if task.type is not TaskType.TRIGGER_EVENT or task.element_instance_id is not None or payload.message_id:
        return
    element_id = task.element_id
    if payload.timer and element_id is not None and not ctx.tx.is_suspended(element_id, payload.part):
        _repeat_start(ctx, changes, task, payload)
        task.repetitions = 1


def _repeat_start(ctx: Context, changes: Changes, task: Task, payload: Payload) -> None:
    """A cycle goes on from the time that was due, so that missed ticks are caught up one by one."""
    timer = payload.timer
    if timer is None or not timer.time_cycle or timer.time or task.repetitions == 1:
        return
    try:
        planned = payload.planned_at or task.due_at
        due = next_due(timer, planned, planned, payload.first_due_at)
    except TimerError:
        # A cron expression whose last tick is behind us.
        return
    if due is None:
        return
    again = retry_task(task, ctx.engine_id, ctx.now, due)
    again.partition = ctx.now.date()
    if payload.planned_at:
        again.serialized_task = replace(payload, planned_at=None).serialize()
    if task.repetitions:
        again.repetitions = task.repetitions - 1
    changes.schedule(again)


def _dequeue(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """Takes the next instance out of the queue of a process whose limit was raised or lifted."""
    bpmn_process_id = parse_payload(task.serialized_task).bpmn_process_id
    assert bpmn_process_id is not None
    done, go_on = dequeue(ctx, changes, bpmn_process_id, ctx.engine_id)
    if go_on:
        changes.schedule(retry_task(task, ctx.engine_id, ctx.now, ctx.now))
    return WorkState.DONE if done else WorkState.CANCELED


WITH_SIBLINGS = frozenset({TaskType.JOIN_PARALLEL_GATEWAY})
"""Those that look at all that waits where their own token waits."""
WHOLE = frozenset({TaskType.START_PROCESS_INSTANCE, TaskType.TERMINATE_PROCESS_INSTANCE})
"""Those that need all of the instance."""
IN_INSTANCE = {
    TaskType.EVALUATE_EXPRESSION: _evaluate,
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
}
STARTING = {TaskType.TRIGGER_EVENT: _trigger_start_event}
"""Those without an instance that create one, and walk."""
