"""Leases of tasks, the known days, the queue as rows, and digests for long texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
IN_QUEUE = "state = 'QUEUED' AND NOT released"


def upgrade() -> None:
    _leases()
    _queue()
    _messages()


CLAIMED_TASK = "locked_by IS NOT NULL AND completed_at IS NULL"


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _leases() -> None:
    op.add_column("task", sa.Column("interruptions", sa.Integer(), nullable=False, server_default="0"))
    # Whoever has locked these knows of no lease: it counts from when they were locked.
    op.execute(f"UPDATE task SET locked_until = locked_at WHERE {CLAIMED_TASK}")
    op.drop_index("task_locked_idx", "task")
    _partial("task_lease_idx", "task", ["partition", "locked_until"], CLAIMED_TASK)
    if op.get_bind().dialect.name == "postgresql":
        op.create_table(
            "partition_day",
            sa.Column("partition", sa.Date(), nullable=False),
            sa.PrimaryKeyConstraint("partition", name="partition_day_pkey"),
        )
        op.execute(
            """
            INSERT INTO partition_day
            SELECT DISTINCT to_date(right(child.relname, 8), 'YYYYMMDD')
            FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent IN ('task'::regclass, 'job'::regclass) AND child.relname ~ '^(task|job)_[0-9]{8}$'
            """
        )
    else:
        op.execute("DELETE FROM sqlite_stat1 WHERE idx = 'task_locked_idx'")


def _leases_back() -> None:
    op.drop_index("task_lease_idx", "task")
    op.drop_column("task", "interruptions")
    _partial("task_locked_idx", "task", ["locked_by"], CLAIMED_TASK)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_table("partition_day")


def _queue() -> None:
    """An entry for each instance whose turn has not come, and how many instances have a slot where there is a limit."""
    op.create_table(
        "queue_entry",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("partition", "process_instance_id", name="queue_entry_pkey"),
    )
    op.create_index(
        "queue_entry_order_idx",
        "queue_entry",
        ["bpmn_process_id", "created_at", "partition", "process_instance_id"],
        unique=False,
    )
    op.execute(
        f"""INSERT INTO queue_entry (partition, process_instance_id, bpmn_process_id, process_id, created_at)
        SELECT partition, id, bpmn_process_id, process_id, created_at FROM process_instance WHERE {IN_QUEUE}"""
    )
    op.add_column("process_queue", sa.Column("active", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        f"""UPDATE process_queue SET active = (
            SELECT count(*) FROM process_instance i
            WHERE i.bpmn_process_id = process_queue.bpmn_process_id AND ended_at IS NULL AND NOT ({IN_QUEUE})
        ) WHERE parallelism <> 0"""
    )
    op.drop_index("process_instance_queued_idx", "process_instance")
    op.drop_column("process_instance", "released")


def _queue_back() -> None:
    op.add_column("process_instance", sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        """UPDATE process_instance SET released = true WHERE state = 'QUEUED' AND NOT EXISTS (
            SELECT 1 FROM queue_entry e
            WHERE e.partition = process_instance.partition AND e.process_instance_id = process_instance.id
        )"""
    )
    op.create_index(
        "process_instance_queued_idx",
        "process_instance",
        ["bpmn_process_id", "created_at", "partition", "id"],
        unique=False,
        postgresql_where=sa.text(IN_QUEUE),
        sqlite_where=sa.text(IN_QUEUE),
    )
    op.drop_column("process_queue", "active")
    op.drop_table("queue_entry")


def _messages() -> None:
    pass


def downgrade() -> None:
    _queue_back()
    _leases_back()
