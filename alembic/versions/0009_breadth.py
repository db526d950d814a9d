"""What visits of loops, event sub-processes, inclusive joins and compensation know; hosts; what starts instances."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ACTIVE_START = "instantiates AND NOT suspended"
BEFORE = "bpmn_element_type = '{kind}_START_EVENT' AND NOT suspended"
HOSTED = "ended_at IS NULL AND host_id IS NOT NULL"
TO_COMPENSATE = "compensation = 'READY'"
OF_INSTANCE = ("process_instance_id", "partition")


def upgrade() -> None:
    op.add_column("process", sa.Column("expressions", sa.Text(), nullable=True))
    op.add_column("element", _flag("multi_instance"))
    op.add_column("event_definition", _flag("instantiates"))
    for column in _of_visits():
        op.add_column("element_instance", column)
    _fill()
    op.drop_index("element_instance_attached_idx", "element_instance")
    _create("element_instance_host_idx", "element_instance", (*OF_INSTANCE, "host_id"), HOSTED)
    _create("element_instance_compensation_idx", "element_instance", OF_INSTANCE, TO_COMPENSATE)
    for kind in ("message", "signal"):
        op.drop_index(f"event_definition_start_{kind}_idx", "event_definition")
        _create(f"event_definition_start_{kind}_idx", "event_definition", (f"{kind}_name",), ACTIVE_START)


def downgrade() -> None:
    for kind in ("message", "signal"):
        op.drop_index(f"event_definition_start_{kind}_idx", "event_definition")
        before = BEFORE.format(kind=kind.upper())
        _create(f"event_definition_start_{kind}_idx", "event_definition", (f"{kind}_name",), before)
    op.drop_index("element_instance_compensation_idx", "element_instance")
    op.drop_index("element_instance_host_idx", "element_instance")
    _create("element_instance_attached_idx", "element_instance", (*OF_INSTANCE, "prev_id"), "ended_at IS NULL")
    for column in reversed(_of_visits()):
        op.drop_column("element_instance", column.name)
    op.drop_column("event_definition", "instantiates")
    op.drop_column("element", "multi_instance")
    op.drop_column("process", "expressions")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _of_visits() -> list[sa.Column[object]]:
    return [
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("incoming", sa.Integer(), nullable=True),
        _flag("multi_instance"),
        sa.Column("loop_counter", sa.Integer(), nullable=True),
        sa.Column("loop_cardinality", sa.Integer(), nullable=True),
        _count("loop_completed"),
        _count("active_handlers"),
        _count("waiting_joins"),
        sa.Column("compensation", sa.Text(), nullable=True),
    ]


def _create(name: str, table: str, columns: tuple[str, ...], where: str) -> None:
    op.create_index(name, table, list(columns), postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _fill() -> None:
    """What waits has come from its host; start events were the ones that start instances."""
    op.execute(
        """UPDATE element_instance SET host_id = prev_id
        WHERE ended_at IS NULL AND prev_id IS NOT NULL AND (
            bpmn_element_type IN ('ERROR_BOUNDARY_EVENT', 'ESCALATION_BOUNDARY_EVENT', 'MESSAGE_BOUNDARY_EVENT',
                'SIGNAL_BOUNDARY_EVENT', 'TIMER_BOUNDARY_EVENT')
            OR (bpmn_element_type IN ('MESSAGE_CATCH_EVENT', 'SIGNAL_CATCH_EVENT', 'TIMER_CATCH_EVENT') AND EXISTS (
                SELECT 1 FROM element_instance gateway
                WHERE gateway.partition = element_instance.partition AND gateway.id = element_instance.prev_id
                    AND gateway.bpmn_element_type = 'EVENT_BASED_GATEWAY'))
        )"""
    )
    op.execute(
        """UPDATE event_definition SET instantiates = true
        WHERE bpmn_element_type IN ('MESSAGE_START_EVENT', 'SIGNAL_START_EVENT', 'TIMER_START_EVENT')"""
    )
