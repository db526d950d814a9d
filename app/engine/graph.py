"""A deployed process version, compiled for walking. Immutable once built, so it may be cached for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.bpmn.model import ElementType, EventDefinition, Loop
from app.engine.slots import Slot, Thrown
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
    parent: Node | None = None
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
    part: int | None = None
    """Of one of several definitions of an event that waits for them, its place among them."""
    parts: Sequence[Node] = ()
    """Of such an event these, each as if the event had nothing but that."""
    parallel_multiple: bool = False
    """Whether all of them must happen."""
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
        for part in self.parts:
            yield from part.names()
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
    def watched(self) -> Sequence[Node]:
        """What of the event waits for a condition: itself, or some of its parts."""
        if self.behavior.trigger is None:
            return ()
        return [each for each in self.parts or (self,) if Slot.CONDITION in each.programs]

    @property
    def recurs(self) -> bool:
        """Whether it is an attached event that may happen any number of times while its host is active."""
        return (self.host is not None or self.starts_handler) and not self.interrupting

    @property
    def stays_subscribed(self) -> bool:
        """Whether it goes on waiting for a message or signal that has come."""
        return self.recurs and not self.parallel_multiple

    @property
    def asked_about(self) -> Node:
        """What a job that defines the event is about: of several parts the only one that a worker has to define."""
        return next((part for part in self.parts if part.is_left_to_job), self)

    @property
    def is_left_to_job(self) -> bool:
        """Whether it is an event that a worker has to define."""
        trigger = self.behavior.trigger
        return trigger is not None and trigger.needs_job(self) and not trigger.is_evaluated(self)

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
            name for node in nodes.values() for each in node.watched for name in each.programs[Slot.CONDITION].names
        )
        """Of variables that events wait for."""
        self.names = frozenset(name for node in nodes.values() for name in node.names())
        """Of variables whose values matter to the walk."""

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self._nodes)

    def node(self, element_id: int) -> Node:
        return self._nodes[element_id]
