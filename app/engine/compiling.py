"""Process models -> graphs: what a file says, with the ids and definitions that were stored, made ready for walking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.bpmn.kinds import ACTIVITIES, START_EVENTS, THROWN_EVENTS
from app.bpmn.model import Element, ElementType, EventDefinition, Part, Process, SequenceFlow
from app.engine.graph import Flow, Graph, Node
from app.engine.slots import completion_of, condition_of, programs_of, programs_of_part, thrown_by


@dataclass(frozen=True, slots=True)
class Definitions:
    """What events are about, as it was stored, by BPMN element id."""

    single: Mapping[str, EventDefinition] = field(default_factory=dict)
    parts: Mapping[str, Mapping[int, EventDefinition]] = field(default_factory=dict)
    """Of events with several definitions, by their places."""


def compile_graph(
    process: Process,
    *,
    process_id: int,
    version: str,
    element_ids: Mapping[str, int],
    definitions: Definitions,
    equip: Callable[[Node], None],
    evaluates: bool = False,
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> Graph:
    """The graph of a process; `element_ids` by BPMN element id, as they were stored like `definitions`.

    `equip` gives a node its behavior. Where the engine `evaluates`, expressions are compiled. `tags` are those of user
    tasks, by BPMN element id.

    It doesn't matter whether the process would be accepted today: what was stored is executed.
    """
    nodes: dict[Element, Node] = {}
    elements = list(process.elements())
    for element in elements:
        node = nodes[element] = _node(process, element, element_ids, definitions, evaluates=evaluates)
        if tags and element.type is ElementType.USER_TASK:
            node.tags = tags.get(element.id)
        if element.parent:
            node.parent = nodes[element.parent]
            node.parent.children.append(node)
        equip(node)
    _connect(elements, nodes)
    if evaluates:
        _evaluate_conditions(elements, nodes, process.expression_language)
    for element in elements:
        _attach(element, nodes)
    _link(elements, nodes)
    for element, node in nodes.items():
        if node.behavior.is_scope:
            _open(element, nodes)
    for node in reversed(nodes.values()):
        _mark_compensable(node)
    return Graph(process_id, version, nodes[process.element], {n.element_id: n for n in nodes.values()})


def _node(
    process: Process,
    element: Element,
    element_ids: Mapping[str, int],
    definitions: Definitions,
    *,
    evaluates: bool,
) -> Node:
    """The node of an element, without what it is connected with."""
    stored_id = element.written_id if element.written_id in element_ids else element.id
    language = process.expression_language
    definition = None if element.parts else definitions.single.get(stored_id)
    node = Node(
        element_id=element_ids[stored_id],
        id=stored_id,
        name=element.name,
        type=element.type,
        interrupting=element.interrupting,
        loop=element.loop,
        throws=thrown_by(element, language, evaluates=evaluates),
        condition=element.condition.text if element.condition else "",
        completion=completion_of(element, language, evaluates=evaluates),
        sequential=element.sequential,
        cancels_remaining=element.cancel_remaining,
        instantiates=element.instantiates,
        parallel=element.parallel,
        start_quantity=element.start_quantity,
        completion_quantity=element.completion_quantity,
        global_task=element.global_task,
        terminate=element.terminate,
        called_element=element.called_element,
        task_type=element.task_type,
        declared_name=element.declared_name,
        parallel_multiple=element.parallel_multiple,
        caught=_caught(element),
        inputs=element.inputs if evaluates else (),
        variables_in=element.variables_in if evaluates else "",
        variables_out=element.variables_out if evaluates else "",
        timer_text=element.timer_text,
        definition=definition,
        programs=programs_of(element, definition, language, evaluates=evaluates),
    )
    if element.type not in THROWN_EVENTS:
        known = definitions.parts.get(stored_id, {})
        node.parts = [
            _part(node, number, part, known.get(number), language, evaluates=evaluates)
            for number, part in enumerate(element.parts)
        ]
    return node


def _part(
    event: Node, number: int, part: Part, definition: EventDefinition | None, language: str, *, evaluates: bool
) -> Node:
    """One of several definitions of an event that waits for them, as if that had nothing but it."""
    return Node(
        element_id=event.element_id,
        id=event.id,
        name=event.name,
        type=part.type,
        part=number,
        parallel_multiple=event.parallel_multiple,
        interrupting=event.interrupting,
        instantiates=event.instantiates,
        declared_name=part.declared_name,
        caught=_caught(part),
        timer_text=part.timer_text,
        definition=definition,
        programs=programs_of_part(part, definition, language, evaluates=evaluates),
    )


def _caught(element: Element | Part) -> dict[str, str]:
    names = (
        ("errorCode", element.error_code_variable),
        ("errorMessage", element.error_message_variable),
        ("escalationCode", element.escalation_code_variable),
    )
    return {what: name for what, name in names if name}


def _connect(elements: list[Element], nodes: Mapping[Element, Node]) -> None:
    flows: dict[SequenceFlow, Flow] = {}
    for element in elements:
        for flow in element.outgoing:
            ends = nodes[flow.source], nodes[flow.target]
            is_default = flow.id == element.default_flow
            is_conditional = flow.conditional and not is_default
            flows[flow] = Flow(flow.id, *ends, flow.name, flow.condition, is_default, is_conditional)
    for element in elements:
        node = nodes[element]
        node.outgoing = [flows[flow] for flow in element.outgoing]
        node.incoming = [flows[flow] for flow in element.incoming]
        if len(node.incoming) > 1:
            for place, incoming in enumerate(node.incoming):
                incoming.place = place
        if not node.behavior.decides:
            node.has_conditions = any(flow.is_conditional for flow in node.outgoing)


def _mark_compensable(node: Node) -> None:
    """What is inside of it has been looked at before."""
    is_container = node.behavior.is_scope and node.parent is not None and not node.is_handler
    node.is_compensable = node.compensated_by is not None or (
        is_container and any(child.is_compensable for child in node.children)
    )


def _evaluate_conditions(elements: list[Element], nodes: Mapping[Element, Node], language: str) -> None:
    """Where a flow has a condition, the engine decides."""
    for element in elements:
        for drawn, flow in zip(element.outgoing, nodes[element].outgoing, strict=True):
            if flow.is_conditional:
                flow.program = condition_of(drawn, language)
                nodes[element].evaluates_flows = True


def _open(element: Element, nodes: Mapping[Element, Node]) -> None:
    """Finds out how a scope begins, and which gateways of it wait for what goes on in it."""
    scope = nodes[element]
    starts = element.start_nodes()
    scope.starts = [nodes[each] for each in starts]
    scope.is_started_at_once = bool(starts) and starts[0].type is not ElementType.NONE_START_EVENT
    for child in scope.children:
        if child.is_handler:
            scope.handler_starts += [each for each in child.children if each.starts_handler]
            undoing = [each for each in child.children if each.type is ElementType.COMPENSATION_START_EVENT]
            scope.compensated_by = undoing[0] if undoing else scope.compensated_by
    if scope.is_handler:
        scope.starts = [child for child in scope.children if child.type in START_EVENTS]
    if scope.type is ElementType.AD_HOC_SUB_PROCESS:
        for inside in element.children:
            is_handler = inside.is_compensation or _is_awaited(inside)
            nodes[inside].is_selected = inside.type in ACTIVITIES and not is_handler
    scope.joins = [child for child in scope.children if child.behavior.synchronizes and _joins(child)]
    for join in scope.joins:
        join.is_join = True


def _joins(gateway: Node) -> bool:
    """Whether tokens wait there: for others, or for a condition."""
    return len(gateway.incoming) > 1 or bool(gateway.incoming and gateway.condition)


def _is_awaited(element: Element) -> bool:
    """Whether it is one of the events behind an event-based gateway, as a receive task may be."""
    return any(flow.source.type is ElementType.EVENT_BASED_GATEWAY for flow in element.incoming)


def _attach(element: Element, nodes: Mapping[Element, Node]) -> None:
    host = nodes[element]
    for attached in element.attached:
        event = nodes[attached]
        event.host = host
        if attached.type is ElementType.COMPENSATION_BOUNDARY_EVENT:
            host.compensated_by = event
            event.undone_by = nodes[attached.handler] if attached.handler else None
        else:
            host.attached.append(event)
            for part in event.parts:
                part.host = host
    host.activity = nodes[element.activity_ref] if element.activity_ref else None
    host.waits = element.waits


def _link(elements: list[Element], nodes: Mapping[Element, Node]) -> None:
    """Joins the two ends of links, each within a scope."""
    catches = {(e.parent, e.link_name): nodes[e] for e in elements if e.type is ElementType.LINK_CATCH_EVENT}
    for element in elements:
        if element.type is ElementType.LINK_THROW_EVENT:
            nodes[element].link = catches[element.parent, element.link_name]
