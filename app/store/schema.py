"""Which schema a database has, and how it is brought to the newest one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sqlalchemy import Connection, column, inspect, select
from sqlalchemy import table as named
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from app.errors import EngineError, StartError, is_unavailable
from app.paths import alembic_ini, migrations
from app.store.dialect import Dialect

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""All that this version knows, the newest last. Only who migrates loads Alembic, which takes its time."""
VERSION = named("alembic_version", column("version_num"))


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a database as it was found."""

    place: str
    """Where the database is, for messages."""
    exists: bool
    """Whether there is a database at all."""
    revision: str | None
    """None without tables."""

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to migrate."""
        return self.revision == REVISIONS[-1]

    @property
    def is_known(self) -> bool:
        """Whether the tables, if there are any, are not those of a newer version of py-bpmn."""
        return self.revision is None or self.revision in REVISIONS

    def require_known(self) -> None:
        """Raises StartError for a revision that only a newer version of py-bpmn knows."""
        if not self.is_known:
            raise StartError(
                f"the database {self.place} has the schema revision {self.revision}, which this py-bpmn does "
                f"not know: it ends at {REVISIONS[-1]}. Use the version that migrated the database, or a newer one"
            )

    def require_current(self) -> None:
        """Raises StartError unless the tables are there, and those of this version."""
        self.require_known()
        if not self.exists:
            raise StartError(f"there is no database {self.place}: run `py-bpmn migrate` to create it")
        if self.revision is None:
            raise StartError(f"the database {self.place} has no tables yet: run `py-bpmn migrate`")
        if not self.is_current:
            raise StartError(
                f"the database {self.place} has the schema revision {self.revision}, but {REVISIONS[-1]} is needed: "
                "run `py-bpmn migrate`"
            )


@dataclass(frozen=True, slots=True)
class Migrated:
    """What migrating has done, as revisions; the text is a sentence about it."""

    before: str | None
    after: str

    @property
    def changed(self) -> bool:
        return self.before != self.after

    def __str__(self) -> str:
        if self.before is None:
            return f"created the schema, revision {self.after}"
        if self.changed:
            return f"the database was upgraded from {self.before} to {self.after}"
        return f"the database is up to date, revision {self.after}"


def migrate(dialect: Dialect, name: str) -> Migrated:
    """Brings the database to the newest schema; `name` is that of the schema in PostgreSQL's sense, or empty."""
    with migrating(dialect, name) as connection:
        before = _found(dialect, connection)
        before.require_known()
        if not before.is_current:
            _upgrade(connection)
    return Migrated(before.revision, REVISIONS[-1])


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    alembic = Config(str(alembic_ini()))
    alembic.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    alembic.attributes["configure_logger"] = False
    alembic.attributes["connection"] = connection
    command.upgrade(alembic, "head")


@contextmanager
def migrating(dialect: Dialect, name: str) -> Iterator[Connection]:
    """A connection with a transaction in which nobody else migrates; it is committed after the block.

    The schema `name` is created where it does not exist. Raises StartError.
    """
    try:
        with usable(dialect), dialect.engine.connect() as connection:
            dialect.migrating(connection)
            try:
                if name and not inspect(connection).has_schema(name):
                    connection.execute(CreateSchema(name))
                yield connection
            except BaseException:
                # The connection may be lost, which must not hide the reason.
                with suppress(DBAPIError):
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    finally:
        dialect.engine.dispose()


def find(dialect: Dialect) -> Schema:
    """What is in the database, which is not created by looking. Raises StartError where it can't be used."""
    if dialect.is_missing():
        return Schema(dialect.place, False, None)
    try:
        with usable(dialect), dialect.engine.connect() as connection:
            return _found(dialect, connection)
    finally:
        dialect.engine.dispose()


@contextmanager
def usable(dialect: Dialect) -> Iterator[None]:
    """Raises StartError for what the driver raises in the block, also where the store has translated it."""
    try:
        yield
    except (DBAPIError, EngineError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error.__cause__ if is_unavailable(error) else None
        if cause is None:
            raise
        raise StartError(f"the database {dialect.place} can't be used: {dialect.reason(cause)}") from error


def head_revision() -> Sequence[str]:
    return REVISIONS[-1:]


def _found(dialect: Dialect, connection: Connection) -> Schema:
    has_version = inspect(connection).has_table(VERSION.name)
    return Schema(dialect.place, True, connection.scalar(select(VERSION)) if has_version else None)
