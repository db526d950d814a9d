"""Compiled process versions. A version never changes once it is created, so nothing here is ever thrown away."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select

from app.bpmn.parser import find_process, parse
from app.engine.graph import Graph, compile_graph
from app.engine.records import Process
from app.store import rows as r
from app.store.dialect import Call, Session
from app.store.query import DEFINITION, ELEMENT, PROCESS

BY_VERSION = select(*PROCESS.c).where(
    PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"), PROCESS.c.version == bindparam("version")
)
NEWEST = (
    select(*PROCESS.c)
    .where(PROCESS.c.bpmn_process_id == bindparam("bpmn_process_id"))
    .order_by(PROCESS.c.id.desc())
    .limit(1)
)
BY_ID = select(*PROCESS.c).where(PROCESS.c.id == bindparam("id"))
ELEMENTS: Select[Any] = select(ELEMENT.c.bpmn_element_id, ELEMENT.c.id).where(ELEMENT.c.process_id == bindparam("id"))
DEFINITIONS: Select[Any] = select(
    DEFINITION.c.bpmn_element_id, *(DEFINITION.c[name] for name in r.DEFINITION_COLUMNS)
).where(DEFINITION.c.process_id == bindparam("id"))


class Graphs:
    """The graphs that one service process has met; only committed versions come in here."""

    def __init__(self) -> None:
        self._by_id: dict[int, Graph] = {}
        self._ids: dict[tuple[str, str], int] = {}

    def by_version(self, session: Session, bpmn_process_id: str, version: str) -> Graph | None:
        process_id = self._ids.get((bpmn_process_id, version))
        if process_id is not None:
            return self._by_id[process_id]
        ((*rows,),) = session.run(Call(BY_VERSION, {"bpmn_process_id": bpmn_process_id, "version": version}))
        return self._load(session, r.read_process(rows[0])) if rows else None

    def by_id(self, session: Session, process_id: int) -> Graph:
        found = self._by_id.get(process_id)
        if found is None:
            ((row,),) = session.run(Call(BY_ID, {"id": process_id}))
            found = self._load(session, r.read_process(row))
        return found

    def _load(self, session: Session, process: Process) -> Graph:
        elements, definitions = session.run(Call(ELEMENTS, {"id": process.id}), Call(DEFINITIONS, {"id": process.id}))
        # The definitions in use are those that were stored with the process.
        model = find_process(parse(process.bpmn_xml, xml_timers=False), process.bpmn_process_id)
        graph = compile_graph(
            model,
            process_id=process.id,
            version=process.version,
            element_ids={row[0]: row[1] for row in elements},
            definitions={bpmn_id: r.read_definition(columns) for bpmn_id, *columns in definitions},
        )
        self._by_id[process.id] = graph
        self._ids[process.bpmn_process_id, process.version] = process.id
        return graph
