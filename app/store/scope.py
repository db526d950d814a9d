"""Only some processes: conditions that leave out what belongs to others, for callers that are bound to them.

Criteria have them by themselves (`app.store.conditions`), and so have look-ups by address (`Transaction`). Whoever adds
a statement of another kind that answers a caller adds `Scoped.within` of its table, and the parameters of the scope.
"""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, Table, false, or_, select

from app.caller import Scope
from app.store.dialect import Dialect
from app.store.tables import ProcessRow, table

PROCESS = table(ProcessRow)


class Scoped:
    """The conditions of one dialect. What belongs to no process is left out as well."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.process_ids: Select[Any] = select(PROCESS.c.id).where(self._covered(PROCESS.c.bpmn_process_id))
        """The ids of all versions of the processes."""

    def within(self, of: Table) -> ColumnElement[bool]:
        """That a row belongs to one of the processes."""
        if "bpmn_process_id" in of.c:
            return self._covered(of.c.bpmn_process_id)
        if "process_id" in of.c:
            return self._dialect.is_found(of.c.process_id, self.process_ids)
        return false()

    def _covered(self, bpmn_process_id: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(
            self._dialect.is_one_of(bpmn_process_id, "scope_names"),
            self._dialect.begins_with_one_of(bpmn_process_id, "scope_prefixes"),
        )


SCOPE = frozenset({"scope_names", "scope_prefixes"})
"""The parameters of the conditions."""


def parameters_of(scope: Scope) -> dict[str, str]:
    """What the conditions are about."""
    return {
        "scope_names": orjson.dumps(scope.names).decode(),
        "scope_prefixes": orjson.dumps(scope.prefixes).decode(),
    }
