"""SQLite: ids from a counter table, and writes as a statement each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, insert, literal_column, text, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.store.dialect import NOTHING_ASSUMED, Assumed, Execution, Kind, Op, Session, Values, Wanted, Write
from app.store.sqlite_expressions import COUNTER
from app.store.tables import ProcessQueueRow, table

QUEUE = table(ProcessQueueRow)


class SQLiteWrites:
    def allocate(
        self, session: Session, wanted: Sequence[Wanted], assumed: Assumed
    ) -> tuple[dict[tuple[str, date | None], list[int]], bool]:
        # Counting is writing: it belongs into the one transaction.
        session.begin()
        parameters: dict[str, Any] = {name: json.dumps(each) for name, each in assumed._asdict().items()}
        for i, each in enumerate(wanted):
            parameters[f"t{i}"] = each.table.name
            parameters[f"p{i}"] = each.partition.isoformat() if each.partition else ""
            parameters[f"n{i}"] = each.count
        (rows,) = session.run(Execution(_allocate(len(wanted)), parameters))
        last = {(name, partition): last_id for name, partition, last_id, _ in rows}
        ids = {}
        for each in wanted:
            end = last[each.table.name, each.partition.isoformat() if each.partition else ""]
            ids[each.table.name, each.partition] = list(range(end - each.count + 1, end + 1))
        return ids, bool(rows[0][3])

    def writes(self, writes: Sequence[Write], assumed: Assumed = NOTHING_ASSUMED) -> list[Execution]:
        # Whether it is so was read in this transaction, beside which nobody writes.
        executions = []
        for write in writes:
            rows: list[Values] = write.rows
            if write.op.kind in (Kind.UPDATE, Kind.DELETE):
                rows = [{f"v_{column}": value for column, value in row.items()} for row in rows]
            changes = len(rows) if write.op.exact else None
            # A list of one would make it executemany, which costs more.
            executions.append(Execution(_statement(write.op), rows if len(rows) > 1 else rows[0], changes))
        return executions


@cache
def _allocate(count: int) -> Any:
    # As text: SQLAlchemy would compile an INSERT of several rows anew each time.
    counter, queue = COUNTER.name, QUEUE.name
    rows = ", ".join(f"(:t{i}, :p{i}, :n{i})" for i in range(count))
    return text(
        f"""INSERT INTO {counter} (table_name, partition, last_id) VALUES {rows}
        ON CONFLICT (table_name, partition) DO UPDATE SET last_id = {counter}.last_id + excluded.last_id
        RETURNING table_name, partition, last_id, EXISTS (
            SELECT 1 FROM {queue}
            WHERE bpmn_process_id IN (SELECT value FROM json_each(:unlimited)) AND parallelism <> 0
        ) OR EXISTS (
            SELECT 1 FROM json_each(:deployed) AS known
            WHERE NOT EXISTS (SELECT 1 FROM process WHERE process.id = known.value)
        )"""
    )


@cache
def _statement(op: Op) -> Any:
    columns = op.table.c
    if op.kind is Kind.INSERT:
        return insert(op.table)
    if op.kind is Kind.UPSERT:
        statement = sqlite_insert(op.table)
        return statement.on_conflict_do_update(
            index_elements=list(op.key),
            index_where=text(op.where) if op.where else None,
            set_={column: statement.excluded[column] for column in op.columns},
        )
    conditions = [columns[name] == bindparam(f"v_{name}") for name in (*op.key, *op.unchanged)]
    if op.where:
        conditions.append(literal_column(f"({op.where})"))
    if op.kind is Kind.DELETE:
        return delete(op.table).where(*conditions)
    values: dict[str, Any] = {column: bindparam(f"v_{column}") for column in op.columns}
    if "revision" in op.unchanged:
        values["revision"] = columns.revision + 1
    return update(op.table).where(*conditions).values(values)
