"""Deleting ended instances: one that is named, or those of a process that are kept for long enough."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from app.commands.base import Audited, Command
from app.commands.context import Context
from app.errors import conflict, not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteProcessInstance(Audited[bool]):
    """Deletes a part of an ended root and of all that it has called; whether there is more, to be deleted by the next
    one. Only the first part may find the instance missing, and is audited.
    """

    title = "failed to delete process instance"
    partition: date
    id: int
    worker_id: str
    is_first: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteEndedInstances(Command[bool]):
    """Deletes a part of the instances of a process that have been ended for longer than it is kept; whether there may
    be more.
    """

    title = "failed to delete ended process instances"
    of_engine = True
    bpmn_process_id: str
    retention_days: int


def delete_process_instance(ctx: Context, cmd: DeleteProcessInstance) -> bool:
    found = ctx.tx.lock_instance("process_instance", cmd.partition, cmd.id)
    name = f"process instance {cmd.partition}/{cmd.id}"
    if found is None:
        if cmd.is_first:
            raise not_found(name)
        # Another one has finished it.
        return False
    instance = found.snapshot.instance
    if instance.root_id:
        root = f"{instance.partition}/{instance.root_id}"
        raise conflict(f"{name} was called, and is deleted together with process instance {root}")
    if not instance.state.ended:
        raise conflict(f"{name} is not ended, but {instance.state}")
    if ctx.tx.removal.has_active(cmd.partition, cmd.id):
        raise conflict(f"{name} has called an instance that is not ended")
    return not ctx.tx.removal.delete_some(cmd.partition, [cmd.id])


def delete_ended_instances(ctx: Context, cmd: DeleteEndedInstances) -> bool:
    """Those of one day at a time; a tree in which something has not ended is left out."""
    try:
        until = ctx.clock() - timedelta(days=cmd.retention_days)
    except OverflowError:
        # Before the calendar begins.
        return False
    found = ctx.tx.removal.lock_ended(cmd.bpmn_process_id, until)
    if not found:
        return False
    day = found[0][0]
    roots = [id for partition, id in found if partition == day]
    ctx.tx.removal.delete_some(day, roots)
    return True
