"""Requests that hold several of a kind, each of which is answered as it would be alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from app.api.body import broken_body
from app.api.context import service
from app.api.encode import Encoder
from app.api.objects import ApiSchema, Many, Object
from app.api.problem import problem_of
from app.api.rules import MOST_ITEMS, broken, flatten
from app.commands.base import Command
from app.errors import Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One of several. Where it breaks rules by itself, `loaded` is None, and `causes` tell which."""

    decoded: Mapping[str, Any]
    loaded: Mapping[str, Any] | None = None
    causes: Sequence[Cause] = ()


class Batch(Many):
    """An array of what could be requests of their own, loaded as a tuple of `Item`.

    `address` names properties that tell which one an item is about: without them the whole request is refused.
    """

    def __init__(self, schema: type[ApiSchema], *, address: Sequence[str] = (), **options: Any) -> None:
        super().__init__(Object(schema), most=MOST_ITEMS, required=True, facts={"minItems": 1}, **options)
        self._schema = schema()
        self._address = address

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if len(value) > MOST_ITEMS:
            broken("max", f"exceeds a maximum of {MOST_ITEMS}", len(value))
        items = []
        errors: dict[int, Any] = {}
        for number, decoded in enumerate(value):
            try:
                items.append(Item(decoded=decoded, loaded=self._schema.load(decoded)))
            except ValidationError as error:
                found = {name: error.messages_dict[name] for name in self._address if name in error.messages_dict}
                if found:
                    errors[number] = found
                items.append(Item(decoded=decoded, causes=flatten(error.messages_dict)))
        if errors:
            raise ValidationError(errors)
        return tuple(items)


def execute_each(items: Sequence[Item], command: Callable[..., Command[Any]], **given: Any) -> list[Any]:
    """What each item is answered with: a record, or the exception that tells why there is none."""
    commands = [command(**given, **item.loaded) for item in items if item.loaded is not None]
    outcomes = iter(service().execute_each(commands))
    return [broken_body(item.causes) if item.loaded is None else next(outcomes) for item in items]


def _ok(_record: Any) -> int:
    return 200


def result(outcome: Any, name: str, encode: Encoder, status: Callable[[Any], int] = _ok) -> dict[str, Any]:
    """`status` with the record under `name`, or with the `problem`, as the request alone would be answered."""
    if isinstance(outcome, Exception):
        problem = problem_of(outcome)
        return {"status": problem["status"], "problem": problem}
    return {"status": status(outcome), name: encode(outcome)}
