"""How often each element was visited, and how that went.

Counts come from two partial indexes that have all that is needed: the table is not read, unless instances are to be
told apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Select, Table, Text, bindparam, func, select, text, tuple_
from sqlalchemy.sql.elements import ColumnElement

from app import caller
from app.bpmn.kinds import BOUNDARY_EVENTS, START_EVENTS, ElementType
from app.criteria import ElementStatistics, FlowStatistics, ProcessInstanceCriteria, Statistics, StatisticsCriteria
from app.engine.types import InstanceState
from app.store.conditions import Conditions, given
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.load import DAY, EI, ID, PI
from app.store.query import ELEMENT, PROCESS, Bounds, read_within
from app.store.scope import SCOPE, Scoped, parameters_of
from app.store.sql import INCIDENTS, J

_ENDED = text("ended_at IS NOT NULL")
_ACTIVE = text("ended_at IS NULL")


_ELEMENT = ("id", "process_id", "bpmn_element_id", "bpmn_element_type", "parent_bpmn_element_id")


class _Shape(NamedTuple):
    """What the texts of statements depend on."""

    processes: tuple[str, ...]
    instances: tuple[str, ...]
    is_one: bool
    flows: bool
    is_scoped: bool
    """Whether it is asked for by who sees some processes only."""


class StatisticStatements:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._conditions = Conditions(dialect)
        self._scoped = Scoped(dialect)
        self._statements: dict[_Shape, list[Select[Any]]] = {}

    def find(self, session: Session, criteria: StatisticsCriteria, now: datetime, bounds: Bounds) -> Statistics:
        """Raises EngineError QUERY where it takes too long."""
        given_processes = {
            "bpmn_process_id": criteria.bpmn_process_id,
            "versions": orjson.dumps(criteria.versions).decode() if criteria.versions else "",
            "process_ids": list(criteria.process_ids),
        }
        processes = {name: value for name, value in given_processes.items() if value}
        of_instances = given(ProcessInstanceCriteria(created=criteria.created, states=criteria.states))
        scope = caller.scope()
        of_instances = {name: value for name, value in of_instances.items() if name not in SCOPE}
        is_one = criteria.instance is not None
        shape = _Shape(tuple(processes), tuple(of_instances), is_one, criteria.flows, scope is not None)
        if shape not in self._statements:
            self._statements[shape] = self._build(shape)
        day, id = criteria.instance or (None, 0)
        parameters = {**processes, **of_instances, "day": day, "id": id}
        parameters |= parameters_of(scope) if scope else {}
        executions = [Execution(statement, parameters, day=day) for statement in self._statements[shape]]
        ended, active, incidents, failed, elements = read_within(session, bounds, criteria, *executions, scans=True)
        return _counted(now, elements, ended, active, incidents, failed)

    def _build(self, shape: _Shape) -> list[Select[Any]]:
        key = (EI.c.process_id, EI.c.element_id)
        prev = (EI.c.prev_element_id,) if shape.flows else ()
        ended = (*key, EI.c.state, *prev)
        return [
            select(*ended, func.count(), func.sum(EI.c.duration_ms), func.count(EI.c.duration_ms))
            .where(_ENDED, *self._of(EI, shape))
            .group_by(*ended),
            select(*key, *prev, func.count()).where(_ACTIVE, *self._of(EI, shape)).group_by(*key, *prev),
            select(INCIDENTS.c.element_id, func.count())
            .where(INCIDENTS.c.resolved_at.is_(None), *self._of(INCIDENTS, shape))
            .group_by(INCIDENTS.c.element_id),
            select(J.c.element_id, func.count())
            .where(J.c.error.is_not(None), *self._of(J, shape))
            .group_by(J.c.element_id),
            # The last one: it has all that the others may have counted, also of what is deployed meanwhile.
            select(*(ELEMENT.c[name] for name in _ELEMENT))
            .where(self._has_process(ELEMENT, shape))
            .order_by(ELEMENT.c.id),
        ]

    def _has_process(self, of: Table, shape: _Shape) -> ColumnElement[bool]:
        if shape.is_one:
            return (
                of.c.process_id == select(PI.c.process_id).where(PI.c.partition == DAY, PI.c.id == ID).scalar_subquery()
            )
        wanted: list[ColumnElement[bool]] = [self._scoped.within(PROCESS)] if shape.is_scoped else []
        if "bpmn_process_id" in shape.processes:
            wanted.append(PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id", type_=Text))
        if "versions" in shape.processes:
            wanted.append(self._dialect.is_one_of(PROCESS.c.version, "versions"))
        if "process_ids" in shape.processes:
            wanted.append(self._dialect.any_of(PROCESS.c.id, "process_ids"))
        return self._dialect.is_found(of.c.process_id, select(PROCESS.c.id).where(*wanted))

    def _of(self, of: Table, shape: _Shape) -> Sequence[ColumnElement[bool]]:
        if shape.is_one:
            scoped = [self._scoped.within(of)] if shape.is_scoped else []
            return [of.c.partition == DAY, of.c.process_instance_id == ID, *scoped]
        conditions = [self._has_process(of, shape)]
        if shape.instances:
            instances = select(PI.c.partition, PI.c.id).where(
                self._has_process(PI, shape), *self._conditions.of(ProcessInstanceCriteria, PI, shape.instances)
            )
            conditions.append(tuple_(of.c.partition, of.c.process_instance_id).in_(instances))
        return conditions


def _counted(
    now: datetime,
    elements: Sequence[Row],
    ended: Sequence[Row],
    active: Sequence[Row],
    incidents: Sequence[Row],
    failed: Sequence[Row],
) -> Statistics:
    found = {
        id: ElementStatistics(process_id=process_id, bpmn_element_id=name) for id, process_id, name, *_ in elements
    }
    events = _attached(elements)
    flows: dict[tuple[int, int], int] = defaultdict(int)
    durations: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    visited: set[int] = set()
    for _, element_id, state, *prev, count, total, timed in ended:
        each = found[element_id]
        visited.add(element_id)
        if state == InstanceState.COMPLETED:
            each.completed += count
            before = durations[element_id]
            durations[element_id] = before[0] + int(total or 0), before[1] + timed
        else:
            each.canceled += count
        _pass(flows, prev, element_id, count)
    for _, element_id, *prev, count in active:
        visited.add(element_id)
        found[element_id].active += 0 if element_id in events else count
        _pass(flows, prev, element_id, count)
    for counts, name in ((incidents, "incidents"), (failed, "failed_jobs")):
        for element_id, count in counts:
            if element_id is not None:
                visited.add(element_id)
                setattr(found[element_id], name, count)
    for element_id, (total, timed) in durations.items():
        if timed:
            found[element_id].average_ms = round(total / timed)
    return Statistics(
        as_of=now,
        elements=[each for id, each in found.items() if id in visited],
        flows=[
            FlowStatistics(
                process_id=found[target].process_id,
                from_=found[source].bpmn_element_id,
                to=found[target].bpmn_element_id,
                count=count,
            )
            for (source, target), count in sorted(flows.items())
            # A boundary event is no successor of what it is attached to.
            if target not in events
        ],
    )


def _attached(elements: Sequence[Row]) -> set[int]:
    """Events that wait while something else is active: boundary events, and the starts of event sub-processes."""
    handlers = {(row[1], row[2]) for row in elements if row[3] == ElementType.EVENT_SUB_PROCESS}
    return {
        id
        for id, process_id, _, type, parent in elements
        if type in BOUNDARY_EVENTS or (type in START_EVENTS and (process_id, parent) in handlers)
    }


def _pass(flows: dict[tuple[int, int], int], prev: list[int | None], element_id: int, count: int) -> None:
    for source in prev:
        if source is not None:
            flows[source, element_id] += count
