"""PostgreSQL: what travels in pipelines arrives as it was given, whatever it is and however much."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg
import pytest

from app.config import Config
from app.engine.types import WorkState
from app.store import pipeline
from app.store.driver import Connection
from app.store.pipeline import BEGIN, COMMIT, Pipeline, Statement, array
from app.store.postgres import Postgres
from tests.databases import Databases, plain

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh("postgres") as found:
        yield found


@pytest.fixture(scope="module")
def connection(url: str) -> Iterator[Connection]:
    with connected(url) as found:
        yield found


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    dialect = Postgres(Config(database_url=url))
    try:
        with dialect.engine.connect() as found:
            raw = found.connection.driver_connection
            assert isinstance(raw, Connection)
            try:
                yield raw
            finally:
                raw.close()
                found.invalidate()
    finally:
        dialect.engine.dispose()


def asked(connection: Connection, text: str, **given: Any) -> list[Any]:
    (rows,) = connection.hot.run([(Statement(text, {}), given)])
    return rows


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("text", ""),
        ("text", "ein Satz mit 'Zeichen', \"Quotes\", \\ und %s %% — 日本語 🎈"),
        ("text", None),
        ("integer", -(2**31)),
        ("bigint", 2**63 - 1),
        ("boolean", True),
        ("boolean", False),
        ("date", date(1, 1, 1)),
        ("date", date(9999, 12, 31)),
        ("timestamp(3)", datetime(2026, 11, 23, 12, 30, 15, 999_000)),
        ("timestamp(3)", datetime(1, 1, 1)),
    ],
)
def test_a_value_comes_back_as_it_was_given(connection: Connection, type_: str, value: Any):
    assert asked(connection, f"SELECT %(value)s::{type_}", value=value) == [(value,)]


def test_a_member_of_an_enumeration_of_texts_is_a_text(connection: Connection):
    assert asked(connection, "SELECT %(state)s::text", state=WorkState.DONE) == [("DONE",)]


@pytest.mark.parametrize("values", [[], ["a"], ['with "quotes"', "with \\", "{a,b}", "NULL", "", " "]])
def test_texts_come_back_from_an_array(connection: Connection, values: list[str]):
    assert asked(connection, "SELECT %(given)s::text[]", given=array(values)) == [(values,)]
    assert asked(connection, "SELECT %(given)s::text[]", given=values) == [(values,)]


def test_a_text_with_a_zero_character_is_refused_and_nothing_is_sent(connection: Connection):
    with pytest.raises(psycopg.DataError):
        asked(connection, "SELECT %(value)s::text", value="a\0b")
    assert asked(connection, "SELECT 1") == [(1,)]


def test_a_parameter_that_is_named_twice_is_one_and_defaults_fill_in():
    statement = Statement("SELECT %(a)s, %(b)s, %(a)s, 5 %% 3", {"b": 7})
    assert statement.text == b"SELECT $1, $2, $1, 5 % 3"
    assert statement.bind({"a": 1, "more": 2}) == [b"1", b"7"]
    assert statement.bind({"a": 1, "b": None}) == [b"1", None]


def test_more_than_the_network_holds_travels_in_both_directions(connection: Connection):
    large = Statement("SELECT repeat(%(text)s::text, 2)", {})
    text = "x" * 1_000_000
    results = connection.hot.run([(large, {"text": text})] * 30)
    assert [len(rows[0][0]) for rows in results] == [2_000_000] * 30


def test_the_first_error_ends_a_pipeline_and_the_connection_goes_on(connection: Connection):
    one, wrong = Statement("SELECT 1", {}), Statement("SELECT 1 / %(by)s::integer", {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.hot.run([(one, {}), (wrong, {"by": 0}), (Statement("SELECT nothing", {}), {})])
    assert connection.hot.run([(one, {}), (wrong, {"by": 1})]) == [[(1,)], [(1,)]]
    assert not connection.is_lost
    assert not connection.is_in_transaction


def test_a_statement_that_cannot_be_prepared_is_tried_again_when_it_can(connection: Connection):
    with pytest.raises(psycopg.errors.UndefinedTable):
        asked(connection, "SELECT * FROM later")
    asked(connection, "CREATE TABLE later (n integer)")
    assert asked(connection, "SELECT * FROM later") == []


def test_no_more_statements_are_kept_than_are_allowed(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pipeline, "PREPARED", 5)
    for _ in range(2):
        for number in range(12):
            assert asked(connection, f"SELECT {number}") == [(number,)]
    count = "SELECT count(*) FROM pg_prepared_statements WHERE statement ~ '^SELECT [0-9]+$'"
    assert asked(connection, count)[0][0] <= 5


def test_statements_stay_prepared_when_a_later_one_fails(connection: Connection):
    one, wrong = Statement("SELECT 1 AS one", {}), Statement("SELECT 2 / %(by)s::integer", {})
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.hot.run([(one, {}), (wrong, {"by": 0})])
    count = (
        "SELECT count(*) FROM pg_prepared_statements WHERE statement IN ('SELECT 1 AS one', 'SELECT 2 / $1::integer')"
    )
    assert asked(connection, count) == [(2,)]


def test_nothing_is_committed_when_an_earlier_statement_cannot_be_forgotten(url: str, monkeypatch: pytest.MonkeyPatch):
    insert = Statement("INSERT INTO forgotten VALUES (1)", {})
    with connected(url) as connection:
        asked(connection, "CREATE TABLE forgotten (n integer)")
        connection.execute("DEALLOCATE ALL")
        monkeypatch.setattr(pipeline, "PREPARED", 0)
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            connection.hot.run([(BEGIN, {}), (insert, {}), (COMMIT, {})])
        assert asked(connection, "SELECT count(*) FROM forgotten") == [(0,)]
        connection.hot.run([(BEGIN, {}), (insert, {}), (COMMIT, {})])
        assert asked(connection, "SELECT count(*) FROM forgotten") == [(1,)]


@pytest.mark.parametrize("commits", [True, False])
def test_a_connection_that_the_server_ends_behind_a_commit_has_committed(url: str, commits: bool):
    """The end of the pipeline arrives late, and meanwhile the server is told to stop."""
    table = f"ended_{commits}".lower()

    class Late:
        def __init__(self, connection: Connection) -> None:
            self.pgconn = self
            self._pgconn = connection.pgconn
            self.adapters, self.connection = connection.adapters, connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._pgconn, name)

        def pipeline_sync(self) -> None:
            self._pgconn.send_flush_request()
            while self._pgconn.flush():
                pass
            pid = self._pgconn.backend_pid
            idle = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND query = %s AND wait_event = 'ClientRead'"
            with psycopg.connect(plain(url), autocommit=True) as another:
                while not another.execute(
                    idle, (pid, "COMMIT" if commits else f"INSERT INTO {table} VALUES (1)")
                ).fetchone():
                    pass
                another.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
            self._pgconn.pipeline_sync()

    insert = Statement(f"INSERT INTO {table} VALUES (1)", {})
    requests = [(BEGIN, {}), (insert, {}), *([(COMMIT, {})] if commits else [])]
    with connected(url) as connection, connected(url) as another:
        asked(another, f"CREATE TABLE {table} (n integer)")
        late = Pipeline(Late(connection), 10)  # type: ignore[arg-type]  # a connection, as far as it is used
        if commits:
            assert late.run(requests) == [[], [], []]
        else:
            with pytest.raises(psycopg.errors.AdminShutdown):
                late.run(requests)
        assert connection.is_lost
        assert asked(another, f"SELECT count(*) FROM {table}") == [(int(commits),)]


@pytest.mark.parametrize("environment", [True, False])
def test_texts_arrive_whatever_encoding_clients_are_told_to_use(
    url: str, environment: bool, monkeypatch: pytest.MonkeyPatch
):
    if environment:
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    else:
        url += "&options=-c%20client_encoding%3DLATIN1"
    with connected(url) as connection:
        given = "é日"
        assert asked(connection, "SELECT %(value)s::text, length(%(value)s::text)", value=given) == [(given, 2)]
