"""What becomes of a text, with variables: a value, or that it fails, or that it doesn't compile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from app.expr import MISSING, CompileError, EvaluationError, Lookup, compile_expression

NOW = datetime(2026, 1, 31, 8)
VARIABLES = {
    "total": 150,
    "tags": ["vip"],
    "order": {"state": "open", "lines": [{"price": 0.1}, {"price": 2}], "none": None, "my-key": 7},
    "name": "Ann",
    "my-key": 1,
    "nothing": None,
    "numbers": [1, 2.5, 3],
    "greatest": 2**63 - 1,
    "huge": 2**63,
    "half": 0.5,
    "yes": True,
    "no": False,
}


class Outcome(Enum):
    FAILS = "fails"
    REFUSED = "does not compile"


FAILS, REFUSED = Outcome.FAILS, Outcome.REFUSED


def lookup_of(variables: Mapping[str, Any]) -> Lookup:
    return lambda name: variables.get(name, MISSING)


def now() -> datetime:
    return NOW


def outcome(text: str, variables: Mapping[str, Any] | None = None, language: str = "") -> Any:
    """The value; or FAILS, or REFUSED."""
    try:
        program = compile_expression(text, language)
    except CompileError:
        return REFUSED
    try:
        return program.evaluate(lookup_of(VARIABLES if variables is None else variables), now)
    except EvaluationError:
        return FAILS


def failure(text: str, variables: Mapping[str, Any] | None = None) -> EvaluationError:
    """How the evaluation fails."""
    program = compile_expression(text)
    try:
        value = program.evaluate(lookup_of(VARIABLES if variables is None else variables), now)
    except EvaluationError as error:
        return error
    raise AssertionError(f"{text} has the value {value!r}")


def is_same(one: Any, other: Any) -> bool:
    """Whether they are equal, and of the same types: 1 is neither true nor 1.0."""
    return shown(one) == shown(other)


def shown(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
