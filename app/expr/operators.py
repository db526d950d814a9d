"""Operators, for values of any spelling: each takes the environment of the evaluation first.

One that gets values of kinds that it isn't for raises `WrongKind`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from math import fmod
from typing import Any

from app.expr.failures import EvaluationError, WrongKind
from app.expr.limits import Environment
from app.expr.values import LISTS, NUMBERS, bounded, contains, equal, kind_of, wrong

Operator = Callable[[Environment, Any, Any], Any]
_ORDERED = frozenset({str, datetime, timedelta})
_TIMES = frozenset({datetime, timedelta})


def mismatch(expected: str, left: Any, right: Any) -> WrongKind:
    return WrongKind(f"expected {expected}, not {kind_of(left)} and {kind_of(right)}")


def divided_by_zero() -> EvaluationError:
    return EvaluationError("expected a divisor other than zero")


def joined(env: Environment, left: Any, right: Any) -> Any:
    """Two texts one after the other; of other values the sum of times and spans."""
    if type(left) is str and type(right) is str:
        env.spend(len(left) + len(right))
        return left + right
    return shifted(left, right, operator.add, "two numbers, two texts, or times and durations")


def shifted(left: Any, right: Any, calculate: Callable[[Any, Any], Any], expected: str) -> Any:
    """The sum or difference of timestamps and durations."""
    if type(left) not in _TIMES or type(right) not in _TIMES:
        raise mismatch(expected, left, right)
    try:
        return calculate(left, right)
    except TypeError:
        raise mismatch(expected, left, right) from None
    except OverflowError:
        raise EvaluationError("expected a time within the years 1 to 9999") from None


def add(env: Environment, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bounded(left + right)
    if type(left) in LISTS and type(right) in LISTS:
        env.spend(len(left) + len(right))
        return (*left, *right)
    return joined(env, left, right)


def add_numbers(env: Environment, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bounded(left + right)
    raise mismatch("two numbers", left, right)


def subtract(env: Environment, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bounded(left - right)
    return shifted(left, right, operator.sub, "two numbers, or times and durations")


def multiply(env: Environment, left: Any, right: Any) -> Any:
    if type(left) in NUMBERS and type(right) in NUMBERS:
        return bounded(left * right)
    raise mismatch("two numbers", left, right)


def divide(env: Environment, left: Any, right: Any) -> Any:
    """The quotient; of integers it is one, cut off towards zero."""
    _divisible(left, right)
    if type(left) is float or type(right) is float:
        return bounded(left / right)
    quotient = abs(left) // abs(right)
    return bounded(quotient if (left < 0) == (right < 0) else -quotient)


def divide_exactly(env: Environment, left: Any, right: Any) -> Any:
    """The quotient as a float."""
    _divisible(left, right)
    return bounded(left / right)


def remainder(env: Environment, left: Any, right: Any) -> Any:
    """What integers leave when they are divided, with the sign of the first."""
    if type(left) is not int or type(right) is not int:
        raise mismatch("two integers", left, right)
    _divisible(left, right)
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def remainder_of_any(env: Environment, left: Any, right: Any) -> Any:
    """The same of floats as well."""
    if type(left) is int and type(right) is int:
        return remainder(env, left, right)
    _divisible(left, right)
    return bounded(fmod(left, right))


def _divisible(left: Any, right: Any) -> None:
    if type(left) not in NUMBERS or type(right) not in NUMBERS:
        raise mismatch("two numbers", left, right)
    if not right:
        raise divided_by_zero()


def ordering(compare: Callable[[Any, Any], bool], ordered: frozenset[type] = _ORDERED) -> Operator:
    """A comparison of two numbers, or of two values of one of the kinds."""

    def compared(env: Environment, left: Any, right: Any) -> bool:
        kind, its = type(left), type(right)
        if kind in NUMBERS and its in NUMBERS:
            return compare(left, right)
        if kind is not its or kind not in ordered:
            raise mismatch("two values of one kind that has an order", left, right)
        if kind is str:
            env.spend(min(len(left), len(right)))
        return compare(left, right)

    return compared


def orderings(ordered: frozenset[type] = _ORDERED) -> dict[str, Operator]:
    return {
        "<": ordering(operator.lt, ordered),
        "<=": ordering(operator.le, ordered),
        ">": ordering(operator.gt, ordered),
        ">=": ordering(operator.ge, ordered),
    }


WITH_TRUTH = orderings(_ORDERED | {bool})
"""Comparisons in which false comes before true."""
WITHOUT_TRUTH = orderings()


def unequal(env: Environment, left: Any, right: Any) -> bool:
    return not equal(env, left, right)


def is_in(env: Environment, wanted: Any, values: Any) -> bool:
    """Whether a list has an item, or an object a key."""
    if type(values) in LISTS:
        return contains(env, values, wanted)
    if type(values) is not dict:
        raise wrong("a list or an object after in", values)
    if type(wanted) is not str:
        return False
    env.spend(len(wanted))
    return wanted in values


def negate(env: Environment, value: Any) -> Any:
    if type(value) not in NUMBERS:
        raise wrong("a number", value)
    return bounded(-value)


def invert(env: Environment, value: Any) -> bool:
    if type(value) is not bool:
        raise wrong("true or false", value)
    return not value
