"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
TAGS = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
SEQUENCES = (
    "api_key",
    "process",
    "element",
    "message",
    "message_variable",
    "message_subscription",
    "signal",
    "signal_variable",
    "signal_subscription",
)
"""Tables that are numbered over all days."""
DAYS = ("element_instance", "incident", "job", "process_instance", "task", "user_task", "variable")
"""Tables with a day in their primary key."""
FIGURES = (
    ("job", "job_due_idx", "1000000 100000 10 1"),
    ("job", "job_process_due_idx", "1000000 1000 1000 10 1"),
    ("job", "job_process_instance_id_idx", "1000000 5"),
    ("task", "task_due_idx", "1000000 100000 10 1"),
    ("task", "task_process_instance_id_idx", "1000000 5"),
)
"""Table, index, and how many rows of it SQLite takes for equal: work of an instance is not looked for among all."""
TABLES = (
    "api_key",
    "element",
    "element_instance",
    "engine_clock",
    "event_definition",
    "incident",
    "job",
    "message",
    "message_subscription",
    "message_variable",
    "process",
    "process_instance",
    "process_queue",
    "signal",
    "signal_subscription",
    "signal_variable",
    "task",
    "user_task",
    "variable",
)


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("secret_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("expires_at", TIMESTAMP, nullable=True),
        sa.PrimaryKeyConstraint("id", name="api_key_pkey"),
        sa.UniqueConstraint("secret_id", name="api_key_secret_id_key"),
    )
    op.create_table(
        "element",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("bpmn_element_name", sa.Text(), nullable=True),
        sa.Column("bpmn_element_type", sa.Text(), nullable=False),
        sa.Column("parent_bpmn_element_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="element_pkey"),
    )
    op.create_index("element_process_id_idx", "element", ["process_id"], unique=False)
    op.create_table(
        "element_instance",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("prev_id", sa.Integer(), nullable=True),
        sa.Column("prev_element_id", sa.Integer(), nullable=True),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("bpmn_element_type", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", TIMESTAMP, nullable=True),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("active_children", sa.Integer(), nullable=False),
        sa.Column("pending_events", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="element_instance_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "element_instance_active_idx",
        "element_instance",
        ["process_instance_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "element_instance_attached_idx",
        "element_instance",
        ["prev_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "element_instance_process_instance_id_idx", "element_instance", ["process_instance_id"], unique=False
    )
    op.create_index(
        "element_instance_siblings_idx",
        "element_instance",
        ["parent_id", "element_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "engine_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="engine_clock_pkey"),
    )
    op.create_table(
        "event_definition",
        sa.Column("element_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("bpmn_element_type", sa.Text(), nullable=False),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("suspended", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("escalation_code", sa.Text(), nullable=True),
        sa.Column("message_name", sa.Text(), nullable=True),
        sa.Column("signal_name", sa.Text(), nullable=True),
        sa.Column("time", TIMESTAMP, nullable=True),
        sa.Column("time_cycle", sa.Text(), nullable=True),
        sa.Column("time_duration", sa.Text(), nullable=True),
        sa.Column("repetitions", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("element_id", name="event_definition_pkey"),
    )
    op.create_index("event_definition_bpmn_process_id_idx", "event_definition", ["bpmn_process_id"], unique=False)
    op.create_index("event_definition_process_id_idx", "event_definition", ["process_id"], unique=False)
    op.create_index(
        "event_definition_start_message_idx",
        "event_definition",
        ["message_name"],
        unique=False,
        postgresql_where=sa.text("bpmn_element_type = 'MESSAGE_START_EVENT' AND NOT suspended"),
        sqlite_where=sa.text("bpmn_element_type = 'MESSAGE_START_EVENT' AND NOT suspended"),
    )
    op.create_index(
        "event_definition_start_signal_idx",
        "event_definition",
        ["signal_name"],
        unique=False,
        postgresql_where=sa.text("bpmn_element_type = 'SIGNAL_START_EVENT' AND NOT suspended"),
        sqlite_where=sa.text("bpmn_element_type = 'SIGNAL_START_EVENT' AND NOT suspended"),
    )
    op.create_table(
        "incident",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=True),
        sa.Column("element_instance_id", sa.Integer(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("process_id", sa.Integer(), nullable=True),
        sa.Column("process_instance_id", sa.Integer(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("resolved_at", TIMESTAMP, nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partition", "id", name="incident_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "incident_job_id_idx",
        "incident",
        ["job_id"],
        unique=False,
        postgresql_where=sa.text("job_id IS NOT NULL"),
        sqlite_where=sa.text("job_id IS NOT NULL"),
    )
    op.create_index("incident_process_instance_id_idx", "incident", ["process_instance_id"], unique=False)
    op.create_index(
        "incident_task_id_idx",
        "incident",
        ["task_id"],
        unique=False,
        postgresql_where=sa.text("task_id IS NOT NULL"),
        sqlite_where=sa.text("task_id IS NOT NULL"),
    )
    op.create_table(
        "job",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("element_instance_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("completed_at", TIMESTAMP, nullable=True),
        sa.Column("correlation_key", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("due_at", TIMESTAMP, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("locked_at", TIMESTAMP, nullable=True),
        sa.Column("locked_by", sa.Text(), nullable=True),
        sa.Column("locked_until", TIMESTAMP, nullable=True),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("detached", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="job_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "job_due_idx",
        "job",
        ["partition", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("locked_by IS NULL AND completed_at IS NULL AND NOT detached"),
        sqlite_where=sa.text("locked_by IS NULL AND completed_at IS NULL AND NOT detached"),
    )
    op.create_index(
        "job_process_due_idx",
        "job",
        ["process_id", "partition", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("locked_by IS NULL AND completed_at IS NULL AND NOT detached"),
        sqlite_where=sa.text("locked_by IS NULL AND completed_at IS NULL AND NOT detached"),
    )
    op.create_index("job_element_instance_id_idx", "job", ["element_instance_id"], unique=False)
    op.create_index(
        "job_locked_idx",
        "job",
        ["locked_by"],
        unique=False,
        postgresql_where=sa.text("locked_by IS NOT NULL AND completed_at IS NULL"),
        sqlite_where=sa.text("locked_by IS NOT NULL AND completed_at IS NULL"),
    )
    op.create_index("job_process_instance_id_idx", "job", ["process_instance_id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("correlation_key", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", TIMESTAMP, nullable=True),
        sa.Column("correlated", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="message_pkey"),
    )
    op.create_index(
        "message_expires_at_idx",
        "message",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
        sqlite_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("message_name_correlation_key_idx", "message", ["name", "correlation_key"], unique=False)
    op.create_table(
        "message_subscription",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("element_instance_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("correlation_key", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="message_subscription_pkey"),
    )
    op.create_index(
        "message_subscription_name_correlation_key_idx",
        "message_subscription",
        ["name", "correlation_key"],
        unique=False,
    )
    op.create_index(
        "message_subscription_partition_element_instance_id_idx",
        "message_subscription",
        ["partition", "element_instance_id"],
        unique=False,
    )
    op.create_index(
        "message_subscription_partition_process_instance_id_idx",
        "message_subscription",
        ["partition", "process_instance_id"],
        unique=False,
    )
    op.create_table(
        "message_variable",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="message_variable_pkey"),
    )
    op.create_index("message_variable_owner_id_idx", "message_variable", ["owner_id"], unique=False)
    op.create_table(
        "process",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bpmn_collaboration_id", sa.Text(), nullable=True),
        sa.Column("bpmn_participant_id", sa.Text(), nullable=True),
        sa.Column("bpmn_participant_name", sa.Text(), nullable=True),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("bpmn_xml", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("parallelism", sa.Integer(), nullable=False),
        sa.Column("tags", TAGS, nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="process_pkey"),
        sa.UniqueConstraint("bpmn_process_id", "version", name="process_bpmn_process_id_version_key"),
    )
    op.create_table(
        "process_instance",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("root_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("correlation_key", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("ended_at", TIMESTAMP, nullable=True),
        sa.Column("started_at", TIMESTAMP, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tags", TAGS, nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="process_instance_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "process_instance_active_idx",
        "process_instance",
        ["bpmn_process_id"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "process_instance_parent_id_idx",
        "process_instance",
        ["parent_id"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
        sqlite_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index("process_instance_process_id_idx", "process_instance", ["process_id"], unique=False)
    op.create_index(
        "process_instance_queued_idx",
        "process_instance",
        ["bpmn_process_id", "created_at", "partition", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'QUEUED' AND NOT released"),
        sqlite_where=sa.text("state = 'QUEUED' AND NOT released"),
    )
    op.create_index(
        "process_instance_root_id_idx",
        "process_instance",
        ["root_id"],
        unique=False,
        postgresql_where=sa.text("root_id IS NOT NULL"),
        sqlite_where=sa.text("root_id IS NOT NULL"),
    )
    op.create_table(
        "process_queue",
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("parallelism", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bpmn_process_id", name="process_queue_pkey"),
    )
    op.create_table(
        "signal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subscriber_count", sa.Integer(), nullable=False),
        sa.Column("active_subscriber_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="signal_pkey"),
    )
    op.create_index(
        "signal_delivered_idx",
        "signal",
        ["id"],
        unique=False,
        postgresql_where=sa.text("active_subscriber_count = 0"),
        sqlite_where=sa.text("active_subscriber_count = 0"),
    )
    op.create_table(
        "signal_subscription",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("element_instance_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="signal_subscription_pkey"),
    )
    op.create_index("signal_subscription_name_idx", "signal_subscription", ["name"], unique=False)
    op.create_index(
        "signal_subscription_partition_element_instance_id_idx",
        "signal_subscription",
        ["partition", "element_instance_id"],
        unique=False,
    )
    op.create_index(
        "signal_subscription_partition_process_instance_id_idx",
        "signal_subscription",
        ["partition", "process_instance_id"],
        unique=False,
    )
    op.create_table(
        "signal_variable",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="signal_variable_pkey"),
    )
    op.create_index("signal_variable_owner_id_idx", "signal_variable", ["owner_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=True),
        sa.Column("element_instance_id", sa.Integer(), nullable=True),
        sa.Column("process_id", sa.Integer(), nullable=True),
        sa.Column("process_instance_id", sa.Integer(), nullable=True),
        sa.Column("bpmn_element_id", sa.Text(), nullable=True),
        sa.Column("completed_at", TIMESTAMP, nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("due_at", TIMESTAMP, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("locked_at", TIMESTAMP, nullable=True),
        sa.Column("locked_by", sa.Text(), nullable=True),
        sa.Column("locked_until", TIMESTAMP, nullable=True),
        sa.Column("repetitions", sa.Integer(), nullable=True),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("serialized_task", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("detached", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="task_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "task_due_idx",
        "task",
        ["partition", "due_at", "id"],
        unique=False,
        postgresql_where=sa.text("locked_by IS NULL AND completed_at IS NULL"),
        sqlite_where=sa.text("locked_by IS NULL AND completed_at IS NULL"),
    )
    op.create_index("task_element_instance_id_idx", "task", ["element_instance_id"], unique=False)
    op.create_index(
        "task_locked_idx",
        "task",
        ["locked_by"],
        unique=False,
        postgresql_where=sa.text("locked_by IS NOT NULL AND completed_at IS NULL"),
        sqlite_where=sa.text("locked_by IS NOT NULL AND completed_at IS NULL"),
    )
    op.create_index("task_process_instance_id_idx", "task", ["process_instance_id"], unique=False)
    op.create_table(
        "user_task",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=False),
        sa.Column("element_instance_id", sa.Integer(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("bpmn_element_id", sa.Text(), nullable=False),
        sa.Column("correlation_key", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tags", TAGS, nullable=True),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="user_task_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index("user_task_element_instance_id_idx", "user_task", ["element_instance_id"], unique=False)
    op.create_index("user_task_process_instance_id_idx", "user_task", ["process_instance_id"], unique=False)
    op.create_table(
        "variable",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("element_id", sa.Integer(), nullable=True),
        sa.Column("element_instance_id", sa.Integer(), nullable=True),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partition", "id", name="variable_pkey"),
        postgresql_partition_by="LIST (partition)",
    )
    op.create_index(
        "variable_element_name_key",
        "variable",
        ["partition", "element_instance_id", "name"],
        unique=True,
        postgresql_where=sa.text("element_instance_id IS NOT NULL"),
        sqlite_where=sa.text("element_instance_id IS NOT NULL"),
    )
    op.create_index("variable_process_instance_id_idx", "variable", ["process_instance_id"], unique=False)
    op.create_index(
        "variable_process_name_key",
        "variable",
        ["partition", "process_instance_id", "name"],
        unique=True,
        postgresql_where=sa.text("element_instance_id IS NULL"),
        sqlite_where=sa.text("element_instance_id IS NULL"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("process_instance_tags_idx", "process_instance", ["tags"], unique=False, postgresql_using="gin")
        op.create_index("user_task_tags_idx", "user_task", ["tags"], unique=False, postgresql_using="gin")
        for name in SEQUENCES:
            op.execute(sa.schema.CreateSequence(sa.Sequence(f"{name}_id_seq")))
    else:
        op.create_table(
            "id_counter",
            sa.Column("table_name", sa.Text(), nullable=False),
            sa.Column("partition", sa.Text(), nullable=False),
            sa.Column("last_id", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("table_name", "partition", name="id_counter_pkey"),
            info={"only": "sqlite"},
        )
        # Without figures SQLite takes a day for ten rows, and reads all of it rather than use another index.
        op.execute("ANALYZE")
        for name in DAYS:
            op.execute(f"INSERT INTO sqlite_stat1 VALUES ('{name}', 'sqlite_autoindex_{name}_1', '1000000 100000 1')")
        for table, index, figures in FIGURES:
            op.execute(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{figures}')")


def downgrade() -> None:
    for name in reversed(TABLES):
        op.drop_table(name)
    if op.get_bind().dialect.name == "postgresql":
        for name in SEQUENCES:
            op.execute(sa.schema.DropSequence(sa.Sequence(f"{name}_id_seq")))
    else:
        op.drop_table("id_counter")
        op.drop_table("sqlite_stat1")
