"""Schemas and fields that several resources share: tags, variables, timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError

from app.api.fields import (
    Choice,
    Cron,
    Duration,
    Flag,
    Int32,
    Name,
    ShortText,
    Text,
    Timestamp,
    Undecodable,
    check_text,
)
from app.api.objects import AnswerSchema, ApiSchema, Many, Object, printed
from app.api.rules import (
    MOST_CHARACTERS,
    MOST_ITEMS,
    MOST_OF_ERROR,
    MOST_OF_REASON,
    MOST_OF_TAG_VALUE,
    OWN,
    Validator,
    broken,
    no_longer_than,
    tag_name,
    variable_name,
)
from app.commands.base import Data, VariableInput
from app.criteria import Range
from app.timer import Timer


class ByName(dict[str, Any]):
    """An array in the form of an object: what belongs to each name."""


def _also_accepts(item: dict[str, str]) -> dict[str, Any]:
    return {"x-also-accepts": {"type": "object", "additionalProperties": item}}


def _decode_by_name(value: dict[str, Any], decode: Callable[[Any], Any]) -> ByName:
    decoded = ByName()
    for name, item in value.items():
        try:
            check_text(name)
            decoded[name] = decode(item)
        except Undecodable as error:
            error.path.append(name)
            raise
    return decoded


def _violations_of(text: str, *rules: Validator) -> dict[Any, Any]:
    """The first violation, as one of what belongs to the name."""
    try:
        for rule in rules:
            rule(text)
    except ValidationError as error:
        return {OWN: error.messages}
    return {}


_not_too_long = no_longer_than(MOST_CHARACTERS)
_no_longer_than_a_tag = no_longer_than(MOST_OF_TAG_VALUE)


class TagSchema(ApiSchema):
    name = Name(tag_name, example="x")
    value = Text(most=MOST_OF_TAG_VALUE, example="y")


class Tags(Many):
    """Loaded as a mapping, in which the last tag of a name counts.

    A tag with an empty value is left out, or kept with `keep_empty` where it has a meaning.
    """

    def __init__(
        self, *, keep_empty: bool = False, object_form: bool = False, most: int | None = MOST_ITEMS, **options: Any
    ) -> None:
        if object_form:
            options["facts"] = _also_accepts({"type": "string"})
        super().__init__(Object(TagSchema), most=most, **options)
        self._keep_empty = keep_empty
        self._object_form = object_form

    def decode(self, value: Any) -> Any:
        if self._object_form and type(value) is dict:
            text = Text()
            return _decode_by_name(value, lambda item: "" if item is None else text.decode(item) or "")
        return super().decode(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        tags: dict[str, str] = {}
        for name, text in self._load_pairs(value):
            if text or self._keep_empty:
                tags[name] = text
            else:
                tags.pop(name, None)
        return tags

    def _load_pairs(self, value: Any) -> Iterable[tuple[str, str]]:
        if not isinstance(value, ByName):
            return [(item["name"], item.get("value", "")) for item in self.load_items(value)]
        if len(value) > MOST_ITEMS:
            broken("max", f"exceeds a maximum of {MOST_ITEMS}", printed(value))
        errors = {
            name: found
            for name, text in value.items()
            if (found := _violations_of(name, tag_name, _not_too_long) or _violations_of(text, _no_longer_than_a_tag))
        }
        if errors:
            raise ValidationError(errors)
        return value.items()


class DataSchema(ApiSchema):
    encoding = ShortText(required=True, example="json", description="Free text such as `json`; it is not interpreted.")
    encrypted = Flag(description="Whether the value is stored encrypted. Reads return clear text.")
    value = Text(required=True, example='{"n":1}')


_DELETION = "The variable's data. For a variable deletion, no data must be provided."


class ProcessVariableSchema(ApiSchema):
    name = Name(variable_name, example="a")
    data = Object(DataSchema, make=Data, description=_DELETION)


class ElementVariableSchema(ApiSchema):
    bpmn_element_id = ShortText(
        extension=True,
        description="Scope of the variable: the element itself, or one of the elements that enclose it.",
    )
    name = Name(variable_name, example="a")
    data = Object(DataSchema, make=Data, description=_DELETION)


class NamedDataSchema(ApiSchema):
    """What belongs to a name in the object form of variables, when it wraps the data as the array form does."""

    data = Object(DataSchema, make=Data)


_NAMED_DATA = NamedDataSchema()
_DATA = DataSchema()


class Variables(Many):
    """Loaded as a tuple of `VariableInput`."""

    def __init__(self, schema: type[ApiSchema], *, object_form: bool = False, **options: Any) -> None:
        if object_form:
            options["facts"] = _also_accepts({"$ref": "#/components/schemas/Data"})
        super().__init__(Object(schema, make=VariableInput), most=MOST_ITEMS, **options)
        self._object_form = object_form

    def decode(self, value: Any) -> Any:
        if self._object_form and type(value) is dict:
            return _decode_by_name(value, _decode_named_data)
        return super().decode(value)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, ByName):
            return self._load_by_name(value)
        return super()._deserialize(value, attr, data, **kwargs)

    def _load_by_name(self, value: ByName) -> tuple[VariableInput, ...]:
        if len(value) > MOST_ITEMS:
            broken("max", f"exceeds a maximum of {MOST_ITEMS}", printed(value))
        variables = []
        errors: dict[str, Any] = {}
        for name, item in value.items():
            found = _violations_of(name, variable_name, _not_too_long)
            try:
                data = None if item is None else Data(**_DATA.load(item))
            except ValidationError as error:
                found |= error.messages_dict
            if found:
                errors[name] = found
            else:
                variables.append(VariableInput(name=name, data=data))
        if errors:
            raise ValidationError(errors)
        return tuple(variables)


def _decode_named_data(item: Any) -> dict[str, Any] | None:
    """The decoded data, or None for a deletion."""
    if item is None:
        return None
    if type(item) is dict and "data" in item:
        wrapped: dict[str, Any] | None = _NAMED_DATA.decode(item).get("data")
        return wrapped
    return _DATA.decode(item)


def all_tags() -> Tags:
    """The tags in an answer: updates may have added up to more than one request may bring."""
    return Tags(most=None)


def process_variables(**options: Any) -> Variables:
    return Variables(ProcessVariableSchema, **options)


def element_variables(**options: Any) -> Variables:
    return Variables(ElementVariableSchema, **options)


class TimerSchema(ApiSchema):
    time = Timestamp(description="A point in time.")
    time_cycle = Cron(description="A cron expression (UTC, 5 to 7 fields) or a macro such as `@daily`.")
    time_duration = Duration(description="An ISO 8601 duration.")


class TimerField(Object):
    """Loaded as a `Timer`. `needed` refuses a timer object in which nothing is set."""

    def __init__(self, *, needed: bool = False, **options: Any) -> None:
        super().__init__(TimerSchema, make=Timer, **options)
        self._needed = needed

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        if self._needed and not value:
            broken("timer", "must specify a time, time cycle or time duration")
        return super()._deserialize(value, attr, data)


def wait_timeout(description: str) -> Duration:
    return Duration(
        extension=True,
        example="PT20S",
        description=f"{description}; one beyond BPMN_LONG_POLL_MAX (30 seconds, if that is not set) is taken as that.",
    )


def worker_id(description: str = "ID of the worker that performs the operation.") -> Text:
    return ShortText(required=True, example="go-bpmn", description=description)


def start_element_id() -> Text:
    return ShortText(
        extension=True,
        description="BPMN ID of the none start event to begin at; needed where the process has several.",
    )


def error_message() -> Text:
    return Text(
        cut=MOST_OF_ERROR,
        extension=True,
        description="With `errorCode`: a free text that travels with a BPMN error that is thrown. "
        f"What goes beyond {MOST_OF_ERROR} characters is cut off.",
    )


def reason() -> Text:
    """Of an operation that is audited."""
    return Text(most=MOST_OF_REASON, description="Why; kept with the audit of the operation.", extension=True)


class TimeRangeSchema(ApiSchema):
    from_ = Timestamp(description="The first point in time of the range.")
    until = Timestamp(description="The first point in time after the range.")


def time_range(description: str) -> Object:
    return Object(TimeRangeSchema, make=Range, description=description, extension=True)


def choices(enumeration: type[StrEnum], label: str, description: str) -> Many:
    """Any of several members of an enumeration."""
    return Many(Choice(enumeration, label), most=MOST_ITEMS, unique=True, description=description, extension=True)


class MoveDueSchema(ApiSchema):
    due_at = Timestamp(description="When it becomes due; now, if that is not set or over.")
    worker_id = worker_id()
    reason = reason()


class CountResSchema(AnswerSchema):
    count = Int32(required=True, example=1)


def results_of(schema: type[ApiSchema], property_name: str = "results", name: str = "") -> type[ApiSchema]:
    """The schema of a response that lists records: `count` and an array."""
    name = name or schema.__name__.removesuffix("Schema") + "ResSchema"
    properties = {"count": Int32(required=True), property_name: Many(Object(schema), required=True)}
    return type(name, (AnswerSchema,), properties)
