"""The graph of a deployed process: its file is parsed anew, and compiled with what was stored of it."""

from __future__ import annotations

from collections.abc import Mapping

from app.bpmn.extensions import user_task_tags
from app.bpmn.parser import find_process, parse
from app.engine.compiling import Definitions, compile_graph
from app.engine.elements import equip
from app.engine.graph import Graph
from app.engine.records import DeployedProcess
from app.engine.types import ExpressionMode


def graph_of(process: DeployedProcess, element_ids: Mapping[str, int], definitions: Definitions) -> Graph:
    """`element_ids` are by BPMN element id. The definitions in use are those that were stored with the process."""
    evaluates = process.expressions == ExpressionMode.ENGINE
    model = find_process(parse(process.bpmn_xml, xml_timers=False, evaluates=evaluates), process.bpmn_process_id)
    return compile_graph(
        model,
        process_id=process.id,
        version=process.version,
        element_ids=element_ids,
        definitions=definitions,
        equip=equip,
        evaluates=evaluates,
        tags=user_task_tags(process.bpmn_xml, model.element.id),
    )
