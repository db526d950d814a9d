"""A job as answers show it: its record, and what its worker needs to know of the element that it belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, Partition, Text, Timestamp
from app.api.objects import AnswerSchema, Many, Object
from app.api.schemas import DataSchema
from app.bpmn.kinds import ERROR_EVENTS, ESCALATION_EVENTS, MESSAGE_EVENTS, SIGNAL_EVENTS
from app.engine.graph import Flow, Node
from app.engine.records import Job
from app.engine.types import JobType, WorkState


class DecisionSchema(AnswerSchema):
    """An outgoing sequence flow of an element: its id, or that of its target, is a decision."""

    flow_id = Text(required=True, example="f2")
    name = Text(example="in stock")
    target = Text(required=True, example="ship", description="BPMN ID of the element that the flow leads to.")
    target_name = Text(example="Ship the goods")
    condition = Text(
        example="stock > 0",
        description="The condition as the BPMN file has it. It is not evaluated: the worker decides.",
    )
    default = Flag(description="Whether the flow is taken where nothing is decided.")


class JobTimerSchema(AnswerSchema):
    """The timer of an event as the BPMN file has it, where that is no literal."""

    type = Text(required=True, example="timeDuration", description="`timeDate`, `timeDuration` or `timeCycle`.")
    text = Text(required=True, example="= payment.deadline")


class VisibleVariableSchema(AnswerSchema):
    """A variable as its job sees it: of several with one name the one of the innermost scope."""

    bpmn_element_id = Text(description="Scope of the variable; absent for one of the process instance.")
    name = Text(required=True, example="amount")
    data = Object(DataSchema)
    error = Text(description="Why there is no data: the value is encrypted, and no key that is configured fits.")


class JobSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    element_id = Int32(required=True)
    element_instance_id = Int32(required=True)
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="serviceTaskA")
    bpmn_element_name = Text(extension=True, example="Charge the card")
    completed_at = Timestamp()
    correlation_key = Text(extension=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    due_at = Timestamp(required=True)
    error = Text()
    locked_at = Timestamp()
    locked_by = Text()
    locked_until = Timestamp(
        extension=True, description="When the lock ends by itself, if it does: others can lock the job then."
    )
    lock_version = Int32(
        extension=True, description="With `lockedUntil`: counts the locks of this job, so that each can be told apart."
    )
    retry_count = Int32(required=True)
    state = Choice(WorkState, "work state", required=True)
    type = Choice(JobType, "job type", required=True)
    task_type = Text(
        extension=True,
        example="charge-card",
        description="Of an EXECUTE job, what the BPMN file says about who is to execute it: the `type` of "
        "`zeebe:taskDefinition`, or `camunda:topic`.",
    )
    decisions = Many(
        Object(DecisionSchema),
        extension=True,
        description="Of a job that decides for outgoing flows: what can be decided for.",
    )
    expression = Text(
        extension=True,
        example="approvals >= 3",
        description="Of a job that decides for a condition or a number: the expression as the BPMN file has it. "
        "It is not evaluated: the worker decides.",
    )
    called_element = Text(
        extension=True, example="shipping:1", description="Of a call activity: what it calls, as the BPMN file says."
    )
    message_name = Text(extension=True, description="Of a message event: the name that the BPMN file declares.")
    signal_name = Text(extension=True, description="Of a signal event: the name that the BPMN file declares.")
    error_name = Text(extension=True, description="Of an error event: the name that the BPMN file declares.")
    escalation_name = Text(extension=True, description="Of an escalation event: the name that the BPMN file declares.")
    variables = Many(
        Object(VisibleVariableSchema),
        extension=True,
        description="What was asked for with the lock: variables of the innermost scope first, by name.",
    )
    timer = Object(JobTimerSchema, extension=True, description="Of a SET_TIMER job: what the BPMN file says.")


_GATEWAYS = frozenset(
    {
        JobType.EVALUATE_COMPLEX_GATEWAY,
        JobType.EVALUATE_EXCLUSIVE_GATEWAY,
        JobType.EVALUATE_INCLUSIVE_GATEWAY,
    }
)
_LOOPS = frozenset({JobType.EVALUATE_COMPLETION_CONDITION, JobType.EVALUATE_LOOP_CONDITION})
_OF_ELEMENTS = frozenset({JobType.EVALUATE_ACTIVATION_CONDITION, JobType.SELECT_ACTIVITIES})
_NAMED = {
    "message_name": MESSAGE_EVENTS,
    "signal_name": SIGNAL_EVENTS,
    "error_name": ERROR_EVENTS,
    "escalation_name": ESCALATION_EVENTS,
}


def _lease(job: Job) -> datetime | None:
    """When the lock of a job ends that is held."""
    return job.locked_until if job.completed_at is None else None


def _decisions(job: Job) -> list[dict[str, Any]]:
    """An activity or event asks about flows with conditions: those without are taken in any case."""
    if job.node is None:
        return []
    if job.type in _GATEWAYS:
        return [_decision(flow) for flow in job.node.outgoing]
    if job.type is JobType.EVALUATE_OUTGOING_FLOWS:
        return [_decision(flow) for flow in job.node.outgoing if flow.is_conditional or flow.default]
    return []


def _decision(flow: Flow) -> dict[str, Any]:
    found = {
        "flowId": flow.id,
        "name": flow.name,
        "target": flow.target.id,
        "targetName": flow.target.name,
        "condition": flow.condition,
        "default": flow.default,
    }
    return {name: value for name, value in found.items() if value}


def _expression(job: Job) -> str:
    if job.node is None:
        return ""
    if job.type in _OF_ELEMENTS:
        return job.node.condition
    loop = job.node.loop
    if loop is None:
        return ""
    if job.type is JobType.SET_LOOP_CARDINALITY:
        return loop.cardinality.text if loop.cardinality else ""
    return loop.condition.text if loop.condition and job.type in _LOOPS else ""


def _timer(job: Job) -> dict[str, Any] | None:
    if job.node is None or job.type is not JobType.SET_TIMER:
        return None
    written = job.node.asked_about.timer_text
    if written is None:
        return None
    type, text = written
    return {"type": type, "text": text}


def _declared(name: str) -> Any:
    types = _NAMED[name]

    def declared(job: Job) -> str:
        node = job.node.asked_about if job.node is not None else None
        if node is None or node.type not in types:
            return ""
        # A request may have given another one than the file.
        return _defined(node, name) or node.declared_name

    return declared


def _defined(node: Node, name: str) -> str:
    return (getattr(node.definition, name, None) if node.definition else None) or ""


_encode_data = compile_encoder(DataSchema)
_encode_variable = compile_encoder(
    VisibleVariableSchema, data=lambda variable: None if variable.error else _encode_data(variable)
)

encode_job = compile_encoder(
    JobSchema,
    locked_until=_lease,
    lock_version=lambda job: job.lock_version if _lease(job) else 0,
    bpmn_element_name=lambda job: job.node.name if job.node else "",
    task_type=lambda job: job.node.task_type if job.node and job.type is JobType.EXECUTE else "",
    decisions=_decisions,
    expression=_expression,
    called_element=lambda job: job.node.called_element if job.node else "",
    timer=_timer,
    variables=lambda job: [_encode_variable(variable) for variable in job.variables],
    **{name: _declared(name) for name in _NAMED},
)
"""What there is nothing of is left out."""
