"""Starts that are to be unique find open instances by correlation key; results are kept by Idempotency-Key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
OPEN_ROOT_WITH_KEY = "ended_at IS NULL AND parent_id IS NULL AND correlation_key IS NOT NULL"


def upgrade() -> None:
    op.create_index(
        "process_instance_key_idx",
        "process_instance",
        ["correlation_key", "bpmn_process_id"],
        postgresql_where=sa.text(OPEN_ROOT_WITH_KEY),
        sqlite_where=sa.text(OPEN_ROOT_WITH_KEY),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("encrypted", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("key", "place", name="idempotency_pkey"),
    )
    op.create_index("idempotency_created_at_idx", "idempotency", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_index("process_instance_key_idx", "process_instance")
