"""Alembic as tests use it: on a connection of their own."""

from __future__ import annotations

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import Connection

from app.paths import alembic_ini, migrations


def go_to(connection: Connection, revision: str) -> None:
    """Migrates up to `revision`."""
    command.upgrade(_config(connection), revision)


def go_back(connection: Connection, revision: str) -> None:
    """Takes the migrations after `revision` back; "base" takes all of them back."""
    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig(str(alembic_ini()))
    config.set_main_option("script_location", str(migrations()))
    config.attributes["connection"] = connection
    config.attributes["configure_logger"] = False
    return config
