"""What has happened in a process instance, as one list by time.

Each source is read from where the page begins, in its order, and no further than a page; what they have is merged. What
is told of something is where it was first true, so that it stays in its place: element instances where they were
entered, work where it was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from heapq import merge
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Integer, Select, bindparam, literal_column, or_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement

from app import caller
from app.criteria import Page, Paging
from app.engine.awaited import name_of
from app.engine.payload import parse_payload
from app.engine.types import TaskType
from app.store import pages
from app.store.audit import AUDIT
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.load import DAY, EI, ID, PI
from app.store.query import DEFINITION, ELEMENT, MESSAGE, Bounds, read_within
from app.store.rows import DEFINITION_COLUMNS, read_definition
from app.store.situation import UT
from app.store.sql import INCIDENTS, J, T

Columns = Mapping[str, ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of thing that happens; `columns` are what is told of it, by name."""

    kind: str
    time: ColumnElement[Any]
    id: ColumnElement[Any]
    columns: Columns
    conditions: tuple[ColumnElement[bool], ...]
    """Beside these, it must have a time."""
    read: Callable[[dict[str, Any]], dict[str, Any]] = lambda values: values
    """What is told, of the columns."""


def _named(table: Any, *names: str, **more: ColumnElement[Any]) -> Columns:
    return {**{name: table.c[name] for name in names}, **more}


def _of_instance(table: Any) -> tuple[ColumnElement[bool], ...]:
    return table.c.partition == DAY, table.c.process_instance_id == ID


_PREV = select(ELEMENT.c.bpmn_element_id).where(ELEMENT.c.id == EI.c.prev_element_id).scalar_subquery()
_START = select(MESSAGE.c.name).where(MESSAGE.c.id == PI.c.message_id).scalar_subquery()
_CONTEXT = select(EI.c.context).where(EI.c.partition == DAY, EI.c.id == T.c.element_instance_id).scalar_subquery()
_PLACE = ("element_instance_id", "bpmn_element_id")


class _Part(NamedTuple):
    """Which of several definitions of an event has happened: what that is called is yet to be found."""

    place: int
    context: str | None


def _visit(values: dict[str, Any]) -> dict[str, Any]:
    """What inner instances are inside of has no number, but counts how many have started."""
    return {**values, "loop_counter": None} if values["multi_instance"] else values


def _task(values: dict[str, Any]) -> dict[str, Any]:
    """Of an event that has happened, what it was; of other tasks only what went wrong is of interest."""
    payload = parse_payload(values.pop("serialized_task"))
    name = _Part(payload.part, values.pop("name")) if payload.part is not None else values.pop("name")
    if payload.message_id:
        return {**values, "kind": "MESSAGE", "message_id": payload.message_id, "name": name}
    if payload.signal_id:
        return {**values, "kind": "SIGNAL", "signal_id": payload.signal_id, "name": name}
    return {**values, "kind": "TIMER"} if payload.timer else values


SOURCES: tuple[Source, ...] = (
    Source(
        "MESSAGE",
        PI.c.created_at,
        PI.c.id,
        _named(PI, "message_id", "created_by", name=_START),
        (PI.c.partition == DAY, PI.c.id == ID, PI.c.message_id.is_not(None)),
    ),
    Source(
        "ELEMENT_INSTANCE",
        EI.c.created_at,
        EI.c.id,
        _named(
            EI,
            *("bpmn_element_id", "bpmn_element_type", "created_by", "started_at", "ended_at", "state", "prev_id"),
            *("multi_instance", "loop_counter"),
            element_instance_id=EI.c.id,
            prev_bpmn_element_id=_PREV,
        ),
        _of_instance(EI),
        _visit,
    ),
    Source(
        "JOB",
        J.c.completed_at,
        J.c.id,
        _named(
            J,
            *(*_PLACE, "state", "error", "retry_count", "locked_by", "locked_at", "created_at"),
            job_id=J.c.id,
            job_type=J.c.type,
        ),
        _of_instance(J),
    ),
    Source(
        "TASK",
        T.c.completed_at,
        T.c.id,
        _named(
            T,
            *(*_PLACE, "state", "error", "retry_count", "created_at", "created_by", "due_at", "serialized_task"),
            task_id=T.c.id,
            task_type=T.c.type,
            name=_CONTEXT,
        ),
        (
            *_of_instance(T),
            or_(T.c.type == literal_column(f"'{TaskType.TRIGGER_EVENT.value}'"), T.c.error.is_not(None)),
        ),
        _task,
    ),
    Source(
        "USER_TASK",
        UT.c.created_at,
        UT.c.id,
        _named(UT, *_PLACE, "state", "created_by", "updated_at", "updated_by", user_task_id=UT.c.id),
        _of_instance(UT),
    ),
    Source(
        "INCIDENT",
        INCIDENTS.c.created_at,
        INCIDENTS.c.id,
        _named(
            INCIDENTS,
            *(*_PLACE, "job_id", "task_id", "error", "error_id", "created_by", "resolved_at", "resolved_by"),
            incident_id=INCIDENTS.c.id,
        ),
        _of_instance(INCIDENTS),
    ),
    Source(
        "ACTION",
        AUDIT.c.time,
        AUDIT.c.id,
        _named(AUDIT, "operation", "actor", "target", "detail", "reason"),
        _of_instance(AUDIT),
    ),
)
"""In the order of what happens at the same time. Of another source, one more line here is enough."""

TIME = "time"
"""The order by time; what happens at one time is in the order of SOURCES and ids."""


class Histories:
    """The statements of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._parts = select(
            DEFINITION.c.bpmn_element_id, DEFINITION.c.part, *(DEFINITION.c[name] for name in DEFINITION_COLUMNS)
        ).where(DEFINITION.c.process_id == bindparam("process_id"))
        self._process = select(PI.c.bpmn_process_id, PI.c.process_id).where(
            PI.c.partition == DAY, PI.c.id == ID, *dialect.is_attached(DAY)
        )
        self._statements: dict[tuple[bool, bool], list[Select[Any]]] = {}

    def find(self, session: Session, partition: date, id: int, paging: Paging, bounds: Bounds) -> Page | None:
        """The page; None without the instance, or where it is none of the caller's processes.

        Raises EngineError QUERY for a cursor that does not fit, and where it takes too long.
        """
        mark = pages.fingerprint("history", {"partition": partition, "id": id})
        cursor = pages.decode(paging.cursor, mark, paging.order) if paging.cursor else None
        order = pages.Order.of((cursor.order if cursor else paging.order) or TIME)
        if order.column != TIME:
            raise pages.unfit("it is no cursor of this service")
        parameters: dict[str, Any] = {"day": partition, "id": id, "limit": paging.limit + 1}
        if cursor:
            parameters |= _read_last(cursor.last)
        shape = order.descending, cursor is not None
        if shape not in self._statements:
            self._statements[shape] = [_statement(number, *shape) for number in range(len(SOURCES))]
        executions = [
            Execution(statement, parameters, day=partition) for statement in (self._process, *self._statements[shape])
        ]
        found, *results = read_within(session, bounds, None, *executions)
        if not found or not caller.covers(found[0][0]):
            return None
        entries = [[_entry(number, row) for row in rows] for number, rows in enumerate(results)]
        merged = list(merge(*entries, key=lambda entry: entry[0], reverse=order.descending))
        page = Page(records=[told for _, told in merged[: paging.limit]])
        self._name_parts(session, found[0][1], page.records)
        if len(merged) > paging.limit:
            page.next_cursor = pages.Cursor(str(order), list(merged[paging.limit - 1][0]), mark).encode()
        return page

    def _name_parts(self, session: Session, process_id: int, told: Sequence[dict[str, Any]]) -> None:
        unnamed = [each for each in told if isinstance(each.get("name"), _Part)]
        if not unnamed:
            return
        (rows,) = session.run(Execution(self._parts, {"process_id": process_id}))
        known = {(id, part): read_definition(columns) for id, part, *columns in rows}
        for each in unnamed:
            place, context = each["name"]
            each["name"] = name_of(place, context, known.get((each["bpmn_element_id"], place)))


def _statement(number: int, descending: bool, goes_on: bool) -> Select[Any]:
    source = SOURCES[number]
    place: tuple[ColumnElement[Any], ...] = (source.time, literal_column(str(number)), source.id)
    conditions: list[ColumnElement[bool]] = [*source.conditions, source.time.is_not(None)]
    if goes_on:
        last = tuple_(
            bindparam("after_time", type_=source.time.type),
            bindparam("after_source", type_=Integer),
            bindparam("after_id", type_=BigInteger),
        )
        conditions.append(tuple_(*place) < last if descending else tuple_(*place) > last)
    order = [source.time, source.id]
    return (
        select(source.time, source.id, *source.columns.values())
        .where(*conditions)
        .order_by(*(column.desc() if descending else column for column in order))
        .limit(bindparam("limit", type_=Integer))
    )


def _entry(number: int, row: Row) -> tuple[tuple[datetime, int, int], dict[str, Any]]:
    source = SOURCES[number]
    time, id, *values = row
    told = source.read(dict(zip(source.columns, values, strict=True)))
    return (time, number, id), {"kind": source.kind, "time": time, **told}


def _read_last(last: list[Any]) -> dict[str, Any]:
    try:
        time, source, id = last
        found = {"after_time": datetime.fromisoformat(time), "after_source": source, "after_id": id}
        if found["after_time"].tzinfo or type(source) is not int or type(id) is not int:
            raise ValueError("not one of ours")
        if source not in range(len(SOURCES)) or not 0 <= id < 2**63:
            raise ValueError("not one of ours")
    except (TypeError, ValueError):
        raise pages.unfit("it is no cursor of this service") from None
    return found
