"""Resolving incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.commands.base import Audited
from app.commands.context import Context
from app.commands.job import retry_job
from app.commands.runner import retry_task
from app.engine.changes import Changes
from app.engine.records import Incident
from app.errors import bug, conflict, not_found
from app.store.load import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveIncident(Audited[None]):
    title = "failed to resolve incident"
    partition: date
    id: int
    worker_id: str
    retry_timer: str = ""
    """ISO 8601 duration."""


def resolve_incident(ctx: Context, cmd: ResolveIncident) -> None:
    """The failed job or task gets a successor with a retry count of 0."""
    found = ctx.tx.lock_instance("incident", cmd.partition, cmd.id)
    incident: Incident | None = found.row if found else ctx.tx.lock_incident(cmd.partition, cmd.id)
    if incident is None:
        raise not_found(f"incident {cmd.partition}/{cmd.id}")
    if incident.resolved_at is not None:
        raise conflict(f"incident {cmd.partition}/{cmd.id} is resolved")
    changes = Changes()
    _retry(ctx, changes, incident, found.snapshot if found else None, cmd.worker_id, ctx.after(cmd.retry_timer))
    incident.resolved_at = ctx.now
    incident.resolved_by = cmd.worker_id
    changes.update(incident)
    ctx.tx.save(changes)


def _retry(
    ctx: Context, changes: Changes, incident: Incident, snapshot: Snapshot | None, actor: str, due: datetime
) -> None:
    token = snapshot.addressed(incident.element_instance_id) if snapshot and incident.element_instance_id else None
    detached = token.state.ended if token else bool(snapshot and snapshot.instance.state.ended)
    if incident.job_id is not None:
        job = ctx.tx.find_job(incident.partition, incident.job_id)
        if job is None:
            raise bug(f"job {incident.partition}/{incident.job_id} could not be found")
        retry = changes.insert(retry_job(job, actor, ctx.now, due))
        retry.detached = detached
        return
    assert incident.task_id is not None
    task = ctx.tx.find_task(incident.partition, incident.task_id)
    if task is None:
        raise bug(f"task {incident.partition}/{incident.task_id} could not be found")
    again = changes.schedule(retry_task(task, actor, ctx.now, due))
    again.detached = detached
    if token:
        again.element_instance_id = token.id
