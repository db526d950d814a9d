"""JSON bodies, and where in them something is wrong.

The normal case is one call of orjson. Only a body that orjson or the schema refuses is read a second time, by the
standard library, whose verdict counts: it tells positions, knows lone surrogates, and allows for content after the
first value, which is ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import orjson

from app.api.fields import Undecodable

T = TypeVar("T")

DEEPEST = 100
_BLANKS = " \t\r\n"
_SKIP = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[][{}]', re.DOTALL)
_NO_NUMBER = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|(NaN|-?Infinity)', re.DOTALL)
_CUT_OFF = re.compile(r"t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?|-|\.[0-9]*|[0-9.]*[eE][+-]?|\\u[0-9a-fA-F]{0,3}")


class BadJson(ValueError):
    """The text is not JSON, or JSON that does not fit; the message is the sentence for the user."""


def read_json(raw: bytes, decode: Callable[[Any], T]) -> T:
    """What `decode` makes of the first JSON value in `raw`. Raises `BadJson`; `decode` raises `Undecodable`."""
    try:
        return decode(orjson.loads(raw))
    except (orjson.JSONDecodeError, Undecodable):
        return _read_carefully(raw, decode)


def _read_carefully(raw: bytes, decode: Callable[[Any], T]) -> T:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise BadJson(f"malformed JSON at position {error.start + 1}") from None
    value = _parse(text)
    try:
        return decode(value)
    except Undecodable as error:
        raise BadJson(_sentence(error, text)) from None


def _sentence(error: Undecodable, text: str) -> str:
    if error.detail:
        return error.detail
    path = error.path[::-1]
    field = ".".join(step for step in path if isinstance(step, str))
    reason = error.reason or f"has an invalid value at position {_position(text, path)}"
    return f"JSON field {field} {reason}"


def _parse(text: str) -> Any:
    _refuse_depth(text)
    try:
        return _DECODER.raw_decode(text, _skip(text, 0))[0]
    except json.JSONDecodeError as error:
        if _is_cut_off(text, error):
            raise BadJson("unexpected end of JSON") from None
        raise _malformed(text, error.pos) from None
    except _NotANumber:
        match = next(match for match in _NO_NUMBER.finditer(text) if match[1])
        raise _malformed(text, match.start()) from None


def _malformed(text: str, index: int) -> BadJson:
    return BadJson(f"malformed JSON at position {_bytes(text[:index]) + 1}")


def _refuse_depth(text: str) -> None:
    depth = 0
    for match in _TOKEN.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise BadJson(f"JSON is nested deeper than {DEEPEST} levels at position {_bytes(text[: match.end()])}")
        elif match[0] in "]}":
            depth -= 1
            if depth <= 0:
                return


def _is_cut_off(text: str, error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Unterminated string"):
        return True
    rest = text[error.pos :].strip(_BLANKS)
    return not rest or _CUT_OFF.fullmatch(rest) is not None


class _NotANumber(Exception):
    """`NaN` or `Infinity`, which are no JSON."""


def _refuse_constant(name: str) -> NoReturn:
    raise _NotANumber


def _integer(digits: str) -> int | float:
    """Beyond 64 bits a float, which no field accepts: `int` refuses some thousand digits by an exception."""
    return int(digits) if len(digits) <= 20 else float("inf")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)


def _position(text: str, path: list[str | int]) -> int:
    """How many bytes of the well-formed `text` have been read up to the end of the value at `path`.

    Of an object or array only the opening bracket is read.
    """
    index = _skip(text, 0)
    for step in path:
        index = _item(text, index, step) if isinstance(step, int) else _member(text, index, step)
    end = index + 1 if text[index] in "[{" else _end_of_value(text, index)
    return _bytes(text[:end])


def _item(text: str, index: int, wanted: int) -> int:
    index = _skip(text, index + 1)
    for _ in range(wanted):
        index = _skip(text, _next(text, index) + 1)
    return index


def _member(text: str, index: int, wanted: str) -> int:
    """Where the value of the property begins; of several with the same name it is the last one's."""
    found = index
    while text[index] != "}":
        name, index = _DECODER.raw_decode(text, _skip(text, index + 1))
        index = _skip(text, _skip(text, index) + 1)
        if name == wanted:
            found = index
        index = _next(text, index)
    return found


def _next(text: str, index: int) -> int:
    """Where the comma or bracket after the value at `index` stands."""
    return _skip(text, _end_of_value(text, index))


def _end_of_value(text: str, index: int) -> int:
    return _DECODER.raw_decode(text, index)[1]


def _skip(text: str, index: int) -> int:
    match = _SKIP.match(text, index)
    return match.end() if match else index


def _bytes(text: str) -> int:
    return len(text.encode())
