"""Criteria -> conditions of a WHERE clause. One that names a column of its table asks for that very value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Table, bindparam, case, func, literal_column, select, text, tuple_
from sqlalchemy.sql.elements import TextClause

from app import caller
from app import criteria as c
from app.engine.types import InstanceState, UserTaskState, WorkState
from app.store.dialect import Dialect
from app.store.digest import digest
from app.store.scope import SCOPE, Scoped, parameters_of
from app.store.tables import (
    CLAIMED_JOB,
    CLAIMED_TASK,
    STARTED_USER_TASK,
    UNCLAIMED_JOB,
    UNCLAIMED_TASK,
    ElementInstanceRow,
    ElementRow,
    IncidentRow,
    JobRow,
    ProcessRow,
    TaskRow,
    table,
)

ELEMENT = table(ElementRow)
PROCESS = table(ProcessRow)
VISIT = table(ElementInstanceRow)
INCIDENT = table(IncidentRow)
JOB = table(JobRow)
TASK = table(TaskRow)

LISTS = {
    "operations": "operation",
    "bpmn_element_types": "bpmn_element_type",
    "names": "name",
    "states": "state",
    "types": "type",
    "versions": "version",
}
"""Criteria that name several values of a column."""
HAS_ENDED = "has_ended"
"""Said by who asks for what has ended, in whatever way."""
TIMED = frozenset({"exclude_expired", "states"})
"""Criteria that are compared with the time; the states of work are, since it becomes due by itself."""

Condition = ColumnElement[bool] | TextClause


class Conditions:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._scoped = Scoped(dialect)

    def of(self, kind: type[Any], found: Table, names: Collection[str]) -> list[Any]:
        """The conditions of the criteria with these names, as `given` has them."""
        conditions = [self._condition(kind, found, name, names) for name in names if name not in SCOPE]
        return [*conditions, self._scoped.within(found)] if set(names) >= SCOPE else conditions

    def _condition(self, kind: type[Any], found: Table, name: str, names: Collection[str]) -> Condition:
        if name == "tags":
            return self._dialect.has_tags(found.c.tags, name)
        if name == "tag_names":
            return self._dialect.has_tag_names(found.c.tags, name)
        if name in LISTS:
            column: ColumnElement[Any] = found.c[LISTS[name]]
            return self._dialect.is_one_of(_shown_state(found) if _is_work_state(found, name) else column, name)
        if name in _IMPLIED:
            return text(_IMPLIED[name])
        if name in _SPECIAL:
            special: Condition = _SPECIAL[name](found, names)
            return special
        if name not in found.c:
            # Only the process is known by its version.
            return found.c.process_id.in_(select(PROCESS.c.id).where(_equal(PROCESS, name)))
        return _equal(found, name)


def _equal(found: Table, name: str) -> ColumnElement[bool]:
    return found.c[name] == bindparam(name, type_=found.c[name].type)


def _is_work_state(found: Table, name: str) -> bool:
    return name == "states" and found in (JOB, TASK)


def _shown_state(found: Table) -> ColumnElement[Any]:
    is_due = (found.c.state == literal_column("'CREATED'")) & (found.c.due_at <= _now(found))
    return case((is_due, literal_column("'DUE'", found.c.state.type)), else_=found.c.state)


def _now(found: Table) -> ColumnElement[Any]:
    return bindparam("now", type_=found.c.created_at.type)


def _root(found: Table, _: Collection[str]) -> ColumnElement[bool]:
    root = bindparam("root_id", type_=found.c.id.type)
    return (found.c.root_id == root) | (found.c.id == root)


def _not_expired(found: Table, _: Collection[str]) -> ColumnElement[bool]:
    return found.c.expires_at.is_(None) | (found.c.expires_at > _now(found))


def _since(column: str, name: str) -> Callable[[Table, Collection[str]], ColumnElement[bool]]:
    return lambda found, _: found.c[column] >= bindparam(name, type_=found.c[column].type)


def _before(column: str, name: str) -> Callable[[Table, Collection[str]], ColumnElement[bool]]:
    return lambda found, _: found.c[column] < bindparam(name, type_=found.c[column].type)


def _among(found: Table, of: Table, some: Select[Any], names: Collection[str]) -> ColumnElement[bool]:
    """Whether `some` rows belong to the instance; of its day, where that is known."""
    if "partition" in names:
        some = some.where(of.c.partition == bindparam("partition", type_=of.c.partition.type))
    return tuple_(found.c.partition, found.c.id).in_(some)


def _has_incident(found: Table, names: Collection[str]) -> ColumnElement[bool]:
    key = select(INCIDENT.c.partition, INCIDENT.c.process_instance_id)
    return _among(found, INCIDENT, key.where(INCIDENT.c.resolved_at.is_(None)), names)


def _waits_at(found: Table, names: Collection[str]) -> ColumnElement[bool]:
    elements = select(ELEMENT.c.process_id, ELEMENT.c.id).where(
        ELEMENT.c.bpmn_element_id == bindparam("waiting_at", type_=ELEMENT.c.bpmn_element_id.type)
    )
    if "bpmn_process_id" in names:
        processes = select(PROCESS.c.id).where(_equal(PROCESS, "bpmn_process_id"))
        elements = elements.where(ELEMENT.c.process_id.in_(processes))
    visits = select(VISIT.c.partition, VISIT.c.process_instance_id).where(
        VISIT.c.ended_at.is_(None), tuple_(VISIT.c.process_id, VISIT.c.element_id).in_(elements)
    )
    return _among(found, VISIT, visits, names)


def _is_open(found: Table, _: Collection[str]) -> ColumnElement[bool]:
    if found is INCIDENT:
        return found.c.resolved_at.is_(None)
    free, held = (UNCLAIMED_JOB, CLAIMED_JOB) if found is JOB else (UNCLAIMED_TASK, CLAIMED_TASK)
    # Together what is not completed, but each of the two has an index of its own.
    return literal_column(f"(({free}) OR ({held})) AND NOT detached")


_IMPLIED = {
    HAS_ENDED: "ended_at IS NOT NULL",
    "is_active": "ended_at IS NULL",
    "is_claimed": CLAIMED_JOB,
    "is_started": STARTED_USER_TASK,
}
"""What follows from states, said in the words of partial indexes."""
_SPECIAL: Mapping[str, Callable[[Table, Collection[str]], Any]] = {
    "after": lambda found, _: found.c.id > bindparam("after", type_=found.c.id.type),
    "active": lambda found, _: found.c.ended_at.is_(None),
    "correlated": lambda found, _: found.c.correlated.is_(True),
    "created_from": _since("created_at", "created_from"),
    "created_until": _before("created_at", "created_until"),
    "ended_from": _since("ended_at", "ended_from"),
    "ended_until": _before("ended_at", "ended_until"),
    "exclude_expired": _not_expired,
    "has_incident": _has_incident,
    "latest_only": lambda found, _: found.c.id.in_(select(func.max(found.c.id)).group_by(found.c.bpmn_process_id)),
    "open": _is_open,
    "root_id": _root,
    "time_from": _since("time", "time_from"),
    "time_until": _before("time", "time_until"),
    "roots_only": lambda found, _: found.c.parent_id.is_(None),
    "waiting_at": _waits_at,
}


def given(criteria: c.Criteria) -> dict[str, Any]:
    """The criteria that filter, as parameters: lists and tags are JSON, of whatever length they are.

    With them comes the scope of the caller, who is to find nothing else.
    """
    scope = caller.scope()
    found: dict[str, Any] = dict(parameters_of(scope)) if scope else {}
    for name in FIELDS[type(criteria)]:
        value = getattr(criteria, name)
        if not value:
            continue
        if name == "tags":
            found.update(_tags(value))
        elif isinstance(value, c.Range):
            found.update(_range(name, value))
        else:
            found[name] = orjson.dumps(value).decode() if name in LISTS else value
    return found | _implied(criteria, found)


FIELDS = {kind: tuple(each.name for each in fields(kind)) for kind in c.CRITERIA}


def _range(name: str, range: c.Range) -> dict[str, Any]:
    ends = {f"{name}_from": range.from_, f"{name}_until": range.until}
    return {end: time for end, time in ends.items() if time is not None}


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with a value apart from those that may have any."""
    equal = {name: value for name, value in tags.items() if value}
    present = [name for name, value in tags.items() if not value]
    wanted = {"tags": equal, "tag_names": present}
    return {name: orjson.dumps(each).decode() for name, each in wanted.items() if each}


def _implied(criteria: c.Criteria, found: Mapping[str, Any]) -> dict[str, Any]:
    """What else must be so of all that matches; it names the index."""
    if not _EFFECTS.isdisjoint(found):
        return {HAS_ENDED: True}
    states = frozenset(getattr(criteria, "states", ()))
    if isinstance(criteria, c.MessageCriteria) and criteria.name and criteria.correlation_key:
        return {"digest": digest(criteria.name, criteria.correlation_key)}
    if isinstance(criteria, c.ProcessInstanceCriteria | c.ElementInstanceCriteria) and states:
        ended = [state in _ENDED for state in states]
        return {HAS_ENDED: True} if all(ended) else {} if any(ended) else {"is_active": True}
    if isinstance(criteria, c.JobCriteria | c.TaskCriteria) and states == {WorkState.LOCKED}:
        return {"is_claimed": True}
    if isinstance(criteria, c.UserTaskCriteria) and states == {UserTaskState.STARTED}:
        return {"is_started": True}
    return {}


_EFFECTS = frozenset({"ended_from", "ended_until"})
_ENDED = frozenset(state for state in InstanceState if state.ended)
