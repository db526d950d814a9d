"""Indexes that fit what is asked for: element instances by their instance first, tags only where there are any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACTIVE = "ended_at IS NULL"
TAGGED = "tags IS NOT NULL"


def upgrade() -> None:
    for name in ("process_instance_id", "siblings", "attached", "active"):
        op.drop_index(f"element_instance_{name}_idx", "element_instance")
    op.create_index("element_instance_process_instance_id_idx", "element_instance", ["process_instance_id", "id"])
    _partial("element_instance_siblings_idx", ["process_instance_id", "parent_id", "element_id"])
    _partial("element_instance_attached_idx", ["process_instance_id", "prev_id"])
    _tags(TAGGED)


def downgrade() -> None:
    for name in ("process_instance_id", "siblings", "attached"):
        op.drop_index(f"element_instance_{name}_idx", "element_instance")
    op.create_index("element_instance_process_instance_id_idx", "element_instance", ["process_instance_id"])
    _partial("element_instance_siblings_idx", ["parent_id", "element_id"])
    _partial("element_instance_attached_idx", ["prev_id"])
    _partial("element_instance_active_idx", ["process_instance_id"])
    _tags(None)


def _partial(name: str, columns: list[str]) -> None:
    where = sa.text(ACTIVE)
    op.create_index(name, "element_instance", columns, postgresql_where=where, sqlite_where=where)


def _tags(where: str | None) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    condition = {"postgresql_where": sa.text(where)} if where else {}
    for table in ("process_instance", "user_task"):
        op.drop_index(f"{table}_tags_idx", table)
        op.create_index(f"{table}_tags_idx", table, ["tags"], postgresql_using="gin", **condition)
