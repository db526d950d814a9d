"""Exceptions and addresses as they may be written down: what databases say about a failure can contain values of a row.

Where something happened, which kind of failure it is, and names of tables, columns and constraints may be in a log, as
well as partitions, ids, and names from models. Values of variables, keys, secrets and whatever else came with a request
may not.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator

_DRIVERS = frozenset({"psycopg", "psycopg_c", "psycopg_binary", "sqlite3", "sqlalchemy"})
_ABOUT_VALUES = ("22", "P0", "38", "39")
"""Classes of SQLSTATE (PostgreSQL documentation, appendix A) whose messages quote values, or are written by whoever
wrote a trigger. Messages of the other classes name objects of the schema and settings of the server only."""
_TRIGGER = "SQLITE_CONSTRAINT_TRIGGER"


def describe(error: BaseException) -> str:
    """Kind and message of an exception; of the message of a database only what holds no value."""
    message = _message(error) if is_of_database(error) else str(error)
    module = type(error).__module__
    kind = type(error).__name__ if module == "builtins" else f"{module}.{type(error).__name__}"
    return f"{kind}: {message}" if message else kind


def is_of_database(error: BaseException) -> bool:
    """Whether SQLAlchemy or a driver has raised it."""
    return type(error).__module__.partition(".")[0] in _DRIVERS


def _message(error: BaseException) -> str:
    original = getattr(error, "orig", None)
    if isinstance(original, BaseException):
        # SQLAlchemy repeats what went wrong below it, and adds statement and parameters. What is no error of the
        # driver is about a value that could not be converted.
        return describe(original) if is_of_database(original) else type(original).__name__
    if hasattr(error, "diag"):
        return _of_postgresql(error)
    if hasattr(error, "sqlite_errorname"):
        name: str = error.sqlite_errorname
        return f"{name}: {error}" if name != _TRIGGER else name
    return str(error) if type(error).__name__ in _OF_CONNECTIONS else ""


_OF_CONNECTIONS = frozenset(
    {
        "OperationalError",
        "InterfaceError",
        "TimeoutError",
        "ConnectionTimeout",
        "PipelineAborted",
        "InvalidRequestError",
    }
)
"""What drivers say without the database: that they can't reach it, or have no connection left."""


def _of_postgresql(error: BaseException) -> str:
    diagnosis = error.diag  # type: ignore[attr-defined]  # psycopg is known to the store only
    state: str | None = error.sqlstate  # type: ignore[attr-defined]  # as above
    if state is None:
        return str(error) if type(error).__name__ in _OF_CONNECTIONS else ""
    parts = [f"SQLSTATE {state}"]
    if not state.startswith(_ABOUT_VALUES) and diagnosis.message_primary:
        parts.append(diagnosis.message_primary)
    names = ("table_name", "column_name", "constraint_name")
    parts += [f"{name.partition('_')[0]} {found}" for name in names if (found := getattr(diagnosis, name))]
    return ", ".join(parts)


def format_exception(error: BaseException) -> str:
    """Like `traceback.format_exception`, with each exception of the chain as `describe` writes it."""
    return "".join(_lines(error, set())).rstrip("\n")


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, seen)
        how = "The above exception was the direct cause of" if error.__cause__ else "While handling that, there was"
        yield f"\n{how} the following exception:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    yield f"{describe(error)}\n"


LONGEST_SHOWN = 200
"""Characters of an error as it is shown without its values."""
_LOOKED_AT = 400
_VALUES = re.compile(
    r"""
    # Quoted, or cut off within quotes. An apostrophe within a word is none.
    "(?:[^"\\]|\\.)*(?:"|$) | `[^`]*(?:`|$) | «[^»]*(?:»|$) | “[^”]*(?:”|$)
    | (?<!\w)'(?:[^'\\]|\\.|'(?=\w))*(?:'|$)
    | \{(?:.*\}|.*) | \[(?:.*\]|.*) | <[^>]*(?:>|$)  # JSON, lists, markup
    | (?<==)\s*\S+                                # name=value
    | \S*(?:@|://)\S*                            # addresses
    | [^\s,;()=]*\d[^\s,;()]*                    # numbers, UUIDs, keys
    """,
    re.VERBOSE,
)


def without_values(text: str) -> str:
    """The first line of an error that a worker may have written, cut, without what looks like a value.

    Quoted texts, JSON, numbers and whatever contains digits, addresses of mail and the web, and what follows an equals
    sign become `…`. Words that stand alone are left: nobody can tell whether they come from a variable.
    """
    line = next((line.strip() for line in text[:_LOOKED_AT].splitlines() if line.strip()), "")
    shown = _VALUES.sub("…", line)
    return shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 1] + "…"


def mask_password(url: str) -> str:
    """`url` without the password, be it before the host or a parameter."""
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url))
