"""Who has done what, what API keys may do, and how long instances of a process are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
ENDED_ROOT = "ended_at IS NOT NULL AND root_id IS NULL"
OF_KEYS = ("roles", "bpmn_process_ids", "may_deploy", "may_send", "description", "created_by", "last_used_at")


def upgrade() -> None:
    _audit()
    _keys()
    op.create_table(
        "process_setting",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("updated_at", TIMESTAMP, nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="process_setting_pkey"),
        sa.UniqueConstraint("bpmn_process_id", name="process_setting_bpmn_process_id_key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("process_setting_id_seq")))
    _partial("process_instance_retention_idx", "process_instance", ["bpmn_process_id", "ended_at"], ENDED_ROOT)


def downgrade() -> None:
    op.drop_index("process_instance_retention_idx", "process_instance")
    op.drop_table("process_setting")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.DropSequence(sa.Sequence("process_setting_id_seq")))
    for name in reversed(OF_KEYS):
        op.drop_column("api_key", name)
    op.drop_table("audit")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("time", TIMESTAMP, nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("partition", sa.Date(), nullable=True),
        sa.Column("process_instance_id", sa.Integer(), nullable=True),
        sa.Column("bpmn_process_id", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("detail", JSON, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="audit_pkey"),
    )
    op.create_index("audit_time_idx", "audit", ["time"])
    _partial(
        "audit_process_instance_id_idx",
        "audit",
        ["process_instance_id", "partition"],
        "process_instance_id IS NOT NULL",
    )


def _keys() -> None:
    """Keys that there are may do everything, as before."""
    for column in (
        sa.Column("roles", sa.Text(), nullable=False, server_default="ADMIN"),
        sa.Column("bpmn_process_ids", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("may_deploy", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("may_send", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("last_used_at", TIMESTAMP, nullable=True),
    ):
        op.add_column("api_key", column)
    # Ids are counted from now on, so that one that was revoked does not come again.
    last = "(SELECT coalesce(max(id), 0) FROM api_key)"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"SELECT setval('api_key_id_seq', greatest({last}, 1), {last} > 0)")
    else:
        op.execute(f"INSERT OR REPLACE INTO id_counter (table_name, partition, last_id) VALUES ('api_key', '', {last})")
