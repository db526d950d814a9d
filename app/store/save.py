"""Changes -> writes, the only writer of walked state.

Ids come first, one block per table and day for the whole set; then every record is one row of one write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Executable, Integer, bindparam, delete, text, update

from app.bpmn.model import EventDefinition
from app.engine import records
from app.engine.changes import Changes
from app.engine.types import TaskType, UserTaskState
from app.store import rows as r
from app.store.dialect import Assumed, Dialect, Execution, Kind, Op, Session, Values, Wanted, Write
from app.store.tables import (
    UNCLAIMED_TASK,
    ElementRow,
    EngineClockRow,
    EventDefinitionRow,
    JobRow,
    MessageRow,
    MessageSubscriptionRow,
    ProcessQueueRow,
    ProcessRow,
    SignalRow,
    SignalSubscriptionRow,
    TaskRow,
    UserTaskRow,
    VariableRow,
    table,
)

VARIABLE = table(VariableRow)
EVENT_DEFINITION = table(EventDefinitionRow)

INSERT: Mapping[type[Any], Op] = {kind: Op(f"new_{each.name}", Kind.INSERT, each) for kind, each in r.TABLES.items()}
INSERT_DEFINITION = Op("new_event_definition", Kind.INSERT, EVENT_DEFINITION)
INSERT_EVENT_VARIABLE: Mapping[type[Any], Op] = {
    kind: Op(f"new_{each.name}", Kind.INSERT, each) for kind, each in r.EVENT_VARIABLES.items()
}

CHANGEABLE: Mapping[type[Any], tuple[str, ...]] = {
    records.ProcessInstance: ("ended_at", "started_at", "state"),
    records.ElementInstance: (
        "context",
        "ended_at",
        "started_at",
        "state",
        "active_children",
        "active_handlers",
        "waiting_joins",
        "pending_events",
        "loop_counter",
        "loop_cardinality",
        "loop_completed",
        "compensation",
        "duration_ms",
    ),
    records.Job: ("completed_at", "error", "state"),
    records.Task: ("completed_at", "error", "repetitions", "state", "process_instance_id"),
    records.UserTask: ("state", "tags", "updated_at", "updated_by"),
    records.Incident: ("resolved_at", "resolved_by"),
    records.Message: ("expires_at", "correlated"),
}
"""What may change in a row after it was inserted, per record."""

UNCHANGED: Mapping[type[Any], tuple[str, ...]] = {
    records.ProcessInstance: ("revision",),
    records.UserTask: ("revision",),
    # Given back and claimed by somebody else meanwhile, which takes no lock of the instance.
    records.Job: ("locked_by", "lock_version"),
    records.Task: ("locked_by",),
}
"""What must still be in a row as it was read; a revision counts up with each update."""
ONLY_ONCE: Mapping[type[Any], str] = {
    records.Job: "job.completed_at IS NULL",
    records.Task: "task.completed_at IS NULL",
    records.Incident: "incident.resolved_at IS NULL",
    records.Message: "NOT message.correlated",
}
"""Of rows that are updated once, the state before."""

UPDATE: Mapping[type[Any], Op] = {
    kind: Op(
        f"changed_{r.TABLES[kind].name}",
        Kind.UPDATE,
        r.TABLES[kind],
        key=tuple(column.name for column in r.TABLES[kind].primary_key),
        columns=columns,
        where=ONLY_ONCE.get(kind, ""),
        unchanged=UNCHANGED.get(kind, ()),
        exact=True,
    )
    for kind, columns in CHANGEABLE.items()
}
MOVE: Mapping[type[Any], Op] = {
    kind: Op(
        f"moved_{r.TABLES[kind].name}",
        Kind.UPDATE,
        r.TABLES[kind],
        key=("partition", "id"),
        columns=columns,
        where=f"{name}.locked_by IS NULL AND {name}.completed_at IS NULL AND NOT {name}.detached",
        exact=True,
    )
    for kind, name, columns in (
        (records.Job, "job", ("due_at",)),
        (records.Task, "task", ("due_at", "serialized_task")),
    )
}
_FIELDS = {op.name: r.Fields(*op.key, *op.columns, *op.unchanged) for op in (*UPDATE.values(), *MOVE.values())}
DELETE: Mapping[type[Any], Op] = {
    kind: Op(f"gone_{r.TABLES[kind].name}", Kind.DELETE, r.TABLES[kind], key=("id",))
    for kind in (records.MessageSubscription, records.SignalSubscription)
}

_VARIABLE_DATA = ("encoding", "encrypted", "updated_at", "updated_by", "value")
UPSERT_PROCESS_VARIABLE = Op(
    "process_variables",
    Kind.UPSERT,
    VARIABLE,
    key=("partition", "process_instance_id", "name"),
    columns=_VARIABLE_DATA,
    where="element_instance_id IS NULL",
)
UPSERT_ELEMENT_VARIABLE = Op(
    "element_variables",
    Kind.UPSERT,
    VARIABLE,
    key=("partition", "element_instance_id", "name"),
    columns=_VARIABLE_DATA,
    where="element_instance_id IS NOT NULL",
)
DELETE_PROCESS_VARIABLE = Op(
    "gone_process_variables",
    Kind.DELETE,
    VARIABLE,
    key=("partition", "process_instance_id", "name"),
    where="element_instance_id IS NULL",
)
DELETE_ELEMENT_VARIABLE = Op(
    "gone_element_variables", Kind.DELETE, VARIABLE, key=("partition", "element_instance_id", "name")
)

EXPIRE_MESSAGE = Op(
    "used_messages",
    Kind.UPDATE,
    table(MessageRow),
    key=("id",),
    columns=("expires_at",),
    where="message.expires_at IS NULL",
)
FINISH_MESSAGE = Op(
    "finished_messages", Kind.UPDATE, table(MessageRow), key=("id",), columns=("expires_at", "key_freed")
)
SET_QUEUE = Op(
    "queues", Kind.UPSERT, table(ProcessQueueRow), key=("bpmn_process_id",), columns=("parallelism", "active")
)
INSERT_ENTRY = INSERT[records.QueueEntry]
DELETE_ENTRY = Op(
    "gone_queue_entry", Kind.DELETE, INSERT_ENTRY.table, key=("partition", "process_instance_id"), exact=True
)
SET_CLOCK = Op("clock", Kind.UPSERT, table(EngineClockRow), key=("id",), columns=("offset_ms",))


class AssumedWrongly(Exception):
    """The changes assume that a process has no limit on parallelism, or is deployed, but that is not so."""


class Saver:
    """Writes sets of changes through one dialect; its statements are built once."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._leftovers: dict[type[Any], Executable] = {
            records.Job: self._detach(JobRow),
            records.Task: self._detach(TaskRow),
        }
        for kind, row in (
            (records.MessageSubscription, MessageSubscriptionRow),
            (records.SignalSubscription, SignalSubscriptionRow),
        ):
            t = table(row)
            self._leftovers[kind] = delete(t).where(
                t.c.partition == bindparam("day"), dialect.any_of(t.c.element_instance_id, "ids")
            )
        self._move_on: dict[type[Any], Executable] = {
            records.Task: self._readdress(TaskRow, table(TaskRow).c.completed_at.is_(None)),
            records.MessageSubscription: self._readdress(MessageSubscriptionRow),
            records.SignalSubscription: self._readdress(SignalSubscriptionRow),
        }
        t = table(MessageSubscriptionRow)
        self._requeue = (
            update(t)
            .where(t.c.id == bindparam("before"))
            .values(id=bindparam("behind"), created_at=bindparam("at"), created_by=bindparam("by"))
        )
        t = table(UserTaskRow)
        self._close_user_tasks = (
            update(t)
            .where(
                t.c.partition == bindparam("day"),
                dialect.any_of(t.c.element_instance_id, "ids"),
                t.c.state == UserTaskState.STARTED.value,
            )
            .values(state=bindparam("closed"))
        )
        self._suspend_starts = (
            update(EVENT_DEFINITION)
            .where(EVENT_DEFINITION.c.bpmn_process_id == bindparam("replaced"), EVENT_DEFINITION.c.instantiates)
            .values(suspended=True)
        )
        self._resume_starts = (
            update(EVENT_DEFINITION)
            .where(dialect.any_of(EVENT_DEFINITION.c.element_id, "ids"), EVENT_DEFINITION.c.part == bindparam("at"))
            .values(suspended=False)
        )
        self._undeploy = _undeploy()
        t = table(SignalRow)
        self._deliver_signal = (
            update(t)
            .where(t.c.id == bindparam("signal"))
            .values(active_subscriber_count=t.c.active_subscriber_count - bindparam("delivered"))
        )

    def save(self, session: Session, changes: Changes) -> list[Execution]:
        """The executions that write `changes`, after giving ids to what is new.

        Raises AssumedWrongly when the changes assume what is not so. That may also come to light when they are run, as
        does a row that is not as it was read: then they raise what is `retryable`.
        """
        before, after = self._clear_away(changes)
        ids_before = [subscription.id for subscription in changes.requeued]
        self._give_ids(session, changes)
        requeued = [
            Execution(self._requeue, {"before": id, "behind": each.id, "at": each.created_at, "by": each.created_by})
            for id, each in zip(ids_before, changes.requeued, strict=True)
        ]
        moved_before, moved_after = self._go_over(changes)
        writes = list(_writes(changes))
        _count_revisions(changes)
        written = self._dialect.writes(writes, _assumed(changes)) if writes else []
        return [*before, *moved_before, *requeued, *written, *after, *moved_after]

    def _detach(self, row: type[JobRow] | type[TaskRow]) -> Executable:
        t = table(row)
        return (
            update(t)
            .where(
                t.c.partition == bindparam("day"),
                self._dialect.any_of(t.c.element_instance_id, "ids"),
                t.c.completed_at.is_(None),
            )
            .values(detached=True)
        )

    def _readdress(
        self, row: type[TaskRow] | type[MessageSubscriptionRow] | type[SignalSubscriptionRow], *conditions: Any
    ) -> Executable:
        t = table(row)
        return (
            update(t)
            .where(t.c.partition == bindparam("day"), t.c.element_instance_id == bindparam("happened"), *conditions)
            .values(element_instance_id=bindparam("renewed"))
        )

    def _go_over(self, changes: Changes) -> tuple[list[Execution], list[Execution]]:
        """What happened boundary events leave to those in their place, in the order of `_clear_away`."""
        before: list[Execution] = []
        after: list[Execution] = []
        for renewed, happened in changes.renewed.items():
            parameters = {"day": happened.partition, "happened": happened.id, "renewed": renewed.id}
            for kind in happened.leaves:
                if kind in self._move_on:
                    into = after if kind is records.Task else before
                    into.append(Execution(self._move_on[kind], parameters, day=happened.partition))
        return before, after

    def _clear_away(self, changes: Changes) -> tuple[list[Execution], list[Execution]]:
        """Subscriptions go before all else, open work after.

        Deleting a subscription waits for a sender that has just taken it; only a statement that comes later sees
        the task this sender has left.
        """
        leftovers: dict[tuple[type[Any], date, UserTaskState | None], list[int]] = {}
        for token, state in changes.abandoned:
            if token.id:
                for kind in token.leaves:
                    group = kind, token.partition, state if kind is records.UserTask else None
                    leftovers.setdefault(group, []).append(token.id)
        for event in changes.happened:
            if event.id:
                for kind in event.leaves:
                    # The decision of where it goes on may be a job.
                    if kind is not records.Job:
                        leftovers.setdefault((kind, event.partition, None), []).append(event.id)
        before = [Execution(self._suspend_starts, {"replaced": replaced}) for replaced in changes.suspended_starts]
        after: list[Execution] = []
        for (kind, day, closed), ids in leftovers.items():
            parameters = {"day": day, "ids": ids}
            if closed is not None:
                after.append(Execution(self._close_user_tasks, {**parameters, "closed": closed.value}, day=day))
            else:
                into = after if kind in (records.Job, records.Task) else before
                into.append(Execution(self._leftovers[kind], parameters, day=day))
        for place in sorted({place for _, place in changes.resumed_starts}):
            resumed = [element_id for element_id, at in changes.resumed_starts if at == place]
            before.append(Execution(self._resume_starts, {"ids": resumed, "at": place}))
        before += [Execution(each, {"gone": id}) for id in changes.undeployed for each in self._undeploy]
        after += [
            Execution(self._deliver_signal, {"signal": signal, "delivered": count})
            for signal, count in Counter(changes.delivered_signals).items()
        ]
        return before, after

    def _give_ids(self, session: Session, changes: Changes) -> None:
        new: dict[tuple[str, date | None], list[Any]] = {}
        for kind, found in changes.new.items():
            for record in found:
                new.setdefault((r.TABLES[kind].name, r.partition_of(record)), []).append(record)
        for variable in changes.variables:
            new.setdefault((VARIABLE.name, variable.partition), []).append(variable)
        for subscription in changes.requeued:
            new.setdefault((r.TABLES[records.MessageSubscription].name, None), []).append(subscription)
        for owner, found in changes.event_variables:
            if found:
                new.setdefault((r.EVENT_VARIABLES[type(owner)].name, None), []).extend(found)
        if not new:
            return
        metadata = VARIABLE.metadata.tables
        wanted = [Wanted(metadata[name], day, len(found)) for (name, day), found in new.items()]
        ids, is_wrong = self._dialect.allocate(session, wanted, _assumed(changes))
        if is_wrong:
            raise AssumedWrongly
        for key, found in new.items():
            for record, id in zip(found, ids[key], strict=True):
                record.id = id


def _undeploy() -> list[Executable]:
    """Statements that delete a process version without instances, and the timers that would start it."""
    t, gone = table(TaskRow), bindparam("gone", type_=Integer)
    starts = delete(t).where(
        t.c.process_id == gone,
        t.c.process_instance_id.is_(None),
        t.c.type == TaskType.TRIGGER_EVENT.value,
        # Who executes one meanwhile finds out by itself.
        text(UNCLAIMED_TASK),
    )
    process, element = table(ProcessRow), table(ElementRow)
    return [
        starts,
        delete(EVENT_DEFINITION).where(EVENT_DEFINITION.c.process_id == gone),
        delete(element).where(element.c.process_id == gone),
        delete(process).where(process.c.id == gone),
    ]


def _assumed(changes: Changes) -> Assumed:
    return Assumed(sorted(changes.assumes_unlimited), sorted(changes.assumes_deployed))


def _writes(changes: Changes) -> Iterable[Write]:
    for kind, found in changes.new.items():
        for record in found:
            r.resolve(record)
        if kind is records.DeployedElement:
            yield from _new_elements(found)
        elif found:
            yield Write(INSERT[kind], [_row(record) for record in found])
    for kind, found in changes.updated.items():
        op = UPDATE[kind]
        if kind is records.Task:
            for record in found:
                if record.instance is not None:
                    record.process_instance_id = record.instance.id
        yield Write(op, [_changed(op, record) for record in found])
    for kind, found in changes.deleted.items():
        yield Write(DELETE[kind], [{"id": record.id} for record in found])
    for kind, op in MOVE.items():
        moved = [record for record in changes.moved if isinstance(record, kind)]
        if moved:
            yield Write(op, [_changed(op, record) for record in moved])
    yield from _variables(changes)
    finished = changes.finished_messages
    if finished:
        rows: list[Values] = [{"id": id, "expires_at": time, "key_freed": True} for id, time in finished.items()]
        yield Write(FINISH_MESSAGE, rows)
    expired = {id: time for id, time in changes.expired_messages.items() if id not in finished}
    if expired:
        yield Write(EXPIRE_MESSAGE, [{"id": id, "expires_at": time} for id, time in expired.items()])
    yield from _queues(changes)
    if changes.clock_offset_ms is not None:
        yield Write(SET_CLOCK, [{"id": 1, "offset_ms": changes.clock_offset_ms}])
    for owner, variables in changes.event_variables:
        for variable in variables:
            variable.owner_id = owner.id
        if variables:
            op = INSERT_EVENT_VARIABLE[type(owner)]
            yield Write(op, [{c.name: getattr(v, c.name) for c in op.table.c} for v in variables])


def _count_revisions(changes: Changes) -> None:
    """What has been written is the next revision, as the statement counts it in its row."""
    for kind, found in changes.updated.items():
        if "revision" in UPDATE[kind].unchanged:
            for record in found:
                record.revision += 1


def _row(record: Any) -> Values:
    return r.token_row(record) if isinstance(record, records.ElementInstance) else r.row_of(record)


def _changed(op: Op, record: Any) -> Values:
    row = _FIELDS[op.name].of(record)
    if "tags" in row:
        row["tags"] = row["tags"] or None
    return row


def _queues(changes: Changes) -> Iterable[Write]:
    if changes.queues:
        names = [column.name for column in SET_QUEUE.table.c]
        yield Write(SET_QUEUE, [{n: getattr(queue, n) for n in names} for queue in changes.queues.values()])
    if changes.queued:
        yield Write(INSERT_ENTRY, [_entry(instance) for instance in changes.queued])
    if changes.dequeued:
        yield Write(DELETE_ENTRY, [{n: getattr(entry, n) for n in DELETE_ENTRY.key} for entry in changes.dequeued])


def _entry(instance: records.ProcessInstance) -> Values:
    row = {name: getattr(instance, name) for name in ("partition", "bpmn_process_id", "process_id", "created_at")}
    return {**row, "process_instance_id": instance.id}


def _new_elements(elements: list[records.DeployedElement]) -> Iterable[Write]:
    """Elements are all of one process, which is new in the same changes."""
    process = elements[0].process
    assert process is not None
    for element in elements:
        element.process_id = process.id
    yield Write(INSERT[records.DeployedElement], [r.row_of(element) for element in elements])
    definitions: list[Values] = [
        {
            "element_id": element.id,
            "process_id": process.id,
            "bpmn_element_id": element.bpmn_element_id,
            "bpmn_element_type": element.bpmn_element_type,
            "bpmn_process_id": process.bpmn_process_id,
            "version": process.version,
            "suspended": element.suspended,
            "instantiates": element.instantiates,
            "part": place,
            **r.definition_row(definition),
        }
        for element in elements
        for place, definition in enumerate(_definitions(element))
    ]
    if definitions:
        yield Write(INSERT_DEFINITION, definitions)


def _definitions(element: records.DeployedElement) -> list[EventDefinition | None]:
    """A part without a definition has a row, too: it is among them."""
    if element.parts:
        return [part.definition for part in element.parts]
    return [element.definition] if element.definition else []


def _variables(changes: Changes) -> Iterable[Write]:
    of_process: list[Values] = []
    of_element: list[Values] = []
    for variable in changes.variables:
        r.resolve(variable)
        (of_process if variable.element_instance_id is None else of_element).append(r.row_of(variable))
    if of_process:
        yield Write(UPSERT_PROCESS_VARIABLE, of_process)
    if of_element:
        yield Write(UPSERT_ELEMENT_VARIABLE, of_element)
    gone_of_process: list[Values] = []
    gone_of_element: list[Values] = []
    for key in changes.deleted_variables:
        if key.element_instance_id is None:
            gone_of_process.append(
                {"partition": key.partition, "process_instance_id": key.process_instance_id, "name": key.name}
            )
        else:
            gone_of_element.append(
                {"partition": key.partition, "element_instance_id": key.element_instance_id, "name": key.name}
            )
    if gone_of_process:
        yield Write(DELETE_PROCESS_VARIABLE, gone_of_process)
    if gone_of_element:
        yield Write(DELETE_ELEMENT_VARIABLE, gone_of_element)
