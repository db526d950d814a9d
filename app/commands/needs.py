"""How what walks need is got: in one order for all, locks first, and before the time of the command is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from app.commands.context import Context, message_key
from app.commands.queue import must_queue
from app.engine.changes import Changes, Receivers
from app.engine.needs import (
    AllVariables,
    BufferedMessage,
    CalledProcess,
    Callee,
    ElementVariables,
    IsSubscribed,
    LockedQueue,
    MessageReceivers,
    Missing,
    Need,
    OutputItems,
    SignalSubscribers,
    VariablesNamed,
    WholeInstance,
)
from app.engine.records import Message, SignalSubscription
from app.engine.values import Stored
from app.errors import bug
from app.store.load import Snapshot

T = TypeVar("T")


def walk_as_needed(ctx: Context, walk: Callable[[list[Need[Any]]], T]) -> T:
    """Walks with what lies near, and anew with all that the walks before have missed."""
    missed: list[Need[Any]] = []
    while True:
        try:
            return walk(missed)
        except Missing as missing:
            if missing.need in missed:
                raise bug(f"{missing.need} is needed, and has been loaded") from missing
            missed.append(missing.need)
            ctx.start_over()


def load(
    ctx: Context, changes: Changes, needs: Iterable[Need[Any]], snapshot: Snapshot | None = None
) -> dict[Need[Any], Any]:
    """What there is of each; `changes` are refused if it turns out to be otherwise. Locks all of it first.

    Beside that, the variables that matter to walks through the graph of the `snapshot`, if any do.
    """
    wanted = sorted(dict.fromkeys([*needs, *_variables_of(snapshot)]), key=lambda need: _ORDER[type(need)])
    messages = [each for each in wanted if isinstance(each, BufferedMessage | MessageReceivers)]
    for key in sorted(message_key(each.name, each.correlation_key) for each in messages):
        ctx.tx.lock_key(key)
    return {need: _LOADERS[type(need)](ctx, changes, need) for need in wanted}


def _variables_of(snapshot: Snapshot | None) -> Iterator[VariablesNamed]:
    if snapshot and snapshot.graph.names:
        yield VariablesNamed(snapshot.instance.partition, snapshot.instance.id, snapshot.graph.names)


def _whole_instance(ctx: Context, changes: Changes, need: WholeInstance) -> None:
    """Is locked as a whole by who walks."""


def _locked_queue(ctx: Context, changes: Changes, need: LockedQueue) -> None:
    ctx.lock_queue(need.bpmn_process_id)


def _called_process(ctx: Context, changes: Changes, need: CalledProcess) -> Callee | None:
    if not need.is_modeled and not ctx.covers(need.bpmn_process_id):
        return None
    graph = ctx.tx.find_graph(need.bpmn_process_id, need.version)
    return None if graph is None else Callee(graph, must_queue(ctx, changes, graph))


def _signal_subscribers(ctx: Context, changes: Changes, need: SignalSubscribers) -> list[SignalSubscription]:
    return ctx.tx.lock_signal_subscriptions(need.name)


def _is_subscribed(ctx: Context, changes: Changes, need: IsSubscribed) -> bool:
    return ctx.tx.is_subscribed(need.partition, need.element_instance_id)


def _buffered_message(ctx: Context, changes: Changes, need: BufferedMessage) -> Message | None:
    return ctx.tx.find_buffered(need.name, need.correlation_key, ctx.now)


def _variables_named(ctx: Context, changes: Changes, need: VariablesNamed) -> Mapping[tuple[int | None, str], Stored]:
    return ctx.tx.load_variables_named(need.partition, need.process_instance_id, need.names)


def _element_variables(ctx: Context, changes: Changes, need: ElementVariables) -> Mapping[tuple[int, str], Stored]:
    return ctx.tx.load_variables_of(need.partition, need.element_instance_ids)


def _message_receivers(ctx: Context, changes: Changes, need: MessageReceivers) -> Receivers:
    subscription = ctx.tx.lock_message_subscription(need.name, need.correlation_key)
    found = ctx.tx.find_first_message_start(need.name)
    return Receivers(subscription, found[0] if found else None)


def _all_variables(ctx: Context, changes: Changes, need: AllVariables) -> Mapping[tuple[int | None, str], Stored]:
    return ctx.tx.load_variables(need.partition, need.process_instance_id)


def _output_items(ctx: Context, changes: Changes, need: OutputItems) -> Mapping[int, Stored]:
    return ctx.tx.load_output_items(need.partition, need.process_instance_id, need.body_id, need.name)


_LOADERS: Mapping[type[Need[Any]], Callable[[Context, Changes, Any], Any]] = {
    WholeInstance: _whole_instance,
    LockedQueue: _locked_queue,
    CalledProcess: _called_process,
    SignalSubscribers: _signal_subscribers,
    MessageReceivers: _message_receivers,
    IsSubscribed: _is_subscribed,
    VariablesNamed: _variables_named,
    AllVariables: _all_variables,
    OutputItems: _output_items,
    ElementVariables: _element_variables,
    BufferedMessage: _buffered_message,
}
"""In the order in which they are got; the last one reads the time."""
_ORDER = {kind: place for place, kind in enumerate(_LOADERS)}
