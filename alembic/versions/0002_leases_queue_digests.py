"""Leases of tasks, the known days, the queue as rows, and digests for long texts."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIMESTAMP = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=3), "postgresql")
IN_QUEUE = "state = 'QUEUED' AND NOT released"
FILLED_AT_ONCE = 1000
"""Rows that get their digests by one statement."""


def upgrade() -> None:
    _leases()
    _queue()
    _messages()
    _unique_keys()


CLAIMED_TASK = "locked_by IS NOT NULL AND completed_at IS NULL"


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def _leases() -> None:
    op.add_column("task", sa.Column("interruptions", sa.Integer(), nullable=False, server_default="0"))
    # Whoever has locked these knows of no lease: it counts from when they were locked.
    op.execute(f"UPDATE task SET locked_until = locked_at WHERE {CLAIMED_TASK}")
    op.drop_index("task_locked_idx", "task")
    _partial("task_lease_idx", "task", ["partition", "locked_until"], CLAIMED_TASK)
    if op.get_bind().dialect.name == "postgresql":
        op.create_table(
            "partition_day",
            sa.Column("partition", sa.Date(), nullable=False),
            sa.PrimaryKeyConstraint("partition", name="partition_day_pkey"),
        )
        op.execute(
            """
            INSERT INTO partition_day
            SELECT DISTINCT to_date(right(child.relname, 8), 'YYYYMMDD')
            FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent IN ('task'::regclass, 'job'::regclass) AND child.relname ~ '^(task|job)_[0-9]{8}$'
            """
        )
    else:
        op.execute("DELETE FROM sqlite_stat1 WHERE idx = 'task_locked_idx'")


def _leases_back() -> None:
    op.drop_index("task_lease_idx", "task")
    op.drop_column("task", "interruptions")
    _partial("task_locked_idx", "task", ["locked_by"], CLAIMED_TASK)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_table("partition_day")


def _queue() -> None:
    """An entry for each instance whose turn has not come, and how many instances have a slot where there is a limit."""
    op.create_table(
        "queue_entry",
        sa.Column("partition", sa.Date(), nullable=False),
        sa.Column("process_instance_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("bpmn_process_id", sa.Text(), nullable=False),
        sa.Column("process_id", sa.Integer(), nullable=False),
        sa.Column("created_at", TIMESTAMP, nullable=False),
        sa.PrimaryKeyConstraint("partition", "process_instance_id", name="queue_entry_pkey"),
    )
    op.create_index(
        "queue_entry_order_idx",
        "queue_entry",
        ["bpmn_process_id", "created_at", "partition", "process_instance_id"],
        unique=False,
    )
    op.execute(
        f"""INSERT INTO queue_entry (partition, process_instance_id, bpmn_process_id, process_id, created_at)
        SELECT partition, id, bpmn_process_id, process_id, created_at FROM process_instance WHERE {IN_QUEUE}"""
    )
    op.add_column("process_queue", sa.Column("active", sa.Integer(), server_default="0", nullable=False))
    op.execute(
        f"""UPDATE process_queue SET active = (
            SELECT count(*) FROM process_instance i
            WHERE i.bpmn_process_id = process_queue.bpmn_process_id AND ended_at IS NULL AND NOT ({IN_QUEUE})
        ) WHERE parallelism <> 0"""
    )
    op.drop_index("process_instance_queued_idx", "process_instance")
    op.drop_column("process_instance", "released")


def _queue_back() -> None:
    op.add_column("process_instance", sa.Column("released", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        """UPDATE process_instance SET released = true WHERE state = 'QUEUED' AND NOT EXISTS (
            SELECT 1 FROM queue_entry e
            WHERE e.partition = process_instance.partition AND e.process_instance_id = process_instance.id
        )"""
    )
    op.create_index(
        "process_instance_queued_idx",
        "process_instance",
        ["bpmn_process_id", "created_at", "partition", "id"],
        unique=False,
        postgresql_where=sa.text(IN_QUEUE),
        sqlite_where=sa.text(IN_QUEUE),
    )
    op.drop_column("process_queue", "active")
    op.drop_table("queue_entry")


def _messages() -> None:
    """Names and keys may be too long, together, for an index of PostgreSQL; a digest of them is not."""
    for table in ("message", "message_subscription"):
        _add_digest(table, "digest", "name", "correlation_key")
        op.create_index(f"{table}_digest_idx", table, ["digest"], unique=False)
        op.drop_index(f"{table}_name_correlation_key_idx", table_name=table)
    _add_digest("message", "unique_digest", "name", "correlation_key", "unique_key", optional=True)
    condition = sa.text("unique_digest IS NOT NULL")
    op.create_index(
        "message_unique_digest_idx",
        "message",
        ["unique_digest"],
        unique=False,
        postgresql_where=condition,
        sqlite_where=condition,
    )


def _add_digest(table: str, column: str, *texts: str, optional: bool = False) -> None:
    """Adds a column with the digest of `texts`, and fills it for the rows there are, some at a time."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    # SQLite can't forbid NULL in a new column without saying what is in it.
    missing = {"nullable": False, "server_default": "0"} if sqlite and not optional else {"nullable": True}
    op.add_column(table, sa.Column(column, sa.BigInteger(), **missing))
    found = sa.table(table, sa.column("id"), sa.column(column), *(sa.column(text) for text in texts))
    some = (
        sa.select(found.c.id, *(found.c[text] for text in texts))
        .where(found.c.id > sa.bindparam("after"), found.c[texts[-1]].is_not(None))
        .order_by(found.c.id)
        .limit(FILLED_AT_ONCE)
    )
    fill = sa.update(found).where(found.c.id == sa.bindparam("row")).values({column: sa.bindparam("digest")})
    rows = op.get_bind().execute(some, {"after": 0}).all()
    while rows:
        op.get_bind().execute(fill, [{"row": id, "digest": _digest(*found_texts)} for id, *found_texts in rows])
        rows = op.get_bind().execute(some, {"after": rows[-1][0]}).all()
    if not sqlite and not optional:
        op.alter_column(table, column, nullable=False)


def _digest(*texts: str) -> int:
    """What the service computes: 64 bits of the SHA-256 over the texts, each with its length before it."""
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        digest.update(len(encoded).to_bytes(4, "big") + encoded)
    return int.from_bytes(digest.digest()[:8], "big", signed=True)


def _messages_back() -> None:
    op.drop_index("message_unique_digest_idx", table_name="message")
    op.drop_column("message", "unique_digest")
    for table in ("message", "message_subscription"):
        op.create_index(f"{table}_name_correlation_key_idx", table, ["name", "correlation_key"], unique=False)
        op.drop_index(f"{table}_digest_idx", table_name=table)
        op.drop_column(table, "digest")


def _unique_keys() -> None:
    """A message whose instance has ended does not hold its unique key any more."""
    op.add_column("message", sa.Column("key_freed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE message SET key_freed = true WHERE unique_key IS NOT NULL AND id IN "
        "(SELECT message_id FROM process_instance WHERE message_id IS NOT NULL AND ended_at IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_column("message", "key_freed")
    _messages_back()
    _queue_back()
    _leases_back()
