"""The results of commands that came with an Idempotency-Key: what is kept of them, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import bindparam, delete, func, literal_column, select

from app.store.dialect import Kind, Op, Row, Write
from app.store.tables import IdempotencyRow, table

IDEMPOTENCY = table(IdempotencyRow)
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of one command of a request."""

    key: str
    """Digest of the key, of who has sent it, and of the operation."""
    place: int
    """Of the command in the request."""
    request: str
    """Digest of the request, in which all places of a key agree."""
    result: str
    """JSON, or its cipher text where `encrypted`."""
    encrypted: bool
    created_at: datetime


_COLUMNS = tuple(field.name for field in fields(Kept))
_KEEP = Op("kept_results", Kind.INSERT, IDEMPOTENCY)

OF_KEY = select(*(IDEMPOTENCY.c[name] for name in _COLUMNS)).where(IDEMPOTENCY.c.key == bindparam("key"))

_SINCE = bindparam("since", type_=IDEMPOTENCY.c.created_at.type)
_OLDEST = (
    select(IDEMPOTENCY.c.created_at)
    .where(IDEMPOTENCY.c.created_at < _SINCE)
    .order_by(IDEMPOTENCY.c.created_at)
    .limit(literal_column(str(FORGOTTEN_AT_ONCE)))
    .subquery()
)
LAST_OF_OLDEST = select(func.max(_OLDEST.c.created_at), func.count()).select_from(_OLDEST)
FORGET = delete(IDEMPOTENCY).where(IDEMPOTENCY.c.created_at <= bindparam("last", type_=IDEMPOTENCY.c.created_at.type))


def read(row: Row) -> Kept:
    return Kept(**dict(zip(_COLUMNS, row, strict=True)))


def write(kept: Iterable[Kept]) -> Write:
    return Write(_KEEP, [{name: getattr(each, name) for name in _COLUMNS} for each in kept])
