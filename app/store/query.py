"""Criteria -> SELECT. A query is one statement outside of any transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, Select, Table, bindparam, select

from app import criteria as c
from app.store import rows as r
from app.store.audit import AUDIT, read_entry
from app.store.dialect import Call, Dialect, Row, Session
from app.store.keys import API_KEY, read_key
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
    c.AuditCriteria: _Query(AUDIT, read_entry),
    c.ApiKeyCriteria: _Query(API_KEY, read_key),
}


class Queries:
    """Finds records by criteria. There is one statement for each set of criteria that are given together."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._statements: dict[tuple[type[Any], tuple[str, ...], bool], Select[Any]] = {}

    def find(self, session: Session, criteria: c.Criteria, now: datetime, offset: int, limit: int) -> list[Any]:
        """The matching records, ordered by partition and id, or by id where there are no partitions."""
        given = _given(criteria)
        key = type(criteria), tuple(given), offset > 0
        statement = self._statements.get(key)
        if statement is None:
            statement = self._statements[key] = self._statement(*key)
        page: dict[str, Any] = {"limit": limit}
        if offset:
            page["offset"] = offset
        if _NOW in given:
            page["now"] = now
        day = given.get("partition") if _is_by_key(given) else None
        (rows,) = session.run(Call(statement, {**given, **page}, day=day))
        read = QUERIES[type(criteria)].read
        return [read(row) for row in rows]

    def _statement(self, kind: type[Any], names: tuple[str, ...], has_offset: bool) -> Select[Any]:
        found = QUERIES[kind].table
        conditions = [self._condition(found, name) for name in names]
        # What is noted stays when its day goes.
        if "partition" in names and _is_by_key(names) and found is not AUDIT:
            conditions += self._dialect.is_attached(bindparam("partition", type_=found.c.partition.type))
        # Subscriptions carry the partition of their instance, but are numbered over all of them.
        partitioned = "partition" in found.primary_key.columns
        order = [found.c.partition, found.c.id] if partitioned else [found.c.id]
        statement = _select(found).where(*conditions).order_by(*order).limit(bindparam("limit", type_=Integer))
        # With an offset that it does not know, PostgreSQL would rather make a plan each time.
        return statement.offset(bindparam("offset", type_=Integer)) if has_offset else statement

    def _condition(self, found: Table, name: str) -> ColumnElement[bool]:
        if name == "tags":
            return self._dialect.has_tags(found.c.tags, name)
        if name == "tag_names":
            return self._dialect.has_tag_names(found.c.tags, name)
        if name in _LISTS:
            return self._dialect.is_one_of(found.c[_LISTS[name]], name)
        if name == "root_id":
            root = bindparam(name, type_=found.c.id.type)
            return (found.c.root_id == root) | (found.c.id == root)
        if name == "time_from":
            return found.c.time >= bindparam(name, type_=found.c.time.type)
        if name == "time_until":
            return found.c.time < bindparam(name, type_=found.c.time.type)
        if name == "after":
            return found.c.id > bindparam(name, type_=found.c.id.type)
        if name == _NOW:
            return found.c.expires_at.is_(None) | (found.c.expires_at > bindparam("now", type_=found.c.expires_at.type))
        return found.c[name] == bindparam(name, type_=found.c[name].type)


_NOW = "exclude_expired"
"""The criterion that is compared with the time."""
_LISTS = {"names": "name", "operations": "operation", "states": "state"}
"""Criteria that name several values of a column."""
_FIELDS = {kind: tuple(each.name for each in fields(kind)) for kind in QUERIES}


def _is_by_key(names: Collection[str]) -> bool:
    """Whether so little is asked for that one plan fits all who ask for it."""
    return not _KEYS.isdisjoint(names)


_KEYS = frozenset({"element_instance_id", "id", "job_id", "process_instance_id", "task_id"})


def _given(criteria: c.Criteria) -> dict[str, Any]:
    """The criteria that filter, as parameters: lists and tags are JSON, of whatever length they are."""
    given: dict[str, Any] = {}
    for name in _FIELDS[type(criteria)]:
        value = getattr(criteria, name)
        if not value:
            continue
        if name == "tags":
            given.update(_tags(value))
        else:
            given[name] = orjson.dumps(value).decode() if name in _LISTS else value
    return given


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with a value apart from those that may have any."""
    equal = {name: value for name, value in tags.items() if value}
    present = [name for name, value in tags.items() if not value]
    given = {"tags": equal, "tag_names": present}
    return {name: orjson.dumps(wanted).decode() for name, wanted in given.items() if wanted}


def _select(found: Table) -> Select[Any]:
    if found is not ELEMENT:
        return select(*found.c)
    return select(*found.c, DEFINITION.c.suspended, *(DEFINITION.c[name] for name in r.DEFINITION_COLUMNS)).select_from(
        found.outerjoin(DEFINITION, DEFINITION.c.element_id == found.c.id)
    )
