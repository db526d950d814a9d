"""SQLite: expressions that PostgreSQL says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    FromClause,
    Select,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.sql.elements import ColumnElement

from app.store.tables import IdCounterRow, table

COUNTER = table(IdCounterRow)


class SQLiteExpressions:
    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column.in_(bindparam(name, expanding=True))

    def days(self, of: Table) -> Select[Any]:
        # Each day that has a row has given it an id.
        return select(COUNTER.c.partition).where(COUNTER.c.table_name == literal_column(f"'{of.name}'"))

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        return (
            select(of.c.partition, of.c.id)
            .where(*conditions, of.c.partition.in_(self.days(of)))
            .order_by(of.c.partition, *(of.c[name] for name in order))
            .limit(limit)
        )

    def first_by_key(
        self,
        of: Table,
        key: str,
        name: str,
        conditions: Callable[[Any], list[Any]],
        order: Sequence[str],
        limit: int,
        day: ColumnElement[Any] | None = None,
    ) -> Select[Any]:
        due, head = of.alias("due"), of.alias("head")
        # Most days have nothing that is due: there no key has to be looked for.
        is_due = exists().where(*conditions(due)[:2], due.c.partition == COUNTER.c.partition).correlate(COUNTER)
        days = self.days(of).where(is_due, *([COUNTER.c.partition == day] if day is not None else [])).subquery("days")
        # What depends on the day comes after it: or each day would be looked at again for each key.
        of_day = func.substr(days.c.partition, literal_column("1"), literal_column("0"))
        given = bindparam(name, type_=JSON).op("||", return_type=Text())(of_day)
        keys = func.json_each(given).table_valued("value", name="keys")
        first: Select[Any] = (
            select(literal_column("head.rowid"))
            .select_from(head)
            .where(*conditions(head), head.c[key] == keys.c.value, head.c.partition == days.c.partition)
            .order_by(*(head.c[each] for each in order))
            .limit(limit)
            .correlate(days, keys)
        )
        return (
            select(of.c.partition, of.c.id)
            .select_from(days.join(keys, true()).join(of, literal_column(f"{of.name}.rowid").in_(first)))
            .order_by(of.c.partition, *(of.c[each] for each in order))
            .limit(limit)
        )

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        values = func.json_each(bindparam(name, type_=JSON)).table_valued("value")
        return column.in_(select(values.c.value)).is_(true())

    def is_attached(self, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        # What was detached stays in its tables.
        return []

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column.in_(select(_json_each(name).c.value))

    def begins_with_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        beginning = _json_each(name).c.value
        return exists(beginning).where(func.substr(column, 1, func.length(beginning)) == beginning)

    def is_found(self, column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
        return column.in_(found)

    def keys(self, of: Table, name: str) -> FromClause:
        each = _json_each(name)
        key = [
            func.json_extract(each.c.value, literal_column(f"'$.{column.name}'"), type_=column.type).label(column.name)
            for column in (of.c.partition, of.c.id)
        ]
        return select(*key).subquery(name)

    def has_tags(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        wanted = _json_each(name)
        return ~exists(wanted.c.key).where(_tag(column, wanted.c.key).is_distinct_from(wanted.c.value))

    def has_tag_names(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        wanted = _json_each(name)
        return ~exists(wanted.c.key).where(_tag(column, wanted.c.value).is_(None))


def _json_each(name: str) -> TableValuedAlias:
    return func.json_each(bindparam(name, type_=Text)).table_valued("key", "value", name=f"wanted_{name}")


def _tag(column: ColumnElement[Any], name: ColumnElement[Any]) -> ColumnElement[Any]:
    quote: ColumnElement[str] = literal_column("'\"'", Text)
    return func.json_extract(column, literal_column("'$.'", Text) + quote + name + quote)
