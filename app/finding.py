"""What operators look for: pages of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
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
from app.engine.graph import Node
from app.engine.records import Job, ProcessInstance, Task
from app.engine.types import WorkState
from app.engine.waiting import Waiting, waiting
from app.errors import EngineError, not_found
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
        self._store.describe(page.records)
        return page

    def count_instances(
        self, criteria: ProcessInstanceCriteria, group_by: Sequence[str], limit: int
    ) -> list[InstanceCount]:
        """How many instances match, by the columns of `group_by`, the largest group first."""
        return self._store.count_instances(criteria, group_by, self._now(), limit)

    def group_incidents(self, criteria: IncidentCriteria, offset: int, limit: int) -> list[IncidentGroup]:
        """The matching incidents by what has failed where, the largest group first."""
        return self._store.group_incidents(criteria, self._now(), offset, limit)

    def waiting(self, partition: date, id: int, limit: int) -> tuple[list[Waiting], bool]:
        """What an instance waits for, at up to `limit` element instances, and whether there are others.

        Raises EngineError NOT_FOUND.
        """
        situation = self._store.situation(partition, id, limit)
        if situation is None:
            raise _no_instance(partition, id)

        def node(element_id: int) -> Node:
            return self._store.load_graph(situation.instance.process_id).node(element_id)

        return waiting(situation, node, self._now()), situation.has_more

    def places(self, instances: Sequence[ProcessInstance]) -> dict[tuple[date, int], tuple[int, list[str]]]:
        """How many open incidents each of the instances has, and BPMN elements where it waits."""
        return self._store.places(instances)

    def history(self, partition: date, id: int, paging: Paging) -> Page:
        """What has happened in an instance. Raises EngineError NOT_FOUND."""
        page = self._store.history(partition, id, paging)
        if page is None:
            raise _no_instance(partition, id)
        return page


def _no_instance(partition: date, id: int) -> EngineError:
    error = not_found(f"process instance {partition}/{id}")
    error.title = "failed to get process instance"
    return error


def show_due(records: Iterable[Any], now: datetime) -> None:
    """Has jobs and tasks that wait say so once they are due."""
    for record in records:
        if isinstance(record, Job | Task) and record.state is WorkState.CREATED and record.due_at <= now:
            record.state = WorkState.DUE
