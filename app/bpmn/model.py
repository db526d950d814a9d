"""What a BPMN file says, before anything is deployed.

Elements are numbered breadth-first in document order (`Process.elements`), which fixes the order of element ids,
causes and query results.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TypeVar

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


class ElementType(StrEnum):
    """Element types as clients know them (http-api 4.3)."""

    AD_HOC_SUB_PROCESS = "AD_HOC_SUB_PROCESS"
    BUSINESS_RULE_TASK = "BUSINESS_RULE_TASK"
    CALL_ACTIVITY = "CALL_ACTIVITY"
    CANCEL_BOUNDARY_EVENT = "CANCEL_BOUNDARY_EVENT"
    CANCEL_END_EVENT = "CANCEL_END_EVENT"
    COMPENSATION_BOUNDARY_EVENT = "COMPENSATION_BOUNDARY_EVENT"
    COMPENSATION_END_EVENT = "COMPENSATION_END_EVENT"
    COMPENSATION_START_EVENT = "COMPENSATION_START_EVENT"
    COMPENSATION_THROW_EVENT = "COMPENSATION_THROW_EVENT"
    COMPLEX_GATEWAY = "COMPLEX_GATEWAY"
    CONDITIONAL_BOUNDARY_EVENT = "CONDITIONAL_BOUNDARY_EVENT"
    CONDITIONAL_CATCH_EVENT = "CONDITIONAL_CATCH_EVENT"
    CONDITIONAL_START_EVENT = "CONDITIONAL_START_EVENT"
    ERROR_BOUNDARY_EVENT = "ERROR_BOUNDARY_EVENT"
    ERROR_END_EVENT = "ERROR_END_EVENT"
    ERROR_START_EVENT = "ERROR_START_EVENT"
    ESCALATION_BOUNDARY_EVENT = "ESCALATION_BOUNDARY_EVENT"
    ESCALATION_END_EVENT = "ESCALATION_END_EVENT"
    ESCALATION_START_EVENT = "ESCALATION_START_EVENT"
    ESCALATION_THROW_EVENT = "ESCALATION_THROW_EVENT"
    EVENT_BASED_GATEWAY = "EVENT_BASED_GATEWAY"
    EVENT_SUB_PROCESS = "EVENT_SUB_PROCESS"
    EXCLUSIVE_GATEWAY = "EXCLUSIVE_GATEWAY"
    INCLUSIVE_GATEWAY = "INCLUSIVE_GATEWAY"
    LINK_CATCH_EVENT = "LINK_CATCH_EVENT"
    LINK_THROW_EVENT = "LINK_THROW_EVENT"
    MANUAL_TASK = "MANUAL_TASK"
    MESSAGE_BOUNDARY_EVENT = "MESSAGE_BOUNDARY_EVENT"
    MESSAGE_CATCH_EVENT = "MESSAGE_CATCH_EVENT"
    MESSAGE_END_EVENT = "MESSAGE_END_EVENT"
    MESSAGE_START_EVENT = "MESSAGE_START_EVENT"
    MESSAGE_THROW_EVENT = "MESSAGE_THROW_EVENT"
    MULTIPLE_BOUNDARY_EVENT = "MULTIPLE_BOUNDARY_EVENT"
    MULTIPLE_CATCH_EVENT = "MULTIPLE_CATCH_EVENT"
    MULTIPLE_END_EVENT = "MULTIPLE_END_EVENT"
    MULTIPLE_START_EVENT = "MULTIPLE_START_EVENT"
    MULTIPLE_THROW_EVENT = "MULTIPLE_THROW_EVENT"
    NONE_END_EVENT = "NONE_END_EVENT"
    NONE_START_EVENT = "NONE_START_EVENT"
    NONE_THROW_EVENT = "NONE_THROW_EVENT"
    PARALLEL_GATEWAY = "PARALLEL_GATEWAY"
    PARALLEL_MULTIPLE_BOUNDARY_EVENT = "PARALLEL_MULTIPLE_BOUNDARY_EVENT"
    PARALLEL_MULTIPLE_CATCH_EVENT = "PARALLEL_MULTIPLE_CATCH_EVENT"
    PARALLEL_MULTIPLE_START_EVENT = "PARALLEL_MULTIPLE_START_EVENT"
    PROCESS = "PROCESS"
    RECEIVE_TASK = "RECEIVE_TASK"
    SCRIPT_TASK = "SCRIPT_TASK"
    SEND_TASK = "SEND_TASK"
    SERVICE_TASK = "SERVICE_TASK"
    SIGNAL_BOUNDARY_EVENT = "SIGNAL_BOUNDARY_EVENT"
    SIGNAL_CATCH_EVENT = "SIGNAL_CATCH_EVENT"
    SIGNAL_END_EVENT = "SIGNAL_END_EVENT"
    SIGNAL_START_EVENT = "SIGNAL_START_EVENT"
    SIGNAL_THROW_EVENT = "SIGNAL_THROW_EVENT"
    SUB_PROCESS = "SUB_PROCESS"
    TASK = "TASK"
    TIMER_BOUNDARY_EVENT = "TIMER_BOUNDARY_EVENT"
    TIMER_CATCH_EVENT = "TIMER_CATCH_EVENT"
    TIMER_START_EVENT = "TIMER_START_EVENT"
    TRANSACTION = "TRANSACTION"
    USER_TASK = "USER_TASK"


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


@dataclass(frozen=True, slots=True)
class Expression:
    """A text of the file that may be evaluated."""

    text: str
    language: str = ""
    """As the file states it for this text."""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The marker of an activity that is performed several times (BPMN 2.0.2, 10.3.8)."""

    multi: bool
    """True for a multi-instance, False for a standard loop."""
    sequential: bool = False
    """One after the other, as in every standard loop."""
    cardinality: Expression | None = None
    literal: int | None = None
    """The cardinality where it is a number."""
    collection: str = ""
    """The variable whose items the instances are for; the other three are names of variables, too."""
    item: str = ""
    output_collection: str = ""
    output_item: str = ""
    condition: Expression | None = None
    """That of completion, or of a standard loop the one to go on."""
    test_before: bool = False
    maximum: int | None = None
    behavior: str = "All"


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
    """The text of the condition, cut to MAX_NAME_LENGTH."""

    @property
    def place(self) -> Place:
        return Place(self.line, self.column)

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
    """Id of the default sequence flow; only exclusive and inclusive gateways go by it."""
    direction: str = ""
    """`gatewayDirection` as stated."""
    attached_to: Element | None = None
    """The activity of a boundary event."""
    attached: Sequence[Element] = ()
    """The boundary events of an activity, in document order."""
    interrupting: bool = True
    """False for a boundary event with `cancelActivity="false"`; error boundary events always interrupt."""
    says_interrupting: bool = True
    """What `cancelActivity` says, whether it counts or not."""
    loop: Loop | None = None
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
    refused: bool = False
    """True where a construct can't be executed; the type may be a stand-in then."""
    problems: Sequence[Problem] = ()

    def add_child(self, child: Element) -> None:
        self.children = _with(self.children, child)

    def attach(self, event: Element) -> None:
        self.attached = _with(self.attached, event)

    def report(self, problem: Problem) -> None:
        self.problems = _with(self.problems, problem)

    @property
    def place(self) -> Place:
        return Place(self.line, self.column)

    @property
    def pointer(self) -> str:
        """`/` and the ids from the process down to the element (http-api 2.4)."""
        return (self.parent.pointer if self.parent else "") + "/" + self.id


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
    prefixes: frozenset[str] = frozenset()
    """Prefixes that the file binds to a namespace."""
    startable: Mapping[str, bool] = field(default_factory=dict)
    """All processes of the file by id: whether they have a none start event."""

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
