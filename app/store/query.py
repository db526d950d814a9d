"""Criteria -> SELECT. A query is one statement outside of any transaction; another one counts what matches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Integer, Select, Table, bindparam, func, literal_column, select

from app import caller
from app import criteria as c
from app.errors import EngineError, ErrorKind
from app.store import pages
from app.store import rows as r
from app.store.audit import AUDIT, read_entry
from app.store.dialect import Call, Dialect, Row, Session, TooSlow
from app.store.keys import API_KEY, read_key
from app.store.scope import Scoped, parameters_of
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


class Bounds(NamedTuple):
    """Of what queries may take."""

    seconds: float = 2.0
    counted: int = 100_000
    """Most results that are counted."""


class _Shape(NamedTuple):
    """What the text of a statement depends on."""

    kind: type[Any]
    names: tuple[str, ...]
    order: pages.Order = pages.Order(pages.BY_KEY)
    has_offset: bool = False
    goes_on: bool = False
    """Whether it begins behind a row."""
    counts: bool = False
    """Whether it tells how many there are, up to a limit."""
    is_scoped: bool = False
    """Whether it is asked for by who sees some processes only."""


class Queries:
    """Finds records by criteria. There is one statement for each set of criteria that are given together."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._scoped = Scoped(dialect)
        self._statements: dict[_Shape, Select[Any]] = {}

    def find(self, session: Session, criteria: c.Criteria, now: datetime, offset: int, limit: int) -> list[Any]:
        """The matching records, ordered by partition and id, or by id where there are no partitions."""
        given = _given(criteria)
        shape = _Shape(type(criteria), tuple(given), has_offset=offset > 0)
        parameters: dict[str, Any] = {"limit": limit}
        if offset:
            parameters["offset"] = offset
        (rows,) = session.run(self._call(shape, given, parameters, now))
        return _read(shape, rows)

    def page(self, session: Session, criteria: c.Criteria, now: datetime, paging: c.Paging, bounds: Bounds) -> c.Page:
        """Raises EngineError QUERY for a cursor that does not fit, and where it takes too long."""
        kind, given = type(criteria), _given(criteria)
        found = QUERIES[kind].table
        mark = pages.fingerprint(kind.__name__, given)
        cursor = pages.decode(paging.cursor, mark, paging.order) if paging.cursor else None
        order = pages.Order.of(cursor.order if cursor else paging.order)
        if order.column not in (pages.BY_KEY, *c.ORDERS.get(kind, ())):
            raise pages.unfit("it is no cursor of this service")
        if order.column == "ended_at":
            given[_ENDED] = True
        shape = _Shape(kind, tuple(given), order, has_offset=paging.offset > 0, goes_on=cursor is not None)
        # One more than is asked for tells whether there is a next page.
        parameters: dict[str, Any] = {"limit": paging.limit + 1}
        if paging.offset:
            parameters["offset"] = paging.offset
        if cursor:
            parameters |= pages.after(found, order, pages.read_last(found, order, cursor.last))
        calls = [self._call(shape, given, parameters, now)]
        if paging.with_total:
            calls.append(self._call(_Shape(kind, shape.names, counts=True), given, {"limit": bounds.counted + 1}, now))
        try:
            rows, *counted = session.read(*calls, seconds=bounds.seconds)
        except TooSlow as error:
            raise too_slow(bounds, _narrowing(kind, given)) from error
        page = c.Page(records=_read(shape, rows[: paging.limit]))
        if paging.with_cursor and len(rows) > paging.limit:
            last = [getattr(page.records[-1], column.name) for column in pages.columns_of(found, order)]
            page.next_cursor = pages.Cursor(str(order), last, mark).encode()
        if counted:
            total = counted[0][0][0]
            page.total, page.total_is_lower_bound = min(total, bounds.counted), total > bounds.counted
        return page

    def _call(self, shape: _Shape, given: Mapping[str, Any], parameters: dict[str, Any], now: datetime) -> Call:
        if scope := caller.scope():
            shape = shape._replace(is_scoped=True)
            parameters |= parameters_of(scope)
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = self._statement(shape)
        if _NOW in given:
            parameters["now"] = now
        day = given.get("partition") if _is_by_key(given) else None
        return Call(statement, {**given, **parameters}, day=day)

    def _statement(self, shape: _Shape) -> Select[Any]:
        found = QUERIES[shape.kind].table
        conditions = [self._condition(found, name) for name in shape.names]
        if shape.is_scoped:
            conditions.append(self._scoped.within(found))
        # What is noted stays when its day goes.
        if "partition" in shape.names and _is_by_key(shape.names) and found is not AUDIT:
            conditions += self._dialect.is_attached(bindparam("partition", type_=found.c.partition.type))
        limit = bindparam("limit", type_=Integer)
        if shape.counts:
            some: Select[Any] = (
                select(literal_column("1").label("one")).select_from(found).where(*conditions).limit(limit)
            )
            return select(func.count()).select_from(some.subquery("some"))
        if shape.goes_on:
            conditions += pages.behind(found, shape.order)
        statement = _select(found).where(*conditions).order_by(*pages.ordered(found, shape.order)).limit(limit)
        # With an offset that it does not know, PostgreSQL would rather make a plan each time.
        return statement.offset(bindparam("offset", type_=Integer)) if shape.has_offset else statement

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
        if name == _ENDED:
            return found.c.ended_at.is_not(None)
        if name == _NOW:
            return found.c.expires_at.is_(None) | (found.c.expires_at > bindparam("now", type_=found.c.expires_at.type))
        return found.c[name] == bindparam(name, type_=found.c[name].type)


_NOW = "exclude_expired"
"""The criterion that is compared with the time."""
_ENDED = "has_ended"
"""Said by who asks for what has ended, in whatever way."""
_LISTS = {"names": "name", "operations": "operation", "states": "state"}
"""Criteria that name several values of a column."""
_FIELDS = {kind: tuple(each.name for each in fields(kind)) for kind in QUERIES}


def too_slow(bounds: Bounds, narrowing: str) -> EngineError:
    detail = f"it takes longer than {bounds.seconds:g}s, as set by BPMN_QUERY_TIMEOUT: narrow it by {narrowing}"
    return EngineError(ErrorKind.QUERY, detail, title="failed to query")


def _narrowing(kind: type[Any], given: Collection[str]) -> str:
    """Criteria, as clients call them, that would make a query faster."""
    better = [text for name, text in _NARROWING.items() if name in _FIELDS[kind] and name not in given]
    return " or ".join(better) or "what finds less"


_NARROWING = {"process_instance_id": "processInstanceId with partition", "process_id": "processId", "id": "id"}


def _read(shape: _Shape, rows: list[Row]) -> list[Any]:
    read = QUERIES[shape.kind].read
    return [read(row) for row in rows]


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
