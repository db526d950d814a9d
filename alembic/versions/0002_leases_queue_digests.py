"""Leases of tasks, the known days, the queue as rows, and digests for long texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


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
    pass


def _messages() -> None:
    pass


def downgrade() -> None:
    _leases_back()
