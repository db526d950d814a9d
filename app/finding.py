"""What operators look for: pages of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from app.criteria import (
    Criteria,
    IncidentCriteria,
    IncidentGroup,
    InstanceCount,
    Page,
    Paging,
    ProcessInstanceCriteria,
)
from app.engine.records import Job, Task
from app.engine.types import WorkState
from app.store import Store


class Finding:
    """Reads outside of transactions. What takes longer than BPMN_QUERY_TIMEOUT raises EngineError QUERY."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def page(self, criteria: Criteria, paging: Paging) -> Page:
        """The page of the matching records; raises EngineError QUERY for a cursor that does not fit, too."""
        now = self._now()
        page = self._store.page(criteria, now, paging)
        show_due(page.records, now)
        return page

    def count_instances(
        self, criteria: ProcessInstanceCriteria, group_by: Sequence[str], limit: int
    ) -> list[InstanceCount]:
        """How many instances match, by the columns of `group_by`, the largest group first."""
        return self._store.count_instances(criteria, group_by, self._now(), limit)

    def group_incidents(self, criteria: IncidentCriteria, offset: int, limit: int) -> list[IncidentGroup]:
        """The matching incidents by what has failed where, the largest group first."""
        return self._store.group_incidents(criteria, self._now(), offset, limit)


def show_due(records: Iterable[Any], now: datetime) -> None:
    """Has jobs and tasks that wait say so once they are due."""
    for record in records:
        if isinstance(record, Job | Task) and record.state is WorkState.CREATED and record.due_at <= now:
            record.state = WorkState.DUE
