"""Starting, suspending, resuming and canceling process instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any

from app.commands.base import Audited, Command, VariableInput
from app.commands.context import Context
from app.commands.delivery import finish_walk
from app.commands.needs import load, walk_as_needed
from app.commands.queue import lock_queues_of, must_queue
from app.engine.changes import Changes
from app.engine.graph import Graph
from app.engine.needs import Need
from app.engine.records import ProcessInstance, VariableView
from app.engine.start import start_instance, starts_of
from app.engine.types import InstanceState
from app.errors import conflict, not_found
from app.store.load import Snapshot


class OnConflict(StrEnum):
    """What to do where a start that is to be unique finds an instance."""

    FAIL = "FAIL"
    RETURN = "RETURN"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProcessInstance(Command[ProcessInstance]):
    title = "failed to create process instance"
    bpmn_process_id: str
    bpmn_element_id: str = ""
    """Which of several none start events it begins at."""
    version: str = ""
    """Empty is the newest one."""
    worker_id: str
    correlation_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[VariableInput, ...] = ()
    unique_correlation_key: bool = False
    """Whether there must be no other root instance of the process, of any version, that has the key and is open."""
    on_conflict: OnConflict = OnConflict.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenProcessInstance:
    """An instance and some of its variables, as they are at one time."""

    instance: ProcessInstance
    variables: list[VariableView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcessInstance(Command[SeenProcessInstance]):
    title = "failed to get process instance"
    reads = True
    partition: date
    id: int
    names: tuple[str, ...] = ()
    """Of the variables that are wanted once it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendProcessInstance(Audited[None]):
    title = "failed to suspend process instance"
    partition: date
    id: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeProcessInstance(Audited[None]):
    title = "failed to resume process instance"
    partition: date
    id: int
    worker_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelProcessInstance(Audited[None]):
    title = "failed to cancel process instance"
    partition: date
    id: int
    worker_id: str


def create_process_instance(ctx: Context, cmd: CreateProcessInstance) -> ProcessInstance:
    graph = ctx.tx.find_graph(cmd.bpmn_process_id, cmd.version) if ctx.covers(cmd.bpmn_process_id) else None
    if graph is None:
        raise not_found(f"process {cmd.bpmn_process_id}{cmd.version and f':{cmd.version}'}")
    if cmd.unique_correlation_key and (existing := _existing(ctx, cmd)):
        return existing
    return walk_as_needed(ctx, lambda missed: _create(ctx, cmd, graph, missed))


def _create(ctx: Context, cmd: CreateProcessInstance, graph: Graph, missed: list[Need[Any]]) -> ProcessInstance:
    changes = Changes()
    queued = must_queue(ctx, changes, graph)
    known = load(ctx, changes, missed)
    run = start_instance(
        graph,
        starts_of(graph, cmd.bpmn_element_id),
        partition=ctx.now.date(),
        now=ctx.now,
        actor=cmd.worker_id,
        engine_id=ctx.engine_id,
        variables=ctx.variables(changes, cmd.worker_id),
        created_by=cmd.worker_id,
        changes=changes,
        state=InstanceState.QUEUED if queued else InstanceState.STARTED,
        correlation_key=cmd.correlation_key or None,
        tags={name: value for name, value in cmd.tags.items() if value},
        known=known,
        prepare=partial(ctx.variables(changes, cmd.worker_id).set_process_variables, variables=cmd.variables),
    )
    finish_walk(ctx, changes, cmd.worker_id)
    ctx.tx.save(changes)
    return run.instance


def _existing(ctx: Context, cmd: CreateProcessInstance) -> ProcessInstance | None:
    """The instance that is in the way of a unique start. Those who want the same key wait for each other."""
    found = ctx.tx.find_open_root(cmd.bpmn_process_id, cmd.correlation_key)
    if found is None:
        return None
    if cmd.on_conflict is OnConflict.FAIL:
        error = conflict(
            f"process instance {found.partition}/{found.id} of process {cmd.bpmn_process_id} "
            f"has correlation key {cmd.correlation_key}, and has not ended"
        )
        error.existing = found.partition, found.id
        raise error
    found.existing = True
    return found


def get_process_instance(ctx: Context, cmd: GetProcessInstance) -> SeenProcessInstance:
    instance = ctx.tx.find_instance(cmd.partition, cmd.id)
    if instance is None:
        raise not_found(f"process instance {cmd.partition}/{cmd.id}")
    variables: list[VariableView] = []
    if cmd.names and instance.ended_at is not None:
        # What has ended does not change any more: this may be read afterwards.
        variables = ctx.decrypted(ctx.tx.load_process_variables(cmd.partition, cmd.id, cmd.names))
    return SeenProcessInstance(instance=instance, variables=variables)


def suspend_process_instance(ctx: Context, cmd: SuspendProcessInstance) -> None:
    snapshot = _locked(ctx, cmd.partition, cmd.id)
    _require_state(snapshot, InstanceState.STARTED)
    changes = Changes()
    ctx.run(snapshot, cmd.worker_id, changes).suspend()
    ctx.tx.save(changes)


def resume_process_instance(ctx: Context, cmd: ResumeProcessInstance) -> None:
    # What waits is all there in any case; it may end when it goes on.
    walk_as_needed(ctx, lambda missed: _resume(ctx, cmd, missed))


def _resume(ctx: Context, cmd: ResumeProcessInstance, missed: list[Need[Any]]) -> None:
    snapshot = _locked(ctx, cmd.partition, cmd.id)
    _require_state(snapshot, InstanceState.SUSPENDED)
    changes = Changes()
    known = load(ctx, changes, missed, snapshot)
    ctx.run(snapshot, cmd.worker_id, changes, known).resume()
    finish_walk(ctx, changes, cmd.worker_id)
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
    lock_queues_of(ctx, canceled.values())
    changes = Changes()
    for each in canceled.values():
        ctx.run(each, cmd.worker_id, changes).end_instance(InstanceState.CANCELED, cascade=False)
    finish_walk(ctx, changes, cmd.worker_id)
    ctx.tx.save(changes)


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
