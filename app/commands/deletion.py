"""Deleting process versions that have no instances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.commands.base import Audited
from app.commands.context import Context
from app.commands.process import insert_dequeue, insert_start
from app.commands.queue import set_limit
from app.commands.settings import lock_setting
from app.engine.changes import Changes
from app.engine.payload import parse_payload
from app.engine.records import DeployedProcess
from app.errors import conflict, not_found
from app.store.dialect import Write
from app.store.settings import DELETE_SETTING
from app.timer import Timer, TimerError, first_due

MOST_COUNTED = 1000
"""Instances that are counted for whoever has to delete them first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProcess(Audited[DeployedProcess]):
    """The result is what was deleted."""

    title = "failed to delete process"
    id: int
    worker_id: str


def delete_process(ctx: Context, cmd: DeleteProcess) -> DeployedProcess:
    """Deletes a version with all that would start it, the last one with its settings, too.

    If it was the newest one, the version before it is that then.

    Whoever deploys, starts instances or sends messages and signals is waited for, and waits.
    """
    ctx.tx.lock_key("deployment")
    process = ctx.tx.find_process_by_id(cmd.id)
    if process is None:
        raise not_found(f"process {cmd.id}")
    newest = ctx.tx.find_newest_process(process.bpmn_process_id)
    is_newest = newest is not None and newest.id == process.id
    previous = ctx.tx.find_previous_process(process) if is_newest else None
    changes = Changes()
    can_go_on = is_newest and set_limit(ctx, changes, process.bpmn_process_id, previous.parallelism if previous else 0)
    if is_newest and not previous:
        _delete_setting(ctx, process.bpmn_process_id)
    if any(
        definition.message_name or definition.signal_name for _, definition in ctx.tx.load_start_definitions(process.id)
    ):
        ctx.tx.lock_senders()
    ctx.lock_instances()
    _require_unused(ctx, process)
    ctx.tx.forget_graph(process.id)
    changes.undeployed.append(process.id)
    if previous:
        _put_in_force(ctx, changes, previous, cmd.worker_id)
        if can_go_on:
            insert_dequeue(ctx, changes, previous)
    ctx.tx.save(changes)
    return process


def _require_unused(ctx: Context, process: DeployedProcess) -> None:
    """Raises EngineError CONFLICT where the version has instances, or a message or signal is about to start one."""
    name = f"process {process.id} ({process.bpmn_process_id}:{process.version})"
    count = ctx.tx.count_instances(process.id, MOST_COUNTED + 1)
    if count:
        how_many = f"more than {MOST_COUNTED}" if count > MOST_COUNTED else str(count)
        raise conflict(f"{name} has {how_many} process instance{'s' * (count > 1)}")
    payloads = [parse_payload(payload) for _, payload in ctx.tx.find_open_starts(process.id)]
    starts = sum(bool(payload.message_id or payload.signal_id) for payload in payloads)
    if starts:
        raise conflict(f"{name} is about to be started by {starts} message{'s' * (starts > 1)} or signal")


def _delete_setting(ctx: Context, bpmn_process_id: str) -> None:
    """Or it would count for whatever is deployed by that id one day."""
    lock_setting(ctx, bpmn_process_id)
    setting = ctx.tx.settings.find(bpmn_process_id)
    if setting:
        ctx.tx.along(Write(DELETE_SETTING, [{"id": setting.id}]))


def _put_in_force(ctx: Context, changes: Changes, process: DeployedProcess, actor: str) -> None:
    """The start events of a version that has become the newest one again are no longer replaced.

    A message that starts another process by now goes on doing so. A timer goes on if it repeats, or is still to come.
    """
    waiting = {(element_id, parse_payload(payload).part) for element_id, payload in ctx.tx.find_open_starts(process.id)}
    for start, definition in ctx.tx.load_start_definitions(process.id):
        name = definition.message_name
        if name and ctx.tx.find_message_start(name, other_than=process.bpmn_process_id):
            continue
        changes.resumed_starts.append((start.element_id, start.part or 0))
        timer = definition.timer
        if timer and (start.element_id, start.part) not in waiting:
            due = _next(timer, ctx.now)
            if due is not None:
                insert_start(ctx, changes, start, timer, due, actor)


def _next(timer: Timer, now: datetime) -> datetime | None:
    """When a timer is due that may have fired before."""
    if not timer.time and not timer.time_cycle:
        return None
    try:
        due = first_due(timer, now)
    except TimerError:
        return None
    return due if due > now else None
