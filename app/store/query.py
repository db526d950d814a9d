"""Criteria -> SELECT. A query is one statement outside of any transaction; another one counts what matches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, Select, Table, and_, bindparam, func, literal_column, select

from app import criteria as c
from app.bpmn.kinds import MULTIPLE_EVENTS
from app.engine.records import DeployedElement, DeployedPart
from app.errors import EngineError, ErrorKind
from app.store import pages
from app.store import rows as r
from app.store.audit import AUDIT, read_entry
from app.store.conditions import HAS_ENDED, TIMED, Conditions
from app.store.conditions import given as given_of
from app.store.dialect import Dialect, Execution, Row, Session, TooSlow
from app.store.keys import API_KEY, read_key
from app.store.settings import SETTING, read_setting
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
VISIT = table(ElementInstanceRow)
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
    c.ElementInstanceCriteria: _Query(VISIT, r.read_visit_and_prev),
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
    c.ProcessSettingCriteria: _Query(SETTING, read_setting),
}


_BEFORE = frozenset(
    {
        *("element_id", "element_instance_id", "exclude_expired", "id", "job_id", "name", "names", "parent_id"),
        *("partition", "process_id", "process_instance_id", "root_id", "tag_names", "tags", "task_id", "type"),
    }
)
_BEFORE_OF: Mapping[type[Any], frozenset[str]] = {
    c.ElementCriteria: _BEFORE | {"bpmn_element_id"},
    c.ElementInstanceCriteria: _BEFORE | {"bpmn_element_id", "states", HAS_ENDED, "is_active"},
    c.MessageSubscriptionCriteria: _BEFORE | {"correlation_key"},
}
"""What clients ask by that know of no limit in time."""


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


class Queries:
    """Finds records by criteria. There is one statement for each set of criteria that are given together."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._conditions = Conditions(dialect)
        self._statements: dict[_Shape, Select[Any]] = {}
        self._parts = (
            select(DEFINITION.c.element_id, DEFINITION.c.suspended, *(DEFINITION.c[n] for n in r.DEFINITION_COLUMNS))
            .where(dialect.any_of(DEFINITION.c.element_id, "ids"))
            .order_by(DEFINITION.c.element_id, DEFINITION.c.part)
        )

    def find(
        self, session: Session, criteria: c.Criteria, now: datetime, offset: int, limit: int, bounds: Bounds
    ) -> list[Any]:
        """The matching records, ordered by partition and id, or by id where there are no partitions.

        Raises EngineError QUERY where it takes too long, unless it is asked by nothing but what finds a row, an
        instance or a process: that may take as long as any operation.
        """
        given = given_of(criteria)
        shape = _Shape(type(criteria), tuple(given), has_offset=offset > 0)
        parameters: dict[str, Any] = {"limit": limit}
        if offset:
            parameters["offset"] = offset
        execution = self._execution(shape, given, parameters, now)
        if _BEFORE_OF.get(shape.kind, _BEFORE).issuperset(given):
            (rows,) = session.run(execution)
        else:
            (rows,) = read_within(session, bounds, criteria, execution)
        return self._read(session, shape, rows)

    def page(self, session: Session, criteria: c.Criteria, now: datetime, paging: c.Paging, bounds: Bounds) -> c.Page:
        """Raises EngineError QUERY for a cursor that does not fit, and where it takes too long."""
        kind, given = type(criteria), given_of(criteria)
        found = QUERIES[kind].table
        mark = pages.fingerprint(kind.__name__, given)
        cursor = pages.decode(paging.cursor, mark, paging.order) if paging.cursor else None
        order = pages.Order.of(cursor.order if cursor else paging.order)
        if order.column not in (pages.BY_KEY, *c.ORDERS.get(kind, ())):
            raise pages.unfit("it is no cursor of this service")
        if order.column == "ended_at":
            given[HAS_ENDED] = True
        shape = _Shape(kind, tuple(given), order, has_offset=paging.offset > 0, goes_on=cursor is not None)
        # One more than is asked for tells whether there is a next page.
        parameters: dict[str, Any] = {"limit": paging.limit + 1}
        if paging.offset:
            parameters["offset"] = paging.offset
        if cursor:
            parameters |= pages.after(found, order, pages.read_last(found, order, cursor.last))
        executions = [self._execution(shape, given, parameters, now)]
        if paging.with_total:
            executions.append(
                self._execution(_Shape(kind, shape.names, counts=True), given, {"limit": bounds.counted + 1}, now)
            )
        rows, *counted = read_within(session, bounds, criteria, *executions)
        page = c.Page(records=self._read(session, shape, rows[: paging.limit]))
        if paging.with_cursor and len(rows) > paging.limit:
            last = [getattr(page.records[-1], column.name) for column in pages.columns_of(found, order)]
            page.next_cursor = pages.Cursor(str(order), last, mark).encode()
        if counted:
            total = counted[0][0][0]
            page.total, page.total_is_lower_bound = min(total, bounds.counted), total > bounds.counted
        return page

    def _read(self, session: Session, shape: _Shape, rows: list[Row]) -> list[Any]:
        read = QUERIES[shape.kind].read
        found = [read(row) for row in rows]
        if shape.kind is c.ElementCriteria:
            several = {element.id: element for element in found if element.bpmn_element_type in MULTIPLE_EVENTS}
            if several:
                self._read_parts(session, several)
        return found

    def _read_parts(self, session: Session, events: Mapping[int, DeployedElement]) -> None:
        """All definitions of events that have several."""
        (rows,) = session.run(Execution(self._parts, {"ids": list(events)}))
        for element_id, suspended, *definition in rows:
            part = DeployedPart(definition=r.read_definition(definition), suspended=bool(suspended))
            events[element_id].parts = [*events[element_id].parts, part]

    def _execution(
        self, shape: _Shape, given: Mapping[str, Any], parameters: dict[str, Any], now: datetime
    ) -> Execution:
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = self._statement(shape)
        if not TIMED.isdisjoint(given):
            parameters["now"] = now
        day = given.get("partition") if _is_by_key(given) else None
        return Execution(statement, {**given, **parameters}, day=day)

    def _statement(self, shape: _Shape) -> Select[Any]:
        found = QUERIES[shape.kind].table
        conditions = self._conditions.of(shape.kind, found, shape.names)
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


def read_within(
    session: Session,
    bounds: Bounds,
    criteria: c.Criteria | c.StatisticsCriteria | None,
    *executions: Execution,
    scans: bool = False,
) -> list[list[Row]]:
    """Like `Session.read`; raises EngineError QUERY for what takes too long."""
    try:
        return session.read(*executions, seconds=bounds.seconds, scans=scans)
    except TooSlow as error:
        raise too_slow(bounds, criteria) from error


def too_slow(bounds: Bounds, criteria: c.Criteria | c.StatisticsCriteria | None) -> EngineError:
    """Tells which criteria, as clients call them, would help; None where there are none to be given."""
    detail = f"it takes longer than {bounds.seconds:g}s, as set by BPMN_QUERY_TIMEOUT"
    if criteria is None:
        return EngineError(ErrorKind.QUERY, detail, title="failed to query")
    has_process = getattr(criteria, "process_id", 0)
    better = [
        text
        for name, text in _NARROWING.items()
        if hasattr(criteria, name) and not (getattr(criteria, name) or ("process" in name and has_process))
    ]
    detail += f": narrow it by {' or '.join(better) or 'what finds less'}"
    return EngineError(ErrorKind.QUERY, detail, title="failed to query")


_NARROWING = {
    "bpmn_process_id": "bpmnProcessId",
    "process_id": "processId",
    "partition": "partition",
    "created": "created",
}


def _is_by_key(names: Collection[str]) -> bool:
    """Whether so little is asked for that one plan fits all who ask for it."""
    return not _KEYS.isdisjoint(names)


_KEYS = frozenset({"element_instance_id", "id", "job_id", "process_instance_id", "task_id"})


def _select(found: Table) -> Select[Any]:
    if found is VISIT:
        prev = select(ELEMENT.c.bpmn_element_id).where(ELEMENT.c.id == found.c.prev_element_id)
        return select(*found.c, prev.scalar_subquery())
    if found is not ELEMENT:
        return select(*found.c)
    return select(*found.c, DEFINITION.c.suspended, *(DEFINITION.c[name] for name in r.DEFINITION_COLUMNS)).select_from(
        found.outerjoin(DEFINITION, and_(DEFINITION.c.element_id == found.c.id, DEFINITION.c.part == 0))
    )
