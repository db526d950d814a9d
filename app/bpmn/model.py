"""What a BPMN file says, before anything is deployed.

Elements are numbered breadth-first in document order (`Process.elements`), which fixes the order of element ids,
causes and query results.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from app.bpmn.kinds import MAY_BEGIN, START_EVENTS, TRIGGERED_START_EVENTS
from app.bpmn.kinds import ElementType as ElementType
from app.bpmn.reader import NOWHERE, Place
from app.errors import Cause
from app.timer import Timer

Item = TypeVar("Item")

MAX_ID_LENGTH = 255
"""Of ids, and of everything that is looked up by its text: names of messages and signals, codes, links. What is longer
could not be kept in an index of every database.
"""
MAX_CALLED_LENGTH = 2 * MAX_ID_LENGTH + 1
"""Of a called element: an id, a colon, and a version."""
MAX_NAME_LENGTH = 4000
"""Of a name that is only shown."""
MAX_EXPRESSION_LENGTH = 4096

T = ElementType
_FLOWING = frozenset({T.PROCESS, T.SUB_PROCESS, T.TRANSACTION})
"""Scopes that may begin without anything that triggers them, or selects what begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDefinition:
    """What an event reacts to or throws. Exactly the field that fits the element's type is set.

    An empty error or escalation code is legal and catches every code. A timer carries how often it may
    fire in `Timer.repetitions`.
    """

    error_code: str | None = None
    escalation_code: str | None = None
    message_name: str | None = None
    signal_name: str | None = None
    timer: Timer | None = None

    @property
    def name(self) -> str | None:
        """The code, or the name of the message or signal; None for a timer."""
        names = (self.error_code, self.escalation_code, self.message_name, self.signal_name)
        return next((name for name in names if name is not None), None)


@dataclass(frozen=True, slots=True)
class Expression:
    """A text that gives a decision or a value, as it is written; cut to MAX_EXPRESSION_LENGTH."""

    text: str
    """Not empty, without white space around it."""
    language: str = ""
    """What the attribute says, or empty."""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One of several event definitions of an event, or of the events that a multi-instance throws."""

    type: ElementType
    """Of an event that had nothing but this definition."""
    definition: EventDefinition | None = None
    condition: Expression | None = None
    """Of a conditional event definition; of an event that is thrown: when it is."""
    unread_timer: tuple[str, str] | None = None
    """Tag and text of a timer that is no literal."""
    timer_text: tuple[str, str] | None = None
    """Like the next ones as that of an event which had nothing but this definition."""
    declared_name: str = ""
    correlation_key: Expression | None = None
    error_code_variable: str = ""
    error_message_variable: str = ""
    escalation_code_variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The marker of an activity that is repeated (BPMN 2.0.2, 10.3.8)."""

    multi: bool
    """Whether it is a multi-instance, and not a standard loop."""
    sequential: bool = False
    """One after the other, as all instances of a standard loop are."""
    cardinality: Expression | None = None
    literal: int | None = None
    """The cardinality, where it is a literal."""
    collection: str = ""
    """Name of the variable with the items; like the next three empty where there is none."""
    item: str = ""
    output_collection: str = ""
    output_item: str = ""
    condition: Expression | None = None
    """`completionCondition` of a multi-instance, `loopCondition` of a standard loop."""
    test_before: bool = False
    maximum: int | None = None
    behavior: str = "All"
    """Which instances throw `events`: `All` (none of them), `None` (each), `One` (the first), `Complex`."""
    events: Sequence[Part] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Something the parser won't accept, as a cause at `base` or at a sequence flow that hangs below it."""

    type: str
    detail: str
    base: Element
    place: Place
    flow_id: str | None = None

    def cause(self) -> Cause:
        below = "" if self.flow_id is None else f"/{self.flow_id}"
        return Cause(self.base.pointer + below, self.type, self.detail, "", *self.place)


@dataclass(slots=True, eq=False)
class SequenceFlow:
    id: str
    source: Element
    target: Element
    scope: Element
    """Where it is drawn; its pointer hangs below that."""
    line: int
    column: int
    conditional: bool = False
    name: str = ""
    condition: str = ""
    """The text of the condition; of one that is longer than MAX_EXPRESSION_LENGTH one character more."""
    language: str = ""
    """That the condition says it is written in."""

    @property
    def place(self) -> Place:
        return Place(self.line, self.column)

    @property
    def is_default(self) -> bool:
        return self.id == self.source.default_flow

    @property
    def is_chosen(self) -> bool:
        """Whether its condition counts: that of a default flow does not (BPMN 2.0.2, 10.6.2)."""
        return self.conditional and not self.is_default

    @property
    def pointer(self) -> str:
        return f"{self.scope.pointer}/{self.id[:MAX_ID_LENGTH]}"


@dataclass(slots=True, eq=False, kw_only=True)
class Element:
    """A process or a flow node as drawn."""

    id: str
    """Without white space around it, and cut where it is too long to be accepted."""
    written_id: str
    """The id as the file has it: earlier versions have stored it like that."""
    type: ElementType
    name: str = ""
    line: int = 0
    column: int = 0
    parent: Element | None = None
    children: Sequence[Element] = ()
    incoming: list[SequenceFlow] = field(default_factory=list)
    outgoing: list[SequenceFlow] = field(default_factory=list)
    default_flow: str = ""
    """Id of the default sequence flow; what chooses among its outgoing flows goes by it."""
    direction: str = ""
    """`gatewayDirection` as stated."""
    attached_to: Element | None = None
    """The activity of a boundary event."""
    attached: Sequence[Element] = ()
    """The boundary events of an activity, in document order."""
    interrupting: bool = True
    """False for a boundary event with `cancelActivity="false"`, and for the start event of an event sub-process with
    `isInterrupting="false"`; error boundary events always interrupt.
    """
    says_interrupting: bool = True
    """What the attribute says, whether it counts or not."""
    terminate: bool = False
    """True for an end event with a terminate definition; its type is NONE_END_EVENT."""
    called_element: str = ""
    task_type: str = ""
    """Which workers a task is for, as `zeebe:taskDefinition` or `camunda:topic` say; cut to MAX_ID_LENGTH."""
    declared_name: str = ""
    """Name of the message, signal, error or escalation that an event refers to; cut to MAX_NAME_LENGTH."""
    timer_text: tuple[str, str] | None = None
    """Tag and text of the timer of an event, whether it can be used or not; cut to MAX_NAME_LENGTH."""
    link_name: str = ""
    definition: EventDefinition | None = None
    """From the XML; None where the XML has none that can be used."""
    definition_cause: Cause | None = None
    """Why the XML's definition can't be used; it counts unless the request overrides the definition."""
    unread_timer: tuple[str, str] | None = None
    """Tag and text of a timer that is no literal."""
    incoming_ids: list[str] = field(default_factory=list)
    """Ids of all flows that are said to end here, those without a source included; `outgoing_ids` alike."""
    outgoing_ids: list[str] = field(default_factory=list)
    instantiate: bool = False
    """Of a receive task or an event-based gateway: whether it starts the process."""
    parallel: bool = False
    """Of an event-based gateway: whether all events are waited for."""
    start_quantity: int = 1
    completion_quantity: int = 1
    loop: Loop | None = None
    condition: Expression | None = None
    """Of a conditional event; when a complex gateway is activated, or an ad-hoc sub-process completes."""
    sequential: bool = False
    """Of an ad-hoc sub-process: whether its activities are performed one after the other."""
    cancel_remaining: bool = True
    """Of an ad-hoc sub-process: whether it ends what is active when it completes."""
    is_compensation: bool = False
    """Whether an activity is outside the flow, and undoes another one."""
    handler: Element | None = None
    """The activity that a compensation boundary event leads to."""
    activity_ref: Element | None = None
    """What a compensation throw or end event undoes, if it is one activity only."""
    waits: bool = True
    """Of a compensation throw event: whether it goes on when all handlers have ended."""
    parts: Sequence[Part] = ()
    """The definitions of an event that has several, in document order."""
    parallel_multiple: bool = False
    """Whether all parts must occur."""
    global_task: ElementType | None = None
    """Of a call activity that calls a global task of the file: the type of task it is done as."""
    correlation_key: Expression | None = None
    """Of a message that is waited for or sent: what gives its key, where the engine evaluates."""
    inputs: Sequence[str] = ()
    """Names of the variables that such a message carries when it is sent."""
    variables_in: str = ""
    """Which variables a call passes on: `all`, `none`, or empty where the file doesn't say; `variables_out` alike."""
    variables_out: str = ""
    error_code_variable: str = ""
    """Where an event that catches puts what it has caught, like the next two; empty for nowhere."""
    error_message_variable: str = ""
    escalation_code_variable: str = ""
    renamed: Sequence[tuple[str, str]] = ()
    """Names of data that no variable can have, with the variables that they mean."""
    refused: bool = False
    """True where a construct can't be executed; the type may be a stand-in then."""
    problems: Sequence[Problem] = ()

    def add_child(self, child: Element) -> None:
        self.children = _with(self.children, child)

    def attach(self, event: Element) -> None:
        self.attached = _with(self.attached, event)

    def rename(self, name: str, variable: str) -> None:
        """Notes which variable data means that has a name, if that is not the name of the variable."""
        if name:
            self.renamed = _with(self.renamed, (name, variable))

    def report(self, problem: Problem) -> None:
        self.problems = _with(self.problems, problem)

    @property
    def place(self) -> Place:
        return Place(self.line, self.column)

    @property
    def pointer(self) -> str:
        """`/` and the ids from the process down to the element (http-api 2.4)."""
        return (self.parent.pointer if self.parent else "") + "/" + self.id

    @property
    def with_parts(self) -> tuple[Element | Part, ...]:
        """The element, and the definitions of an event that has several."""
        return (self, *self.parts)

    @property
    def instantiates(self) -> bool:
        """Whether what it waits for starts the process (BPMN 2.0.2, 13.2)."""
        if self.type in TRIGGERED_START_EVENTS or self.type is T.MULTIPLE_START_EVENT:
            return self.parent is not None and self.parent.type is T.PROCESS
        if self.type is T.RECEIVE_TASK and self.instantiate:
            return True
        return any(flow.source.instantiate and flow.source.type is T.EVENT_BASED_GATEWAY for flow in self.incoming)

    def start_nodes(self) -> list[Element]:
        """Where the process or sub-process begins when nothing has triggered it, in document order.

        That is at its none start events, which are alternatives. A scope without start events begins at all activities,
        gateways and intermediate events without incoming flows (BPMN 2.0.2, 13.2 and 13.3.4).
        """
        starts = [child for child in self.children if child.type in START_EVENTS]
        if starts or self.type not in _FLOWING or any(child.instantiate for child in self.children):
            return [child for child in starts if child.type is T.NONE_START_EVENT]
        return [child for child in self.children if child.type in MAY_BEGIN and child.begins]

    @property
    def is_empty(self) -> bool:
        """Whether it is a sub-process or transaction without any node, as drawings have them that show no content."""
        return self.type in _FLOWING and self.parent is not None and not self.children

    @property
    def begins(self) -> bool:
        """Whether no flow leads to it, and it is no handler of a compensation."""
        return not self.incoming and not self.is_compensation


def _with(items: Sequence[Item], item: Item) -> Sequence[Item]:
    """The items and one more. Few elements have any, so that lists are made where they are needed."""
    if not items:
        return [item]
    assert isinstance(items, list)
    items.append(item)
    return items


@dataclass(frozen=True, slots=True, eq=False)
class Leftover:
    """An `incoming` or `outgoing` child (`role`) that names no sequence flow of the process, and is ignored."""

    element: Element
    role: str
    flow_id: str
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Nameless:
    """A message or signal (`tag`) without a name that no event refers to."""

    tag: str
    id: str
    place: Place


@dataclass(eq=False, kw_only=True)
class Process:
    """One process of a file, as drawn and stated."""

    element: Element
    check: Callable[[Process], list[Cause]]
    """The rules it must satisfy."""
    executable: bool = True
    collaboration_id: str = ""
    collaboration_place: Place = NOWHERE
    participant_id: str = ""
    participant_name: str = ""
    participant_place: Place = NOWHERE
    leftovers: list[Leftover] = field(default_factory=list)
    nameless: Sequence[Nameless] = ()
    doubled_ids: list[tuple[str, Place]] = field(default_factory=list)
    """Ids that parts without influence on the execution share with others, with the place of the second use."""
    unknown: list[tuple[str, Place]] = field(default_factory=list)
    """Elements that are skipped though they are none of BPMN's, by their names, with their places."""
    extensions: Sequence[tuple[str, Place]] = ()
    """Extensions that the file says must be understood, by what defines them, with their places."""
    prefixes: frozenset[str] = frozenset()
    """Prefixes that the file binds to a namespace."""
    startable: Mapping[str, bool] = field(default_factory=dict)
    """All processes of the file by id: whether something else than an event may start them."""
    expression_language: str = ""
    """The language of expressions that name none."""
    evaluates: bool = False
    """Whether it was read for an engine that evaluates expressions: then some names of other tools count, too."""

    @cached_property
    def causes(self) -> list[Cause]:
        """Everything that is wrong about the process; looked for when it is asked for."""
        return self.check(self)

    def elements(self) -> Iterator[Element]:
        """The process and its elements, breadth-first in document order."""
        return iter(self._numbered)

    def of_types(self, types: Collection[ElementType]) -> Iterator[Element]:
        """The elements that have one of the types."""
        return (element for element in self._numbered if element.type in types)

    @cached_property
    def _numbered(self) -> list[Element]:
        found = level = [self.element]
        while level:
            level = [child for element in level for child in element.children]
            found = found + level
        return found
