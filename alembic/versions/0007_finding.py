"""Incidents tell their error and where it happened; indexes for those who look for something, or count."""

from __future__ import annotations

import hashlib
import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FILLED_AT_ONCE = 1000
"""Incidents that are filled by one statement."""
COLUMNS = ("bpmn_process_id", "bpmn_element_id", "error", "error_id")
ACTIVE = "ended_at IS NULL"
ENDED = "ended_at IS NOT NULL"
INDEXES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("incident", "open", ("process_instance_id", "partition"), "resolved_at IS NULL"),
    ("incident", "error_id", ("error_id", "created_at"), ""),
    ("process_instance", "active", ("bpmn_process_id", "partition", "id"), ACTIVE),
    ("process_instance", "created_at", ("created_at",), ""),
    ("process_instance", "ended_at", ("ended_at",), ENDED),
    ("process_instance", "correlation_key", ("correlation_key", "bpmn_process_id"), "correlation_key IS NOT NULL"),
    ("element_instance", "active", ("process_id", "element_id", "partition", "process_instance_id"), ACTIVE),
    ("element_instance", "ended", ("process_id", "element_id", "state", "prev_element_id", "duration_ms"), ENDED),
    ("job", "failed", ("process_id", "element_id"), "error IS NOT NULL"),
    ("user_task", "started", ("partition", "id"), "state = 'STARTED'"),
)
"""Table, name without that of the table, columns, and condition."""
BEFORE = ("process_instance", "active", ("bpmn_process_id",), ACTIVE)


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("incident", sa.Column(name, sa.Text(), nullable=True))
    _fill()
    op.add_column("element_instance", sa.Column("duration_ms", sa.BigInteger(), nullable=True))
    op.drop_index("process_instance_active_idx", "process_instance")
    for index in INDEXES:
        _create(*index)


def _create(table: str, name: str, columns: tuple[str, ...], where: str) -> None:
    conditions = {"postgresql_where": sa.text(where), "sqlite_where": sa.text(where)} if where else {}
    op.create_index(f"{table}_{name}_idx", table, list(columns), **conditions)


def _fill() -> None:
    """Incidents of before have what their jobs and tasks tell."""
    some = sa.text(
        """SELECT i.partition, i.id, p.bpmn_process_id, coalesce(j.bpmn_element_id, t.bpmn_element_id),
            coalesce(j.error, t.error)
        FROM incident i
        LEFT JOIN job j ON j.partition = i.partition AND j.id = i.job_id
        LEFT JOIN task t ON t.partition = i.partition AND t.id = i.task_id
        LEFT JOIN process p ON p.id = i.process_id
        WHERE (i.partition, i.id) > (:partition, :id)
        ORDER BY i.partition, i.id LIMIT :limit"""
    )
    fill = sa.text(
        """UPDATE incident SET bpmn_process_id = :process, bpmn_element_id = :element, error = :error,
            error_id = :error_id
        WHERE partition = :partition AND id = :id"""
    )
    connection = op.get_bind()
    last = {"partition": "0001-01-01", "id": 0}
    while rows := connection.execute(some, {**last, "limit": FILLED_AT_ONCE}).all():
        values = [
            {
                "partition": partition,
                "id": id,
                "process": process,
                "element": element,
                "error": error,
                "error_id": _error_id(error) if error else None,
            }
            for partition, id, process, element, error in rows
        ]
        connection.execute(fill, values)
        last = {"partition": rows[-1][0], "id": rows[-1][1]}


UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
MAIL = r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
MEMORY = r"0[xX][0-9a-fA-F]+"
IP = r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]+)?\b|\[[0-9a-fA-F]*:[0-9a-fA-F:.]*\](?::[0-9]+)?"
QUOTED = r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`|“[^“”\n]*”|„[^„“\n]*“|«[^«»\n]*»"
DIGEST = r"\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
NUMBER = r"[0-9]+(?:[.,:][0-9]+)*"
CHANGING = re.compile("|".join((QUOTED, UUID, MAIL, MEMORY, IP, DIGEST, NUMBER)))


def _error_id(error: str) -> str:
    """What the service computes."""
    alike = " ".join(CHANGING.sub("#", error).split())
    return hashlib.sha256(alike.encode(errors="replace")).hexdigest()[:16]


def downgrade() -> None:
    for table, name, _, _ in reversed(INDEXES):
        op.drop_index(f"{table}_{name}_idx", table)
    _create(*BEFORE)
    op.drop_column("element_instance", "duration_ms")
    for name in reversed(COLUMNS):
        op.drop_column("incident", name)
