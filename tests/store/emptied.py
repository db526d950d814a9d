"""One PostgreSQL database for many tests: emptying it costs a fraction of what a fresh one with its days does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import Databases
from tests.store.database import connected

EMPTY = """
DO $$
DECLARE
    found text;
BEGIN
    SET LOCAL lock_timeout = '10s';
    FOR found IN
        SELECT quote_ident(relname) FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
          AND relname NOT IN ('alembic_version', 'partition_day')
    LOOP
        EXECUTE 'DELETE FROM ' || found;
    END LOOP;
    PERFORM setval(oid::regclass, 1, false) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'S';
END $$
"""
"""Rows go, ids count from one again; the days stay."""


class Emptied:
    def __init__(self, url: str) -> None:
        self._url = url

    def url(self) -> str:
        """The database, without a row. Fails when a transaction was left open in it."""
        with connected(self._url) as connection:
            connection.execute(EMPTY)
        return self._url


@contextmanager
def shared(databases: Databases) -> Iterator[Emptied]:
    with databases.fresh("postgres") as url:
        yield Emptied(url)
