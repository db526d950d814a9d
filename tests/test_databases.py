import sqlite3
from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import Databases, plain

KINDS = [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
CREATE = "CREATE TABLE note (text varchar(20) PRIMARY KEY)"


def run(url: str, *statements: str) -> list[tuple]:
    """The rows of the last statement."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        connection = psycopg.connect(plain(url), autocommit=True)
    try:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.fixture(scope="module")
def migrated() -> list[str]:
    return []


@pytest.fixture(scope="module")
def own(migrated: list[str]) -> Iterator[Databases]:
    def migrate(url: str) -> None:
        migrated.append(url)
        run(url, CREATE)

    databases = Databases(migrate, postgres_url="")
    yield databases
    databases.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_starts_migrated_and_empty_whatever_others_wrote(own: Databases, kind: str):
    with own.fresh(kind) as first, own.fresh(kind) as second:
        run(first, "INSERT INTO note VALUES ('first')")
        assert run(first, "SELECT text FROM note") == [("first",)]
        assert run(second, "SELECT text FROM note") == []
    with own.fresh(kind) as third:
        assert run(third, "SELECT text FROM note") == []


@pytest.mark.parametrize("kind", KINDS)
def test_migrating_happens_once_for_all_databases_of_a_kind(own: Databases, migrated: list[str], kind: str):
    for _ in range(2):
        with own.fresh(kind):
            pass
    assert len([url for url in migrated if url.startswith(kind)]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_without_tables_can_be_had(own: Databases, kind: str):
    with own.fresh(kind, migrated=False) as url:
        run(url, CREATE)


@pytest.mark.postgres
def test_a_database_with_open_connections_is_removed_nevertheless(own: Databases):
    with own.fresh("postgres") as url:
        left_open = psycopg.connect(plain(url))
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()


@pytest.mark.postgres
def test_a_given_server_is_used_through_schemas(own: Databases, migrated: list[str]):
    with own.fresh("postgres", migrated=False) as server:
        given = Databases(lambda url: run(url, CREATE) and None, postgres_url=server)
        with given.fresh("postgres") as first, given.fresh("postgres") as second:
            run(first, "INSERT INTO note VALUES ('first')")
            assert run(second, "SELECT text FROM note") == []
            assert len(run(server, "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'test@_%' ESCAPE '@'")) == 2
        assert run(server, "SELECT 1 FROM pg_namespace WHERE nspname LIKE 'test@_%' ESCAPE '@'") == []
        given.stop()


def test_a_given_server_that_does_not_answer_is_an_error_not_a_skip():
    databases = Databases(lambda url: None, postgres_url="postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(psycopg.OperationalError):
        databases.fresh("postgres")
