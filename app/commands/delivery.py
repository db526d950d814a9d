"""The tasks that deliver a message or signal: to what waits for it, or to a process that it starts."""

from __future__ import annotations

from app.commands.context import Context
from app.commands.queue import settle
from app.engine.changes import Changes, ThrownMessage, ThrownSignal
from app.engine.records import (
    ElementInstance,
    EventVariable,
    Message,
    MessageSubscription,
    Signal,
    SignalSubscription,
    Start,
    Task,
)
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
        part=subscription.part,
    )


def stays(ctx: Context, subscription: MessageSubscription | SignalSubscription) -> bool:
    """Whether the event goes on waiting for what it has subscribed to once that has come."""
    return ctx.tx.graph(subscription.process_id).node(subscription.element_id).stays_subscribed


def finish_walk(ctx: Context, changes: Changes, actor: str) -> None:
    """Sends what the walk has thrown, and counts what it has started and ended; raises Missing as `settle` does."""
    _send_thrown(ctx, changes)
    settle(ctx, changes, actor)


def _send_thrown(ctx: Context, changes: Changes) -> None:
    """Sends what the walk has thrown, in order."""
    taken: set[int] = set()
    for thrown in changes.thrown:
        if isinstance(thrown, ThrownSignal):
            broadcast(ctx, changes, thrown.name, ctx.engine_id, [], thrown.subscribers)
        else:
            _publish(ctx, changes, thrown, taken)
    changes.thrown.clear()


def _publish(ctx: Context, changes: Changes, thrown: ThrownMessage, taken: set[int]) -> None:
    """To who has waited for it, if not `taken`, or has begun to in the walk, or to a process that it starts."""
    message = Message(
        correlation_key=thrown.correlation_key,
        created_at=ctx.now,
        created_by=ctx.engine_id,
        expires_at=ctx.now,
        name=thrown.name,
    )
    changes.insert(message)
    changes.event_variables.append((message, thrown.variables))
    task = _receive(ctx, changes, thrown, message, taken)
    if task is not None:
        message.correlated, message.expires_at = True, None
        changes.schedule(task)


def _receive(ctx: Context, changes: Changes, thrown: ThrownMessage, message: Message, taken: set[int]) -> Task | None:
    subscription = thrown.receivers.subscription
    ended = {token.id for token, _ in changes.abandoned}
    ended |= {token.id for token in changes.updated.get(ElementInstance, ()) if token.state.ended}
    if subscription and subscription.id not in taken and subscription.element_instance_id not in ended:
        if not stays(ctx, subscription):
            taken.add(subscription.id)
        use_up(ctx, changes, subscription, ctx.engine_id)
        return subscriber_task(ctx, subscription, message)
    for new in changes.new.get(MessageSubscription, []):
        if (new.name, new.correlation_key) == (thrown.name, thrown.correlation_key):
            if not stays(ctx, new):
                changes.new[MessageSubscription].remove(new)
            task = subscriber_task(ctx, new, message)
            task.token, task.instance = new.token, new.token.instance if new.token else None
            return task
    start = thrown.receivers.start
    if start is None:
        return None
    changes.assumes_deployed.add(start.process_id)
    return start_task(ctx, start, message)


def use_up(ctx: Context, changes: Changes, subscription: MessageSubscription, actor: str) -> None:
    """A subscription that has got a message goes, unless its event stays subscribed: then it goes behind all others."""
    if stays(ctx, subscription):
        subscription.created_at = ctx.now
        subscription.created_by = actor
        changes.requeued.append(subscription)
    else:
        changes.delete(subscription)


def broadcast(
    ctx: Context,
    changes: Changes,
    name: str,
    actor: str,
    variables: list[EventVariable],
    subscriptions: list[SignalSubscription],
) -> Signal:
    """The signal, and a task for each of the locked subscriptions and each start event.

    A subscription is used up, unless its event stays subscribed.
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
        if not stays(ctx, subscription):
            changes.delete(subscription)
    for start in starts:
        changes.assumes_deployed.add(start.process_id)
        changes.schedule(start_task(ctx, start, signal))
    return signal


def start_task(ctx: Context, start: Start, origin: Message | Signal, timer: Timer | None = None) -> Task:
    """The task that has a message or signal start a process."""
    return Task(
        partition=ctx.now.date(),
        origin=origin,
        timer=timer,
        element_id=start.element_id,
        process_id=start.process_id,
        bpmn_element_id=start.bpmn_element_id,
        part=start.part,
        created_at=ctx.now,
        created_by=origin.created_by,
        due_at=ctx.now,
        type=TaskType.TRIGGER_EVENT,
    )
