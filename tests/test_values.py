"""How values of users become variables, and variables become values again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from py_bpmn.values import Codec, Encoded, Raw, Values, secret

VALUES = Values()


class Color(Enum):
    RED = "red"


class Size(StrEnum):
    LARGE = "L"


class Level(IntEnum):
    HIGH = 3


@dataclass
class Line:
    article: str
    price: Decimal


@dataclass
class Order:
    id: UUID
    lines: list[Line] = field(default_factory=list)
    color: Color = Color.RED


class Customer(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    first_name: str
    born: date


def _read_back(value: Any) -> Any:
    encoded = VALUES.encode(value)
    return VALUES.decode(encoded.encoding, encoded.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values | st.binary())
def test_what_json_knows_and_bytes_are_read_back_as_they_were(value):
    assert _read_back(value) == value


@given(
    st.datetimes(timezones=st.none() | st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30))))
    | st.dates()
    | st.times()
    | st.timedeltas(timedelta(days=-9000), timedelta(days=9000))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
)
def test_what_json_does_not_know_is_written_as_pydantic_writes_it(value):
    encoded = VALUES.encode(value)
    assert encoded == Encoded("json", TypeAdapter(type(value)).dump_json(value).decode())


def test_text_stays_readable():
    assert VALUES.encode("Müller").value == '"Müller"'


def test_half_a_character_can_be_sent():
    assert VALUES.encode("\ud800").value.encode() == rb'"\ud800"'


def test_objects_become_what_they_consist_of():
    order = Order(UUID(int=7), [Line("pen", Decimal("1.50"))])
    assert _read_back(order) == {
        "id": "00000000-0000-0000-0000-000000000007",
        "lines": [{"article": "pen", "price": "1.50"}],
        "color": "red",
    }
    customer = Customer(first_name="Ada", born=date(1815, 12, 10))
    assert Customer.model_validate(_read_back([customer])[0]) == customer


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ((1, {2}, frozenset({3})), [1, [2], [3]]),
        (
            {Color.RED: Size.LARGE, date(2026, 1, 2): Level.HIGH, 4: time(5)},
            {"red": "L", "2026-01-02": 3, "4": "05:00:00"},
        ),
        (Path("a/b"), "a/b"),
        (Color.RED, "red"),
    ],
)
def test_others_become_the_nearest_that_json_has(value, read):
    assert _read_back(value) == read
    assert VALUES.simplify(value) == read


def test_a_secret_is_encrypted_and_is_not_shown():
    hidden = secret({"token": "t-1"})
    assert VALUES.encode(hidden) == Encoded("json", '{"token":"t-1"}', encrypted=True)
    assert "t-1" not in repr(hidden)


def test_raw_is_stored_as_it_is_and_is_raw_again():
    raw = Raw("<a/>", "xml")
    assert VALUES.encode(raw) == Encoded("xml", "<a/>")
    assert VALUES.encode(secret(raw)) == Encoded("xml", "<a/>", encrypted=True)
    assert VALUES.decode("xml", "<a/>") == raw


def test_text_of_encoding_text_is_read_as_text():
    assert VALUES.decode("text", "not json") == "not json"


def test_a_codec_stores_values_of_its_own_kind():
    class Point(tuple[int, int]):
        pass

    codec = Codec(
        "point",
        lambda value: ";".join(map(str, value)) if isinstance(value, Point) else None,
        lambda text: Point(map(int, text.split(";"))),
    )
    values = Values([codec])
    encoded = values.encode(Point((1, 2)))
    assert encoded == Encoded("point", "1;2")
    assert type(values.decode(encoded.encoding, encoded.value)) is Point
    assert values.encode([1, 2]) == Encoded("json", "[1,2]")


def test_a_codec_that_makes_no_text_is_refused():
    codec = Codec("point", lambda value: 5 if value == 1 else None, int)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match="what is stored as point must be a text, but is of type int"):
        Values([codec]).encode(1)


def _endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (float("nan"), "the value is nan, which JSON has no form for"),
        ({"a": [1, float("inf")]}, r"a\[1\] is inf, which JSON has no form for"),
        (Decimal("NaN"), "a value is NaN"),
        ({"a": {"b": object()}}, "a.b is of type object, which can't be stored: use JSON types"),
        (Order(UUID(int=1), [Line("pen", object())]), r"lines\[0\].price is of type object"),  # type: ignore[arg-type]
        ([b"x"], r"\[0\] is bytes, which only a variable as a whole can be"),
        ({"a": secret(1)}, "a is a secret: only a variable as a whole can be one"),
        ({"a": Raw("x", "xml")}, "a is Raw: only a variable as a whole can be"),
        ({(1, 2): 3}, "the value has a key of type tuple"),
        (Raw("", "xml"), "a variable of encoding xml can't be empty"),
        (Raw("x", ""), "a variable needs an encoding"),
        (Raw("x", None), "a variable needs an encoding"),  # type: ignore[arg-type]
        (Raw(5, "xml"), "what is stored as xml must be a text, but is of type int"),  # type: ignore[arg-type]
        (secret(Raw(b"", "xml")), "what is stored as xml must be a text, but is of type bytes"),  # type: ignore[arg-type]
        (_endless(), "nested too deeply, or contains itself"),
        (Line, "the value is of type type"),
    ],
)
def test_what_can_not_be_stored_is_told_with_its_place(value, sentence):
    with pytest.raises(ValueError, match=sentence):
        VALUES.encode(value)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("json", "{secret"),
        ("json", "[" * 100_000),
        ("base64", "secret1"),
        ("base64", "!!"),
        ("base64", "sécret"),
        ("number", "secret"),
        ("name", "secret"),
    ],
)
def test_what_can_not_be_read_is_told_without_showing_it(encoding, text):
    values = Values([Codec("number", str, int), Codec("name", str, {}.__getitem__)])
    with pytest.raises(ValueError, match=f"what is stored as {encoding}") as raised:
        values.decode(encoding, text)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_line_ends_mean_nothing_in_base64():
    assert VALUES.decode("base64", "AP\r\n8=\n") == b"\x00\xff"


def test_keys_are_alike_whether_they_need_care_or_not():
    keys = {None: 1, True: 2, 3: 4, 1.5: 5}
    assert _read_back(keys) == VALUES.simplify(keys) == json.loads(json.dumps(keys))
