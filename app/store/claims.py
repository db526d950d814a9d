"""Claiming and releasing work. Index and statement share one predicate, word for word, or the index is dead."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    bindparam,
    case,
    false,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    union_all,
    update,
)

from app.engine.types import WorkState
from app.store.dialect import Dialect
from app.store.load import DAY, EI
from app.store.tables import (
    CLAIMED_TASK,
    LEASED_JOB,
    UNCLAIMED_JOB,
    UNCLAIMED_TASK,
    JobRow,
    TaskRow,
    VariableRow,
    table,
)

JOB = table(JobRow)
TASK = table(TaskRow)
V = table(VariableRow)
STATEMENTS = 512
"""Combinations of filters and limits whose statements are kept."""
RECOVERED_AT_ONCE = 1000
_OWN_DAY = frozenset({"partition"})
_POINTED = frozenset({"id", "process_instance_id"})
"""Filters that find so little that nothing else needs to."""
LISTS = frozenset({"any_element_ids", "element_ids", "process_ids", "types"})
"""Filters that name several values: their parameters have these names."""
_KEYS = {"element_ids": "element_id", "process_ids": "process_id"}
"""Filters that name several values of a column that has an index of what is due, the one that finds less first."""
_FREE: dict[str, Any] = {
    "locked_at": None,
    "locked_by": None,
    "locked_until": None,
    "state": WorkState.CREATED.value,
}


class Claims:
    """The statements of one dialect; each combination of filters has a text of its own, built once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.claim = lru_cache(maxsize=STATEMENTS)(self._claim)
        self.release = lru_cache(maxsize=STATEMENTS)(self._release)
        self.extend = self._extend()
        self.postpone = self._postpone()
        self.recover = self._recover()
        self.upcoming = self._upcoming()
        self.held_jobs = {skip: self._held_jobs(skip_locked=skip) for skip in (True, False)}
        self.extend_jobs = self._extend_jobs()
        self.recover_jobs = self._recover_jobs()
        self.first_lease_end = self._first_lease_end()
        self.named = self._named()
        self.stored = self._stored()
        self.visible = {named: self._visible(named=named) for named in (True, False)}

    def _claim(self, of: Table, filters: frozenset[str], limit: int) -> Any:
        """Locks due work in the order partition, due time, id.

        Parameters are `now`, `worker`, `until` (the end of the lease, None without), and the filters: column names,
        `process_ids`, `element_ids` or, where these are too many to look for each, `any_element_ids`, `types` (a JSON
        array), and `detached` to see detached jobs too.
        """
        by_key = next((name for name in _KEYS if name in filters and of is JOB), None)
        if by_key and filters.isdisjoint(_POINTED):
            others = filters - {by_key, "partition"}
            day = bindparam("f_partition", type_=of.c.partition.type) if filters >= _OWN_DAY else None
            found = self._dialect.first_by_key(
                of,
                _KEYS[by_key],
                by_key,
                lambda alias: self._conditions(alias, others, blind=True),
                ("due_at", "id"),
                limit,
                day,
            )
            return self._lock(of, found)
        conditions = self._conditions(of, filters)
        if filters >= _OWN_DAY:
            first = (
                select(of.c.partition, of.c.id)
                .where(*conditions, *self._dialect.is_attached(bindparam("f_partition", type_=of.c.partition.type)))
                .order_by(of.c.partition, of.c.due_at, of.c.id)
                .limit(literal_column(str(limit)))
                .with_for_update(skip_locked=True)
            )
        else:
            first = self._dialect.first_by_day(of, conditions, ("due_at", "id"), limit)
        return self._lock(of, first)

    def _conditions(self, of: Any, filters: frozenset[str], *, blind: bool = False) -> list[Any]:
        """That work is due and unclaimed, and matches the filters; `of` is the table or an alias of it.

        With `blind`, PostgreSQL does not get to see the time: it would plan anew for each, where it need not.
        """
        unclaimed = text(UNCLAIMED_JOB if "lock_version" in of.c and "detached" not in filters else UNCLAIMED_TASK)
        now: Any = bindparam("now", type_=of.c.due_at.type)
        conditions: list[Any] = [unclaimed, of.c.due_at <= (select(now).scalar_subquery() if blind else now)]
        return conditions + [self._filter(of, name) for name in sorted(filters) if name != "detached"]

    def _lock(self, of: Table, first: Select[Any]) -> Any:
        values = {
            "locked_at": bindparam("now", type_=of.c.locked_at.type),
            "locked_by": bindparam("worker"),
            "locked_until": bindparam("until", type_=of.c.locked_until.type),
            "state": WorkState.LOCKED.value,
        }
        if of is JOB:
            values["lock_version"] = JOB.c.lock_version + 1
        return _update(of, first, values).returning(*of.c)

    def _filter(self, of: Any, name: str) -> ColumnElement[bool]:
        if name in _KEYS:
            return self._dialect.any_of(of.c[_KEYS[name]], name)
        if name == "any_element_ids":
            return self._dialect.among(of.c.element_id, name)
        if name == "types":
            # In a form that no index fits: others find less.
            return self._dialect.is_one_of(of.c.type, name).is_(true())
        if name == "ids":
            return self._dialect.any_of(of.c.id, name)
        column: ColumnElement[Any] = of.c[name]
        return column == bindparam(f"f_{name}", type_=column.type)

    def _release(self, of: Table, filters: frozenset[str]) -> Any:
        """Unlocks what `worker` holds and has not completed; returns a row each."""
        conditions: list[ColumnElement[bool]] = [of.c.locked_by == bindparam("worker"), of.c.completed_at.is_(None)]
        conditions += [self._filter(of, name) for name in sorted(filters)]
        return update(of).where(*conditions).values(_FREE).returning(of.c.id)

    def _held(self) -> tuple[ColumnElement[bool], ...]:
        """That a task is one of `ids` of one day, `f_partition`, and `worker` holds it."""
        return (
            self._filter(TASK, "partition"),
            self._filter(TASK, "ids"),
            TASK.c.locked_by == bindparam("worker"),
            TASK.c.completed_at.is_(None),
        )

    def _extend(self) -> Any:
        """Moves the end of the leases of tasks to `until`, as far as nobody is writing them."""
        held = select(TASK.c.partition, TASK.c.id).where(*self._held()).with_for_update(skip_locked=True)
        return _update(TASK, held, {"locked_until": _UNTIL}).returning(TASK.c.id)

    def _postpone(self) -> Any:
        """Notes `error`, and leaves tasks locked until `until`, when they are recovered like those of the dead."""
        values = {"locked_until": _UNTIL, "error": bindparam("error")}
        return update(TASK).where(*self._held()).values(values).returning(TASK.c.id)

    def _recover(self) -> Any:
        """Gives back tasks whose lease has ended by `now`.

        A process of an earlier version locks without a lease: there the lock counts that is older than `abandoned`.
        """
        ended = or_(
            TASK.c.locked_until <= bindparam("now", type_=TASK.c.locked_until.type),
            TASK.c.locked_until.is_(None) & (TASK.c.locked_at <= bindparam("abandoned", type_=TASK.c.locked_at.type)),
        )
        conditions: list[Any] = [text(CLAIMED_TASK), ended]
        first = self._dialect.first_by_day(TASK, conditions, ("locked_until",), RECOVERED_AT_ONCE)
        values = {**_FREE, "interruptions": TASK.c.interruptions + 1}
        return _update(TASK, first, values).returning(TASK.c.id)

    def _upcoming(self) -> Any:
        """When the next unclaimed task becomes due, and when the next lease ends; each None where there is none."""
        days = self._dialect.days(TASK).subquery("days")
        own = TASK.c.partition == days.c.partition
        due = select(func.min(TASK.c.due_at)).where(text(UNCLAIMED_TASK), own).scalar_subquery()
        lease = select(func.min(TASK.c.locked_until)).where(text(CLAIMED_TASK), own).scalar_subquery()
        return select(func.min(due), func.min(lease)).select_from(days)

    def _held_jobs(self, *, skip_locked: bool) -> Any:
        """Locks the rows of jobs by `ids` of one day, `day`; those that others are writing are waited for, or left out.

        In id order, so that two who do so don't wait for each other in a circle.
        """
        conditions = (JOB.c.partition == DAY, self._dialect.any_of(JOB.c.id, "ids"), *self._dialect.is_attached(DAY))
        return select(*JOB.c).where(*conditions).order_by(JOB.c.id).with_for_update(skip_locked=skip_locked)

    def _extend_jobs(self) -> Any:
        """Moves the end of the leases of jobs, whose rows are locked, to `until`."""
        return (
            update(JOB)
            .where(JOB.c.partition == DAY, self._dialect.any_of(JOB.c.id, "ids"))
            .values(locked_until=_UNTIL)
            .returning(JOB.c.id)
        )

    def _recover_jobs(self) -> Any:
        """Gives back jobs whose lease has ended by `now`, but for those that somebody is writing."""
        ended = JOB.c.locked_until <= bindparam("now", type_=JOB.c.locked_until.type)
        conditions: list[Any] = [text(LEASED_JOB), ended]
        first = self._dialect.first_by_day(JOB, conditions, ("locked_until",), RECOVERED_AT_ONCE)
        return _update(JOB, first, _FREE).returning(JOB.c.id)

    def _visible(self, *, named: bool) -> Any:
        """The variables that element instances `ids` of one day, `day`, see, those of their scopes and of the process.

        Of each the element instance, the distance of the scope, its BPMN element id (none for the process instance),
        and the variable. With `named` those of `names` only, a JSON array.
        """
        own, scope = EI.alias("own"), EI.alias("scope")
        columns = ("id", "parent_id", "process_instance_id", "bpmn_element_id")
        chain = (
            select(own.c.id.label("origin"), literal(0).label("depth"), *(own.c[name] for name in columns))
            .where(own.c.partition == DAY, self._dialect.any_of(own.c.id, "ids"))
            .cte("chain", recursive=True)
        )
        chain = chain.union_all(
            select(chain.c.origin, chain.c.depth + 1, *(scope.c[name] for name in columns)).where(
                scope.c.partition == DAY,
                scope.c.id == chain.c.parent_id,
                (scope.c.process_instance_id == chain.c.process_instance_id).is_(true()),
            )
        )
        # PostgreSQL does not guess how few these are: else it reads all of the day that have one of the names.
        is_named = [case((self._dialect.is_one_of(V.c.name, "names"), true()), else_=false())] if named else []
        value = (V.c.name, V.c.encoding, V.c.encrypted, V.c.value)
        of_scopes = (
            select(chain.c.origin, chain.c.depth, chain.c.bpmn_element_id, *value)
            .select_from(chain.join(V, V.c.element_instance_id == chain.c.id))
            # Says the same again, but in a form in which SQLite finds the index instead of reading the day.
            .where(V.c.partition == DAY, V.c.element_instance_id.in_(select(chain.c.id)), *is_named)
        )
        is_own = (V.c.process_instance_id == chain.c.process_instance_id) & (chain.c.depth == 0)
        of_process = (
            select(chain.c.origin, null(), null(), *value)
            .select_from(chain.join(V, is_own))
            .where(
                V.c.partition == DAY,
                V.c.element_instance_id.is_(None),
                V.c.process_instance_id.in_(select(chain.c.process_instance_id)),
                *is_named,
            )
        )
        return union_all(of_scopes, of_process)

    def _named(self) -> Any:
        """What is stored in one process instance under one of `names`, a JSON array, whatever it is stored at."""
        is_named = case((self._dialect.is_one_of(V.c.name, "names"), true()), else_=false())
        value = (V.c.element_instance_id, V.c.name, V.c.encoding, V.c.encrypted, V.c.value)
        return select(*value).where(V.c.partition == DAY, V.c.process_instance_id == bindparam("id"), is_named)

    def _stored(self) -> Any:
        """The variables of element instances `ids` of one day."""
        value = (V.c.element_instance_id, V.c.name, V.c.encoding, V.c.encrypted, V.c.value)
        return select(*value).where(V.c.partition == DAY, self._dialect.any_of(V.c.element_instance_id, "ids"))

    def _first_lease_end(self) -> Any:
        """When the next lease of a job ends, or did; None where there is none."""
        days = self._dialect.days(JOB).subquery("days")
        end = select(func.min(JOB.c.locked_until)).where(text(LEASED_JOB), JOB.c.partition == days.c.partition)
        return select(func.min(end.scalar_subquery())).select_from(days)


_UNTIL = bindparam("until", type_=TASK.c.locked_until.type)


def _update(of: Table, found: Select[Any], values: dict[str, Any]) -> Any:
    # Inside IN (...) the planner may run it again and lock too many.
    rows = found.cte("found")
    return update(of).where(of.c.partition == rows.c.partition, of.c.id == rows.c.id).values(values)
