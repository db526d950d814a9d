"""What management tasks do to whole days and to messages and signals that are used up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, Table, bindparam, exists, or_, select, text, union_all

from app.engine.records import Task
from app.engine.types import TaskType
from app.store import rows as r
from app.store.dialect import Dialect, Execution, Kind, Op, Row, Session, Write
from app.store.load import DAY, PI
from app.store.query import MESSAGE
from app.store.settings import Settings
from app.store.sql import INCIDENTS, MV, SIGNALS, SV, T
from app.store.tables import ENDED_ROOT, PARTITIONED

PURGED_AT_ONCE = 1000
"""Messages or signals of one transaction: others should not wait for long."""

DETACHED_FIRST = tuple(sorted(PARTITIONED, key=lambda table: table is not INCIDENTS))
"""The tables in the order in which a day goes. Resolving an incident is all that can bring work into a finished day."""

OPEN_WORK = select(
    exists().where(PI.c.partition == DAY, PI.c.ended_at.is_(None))
    | exists().where(T.c.partition == DAY, T.c.completed_at.is_(None))
    | exists().where(
        INCIDENTS.c.partition == DAY,
        INCIDENTS.c.process_instance_id.is_(None),
        INCIDENTS.c.resolved_at.is_(None),
    )
)
"""Whether a day has an instance that has not ended, a task that was not executed, or an incident of such a task.

An incident of an instance is no reason: once the instance has ended, resolving it changes nothing.
"""

KEPT = select(
    exists().where(
        text(ENDED_ROOT),
        PI.c.partition == DAY,
        PI.c.bpmn_process_id == bindparam("bpmn_process_id", type_=PI.c.bpmn_process_id.type),
        PI.c.ended_at >= bindparam("since", type_=PI.c.ended_at.type),
    )
)
"""Whether a day has a root of the process that has ended since then."""

_ABOUT_DAYS = or_(*(T.c.type == type.value for type in (TaskType.CREATE_PARTITION, TaskType.DETACH_PARTITION)))
# Together the same as `completed_at IS NULL`, but each has an index of its own.
UNFINISHED = union_all(
    *(
        select(*T.c).where(claimed, T.c.completed_at.is_(None), _ABOUT_DAYS)
        for claimed in (T.c.locked_by.is_(None), T.c.locked_by.is_not(None))
    )
)
TASK_OF_TYPE = select(T.c.id).where(T.c.partition == DAY, T.c.type == bindparam("type")).limit(1)

_TIME = MESSAGE.c.expires_at.type
EXPIRED = MESSAGE.c.expires_at.between(bindparam("since", type_=_TIME), bindparam("until", type_=_TIME))
_KEY_IS_OVER = MESSAGE.c.unique_key.is_(None) | (MESSAGE.c.expires_at <= bindparam("keyed_until", type_=_TIME))
DELIVERED = SIGNALS.c.active_subscriber_count <= 0


def _some(of: Table, *conditions: Any) -> Select[Any]:
    return select(of.c.id).where(*conditions).limit(PURGED_AT_ONCE).with_for_update(skip_locked=True)


SOME_EXPIRED = _some(MESSAGE, EXPIRED, _KEY_IS_OVER).add_columns(MESSAGE.c.expires_at).order_by(MESSAGE.c.expires_at)
SOME_DELIVERED = _some(SIGNALS, DELIVERED)
PURGE_MESSAGES = (
    Op("purged_messages", Kind.DELETE, MESSAGE, key=("id",)),
    Op("purged_message_variables", Kind.DELETE, MV, key=("owner_id",)),
)
PURGE_SIGNALS = (
    Op("purged_signals", Kind.DELETE, SIGNALS, key=("id",)),
    Op("purged_signal_variables", Kind.DELETE, SV, key=("owner_id",)),
)


def _days_before(now: datetime, days: int) -> datetime:
    try:
        return now - timedelta(days=days)
    except OverflowError:
        # The calendar begins here.
        return datetime.min


class Maintenance:
    """The part of a transaction that is for management tasks.

    What a docstring calls "at once" is no part of the transaction, and must come before it is opened. It may be
    done again after it was interrupted.
    """

    def __init__(self, session: Session, dialect: Dialect, ensure_days: Callable[[Iterable[date]], None]) -> None:
        self._session = session
        self._dialect = dialect
        self.create_days = ensure_days
        """Makes sure that days can be written to; in or before a transaction, but no part of it."""

    @property
    def creates_days(self) -> bool:
        """Whether a day has to be created before it can be written to."""
        return self._dialect.creates_days

    def attached_days(self) -> set[date]:
        """The days that hold data, or could, and that queries see."""
        return self._dialect.attached_days(self._session)

    def detach_day(self, day: date) -> None:
        """Takes a day away from queries, at once. A day with open work, or one that is in use, stays attached."""
        self._dialect.detach_day(self._session, day)

    def keeps(self, day: date, now: datetime) -> bool:
        """Whether the day has an ended instance whose process says that it is to be kept for longer."""
        retentions = Settings(self._session, self._dialect).retentions()
        executions = [
            Execution(KEPT, {"day": day, "bpmn_process_id": bpmn_process_id, "since": _days_before(now, days)}, day=day)
            for bpmn_process_id, days in retentions
        ]
        return any(rows[0][0] for rows in self._session.run(*executions)) if executions else False

    def drop_day(self, day: date) -> None:
        """Deletes a detached day for good, at once. A day that has got open work is attached again instead."""
        self._dialect.drop_day(self._session, day)

    def load_unfinished(self) -> list[Task]:
        """The tasks that are to create or detach days."""
        return [r.read_task(row) for row in self._all(UNFINISHED)]

    def has_task(self, type: TaskType, day: date) -> bool:
        """Whether there is a task of the type in the partition, executed or not."""
        return bool(self._all(TASK_OF_TYPE, type=type.value, day=day))

    def purge_messages(self, until: datetime, keyed_until: datetime) -> None:
        """Deletes messages that had expired by then, those with unique keys by `keyed_until`, at once.

        Their variables go with them.
        """

        def find(last: Row | None) -> Execution:
            # Those that are kept are passed by once, not each time.
            since = last[1] if last else datetime.min
            return Execution(SOME_EXPIRED, {"since": since, "until": until, "keyed_until": keyed_until})

        self._purge(find, *PURGE_MESSAGES)

    def purge_signals(self) -> None:
        """Deletes signals that have reached all their subscribers, with their variables, at once."""
        self._purge(lambda _: Execution(SOME_DELIVERED), *PURGE_SIGNALS)

    def _purge(self, find: Callable[[Row | None], Execution], delete: Op, delete_variables: Op) -> None:
        """`find` is told the last row that was found before."""
        last: Row | None = None
        found = PURGED_AT_ONCE
        while found == PURGED_AT_ONCE:
            self._session.begin()
            (rows,) = self._session.run(find(last))
            found = len(rows)
            last = rows[-1] if rows else None
            writes = [
                Write(delete, [{"id": row[0]} for row in rows]),
                Write(delete_variables, [{"owner_id": row[0]} for row in rows]),
            ]
            self._session.commit(*(self._dialect.writes(writes) if rows else ()))

    def _all(self, statement: Any, **parameters: Any) -> list[Row]:
        (rows,) = self._session.run(Execution(statement, parameters))
        return rows
