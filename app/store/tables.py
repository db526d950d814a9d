"""The schema. Alembic compares with it, statements are built from it, nothing is mapped by the ORM at run time.

Partitioned tables (`Partitioned`) hold one UTC day per `partition`: natively by LIST on PostgreSQL, as a plain
column on SQLite. Their ids count from 1 per table and day, so every key of theirs includes `partition`. Indexes that
find something by such an id begin with it, and the day follows: of several that begin with the day, PostgreSQL would
take any where it believes that the day is empty.
No foreign keys: they would hinder detaching a day.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.elements import TextClause

Tags = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
Timestamp = DateTime().with_variant(TIMESTAMP(precision=3), "postgresql")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "pk": "%(table_name)s_pkey",
        }
    )
    type_annotation_map = {str: Text, datetime: Timestamp, dict[str, str]: Tags}  # noqa: RUF012 - SQLAlchemy's hook


class Partitioned:
    """Key of the tables that are kept in days."""

    partition: Mapped[date] = mapped_column(primary_key=True, sort_order=-2)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class Global:
    """Key of the tables that are not partitioned; 64 bits where a client's type allows it."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-1)


class GlobalBig:
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, sort_order=-1)


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that match `where`, on both databases."""
    condition: TextClause = text(where)
    return Index(name, *columns, unique=unique, postgresql_where=condition, sqlite_where=condition)


def _tags(name: str) -> Any:
    """An index over the rows that have tags; SQLite has none for these."""
    return Index(name, "tags", postgresql_using="gin", postgresql_where=text("tags IS NOT NULL")).ddl_if(
        dialect="postgresql"
    )


def days(*indexes: Index | UniqueConstraint) -> tuple[Any, ...]:
    """Table arguments of a table that is partitioned by day."""
    return (*indexes, {"postgresql_partition_by": "LIST (partition)"})


# Statements use these very texts: SQLAlchemy writes `NOT x` as `x = 0` for SQLite, where the index is dead then.
UNCLAIMED_JOB = "locked_by IS NULL AND completed_at IS NULL AND NOT detached"
UNCLAIMED_TASK = "locked_by IS NULL AND completed_at IS NULL"
CLAIMED_JOB = CLAIMED_TASK = "locked_by IS NOT NULL AND completed_at IS NULL"
ENDED_ROOT = "ended_at IS NOT NULL AND root_id IS NULL"
STARTED_USER_TASK = "state = 'STARTED'"
LEASED_JOB = "locked_until IS NOT NULL AND completed_at IS NULL"
OPEN_ROOT_WITH_KEY = "ended_at IS NULL AND parent_id IS NULL AND correlation_key IS NOT NULL"
HOSTED = "ended_at IS NULL AND host_id IS NOT NULL"
TO_COMPENSATE = "compensation = 'READY'"
ACTIVE_START = "instantiates AND NOT suspended"


class ApiKeyRow(Global, Base):
    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("secret_id"),)
    secret_id: Mapped[str]
    secret_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    roles: Mapped[str] = mapped_column(server_default="ADMIN")
    """Names with a space between them."""
    bpmn_process_ids: Mapped[str] = mapped_column(server_default="[]")
    """Ids and beginnings of ids, which end with `*`, as a JSON array; an empty one is all."""
    may_deploy: Mapped[bool] = mapped_column(server_default=false())
    may_send: Mapped[bool] = mapped_column(server_default=false())
    description: Mapped[str | None]
    created_by: Mapped[str | None]
    last_used_at: Mapped[datetime | None]


class AuditRow(Base):
    """Who has changed what, beside those whose work it is. Rows are added, and purged when they are old; none changes.

    Their ids come from the database, so that noting what a command does takes it no round trip.
    """

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_time_idx", "time"),
        partial(
            "audit_process_instance_id_idx",
            "process_instance_id",
            "partition",
            where="process_instance_id IS NOT NULL",
        ),
    )
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    time: Mapped[datetime]
    actor: Mapped[str | None]
    credential: Mapped[str | None]
    role: Mapped[str]
    operation: Mapped[str]
    partition: Mapped[date | None]
    process_instance_id: Mapped[int | None]
    bpmn_process_id: Mapped[str | None]
    target: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(Tags)
    reason: Mapped[str | None]
    request_id: Mapped[str | None]


class ProcessSettingRow(Global, Base):
    """What holds for all versions of a process."""

    __tablename__ = "process_setting"
    __table_args__ = (UniqueConstraint("bpmn_process_id"),)
    bpmn_process_id: Mapped[str]
    retention_days: Mapped[int | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class ProcessRow(Global, Base):
    __tablename__ = "process"
    __table_args__ = (UniqueConstraint("bpmn_process_id", "version"),)
    bpmn_collaboration_id: Mapped[str | None]
    bpmn_participant_id: Mapped[str | None]
    bpmn_participant_name: Mapped[str | None]
    bpmn_process_id: Mapped[str]
    bpmn_xml: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    parallelism: Mapped[int]
    tags: Mapped[dict[str, str] | None]
    version: Mapped[str]
    expressions: Mapped[str | None]
    """ENGINE where the engine evaluates expressions; None where workers decide."""


class ElementRow(Global, Base):
    __tablename__ = "element"
    process_id: Mapped[int] = mapped_column(index=True)
    bpmn_element_id: Mapped[str]
    bpmn_element_name: Mapped[str | None]
    bpmn_element_type: Mapped[str]
    parent_bpmn_element_id: Mapped[str | None]
    task_type: Mapped[str | None]
    """Empty without one; None in rows of earlier versions, which did not look for it."""
    multi_instance: Mapped[bool] = mapped_column(server_default=false())


class EventDefinitionRow(Base):
    __tablename__ = "event_definition"
    __table_args__ = (
        Index("event_definition_process_id_idx", "process_id"),
        partial(
            "event_definition_start_message_idx",
            "message_name",
            where=ACTIVE_START,
        ),
        partial(
            "event_definition_start_signal_idx",
            "signal_name",
            where=ACTIVE_START,
        ),
        Index("event_definition_bpmn_process_id_idx", "bpmn_process_id"),
    )
    element_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    process_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    bpmn_element_type: Mapped[str]
    bpmn_process_id: Mapped[str]
    version: Mapped[str]
    suspended: Mapped[bool]
    error_code: Mapped[str | None]
    escalation_code: Mapped[str | None]
    message_name: Mapped[str | None]
    signal_name: Mapped[str | None]
    time: Mapped[datetime | None]
    time_cycle: Mapped[str | None]
    time_duration: Mapped[str | None]
    repetitions: Mapped[int | None]
    instantiates: Mapped[bool] = mapped_column(server_default=false())
    """Whether what is defined starts instances."""
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, server_default="0")
    """Its place among the definitions of an event that has several, each with a row; else 0."""


class ProcessQueueRow(Base):
    """How many instances of a process may be active, over all versions; a row only where there is or was a limit.

    `active` is how many are, and kept only while there is a limit. Its row is the lock of the queue.
    """

    __tablename__ = "process_queue"
    bpmn_process_id: Mapped[str] = mapped_column(primary_key=True)
    parallelism: Mapped[int]
    active: Mapped[int] = mapped_column(server_default="0")


class QueueEntryRow(Base):
    """A queued process instance whose turn has not come. Who deletes the row, under the lock of the queue, has it."""

    __tablename__ = "queue_entry"
    __table_args__ = (
        Index("queue_entry_order_idx", "bpmn_process_id", "created_at", "partition", "process_instance_id"),
    )
    partition: Mapped[date] = mapped_column(primary_key=True)
    process_instance_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bpmn_process_id: Mapped[str]
    process_id: Mapped[int]
    created_at: Mapped[datetime]


class ProcessInstanceRow(Partitioned, Base):
    __tablename__ = "process_instance"
    __table_args__ = days(
        Index("process_instance_process_id_idx", "process_id"),
        partial("process_instance_parent_id_idx", "parent_id", "partition", where="parent_id IS NOT NULL"),
        partial("process_instance_root_id_idx", "root_id", "partition", where="root_id IS NOT NULL"),
        partial("process_instance_active_idx", "bpmn_process_id", "partition", "id", where="ended_at IS NULL"),
        Index("process_instance_created_at_idx", "created_at"),
        partial("process_instance_ended_at_idx", "ended_at", where="ended_at IS NOT NULL"),
        partial(
            "process_instance_correlation_key_idx",
            "correlation_key",
            "bpmn_process_id",
            where="correlation_key IS NOT NULL",
        ),
        partial("process_instance_retention_idx", "bpmn_process_id", "ended_at", where=ENDED_ROOT),
        partial("process_instance_key_idx", "correlation_key", "bpmn_process_id", where=OPEN_ROOT_WITH_KEY),
        _tags("process_instance_tags_idx"),
    )
    parent_id: Mapped[int | None]
    root_id: Mapped[int | None]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    process_id: Mapped[int]
    bpmn_process_id: Mapped[str]
    correlation_key: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    state: Mapped[str]
    tags: Mapped[dict[str, str] | None]
    version: Mapped[str]
    revision: Mapped[int]


class ElementInstanceRow(Partitioned, Base):
    __tablename__ = "element_instance"
    __table_args__ = days(
        Index("element_instance_process_instance_id_idx", "process_instance_id", "partition", "id"),
        partial(
            "element_instance_siblings_idx",
            "process_instance_id",
            "partition",
            "parent_id",
            "element_id",
            where="ended_at IS NULL",
        ),
        partial(
            "element_instance_host_idx",
            "process_instance_id",
            "partition",
            "host_id",
            where=HOSTED,
        ),
        partial("element_instance_compensation_idx", "process_instance_id", "partition", where=TO_COMPENSATE),
        # Who asks where instances wait, and who counts, reads these two and not the table.
        partial(
            "element_instance_active_idx",
            "process_id",
            "element_id",
            "partition",
            "process_instance_id",
            where="ended_at IS NULL",
        ),
        partial(
            "element_instance_ended_idx",
            "process_id",
            "element_id",
            "state",
            "prev_element_id",
            "duration_ms",
            where="ended_at IS NOT NULL",
        ),
    )
    parent_id: Mapped[int | None]
    prev_id: Mapped[int | None]
    prev_element_id: Mapped[int | None]
    element_id: Mapped[int]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    bpmn_element_type: Mapped[str]
    context: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    state: Mapped[str]
    active_children: Mapped[int]
    pending_events: Mapped[int]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    """From its start to its end; None as well for what ended before there was the column."""
    host_id: Mapped[int | None]
    incoming: Mapped[int | None]
    multi_instance: Mapped[bool] = mapped_column(server_default=false())
    loop_counter: Mapped[int | None]
    loop_cardinality: Mapped[int | None]
    loop_completed: Mapped[int] = mapped_column(server_default="0")
    active_handlers: Mapped[int] = mapped_column(server_default="0")
    waiting_joins: Mapped[int] = mapped_column(server_default="0")
    compensation: Mapped[str | None]


class JobRow(Partitioned, Base):
    __tablename__ = "job"
    __table_args__ = days(
        partial("job_due_idx", "partition", "due_at", "id", where=UNCLAIMED_JOB),
        # Or the jobs of all other processes that wait would be read before those of the one that is asked for.
        partial("job_process_due_idx", "process_id", "partition", "due_at", "id", where=UNCLAIMED_JOB),
        # The same for those of all other elements.
        partial("job_element_due_idx", "element_id", "partition", "due_at", "id", where=UNCLAIMED_JOB),
        Index("job_process_instance_id_idx", "process_instance_id", "partition"),
        Index("job_element_instance_id_idx", "element_instance_id", "partition"),
        partial("job_locked_idx", "locked_by", where=CLAIMED_JOB),
        partial("job_failed_idx", "process_id", "element_id", where="error IS NOT NULL"),
        partial("job_lease_idx", "partition", "locked_until", where=LEASED_JOB),
    )
    element_id: Mapped[int]
    element_instance_id: Mapped[int]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    completed_at: Mapped[datetime | None]
    correlation_key: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    due_at: Mapped[datetime]
    error: Mapped[str | None]
    locked_at: Mapped[datetime | None]
    locked_by: Mapped[str | None]
    locked_until: Mapped[datetime | None]
    retry_count: Mapped[int]
    state: Mapped[str]
    type: Mapped[str]
    detached: Mapped[bool]
    lock_version: Mapped[int] = mapped_column(server_default="0")


class TaskRow(Partitioned, Base):
    __tablename__ = "task"
    __table_args__ = days(
        partial("task_due_idx", "partition", "due_at", "id", where=UNCLAIMED_TASK),
        Index("task_process_instance_id_idx", "process_instance_id", "partition"),
        Index("task_element_instance_id_idx", "element_instance_id", "partition"),
        partial("task_lease_idx", "partition", "locked_until", where=CLAIMED_TASK),
    )
    element_id: Mapped[int | None]
    element_instance_id: Mapped[int | None]
    process_id: Mapped[int | None]
    process_instance_id: Mapped[int | None]
    bpmn_element_id: Mapped[str | None]
    completed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    due_at: Mapped[datetime]
    error: Mapped[str | None]
    locked_at: Mapped[datetime | None]
    locked_by: Mapped[str | None]
    locked_until: Mapped[datetime | None]
    repetitions: Mapped[int | None]
    retry_count: Mapped[int]
    serialized_task: Mapped[str | None]
    state: Mapped[str]
    type: Mapped[str]
    detached: Mapped[bool]
    interruptions: Mapped[int] = mapped_column(server_default="0")


class UserTaskRow(Partitioned, Base):
    __tablename__ = "user_task"
    __table_args__ = days(
        Index("user_task_process_instance_id_idx", "process_instance_id", "partition"),
        Index("user_task_element_instance_id_idx", "element_instance_id", "partition"),
        _tags("user_task_tags_idx"),
        partial("user_task_started_idx", "partition", "id", where=STARTED_USER_TASK),
    )
    revision: Mapped[int]
    element_id: Mapped[int]
    element_instance_id: Mapped[int]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    correlation_key: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    state: Mapped[str]
    tags: Mapped[dict[str, str] | None]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]


class IncidentRow(Partitioned, Base):
    __tablename__ = "incident"
    __table_args__ = days(
        Index("incident_process_instance_id_idx", "process_instance_id", "partition"),
        partial("incident_job_id_idx", "job_id", "partition", where="job_id IS NOT NULL"),
        partial("incident_task_id_idx", "task_id", "partition", where="task_id IS NOT NULL"),
        partial("incident_open_idx", "process_instance_id", "partition", where="resolved_at IS NULL"),
        Index("incident_error_id_idx", "error_id", "created_at"),
    )
    element_id: Mapped[int | None]
    element_instance_id: Mapped[int | None]
    job_id: Mapped[int | None]
    process_id: Mapped[int | None]
    process_instance_id: Mapped[int | None]
    task_id: Mapped[int | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None]
    bpmn_process_id: Mapped[str | None]
    bpmn_element_id: Mapped[str | None]
    error: Mapped[str | None]
    error_id: Mapped[str | None]


class VariableRow(Partitioned, Base):
    __tablename__ = "variable"
    __table_args__ = days(
        partial(
            "variable_process_name_key",
            "partition",
            "process_instance_id",
            "name",
            where="element_instance_id IS NULL",
            unique=True,
        ),
        partial(
            "variable_element_name_key",
            "partition",
            "element_instance_id",
            "name",
            where="element_instance_id IS NOT NULL",
            unique=True,
        ),
        Index("variable_process_instance_id_idx", "process_instance_id", "partition"),
    )
    element_id: Mapped[int | None]
    element_instance_id: Mapped[int | None]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    encoding: Mapped[str]
    encrypted: Mapped[bool]
    name: Mapped[str]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str]
    value: Mapped[str]


class MessageRow(GlobalBig, Base):
    __tablename__ = "message"
    __table_args__ = (
        Index("message_digest_idx", "digest"),
        partial("message_unique_digest_idx", "unique_digest", where="unique_digest IS NOT NULL"),
        partial("message_expires_at_idx", "expires_at", where="expires_at IS NOT NULL"),
    )
    correlation_key: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    expires_at: Mapped[datetime | None]
    correlated: Mapped[bool]
    name: Mapped[str]
    unique_key: Mapped[str | None]
    key_freed: Mapped[bool] = mapped_column(server_default=false())
    digest: Mapped[int] = mapped_column(BigInteger)
    """Of name and correlation key; see `app.store.digest`."""
    unique_digest: Mapped[int | None] = mapped_column(BigInteger)
    """Of name, correlation key and unique key; None without a unique key."""


class MessageVariableRow(GlobalBig, Base):
    __tablename__ = "message_variable"
    owner_id: Mapped[int] = mapped_column(BigInteger, index=True)
    encoding: Mapped[str | None]
    encrypted: Mapped[bool]
    name: Mapped[str]
    value: Mapped[str | None]


class MessageSubscriptionRow(GlobalBig, Base):
    __tablename__ = "message_subscription"
    __table_args__ = (
        Index("message_subscription_digest_idx", "digest"),
        Index("message_subscription_partition_element_instance_id_idx", "partition", "element_instance_id"),
        Index("message_subscription_partition_process_instance_id_idx", "partition", "process_instance_id"),
    )
    partition: Mapped[date]
    element_id: Mapped[int]
    element_instance_id: Mapped[int]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    correlation_key: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    name: Mapped[str]
    part: Mapped[int | None]
    digest: Mapped[int] = mapped_column(BigInteger)
    """Of name and correlation key; see `app.store.digest`."""


class SignalRow(GlobalBig, Base):
    __tablename__ = "signal"
    __table_args__ = (partial("signal_delivered_idx", "id", where="active_subscriber_count = 0"),)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    name: Mapped[str]
    subscriber_count: Mapped[int]
    active_subscriber_count: Mapped[int]


class SignalVariableRow(GlobalBig, Base):
    __tablename__ = "signal_variable"
    owner_id: Mapped[int] = mapped_column(BigInteger, index=True)
    encoding: Mapped[str | None]
    encrypted: Mapped[bool]
    name: Mapped[str]
    value: Mapped[str | None]


class SignalSubscriptionRow(GlobalBig, Base):
    __tablename__ = "signal_subscription"
    __table_args__ = (
        Index("signal_subscription_name_idx", "name"),
        Index("signal_subscription_partition_element_instance_id_idx", "partition", "element_instance_id"),
        Index("signal_subscription_partition_process_instance_id_idx", "partition", "process_instance_id"),
    )
    partition: Mapped[date]
    element_id: Mapped[int]
    element_instance_id: Mapped[int]
    process_id: Mapped[int]
    process_instance_id: Mapped[int]
    bpmn_element_id: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    name: Mapped[str]
    part: Mapped[int | None]


class IdempotencyRow(Base):
    """The result of a command that came with an Idempotency-Key, by its place in the request."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("idempotency_created_at_idx", "created_at"),)
    key: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    request: Mapped[str]
    result: Mapped[str]
    encrypted: Mapped[bool]
    created_at: Mapped[datetime]


class EngineClockRow(Base):
    """One row: how far engine time is ahead of the clock. It survives restarts and is the same for all processes."""

    __tablename__ = "engine_clock"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_ms: Mapped[int] = mapped_column(BigInteger)


class NodeRow(GlobalBig, Base):
    """The service processes on this database; their rows can be lost without harm."""

    __tablename__ = "node"
    engine_id: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    executor: Mapped[bool]
    executor_seen: Mapped[datetime | None]
    started_at: Mapped[datetime]
    last_seen: Mapped[datetime]
    waits_since: Mapped[datetime | None]


class IdCounterRow(Base):
    """Next ids on SQLite, which has no sequences; the partition of global tables is empty."""

    __tablename__ = "id_counter"
    __table_args__ = ({"info": {"only": "sqlite"}},)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    partition: Mapped[str] = mapped_column(primary_key=True)
    last_id: Mapped[int] = mapped_column(BigInteger)


class PartitionDayRow(Base):
    """The days that are attached on PostgreSQL, so that statements can go through them one by one."""

    __tablename__ = "partition_day"
    __table_args__ = ({"info": {"only": "postgresql"}},)
    partition: Mapped[date] = mapped_column(primary_key=True)


def table(row: type[Base]) -> Table:
    """The Core table of a row class."""
    found = row.__table__
    assert isinstance(found, Table)
    return found


PARTITIONED: tuple[Table, ...] = tuple(
    t for t in Base.metadata.sorted_tables if t.dialect_options["postgresql"]["partition_by"]
)
