"""What a process instance waits for, as it is in the database; and where many of them wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import orjson
from sqlalchemy import (
    Integer,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import ColumnElement

from app.bpmn.kinds import BOUNDARY_EVENTS, SCOPES, START_EVENTS, ElementType
from app.engine.records import ProcessInstance
from app.engine.types import InstanceState
from app.engine.waiting import ActiveVisit, Situation
from app.store import load
from app.store import rows as r
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.load import DAY, EI, ID, PI
from app.store.query import ELEMENT, Bounds, read_within
from app.store.sql import ENTRY, INCIDENTS, MS, SS, J, T
from app.store.tables import STARTED_USER_TASK, UserTaskRow, table

UT = table(UserTaskRow)
MOST_PLACES = 10
"""BPMN elements that are named of an instance that waits at many."""

_NAME = select(ELEMENT.c.bpmn_element_name).where(ELEMENT.c.id == EI.c.element_id).scalar_subquery()
_VISIT: tuple[str, ...] = (
    *("id", "prev_element_id", "parent_id", "element_id", "bpmn_element_id", "bpmn_element_type"),
    *("context", "created_at", "started_at", "state", "host_id", "incoming", "multi_instance", "loop_counter"),
)
_OF_INSTANCE = (EI.c.partition == DAY, EI.c.process_instance_id == ID)
VISITS = (
    select(*(EI.c[name] for name in _VISIT), _NAME)
    .where(*_OF_INSTANCE, EI.c.ended_at.is_(None))
    .order_by(EI.c.id)
    .limit(bindparam("limit", type_=Integer))
)
JOBS = (
    select(*J.c)
    .where(J.c.partition == DAY, J.c.process_instance_id == ID, J.c.completed_at.is_(None), text("NOT detached"))
    .order_by(J.c.id)
)
CALLED = load.CALLED_BY.where(or_(PI.c.ended_at.is_(None), PI.c.state == InstanceState.CANCELED.value))
"""A call activity goes on waiting for an instance that was canceled; until it is canceled itself, it shows that."""
FAILED_JOBS = (
    select(J.c.element_instance_id, J.c.type, J.c.error)
    .where(J.c.partition == DAY, J.c.process_instance_id == ID, J.c.error.is_not(None))
    .order_by(J.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)
TASKS = (
    select(*T.c)
    .where(T.c.partition == DAY, T.c.process_instance_id == ID, T.c.completed_at.is_(None), text("NOT detached"))
    .order_by(T.c.id)
)
OPEN_INCIDENTS = (
    select(*INCIDENTS.c)
    .where(INCIDENTS.c.partition == DAY, INCIDENTS.c.process_instance_id == ID, INCIDENTS.c.resolved_at.is_(None))
    .order_by(INCIDENTS.c.id)
)
USER_TASKS = (
    select(*UT.c)
    .where(UT.c.partition == DAY, UT.c.process_instance_id == ID, text(STARTED_USER_TASK))
    .order_by(UT.c.id)
)
MESSAGES = select(*MS.c).where(MS.c.partition == DAY, MS.c.process_instance_id == ID).order_by(MS.c.id)
SIGNALS = select(*SS.c).where(SS.c.partition == DAY, SS.c.process_instance_id == ID).order_by(SS.c.id)


def _position() -> Select[Any]:
    """How many stand in the queue up to the instance."""
    own = ENTRY.alias("own")
    place = (ENTRY.c.created_at, ENTRY.c.partition, ENTRY.c.process_instance_id)
    own_place = (own.c.created_at, own.c.partition, own.c.process_instance_id)
    is_before = tuple_(*place) <= tuple_(*own_place)
    both = own.join(ENTRY, (ENTRY.c.bpmn_process_id == own.c.bpmn_process_id) & is_before)
    return select(func.count()).select_from(both).where(own.c.partition == DAY, own.c.process_instance_id == ID)


class Situations:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._instance = select(*PI.c).where(PI.c.partition == DAY, PI.c.id == ID, *dialect.is_attached(DAY))
        self._places = _places(dialect)

    def find(self, session: Session, partition: date, id: int, limit: int, bounds: Bounds) -> Situation | None:
        """With as many active element instances; None without the instance.

        Raises EngineError QUERY where it takes too long.
        """
        parameters = {"day": partition, "id": id, "parent": id, "limit": limit + 1}
        statements = (self._instance, VISITS, JOBS, FAILED_JOBS, TASKS, OPEN_INCIDENTS, USER_TASKS, MESSAGES, SIGNALS)
        executions = [Execution(statement, parameters, day=partition) for statement in (*statements, CALLED, POSITION)]
        found, visits, jobs, failed, tasks, incidents, user_tasks, messages, signals, called, ahead = read_within(
            session, bounds, None, *executions
        )
        if not found:
            return None
        return Situation(
            instance=r.read_instance(found[0]),
            visits=[_visit(row) for row in visits[:limit]],
            has_more=len(visits) > limit,
            jobs=[r.read_job(row) for row in jobs],
            # The last one stays.
            errors={(row[0], row[1]): row[2] for row in reversed(failed)},
            tasks=[r.read_task(row) for row in tasks],
            incidents=[r.read_incident(row) for row in incidents],
            user_tasks=[r.read_user_task(row) for row in user_tasks],
            messages=[r.read_message_subscription(row) for row in messages],
            signals=[r.read_signal_subscription(row) for row in signals],
            called=[(row[0], r.read_instance(row[1:])) for row in called],
            queue_position=ahead[0][0],
        )

    def places(
        self, session: Session, instances: Sequence[ProcessInstance], bounds: Bounds
    ) -> dict[tuple[date, int], tuple[int, list[str]]]:
        """The open incidents of each instance, and where it waits: some BPMN elements in the order of their names.

        Instances without either are left out. Raises EngineError QUERY where it takes too long.
        """
        if not instances:
            return {}
        keys = [{"partition": each.partition, "id": each.id} for each in instances]
        (rows,) = read_within(session, bounds, None, Execution(self._places, {"keys": orjson.dumps(keys).decode()}))
        incidents: dict[tuple[date, int], int] = {}
        elements: dict[tuple[date, int], list[str]] = defaultdict(list)
        for partition, id, element, count in rows:
            if element is None:
                incidents[partition, id] = count
            else:
                elements[partition, id].append(element)
        return {
            key: (incidents.get(key, 0), sorted(elements.get(key, []))[:MOST_PLACES]) for key in {*incidents, *elements}
        }


_NO_PLACES = [type.value for type in (*SCOPES, *BOUNDARY_EVENTS, ElementType.EVENT_BASED_GATEWAY)]
"""What is active as long as something else waits; start events of event sub-processes are so, too."""


def _literals(names: Iterable[str]) -> list[ColumnElement[Any]]:
    return [literal_column(f"'{name}'") for name in sorted(names)]


def _places(dialect: Dialect) -> Any:
    wanted = dialect.keys(PI, "keys")
    elements = (
        select(EI.c.partition, EI.c.process_instance_id, EI.c.bpmn_element_id.label("element"), literal_column("0"))
        .join_from(wanted, EI, (EI.c.partition == wanted.c.partition) & (EI.c.process_instance_id == wanted.c.id))
        .where(
            EI.c.ended_at.is_(None),
            EI.c.bpmn_element_type.not_in(_literals(_NO_PLACES)),
            or_(EI.c.host_id.is_(None), EI.c.bpmn_element_type.not_in(_literals(START_EVENTS))),
        )
        .distinct()
    )
    incidents = (
        select(
            INCIDENTS.c.partition,
            INCIDENTS.c.process_instance_id,
            cast(null(), EI.c.bpmn_element_id.type),
            func.count(),
        )
        .join_from(
            wanted,
            INCIDENTS,
            (INCIDENTS.c.partition == wanted.c.partition) & (INCIDENTS.c.process_instance_id == wanted.c.id),
        )
        .where(INCIDENTS.c.resolved_at.is_(None))
        .group_by(INCIDENTS.c.partition, INCIDENTS.c.process_instance_id)
    )
    return union_all(elements, incidents)


POSITION = _position()


def _visit(row: Row) -> ActiveVisit:
    *columns, name = row
    values = dict(zip(_VISIT, columns, strict=True))
    values["bpmn_element_type"] = ElementType(values["bpmn_element_type"])
    values["state"] = InstanceState(values["state"])
    values["multi_instance"] = bool(values["multi_instance"])
    return ActiveVisit(bpmn_element_name=name, **values)
