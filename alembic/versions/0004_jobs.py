"""Leases of jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0006"
branch_labels = None
depends_on = None

LEASED = "locked_until IS NOT NULL AND completed_at IS NULL"


def upgrade() -> None:
    op.add_column("job", sa.Column("lock_version", sa.Integer(), nullable=False, server_default="0"))
    _partial("job_lease_idx", "job", ["partition", "locked_until"], LEASED)


def downgrade() -> None:
    # Whoever holds a lease knows of it, and completes by it; for earlier versions it is a lock like any other.
    op.execute(f"UPDATE job SET locked_until = NULL WHERE {LEASED}")
    op.drop_index("job_lease_idx", "job")
    op.drop_column("job", "lock_version")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
