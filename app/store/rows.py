"""Record <-> row, one pair of functions per record. A row is a mapping by column; references have become ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Table

from app.bpmn.model import ElementType, EventDefinition
from app.engine import records
from app.engine.graph import Node
from app.engine.payload import Payload
from app.engine.types import InstanceState, JobType, TaskType, UserTaskState, WorkState
from app.store import tables
from app.store.dialect import Row
from app.store.digest import digest
from app.timer import Timer

Rec = TypeVar("Rec")

TABLES: Mapping[type[Any], Table] = {
    records.DeployedProcess: tables.table(tables.ProcessRow),
    records.DeployedElement: tables.table(tables.ElementRow),
    records.ProcessInstance: tables.table(tables.ProcessInstanceRow),
    records.ElementInstance: tables.table(tables.ElementInstanceRow),
    records.Job: tables.table(tables.JobRow),
    records.QueueEntry: tables.table(tables.QueueEntryRow),
    records.Task: tables.table(tables.TaskRow),
    records.UserTask: tables.table(tables.UserTaskRow),
    records.Incident: tables.table(tables.IncidentRow),
    records.Variable: tables.table(tables.VariableRow),
    records.Message: tables.table(tables.MessageRow),
    records.MessageSubscription: tables.table(tables.MessageSubscriptionRow),
    records.Signal: tables.table(tables.SignalRow),
    records.SignalSubscription: tables.table(tables.SignalSubscriptionRow),
}
EVENT_VARIABLES: Mapping[type[Any], Table] = {
    records.Message: tables.table(tables.MessageVariableRow),
    records.Signal: tables.table(tables.SignalVariableRow),
}


class Fields:
    """Reads several attributes of a record at once."""

    __slots__ = ("_get", "_names")

    def __init__(self, *names: str) -> None:
        self._names = names
        self._get = attrgetter(*names)

    def of(self, record: Any) -> dict[str, Any]:
        return dict(zip(self._names, self._get(record), strict=True))


_PLAIN = {kind: Fields(*(f.name for f in fields(kind) if f.name in table.c)) for kind, table in TABLES.items()}


def row_of(record: Any) -> dict[str, Any]:
    """The row of a record whose id, and whose references' ids, are known."""
    row = _PLAIN[type(record)].of(record)
    if "tags" in row:
        row["tags"] = row["tags"] or None
    if isinstance(record, records.Message | records.MessageSubscription):
        row["digest"] = digest(record.name, record.correlation_key)
    if isinstance(record, records.Message):
        key = record.unique_key
        row["unique_digest"] = digest(record.name, record.correlation_key, key) if key else None
    return row


def token_row(token: records.ElementInstance) -> dict[str, Any]:
    row = row_of(token)
    row["element_id"] = token.node.element_id
    row["process_id"] = token.instance.process_id
    row["process_instance_id"] = token.instance.id
    row["bpmn_element_id"] = token.node.id
    row["bpmn_element_type"] = token.node.type
    row["duration_ms"] = token.duration_ms
    return row


def resolve(record: Any) -> None:
    """Fills the `..._id` fields of a new record from the records it points at."""
    token = getattr(record, "token", None)
    if token is not None:
        record.element_instance_id = token.id
        record.process_instance_id = token.instance.id
    elif isinstance(record, records.ElementInstance):
        record.parent_id = record.parent.id if record.parent else None
        record.prev_id = record.prev.id if record.prev else record.prev_id
        record.host_id = record.host.id if record.host else record.host_id
        record.context = str(record.undoes.id) if record.undoes else record.context
    elif isinstance(record, records.Task | records.Variable) and record.instance is not None:
        record.process_instance_id = record.instance.id
    elif isinstance(record, records.Incident) and record.task is not None:
        record.task_id, record.element_instance_id = record.task.id, record.task.element_instance_id
        record.process_instance_id = record.task.process_instance_id
    if isinstance(record, records.Task):
        _resolve_task(record)


def _resolve_task(task: records.Task) -> None:
    if task.process is not None:
        task.process_id = task.process.id
    if task.element is not None:
        task.element_id = task.element.id
    if task.called is not None:
        task.serialized_task = Payload(process_instance_id=task.called.id).serialize()
    if isinstance(task.origin, records.Message):
        task.serialized_task = Payload(message_id=task.origin.id, timer=task.timer, part=task.part).serialize()
    elif isinstance(task.origin, records.Signal):
        task.serialized_task = Payload(signal_id=task.origin.id, part=task.part).serialize()


DIGESTS = frozenset({"digest", "unique_digest"})
"""Columns that are computed from others; they are the last ones of their tables, and no record has them."""


def _columns(kind: type[Any]) -> tuple[str, ...]:
    return tuple(column.name for column in TABLES[kind].c if column.name not in DIGESTS)


def reader(kind: type[Rec], **convert: Callable[[Any], Any]) -> Callable[[Row], Rec]:
    """A function from a row, with the columns in the order of the table, to a record."""
    names = _columns(kind)
    converters = tuple(convert.items())

    def read(row: Row) -> Rec:
        values = dict(zip(names, row, strict=False))
        for name, converter in converters:
            values[name] = converter(values[name])
        return kind(**values)

    return read


def _tags(value: dict[str, str] | None) -> dict[str, str]:
    return value or {}


read_process = reader(records.DeployedProcess, tags=_tags)
read_instance = reader(records.ProcessInstance, state=InstanceState, tags=_tags)
read_job = reader(records.Job, state=WorkState, type=JobType)
read_entry = reader(records.QueueEntry)
read_task = reader(records.Task, state=WorkState, type=TaskType)
read_user_task = reader(records.UserTask, state=UserTaskState, tags=_tags)
read_incident = reader(records.Incident)
read_variable = reader(records.Variable)
read_message = reader(records.Message)
read_message_subscription = reader(records.MessageSubscription)
read_signal = reader(records.Signal)
read_signal_subscription = reader(records.SignalSubscription)

TOKEN_COLUMNS = _columns(records.ElementInstance)
_VISIT = tuple(f.name for f in fields(records.ElementVisit) if f.name in TOKEN_COLUMNS)


def read_visit(row: Row) -> records.ElementVisit:
    values = dict(zip(TOKEN_COLUMNS, row, strict=False))
    return records.ElementVisit(**{name: values[name] for name in _VISIT})


def read_visit_and_prev(row: Row) -> records.ElementVisit:
    """From the columns of the table, and the BPMN element id of the visit it came from."""
    visit = read_visit(row)
    visit.prev_bpmn_element_id = row[-1]
    return visit


def read_token(row: Row, node: Callable[[int], Node], instance: records.ProcessInstance) -> records.ElementInstance:
    """A token without its links to other tokens."""
    v = dict(zip(TOKEN_COLUMNS, row, strict=False))
    return records.ElementInstance(
        partition=v["partition"],
        id=v["id"],
        node=node(v["element_id"]),
        instance=instance,
        parent_id=v["parent_id"],
        prev_id=v["prev_id"],
        prev_element_id=v["prev_element_id"],
        context=v["context"],
        created_at=v["created_at"],
        created_by=v["created_by"],
        ended_at=v["ended_at"],
        started_at=v["started_at"],
        state=InstanceState(v["state"]),
        active_children=v["active_children"],
        pending_events=v["pending_events"],
        host_id=v["host_id"],
        incoming=v["incoming"],
        multi_instance=v["multi_instance"],
        loop_counter=v["loop_counter"],
        loop_cardinality=v["loop_cardinality"],
        loop_completed=v["loop_completed"],
        active_handlers=v["active_handlers"],
        waiting_joins=v["waiting_joins"],
        compensation=v["compensation"],
    )


DEFINITION_COLUMNS = (
    "error_code",
    "escalation_code",
    "message_name",
    "signal_name",
    "time",
    "time_cycle",
    "time_duration",
    "repetitions",
)


def definition_row(definition: EventDefinition | None) -> dict[str, Any]:
    """One of several definitions of an event may say nothing."""
    definition = definition or EventDefinition()
    timer = definition.timer
    return {
        "error_code": definition.error_code,
        "escalation_code": definition.escalation_code,
        "message_name": definition.message_name,
        "signal_name": definition.signal_name,
        "time": timer.time if timer else None,
        "time_cycle": (timer.time_cycle or None) if timer else None,
        "time_duration": (timer.time_duration or None) if timer else None,
        "repetitions": timer.repetitions if timer else None,
    }


def read_definition(row: Row) -> EventDefinition | None:
    """From the columns `DEFINITION_COLUMNS`; None where none of them has a value."""
    if all(value is None for value in row):
        return None
    error_code, escalation_code, message_name, signal_name, time, time_cycle, time_duration, repetitions = row
    timer = None
    if time or time_cycle or time_duration:
        timer = Timer(
            time=time, time_cycle=time_cycle or "", time_duration=time_duration or "", repetitions=repetitions
        )
    return EventDefinition(
        error_code=error_code,
        escalation_code=escalation_code,
        message_name=message_name,
        signal_name=signal_name,
        timer=timer,
    )


def read_element(row: Row) -> records.DeployedElement:
    """From the columns of the element table, `suspended` of its definition, and `DEFINITION_COLUMNS`."""
    id, process_id, bpmn_element_id, name, type, parent, task_type, multi_instance, suspended, *definition = row
    return records.DeployedElement(
        id=id,
        process_id=process_id,
        bpmn_element_id=bpmn_element_id,
        bpmn_element_name=name,
        bpmn_element_type=ElementType(type),
        parent_bpmn_element_id=parent,
        task_type=task_type or "",
        multi_instance=bool(multi_instance),
        definition=read_definition(definition),
        suspended=bool(suspended),
    )


def partition_of(record: Any) -> date | None:
    found: date | None = getattr(record, "partition", None)
    return found if isinstance(record, _PARTITIONED) else None


_PARTITIONED = tuple(kind for kind, table in TABLES.items() if table in tables.PARTITIONED)
