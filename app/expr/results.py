"""What the place of an expression takes: each function gives the value as that, or raises `EvaluationError`."""

from __future__ import annotations

from typing import Any

from app.expr.failures import EvaluationError
from app.expr.values import Value, text_of, wrong
from app.timer import Timer, parse_xml_timer

NAME = 255
"""Characters of a key, name, code or timer."""
_MOST = 2**31 - 1
_TIMERS = {
    "timeDate": "a date such as 2026-01-31T08:00:00Z",
    "timeDuration": "a duration such as PT1H",
    "timeCycle": "a repeating interval such as R3/PT10H or a cron expression",
}


def as_condition(value: Value) -> bool:
    if type(value) is not bool:
        raise wrong("true or false", value)
    return value


def as_cardinality(value: Value) -> int:
    """A number of instances; a float without fraction is one, too."""
    expected = f"a whole number from 0 to {_MOST}"
    if type(value) is not int and type(value) is not float:
        raise wrong(expected, value)
    if value != int(value) or not 0 <= value <= _MOST:
        raise EvaluationError(f"expected {expected}")
    return int(value)


def as_collection(value: Value) -> list[Any]:
    if type(value) is not list:
        raise wrong("a list", value)
    return value


def as_key(value: Value, longest: int = NAME) -> str:
    """Text, a number in its shortest form, `true` or `false`; of at most so many characters."""
    return _bounded(text_of(value), longest)


def as_text(value: Value, longest: int = NAME) -> str:
    """A name or code: text that is not empty, of at most so many characters."""
    if type(value) is not str:
        raise wrong("text", value)
    if not value:
        raise EvaluationError("expected text that is not empty")
    return _bounded(value, longest)


def as_timer_text(value: Value, kind: str) -> str:
    """The text of a timer of the kind `timeDate`, `timeDuration` or `timeCycle`."""
    as_timer(value, kind)
    return str(value).strip()


def as_timer(value: Value, kind: str) -> Timer:
    """The timer of that kind that the text states."""
    if type(value) is not str:
        raise wrong(_TIMERS[kind], value)
    timer = parse_xml_timer(kind, _bounded(value, NAME))
    if timer is None:
        raise EvaluationError(f"expected {_TIMERS[kind]}")
    return timer


def _bounded(text: str, longest: int) -> str:
    if len(text) > longest:
        raise EvaluationError(f"expected text of at most {longest} characters")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise EvaluationError("expected text without NUL characters and lone surrogates")
    return text
