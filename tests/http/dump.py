"""What is in the database, to see that a refused request leaves no trace."""

from __future__ import annotations

from typing import Any

from sqlalchemy import create_engine, select

from app.store.tables import Base

TABLES = tuple(each for each in Base.metadata.sorted_tables if "only" not in each.info)
"""Those of every database. The others count ids, where gaps are allowed, or say which days there are."""


def dump(url: str) -> dict[str, list[Any]]:
    """All rows by table."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {each.name: sorted(map(tuple, connection.execute(select(*each.c))), key=repr) for each in TABLES}
    finally:
        engine.dispose()
