"""Deleting ended instances, some rows at a time, each of them with all that they have called.

The root of a tree is locked first, as for any command on it, and goes last: whoever is interrupted leaves an ended
instance that can be deleted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Table,
    bindparam,
    delete,
    exists,
    literal_column,
    select,
    text,
    tuple_,
)

from app.store.dialect import Dialect, Execution, Session
from app.store.load import DAY, EI, PI, SOURCES
from app.store.tables import ENDED_ROOT, VariableRow, table

DELETED_AT_ONCE = 1000
"""Rows of one transaction: others should not wait for long."""
ROOTS_AT_ONCE = 100
PARTS: tuple[Table, ...] = (
    *(SOURCES[name] for name in ("incident", "job", "task", "user_task")),
    table(VariableRow),
    EI,
)
"""What belongs to instances, in the order in which it goes: an incident before the job or task that it can bring back.
"""


_CALLED = PI.alias("called")


def _has_active(day: ColumnElement[Any], root: ColumnElement[Any]) -> ColumnElement[bool]:
    return exists().where(_CALLED.c.partition == day, _CALLED.c.root_id == root, _CALLED.c.ended_at.is_(None))


HAS_ACTIVE = select(_has_active(DAY, bindparam("root", type_=PI.c.id.type)))


class RemovalStatements:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        some = literal_column(str(DELETED_AT_ONCE + 1), Integer)
        self.called: Select[Any] = select(PI.c.id).where(PI.c.partition == DAY, self._any(PI.c.root_id)).limit(some)
        self.parts = {
            part.name: select(part.c.id)
            .where(part.c.partition == DAY, self._any(part.c.process_instance_id))
            .limit(some)
            for part in PARTS
        }
        self.delete = {
            part.name: delete(part).where(part.c.partition == DAY, self._any(part.c.id)) for part in (*PARTS, PI)
        }
        self.ended = self._ended()

    def _any(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return self._dialect.any_of(column, "ids")

    def _ended(self) -> Select[Any]:
        """The first roots of a process that had ended before `until`; on PostgreSQL those that nobody has locked."""
        bpmn_process_id = bindparam("bpmn_process_id", type_=PI.c.bpmn_process_id.type)
        until = bindparam("until", type_=PI.c.ended_at.type)
        conditions: list[Any] = [text(ENDED_ROOT), ~_has_active(PI.c.partition, PI.c.id)]
        order = ("bpmn_process_id", "ended_at")
        if self._dialect.locks_rows:
            # The same as one process and a time, but told such that only the index of both can be followed. That of the
            # time alone has all the instances that other processes keep for longer.
            ended = tuple_(PI.c.bpmn_process_id, PI.c.ended_at)
            conditions += [PI.c.bpmn_process_id >= bpmn_process_id, ended < tuple_(bpmn_process_id, until)]
            # Day by day, so that the days behind the first ones are not looked at.
            return self._dialect.first_by_day(PI, conditions, order, ROOTS_AT_ONCE)
        conditions += [PI.c.bpmn_process_id == bpmn_process_id, PI.c.ended_at < until]
        found = select(PI.c.partition, PI.c.id).where(*conditions)
        return found.order_by(*(PI.c[name] for name in order)).limit(literal_column(str(ROOTS_AT_ONCE)))


class Removal:
    """The part of a transaction that is for deleting ended instances."""

    def __init__(self, session: Session, statements: RemovalStatements) -> None:
        self._session = session
        self._statements = statements
        self.has_deleted = False

    def lock_ended(self, bpmn_process_id: str, until: datetime) -> list[tuple[date, int]]:
        """Roots of a process that had ended before `until`, with all that they have called, locked from now on.

        They are in the order of their days; some others may be left out.
        """
        self._session.begin()
        (rows,) = self._session.run(
            Execution(self._statements.ended, {"bpmn_process_id": bpmn_process_id, "until": until})
        )
        return [(row[0], row[1]) for row in rows]

    def has_active(self, day: date, root: int) -> bool:
        """Whether something that the root has called, directly or not, has not ended."""
        (rows,) = self._session.run(Execution(HAS_ACTIVE, {"day": day, "root": root}, day=day))
        return bool(rows[0][0])

    def delete_some(self, day: date, roots: Sequence[int]) -> bool:
        """Deletes rows of locked roots of one day and of what they have called; whether all are gone with that.

        Trees in which something has not ended must not be among them.
        """
        (rows,) = self._session.run(self._execution(self._statements.called, day, roots))
        called = [row[0] for row in rows]
        # Of many called instances some go first, and the roots another time.
        instances = called[:DELETED_AT_ONCE] if len(called) > DELETED_AT_ONCE else [*called, *roots]
        found = self._session.run(
            *(self._execution(self._statements.parts[part.name], day, instances) for part in PARTS)
        )
        left, executions = DELETED_AT_ONCE, []
        is_all = True
        for part, rows in zip(PARTS, found, strict=True):
            ids = [row[0] for row in rows[:left]]
            is_all = is_all and len(ids) == len(rows)
            left -= len(ids)
            if ids:
                executions.append(self._execution(self._statements.delete[part.name], day, ids))
        if is_all:
            executions.append(self._execution(self._statements.delete[PI.name], day, instances))
        self._session.run(*executions)
        self.has_deleted = True
        return is_all and len(called) <= DELETED_AT_ONCE

    def _execution(self, statement: Any, day: date, ids: Sequence[int]) -> Execution:
        return Execution(statement, {"day": day, "ids": list(ids)}, day=day)
