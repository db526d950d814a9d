"""The tasks that deliver a message or signal: to what waits for it, or to a process that it starts."""

from __future__ import annotations

from app.commands.context import Context
from app.engine.records import Message, MessageSubscription, Signal, SignalSubscription, Task
from app.engine.types import TaskType
from app.timer import Timer


def subscriber_task(
    ctx: Context, subscription: MessageSubscription | SignalSubscription, origin: Message | Signal
) -> Task:
    """The task that delivers a message or signal to an element instance that waits for it."""
    return Task(
        partition=subscription.partition,
        origin=origin,
        element_id=subscription.element_id,
        element_instance_id=subscription.element_instance_id,
        process_id=subscription.process_id,
        process_instance_id=subscription.process_instance_id,
        bpmn_element_id=subscription.bpmn_element_id,
        created_at=ctx.now,
        created_by=origin.created_by,
        due_at=ctx.now,
        type=TaskType.TRIGGER_EVENT,
    )


def recurs(ctx: Context, subscription: MessageSubscription | SignalSubscription) -> bool:
    """Whether the event goes on waiting once what it has subscribed to has happened."""
    return ctx.tx.graph(subscription.process_id).node(subscription.element_id).recurs


def start_task(ctx: Context, start: tuple[int, int, str], origin: Message | Signal, timer: Timer | None = None) -> Task:
    """The task that has a message or signal start a process; `start` is element id, process id, BPMN element id."""
    element_id, process_id, bpmn_element_id = start
    return Task(
        partition=ctx.now.date(),
        origin=origin,
        timer=timer,
        element_id=element_id,
        process_id=process_id,
        bpmn_element_id=bpmn_element_id,
        created_at=ctx.now,
        created_by=origin.created_by,
        due_at=ctx.now,
        type=TaskType.TRIGGER_EVENT,
    )
