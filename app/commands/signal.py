"""Sending signals."""

from __future__ import annotations

from dataclasses import dataclass

from app.commands.base import Command, VariableInput
from app.commands.context import Context
from app.commands.delivery import recurs, start_task, subscriber_task
from app.engine.changes import Changes
from app.engine.records import EventVariable, Signal, SignalSubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal(Command[Signal]):
    title = "failed to send signal"
    name: str
    worker_id: str
    variables: tuple[VariableInput, ...] = ()


def send_signal(ctx: Context, cmd: SendSignal) -> Signal:
    """Reaches everyone who waits for it now; it is not buffered."""
    subscriptions = ctx.tx.lock_signal_subscriptions(cmd.name)
    changes = Changes()
    variables = ctx.variables(changes, cmd.worker_id).of_event(cmd.variables)
    signal = broadcast(ctx, changes, cmd.name, cmd.worker_id, variables, subscriptions)
    ctx.tx.save(changes)
    return signal


def broadcast(
    ctx: Context,
    changes: Changes,
    name: str,
    actor: str,
    variables: list[EventVariable],
    subscriptions: list[SignalSubscription],
) -> Signal:
    """The signal, and a task for each of the locked subscriptions and each start event.

    A subscription is used up, unless its event recurs.
    """
    starts = ctx.tx.load_signal_starts(name)
    count = len(subscriptions) + len(starts)
    signal = changes.insert(
        Signal(
            created_at=ctx.now,
            created_by=actor,
            name=name,
            subscriber_count=count,
            active_subscriber_count=count,
        )
    )
    changes.event_variables.append((signal, variables))
    for subscription in subscriptions:
        changes.schedule(subscriber_task(ctx, subscription, signal))
        if not recurs(ctx, subscription):
            changes.delete(subscription)
    for start in starts:
        changes.assumes_deployed.add(start[1])
        changes.schedule(start_task(ctx, start, signal))
    return signal
