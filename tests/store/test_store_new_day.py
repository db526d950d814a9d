"""What the hot statements read on PostgreSQL with the plans that they got while a day was new, and empty.

Plans are kept until somebody has counted the rows anew, which takes a minute and more after midnight.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from app.config import Config
from app.store import open_store
from app.store.claims import JOB, TASK, Claims
from app.store.group import GroupStatements
from app.store.postgres import Postgres, session_settings
from app.store.postgres_expressions import PASSED_OVER
from app.store.removal import RemovalStatements
from app.store.save import Saver
from tests.databases import Databases, plain
from tests.store.test_store_plans import (
    CLAIM,
    CLAIMS,
    DAY,
    GROUP,
    GROUPS,
    KEYED,
    LEFTOVERS,
    LIMIT,
    NOW,
    POINTED,
    PROCESSES,
    READS,
    REMOVED,
    VISIBLE,
    WRITES,
    filling,
    nodes,
    visited,
)

pytestmark = pytest.mark.postgres
ROWS = 4_000


def statements(dialect: Postgres) -> Iterator[tuple[str, Any, Any, int]]:
    """Each with what it is, its parameters, and how many rows it may visit."""
    claims = Claims(dialect)
    for of in (JOB, TASK):
        for name, (filters, given) in CLAIMS.items():
            # Nobody but a person asks for the tasks of a process.
            if of is JOB or not filters & {"process_id", "process_ids"}:
                yield f"{of.name}: claim {name}", claims.claim(of, filters, LIMIT), CLAIM | given, 50 * PROCESSES
        for name, (filters, given) in POINTED.items():
            yield f"{of.name}: claim {name}", claims.claim(of, filters, LIMIT), CLAIM | given, 10
    for name, (filters, given) in KEYED.items():
        yield f"claim {name}", claims.claim(JOB, filters, LIMIT), CLAIM | given, 3 * (LIMIT + PASSED_OVER)
    for named, statement in claims.visible.items():
        yield f"visible, named: {named}", statement, VISIBLE, 10 * len(VISIBLE["ids"])
    for name, (statement, given) in READS.items():
        yield name, statement, given, 30
    for kind, source in GROUPS:
        statement = getattr(GroupStatements(dialect), kind)[source]
        yield f"group: {kind} {source}", statement, GROUP, 10 * len(GROUP["ids"])
    saver = Saver(dialect)
    for number, statement in enumerate((*saver._leftovers.values(), saver._close_user_tasks)):
        yield f"leftovers {number}", statement, LEFTOVERS, 10
    for name, write in WRITES.items():
        (call,) = dialect.writes([write])
        yield f"write {name}", call.statement, call.parameters, 10
    removal = RemovalStatements(dialect)
    for number, statement in enumerate((removal.called, *removal.parts.values(), *removal.delete.values())):
        yield f"removal {number}", statement, REMOVED, 10 * len(REMOVED["ids"])


def quoted(value: bytes | None) -> str:
    return "NULL" if value is None else "'" + value.decode().replace("'", "''") + "'"


def test_a_plan_that_was_made_for_an_empty_day_is_good_for_a_full_one(databases: Databases) -> None:
    with databases.fresh("postgres") as url:
        config = Config(database_url=url)
        store = open_store(config)
        store.ensure_days([DAY])
        store.close()
        dialect = Postgres(config)
        wrong = []
        with psycopg.connect(plain(url), autocommit=True, prepare_threshold=None) as connection:
            for name, value in session_settings(config).items():
                connection.execute("SELECT set_config(%s, %s, false)", [name, value])
            connection.execute("SET plan_cache_mode = force_generic_plan")
            prepared = []
            for number, (what, statement, given, most) in enumerate(statements(dialect)):
                text = dialect.statements._compile(statement, DAY)
                call = f"s{number}"
                connection.execute(f"PREPARE {call} AS {text.text.decode()}")
                values = [quoted(value) for value in text.bind(given)]
                execute = f"EXECUTE {call} ({', '.join(values)})" if values else f"EXECUTE {call}"
                connection.execute("BEGIN")
                # A write that finds nothing to write says so.
                with suppress(psycopg.errors.DivisionByZero):
                    connection.execute(execute)
                connection.execute("ROLLBACK")
                prepared.append((what, execute, most))
            numbers = f"generate_series(1, {ROWS}) n"
            for fill in filling(numbers, day=f"date '{DAY}'", now=f"timestamp '{NOW}'", few=ROWS // 2):
                connection.execute(fill)
            for what, execute, most in prepared:
                connection.execute("BEGIN")
                ((plan,),) = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {execute}")
                connection.execute("ROLLBACK")
                found = json.loads(plan) if isinstance(plan, str) else plan
                rows = visited(list(nodes(found[0]["Plan"])))
                if rows > most:
                    wrong.append((rows, most, what))
        dialect.engine.dispose()
        report = "\n".join(f"{rows:.0f} > {most}: {what}" for rows, most, what in sorted(wrong, reverse=True))
        assert not wrong, report
