"""Sending messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.commands.base import Command, VariableInput
from app.commands.context import Context, event_variables, insert_task, message_key, recurs, start_task, subscriber_task
from app.engine.changes import Changes
from app.engine.records import Message, MessageSubscription, Task
from app.errors import invalid
from app.timer import Timer, TimerError, first_due


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage(Command[Message]):
    title = "failed to send message"
    name: str
    correlation_key: str
    worker_id: str
    expiration_timer: Timer | None = None
    """None when absent; a `Timer()` without any field when an empty object was sent."""
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
            return existing
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
    changes.event_variables.append((message, event_variables(ctx, cmd.variables)))
    task = _recipient(ctx, changes, message, subscription, cmd)
    if task:
        message.correlated = True
        message.expires_at = None
        insert_task(ctx, changes, task)
    ctx.tx.save(changes)
    return message


def _expires_at(ctx: Context, timer: Timer | None) -> datetime:
    if timer is None:
        return ctx.now
    try:
        return first_due(timer, ctx.now)
    except TimerError as error:
        raise invalid(str(error), title="failed to evaluate expiration timer") from error


def _recipient(
    ctx: Context, changes: Changes, message: Message, subscription: MessageSubscription | None, cmd: SendMessage
) -> Task | None:
    """The task that delivers the message, if there is anyone to deliver it to."""
    if subscription:
        if recurs(ctx, subscription):
            subscription.created_at = ctx.now
            subscription.created_by = cmd.worker_id
            changes.requeued.append(subscription)
        else:
            changes.delete(subscription)
        return subscriber_task(ctx, subscription, message)
    for start in ctx.tx.load_message_starts(cmd.name):
        return start_task(ctx, start, message, cmd.expiration_timer)
    return None
