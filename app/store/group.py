"""A transaction that several commands share: what they walk from is locked and read together, and written together.

Each command sees a `Member`, which answers from what was read and takes no I/O. Whatever else a command asks of it is
more than a group can give: the command leaves the group, and is to be executed alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Connection, Executable, Select, and_, func, literal_column, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from app.engine.graph import Graph
from app.store import load
from app.store import rows as r
from app.store.dialect import Dialect, Execution, Row
from app.store.graphs import GraphMissing
from app.store.load import DAY, EI, FEW_ACTIVE, PI, QUEUE, SOURCES, Snapshot
from app.store.maintenance import Maintenance
from app.store.transaction import READERS, Found, Transaction

_CALLER = "element_instance"
_NEAR = {**load.NEAR, "task": load.NEAR_WITH_SIBLINGS}
_INSTANCE_ID = r.TOKEN_COLUMNS.index("process_instance_id")
_ID = 1
"""Where the id stands in the rows of every table that is partitioned."""
_ENDED_AT = PI.c.keys().index("ended_at")


class LeavesGroup(Exception):
    """A command needs more than what was read together: it has changed nothing, and must be executed alone."""


class Address(NamedTuple):
    """The row that a command starts from, a job or a task, as for `Transaction.lock_instance`."""

    source: str
    partition: date
    id: int


class Root(NamedTuple):
    """The topmost instance of a tree; a command on a tree must see what the one before it has left there."""

    partition: date
    id: int


class GroupStatements:
    """The statements of one dialect, each for any number of rows of one day."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.lock = {name: self._lock(name) for name in ("job", "task")}
        self.with_instance = {name: self._with_instance(name) for name in (*self.lock, _CALLER)}
        self.active = {name: self._active(name) for name in self.with_instance}

    def _is_wanted(self, source: Any) -> ColumnElement[bool]:
        return and_(source.c.partition == DAY, self._dialect.any_of(source.c.id, "ids"))

    def _lock(self, name: str) -> Select[Any]:
        """Locks the roots of the instances in id order, so that groups don't wait for each other in a circle."""
        source, own = SOURCES[name], PI.alias("own")
        is_own = (own.c.partition == source.c.partition) & (own.c.id == source.c.process_instance_id)
        roots = (
            select(func.coalesce(own.c.root_id, own.c.id))
            .select_from(source.join(own, is_own))
            .where(self._is_wanted(source))
        )
        is_wanted = (PI.c.partition == DAY, self._dialect.is_found(PI.c.id, roots))
        locked = select(PI.c.id).where(*is_wanted, *self._dialect.is_attached(DAY))
        return locked.order_by(PI.c.id).with_for_update(key_share=True)

    def _with_instance(self, name: str) -> Select[Any]:
        """Like `load.WITH_INSTANCE`."""
        source = SOURCES[name]
        limit = select(QUEUE.c.parallelism).where(QUEUE.c.bpmn_process_id == PI.c.bpmn_process_id).scalar_subquery()
        is_own = (PI.c.partition == source.c.partition) & (PI.c.id == source.c.process_instance_id)
        return select(*source.c, *PI.c, limit).join_from(source, PI, is_own).where(self._is_wanted(source))

    def _active(self, name: str) -> CompoundSelect[Any]:
        """Like `load.ACTIVE`: of each instance the active element instances, if they are few, and the rows' own."""
        row = SOURCES[name].alias("row")
        instances = (
            select(row.c.process_instance_id.label("id")).where(self._is_wanted(row)).distinct().cte("instances")
        )
        other = EI.alias("other")
        first = (
            select(other.c.id)
            .where(other.c.partition == DAY, other.c.process_instance_id == instances.c.id, other.c.ended_at.is_(None))
            .limit(literal_column(str(FEW_ACTIVE + 1)))
            .correlate(instances)
            .subquery("first")
        )
        count = select(func.count()).select_from(first).scalar_subquery()
        few = select(instances.c.id).where(count <= literal_column(str(FEW_ACTIVE))).cte("few")
        active = (
            select(*EI.c)
            .join_from(few, EI, EI.c.process_instance_id == few.c.id)
            .where(EI.c.partition == DAY, EI.c.ended_at.is_(None))
        )
        own = select(row.c.id if name == _CALLER else row.c.element_instance_id).where(self._is_wanted(row))
        ended = EI.alias("ended")
        has_ended = (ended.c.partition == DAY, ended.c.id.in_(own), ended.c.ended_at.is_not(None))
        return union_all(active, select(*ended.c).where(*has_ended))


class Group(Transaction):
    """The transaction as its owner uses it: `lock` once, then a `Member` for each command, and then `save`."""

    def __init__(self, statements: GroupStatements, *given: Any) -> None:
        super().__init__(*given)
        self._given = given
        self._statements = statements
        self._found: dict[Address, Found | GraphMissing] = {}
        self._roots: dict[Address, Root] = {}
        self._graphs_by_version: dict[tuple[str, str], Graph | None] = {}

    def lock(self, addresses: Collection[Address]) -> None:
        """Locks the trees of all that is addressed, and reads for each what `lock_instance` would read.

        Without any, it sees to it that nobody else writes where only one at a time can.
        """
        if not addresses:
            self.begin_alone()
            return
        self._before_lock()
        found = self._read(addresses, locks=self._dialect.locks_rows)
        callers = self._read({caller for each in found.values() if (caller := _caller_of(each))})
        for address, each in found.items():
            caller = _caller_of(each)
            if caller is None or isinstance(each, GraphMissing):
                continue
            of_caller = callers[caller]
            if isinstance(of_caller, GraphMissing):
                found[address] = of_caller
            else:
                each.snapshot.set_caller(of_caller.snapshot)
        self._found = found

    def _read(self, addresses: Collection[Address], *, locks: bool = False) -> dict[Address, Found | GraphMissing]:
        if not addresses:
            return {}
        ids: dict[tuple[date, str], list[int]] = defaultdict(list)
        # Locks are taken day by day.
        for source, day, id in sorted(addresses, key=lambda each: (each.partition, each.id)):
            ids[day, source].append(id)
        statements = self._statements
        kinds: list[Mapping[str, Executable]] = [statements.with_instance, statements.active]
        if locks:
            kinds.insert(0, statements.lock)
        executions = [
            Execution(kind[source], {"day": day, "ids": wanted}, day=day)
            for kind in kinds
            for (day, source), wanted in ids.items()
        ]
        results = iter(self._session.run(*executions))
        # Where nothing could be locked there is nothing, or what is there still belongs to a day that was detached.
        locked = {key for key in ids if not locks or next(results)}
        rows: dict[Address, Row] = {}
        for day, source in ids:
            found = {Address(source, day, row[_ID]): row for row in next(results)}
            rows |= found if (day, source) in locked else {}
        tokens: dict[tuple[date, str], Mapping[int, list[Row]]] = {key: _by_instance(next(results)) for key in ids}
        near = {each: tokens[each.partition, each.source][_of_instance(each, row)[_ID]] for each, row in rows.items()}
        has_more = [each for each, row in rows.items() if _is_open(each, row) and not load.has_active(near[each])]
        self._read_near(has_more, near)
        return {each: self._build(each, row, near[each]) for each, row in rows.items()}

    def _read_near(self, addresses: Collection[Address], near: dict[Address, list[Row]]) -> None:
        """Reads what lies near in instances that have many active element instances."""
        if not addresses:
            return
        executions = [Execution(_NEAR[source], load.key(day, id), day=day) for source, day, id in addresses]
        near.update(zip(addresses, self._session.run(*executions), strict=True))

    def _build(self, address: Address, row: Row, tokens: list[Row]) -> Found | GraphMissing:
        own, instance, parallelism = load.read_with_instance(address.source, row, READERS[address.source])
        self._roots[address] = Root(instance.partition, instance.root_id or instance.id)
        try:
            graph = self.graph(instance.process_id)
        except GraphMissing as missing:
            return missing
        linked = load.link(tokens, instance, graph)
        return Found(own, Snapshot(instance=instance, graph=graph, tokens=linked, parallelism=parallelism))

    def find(self, address: Address) -> Found | None:
        """None for a row that does not exist, or belongs to no instance. Raises GraphMissing like `graph`."""
        found = self._found.get(address)
        if isinstance(found, GraphMissing):
            raise found
        return found

    def find_graph(self, bpmn_process_id: str, version: str) -> Graph | None:
        """Like that of a single command, but asked for once."""
        key = bpmn_process_id, version
        if key not in self._graphs_by_version:
            self._graphs_by_version[key] = super().find_graph(bpmn_process_id, version)
        return self._graphs_by_version[key]

    def root(self, address: Address) -> Root | None:
        """Of the tree that was locked for it; None for a row that does not exist, or was not read."""
        return self._roots.get(address)

    def member(self) -> Member:
        return Member(self, *self._given[1:])


class Member(Transaction):
    """The transaction as one of the commands sees it.

    Raises LeavesGroup for what was not read beforehand; only process versions may be looked up meanwhile.
    """

    def __init__(self, group: Group, *given: Any) -> None:
        super().__init__(_Unreachable(), *given)
        self._group = group

    @property
    def maintenance(self) -> Maintenance:
        raise LeavesGroup

    def lock_instance(self, source: str, partition: date, id: int, *, whole: bool = False) -> Found | None:
        if whole:
            raise LeavesGroup
        return self._find(Address(source, partition, id))

    def lock_instance_of_join(self, partition: date, id: int) -> Found | None:
        return self._find(Address("task", partition, id))

    def _find(self, address: Address) -> Found | None:
        found = self._group.find(address)
        if found is None or not self._admits(found.snapshot.instance):
            return None
        self.subject = found.snapshot.instance
        return found

    def start_over(self) -> None:
        # What it has changed of what was read together can't be read again.
        raise LeavesGroup

    def find_graph(self, bpmn_process_id: str, version: str) -> Graph | None:
        return self._group.find_graph(bpmn_process_id, version)


def _caller_of(found: Found | GraphMissing) -> Address | None:
    """The call activity that waits for the end of the instance, if that may be near."""
    root = found.snapshot.called_root if isinstance(found, Found) else None
    if root is None or root.parent_id is None:
        return None
    return Address(_CALLER, root.partition, root.parent_id)


def _by_instance(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[_INSTANCE_ID]].append(row)
    return found


def _of_instance(address: Address, row: Row) -> Row:
    """The part of a row of `GroupStatements.with_instance` that is about the instance."""
    return row[len(SOURCES[address.source].c) :]


def _is_open(address: Address, row: Row) -> bool:
    return _of_instance(address, row)[_ENDED_AT] is None


class _Unreachable:
    """The session of a member."""

    connection: Connection

    def begin(self) -> None:
        """The group has begun, and holds all the locks there are."""

    def run(self, *executions: Execution) -> list[list[Row]]:
        raise LeavesGroup

    def read(self, *executions: Execution, seconds: float, scans: bool = False) -> list[list[Row]]:
        raise LeavesGroup

    def commit(self, *executions: Execution) -> None:
        raise LeavesGroup

    def close(self) -> None:
        raise LeavesGroup
