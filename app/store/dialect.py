"""Everything in which SQLite and PostgreSQL differ, as two protocols. Nothing else asks for a dialect's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, Executable, FromClause, Select, Table
from sqlalchemy.sql.elements import ColumnElement

from app.clock import Clock
from app.store.trouble import Trouble

Row = Sequence[Any]
Values = Mapping[str, Any]


class Stale(Exception):
    """A row is not as it was read: another transaction has changed it."""


class TooSlow(Exception):
    """Reading has taken longer than it may."""


@dataclass(slots=True, frozen=True)
class Execution:
    """A statement built once, with the parameters of this time; a list of them executes it for each.

    Raises Stale when `changes` says how many rows it must change, and it changes others. With `day`, the statement
    reads and changes rows of this day only, as far as it is about tables that are partitioned.
    """

    statement: Executable
    parameters: Values | list[Values] = field(default_factory=dict)
    changes: int | None = None
    day: date | None = None


@dataclass(slots=True, frozen=True)
class Wanted:
    """How many ids a command needs in one table; `partition` is None for tables without days."""

    table: Table
    partition: date | None
    count: int


class Kind(Enum):
    INSERT = auto()
    UPDATE = auto()
    UPSERT = auto()
    DELETE = auto()


@dataclass(slots=True, frozen=True, eq=False)
class Op:
    """One way to write a table, for any number of rows.

    What is `exact` is a guard: where another transaction has changed the row since it was read, the executions raise an
    error that is retryable, and nothing of them stays.
    """

    name: str
    kind: Kind
    table: Table
    key: tuple[str, ...] = ()
    """Columns that find the row; for UPSERT those of the unique index."""
    columns: tuple[str, ...] = ()
    """Columns that are set; for UPSERT those that are updated where the row exists.

    For INSERT those that rows give, where the database gives the others; without any, rows give all.
    """
    where: str = ""
    """The condition of the unique index of an UPSERT, or a further one of UPDATE and DELETE."""
    unchanged: tuple[str, ...] = ()
    """Columns of an UPDATE that must have the values they were read with; a `revision` among them is counted up."""
    exact: bool = False
    """Whether each row of an UPDATE or DELETE must be found."""


@dataclass(slots=True, frozen=True)
class Write:
    op: Op
    rows: list[Values]


class Assumed(NamedTuple):
    """What changes assume of processes without having locked them; else they are refused."""

    unlimited: Sequence[str] = ()
    """BPMN ids of processes without a limit on parallelism."""
    deployed: Sequence[int] = ()
    """Ids of process versions that were not deleted."""


NOTHING_ASSUMED = Assumed()


class Session(Protocol):
    """One command's conversation with the database.

    Statements before `begin` stand alone. What is passed together travels together where the database is
    reached over a network.
    """

    connection: Connection

    def begin(self) -> None:
        """The next statement opens a transaction."""
        ...

    def run(self, *executions: Execution) -> list[list[Row]]:
        """The rows of each execution, an empty list where it returns none."""
        ...

    def read(self, *executions: Execution, seconds: float, scans: bool = False) -> list[list[Row]]:
        """Like `run`, outside of a transaction, for executions that only read; each may take so long.

        Raises TooSlow when one of them does not end by then. With `scans` they may read whole tables, where that is
        the cheapest.
        """
        ...

    def commit(self, *executions: Execution) -> None:
        """Runs the executions and commits, all or nothing."""
        ...

    def close(self) -> None:
        """Rolls back what was not committed.

        Raises nothing: what went wrong before must not be hidden. A connection that is broken does not come back.
        """
        ...


class Ear(Protocol):
    """Hears what processes on the same database tell each other, from the moment on in which it is made."""

    def fileno(self) -> int:
        """What becomes readable when something is told, or the connection is lost."""
        ...

    def read(self) -> list[str] | None:
        """The messages that have come, also one's own; None when the connection is lost."""
        ...

    def close(self) -> None: ...


class Dialect(Protocol):
    engine: Engine
    locks_rows: bool
    """Whether a row must be locked to keep others out; SQLite has one writer anyway."""
    creates_days: bool
    """Whether a day has to be created before it can be written to."""

    @property
    def clock(self) -> Clock:
        """The one that all processes on the database agree on."""
        ...

    def session(self) -> Session: ...

    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """`column` is one of the values of parameter `name`, a list of integers."""
        ...

    def days(self, of: Table) -> Select[Any]:
        """The days that `of` has rows of, or could have, as a statement with the one column `partition`."""
        ...

    def is_attached(self, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        """Conditions that hold for a day that is not detached, none where rows of a detached one can't be met."""
        ...

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        """Locks the first rows that match, day by day and within a day in the order of `order`: `partition` and `id`.

        Rows that others have locked are passed over. An index that begins with `partition` and `order` is followed
        within each day; that is why it is no matter how many rows match on other days.
        """
        ...

    def first_by_key(
        self,
        of: Table,
        key: str,
        name: str,
        conditions: Callable[[Any], list[Any]],
        order: Sequence[str],
        limit: int,
        day: ColumnElement[Any] | None = None,
    ) -> Select[Any]:
        """Like `first_by_day`, for rows whose `key` is one of the values of parameter `name`, a list of integers.

        An index that begins with `key`, `partition` and `order` is followed for each of the values, so that it is no
        matter how many rows match that have other ones. `conditions` makes them for an alias of the table; they are
        those of an index on `partition` and `due_at`, too. With `day`, only this one is looked through.
        """
        ...

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """`column` is one of the many values of parameter `name`, a list of integers; not to be found by an index."""
        ...

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """`column` is one of the values of parameter `name`, a JSON array of texts."""
        ...

    def begins_with_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """`column` begins with one of the values of parameter `name`, a JSON array of texts."""
        ...

    def is_found(self, column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
        """`column` is one of the values that a statement finds, which is asked once."""
        ...

    def keys(self, of: Table, name: str) -> FromClause:
        """The rows of parameter `name`, a JSON array of objects with `partition` and `id`, as those of a table."""
        ...

    def has_tags(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """All tags of parameter `name`, a JSON object, are there with their values."""
        ...

    def has_tag_names(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        """All tags of parameter `name`, a JSON array of names, are there with any value."""
        ...

    def allocate(
        self, session: Session, wanted: Sequence[Wanted], assumed: Assumed
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        """Blocks of ascending ids by table name and partition, in one statement.

        With them comes whether something else is so than is assumed.
        """
        ...

    def writes(self, writes: Sequence[Write], assumed: Assumed = NOTHING_ASSUMED) -> list[Execution]:
        """The executions that make these writes, in any order; no row is written twice.

        They fail when something else is so by then than is assumed.
        """
        ...

    def lock_senders(self) -> list[Execution]:
        """Calls that keep messages and signals from being sent until the end of the transaction, where needed."""
        ...

    def lock_instances(self) -> list[Execution]:
        """Calls that keep instances from being written until the end of the transaction, where needed.

        They wait only for a short time; then they raise what is retryable, since others wait behind them.
        """
        ...

    def advisory_lock(self, key: str) -> Execution | None:
        """An execution that keeps other transactions with the same key out until the end of this one, where needed."""
        ...

    def ear(self) -> Ear | None:
        """None where processes can't tell each other anything. Opens a connection of its own."""
        ...

    def message(self, text: str) -> Execution:
        """An execution that tells the other processes, if there is an `ear`."""
        ...

    def create_days(self, days: Sequence[date]) -> None:
        """Makes sure that the days can be written to. Safe to call from several processes at once."""
        ...

    def attached_days(self, session: Session) -> set[date]:
        """The days that have data, or are ready for it, and were not detached."""
        ...

    def detach_day(self, session: Session, day: date) -> None:
        """Detaches a day, unless it has open work or stays in use. Must not be called in a transaction.

        Harmless for a day that is detached, or does not exist; goes on where it was interrupted.
        """
        ...

    def drop_day(self, session: Session, day: date) -> None:
        """Deletes a detached day; one that has open work all the same is left, and counts as attached.

        Like `detach_day` not in a transaction, and as often as one likes.
        """
        ...

    def migrating(self, connection: Connection) -> None:
        """Begins a transaction that keeps other processes from migrating until it ends.

        Neither waiting for them nor what happens in the transaction is limited in time.
        """
        ...

    @property
    def place(self) -> str:
        """Where the database is, for messages; without a password."""
        ...

    def is_missing(self) -> bool:
        """Whether connecting would create the database."""
        ...

    def reason(self, error: BaseException) -> str:
        """Why the database can't be used, as the end of a sentence; the error is the driver's."""
        ...

    def ping(self, connection: Connection) -> None:
        """Asks for an answer; raises what the driver raises."""
        ...

    def retryable(self, error: BaseException) -> bool:
        """Whether the same may succeed when it is tried again, and has certainly not taken effect.

        Deadlocks, serialization, a busy file, a connection that was lost before the commit.
        """
        ...

    def trouble(self, error: BaseException) -> Trouble | None:
        """What is wrong with the database; None for errors of the command itself."""
        ...
