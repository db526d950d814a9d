"""Starting, suspending, resuming and canceling process instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from app.commands.base import Command, VariableInput
from app.commands.context import DRAINING, Context, must_queue, release, set_process_variables, settle, took_slot
from app.engine.changes import Changes
from app.engine.records import ProcessInstance
from app.engine.run import start_instance
from app.engine.types import InstanceState
from app.errors import conflict, not_found
from app.store.load import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProcessInstance(Command[ProcessInstance]):
    title = "failed to create process instance"
    bpmn_process_id: str
    version: str
    worker_id: str
    correlation_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[VariableInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendProcessInstance(Command[None]):
    title = "failed to suspend process instance"
    partition: date
    id: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeProcessInstance(Command[None]):
    title = "failed to resume process instance"
    partition: date
    id: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelProcessInstance(Command[None]):
    title = "failed to cancel process instance"
    partition: date
    id: int
    worker_id: str


def create_process_instance(ctx: Context, cmd: CreateProcessInstance) -> ProcessInstance:
    graph = ctx.tx.find_graph(cmd.bpmn_process_id, cmd.version)
    if graph is None:
        raise not_found(f"process {cmd.bpmn_process_id}:{cmd.version}")
    changes = Changes()
    queued = must_queue(ctx, changes, cmd.bpmn_process_id)
    run = start_instance(
        graph,
        partition=ctx.now.date(),
        now=ctx.now,
        actor=cmd.worker_id,
        created_by=cmd.worker_id,
        changes=changes,
        state=InstanceState.QUEUED if queued else InstanceState.STARTED,
        correlation_key=cmd.correlation_key or None,
        tags={name: value for name, value in cmd.tags.items() if value},
    )
    set_process_variables(ctx, changes, run.instance, cmd.variables, cmd.worker_id)
    # An instance that ends at once never took a slot that anyone waits for.
    ctx.tx.save(changes)
    return run.instance


def suspend_process_instance(ctx: Context, cmd: SuspendProcessInstance) -> None:
    snapshot = _locked(ctx, cmd.partition, cmd.id)
    _require_state(snapshot, InstanceState.STARTED)
    changes = Changes()
    ctx.run(snapshot, cmd.worker_id, changes).suspend()
    ctx.tx.save(changes)


def resume_process_instance(ctx: Context, cmd: ResumeProcessInstance) -> None:
    snapshot = _locked(ctx, cmd.partition, cmd.id)
    _require_state(snapshot, InstanceState.SUSPENDED)
    changes = Changes()
    run = ctx.run(snapshot, cmd.worker_id, changes)
    run.resume()
    settle(ctx, changes, run, limited=snapshot.parallelism != 0)
    ctx.tx.save(changes)


def cancel_process_instance(ctx: Context, cmd: CancelProcessInstance) -> None:
    """Ends the instance and everything it has called, directly or not, in one transaction.

    A call activity that waits for the instance goes on waiting: cancel the caller to end both.
    """
    snapshot = _locked(ctx, cmd.partition, cmd.id)
    if snapshot.instance.state.ended:
        raise conflict(f"process instance {cmd.partition}/{cmd.id} is ended")
    canceled = {cmd.id: snapshot}
    # In id order: who calls was created before who is called.
    for called in ctx.tx.load_called_below(snapshot.instance):
        if called.parent_id in canceled:
            canceled[called.id] = _locked(ctx, called.partition, called.id)
    instances = [each.instance for each in canceled.values()]
    freed = [each.instance for each in canceled.values() if each.parallelism and took_slot(each.instance)]
    changes = Changes()
    for each in canceled.values():
        ctx.run(each, cmd.worker_id, changes).end_instance(InstanceState.CANCELED, cascade=False)
    _free_slots(ctx, changes, freed, instances, cmd.worker_id)
    ctx.tx.save(changes)


def _free_slots(
    ctx: Context, changes: Changes, freed: list[ProcessInstance], ended: list[ProcessInstance], actor: str
) -> None:
    """All of `ended` end together; the first others in the queues take the places of those that had one, `freed`."""
    gone = {(instance.partition, instance.id) for instance in ended}
    # Always in the same order: locks on several queues must not wait for each other.
    for bpmn_process_id, count in sorted(Counter(instance.bpmn_process_id for instance in freed).items()):
        limit = ctx.tx.lock_queue(bpmn_process_id)
        if limit == 0:
            continue
        free = count if limit == DRAINING else min(count, limit - ctx.tx.count_active(bpmn_process_id) + count)
        queued = ctx.tx.load_queued(bpmn_process_id, count + len(gone))
        waiting = [instance for instance in queued if (instance.partition, instance.id) not in gone]
        for head in waiting[: max(free, 0)]:
            release(ctx, changes, head, actor)


def _locked(ctx: Context, partition: date, id: int) -> Snapshot:
    found = ctx.tx.lock_instance("process_instance", partition, id, whole=True)
    if found is None:
        raise not_found(f"process instance {partition}/{id}")
    return found.snapshot


def _require_state(snapshot: Snapshot, state: InstanceState) -> None:
    instance = snapshot.instance
    if instance.state is not state:
        raise conflict(
            f"process instance {instance.partition}/{instance.id} is not in state {state}, but {instance.state}"
        )
