"""PostgreSQL: expressions that SQLite says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    column,
    exists,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.elements import ColumnElement

from app.store.tables import PartitionDayRow, table

PARTITION_DAY = table(PartitionDayRow)
PASSED_OVER = 200
"""Rows of one key that others may be about to lock, beside those that a claim by several keys can find."""


class PostgresExpressions:
    def any_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column == any_(bindparam(name, type_=ARRAY(Integer)))

    def days(self, of: Table) -> Select[Any]:
        return select(PARTITION_DAY.c.partition)

    def first_by_day(
        self, of: Table, conditions: Sequence[ColumnElement[bool]], order: Sequence[str], limit: int
    ) -> Select[Any]:
        # A limit that is written out makes PostgreSQL keep the plan, which takes longer to make than to run. As a
        # parameter, also as a subquery, it looks cheaper to plan anew for each number.
        first: ColumnElement[int] = literal_column(str(limit))
        days = self.days(of).order_by(PARTITION_DAY.c.partition).subquery("days")
        rows = (
            select(of.c.partition, of.c.id)
            .where(*conditions, of.c.partition == days.c.partition)
            .order_by(*(of.c[name] for name in order))
            .limit(first)
            .with_for_update(skip_locked=True)
            .lateral("rows")
        )
        return select(rows.c.partition, rows.c.id).select_from(days.join(rows, literal_column("true"))).limit(first)

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
        most: ColumnElement[int] = literal_column(str(limit))
        due, head, row = of.alias("due"), of.alias("head"), of.alias("row")
        # Most days have nothing that is due: there no key has to be looked for.
        is_due = (
            select(literal_column("1"))
            .select_from(due)
            .where(*conditions(due)[:2], due.c.partition == PARTITION_DAY.c.partition)
            .order_by(due.c.due_at, due.c.id)
            .limit(literal_column("1"))
            .correlate(PARTITION_DAY)
            .lateral("is_due")
        )
        found = select(PARTITION_DAY.c.partition).select_from(PARTITION_DAY.join(is_due, true()))
        if day is not None:
            found = found.where(PARTITION_DAY.c.partition == day)
        days = found.order_by(PARTITION_DAY.c.partition).subquery("days")
        # Unless it can count the keys, PostgreSQL makes one plan for any number of them.
        given = select(bindparam(name, type_=ARRAY(Integer))).scalar_subquery()
        keys = func.unnest(given).table_valued("key", name="keys").render_derived()
        # Of each key the first ones, whether or not others hold them; then those that can be had, in their order.
        first = (
            select(head.c.id, *(head.c[each] for each in order if each != "id"))
            .where(*conditions(head), head.c[key] == keys.c.key, head.c.partition == days.c.partition)
            .order_by(*(head.c[each] for each in order))
            .limit(literal_column(str(limit + PASSED_OVER)))
            .correlate(days, keys)
            .lateral("first")
        )
        merged = (
            select(first.c.id)
            .select_from(keys.join(first, true()))
            .order_by(*(first.c[each] for each in order))
            .correlate(days)
            .lateral("merged")
        )
        free = (
            select(row.c.partition, row.c.id)
            .where(*conditions(row), row.c.partition == days.c.partition, row.c.id == merged.c.id)
            .with_for_update(skip_locked=True)
            .correlate(days, merged)
            .lateral("free")
        )
        rows = (
            select(free.c.partition, free.c.id)
            .select_from(merged.join(free, true()))
            .limit(most)
            .correlate(days)
            .lateral("rows")
        )
        return select(rows.c.partition, rows.c.id).select_from(days.join(rows, true())).limit(most)

    def among(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = column.in_(select(func.unnest(bindparam(name, type_=ARRAY(Integer)))))
        return found.is_(true())

    def is_attached(self, day: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        return [exists().where(PARTITION_DAY.c.partition == day)]

    def is_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        return column == any_(_texts(name))

    def begins_with_one_of(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        beginning = func.jsonb_array_elements_text(_json(name)).table_valued("value", name=f"each_{name}")
        return exists(beginning.c.value).where(func.starts_with(column, beginning.c.value))

    def is_found(self, column: ColumnElement[Any], found: Select[Any]) -> ColumnElement[bool]:
        return column == any_(func.array(found.scalar_subquery(), type_=ARRAY(column.type)))

    def keys(self, of: Table, name: str) -> FromClause:
        key = (column("partition", of.c.partition.type), column("id", of.c.id.type))
        rows = func.jsonb_to_recordset(_json(name)).table_valued(*key)
        return rows.render_derived(name=name, with_types=True)

    def has_tags(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = sql_cast(column, JSONB).contains(_json(name))
        return found

    def has_tag_names(self, column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
        found: ColumnElement[bool] = sql_cast(column, JSONB).has_all(_texts(name))
        return found


def _json(name: str) -> ColumnElement[Any]:
    return sql_cast(bindparam(name, type_=Text), JSONB)


def _texts(name: str) -> ColumnElement[Any]:
    """The texts of a JSON array as an array of the database."""
    each = select(func.jsonb_array_elements_text(_json(name)))
    return func.array(each.scalar_subquery(), type_=ARRAY(Text))
