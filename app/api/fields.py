"""Marshmallow fields of values in requests and responses: each decodes a JSON value, and validates it then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields

from app.api.rules import (
    MOST_CHARACTERS,
    NAME_PATTERN,
    Validator,
    Violation,
    at_least,
    at_most,
    cron,
    duration,
    no_longer_than,
)
from app.cron import MAX_CRON_LENGTH
from app.timer import TimerError, parse_timestamp

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DURATION_PATTERN = "^P([0-9]+[YMWD])*(T([0-9]+[HMS])+)?$"
"""For the document only, and wider than the rule: not every language has look-ahead."""
_NO_TIME = datetime(1, 1, 1)
"""What clients send for a time that is not set."""


class Undecodable(Exception):
    """A JSON value that does not fit its field. `path` leads to it, innermost step first.

    `detail` is the whole sentence for the user; without it, `reason` continues the name of the field, and without
    either the value is reported as invalid.
    """

    def __init__(self, *, reason: str = "", detail: str = "") -> None:
        super().__init__(detail or reason)
        self.path: list[str | int] = []
        self.reason = reason
        self.detail = detail


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def check_text(value: str) -> None:
    """Raises `Undecodable` for text that not every database can keep."""
    if "\0" in value:
        raise Undecodable(reason="contains a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Undecodable(reason="contains a lone surrogate") from None


def parse_date(text: str) -> date | None:
    """The date that `text` writes as `YYYY-MM-DD`; None when it is none."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class Decoded(fields.Field[Any]):
    """A field whose value is decoded before marshmallow sees it.

    `extension` marks what the customer's document does not know; `facts` go into the OpenAPI document as they are.
    """

    zero: Any = None
    """What a null item of an array stands for."""

    def __init__(
        self,
        *,
        description: str = "",
        example: object = None,
        extension: bool = False,
        facts: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        metadata = dict(facts or {})
        if description:
            metadata["description"] = description
        if example is not None:
            metadata["example"] = example
        if extension:
            metadata["x-extension"] = True
        super().__init__(metadata=metadata, **options)

    def decode(self, value: Any) -> Any:
        """The value of a JSON value that is not null; None when it is a zero value. Raises `Undecodable`."""
        raise NotImplementedError

    def load(self, value: Any) -> Any:
        """What a decoded value is loaded as. Raises the first violation only."""
        loaded = self._deserialize(value, None, None)
        for validator in self.validators:
            validator(loaded)
        return loaded

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        return value

    def _validate(self, value: Any) -> None:
        """Raises the first violation only."""
        for validator in self.validators:
            validator(value)

    def make_error(self, key: str, **kwargs: bool | str) -> ValidationError:
        """The one error that is left to marshmallow: a required field is missing."""
        return ValidationError(Violation("required", "is required"))


class Text(Decoded, fields.String):
    """A text of at most `most` characters; only the size of the body bounds one without.

    `rule` is checked before. A longer text than `cut` is no violation: the rest of it is dropped.
    """

    zero = ""

    def __init__(
        self, *, most: int | None = None, cut: int | None = None, rule: Validator | None = None, **options: Any
    ) -> None:
        rules = [rule] if rule is not None else []
        facts: dict[str, Any] = dict(options.pop("facts", {}))
        if most is not None:
            facts["maxLength"] = most
            rules.append(no_longer_than(most))
        super().__init__(validate=rules, facts=facts, **options)
        self._cut = cut

    def decode(self, value: Any) -> str | None:
        if type(value) is not str:
            raise Undecodable
        check_text(value)
        return value[: self._cut] or None


class ShortText(Text):
    """An id, a name, a key, a code or a version."""

    def __init__(self, **options: Any) -> None:
        super().__init__(most=MOST_CHARACTERS, **options)


class Name(Text):
    def __init__(self, rule: Validator, **options: Any) -> None:
        facts = {"pattern": NAME_PATTERN}
        super().__init__(required=True, rule=rule, most=MOST_CHARACTERS, facts=facts, **options)


class Duration(Text):
    """An ISO 8601 duration, as text."""

    def __init__(self, *, rule: Validator = duration, **options: Any) -> None:
        options = {"example": "PT1H", **options}
        super().__init__(rule=rule, most=MOST_CHARACTERS, facts={"pattern": DURATION_PATTERN}, **options)

    def decode(self, value: Any) -> str | None:
        if type(value) is not str:
            raise Undecodable(detail=f"failed to unmarshal JSON: invalid duration {value}")
        return super().decode(value)


class Cron(Text):
    """A cron expression, as text."""

    def __init__(self, **options: Any) -> None:
        options = {"example": "0 * * * *", **options}
        super().__init__(rule=cron, most=MAX_CRON_LENGTH, facts={"format": "cron"}, **options)


class Choice(Text):
    """A member of an enumeration; `label` names it in messages."""

    def __init__(self, choices: type[StrEnum], label: str, **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices
        self.label = label

    def decode(self, value: Any) -> str:
        try:
            return self.choices(value)
        except ValueError:
            raise Undecodable(detail=f"failed to unmarshal JSON: invalid {self.label} {value}") from None


class _Integer(Decoded, fields.Integer):
    zero = 0
    bits = 32

    def __init__(
        self, *, gte: int | None = None, lte: int | None = None, zero_counts: bool = False, **options: Any
    ) -> None:
        """`zero_counts` tells an explicit 0 from an absent value."""
        facts: dict[str, Any] = {"format": f"int{self.bits}"}
        rules = []
        if gte is not None:
            facts["minimum"] = gte
            rules.append(at_least(gte))
        if lte is not None:
            facts["maximum"] = lte
            rules.append(at_most(lte))
        facts |= options.pop("facts", {})
        super().__init__(validate=rules, facts=facts, **options)
        self._zero = 0 if zero_counts else None
        self._limit = 1 << (self.bits - 1)

    def decode(self, value: Any) -> int | None:
        if type(value) is not int or not -self._limit <= value < self._limit:
            raise Undecodable
        return value or self._zero


class Int32(_Integer):
    pass


class Int64(_Integer):
    bits = 64


class Flag(Decoded, fields.Boolean):
    zero = False

    def __init__(self, *, zero_counts: bool = False, **options: Any) -> None:
        """`zero_counts` tells an explicit false from an absent value."""
        super().__init__(**options)
        self._zero = False if zero_counts else None

    def decode(self, value: Any) -> bool | None:
        if type(value) is not bool:
            raise Undecodable
        return value or self._zero


class Partition(Decoded, fields.Date):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"example": "2025-05-01", **options})

    def decode(self, value: Any) -> date:
        partition = parse_date(value) if type(value) is str else None
        if partition is not None:
            return partition
        if type(value) is str and _DATE.fullmatch(value):
            raise Undecodable(detail=f"failed to unmarshal JSON: failed to parse partition {value}")
        quoted = f'"{value}"' if type(value) is str else str(value)
        raise Undecodable(detail=f"failed to unmarshal JSON: invalid partition {quoted}")


class Timestamp(Decoded, fields.DateTime):
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"example": "2025-05-01T17:44:19.997Z", **options})

    def decode(self, value: Any) -> datetime | None:
        if type(value) is not str:
            raise Undecodable(detail="failed to unmarshal JSON: a timestamp must be a string")
        try:
            time = parse_timestamp(value)
        except TimerError as error:
            raise Undecodable(detail=f"failed to unmarshal JSON: {error}") from None
        return None if time == _NO_TIME else time


class Details(Decoded, fields.Dict):
    """An object of an answer whose properties are not the same each time."""
