"""A database with many instances over many days, as it is after some weeks: most of them have ended.

Every instance has ten element instances. One in twenty is open, and waits at one of its elements; one in a hundred
has an incident, one in five of which is not resolved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import psycopg

from app.config import Config
from app.store import open_store
from tests.databases import plain

FIRST_DAY = date(2026, 9, 25)
PROCESSES = 20
VERSIONS = 3
ELEMENTS = 10
OPEN_EVERY = 20
INCIDENT_EVERY = 100
UNRESOLVED_EVERY = 500
ERRORS = 25

_PROCESS = f"((n + n / {OPEN_EVERY}) % {PROCESSES})"
_VERSION = f"(n / 7 % {VERSIONS})"
_PROCESS_ID = f"({_PROCESS} * {VERSIONS} + {_VERSION} + 1)"
_IS_OPEN = f"n % {OPEN_EVERY} = 3"
_WAITS_AT = f"(n / {OPEN_EVERY} % {ELEMENTS - 3} + 3)"

INSTANCES = f"""
    INSERT INTO process_instance (partition, id, process_id, bpmn_process_id, correlation_key, created_at, created_by,
        ended_at, started_at, state, version, revision)
    SELECT {{day}}, n, {_PROCESS_ID}, 'p' || {_PROCESS}, CASE WHEN n % 2 = 0 THEN 'k' || (n / 2) END,
        {{time}}, 'w' || (n % 3), CASE WHEN NOT ({_IS_OPEN}) THEN {{later}} END, {{time}},
        CASE WHEN {_IS_OPEN} THEN 'STARTED' WHEN n % 50 = 7 THEN 'CANCELED' ELSE 'COMPLETED' END,
        CAST({_VERSION} + 1 AS text), 0
    FROM {{numbers}}
"""
VISITS = f"""
    INSERT INTO element_instance (partition, id, parent_id, prev_id, prev_element_id, element_id, process_id,
        process_instance_id, bpmn_element_id, bpmn_element_type, created_at, created_by, ended_at, started_at, state,
        active_children, pending_events, duration_ms)
    SELECT {{day}}, n * {ELEMENTS} + e, CASE WHEN e > 0 THEN n * {ELEMENTS} END,
        CASE WHEN e > 1 THEN n * {ELEMENTS} + e - 1 END,
        CASE WHEN e > 1 THEN {_PROCESS_ID} * {ELEMENTS} + e - 1 END, {_PROCESS_ID} * {ELEMENTS} + e, {_PROCESS_ID}, n,
        'e' || e, CASE e WHEN 0 THEN 'PROCESS' WHEN 1 THEN 'NONE_START_EVENT' ELSE 'SERVICE_TASK' END, {{time}}, 'w',
        CASE WHEN NOT ({_IS_OPEN} AND e IN (0, {_WAITS_AT})) THEN {{later}} END, {{time}},
        CASE WHEN {_IS_OPEN} AND e IN (0, {_WAITS_AT}) THEN 'STARTED' ELSE 'COMPLETED' END, 0, 0,
        CASE WHEN NOT ({_IS_OPEN} AND e IN (0, {_WAITS_AT})) THEN 1000 + e END
    FROM {{numbers}} CROSS JOIN {{elements}}
    WHERE NOT ({_IS_OPEN}) OR e <= {_WAITS_AT}
"""
JOBS = f"""
    INSERT INTO job (partition, id, element_id, element_instance_id, process_id, process_instance_id, bpmn_element_id,
        completed_at, created_at, created_by, due_at, error, locked_at, locked_by, retry_count, state, type, detached)
    SELECT {{day}}, n, {_PROCESS_ID} * {ELEMENTS} + {_WAITS_AT}, n * {ELEMENTS} + {_WAITS_AT}, {_PROCESS_ID}, n,
        'e' || {_WAITS_AT}, CASE WHEN NOT ({_IS_OPEN}) OR n % {INCIDENT_EVERY} = 3 THEN {{later}} END, {{time}}, 'w',
        {{time}},
        CASE WHEN n % {INCIDENT_EVERY} = 3 THEN 'no stock of ' || n END,
        CASE WHEN NOT ({_IS_OPEN}) OR n % 60 = 3 THEN {{time}} END,
        CASE WHEN NOT ({_IS_OPEN}) OR n % 60 = 3 THEN 'w' || (n % 9) END, 0,
        CASE WHEN n % {INCIDENT_EVERY} = 3 THEN 'CAUSED_INCIDENT' WHEN NOT ({_IS_OPEN}) THEN 'DONE'
            WHEN n % 60 = 3 THEN 'LOCKED' ELSE 'CREATED' END,
        'EXECUTE', false
    FROM {{numbers}}
"""
INCIDENTS = f"""
    INSERT INTO incident (partition, id, element_id, element_instance_id, job_id, process_id, process_instance_id,
        created_at, created_by, resolved_at, bpmn_process_id, bpmn_element_id, error, error_id)
    SELECT {{day}}, n, {_PROCESS_ID} * {ELEMENTS} + {_WAITS_AT}, n * {ELEMENTS} + {_WAITS_AT}, n, {_PROCESS_ID}, n,
        {{time}}, 'w', CASE WHEN n % {UNRESOLVED_EVERY} <> 3 THEN {{later}} END, 'p' || {_PROCESS}, 'e' || {_WAITS_AT},
        'no stock of ' || n, 'id' || (n / {INCIDENT_EVERY} % {ERRORS})
    FROM {{numbers}} WHERE n % {INCIDENT_EVERY} = 3
"""
USER_TASKS = f"""
    INSERT INTO user_task (partition, id, revision, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, created_at, created_by, state, updated_at, updated_by)
    SELECT {{day}}, n, 1, 1, n * {ELEMENTS}, {_PROCESS_ID}, n, 'u', {{time}}, 'w',
        CASE WHEN {_IS_OPEN} THEN 'STARTED' ELSE 'COMPLETED' END, {{time}}, 'w'
    FROM {{numbers}} WHERE n % 4 = 3
"""
OF_A_DAY = (INSTANCES, VISITS, JOBS, INCIDENTS, USER_TASKS)
PROCESS = """
    INSERT INTO process (id, bpmn_process_id, bpmn_xml, created_at, created_by, parallelism, version)
    VALUES ({id}, 'p{process}', '<x/>', {time}, 'w', 0, '{version}')
"""
ELEMENT = """
    INSERT INTO element (id, process_id, bpmn_element_id, bpmn_element_type)
    VALUES ({id}, {process_id}, 'e{element}', '{type}')
"""
TYPES = ["PROCESS", "NONE_START_EVENT", *["SERVICE_TASK"] * (ELEMENTS - 2)]


def days(count: int) -> list[date]:
    return [FIRST_DAY + timedelta(days=n) for n in range(count)]


def _processes(time: str) -> Iterator[str]:
    for process in range(PROCESSES):
        for version in range(VERSIONS):
            id = process * VERSIONS + version + 1
            yield PROCESS.format(id=id, process=process, version=version + 1, time=time)
            for element, type in enumerate(TYPES):
                yield ELEMENT.format(id=id * ELEMENTS + element, process_id=id, element=element, type=type)


def fill_postgres(url: str, day_count: int, per_day: int) -> None:
    store = open_store(Config(database_url=url))
    store.ensure_days(days(day_count))
    store.close()
    with psycopg.connect(plain(url), autocommit=True, options="-c synchronous_commit=off") as connection:
        for statement in _processes(f"timestamp '{FIRST_DAY}'"):
            connection.execute(statement)
        for day in days(day_count):
            time = f"(timestamp '{day}' + n * interval '1 second')"
            for statement in OF_A_DAY:
                connection.execute(
                    statement.format(
                        day=f"date '{day}'",
                        time=time,
                        later=f"({time} + interval '1 hour')",
                        numbers=f"generate_series(1, {per_day}) n",
                        elements=f"generate_series(0, {ELEMENTS - 1}) e",
                    )
                )
        connection.execute("VACUUM (ANALYZE)")


def fill_sqlite(url: str, day_count: int, per_day: int) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))

    def series(name: str, first: int, last: int) -> str:
        steps = f"SELECT {first} UNION ALL SELECT {name} + 1 FROM s WHERE {name} < {last}"
        return f"(WITH RECURSIVE s({name}) AS ({steps}) SELECT {name} FROM s)"

    for statement in _processes(f"'{datetime.combine(FIRST_DAY, datetime.min.time())}.000000'"):
        connection.execute(statement)
    for day in days(day_count):
        time = f"strftime('%Y-%m-%d %H:%M:%S', '{day}', n || ' seconds') || '.000000'"
        later = f"strftime('%Y-%m-%d %H:%M:%S', '{day}', (n + 3600) || ' seconds') || '.000000'"
        for statement in OF_A_DAY:
            connection.execute(
                statement.format(
                    day=f"'{day}'",
                    time=time,
                    later=later,
                    numbers=series("n", 1, per_day),
                    elements=series("e", 0, ELEMENTS - 1),
                )
            )
    connection.commit()
    connection.close()


def fill(url: str, day_count: int, per_day: int) -> Any:
    (fill_sqlite if url.startswith("sqlite") else fill_postgres)(url, day_count, per_day)
