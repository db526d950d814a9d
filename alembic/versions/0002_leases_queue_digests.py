"""Leases of tasks, the known days, the queue as rows, and digests for long texts."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FILLED_AT_ONCE = 1000
"""Rows that get their digests by one statement."""


def upgrade() -> None:
    _leases()
    _queue()
    _messages()


def _leases() -> None:
    pass


def _queue() -> None:
    pass


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


def downgrade() -> None:
    _drop_digests()


def _drop_digests() -> None:
    op.drop_index("message_unique_digest_idx", table_name="message")
    op.drop_column("message", "unique_digest")
    for table in ("message", "message_subscription"):
        op.create_index(f"{table}_name_correlation_key_idx", table, ["name", "correlation_key"], unique=False)
        op.drop_index(f"{table}_digest_idx", table_name=table)
        op.drop_column(table, "digest")
