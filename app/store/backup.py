"""A copy of a SQLite database, taken while services use it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from app.errors import StartError


def copy(source: str, target: Path) -> int:
    """Writes the database in the file `source`, as it is at one moment, into the new file `target`; its size in bytes.

    Others go on reading and writing meanwhile. Only the owner of the file can read it, and it is there as a whole or
    not at all. Raises StartError.
    """
    if not os.path.isfile(source):
        raise StartError(f"there is no database {source}")
    if target.exists():
        raise StartError(f"{target} exists already, and is not overwritten")
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _vacuum(source, partial)
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            # Unlike renaming, it overwrites nothing that has come there meanwhile.
            os.link(partial, target)
        finally:
            partial.unlink()
    except FileExistsError:
        raise StartError(f"{target} exists already, and is not overwritten") from None
    except OSError as error:
        raise StartError(f"can't write {target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StartError(f"the database {source} could not be copied: {error}") from error
    return target.stat().st_size


def _vacuum(source: str, target: Path) -> None:
    connection = sqlite3.connect(source, isolation_level=None)
    try:
        # One reading transaction: what is written meanwhile is in none of its pages.
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()
