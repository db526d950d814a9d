"""Bodies are loaded as marshmallow would load them, and refused for the same reasons in the same order."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from app.api.fields import Decoded, Flag, Int32, Int64, Partition, Timestamp, Undecodable
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.rules import flatten

LONG = 256 * "x"
TEXTS = st.sampled_from(["", "a", "a b", "ä", LONG, "P1D", "PT", "@daily", "* * * * *", "CREATED", "COMPLETED"])


def bodies() -> list[type[ApiSchema]]:
    """The schemas of requests, and of what is inside of them."""
    found: list[type[ApiSchema]] = []
    left: list[type[ApiSchema]] = [ApiSchema]
    while left:
        of = left.pop()
        found.append(of)
        left += [each for each in of.__subclasses__() if not issubclass(each, AnswerSchema)]
    return sorted((each for each in found if each.__module__.startswith("app.")), key=lambda each: each.__name__)


def values(field: Any) -> st.SearchStrategy[Any]:
    """Values in JSON for a field: right, broken, and of the wrong type."""
    if isinstance(field, Object):
        return objects(type(field.schema))
    if isinstance(field, Many):
        return st.lists(values(field.inner), max_size=3) | st.dictionaries(TEXTS, st.none() | TEXTS, max_size=2)
    if isinstance(field, (Int32, Int64)):
        return st.sampled_from([0, 1, -1, 7, 1001, 2**31])
    if isinstance(field, Flag):
        return st.booleans()
    if isinstance(field, Partition):
        return st.sampled_from(["2025-05-01", "2025-02-30"])
    if isinstance(field, Timestamp):
        return st.sampled_from(["2025-05-01T17:44:19.997Z", "0001-01-01T00:00:00Z"])
    return TEXTS


@cache
def objects(schema: type[ApiSchema]) -> st.SearchStrategy[Any]:
    return st.deferred(
        lambda: st.fixed_dictionaries(
            {},
            optional={
                field.data_key: values(field) for field in schema().fields.values() if isinstance(field, Decoded)
            },
        )
    )


def outcome(load: Any, decoded: Any) -> Any:
    try:
        return list(load(decoded).items())
    except ValidationError as error:
        return [(cause.pointer, cause.type, cause.detail, cause.value) for cause in flatten(error.messages_dict)]


@pytest.mark.parametrize("schema", [pytest.param(each, id=each.__name__) for each in bodies()])
@given(st.data())
def test_a_body_is_loaded_as_by_marshmallow(schema: type[ApiSchema], data: st.DataObject):
    reader = schema()
    try:
        decoded = reader.decode(data.draw(objects(schema)))
    except Undecodable:
        return
    assert outcome(reader.load, decoded) == outcome(lambda value: Schema.load(reader, value), decoded)


@pytest.mark.parametrize("schema", [pytest.param(each, id=each.__name__) for each in bodies()])
def test_a_property_that_is_not_declared_is_not_loaded(schema: type[ApiSchema]):
    with pytest.raises(ValidationError):
        schema().load({"unheardOf": 1})
