from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import Databases, plain
from tests.wire import Wire

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty_wire(databases: Databases) -> Iterator[Wire]:
    with databases.fresh("postgres", migrated=False) as url:
        wire = Wire(url)
        yield wire
        wire.close()


@pytest.fixture
def connection(empty_wire: Wire) -> Iterator[psycopg.Connection]:
    with psycopg.connect(plain(empty_wire.url), autocommit=True) as connection:
        yield connection


def test_a_simple_query_is_one_statement_and_one_round_trip(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (count.texts, count.round_trips) == (["SELECT 1"], 1)


def test_a_query_with_parameters_is_one_statement_and_one_round_trip(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count:
        assert connection.execute("SELECT %s::int + 1", [1]).fetchone() == (2,)
    assert (count.texts, count.round_trips) == (["SELECT $1::int + 1"], 1)


def test_preparing_costs_a_round_trip_once_and_executing_stays_one_statement(
    empty_wire: Wire, connection: psycopg.Connection
):
    with empty_wire.counting() as first:
        connection.execute("SELECT %s::int", [1], prepare=True)
    with empty_wire.counting() as again:
        connection.execute("SELECT %s::int", [2], prepare=True)
    assert (first.statements, first.round_trips) == (1, 2)
    assert (again.texts, again.round_trips) == (["SELECT $1::int"], 1)


def test_begin_and_commit_are_counted_apart(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count, connection.transaction():
        connection.execute("SELECT 1")
        connection.execute("SAVEPOINT here")
        connection.execute("ROLLBACK TO here")
    assert count.texts == ["SELECT 1", "SAVEPOINT here", "ROLLBACK TO here"]
    assert count.transactions == ["BEGIN", "COMMIT"]
    assert count.round_trips == 5


def test_a_pipeline_is_many_statements_and_one_round_trip(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count, connection.pipeline():
        for number in range(5):
            connection.execute("SELECT %s::int", [number], prepare=False)
    assert (count.statements, count.round_trips) == (5, 1)


def test_waiting_within_a_pipeline_is_a_round_trip_more(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count, connection.pipeline():
        assert connection.execute("SELECT %s::int", [1], prepare=False).fetchone() == (1,)
        connection.execute("SELECT %s::int", [2], prepare=False)
    assert (count.statements, count.round_trips) == (2, 2)


def test_a_transaction_in_one_pipeline_is_one_round_trip(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count, connection.pipeline():
        for text in ("BEGIN", "SELECT 1", "SELECT 2", "COMMIT"):
            connection.execute(text, prepare=False)
    assert (count.texts, count.transactions) == (["SELECT 1", "SELECT 2"], ["BEGIN", "COMMIT"])
    assert count.round_trips == 1


def test_executemany_is_a_statement_a_row_in_one_round_trip(empty_wire: Wire, connection: psycopg.Connection):
    connection.execute("CREATE TABLE number (value int)")
    rows = [[number] for number in range(500)]
    connection.cursor().executemany("INSERT INTO number VALUES (%s::int)", rows)
    with empty_wire.counting() as count:
        connection.cursor().executemany("INSERT INTO number VALUES (%s::int)", rows)
    assert count.statements == 500
    assert count.round_trips <= 2
    assert connection.execute("SELECT count(*) FROM number").fetchone() == (1000,)


def test_what_is_copied_arrives(empty_wire: Wire, connection: psycopg.Connection):
    connection.execute("CREATE TABLE number (value int)")
    with connection.cursor().copy("COPY number FROM STDIN") as copy:
        for number in range(20_000):
            copy.write_row([number])
    assert connection.execute("SELECT count(*) FROM number").fetchone() == (20_000,)


def test_nothing_is_counted_outside_of_the_block(empty_wire: Wire, connection: psycopg.Connection):
    with empty_wire.counting() as count:
        connection.execute("SELECT 1")
    connection.execute("SELECT 2")
    assert count.texts == ["SELECT 1"]


def test_connections_are_counted_together(empty_wire: Wire, connection: psycopg.Connection):
    with psycopg.connect(plain(empty_wire.url), autocommit=True) as other, empty_wire.counting() as count:
        connection.execute("SELECT 1")
        other.execute("SELECT 2")
    assert count.texts == ["SELECT 1", "SELECT 2"]
