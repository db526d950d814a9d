"""Statements of lookups by key, built once. Rows come with the columns in the order of their table, unless said.

None sorts by a text: each database would do so in an order of its own. Who needs that sorts what was read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, case, func, literal, literal_column, select, text, true, union_all

from app.bpmn.kinds import ElementType
from app.engine.types import InstanceState, TaskType
from app.store.load import DAY, EI, ID, PI, QUEUE
from app.store.query import DEFINITION, MESSAGE, PROCESS
from app.store.rows import DEFINITION_COLUMNS
from app.store.tables import (
    ACTIVE_START,
    OPEN_ROOT_WITH_KEY,
    EngineClockRow,
    IncidentRow,
    JobRow,
    MessageSubscriptionRow,
    MessageVariableRow,
    QueueEntryRow,
    SignalRow,
    SignalSubscriptionRow,
    SignalVariableRow,
    TaskRow,
    VariableRow,
    table,
)

CLOCK = table(EngineClockRow)
V = table(VariableRow)
MS = table(MessageSubscriptionRow)
SS = table(SignalSubscriptionRow)
MV = table(MessageVariableRow)
SV = table(SignalVariableRow)
SIGNALS = table(SignalRow)
ENTRY = table(QueueEntryRow)
T = table(TaskRow)
J = table(JobRow)
INCIDENTS = table(IncidentRow)

CLOCK_OFFSET = select(CLOCK.c.offset_ms).where(CLOCK.c.id == 1)

PROCESS_BY_VERSION = select(*PROCESS.c).where(
    PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"), PROCESS.c.version == bindparam("version")
)

IS_DEPLOYED = select(PROCESS.c.id).where(PROCESS.c.id == bindparam("id"))
PREVIOUS_PROCESS = (
    select(*PROCESS.c)
    .where(PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"), PROCESS.c.id < bindparam("id"))
    .order_by(PROCESS.c.id.desc())
    .limit(1)
)
_SOME_INSTANCES = (
    select(literal_column("1").label("n"))
    .where(PI.c.process_id == bindparam("process_id"))
    .limit(bindparam("most"))
    .subquery()
)
COUNT_INSTANCES = select(func.count()).select_from(_SOME_INSTANCES)
OPEN_STARTS = select(T.c.element_id, T.c.serialized_task).where(
    T.c.process_id == bindparam("process_id"),
    T.c.process_instance_id.is_(None),
    T.c.type == TaskType.TRIGGER_EVENT.value,
    T.c.completed_at.is_(None),
)
_PART = case((DEFINITION.c.bpmn_element_type == ElementType.MULTIPLE_START_EVENT.value, DEFINITION.c.part))
"""None for an event that has one definition."""
_START = (DEFINITION.c.element_id, DEFINITION.c.process_id, DEFINITION.c.bpmn_element_id, _PART)
START_DEFINITIONS = select(
    *_START,
    *(DEFINITION.c[name] for name in DEFINITION_COLUMNS),
).where(
    DEFINITION.c.process_id == bindparam("process_id"),
    DEFINITION.c.instantiates,
)

_ACTIVE_MESSAGE_START = (text(ACTIVE_START), DEFINITION.c.message_name == bindparam("name"))
MESSAGE_START = (
    select(DEFINITION.c.element_id, DEFINITION.c.bpmn_process_id, DEFINITION.c.version)
    .where(*_ACTIVE_MESSAGE_START, DEFINITION.c.bpmn_process_id != bindparam("other_than"))
    .order_by(DEFINITION.c.element_id)
    .limit(1)
)
FIRST_MESSAGE_START = (
    select(*_START, DEFINITION.c.bpmn_process_id, DEFINITION.c.version)
    .where(*_ACTIVE_MESSAGE_START)
    .order_by(DEFINITION.c.element_id)
    .limit(1)
)
SIGNAL_STARTS = (
    select(*_START)
    .where(text(ACTIVE_START), DEFINITION.c.signal_name == bindparam("name"))
    .order_by(DEFINITION.c.element_id)
)
DEFINITION_SUSPENDED = select(DEFINITION.c.suspended).where(
    DEFINITION.c.element_id == bindparam("element_id"), DEFINITION.c.part == bindparam("at")
)

_OF_PROCESS = bindparam("bpmn_process_id", type_=QUEUE.c.bpmn_process_id.type)
LOCK_QUEUE = (
    select(QUEUE.c.parallelism, QUEUE.c.active)
    .where(QUEUE.c.bpmn_process_id == _OF_PROCESS)
    .with_for_update(key_share=True)
)
QUEUE_ENTRIES = (
    select(*ENTRY.c)
    .where(ENTRY.c.bpmn_process_id == _OF_PROCESS)
    .order_by(ENTRY.c.created_at, ENTRY.c.partition, ENTRY.c.process_instance_id)
    .limit(bindparam("limit"))
)
QUEUE_ENTRY = select(*ENTRY.c).where(ENTRY.c.partition == DAY, ENTRY.c.process_instance_id == ID)
COUNT_ACTIVE = select(
    select(func.count()).where(PI.c.bpmn_process_id == _OF_PROCESS, PI.c.ended_at.is_(None)).scalar_subquery()
    - select(func.count()).where(ENTRY.c.bpmn_process_id == _OF_PROCESS).scalar_subquery()
)

INSTANCE = select(*PI.c).where(PI.c.partition == DAY, PI.c.id == ID)
# Without an order: it would lead to an index in which that order is, and all the days in it.
OPEN_ROOT = (
    select(*PI.c)
    .where(
        text(OPEN_ROOT_WITH_KEY),
        PI.c.correlation_key == bindparam("correlation_key"),
        PI.c.bpmn_process_id == _OF_PROCESS,
    )
    .limit(literal_column("1"))
)
VISIT = select(*EI.c).where(EI.c.partition == DAY, EI.c.id == ID)

_VALUE = (V.c.name, V.c.encoding, V.c.encrypted, V.c.value)
PROCESS_VARIABLES = select(*_VALUE).where(
    V.c.partition == DAY, V.c.process_instance_id == ID, V.c.element_instance_id.is_(None)
)


def _element_variables() -> Select[Any]:
    """BPMN element id and distance of the scope, then the variable."""
    own = EI.alias("own")
    columns = ("id", "parent_id", "process_instance_id", "bpmn_element_id")
    chain = (
        select(*(own.c[name] for name in columns), literal(0).label("depth"))
        .where(own.c.partition == DAY, own.c.id == ID)
        .cte("chain", recursive=True)
    )
    scope = EI.alias("scope")
    chain = chain.union_all(
        select(*(scope.c[name] for name in columns), chain.c.depth + 1).where(
            scope.c.partition == DAY,
            scope.c.id == chain.c.parent_id,
            (scope.c.process_instance_id == chain.c.process_instance_id).is_(true()),
        )
    )
    return (
        select(chain.c.bpmn_element_id, chain.c.depth, *_VALUE)
        .select_from(chain.join(V, V.c.element_instance_id == chain.c.id))
        # Says the same again, but in a form in which SQLite finds the index instead of reading the day.
        .where(V.c.partition == DAY, V.c.element_instance_id.in_(select(chain.c.id)))
    )


ELEMENT_VARIABLES = _element_variables()

ALL_VARIABLES = select(V.c.element_instance_id, *_VALUE).where(V.c.partition == DAY, V.c.process_instance_id == ID)
OUTPUT_ITEMS = (
    select(EI.c.loop_counter, V.c.encoding, V.c.encrypted, V.c.value)
    .select_from(EI.join(V, (V.c.partition == EI.c.partition) & (V.c.element_instance_id == EI.c.id)))
    .where(
        EI.c.partition == DAY,
        EI.c.process_instance_id == ID,
        EI.c.parent_id == bindparam("body"),
        EI.c.state != InstanceState.TERMINATED.value,
        V.c.name == bindparam("name"),
    )
)

TASK = select(*T.c).where(T.c.partition == DAY, T.c.id == ID)
LOCK_TASK = TASK.with_for_update(key_share=True)
JOB = select(*J.c).where(J.c.partition == DAY, J.c.id == ID)
LOCK_INCIDENT = (
    select(*INCIDENTS.c).where(INCIDENTS.c.partition == DAY, INCIDENTS.c.id == ID).with_for_update(key_share=True)
)

_NOW = bindparam("now", type_=MESSAGE.c.expires_at.type)
_SAME_MESSAGE = (
    MESSAGE.c.name == bindparam("name"),
    MESSAGE.c.correlation_key == bindparam("correlation_key"),
)
WITH_UNIQUE_KEY = (
    select(*MESSAGE.c)
    .where(
        MESSAGE.c.unique_digest == bindparam("unique_digest"),
        *_SAME_MESSAGE,
        MESSAGE.c.unique_key == bindparam("unique_key"),
        ~MESSAGE.c.key_freed,
    )
    .order_by(MESSAGE.c.id)
    .limit(1)
)
BUFFERED = (
    select(*MESSAGE.c)
    .where(MESSAGE.c.digest == bindparam("digest"), *_SAME_MESSAGE, ~MESSAGE.c.correlated, MESSAGE.c.expires_at > _NOW)
    .order_by(MESSAGE.c.id)
    .limit(1)
)
MESSAGE_SUBSCRIPTION = (
    select(*MS.c)
    .where(
        MS.c.digest == bindparam("digest"),
        MS.c.name == bindparam("name"),
        MS.c.correlation_key == bindparam("correlation_key"),
    )
    .order_by(MS.c.id)
    .limit(1)
)
LOCK_MESSAGE_SUBSCRIPTION = select(*MS.c).where(MS.c.id == bindparam("id")).with_for_update(key_share=True)
LOCK_SIGNAL_SUBSCRIPTIONS = (
    select(*SS.c).where(SS.c.name == bindparam("name")).order_by(SS.c.id).with_for_update(key_share=True)
)
SUBSCRIPTIONS = union_all(
    *(select(of.c.id).where(of.c.partition == DAY, of.c.element_instance_id == ID) for of in (MS, SS))
)
LOCK_MESSAGE = select(*MESSAGE.c).where(MESSAGE.c.id == bindparam("id")).with_for_update(key_share=True)
MESSAGE_VARIABLES = select(*MV.c).where(MV.c.owner_id == bindparam("id")).order_by(MV.c.id)
SIGNAL = select(*SIGNALS.c).where(SIGNALS.c.id == bindparam("id"))
SIGNAL_VARIABLES = select(*SV.c).where(SV.c.owner_id == bindparam("id")).order_by(SV.c.id)
