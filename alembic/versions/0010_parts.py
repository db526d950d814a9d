"""Events with several definitions: one row for each, and subscriptions that say which one they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = "event_definition"
KEY = "event_definition_pkey"
SUBSCRIPTIONS = ("message_subscription", "signal_subscription")
ACTIVE_START = "instantiates AND NOT suspended"
INDEXES = {
    "event_definition_bpmn_process_id_idx": ("bpmn_process_id", None),
    "event_definition_process_id_idx": ("process_id", None),
    "event_definition_start_message_idx": ("message_name", ACTIVE_START),
    "event_definition_start_signal_idx": ("signal_name", ACTIVE_START),
}


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
    _set_key("element_id", "part")
    for table in SUBSCRIPTIONS:
        op.add_column(table, sa.Column("part", sa.Integer(), nullable=True))


def downgrade() -> None:
    for table in SUBSCRIPTIONS:
        op.drop_column(table, "part")
    # The version before knows one definition of each event, and executes none that has several.
    op.execute(f"DELETE FROM {TABLE} WHERE part <> 0")
    _set_key("element_id")
    op.drop_column(TABLE, "part")


def _set_key(*columns: str) -> None:
    """SQLite can't change a key: there the table is made anew, and its indexes with it."""
    if op.get_context().dialect.name != "sqlite":
        op.drop_constraint(KEY, TABLE, type_="primary")
        op.create_primary_key(KEY, TABLE, list(columns))
        return
    for name in INDEXES:
        op.drop_index(name, TABLE)
    before = sa.Table(TABLE, sa.MetaData(), autoload_with=op.get_bind())
    kept = [sa.Column(c.name, c.type, nullable=c.nullable, server_default=c.server_default) for c in before.columns]
    op.create_table(f"{TABLE}_new", *kept, sa.PrimaryKeyConstraint(*columns, name=KEY))
    names = ", ".join(column.name for column in kept)
    op.execute(f"INSERT INTO {TABLE}_new ({names}) SELECT {names} FROM {TABLE}")
    op.drop_table(TABLE)
    op.rename_table(f"{TABLE}_new", TABLE)
    for name, (column, condition) in INDEXES.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, TABLE, [column], sqlite_where=where)
