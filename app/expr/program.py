"""Compiled expressions and templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from app.expr import cel, feel, juel
from app.expr.evaluator import closure
from app.expr.failures import EvaluationError
from app.expr.grammar import Grammar
from app.expr.limits import NODES, STEPS, Environment
from app.expr.rules import Closure, Rules
from app.expr.tree import Node, names_in, too_large
from app.expr.values import Lookup, Value, plain, text_of

T = TypeVar("T")


class Dialect(StrEnum):
    """The spelling of an expression."""

    CEL = "CEL"
    FEEL = "FEEL"
    JUEL = "JUEL"


_SPELLINGS: dict[Dialect, tuple[Grammar, Rules]] = {
    Dialect.CEL: (cel.GRAMMAR, cel.RULES),
    Dialect.FEEL: (feel.GRAMMAR, feel.RULES),
    Dialect.JUEL: (juel.GRAMMAR, juel.RULES),
}


class Program:
    """A compiled text. For any number of evaluations, in any thread."""

    __slots__ = ("_cost", "_run", "dialect", "names")

    def __init__(self, dialect: Dialect, names: frozenset[str], cost: int, run: Closure) -> None:
        self.dialect = dialect
        self.names = names
        """The names of all variables that it may read."""
        self._cost = cost
        self._run = run

    def evaluate(self, lookup: Lookup, now: Callable[[], datetime]) -> Value:
        """The value with the variables that `lookup` reads; `now` tells the time of the engine as naive UTC.

        Raises `EvaluationError` where there is none.
        """
        try:
            return plain(self._run(Environment(lookup, now, STEPS - self._cost)))
        except EvaluationError as error:
            error.spelling = self.dialect
            raise

    def evaluate_as(self, convert: Callable[[Value], T], lookup: Lookup, now: Callable[[], datetime]) -> T:
        """The value as its place takes it, by a function such as `as_condition`."""
        value = self.evaluate(lookup, now)
        try:
            return convert(value)
        except EvaluationError as error:
            error.spelling = self.dialect
            raise


def program_of(dialect: Dialect, text: str) -> Program:
    """The program of an expression without what shows its spelling."""
    tree, run = _compiled(dialect, text)
    return Program(dialect, frozenset(names_in(tree)), tree.size, run)


def program_of_template(parts: Sequence[tuple[bool, str]]) -> Program:
    """The program that joins constant texts and, where a part is marked, the values of JUEL expressions."""
    names: set[str] = set()
    pieces: list[Closure] = []
    cost = 0
    for is_expression, text in parts:
        if not is_expression:
            pieces.append(_constant(text))
            continue
        tree, run = _compiled(Dialect.JUEL, text)
        cost += tree.size
        if cost > NODES:
            raise too_large(tree.column)
        names |= set(names_in(tree))
        pieces.append(_piece(run, tree.column))
    return Program(Dialect.JUEL, frozenset(names), cost, _joined(pieces))


def _compiled(dialect: Dialect, text: str) -> tuple[Node, Closure]:
    grammar, rules = _SPELLINGS[dialect]
    tree = grammar.parse(text)
    return tree, closure(tree, rules)


def _constant(text: str) -> Closure:
    return lambda env: text


def _piece(run: Closure, column: int) -> Closure:
    def piece(env: Environment) -> str:
        try:
            return text_of(run(env))
        except EvaluationError as error:
            raise error.at(column) from None

    return piece


def _joined(pieces: list[Closure]) -> Closure:
    def run(env: Environment) -> str:
        texts = [piece(env) for piece in pieces]
        env.spend(sum(map(len, texts)))
        return "".join(texts)

    return run
