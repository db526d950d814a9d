"""SQLite: what its result codes mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.store.dialect import Stale
from app.store.trouble import Trouble, TroubleKind

REASONS = {
    sqlite3.SQLITE_BUSY: "another process has locked it",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened: look at the permissions of the file and its folder",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_FULL: "there is no space left for it",
    sqlite3.SQLITE_IOERR: "it can't be read or written: look at the disk, and whether it is full",
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database",
    sqlite3.SQLITE_READONLY: "it is read-only: look at the permissions of the file and its folder",
}
"""Why a database can't be used, by SQLite's result code."""
TROUBLE: Mapping[int, tuple[TroubleKind, str]] = {
    sqlite3.SQLITE_BUSY: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_CANTOPEN: (TroubleKind.AWAY, "the database can't be opened"),
    sqlite3.SQLITE_CORRUPT: (TroubleKind.BROKEN, "the database is damaged"),
    sqlite3.SQLITE_FULL: (TroubleKind.FULL, "the database has no space left"),
    sqlite3.SQLITE_INTERRUPT: (TroubleKind.BUSY, "the database takes too long"),
    sqlite3.SQLITE_IOERR: (TroubleKind.BROKEN, "the database can't read or write its file"),
    sqlite3.SQLITE_LOCKED: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_NOTADB: (TroubleKind.BROKEN, "the database is damaged"),
    sqlite3.SQLITE_PROTOCOL: (TroubleKind.BUSY, "the database is busy with another process"),
    sqlite3.SQLITE_READONLY: (TroubleKind.READ_ONLY, "the database is read-only"),
}
"""By SQLite's primary result code."""
REPEATABLE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
LASTING = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}


class WriterBusy(Exception):
    """Other commands of this process have been writing for as long as one may wait."""


def code(error: BaseException) -> int:
    """SQLite's primary result code, 0 without."""
    code: int = getattr(_cause(error), "sqlite_errorcode", 0)
    return code & 0xFF


def _cause(error: BaseException) -> BaseException | None:
    """What the driver has raised."""
    return error.orig if isinstance(error, DBAPIError) else error


def reason(error: BaseException) -> str:
    """Why a database can't be used, as the end of a sentence."""
    return REASONS.get(code(error), str(error))


def is_lasting(error: BaseException) -> bool:
    """Whether its connection will keep saying so, though another one may find the file in order."""
    return code(error) in LASTING


def is_repeatable(error: BaseException) -> bool:
    """Whether the same may succeed when it is tried again."""
    return isinstance(error, Stale) or code(error) in REPEATABLE


def trouble(error: BaseException) -> Trouble | None:
    """What is wrong with the database; None for errors of the command itself."""
    if isinstance(error, PoolTimeout):
        detail = "all connections to the database are in use"
        return Trouble(TroubleKind.BUSY, detail, error, "the pool is exhausted")
    if isinstance(error, WriterBusy):
        return Trouble(TroubleKind.BUSY, "the database is busy with other commands", error, "a writer does not end")
    cause = _cause(error)
    kind, detail = TROUBLE.get(code(error), (None, ""))
    if kind is None or cause is None:
        return None
    return Trouble(kind, detail, cause, f"{cause} ({getattr(cause, 'sqlite_errorname', '')})")
