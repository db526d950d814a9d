"""The migrations lead to the schema that the statements are built from, and back."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Index, Table, create_engine, inspect, make_url

from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.errors import EngineError, StartError, conflict, unavailable
from app.service import open_service
from app.store import head_revision, migrate, migrating, open_store, usable
from app.store.postgres import MIGRATION_LOCK
from app.store.schema import REVISIONS
from app.store.sqlite import SQLite
from app.store.tables import PARTITIONED, Base
from tests.databases import Databases, plain
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.migrations import go_back, revisions
from tests.store.together import PATIENCE, failures, in_processes, in_threads

KINDS = [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
STARTED_AT_ONCE = 4


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database that was migrated, and nothing else."""
    with databases.fresh(request.param) as url:
        yield url


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database without any table."""
    with databases.fresh(request.param, migrated=False) as url:
        yield url


def with_connection(url: str, do: Callable[[Connection], Any]) -> Any:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            return do(connection)
    finally:
        engine.dispose()


def belongs_to(dialect: str, table: Table) -> bool:
    return bool(table.info.get("only", dialect) == dialect)


def is_day(name: str) -> bool:
    return name[-8:].isdigit()


def is_only_for_postgresql(index: Index) -> bool:
    return index.dialect_options["postgresql"].get("using") == "gin"


def differences(connection: Connection) -> list[Any]:
    """What would have to be migrated, but for the tables of single days."""

    def included(found: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
        if kind == "index":
            return not is_only_for_postgresql(found) or connection.dialect.name == "postgresql"
        if kind != "table":
            return True
        return not (reflected and name and is_day(name)) and belongs_to(connection.dialect.name, found)

    options = {"include_object": included, "compare_type": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


def test_the_migrated_schema_is_the_one_of_the_tables(database_url: str):
    assert with_connection(database_url, differences) == []


def test_days_and_their_tables_are_no_difference(database_url: str):
    store = open_store(Config(database_url=database_url))
    store.ensure_days([date(2026, 11, 23)])
    store.close()
    assert with_connection(database_url, differences) == []


def conditions(dialect: str) -> dict[str, str]:
    """The condition of each partial index by name."""
    return {
        str(index.name): str(index.dialect_options[dialect]["where"])
        for table in Base.metadata.sorted_tables
        if belongs_to(dialect, table)
        for index in table.indexes
        if index.dialect_options[dialect].get("where") is not None
    }


@pytest.mark.sqlite
def test_indexes_have_their_conditions_word_for_word_on_sqlite(databases: Databases):
    with databases.fresh("sqlite") as url:
        found = dict(rows(url, "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"))
    assert {name: text.split(" WHERE ")[1] for name, text in found.items()} == conditions("sqlite")


@pytest.mark.postgres
def test_indexes_have_their_conditions_on_postgresql(databases: Databases):
    """The server spells conditions in its own way: it is asked to spell ours, too."""
    expected = conditions("postgresql")
    with databases.fresh("postgres") as url:
        query = """SELECT c.relname, t.relname, pg_get_expr(i.indpred, i.indrelid) FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
            WHERE i.indpred IS NOT NULL AND c.relnamespace = current_schema()::regnamespace"""
        found = {name: (table, condition) for name, table, condition in rows(url, query)}
        assert set(found) == set(expected)
        for name, (table, _) in found.items():
            key = list(Base.metadata.tables[table].primary_key.columns)[-1].name
            rows(url, f"CREATE INDEX {name}_again ON {table} ({key}) WHERE {expected[name]}")
        again = {name: condition for name, _, condition in rows(url, query)}
    assert {name: again[f"{name}_again"] for name in expected} == {name: again[name] for name in expected}


def columns(index: Index) -> list[str]:
    return [column.name for column in index.columns]


def test_indexes_have_their_columns_in_order(database_url: str):
    def indexes(connection: Connection) -> dict[str, list[str]]:
        inspector = inspect(connection)
        return {
            str(found["name"]): [str(name) for name in found["column_names"]]
            for table in inspector.get_table_names()
            if not is_day(table)
            for found in inspector.get_indexes(table)
            if "duplicates_constraint" not in found
        }

    dialect = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    expected = {
        str(index.name): columns(index)
        for table in Base.metadata.sorted_tables
        for index in table.indexes
        if not is_only_for_postgresql(index) or dialect == "postgresql"
    }
    found = with_connection(database_url, indexes)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.postgres
def test_a_table_of_days_is_partitioned_and_no_other(databases: Databases):
    with databases.fresh("postgres") as url:
        found = rows(
            url,
            """SELECT c.relname, pg_get_partkeydef(c.oid) FROM pg_class c
            WHERE c.relkind = 'p' AND c.relnamespace = current_schema()::regnamespace""",
        )
    assert dict(found) == {table.name: "LIST (partition)" for table in PARTITIONED}


def test_going_back_to_the_beginning_leaves_nothing(database_url: str):
    store = open_store(Config(database_url=database_url))
    store.ensure_days([date(2026, 11, 23)])
    store.close()
    with_connection(database_url, lambda connection: go_back(connection, "base"))
    assert with_connection(database_url, lambda connection: inspect(connection).get_table_names()) == [
        "alembic_version"
    ]


def test_a_database_that_went_back_can_be_migrated_again(database_url: str):
    with_connection(database_url, lambda connection: go_back(connection, "base"))
    migrate(Config(database_url=database_url))
    assert with_connection(database_url, differences) == []


TYPED = play.model(
    "start -> pay -> gate -> told -> end",
    body='<serviceTask id="pay" xmlns:z="http://camunda.org/schema/zeebe/1.0"><extensionElements>'
    '<z:taskDefinition type=" charge " /></extensionElements></serviceTask><exclusiveGateway id="gate" '
    'xmlns:c="http://camunda.org/schema/1.0/bpmn" c:topic="nobody"/><intermediateThrowEvent id="told">'
    '<messageEventDefinition xmlns:c="http://camunda.org/schema/1.0/bpmn" c:topic="letters"/></intermediateThrowEvent>',
)


def test_unique_keys_of_ended_instances_are_free_after_an_upgrade(config: Config):
    """Those of running instances, and of messages that started none, are held."""
    service = open_service(config)
    play.deploy(service, play.MESSAGE_START)
    for key in ("ended", "running"):
        play.send(service, "ordered", key, unique_key="u")
    play.send(service, "nobody", unique_key="u")
    play.run_events(service)
    play.complete(service, play.lock(service)[0])
    service.close()
    query = "SELECT correlation_key, key_freed FROM message ORDER BY id"
    before = rows(config.database_url, query)
    assert [(key, bool(freed)) for key, freed in before] == [("ended", True), ("running", False), ("", False)]
    with_connection(config.database_url, lambda connection: go_back(connection, "0001"))
    migrate(config)
    assert rows(config.database_url, query) == before


def test_task_types_of_processes_that_are_there_are_known_after_an_upgrade(config: Config):
    service = open_service(config)
    play.deploy(service, TYPED)
    service.close()
    query = "SELECT bpmn_element_id, task_type FROM element ORDER BY id"
    before = rows(config.database_url, query)
    assert dict(before) == {"p": "", "start": "", "pay": "charge", "gate": "", "told": "letters", "end": ""}
    with_connection(config.database_url, lambda connection: go_back(connection, "0003"))
    migrate(config)
    assert rows(config.database_url, query) == before


@pytest.mark.sqlite
def test_the_revisions_that_the_service_knows_are_those_of_the_migrations():
    assert list(REVISIONS) == revisions()


def test_migrating_again_changes_nothing(config: Config):
    service = open_service(config)
    play.begin(service)
    service.close()
    before = rows(config.database_url, "SELECT * FROM job"), rows(config.database_url, "SELECT * FROM alembic_version")
    migrate(config)
    migrate(config)
    after = rows(config.database_url, "SELECT * FROM job"), rows(config.database_url, "SELECT * FROM alembic_version")
    assert before == after
    require_sound(config.database_url)


def migrate_and_open(url: str) -> None:
    config = Config(database_url=url)
    migrate(config)
    open_service(config).close()


def test_processes_that_start_on_one_empty_database_all_succeed(empty_url: str):
    assert in_processes(migrate_and_open, [(empty_url,)] * STARTED_AT_ONCE) == [None] * STARTED_AT_ONCE
    assert rows(empty_url, "SELECT version_num FROM alembic_version") == [(revision,) for revision in head_revision()]
    assert with_connection(empty_url, differences) == []


def test_threads_that_migrate_one_empty_database_all_succeed(empty_url: str):
    outcomes = in_threads(*[lambda: migrate(Config(database_url=empty_url))] * STARTED_AT_ONCE)
    assert failures(outcomes) == []
    assert with_connection(empty_url, differences) == []


def migrate_into_a_schema(url: str) -> None:
    migrate(Config(database_url=url, database_schema="of_our_own"))


@pytest.mark.postgres
def test_processes_that_start_on_one_database_without_the_schema_all_succeed(databases: Databases):
    with databases.fresh("postgres", migrated=False) as url:
        outcomes = in_processes(migrate_into_a_schema, [(url,)] * STARTED_AT_ONCE)
        assert outcomes == [None] * STARTED_AT_ONCE
        assert rows(url, "SELECT version_num FROM of_our_own.alembic_version") == [(each,) for each in head_revision()]


@pytest.mark.postgres
def test_a_schema_that_exists_needs_no_right_to_create_one(databases: Databases):
    with databases.fresh("postgres", migrated=False) as url, psycopg.connect(plain(url), autocommit=True) as admin:
        role = f"role_of_{admin.info.backend_pid}"
        admin.execute(f"CREATE ROLE {role} LOGIN")
        try:
            admin.execute(f"CREATE SCHEMA of_our_own AUTHORIZATION {role}")
            as_role = make_url(url).set(username=role).render_as_string(hide_password=False)
            migrate_into_a_schema(as_role)
            assert rows(url, "SELECT count(*) FROM of_our_own.job") == [(0,)]
        finally:
            admin.execute(f"DROP OWNED BY {role} CASCADE")
            admin.execute(f"DROP ROLE {role}")


WAITING = """SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE datname = current_database()
    AND locktype = 'advisory' AND NOT granted AND clock_timestamp() - query_start > interval '100 ms'"""


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"


@pytest.mark.postgres
def test_waiting_for_another_process_that_migrates_has_no_limit_in_time(databases: Databases):
    with databases.fresh("postgres", migrated=False) as url:
        config = Config(database_url=url, transaction_timeout=0.05)
        with psycopg.connect(plain(url)) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
            outcomes: list[Any] = []
            thread = threading.Thread(target=lambda: outcomes.append(migrate(config)), daemon=True)
            thread.start()
            wait_for(lambda: rows(url, WAITING) == [(1,)])
        thread.join(PATIENCE)
        assert [outcome.before for outcome in outcomes] == [None]


@pytest.mark.postgres
def test_a_migration_has_no_limit_in_time_and_what_follows_it_has(databases: Databases):
    limits = "SELECT current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
    with databases.fresh("postgres") as url:
        config = Config(database_url=url, transaction_timeout=30)
        with migrating(config) as connection:
            assert tuple(connection.exec_driver_sql(limits).one()) == ("0", "0")
            connection.exec_driver_sql("COMMIT")
            assert tuple(connection.exec_driver_sql(limits).one()) == ("30s", "30s")
            connection.exec_driver_sql("BEGIN")


@pytest.mark.sqlite
def test_migrating_waits_for_a_writer_longer_than_statements_do(databases: Databases, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with databases.fresh("sqlite") as url:
        dialect = SQLite(Config(database_url=url))
        with dialect.engine.connect() as other, dialect.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 1")
            other.exec_driver_sql("BEGIN IMMEDIATE")
            thread = threading.Thread(target=lambda: dialect.migrating(connection), daemon=True)
            thread.start()
            wait_for(lambda: "another process writes to the database: waiting for it" in caplog.text)
            other.exec_driver_sql("ROLLBACK")
            thread.join(PATIENCE)
            assert not thread.is_alive()
            connection.exec_driver_sql("ROLLBACK")
        dialect.engine.dispose()


def run_alembic(**environ: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_", "GO_BPMN_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=Path(__file__).resolve().parents[2],
        env=inherited | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.postgres
def test_alembic_itself_migrates_the_schema_of_the_options_under_the_same_lock(databases: Databases):
    with databases.fresh("postgres", migrated=False) as url:
        with psycopg.connect(plain(url)) as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
            process = run_alembic(BPMN_DATABASE_URL=url, BPMN_DATABASE_SCHEMA="of_our_own")
            wait_for(lambda: rows(url, WAITING) == [(1,)] or process.poll() is not None)
            assert process.poll() is None
        out, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, out
        assert rows(url, "SELECT version_num FROM of_our_own.alembic_version") == [(each,) for each in head_revision()]


@pytest.mark.sqlite
def test_alembic_itself_says_in_one_line_what_is_wrong(tmp_path: Path):
    process = run_alembic(BPMN_DATABASE_URL=f"sqlite:///{tmp_path}/missing/bpmn.db")
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert f"the database {tmp_path}/missing/bpmn.db can't be used: the folder" in out
    assert "Traceback" not in out


@pytest.mark.sqlite
def test_what_the_service_found_unavailable_is_told_with_the_reason_of_the_driver(tmp_path: Path):
    config = Config(database_url=f"sqlite:///{tmp_path}/bpmn.db")
    with pytest.raises(StartError) as caught, usable(config):
        raise unavailable("the database does not answer") from sqlite3.OperationalError("disk I/O error")
    assert str(caught.value) == f"the database {tmp_path}/bpmn.db can't be used: disk I/O error"
    with pytest.raises(EngineError, match="taken"), usable(config):
        raise conflict("taken")


def test_a_queue_comes_through_the_migrations(config: Config):
    """Going back and forth, everyone keeps the slot or the place in the queue."""
    url = config.database_url
    queues = (
        "SELECT * FROM queue_entry ORDER BY process_instance_id",
        "SELECT * FROM process_queue WHERE parallelism <> 0",
    )
    service = open_service(config)
    play.deploy(service, parallelism=2)
    play.deploy(service, play.model("start -> a -> end", process_id="free"))
    play.start(service, "free")
    instances = [play.start(service) for _ in range(6)]
    play.work(service, instances[0])
    service.close()
    before = [rows(url, query) for query in queues]
    assert [len(each) for each in before] == [3, 1]

    with_connection(url, lambda connection: go_back(connection, "0001"))
    waits = "SELECT id FROM process_instance WHERE state = 'QUEUED' AND {} ORDER BY id"
    assert len(rows(url, waits.format("released"))) == 1
    assert len(rows(url, waits.format("NOT released"))) == 3
    migrate(config)
    assert [rows(url, query) for query in queues] == before
    assert with_connection(url, differences) == []

    service = open_service(config)
    for instance in instances[1:]:
        play.run_tasks(service)
        assert value(url, "SELECT count(*) FROM process_instance WHERE state = 'STARTED'") <= 3
        play.work(service, instance)
    states = [instance.state for instance in service.query(ProcessInstanceCriteria(process_id=instance.process_id))]
    assert states == ["COMPLETED"] * 6
    service.close()
    require_sound(url)
