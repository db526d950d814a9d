"""The values of expressions: those of JSON, decimals, timestamps, durations, and lists that are written out.

The latter are tuples: what they hold may be none of JSON yet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from enum import Enum
from math import isfinite
from types import NoneType
from typing import Any, Final

from app.expr.failures import EvaluationError, WrongKind
from app.expr.limits import RESULT, Environment
from app.expr.times import duration_text
from app.timer import format_timestamp


class Missing(Enum):
    MISSING = "MISSING"


MISSING: Final = Missing.MISSING
"""What the look-up of a variable returns where there is none."""

Value = None | bool | int | float | str | list[Any] | dict[str, Any]
"""What it returns otherwise, and what comes out: a value of JSON."""

Lookup = Callable[[str], Value | Missing]
"""Reads a variable; may raise `EvaluationError` for one that can't be read."""

NUMBERS = frozenset({int, float, Decimal})
LISTS = frozenset({list, tuple})
KINDS: Final[dict[type, str]] = {
    NoneType: "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    datetime: "a timestamp",
    timedelta: "a duration",
}
_LEAST, _MOST = -(2**63), 2**63 - 1
_DIGITS = 34
DECIMALS = Context(prec=_DIGITS, Emin=-6143, Emax=6144, traps=[DivisionByZero, InvalidOperation, Overflow])
_ENCODED_JSON = ("json", "application/json")
_ENCODED_TEXT = ("text", "text/plain")
_EXACT = 10**15
"""Integers of so many digits are floats of the same digits."""


def stored(encoding: str, text: str) -> Value:
    """The value of a variable that is stored so; raises `EvaluationError` where none can be read."""
    if encoding in _ENCODED_TEXT:
        return text
    if encoding not in _ENCODED_JSON:
        raise EvaluationError("expected a variable with encoding json or text")
    try:
        value: Value = json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise EvaluationError("expected a variable with valid JSON") from None
    return value


def _refused(constant: str) -> Value:
    raise ValueError(f"{constant} is none of JSON")


def bounded(number: Any) -> Any:
    """An integer or float, if it has 64 bits."""
    if type(number) is int:
        if _LEAST <= number <= _MOST:
            return number
        raise EvaluationError("expected an integer of 64 bits")
    if isfinite(number):
        return number
    raise EvaluationError("expected a finite number")


def taken(value: Any) -> Any:
    """What has been read, if it is a value of an expression, with numbers of 64 bits."""
    kind = type(value)
    if kind is int or kind is float:
        return bounded(value)
    if kind in KINDS:
        return value
    raise EvaluationError("expected a value of JSON")


def taken_decimal(value: Any) -> Any:
    """What has been read, with numbers as decimals."""
    kind = type(value)
    return decimal(value) if kind is int or kind is float else taken(value)


def decimal(number: Any) -> Decimal:
    """A number with its decimal digits: the float 0.1 is 0.1."""
    if type(number) is int:
        if abs(number) < 10**_DIGITS:
            return Decimal(number)
        raise EvaluationError(f"expected a number of at most {_DIGITS} digits")
    return Decimal(repr(bounded(number))) if type(number) is float else number


def negated(number: Any) -> Any:
    """The number with the other sign, and all its digits."""
    return number.copy_negate() if type(number) is Decimal else -number


def kind_of(value: Any) -> str:
    """The kind of a value, in words for the reason of a failure."""
    return KINDS.get(type(value), "nothing of JSON")


def wrong(expected: str, value: Any) -> WrongKind:
    return WrongKind(f"expected {expected}, not {kind_of(value)}")


def equal(env: Environment, left: Any, right: Any) -> bool:
    """Whether two values are the same; of different kinds they never are. Integers and floats compare by value."""
    pending = [(left, right)]
    while pending:
        one, other = pending.pop()
        kind, its = type(one), type(other)
        if kind in NUMBERS and its in NUMBERS:
            same = decimal(one) == decimal(other) if Decimal in (kind, its) and kind is not its else one == other
        elif kind in LISTS and its in LISTS:
            env.spend(min(len(one), len(other)))
            same = len(one) == len(other)
            if same:
                pending.extend(zip(one, other, strict=True))
        elif kind is not its:
            same = False
        elif kind is dict:
            env.spend(min(len(one), len(other)))
            same = len(one) == len(other)
            if same:
                same = one.keys() == other.keys()
                env.spend(sum(map(len, one)))
                pending.extend((item, other[key]) for key, item in one.items() if same)
        else:
            if kind is str:
                env.spend(min(len(one), len(other)))
            same = one == other
        if not same:
            return False
    return True


def contains(env: Environment, items: Sequence[Any], wanted: Any) -> bool:
    """Whether one of the items is equal to what is wanted."""
    for item in items:
        env.spend(1)
        if equal(env, item, wanted):
            return True
    return False


def number_text(number: Any) -> str:
    """A number in its shortest form: 3 for 3.0."""
    if type(number) is Decimal:
        if not number:
            return "0"
        shortest = DECIMALS.normalize(number)
        return format(shortest, "f") if -7 <= shortest.adjusted() <= _DIGITS else str(shortest)
    if type(number) is float and number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    return repr(number)


def text_of(value: Any) -> str:
    """A value as a piece of text; lists, objects and null are none."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind in NUMBERS:
        return number_text(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is datetime:
        return format_timestamp(value)
    if kind is timedelta:
        return duration_text(value)
    raise wrong("text, a number, or true or false", value)


def plain(value: Any) -> Value:
    """The value as one of JSON, if it is not too long a text."""
    kind = type(value)
    if kind is bool:
        return bool(value)
    if kind is Decimal:
        return _plain_number(value)
    if kind is tuple:
        return [plain(item) for item in value]
    if kind is datetime or kind is timedelta:
        return text_of(value)
    if kind is str and len(value) > RESULT // 4 and len(value.encode("utf-8", "surrogatepass")) > RESULT:
        raise EvaluationError(f"expected a text of at most {RESULT} bytes")
    result: Value = value
    return result


def _plain_number(number: Decimal) -> int | float:
    if number != number.to_integral_value():
        return float(bounded(float(number)))
    return int(bounded(int(number) if number.adjusted() < _DIGITS else 10**_DIGITS))
