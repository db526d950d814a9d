"""A deployed process version, compiled for walking. Immutable once built, so it may be cached for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.bpmn.model import Element, ElementType, EventDefinition, Process, SequenceFlow


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow."""

    id: str
    source: Node
    target: Node
    name: str
    condition: str
    """As the file has it: it is never evaluated."""
    default: bool


@dataclass(slots=True, eq=False, kw_only=True)
class Node:
    """An element with its id in the database and its neighbours resolved."""

    element_id: int
    id: str
    name: str = ""
    type: ElementType
    parent: Node | None
    children: list[Node] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    """In order; several may lead to one node."""
    incoming: list[Flow] = field(default_factory=list)
    host: Node | None = None
    """The activity of a boundary event."""
    attached: list[Node] = field(default_factory=list)
    """Boundary events of an activity, in document order."""
    link: Node | None = None
    """The link catch event of a link throw event."""
    interrupting: bool = True
    terminate: bool = False
    called_element: str = ""
    task_type: str = ""
    declared_name: str = ""
    """Of the message, signal, error or escalation that the file refers to."""
    timer_text: tuple[str, str] | None = None
    """Tag and text of the timer in the file."""
    definition: EventDefinition | None = None
    tags: Mapping[str, str] | None = None
    """What a new user task is tagged with, if the model assigns it to somebody."""

    @property
    def recurs(self) -> bool:
        """Whether it is a boundary event that may happen any number of times while its host is active."""
        return self.host is not None and not self.interrupting

    def start_events(self) -> list[Node]:
        return [child for child in self.children if child.type is ElementType.NONE_START_EVENT]

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
    tags: Mapping[str, Mapping[str, str]] | None = None,
) -> Graph:
    """The graph of a process; `element_ids` and `definitions` by BPMN element id, as they were stored.

    `tags` are those of user tasks, by BPMN element id.

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
            terminate=element.terminate,
            called_element=element.called_element,
            task_type=element.task_type,
            declared_name=element.declared_name,
            timer_text=element.timer_text,
            definition=definitions.get(stored_id),
        )
        nodes[element] = node
        if tags and element.type is ElementType.USER_TASK:
            node.tags = tags.get(element.id)
        if parent:
            parent.children.append(node)
    _connect(elements, nodes)
    for element in elements:
        _attach(nodes[element], [nodes[event] for event in element.attached])
    _link(elements, nodes)
    return Graph(process_id, version, nodes[process.element], {n.element_id: n for n in nodes.values()})


def _connect(elements: list[Element], nodes: Mapping[Element, Node]) -> None:
    flows: dict[SequenceFlow, Flow] = {}
    for element in elements:
        for flow in element.outgoing:
            ends = nodes[flow.source], nodes[flow.target]
            flows[flow] = Flow(flow.id, *ends, flow.name, flow.condition, flow.id == element.default_flow)
    for element in elements:
        nodes[element].outgoing = [flows[flow] for flow in element.outgoing]
        nodes[element].incoming = [flows[flow] for flow in element.incoming]


def _attach(host: Node, events: list[Node]) -> None:
    host.attached = events
    for event in events:
        event.host = host


def _link(elements: list[Element], nodes: Mapping[Element, Node]) -> None:
    catches = {e.link_name: nodes[e] for e in elements if e.type is ElementType.LINK_CATCH_EVENT}
    for element in elements:
        if element.type is ElementType.LINK_THROW_EVENT:
            nodes[element].link = catches[element.link_name]
