"""Indexes that fit what is asked for: ids, which count from 1 on each day, with the day; tags where there are any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACTIVE = "ended_at IS NULL"
BEFORE: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("element_instance", "process_instance_id", ("process_instance_id",), ""),
    ("element_instance", "siblings", ("parent_id", "element_id"), ACTIVE),
    ("element_instance", "attached", ("prev_id",), ACTIVE),
    ("element_instance", "active", ("process_instance_id",), ACTIVE),
    ("incident", "process_instance_id", ("process_instance_id",), ""),
    ("incident", "job_id", ("job_id",), "job_id IS NOT NULL"),
    ("incident", "task_id", ("task_id",), "task_id IS NOT NULL"),
    ("job", "process_instance_id", ("process_instance_id",), ""),
    ("job", "element_instance_id", ("element_instance_id",), ""),
    ("process_instance", "parent_id", ("parent_id",), "parent_id IS NOT NULL"),
    ("process_instance", "root_id", ("root_id",), "root_id IS NOT NULL"),
    ("task", "process_instance_id", ("process_instance_id",), ""),
    ("task", "element_instance_id", ("element_instance_id",), ""),
    ("user_task", "process_instance_id", ("process_instance_id",), ""),
    ("user_task", "element_instance_id", ("element_instance_id",), ""),
    ("variable", "process_instance_id", ("process_instance_id",), ""),
)
"""Table, name without that of the table, columns, and condition."""
AFTER: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("element_instance", "process_instance_id", ("process_instance_id", "partition", "id"), ""),
    ("element_instance", "siblings", ("process_instance_id", "partition", "parent_id", "element_id"), ACTIVE),
    ("element_instance", "attached", ("process_instance_id", "partition", "prev_id"), ACTIVE),
    *((table, name, (*columns, "partition"), where) for table, name, columns, where in BEFORE[4:]),
)
FIGURES_BEFORE = (
    ("job", "job_process_instance_id_idx", "1000000 5"),
    ("task", "task_process_instance_id_idx", "1000000 5"),
)
FIGURES_AFTER = (
    ("job", "job_process_instance_id_idx", "1000000 50 5"),
    ("task", "task_process_instance_id_idx", "1000000 50 5"),
)
"""Table, index, and how many rows of it SQLite takes for equal."""


def upgrade() -> None:
    _replace(BEFORE, AFTER, FIGURES_AFTER)
    _tags("tags IS NOT NULL")


def downgrade() -> None:
    _replace(AFTER, BEFORE, FIGURES_BEFORE)
    _tags("")


def _replace(
    old: tuple[tuple[str, str, tuple[str, ...], str], ...],
    new: tuple[tuple[str, str, tuple[str, ...], str], ...],
    figures: tuple[tuple[str, str, str], ...],
) -> None:
    for table, name, _, _ in old:
        op.drop_index(f"{table}_{name}_idx", table)
    for table, name, columns, where in new:
        conditions = {"postgresql_where": sa.text(where), "sqlite_where": sa.text(where)} if where else {}
        op.create_index(f"{table}_{name}_idx", table, list(columns), **conditions)
    if op.get_bind().dialect.name == "sqlite":
        for row in figures:
            op.execute("DELETE FROM sqlite_stat1 WHERE tbl = '{}' AND idx = '{}'".format(*row))
            op.execute("INSERT INTO sqlite_stat1 VALUES ('{}', '{}', '{}')".format(*row))


def _tags(where: str) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    condition = {"postgresql_where": sa.text(where)} if where else {}
    for table in ("process_instance", "user_task"):
        op.drop_index(f"{table}_tags_idx", table)
        op.create_index(f"{table}_tags_idx", table, ["tags"], postgresql_using="gin", **condition)
