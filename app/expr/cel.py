"""CEL: integers of 64 bits and floats; what is missing, or of another kind than expected, fails."""

from __future__ import annotations

from typing import Any

from lark import Token

from app.expr import functions, operators
from app.expr.grammar import Builder, Functions, Grammar, column
from app.expr.rules import Rules
from app.expr.tree import Function, Has, Member, Node
from app.expr.values import equal

_PREFIXES: dict[str, Function] = {"-": operators.negate, "!": operators.invert}
_FUNCTIONS: Functions = {
    ("size", 1): functions.size,
    ("int", 1): functions.to_int,
    ("double", 1): functions.to_double,
    ("string", 1): functions.to_text_with_seconds,
    ("timestamp", 1): functions.timestamp,
    ("duration", 1): functions.short_duration,
    ("now", 0): functions.now,
}
_METHODS: Functions = {
    ("size", 1): functions.size,
    ("contains", 2): functions.contains_any,
    ("startsWith", 2): functions.starts_with,
    ("endsWith", 2): functions.ends_with,
    ("lowerAscii", 1): functions.lower_ascii,
    ("upperAscii", 1): functions.upper_ascii,
}
_RESERVED = frozenset({"in"})


class CelBuilder(Builder):
    def number_of(self, token: Token) -> Any:
        return int(token) if token.isdigit() else float(token)

    def called(self, token: Token, name: str, arguments: list[Node], known: Functions, kind: str) -> Node:
        if (kind, name) != ("function", "has"):
            return super().called(token, name, arguments, known, kind)
        match arguments:
            case [Member(base=base, key=key)]:
                return Has(column(token), base, key)
        raise self.error("expected has(object.key)", token)


class CelRules(Rules):
    spelling = "CEL"
    binary = operators.WITH_TRUTH | {
        "+": operators.add,
        "-": operators.subtract,
        "*": operators.multiply,
        "/": operators.divide,
        "%": operators.remainder,
        "==": equal,
        "!=": operators.unequal,
        "in": operators.is_in,
    }


GRAMMAR = Grammar(
    "cel.lark", CelBuilder("CEL", prefixes=_PREFIXES, functions=_FUNCTIONS, methods=_METHODS, reserved=_RESERVED)
)
RULES = CelRules()
