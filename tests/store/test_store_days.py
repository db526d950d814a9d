"""Days: on PostgreSQL each is a partition of its own that must exist before the first row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from app.clock import ManualClock
from app.commands.system import SetTime
from app.commands.variable import GetProcessVariables
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.service import Service, open_service
from app.store import open_store
from app.store.tables import PARTITIONED
from app.timer import Timer
from tests.databases import Databases
from tests.store import play
from tests.store.database import require_sound, rows
from tests.store.together import failures, in_processes, in_threads

TODAY = date(2026, 11, 23)
TABLES = sorted(table.name for table in PARTITIONED)


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database that no day was ever created in."""
    with databases.fresh(request.param) as url:
        yield url


@pytest.fixture
def postgres_url(databases: Databases) -> Iterator[str]:
    with databases.fresh("postgres") as url:
        yield url


def attached(url: str) -> dict[str, list[str]]:
    """The days of each partitioned table."""
    found = rows(
        url,
        """SELECT p.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
        WHERE p.relkind = 'p' AND p.relnamespace = current_schema()::regnamespace ORDER BY 1, 2""",
    )
    days: dict[str, list[str]] = {}
    for table, bound in found:
        days.setdefault(table, []).append(bound.split("'")[1])
    return days


def sequences(url: str) -> set[str]:
    found = rows(url, "SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema()")
    return {name for (name,) in found if name.removesuffix("_seq")[-8:].isdigit()}


def days(*given: date) -> dict[str, list[str]]:
    return {table: [str(day) for day in sorted(given)] for table in TABLES}


@pytest.mark.postgres
@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_opening_prepares_today_and_the_days_ahead(postgres_url: str, clock: ManualClock, ahead: int):
    open_service(Config(database_url=postgres_url, partition_ahead_days=ahead), clock).close()
    wanted = [TODAY + timedelta(days=n) for n in range(ahead + 1)]
    assert attached(postgres_url) == days(*wanted)
    assert sequences(postgres_url) == {f"{table}_{day:%Y%m%d}_seq" for table in TABLES for day in wanted}


@pytest.mark.postgres
def test_a_day_has_the_indexes_of_its_table(postgres_url: str):
    store = open_store(Config(database_url=postgres_url))
    store.ensure_days([TODAY])
    store.close()
    counts = dict(
        rows(
            postgres_url,
            """SELECT c.relname, count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
            WHERE c.relnamespace = current_schema()::regnamespace AND i.indisvalid GROUP BY 1""",
        )
    )
    assert {table: counts[f"{table}_{TODAY:%Y%m%d}"] for table in TABLES} == {table: counts[table] for table in TABLES}


@pytest.mark.postgres
def test_opening_again_creates_nothing(postgres_url: str, clock: ManualClock):
    config = Config(database_url=postgres_url, partition_ahead_days=1)
    for _ in range(2):
        open_service(config, clock).close()
    assert attached(postgres_url) == days(TODAY, TODAY + timedelta(days=1))


@pytest.mark.postgres
def test_a_day_of_which_only_a_part_exists_is_completed(postgres_url: str):
    rows(postgres_url, f"CREATE TABLE job_{TODAY:%Y%m%d} PARTITION OF job FOR VALUES IN ('{TODAY}')")
    rows(postgres_url, f"CREATE TABLE task_{TODAY:%Y%m%d} (LIKE task INCLUDING ALL)")
    rows(
        postgres_url,
        f"""INSERT INTO task_{TODAY:%Y%m%d} (partition, id, created_at, created_by, due_at, retry_count, state, type,
            detached, interruptions) VALUES ('{TODAY}', 1, now(), 'w', now(), 0, 'DONE', 'PURGE', true, 0)""",
    )
    rows(postgres_url, f"CREATE SEQUENCE job_{TODAY:%Y%m%d}_seq")
    store = open_store(Config(database_url=postgres_url))
    store.ensure_days([TODAY])
    store.close()
    assert attached(postgres_url) == days(TODAY)
    assert sequences(postgres_url) == {f"{table}_{TODAY:%Y%m%d}_seq" for table in TABLES}
    assert rows(postgres_url, "SELECT id FROM task") == [(1,)]


@pytest.mark.postgres
def test_a_new_day_is_empty_and_yet_postgresql_knows_what_its_rows_look_like(postgres_url: str):
    create_days(postgres_url, [TODAY])
    for table in TABLES:
        assert rows(postgres_url, f"SELECT 1 FROM {table}") == []
        described = f"""SELECT a.attname FROM pg_attribute a LEFT JOIN pg_stats s
            ON s.schemaname = current_schema() AND s.tablename = '{table}_{TODAY:%Y%m%d}' AND s.attname = a.attname
            WHERE a.attrelid = '{table}_{TODAY:%Y%m%d}'::regclass AND a.attnum > 0 AND s.n_distinct IS NULL"""
        assert rows(postgres_url, described) == []


def create_days(url: str, wanted: list[date]) -> None:
    store = open_store(Config(database_url=url))
    store.ensure_days(wanted)
    store.close()


@pytest.mark.postgres
def test_processes_that_create_the_same_days_at_once_all_succeed(postgres_url: str):
    wanted = [TODAY, TODAY + timedelta(days=1)]
    assert in_processes(create_days, [(postgres_url, wanted)] * 4) == [None] * 4
    assert attached(postgres_url) == days(*wanted)


def test_threads_that_meet_a_new_day_at_once_all_succeed(config: Config, clock: ManualClock, service: Service):
    play.begin(service)
    clock.advance(timedelta(days=30))
    outcomes = in_threads(*[lambda: play.begin(service)] * 4)
    assert failures(outcomes) == []
    assert sorted(instance.id for instance in outcomes) == [1, 2, 3, 4]
    assert {instance.partition for instance in outcomes} == {TODAY + timedelta(days=30)}
    require_sound(config.database_url)


def test_a_day_is_there_when_time_comes_to_it_without_anybody_preparing_it(clock: ManualClock, service: Service):
    instances = []
    for _ in range(3):
        instances.append(play.begin(service, variables=play.variables(x="1")))
        clock.advance(timedelta(days=100))
    assert [instance.partition for instance in instances] == [TODAY + timedelta(days=100 * n) for n in range(3)]


def test_moving_time_by_more_than_a_year_makes_that_day_usable_at_once(config: Config, clock: ManualClock):
    config = replace(config, set_time_enabled=True)
    service, other = open_service(config, clock), open_service(config, clock)
    play.begin(service)
    service.execute(SetTime(timer=Timer(time_duration="P400D")))
    later = TODAY + timedelta(days=400)
    # The other one has heard of nothing.
    for each in (other, service):
        instance = play.begin(each, variables=play.variables(x="1"))
        assert instance.partition == later
        play.work(each, instance)
    assert [(found.partition, found.id) for found in other.query(ProcessInstanceCriteria())] == [
        (TODAY, 1),
        (later, 1),
        (later, 2),
    ]
    other.close()
    service.close()
    require_sound(config.database_url)


def test_a_service_that_starts_after_time_was_moved_goes_on_there(config: Config, clock: ManualClock):
    config = replace(config, set_time_enabled=True)
    first = open_service(config, clock)
    first.execute(SetTime(timer=Timer(time=datetime(2030, 1, 1, 12))))
    first.close()
    service = open_service(config, clock)
    assert play.begin(service).partition == date(2030, 1, 1)
    service.close()


def test_instances_of_several_days_are_found_in_one_table(clock: ManualClock, service: Service):
    instances = []
    for number in range(3):
        instances.append(play.begin(service, variables=play.variables(x=str(number))))
        clock.advance(timedelta(days=1))
    found = service.query(ProcessInstanceCriteria())
    assert [(each.partition, each.id) for each in found] == [(each.partition, each.id) for each in instances]
    for number, instance in enumerate(instances):
        # The ids are the same: only the day tells them apart.
        (variable,) = service.execute(GetProcessVariables(partition=instance.partition, id=instance.id))
        assert variable.value == str(number)
    for instance in instances:
        play.work(service, instance)
    assert [each.state for each in service.query(ProcessInstanceCriteria())] == ["COMPLETED"] * 3
    require_sound(service.config.database_url)
