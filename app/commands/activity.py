"""Selecting activities of ad-hoc sub-processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.commands.base import Audited
from app.commands.context import Context
from app.commands.delivery import finish_walk
from app.commands.needs import load, walk_as_needed
from app.commands.queue import foresee_end
from app.engine.changes import Changes
from app.engine.needs import Need
from app.errors import conflict, not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectActivities(Audited[None]):
    """Starts activities of an ad-hoc sub-process; a job that asks for that stays open."""

    title = "failed to select activities"
    partition: date
    id: int
    """Of the element instance."""
    activities: tuple[str, ...]
    worker_id: str


def select_activities(ctx: Context, cmd: SelectActivities) -> None:
    walk_as_needed(ctx, lambda missed: _select(ctx, cmd, missed))


def _select(ctx: Context, cmd: SelectActivities, missed: list[Need[Any]]) -> None:
    found = ctx.tx.lock_instance("element_instance", cmd.partition, cmd.id, whole=True)
    if found is None:
        raise not_found(f"element instance {cmd.partition}/{cmd.id}")
    instance = found.snapshot.instance
    if instance.state.ended:
        raise conflict(f"process instance {instance.partition}/{instance.id} is ended")
    token = found.snapshot.token(cmd.id)
    if token.state.ended:
        raise conflict(f"element instance {cmd.partition}/{cmd.id} is ended")
    foresee_end(ctx, found.snapshot, token)
    changes = Changes()
    known = load(ctx, changes, missed, found.snapshot)
    ctx.run(found.snapshot, cmd.worker_id, changes, known).select_activities(token, cmd.activities)
    finish_walk(ctx, changes, cmd.worker_id)
    ctx.tx.save(changes)
