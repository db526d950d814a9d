"""Incidents tell their error and where it happened."""

from __future__ import annotations

import hashlib
import re

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0004"
branch_labels = None
depends_on = None

FILLED_AT_ONCE = 1000
"""Incidents that are filled by one statement."""
COLUMNS = ("bpmn_process_id", "bpmn_element_id", "error", "error_id")
OPEN_INCIDENT = "resolved_at IS NULL"


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("incident", sa.Column(name, sa.Text(), nullable=True))
    _fill()
    _partial("incident_open_idx", "incident", ["process_instance_id", "partition"], OPEN_INCIDENT)
    op.create_index("incident_error_id_idx", "incident", ["error_id", "created_at"])


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


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
    op.drop_index("incident_error_id_idx", "incident")
    op.drop_index("incident_open_idx", "incident")
    for name in reversed(COLUMNS):
        op.drop_column("incident", name)
