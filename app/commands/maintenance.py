"""The engine's own upkeep, by tasks that belong to no process: days come and go, messages and signals are purged.

Days are provided for some days ahead, and detached after some days of retention. Each of these tasks looks at what
there is instead of leaving the next step to a chain of tasks, so that nothing is lost after downtime, a jump in time
or a failure. A task waits in the partition of the day that it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from app.commands.base import Command
from app.commands.context import Context
from app.engine.changes import Changes
from app.engine.payload import Payload, parse_payload
from app.engine.records import Task
from app.engine.types import TaskType, WorkState

DETACH_AT = timedelta(minutes=5)
"""Time of day: those who created instances around midnight are done by then."""

_KEY = "maintenance"
"""Guards the set of management tasks: of those who look for a task that is missing, one adds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare(Command[None]):
    """Provides the days to come and the management tasks, as far as they are missing."""

    title = "failed to prepare the days to come"
    of_engine = True


def prepare(ctx: Context, cmd: Prepare) -> None:
    changes = Changes()
    lock_upkeep(ctx)
    provide(ctx, changes, ctx.now)
    ctx.tx.save(changes)


def lock_upkeep(ctx: Context) -> None:
    """Keeps others from looking for what is missing; comes before `provide`."""
    ctx.tx.lock_key(_KEY)


def provide(ctx: Context, changes: Changes, now: datetime) -> None:
    """Provides what has to be there at engine time `now`, which a command may be about to set."""
    _reconcile(ctx, changes, now)
    last = now.date() + timedelta(days=min(ctx.config.partition_ahead_days, _days_left(now.date())))
    for type in (TaskType.PURGE_MESSAGES, TaskType.PURGE_SIGNALS):
        _purge_on(ctx, changes, now, type, last)


def _reconcile(ctx: Context, changes: Changes, now: datetime, running: Task | None = None) -> set[date]:
    """Creates missing days, and the tasks that create the next one and detach days; `running` is one of them.

    Returns the days that were missing.
    """
    if not ctx.tx.maintenance.creates_days and ctx.config.partition_retention_days is None:
        return set()
    today, ahead = now.date(), ctx.config.partition_ahead_days
    wanted = {today + timedelta(days=days) for days in range(min(ahead, _days_left(today)) + 1)}
    attached = ctx.tx.maintenance.attached_days()
    ctx.tx.maintenance.create_days(wanted)
    if ahead < _days_left(today):
        _plan(ctx, changes, now, attached | wanted, _planned(ctx, changes, running))
    return wanted - attached


def _plan(
    ctx: Context, changes: Changes, now: datetime, days: set[date], planned: set[tuple[TaskType, date | None]]
) -> None:
    """Adds what is not planned: a task that creates the next day, and one for each of `days` that is to be detached."""
    today, ahead, retention = now.date(), ctx.config.partition_ahead_days, ctx.config.partition_retention_days
    tomorrow, following = today + timedelta(days=1), today + timedelta(days=ahead + 1)
    if (TaskType.CREATE_PARTITION, following) not in planned:
        _insert(ctx, changes, now, TaskType.CREATE_PARTITION, tomorrow, _start_of(tomorrow), following)
    if retention is None:
        return
    for day in sorted(days):
        # Sooner, the day that it is due might not exist.
        is_near = (today - day).days >= retention - ahead
        if is_near and (TaskType.DETACH_PARTITION, day) not in planned:
            at = max(today, day + timedelta(days=retention))
            _insert(ctx, changes, now, TaskType.DETACH_PARTITION, at, _start_of(at) + DETACH_AT, day)


def _planned(ctx: Context, changes: Changes, running: Task | None) -> set[tuple[TaskType, date | None]]:
    """What tasks, stored or about to be, will do to which day."""
    tasks: list[Task] = [*ctx.tx.maintenance.load_unfinished(), *changes.new.get(Task, [])]
    key = (running.partition, running.id) if running else None
    return {(task.type, _day_of(task)) for task in tasks if (task.partition, task.id) != key}


def create_partition(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """CANCELED when the day exists, or is past; either way there is a task for the next one."""
    ctx.tx.lock_key(_KEY)
    created = _reconcile(ctx, changes, ctx.now, task)
    return WorkState.DONE if _day_of(task) in created else WorkState.CANCELED


def detach_partition(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """Tries again tomorrow when the day is still attached. CANCELED when the day is to be kept."""
    day = _day_of(task)
    assert day is not None
    ctx.tx.lock_key(_KEY)
    state = WorkState.CANCELED
    if _is_over(ctx, day, ctx.now):
        state = WorkState.DONE
        if day in ctx.tx.maintenance.attached_days():
            _detach_tomorrow(ctx, changes, day)
        elif ctx.config.drop_partition_enabled:
            _insert(ctx, changes, ctx.now, TaskType.DROP_PARTITION, ctx.now.date(), ctx.now, day)
    _reconcile(ctx, changes, ctx.now, task)
    return state


def drop_partition(ctx: Context, changes: Changes, task: Task) -> WorkState:
    """CANCELED when days are to be kept."""
    if not ctx.config.drop_partition_enabled:
        return WorkState.CANCELED
    # A day that could not be dropped is attached again, and needs a task that detaches it.
    ctx.tx.lock_key(_KEY)
    _reconcile(ctx, changes, ctx.now, task)
    return WorkState.DONE


def purge(ctx: Context, changes: Changes, task: Task) -> WorkState:
    ctx.tx.lock_key(_KEY)
    today = ctx.now.date()
    if _days_left(today):
        _purge_on(ctx, changes, ctx.now, task.type, today + timedelta(days=1))
    return WorkState.DONE


def _detach(ctx: Context, task: Task) -> None:
    day = _day_of(task)
    now = ctx.clock()
    if day and _is_over(ctx, day, now) and not ctx.tx.maintenance.keeps(day, now):
        ctx.tx.maintenance.detach_day(day)


def _drop(ctx: Context, task: Task) -> None:
    day = _day_of(task)
    if day and ctx.config.drop_partition_enabled:
        ctx.tx.maintenance.drop_day(day)


def _purge_messages(ctx: Context, task: Task) -> None:
    try:
        keyed_until = task.due_at - timedelta(seconds=ctx.config.message_unique_retention)
    except OverflowError:
        keyed_until = datetime.min
    ctx.tx.maintenance.purge_messages(task.due_at, keyed_until)


def _purge_signals(ctx: Context, task: Task) -> None:
    ctx.tx.maintenance.purge_signals()


BEFOREHAND: Mapping[TaskType, Callable[[Context, Task], None]] = {
    TaskType.DETACH_PARTITION: _detach,
    TaskType.DROP_PARTITION: _drop,
    TaskType.PURGE_MESSAGES: _purge_messages,
    TaskType.PURGE_SIGNALS: _purge_signals,
}
"""What is done before the transaction that records the task as executed, because it can be no part of it or takes too
long. When the process is killed in between, the task is not executed yet, and doing it again does no harm."""


def _is_over(ctx: Context, day: date, now: datetime) -> bool:
    """Whether the day is past its retention, as it is configured now."""
    retention = ctx.config.partition_retention_days
    return retention is not None and (now.date() - day).days >= retention


def _detach_tomorrow(ctx: Context, changes: Changes, day: date) -> None:
    """The older the day, the later, so that days that stay open do not all come at once."""
    today = ctx.now.date()
    try:
        due = _start_of(today) + timedelta(days=1, minutes=(today - day).days) + DETACH_AT
    except OverflowError:
        # The calendar has no tomorrow.
        return
    _insert(ctx, changes, ctx.now, TaskType.DETACH_PARTITION, today, due, day)


def _purge_on(ctx: Context, changes: Changes, now: datetime, type: TaskType, day: date) -> None:
    if not ctx.tx.maintenance.has_task(type, day):
        _insert(ctx, changes, now, type, day, _start_of(day))


def _insert(
    ctx: Context,
    changes: Changes,
    now: datetime,
    type: TaskType,
    partition: date,
    due_at: datetime,
    day: date | None = None,
) -> None:
    changes.schedule(
        Task(
            partition=partition,
            created_at=now,
            created_by=ctx.engine_id,
            due_at=due_at,
            serialized_task=Payload(partition=day).serialize(),
            type=type,
        ),
    )


def _day_of(task: Task) -> date | None:
    return parse_payload(task.serialized_task).partition


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time())


def _days_left(day: date) -> int:
    """Until the end of the calendar."""
    return (date.max - day).days
