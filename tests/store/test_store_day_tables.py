"""PostgreSQL: hot statements name the tables of a day, have one plan, and know when the day has gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime

import psycopg
import pytest

from app.clock import ManualClock
from app.commands.job import LockJobs
from app.config import Config
from app.criteria import ElementInstanceCriteria, ProcessInstanceCriteria
from app.engine import records
from app.engine.records import Job
from app.errors import EngineError
from app.service import Service, open_service
from app.store.dialect import Write
from app.store.postgres import Postgres
from app.store.postgres_writes import ROWS_AT_ONCE
from app.store.save import UPDATE
from tests.databases import Databases, plain
from tests.store import play

pytestmark = pytest.mark.postgres

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12)
LIVES = 30
MORE = 5000
FILL = (
    """INSERT INTO job (partition, id, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, completed_at, created_at, created_by, due_at, retry_count, state, type, detached)
    SELECT {day}, 10000 + n, 1, 10000 + n, 1, 10000 + n, 'a', {now}, {now}, 'w', {now}, 0, 'DONE', 'EXECUTE', false
    FROM generate_series(1, {more}) n""",
    """INSERT INTO process_instance (partition, id, process_id, bpmn_process_id, created_at, created_by, ended_at,
        started_at, state, version, revision)
    SELECT {day}, 10000 + n, 1, 'p', {now}, 'w', NULL, {now}, 'STARTED', '1', 0 FROM generate_series(1, {more}) n""",
    """INSERT INTO element_instance (partition, id, element_id, process_id, process_instance_id, bpmn_element_id,
        bpmn_element_type, created_at, created_by, ended_at, started_at, state, active_children, pending_events)
    SELECT {day}, 10000 + n, 1, 1, 10000 + n, 'a', 'SERVICE_TASK', {now}, 'w', NULL, {now}, 'STARTED', 0, 0
    FROM generate_series(1, {more}) n""",
)


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh("postgres") as url:
        yield url


def opened(url: str) -> Service:
    """A service with one connection, whose statements are those that it has prepared."""
    return open_service(Config(database_url=url, partition_ahead_days=2, database_pool_size=1), ManualClock(NOON))


def live(service: Service) -> None:
    play.start(service)
    (job,) = play.lock(service)
    play.complete(service, job)


@pytest.mark.parametrize("day", ["new", "analysed while it was empty", "analysed while it was full"])
def test_no_statement_of_the_life_of_an_instance_or_a_query_by_id_is_planned_anew(url: str, day: str):
    service = opened(url)
    play.deploy(service)
    if "full" in day:
        fill(url)
    if "analysed" in day:
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("ANALYZE")
    for _ in range(LIVES):
        live(service)
        service.query(ProcessInstanceCriteria(partition=TODAY, id=1))
        service.query(ElementInstanceCriteria(partition=TODAY, process_instance_id=1))
    with service._store._dialect.engine.connect() as connection:
        plans = connection.exec_driver_sql(
            "SELECT statement, custom_plans FROM pg_prepared_statements WHERE generic_plans + custom_plans > 9"
        ).all()
    service.close()
    assert len(plans) >= 10
    # The first five times a statement is planned for its parameters, to compare.
    assert [statement for statement, custom in plans if custom > 5] == []


def fill(url: str) -> None:
    """Rows of the day that nobody has told PostgreSQL of."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement.format(day=f"date '{TODAY}'", now=f"timestamp '{NOON}'", more=MORE))


def rows_read(url: str) -> int:
    """How many rows of the day were read until now, by connections that have ended or are about to."""
    deadline = time.monotonic() + 30
    with psycopg.connect(plain(url), autocommit=True) as connection:
        while time.monotonic() < deadline:
            # What a connection has read is known once it has ended.
            ((left,),) = connection.execute(
                """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
            ).fetchall()
            if not left:
                break
        ((read,),) = connection.execute(
            """SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0)) FROM pg_stat_user_tables
            WHERE relname LIKE %s""",
            (f"%_{TODAY:%Y%m%d}",),
        ).fetchall()
    return int(read)


def test_plans_that_were_made_on_an_empty_day_read_a_full_one_by_key(url: str):
    service = opened(url)
    play.deploy(service)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("ANALYZE")
    for _ in range(10):
        live(service)
    fill(url)
    for _ in range(3):
        live(service)
    service.close()
    assert 0 < rows_read(url) < MORE / 2


def test_a_query_by_instance_reads_what_it_finds_of_a_day_that_was_never_analysed(url: str):
    opened(url).close()
    fill(url)
    before = rows_read(url)
    service = opened(url)
    found = service.query(ElementInstanceCriteria(partition=TODAY, process_instance_id=10_000 + MORE))
    assert [each.id for each in found] == [10_000 + MORE]
    service.close()
    assert rows_read(url) - before < 100


def ended(service: Service) -> Job:
    """A job that is left of an instance which has ended."""
    play.deploy(service, xml=play.model("start -> fork -> a -> stop", "fork -> b -> stop", body=STOP))
    play.start(service)
    first, second = play.lock(service, limit=2)
    play.complete(service, first)
    return second


STOP = '<endEvent id="stop"><terminateEventDefinition/></endEvent>'


def test_a_service_that_knows_a_day_learns_that_another_one_has_detached_it(url: str):
    service, other = opened(url), opened(url)
    job = ended(service)
    assert (job.partition, TODAY) == (TODAY, TODAY)
    with other._store.begin() as tx:
        tx.maintenance.detach_day(TODAY)
    for _ in range(2):
        with pytest.raises(EngineError, match="could not be found"):
            play.complete(service, job)
        assert service.execute(LockJobs(worker_id="w", partition=TODAY, id=job.id)) == []
        # The second time the tables are not there any more.
        with other._store.begin() as tx:
            tx.maintenance.drop_day(TODAY)
    service.close()
    other.close()


def test_who_writes_instances_of_a_day_locks_the_whole_table_against_a_new_limit(url: str):
    service = opened(url)
    play.deploy(service)
    instance = play.start(service)
    dialect = service._store._dialect
    assert isinstance(dialect, Postgres)
    row = {"partition": TODAY, "id": instance.id, "ended_at": NOON, "started_at": NOON, "state": "COMPLETED"}
    calls = dialect.writes([Write(UPDATE[records.ProcessInstance], [{**row, "revision": 0}])])
    session = dialect.session()
    try:
        session.begin()
        session.run(*calls)
        with psycopg.connect(plain(url)) as connection:
            found = connection.execute(
                "SELECT mode FROM pg_locks WHERE relation = 'process_instance'::regclass AND granted"
            ).fetchall()
    finally:
        session.close()
        session.connection.close()
        service.close()
    assert ("RowExclusiveLock",) in found


def test_many_rows_are_written_in_pieces_that_all_count(url: str):
    service = opened(url)
    play.deploy(service)
    instances = [play.start(service) for _ in range(3)]
    dialect = service._store._dialect
    rows = [
        {"partition": TODAY, "id": each.id, "ended_at": NOON, "started_at": NOON, "state": "COMPLETED", "revision": 0}
        for each in instances
    ]
    missing = [{**rows[0], "id": 1000 + n} for n in range(ROWS_AT_ONCE)]
    calls = dialect.writes([Write(UPDATE[records.ProcessInstance], [*rows, *missing])])
    assert len(calls) == 2
    session = dialect.session()
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.commit(*calls)
    session.close()
    session.connection.close()
    service.close()
