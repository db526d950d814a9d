"""Sending signals."""

from __future__ import annotations

from dataclasses import dataclass

from app.commands.base import Command, VariableInput
from app.commands.context import Context
from app.commands.delivery import broadcast
from app.engine.changes import Changes
from app.engine.records import Signal


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
