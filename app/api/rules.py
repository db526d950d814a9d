"""The constraints of request fields, and how those that are broken are reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from marshmallow import ValidationError

from app.cron import TimerError, check_cron
from app.errors import Cause
from app.timer import check_duration

NAME_PATTERN = "^[a-zA-Z0-9_-]+$"
_NAME = re.compile(r"[a-zA-Z0-9_-]+")

MOST_CHARACTERS = 255
"""Of ids, names, keys, codes and versions. What ends in an index must fit into it on every database."""
MOST_OF_TAG_VALUE = 1000
MOST_OF_REASON = 500
MOST_OF_ERROR = 10_000
MOST_ITEMS = 100
"""Of an array, where nothing else is said."""
MOST_NAMES = 1000
"""Of variables that a query may ask for."""
MOST_SHOWN = 1000
"""Characters of a value that is shown to whoever sent it."""

OWN = None
"""Key of a field's own violation in a mapping of violations that otherwise belong to what is inside the field."""


class Violation(str):
    """The sentence about a broken constraint, with the rule and the value that broke it."""

    rule: str
    value: str

    def __new__(cls, rule: str, detail: str, value: object = "") -> Violation:
        violation = super().__new__(cls, detail)
        violation.rule = rule
        violation.value = shown(str(value))
        return violation


def broken(rule: str, detail: str, value: object = "") -> NoReturn:
    raise ValidationError(Violation(rule, detail, value))


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """`text` for an answer, which should not become as long as the request."""
    return text if len(text) <= most else text[:most] + "…"


def flatten(errors: Mapping[Any, Any], pointer: str = "#") -> list[Cause]:
    """The violations in marshmallow's nested `errors`, in order, each with its pointer."""
    causes: list[Cause] = []
    for key, found in errors.items():
        here = pointer if key is OWN else f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
        if isinstance(found, dict):
            causes += flatten(found, here)
        else:
            causes.append(Cause(here, found[0].rule, str(found[0]), found[0].value))
    return causes


Validator = Callable[[Any], None]


def at_least(bound: int) -> Validator:
    def check(value: int) -> None:
        if value < bound:
            broken("gte", f"must be greater than or equal to {bound}", value)

    return check


def at_most(bound: int) -> Validator:
    def check(value: int) -> None:
        if value > bound:
            broken("lte", f"must be less than or equal to {bound}", value)

    return check


def no_longer_than(bound: int) -> Validator:
    """Counts characters, as `maxLength` of JSON Schema does."""

    def check(value: str) -> None:
        if len(value) > bound:
            broken("max", f"exceeds a maximum of {bound} characters", value)

    return check


def named(rule: str) -> Validator:
    def check(value: str) -> None:
        if not value:
            broken("required", "is required")
        if _NAME.fullmatch(value) is None:
            broken(rule, f"must match regex {NAME_PATTERN}", value)

    return check


tag_name = named("tag_name")
variable_name = named("variable_name")


def duration(value: str) -> None:
    try:
        check_duration(value)
    except TimerError:
        broken("iso8601_duration", "is invalid", value)


def some_time(value: str) -> None:
    """A duration that is not over at once."""
    duration(value)
    if re.search("[1-9]", value) is None:
        broken("iso8601_duration", "must be longer than nothing", value)


def cron(value: str) -> None:
    try:
        check_cron(value)
    except TimerError:
        broken("cron", "is invalid", value)
