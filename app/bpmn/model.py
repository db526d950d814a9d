"""What a BPMN file says, before anything is deployed.

A `Model` holds the executable processes of one file. Elements are numbered breadth-first in document
order (`Process.elements`), which fixes the order of element ids, causes and query results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import Cause
from app.timer import Timer


class ElementType(StrEnum):
    """Element types as clients know them (http-api 4.3)."""

    BUSINESS_RULE_TASK = "BUSINESS_RULE_TASK"
    CALL_ACTIVITY = "CALL_ACTIVITY"
    ERROR_BOUNDARY_EVENT = "ERROR_BOUNDARY_EVENT"
    ERROR_END_EVENT = "ERROR_END_EVENT"
    ESCALATION_BOUNDARY_EVENT = "ESCALATION_BOUNDARY_EVENT"
    ESCALATION_END_EVENT = "ESCALATION_END_EVENT"
    ESCALATION_THROW_EVENT = "ESCALATION_THROW_EVENT"
    EVENT_BASED_GATEWAY = "EVENT_BASED_GATEWAY"
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
    NONE_END_EVENT = "NONE_END_EVENT"
    NONE_START_EVENT = "NONE_START_EVENT"
    NONE_THROW_EVENT = "NONE_THROW_EVENT"
    PARALLEL_GATEWAY = "PARALLEL_GATEWAY"
    PROCESS = "PROCESS"
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


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Something the parser won't accept, as a cause at `base` or at a sequence flow that hangs below it."""

    type: str
    detail: str
    base: Element
    flow_id: str | None = None

    def cause(self) -> Cause:
        below = "" if self.flow_id is None else f"/{self.flow_id}"
        return Cause(self.base.pointer + below, self.type, self.detail)


@dataclass(slots=True, eq=False)
class SequenceFlow:
    id: str
    source: Element
    target: Element


@dataclass(slots=True, eq=False, kw_only=True)
class Element:
    """A process or a flow node as drawn."""

    id: str
    type: ElementType
    name: str = ""
    line: int = 0
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    incoming: list[SequenceFlow] = field(default_factory=list)
    outgoing: list[SequenceFlow] = field(default_factory=list)
    default_flow: str = ""
    """Id of the default sequence flow of an exclusive or inclusive gateway."""
    attached_to: Element | None = None
    """The activity of a boundary event."""
    interrupting: bool = True
    """False for a boundary event with `cancelActivity="false"`; error boundary events always interrupt."""
    terminate: bool = False
    """True for an end event with a terminate definition; its type is NONE_END_EVENT."""
    called_element: str = ""
    link_name: str = ""
    definition: EventDefinition | None = None
    """From the XML; None where the XML has none that can be used."""
    definition_cause: Cause | None = None
    """Why the XML's definition can't be used; it counts unless the request overrides the definition."""
    incoming_ids: list[str] = field(default_factory=list)
    """Ids of all flows that are said to end here, those without a source included; `outgoing_ids` alike."""
    outgoing_ids: list[str] = field(default_factory=list)
    refused: bool = False
    """True where a construct can't be executed; the type may be a stand-in then."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def pointer(self) -> str:
        """`/` and the ids from the process down to the element (http-api 2.4)."""
        return (self.parent.pointer if self.parent else "") + "/" + self.id


@dataclass(slots=True, eq=False, kw_only=True)
class Process:
    """One process of a file, with everything that is wrong about it in `causes`."""

    element: Element
    causes: list[Cause]
    executable: bool = True
    collaboration_id: str = ""
    participant_id: str = ""
    participant_name: str = ""

    def elements(self) -> Iterator[Element]:
        """The process and its elements, breadth-first in document order."""
        pending = deque([self.element])
        while pending:
            element = pending.popleft()
            yield element
            pending.extend(element.children)


@dataclass(slots=True, eq=False, kw_only=True)
class Model:
    processes: list[Process]
