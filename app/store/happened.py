"""What those who wait ask for, many at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select, text

from app.store.dialect import Dialect, Execution, Session
from app.store.load import DAY, PI
from app.store.sql import SIGNALS, J, T
from app.store.tables import UNCLAIMED_JOB

Asked = tuple[str, date | None, int]
"""`instance` or `task` with its day and id, or `signal` with its id."""

SIGNAL_OUTSTANDING = select(SIGNALS.c.id).where(SIGNALS.c.id == bindparam("id"), SIGNALS.c.active_subscriber_count > 0)


class Outstanding:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._open: dict[str, Select[Any]] = {
            "instance": select(PI.c.id).where(
                PI.c.partition == DAY, dialect.any_of(PI.c.id, "ids"), PI.c.ended_at.is_(None)
            ),
            "task": select(T.c.id).where(
                T.c.partition == DAY, dialect.any_of(T.c.id, "ids"), T.c.completed_at.is_(None)
            ),
        }
        days = dialect.days(J).subquery("days")
        due = select(func.min(J.c.due_at)).where(
            text(UNCLAIMED_JOB),
            J.c.partition == days.c.partition,
            J.c.due_at > bindparam("now", type_=J.c.due_at.type),
        )
        self._next_job = select(func.min(due.scalar_subquery())).select_from(days)

    def find(self, session: Session, asked: Collection[Asked]) -> set[Asked]:
        """Those that have not happened yet."""
        by_day: dict[tuple[str, date], list[int]] = defaultdict(list)
        signals = []
        for kind, day, id in asked:
            if day is None:
                signals.append(id)
            else:
                by_day[kind, day].append(id)
        executions = [
            Execution(self._open[kind], {"day": day, "ids": ids}, day=day) for (kind, day), ids in by_day.items()
        ]
        executions += [Execution(SIGNAL_OUTSTANDING, {"id": id}) for id in signals]
        if not executions:
            return set()
        results = iter(session.run(*executions))
        found: set[Asked] = {(kind, day, row[0]) for kind, day in by_day for row in next(results)}
        return found | {("signal", None, row[0]) for rows in results for row in rows}

    def next_job(self, session: Session, now: datetime) -> datetime | None:
        """When the next job becomes due that nobody has locked, of those that are not due at `now`."""
        (rows,) = session.run(Execution(self._next_job, {"now": now}))
        found: datetime | None = rows[0][0]
        return found
