"""What is asked for by process or instance is found at once, whatever else waits; and no statement is built twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, cast

import pytest

from app.config import Config
from app.service import Service, open_service
from app.store import open_store
from app.store.claims import JOB, TASK, Claims
from app.store.postgres import Postgres
from app.store.sqlite import SQLite
from tests.databases import Databases
from tests.store import play

WAITING = 20_000
DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12)
BUSY, IDLE = 1, 2
FILL = """
    INSERT INTO {table} (partition, id, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, created_at, created_by, due_at, retry_count, state, type, detached)
    WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {count})
    SELECT {day}, n, 1, n, CASE WHEN n = {count} THEN {idle} ELSE {busy} END, n, 'a', {now}, 'w', {now}, 0,
        'CREATED', 'EXECUTE', false
    FROM number
"""
"""The newest row is the only one of the idle process, and of its instance."""
FILTERS: dict[str, dict[str, Any]] = {
    "one process": {"f_process_id": IDLE},
    "several processes": {"process_ids": [IDLE, 99]},
    "an instance": {"f_partition": DAY, "f_process_instance_id": WAITING},
    "an instance of a process": {"f_partition": DAY, "f_process_id": IDLE, "f_process_instance_id": WAITING},
}
CASES = [pytest.param(JOB, name, id=f"job, {name}") for name in FILTERS] + [
    pytest.param(TASK, "an instance", id="task, an instance")
]


def claim(claims: Claims, of: Any, name: str) -> tuple[Any, dict[str, Any]]:
    filters = FILTERS[name]
    return claims.claim(of, frozenset(key.removeprefix("f_") for key in filters), 1), {
        "now": NOW,
        "worker": "w",
        "until": None,
        **filters,
    }


@pytest.fixture(scope="module")
def lite(databases: Databases) -> Iterator[SQLite]:
    with databases.fresh("sqlite") as url:
        dialect = SQLite(Config(database_url=url))
        with dialect.engine.begin() as connection:
            for of in (JOB, TASK):
                values = {"day": f"'{DAY}'", "now": f"'{NOW}.000000'", "count": WAITING, "busy": BUSY, "idle": IDLE}
                connection.exec_driver_sql(FILL.format(table=of.name, **values))
                connection.exec_driver_sql(f"INSERT INTO id_counter VALUES ('{of.name}', '{DAY}', {WAITING})")
        yield dialect
        dialect.engine.dispose()


@pytest.mark.sqlite
@pytest.mark.parametrize(("of", "name"), CASES)
def test_sqlite_finds_the_work_of_few_among_that_of_others(lite: SQLite, of: Any, name: str):
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    statement, parameters = claim(Claims(lite), of, name)
    with lite.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        driver: sqlite3.Connection = connection.connection.driver_connection
        driver.set_progress_handler(step, 1)
        found = connection.execute(statement, parameters).all()
        driver.set_progress_handler(None, 0)
        connection.exec_driver_sql("ROLLBACK")
    assert [row.id for row in found] == [WAITING]
    assert steps < WAITING / 10


@pytest.fixture(scope="module")
def postgres(databases: Databases) -> Iterator[Postgres]:
    with databases.fresh("postgres") as url:
        store = open_store(Config(database_url=url))
        store.ensure_days([DAY])
        store.close()
        dialect = Postgres(Config(database_url=url))
        with dialect.engine.connect() as connection:
            for of in (JOB, TASK):
                values = {"day": f"date '{DAY}'", "now": f"timestamp '{NOW}'", "count": WAITING}
                connection.exec_driver_sql(FILL.format(table=of.name, **values, busy=BUSY, idle=IDLE))
            connection.exec_driver_sql("ANALYZE")
        yield dialect
        dialect.engine.dispose()


def rows_passed_over(plan: dict[str, Any]) -> int:
    below = sum(rows_passed_over(each) for each in plan.get("Plans", ()))
    return int(below + plan.get("Rows Removed by Filter", 0) * plan["Actual Loops"])


@pytest.mark.postgres
@pytest.mark.parametrize(("of", "name"), CASES)
def test_postgresql_finds_the_work_of_few_among_that_of_others(postgres: Postgres, of: Any, name: str):
    statement, parameters = claim(Claims(postgres), of, name)
    compiled = statement.compile(dialect=postgres.engine.dialect)
    with postgres.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")
        text = f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {compiled.string}"
        (plans,) = driver.execute(text, {**compiled.params, **parameters}).fetchone()
        driver.execute("ROLLBACK")
    assert plans[0]["Plan"]["Actual Rows"] == 1
    assert rows_passed_over(plans[0]["Plan"]) < WAITING / 100


@pytest.fixture
def service(databases: Databases) -> Iterator[Service]:
    with databases.fresh("sqlite") as url:
        service = open_service(Config(database_url=url))
        yield service
        service.close()


@pytest.mark.sqlite
def test_no_statement_of_the_life_of_an_instance_is_compiled_anew(service: Service):
    def live() -> None:
        play.start(service)
        (job,) = play.lock(service)
        play.complete(service, job)

    play.deploy(service)
    live()
    statements = cast("SQLite", service._store._dialect).statements
    compiled = set(statements._compiled)
    live()
    assert set(statements._compiled) == compiled
    assert None not in statements._compiled.values()
