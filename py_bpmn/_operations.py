"""The operations of the API and the objects of these. Generated from its OpenAPI document, not to be edited.

Attributes and arguments are the properties of the JSON in snake_case. Partitions are dates, times are in UTC, durations
are timedeltas or texts in ISO 8601. An argument that is None is not sent; `worker_id` is then that of the client. Every
method raises the `ProblemError` that the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from py_bpmn._wire import (
    Model,
    Operation,
    Read,
    read_date,
    read_many,
    read_nothing,
    read_text,
    read_texts,
    read_time,
)

T = TypeVar("T")

ExpressionMode = Literal["ENGINE", "WORKER"]
ElementType = Literal[
    "AD_HOC_SUB_PROCESS",
    "BUSINESS_RULE_TASK",
    "CALL_ACTIVITY",
    "CANCEL_BOUNDARY_EVENT",
    "CANCEL_END_EVENT",
    "COMPENSATION_BOUNDARY_EVENT",
    "COMPENSATION_END_EVENT",
    "COMPENSATION_START_EVENT",
    "COMPENSATION_THROW_EVENT",
    "COMPLEX_GATEWAY",
    "CONDITIONAL_BOUNDARY_EVENT",
    "CONDITIONAL_CATCH_EVENT",
    "CONDITIONAL_START_EVENT",
    "ERROR_BOUNDARY_EVENT",
    "ERROR_END_EVENT",
    "ERROR_START_EVENT",
    "ESCALATION_BOUNDARY_EVENT",
    "ESCALATION_END_EVENT",
    "ESCALATION_START_EVENT",
    "ESCALATION_THROW_EVENT",
    "EVENT_BASED_GATEWAY",
    "EVENT_SUB_PROCESS",
    "EXCLUSIVE_GATEWAY",
    "INCLUSIVE_GATEWAY",
    "LINK_CATCH_EVENT",
    "LINK_THROW_EVENT",
    "MANUAL_TASK",
    "MESSAGE_BOUNDARY_EVENT",
    "MESSAGE_CATCH_EVENT",
    "MESSAGE_END_EVENT",
    "MESSAGE_START_EVENT",
    "MESSAGE_THROW_EVENT",
    "MULTIPLE_BOUNDARY_EVENT",
    "MULTIPLE_CATCH_EVENT",
    "MULTIPLE_END_EVENT",
    "MULTIPLE_START_EVENT",
    "MULTIPLE_THROW_EVENT",
    "NONE_END_EVENT",
    "NONE_START_EVENT",
    "NONE_THROW_EVENT",
    "PARALLEL_GATEWAY",
    "PARALLEL_MULTIPLE_BOUNDARY_EVENT",
    "PARALLEL_MULTIPLE_CATCH_EVENT",
    "PARALLEL_MULTIPLE_START_EVENT",
    "PROCESS",
    "RECEIVE_TASK",
    "SCRIPT_TASK",
    "SEND_TASK",
    "SERVICE_TASK",
    "SIGNAL_BOUNDARY_EVENT",
    "SIGNAL_CATCH_EVENT",
    "SIGNAL_END_EVENT",
    "SIGNAL_START_EVENT",
    "SIGNAL_THROW_EVENT",
    "SUB_PROCESS",
    "TASK",
    "TIMER_BOUNDARY_EVENT",
    "TIMER_CATCH_EVENT",
    "TIMER_START_EVENT",
    "TRANSACTION",
    "USER_TASK",
]
FindingLevel = Literal["ERROR", "WARNING", "NOTE"]
InstanceState = Literal["CANCELED", "COMPLETED", "CREATED", "QUEUED", "STARTED", "SUSPENDED", "TERMINATED"]
OnConflict = Literal["FAIL", "RETURN"]
ProblemType = Literal[
    "BUG",
    "CONFLICT",
    "EXECUTION",
    "FORBIDDEN",
    "HTTP_MEDIA_TYPE",
    "HTTP_REQUEST_BODY",
    "HTTP_REQUEST_URI",
    "NOT_FOUND",
    "PROCESS_MODEL",
    "QUERY",
    "UNAVAILABLE",
    "UNKNOWN",
    "VALIDATION",
]
InstanceGroup = Literal["bpmnProcessId", "version", "state"]
WaitingKind = Literal[
    "CALLED_INSTANCE",
    "CONDITION",
    "INCIDENT",
    "JOB",
    "JOIN",
    "MESSAGE",
    "QUEUED",
    "RETRY",
    "SELECTION",
    "SIGNAL",
    "SUSPENDED",
    "TASK",
    "TIMER",
    "USER_TASK",
]
JobType = Literal[
    "CALL_PROCESS",
    "EVALUATE_ACTIVATION_CONDITION",
    "EVALUATE_COMPLETION_CONDITION",
    "EVALUATE_COMPLEX_GATEWAY",
    "EVALUATE_EXCLUSIVE_GATEWAY",
    "EVALUATE_INCLUSIVE_GATEWAY",
    "EVALUATE_LOOP_CONDITION",
    "EVALUATE_OUTGOING_FLOWS",
    "EXECUTE",
    "PASS_VARIABLES",
    "SELECT_ACTIVITIES",
    "SET_ERROR_CODE",
    "SET_ESCALATION_CODE",
    "SET_LOOP_CARDINALITY",
    "SET_MESSAGE_CORRELATION_KEY",
    "SET_SIGNAL_NAME",
    "SET_TIMER",
    "SUBSCRIBE_MESSAGE",
    "SUBSCRIBE_SIGNAL",
]
TaskType = Literal[
    "DEQUEUE_PROCESS_INSTANCE",
    "EVALUATE_EXPRESSION",
    "JOIN_PARALLEL_GATEWAY",
    "START_PROCESS_INSTANCE",
    "TERMINATE_PROCESS_INSTANCE",
    "TRIGGER_EVENT",
    "CREATE_PARTITION",
    "DETACH_PARTITION",
    "DROP_PARTITION",
    "PURGE_MESSAGES",
    "PURGE_SIGNALS",
]
WorkState = Literal["CANCELED", "CAUSED_INCIDENT", "CAUSED_RETRY", "CREATED", "DONE", "DUE", "LOCKED"]
HistoryKind = Literal[
    "ACTION", "ELEMENT_INSTANCE", "INCIDENT", "JOB", "MESSAGE", "SIGNAL", "TASK", "TIMER", "USER_TASK"
]
MessageResult = Literal["BUFFERED", "DELIVERED", "DISCARDED", "DUPLICATE", "STARTING"]
UserTaskState = Literal["CANCELED", "COMPLETED", "STARTED", "TERMINATED"]
Role = Literal["READER", "WORKER", "OPERATOR", "ADMIN"]
HealthLevel = Literal["OK", "WARN", "ERROR"]


class ErrorDefinition(Model):
    bpmn_element_id: str
    """ID of the event's element within the BPMN XML."""
    error_code: str | None = None
    """Empty catches every error."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "errorCode": ("error_code", None),
    }
    REQUIRED = ("bpmn_element_id",)


class EscalationDefinition(Model):
    bpmn_element_id: str
    """ID of the event's element within the BPMN XML."""
    escalation_code: str | None = None
    """Empty catches every escalation."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "escalationCode": ("escalation_code", None),
    }
    REQUIRED = ("bpmn_element_id",)


class MessageDefinition(Model):
    bpmn_element_id: str
    """ID of the event's element within the BPMN XML."""
    message_name: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "messageName": ("message_name", None),
    }
    REQUIRED = (
        "bpmn_element_id",
        "message_name",
    )


class SignalDefinition(Model):
    bpmn_element_id: str
    """ID of the event's element within the BPMN XML."""
    signal_name: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "signalName": ("signal_name", None),
    }
    REQUIRED = (
        "bpmn_element_id",
        "signal_name",
    )


class Tag(Model):
    name: str
    value: str | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "name": ("name", None),
        "value": ("value", None),
    }
    REQUIRED = ("name",)


class Timer(Model):
    time: datetime | None = None
    """A point in time."""
    time_cycle: str | None = None
    """A cron expression (UTC, 5 to 7 fields) or a macro such as `@daily`."""
    time_duration: timedelta | str | None = None
    """An ISO 8601 duration."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "time": ("time", read_time),
        "timeCycle": ("time_cycle", None),
        "timeDuration": ("time_duration", None),
    }


class TimerDefinition(Model):
    bpmn_element_id: str
    """ID of the event's element within the BPMN XML."""
    timer: Timer

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "timer": ("timer", Timer.read),
    }
    REQUIRED = (
        "bpmn_element_id",
        "timer",
    )


class Warning(Model):
    pointer: str
    """Where it is in the BPMN model."""
    type: str
    """The rule. - `no-start-event`: A process has neither a start event nor anything else to begin with (BPMN 2.0.2,
    10.5.2). - `unreachable`: No path leads from where its scope begins to the element: it is never executed. -
    `link-not-thrown`: Nothing throws the link that a catch event waits for. - `event-without-flow`: An event has no
    sequence flow on a side where it needs one (BPMN 2.0.2, 10.5.2 and 10.5.4). - `implicit-end`: A path ends at
    something else than an end event, though the scope has end events (BPMN 2.0.2, 10.5.3). - `no-end-event`: A
    scope has a start event, but no end event (BPMN 2.0.2, 10.5.3). - `empty-sub-process`: A sub-process has no
    content: it completes at once, and what it stands for is not done. - `endless-loop`: Nothing waits or is decided
    in a loop: an instance that enters it can't go on. - `never-joined`: A parallel gateway waits for several paths
    of which only one is ever taken: it waits for ever. - `single-flow-gateway`: A gateway has neither several
    incoming nor several outgoing sequence flows (BPMN 2.0.2, 10.6.1). - `gateway-direction`: The sequence flows of
    a gateway contradict its gatewayDirection (BPMN 2.0.2, 10.6.1). - `undecidable-gateway`: Conditions do not cover
    all flows of a gateway, or a decision can't tell two flows apart (BPMN 2.0.2, 10.6.2). - `ignored-condition`: A
    condition is not looked at, since its flow is the default flow or the only one. - `ignored-default-flow`: A
    default flow has no effect, since there is nothing else to choose. - `timer-text`: The text of a timer is
    neither a literal nor an expression: a job will ask for the timer. - `never-armed`: A boundary event is attached
    to a task that is over as soon as it begins. - `interrupting-error`: An error boundary event says that it
    doesn't interrupt; it does (BPMN 2.0.2, 10.5.4). - `same-trigger`: Two boundary events of an activity catch the
    same error or escalation: only the first one is triggered. - `throw-without-code`: An error or escalation is
    thrown without a code: only events that catch every code catch it. - `called-process`: A call activity calls a
    process of the file that can't be called, or names it by a prefix. - `leftover-reference`: An element names an
    incoming or outgoing sequence flow that is not drawn: it is ignored. - `nameless-declaration`: A message or
    signal has no name, and no event refers to it. - `duplicate-id`: A part that has no influence on the execution
    has an id that is used before (BPMN 2.0.2, 8.2.1). - `data-name`: The name of data is none that a variable can
    have: the variable has the id as its name. - `must-understand`: The file says that an extension must be
    understood (BPMN 2.0.2, 8.2.3): it is skipped. - `unknown-element`: An element looks like one of BPMN's, but is
    none, or lacks the namespace of the file: it is skipped. - `ignored-implementation`: Code that is to be called:
    a class, an expression, a connector. It has no effect. - `ignored-script`: A script. It has no effect. -
    `ignored-decision`: A decision table that is to be evaluated. It has no effect. - `ignored-mapping`: A mapping
    of variables into an element, or out of it. It has no effect. - `ignored-data-association`: A flow of data
    between elements. It has no effect. - `ignored-called-element`: What a call activity calls, said in an
    extension. It has no effect. - `ignored-called-variables`: Variables that are to be passed to a called process,
    or back. It has no effect. - `ignored-correlation-key`: An expression for the correlation key of a message. It
    has no effect. - `ignored-listener`: Code that is to be called at a stage of an element. It has no effect. -
    `ignored-form`: A form of a user task or start event. It has no effect. - `ignored-assignment`: An assignment of
    a user task that is an expression, or names several groups. It has no effect. - `ignored-schedule`: A due date,
    follow-up date or priority. It has no effect. - `ignored-retries`: How often a failed job is tried again. It has
    no effect. - `ignored-headers`: Fixed values for the worker of a task. It has no effect. - `ignored-evaluation`:
    Conditions, in a model that was made for an engine which evaluates them. It has no effect. - `refused`: The
    version was deployed before; today its model would be refused.
    """
    detail: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "pointer": ("pointer", None),
        "type": ("type", None),
        "detail": ("detail", None),
    }
    REQUIRED = (
        "pointer",
        "type",
        "detail",
    )


class Process(Model):
    id: int
    bpmn_collaboration_id: str | None = None
    bpmn_participant_id: str | None = None
    bpmn_participant_name: str | None = None
    bpmn_process_id: str
    created_at: datetime
    created_by: str
    expressions: ExpressionMode | None = None
    """ENGINE, if the engine evaluates expressions; absent, if workers do."""
    parallelism: int | None = None
    tags: tuple[Tag, ...] = ()
    version: str
    warnings: tuple[Warning, ...] = ()
    """What is odd about the model; given when it is deployed, each time."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "bpmnCollaborationId": ("bpmn_collaboration_id", None),
        "bpmnParticipantId": ("bpmn_participant_id", None),
        "bpmnParticipantName": ("bpmn_participant_name", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "expressions": ("expressions", None),
        "parallelism": ("parallelism", None),
        "tags": ("tags", read_many(Tag)),
        "version": ("version", None),
        "warnings": ("warnings", read_many(Warning)),
    }
    REQUIRED = (
        "id",
        "bpmn_process_id",
        "created_at",
        "created_by",
        "version",
    )


class ProcessRes(Model):
    count: int
    results: tuple[Process, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Process)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Error(Model):
    pointer: str
    """Where it is: in the request body, or in the BPMN model."""
    type: str
    """The rule that is broken."""
    detail: str
    value: str | None = None
    """The value that breaks it."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "pointer": ("pointer", None),
        "type": ("type", None),
        "detail": ("detail", None),
        "value": ("value", None),
    }
    REQUIRED = (
        "pointer",
        "type",
        "detail",
    )


class Ignored(Model):
    construct: str
    count: int
    """How often it is in the file."""
    line: int
    """Where it is first."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "construct": ("construct", None),
        "count": ("count", None),
        "line": ("line", None),
    }
    REQUIRED = (
        "construct",
        "count",
        "line",
    )


class DifferentElement(Model):
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    bpmn_element_type: ElementType
    aspects: tuple[str, ...] = ()
    """What has changed of it; left out where all of it is new or gone."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementName": ("bpmn_element_name", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "aspects": ("aspects", read_texts),
    }
    REQUIRED = (
        "bpmn_element_id",
        "bpmn_element_type",
    )


class Differences(Model):
    process_id: int
    """The newest version that is deployed."""
    version: str
    added: tuple[DifferentElement, ...] = ()
    """Elements that this version does not have."""
    removed: tuple[DifferentElement, ...] = ()
    """Elements that only this version has."""
    changed: tuple[DifferentElement, ...] = ()

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "processId": ("process_id", None),
        "version": ("version", None),
        "added": ("added", read_many(DifferentElement)),
        "removed": ("removed", read_many(DifferentElement)),
        "changed": ("changed", read_many(DifferentElement)),
    }
    REQUIRED = (
        "process_id",
        "version",
    )


class FileFinding(Model):
    level: FindingLevel
    rule: str
    """The rule: the type of an error or a warning, or one of these. - `no-name`: A task, an event with a definition,
    or a gateway that decides has no name. - `forks-and-joins`: A gateway joins and forks, and does not say that it
    is Mixed. - `no-default`: A gateway that decides has no default flow: its worker must decide each time. -
    `unused-declaration`: A message, signal, error or escalation is declared, and nothing refers to it. -
    `alike-names`: Names of two messages or signals differ in case, spaces or punctuation only. - `used-once`: The
    name of a message or signal is thrown and not caught in the file, or that of a signal only caught. -
    `no-diagram`: The file does not draw each element and flow of the process. - `ignored`: Something has no
    influence on the execution.
    """
    detail: str
    pointer: str
    """Where it is in the BPMN model, or in the request body."""
    line: int | None = None
    """Where it is in the BPMN XML."""
    column: int | None = None
    """Where it is in that line, from 1."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "level": ("level", None),
        "rule": ("rule", None),
        "detail": ("detail", None),
        "pointer": ("pointer", None),
        "line": ("line", None),
        "column": ("column", None),
    }
    REQUIRED = (
        "level",
        "rule",
        "detail",
        "pointer",
    )


class CheckedProcess(Model):
    deployable: bool
    """Whether the model would be deployed."""
    bpmn_process_id: str | None = None
    process_id: int | None = None
    """The process that has this version and model already: nothing would be created."""
    errors: tuple[Error, ...] = ()
    """Why it would be refused; as in the problem of a deployment."""
    warnings: tuple[Warning, ...] = ()
    """As in the answer to a deployment."""
    ignored: tuple[Ignored, ...] = ()
    """Everything of the file that has no influence on the execution."""
    differences: Differences | None = None
    """To the newest version, if there is one."""
    findings: tuple[FileFinding, ...] = ()
    """With `findings=true`: errors, warnings and what has no effect, and matters of taste beside them; in the order of
    the file.
    """
    diagram: str | None = None
    """A BPMN XML that can be shown, of a process that can be executed."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "deployable": ("deployable", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "processId": ("process_id", None),
        "errors": ("errors", read_many(Error)),
        "warnings": ("warnings", read_many(Warning)),
        "ignored": ("ignored", read_many(Ignored)),
        "differences": ("differences", Differences.read),
        "findings": ("findings", read_many(FileFinding)),
        "diagram": ("diagram", None),
    }
    REQUIRED = ("deployable",)


class EventTimer(Model):
    time: datetime | None = None
    time_cycle: str | None = None
    """A cron expression, or a repeating interval from the model."""
    time_duration: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "time": ("time", read_time),
        "timeCycle": ("time_cycle", None),
        "timeDuration": ("time_duration", None),
    }
    REQUIRED = ("time_duration",)


class EventDefinition(Model):
    suspended: bool
    """Whether a newer process version has taken the place of this one."""
    error_code: str | None = None
    escalation_code: str | None = None
    message_name: str | None = None
    signal_name: str | None = None
    timer: EventTimer | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "suspended": ("suspended", None),
        "errorCode": ("error_code", None),
        "escalationCode": ("escalation_code", None),
        "messageName": ("message_name", None),
        "signalName": ("signal_name", None),
        "timer": ("timer", EventTimer.read),
    }
    REQUIRED = ("suspended",)


class Element(Model):
    id: int
    process_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    bpmn_element_type: ElementType
    multi_instance: bool | None = None
    """Whether it has a multi-instance marker."""
    parent_bpmn_element_id: str | None = None
    event_definition: EventDefinition | None = None
    event_definitions: tuple[EventDefinition, ...] = ()
    """Of an event with several definitions all of these, in the order of the BPMN file; `eventDefinition` is the first
    one. What a definition does not say, such as a condition, is left out.
    """

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "processId": ("process_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementName": ("bpmn_element_name", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "multiInstance": ("multi_instance", None),
        "parentBpmnElementId": ("parent_bpmn_element_id", None),
        "eventDefinition": ("event_definition", EventDefinition.read),
        "eventDefinitions": ("event_definitions", read_many(EventDefinition)),
    }
    REQUIRED = (
        "id",
        "process_id",
        "bpmn_element_id",
        "bpmn_element_type",
    )


class ElementRes(Model):
    count: int
    results: tuple[Element, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Element)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class ElementInstance(Model):
    partition: date
    id: int
    parent_id: int | None = None
    prev_id: int | None = None
    """The element instance it came from; of a boundary event the one that the event is attached to."""
    prev_bpmn_element_id: str | None = None
    """The BPMN element of that one."""
    element_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    bpmn_element_type: ElementType
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    loop_counter: int | None = None
    """Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1. `parentId` is
    the element instance that it is inside of.
    """
    multi_instance: bool | None = None
    """Whether the instances of a multi-instance activity are inside of it."""
    started_at: datetime | None = None
    state: InstanceState

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "parentId": ("parent_id", None),
        "prevId": ("prev_id", None),
        "prevBpmnElementId": ("prev_bpmn_element_id", None),
        "elementId": ("element_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "endedAt": ("ended_at", read_time),
        "loopCounter": ("loop_counter", None),
        "multiInstance": ("multi_instance", None),
        "startedAt": ("started_at", read_time),
        "state": ("state", None),
    }
    REQUIRED = (
        "partition",
        "id",
        "element_id",
        "process_id",
        "process_instance_id",
        "bpmn_element_id",
        "bpmn_element_type",
        "created_at",
        "created_by",
        "state",
    )


class ElementInstanceRes(Model):
    count: int
    results: tuple[ElementInstance, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(ElementInstance)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Data(Model):
    encoding: str
    """Free text such as `json`; it is not interpreted."""
    encrypted: bool | None = None
    """Whether the value is stored encrypted. Reads return clear text."""
    value: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "encoding": ("encoding", None),
        "encrypted": ("encrypted", None),
        "value": ("value", None),
    }
    REQUIRED = (
        "encoding",
        "value",
    )
    HIDDEN = ("value",)


class ProcessVariable(Model):
    name: str
    data: Data | None = None
    """The variable's data. For a variable deletion, no data must be provided."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "name": ("name", None),
        "data": ("data", Data.read),
    }
    REQUIRED = ("name",)


class StartedProcessInstance(Model):
    partition: date
    id: int
    parent_id: int | None = None
    root_id: int | None = None
    process_id: int
    bpmn_process_id: str
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    started_at: datetime | None = None
    state: InstanceState
    tags: tuple[Tag, ...] = ()
    version: str
    incident_count: int | None = None
    """With `waiting=true`: incidents that are not resolved."""
    waiting_at: tuple[str, ...] = ()
    """With `waiting=true`: BPMN IDs of elements where it waits, 10 at most."""
    variables: tuple[ProcessVariable, ...] = ()
    """With `returnVariables`, once the instance has ended: those of the variables that there are."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "parentId": ("parent_id", None),
        "rootId": ("root_id", None),
        "processId": ("process_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "endedAt": ("ended_at", read_time),
        "startedAt": ("started_at", read_time),
        "state": ("state", None),
        "tags": ("tags", read_many(Tag)),
        "version": ("version", None),
        "incidentCount": ("incident_count", None),
        "waitingAt": ("waiting_at", read_texts),
        "variables": ("variables", read_many(ProcessVariable)),
    }
    REQUIRED = (
        "partition",
        "id",
        "process_id",
        "bpmn_process_id",
        "created_at",
        "created_by",
        "state",
        "version",
    )


class ProcessInstance(Model):
    partition: date
    id: int
    parent_id: int | None = None
    root_id: int | None = None
    process_id: int
    bpmn_process_id: str
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    started_at: datetime | None = None
    state: InstanceState
    tags: tuple[Tag, ...] = ()
    version: str
    incident_count: int | None = None
    """With `waiting=true`: incidents that are not resolved."""
    waiting_at: tuple[str, ...] = ()
    """With `waiting=true`: BPMN IDs of elements where it waits, 10 at most."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "parentId": ("parent_id", None),
        "rootId": ("root_id", None),
        "processId": ("process_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "endedAt": ("ended_at", read_time),
        "startedAt": ("started_at", read_time),
        "state": ("state", None),
        "tags": ("tags", read_many(Tag)),
        "version": ("version", None),
        "incidentCount": ("incident_count", None),
        "waitingAt": ("waiting_at", read_texts),
    }
    REQUIRED = (
        "partition",
        "id",
        "process_id",
        "bpmn_process_id",
        "created_at",
        "created_by",
        "state",
        "version",
    )


class NewProcessInstance(Model):
    bpmn_element_id: str | None = None
    """BPMN ID of the none start event to begin at; needed where the process has several."""
    bpmn_process_id: str
    """BPMN ID of an existing process."""
    correlation_key: str | None = None
    """Optional key, used to correlate a process instance with a business entity."""
    on_conflict: OnConflict | None = None
    """With `uniqueCorrelationKey`: what to do where there is such an instance. `FAIL` answers a problem of type
    CONFLICT that names it in `existing`, `RETURN` answers the instance itself.
    """
    tags: tuple[Tag, ...] = ()
    unique_correlation_key: bool | None = None
    """Whether an instance is created only if no other one of the process, of whatever version, has the same
    correlation key. Instances that have ended, or were called by others, don't count.
    """
    variables: tuple[ProcessVariable, ...] = ()
    """Variables to set at process instance scope."""
    version: str | None = None
    """Version of an existing process; without it, the one that was created last."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "correlationKey": ("correlation_key", None),
        "onConflict": ("on_conflict", None),
        "tags": ("tags", read_many(Tag)),
        "uniqueCorrelationKey": ("unique_correlation_key", None),
        "variables": ("variables", read_many(ProcessVariable)),
        "version": ("version", None),
    }
    REQUIRED = ("bpmn_process_id",)


class Existing(Model):
    partition: date
    id: int

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
    }
    REQUIRED = (
        "partition",
        "id",
    )


class Problem(Model):
    status: int
    """The HTTP status."""
    type: ProblemType
    title: str
    """The action that failed."""
    detail: str
    """The concrete reason."""
    errors: tuple[Error, ...] = ()
    existing: Existing | None = None
    """The process instance that is in the way."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "status": ("status", None),
        "type": ("type", None),
        "title": ("title", None),
        "detail": ("detail", None),
        "errors": ("errors", read_many(Error)),
        "existing": ("existing", Existing.read),
    }
    REQUIRED = (
        "status",
        "type",
        "title",
        "detail",
    )


class CreateProcessInstancesResult(Model):
    status: int
    """The HTTP status that it alone would have got."""
    process_instance: ProcessInstance | None = None
    problem: Problem | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "status": ("status", None),
        "processInstance": ("process_instance", ProcessInstance.read),
        "problem": ("problem", Problem.read),
    }
    REQUIRED = ("status",)


class CreateProcessInstancesRes(Model):
    results: tuple[CreateProcessInstancesResult, ...]
    """In the order of the request."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "results": ("results", read_many(CreateProcessInstancesResult)),
    }
    REQUIRED = ("results",)


class TimeRange(Model):
    from_: datetime | None = None
    """The first point in time of the range."""
    until: datetime | None = None
    """The first point in time after the range."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "from": ("from_", read_time),
        "until": ("until", read_time),
    }


class ProcessInstanceRes(Model):
    count: int
    results: tuple[ProcessInstance, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(ProcessInstance)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class ProcessInstanceCount(Model):
    bpmn_process_id: str | None = None
    version: str | None = None
    process_id: int | None = None
    """The process, where it is known from BPMN process ID and version."""
    state: InstanceState | None = None
    count: int
    incident_count: int
    """Incidents of these instances that are not resolved."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnProcessId": ("bpmn_process_id", None),
        "version": ("version", None),
        "processId": ("process_id", None),
        "state": ("state", None),
        "count": ("count", None),
        "incidentCount": ("incident_count", None),
    }
    REQUIRED = (
        "count",
        "incident_count",
    )


class ProcessInstanceCountRes(Model):
    count: int
    results: tuple[ProcessInstanceCount, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(ProcessInstanceCount)),
    }
    REQUIRED = (
        "count",
        "results",
    )


class WaitingEvent(Model):
    element_instance_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    bpmn_element_type: ElementType
    multi_instance: bool | None = None
    """Whether the instances of a multi-instance activity are inside of it."""
    loop_counter: int | None = None
    """Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1."""
    since: datetime
    kind: WaitingKind
    """What is waited for. `RETRY` is a job that has failed and is not due yet, `TASK` what the engine itself is about
    to do, `JOIN` other tokens, `CONDITION` that a conditional event happens, `SELECTION` that the activity is
    selected in its ad-hoc sub-process.
    """
    job_id: int | None = None
    job_type: JobType | None = None
    task_id: int | None = None
    task_type: TaskType | None = None
    incident_id: int | None = None
    user_task_id: int | None = None
    partition: date | None = None
    """Of the called process instance."""
    process_instance_id: int | None = None
    """The called process instance."""
    state: WorkState | None = None
    """Of the job."""
    due_at: datetime | None = None
    retry_count: int | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    error: str | None = None
    """Of the incident, or the last one of the job."""
    error_id: str | None = None
    name: str | None = None
    """Of the message or signal."""
    correlation_key: str | None = None
    missing: tuple[str, ...] = ()
    """Of a join, the BPMN elements from which tokens have to come; of an inclusive one, those from which they still
    can.
    """
    position: int | None = None
    """In the queue, 1 is the next one; absent where its turn has come."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "elementInstanceId": ("element_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementName": ("bpmn_element_name", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "multiInstance": ("multi_instance", None),
        "loopCounter": ("loop_counter", None),
        "since": ("since", read_time),
        "kind": ("kind", None),
        "jobId": ("job_id", None),
        "jobType": ("job_type", None),
        "taskId": ("task_id", None),
        "taskType": ("task_type", None),
        "incidentId": ("incident_id", None),
        "userTaskId": ("user_task_id", None),
        "partition": ("partition", read_date),
        "processInstanceId": ("process_instance_id", None),
        "state": ("state", None),
        "dueAt": ("due_at", read_time),
        "retryCount": ("retry_count", None),
        "lockedBy": ("locked_by", None),
        "lockedUntil": ("locked_until", read_time),
        "error": ("error", None),
        "errorId": ("error_id", None),
        "name": ("name", None),
        "correlationKey": ("correlation_key", None),
        "missing": ("missing", read_texts),
        "position": ("position", None),
    }
    REQUIRED = (
        "element_instance_id",
        "bpmn_element_id",
        "bpmn_element_type",
        "since",
        "kind",
    )


class Waiting(Model):
    element_instance_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    bpmn_element_type: ElementType
    multi_instance: bool | None = None
    """Whether the instances of a multi-instance activity are inside of it."""
    loop_counter: int | None = None
    """Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1."""
    since: datetime
    kind: WaitingKind
    """What is waited for. `RETRY` is a job that has failed and is not due yet, `TASK` what the engine itself is about
    to do, `JOIN` other tokens, `CONDITION` that a conditional event happens, `SELECTION` that the activity is
    selected in its ad-hoc sub-process.
    """
    job_id: int | None = None
    job_type: JobType | None = None
    task_id: int | None = None
    task_type: TaskType | None = None
    incident_id: int | None = None
    user_task_id: int | None = None
    partition: date | None = None
    """Of the called process instance."""
    process_instance_id: int | None = None
    """The called process instance."""
    state: WorkState | None = None
    """Of the job."""
    due_at: datetime | None = None
    retry_count: int | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    error: str | None = None
    """Of the incident, or the last one of the job."""
    error_id: str | None = None
    name: str | None = None
    """Of the message or signal."""
    correlation_key: str | None = None
    missing: tuple[str, ...] = ()
    """Of a join, the BPMN elements from which tokens have to come; of an inclusive one, those from which they still
    can.
    """
    position: int | None = None
    """In the queue, 1 is the next one; absent where its turn has come."""
    also: tuple[WaitingEvent, ...] = ()
    """The boundary events that wait meanwhile, and the start events of event sub-processes in it."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "elementInstanceId": ("element_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementName": ("bpmn_element_name", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "multiInstance": ("multi_instance", None),
        "loopCounter": ("loop_counter", None),
        "since": ("since", read_time),
        "kind": ("kind", None),
        "jobId": ("job_id", None),
        "jobType": ("job_type", None),
        "taskId": ("task_id", None),
        "taskType": ("task_type", None),
        "incidentId": ("incident_id", None),
        "userTaskId": ("user_task_id", None),
        "partition": ("partition", read_date),
        "processInstanceId": ("process_instance_id", None),
        "state": ("state", None),
        "dueAt": ("due_at", read_time),
        "retryCount": ("retry_count", None),
        "lockedBy": ("locked_by", None),
        "lockedUntil": ("locked_until", read_time),
        "error": ("error", None),
        "errorId": ("error_id", None),
        "name": ("name", None),
        "correlationKey": ("correlation_key", None),
        "missing": ("missing", read_texts),
        "position": ("position", None),
        "also": ("also", read_many(WaitingEvent)),
    }
    REQUIRED = (
        "element_instance_id",
        "bpmn_element_id",
        "bpmn_element_type",
        "since",
        "kind",
    )


class GetWaitingRes(Model):
    count: int
    results: tuple[Waiting, ...]
    has_more: bool | None = None
    """Whether the instance waits at other element instances than these, too."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Waiting)),
        "hasMore": ("has_more", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class HistoryEntry(Model):
    time: datetime
    """When the element was entered, the work done, the incident created."""
    kind: HistoryKind
    """`MESSAGE`, `SIGNAL` and `TIMER` are events that have happened, `TASK` is what the engine failed to do, `JOB` an
    attempt of a worker, which may have failed, `ACTION` what an operator has done.
    """
    element_instance_id: int | None = None
    bpmn_element_id: str | None = None
    bpmn_element_type: ElementType | None = None
    prev_id: int | None = None
    prev_bpmn_element_id: str | None = None
    multi_instance: bool | None = None
    """Whether the instances of a multi-instance activity are inside of it."""
    loop_counter: int | None = None
    """Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1."""
    state: str | None = None
    """As it is now."""
    created_at: datetime | None = None
    created_by: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    job_id: int | None = None
    job_type: JobType | None = None
    locked_at: datetime | None = None
    locked_by: str | None = None
    retry_count: int | None = None
    error: str | None = None
    error_id: str | None = None
    incident_id: int | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    user_task_id: int | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None
    task_id: int | None = None
    task_type: TaskType | None = None
    message_id: int | None = None
    signal_id: int | None = None
    name: str | None = None
    """Of the message or signal."""
    operation: str | None = None
    """What an operator has done, as an operation ID."""
    actor: str | None = None
    """The `workerId` of that request."""
    target: str | None = None
    """What it was about, beside the process instance."""
    detail: Mapping[str, Any] | None = None
    """IDs and names; never the values of variables."""
    reason: str | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "time": ("time", read_time),
        "kind": ("kind", None),
        "elementInstanceId": ("element_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementType": ("bpmn_element_type", None),
        "prevId": ("prev_id", None),
        "prevBpmnElementId": ("prev_bpmn_element_id", None),
        "multiInstance": ("multi_instance", None),
        "loopCounter": ("loop_counter", None),
        "state": ("state", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "startedAt": ("started_at", read_time),
        "endedAt": ("ended_at", read_time),
        "dueAt": ("due_at", read_time),
        "jobId": ("job_id", None),
        "jobType": ("job_type", None),
        "lockedAt": ("locked_at", read_time),
        "lockedBy": ("locked_by", None),
        "retryCount": ("retry_count", None),
        "error": ("error", None),
        "errorId": ("error_id", None),
        "incidentId": ("incident_id", None),
        "resolvedAt": ("resolved_at", read_time),
        "resolvedBy": ("resolved_by", None),
        "userTaskId": ("user_task_id", None),
        "updatedAt": ("updated_at", read_time),
        "updatedBy": ("updated_by", None),
        "taskId": ("task_id", None),
        "taskType": ("task_type", None),
        "messageId": ("message_id", None),
        "signalId": ("signal_id", None),
        "name": ("name", None),
        "operation": ("operation", None),
        "actor": ("actor", None),
        "target": ("target", None),
        "detail": ("detail", None),
        "reason": ("reason", None),
    }
    REQUIRED = (
        "time",
        "kind",
    )


class GetHistoryRes(Model):
    count: int
    results: tuple[HistoryEntry, ...]
    next_cursor: str | None = None
    """The cursor of the next page; absent on the last page."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(HistoryEntry)),
        "nextCursor": ("next_cursor", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class InstanceKey(Model):
    partition: date
    id: int

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
    }
    REQUIRED = (
        "partition",
        "id",
    )


class ElementStatistics(Model):
    process_id: int
    bpmn_element_id: str
    active: int
    """Element instances that have not ended; boundary events that wait don't count, nor do start events of event
    sub-processes.
    """
    incidents: int
    """Incidents that are not resolved."""
    completed: int
    """Element instances that were completed."""
    canceled: int
    """Element instances that were canceled or terminated."""
    failed_jobs: int
    """Attempts of workers that have failed."""
    average_ms: int | None = None
    """How many milliseconds the completed ones took from start to end, on average."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "processId": ("process_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "active": ("active", None),
        "incidents": ("incidents", None),
        "completed": ("completed", None),
        "canceled": ("canceled", None),
        "failedJobs": ("failed_jobs", None),
        "averageMs": ("average_ms", None),
    }
    REQUIRED = (
        "process_id",
        "bpmn_element_id",
        "active",
        "incidents",
        "completed",
        "canceled",
        "failed_jobs",
    )


class FlowStatistics(Model):
    process_id: int
    from_: str
    to: str
    count: int
    """How often a token has gone there, by whatever flow."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "processId": ("process_id", None),
        "from": ("from_", None),
        "to": ("to", None),
        "count": ("count", None),
    }
    REQUIRED = (
        "process_id",
        "from_",
        "to",
        "count",
    )


class GetStatisticsRes(Model):
    as_of: datetime
    """When it was counted; that may be some seconds ago."""
    results: tuple[ElementStatistics, ...]
    """Elements that were visited."""
    flows: tuple[FlowStatistics, ...] = ()
    """With `flows=true`."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "asOf": ("as_of", read_time),
        "results": ("results", read_many(ElementStatistics)),
        "flows": ("flows", read_many(FlowStatistics)),
    }
    REQUIRED = (
        "as_of",
        "results",
    )


class ElementVariable(Model):
    bpmn_element_id: str | None = None
    """Scope of the variable: the element itself, or one of the elements that enclose it."""
    name: str
    data: Data | None = None
    """The variable's data. For a variable deletion, no data must be provided."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "name": ("name", None),
        "data": ("data", Data.read),
    }
    REQUIRED = ("name",)


class GetElementVariablesRes(Model):
    count: int
    variables: tuple[ElementVariable, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "variables": ("variables", read_many(ElementVariable)),
    }
    REQUIRED = (
        "count",
        "variables",
    )


class GetProcessVariablesRes(Model):
    count: int
    variables: tuple[ProcessVariable, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "variables": ("variables", read_many(ProcessVariable)),
    }
    REQUIRED = (
        "count",
        "variables",
    )


class Variable(Model):
    partition: date
    id: int
    element_id: int | None = None
    element_instance_id: int | None = None
    process_id: int
    process_instance_id: int
    created_at: datetime
    created_by: str
    encoding: str
    encrypted: bool
    name: str
    updated_at: datetime
    updated_by: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "encoding": ("encoding", None),
        "encrypted": ("encrypted", None),
        "name": ("name", None),
        "updatedAt": ("updated_at", read_time),
        "updatedBy": ("updated_by", None),
    }
    REQUIRED = (
        "partition",
        "id",
        "process_id",
        "process_instance_id",
        "created_at",
        "created_by",
        "encoding",
        "encrypted",
        "name",
        "updated_at",
        "updated_by",
    )


class VariableRes(Model):
    count: int
    results: tuple[Variable, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Variable)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Decision(Model):
    flow_id: str
    name: str | None = None
    target: str
    """BPMN ID of the element that the flow leads to."""
    target_name: str | None = None
    condition: str | None = None
    """The condition as the BPMN file has it. It is not evaluated: the worker decides."""
    default: bool | None = None
    """Whether the flow is taken where nothing is decided."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "flowId": ("flow_id", None),
        "name": ("name", None),
        "target": ("target", None),
        "targetName": ("target_name", None),
        "condition": ("condition", None),
        "default": ("default", None),
    }
    REQUIRED = (
        "flow_id",
        "target",
    )


class VisibleVariable(Model):
    bpmn_element_id: str | None = None
    """Scope of the variable; absent for one of the process instance."""
    name: str
    data: Data | None = None
    error: str | None = None
    """Why there is no data: the value is encrypted, and no key that is configured fits."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "name": ("name", None),
        "data": ("data", Data.read),
        "error": ("error", None),
    }
    REQUIRED = ("name",)


class JobTimer(Model):
    type: str
    """`timeDate`, `timeDuration` or `timeCycle`."""
    text: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "type": ("type", None),
        "text": ("text", None),
    }
    REQUIRED = (
        "type",
        "text",
    )


class Job(Model):
    partition: date
    id: int
    element_id: int
    element_instance_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None = None
    completed_at: datetime | None = None
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    due_at: datetime
    error: str | None = None
    locked_at: datetime | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    """When the lock ends by itself, if it does: others can lock the job then."""
    lock_version: int | None = None
    """With `lockedUntil`: counts the locks of this job, so that each can be told apart."""
    retry_count: int
    state: WorkState
    type: JobType
    task_type: str | None = None
    """Of an EXECUTE job, what the BPMN file says about who is to execute it: the `type` of `zeebe:taskDefinition`, or
    `camunda:topic`.
    """
    decisions: tuple[Decision, ...] = ()
    """Of a job that decides for outgoing flows: what can be decided for."""
    expression: str | None = None
    """Of a job that decides for a condition or a number: the expression as the BPMN file has it. It is not evaluated:
    the worker decides.
    """
    called_element: str | None = None
    """Of a call activity: what it calls, as the BPMN file says."""
    message_name: str | None = None
    """Of a message event: the name that the BPMN file declares."""
    signal_name: str | None = None
    """Of a signal event: the name that the BPMN file declares."""
    error_name: str | None = None
    """Of an error event: the name that the BPMN file declares."""
    escalation_name: str | None = None
    """Of an escalation event: the name that the BPMN file declares."""
    variables: tuple[VisibleVariable, ...] = ()
    """What was asked for with the lock: variables of the innermost scope first, by name."""
    timer: JobTimer | None = None
    """Of a SET_TIMER job: what the BPMN file says."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnElementName": ("bpmn_element_name", None),
        "completedAt": ("completed_at", read_time),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "dueAt": ("due_at", read_time),
        "error": ("error", None),
        "lockedAt": ("locked_at", read_time),
        "lockedBy": ("locked_by", None),
        "lockedUntil": ("locked_until", read_time),
        "lockVersion": ("lock_version", None),
        "retryCount": ("retry_count", None),
        "state": ("state", None),
        "type": ("type", None),
        "taskType": ("task_type", None),
        "decisions": ("decisions", read_many(Decision)),
        "expression": ("expression", None),
        "calledElement": ("called_element", None),
        "messageName": ("message_name", None),
        "signalName": ("signal_name", None),
        "errorName": ("error_name", None),
        "escalationName": ("escalation_name", None),
        "variables": ("variables", read_many(VisibleVariable)),
        "timer": ("timer", JobTimer.read),
    }
    REQUIRED = (
        "partition",
        "id",
        "element_id",
        "element_instance_id",
        "process_id",
        "process_instance_id",
        "bpmn_element_id",
        "created_at",
        "created_by",
        "due_at",
        "retry_count",
        "state",
        "type",
    )


class LockJobsRes(Model):
    count: int
    jobs: tuple[Job, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "jobs": ("jobs", read_many(Job)),
    }
    REQUIRED = (
        "count",
        "jobs",
    )


class JobRes(Model):
    count: int
    results: tuple[Job, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Job)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class CountRes(Model):
    count: int

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
    }
    REQUIRED = ("count",)


class ExtendJobsItem(Model):
    partition: date
    id: int
    lock_version: int | None = None
    """The lock by which the worker holds the job. If it is another one by now, it is not extended."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "lockVersion": ("lock_version", None),
    }
    REQUIRED = (
        "partition",
        "id",
    )


class ExtendJobsResult(Model):
    partition: date
    id: int
    status: int
    locked_until: datetime | None = None
    """When the lock ends by itself."""
    problem: Problem | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "status": ("status", None),
        "lockedUntil": ("locked_until", read_time),
        "problem": ("problem", Problem.read),
    }
    REQUIRED = (
        "partition",
        "id",
        "status",
    )


class ExtendJobsRes(Model):
    results: tuple[ExtendJobsResult, ...]
    """In the order of the request."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "results": ("results", read_many(ExtendJobsResult)),
    }
    REQUIRED = ("results",)


class CalledProcess(Model):
    bpmn_element_id: str | None = None
    """BPMN ID of the none start event to begin at; needed where the process has several."""
    bpmn_process_id: str | None = None
    """BPMN ID of an existing process."""
    correlation_key: str | None = None
    """Correlation key of the called process instance."""
    tags: tuple[Tag, ...] = ()
    variables: tuple[ProcessVariable, ...] = ()
    """Variables to set at the scope of the called process instance."""
    version: str | None = None
    """Version of an existing process."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "correlationKey": ("correlation_key", None),
        "tags": ("tags", read_many(Tag)),
        "variables": ("variables", read_many(ProcessVariable)),
        "version": ("version", None),
    }


class JobCompletion(Model):
    activities: tuple[str, ...] = ()
    """IDs of enabled activities of an ad-hoc sub-process to start; an ID may be repeated."""
    called_process: CalledProcess | None = None
    condition_fulfilled: bool | None = None
    """Whether the condition that the job asks for is fulfilled."""
    error_code: str | None = None
    """Code of a BPMN error to set or throw."""
    error_message: str | None = None
    """With `errorCode`: a free text that travels with a BPMN error that is thrown. What goes beyond 10000 characters
    is cut off.
    """
    escalation_code: str | None = None
    """Code of an escalation to set or throw."""
    exclusive_gateway_decision: str | None = None
    """ID of the element to continue with."""
    inclusive_gateway_decision: tuple[str, ...] = ()
    """IDs of the elements to continue with."""
    loop_cardinality: int | None = None
    """How many instances of a multi-instance activity there are."""
    message_correlation_key: str | None = None
    message_name: str | None = None
    signal_name: str | None = None
    timer: Timer | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "activities": ("activities", read_texts),
        "calledProcess": ("called_process", CalledProcess.read),
        "conditionFulfilled": ("condition_fulfilled", None),
        "errorCode": ("error_code", None),
        "errorMessage": ("error_message", None),
        "escalationCode": ("escalation_code", None),
        "exclusiveGatewayDecision": ("exclusive_gateway_decision", None),
        "inclusiveGatewayDecision": ("inclusive_gateway_decision", read_texts),
        "loopCardinality": ("loop_cardinality", None),
        "messageCorrelationKey": ("message_correlation_key", None),
        "messageName": ("message_name", None),
        "signalName": ("signal_name", None),
        "timer": ("timer", Timer.read),
    }


class CompleteJobsItem(Model):
    completion: JobCompletion | None = None
    """The outcome, depending on the type of job."""
    element_variables: tuple[ElementVariable, ...] = ()
    """Variables to set or delete at element instance scope."""
    error: str | None = None
    """Optional error, used to fail a job due to a technical problem. What goes beyond 10000 characters is cut off."""
    lock_version: int | None = None
    """The lock by which the worker holds the job, as it was told when it locked the job. If it is another one by now,
    the job is not completed.
    """
    process_variables: tuple[ProcessVariable, ...] = ()
    """Variables to set or delete at process instance scope."""
    retry_limit: int | None = None
    """Maximum number of retries. Once the retry count has reached it, an incident is created."""
    retry_timer: timedelta | str | None = None
    """Duration until a retry job becomes due."""
    partition: date
    id: int

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "completion": ("completion", JobCompletion.read),
        "elementVariables": ("element_variables", read_many(ElementVariable)),
        "error": ("error", None),
        "lockVersion": ("lock_version", None),
        "processVariables": ("process_variables", read_many(ProcessVariable)),
        "retryLimit": ("retry_limit", None),
        "retryTimer": ("retry_timer", None),
        "partition": ("partition", read_date),
        "id": ("id", None),
    }
    REQUIRED = (
        "partition",
        "id",
    )


class LockConditions(Model):
    partition: date | None = None
    """Partition condition."""
    id: int | None = None
    """Job condition - must be used in combination with a partition."""
    process_ids: tuple[int, ...] = ()
    """IDs of processes to include."""
    process_instance_id: int | None = None
    """Process instance condition - must be used in combination with a partition."""
    types: tuple[JobType, ...] = ()
    """Types of jobs to include."""
    bpmn_element_ids: tuple[str, ...] = ()
    """BPMN IDs of elements to include, in all versions of all processes."""
    bpmn_process_ids: tuple[str, ...] = ()
    """BPMN IDs of processes to include, all versions."""
    task_types: tuple[str, ...] = ()
    """Types of tasks to include, as the BPMN files state them: the `type` of `zeebe:taskDefinition`, or
    `camunda:topic`.
    """
    variables: tuple[str, ...] = ()
    """Names of variables that the jobs are answered with, as far as they see them."""
    all_variables: bool | None = None
    """Whether the jobs are answered with all variables they see."""
    limit: int | None = None
    """Maximum number of jobs to lock."""
    lock_timeout: timedelta | str | None = None
    """How long the jobs stay locked, unless they are completed or extended before. A lock that has ended counts as no
    attempt. If not set, BPMN_JOB_LOCK_TIMEOUT counts, or jobs stay locked until they are completed or unlocked.
    """
    wait_timeout: timedelta | str | None = None
    """Duration to wait for a job where there is none to lock; one beyond BPMN_LONG_POLL_MAX (30 seconds, if that is
    not set) is taken as that.
    """

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "processIds": ("process_ids", read_texts),
        "processInstanceId": ("process_instance_id", None),
        "types": ("types", read_texts),
        "bpmnElementIds": ("bpmn_element_ids", read_texts),
        "bpmnProcessIds": ("bpmn_process_ids", read_texts),
        "taskTypes": ("task_types", read_texts),
        "variables": ("variables", read_texts),
        "allVariables": ("all_variables", None),
        "limit": ("limit", None),
        "lockTimeout": ("lock_timeout", None),
        "waitTimeout": ("wait_timeout", None),
    }


class CompleteJobsResult(Model):
    partition: date
    id: int
    status: int
    """The HTTP status that the job alone would have got."""
    job: Job | None = None
    problem: Problem | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "status": ("status", None),
        "job": ("job", Job.read),
        "problem": ("problem", Problem.read),
    }
    REQUIRED = (
        "partition",
        "id",
        "status",
    )


class CompleteJobsRes(Model):
    results: tuple[CompleteJobsResult, ...]
    """In the order of the request."""
    jobs: tuple[Job, ...] = ()
    """With `lockNext`: the locked jobs."""
    problem: Problem | None = None
    """With `lockNext`: why none could be locked."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "results": ("results", read_many(CompleteJobsResult)),
        "jobs": ("jobs", read_many(Job)),
        "problem": ("problem", Problem.read),
    }
    REQUIRED = ("results",)


class Task(Model):
    partition: date
    id: int
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
    retry_count: int
    serialized_task: str | None = None
    """Parameters of the task, as JSON text."""
    state: WorkState
    type: TaskType

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "completedAt": ("completed_at", read_time),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "dueAt": ("due_at", read_time),
        "error": ("error", None),
        "lockedAt": ("locked_at", read_time),
        "lockedBy": ("locked_by", None),
        "retryCount": ("retry_count", None),
        "serializedTask": ("serialized_task", None),
        "state": ("state", None),
        "type": ("type", None),
    }
    REQUIRED = (
        "partition",
        "id",
        "created_at",
        "created_by",
        "due_at",
        "retry_count",
        "state",
        "type",
    )


class ExecuteTasksRes(Model):
    locked: int
    completed: int
    failed: int
    completed_tasks: tuple[Task, ...]
    failed_tasks: tuple[Task, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "locked": ("locked", None),
        "completed": ("completed", None),
        "failed": ("failed", None),
        "completedTasks": ("completed_tasks", read_many(Task)),
        "failedTasks": ("failed_tasks", read_many(Task)),
    }
    REQUIRED = (
        "locked",
        "completed",
        "failed",
        "completed_tasks",
        "failed_tasks",
    )


class TaskRes(Model):
    count: int
    results: tuple[Task, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Task)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class SentMessage(Model):
    id: int
    correlation_key: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    correlated: bool
    name: str
    unique_key: str | None = None
    result: MessageResult | None = None
    """What becomes of the message; given when it is sent. `DELIVERED` to an element that waits for it, which is named;
    `STARTING` an instance of the process that is named; `BUFFERED` until it expires; `DUPLICATE`: this is the
    message that had the unique key before; `DISCARDED`: nobody waits for it, and it has no time to live.
    """
    partition: date | None = None
    """With DELIVERED: that of the instance."""
    process_instance_id: int | None = None
    """With DELIVERED."""
    bpmn_element_id: str | None = None
    """With DELIVERED."""
    bpmn_process_id: str | None = None
    """With STARTING."""
    version: str | None = None
    """With STARTING."""
    delivered: bool | None = None
    """With `waitTimeout`: whether the receiver has moved on, or the instance was started: its `partition` and
    `processInstanceId` are given then, too.
    """

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "expiresAt": ("expires_at", read_time),
        "correlated": ("correlated", None),
        "name": ("name", None),
        "uniqueKey": ("unique_key", None),
        "result": ("result", None),
        "partition": ("partition", read_date),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "version": ("version", None),
        "delivered": ("delivered", None),
    }
    REQUIRED = (
        "id",
        "correlation_key",
        "created_at",
        "created_by",
        "correlated",
        "name",
    )


class Message(Model):
    id: int
    correlation_key: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    correlated: bool
    name: str
    unique_key: str | None = None
    result: MessageResult | None = None
    """What becomes of the message; given when it is sent. `DELIVERED` to an element that waits for it, which is named;
    `STARTING` an instance of the process that is named; `BUFFERED` until it expires; `DUPLICATE`: this is the
    message that had the unique key before; `DISCARDED`: nobody waits for it, and it has no time to live.
    """
    partition: date | None = None
    """With DELIVERED: that of the instance."""
    process_instance_id: int | None = None
    """With DELIVERED."""
    bpmn_element_id: str | None = None
    """With DELIVERED."""
    bpmn_process_id: str | None = None
    """With STARTING."""
    version: str | None = None
    """With STARTING."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "expiresAt": ("expires_at", read_time),
        "correlated": ("correlated", None),
        "name": ("name", None),
        "uniqueKey": ("unique_key", None),
        "result": ("result", None),
        "partition": ("partition", read_date),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "version": ("version", None),
    }
    REQUIRED = (
        "id",
        "correlation_key",
        "created_at",
        "created_by",
        "correlated",
        "name",
    )


class MessageRes(Model):
    count: int
    results: tuple[Message, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Message)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class MessageSubscription(Model):
    id: int
    partition: date
    element_id: int
    element_instance_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    correlation_key: str
    created_at: datetime
    created_by: str
    name: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "partition": ("partition", read_date),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "name": ("name", None),
    }
    REQUIRED = (
        "id",
        "partition",
        "element_id",
        "element_instance_id",
        "process_id",
        "process_instance_id",
        "bpmn_element_id",
        "correlation_key",
        "created_at",
        "created_by",
        "name",
    )


class MessageSubscriptionRes(Model):
    count: int
    results: tuple[MessageSubscription, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(MessageSubscription)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Signal(Model):
    id: int
    created_at: datetime
    created_by: str
    name: str
    subscriber_count: int
    delivered_count: int | None = None
    """With `waitTimeout`: how many subscribers have moved on, or were started."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "name": ("name", None),
        "subscriberCount": ("subscriber_count", None),
        "deliveredCount": ("delivered_count", None),
    }
    REQUIRED = (
        "id",
        "created_at",
        "created_by",
        "name",
        "subscriber_count",
    )


class SignalSubscription(Model):
    id: int
    partition: date
    element_id: int
    element_instance_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    created_at: datetime
    created_by: str
    name: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "partition": ("partition", read_date),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "name": ("name", None),
    }
    REQUIRED = (
        "id",
        "partition",
        "element_id",
        "element_instance_id",
        "process_id",
        "process_instance_id",
        "bpmn_element_id",
        "created_at",
        "created_by",
        "name",
    )


class SignalSubscriptionRes(Model):
    count: int
    results: tuple[SignalSubscription, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(SignalSubscription)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Incident(Model):
    partition: date
    id: int
    element_id: int | None = None
    element_instance_id: int | None = None
    job_id: int | None = None
    process_id: int | None = None
    process_instance_id: int | None = None
    task_id: int | None = None
    bpmn_process_id: str | None = None
    bpmn_element_id: str | None = None
    created_at: datetime
    created_by: str
    error: str | None = None
    """The error of the job or task."""
    error_id: str | None = None
    """Incidents have the same one if their errors differ only in numbers, quoted texts, UUIDs and addresses."""
    resolved_at: datetime | None = None
    resolved_by: str | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "jobId": ("job_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "taskId": ("task_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "error": ("error", None),
        "errorId": ("error_id", None),
        "resolvedAt": ("resolved_at", read_time),
        "resolvedBy": ("resolved_by", None),
    }
    REQUIRED = (
        "partition",
        "id",
        "created_at",
        "created_by",
    )


class IncidentRes(Model):
    count: int
    results: tuple[Incident, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(Incident)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class IncidentGroup(Model):
    error_id: str | None = None
    error: str | None = None
    """The error of the last one."""
    bpmn_process_id: str | None = None
    bpmn_element_id: str | None = None
    count: int
    first: datetime
    """When the first one was created."""
    last: datetime
    """When the last one was created."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "errorId": ("error_id", None),
        "error": ("error", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "count": ("count", None),
        "first": ("first", read_time),
        "last": ("last", read_time),
    }
    REQUIRED = (
        "count",
        "first",
        "last",
    )


class IncidentGroupRes(Model):
    count: int
    results: tuple[IncidentGroup, ...]

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(IncidentGroup)),
    }
    REQUIRED = (
        "count",
        "results",
    )


class UserTask(Model):
    partition: date
    id: int
    revision: int
    element_id: int
    element_instance_id: int
    process_id: int
    process_instance_id: int
    bpmn_element_id: str
    correlation_key: str | None = None
    created_at: datetime
    created_by: str
    state: UserTaskState
    tags: tuple[Tag, ...] = ()
    updated_at: datetime
    updated_by: str

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "partition": ("partition", read_date),
        "id": ("id", None),
        "revision": ("revision", None),
        "elementId": ("element_id", None),
        "elementInstanceId": ("element_instance_id", None),
        "processId": ("process_id", None),
        "processInstanceId": ("process_instance_id", None),
        "bpmnElementId": ("bpmn_element_id", None),
        "correlationKey": ("correlation_key", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "state": ("state", None),
        "tags": ("tags", read_many(Tag)),
        "updatedAt": ("updated_at", read_time),
        "updatedBy": ("updated_by", None),
    }
    REQUIRED = (
        "partition",
        "id",
        "revision",
        "element_id",
        "element_instance_id",
        "process_id",
        "process_instance_id",
        "bpmn_element_id",
        "created_at",
        "created_by",
        "state",
        "updated_at",
        "updated_by",
    )


class UserTaskRes(Model):
    count: int
    results: tuple[UserTask, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(UserTask)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class ProcessSetting(Model):
    bpmn_process_id: str
    retention_days: int | None = None
    """After how many days ended instances are deleted. Left out: their day decides."""
    updated_at: datetime | None = None
    """Left out where nothing was ever set."""
    updated_by: str | None = None

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "bpmnProcessId": ("bpmn_process_id", None),
        "retentionDays": ("retention_days", None),
        "updatedAt": ("updated_at", read_time),
        "updatedBy": ("updated_by", None),
    }
    REQUIRED = ("bpmn_process_id",)


class ProcessSettingRes(Model):
    count: int
    results: tuple[ProcessSetting, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(ProcessSetting)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class AuditEntry(Model):
    id: int
    time: datetime
    actor: str | None = None
    """The `workerId` of the request."""
    credential: str | None = None
    """The secret ID of the API key, or the user name."""
    role: Role
    """The role by which the operation was allowed."""
    operation: str
    """An operation ID of this document."""
    partition: date | None = None
    """Of the process instance."""
    process_instance_id: int | None = None
    bpmn_process_id: str | None = None
    target: str | None = None
    """What it was about, beside the process instance."""
    detail: Mapping[str, Any] | None = None
    """IDs and names; never the values of variables."""
    reason: str | None = None
    request_id: str | None = None
    """The `X-Request-Id` of the request."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "time": ("time", read_time),
        "actor": ("actor", None),
        "credential": ("credential", None),
        "role": ("role", None),
        "operation": ("operation", None),
        "partition": ("partition", read_date),
        "processInstanceId": ("process_instance_id", None),
        "bpmnProcessId": ("bpmn_process_id", None),
        "target": ("target", None),
        "detail": ("detail", None),
        "reason": ("reason", None),
        "requestId": ("request_id", None),
    }
    REQUIRED = (
        "id",
        "time",
        "role",
        "operation",
    )


class AuditEntryRes(Model):
    count: int
    results: tuple[AuditEntry, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(AuditEntry)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class CreatedApiKey(Model):
    id: int
    secret_id: str
    roles: tuple[Role, ...]
    bpmn_process_ids: tuple[str, ...] = ()
    """BPMN process IDs, or the beginning of IDs and `*`, of the processes that there are for the key. Left out: all."""
    may_deploy: bool | None = None
    may_send: bool | None = None
    description: str | None = None
    created_at: datetime
    created_by: str | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""
    authorization: str
    """What the client sends as `Authorization`, as it is or after `Bearer`. It is not shown again."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "secretId": ("secret_id", None),
        "roles": ("roles", read_texts),
        "bpmnProcessIds": ("bpmn_process_ids", read_texts),
        "mayDeploy": ("may_deploy", None),
        "maySend": ("may_send", None),
        "description": ("description", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "expiresAt": ("expires_at", read_time),
        "lastUsedAt": ("last_used_at", read_time),
        "authorization": ("authorization", None),
    }
    REQUIRED = (
        "id",
        "secret_id",
        "roles",
        "created_at",
        "authorization",
    )
    HIDDEN = ("authorization",)


class ApiKey(Model):
    id: int
    secret_id: str
    roles: tuple[Role, ...]
    bpmn_process_ids: tuple[str, ...] = ()
    """BPMN process IDs, or the beginning of IDs and `*`, of the processes that there are for the key. Left out: all."""
    may_deploy: bool | None = None
    may_send: bool | None = None
    description: str | None = None
    created_at: datetime
    created_by: str | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    """To the minute."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "id": ("id", None),
        "secretId": ("secret_id", None),
        "roles": ("roles", read_texts),
        "bpmnProcessIds": ("bpmn_process_ids", read_texts),
        "mayDeploy": ("may_deploy", None),
        "maySend": ("may_send", None),
        "description": ("description", None),
        "createdAt": ("created_at", read_time),
        "createdBy": ("created_by", None),
        "expiresAt": ("expires_at", read_time),
        "lastUsedAt": ("last_used_at", read_time),
    }
    REQUIRED = (
        "id",
        "secret_id",
        "roles",
        "created_at",
    )


class ApiKeyRes(Model):
    count: int
    results: tuple[ApiKey, ...]
    next_cursor: str | None = None
    """The cursor of the next page, where an order or a cursor is given; absent on the last page."""
    total: int | None = None
    """With `total=true`: how many results there are on all pages."""
    total_is_lower_bound: bool | None = None
    """Whether there are more than `total`, which is as far as was counted."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "count": ("count", None),
        "results": ("results", read_many(ApiKey)),
        "nextCursor": ("next_cursor", None),
        "total": ("total", None),
        "totalIsLowerBound": ("total_is_lower_bound", None),
    }
    REQUIRED = (
        "count",
        "results",
    )


class Finding(Model):
    code: str
    """What was looked at."""
    level: HealthLevel
    title: str
    detail: str | None = None
    """Since when, how much, or where."""
    hint: str | None = None
    """What helps: a command, an option or a request."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "code": ("code", None),
        "level": ("level", None),
        "title": ("title", None),
        "detail": ("detail", None),
        "hint": ("hint", None),
    }
    REQUIRED = (
        "code",
        "level",
        "title",
    )


class Node(Model):
    engine_id: str
    host: str
    pid: int
    version: str | None = None
    """Of py-bpmn; left out where it runs without being installed."""
    executor: bool
    """Whether it executes due tasks."""
    executor_seen: datetime | None = None
    """When it last looked for due tasks."""
    started_at: datetime
    last_seen: datetime
    """Processes renew it every 10 seconds; none for 30: it is dead."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "engineId": ("engine_id", None),
        "host": ("host", None),
        "pid": ("pid", None),
        "version": ("version", None),
        "executor": ("executor", None),
        "executorSeen": ("executor_seen", read_time),
        "startedAt": ("started_at", read_time),
        "lastSeen": ("last_seen", read_time),
    }
    REQUIRED = (
        "engine_id",
        "host",
        "pid",
        "executor",
        "started_at",
        "last_seen",
    )


class Health(Model):
    status: HealthLevel
    """The worst level of the findings."""
    version: str
    """Of the py-bpmn that answers."""
    findings: tuple[Finding, ...]
    """The worst first; also what is in order."""
    nodes: tuple[Node, ...]
    """The service processes on the database, also those just died."""

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "status": ("status", None),
        "version": ("version", None),
        "findings": ("findings", read_many(Finding)),
        "nodes": ("nodes", read_many(Node)),
    }
    REQUIRED = (
        "status",
        "version",
        "findings",
        "nodes",
    )


class SetTimeRes(Model):
    new_time: datetime
    old_time: datetime

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {
        "newTime": ("new_time", read_time),
        "oldTime": ("old_time", read_time),
    }
    REQUIRED = (
        "new_time",
        "old_time",
    )


CREATE_PROCESS = Operation("createProcess", "POST", "/processes", Process.read, keyed=True)
QUERY_PROCESSES = Operation("queryProcesses", "POST", "/processes/query", ProcessRes.read)
GET_BPMN_XML = Operation("getBpmnXml", "GET", "/processes/{id}/bpmn-xml", read_text, answers="text")
GET_DIAGRAM = Operation("getDiagram", "GET", "/processes/{id}/diagram", read_text, answers="text")
DELETE_PROCESS = Operation("deleteProcess", "DELETE", "/processes/{id}", read_nothing, answers="nothing", keyed=True)
CHECK_PROCESS = Operation("checkProcess", "POST", "/processes/check", CheckedProcess.read)
QUERY_ELEMENTS = Operation("queryElements", "POST", "/elements/query", ElementRes.read)
QUERY_ELEMENT_INSTANCES = Operation(
    "queryElementInstances", "POST", "/element-instances/query", ElementInstanceRes.read
)
SELECT_ACTIVITIES = Operation(
    "selectActivities",
    "PATCH",
    "/element-instances/{partition}/{id}/activities",
    read_nothing,
    answers="nothing",
    keyed=True,
)
CREATE_PROCESS_INSTANCE = Operation(
    "createProcessInstance", "POST", "/process-instances", StartedProcessInstance.read, keyed=True
)
GET_PROCESS_INSTANCE = Operation(
    "getProcessInstance", "GET", "/process-instances/{partition}/{id}", ProcessInstance.read
)
DELETE_PROCESS_INSTANCE = Operation(
    "deleteProcessInstance",
    "DELETE",
    "/process-instances/{partition}/{id}",
    read_nothing,
    answers="nothing",
    keyed=True,
)
CREATE_PROCESS_INSTANCES = Operation(
    "createProcessInstances", "POST", "/process-instances/batch", CreateProcessInstancesRes.read, keyed=True
)
QUERY_PROCESS_INSTANCES = Operation(
    "queryProcessInstances", "POST", "/process-instances/query", ProcessInstanceRes.read
)
RESUME_PROCESS_INSTANCE = Operation(
    "resumeProcessInstance",
    "PATCH",
    "/process-instances/{partition}/{id}/resume",
    read_nothing,
    answers="nothing",
    keyed=True,
)
SUSPEND_PROCESS_INSTANCE = Operation(
    "suspendProcessInstance",
    "PATCH",
    "/process-instances/{partition}/{id}/suspend",
    read_nothing,
    answers="nothing",
    keyed=True,
)
CANCEL_PROCESS_INSTANCE = Operation(
    "cancelProcessInstance",
    "PATCH",
    "/process-instances/{partition}/{id}/cancel",
    read_nothing,
    answers="nothing",
    keyed=True,
)
COUNT_PROCESS_INSTANCES = Operation(
    "countProcessInstances", "POST", "/process-instances/count", ProcessInstanceCountRes.read
)
GET_WAITING = Operation("getWaiting", "GET", "/process-instances/{partition}/{id}/waiting", GetWaitingRes.read)
GET_HISTORY = Operation("getHistory", "GET", "/process-instances/{partition}/{id}/history", GetHistoryRes.read)
GET_STATISTICS = Operation("getStatistics", "POST", "/processes/statistics", GetStatisticsRes.read)
GET_ELEMENT_VARIABLES = Operation(
    "getElementVariables", "GET", "/element-instances/{partition}/{id}/variables", GetElementVariablesRes.read
)
SET_ELEMENT_VARIABLES = Operation(
    "setElementVariables",
    "PUT",
    "/element-instances/{partition}/{id}/variables",
    read_nothing,
    answers="nothing",
    keyed=True,
)
GET_PROCESS_VARIABLES = Operation(
    "getProcessVariables", "GET", "/process-instances/{partition}/{id}/variables", GetProcessVariablesRes.read
)
SET_PROCESS_VARIABLES = Operation(
    "setProcessVariables",
    "PUT",
    "/process-instances/{partition}/{id}/variables",
    read_nothing,
    answers="nothing",
    keyed=True,
)
QUERY_VARIABLES = Operation("queryVariables", "POST", "/variables/query", VariableRes.read)
LOCK_JOBS = Operation("lockJobs", "POST", "/jobs/lock", LockJobsRes.read, keyed=True, repeated=False)
QUERY_JOBS = Operation("queryJobs", "POST", "/jobs/query", JobRes.read)
UNLOCK_JOBS = Operation("unlockJobs", "POST", "/jobs/unlock", CountRes.read, keyed=True)
EXTEND_JOBS = Operation("extendJobs", "POST", "/jobs/extend", ExtendJobsRes.read, keyed=True)
COMPLETE_JOB = Operation("completeJob", "PATCH", "/jobs/{partition}/{id}/complete", Job.read, keyed=True)
MOVE_JOB = Operation("moveJob", "PATCH", "/jobs/{partition}/{id}/due", Job.read, keyed=True)
COMPLETE_JOBS = Operation("completeJobs", "POST", "/jobs/complete", CompleteJobsRes.read, keyed=True)
EXECUTE_TASKS = Operation("executeTasks", "POST", "/tasks/execute", ExecuteTasksRes.read, keyed=True)
QUERY_TASKS = Operation("queryTasks", "POST", "/tasks/query", TaskRes.read)
MOVE_TIMER = Operation("moveTimer", "PATCH", "/tasks/{partition}/{id}/due", Task.read, keyed=True)
UNLOCK_TASKS = Operation("unlockTasks", "POST", "/tasks/unlock", CountRes.read, keyed=True)
SEND_MESSAGE = Operation("sendMessage", "POST", "/messages", SentMessage.read, keyed=True)
QUERY_MESSAGES = Operation("queryMessages", "POST", "/messages/query", MessageRes.read)
QUERY_MESSAGE_SUBSCRIPTIONS = Operation(
    "queryMessageSubscriptions", "POST", "/messages/subscriptions/query", MessageSubscriptionRes.read
)
SEND_SIGNAL = Operation("sendSignal", "POST", "/signals", Signal.read, keyed=True)
QUERY_SIGNAL_SUBSCRIPTIONS = Operation(
    "querySignalSubscriptions", "POST", "/signals/subscriptions/query", SignalSubscriptionRes.read
)
QUERY_INCIDENTS = Operation("queryIncidents", "POST", "/incidents/query", IncidentRes.read)
GROUP_INCIDENTS = Operation("groupIncidents", "POST", "/incidents/groups", IncidentGroupRes.read)
RESOLVE_INCIDENT = Operation(
    "resolveIncident", "PATCH", "/incidents/{partition}/{id}/resolve", read_nothing, answers="nothing", keyed=True
)
QUERY_USER_TASKS = Operation("queryUserTasks", "POST", "/user-tasks/query", UserTaskRes.read)
UPDATE_USER_TASK = Operation("updateUserTask", "PATCH", "/user-tasks/{partition}/{id}", UserTask.read, keyed=True)
GET_PROCESS_SETTING = Operation("getProcessSetting", "GET", "/process-settings/{bpmnProcessId}", ProcessSetting.read)
SET_PROCESS_SETTING = Operation(
    "setProcessSetting", "PUT", "/process-settings/{bpmnProcessId}", ProcessSetting.read, keyed=True
)
QUERY_PROCESS_SETTINGS = Operation("queryProcessSettings", "POST", "/process-settings/query", ProcessSettingRes.read)
QUERY_AUDIT = Operation("queryAudit", "POST", "/audit/query", AuditEntryRes.read)
CREATE_API_KEY = Operation("createApiKey", "POST", "/api-keys", CreatedApiKey.read, repeated=False)
QUERY_API_KEYS = Operation("queryApiKeys", "POST", "/api-keys/query", ApiKeyRes.read)
REVOKE_API_KEY = Operation(
    "revokeApiKey", "PATCH", "/api-keys/{id}/revoke", read_nothing, answers="nothing", keyed=True
)
GET_HEALTH = Operation("getHealth", "GET", "/health", Health.read)
SET_TIME = Operation("setTime", "PATCH", "/time", SetTimeRes.read, keyed=True)
GET_METRICS = Operation("getMetrics", "GET", "/metrics", read_text, answers="text")
CHECK_READINESS = Operation("checkReadiness", "GET", "/readiness", read_text, answers="text", repeated=False)
CHECK_LIVENESS = Operation("checkLiveness", "GET", "/healthz", read_text, answers="text", repeated=False)
RESET_ENGINE = Operation("resetEngine", "POST", "/testing/reset", read_nothing, answers="nothing", repeated=False)


class Sender(Protocol):
    """Sends requests one after the other."""

    worker_id: str

    def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T: ...


class AsyncSender(Protocol):
    """Sends requests while others wait."""

    worker_id: str

    async def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T: ...


class Api:
    """All operations, which answer when they are done."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def create_process(
        self,
        *,
        bpmn_process_id: str,
        bpmn_xml: str,
        version: str,
        errors: Sequence[ErrorDefinition] | None = None,
        escalations: Sequence[EscalationDefinition] | None = None,
        expressions: ExpressionMode | None = None,
        messages: Sequence[MessageDefinition] | None = None,
        parallelism: int | None = None,
        signals: Sequence[SignalDefinition] | None = None,
        tags: Sequence[Tag] | None = None,
        timers: Sequence[TimerDefinition] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Process:
        """Creates a process that is modeled as BPMN XML.

        If a process with the same BPMN process ID and version exists, the BPMN XML is compared. When it equals, the
        existing process is returned; when it differs, a problem of type CONFLICT. `warnings` tell what is odd about
        the model, though it is executed as it says. The body may also be the file itself, in its own encoding. Then
        the other fields are query parameters.

        `bpmn_process_id`: ID of the process element within the BPMN XML.
        `bpmn_xml`: Model of the BPMN process as XML.
        `errors`: Error event definitions.
        `escalations`: Escalation event definitions.
        `expressions`: Who evaluates the expressions of the BPMN XML: workers, which are asked by jobs, or the engine.
            If it is not given, BPMN_EXPRESSIONS counts. It is that of the version once it is created.
        `messages`: Message event definitions.
        `parallelism`: Maximum number of process instances being executed; 0 is unlimited.
        `signals`: Signal event definitions.
        `timers`: Timer event definitions.
        `version`: Any process version.
        `worker_id`: ID of the worker that creates the process.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            CREATE_PROCESS,
            body={
                "bpmnProcessId": bpmn_process_id,
                "bpmnXml": bpmn_xml,
                "errors": errors,
                "escalations": escalations,
                "expressions": expressions,
                "messages": messages,
                "parallelism": parallelism,
                "signals": signals,
                "tags": tags,
                "timers": timers,
                "version": version,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
            },
            idempotency_key=idempotency_key,
        )

    def query_processes(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        latest_only: bool | None = None,
    ) -> ProcessRes:
        """Performs a process query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `id`: Process filter.
        `tags`: Tags, a process must have, to be included.
        `bpmn_process_id`: BPMN process ID filter.
        `latest_only`: Whether only the newest version of each process is included, as far as it matches.
        """
        return self._sender.send(
            QUERY_PROCESSES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"id": id, "tags": tags, "bpmnProcessId": bpmn_process_id, "latestOnly": latest_only},
        )

    def get_bpmn_xml(self, *, id: int) -> str:
        """Gets the BPMN XML of an existing process.

        `id`: ID, within the partition if there is one.
        """
        return self._sender.send(GET_BPMN_XML, path={"id": id})

    def get_diagram(self, *, id: int) -> str:
        """Gets a BPMN XML of an existing process that can be shown.

        It is the deployed one, if that has a shape or an edge for every element and sequence flow of the process.
        Else it is one with the same elements and flows, and with positions that are computed. A request with the
        `ETag` of an earlier answer in `If-None-Match` is answered by 304 while the diagram is the same.

        `id`: ID, within the partition if there is one.
        """
        return self._sender.send(GET_DIAGRAM, path={"id": id})

    def delete_process(
        self, *, id: int, reason: str | None = None, worker_id: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Deletes a process that has no process instances, ended ones included.

        What would start it goes with it. If it is the newest version, the one before it is that again: its start
        events are in force, and its parallelism.

        `id`: ID, within the partition if there is one.
        `reason`: Why; kept with the audit of the operation.
        `worker_id`: ID of the worker that deletes the process.
        """
        return self._sender.send(
            DELETE_PROCESS,
            path={"id": id},
            query={"reason": reason, "workerId": worker_id or self._sender.worker_id},
            idempotency_key=idempotency_key,
        )

    def check_process(
        self,
        *,
        bpmn_xml: str,
        bpmn_process_id: str | None = None,
        errors: Sequence[ErrorDefinition] | None = None,
        escalations: Sequence[EscalationDefinition] | None = None,
        expressions: ExpressionMode | None = None,
        messages: Sequence[MessageDefinition] | None = None,
        parallelism: int | None = None,
        signals: Sequence[SignalDefinition] | None = None,
        tags: Sequence[Tag] | None = None,
        timers: Sequence[TimerDefinition] | None = None,
        version: str | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        findings: bool | None = None,
    ) -> CheckedProcess:
        """Says what a deployment of the model would say, and stores nothing.

        The answer is 200 whether the model can be deployed or not. The body may also be the file itself. Then the
        other fields are query parameters.

        `bpmn_process_id`: ID of the process element within the BPMN XML; the only executable one, if it is not given.
        `bpmn_xml`: Model of the BPMN process as XML.
        `errors`: Error event definitions.
        `escalations`: Escalation event definitions.
        `expressions`: Who evaluates the expressions of the BPMN XML: workers, which are asked by jobs, or the engine.
            If it is not given, BPMN_EXPRESSIONS counts. It is that of the version once it is created.
        `messages`: Message event definitions.
        `parallelism`: Maximum number of process instances being executed; 0 is unlimited.
        `signals`: Signal event definitions.
        `timers`: Timer event definitions.
        `version`: Any process version; without one, none is in the way.
        `worker_id`: ID of the worker that would create the process.
        `reason`: Why; kept with the audit of the operation.
        `findings`: Whether to answer all findings with their places, those that a deployment does not tell included.
        """
        return self._sender.send(
            CHECK_PROCESS,
            body={
                "bpmnProcessId": bpmn_process_id,
                "bpmnXml": bpmn_xml,
                "errors": errors,
                "escalations": escalations,
                "expressions": expressions,
                "messages": messages,
                "parallelism": parallelism,
                "signals": signals,
                "tags": tags,
                "timers": timers,
                "version": version,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
                "findings": findings,
            },
        )

    def query_elements(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        process_id: int | None = None,
        bpmn_element_id: str | None = None,
    ) -> ElementRes:
        """Performs an element query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `process_id`: Process filter.
        `bpmn_element_id`: BPMN element ID filter.
        """
        return self._sender.send(
            QUERY_ELEMENTS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"processId": process_id, "bpmnElementId": bpmn_element_id},
        )

    def query_element_instances(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        bpmn_element_id: str | None = None,
        states: Sequence[InstanceState] | None = None,
        bpmn_element_types: Sequence[ElementType] | None = None,
        active: bool | None = None,
    ) -> ElementInstanceRes:
        """Performs an element instance query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `id`: Element instance filter.
        `parent_id`: Parent element instance filter.
        `process_id`: Process filter.
        `process_instance_id`: Process instance filter.
        `bpmn_element_id`: BPMN element ID filter.
        `states`: States to include.
        `bpmn_element_types`: Types of elements to include.
        `active`: Whether only element instances are included that have not ended.
        """
        return self._sender.send(
            QUERY_ELEMENT_INSTANCES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "bpmnElementId": bpmn_element_id,
                "states": states,
                "bpmnElementTypes": bpmn_element_types,
                "active": active,
            },
        )

    def select_activities(
        self,
        *,
        partition: date,
        id: int,
        activities: Sequence[str],
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Starts activities of an ad-hoc sub-process.

        Enabled are those that no flow leads to, and those where tokens wait. A job that asks for activities stays
        open.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `activities`: IDs of enabled activities to start; an ID may be repeated where they are not performed in turn.
        `worker_id`: ID of who selects the activities.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SELECT_ACTIVITIES,
            path={"partition": partition, "id": id},
            body={"activities": activities, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def create_process_instance(
        self,
        *,
        bpmn_process_id: str,
        bpmn_element_id: str | None = None,
        correlation_key: str | None = None,
        on_conflict: OnConflict | None = None,
        tags: Sequence[Tag] | None = None,
        unique_correlation_key: bool | None = None,
        variables: Sequence[ProcessVariable] | None = None,
        version: str | None = None,
        return_variables: Sequence[str] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> StartedProcessInstance:
        """Creates a process instance from an existing process.

        With `waitTimeout` the answer comes as soon as the instance has ended, or with 202 after that time. It is the
        instance in any case, which goes on regardless: getProcessInstance waits again. An answer with 202 that comes
        earlier says so by `Retry-After`: too many requests wait already, or the service is about to stop.

        `bpmn_element_id`: BPMN ID of the none start event to begin at; needed where the process has several.
        `bpmn_process_id`: BPMN ID of an existing process.
        `correlation_key`: Optional key, used to correlate a process instance with a business entity.
        `on_conflict`: With `uniqueCorrelationKey`: what to do where there is such an instance. `FAIL` answers a
            problem of type CONFLICT that names it in `existing`, `RETURN` answers the instance itself.
        `unique_correlation_key`: Whether an instance is created only if no other one of the process, of whatever
            version, has the same correlation key. Instances that have ended, or were called by others, don't count.
        `variables`: Variables to set at process instance scope.
        `version`: Version of an existing process; without it, the one that was created last.
        `return_variables`: With `waitTimeout`: names of variables at process instance scope to return, once it has
            ended.
        `wait_timeout`: Duration to wait for the end of the process instance; one beyond BPMN_LONG_POLL_MAX (30
            seconds, if that is not set) is taken as that.
        `worker_id`: ID of the worker that creates the process instance.
        """
        return self._sender.send(
            CREATE_PROCESS_INSTANCE,
            body={
                "bpmnElementId": bpmn_element_id,
                "bpmnProcessId": bpmn_process_id,
                "correlationKey": correlation_key,
                "onConflict": on_conflict,
                "tags": tags,
                "uniqueCorrelationKey": unique_correlation_key,
                "variables": variables,
                "version": version,
                "returnVariables": return_variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def get_process_instance(
        self, *, partition: date, id: int, wait_timeout: timedelta | str | None = None
    ) -> ProcessInstance:
        """Gets a process instance.

        With `waitTimeout` the answer comes as soon as the instance has ended, or after that time with the instance as
        it is then. One that comes earlier says so by `Retry-After`.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `wait_timeout`: Duration to wait for the end of the process instance; one beyond BPMN_LONG_POLL_MAX (30
            seconds, if that is not set) is taken as that.
        """
        return self._sender.send(
            GET_PROCESS_INSTANCE, path={"partition": partition, "id": id}, query={"waitTimeout": wait_timeout}
        )

    def delete_process_instance(
        self,
        *,
        partition: date,
        id: int,
        reason: str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Deletes an ended process instance with everything in it, and everything it called.

        An instance that was called is deleted together with the one at the root. What the audit has of it stays.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `reason`: Why; kept with the audit of the operation.
        `worker_id`: ID of who deletes the process instance.
        """
        return self._sender.send(
            DELETE_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            query={"reason": reason, "workerId": worker_id or self._sender.worker_id},
            idempotency_key=idempotency_key,
        )

    def create_process_instances(
        self,
        *,
        process_instances: Sequence[NewProcessInstance],
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> CreateProcessInstancesRes:
        """Creates up to 100 process instances.

        Each is answered as it would be alone; some may fail while others are created. A request that is not
        understood is refused as a whole.

        `worker_id`: ID of the worker that creates the process instances.
        `process_instances`: What to create.
        """
        return self._sender.send(
            CREATE_PROCESS_INSTANCES,
            body={"workerId": worker_id or self._sender.worker_id, "processInstances": process_instances},
            idempotency_key=idempotency_key,
        )

    def query_process_instances(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        waiting: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        root_id: int | None = None,
        process_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        states: Sequence[InstanceState] | None = None,
        correlation_key: str | None = None,
        created: TimeRange | None = None,
        ended: TimeRange | None = None,
        has_incident: bool | None = None,
        waiting_at: str | None = None,
        roots_only: bool | None = None,
        created_by: str | None = None,
    ) -> ProcessInstanceRes:
        """Performs a process instance query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `waiting`: Whether it is told of each instance where it waits, and how many open incidents it has.
        `partition`: Partition filter.
        `id`: Process instance filter.
        `parent_id`: Filter for the instances that a process instance has called.
        `root_id`: Filter for a root process instance and everything below it.
        `process_id`: Process filter.
        `tags`: Tags, a process instance must have, to be included.
        `bpmn_process_id`: BPMN process ID filter.
        `versions`: Process versions to include.
        `states`: States to include.
        `correlation_key`: Correlation key filter.
        `created`: When they were created.
        `ended`: When they have ended.
        `has_incident`: Whether only instances are included that have an incident which is not resolved.
        `waiting_at`: BPMN ID of an element that has an active element instance in the instance.
        `roots_only`: Whether only instances are included that no other instance has called.
        `created_by`: Filter for the worker that has created them.
        """
        return self._sender.send(
            QUERY_PROCESS_INSTANCES,
            query={
                "offset": offset,
                "limit": limit,
                "order": order,
                "cursor": cursor,
                "total": total,
                "waiting": waiting,
            },
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "rootId": root_id,
                "processId": process_id,
                "tags": tags,
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "states": states,
                "correlationKey": correlation_key,
                "created": created,
                "ended": ended,
                "hasIncident": has_incident,
                "waitingAt": waiting_at,
                "rootsOnly": roots_only,
                "createdBy": created_by,
            },
        )

    def resume_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Resumes a suspended process instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `worker_id`: ID of the worker that resumes the process instance.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            RESUME_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def suspend_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Suspends a started process instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `worker_id`: ID of the worker that suspends the process instance.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SUSPEND_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def cancel_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Cancels a process instance with everything in it, and everything it called.

        A call activity that waits for the instance goes on waiting: cancel the calling instance to end both.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `worker_id`: ID of the worker that cancels the process instance.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            CANCEL_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def count_process_instances(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        root_id: int | None = None,
        process_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        states: Sequence[InstanceState] | None = None,
        correlation_key: str | None = None,
        created: TimeRange | None = None,
        ended: TimeRange | None = None,
        has_incident: bool | None = None,
        waiting_at: str | None = None,
        roots_only: bool | None = None,
        created_by: str | None = None,
        group_by: Sequence[InstanceGroup] | None = None,
    ) -> ProcessInstanceCountRes:
        """Counts process instances, in groups where asked to, the largest group first.

        Groups without any instance are no results.

        `partition`: Partition filter.
        `id`: Process instance filter.
        `parent_id`: Filter for the instances that a process instance has called.
        `root_id`: Filter for a root process instance and everything below it.
        `process_id`: Process filter.
        `tags`: Tags, a process instance must have, to be included.
        `bpmn_process_id`: BPMN process ID filter.
        `versions`: Process versions to include.
        `states`: States to include.
        `correlation_key`: Correlation key filter.
        `created`: When they were created.
        `ended`: When they have ended.
        `has_incident`: Whether only instances are included that have an incident which is not resolved.
        `waiting_at`: BPMN ID of an element that has an active element instance in the instance.
        `roots_only`: Whether only instances are included that no other instance has called.
        `created_by`: Filter for the worker that has created them.
        `group_by`: What groups have in common.
        """
        return self._sender.send(
            COUNT_PROCESS_INSTANCES,
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "rootId": root_id,
                "processId": process_id,
                "tags": tags,
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "states": states,
                "correlationKey": correlation_key,
                "created": created,
                "ended": ended,
                "hasIncident": has_incident,
                "waitingAt": waiting_at,
                "rootsOnly": roots_only,
                "createdBy": created_by,
                "groupBy": group_by,
            },
        )

    def get_waiting(self, *, partition: date, id: int, limit: int | None = None) -> GetWaitingRes:
        """Gets what a process instance waits for, by element instance.

        An instance that has ended waits for nothing.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        """
        return self._sender.send(GET_WAITING, path={"partition": partition, "id": id}, query={"limit": limit})

    def get_history(
        self, *, partition: date, id: int, limit: int | None = None, order: str | None = None, cursor: str | None = None
    ) -> GetHistoryRes:
        """Gets what has happened in a process instance, as one list by time.

        Each thing has one place, which it keeps: element instances that of the time when they were entered, work that
        of when it was done. What is still to be done is told by getWaiting.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: `-time` for the last one first.
        `cursor`: `nextCursor` of the page before; empty for the first page.
        """
        return self._sender.send(
            GET_HISTORY,
            path={"partition": partition, "id": id},
            query={"limit": limit, "order": order, "cursor": cursor},
        )

    def get_statistics(
        self,
        *,
        flows: bool | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        process_ids: Sequence[int] | None = None,
        created: TimeRange | None = None,
        states: Sequence[InstanceState] | None = None,
        process_instance: InstanceKey | None = None,
    ) -> GetStatisticsRes:
        """Counts how often each element of a process was visited, and how that went.

        The counts may be some seconds old: they are kept for ten times as long as it took to count, and two seconds
        at least.

        `flows`: Whether it is counted, too, from where to where tokens have gone.
        `bpmn_process_id`: Of the processes to count.
        `versions`: Versions of the process; without them all.
        `process_ids`: IDs of processes to count.
        `created`: When the process instances to count were created.
        `states`: States of the process instances to count.
        `process_instance`: The only process instance to count.
        """
        return self._sender.send(
            GET_STATISTICS,
            query={"flows": flows},
            body={
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "processIds": process_ids,
                "created": created,
                "states": states,
                "processInstance": process_instance,
            },
        )

    def get_element_variables(
        self, *, partition: date, id: int, names: str | None = None, exclude_parent_variables: bool | None = None
    ) -> GetElementVariablesRes:
        """Gets variables of an active or ended element instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `names`: Comma separated list of variables to include: at most 1000 names of at most 255 characters.
        `exclude_parent_variables`: Whether to leave out variables of the scopes that enclose the element instance.
        """
        return self._sender.send(
            GET_ELEMENT_VARIABLES,
            path={"partition": partition, "id": id},
            query={"names": names, "excludeParentVariables": exclude_parent_variables},
        )

    def set_element_variables(
        self,
        *,
        partition: date,
        id: int,
        variables: Sequence[ElementVariable] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Sets or deletes variables of an active element instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `variables`: Variables to set or delete. For a variable deletion, no data must be provided.
        `worker_id`: ID of the worker that sets the variables.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SET_ELEMENT_VARIABLES,
            path={"partition": partition, "id": id},
            body={"variables": variables, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def get_process_variables(self, *, partition: date, id: int, names: str | None = None) -> GetProcessVariablesRes:
        """Gets variables of an active or ended process instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `names`: Comma separated list of variables to include: at most 1000 names of at most 255 characters.
        """
        return self._sender.send(GET_PROCESS_VARIABLES, path={"partition": partition, "id": id}, query={"names": names})

    def set_process_variables(
        self,
        *,
        partition: date,
        id: int,
        variables: Sequence[ProcessVariable] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Sets or deletes variables of an active process instance.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `variables`: Variables to set or delete. For a variable deletion, no data must be provided.
        `worker_id`: ID of the worker that sets the variables.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SET_PROCESS_VARIABLES,
            path={"partition": partition, "id": id},
            body={"variables": variables, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def query_variables(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        element_instance_id: int | None = None,
        process_instance_id: int | None = None,
        names: Sequence[str] | None = None,
    ) -> VariableRes:
        """Performs a variable query, which answers what is known about variables, without their values.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `element_instance_id`: Element instance filter.
        `process_instance_id`: Process instance filter.
        `names`: Names of variables to include.
        """
        return self._sender.send(
            QUERY_VARIABLES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "elementInstanceId": element_instance_id,
                "processInstanceId": process_instance_id,
                "names": names,
            },
        )

    def lock_jobs(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        process_ids: Sequence[int] | None = None,
        process_instance_id: int | None = None,
        types: Sequence[JobType] | None = None,
        bpmn_element_ids: Sequence[str] | None = None,
        bpmn_process_ids: Sequence[str] | None = None,
        task_types: Sequence[str] | None = None,
        variables: Sequence[str] | None = None,
        all_variables: bool | None = None,
        limit: int | None = None,
        lock_timeout: timedelta | str | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> LockJobsRes:
        """Locks due jobs, which match the specified conditions.

        With `waitTimeout` the answer comes as soon as there is a job, and is an empty list only after that time. One
        that comes earlier says so by `Retry-After`: too many requests wait already, or the service is about to stop.

        `partition`: Partition condition.
        `id`: Job condition - must be used in combination with a partition.
        `process_ids`: IDs of processes to include.
        `process_instance_id`: Process instance condition - must be used in combination with a partition.
        `types`: Types of jobs to include.
        `bpmn_element_ids`: BPMN IDs of elements to include, in all versions of all processes.
        `bpmn_process_ids`: BPMN IDs of processes to include, all versions.
        `task_types`: Types of tasks to include, as the BPMN files state them: the `type` of `zeebe:taskDefinition`,
            or `camunda:topic`.
        `variables`: Names of variables that the jobs are answered with, as far as they see them.
        `all_variables`: Whether the jobs are answered with all variables they see.
        `limit`: Maximum number of jobs to lock.
        `lock_timeout`: How long the jobs stay locked, unless they are completed or extended before. A lock that has
            ended counts as no attempt. If not set, BPMN_JOB_LOCK_TIMEOUT counts, or jobs stay locked until they are
            completed or unlocked.
        `wait_timeout`: Duration to wait for a job where there is none to lock; one beyond BPMN_LONG_POLL_MAX (30
            seconds, if that is not set) is taken as that.
        `worker_id`: ID of the worker that locks the jobs.
        """
        return self._sender.send(
            LOCK_JOBS,
            body={
                "partition": partition,
                "id": id,
                "processIds": process_ids,
                "processInstanceId": process_instance_id,
                "types": types,
                "bpmnElementIds": bpmn_element_ids,
                "bpmnProcessIds": bpmn_process_ids,
                "taskTypes": task_types,
                "variables": variables,
                "allVariables": all_variables,
                "limit": limit,
                "lockTimeout": lock_timeout,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def query_jobs(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        states: Sequence[WorkState] | None = None,
        types: Sequence[JobType] | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        locked_by: str | None = None,
        open: bool | None = None,
    ) -> JobRes:
        """Performs a job query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `id`: Job filter.
        `element_id`: Element filter.
        `element_instance_id`: Element instance filter.
        `process_id`: Process filter.
        `process_instance_id`: Process instance filter.
        `states`: States to include.
        `types`: Types to include.
        `bpmn_process_id`: BPMN process ID filter.
        `bpmn_element_id`: BPMN element ID filter.
        `locked_by`: Filter for the worker that holds the job, or has completed it.
        `open`: Whether only jobs are included that are still to be done.
        """
        return self._sender.send(
            QUERY_JOBS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementId": element_id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "states": states,
                "types": types,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "lockedBy": locked_by,
                "open": open,
            },
        )

    def unlock_jobs(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CountRes:
        """Unlocks locked, but uncompleted, jobs that are currently locked by a specific worker.

        `partition`: Partition condition.
        `id`: Job condition - must be used in combination with a partition.
        `worker_id`: Condition that restricts the jobs to those locked by a specific worker.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            UNLOCK_JOBS,
            body={"partition": partition, "id": id, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def extend_jobs(
        self,
        *,
        lock_timeout: timedelta | str,
        jobs: Sequence[ExtendJobsItem],
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> ExtendJobsRes:
        """Extends the locks of up to 1,000 jobs that were locked with a `lockTimeout`.

        A lock is never shortened, so that the request can be repeated. Each job is answered for itself. A lock that
        has ended, was given to somebody else, or whose job is completed or not needed any more, can't be extended:
        whatever the worker does for that job is in vain.

        `worker_id`: ID of the worker that locked the jobs.
        `lock_timeout`: How long the jobs stay locked from now on, at least.
        """
        return self._sender.send(
            EXTEND_JOBS,
            body={"workerId": worker_id or self._sender.worker_id, "lockTimeout": lock_timeout, "jobs": jobs},
            idempotency_key=idempotency_key,
        )

    def complete_job(
        self,
        *,
        partition: date,
        id: int,
        completion: JobCompletion | None = None,
        element_variables: Sequence[ElementVariable] | None = None,
        error: str | None = None,
        lock_version: int | None = None,
        process_variables: Sequence[ProcessVariable] | None = None,
        retry_limit: int | None = None,
        retry_timer: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Completes a locked job.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `completion`: The outcome, depending on the type of job.
        `element_variables`: Variables to set or delete at element instance scope.
        `error`: Optional error, used to fail a job due to a technical problem. What goes beyond 10000 characters is
            cut off.
        `lock_version`: The lock by which the worker holds the job, as it was told when it locked the job. If it is
            another one by now, the job is not completed.
        `process_variables`: Variables to set or delete at process instance scope.
        `retry_limit`: Maximum number of retries. Once the retry count has reached it, an incident is created.
        `retry_timer`: Duration until a retry job becomes due.
        `worker_id`: ID of the worker that locked and completes the job.
        """
        return self._sender.send(
            COMPLETE_JOB,
            path={"partition": partition, "id": id},
            body={
                "completion": completion,
                "elementVariables": element_variables,
                "error": error,
                "lockVersion": lock_version,
                "processVariables": process_variables,
                "retryLimit": retry_limit,
                "retryTimer": retry_timer,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def move_job(
        self,
        *,
        partition: date,
        id: int,
        due_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Has a job that waits, such as a retry, become due now, or at an earlier time than it would.

        A job that is locked, completed, or due before that time, can't be moved.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `due_at`: When it becomes due; now, if that is not set or over.
        `worker_id`: ID of the worker that performs the operation.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            MOVE_JOB,
            path={"partition": partition, "id": id},
            body={"dueAt": due_at, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def complete_jobs(
        self,
        *,
        jobs: Sequence[CompleteJobsItem],
        worker_id: str | None = None,
        lock_next: LockConditions | None = None,
        idempotency_key: str | None = None,
    ) -> CompleteJobsRes:
        """Completes up to 100 locked jobs, and locks the next ones when asked to.

        Each job is answered as it would be alone; some may fail while others are completed. A request that is not
        understood, or does not tell which jobs it is about, is refused as a whole. If the next jobs can't be locked,
        what was completed stays completed, and `problem` tells why there are no `jobs`.

        `worker_id`: ID of the worker that locked and completes the jobs.
        `jobs`: The jobs; those of one instance are completed in this order.
        `lock_next`: Conditions of jobs to lock for the same worker, once all are completed.
        """
        return self._sender.send(
            COMPLETE_JOBS,
            body={"workerId": worker_id or self._sender.worker_id, "jobs": jobs, "lockNext": lock_next},
            idempotency_key=idempotency_key,
        )

    def execute_tasks(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        type: TaskType | None = None,
        limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> ExecuteTasksRes:
        """Locks and executes due tasks, which match the specified conditions.

        Due tasks are normally handled by a task executor, running inside the engine. When waiting for a due task to
        be completed during testing, this operation must be called!

        `partition`: Partition condition.
        `id`: Task condition - must be used in combination with a partition.
        `process_id`: Process condition.
        `process_instance_id`: Process instance condition - must be used in combination with a partition.
        `type`: Type condition.
        `limit`: Maximum number of tasks to lock and execute.
        """
        return self._sender.send(
            EXECUTE_TASKS,
            body={
                "partition": partition,
                "id": id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "type": type,
                "limit": limit,
            },
            idempotency_key=idempotency_key,
        )

    def query_tasks(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        type: TaskType | None = None,
        states: Sequence[WorkState] | None = None,
        bpmn_element_id: str | None = None,
        open: bool | None = None,
    ) -> TaskRes:
        """Performs a task query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `id`: Task filter.
        `element_id`: Element filter.
        `element_instance_id`: Element instance filter.
        `process_id`: Process filter.
        `process_instance_id`: Process instance filter.
        `type`: Type filter.
        `states`: States to include.
        `bpmn_element_id`: BPMN element ID filter.
        `open`: Whether only tasks are included that are still to be done.
        """
        return self._sender.send(
            QUERY_TASKS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementId": element_id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "type": type,
                "states": states,
                "bpmnElementId": bpmn_element_id,
                "open": open,
            },
        )

    def move_timer(
        self,
        *,
        partition: date,
        id: int,
        due_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """Has a timer fire now, or at an earlier time than it would.

        One that repeats goes on as it would have. A task that is locked, completed, due before that time, or no
        timer, can't be moved.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `due_at`: When it becomes due; now, if that is not set or over.
        `worker_id`: ID of the worker that performs the operation.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            MOVE_TIMER,
            path={"partition": partition, "id": id},
            body={"dueAt": due_at, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def unlock_tasks(
        self,
        *,
        engine_id: str,
        partition: date | None = None,
        id: int | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CountRes:
        """Unlocks locked, but uncompleted, tasks that are currently locked by a specific engine.

        `partition`: Partition condition.
        `id`: Task condition - must be used in combination with a partition.
        `engine_id`: Condition that restricts the tasks to those locked by a specific engine.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            UNLOCK_TASKS,
            body={"partition": partition, "id": id, "engineId": engine_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def send_message(
        self,
        *,
        correlation_key: str,
        name: str,
        expiration_timer: Timer | None = None,
        require_receiver: bool | None = None,
        unique_key: str | None = None,
        variables: Sequence[ProcessVariable] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> SentMessage:
        """Sends a message to notify a message subscriber or to buffer the message.

        A subscriber can be a message start, boundary or catch event. In case of a message start event, a new process
        instance is created. In case of a message boundary or catch event, an existing process instance is continued.
        `result` tells which of these it is; that takes place a moment later, for which `waitTimeout` waits.

        `correlation_key`: Key, used to correlate a message subscription with the message.
        `expiration_timer`: Expiry of the message; without it, it expires immediately.
        `name`: Message name.
        `require_receiver`: Whether a message that nobody waits for is answered by a problem of type NOT_FOUND and not
            kept, neither buffered nor discarded. A repetition by unique key is still answered by the message that
            exists.
        `unique_key`: Optional key that uniquely identifies the message. If a message with the same name, correlation
            key and unique key already exists, the message is discarded, and the one that exists is the answer: be it
            buffered, consumed or expired, until it is purged (BPMN_MESSAGE_UNIQUE_RETENTION, a day by default, after
            it expired or was consumed). A message that started a process instance frees its key when that has ended.
        `variables`: Variables to set or delete at process instance scope.
        `wait_timeout`: Duration to wait until the receiver has moved on, or the instance was started; one beyond
            BPMN_LONG_POLL_MAX (30 seconds, if that is not set) is taken as that.
        `worker_id`: ID of the worker that sends the message.
        """
        return self._sender.send(
            SEND_MESSAGE,
            body={
                "correlationKey": correlation_key,
                "expirationTimer": expiration_timer,
                "name": name,
                "requireReceiver": require_receiver,
                "uniqueKey": unique_key,
                "variables": variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def query_messages(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        id: int | None = None,
        exclude_expired: bool | None = None,
        name: str | None = None,
        correlation_key: str | None = None,
        correlated: bool | None = None,
    ) -> MessageRes:
        """Performs a message query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `id`: Message filter.
        `exclude_expired`: Whether expired messages are left out.
        `name`: Message name filter.
        `correlation_key`: Correlation key filter.
        `correlated`: Whether only messages are included that have reached somebody.
        """
        return self._sender.send(
            QUERY_MESSAGES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "id": id,
                "excludeExpired": exclude_expired,
                "name": name,
                "correlationKey": correlation_key,
                "correlated": correlated,
            },
        )

    def query_message_subscriptions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        correlation_key: str | None = None,
        name: str | None = None,
    ) -> MessageSubscriptionRes:
        """Performs a message subscription query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `process_instance_id`: Process instance filter.
        `correlation_key`: Correlation key filter.
        `name`: Message name filter.
        """
        return self._sender.send(
            QUERY_MESSAGE_SUBSCRIPTIONS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "processInstanceId": process_instance_id,
                "correlationKey": correlation_key,
                "name": name,
            },
        )

    def send_signal(
        self,
        *,
        name: str,
        variables: Sequence[ProcessVariable] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Signal:
        """Sends a signal to notify signal subscribers.

        A subscriber can be a signal start, boundary or catch event. In case of a signal start event, a new process
        instance is created. In case of a signal boundary or catch event, an existing process instance is continued.
        That takes place a moment later, for which `waitTimeout` waits.

        `name`: Signal name.
        `variables`: Variables to set or delete at process instance scope.
        `wait_timeout`: Duration to wait until all subscribers have moved on; one beyond BPMN_LONG_POLL_MAX (30
            seconds, if that is not set) is taken as that.
        `worker_id`: ID of the worker that sends the signal.
        """
        return self._sender.send(
            SEND_SIGNAL,
            body={
                "name": name,
                "variables": variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def query_signal_subscriptions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        name: str | None = None,
    ) -> SignalSubscriptionRes:
        """Performs a signal subscription query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `process_instance_id`: Process instance filter.
        `name`: Signal name filter.
        """
        return self._sender.send(
            QUERY_SIGNAL_SUBSCRIPTIONS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"partition": partition, "processInstanceId": process_instance_id, "name": name},
        )

    def query_incidents(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        job_id: int | None = None,
        process_instance_id: int | None = None,
        task_id: int | None = None,
        process_id: int | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        error_id: str | None = None,
        created: TimeRange | None = None,
        open: bool | None = None,
    ) -> IncidentRes:
        """Performs an incident query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `id`: Incident filter.
        `job_id`: Job filter.
        `process_instance_id`: Process instance filter.
        `task_id`: Task filter.
        `process_id`: Process filter.
        `bpmn_process_id`: BPMN process ID filter.
        `bpmn_element_id`: BPMN element ID filter.
        `error_id`: Filter for the ID that equal errors have in common.
        `created`: When they were created.
        `open`: Whether only incidents are included that are not resolved.
        """
        return self._sender.send(
            QUERY_INCIDENTS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "jobId": job_id,
                "processInstanceId": process_instance_id,
                "taskId": task_id,
                "processId": process_id,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "errorId": error_id,
                "created": created,
                "open": open,
            },
        )

    def group_incidents(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        partition: date | None = None,
        id: int | None = None,
        job_id: int | None = None,
        process_instance_id: int | None = None,
        task_id: int | None = None,
        process_id: int | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        error_id: str | None = None,
        created: TimeRange | None = None,
        open: bool | None = None,
    ) -> IncidentGroupRes:
        """Groups incidents by what has failed where, the largest group first.

        Incidents of a group have an error ID, a BPMN process and a BPMN element in common; versions make no
        difference.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `partition`: Partition filter.
        `id`: Incident filter.
        `job_id`: Job filter.
        `process_instance_id`: Process instance filter.
        `task_id`: Task filter.
        `process_id`: Process filter.
        `bpmn_process_id`: BPMN process ID filter.
        `bpmn_element_id`: BPMN element ID filter.
        `error_id`: Filter for the ID that equal errors have in common.
        `created`: When they were created.
        `open`: Whether only incidents are included that are not resolved.
        """
        return self._sender.send(
            GROUP_INCIDENTS,
            query={"offset": offset, "limit": limit},
            body={
                "partition": partition,
                "id": id,
                "jobId": job_id,
                "processInstanceId": process_instance_id,
                "taskId": task_id,
                "processId": process_id,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "errorId": error_id,
                "created": created,
                "open": open,
            },
        )

    def resolve_incident(
        self,
        *,
        id: int,
        partition: date,
        retry_timer: timedelta | str | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """Resolves a job or task related incident.

        When an incident is resolved, a retry job or task is created. The retry count is set to 0.

        `id`: ID, within the partition if there is one.
        `partition`: Partition: the UTC date on which the process instance was created.
        `retry_timer`: Duration until the retry job or task becomes due.
        `worker_id`: ID of the worker that resolves the incident.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            RESOLVE_INCIDENT,
            path={"id": id, "partition": partition},
            body={"retryTimer": retry_timer, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def query_user_tasks(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        states: Sequence[UserTaskState] | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        correlation_key: str | None = None,
    ) -> UserTaskRes:
        """Performs a user task query.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `partition`: Partition filter.
        `id`: User task filter.
        `element_instance_id`: Element instance filter.
        `process_id`: Process filter.
        `process_instance_id`: Process instance filter.
        `tags`: Tags, a user task must have, to be included.
        `states`: States to include.
        `bpmn_process_id`: BPMN process ID filter.
        `bpmn_element_id`: BPMN element ID filter.
        `correlation_key`: Correlation key filter.
        """
        return self._sender.send(
            QUERY_USER_TASKS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "tags": tags,
                "states": states,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "correlationKey": correlation_key,
            },
        )

    def update_user_task(
        self,
        *,
        partition: date,
        id: int,
        revision: int,
        element_variables: Sequence[ElementVariable] | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
        escalation_code: str | None = None,
        completed: bool | None = None,
        process_variables: Sequence[ProcessVariable] | None = None,
        tags: Sequence[Tag] | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> UserTask:
        """Updates a user task: tags and variables, and optionally completion, a BPMN error or an escalation.

        `partition`: Partition: the UTC date on which the process instance was created.
        `id`: ID, within the partition if there is one.
        `revision`: The current revision of the user task.
        `element_variables`: Variables to set or delete at element instance scope.
        `error_code`: Code of a BPMN error to throw.
        `error_message`: With `errorCode`: a free text that travels with a BPMN error that is thrown. What goes beyond
            10000 characters is cut off.
        `escalation_code`: Code of an escalation.
        `completed`: Whether the user task is completed.
        `process_variables`: Variables to set or delete at process instance scope.
        `tags`: Merged into the existing tags; an empty value removes the tag.
        `worker_id`: ID of the worker that updates the user task.
        """
        return self._sender.send(
            UPDATE_USER_TASK,
            path={"partition": partition, "id": id},
            body={
                "revision": revision,
                "elementVariables": element_variables,
                "errorCode": error_code,
                "errorMessage": error_message,
                "escalationCode": escalation_code,
                "completed": completed,
                "processVariables": process_variables,
                "tags": tags,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    def get_process_setting(self, *, bpmn_process_id: str) -> ProcessSetting:
        """Gets the settings of a process.

        `bpmn_process_id`: BPMN ID of a process that was deployed.
        """
        return self._sender.send(GET_PROCESS_SETTING, path={"bpmnProcessId": bpmn_process_id})

    def set_process_setting(
        self,
        *,
        bpmn_process_id: str,
        retention_days: int | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> ProcessSetting:
        """Replaces the settings of a process; what is left out is not set any more.

        `bpmn_process_id`: BPMN ID of a process that was deployed.
        `retention_days`: After how many days ended instances are deleted; until then they are kept, whatever their
            day. Left out: their day decides.
        `worker_id`: ID of who changes the settings.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SET_PROCESS_SETTING,
            path={"bpmnProcessId": bpmn_process_id},
            body={"retentionDays": retention_days, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def query_process_settings(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        bpmn_process_id: str | None = None,
    ) -> ProcessSettingRes:
        """Performs a process setting query, which finds the processes for which anything was ever set.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `bpmn_process_id`: Process filter.
        """
        return self._sender.send(
            QUERY_PROCESS_SETTINGS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"bpmnProcessId": bpmn_process_id},
        )

    def query_audit(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        created: TimeRange | None = None,
        actor: str | None = None,
        credential: str | None = None,
        operations: Sequence[str] | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        bpmn_process_id: str | None = None,
    ) -> AuditEntryRes:
        """Performs a query for what operators have done.

        Noted are deployments, settings, changes of process instances and their variables, resolved incidents,
        unlocked jobs, API keys, and engine time that was moved. Starting, working and sending are not: what they
        leave tells who.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `created`: When it was done.
        `actor`: Filter for the `workerId` of requests.
        `credential`: Filter for the secret ID of an API key, or a user name.
        `operations`: Operation IDs to include.
        `partition`: Partition filter.
        `process_instance_id`: Process instance filter.
        `bpmn_process_id`: Process filter.
        """
        return self._sender.send(
            QUERY_AUDIT,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "created": created,
                "actor": actor,
                "credential": credential,
                "operations": operations,
                "partition": partition,
                "processInstanceId": process_instance_id,
                "bpmnProcessId": bpmn_process_id,
            },
        )

    def create_api_key(
        self,
        *,
        secret_id: str,
        roles: Sequence[Role],
        bpmn_process_ids: Sequence[str] | None = None,
        may_deploy: bool | None = None,
        may_send: bool | None = None,
        description: str | None = None,
        expires_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
    ) -> CreatedApiKey:
        """Makes an API key. Its authorization value is answered once, and kept nowhere.

        `secret_id`: A name that no other key has.
        `roles`: What it is for.
        `bpmn_process_ids`: BPMN process IDs, or the beginning of IDs and `*`, of the processes that there are for the
            key. Left out: all.
        `may_deploy`: Whether it may deploy without the role ADMIN.
        `may_send`: Whether it may send messages and signals, though it is bound to processes.
        `description`: What the key is for.
        `worker_id`: ID of who makes the key.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            CREATE_API_KEY,
            body={
                "secretId": secret_id,
                "roles": roles,
                "bpmnProcessIds": bpmn_process_ids,
                "mayDeploy": may_deploy,
                "maySend": may_send,
                "description": description,
                "expiresAt": expires_at,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
            },
        )

    def query_api_keys(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        secret_id: str | None = None,
    ) -> ApiKeyRes:
        """Performs an API key query, which answers what is known about keys, without their secrets.

        `offset`: The number of results to skip, before returning any result.
        `limit`: Maximum number of results to return. If the limit is 0, a configured number (1000) applies. The
            largest limit is configured, too.
        `order`: What the results are ordered by, `-` in front for descending; equal ones by partition and ID, in the
            same direction. `id` is the order by partition and ID, as without this parameter. What has not ended is no
            result in the order of `endedAt`.
        `cursor`: `nextCursor` of the page before, for the same criteria; empty for the first page. The pages have
            each result once, whatever is created meanwhile.
        `total`: Whether all results are counted, up to a configured number (100000).
        `secret_id`: Secret ID filter.
        """
        return self._sender.send(
            QUERY_API_KEYS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"secretId": secret_id},
        )

    def revoke_api_key(
        self, *, id: int, worker_id: str | None = None, reason: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """Deletes an API key.

        Requests with it are refused at once by the process that answers, and within seconds (BPMN_API_KEY_CACHE_TTL)
        by others.

        `id`: ID, within the partition if there is one.
        `worker_id`: ID of who revokes the key.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            REVOKE_API_KEY,
            path={"id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def get_health(self) -> Health:
        """Tells what is wrong with the system, and what helps.

        The status is 200 also where something is wrong: whether requests should be sent here is what `/readiness`
        tells.
        """
        return self._sender.send(GET_HEALTH)

    def set_time(
        self,
        *,
        time: datetime | None = None,
        time_cycle: str | None = None,
        time_duration: timedelta | str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> SetTimeRes:
        """Increases the engine's time for testing purposes.

        `time`: A point in time.
        `time_cycle`: A cron expression (UTC, 5 to 7 fields) or a macro such as `@daily`.
        `time_duration`: An ISO 8601 duration.
        `reason`: Why; kept with the audit of the operation.
        """
        return self._sender.send(
            SET_TIME,
            body={"time": time, "timeCycle": time_cycle, "timeDuration": time_duration, "reason": reason},
            idempotency_key=idempotency_key,
        )

    def get_metrics(self) -> str:
        """Metrics in the text format of Prometheus: of all processes of this service, and of the database.

        Needs authentication unless BPMN_METRICS_PUBLIC is true.
        """
        return self._sender.send(GET_METRICS)

    def check_readiness(self) -> str:
        """Tells whether requests should be sent to this service."""
        return self._sender.send(CHECK_READINESS)

    def check_liveness(self) -> str:
        """Tells that the process answers; the database is not asked."""
        return self._sender.send(CHECK_LIVENESS)

    def reset_engine(self) -> None:
        """Deletes all that there is, but for API keys, and sets engine time back to that of the machine.

        Only on SQLite, and only with BPMN_TEST_OPERATIONS=true. IDs go on.
        """
        return self._sender.send(RESET_ENGINE, body={})


class AsyncApi:
    """All operations, to be awaited."""

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def create_process(
        self,
        *,
        bpmn_process_id: str,
        bpmn_xml: str,
        version: str,
        errors: Sequence[ErrorDefinition] | None = None,
        escalations: Sequence[EscalationDefinition] | None = None,
        expressions: ExpressionMode | None = None,
        messages: Sequence[MessageDefinition] | None = None,
        parallelism: int | None = None,
        signals: Sequence[SignalDefinition] | None = None,
        tags: Sequence[Tag] | None = None,
        timers: Sequence[TimerDefinition] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Process:
        """As `Api.create_process`."""
        return await self._sender.send(
            CREATE_PROCESS,
            body={
                "bpmnProcessId": bpmn_process_id,
                "bpmnXml": bpmn_xml,
                "errors": errors,
                "escalations": escalations,
                "expressions": expressions,
                "messages": messages,
                "parallelism": parallelism,
                "signals": signals,
                "tags": tags,
                "timers": timers,
                "version": version,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
            },
            idempotency_key=idempotency_key,
        )

    async def query_processes(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        latest_only: bool | None = None,
    ) -> ProcessRes:
        """As `Api.query_processes`."""
        return await self._sender.send(
            QUERY_PROCESSES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"id": id, "tags": tags, "bpmnProcessId": bpmn_process_id, "latestOnly": latest_only},
        )

    async def get_bpmn_xml(self, *, id: int) -> str:
        """As `Api.get_bpmn_xml`."""
        return await self._sender.send(GET_BPMN_XML, path={"id": id})

    async def get_diagram(self, *, id: int) -> str:
        """As `Api.get_diagram`."""
        return await self._sender.send(GET_DIAGRAM, path={"id": id})

    async def delete_process(
        self, *, id: int, reason: str | None = None, worker_id: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """As `Api.delete_process`."""
        return await self._sender.send(
            DELETE_PROCESS,
            path={"id": id},
            query={"reason": reason, "workerId": worker_id or self._sender.worker_id},
            idempotency_key=idempotency_key,
        )

    async def check_process(
        self,
        *,
        bpmn_xml: str,
        bpmn_process_id: str | None = None,
        errors: Sequence[ErrorDefinition] | None = None,
        escalations: Sequence[EscalationDefinition] | None = None,
        expressions: ExpressionMode | None = None,
        messages: Sequence[MessageDefinition] | None = None,
        parallelism: int | None = None,
        signals: Sequence[SignalDefinition] | None = None,
        tags: Sequence[Tag] | None = None,
        timers: Sequence[TimerDefinition] | None = None,
        version: str | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        findings: bool | None = None,
    ) -> CheckedProcess:
        """As `Api.check_process`."""
        return await self._sender.send(
            CHECK_PROCESS,
            body={
                "bpmnProcessId": bpmn_process_id,
                "bpmnXml": bpmn_xml,
                "errors": errors,
                "escalations": escalations,
                "expressions": expressions,
                "messages": messages,
                "parallelism": parallelism,
                "signals": signals,
                "tags": tags,
                "timers": timers,
                "version": version,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
                "findings": findings,
            },
        )

    async def query_elements(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        process_id: int | None = None,
        bpmn_element_id: str | None = None,
    ) -> ElementRes:
        """As `Api.query_elements`."""
        return await self._sender.send(
            QUERY_ELEMENTS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"processId": process_id, "bpmnElementId": bpmn_element_id},
        )

    async def query_element_instances(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        bpmn_element_id: str | None = None,
        states: Sequence[InstanceState] | None = None,
        bpmn_element_types: Sequence[ElementType] | None = None,
        active: bool | None = None,
    ) -> ElementInstanceRes:
        """As `Api.query_element_instances`."""
        return await self._sender.send(
            QUERY_ELEMENT_INSTANCES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "bpmnElementId": bpmn_element_id,
                "states": states,
                "bpmnElementTypes": bpmn_element_types,
                "active": active,
            },
        )

    async def select_activities(
        self,
        *,
        partition: date,
        id: int,
        activities: Sequence[str],
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.select_activities`."""
        return await self._sender.send(
            SELECT_ACTIVITIES,
            path={"partition": partition, "id": id},
            body={"activities": activities, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def create_process_instance(
        self,
        *,
        bpmn_process_id: str,
        bpmn_element_id: str | None = None,
        correlation_key: str | None = None,
        on_conflict: OnConflict | None = None,
        tags: Sequence[Tag] | None = None,
        unique_correlation_key: bool | None = None,
        variables: Sequence[ProcessVariable] | None = None,
        version: str | None = None,
        return_variables: Sequence[str] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> StartedProcessInstance:
        """As `Api.create_process_instance`."""
        return await self._sender.send(
            CREATE_PROCESS_INSTANCE,
            body={
                "bpmnElementId": bpmn_element_id,
                "bpmnProcessId": bpmn_process_id,
                "correlationKey": correlation_key,
                "onConflict": on_conflict,
                "tags": tags,
                "uniqueCorrelationKey": unique_correlation_key,
                "variables": variables,
                "version": version,
                "returnVariables": return_variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def get_process_instance(
        self, *, partition: date, id: int, wait_timeout: timedelta | str | None = None
    ) -> ProcessInstance:
        """As `Api.get_process_instance`."""
        return await self._sender.send(
            GET_PROCESS_INSTANCE, path={"partition": partition, "id": id}, query={"waitTimeout": wait_timeout}
        )

    async def delete_process_instance(
        self,
        *,
        partition: date,
        id: int,
        reason: str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.delete_process_instance`."""
        return await self._sender.send(
            DELETE_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            query={"reason": reason, "workerId": worker_id or self._sender.worker_id},
            idempotency_key=idempotency_key,
        )

    async def create_process_instances(
        self,
        *,
        process_instances: Sequence[NewProcessInstance],
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> CreateProcessInstancesRes:
        """As `Api.create_process_instances`."""
        return await self._sender.send(
            CREATE_PROCESS_INSTANCES,
            body={"workerId": worker_id or self._sender.worker_id, "processInstances": process_instances},
            idempotency_key=idempotency_key,
        )

    async def query_process_instances(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        waiting: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        root_id: int | None = None,
        process_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        states: Sequence[InstanceState] | None = None,
        correlation_key: str | None = None,
        created: TimeRange | None = None,
        ended: TimeRange | None = None,
        has_incident: bool | None = None,
        waiting_at: str | None = None,
        roots_only: bool | None = None,
        created_by: str | None = None,
    ) -> ProcessInstanceRes:
        """As `Api.query_process_instances`."""
        return await self._sender.send(
            QUERY_PROCESS_INSTANCES,
            query={
                "offset": offset,
                "limit": limit,
                "order": order,
                "cursor": cursor,
                "total": total,
                "waiting": waiting,
            },
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "rootId": root_id,
                "processId": process_id,
                "tags": tags,
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "states": states,
                "correlationKey": correlation_key,
                "created": created,
                "ended": ended,
                "hasIncident": has_incident,
                "waitingAt": waiting_at,
                "rootsOnly": roots_only,
                "createdBy": created_by,
            },
        )

    async def resume_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.resume_process_instance`."""
        return await self._sender.send(
            RESUME_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def suspend_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.suspend_process_instance`."""
        return await self._sender.send(
            SUSPEND_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def cancel_process_instance(
        self,
        *,
        partition: date,
        id: int,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.cancel_process_instance`."""
        return await self._sender.send(
            CANCEL_PROCESS_INSTANCE,
            path={"partition": partition, "id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def count_process_instances(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        parent_id: int | None = None,
        root_id: int | None = None,
        process_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        states: Sequence[InstanceState] | None = None,
        correlation_key: str | None = None,
        created: TimeRange | None = None,
        ended: TimeRange | None = None,
        has_incident: bool | None = None,
        waiting_at: str | None = None,
        roots_only: bool | None = None,
        created_by: str | None = None,
        group_by: Sequence[InstanceGroup] | None = None,
    ) -> ProcessInstanceCountRes:
        """As `Api.count_process_instances`."""
        return await self._sender.send(
            COUNT_PROCESS_INSTANCES,
            body={
                "partition": partition,
                "id": id,
                "parentId": parent_id,
                "rootId": root_id,
                "processId": process_id,
                "tags": tags,
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "states": states,
                "correlationKey": correlation_key,
                "created": created,
                "ended": ended,
                "hasIncident": has_incident,
                "waitingAt": waiting_at,
                "rootsOnly": roots_only,
                "createdBy": created_by,
                "groupBy": group_by,
            },
        )

    async def get_waiting(self, *, partition: date, id: int, limit: int | None = None) -> GetWaitingRes:
        """As `Api.get_waiting`."""
        return await self._sender.send(GET_WAITING, path={"partition": partition, "id": id}, query={"limit": limit})

    async def get_history(
        self, *, partition: date, id: int, limit: int | None = None, order: str | None = None, cursor: str | None = None
    ) -> GetHistoryRes:
        """As `Api.get_history`."""
        return await self._sender.send(
            GET_HISTORY,
            path={"partition": partition, "id": id},
            query={"limit": limit, "order": order, "cursor": cursor},
        )

    async def get_statistics(
        self,
        *,
        flows: bool | None = None,
        bpmn_process_id: str | None = None,
        versions: Sequence[str] | None = None,
        process_ids: Sequence[int] | None = None,
        created: TimeRange | None = None,
        states: Sequence[InstanceState] | None = None,
        process_instance: InstanceKey | None = None,
    ) -> GetStatisticsRes:
        """As `Api.get_statistics`."""
        return await self._sender.send(
            GET_STATISTICS,
            query={"flows": flows},
            body={
                "bpmnProcessId": bpmn_process_id,
                "versions": versions,
                "processIds": process_ids,
                "created": created,
                "states": states,
                "processInstance": process_instance,
            },
        )

    async def get_element_variables(
        self, *, partition: date, id: int, names: str | None = None, exclude_parent_variables: bool | None = None
    ) -> GetElementVariablesRes:
        """As `Api.get_element_variables`."""
        return await self._sender.send(
            GET_ELEMENT_VARIABLES,
            path={"partition": partition, "id": id},
            query={"names": names, "excludeParentVariables": exclude_parent_variables},
        )

    async def set_element_variables(
        self,
        *,
        partition: date,
        id: int,
        variables: Sequence[ElementVariable] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.set_element_variables`."""
        return await self._sender.send(
            SET_ELEMENT_VARIABLES,
            path={"partition": partition, "id": id},
            body={"variables": variables, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def get_process_variables(
        self, *, partition: date, id: int, names: str | None = None
    ) -> GetProcessVariablesRes:
        """As `Api.get_process_variables`."""
        return await self._sender.send(
            GET_PROCESS_VARIABLES, path={"partition": partition, "id": id}, query={"names": names}
        )

    async def set_process_variables(
        self,
        *,
        partition: date,
        id: int,
        variables: Sequence[ProcessVariable] | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.set_process_variables`."""
        return await self._sender.send(
            SET_PROCESS_VARIABLES,
            path={"partition": partition, "id": id},
            body={"variables": variables, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def query_variables(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        element_instance_id: int | None = None,
        process_instance_id: int | None = None,
        names: Sequence[str] | None = None,
    ) -> VariableRes:
        """As `Api.query_variables`."""
        return await self._sender.send(
            QUERY_VARIABLES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "elementInstanceId": element_instance_id,
                "processInstanceId": process_instance_id,
                "names": names,
            },
        )

    async def lock_jobs(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        process_ids: Sequence[int] | None = None,
        process_instance_id: int | None = None,
        types: Sequence[JobType] | None = None,
        bpmn_element_ids: Sequence[str] | None = None,
        bpmn_process_ids: Sequence[str] | None = None,
        task_types: Sequence[str] | None = None,
        variables: Sequence[str] | None = None,
        all_variables: bool | None = None,
        limit: int | None = None,
        lock_timeout: timedelta | str | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> LockJobsRes:
        """As `Api.lock_jobs`."""
        return await self._sender.send(
            LOCK_JOBS,
            body={
                "partition": partition,
                "id": id,
                "processIds": process_ids,
                "processInstanceId": process_instance_id,
                "types": types,
                "bpmnElementIds": bpmn_element_ids,
                "bpmnProcessIds": bpmn_process_ids,
                "taskTypes": task_types,
                "variables": variables,
                "allVariables": all_variables,
                "limit": limit,
                "lockTimeout": lock_timeout,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def query_jobs(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        states: Sequence[WorkState] | None = None,
        types: Sequence[JobType] | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        locked_by: str | None = None,
        open: bool | None = None,
    ) -> JobRes:
        """As `Api.query_jobs`."""
        return await self._sender.send(
            QUERY_JOBS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementId": element_id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "states": states,
                "types": types,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "lockedBy": locked_by,
                "open": open,
            },
        )

    async def unlock_jobs(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CountRes:
        """As `Api.unlock_jobs`."""
        return await self._sender.send(
            UNLOCK_JOBS,
            body={"partition": partition, "id": id, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def extend_jobs(
        self,
        *,
        lock_timeout: timedelta | str,
        jobs: Sequence[ExtendJobsItem],
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> ExtendJobsRes:
        """As `Api.extend_jobs`."""
        return await self._sender.send(
            EXTEND_JOBS,
            body={"workerId": worker_id or self._sender.worker_id, "lockTimeout": lock_timeout, "jobs": jobs},
            idempotency_key=idempotency_key,
        )

    async def complete_job(
        self,
        *,
        partition: date,
        id: int,
        completion: JobCompletion | None = None,
        element_variables: Sequence[ElementVariable] | None = None,
        error: str | None = None,
        lock_version: int | None = None,
        process_variables: Sequence[ProcessVariable] | None = None,
        retry_limit: int | None = None,
        retry_timer: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """As `Api.complete_job`."""
        return await self._sender.send(
            COMPLETE_JOB,
            path={"partition": partition, "id": id},
            body={
                "completion": completion,
                "elementVariables": element_variables,
                "error": error,
                "lockVersion": lock_version,
                "processVariables": process_variables,
                "retryLimit": retry_limit,
                "retryTimer": retry_timer,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def move_job(
        self,
        *,
        partition: date,
        id: int,
        due_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """As `Api.move_job`."""
        return await self._sender.send(
            MOVE_JOB,
            path={"partition": partition, "id": id},
            body={"dueAt": due_at, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def complete_jobs(
        self,
        *,
        jobs: Sequence[CompleteJobsItem],
        worker_id: str | None = None,
        lock_next: LockConditions | None = None,
        idempotency_key: str | None = None,
    ) -> CompleteJobsRes:
        """As `Api.complete_jobs`."""
        return await self._sender.send(
            COMPLETE_JOBS,
            body={"workerId": worker_id or self._sender.worker_id, "jobs": jobs, "lockNext": lock_next},
            idempotency_key=idempotency_key,
        )

    async def execute_tasks(
        self,
        *,
        partition: date | None = None,
        id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        type: TaskType | None = None,
        limit: int | None = None,
        idempotency_key: str | None = None,
    ) -> ExecuteTasksRes:
        """As `Api.execute_tasks`."""
        return await self._sender.send(
            EXECUTE_TASKS,
            body={
                "partition": partition,
                "id": id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "type": type,
                "limit": limit,
            },
            idempotency_key=idempotency_key,
        )

    async def query_tasks(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        type: TaskType | None = None,
        states: Sequence[WorkState] | None = None,
        bpmn_element_id: str | None = None,
        open: bool | None = None,
    ) -> TaskRes:
        """As `Api.query_tasks`."""
        return await self._sender.send(
            QUERY_TASKS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementId": element_id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "type": type,
                "states": states,
                "bpmnElementId": bpmn_element_id,
                "open": open,
            },
        )

    async def move_timer(
        self,
        *,
        partition: date,
        id: int,
        due_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> Task:
        """As `Api.move_timer`."""
        return await self._sender.send(
            MOVE_TIMER,
            path={"partition": partition, "id": id},
            body={"dueAt": due_at, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def unlock_tasks(
        self,
        *,
        engine_id: str,
        partition: date | None = None,
        id: int | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> CountRes:
        """As `Api.unlock_tasks`."""
        return await self._sender.send(
            UNLOCK_TASKS,
            body={"partition": partition, "id": id, "engineId": engine_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def send_message(
        self,
        *,
        correlation_key: str,
        name: str,
        expiration_timer: Timer | None = None,
        require_receiver: bool | None = None,
        unique_key: str | None = None,
        variables: Sequence[ProcessVariable] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> SentMessage:
        """As `Api.send_message`."""
        return await self._sender.send(
            SEND_MESSAGE,
            body={
                "correlationKey": correlation_key,
                "expirationTimer": expiration_timer,
                "name": name,
                "requireReceiver": require_receiver,
                "uniqueKey": unique_key,
                "variables": variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def query_messages(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        id: int | None = None,
        exclude_expired: bool | None = None,
        name: str | None = None,
        correlation_key: str | None = None,
        correlated: bool | None = None,
    ) -> MessageRes:
        """As `Api.query_messages`."""
        return await self._sender.send(
            QUERY_MESSAGES,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "id": id,
                "excludeExpired": exclude_expired,
                "name": name,
                "correlationKey": correlation_key,
                "correlated": correlated,
            },
        )

    async def query_message_subscriptions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        correlation_key: str | None = None,
        name: str | None = None,
    ) -> MessageSubscriptionRes:
        """As `Api.query_message_subscriptions`."""
        return await self._sender.send(
            QUERY_MESSAGE_SUBSCRIPTIONS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "processInstanceId": process_instance_id,
                "correlationKey": correlation_key,
                "name": name,
            },
        )

    async def send_signal(
        self,
        *,
        name: str,
        variables: Sequence[ProcessVariable] | None = None,
        wait_timeout: timedelta | str | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Signal:
        """As `Api.send_signal`."""
        return await self._sender.send(
            SEND_SIGNAL,
            body={
                "name": name,
                "variables": variables,
                "waitTimeout": wait_timeout,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def query_signal_subscriptions(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        name: str | None = None,
    ) -> SignalSubscriptionRes:
        """As `Api.query_signal_subscriptions`."""
        return await self._sender.send(
            QUERY_SIGNAL_SUBSCRIPTIONS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"partition": partition, "processInstanceId": process_instance_id, "name": name},
        )

    async def query_incidents(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        job_id: int | None = None,
        process_instance_id: int | None = None,
        task_id: int | None = None,
        process_id: int | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        error_id: str | None = None,
        created: TimeRange | None = None,
        open: bool | None = None,
    ) -> IncidentRes:
        """As `Api.query_incidents`."""
        return await self._sender.send(
            QUERY_INCIDENTS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "jobId": job_id,
                "processInstanceId": process_instance_id,
                "taskId": task_id,
                "processId": process_id,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "errorId": error_id,
                "created": created,
                "open": open,
            },
        )

    async def group_incidents(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        partition: date | None = None,
        id: int | None = None,
        job_id: int | None = None,
        process_instance_id: int | None = None,
        task_id: int | None = None,
        process_id: int | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        error_id: str | None = None,
        created: TimeRange | None = None,
        open: bool | None = None,
    ) -> IncidentGroupRes:
        """As `Api.group_incidents`."""
        return await self._sender.send(
            GROUP_INCIDENTS,
            query={"offset": offset, "limit": limit},
            body={
                "partition": partition,
                "id": id,
                "jobId": job_id,
                "processInstanceId": process_instance_id,
                "taskId": task_id,
                "processId": process_id,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "errorId": error_id,
                "created": created,
                "open": open,
            },
        )

    async def resolve_incident(
        self,
        *,
        id: int,
        partition: date,
        retry_timer: timedelta | str | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        """As `Api.resolve_incident`."""
        return await self._sender.send(
            RESOLVE_INCIDENT,
            path={"id": id, "partition": partition},
            body={"retryTimer": retry_timer, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def query_user_tasks(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        partition: date | None = None,
        id: int | None = None,
        element_instance_id: int | None = None,
        process_id: int | None = None,
        process_instance_id: int | None = None,
        tags: Sequence[Tag] | None = None,
        states: Sequence[UserTaskState] | None = None,
        bpmn_process_id: str | None = None,
        bpmn_element_id: str | None = None,
        correlation_key: str | None = None,
    ) -> UserTaskRes:
        """As `Api.query_user_tasks`."""
        return await self._sender.send(
            QUERY_USER_TASKS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "partition": partition,
                "id": id,
                "elementInstanceId": element_instance_id,
                "processId": process_id,
                "processInstanceId": process_instance_id,
                "tags": tags,
                "states": states,
                "bpmnProcessId": bpmn_process_id,
                "bpmnElementId": bpmn_element_id,
                "correlationKey": correlation_key,
            },
        )

    async def update_user_task(
        self,
        *,
        partition: date,
        id: int,
        revision: int,
        element_variables: Sequence[ElementVariable] | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
        escalation_code: str | None = None,
        completed: bool | None = None,
        process_variables: Sequence[ProcessVariable] | None = None,
        tags: Sequence[Tag] | None = None,
        worker_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> UserTask:
        """As `Api.update_user_task`."""
        return await self._sender.send(
            UPDATE_USER_TASK,
            path={"partition": partition, "id": id},
            body={
                "revision": revision,
                "elementVariables": element_variables,
                "errorCode": error_code,
                "errorMessage": error_message,
                "escalationCode": escalation_code,
                "completed": completed,
                "processVariables": process_variables,
                "tags": tags,
                "workerId": worker_id or self._sender.worker_id,
            },
            idempotency_key=idempotency_key,
        )

    async def get_process_setting(self, *, bpmn_process_id: str) -> ProcessSetting:
        """As `Api.get_process_setting`."""
        return await self._sender.send(GET_PROCESS_SETTING, path={"bpmnProcessId": bpmn_process_id})

    async def set_process_setting(
        self,
        *,
        bpmn_process_id: str,
        retention_days: int | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> ProcessSetting:
        """As `Api.set_process_setting`."""
        return await self._sender.send(
            SET_PROCESS_SETTING,
            path={"bpmnProcessId": bpmn_process_id},
            body={"retentionDays": retention_days, "workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def query_process_settings(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        bpmn_process_id: str | None = None,
    ) -> ProcessSettingRes:
        """As `Api.query_process_settings`."""
        return await self._sender.send(
            QUERY_PROCESS_SETTINGS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"bpmnProcessId": bpmn_process_id},
        )

    async def query_audit(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        created: TimeRange | None = None,
        actor: str | None = None,
        credential: str | None = None,
        operations: Sequence[str] | None = None,
        partition: date | None = None,
        process_instance_id: int | None = None,
        bpmn_process_id: str | None = None,
    ) -> AuditEntryRes:
        """As `Api.query_audit`."""
        return await self._sender.send(
            QUERY_AUDIT,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={
                "created": created,
                "actor": actor,
                "credential": credential,
                "operations": operations,
                "partition": partition,
                "processInstanceId": process_instance_id,
                "bpmnProcessId": bpmn_process_id,
            },
        )

    async def create_api_key(
        self,
        *,
        secret_id: str,
        roles: Sequence[Role],
        bpmn_process_ids: Sequence[str] | None = None,
        may_deploy: bool | None = None,
        may_send: bool | None = None,
        description: str | None = None,
        expires_at: datetime | None = None,
        worker_id: str | None = None,
        reason: str | None = None,
    ) -> CreatedApiKey:
        """As `Api.create_api_key`."""
        return await self._sender.send(
            CREATE_API_KEY,
            body={
                "secretId": secret_id,
                "roles": roles,
                "bpmnProcessIds": bpmn_process_ids,
                "mayDeploy": may_deploy,
                "maySend": may_send,
                "description": description,
                "expiresAt": expires_at,
                "workerId": worker_id or self._sender.worker_id,
                "reason": reason,
            },
        )

    async def query_api_keys(
        self,
        *,
        offset: int | None = None,
        limit: int | None = None,
        order: str | None = None,
        cursor: str | None = None,
        total: bool | None = None,
        secret_id: str | None = None,
    ) -> ApiKeyRes:
        """As `Api.query_api_keys`."""
        return await self._sender.send(
            QUERY_API_KEYS,
            query={"offset": offset, "limit": limit, "order": order, "cursor": cursor, "total": total},
            body={"secretId": secret_id},
        )

    async def revoke_api_key(
        self, *, id: int, worker_id: str | None = None, reason: str | None = None, idempotency_key: str | None = None
    ) -> None:
        """As `Api.revoke_api_key`."""
        return await self._sender.send(
            REVOKE_API_KEY,
            path={"id": id},
            body={"workerId": worker_id or self._sender.worker_id, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def get_health(self) -> Health:
        """As `Api.get_health`."""
        return await self._sender.send(GET_HEALTH)

    async def set_time(
        self,
        *,
        time: datetime | None = None,
        time_cycle: str | None = None,
        time_duration: timedelta | str | None = None,
        reason: str | None = None,
        idempotency_key: str | None = None,
    ) -> SetTimeRes:
        """As `Api.set_time`."""
        return await self._sender.send(
            SET_TIME,
            body={"time": time, "timeCycle": time_cycle, "timeDuration": time_duration, "reason": reason},
            idempotency_key=idempotency_key,
        )

    async def get_metrics(self) -> str:
        """As `Api.get_metrics`."""
        return await self._sender.send(GET_METRICS)

    async def check_readiness(self) -> str:
        """As `Api.check_readiness`."""
        return await self._sender.send(CHECK_READINESS)

    async def check_liveness(self) -> str:
        """As `Api.check_liveness`."""
        return await self._sender.send(CHECK_LIVENESS)

    async def reset_engine(self) -> None:
        """As `Api.reset_engine`."""
        return await self._sender.send(RESET_ENGINE, body={})
