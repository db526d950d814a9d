"""What an expression means where the spellings differ: each has rules of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.expr.failures import CompileError, EvaluationError, WrongKind, shown
from app.expr.limits import Environment
from app.expr.operators import Operator
from app.expr.values import LISTS, bounded, taken, wrong

Closure = Callable[[Environment], Any]
"""A compiled node: gives its value, or raises `EvaluationError`."""


class Rules:
    """Values of wrong kinds and missing ones fail, as in CEL."""

    spelling: str
    binary: Mapping[str, Operator]
    first_index = 0
    taken: Callable[[Any], Any] = staticmethod(taken)
    """What has been read, if it is a value."""

    def constant(self, value: Any, column: int) -> Any:
        """A constant of the text, if it is a value."""
        if type(value) in (int, float):
            try:
                return bounded(value)
            except EvaluationError as error:
                raise CompileError(f"{self.spelling} {error.expected}", column) from None
        return value

    def missing(self, name: str) -> Any:
        """The value of a variable that is not there."""
        raise WrongKind(f"unknown variable {shown(name)}")

    def missing_key(self) -> Any:
        """What an object has under a key that it doesn't have."""
        raise EvaluationError("no such key")

    def of_null(self) -> Any:
        """What null has under any key."""
        raise wrong("an object", None)

    def failed(self, error: EvaluationError, column: int) -> Any:
        """The value of a node that fails."""
        raise error.at(column)

    def unsure(self, value: Any) -> bool | None:
        """What stands for a value that must be true or false, and is neither."""
        raise wrong("true or false", value)

    def logic(self, deciding: bool, operands: tuple[tuple[Closure, int], ...]) -> Closure:
        """A conjunction or disjunction: an operand that decides makes up for those that fail."""

        def run(env: Environment) -> Any:
            failure: EvaluationError | None = None
            for operand, column in operands:
                try:
                    value = operand(env)
                    if value is deciding:
                        return deciding
                    if type(value) is not bool:
                        raise wrong("true or false", value).at(column)
                except EvaluationError as error:
                    if env.steps < 0:
                        raise
                    failure = failure or error
            if failure:
                raise failure
            return not deciding

        return run

    def member(self, base: Any, key: str) -> Any:
        if type(base) is not dict:
            if base is None:
                return self.of_null()
            raise wrong("an object", base)
        return self.taken(base[key]) if key in base else self.missing_key()

    def index(self, base: Any, key: Any) -> Any:
        if type(base) is dict and type(key) is str:
            return self.member(base, key)
        if type(base) not in LISTS:
            if base is None:
                return self.of_null()
            raise wrong("a list with a number, or an object with text", base)
        if type(key) is bool or type(key) is str or not _is_whole(key):
            raise wrong("a whole number as index", key)
        place = int(key) - self.first_index
        if not 0 <= place < len(base):
            raise EvaluationError("no such index")
        return self.taken(base[place])


def _is_whole(value: Any) -> bool:
    try:
        return bool(value == int(value))
    except (TypeError, ValueError):
        return False
