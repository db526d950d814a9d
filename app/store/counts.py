"""How many there are, in groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Select, bindparam, func, select

from app import criteria as c
from app.criteria import IncidentGroup, InstanceCount
from app.store.conditions import INCIDENT, Conditions, given
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.query import PI, Bounds, read_within

INCIDENT_KEY = (INCIDENT.c.error_id, INCIDENT.c.bpmn_process_id, INCIDENT.c.bpmn_element_id)


class Counts:
    """Groups and counts. There is one statement for each set of criteria and keys that are given together."""

    def __init__(self, dialect: Dialect) -> None:
        self._conditions = Conditions(dialect)
        self._statements: dict[Any, tuple[Select[Any], ...]] = {}

    def instances(
        self,
        session: Session,
        criteria: c.ProcessInstanceCriteria,
        group_by: Sequence[str],
        limit: int,
        bounds: Bounds,
    ) -> list[InstanceCount]:
        """The matching instances by the columns `group_by`, the largest group first; without columns it is one group.

        Raises EngineError QUERY where it takes too long.
        """
        found = given(criteria)
        columns = tuple(group_by)
        if {"bpmn_process_id", "version"} <= set(columns):
            columns += ("process_id",)
        key = c.ProcessInstanceCriteria, tuple(found), columns
        if key not in self._statements:
            self._statements[key] = self._count(tuple(found), columns)
        parameters = {**found, "limit": limit}
        executions = [Execution(statement, parameters) for statement in self._statements[key]]
        counted, incidents = read_within(session, bounds, criteria, *executions, scans=True)
        open_incidents = {tuple(values): count for *values, count in incidents}
        return [
            InstanceCount(
                count=count,
                incident_count=open_incidents.get(tuple(values), 0),
                **dict(zip(columns, values, strict=True)),
            )
            for *values, count in counted
        ]

    def _count(self, names: tuple[str, ...], columns: tuple[str, ...]) -> tuple[Select[Any], ...]:
        key = [PI.c[name] for name in columns]
        conditions = self._conditions.of(c.ProcessInstanceCriteria, PI, names)
        count = func.count().label("count")
        counted = select(*key, count).select_from(PI).where(*conditions).group_by(*key)
        is_own = (INCIDENT.c.partition == PI.c.partition) & (INCIDENT.c.process_instance_id == PI.c.id)
        incidents = (
            select(*key, func.count())
            .select_from(INCIDENT.join(PI, is_own))
            .where(INCIDENT.c.resolved_at.is_(None), *conditions)
            .group_by(*key)
        )
        return counted.order_by(count.desc()).limit(bindparam("limit", type_=Integer)), incidents

    def incidents(
        self, session: Session, criteria: c.IncidentCriteria, offset: int, limit: int, bounds: Bounds
    ) -> list[IncidentGroup]:
        """The matching incidents by error, process and element, the largest group first, with the last error of each.

        Raises EngineError QUERY where it takes too long.
        """
        found = given(criteria)
        key = c.IncidentCriteria, tuple(found)
        if key not in self._statements:
            self._statements[key] = (self._group(tuple(found)),)
        parameters = {**found, "offset": offset, "limit": limit}
        (rows,) = read_within(session, bounds, criteria, Execution(self._statements[key][0], parameters), scans=True)
        return [_group(row) for row in rows]

    def _group(self, names: tuple[str, ...]) -> Select[Any]:
        conditions = self._conditions.of(c.IncidentCriteria, INCIDENT, names)
        count, last = func.count().label("count"), func.max(INCIDENT.c.created_at).label("last")
        groups = (
            select(*INCIDENT_KEY, count, func.min(INCIDENT.c.created_at).label("first"), last)
            .where(*conditions)
            .group_by(*INCIDENT_KEY)
            .order_by(count.desc(), last.desc())
            .limit(bindparam("limit", type_=Integer))
            .offset(bindparam("offset", type_=Integer))
            .subquery("groups")
        )
        other = INCIDENT.alias("other")
        error = (
            select(other.c.error)
            .where(
                other.c.error_id == groups.c.error_id,
                other.c.created_at == groups.c.last,
                other.c.bpmn_process_id.is_not_distinct_from(groups.c.bpmn_process_id),
                other.c.bpmn_element_id.is_not_distinct_from(groups.c.bpmn_element_id),
            )
            .order_by(other.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        return select(*groups.c, error).order_by(groups.c.count.desc(), groups.c.last.desc())


def _group(row: Row) -> IncidentGroup:
    error_id, bpmn_process_id, bpmn_element_id, count, first, last, error = row
    return IncidentGroup(
        error_id=error_id,
        error=error,
        bpmn_process_id=bpmn_process_id,
        bpmn_element_id=bpmn_element_id,
        count=count,
        first=first,
        last=last,
    )
