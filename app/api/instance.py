"""Starting, suspending, resuming, canceling and querying process instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import Any

from app.api.answer import Response, empty, json_answer
from app.api.batch import Batch, execute_each, result
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder, listed
from app.api.fields import (
    AnswerSchema,
    ApiSchema,
    Choice,
    Flag,
    Int32,
    Many,
    Object,
    Partition,
    ShortText,
    Text,
    Timestamp,
)
from app.api.find import find, page_of
from app.api.params import query_parameters, read_query, to_snake
from app.api.problem import ProblemSchema
from app.api.rules import MOST_ITEMS, Violation
from app.api.schemas import Tags, all_tags, choices, process_variables, reason, results_of, time_range, worker_id
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    OnConflict,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.removal import DeleteProcessInstance
from app.criteria import Paging, ProcessInstanceCriteria
from app.engine.records import ProcessInstance
from app.engine.types import InstanceState

blp = Blueprint("instance", __name__, description="A process instance is an execution of a process.")


class ProcessInstanceSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    parent_id = Int32(extension=True)
    root_id = Int32(extension=True)
    process_id = Int32(required=True)
    bpmn_process_id = Text(required=True, example="parallelServiceTasksTest")
    correlation_key = Text()
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    ended_at = Timestamp()
    started_at = Timestamp()
    state = Choice(InstanceState, "instance state", required=True)
    tags = all_tags()
    version = Text(required=True)


encode_instance = compile_encoder(ProcessInstanceSchema)


class NewProcessInstanceSchema(ApiSchema):
    bpmn_process_id = ShortText(required=True, description="BPMN ID of an existing process.")
    correlation_key = ShortText(
        description="Optional key, used to correlate a process instance with a business entity."
    )
    on_conflict = Choice(
        OnConflict,
        "conflict resolution",
        extension=True,
        facts={"default": OnConflict.FAIL},
        description="With `uniqueCorrelationKey`: what to do where there is such an instance. `FAIL` answers a problem "
        "of type CONFLICT that names it in `existing`, `RETURN` answers the instance itself.",
    )
    tags = Tags(object_form=True)
    unique_correlation_key = Flag(
        extension=True,
        description="Whether an instance is created only if no other one of the process, of whatever version, has the "
        "same correlation key. Instances that have ended, or were called by others, don't count.",
    )
    variables = process_variables(description="Variables to set at process instance scope.")
    version = ShortText(
        description="Version of an existing process; without it, the one that was created last.", example="1"
    )

    def broken_together(self, given: Mapping[str, Any]) -> dict[str, list[Violation]]:
        is_missing = [Violation("required", "is required")]
        found = {}
        if "uniqueCorrelationKey" in given and "correlationKey" not in given:
            found["correlationKey"] = is_missing
        if "onConflict" in given and "uniqueCorrelationKey" not in given:
            found["uniqueCorrelationKey"] = is_missing
        if "bpmnProcessId" not in given and "version" not in given:
            # Known clients expect both to be reported where there is neither.
            found["version"] = is_missing
        return found


class CreateProcessInstanceSchema(NewProcessInstanceSchema):
    worker_id = worker_id("ID of the worker that creates the process instance.")


class CreateProcessInstancesSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that creates the process instances.")
    process_instances = Batch(NewProcessInstanceSchema, description="What to create.")


class CreateProcessInstancesResultSchema(AnswerSchema):
    status = Int32(required=True, example=201, description="The HTTP status that it alone would have got.")
    process_instance = Object(ProcessInstanceSchema)
    problem = Object(ProblemSchema)


class CreateProcessInstancesResSchema(AnswerSchema):
    results = Many(
        Object(CreateProcessInstancesResultSchema), required=True, description="In the order of the request."
    )


class ProcessInstanceCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Process instance filter.")
    parent_id = Int32(description="Filter for the instances that a process instance has called.", extension=True)
    root_id = Int32(description="Filter for a root process instance and everything below it.", extension=True)
    process_id = Int32(description="Process filter.")
    tags = Tags(keep_empty=True, description="Tags, a process instance must have, to be included.")
    bpmn_process_id = ShortText(description="BPMN process ID filter.", extension=True)
    versions = Many(
        ShortText(), most=MOST_ITEMS, unique=True, description="Process versions to include.", extension=True
    )
    states = choices(InstanceState, "instance state", "States to include.")
    correlation_key = ShortText(description="Correlation key filter.", extension=True)
    created = time_range("When they were created.")
    ended = time_range("When they have ended.")
    has_incident = Flag(
        description="Whether only instances are included that have an incident which is not resolved.", extension=True
    )
    waiting_at = ShortText(
        description="BPMN ID of an element that has an active element instance in the instance.", extension=True
    )
    roots_only = Flag(
        description="Whether only instances are included that no other instance has called.", extension=True
    )
    created_by = ShortText(description="Filter for the worker that has created them.", extension=True)


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


encode_count = compile_encoder(ProcessInstanceCountSchema)


class SuspendProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that suspends the process instance.")
    reason = reason()


class ResumeProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that resumes the process instance.")
    reason = reason()


class DeleteProcessInstanceSchema(ApiSchema):
    """Query parameters: a body of a DELETE does not reach every server (RFC 9110, section 9.3.5)."""

    worker_id = worker_id("ID of who deletes the process instance.")
    reason = reason()


_DELETE = DeleteProcessInstanceSchema()


class CancelProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that cancels the process instance.")
    reason = reason()


def _status(instance: ProcessInstance) -> int:
    return 200 if instance.existing else 201


@blp.route("/process-instances", methods=["POST"], problems=(404, 409, 422))
@blp.arguments(CreateProcessInstanceSchema)
@blp.response(200, ProcessInstanceSchema, description="With `onConflict` RETURN: the instance that is there already.")
@blp.response(201, ProcessInstanceSchema)
def create_process_instance(body: dict[str, Any]) -> Response:
    """Creates a process instance from an existing process."""
    instance = service().execute(CreateProcessInstance(**body))
    return json_answer(encode_instance(instance), _status(instance))


@blp.route("/process-instances/batch", methods=["POST"], extension=True)
@blp.arguments(CreateProcessInstancesSchema)
@blp.response(200, CreateProcessInstancesResSchema)
def create_process_instances(body: dict[str, Any]) -> Response:
    """Creates up to 100 process instances.

    Each is answered as it would be alone; some may fail while others are created. A request that
    is not understood is refused as a whole.
    """
    outcomes = execute_each(body["process_instances"], CreateProcessInstance, worker_id=body["worker_id"])
    return json_answer(
        {"results": [result(outcome, "processInstance", encode_instance, _status) for outcome in outcomes]}
    )


@blp.route("/process-instances/query", methods=["POST"])
@blp.paged_by(ProcessInstanceCriteria)
@blp.arguments(ProcessInstanceCriteriaSchema)
@blp.response(200, page_of(ProcessInstanceSchema))
def query_process_instances(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a process instance query."""
    return find(encode_instance, ProcessInstanceCriteria(**body), paging)


@blp.route("/process-instances/count", methods=["POST"], extension=True, reads=True)
@blp.arguments(CountProcessInstancesSchema)
@blp.response(200, results_of(ProcessInstanceCountSchema))
def count_process_instances(body: dict[str, Any]) -> Response:
    """Counts process instances, in groups where asked to, the largest group first.

    Groups without any instance are no results.
    """
    names = [to_snake(name) for name in body.pop("group_by", ())]
    limit = service().config.max_query_limit
    return listed(encode_count, service().finding.count_instances(ProcessInstanceCriteria(**body), names, limit))


@blp.route("/process-instances/<partition>/<id>/resume", methods=["PATCH"], problems=(404, 409))
@blp.arguments(ResumeProcessInstanceSchema)
@blp.response(204)
def resume_process_instance(body: dict[str, Any], partition: date, id: int) -> Response:
    """Resumes a suspended process instance."""
    service().execute(ResumeProcessInstance(partition=partition, id=id, **body))
    return empty()


@blp.route("/process-instances/<partition>/<id>/suspend", methods=["PATCH"], problems=(404, 409))
@blp.arguments(SuspendProcessInstanceSchema)
@blp.response(204)
def suspend_process_instance(body: dict[str, Any], partition: date, id: int) -> Response:
    """Suspends a started process instance."""
    service().execute(SuspendProcessInstance(partition=partition, id=id, **body))
    return empty()


@blp.route("/process-instances/<partition>/<id>/cancel", methods=["PATCH"], problems=(404, 409), extension=True)
@blp.arguments(CancelProcessInstanceSchema)
@blp.response(204)
def cancel_process_instance(body: dict[str, Any], partition: date, id: int) -> Response:
    """Cancels a process instance with everything in it, and everything it called.

    A call activity that waits for the instance goes on waiting: cancel the calling instance to end both.
    """
    service().execute(CancelProcessInstance(partition=partition, id=id, **body))
    return empty()


@blp.route("/process-instances/<partition>/<id>", methods=["DELETE"], problems=(404, 409), extension=True)
@blp.parameters(*query_parameters(_DELETE, workerId="go-bpmn"))
@blp.response(204)
def delete_process_instance(partition: date, id: int) -> Response:
    """Deletes an ended process instance with everything in it, and everything it called.

    An instance that was called is deleted together with the one at the root. What the audit has of it stays.
    """
    command = DeleteProcessInstance(partition=partition, id=id, **read_query(_DELETE))
    while service().execute(command):
        command = replace(command, is_first=False)
    return empty()
