"""Criteria -> SELECT. A query is one statement outside of any transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, select

from app import criteria as c
from app.store import rows as r
from app.store.dialect import Dialect, Row
from app.store.tables import (
    ElementInstanceRow,
    ElementRow,
    EventDefinitionRow,
    IncidentRow,
    JobRow,
    MessageRow,
    MessageSubscriptionRow,
    ProcessInstanceRow,
    ProcessRow,
    SignalSubscriptionRow,
    TaskRow,
    UserTaskRow,
    VariableRow,
    table,
)

ELEMENT = table(ElementRow)
DEFINITION = table(EventDefinitionRow)
PROCESS = table(ProcessRow)
MESSAGE = table(MessageRow)
PI = table(ProcessInstanceRow)


@dataclass(frozen=True, slots=True)
class _Query:
    table: Table
    read: Callable[[Row], Any]


QUERIES: Mapping[type[Any], _Query] = {
    c.ProcessCriteria: _Query(PROCESS, r.read_process),
    c.ElementCriteria: _Query(ELEMENT, r.read_element),
    c.ProcessInstanceCriteria: _Query(PI, r.read_instance),
    c.ElementInstanceCriteria: _Query(table(ElementInstanceRow), r.read_visit),
    c.JobCriteria: _Query(table(JobRow), r.read_job),
    c.TaskCriteria: _Query(table(TaskRow), r.read_task),
    c.UserTaskCriteria: _Query(table(UserTaskRow), r.read_user_task),
    c.IncidentCriteria: _Query(table(IncidentRow), r.read_incident),
    c.VariableCriteria: _Query(table(VariableRow), r.read_variable),
    c.MessageCriteria: _Query(MESSAGE, r.read_message),
    c.MessageSubscriptionCriteria: _Query(table(MessageSubscriptionRow), r.read_message_subscription),
    c.SignalSubscriptionCriteria: _Query(table(SignalSubscriptionRow), r.read_signal_subscription),
}


def find(
    connection: Connection, dialect: Dialect, criteria: c.Criteria, now: datetime, offset: int, limit: int
) -> list[Any]:
    """The matching records, ordered by partition and id, or by id where there are no partitions."""
    query = QUERIES[type(criteria)]
    found = query.table
    statement = _select(found).where(*_conditions(dialect, found, criteria, now))
    # Subscriptions carry the partition of their instance, but are numbered over all of them.
    partitioned = "partition" in found.primary_key.columns
    order = [found.c.partition, found.c.id] if partitioned else [found.c.id]
    rows = connection.execute(statement.order_by(*order).offset(offset or None).limit(limit))
    return [query.read(row) for row in rows]


def _select(found: Table) -> Select[Any]:
    if found is not ELEMENT:
        return select(*found.c)
    return select(*found.c, DEFINITION.c.suspended, *(DEFINITION.c[name] for name in r.DEFINITION_COLUMNS)).select_from(
        found.outerjoin(DEFINITION, DEFINITION.c.element_id == found.c.id)
    )


def _conditions(dialect: Dialect, found: Table, criteria: c.Criteria, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for each in fields(criteria):
        value = getattr(criteria, each.name)
        if not value:
            continue
        if each.name == "tags":
            conditions += [dialect.has_tag(found.c.tags, name, text) for name, text in value.items()]
        elif each.name == "root_id":
            conditions.append((found.c.root_id == value) | (found.c.id == value))
        elif each.name == "exclude_expired":
            conditions.append(found.c.expires_at.is_(None) | (found.c.expires_at > now))
        elif each.name == "names":
            conditions.append(found.c.name.in_(value))
        elif each.name == "states":
            conditions.append(found.c.state.in_(value))
        else:
            conditions.append(found.c[each.name] == value)
    return conditions
