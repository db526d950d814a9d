"""A deployed process version, compiled for walking. Immutable once built, so it may be cached for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.bpmn.kinds import ACTIVITIES, START_EVENTS
from app.bpmn.model import Element, ElementType, EventDefinition, Loop, Process, SequenceFlow
from app.engine.slots import Slot, Thrown, completion_of, condition_of, programs_of, thrown_by
from app.expr import Program

if TYPE_CHECKING:
    from app.engine.elements.base import Behavior


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow."""

    id: str
    source: Node
    target: Node
    name: str
    condition: str
    """As the file has it."""
    default: bool
    is_conditional: bool = False
    """Whether it has a condition that counts: that of a default flow does not (BPMN 2.0.2, 10.6.2)."""
    program: Program | None = None
    """Evaluates the condition, where the engine does."""
    place: int | None = None
    """Its place among the incoming flows of its target, if that has several."""


@dataclass(slots=True, eq=False, kw_only=True)
class Node:
    """An element with its id in the database and its neighbours resolved."""

    element_id: int
    id: str
    name: str = ""
    type: ElementType
    behavior: Behavior = field(init=False)
    """What its tokens do."""
    body: Behavior | None = None
    """What a token does that its inner instances are inside of, where it has a marker."""
    parent: Node | None
    children: list[Node] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    """In order; several may lead to one node."""
    incoming: list[Flow] = field(default_factory=list)
    host: Node | None = None
    """The activity of a boundary event."""
    attached: list[Node] = field(default_factory=list)
    """Boundary events of an activity, in document order, but for the one that undoes it."""
    compensated_by: Node | None = None
    """The compensation boundary event of an activity, or the start event of the event sub-process that undoes it."""
    undone_by: Node | None = None
    """Of a compensation boundary event, the activity that is its handler."""
    is_compensable: bool = False
    """Whether it can be undone once it is completed, by a handler of its own or by those of what is inside."""
    activity: Node | None = None
    """Of a compensation throw event, the only activity that it undoes."""
    waits: bool = True
    """Of a compensation throw event, whether it goes on once all handlers have ended."""
    link: Node | None = None
    """The link catch event of a link throw event."""
    starts: list[Node] = field(default_factory=list)
    """Of a scope, where its flow begins."""
    is_started_at_once: bool = False
    """Whether it begins at all of these, or at one of them."""
    handler_starts: list[Node] = field(default_factory=list)
    """Of a scope, the start events of the event sub-processes in it."""
    starts_handler: bool = False
    """Whether it is such a start event."""
    is_handler: bool = False
    """Whether it is an event sub-process."""
    programs: Mapping[Slot, Program] = field(default_factory=dict)
    """What the engine evaluates."""
    evaluates_flows: bool = False
    """Whether conditions of its outgoing flows are among that."""
    has_conditions: bool = False
    """Whether it is an activity or event some of whose outgoing flows have conditions."""
    condition: str = ""
    """When an ad-hoc sub-process is over, or a complex gateway is activated, as the file has it."""
    completion: Program | None = None
    """Evaluates the former, where the engine does."""
    sequential: bool = False
    """Of an ad-hoc sub-process, whether its activities are performed one after the other."""
    cancels_remaining: bool = True
    """Of an ad-hoc sub-process, whether what is active in it ends when it is over."""
    is_selected: bool = False
    """Whether it is an activity in an ad-hoc sub-process, which starts when somebody selects it."""
    instantiates: bool = False
    """Whether what it waits for starts the process."""
    parallel: bool = False
    """Of an event-based gateway that starts the process, whether all its events are waited for."""
    global_task: ElementType | None = None
    """Of a call activity, the type of task that it is done as."""
    start_quantity: int = 1
    completion_quantity: int = 1
    joins: list[Node] = field(default_factory=list)
    """Of a scope, the gateways in it at which tokens wait until no other one can get there, in document order."""
    is_join: bool = False
    """Whether it is such a gateway."""
    interrupting: bool = True
    loop: Loop | None = None
    throws: Sequence[Thrown] = ()
    """Of an event with several definitions, what it throws; of a multi-instance, what is when instances complete."""
    terminate: bool = False
    called_element: str = ""
    task_type: str = ""
    declared_name: str = ""
    """Of the message, signal, error or escalation that the file refers to."""
    caught: Mapping[str, str] = field(default_factory=dict)
    """The process variables of what an event catches, by `errorCode`, `errorMessage` and `escalationCode`."""
    inputs: Sequence[str] = ()
    """Of what sends a message, the variables that go with it."""
    variables_in: str = ""
    """Of a call activity that calls by itself, which variables are passed on: `all` or `none`."""
    variables_out: str = ""
    """The same of those that are passed back, where no worker does it."""
    timer_text: tuple[str, str] | None = None
    """Tag and text of the timer in the file."""
    definition: EventDefinition | None = None
    tags: Mapping[str, str] | None = None
    """What a new user task is tagged with, if the model assigns it to somebody."""

    def names(self) -> Iterator[str]:
        """Of variables whose values matter to what the node does."""
        for program in (*self.programs.values(), *((self.completion,) if self.completion else ())):
            yield from program.names
        for thrown in self.throws:
            for program in thrown.programs():
                yield from program.names
        for flow in self.outgoing:
            if flow.program is not None:
                yield from flow.program.names
        yield from self.inputs
        if self.loop is not None:
            yield from (name for name in (self.loop.collection, self.loop.output_collection) if name)

    @property
    def is_watched(self) -> bool:
        """Whether it is an event that waits for a condition."""
        return self.behavior.trigger is not None and Slot.CONDITION in self.programs

    @property
    def recurs(self) -> bool:
        """Whether it is an attached event that may happen any number of times while its host is active."""
        return (self.host is not None or self.starts_handler) and not self.interrupting

    @property
    def starting_gateway(self) -> Node | None:
        """The event-based gateway that it starts the process behind."""
        return self.incoming[0].source if self.instantiates and self.incoming else None

    @property
    def default(self) -> Flow | None:
        """The default flow."""
        return next((flow for flow in self.outgoing if flow.default), None)

    def flow(self, id: str) -> Flow | None:
        """The outgoing sequence flow with that id, or else the first one that leads to the element with that id."""
        by_target = (flow for flow in self.outgoing if flow.target.id == id)
        return next((flow for flow in self.outgoing if flow.id == id), None) or next(by_target, None)


class Graph:
    """All nodes of a process version."""

    def __init__(self, process_id: int, version: str, root: Node, nodes: Mapping[int, Node]) -> None:
        self.process_id = process_id
        self.bpmn_process_id = root.id
        self.version = version
        self.root = root
        self._nodes = nodes
        self.compensates = any(node.is_compensable for node in nodes.values())
        self.watched_names = frozenset(
            name for node in nodes.values() if node.is_watched for name in node.programs[Slot.CONDITION].names
        )
        """Of variables that events wait for."""
        self.names = frozenset(name for node in nodes.values() for name in node.names())
        """Of variables whose values matter to the walk."""

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def node(self, element_id: int) -> Node:
        return self._nodes[element_id]


def compile_graph(
    process: Process,
    *,
    process_id: int,
    version: str,
    element_ids: Mapping[str, int],
    definitions: Mapping[str, EventDefinition],
    equip: Callable[[Node], None],
    evaluates: bool = False,
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> Graph:
    """The graph of a process; `element_ids` and `definitions` by BPMN element id, as they were stored.

    `equip` gives a node its behavior. Where the engine `evaluates`, expressions are compiled. `tags` are those of user
    tasks, by BPMN element id.

    It doesn't matter whether the process would be accepted today: what was stored is executed.
    """
    nodes: dict[Element, Node] = {}
    elements = list(process.elements())
    for element in elements:
        parent = nodes[element.parent] if element.parent else None
        stored_id = element.written_id if element.written_id in element_ids else element.id
        node = Node(
            element_id=element_ids[stored_id],
            id=stored_id,
            name=element.name,
            type=element.type,
            parent=parent,
            interrupting=element.interrupting,
            loop=element.loop,
            throws=thrown_by(element, process.expression_language, evaluates=evaluates),
            condition=element.condition.text if element.condition else "",
            completion=completion_of(element, process.expression_language, evaluates=evaluates),
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
            caught=_caught(element),
            inputs=element.inputs if evaluates else (),
            variables_in=element.variables_in if evaluates else "",
            variables_out=element.variables_out if evaluates else "",
            timer_text=element.timer_text,
            definition=definitions.get(stored_id),
            programs=programs_of(element, definitions.get(stored_id), process.expression_language, evaluates=evaluates),
        )
        nodes[element] = node
        if tags and element.type is ElementType.USER_TASK:
            node.tags = tags.get(element.id)
        equip(node)
        if parent:
            parent.children.append(node)
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


def _caught(element: Element) -> dict[str, str]:
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
    host.activity = nodes[element.activity_ref] if element.activity_ref else None
    host.waits = element.waits


def _link(elements: list[Element], nodes: Mapping[Element, Node]) -> None:
    catches = {e.link_name: nodes[e] for e in elements if e.type is ElementType.LINK_CATCH_EVENT}
    for element in elements:
        if element.type is ElementType.LINK_THROW_EVENT:
            nodes[element].link = catches[element.link_name]
