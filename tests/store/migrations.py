"""Alembic as tests use it: on a connection of their own."""

from __future__ import annotations

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.paths import alembic_ini, migrations


def go_to(connection: Connection, revision: str) -> None:
    """Migrates up to `revision`."""
    command.upgrade(_config(connection), revision)


def go_back(connection: Connection, revision: str) -> None:
    """Takes the migrations after `revision` back; "base" takes all of them back."""
    command.downgrade(_config(connection), revision)


def revisions() -> list[str]:
    """All that there are, each after the one it follows."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()][::-1]


def _config(connection: Connection | None = None) -> AlembicConfig:
    config = AlembicConfig(str(alembic_ini()))
    config.set_main_option("script_location", str(migrations()))
    config.attributes["connection"] = connection
    config.attributes["configure_logger"] = False
    return config
