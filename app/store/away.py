"""Whether an error is the database's, or that of the way to it."""

from __future__ import annotations

import sqlite3
import sys

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.errors import is_unavailable

_ERRORS = (OperationalError, InterfaceError, PoolTimeout, sqlite3.OperationalError)


def is_away(error: BaseException | None) -> bool:
    """Whether the database can't be used at the moment, but may be usable again without anybody doing anything here."""
    # A driver that isn't loaded has raised nothing.
    psycopg = sys.modules.get("psycopg")
    errors = (*_ERRORS, psycopg.OperationalError) if psycopg else _ERRORS
    while error is not None:
        if isinstance(error, errors) or is_unavailable(error):
            return True
        error = error.__cause__
    return False
