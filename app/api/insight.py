"""What instances wait for, what has happened in them, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder, listed
from app.api.fields import Choice, Details, Flag, Int32, Int64, Partition, ShortText, Text, Timestamp, camel
from app.api.find import page_answer
from app.api.instance import ProcessInstanceCriteriaSchema
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.openapi import FLOWS, HISTORY_PARAMETERS, LIMIT
from app.api.params import flag, paging_by, row_limit, to_snake
from app.api.rules import MOST_ITEMS, Violation
from app.api.schemas import choices, results_of, time_range
from app.bpmn.model import ElementType
from app.criteria import ElementStatistics, ProcessInstanceCriteria, StatisticsCriteria
from app.engine.types import InstanceState, JobType, TaskType, WorkState
from app.engine.waiting import WaitingKind
from app.timer import format_timestamp

blp = Blueprint("insight", __name__, description="What process instances wait for, and what has happened in them.")


class InstanceGroup(StrEnum):
    """What instances can be grouped by."""

    BPMN_PROCESS_ID = "bpmnProcessId"
    VERSION = "version"
    STATE = "state"


class CountProcessInstancesSchema(ProcessInstanceCriteriaSchema):
    group_by = Many(
        Choice(InstanceGroup, "group"), most=len(InstanceGroup), unique=True, description="What groups have in common."
    )


class ProcessInstanceCountSchema(AnswerSchema):
    bpmn_process_id = Text()
    version = Text()
    process_id = Int32(description="The process, where it is known from BPMN process ID and version.")
    state = Choice(InstanceState, "instance state")
    count = Int32(required=True, example=1)
    incident_count = Int32(required=True, description="Incidents of these instances that are not resolved.", example=0)


class WaitingEventSchema(AnswerSchema):
    """One thing that an element instance waits for; there is what belongs to its kind."""

    element_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="serviceTask")
    bpmn_element_name = Text()
    bpmn_element_type = Choice(ElementType, "element type", required=True)
    multi_instance = Flag(description="Whether the instances of a multi-instance activity are inside of it.")
    loop_counter = Int32(
        description="Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1."
    )
    since = Timestamp(required=True)
    kind = Choice(
        WaitingKind,
        "kind",
        required=True,
        description="What is waited for. `RETRY` is a job that has failed and is not due yet, `TASK` what the engine "
        "itself is about to do, `JOIN` other tokens, `CONDITION` that a conditional event happens, `SELECTION` that "
        "the activity is selected in its ad-hoc sub-process.",
    )
    job_id = Int32()
    job_type = Choice(JobType, "job type")
    task_id = Int32()
    task_type = Choice(TaskType, "task type")
    incident_id = Int32()
    user_task_id = Int32()
    partition = Partition(description="Of the called process instance.")
    process_instance_id = Int32(description="The called process instance.")
    state = Choice(WorkState, "work state", description="Of the job.")
    due_at = Timestamp()
    retry_count = Int32()
    locked_by = Text()
    locked_until = Timestamp()
    error = Text(description="Of the incident, or the last one of the job.")
    error_id = Text()
    name = Text(description="Of the message or signal.")
    correlation_key = Text()
    missing = Many(
        Text(),
        description="Of a join, the BPMN elements from which tokens have to come; of an inclusive one, those from "
        "which they still can.",
    )
    position = Int32(description="In the queue, 1 is the next one; absent where its turn has come.")


class WaitingSchema(WaitingEventSchema):
    also = Many(
        Object(WaitingEventSchema),
        description="The boundary events that wait meanwhile, and the start events of event sub-processes in it.",
    )


class GetWaitingResSchema(AnswerSchema):
    count = Int32(required=True, example=1)
    results = Many(Object(WaitingSchema), required=True)
    has_more = Flag(description="Whether the instance waits at other element instances than these, too.")


class HistoryKind(StrEnum):
    """What has happened."""

    ACTION = "ACTION"
    ELEMENT_INSTANCE = "ELEMENT_INSTANCE"
    INCIDENT = "INCIDENT"
    JOB = "JOB"
    MESSAGE = "MESSAGE"
    SIGNAL = "SIGNAL"
    TASK = "TASK"
    TIMER = "TIMER"
    USER_TASK = "USER_TASK"


class HistoryEntrySchema(AnswerSchema):
    """Something that has happened, with what is known of it."""

    time = Timestamp(required=True, description="When the element was entered, the work done, the incident created.")
    kind = Choice(
        HistoryKind,
        "kind",
        required=True,
        description="`MESSAGE`, `SIGNAL` and `TIMER` are events that have happened, `TASK` is what the engine failed "
        "to do, `JOB` an attempt of a worker, which may have failed, `ACTION` what an operator has done.",
    )
    element_instance_id = Int32()
    bpmn_element_id = Text(example="serviceTask")
    bpmn_element_type = Choice(ElementType, "element type")
    prev_id = Int32()
    prev_bpmn_element_id = Text()
    multi_instance = Flag(description="Whether the instances of a multi-instance activity are inside of it.")
    loop_counter = Int32(
        description="Of an instance inside of an activity that has a loop or multi-instance marker: its number, from 1."
    )
    state = Text(example="COMPLETED", description="As it is now.")
    created_at = Timestamp()
    created_by = Text()
    started_at = Timestamp()
    ended_at = Timestamp()
    due_at = Timestamp()
    job_id = Int32()
    job_type = Choice(JobType, "job type")
    locked_at = Timestamp()
    locked_by = Text()
    retry_count = Int32()
    error = Text()
    error_id = Text()
    incident_id = Int32()
    resolved_at = Timestamp()
    resolved_by = Text()
    user_task_id = Int32()
    updated_at = Timestamp()
    updated_by = Text()
    task_id = Int32()
    task_type = Choice(TaskType, "task type")
    message_id = Int64()
    signal_id = Int64()
    name = Text(description="Of the message or signal.")
    operation = Text(example="suspendProcessInstance", description="What an operator has done, as an operation ID.")
    actor = Text(description="The `workerId` of that request.")
    target = Text(description="What it was about, beside the process instance.")
    detail = Details(description="IDs and names; never the values of variables.")
    reason = Text()


class GetHistoryResSchema(AnswerSchema):
    count = Int32(required=True, example=1)
    results = Many(Object(HistoryEntrySchema), required=True)
    next_cursor = Text(description="The cursor of the next page; absent on the last page.")


class InstanceKeySchema(ApiSchema):
    partition = Partition(required=True)
    id = Int32(required=True, gte=1)


class StatisticsCriteriaSchema(ApiSchema):
    bpmn_process_id = ShortText(description="Of the processes to count.")
    versions = Many(ShortText(), most=MOST_ITEMS, unique=True, description="Versions of the process; without them all.")
    process_ids = Many(Int32(), most=MOST_ITEMS, unique=True, description="IDs of processes to count.")
    created = time_range("When the process instances to count were created.")
    states = choices(InstanceState, "instance state", "States of the process instances to count.")
    process_instance = Object(InstanceKeySchema, description="The only process instance to count.")

    def broken_together(self, given: Mapping[str, Any]) -> dict[str, list[Violation]]:
        if "processInstance" in given:
            others = sorted(set(given) - {"processInstance"})
            return {name: [Violation("unique", "can't be used with a process instance")] for name in others}
        if not {"bpmnProcessId", "processIds"} & set(given):
            return {"bpmnProcessId": [Violation("required", "is required")]}
        return {}


class ElementStatisticsSchema(AnswerSchema):
    process_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="serviceTask")
    active = Int32(
        required=True,
        description="Element instances that have not ended; boundary events that wait don't count, nor do start events "
        "of event sub-processes.",
    )
    incidents = Int32(required=True, description="Incidents that are not resolved.")
    completed = Int32(required=True, description="Element instances that were completed.")
    canceled = Int32(required=True, description="Element instances that were canceled or terminated.")
    failed_jobs = Int32(required=True, description="Attempts of workers that have failed.")
    average_ms = Int64(description="How many milliseconds the completed ones took from start to end, on average.")


class FlowStatisticsSchema(AnswerSchema):
    process_id = Int32(required=True)
    from_ = Text(required=True, example="start")
    to = Text(required=True, example="serviceTask")
    count = Int32(required=True, description="How often a token has gone there, by whatever flow.")


class GetStatisticsResSchema(AnswerSchema):
    as_of = Timestamp(required=True, description="When it was counted; that may be some seconds ago.")
    results = Many(Object(ElementStatisticsSchema), required=True, description="Elements that were visited.")
    flows = Many(Object(FlowStatisticsSchema), description="With `flows=true`.")


_encode_counts = compile_encoder(ElementStatisticsSchema)
encode_flow = compile_encoder(FlowStatisticsSchema)
encode_count = compile_encoder(ProcessInstanceCountSchema)
encode_event = compile_encoder(WaitingEventSchema)
encode_waiting = compile_encoder(WaitingSchema, also=lambda waiting: [encode_event(event) for event in waiting.also])


def encode_element(element: ElementStatistics) -> dict[str, Any]:
    """Who takes no time at all has an average, too."""
    encoded = _encode_counts(element)
    return encoded if element.average_ms is None else {**encoded, "averageMs": element.average_ms}


def encode_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Of a history, without what is empty."""
    return {
        camel(name): format_timestamp(value) if isinstance(value, datetime) else value
        for name, value in entry.items()
        if value
    }


@blp.route("/process-instances/count", methods=["POST"], extension=True, reads=True)
@blp.arguments(CountProcessInstancesSchema)
@blp.response(200, results_of(ProcessInstanceCountSchema))
def count_process_instances(body: dict[str, Any]) -> Response:
    """Counts process instances, in groups where asked to, the largest group first.

    Groups without any instance are no results.
    """
    # An empty text is a value that was left out, as everywhere.
    names = [to_snake(name) for name in body.pop("group_by", ()) if name]
    limit = service().config.max_query_limit
    return listed(encode_count, service().finding.count_instances(ProcessInstanceCriteria(**body), names, limit))


@blp.route("/process-instances/<partition>/<id>/waiting", problems=(404,), extension=True)
@blp.parameters(LIMIT)
@blp.response(200, GetWaitingResSchema)
def get_waiting(partition: date, id: int) -> Response:
    """Gets what a process instance waits for, by element instance.

    An instance that has ended waits for nothing.
    """
    found, has_more = service().finding.waiting(partition, id, row_limit())
    results = [encode_waiting(waiting) for waiting in found]
    answer: dict[str, Any] = {"count": len(results), "results": results}
    return json_answer({**answer, "hasMore": True} if has_more else answer)


@blp.route("/process-instances/<partition>/<id>/history", problems=(404,), extension=True)
@blp.parameters(*HISTORY_PARAMETERS)
@blp.response(200, GetHistoryResSchema)
def get_history(partition: date, id: int) -> Response:
    """Gets what has happened in a process instance, as one list by time.

    Each thing has one place, which it keeps: element instances that of the time when they were entered, work that of
    when it was done. What is still to be done is told by getWaiting.
    """
    return page_answer(encode_entry, service().finding.history(partition, id, paging_by("time")))


@blp.route("/processes/statistics", methods=["POST"], problems=(404,), extension=True, reads=True)
@blp.parameters(FLOWS)
@blp.arguments(StatisticsCriteriaSchema)
@blp.response(200, GetStatisticsResSchema)
def get_statistics(body: dict[str, Any]) -> Response:
    """Counts how often each element of a process was visited, and how that went.

    The counts may be some seconds old: they are kept for ten times as long as it took to count, and two seconds at
    least.
    """
    instance = body.pop("process_instance", None)
    key = (instance["partition"], instance["id"]) if instance else None
    flows = flag("flows")
    found = service().finding.statistics(StatisticsCriteria(**body, instance=key, flows=flows))
    answer: dict[str, Any] = {
        "asOf": format_timestamp(found.as_of),
        "results": [encode_element(element) for element in found.elements],
    }
    return json_answer({**answer, "flows": [encode_flow(flow) for flow in found.flows]} if flows else answer)
