"""Compiled process versions, the ones that were used last.

A version never changes once it is created, so what is here is never wrong; but it may have been deleted. Parsing
takes long: it is done without a connection, let alone a lock, and once for all threads that want the same.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, select

from app.bpmn.model import EventDefinition
from app.engine.compiling import Definitions
from app.engine.deployed import graph_of
from app.engine.graph import Graph
from app.engine.records import DeployedProcess
from app.store import rows as r
from app.store.dialect import Execution, Row, Session
from app.store.query import DEFINITION, ELEMENT, PROCESS

MAX_NODES = 100_000
"""Of all graphs together; a node takes some 600 bytes."""

ID_BY_VERSION = select(PROCESS.c.id).where(
    PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"), PROCESS.c.version == bindparam("version")
)
ID_OF_NEWEST = (
    select(PROCESS.c.id)
    .where(PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"))
    .order_by(PROCESS.c.id.desc())
    .limit(1)
)
BY_ID = select(*PROCESS.c).where(PROCESS.c.id == bindparam("id"))
ELEMENTS: Select[Any] = select(ELEMENT.c.bpmn_element_id, ELEMENT.c.id).where(ELEMENT.c.process_id == bindparam("id"))
DEFINITIONS: Select[Any] = select(
    DEFINITION.c.bpmn_element_id, DEFINITION.c.part, *(DEFINITION.c[name] for name in r.DEFINITION_COLUMNS)
).where(DEFINITION.c.process_id == bindparam("id"))


class GraphMissing(Exception):
    """A command needs a graph that is not at hand: it is to be loaded before the command begins anew."""

    def __init__(self, process_id: int) -> None:
        super().__init__(process_id)
        self.process_id = process_id


class ProcessGone(Exception):
    """The process of a graph was deleted meanwhile."""


class Stored(NamedTuple):
    """All that a graph is compiled from."""

    process: DeployedProcess
    elements: Sequence[Row]
    definitions: Sequence[Row]


class Graphs:
    """The graphs that one service process has met; only committed versions come in here."""

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        self._max_nodes = max_nodes
        self._by_id: OrderedDict[int, Graph] = OrderedDict()
        self._ids: dict[tuple[str, str], int] = {}
        self._nodes = 0
        self._lock = threading.Lock()
        self._loading: dict[int, threading.Lock] = {}

    def find(self, process_id: int) -> Graph | None:
        """The graph, if it is at hand."""
        with self._lock:
            found = self._by_id.get(process_id)
            if found is not None:
                self._by_id.move_to_end(process_id)
            return found

    def id_by_version(
        self, session: Session, bpmn_process_id: str, version: str, *, doubtful: bool = False
    ) -> int | None:
        """None for a version that does not exist. An empty one is the newest, which is asked for each time.

        What is known of versions is not believed when it is `doubtful`: one may have been deleted.
        """
        if version:
            known = self._ids.get((bpmn_process_id, version))
            if known is not None and not doubtful:
                return known
            execution = Execution(ID_BY_VERSION, {"bpmn_process_id": bpmn_process_id, "version": version})
        else:
            execution = Execution(ID_OF_NEWEST, {"bpmn_process_id": bpmn_process_id})
        (rows,) = session.run(execution)
        return rows[0][0] if rows else None

    def forget(self, process_id: int) -> None:
        """Leaves out a version that is deleted. Other service processes may still have it."""
        with self._lock:
            graph = self._by_id.pop(process_id, None)
            if graph is not None:
                self._ids.pop((graph.bpmn_process_id, graph.version), None)
                self._nodes -= len(graph)

    def load(self, process_id: int, read: Callable[[int], Stored]) -> Graph:
        """The graph, read and compiled by one thread while others that want the same wait."""
        if (known := self.find(process_id)) is not None:
            return known
        with self._lock:
            loading = self._loading.setdefault(process_id, threading.Lock())
        try:
            with loading:
                found = self.find(process_id)
                if found is None:
                    found = _compile(read(process_id))
                    self._keep(found)
                return found
        finally:
            with self._lock:
                self._loading.pop(process_id, None)

    def _keep(self, graph: Graph) -> None:
        with self._lock:
            self._by_id[graph.process_id] = graph
            self._ids[graph.bpmn_process_id, graph.version] = graph.process_id
            self._nodes += len(graph)
            while self._nodes > self._max_nodes and len(self._by_id) > 1:
                _, oldest = self._by_id.popitem(last=False)
                self._ids.pop((oldest.bpmn_process_id, oldest.version), None)
                self._nodes -= len(oldest)


def read(connection: Connection, process_id: int) -> Stored:
    parameters = {"id": process_id}
    process = connection.execute(BY_ID, parameters).one_or_none()
    if process is None:
        raise ProcessGone
    return Stored(
        process=r.read_process(process),
        elements=connection.execute(ELEMENTS, parameters).all(),
        definitions=connection.execute(DEFINITIONS, parameters).all(),
    )


def _definitions(rows: Sequence[Row]) -> Definitions:
    """An event that has one definition has it at 0."""
    single: dict[str, EventDefinition] = {}
    parts: dict[str, dict[int, EventDefinition]] = {}
    for bpmn_id, part, *columns in rows:
        definition = r.read_definition(columns)
        if definition is not None:
            parts.setdefault(bpmn_id, {})[part] = definition
            if part == 0:
                single[bpmn_id] = definition
    return Definitions(single, parts)


def _compile(stored: Stored) -> Graph:
    element_ids = {row[0]: row[1] for row in stored.elements}
    return graph_of(stored.process, element_ids, _definitions(stored.definitions))
