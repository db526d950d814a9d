"""Locked snapshots of instances, and lookups by key.

A command that walks locks one row first and reads in later statements: a statement that waits for a lock and
joins other tables would see those as they were before the wait. The lock is the row of the root instance, so
an instance and everything it has called, directly or not, are walked by one command at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    CTE,
    Select,
    Table,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    null,
    select,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy.sql.selectable import CompoundSelect, ScalarSelect

from app.bpmn.model import ElementType
from app.engine.graph import Graph
from app.engine.records import ElementInstance, ProcessInstance
from app.store import rows as r
from app.store.dialect import Row
from app.store.tables import (
    HOSTED,
    TO_COMPENSATE,
    ElementInstanceRow,
    IncidentRow,
    JobRow,
    PartitionDayRow,
    ProcessInstanceRow,
    ProcessQueueRow,
    TaskRow,
    UserTaskRow,
    table,
)

PI = table(ProcessInstanceRow)
EI = table(ElementInstanceRow)
QUEUE = table(ProcessQueueRow)
PARTITION_DAY = table(PartitionDayRow)
FEW_ACTIVE = 8
"""Active element instances that are read all, rather than to find out which of them lie near."""
DAY = bindparam("day", type_=PI.c.partition.type)
ID = bindparam("id", type_=PI.c.id.type)

SOURCES: dict[str, Table] = {
    "job": table(JobRow),
    "task": table(TaskRow),
    "user_task": table(UserTaskRow),
    "incident": table(IncidentRow),
    "element_instance": EI,
    "process_instance": PI,
}
"""What an instance can be found by."""


def _by_key(source: Table, wanted: str) -> ScalarSelect[Any]:
    row = source.alias("row")
    return select(row.c[wanted]).where(row.c.partition == DAY, row.c.id == ID).scalar_subquery()


def _lock(source: Table) -> Select[Any]:
    """Locks the root of the instance that a row belongs to; the root of an instance never changes."""
    own = PI.alias("own")
    if source is PI:
        root = select(func.coalesce(own.c.root_id, own.c.id)).where(own.c.partition == DAY, own.c.id == ID)
    else:
        root = (
            select(func.coalesce(own.c.root_id, own.c.id))
            .select_from(source)
            .join(
                own,
                (own.c.partition == source.c.partition) & (own.c.id == source.c.process_instance_id),
            )
            .where(source.c.partition == DAY, source.c.id == ID)
        )
    return (
        select(PI.c.id).where(PI.c.partition == DAY, PI.c.id == root.scalar_subquery()).with_for_update(key_share=True)
    )


def _with_instance(source: Table) -> Select[Any]:
    """The row, its instance, and the limit on parallelism of its process."""
    parallelism = select(QUEUE.c.parallelism).where(QUEUE.c.bpmn_process_id == PI.c.bpmn_process_id).scalar_subquery()
    if source is PI:
        return select(*PI.c, parallelism).where(PI.c.partition == DAY, PI.c.id == ID)
    # Each by its own key: what PostgreSQL takes for small it would rather read as a whole than join by key.
    instance = _by_key(source, "process_instance_id")
    return (
        select(*source.c, *PI.c, parallelism)
        .join_from(source, PI, PI.c.partition == source.c.partition)
        .where(source.c.partition == DAY, source.c.id == ID, PI.c.id == instance)
    )


def _active(source: Table) -> CompoundSelect[Any]:
    """The row's own element instance, and all active ones of its instance; of more than FEW_ACTIVE there are none."""
    instance = EI.alias("instance")
    active = (
        instance.c.partition == DAY,
        instance.c.process_instance_id == _by_key(source, "process_instance_id"),
        instance.c.ended_at.is_(None),
    )
    first = select(instance.c.id).where(*active).limit(literal_column(str(FEW_ACTIVE + 1))).subquery("first")
    are_few = select(func.count()).select_from(first).scalar_subquery() <= literal_column(str(FEW_ACTIVE))
    ended = select(*EI.c).where(
        EI.c.partition == DAY, EI.c.id == _by_key(source, "element_instance_id"), EI.c.ended_at.is_not(None)
    )
    return union_all(select(*instance.c).where(*active, are_few), ended)


def _chain(source: Table) -> CTE:
    """The row's element instance and its scopes up to the process, which are of the same instance."""
    origin = ID if source is EI else _by_key(source, "element_instance_id")
    own = EI.alias("own")
    chain = (
        select(
            own.c.id,
            own.c.parent_id,
            own.c.host_id,
            own.c.element_id,
            own.c.process_instance_id,
            literal(0).label("depth"),
        )
        .where(own.c.partition == DAY, own.c.id == origin)
        .cte("chain", recursive=True)
    )
    scope = EI.alias("scope")
    return chain.union_all(
        select(
            scope.c.id,
            scope.c.parent_id,
            null().label("host_id"),
            scope.c.element_id,
            scope.c.process_instance_id,
            chain.c.depth + 1,
        ).where(
            scope.c.partition == DAY,
            scope.c.id == chain.c.parent_id,
            # In a form that no index fits: SQLite would make a filter of all there is, to look up the one by its key.
            (scope.c.process_instance_id == chain.c.process_instance_id).is_(true()),
        )
    )


def _near(source: Table, *, siblings: bool = False) -> CompoundSelect[Any]:
    """An element instance, its scopes up to the process, and the active events attached to any of these.

    Of an attached event its host is read too, with what else is attached there. `siblings` are the active
    visits of the same element in the same scope.
    """
    instance = _by_key(source, "process_instance_id")
    chain = _chain(source)
    host = EI.alias("host")
    hosts = (
        select(host.c.id)
        .select_from(host.join(chain, host.c.id == chain.c.host_id))
        .where(host.c.partition == DAY, host.c.ended_at.is_(None), chain.c.depth == 0)
    )
    base = select(chain.c.id.label("id")).union(hosts).cte("base")
    parts = [
        select(*EI.c).where(EI.c.partition == DAY, EI.c.id.in_(select(base.c.id))),
        select(*EI.c).where(
            EI.c.partition == DAY,
            EI.c.process_instance_id == instance,
            EI.c.host_id.in_(select(base.c.id)),
            text(HOSTED),
        ),
    ]
    if siblings:
        first = chain.alias("first")
        parts.append(
            select(*EI.c)
            .select_from(
                EI.join(first, (EI.c.parent_id == first.c.parent_id) & (EI.c.element_id == first.c.element_id))
            )
            .where(
                EI.c.partition == DAY,
                EI.c.process_instance_id == instance,
                EI.c.ended_at.is_(None),
                first.c.depth == 0,
            )
        )
    return union(*parts)


def _whole(source: Table) -> CompoundSelect[Any]:
    """All active element instances of the instance, and the one that the row is about."""
    own = _by_key(source, "id" if source is EI else "element_instance_id") if source is not PI else ID
    active = select(*EI.c).where(
        EI.c.partition == DAY,
        EI.c.process_instance_id == (ID if source is PI else _by_key(source, "process_instance_id")),
        EI.c.ended_at.is_(None),
    )
    if source is PI:
        return union(active, active)
    return union(active, select(*EI.c).where(EI.c.partition == DAY, EI.c.id == own))


LOCK = {name: _lock(source) for name, source in SOURCES.items()}
LOCK_OF_DAY = {name: LOCK[name].where(exists().where(PARTITION_DAY.c.partition == DAY)) for name in ("job", "task")}
"""The same in the tables of a day, which are there for some time after it was detached.

Only for what never brings work into a day that has none, and may be detached at any time.
"""
WITH_INSTANCE = {name: _with_instance(source) for name, source in SOURCES.items()}
ACTIVE = {name: _active(source) for name, source in SOURCES.items() if source not in (PI, EI)}
NEAR = {name: _near(source) for name, source in SOURCES.items() if source is not PI}
NEAR_WITH_SIBLINGS = _near(SOURCES["task"], siblings=True)
WHOLE = {name: _whole(source) for name, source in SOURCES.items()}

_ROOT = EI.alias("root")
CALLED_BY = (
    select(_ROOT.c.parent_id, *PI.c)
    .select_from(
        PI.join(
            _ROOT,
            (_ROOT.c.partition == PI.c.partition)
            & (_ROOT.c.process_instance_id == PI.c.id)
            & (_ROOT.c.bpmn_element_type == ElementType.PROCESS.value),
        )
    )
    .where(PI.c.partition == DAY, PI.c.parent_id == bindparam("parent"))
)
"""Called instances of an instance, each behind the id of its call activity's element instance."""
CALLED = CALLED_BY.where(PI.c.ended_at.is_(None))
"""Those that are active."""

COMPENSABLE = select(*EI.c).where(EI.c.partition == DAY, EI.c.process_instance_id == ID, text(TO_COMPENSATE))
"""What has completed in an instance and can be compensated."""

BELOW = (
    select(*PI.c)
    .where(PI.c.partition == DAY, PI.c.root_id == bindparam("root"), PI.c.ended_at.is_(None))
    .order_by(PI.c.id)
)


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """An instance as it is under its lock, with as many of its element instances as a walk needs."""

    instance: ProcessInstance
    graph: Graph
    tokens: list[ElementInstance]
    parallelism: int = 0
    """0 is without limit."""
    whole: bool = False
    called: dict[int, ProcessInstance] = field(default_factory=dict)
    completed: list[ElementInstance] = field(default_factory=list)
    """Of a whole one, those that have ended and can be compensated."""
    caller: Snapshot | None = None

    def token(self, id: int) -> ElementInstance:
        return next(token for token in self.tokens if token.id == id)

    @property
    def called_root(self) -> ElementInstance | None:
        """The PROCESS of a called instance, if it was read; its parent is the call activity of the caller."""
        if not self.instance.parent_id:
            return None
        return next((token for token in self.tokens if token.node.parent is None), None)

    def set_completed(self, rows: Iterable[Row]) -> None:
        known = {token.id: token for token in self.tokens}
        self.completed = link(rows, self.instance, self.graph)
        for token in self.completed:
            token.parent = token.parent or known.get(token.parent_id or 0)

    def set_caller(self, caller: Snapshot) -> None:
        root = self.called_root
        assert root is not None and root.parent_id is not None
        self.caller = caller
        root.parent = caller.token(root.parent_id)

    def addressed(self, id: int) -> ElementInstance:
        """The element instance, or after a boundary event has happened the one that waits in its place."""
        token = self.token(id)
        if token.state.ended and token.node.recurs and token.host:
            waiting = (each for each in self.tokens if each.host is token.host and each.node is token.node)
            return next((each for each in waiting if not each.state.ended), token)
        return token


def has_active(rows: Iterable[Row]) -> bool:
    """Whether one of the element instances that were read has not ended."""
    return any(row[_ENDED_AT] is None for row in rows)


_ENDED_AT = r.TOKEN_COLUMNS.index("ended_at")


def link(rows: Iterable[Row], instance: ProcessInstance, graph: Graph) -> list[ElementInstance]:
    """Tokens in id order that point at each other, where both ends were read."""
    tokens = {}
    for row in rows:
        token = r.read_token(row, graph.node, instance)
        tokens[token.id] = token
    for token in tokens.values():
        token.parent = tokens.get(token.parent_id) if token.parent_id else None
        token.prev = tokens.get(token.prev_id) if token.prev_id else None
        token.host = tokens.get(token.host_id) if token.host_id else None
    return [tokens[id] for id in sorted(tokens)]


def read_with_instance(source: str, row: Row, read: Callable[[Row], Any]) -> tuple[Any, ProcessInstance, int]:
    """Splits a row of WITH_INSTANCE."""
    width = 0 if source == "process_instance" else len(SOURCES[source].c)
    own = read(row[:width]) if width else None
    return own, r.read_instance(row[width:-1]), row[-1] or 0


def key(partition: date, id: int) -> dict[str, Any]:
    return {"day": partition, "id": id}
