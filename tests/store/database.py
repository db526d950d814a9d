"""A database as plain SQL sees it, beside the service that uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from app.store.tables import Base
from tests.databases import plain

TABLES = tuple(sorted(name for name in Base.metadata.tables if name not in ("id_counter", "partition_day")))

BROKEN = {
    "a scope counts other children than it has": """
        SELECT e.partition, e.id FROM element_instance e
        WHERE e.active_children <> (
            SELECT count(*) FROM element_instance c
            WHERE c.partition = e.partition AND c.parent_id = e.id
              AND c.process_instance_id = e.process_instance_id AND c.ended_at IS NULL)""",
    "an instance and its outermost scope disagree about having ended": """
        SELECT i.partition, i.id FROM process_instance i
        WHERE 1 <> (
            SELECT count(*) FROM element_instance e
            WHERE e.partition = i.partition AND e.process_instance_id = i.id AND e.bpmn_element_type = 'PROCESS'
              AND (e.ended_at IS NULL) = (i.ended_at IS NULL))""",
    "an open job belongs to nothing active": """
        SELECT j.partition, j.id FROM job j
        WHERE j.completed_at IS NULL AND NOT j.detached AND NOT EXISTS (
            SELECT 1 FROM element_instance e
            WHERE e.partition = j.partition AND e.id = j.element_instance_id AND e.ended_at IS NULL)""",
    "an open task belongs to nothing active": """
        SELECT t.partition, t.id FROM task t
        WHERE t.completed_at IS NULL AND NOT t.detached AND t.element_instance_id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM element_instance e
            WHERE e.partition = t.partition AND e.id = t.element_instance_id AND e.ended_at IS NULL)""",
    "an open user task belongs to nothing active": """
        SELECT u.partition, u.id FROM user_task u
        WHERE u.state = 'STARTED' AND NOT EXISTS (
            SELECT 1 FROM element_instance e
            WHERE e.partition = u.partition AND e.id = u.element_instance_id AND e.ended_at IS NULL)""",
    "a message subscription belongs to nothing active": """
        SELECT s.partition, s.id FROM message_subscription s
        WHERE NOT EXISTS (
            SELECT 1 FROM element_instance e
            WHERE e.partition = s.partition AND e.id = s.element_instance_id AND e.ended_at IS NULL)""",
    "a signal subscription belongs to nothing active": """
        SELECT s.partition, s.id FROM signal_subscription s
        WHERE NOT EXISTS (
            SELECT 1 FROM element_instance e
            WHERE e.partition = s.partition AND e.id = s.element_instance_id AND e.ended_at IS NULL)""",
    "an element instance has two open jobs": """
        SELECT partition, element_instance_id FROM job WHERE completed_at IS NULL AND NOT detached
        GROUP BY partition, element_instance_id HAVING count(*) > 1""",
    "a started service task has neither a job nor an incident": """
        SELECT e.partition, e.id FROM element_instance e
        WHERE e.bpmn_element_type = 'SERVICE_TASK' AND e.state = 'STARTED'
          AND NOT EXISTS (
            SELECT 1 FROM job j
            WHERE j.partition = e.partition AND j.element_instance_id = e.id AND j.completed_at IS NULL)
          AND NOT EXISTS (
            SELECT 1 FROM incident i
            WHERE i.partition = e.partition AND i.element_instance_id = e.id AND i.resolved_at IS NULL)""",
    "a scope has another one's element instances": """
        SELECT e.partition, e.id FROM element_instance e
        WHERE e.bpmn_element_type <> 'PROCESS' AND NOT EXISTS (
            SELECT 1 FROM element_instance s
            WHERE s.partition = e.partition AND s.id = e.parent_id
              AND s.process_instance_id = e.process_instance_id)""",
}
"""What must never be found, and the query that finds it."""


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """A connection of the driver itself that commits each statement."""
    if url.startswith("sqlite"):
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=10)
    else:
        connection = psycopg.connect(plain(url), autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with connected(url) as connection:
        cursor = connection.execute(statement)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


def value(url: str, statement: str) -> Any:
    return rows(url, statement)[0][0]


def dump(url: str) -> dict[str, list[str]]:
    """All rows of all tables, but for the counters of ids, which may go on alone."""
    with connected(url) as connection:
        return {table: sorted(str(row) for row in connection.execute(f"SELECT * FROM {table}")) for table in TABLES}


def require_sound(url: str) -> None:
    """Fails with what is broken in the database, and the keys of the rows."""
    with connected(url) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in BROKEN.items()}
    assert not {name: keys for name, keys in found.items() if keys}
