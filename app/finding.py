"""What operators look for: pages of what there is, what instances wait for, and how many there are."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from app import caller
from app.criteria import (
    Criteria,
    IncidentCriteria,
    IncidentGroup,
    InstanceCount,
    Page,
    Paging,
    ProcessInstanceCriteria,
    Statistics,
    StatisticsCriteria,
)
from app.engine.graph import Node
from app.engine.records import Job, ProcessInstance, Task
from app.engine.types import WorkState
from app.engine.waiting import Waiting, waiting
from app.errors import EngineError, ErrorKind, not_found
from app.store import Store

T = TypeVar("T")


class Finding:
    """Reads outside of transactions. What takes longer than BPMN_QUERY_TIMEOUT raises EngineError QUERY."""

    def __init__(
        self, store: Store, now: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._now = now
        self._kept = Kept(monotonic)

    def page(self, criteria: Criteria, paging: Paging) -> Page:
        """The page of the matching records; raises EngineError QUERY for a cursor that does not fit, too."""
        now = self._now()
        page = self._store.page(criteria, now, paging)
        show_due(page.records, now)
        self._store.describe(page.records)
        return page

    def statistics(self, criteria: StatisticsCriteria) -> Statistics:
        """How often each element was visited; as it was some seconds ago, if somebody has asked the same then.

        Raises EngineError NOT_FOUND for an instance that does not exist.
        """
        asked = criteria, caller.scope()
        found = self._kept.get(asked, lambda: self._store.statistics(criteria, self._now()))
        if criteria.instance and not found.elements:
            raise _no_instance(*criteria.instance)
        return found

    def count_instances(
        self, criteria: ProcessInstanceCriteria, group_by: Sequence[str], limit: int
    ) -> list[InstanceCount]:
        """How many instances match, by the columns of `group_by`, the largest group first."""
        return self._store.count_instances(criteria, group_by, limit)

    def group_incidents(self, criteria: IncidentCriteria, offset: int, limit: int) -> list[IncidentGroup]:
        """The matching incidents by what has failed where, the largest group first."""
        return self._store.group_incidents(criteria, offset, limit)

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


LEAST_SECONDS = 2.0
TIMES_TAKEN = 10
"""What has taken long is kept for so many times as long: it never takes more than a part of the database's time."""
MOST_KEPT = 100


class _Entry:
    __slots__ = ("error", "lock", "until", "value")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.until = float("-inf")
        self.value: Any = None
        self.error: EngineError | None = None


class Kept:
    """Answers that are kept for a while; each is looked up by one thread, for which those that ask the same wait."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` returns or, being an EngineError QUERY, raises; now, or a while ago."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > MOST_KEPT:
                self._entries.popitem(last=False)
        with entry.lock:
            if self._monotonic() >= entry.until:
                self._fill(entry, find)
            if entry.error is not None:
                # It is raised once for each that asks: what its traceback holds must not grow with them.
                raise entry.error.with_traceback(None)
            value: T = entry.value
            return value

    def _fill(self, entry: _Entry, find: Callable[[], Any]) -> None:
        began = self._monotonic()
        entry.value, entry.error = None, None
        try:
            entry.value = find()
        except EngineError as error:
            if error.kind is not ErrorKind.QUERY:
                raise
            entry.error = error
        taken = self._monotonic() - began
        entry.until = began + taken + max(LEAST_SECONDS, TIMES_TAKEN * taken)


def show_due(records: Iterable[Any], now: datetime) -> None:
    """Has jobs and tasks that wait say so once they are due."""
    for record in records:
        if isinstance(record, Job | Task) and record.state is WorkState.CREATED and record.due_at <= now:
            record.state = WorkState.DUE
