"""Where the files lie that are not Python modules."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def migrations() -> Path:
    """The folder of Alembic's env.py: inside the installed package, or else beside it in a checkout."""
    packaged = PACKAGE / "_migrations"
    return packaged if packaged.is_dir() else PACKAGE.parent / "alembic"


def alembic_ini() -> Path:
    """Alembic's configuration file, found in the same way."""
    packaged = PACKAGE / "_migrations" / "alembic.ini"
    return packaged if packaged.is_file() else PACKAGE.parent / "alembic.ini"
