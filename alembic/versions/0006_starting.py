"""An index of open instances by correlation key, for starts that are to be unique."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN_ROOT_WITH_KEY = "ended_at IS NULL AND parent_id IS NULL AND correlation_key IS NOT NULL"


def upgrade() -> None:
    op.create_index(
        "process_instance_key_idx",
        "process_instance",
        ["correlation_key", "bpmn_process_id"],
        postgresql_where=sa.text(OPEN_ROOT_WITH_KEY),
        sqlite_where=sa.text(OPEN_ROOT_WITH_KEY),
    )


def downgrade() -> None:
    op.drop_index("process_instance_key_idx", "process_instance")
