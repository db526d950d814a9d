"""What is noted of commands that operators give."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, select

from app.store.dialect import Kind, Op, Row
from app.store.tables import AuditRow, table

AUDIT = table(AuditRow)
PURGED_AT_ONCE = 1000

_OLD = AUDIT.c.time < bindparam("until", type_=AUDIT.c.time.type)
_SOME_OLD = select(AUDIT.c.id).where(_OLD).order_by(AUDIT.c.time).limit(PURGED_AT_ONCE)
PURGE = delete(AUDIT).where(AUDIT.c.id.in_(_SOME_OLD)).returning(AUDIT.c.id)
"""Deletes some that are older than `until`, the oldest first."""
NOTE = Op("audit", Kind.INSERT, AUDIT, columns=tuple(column.name for column in AUDIT.c if column is not AUDIT.c.id))


@dataclass(slots=True, kw_only=True)
class AuditEntry:
    """Who has done what; `detail` has ids and names, never the value of a variable."""

    id: int | None = None
    time: datetime
    actor: str | None = None
    credential: str | None = None
    role: str
    operation: str
    partition: date | None = None
    process_instance_id: int | None = None
    bpmn_process_id: str | None = None
    target: str | None = None
    detail: dict[str, Any] | None = field(default=None)
    reason: str | None = None
    request_id: str | None = None


_NAMES = tuple(column.name for column in AUDIT.c)


def read_entry(row: Row) -> AuditEntry:
    return AuditEntry(**dict(zip(_NAMES, row, strict=True)))


def row_of_entry(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _NAMES}
