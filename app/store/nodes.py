"""The rows in which service processes tell each other that they are there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import Executable, delete, select

from app.store.dialect import Kind, Op, Write
from app.store.tables import NodeRow, table

NODE = table(NodeRow)
ALIVE = timedelta(seconds=30)
"""A process that was not seen for longer is taken for dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One service process. Times are those of the clock that all processes agree on, without what was set on top."""

    id: int
    """Made up when the process has started."""
    engine_id: str
    host: str
    pid: int
    version: str
    """Of py-bpmn."""
    executor: bool
    """Whether it is to execute due tasks."""
    executor_seen: datetime | None
    """When it last looked for due tasks."""
    started_at: datetime
    last_seen: datetime
    waits_since: datetime | None
    """Since when requests wait in it for what others may do; None while none does."""


_COLUMNS = tuple(field.name for field in fields(Node))
_PUT = Op("nodes", Kind.UPSERT, NODE, key=("id",), columns=tuple(name for name in _COLUMNS if name != "id"))
_FORGET = Op("gone_nodes", Kind.DELETE, NODE, key=("id",))

ALL = select(*(NODE.c[name] for name in _COLUMNS)).order_by(NODE.c.started_at, NODE.c.id)


def alive(nodes: Iterable[Node], clock: datetime) -> list[Node]:
    """Those that were seen lately, by the clock that they write by."""
    return [node for node in nodes if clock - node.last_seen <= ALIVE]


def one(id: int) -> Executable:
    """The statement that deletes the row of one process."""
    return delete(NODE).where(NODE.c.id == id)


def writes(node: Node, gone: Iterable[Node]) -> list[Write]:
    """The row of `node`, and the end of those of others."""
    found = [Write(_PUT, [asdict(node)])]
    if ids := [{"id": each.id} for each in gone]:
        found.append(Write(_FORGET, [*ids]))
    return found
