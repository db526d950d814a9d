"""FEEL: decimals of 34 digits; null stands for what is missing, and for the result of values of wrong kinds."""

from __future__ import annotations

from typing import Any

from lark import Token

from app.expr import functions, operators
from app.expr.failures import EvaluationError, WrongKind
from app.expr.grammar import Builder, Functions, Grammar, column
from app.expr.limits import Environment
from app.expr.rules import Closure, Rules
from app.expr.tree import Choice, Defined, Function, Has, Member, Name, Node, Range, Within
from app.expr.values import DECIMALS, NUMBERS, equal, kind_of, negated, taken_decimal, wrong


def _negate(env: Environment, value: Any) -> Any:
    if type(value) not in NUMBERS:
        raise wrong("a number", value)
    return negated(value)


_PREFIXES: dict[str, Function] = {"-": _negate}
_FUNCTIONS: Functions = {
    ("not", 1): operators.invert,
    ("contains", 2): functions.contains_text,
    ("starts with", 2): functions.starts_with,
    ("ends with", 2): functions.ends_with,
    ("string length", 1): functions.length,
    ("upper case", 1): functions.upper,
    ("lower case", 1): functions.lower,
    ("list contains", 2): functions.list_contains,
    ("count", 1): functions.count,
    ("number", 1): functions.to_decimal,
    ("string", 1): functions.to_text,
    ("date and time", 1): functions.date_and_time,
    ("duration", 1): functions.duration,
    ("now", 0): functions.now,
}
_METHODS: Functions = {}
_RESERVED = frozenset({"and", "between", "else", "in", "or", "then"})


class FeelBuilder(Builder):
    def number_of(self, token: Token) -> Any:
        try:
            return DECIMALS.create_decimal(str(token))
        except ArithmeticError:
            raise self.error("expected a smaller number", token) from None

    def called(self, token: Token, name: str, arguments: list[Node], known: Functions, kind: str) -> Node:
        if name != "is defined":
            return super().called(token, name, arguments, known, kind)
        match arguments:
            case [Name(name=variable)]:
                return Defined(column(token), variable)
            case [Member(base=base, key=key)]:
                return Has(column(token), base, key)
        raise self.error("expected is defined(variable) or is defined(object.key)", token)

    def if_then_else(self, children: list[Any]) -> Node:
        token, condition, then, otherwise = children
        return Choice(column(token), condition, then, otherwise)

    def between(self, children: list[Any]) -> Node:
        value, token, low, high = children
        return Within(column(token), value, (Range(low.column, low, high, True, True),))

    def within(self, children: list[Any]) -> Node:
        value, token, *tests = children
        return Within(column(token), value, tuple(tests))

    def closed(self, children: list[Any]) -> Node:
        return _range(children, True, True)

    def without_high(self, children: list[Any]) -> Node:
        return _range(children, True, False)

    def without_low(self, children: list[Any]) -> Node:
        return _range(children, False, True)

    def without_both(self, children: list[Any]) -> Node:
        return _range(children, False, False)


def _range(children: list[Any], with_low: bool, with_high: bool) -> Node:
    *_, low, high = children
    return Range(low.column, low, high, with_low, with_high)


def _calculation(name: str, times: operators.Operator) -> operators.Operator:
    calculate = getattr(DECIMALS, name)

    def run(env: Environment, left: Any, right: Any) -> Any:
        if type(left) not in NUMBERS or type(right) not in NUMBERS:
            return times(env, left, right)
        try:
            return calculate(left, right)
        except ZeroDivisionError:
            raise operators.divided_by_zero() from None
        except ArithmeticError:
            # Zero divided by zero is an invalid operation.
            if not right:
                raise operators.divided_by_zero() from None
            raise EvaluationError("expected a smaller number") from None

    return run


def _no_times(env: Environment, left: Any, right: Any) -> Any:
    raise operators.mismatch("two numbers", left, right)


def _same(env: Environment, left: Any, right: Any) -> bool:
    if left is not None and right is not None and kind_of(left) != kind_of(right):
        raise operators.mismatch("two values of one kind", left, right)
    return equal(env, left, right)


def _different(env: Environment, left: Any, right: Any) -> bool:
    return not _same(env, left, right)


class FeelRules(Rules):
    spelling = "FEEL"
    binary = operators.WITHOUT_TRUTH | {
        "+": _calculation("add", operators.joined),
        "-": _calculation("subtract", operators.subtract),
        "*": _calculation("multiply", _no_times),
        "/": _calculation("divide", _no_times),
        "=": _same,
        "!=": _different,
    }
    first_index = 1
    taken = staticmethod(taken_decimal)

    def missing(self, name: str) -> Any:
        return None

    def missing_key(self) -> Any:
        return None

    def of_null(self) -> Any:
        return None

    def failed(self, error: EvaluationError, column: int) -> Any:
        if isinstance(error, WrongKind):
            return None
        raise error.at(column)

    def unsure(self, value: Any) -> bool | None:
        return None

    def logic(self, deciding: bool, operands: tuple[tuple[Closure, int], ...]) -> Closure:
        """With three values: without an operand that decides, one that is no truth value leaves it open."""

        def run(env: Environment) -> Any:
            result: bool | None = not deciding
            for operand, _ in operands:
                value = operand(env)
                if value is deciding:
                    return deciding
                if type(value) is not bool:
                    result = None
            return result

        return run


GRAMMAR = Grammar(
    "feel.lark", FeelBuilder("FEEL", prefixes=_PREFIXES, functions=_FUNCTIONS, methods=_METHODS, reserved=_RESERVED)
)
RULES = FeelRules()
