"""Deleting all that a SQLite database has, for tests."""

from __future__ import annotations

from sqlalchemy import delete

from app.store.dialect import Execution
from app.store.tables import ApiKeyRow, Base, IdCounterRow, NodeRow, PartitionDayRow, table

_KEPT = {table(row) for row in (ApiKeyRow, IdCounterRow, NodeRow, PartitionDayRow)}
"""Who may ask, and which processes serve; ids go on, so that nobody takes what is new for something that was there."""

EMPTIED = tuple(Execution(delete(each)) for each in Base.metadata.sorted_tables if each not in _KEPT)
