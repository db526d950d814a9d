"""Leases of jobs, an index for those of one element, and what kind of workers each element is for."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LEASED = "locked_until IS NOT NULL AND completed_at IS NULL"
UNCLAIMED = "locked_by IS NULL AND completed_at IS NULL AND NOT detached"
FIGURES = ("job", "job_element_due_idx", "1000000 1000 1000 10 1")
"""Table, index, and how many rows of it SQLite takes for equal."""

TOPIC = "http://camunda.org/schema/1.0/bpmn}topic"
TASK_DEFINITION = "http://camunda.org/schema/zeebe/1.0}taskDefinition"
DONE_BY_WORKERS = (
    "BUSINESS_RULE_TASK",
    "MESSAGE_END_EVENT",
    "MESSAGE_THROW_EVENT",
    "SCRIPT_TASK",
    "SEND_TASK",
    "SERVICE_TASK",
)
WHITE_SPACE = " \t\r\n"
LONGEST = 255


def upgrade() -> None:
    op.add_column("job", sa.Column("lock_version", sa.Integer(), nullable=False, server_default="0"))
    _partial("job_lease_idx", "job", ["partition", "locked_until"], LEASED)
    _partial("job_element_due_idx", "job", ["element_id", "partition", "due_at", "id"], UNCLAIMED)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO sqlite_stat1 VALUES ('{}', '{}', '{}')".format(*FIGURES))
    op.add_column("element", sa.Column("task_type", sa.Text(), nullable=True))
    _fill_task_types()


def downgrade() -> None:
    op.drop_column("element", "task_type")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = '{}' AND idx = '{}'".format(*FIGURES))
    # Whoever holds a lease knows of it, and completes by it; for earlier versions it is a lock like any other.
    op.execute(f"UPDATE job SET locked_until = NULL WHERE {LEASED}")
    op.drop_index("job_element_due_idx", "job")
    op.drop_index("job_lease_idx", "job")
    op.drop_column("job", "lock_version")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _fill_task_types() -> None:
    """What the files say that are there: one after the other, since each may be large."""
    bind = op.get_bind()
    bind.execute(sa.text("UPDATE element SET task_type = ''"))
    fill = sa.text(
        "UPDATE element SET task_type = :task_type WHERE process_id = :process_id AND bpmn_element_id = :id "
        f"AND bpmn_element_type IN ({', '.join(repr(each) for each in DONE_BY_WORKERS)})"
    )
    for process_id in bind.execute(sa.text("SELECT id FROM process ORDER BY id")).scalars().all():
        xml = bind.execute(sa.text("SELECT bpmn_xml FROM process WHERE id = :id"), {"id": process_id}).scalar_one()
        found = [{"process_id": process_id, "id": id, "task_type": type} for id, type in _task_types(xml).items()]
        if found:
            bind.execute(fill, found)


def _task_types(xml: str) -> dict[str, str]:
    """By the id of the element as the file has it, and without white space around it."""
    found: dict[str, str] = {}
    stack: list[tuple[str, str]] = []

    def start(name: str, attributes: dict[str, Any]) -> None:
        own = attributes.get("id", "")
        tag = name.rpartition("}")[2]
        if TOPIC in attributes:
            # At an event definition it is about the event.
            note(stack[-1][1] if tag.endswith("EventDefinition") and stack else own, attributes[TOPIC])
        elif name == TASK_DEFINITION and len(stack) > 1 and stack[-1][0] == "extensionElements":
            note(stack[-2][1], attributes.get("type", ""))
        stack.append((tag, own))

    def note(id: str, task_type: str) -> None:
        if id and (task_type := task_type.strip(WHITE_SPACE)[:LONGEST]):
            found[id] = found[id.strip(WHITE_SPACE)] = task_type

    def end(_: str) -> None:
        stack.pop()

    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="}")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    # It was read before: there is no document type in it, and nothing external.
    try:
        parser.Parse(xml.removeprefix("\ufeff").encode(errors="replace"), True)
    except expat.ExpatError:
        # Whatever an earlier version has accepted is no reason to stop here.
        return {}
    return found
