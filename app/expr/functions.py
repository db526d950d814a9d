"""Functions and methods, for values of any spelling: each takes the environment of the evaluation first.

One that gets a value of a kind that it isn't for raises `WrongKind`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from app.expr.failures import EvaluationError
from app.expr.limits import Environment
from app.expr.times import date_time_of, duration_of, seconds_text, short_duration_of, timestamp_of
from app.expr.values import DECIMALS, LISTS, NUMBERS, bounded, contains, equal, text_of, wrong

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_MEASURED = LISTS | {str, dict}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = {code + 32: code for code in _LOWER}


def text(value: Any, expected: str = "text") -> str:
    if type(value) is not str:
        raise wrong(expected, value)
    return str(value)


def size(env: Environment, value: Any) -> int:
    """How many characters a text has, items a list, keys an object."""
    if type(value) not in _MEASURED:
        raise wrong("text, a list or an object", value)
    return len(value)


def length(env: Environment, value: Any) -> int:
    return len(text(value))


def count(env: Environment, values: Any) -> int:
    if type(values) not in LISTS:
        raise wrong("a list", values)
    return len(values)


def is_empty(env: Environment, value: Any) -> bool:
    return size(env, value) == 0


def empty(env: Environment, value: Any) -> bool:
    """Whether the value is null, or has no characters, items or keys."""
    return value is None or (type(value) in _MEASURED and not value)


def contains_text(env: Environment, whole: Any, part: Any) -> bool:
    env.spend(len(text(whole)) + len(text(part)))
    return part in whole


def contains_any(env: Environment, whole: Any, part: Any) -> bool:
    """Whether a text has a part, or a list an item."""
    if type(whole) in LISTS:
        return contains(env, whole, part)
    text(whole, "text or a list")
    return contains_text(env, whole, part)


def list_contains(env: Environment, values: Any, item: Any) -> bool:
    if type(values) not in LISTS:
        raise wrong("a list", values)
    return contains(env, values, item)


def starts_with(env: Environment, whole: Any, part: Any) -> bool:
    env.spend(min(len(text(whole)), len(text(part))))
    return bool(whole.startswith(part))


def ends_with(env: Environment, whole: Any, part: Any) -> bool:
    env.spend(min(len(text(whole)), len(text(part))))
    return bool(whole.endswith(part))


def equals(env: Environment, left: Any, right: Any) -> bool:
    if type(left) not in LISTS and type(left) is not str:
        raise wrong("text or a list", left)
    return equal(env, left, right)


def _changed(change: Callable[[str], str]) -> Callable[[Environment, Any], str]:
    def changed(env: Environment, value: Any) -> str:
        env.spend(len(text(value)))
        return change(value)

    return changed


lower = _changed(str.lower)
upper = _changed(str.upper)
lower_ascii = _changed(lambda value: value.translate(_LOWER))
upper_ascii = _changed(lambda value: value.translate(_UPPER))


def to_int(env: Environment, value: Any) -> int:
    """A number without its fraction; the seconds of a timestamp since 1970."""
    if type(value) is datetime:
        return int(value.replace(tzinfo=UTC).timestamp())
    if type(value) is str:
        if not _INTEGER.fullmatch(value):
            raise EvaluationError("expected text of an integer of 64 bits")
        return int(bounded(int(value)))
    if type(value) not in NUMBERS:
        raise wrong("a number, text or a timestamp", value)
    return int(bounded(int(value)))


def to_double(env: Environment, value: Any) -> float:
    if type(value) is str:
        env.spend(len(value))
        if not _NUMBER.fullmatch(value):
            raise EvaluationError("expected text of a number")
        return float(bounded(float(value)))
    if type(value) not in NUMBERS:
        raise wrong("a number or text", value)
    return float(value)


def to_decimal(env: Environment, value: Any) -> Any:
    if type(value) in NUMBERS:
        return value
    env.spend(len(text(value, "a number or text")))
    if not _NUMBER.fullmatch(value):
        raise wrong("text of a number", value)
    try:
        return DECIMALS.create_decimal(value)
    except ArithmeticError:
        raise wrong("text of a number", value) from None


def to_text(env: Environment, value: Any) -> str:
    """Text as it is, numbers in their shortest form, durations in ISO 8601."""
    return text_of(value)


def to_text_with_seconds(env: Environment, value: Any) -> str:
    """The same with durations in seconds."""
    return seconds_text(value) if type(value) is timedelta else text_of(value)


def _parsed(parse: Callable[[str], Any], kind: type, expected: str) -> Callable[[Environment, Any], Any]:
    def parsed(env: Environment, value: Any) -> Any:
        if type(value) is kind:
            return value
        env.spend(len(text(value, expected)))
        found = parse(value)
        if found is None:
            raise wrong(expected, value)
        return found

    return parsed


timestamp = _parsed(timestamp_of, datetime, "a timestamp such as 2026-01-31T08:00:00Z")
date_and_time = _parsed(date_time_of, datetime, "a date and time such as 2026-01-31T08:00:00Z")
duration = _parsed(duration_of, timedelta, "a duration such as PT1H, without years and months")
short_duration = _parsed(short_duration_of, timedelta, "a duration such as PT1H or 1h30m, without years and months")


def now(env: Environment) -> datetime:
    return env.now()
