"""What is to be known to tell whether the system is well: counts, ages and sizes, read in one round trip.

What is counted goes by the indexes of open work, day by day, and no further than a bound on each day.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, String, Table, bindparam, case, column, func, literal_column, select, text

from app.store.dialect import Dialect, Execution, Row, Session
from app.store.load import DAY
from app.store.query import PROCESS
from app.store.sql import CLOCK_OFFSET, INCIDENTS, J, T, V
from app.store.tables import CLAIMED_JOB, UNCLAIMED_JOB, UNCLAIMED_TASK, ProcessInstanceRow, table

MOST_COUNTED = 100_000
"""Due jobs or tasks of one day; where there are more, that many are told."""
OPEN_INCIDENT = "resolved_at IS NULL"
_PI = table(ProcessInstanceRow)
_TIME = J.c.due_at.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work that has been due for some time, and nobody has taken."""

    count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a SQLite database, and the disk that they are on; bytes."""

    path: str
    size: int
    wal: int
    free: int
    disk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of the system at one time. Times are engine times."""

    jobs_due: Waiting = Waiting()
    tasks_overdue: Waiting = Waiting()
    jobs_locked: int = 0
    locked_without_lease: Waiting = Waiting()
    """Jobs that have been locked for longer than was asked for, and come back only when they are unlocked."""
    ended_leases: int = 0
    """Jobs whose lease has ended some time ago, and that nobody has given back."""
    active: Mapping[str, int] = field(default_factory=dict)
    """Instances that have not ended, by BPMN process id."""
    incidents: Mapping[str, int] = field(default_factory=dict)
    """Those that are open, by BPMN process id; an empty one where they belong to no process."""
    offset_ms: int = 0
    """How far engine time was moved ahead."""
    revision: str = ""
    """Of the schema."""
    days: tuple[date, ...] | None = None
    """Those that are attached; None where there are no partitions."""
    detached_days: int = 0
    database_time: datetime | None = None
    """UTC by the clock of the database's machine; None where it is this one."""
    files: Files | None = None


class FactStatements:
    """The statements of one dialect, built once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._calls = (
            _since(dialect, J, UNCLAIMED_JOB, "jobs_due_until"),
            _since(dialect, T, UNCLAIMED_TASK, "tasks_due_until"),
            _LOCKED,
            _ACTIVE,
            _OPEN_INCIDENTS,
            CLOCK_OFFSET,
            _REVISION,
            *(_OF_DAYS if dialect.creates_days else ()),
        )

    @property
    def statements(self) -> Sequence[Select[Any]]:
        return self._calls

    def read_encrypted(self, session: Session, days: Sequence[date]) -> list[str]:
        """Some of the newest encrypted values of variables of these days, as they are stored."""
        found = session.run(*(Execution(_ENCRYPTED, {"day": day}) for day in days))
        return [row[0] for rows in found for row in rows]

    def read(
        self, session: Session, *, jobs_due_until: datetime, tasks_due_until: datetime, locked_until: datetime
    ) -> Facts:
        """`..._until` are the latest times at which work must have become due, or must have been locked, to count."""
        given = {"jobs_due_until": jobs_due_until, "tasks_due_until": tasks_due_until, "locked_before": locked_until}
        jobs, tasks, locked, active, incidents, offset, revision, *days = session.run(
            *(Execution(each, given) for each in self._calls)
        )
        count, lost, lost_since, ended = locked[0]
        return Facts(
            jobs_due=_waiting(jobs),
            tasks_overdue=_waiting(tasks),
            jobs_locked=count,
            locked_without_lease=Waiting(count=lost or 0, since=lost_since),
            ended_leases=ended or 0,
            active={row[0]: row[1] for row in active},
            incidents={row[0] or "": int(row[1]) for row in incidents},
            offset_ms=offset[0][0] if offset else 0,
            revision=revision[0][0] if revision else "",
            days=tuple(sorted(row[0] for row in days[0])) if days else None,
            detached_days=days[1][0][0] if days else 0,
            database_time=days[2][0][0] if days else None,
            files=None if self._dialect.creates_days else _files(session.connection),
        )


def _waiting(rows: Iterable[Row]) -> Waiting:
    ((count, since),) = rows
    return Waiting(count=int(count or 0), since=since)


def _since(dialect: Dialect, of: Table, unclaimed: str, until: str) -> Select[Any]:
    """How many are due, and since when the first one is."""
    days = dialect.days(of).subquery("days")
    conditions = (text(unclaimed), of.c.partition == days.c.partition, of.c.due_at <= bindparam(until, type_=_TIME))
    some: Select[Any] = (
        select(literal_column("1").label("one")).where(*conditions).limit(literal_column(str(MOST_COUNTED)))
    )
    count = select(func.count()).select_from(some.correlate(days).subquery("some")).scalar_subquery()
    first = select(func.min(of.c.due_at)).where(*conditions).correlate(days).scalar_subquery()
    return select(func.sum(count.correlate(days)), func.min(first)).select_from(days)


_IS_LONG = J.c.locked_until.is_(None) & (J.c.locked_at <= bindparam("locked_before", type_=_TIME))
_HAS_ENDED = J.c.locked_until <= bindparam("tasks_due_until", type_=_TIME)
_LOCKED = select(
    func.count(),
    func.sum(case((_IS_LONG, 1), else_=0)),
    func.min(case((_IS_LONG, J.c.locked_at))),
    func.sum(case((_HAS_ENDED, 1), else_=0)),
).where(text(CLAIMED_JOB))
_ACTIVE = select(_PI.c.bpmn_process_id, func.count()).where(_PI.c.ended_at.is_(None)).group_by(_PI.c.bpmn_process_id)
_BY_VERSION = (
    select(INCIDENTS.c.process_id, func.count().label("n"))
    .where(text(OPEN_INCIDENT))
    .group_by(INCIDENTS.c.process_id)
    .subquery("by_version")
)
_OPEN_INCIDENTS = (
    select(PROCESS.c.bpmn_process_id, func.sum(_BY_VERSION.c.n))
    .select_from(_BY_VERSION.outerjoin(PROCESS, PROCESS.c.id == _BY_VERSION.c.process_id))
    .group_by(PROCESS.c.bpmn_process_id)
)
_NEWEST = (
    select(V.c.value, V.c.encrypted).where(V.c.partition == DAY).order_by(V.c.id.desc()).limit(literal_column("500"))
).subquery("newest")
_ENCRYPTED = select(_NEWEST.c.value).where(_NEWEST.c.encrypted).limit(literal_column("20"))
_REVISION = select(column("version_num", String)).select_from(text("alembic_version"))
_OF_DAYS: tuple[Any, ...] = (
    text("SELECT partition FROM partition_day"),
    text(
        """SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ '^process_instance_[0-9]{8}$'
        AND pg_table_is_visible(oid) AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)"""
    ),
    text("SELECT clock_timestamp() AT TIME ZONE 'UTC'"),
)


def _files(connection: Connection) -> Files | None:
    """None for a database without a file of its own."""
    path = next((row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"), "")
    if not path:
        return None
    disk = shutil.disk_usage(Path(path).parent)
    return Files(path=path, size=_size(path), wal=_size(f"{path}-wal"), free=disk.free, disk=disk.total)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
