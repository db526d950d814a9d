"""JUEL: integers of 64 bits and floats; texts are not added, and keys that are missing have null."""

from __future__ import annotations

from typing import Any

from lark import Token

from app.expr import functions, operators
from app.expr.grammar import Builder, Functions, Grammar
from app.expr.limits import Environment
from app.expr.rules import Closure, Rules
from app.expr.tree import Function, Node
from app.expr.values import equal, wrong

_COMPARISONS = operators.WITH_TRUTH


_PREFIXES: dict[str, Function] = {"-": operators.negate, "!": operators.invert, "empty": functions.empty}
_FUNCTIONS: Functions = {}
_METHODS: Functions = {
    ("contains", 2): functions.contains_any,
    ("startsWith", 2): functions.starts_with,
    ("endsWith", 2): functions.ends_with,
    ("equals", 2): functions.equals,
    ("size", 1): functions.size,
    ("length", 1): functions.size,
    ("isEmpty", 1): functions.is_empty,
    ("toLowerCase", 1): functions.lower,
    ("toUpperCase", 1): functions.upper,
}
_RESERVED = frozenset(
    {"and", "div", "empty", "eq", "ge", "gt", "instanceof", "le", "lt", "mod", "ne", "not", "or"},
)


class JuelBuilder(Builder):
    def number_of(self, token: Token) -> Any:
        return int(token) if token.isdigit() else float(token)

    def empty(self, children: list[Any]) -> Node:
        return self.prefix("empty", children)


class JuelRules(Rules):
    spelling = "JUEL"
    binary = _COMPARISONS | {
        "lt": _COMPARISONS["<"],
        "le": _COMPARISONS["<="],
        "gt": _COMPARISONS[">"],
        "ge": _COMPARISONS[">="],
        "+": operators.add_numbers,
        "-": operators.subtract,
        "*": operators.multiply,
        "/": operators.divide_exactly,
        "div": operators.divide_exactly,
        "%": operators.remainder_of_any,
        "mod": operators.remainder_of_any,
        "==": equal,
        "eq": equal,
        "!=": operators.unequal,
        "ne": operators.unequal,
    }

    def missing_key(self) -> Any:
        return None

    def of_null(self) -> Any:
        return None

    def logic(self, deciding: bool, operands: tuple[tuple[Closure, int], ...]) -> Closure:
        """From left to right, until an operand decides or fails."""

        def run(env: Environment) -> Any:
            for operand, column in operands:
                value = operand(env)
                if value is deciding:
                    return deciding
                if type(value) is not bool:
                    raise wrong("true or false", value).at(column)
            return not deciding

        return run


GRAMMAR = Grammar(
    "juel.lark", JuelBuilder("JUEL", prefixes=_PREFIXES, functions=_FUNCTIONS, methods=_METHODS, reserved=_RESERVED)
)
RULES = JuelRules()
