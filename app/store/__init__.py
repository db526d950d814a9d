"""Where everything is kept: one store of truth on SQLite or PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, make_url, select

from app.config import Config
from app.criteria import Criteria
from app.errors import conflict, not_found
from app.store import query, schema
from app.store.dialect import Dialect
from app.store.graphs import Graphs
from app.store.lock import Claims
from app.store.save import QueueLimited, Saver
from app.store.schema import Migrated, Schema, head_revision
from app.store.tables import ApiKeyRow, table
from app.store.transaction import Transaction

__all__ = [
    "Migrated",
    "QueueLimited",
    "Schema",
    "Store",
    "Transaction",
    "find_schema",
    "head_revision",
    "migrate",
    "migrating",
    "open_store",
    "usable",
]

API_KEY = table(ApiKeyRow)


class ApiKey:
    """An API key without its secret; `expires_at` None never expires."""

    __slots__ = ("created_at", "expires_at", "secret_hash", "secret_id")

    def __init__(self, secret_id: str, secret_hash: str, created_at: datetime, expires_at: datetime | None) -> None:
        self.secret_id = secret_id
        self.secret_hash = secret_hash
        self.created_at = created_at
        self.expires_at = expires_at


class Store:
    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._saver = Saver(dialect)
        self._claims = Claims(dialect)
        self._graphs = Graphs()
        self._days: set[date] = set()
        self._days_lock = threading.Lock()

    @property
    def skew(self) -> timedelta:
        """How far the database's clock is ahead of this machine's."""
        return self._dialect.skew

    def begin(self) -> Transaction:
        """One command's transaction, as a context manager."""
        return Transaction(
            self._dialect.session(), self._dialect, self._saver, self._claims, self._graphs, self.ensure_days
        )

    def query(self, criteria: Criteria, now: datetime, offset: int, limit: int) -> list[Any]:
        with self._dialect.engine.connect() as connection:
            return query.find(connection, self._dialect, criteria, now, offset, limit)

    def ensure_days(self, days: Iterable[date]) -> None:
        """Makes sure the days can be written to; a day that is known costs nothing."""
        missing = sorted(set(days) - self._days)
        if missing:
            with self._days_lock:
                self._dialect.create_days(missing)
                self._days |= set(missing)

    def retryable(self, error: BaseException) -> bool:
        return self._dialect.retryable(error)

    def ping(self) -> None:
        """Raises whatever the driver raises when the database can't be reached."""
        with self._dialect.engine.connect() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        self._dialect.engine.dispose()

    def find_api_key(self, secret_id: str) -> ApiKey | None:
        found = self._api_keys(API_KEY.c.secret_id == secret_id)
        return found[0] if found else None

    def load_api_keys(self) -> list[ApiKey]:
        return self._api_keys()

    def _api_keys(self, *conditions: Any) -> list[ApiKey]:
        columns = (API_KEY.c.secret_id, API_KEY.c.secret_hash, API_KEY.c.created_at, API_KEY.c.expires_at)
        with self._dialect.engine.connect() as connection:
            rows = connection.execute(select(*columns).where(*conditions).order_by(API_KEY.c.id))
            return [ApiKey(*row) for row in rows]

    def insert_api_key(self, key: ApiKey) -> None:
        """Raises EngineError CONFLICT when the secret id is taken."""
        from sqlalchemy.exc import IntegrityError

        next_id = select(func.coalesce(func.max(API_KEY.c.id), 0) + 1).scalar_subquery()
        values = {
            "id": next_id,
            "secret_id": key.secret_id,
            "secret_hash": key.secret_hash,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
        }
        with self._dialect.engine.connect() as connection:
            try:
                connection.execute(insert(API_KEY).values(values))
            except IntegrityError as error:
                raise conflict(f"secret ID {key.secret_id} already exists") from error

    def delete_api_key(self, secret_id: str) -> None:
        """Raises EngineError NOT_FOUND."""
        with self._dialect.engine.connect() as connection:
            if not connection.execute(delete(API_KEY).where(API_KEY.c.secret_id == secret_id)).rowcount:
                raise not_found(f"API key {secret_id}")


def _dialect(config: Config) -> Dialect:
    if make_url(config.database_url).get_backend_name() == "sqlite":
        from app.store.sqlite import SQLite

        return SQLite(config)
    from app.store.postgres import Postgres

    return Postgres(config)


def open_store(config: Config) -> Store:
    """A store on a migrated database; connections are opened when they are needed."""
    return Store(_dialect(config))


def migrate(config: Config) -> Migrated:
    """Brings the database to the newest schema, and tells what was done.

    Processes that do so at once wait for each other. Raises StartError.
    """
    return schema.migrate(_dialect(config), config.database_schema)


def migrating(config: Config) -> AbstractContextManager[Connection]:
    """A connection with a transaction in which nobody else migrates; it is committed after the block."""
    return schema.migrating(_dialect(config), config.database_schema)


def find_schema(config: Config) -> Schema:
    """What is in the database, which is not created by looking. Raises StartError where it can't be used."""
    return schema.find(_dialect(config))


def usable(config: Config) -> AbstractContextManager[None]:
    """Raises StartError for what the driver raises in the block."""
    return schema.usable(_dialect(config))
