"""The rows of the engine as plain objects.

Records are `slots=True, eq=False`: identity counts. A new record points at the records it belongs to
(`job.token`, `token.parent`) and has id 0; saving gives the id and fills the `..._id` fields. A loaded
record has its ids, and points at other records only where these were loaded with it.
Empty texts are None. Times are naive UTC with millisecond precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from app.bpmn.model import ElementType, EventDefinition
from app.engine.graph import Node
from app.engine.types import InstanceState, JobType, MessageResult, TaskType, UserTaskState, WorkState
from app.errors import Cause
from app.timer import Timer

if TYPE_CHECKING:
    from app.engine.elements.base import Behavior

READY, DONE = "READY", "DONE"
"""Of what has completed: it can be compensated, or that has begun."""
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True, eq=False, kw_only=True)
class DeployedProcess:
    """A deployed process version."""

    id: int = 0
    bpmn_collaboration_id: str | None = None
    bpmn_participant_id: str | None = None
    bpmn_participant_name: str | None = None
    bpmn_process_id: str
    bpmn_xml: str = ""
    created_at: datetime
    created_by: str
    parallelism: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    version: str
    expressions: str | None = None
    """ENGINE where the engine evaluates expressions; None where workers decide."""
    warnings: Sequence[Cause] = ()
    """What is odd about the model; known when it is deployed, and not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedPart:
    """One of several definitions of an event of a deployed process version."""

    definition: EventDefinition | None = None
    suspended: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class DeployedElement:
    """An element of a deployed process version, with its event definition."""

    id: int = 0
    process: DeployedProcess | None = None
    process_id: int = 0
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    bpmn_element_type: ElementType
    parent_bpmn_element_id: str | None = None
    task_type: str = ""
    """Which workers it is for, where the file says so."""
    definition: EventDefinition | None = None
    """The first one where it has several."""
    parts: Sequence[DeployedPart] = ()
    """All of these."""
    instantiates: bool = False
    """Whether what is defined starts instances."""
    multi_instance: bool = False
    suspended: bool = False
    """True for the definition of a start event that a newer version has replaced."""


@dataclass(slots=True, eq=False, kw_only=True)
class ProcessInstance:
    partition: date
    id: int = 0
    parent: ProcessInstance | None = None
    parent_id: int | None = None
    root_id: int | None = None
    """The topmost instance; None for a root itself."""
    message_id: int | None = None
    """The message that started it."""
    process_id: int
    bpmn_process_id: str
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    started_at: datetime | None = None
    state: InstanceState
    tags: dict[str, str] = field(default_factory=dict)
    version: str
    revision: int = 0
    existing: bool = False
    """It was there before, and is the answer to who wanted to start another one; not kept."""


@dataclass(slots=True, eq=False, kw_only=True)
class QueueEntry:
    """A queued process instance whose turn has not come."""

    partition: date
    process_instance_id: int
    bpmn_process_id: str
    process_id: int
    created_at: datetime


@dataclass(slots=True, eq=False, kw_only=True)
class Queue:
    """The queue of a process with a limit on parallelism, read under its lock."""

    bpmn_process_id: str
    parallelism: int = 0
    """0 is without limit; DRAINING was lifted, but instances are queued still: these go first."""
    active: int = 0
    """Instances that have a slot: all that have not ended and have no entry. Kept only while there is a limit."""
    entries: list[QueueEntry] = field(default_factory=list)
    """The first ones, in the order of the queue."""
    more: bool = False
    """Whether there may be others behind these."""
    own: list[QueueEntry] = field(default_factory=list)
    """Those of instances that were asked for, wherever they stand; they are not among the others."""


DRAINING = -1


@dataclass(slots=True, eq=False, kw_only=True)
class ElementInstance:
    """One visit of an element; while it is moved it is called token."""

    partition: date
    id: int = 0
    node: Node
    instance: ProcessInstance
    parent: ElementInstance | None = None
    """The scope; for the PROCESS of a called instance, the call activity of the caller."""
    parent_id: int | None = None
    prev: ElementInstance | None = None
    prev_id: int | None = None
    """The visit it came from, which for what is attached is its host."""
    prev_element_id: int | None = None
    host: ElementInstance | None = None
    """What it is attached to: of a boundary event its activity, of an event behind an event-based gateway the gateway,
    of a start event that waits its scope, of a compensation handler the event that compensates."""
    host_id: int | None = None
    incoming: int | None = None
    """Of several incoming flows the one that it came on, by its place among them."""
    undoes: ElementInstance | None = None
    """Of a compensation event sub-process, what it undoes; its id is the context."""
    context: str | None = None
    """Error or escalation code, message or signal name it was configured with; an empty code is a code."""
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    started_at: datetime | None = None
    state: InstanceState
    active_children: int = 0
    """How many element instances in this scope have not ended, but for start events that wait."""
    active_handlers: int = 0
    """How many of these are event sub-processes."""
    waiting_joins: int = 0
    """How many tokens in this scope wait at inclusive or complex gateways for others."""
    pending_events: int = 0
    """How many attached or following events a job must still define before this can start."""
    multi_instance: bool = False
    """Whether it is the body of a multi-instance activity."""
    loop_counter: int | None = None
    """Of an inner instance its number, from 1; of a multi-instance's body how many have started."""
    loop_cardinality: int | None = None
    """How many inner instances the body wants."""
    loop_completed: int = 0
    """How many inner instances of the body have completed."""
    compensation: str | None = None
    """READY once it has completed and can be compensated, DONE when that has begun."""

    @property
    def behavior(self) -> Behavior:
        """What its element does; of a body, what the marker of its element does."""
        body = self.node.body
        return self.node.behavior if body is None or self.is_inner else body

    @property
    def leaves(self) -> tuple[type[Any], ...]:
        """Records of open work and subscriptions that it may leave behind when it ends from outside."""
        node = self.node
        found = self.behavior.leaves
        evaluates = node.programs or node.evaluates_flows or node.variables_in or node.variables_out
        if evaluates and Task not in found:
            found = (*found, Task)
        if node.host is not None and self.state is InstanceState.STARTED:
            # An attached event has happened, and stays until it is decided which flows it leaves by.
            return tuple(kind for kind in found if kind is not Job)
        return (*found, Job) if node.has_conditions and Job not in found else found

    @property
    def waits_at_join(self) -> bool:
        """Whether it waits at an inclusive or complex gateway until no other token can get there."""
        if not self.node.is_join or self.state is not InstanceState.STARTED:
            return False
        return self.behavior.waits_to_join(self)

    @property
    def is_inner(self) -> bool:
        """Whether it is one of the instances inside of an activity that has a loop or multi-instance marker."""
        return self.parent is not None and self.parent.node is self.node

    @property
    def is_body(self) -> bool:
        """Whether it is what these are inside of."""
        return self.node.loop is not None and not self.is_inner

    @property
    def duration_ms(self) -> int | None:
        """How long it has lasted from its start to its end."""
        if self.ended_at is None or self.started_at is None:
            return None
        return (self.ended_at - self.started_at) // _MILLISECOND


@dataclass(slots=True, eq=False, kw_only=True)
class ElementVisit:
    """An element instance as queries show it."""

    partition: date
    id: int
    parent_id: int | None
    element_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    bpmn_element_type: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    started_at: datetime | None
    state: str
    prev_id: int | None = None
    multi_instance: bool = False
    loop_counter: int | None = None
    prev_bpmn_element_id: str | None = None
    """The element that `prev_id` is a visit of; known where it was asked for."""


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    partition: date
    id: int = 0
    token: ElementInstance | None = None
    node: Node | None = None
    """Its element; known where the graph of its process version is at hand."""
    element_id: int
    element_instance_id: int = 0
    process_id: int
    process_instance_id: int = 0
    bpmn_element_id: str
    completed_at: datetime | None = None
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    due_at: datetime
    error: str | None = None
    locked_at: datetime | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    """When the lock ends by itself: it is a lease then. None for one that is held until it is given back."""
    retry_count: int = 0
    state: WorkState = WorkState.CREATED
    type: JobType
    detached: bool = False
    """Its element instance has ended: never handed out by polling, CANCELED when completed."""
    variables: Sequence[VariableView] = ()
    """What it sees; known when it was asked for."""
    lock_version: int = 0
    """How often it was locked: tells the locks of one worker id apart."""


@dataclass(slots=True, eq=False, kw_only=True)
class Task:
    partition: date
    id: int = 0
    instance: ProcessInstance | None = None
    token: ElementInstance | None = None
    process: DeployedProcess | None = None
    """The process version that is created with it."""
    element: DeployedElement | None = None
    """The start event that is created with it."""
    origin: Message | Signal | None = None
    """The message or signal that is created with it; its id goes into the parameters."""
    called: ProcessInstance | None = None
    """What has been called and has ended; its id goes into the parameters."""
    timer: Timer | None = None
    """With `origin`: the expiration timer of the message."""
    part: int | None = None
    """With `origin`: which of several definitions of the event it is for."""
    element_id: int | None = None
    element_instance_id: int | None = None
    process_id: int | None = None
    process_instance_id: int | None = None
    bpmn_element_id: str | None = None
    completed_at: datetime | None = None
    created_at: datetime
    created_by: str
    due_at: datetime
    error: str | None = None
    locked_at: datetime | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    repetitions: int | None = None
    """How often a timer may still fire, this time included; None is without limit."""
    retry_count: int = 0
    serialized_task: str | None = None
    state: WorkState = WorkState.CREATED
    type: TaskType
    detached: bool = False
    interruptions: int = 0
    """How often in a row its execution was given up for a reason that is not its own, such as a lost connection."""


@dataclass(slots=True, eq=False, kw_only=True)
class UserTask:
    partition: date
    id: int = 0
    revision: int = 1
    token: ElementInstance | None = None
    element_id: int
    element_instance_id: int = 0
    process_id: int
    process_instance_id: int = 0
    bpmn_element_id: str
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    state: UserTaskState = UserTaskState.STARTED
    tags: dict[str, str] = field(default_factory=dict)
    updated_at: datetime
    updated_by: str


@dataclass(slots=True, eq=False, kw_only=True)
class Incident:
    partition: date
    id: int = 0
    task: Task | None = None
    """The one that has failed, where that is new itself."""
    element_id: int | None = None
    element_instance_id: int | None = None
    job_id: int | None = None
    process_id: int | None = None
    process_instance_id: int | None = None
    task_id: int | None = None
    created_at: datetime
    created_by: str
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    bpmn_process_id: str | None = None
    bpmn_element_id: str | None = None
    error: str | None = None
    """That of its job or task."""
    error_id: str | None = None
    """Incidents with equal ones have failed in the same way."""


@dataclass(slots=True, eq=False, kw_only=True)
class Variable:
    """A process variable, or an element variable where `element_instance_id` is set."""

    partition: date
    id: int = 0
    instance: ProcessInstance | None = None
    token: ElementInstance | None = None
    element_id: int | None = None
    element_instance_id: int | None = None
    process_id: int
    process_instance_id: int = 0
    created_at: datetime
    created_by: str
    encoding: str
    encrypted: bool = False
    name: str
    updated_at: datetime
    updated_by: str
    value: str = field(default="", repr=False)
    """As stored: cipher text where `encrypted`."""


@dataclass(slots=True, eq=False, kw_only=True)
class VariableView:
    """A variable as reads answer it: clear text, and for element variables the element it is stored at."""

    bpmn_element_id: str | None = None
    name: str
    encoding: str
    encrypted: bool
    value: str = field(repr=False)
    error: str = ""
    """Why there is no clear text."""


class Start(NamedTuple):
    """What a message, signal or timer starts a process by."""

    element_id: int
    process_id: int
    bpmn_element_id: str
    part: int | None = None
    """Of an event with several definitions, which one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who gets a message: an element that waits for it in an instance, or the process that it starts."""

    partition: date | None = None
    process_instance_id: int | None = None
    bpmn_element_id: str | None = None
    bpmn_process_id: str | None = None
    version: str | None = None
    task_partition: date | None = None
    task_id: int | None = None
    """The task that delivers it."""


@dataclass(slots=True, eq=False, kw_only=True)
class Message:
    id: int = 0
    correlation_key: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    correlated: bool = False
    name: str
    unique_key: str | None = None
    key_freed: bool = False
    """The instance it started has ended: another message may have its unique key."""
    result: MessageResult | None = None
    """What has become of it when it was sent, and by `receiver` who gets it; known then, and not kept."""
    receiver: Receiver | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class MessageSubscription:
    id: int = 0
    partition: date
    token: ElementInstance | None = None
    element_id: int
    element_instance_id: int = 0
    process_id: int
    process_instance_id: int = 0
    bpmn_element_id: str
    correlation_key: str
    created_at: datetime
    created_by: str
    name: str
    part: int | None = None
    """Of an event with several definitions, which one it is for."""


@dataclass(slots=True, eq=False, kw_only=True)
class Signal:
    id: int = 0
    created_at: datetime
    created_by: str
    name: str
    subscriber_count: int = 0
    active_subscriber_count: int = 0
    """Subscribers whose trigger has not run yet; the signal is kept until there is none."""


@dataclass(slots=True, eq=False, kw_only=True)
class SignalSubscription:
    id: int = 0
    partition: date
    token: ElementInstance | None = None
    element_id: int
    element_instance_id: int = 0
    process_id: int
    process_instance_id: int = 0
    bpmn_element_id: str
    created_at: datetime
    created_by: str
    name: str
    part: int | None = None
    """Of an event with several definitions, which one it is for."""


@dataclass(slots=True, eq=False, kw_only=True)
class EventVariable:
    """A variable that travels with a message or signal; without encoding it deletes on delivery."""

    id: int = 0
    owner_id: int = 0
    """Id of the message or signal."""
    encoding: str | None = None
    encrypted: bool = False
    name: str
    value: str | None = field(default=None, repr=False)
