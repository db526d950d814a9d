"""PostgreSQL: ids in blocks, and the changes of a command as one statement.

A set of writes becomes one data-modifying CTE that takes the rows of each table as one JSON parameter, so its text
depends on the tables only and not on the number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache, lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
    update,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as postgres_insert

from app.store.dialect import NOTHING_ASSUMED, Assumed, Execution, Kind, Op, Session, Wanted, Write
from app.store.partitions import sequence_name
from app.store.pipeline import array
from app.store.postgres_compiled import MOST_COMPILED
from app.store.tables import PARTITIONED, ProcessInstanceRow, ProcessQueueRow, ProcessRow, table

QUEUE = table(ProcessQueueRow)
PROCESS = table(ProcessRow)
PROCESS_INSTANCE = table(ProcessInstanceRow)
MANY_IDS = 9
"""Ids of one table, from which on their number is a parameter."""
ROWS_AT_ONCE = 100
"""Rows of a table that one statement changes: each is compared with each."""

# Who introduces a limit locks out all who write instances. These take their lock, too, before their statement gets its
# picture of the database: so it is in this picture, or they are waited for.
# The same for statements that write to the table of a day, which is another one: this one changes nothing.
_NAME_INSTANCES = text("UPDATE ONLY process_instance SET revision = revision WHERE false RETURNING 1 AS n")
_LIMITED = f"""EXISTS (
    SELECT 1 FROM {QUEUE.name} WHERE bpmn_process_id = ANY (CAST(:unlimited AS text[])) AND parallelism <> 0
)"""

# A process is deleted by somebody who has locked out all who write instances, too.
_GONE = (
    f"NOT EXISTS (SELECT 1 FROM {PROCESS.name} WHERE id = CAST(:deployed AS integer))",
    # For a number of rows that it does not know, PostgreSQL makes a plan each time. Few deal with several processes.
    f"""EXISTS (
        SELECT 1 FROM unnest(CAST(:deployed AS integer[])) AS known (id)
        WHERE NOT EXISTS (SELECT 1 FROM {PROCESS.name} WHERE {PROCESS.name}.id = known.id)
    )""",
)
"""Of one process, and of several."""


class PostgresWrites:
    def allocate(
        self, session: Session, wanted: Sequence[Wanted], assumed: Assumed
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        parameters = _parameters(assumed)
        parameters |= {f"count{n}": each.count for n, each in enumerate(wanted) if each.count >= MANY_IDS}
        sequences = tuple((sequence_name(each.table, each.partition), min(each.count, MANY_IDS)) for each in wanted)
        (((is_wrong, *blocks),),) = session.run(Execution(_allocate(sequences, _conditions(assumed)), parameters))
        ids = {(each.table.name, each.partition): sorted(ids) for each, ids in zip(wanted, blocks, strict=True)}
        return ids, is_wrong

    def writes(self, writes: Sequence[Write], assumed: Assumed = NOTHING_ASSUMED) -> list[Execution]:
        days = {row["partition"] for write in writes if "partition" in write.op.key for row in write.rows}
        day = days.pop() if len(days) == 1 else None
        first, *more = _pieces(writes)
        return [_written(first, assumed, day), *(_written(piece, NOTHING_ASSUMED, day) for piece in more)]


def _parameters(assumed: Assumed) -> dict[str, Any]:
    found: dict[str, Any] = {"unlimited": array(assumed.unlimited)} if assumed.unlimited else {}
    if assumed.deployed:
        found["deployed"] = assumed.deployed[0] if len(assumed.deployed) == 1 else array(assumed.deployed)
    return found


def _conditions(assumed: Assumed) -> tuple[str, ...]:
    """What would be wrong, in SQL."""
    limited = (_LIMITED,) if assumed.unlimited else ()
    return (*limited, _GONE[len(assumed.deployed) > 1]) if assumed.deployed else limited


@lru_cache(maxsize=MOST_COMPILED)
def _allocate(wanted: tuple[tuple[str, int], ...], wrong: tuple[str, ...]) -> Any:
    """Whether something is assumed wrongly, and the ids of each sequence, whose names are ours."""
    columns = [" OR ".join(wrong) or "false"]
    for n, (sequence, count) in enumerate(wanted):
        id = f"nextval('{sequence}')"
        if count < MANY_IDS:
            columns.append(f"ARRAY[{', '.join([id] * count)}]")
        else:
            # For a number of rows that it does not know, PostgreSQL makes a plan each time.
            columns.append(f"ARRAY(SELECT {id} FROM generate_series(1, :count{n}))")
    return text(f"SELECT {', '.join(columns)}")


def _pieces(writes: Sequence[Write]) -> list[list[Write]]:
    """The same writes, in the first piece all but what goes beyond ROWS_AT_ONCE, whose pieces follow."""
    pieces: list[list[Write]] = [[]]
    for write in writes:
        size = ROWS_AT_ONCE if write.op.kind in (Kind.UPDATE, Kind.DELETE) else len(write.rows)
        first, *more = (Write(write.op, write.rows[start : start + size]) for start in range(0, len(write.rows), size))
        pieces[0].append(first)
        pieces += [[each] for each in more]
    return pieces


def _written(writes: Sequence[Write], assumed: Assumed, day: date | None) -> Execution:
    """The writes in one statement; `day` is the one they are all about, if they are about one."""
    parameters = _parameters(assumed)
    if day:
        parameters["day"] = day
    for write in writes:
        name = write.op.name
        parameters[name] = orjson.dumps(write.rows).decode()
        if write.op.exact:
            parameters[f"{name}_count"] = len(write.rows)
        if write.op.kind in (Kind.UPDATE, Kind.DELETE) and _names_keys(write.op):
            key = _number(write.op)
            parameters[f"{name}_{key}"] = array([row[key] for row in write.rows])
    shape = tuple(write.op for write in writes)
    return Execution(_combined(shape, _conditions(assumed), day is not None), parameters, day=day)


def _names_keys(op: Op) -> bool:
    """Whether a write says the keys of its rows in an array, too.

    PostgreSQL assumes that the array is of ten, and plans anew each time for one that is shorter. Of the tables of a
    day it knows enough to do without.
    """
    return op.table not in PARTITIONED


def _number(op: Op) -> str:
    """The part of the key that is a number, and finds a row, or a few, on its day."""
    return next(name for name in op.key if isinstance(op.table.c[name].type, Integer))


@cache
def _combined(shape: tuple[Op, ...], wrong: tuple[str, ...], one_day: bool) -> Any:
    parts = [_statement(op, one_day) for op in shape]
    if len(parts) == 1 and not shape[0].exact and not wrong:
        return parts[0]
    # Every part sees the database as it was before; no part may touch what another one writes.
    ctes = []
    guards: list[Any] = [text(f"NOT ({condition})") for condition in wrong]
    for number, (part, op) in enumerate(zip(parts, shape, strict=True)):
        if op.exact:
            part = part.returning(literal_column("1"))
        ctes.append(part.cte(f"w{number}"))
        if op.exact:
            found = select(func.count()).select_from(ctes[-1]).scalar_subquery()
            guards.append(found == bindparam(f"{op.name}_count", type_=BigInteger))
    if one_day and any(op.table is PROCESS_INSTANCE for op in shape):
        ctes.append(_NAME_INSTANCES.columns(column("n")).cte("named"))
    # The commit is on its way already: only an error keeps it from taking effect.
    result = 1 / case((and_(*guards), 1), else_=0) if guards else literal_column("1")
    return select(result).add_cte(*ctes)


def _statement(op: Op, one_day: bool) -> Any:
    given = (*op.columns, *op.unchanged) if op.kind is Kind.UPDATE else ()
    names = [c.name for c in op.table.c] if op.kind in (Kind.INSERT, Kind.UPSERT) else [*op.key, *given]
    if op.kind is Kind.INSERT and op.columns:
        names = list(op.columns)
    rows = (
        func.jsonb_to_recordset(sql_cast(bindparam(op.name, type_=Text), JSONB))
        .table_valued(*(column(name, op.table.c[name].type) for name in names))
        .render_derived(name="r", with_types=True)
    )
    if op.kind is Kind.INSERT:
        return insert(op.table).from_select(names, select(text("r.*")).select_from(rows))
    if op.kind is Kind.UPSERT:
        statement = postgres_insert(op.table).from_select(names, select(text("r.*")).select_from(rows))
        return statement.on_conflict_do_update(
            index_elements=list(op.key),
            index_where=text(op.where) if op.where else None,
            set_={name: statement.excluded[name] for name in op.columns},
        )
    conditions = [
        op.table.c[key] == (bindparam("day", type_=Date) if key == "partition" and one_day else rows.c[key])
        for key in op.key
    ]
    if _names_keys(op):
        # Says so again, for all rows at once: a table that PostgreSQL takes for small would be read as a whole instead.
        number = op.table.c[_number(op)]
        conditions.append(number == any_(bindparam(f"{op.name}_{number.name}", type_=ARRAY(number.type))))
    # In a form that no index fits: the key finds the row, and not all others that a worker has locked.
    conditions += [(op.table.c[name] == rows.c[name]).is_(true()) for name in op.unchanged]
    if op.where:
        conditions.append(literal_column(f"({op.where})"))
    if op.kind is Kind.DELETE:
        return delete(op.table).where(*conditions)
    values: dict[str, Any] = {name: rows.c[name] for name in op.columns}
    if "revision" in op.unchanged:
        values["revision"] = op.table.c.revision + 1
    return update(op.table).where(*conditions).values(values)
