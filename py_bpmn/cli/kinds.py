"""What can be typed as the value of an option, and what becomes of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem

from py_bpmn.cli import asking

if TYPE_CHECKING:
    Kind = click.ParamType[Any]
else:
    Kind = click.ParamType

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
ISO_DURATION = re.compile(r"P(?=.)(\d+[YMWD])*(T(\d+(\.\d+)?[HMS])+)?")


class Partition(Kind):
    """A day, which is the part of the database that something is kept in."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        today = datetime.now(UTC).date()
        days = {"today": 0, "yesterday": 1}.get(value)
        if days is not None:
            return today - timedelta(days=days)
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day: it must be like 2026-11-26, today or yesterday", param, ctx)


@dataclass(frozen=True, slots=True)
class Key:
    """Where something is: the partition may be missing where an option of its own tells it."""

    partition: date | None
    id: int


class Address(Kind):
    """`2026-11-26/17`, `today/17`, or the id alone where the partition is said beside it."""

    name = "ADDRESS"

    def __init__(self, completes: str = "") -> None:
        self._completes = completes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Key:
        if isinstance(value, Key):
            return value
        day, slash, number = value.rpartition("/")
        if not number.isascii() or not number.isdigit():
            self.fail(f"{value!r} is not an address: it must be like 2026-11-26/17 or today/17", param, ctx)
        return Key(PARTITION.convert(day, param, ctx) if slash else None, int(number))

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(text) for text in asking.completed(ctx, self._completes, incomplete)]


class Id(Address):
    """As an address, for options that the reference knows with the number alone."""

    name = "ID"


class Moment(Kind):
    """A point in time: UTC where it names no zone, or so long ago."""

    name = "TIME"
    short = "two hours ago"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - _short_duration(value)
        except ValueError:
            pass
        try:
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            form = f"2026-11-26T08:00:00Z, 2026-11-26, or 2h for {self.short}"
            self.fail(f"{value!r} is not a time: it must be like {form}", param, ctx)


class Due(Moment):
    """A point in time, or how long it is until then."""

    short = "in two hours"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return datetime.now(UTC) + _short_duration(value)
        except (ValueError, TypeError):
            return super().convert(value, param, ctx)


class Duration(Kind):
    """ISO 8601 text, which is passed on as it is, or a number with a unit."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta | str:
        if isinstance(value, timedelta) or ISO_DURATION.fullmatch(value):
            found: timedelta | str = value
            return found
        try:
            return _short_duration(value)
        except ValueError:
            self.fail(f"{value!r} is not a duration: it must be like 30s, 5m, 24h or PT1M", param, ctx)


class Seconds(Duration):
    """How long the command itself takes at most."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        try:
            return value if isinstance(value, timedelta) else _short_duration(value)
        except ValueError:
            self.fail(f"{value!r} is not a duration: it must be like 30s or 5m", param, ctx)


def _short_duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", text)
    if not found:
        raise ValueError(text)
    try:
        return timedelta(seconds=float(found[1]) * UNITS[found[2]])
    except OverflowError:
        raise ValueError(text) from None


class Truth(Kind):
    """Yes or no, where neither is what counts without it."""

    name = "true|false"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bool:
        if isinstance(value, bool):
            return value
        if value.lower() not in ("true", "false"):
            self.fail(f"{value!r} must be true or false", param, ctx)
        found: bool = value.lower() == "true"
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(each) for each in ("true", "false") if each.startswith(incomplete)]


class OneOf(Kind):
    """A value of an enumeration of the API, also in lower case and with dashes."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", schema).upper()

    @property
    def values(self) -> tuple[str, ...]:
        from py_bpmn import _operations

        return get_args(getattr(_operations, self.schema))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        wanted = _letters(value)
        for each in self.values:
            if _letters(each) == wanted:
                return each
        self.fail(f"{value!r} is none of {', '.join(self.values)}", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(each) for each in self.values if each.startswith(incomplete.upper())]


def _letters(text: str) -> str:
    """`CALL_PROCESS`, `call-process` and `callProcess` are the same."""
    return text.replace("-", "").replace("_", "").lower()


class Named(Kind):
    """A text that the service knows and completes: the id of a process or an element."""

    def __init__(self, name: str, completes: str) -> None:
        self.name = name
        self._completes = completes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(text) for text in asking.completed(ctx, self._completes, incomplete)]


class Pair(Kind):
    """`name=value`."""

    def __init__(self, name: str = "NAME=VALUE") -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not equals or not name:
            self.fail(f"{value!r} must be like {self.name.lower()}", param, ctx)
        return name, text


class File(Kind):
    """A file that is there; `-` is standard input."""

    name = "FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(value)
        if str(value) != "-" and not path.is_file():
            self.fail(f"{value} is not a file", param, ctx)
        return path

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


PARTITION = Partition()
ADDRESS = Address()
INSTANCE = Address("instances")
ID = Id()
INSTANCE_ID = Id("instances")
MOMENT = Moment()
DUE = Due()
DURATION = Duration()
SECONDS = Seconds()
TAG = Pair()
PROFILE = Named("NAME", "profiles")
PROCESS = Named("PROCESS", "processes")
ELEMENT = Named("ELEMENT", "elements")
FILE = File()
TRUTH = Truth()
TEXT = click.STRING
NUMBER = click.INT


@dataclass(frozen=True, slots=True)
class Given:
    """A variable as it is sent: without a text, it is deleted."""

    name: str
    text: str | None
    encoding: str
    encrypted: bool
    bpmn_element_id: str | None = None


def read_variables(
    assigned: Iterable[tuple[str, str]],
    raw: Mapping[str, str],
    encodings: Mapping[str, str],
    encrypted: Iterable[str],
    elements: Mapping[str, str],
    *,
    flag: str,
) -> tuple[Given, ...]:
    """What was typed with -v, and with the options that tell an encoding for each value. Raises click.UsageError."""
    found: dict[str, tuple[str | None, str]] = {}
    for name, text in assigned:
        found[name] = (None, "json") if text == "" else (_json(_content(text)), "json")
        if name in encodings:
            found[name] = (found[name][0] if text == "" else _content(text), encodings[name])
    for name, text in raw.items():
        if text and name not in encodings:
            raise click.UsageError(
                f"variable {name} has no encoding: say --{flag}-encoding {name}=json, "
                f"or give JSON and plain texts with -v {name}=..."
            )
        found[name] = (text or None, encodings.get(name, ""))
    secret = set(encrypted)
    for name in sorted({*encodings, *secret, *elements} - set(found)):
        raise click.UsageError(f"there is no variable {name} whose encoding, encryption or element could be told")
    return tuple(Given(name, *found[name], name in secret, elements.get(name)) for name in found)


def _content(text: str) -> str:
    """`@file` stands for what is in the file, `@-` for standard input."""
    if not text.startswith("@"):
        return text
    return read_text(Path(text[1:]))


def read_text(path: Path) -> str:
    try:
        if str(path) == "-":
            return sys.stdin.read()
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"can't read {path}: it is not text in UTF-8") from None


def _json(text: str) -> str:
    """The text itself where it is JSON, which keeps the digits of numbers; else a JSON string."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return json.dumps(text, ensure_ascii=False)
    return text.strip()


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
