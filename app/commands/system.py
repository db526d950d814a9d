"""Moving engine time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.commands.base import Audited
from app.commands.context import Context
from app.commands.maintenance import lock_upkeep, provide
from app.engine.changes import Changes
from app.errors import conflict, invalid
from app.timer import Timer, TimerError, first_due


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTime:
    new_time: datetime
    old_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTime(Audited[EngineTime]):
    title = "failed to set time"
    timer: Timer
    """A `Timer()` without any field when nothing was specified."""


def set_time(ctx: Context, cmd: SetTime) -> EngineTime:
    """Moves engine time forward for good; it goes on from there. What becomes due is left to the tasks."""
    offset = ctx.tx.lock_clock_offset()
    lock_upkeep(ctx)
    try:
        new = first_due(cmd.timer, ctx.now)
    except TimerError as error:
        raise invalid(str(error)) from error
    if new < ctx.now:
        # Whole seconds suffice, unless the two times differ by less.
        raise conflict(f"time {_seconds(new)} is before engine time {_seconds(ctx.now)}")
    changes = Changes()
    changes.clock_offset_ms = (offset + (new - ctx.now)) // timedelta(milliseconds=1)
    provide(ctx, changes, new)
    ctx.tx.save(changes)
    return EngineTime(new_time=new, old_time=ctx.now)


def _seconds(time: datetime) -> str:
    return time.isoformat(timespec="seconds") + "Z"
