"""Runs migrations on the connection that is handed over, or else on one to BPMN_DATABASE_URL.

Schema and lock are those of `py-bpmn migrate` in both cases.
"""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from app.config import Config, ConfigError
from app.errors import StartError
from app.store import migrating
from app.store.tables import Base

DAY_SUFFIX_LENGTH = len("_20260101")


def include_object(obj: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Leaves out the tables of single days, and what belongs to the other database."""
    if type_ != "table":
        return True
    if reflected and name and name[-DAY_SUFFIX_LENGTH + 1 :].isdigit():
        return False
    return obj.info.get("only", context.get_context().dialect.name) == context.get_context().dialect.name


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        compare_type=True,
        render_as_batch=False,
        transactional_ddl=False,
    )
    context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    try:
        with migrating(Config.from_env()) as connection:
            run(connection)
    except (ConfigError, StartError) as error:
        raise CommandError(str(error)) from error
