"""Turns records into JSON objects, by functions that are compiled once from the response schemas.

Properties that a schema requires are always written; others are left out when they are empty, zero or not set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from app.api.answer import Response, json_answer
from app.api.fields import Timestamp, camel
from app.api.objects import ApiSchema
from app.api.schemas import Tags
from app.engine.records import ElementVisit
from app.timer import Timer, format_timestamp

Encoder = Callable[[Any], dict[str, Any]]


def compile_encoder(schema: type[ApiSchema], **special: Callable[[Any], Any]) -> Encoder:
    """A function that encodes records with the attributes of `schema`.

    `special` names attributes that records do not have: each is computed from the whole record.
    """
    steps = [
        (camel(name), special.get(name) or attrgetter(name), _converter(field), field.required)
        for name, field in schema().fields.items()
    ]

    def encode(record: Any) -> dict[str, Any]:
        encoded = {}
        for key, get, convert, always in steps:
            value = get(record)
            if value or always:
                encoded[key] = value if convert is None else convert(value)
        return encoded

    return encode


def _converter(field: object) -> Callable[[Any], Any] | None:
    """None for values that the JSON encoder writes as they are: texts, numbers, enumerations, dates."""
    if isinstance(field, Timestamp):
        return format_timestamp
    if isinstance(field, Tags):
        return encode_tags
    return None


def encode_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": tags[name]} for name in sorted(tags)]


def encode_timer(timer: Timer) -> dict[str, Any]:
    """The one place where clients expect a null."""
    encoded: dict[str, Any] = {}
    if timer.time is not None:
        encoded["time"] = format_timestamp(timer.time)
    if timer.time_cycle:
        encoded["timeCycle"] = timer.time_cycle
    encoded["timeDuration"] = timer.time_duration or None
    return encoded


def inner_number(visit: ElementVisit) -> int | None:
    """Of an instance inside of an activity with a marker; what these are inside of counts how many have started."""
    return None if visit.multi_instance else visit.loop_counter


def absent(record: Any) -> None:
    """For a property that no record has so far."""


def listed(encode: Encoder, records: Iterable[Any], name: str = "results") -> Response:
    """`count` and the encoded records."""
    encoded = [encode(record) for record in records]
    return json_answer({"count": len(encoded), name: encoded})
