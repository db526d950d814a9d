"""Variables that are set without moving anything: events may wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.commands.context import Context
from app.commands.needs import load
from app.engine.changes import Changes
from app.engine.needs import Need
from app.store.load import Snapshot


def watched_variables(
    ctx: Context, changes: Changes, missed: list[Need[Any]], snapshot: Snapshot
) -> Mapping[Need[Any], Any]:
    """What the conditions of events have to know, if there are any in the process."""
    return load(ctx, changes, missed, snapshot) if snapshot.graph.watched_names else {}


def look_at_conditions(
    ctx: Context, changes: Changes, known: Mapping[Need[Any], Any], snapshot: Snapshot, actor: str
) -> None:
    """Has events happen whose condition has become true by what `changes` set. Raises Missing."""
    if snapshot.graph.watched_names and not snapshot.instance.state.ended:
        ctx.run(snapshot, actor, changes, known).drain()
