"""Two months of days with a hundred thousand tasks and jobs that are not due yet: a look for work stays cheap."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from app.config import Config
from app.store import open_store, sql
from app.store.claims import JOB, TASK, Claims
from app.store.dialect import Dialect
from app.store.facts import FactStatements
from app.store.postgres import Postgres
from app.store.sqlite import SQLite
from tests.databases import Databases, plain
from tests.store.test_store_plans import Full, explained, indexes, sequential, steps_of, visited

DAYS = [date(2026, 9, 25) + timedelta(days=n) for n in range(61)]
PER_DAY = 1_650
BUSY = DAYS[30]
DUE = 20
"""So many are due, all on one day."""
NOW = datetime(2026, 11, 24, 12)
LIMIT = 10
ENOUGH_FOR_A_PLAN = 8
FILL = """
    INSERT INTO {table} (partition, id, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, created_at, created_by, due_at, retry_count, state, type, detached, locked_at, locked_by,
        locked_until)
    SELECT {day}, n, 1, n, n % 20 + 1, n, 'a', {now}, 'w', CASE WHEN n <= {due} THEN {now} ELSE {later} END, 0,
        'CREATED', 'X', false, CASE WHEN n = {count} THEN {now} END, CASE WHEN n = {count} THEN 'w' END,
        CASE WHEN n = {count} THEN {later} END
    FROM {numbers}
"""
"""One a day is locked, with a lease that has not ended."""
FILL_INSTANCES = """
    INSERT INTO process_instance (partition, id, process_id, bpmn_process_id, correlation_key, created_at, created_by,
        started_at, state, version, revision)
    SELECT {day}, n, n % 20 + 1, 'p' || n % 20, 'k' || n, {now}, 'w', {now}, 'STARTED', '1', 0 FROM {numbers}
"""
FILLED = ("job", "task", "process_instance")
LATER = NOW + timedelta(days=60)
FILTERS: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "without a filter": (frozenset(), {}),
    "one process": (frozenset({"process_id"}), {"f_process_id": 3}),
    "several processes": (frozenset({"process_ids"}), {"process_ids": [3, 7]}),
}
OF_JOBS: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "one element": (frozenset({"element_id"}), {"f_element_id": 1}),
    "another element": (frozenset({"element_id"}), {"f_element_id": 4711}),
    "elements": (frozenset({"element_ids"}), {"element_ids": [1, 2, 3]}),
    "hundreds of elements": (frozenset({"element_ids"}), {"element_ids": list(range(2, 500))}),
}


def looks(dialect: Dialect) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Statement and parameters of each way to look for work over all days."""
    claims = Claims(dialect)
    found: dict[str, tuple[Any, dict[str, Any]]] = {
        "the next due time": (claims.upcoming, {}),
        "leases of jobs that have ended": (claims.recover_jobs, {"now": NOW}),
        "the next end of a lease of a job": (claims.first_lease_end, {}),
        "leases that have ended": (claims.recover, {"now": NOW, "abandoned": NOW - timedelta(days=1)}),
        "an open instance by its key": (sql.OPEN_ROOT, {"correlation_key": "nobody's", "bpmn_process_id": "p7"}),
    }
    until = {"jobs_due_until": NOW, "tasks_due_until": NOW, "locked_before": NOW}
    found |= {name: (each, until) for name, each in zip(COUNTS, FactStatements(dialect).statements, strict=False)}
    for of in (JOB, TASK):
        for name, (filters, parameters) in (FILTERS | (OF_JOBS if of is JOB else {})).items():
            claim = claims.claim(of, filters, LIMIT)
            found[f"claim {of.name}s, {name}"] = claim, {"now": NOW, "worker": "w", "until": None, **parameters}
    return found


COUNTS = ("due jobs", "overdue tasks", "locked jobs")
"""These are asked for every few seconds at most."""
NAMES = [
    *COUNTS,
    "the next due time",
    "leases of jobs that have ended",
    "the next end of a lease of a job",
    "leases that have ended",
    "an open instance by its key",
    *(f"claim {of.name}s, {name}" for of in (JOB, TASK) for name in FILTERS),
    *(f"claim jobs, {name}" for name in OF_JOBS),
]


@pytest.fixture(scope="module")
def postgres(databases: Databases) -> Iterator[Full]:
    with databases.fresh("postgres") as url:
        config = Config(database_url=url)
        store = open_store(config)
        store.ensure_days(DAYS)
        store.close()
        dialect = Postgres(config)
        options = " ".join(["-c timezone=UTC", "-c enable_hashjoin=off", "-c enable_mergejoin=off"])
        with psycopg.connect(plain(url), autocommit=True, options=options) as connection:
            for day in DAYS:
                for table in FILLED:
                    connection.execute(_filled(table, day, f"generate_series(1, {PER_DAY}) n", "date", "timestamp"))
            connection.execute("ANALYZE")
            yield Full(dialect, connection)
        dialect.engine.dispose()


@pytest.fixture(scope="module")
def lite(databases: Databases) -> Iterator[Full]:
    with databases.fresh("sqlite") as url:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        series = f"s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {PER_DAY})"
        numbers = f"(WITH RECURSIVE {series} SELECT n FROM s)"
        for day in DAYS:
            for table in FILLED:
                connection.execute(_filled(table, day, numbers, "", ""))
                connection.execute("INSERT INTO id_counter VALUES (?, ?, ?)", (table, day.isoformat(), PER_DAY))
        connection.commit()
        dialect = SQLite(Config(database_url=url))
        yield Full(dialect, connection)
        dialect.engine.dispose()
        connection.close()


def _filled(table: str, day: date, numbers: str, of_day: str, of_time: str) -> str:
    seconds = "" if of_time else ".000000"
    return (FILL_INSTANCES if table == "process_instance" else FILL).format(
        table=table,
        day=f"{of_day} '{day}'",
        now=f"{of_time} '{NOW}{seconds}'",
        later=f"{of_time} '{LATER}{seconds}'",
        due=DUE if day == BUSY else 0,
        count=PER_DAY,
        numbers=numbers,
    )


@pytest.mark.postgres
@pytest.mark.parametrize("name", NAMES)
def test_a_look_for_work_reads_little_of_each_day_on_postgresql(postgres: Full, name: str):
    statement, parameters = looks(postgres.dialect)[name]
    found = explained(postgres, statement, parameters)
    assert sequential(found) == []
    assert indexes(found)
    # Of each day one row for each thing that is asked, and what is wanted twice: to find it and to write it.
    assert visited(found) <= 3 * len(DAYS) + 4 * DUE


@pytest.mark.postgres
@pytest.mark.parametrize("name", [name for name in NAMES if name not in COUNTS])
def test_a_look_for_work_is_not_planned_each_time_on_postgresql(postgres: Full, name: str):
    """Making the plan for two months takes longer than following it."""
    statement, parameters = looks(postgres.dialect)[name]
    compiled = statement.compile(dialect=postgres.dialect.engine.dialect)
    text = f"/* {name} */ {compiled.string}"
    if "now" in parameters:
        # Nothing is due yet, so that nothing is changed.
        parameters = {**parameters, "now": NOW - timedelta(days=1)}
    for _ in range(ENOUGH_FOR_A_PLAN):
        postgres.connection.execute(text, {**compiled.params, **parameters}, prepare=True)
    ((generic,),) = postgres.connection.execute(
        "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE %s", (f"/* {name} */%",)
    ).fetchall()
    assert generic > 0


@pytest.mark.sqlite
@pytest.mark.parametrize("name", NAMES)
def test_a_look_for_work_reads_little_of_each_day_on_sqlite(lite: Full, name: str):
    statement, parameters = looks(lite.dialect)[name]
    # A look at a day takes some fifty instructions, reading all of them a million.
    assert steps_of(lite, statement, parameters) < 400 * len(DAYS)
