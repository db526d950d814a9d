"""Path and query parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote_to_bytes

from app.api.context import current, service
from app.api.fields import camel, parse_date
from app.api.rules import MOST_CHARACTERS, MOST_NAMES, shown
from app.criteria import ORDERS, Paging
from app.errors import EngineError, ErrorKind, invalid
from app.timer import TimerError, check_duration

_INTEGER = re.compile(r"[+-]?0*[0-9]{1,10}")
_NONE = ["0"]
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})
_GLUED_NAMES = "truenames="
"""How a known client sends `true`, followed by names without a separator."""


class Page(NamedTuple):
    offset: int
    limit: int


class VariableFilter(NamedTuple):
    names: tuple[str, ...] | None
    exclude_parent_variables: bool


def convert_path(parts: Mapping[str, str]) -> dict[str, Any]:
    """The values of the variable parts of a path; the first bad one raises."""
    return {to_snake(name): _PATH_PARTS[name](parts[name]) for name in _PATH_PARTS if name in parts}


def page() -> Page:
    """The page a query asks for; no limit, or 0, is the configured default."""
    config = service().config
    offset, limit = _offset_and_limit(current.get().query)
    if limit > config.max_query_limit:
        detail = f"limit {limit} must be less than or equal to {config.max_query_limit}"
        raise invalid(f"{detail}, as set by BPMN_MAX_QUERY_LIMIT", title="invalid query parameter limit")
    return Page(offset, limit or min(config.default_query_limit, config.max_query_limit))


def _offset_and_limit(query: str) -> tuple[int, int]:
    values = _values(query)
    limit = _count("limit", values)
    return _count("offset", values), limit


def orders_of(kind: type[Any]) -> list[str]:
    """What the results of such a query can be ordered by."""
    names = ["id", *(camel(column) for column in ORDERS.get(kind, ()))]
    return [sign + name for name in names for sign in ("", "-")]


def paging(kind: type[Any]) -> Paging:
    """The page that a query by criteria of this kind asks for, with its order, cursor and total."""
    offset, limit = page()
    values = _values(current.get().query)
    order = values.get("order", [""])[0]
    known = orders_of(kind)
    if order and order not in known:
        raise _out_of_bounds(f"order {shown(order)} must be one of {', '.join(known)}", "order")
    cursor = values.get("cursor", [""])[0]
    if "cursor" in values and offset:
        raise _out_of_bounds("a cursor tells where the page begins: it can't be used with an offset", "cursor")
    return Paging(
        limit=limit,
        offset=offset,
        order=to_snake(order),
        cursor=cursor,
        with_cursor=bool(order) or "cursor" in values,
        with_total=_flag("total", values),
    )


def row_limit() -> int:
    """How many results are asked for."""
    return page().limit


def paging_by(name: str) -> Paging:
    """The page of a list that has one order, forwards and backwards, and pages by cursor only."""
    values = _values(current.get().query)
    order = values.get("order", [""])[0]
    if order not in ("", name, f"-{name}"):
        raise _out_of_bounds(f"order {shown(order)} must be one of {name}, -{name}", "order")
    for other in ("offset", "total"):
        if other in values:
            raise _out_of_bounds(f"{other} is not known here: use limit and cursor", other)
    return Paging(limit=row_limit(), order=order, cursor=values.get("cursor", [""])[0], with_cursor=True)


def wait_timeout() -> str:
    """The query parameter `waitTimeout`, empty without."""
    text = _values(current.get().query).get("waitTimeout", [""])[0]
    try:
        if text:
            check_duration(text)
    except TimerError as error:
        raise _malformed("query parameter waitTimeout", str(error)) from error
    return text


def flag(name: str) -> bool:
    """Whether a query parameter says true."""
    return _flag(name, _values(current.get().query))


def _flag(name: str, values: Mapping[str, list[str]]) -> bool:
    text = values.get(name, [""])[0]
    if text not in _TRUE | _FALSE:
        raise _malformed(f"query parameter {name}", f"failed to parse value {shown(text)}")
    return text in _TRUE


def to_snake(name: str) -> str:
    """The attribute of a property, or the column of an order."""
    return re.sub("[A-Z]", lambda match: f"_{match[0].lower()}", name)


@lru_cache(maxsize=128)
def _values(query: str) -> dict[str, list[str]]:
    """The values of each parameter, not to be changed; what is no UTF-8 is replaced."""
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
        raise _out_of_bounds(f"{len(names)} names exceed a maximum of {MOST_NAMES}", "names")
    longest = max(map(len, names), default=0)
    if longest > MOST_CHARACTERS:
        raise _out_of_bounds(
            f"a name of {longest} characters exceeds a maximum of {MOST_CHARACTERS} characters", "names"
        )
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


def _bpmn_process_id(text: str) -> str:
    if "\0" in text:
        raise _malformed("path parameter bpmnProcessId", "it contains a NUL character")
    if len(text) > MOST_CHARACTERS:
        detail = f"{len(text)} characters exceed a maximum of {MOST_CHARACTERS}"
        raise invalid(detail, title="invalid path parameter bpmnProcessId")
    return text


_PATH_PARTS: Mapping[str, Callable[[str], Any]] = {
    "partition": _partition,
    "id": _id,
    "bpmnProcessId": _bpmn_process_id,
}


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


def _out_of_bounds(detail: str, name: str) -> EngineError:
    return invalid(detail, title=f"invalid query parameter {name}")


def _malformed(parameter: str, detail: str) -> EngineError:
    return EngineError(ErrorKind.HTTP_REQUEST_URI, detail, title=f"invalid {parameter}")
