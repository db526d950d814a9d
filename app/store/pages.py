"""Pages of queries: in which order what is found comes, and where the next page begins.

A page begins behind the last row of the one before, which its cursor names. So rows that come in meanwhile move nothing
on, as they would by an offset.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, tuple_
from sqlalchemy.sql.elements import ColumnElement

from app.errors import EngineError, ErrorKind

BY_KEY = "id"
"""The order by partition and id, or by id where there are no partitions."""
MOST_OF_CURSOR = 1000
"""Characters."""


class Order(NamedTuple):
    column: str
    """BY_KEY, or a column that comes before the key."""
    descending: bool = False

    @classmethod
    def of(cls, text: str) -> Order:
        """Of a name, with `-` in front where it is descending; without one by key."""
        return cls(text.removeprefix("-") or BY_KEY, text.startswith("-"))

    def __str__(self) -> str:
        return f"{'-' if self.descending else ''}{self.column}"


def columns_of(found: Table, order: Order) -> list[Column[Any]]:
    """The columns that rows are ordered by; no two rows are equal in all of them."""
    # Subscriptions carry the partition of their instance, but are numbered over all of them.
    key = [found.c.partition, found.c.id] if "partition" in found.primary_key.columns else [found.c.id]
    return key if order.column == BY_KEY else [found.c[order.column], *key]


def ordered(found: Table, order: Order) -> list[ColumnElement[Any]]:
    columns = columns_of(found, order)
    return [column.desc() for column in columns] if order.descending else list(columns)


def behind(found: Table, order: Order) -> list[ColumnElement[bool]]:
    """Conditions for what comes behind the row that the parameters of `after` name."""
    columns = columns_of(found, order)
    last = [bindparam(_parameter(column), type_=column.type) for column in columns]
    rows, row = tuple_(*columns), tuple_(*last)
    # The first column is compared by itself as well: so PostgreSQL leaves out days, and SQLite enters its index.
    if order.descending:
        return [columns[0] <= last[0], rows < row] if len(columns) > 1 else [columns[0] < last[0]]
    return [columns[0] >= last[0], rows > row] if len(columns) > 1 else [columns[0] > last[0]]


def _parameter(column: Column[Any]) -> str:
    return f"after_{column.name}"


def after(found: Table, order: Order, last: Sequence[Any]) -> dict[str, Any]:
    """The parameters of `behind`."""
    return {_parameter(column): value for column, value in zip(columns_of(found, order), last, strict=True)}


def fingerprint(kind: str, given: Mapping[str, Any]) -> str:
    """Tells what a cursor belongs to: the same criteria have the same one."""
    text = orjson.dumps([kind, given], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


class Cursor(NamedTuple):
    order: str
    last: list[Any]
    """The columns of the last row as JSON has them."""
    criteria: str
    """The fingerprint."""

    def encode(self) -> str:
        return base64.urlsafe_b64encode(orjson.dumps([self.order, self.last, self.criteria])).decode().rstrip("=")


def decode(text: str, criteria: str, order: str) -> Cursor:
    """The cursor, which must be one of these criteria, and of this order if there is one. Raises EngineError QUERY."""
    try:
        if len(text) > MOST_OF_CURSOR:
            raise ValueError("too long")
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found_order, last, found_criteria = orjson.loads(content)
        if type(found_order) is not str or type(last) is not list:
            raise ValueError("not one of ours")
    except (ValueError, TypeError, binascii.Error):
        raise unfit("it is no cursor of this service") from None
    if found_criteria != criteria:
        raise unfit("it belongs to a query with other criteria")
    if order and order != found_order:
        raise unfit("it belongs to a query with another order")
    return Cursor(found_order, last, criteria)


def read_last(found: Table, order: Order, last: Sequence[Any]) -> list[Any]:
    """The values of a cursor as the columns have them. Raises EngineError QUERY."""
    columns = columns_of(found, order)
    try:
        return [_value(column, value) for column, value in zip(columns, last, strict=True)]
    except (ValueError, TypeError):
        raise unfit("it is no cursor of this service") from None


def _value(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, Integer):
        bits = 63 if isinstance(column.type, BigInteger) else 31
        if type(value) is not int or not 0 <= value < 1 << bits:
            raise ValueError("no id")
        return value
    if column.name == "partition":
        return date.fromisoformat(value)
    time = datetime.fromisoformat(value)
    if time.tzinfo is not None:
        raise ValueError("no time of the database")
    return time


def unfit(why: str) -> EngineError:
    return EngineError(ErrorKind.QUERY, f"the cursor can't be used: {why}", title="invalid query parameter cursor")
