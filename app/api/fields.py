"""Marshmallow fields of requests and responses, and the base classes of all schemas.

A request passes two steps. *Decoding* (`ApiSchema.decode`) settles JSON types, in document order, and stops at the
first problem. It drops every null and every zero value, since clients mean "absent" by them. *Validation*
(`ApiSchema.load`) collects all broken constraints of what is left, one per field, in the order in which the fields are
declared. That is marshmallow's work; a body in which no constraint is broken, as nearly all of them, does without it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from app.api.rules import (
    MOST_CHARACTERS,
    NAME_PATTERN,
    Validator,
    Violation,
    at_least,
    at_most,
    broken,
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


class Object(Decoded, fields.Nested):
    """An object with a schema of its own; `make` turns its loaded fields into a value."""

    def __init__(self, schema: type[ApiSchema], *, make: Callable[..., Any] | None = None, **options: Any) -> None:
        super().__init__(nested=schema, **options)
        self._make = make

    @property
    def zero(self) -> dict[str, Any]:
        return {}

    def decode(self, value: Any) -> dict[str, Any]:
        schema: ApiSchema = self.schema  # type: ignore[assignment]  # only our schemas are nested
        return schema.decode(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        loaded = self.schema.load(value)
        return self._make(**loaded) if self._make is not None else loaded


class Many(Decoded, fields.List[Any]):
    """An array, loaded as a tuple or as what `make` turns its items into."""

    def __init__(
        self,
        item: Decoded,
        *,
        least: int = 0,
        most: int | None = None,
        unique: bool = False,
        make: Callable[[list[Any]], Any] = tuple,
        **options: Any,
    ) -> None:
        """An empty array counts as an absent one, unless there must be at `least` some items."""
        facts: dict[str, Any] = dict(options.pop("facts", {}))
        if least:
            facts["minItems"] = least
        if most is not None:
            facts["maxItems"] = most
        if unique:
            facts["uniqueItems"] = True
        super().__init__(cls_or_instance=item, facts=facts, **options)
        self._least = least
        self._most = most
        self._unique = unique
        self._make = make

    def decode(self, value: Any) -> Any:
        if type(value) is not list:
            raise Undecodable
        item: Decoded = self.inner  # type: ignore[assignment]  # the constructor takes nothing else
        items = []
        for index, each in enumerate(value):
            try:
                decoded = None if each is None else item.decode(each)
            except Undecodable as error:
                error.path.append(index)
                raise
            items.append(item.zero if decoded is None else decoded)
        return items if items or self._least else None

    def check_size(self, items: Collection[Any]) -> None:
        if len(items) < self._least:
            broken("required", f"must have at least {self._least}", printed(items))
        if self._most is not None and len(items) > self._most:
            broken("max", f"exceeds a maximum of {self._most}", printed(items))

    def load_items(self, value: Any) -> list[Any]:
        """The loaded items; raises the violations inside of them only when the array is not too long."""
        self.check_size(value)
        item: Decoded = self.inner  # type: ignore[assignment]  # as above
        try:
            return [item.load(each) for each in value]
        except ValidationError:
            # Not `super()`: that is `Decoded`, which leaves values as they are.
            return fields.List._deserialize(self, value, None, None)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        items = self.load_items(value)
        if self._unique and len(set(items)) < len(items):
            broken("unique", "must be unique", printed(items))
        return self._make(items)


def printed(items: Collection[Any]) -> str:
    """An array as violations show it: named things by their name, others by what they consist of."""
    return f"[{' '.join(_printed_item(item) for item in items)}]"


def _printed_item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "bpmnElementId" in item and "name" not in item:
        return f"{{{' '.join(str(part) for part in item.values())}}}"
    return str(item.get("name", ""))


class ApiSchema(Schema):
    """A JSON object. Attributes are snake_case, properties camelCase; properties that are not declared are refused."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = camel(field_name)

    @cached_property
    def _decoders(self) -> dict[str, Callable[[Any], Any]]:
        return {camel(name): field.decode for name, field in self.fields.items() if isinstance(field, Decoded)}

    @cached_property
    def _loaders(self) -> list[tuple[str, str, Callable[[Any], Any], bool]]:
        return [
            (name, camel(name), field.load, field.required)
            for name, field in self.fields.items()
            if isinstance(field, Decoded)
        ]

    def load(self, data: Any, **options: Any) -> Any:
        """The fields of a decoded object, by attribute. Raises `ValidationError` with all that is wrong."""
        if not options and type(data) is dict:
            loaded = self._load_sound(data)
            if loaded is not None:
                return loaded
        return super().load(data, **options)

    def _load_sound(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The same as marshmallow's, but None where there is any violation, or a property that is not declared."""
        loaded = {}
        try:
            for name, key, load, required in self._loaders:
                if key in data:
                    loaded[name] = load(data[key])
                elif required:
                    return None
        except ValidationError:
            return None
        return loaded if len(loaded) == len(data) and not self.broken_together(data) else None

    def broken_together(self, given: Mapping[str, Any]) -> dict[str, list[Violation]]:
        """What is wrong with the decoded properties as they come together, by the property that it is reported at."""
        return {}

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_together(self, _loaded: Any, given: Any, **_options: Any) -> None:
        if broken_ones := self.broken_together(given):
            raise ValidationError(dict(broken_ones))

    def decode(self, value: Any) -> dict[str, Any]:
        """The properties of the JSON value that are neither null nor zero. Raises `Undecodable`."""
        if type(value) is not dict:
            raise Undecodable
        decoders = self._decoders
        decoded = {}
        for key, item in value.items():
            decode = decoders.get(key)
            if decode is None:
                raise Undecodable(detail=f'unknown JSON field "{key}"')
            if item is None:
                continue
            try:
                found = decode(item)
            except Undecodable as error:
                error.path.append(key)
                raise
            if found is not None:
                decoded[key] = found
        return decoded


class AnswerSchema(ApiSchema):
    """An object that only answers contain. Its required properties are always there; clients tolerate unknown ones."""

    class Meta:
        unknown = EXCLUDE
