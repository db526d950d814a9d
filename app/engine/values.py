"""What variables hold, in the form in which they are stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.errors import EngineError, ErrorKind
from app.expr import EvaluationError, as_collection, stored


@dataclass(frozen=True, slots=True)
class Stored:
    """A variable as it is stored: cipher text where `encrypted`."""

    encoding: str
    encrypted: bool
    value: str = field(repr=False)


def value_of(variable: Stored, decrypt: Callable[[str], str]) -> Any:
    """The value of JSON, or the text. Raises EvaluationError for other encodings, and for what can't be read."""
    try:
        text = decrypt(variable.value) if variable.encrypted else variable.value
    except EngineError as error:
        raise EvaluationError("expected a variable that can be decrypted") from error
    return stored(variable.encoding, text)


def items_of(name: str, variable: Stored | None, decrypt: Callable[[str], str]) -> list[Any]:
    """The items of a collection. Raises EvaluationError where the variable is no list of JSON."""
    if variable is None:
        raise EvaluationError(f"expected a variable {name} with a list")
    try:
        return as_collection(value_of(variable, decrypt))
    except EvaluationError as error:
        raise EvaluationError(f"variable {name}: {error}") from error


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def failed(reason: str) -> EngineError:
    """What the execution of a task fails with that evaluates again."""
    return EngineError(ErrorKind.EXECUTION, reason, title="failed to evaluate expression")
