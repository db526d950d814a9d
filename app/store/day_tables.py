"""PostgreSQL: texts of statements that name the tables of one day.

PostgreSQL keeps a plan only where it looks as cheap as one for the day at hand. With all days in it, it never does: the
statement is planned anew each time, which takes several times as long as to run it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGCompiler

from app.store.tables import PARTITIONED

_DAY = "__day__"


class DayCompiler(PGCompiler):
    """Has each partitioned table read, updated and deleted from as that of a day, under its own name.

    Rows are inserted into the whole: PostgreSQL finds the day by itself, at no cost.
    """

    def visit_table(self, table: Any, asfrom: bool = False, *args: Any, **options: Any) -> Any:
        text = super().visit_table(table, asfrom, *args, **options)  # type: ignore[no-untyped-call]  # has no annotations
        if not asfrom or table not in PARTITIONED:
            return text
        alias = options.get("enclosing_alias")
        name = f"{text}_{_DAY}"
        return name if alias is not None and alias.element is table else f"{name} AS {text}"


def of_day(text: str, day: date) -> str:
    """The text for one day, of what was compiled by DayCompiler."""
    return text.replace(_DAY, f"{day:%Y%m%d}")
