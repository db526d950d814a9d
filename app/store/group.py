"""A transaction that several commands share: what they walk from is locked and read together, and written together.

Each command sees a `Member`, which answers from what was read and takes no I/O. Whatever else a command asks of it is
more than a group can give: the command leaves the group, and is to be executed alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.sql.selectable import CompoundSelect

from app.engine.changes import Changes
from app.store import load
from app.store import rows as r
from app.store.dialect import Call, Dialect, Row
from app.store.graphs import GraphMissing
from app.store.load import DAY, PI, SOURCES, Snapshot
from app.store.maintenance import Maintenance
from app.store.transaction import READERS, Found, Transaction

_CALLER = "element_instance"
_INSTANCE_ID = r.TOKEN_COLUMNS.index("process_instance_id")
_ID = 1
"""Where the id stands in the rows of every table that is divided by days."""


class LeavesGroup(Exception):
    """A command needs more than what was read together: it has changed nothing, and must be executed alone."""


class Address(NamedTuple):
    """The row that a command starts from, as for `Transaction.lock_instance`.

    With `siblings` it is a task, as for `Transaction.lock_instance_of_join`.
    """

    source: str
    partition: date
    id: int
    siblings: bool = False


class Root(NamedTuple):
    """The topmost instance of a tree; a command on a tree must see what the one before it has left there."""

    partition: date
    id: int


class GroupStatements:
    """The statements of one dialect, each for any number of rows of one day."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.lock = {name: self._lock(name) for name in ("job", "task")}
        self.with_instance = {
            name: load.with_instance(SOURCES[name], self._is_wanted(name)) for name in (*self.lock, _CALLER)
        }
        self.near = {(name, False): self._near(name) for name in self.with_instance} | {
            ("task", True): self._near("task", siblings=True)
        }

    def _is_wanted(self, name: str) -> Any:
        source = SOURCES[name]
        return (source.c.partition == DAY) & self._dialect.any_of(source.c.id, "ids")

    def _lock(self, name: str) -> Select[Any]:
        """Locks the roots of the instances in id order, so that groups don't wait for each other in a circle."""
        source, own = SOURCES[name], PI.alias("own")
        is_own = (own.c.partition == source.c.partition) & (own.c.id == source.c.process_instance_id)
        roots = (
            select(func.coalesce(own.c.root_id, own.c.id))
            .select_from(source.join(own, is_own))
            .where(self._is_wanted(name))
        )
        locked = select(PI.c.id).where(PI.c.partition == DAY, PI.c.id.in_(roots)).order_by(PI.c.id)
        return locked.with_for_update(key_share=True)

    def _near(self, name: str, *, siblings: bool = False) -> CompoundSelect[Any]:
        source = SOURCES[name]
        origin = source.c.id if name == _CALLER else source.c.element_instance_id
        return load.near(select(origin).where(self._is_wanted(name)), siblings=siblings)


class Group(Transaction):
    """The transaction as its owner uses it: `lock` once, then a `Member` for each command, and then `save`."""

    def __init__(self, statements: GroupStatements, *given: Any) -> None:
        super().__init__(*given)
        self._given = given
        self._statements = statements
        self._found: dict[Address, Found | GraphMissing] = {}
        self._roots: dict[Address, Root] = {}

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
        # In the order in which locks are taken, that of days before all else.
        rows: dict[tuple[date, str], list[int]] = defaultdict(list)
        kinds: dict[tuple[date, str, bool], list[int]] = defaultdict(list)
        for source, day, id, siblings in sorted(addresses, key=lambda each: (each.partition, each.id)):
            rows[day, source].append(id)
            kinds[day, source, siblings].append(id)
        s = self._statements
        calls = [Call(s.lock[source], {"day": day, "ids": ids}) for (day, source), ids in rows.items() if locks]
        locked = len(calls)
        calls += [Call(s.with_instance[source], {"day": day, "ids": ids}) for (day, source), ids in rows.items()]
        calls += [Call(s.near[source, near], {"day": day, "ids": ids}) for (day, source, near), ids in kinds.items()]
        results = iter(self._session.run(*calls)[locked:])
        own = {(*key, row[_ID]): row for key in rows for row in next(results)}
        near = {key: _by_instance(next(results)) for key in kinds}
        found = {}
        for address in addresses:
            source, day, id, siblings = address
            row = own.get((day, source, id))
            if row is not None:
                found[address] = self._build(address, row, near[day, source, siblings])
        return found

    def _build(self, address: Address, row: Row, near: Mapping[int, list[Row]]) -> Found | GraphMissing:
        source = address.source
        own, instance, parallelism = load.read_with_instance(source, row, READERS[source])
        self._roots[address] = Root(instance.partition, instance.root_id or instance.id)
        try:
            graph = self.graph(instance.process_id)
        except GraphMissing as missing:
            return missing
        tokens = load.link(near.get(instance.id, ()), instance, graph)
        return Found(own, Snapshot(instance=instance, graph=graph, tokens=tokens, parallelism=parallelism))

    def find(self, address: Address) -> Found | None:
        """None for a row that does not exist, or belongs to no instance. Raises GraphMissing like `graph`."""
        found = self._found.get(address)
        if isinstance(found, GraphMissing):
            raise found
        return found

    def root(self, address: Address) -> Root | None:
        """Of the tree that was locked for it; None for a row that does not exist, or was not read."""
        return self._roots.get(address)

    def member(self) -> Member:
        return Member(self, *self._given[1:])


class Member(Transaction):
    """The transaction as one of the commands sees it.

    Raises LeavesGroup for everything that was not read beforehand.
    """

    def __init__(self, group: Group, *given: Any) -> None:
        super().__init__(_Unreachable(), *given)
        self._group = group

    @property
    def changes(self) -> Changes:
        """What the command has saved."""
        return self._changes or Changes()

    @property
    def maintenance(self) -> Maintenance:
        raise LeavesGroup

    def lock_instance(self, source: str, partition: date, id: int, *, whole: bool = False) -> Found | None:
        if whole:
            raise LeavesGroup
        return self._group.find(Address(source, partition, id))

    def lock_instance_of_join(self, partition: date, id: int) -> Found | None:
        return self._group.find(Address("task", partition, id, siblings=True))


def _caller_of(found: Found | GraphMissing) -> Address | None:
    """The call activity that waits for the end of the instance, if that may be near."""
    root = found.snapshot.called_root if isinstance(found, Found) else None
    if root is None or root.parent_id is None:
        return None
    return Address(_CALLER, root.partition, root.parent_id)


def _by_instance(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[_INSTANCE_ID]].append(row)
    return found


class _Unreachable:
    """The session of a member."""

    connection: Connection

    def begin(self) -> None:
        """The group has begun, and holds all the locks there are."""

    def run(self, *calls: Call) -> list[list[Row]]:
        raise LeavesGroup

    def commit(self, *calls: Call) -> None:
        raise LeavesGroup

    def close(self) -> None:
        raise LeavesGroup
