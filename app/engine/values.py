"""What variables hold, as a walk sees them: what was stored, below what the command and the walk have set so far."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.errors import EngineError, ErrorKind

JSON = frozenset({"json", "application/json"})
TEXT = frozenset({"text", "text/plain"})


class Unusable(Exception):
    """A value is not what is expected; the reason says what is, and holds no part of the value."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A variable as it is stored: cipher text where `encrypted`."""

    encoding: str
    encrypted: bool
    value: str = field(repr=False)


def parsed(name: str, stored: Stored, decrypt: Callable[[str], str]) -> Any:
    """The value of JSON, or a text. Raises Unusable for other encodings, and for what can't be read."""
    try:
        text = decrypt(stored.value) if stored.encrypted else stored.value
    except EngineError as error:
        raise Unusable(f"variable {name} can't be decrypted: {error.detail}") from error
    if stored.encoding in TEXT:
        return text
    if stored.encoding not in JSON:
        raise Unusable(f"variable {name} has neither encoding json nor text")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"variable {name} is no JSON") from error


def collection(name: str, stored: Stored | None, decrypt: Callable[[str], str]) -> list[Any]:
    """The items of a variable. Raises Unusable where it is no JSON array."""
    if stored is None:
        raise Unusable(f"expected a variable {name} with a JSON array, but there is none")
    found = parsed(name, stored, decrypt)
    if stored.encoding not in JSON or not isinstance(found, list):
        raise Unusable(f"expected variable {name} to be a JSON array")
    return found


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def failed(reason: str) -> EngineError:
    """What the execution of a task fails with that evaluates again."""
    return EngineError(ErrorKind.EXECUTION, reason, title="failed to evaluate expression")
