"""The queues of processes with a limit on parallelism: who has a slot, who waits for one, and who is next.

A queued instance has an entry until its turn comes. An instance that has not ended and has no entry has a slot. Both
change under the lock of the queue only, and nowhere but here. Processes without a limit have none of this: a command
that takes a process for unlimited has the store refuse its changes if there is a limit by then.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.commands.context import Context
from app.engine.changes import Changes
from app.engine.graph import Graph
from app.engine.needs import LockedQueue, Missing
from app.engine.payload import Payload
from app.engine.records import DRAINING, ElementInstance, ProcessInstance, Queue, QueueEntry, Task
from app.engine.types import InstanceState, TaskType
from app.store.load import Snapshot

DEQUEUED_AT_ONCE = 100
"""How many instances one command takes out of a queue, beyond the places of those it ends: a limit that was raised or
lifted by much has a task that does the rest."""


def must_queue(ctx: Context, changes: Changes, graph: Graph) -> bool:
    """Whether a new instance of the process has to wait in the queue; `settle` counts it.

    A process is taken for unlimited until it is known to have a limit. Then its queue is locked. Its version is taken
    for deployed, though it may have been deleted since it was read.
    """
    bpmn_process_id = graph.bpmn_process_id
    changes.assumes_deployed.add(graph.process_id)
    if not ctx.may_be_limited(bpmn_process_id):
        changes.assumes_unlimited.add(bpmn_process_id)
        ctx.tx.begin_alone()
        return False
    queue = ctx.lock_queue(bpmn_process_id)
    if not queue.parallelism:
        changes.assumes_unlimited.add(bpmn_process_id)
        return False
    return bool(queue.entries) or 0 < queue.parallelism <= queue.active


def lock_queues_of(ctx: Context, snapshots: Iterable[Snapshot]) -> None:
    """Locks the queues, where there are limits, of instances that are about to end."""
    members: dict[str, list[ProcessInstance]] = {}
    for snapshot in snapshots:
        bpmn_process_id = snapshot.instance.bpmn_process_id
        if snapshot.parallelism or ctx.may_be_limited(bpmn_process_id):
            members.setdefault(bpmn_process_id, []).append(snapshot.instance)
    # Always in the same order: locks on several queues must not wait for each other.
    for bpmn_process_id, instances in sorted(members.items()):
        ctx.lock_queue(bpmn_process_id, [each for each in instances if each.state is InstanceState.QUEUED])


def foresee_end(ctx: Context, snapshot: Snapshot, token: ElementInstance) -> None:
    """Locks the queue of an instance that is about to end, by the look of it: to walk twice would cost more."""
    if not snapshot.parallelism or ctx.tx.is_timed:
        return
    scope = token
    while scope.node.parent and scope.parent:
        scope = scope.parent
        if scope.active_children > 1:
            return
    if not token.node.outgoing or any(not flow.target.outgoing for flow in token.node.outgoing):
        ctx.lock_queue(snapshot.instance.bpmn_process_id)


def settle(ctx: Context, changes: Changes, actor: str) -> None:
    """After a walk: what it has started takes slots, what has ended leaves them, and others come in their place.

    Raises Missing when an instance of a process with a limit has ended, and its queue is not locked.
    """
    started = _by_process(changes.new.get(ProcessInstance, ()))
    ended = _by_process(each for each in changes.updated.get(ProcessInstance, ()) if each.state.ended)
    for bpmn_process_id in ended:
        if bpmn_process_id not in ctx.queues and ctx.limits.get(bpmn_process_id):
            raise Missing(LockedQueue(bpmn_process_id))
    for bpmn_process_id in {**started, **ended}:
        queue = ctx.queues.get(bpmn_process_id)
        if queue and queue.parallelism:
            _count(changes, queue, started.get(bpmn_process_id, []), ended.get(bpmn_process_id, []))
            if bpmn_process_id in ended:
                most = max(DEQUEUED_AT_ONCE, len(ended[bpmn_process_id]))
                free = queue.parallelism - queue.active if queue.parallelism > 0 else most
                dequeue_up_to(ctx, changes, queue, min(free, most), actor)
        else:
            changes.assumes_unlimited.add(bpmn_process_id)


def _by_process(instances: Iterable[ProcessInstance]) -> dict[str, list[ProcessInstance]]:
    found: dict[str, list[ProcessInstance]] = {}
    for instance in instances:
        found.setdefault(instance.bpmn_process_id, []).append(instance)
    return found


def _count(changes: Changes, queue: Queue, started: list[ProcessInstance], ended: list[ProcessInstance]) -> None:
    queued = [instance for instance in started if instance.state is InstanceState.QUEUED]
    gone = {(instance.partition, instance.id) for instance in ended}
    left = [entry for entry in queue.own if (entry.partition, entry.process_instance_id) in gone]
    # What ends at once never took a slot that anyone waits for.
    queue.active += sum(not instance.state.ended for instance in started) - len(queued)
    queue.active -= len(ended) - len(left)
    changes.queued += queued
    changes.dequeued += left
    _keep(changes, queue, is_empty=not queue.entries and not queued)


def dequeue_up_to(ctx: Context, changes: Changes, queue: Queue, count: int, actor: str) -> None:
    """Takes up to `count` of the first instances out of the queue; their START_PROCESS_INSTANCE tasks start them."""
    count = max(0, count)
    if count >= len(queue.entries) and queue.more:
        # One more tells whether any is left.
        ctx.tx.load_queue_entries(queue, count + 1)
    for entry in queue.entries[:count]:
        changes.dequeued.append(entry)
        _insert_start(ctx, changes, entry, actor)
        queue.active += 1
    del queue.entries[:count]
    _keep(changes, queue, is_empty=not queue.entries)


def _keep(changes: Changes, queue: Queue, *, is_empty: bool) -> None:
    """Has the queue written. The last one to go ends a queue whose limit was lifted."""
    if queue.parallelism == DRAINING and is_empty:
        queue.parallelism = 0
    changes.queues[queue.bpmn_process_id] = queue


def _insert_start(ctx: Context, changes: Changes, entry: QueueEntry, actor: str) -> None:
    changes.schedule(
        Task(
            partition=entry.partition,
            process_id=entry.process_id,
            process_instance_id=entry.process_instance_id,
            created_at=ctx.now,
            created_by=actor,
            due_at=ctx.now,
            type=TaskType.START_PROCESS_INSTANCE,
        ),
    )


def dequeue(ctx: Context, changes: Changes, bpmn_process_id: str, actor: str) -> tuple[bool, bool]:
    """Takes the first instance out of a queue that has a free slot: whether it did, and whether there is another."""
    queue = ctx.lock_queue(bpmn_process_id)
    free = queue.parallelism - queue.active if queue.parallelism > 0 else DEQUEUED_AT_ONCE
    if not queue.entries or free <= 0:
        return False, False
    dequeue_up_to(ctx, changes, queue, 1, actor)
    return True, bool(queue.entries) and free > 1


def set_limit(ctx: Context, changes: Changes, bpmn_process_id: str, limit: int) -> bool:
    """Sets or lifts the limit of a process; True if somebody in its queue can go on now, which is left to a task.

    From the commit on it holds for everyone: those that are about to start or end instances without a look at the
    queue are waited for, or refused.
    """
    queue = ctx.lock_queue(bpmn_process_id)
    if not limit and not queue.parallelism:
        return False
    if not queue.parallelism:
        ctx.lock_instances()
    queue.active = ctx.tx.count_active(bpmn_process_id)
    queue.parallelism = limit or DRAINING
    ctx.remember(bpmn_process_id, limited=True)
    _keep(changes, queue, is_empty=not queue.entries)
    return bool(queue.entries) and (not limit or queue.active < limit)


def dequeue_payload(bpmn_process_id: str) -> str | None:
    return Payload(bpmn_process_id=bpmn_process_id).serialize()
