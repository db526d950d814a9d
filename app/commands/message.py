"""Sending messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from app.commands.base import Command, VariableInput
from app.commands.context import Context, message_key
from app.commands.delivery import start_task, subscriber_task, use_up
from app.engine.changes import Changes
from app.engine.records import Message, Receiver, Task
from app.engine.types import MessageResult
from app.errors import invalid, not_found
from app.timer import Timer, TimerError, first_due


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage(Command[Message]):
    title = "failed to send message"
    name: str
    correlation_key: str
    worker_id: str
    expiration_timer: Timer | None = None
    """None when absent; a `Timer()` without any field when an empty object was sent."""
    require_receiver: bool = False
    """Whether it is refused where nobody waits for it, instead of being buffered or lost."""
    unique_key: str = ""
    variables: tuple[VariableInput, ...] = ()


def send_message(ctx: Context, cmd: SendMessage) -> Message:
    """Reaches the oldest subscriber, else the start event with that name, else it is buffered until it expires.

    As long as there is a message with the same unique key, that one is answered in its place; but the key of one that
    has started an instance is free again when that has ended.
    """
    ctx.tx.lock_key(message_key(cmd.name, cmd.correlation_key))
    subscription = ctx.tx.lock_message_subscription(cmd.name, cmd.correlation_key)
    expires_at = _expires_at(ctx, cmd.expiration_timer)
    if cmd.unique_key:
        existing = ctx.tx.find_with_unique_key(cmd.name, cmd.correlation_key, cmd.unique_key)
        if existing:
            existing.result = MessageResult.DUPLICATE
            return existing
    start = None if subscription else ctx.tx.find_first_message_start(cmd.name)
    if cmd.require_receiver and not (subscription or start):
        raise not_found(f"a receiver of message {cmd.name} with correlation key {cmd.correlation_key}")
    changes = Changes()
    message = changes.insert(
        Message(
            correlation_key=cmd.correlation_key,
            created_at=ctx.now,
            created_by=cmd.worker_id,
            expires_at=expires_at,
            name=cmd.name,
            unique_key=cmd.unique_key or None,
        )
    )
    changes.event_variables.append((message, ctx.variables(changes, cmd.worker_id).of_event(cmd.variables)))
    if subscription:
        use_up(ctx, changes, subscription, cmd.worker_id)
        message.result = MessageResult.DELIVERED
        message.receiver = Receiver(
            partition=subscription.partition,
            process_instance_id=subscription.process_instance_id,
            bpmn_element_id=subscription.bpmn_element_id,
        )
        _deliver(ctx, changes, message, subscriber_task(ctx, subscription, message))
    elif start:
        event, bpmn_process_id, version = start
        changes.assumes_deployed.add(event.process_id)
        message.result = MessageResult.STARTING
        message.receiver = Receiver(bpmn_process_id=bpmn_process_id, version=version)
        _deliver(ctx, changes, message, start_task(ctx, event, message, cmd.expiration_timer))
    else:
        message.result = MessageResult.BUFFERED if expires_at > ctx.now else MessageResult.DISCARDED
    ctx.tx.save(changes)
    return message


def _expires_at(ctx: Context, timer: Timer | None) -> datetime:
    if timer is None:
        return ctx.now
    try:
        return first_due(timer, ctx.now)
    except TimerError as error:
        raise invalid(str(error), title="failed to evaluate expiration timer") from error


def _deliver(ctx: Context, changes: Changes, message: Message, task: Task) -> None:
    message.correlated = True
    message.expires_at = None
    changes.schedule(task)

    def note() -> None:
        message.receiver = replace(message.receiver or Receiver(), task_partition=task.partition, task_id=task.id)

    ctx.tx.along_when_saved(note)
