"""What is in the database, to see that a refused request leaves no trace."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, select

from app.store.tables import Base, IdCounterRow, table

COUNTER = table(IdCounterRow)
"""Not on every database; and gaps between ids are allowed."""


def dump(url: str) -> dict[str, list[Any]]:
    """All rows by table."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                each.name: sorted(map(tuple, connection.execute(select(*each.c))), key=repr)
                for each in Base.metadata.sorted_tables
                if each is not COUNTER
            }
    finally:
        engine.dispose()
