"""Path and query parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote_to_bytes

from app.api.context import current, service
from app.api.fields import parse_date
from app.api.rules import MOST_CHARACTERS, MOST_NAMES
from app.errors import EngineError, ErrorKind, invalid

_INTEGER = re.compile(r"[+-]?0*[0-9]{1,10}")
_NONE = ["0"]
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_GLUED_NAMES = "truenames="
"""How a known client sends `true`, followed by names without a separator."""


class Page(NamedTuple):
    offset: int
    limit: int


class VariableFilter(NamedTuple):
    names: tuple[str, ...] | None
    exclude_parent_variables: bool


def convert_path(parts: Mapping[str, str]) -> dict[str, Any]:
    """The partition and id in the variable parts of a path; the first bad one raises."""
    return {name: _PATH_PARTS[name](parts[name]) for name in _PATH_PARTS if name in parts}


def page() -> Page:
    """The page a query asks for; no limit, or 0, is the configured default."""
    config = service().config
    offset, limit = _offset_and_limit(current.get().query)
    if limit > config.max_query_limit:
        detail = f"limit {limit} must be less than or equal to {config.max_query_limit}"
        raise invalid(f"{detail}, as set by BPMN_MAX_QUERY_LIMIT", title="invalid query parameter limit")
    return Page(offset, limit or min(config.default_query_limit, config.max_query_limit))


@lru_cache(maxsize=128)
def _offset_and_limit(query: str) -> tuple[int, int]:
    values = _values(query)
    limit = _count("limit", values)
    return _count("offset", values), limit


def _values(query: str) -> dict[str, list[str]]:
    """The values of each parameter; what is no UTF-8 is replaced."""
    return parse_qs(query, keep_blank_values=True)


def variable_filter() -> VariableFilter:
    """Which variables are asked for. `names` may be repeated; without it all are."""
    query = current.get().query
    _check_encoding(query)
    values = _values(query)
    names = [name for value in values.get("names", ()) for name in value.split(",")]
    exclude = values.get("excludeParentVariables", [""])[0]
    if exclude.startswith(_GLUED_NAMES):
        names += exclude.removeprefix(_GLUED_NAMES).split(",")
        exclude = "true"
    if any("\0" in name for name in names):
        raise _malformed("query parameter names", "a name contains a NUL character")
    if len(names) > MOST_NAMES:
        raise _out_of_bounds(f"{len(names)} names exceed a maximum of {MOST_NAMES}")
    longest = max(map(len, names), default=0)
    if longest > MOST_CHARACTERS:
        raise _out_of_bounds(f"a name of {longest} characters exceeds a maximum of {MOST_CHARACTERS} characters")
    return VariableFilter(tuple(names) if names else None, exclude in _TRUE)


def _check_encoding(query: str) -> None:
    """What is no UTF-8 is replaced in the values, and no name would match it."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise _malformed("query parameter names", "the query string is not UTF-8") from None


def _partition(text: str) -> date:
    partition = parse_date(text)
    if partition is None:
        raise _malformed("path parameter partition", f"failed to parse value '{text}'")
    return partition


def _id(text: str) -> int:
    value = _int32(text)
    if value is None:
        raise _malformed("path parameter id", f"failed to parse value '{text}'")
    if value < 1:
        raise invalid(f"ID {value} must be greater than 0", title="invalid path parameter id")
    return value


_PATH_PARTS: Mapping[str, Callable[[str], Any]] = {"partition": _partition, "id": _id}


def _count(name: str, values: Mapping[str, list[str]]) -> int:
    text = values.get(name, _NONE)[0]
    value = _int32(text)
    if value is None:
        raise _malformed(f"query parameter {name}", f"failed to parse value {text}")
    if value < 0:
        raise invalid(f"{name} {value} must be greater than or equal to 0", title=f"invalid query parameter {name}")
    return value


def _int32(text: str) -> int | None:
    if _INTEGER.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(2**31) <= value < 2**31 else None


def _out_of_bounds(detail: str) -> EngineError:
    return invalid(detail, title="invalid query parameter names")


def _malformed(parameter: str, detail: str) -> EngineError:
    return EngineError(ErrorKind.HTTP_REQUEST_URI, detail, title=f"invalid {parameter}")
