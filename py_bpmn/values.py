"""How Python values are stored as variables, and read back. What a variable is sent with is left to others."""

from __future__ import annotations

import binascii
import dataclasses
import json
import math
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID


@dataclasses.dataclass(frozen=True, slots=True)
class Raw:
    """A text that is stored as it is, with an encoding that says what it is, such as `xml`."""

    value: str
    encoding: str


@dataclasses.dataclass(frozen=True, slots=True)
class Secret:
    """A value that is stored encrypted; what is shown of it is not the value."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(...)"


def secret(value: Any) -> Secret:
    """`value`, to be stored encrypted."""
    return Secret(value)


@dataclasses.dataclass(frozen=True, slots=True)
class Codec:
    """How values of a kind of their own are stored, under an encoding of their own."""

    encoding: str
    encode: Callable[[Any], str | None]
    """The text to be stored; None for a value of another kind."""
    decode: Callable[[str], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Encoded:
    """A variable as it is stored."""

    encoding: str
    value: str
    encrypted: bool = False


class Values:
    """Encodes and decodes with the codecs that are given, and with those that everybody has."""

    def __init__(self, codecs: Iterable[Codec] = ()) -> None:
        self._codecs = tuple(codecs)
        self._decode: dict[str, Callable[[str], Any]] = {"json": json.loads, "text": str, "base64": _from_base64}
        self._decode |= {codec.encoding: codec.decode for codec in self._codecs}

    def encode(self, value: Any) -> Encoded:
        """How `value` is stored; a ValueError tells why it can't be."""
        if isinstance(value, Secret):
            return dataclasses.replace(self.encode(value.value), encrypted=True)
        if isinstance(value, Raw):
            return _encoded(value.encoding, value.value)
        for codec in self._codecs:
            text = codec.encode(value)
            if text is not None:
                return _encoded(codec.encoding, text)
        if isinstance(value, bytes | bytearray | memoryview):
            # No variable is empty; a line end means nothing in base64.
            return Encoded("base64", b64encode(value).decode("ascii") or "\n")
        return Encoded("json", self._json(value))

    def decode(self, encoding: str, value: str) -> Any:
        """What was stored; a Raw where nobody knows the encoding. A ValueError tells what is wrong with the text."""
        decode = self._decode.get(encoding)
        if decode is None:
            return Raw(value, encoding)
        try:
            return decode(value)
        except RecursionError:
            raise ValueError(f"what is stored as {encoding} is nested too deeply") from None
        except Exception as error:
            # Not chained, since the text is part of what json raises; and others may quote it.
            reason = str(error) if isinstance(error, json.JSONDecodeError | binascii.Error) else type(error).__name__
            raise ValueError(f"what is stored as {encoding} can't be read: {reason}") from None

    def simplify(self, value: Any) -> Any:
        """`value` as None, bool, int, float, str, list and dict, in the form that pydantic would write."""
        try:
            return _simple(value, "")
        except RecursionError:
            raise ValueError("a value is nested too deeply, or contains itself") from None

    def _json(self, value: Any) -> str:
        try:
            text = _to_json(value)
        except (TypeError, ValueError, RecursionError):
            # Keys need more care, or something can't be stored, which is then told with the place where it is.
            text = _to_json(self.simplify(value))
        try:
            text.encode()
        except UnicodeEncodeError:
            # Half of a character can't be sent, but escaped it can.
            return json.dumps(json.loads(text))
        return text


def _from_base64(text: str) -> bytes:
    return b64decode("".join(text.split()), validate=True)


def _encoded(encoding: Any, text: Any) -> Encoded:
    if not isinstance(encoding, str) or not encoding:
        raise ValueError("a variable needs an encoding, such as xml")
    if not isinstance(text, str):
        raise ValueError(f"what is stored as {encoding} must be a text, but is of type {type(text).__name__}")
    if not text:
        raise ValueError(f"a variable of encoding {encoding} can't be empty: delete it, or store None")
    return Encoded(encoding, text)


def _simple(value: Any, path: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _simple(value.value, path)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(_at(path, f"is {value}, which JSON has no form for"))
        return float(value)
    if isinstance(value, Mapping):
        return {_key(key, path): _simple(each, f"{path}.{key}") for key, each in value.items()}
    if isinstance(value, list | tuple | Set):
        return [_simple(each, f"{path}[{number}]") for number, each in enumerate(value)]
    return _simple(_simpler(value, path), path)


def _key(key: Any, path: str) -> str:
    found = _simple(key, path)
    if isinstance(found, str):
        return found
    if isinstance(found, dict | list):
        raise ValueError(_at(path, f"has a key of type {type(key).__name__}, which must be a simple value"))
    return json.dumps(found)


def _simpler(value: Any, path: str = "") -> Any:
    """What stands for a value of a type that JSON does not know."""
    convert = _CONVERT.get(type(value))
    if convert is not None:
        return convert(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Secret | Raw):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        # By alias, so that it can be read as the same model again.
        return value.model_dump(mode="json", by_alias=True)
    for kind, convert in _CONVERT.items():
        if isinstance(value, kind):
            return convert(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return list(value)
    raise ValueError(_at(path, _refusal(value)))


def _refusal(value: Any) -> str:
    if isinstance(value, Secret):
        return "is a secret: only a variable as a whole can be one"
    if isinstance(value, Raw):
        return "is Raw: only a variable as a whole can be"
    if isinstance(value, bytes | bytearray | memoryview):
        return "is bytes, which only a variable as a whole can be: encode them as text"
    return (
        f"is of type {type(value).__name__}, which can't be stored: use JSON types, a dataclass, a pydantic model, "
        "or register a Codec"
    )


def _at(path: str, text: str) -> str:
    return f"{path.removeprefix('.') or 'the value'} {text}"


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"a value is {value}, which can't be stored")
    return str(value)


def _moment(value: datetime | time) -> str:
    text = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _duration(value: timedelta) -> str:
    sign, rest = ("-", -value) if value.days < 0 else ("", value)
    minutes, seconds = divmod(rest.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    years, days = divmod(rest.days, 365)
    fraction = f".{rest.microseconds:06}".rstrip("0") if rest.microseconds else ""
    parts = [(hours, "H"), (minutes, "M"), (f"{seconds}{fraction}" if seconds or fraction else 0, "S")]
    clock = "".join(f"{number}{unit}" for number, unit in parts if number)
    calendar = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (days, "D")) if number)
    return f"{sign}P{calendar}{'T' if clock or not calendar else ''}{clock or ('' if calendar else '0S')}"


_CONVERT: dict[type, Callable[[Any], Any]] = {
    Decimal: _decimal,
    datetime: _moment,
    date: date.isoformat,
    time: _moment,
    timedelta: _duration,
    UUID: str,
    PurePath: str,
}

_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_simpler).encode
