"""What is written down of an exception: enough to act on, and no value."""

from __future__ import annotations

import sqlite3
import sys
from datetime import datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import DateTime, bindparam, create_engine, select, text

from app.errors import conflict
from app.logs import TextFormatter
from app.redact import LONGEST_SHOWN, describe, format_exception, without_values
from tests.databases import Databases, plain
from tests.test_logs import record

CANARY = "canary-4711"
KEYS = "CREATE TABLE keys (key text PRIMARY KEY, small integer, CONSTRAINT positive CHECK (small > 0))"
RAISING = """CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'not %', NEW.key USING DETAIL = NEW.key, HINT = NEW.key; END $$;
    CREATE TABLE refused (key text);
    CREATE TRIGGER refuse BEFORE INSERT ON refused FOR EACH ROW EXECUTE FUNCTION raising()
"""


def failure(do: Any, *arguments: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        do(*arguments)
    return caught.value


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "INSERT INTO keys VALUES (%s, 1)",
            'SQLSTATE 23505, duplicate key value violates unique constraint "keys_pkey"',
        ),
        ("INSERT INTO keys VALUES (%s, 0)", "SQLSTATE 23514, new row for relation"),
        ("SELECT %s::text::integer", "psycopg.errors.InvalidTextRepresentation: SQLSTATE 22P02"),
        ("SELECT * FROM jsonb_to_recordset(%s::text::jsonb) AS x(a integer)", "SQLSTATE 22P02"),
        ("SELECT %s::text::date", "SQLSTATE 22007"),
        ("INSERT INTO refused VALUES (%s)", "psycopg.errors.RaiseException: SQLSTATE P0001"),
        ("SELECT missing FROM keys WHERE key = %s", 'SQLSTATE 42703, column "missing" does not exist'),
        ("SELECT * FROM missing WHERE key = %s", 'SQLSTATE 42P01, relation "missing" does not exist'),
    ],
)
def test_what_postgresql_says_is_kept_but_for_values(databases: Databases, statement: str, expected: str):
    with databases.fresh("postgres", migrated=False) as url, psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(KEYS)
        connection.execute(RAISING)
        connection.execute("INSERT INTO keys VALUES (%s, 1)", [CANARY])
        error = failure(connection.execute, statement, [CANARY])
    described = describe(error)
    assert expected in described
    assert CANARY not in described
    assert CANARY not in format_exception(error)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("INSERT INTO keys VALUES (:key, 1)", "SQLITE_CONSTRAINT_PRIMARYKEY: UNIQUE constraint failed: keys.key"),
        ("INSERT INTO refused VALUES (:key)", "sqlite3.IntegrityError: SQLITE_CONSTRAINT_TRIGGER"),
        ("SELECT * FROM missing WHERE key = :key", "sqlite3.OperationalError: SQLITE_ERROR: no such table: missing"),
        ("SELECT json_extract(:key, '$.a')", "SQLITE_ERROR: malformed JSON"),
    ],
)
def test_what_sqlite_says_is_kept_but_for_values(statement: str, expected: str):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql(KEYS)
        connection.exec_driver_sql("CREATE TABLE refused (key text)")
        connection.exec_driver_sql(
            f"CREATE TRIGGER refuse BEFORE INSERT ON refused BEGIN SELECT RAISE(ABORT, 'not {CANARY}'); END"
        )
        connection.execute(text("INSERT INTO keys VALUES (:key, 1)"), {"key": CANARY})
        error = failure(connection.execute, text(statement), {"key": CANARY})
    engine.dispose()
    described = describe(error)
    assert described.startswith("sqlalchemy.exc.")
    assert expected in described
    assert CANARY not in format_exception(error)


def test_a_value_that_can_not_be_converted_is_not_shown():
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        error = failure(connection.execute, select(bindparam("at", type_=DateTime())), {"at": CANARY})
    engine.dispose()
    assert describe(error) == "sqlalchemy.exc.StatementError: TypeError"
    assert describe(failure(psycopg.connect, f"{CANARY} {CANARY}")) == "psycopg.ProgrammingError"


def test_a_database_that_can_not_be_reached_is_named():
    described = describe(failure(psycopg.connect, f"host=127.0.0.1 port=1 dbname=d password={CANARY}"))
    assert described.startswith("psycopg.OperationalError: connection failed")
    assert CANARY not in described


def test_errors_of_our_own_and_of_the_language_keep_their_messages():
    assert describe(conflict("job 1 is not locked")) == "app.errors.EngineError: job 1 is not locked"
    assert describe(ValueError("wrong")) == "ValueError: wrong"
    assert describe(RuntimeError()) == "RuntimeError"


def test_all_exceptions_of_a_chain_are_written_with_where_they_happened():
    def fail() -> None:
        try:
            sqlite3.connect(":memory:").execute("SELECT * FROM missing")
        except sqlite3.Error as error:
            raise conflict("no") from error

    lines = format_exception(failure(fail)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "sqlite3.OperationalError: SQLITE_ERROR: no such table: missing" in lines
    assert "The above exception was the direct cause of the following exception:" in lines
    assert lines[-1] == "app.errors.EngineError: no"
    assert sum(__file__ in line for line in lines) == 3


def test_a_chain_that_leads_back_to_itself_ends():
    error, other = ValueError("a"), ValueError("b")
    error.__cause__, other.__cause__ = other, error
    assert format_exception(error).splitlines()[-1] == "ValueError: a"


def test_an_exception_in_a_message_is_described_too():
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        error = failure(connection.execute, text("SELECT :at FROM missing"), {"at": datetime(2026, 1, 1)})
    engine.dispose()
    line = TextFormatter().format(record("ignored %s in %s", error, "close"))
    described = "sqlalchemy.exc.OperationalError: sqlite3.OperationalError: SQLITE_ERROR: no such table: missing"
    assert line.endswith(f"ignored {described} in close")


def test_a_logged_exception_is_written_without_values():
    try:
        raise psycopg.DataError(CANARY)
    except psycopg.DataError:
        written = TextFormatter().format(record("failed", exc_info=sys.exc_info()))
    assert "psycopg.DataError" in written
    assert CANARY not in written.replace(f"raise psycopg.DataError({CANARY})", "")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("declined by the bank", "declined by the bank"),
        ("no order 4711, nor A-12", "no order …, nor …"),
        ("can't read 'ada', and won't try", "can't read …, and won't try"),
        ('expected "a b" and “c d”, not `e f`', "expected … and …, not …"),
        ('broken off "in the mid', "broken off …"),
        ("mail to ada@example.org by smtp://relay/x failed", "mail to … by … failed"),
        ("user=ada city = Ulm", "user=… city =…"),
        ("[Errno 111] Connection refused", "… Connection refused"),
        ("KeyError: 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "KeyError: …"),
        ('unexpected {"iban": "DE89"} in answer', "unexpected … in answer"),
        ("\n\n  first line\nsecond line", "first line"),
        ("", ""),
        ("element g has no outgoing sequence flow to yes", "element g has no outgoing sequence flow to yes"),
    ],
)
def test_of_an_error_that_a_worker_has_written_what_looks_like_a_value_is_left_out(error: str, shown: str):
    assert without_values(error) == shown


def test_an_error_is_shown_in_a_few_words():
    shown = without_values("word " * 3000)
    assert len(shown) == LONGEST_SHOWN and shown.endswith("…")


def test_looking_for_values_takes_no_longer_for_malicious_texts():
    for error in ('"' * 10_000, "'\\" * 5000, "{[" * 5000, "a=" * 5000, "<" * 10_000, "a" * 10_000):
        assert len(without_values(error)) <= LONGEST_SHOWN
