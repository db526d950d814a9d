"""Which elements and processes a worker means, by what is the same in all their versions.

A version never changes once it is created. So what was found stays true, and only versions that are newer than the
newest one so far are looked at again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Select, bindparam, func, literal, select

from app.bpmn.kinds import ACTIVITIES, BOUNDARY_EVENTS, INTERMEDIATE_EVENTS, ElementType
from app.engine.elements import BEHAVIORS, EVENTS_OF_HANDLERS, MULTI_INSTANCE, STANDARD_LOOP
from app.engine.graph import Graph
from app.engine.types import JobType
from app.store.dialect import Dialect, Execution, Row, Session
from app.store.query import ELEMENT, PROCESS

MOST_KEPT = 256
"""Sets of conditions whose elements are kept."""
NEWEST = select(func.coalesce(func.max(PROCESS.c.id), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Conditions on the elements that jobs belong to; an empty one is none."""

    types: tuple[JobType, ...] = ()
    """Of their jobs."""
    bpmn_element_ids: tuple[str, ...] = ()
    bpmn_process_ids: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    process_ids: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.types or self.bpmn_element_ids or self.bpmn_process_ids or self.task_types)

    @property
    def names_elements(self) -> bool:
        return bool(self.types or self.bpmn_element_ids or self.task_types)

    @property
    def names_processes(self) -> bool:
        return bool(self.bpmn_process_ids or self.process_ids)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known to fulfill conditions, among all process versions up to the `newest`."""

    newest: int = 0
    element_ids: list[int] = field(default_factory=list)
    """Empty when the conditions name processes only."""
    process_ids: list[int] = field(default_factory=list)
    """Those with such elements."""
    outdated: bool = False
    """Whether there are newer versions."""


class Elements:
    """What one service process knows of them."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._found: OrderedDict[Kinds, Found] = OrderedDict()
        self._lock = threading.Lock()
        self._statement = lru_cache(maxsize=64)(self._build)

    def known(self, kinds: Kinds) -> Found | None:
        """What was found last; None when it has to be looked up first."""
        with self._lock:
            found = self._found.get(kinds)
            if found is not None:
                self._found.move_to_end(kinds)
            return found

    def note_newest(self, kinds: Kinds, newest: int) -> None:
        """Has newer versions looked up before what was found is used again."""
        with self._lock:
            found = self._found.get(kinds)
            if found is not None and found.newest < newest:
                self._found[kinds] = replace(found, outdated=True)

    def look_up(self, session: Session, graph: Callable[[int], Graph], kinds: Kinds) -> Found:
        """Adds what newer versions have. `graph` is asked for those that were deployed by an earlier release."""
        before = self.known(kinds) or Found()
        names = frozenset(name for name in Kinds.__dataclass_fields__ if getattr(kinds, name))
        parameters = _parameters(kinds) | {"after": before.newest}
        (((newest,),), rows) = session.run(Execution(NEWEST), Execution(self._statement(names), parameters))
        rows = [row for row in rows if _has_task_type(row, graph, kinds)]
        found = Found(
            newest=max(newest, before.newest),
            # What was deployed between the two reads is found again.
            element_ids=sorted({*before.element_ids, *(row[0] for row in rows)}) if kinds.names_elements else [],
            process_ids=sorted({*before.process_ids, *(row[1] for row in rows)}),
        )
        with self._lock:
            self._found[kinds] = found
            while len(self._found) > MOST_KEPT:
                self._found.popitem(last=False)
        return found

    def _build(self, names: frozenset[str]) -> Select[Any]:
        """Element id, process id, task type of what newer versions have; of processes only an id for both."""
        newer = PROCESS.c.id > bindparam("after", type_=PROCESS.c.id.type)
        conditions = [newer]
        if "process_ids" in names:
            conditions.append(self._dialect.any_of(PROCESS.c.id, "process_ids"))
        if "bpmn_process_ids" in names:
            conditions.append(self._dialect.is_one_of(PROCESS.c.bpmn_process_id, "bpmn_process_ids"))
        if names <= {"process_ids", "bpmn_process_ids"}:
            return select(PROCESS.c.id, PROCESS.c.id, literal("")).where(*conditions)
        if "types" in names:
            conditions.append(self._dialect.is_one_of(ELEMENT.c.bpmn_element_type, "types"))
        if "bpmn_element_ids" in names:
            conditions.append(self._dialect.is_one_of(ELEMENT.c.bpmn_element_id, "bpmn_element_ids"))
        if "task_types" in names:
            wanted = self._dialect.is_one_of(ELEMENT.c.task_type, "task_types")
            conditions.append(wanted | ELEMENT.c.task_type.is_(None))
        joined = PROCESS.join(ELEMENT, ELEMENT.c.process_id == PROCESS.c.id)
        return select(ELEMENT.c.id, PROCESS.c.id, ELEMENT.c.task_type).select_from(joined).where(*conditions)


def _parameters(kinds: Kinds) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name: orjson.dumps(getattr(kinds, name)).decode()
        for name in ("bpmn_element_ids", "bpmn_process_ids", "task_types")
        if getattr(kinds, name)
    }
    if kinds.types:
        parameters["types"] = orjson.dumps(_element_types(kinds.types)).decode()
    if kinds.process_ids:
        parameters["process_ids"] = list(kinds.process_ids)
    return parameters


def _element_types(types: tuple[JobType, ...]) -> list[str]:
    """Of the elements that may have jobs of these types."""
    wanted = set(types)
    behaviors = (*BEHAVIORS.items(), *EVENTS_OF_HANDLERS.items())
    found = {element for element, behavior in behaviors if not wanted.isdisjoint(behavior.jobs)}
    for others, elements in _BESIDE:
        if not wanted.isdisjoint(others):
            found |= elements
    return sorted(found)


_BESIDE: tuple[tuple[Collection[JobType], frozenset[ElementType]], ...] = (
    ((*MULTI_INSTANCE.jobs, *STANDARD_LOOP.jobs), ACTIVITIES),
    ((JobType.EVALUATE_OUTGOING_FLOWS,), ACTIVITIES | BOUNDARY_EVENTS | INTERMEDIATE_EVENTS),
    ((JobType.EXECUTE,), frozenset({ElementType.CALL_ACTIVITY})),
)
"""Jobs that elements may have besides those of their own behavior: by a marker, by conditions of the flows behind them,
and by calling a global task of their file.
"""


def _has_task_type(row: Row, graph: Callable[[int], Graph], kinds: Kinds) -> bool:
    """The statement has seen to it, but for elements of releases that did not look for task types."""
    element_id, process_id, task_type = row
    return (
        task_type is not None
        or not kinds.task_types
        or graph(process_id).node(element_id).task_type in kinds.task_types
    )
