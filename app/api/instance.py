"""Starting, suspending, resuming, canceling and querying process instances."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

from app.api.answer import Response, empty, json_answer
from app.api.batch import Batch, execute_each, result
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import absent, compile_encoder
from app.api.fields import DURATION_PATTERN, Choice, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_answer, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.openapi import WAITING
from app.api.params import flag
from app.api.params import wait_timeout as wait_timeout_parameter
from app.api.problem import ProblemSchema
from app.api.rules import MOST_ITEMS, MOST_NAMES, Violation
from app.api.schemas import (
    ProcessVariableSchema,
    Tags,
    all_tags,
    choices,
    process_variables,
    reason,
    start_element_id,
    time_range,
    wait_timeout,
    worker_id,
)
from app.api.variable import encode_process_variable
from app.api.waiting import Seen, answered, seconds_to_wait
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
from app.news import Happening

logger = logging.getLogger(__name__)

WAIT_TIMEOUT = {
    "name": "waitTimeout",
    "in": "query",
    "description": "Duration to wait for the end of the process instance; one beyond BPMN_LONG_POLL_MAX (30 seconds, "
    "if that is not set) is taken as that.",
    "schema": {"type": "string", "pattern": DURATION_PATTERN},
    "example": "PT20S",
    "x-extension": True,
}

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
    incident_count = Int32(extension=True, description="With `waiting=true`: incidents that are not resolved.")
    waiting_at = Many(
        Text(), extension=True, description="With `waiting=true`: BPMN IDs of elements where it waits, 10 at most."
    )


class StartedProcessInstanceSchema(ProcessInstanceSchema):
    """A process instance, and what it has come to where that was asked for."""

    variables = Many(
        Object(ProcessVariableSchema),
        extension=True,
        description="With `returnVariables`, once the instance has ended: those of the variables that there are.",
    )


encode_instance = compile_encoder(ProcessInstanceSchema, incident_count=absent, waiting_at=absent)


class NewProcessInstanceSchema(ApiSchema):
    bpmn_element_id = start_element_id()
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
    return_variables = Many(
        ShortText(),
        most=MOST_NAMES,
        extension=True,
        description="With `waitTimeout`: names of variables at process instance scope to return, once it has ended.",
    )
    wait_timeout = wait_timeout("Duration to wait for the end of the process instance")
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


class SuspendProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that suspends the process instance.")
    reason = reason()


class ResumeProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that resumes the process instance.")
    reason = reason()


class DeleteProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of who deletes the process instance.")
    reason = reason()


class CancelProcessInstanceSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that cancels the process instance.")
    reason = reason()


def _status(instance: ProcessInstance) -> int:
    return 200 if instance.existing else 201


@blp.route("/process-instances", methods=["POST"], problems=(404, 409, 422))
@blp.arguments(CreateProcessInstanceSchema)
@blp.response(
    200,
    StartedProcessInstanceSchema,
    description="With `onConflict` RETURN: the instance that is there already; with `waitTimeout` it has ended.",
)
@blp.response(201, StartedProcessInstanceSchema, description="With `waitTimeout`: it has ended, in whatever state.")
@blp.response(202, StartedProcessInstanceSchema, description="With `waitTimeout`: it has not ended in that time.")
def create_process_instance(body: dict[str, Any]) -> Response:
    """Creates a process instance from an existing process.

    With `waitTimeout` the answer comes as soon as the instance has ended, or with 202 after that time. It is the
    instance in any case, which goes on regardless: getProcessInstance waits again. An answer with 202 that comes
    earlier says so by `Retry-After`: too many requests wait already, or the service is about to stop.
    """
    seconds = seconds_to_wait(body.pop("wait_timeout", ""))
    names = body.pop("return_variables", ())
    created = service().execute(CreateProcessInstance(**body))
    if not seconds:
        return json_answer(encode_instance(created), _status(created))
    return answered(partial(_end_of, created.partition, created.id), seconds, partial(_see_started, created, names))


def _end_of(partition: date, id: int) -> Happening:
    return Happening("instance", partition, id)


def _see_started(created: ProcessInstance, names: Collection[str]) -> Seen:
    try:
        found = service().see_instance(created.partition, created.id, names)
    except Exception as error:
        # What was created must be answered in any case.
        logger.warning("the end of a process instance can't be waited for: %s", type(error).__name__)
        return Seen(json_answer(encode_instance(created), 202), True)
    answer = encode_instance(found.instance)
    if found.instance.ended_at is None:
        return Seen(json_answer(answer, 202), False)
    if names:
        answer["variables"] = [encode_process_variable(each) for each in found.variables]
    return Seen(json_answer(answer, _status(created)), True)


@blp.route("/process-instances/<partition>/<id>", problems=(404,), extension=True)
@blp.parameters(WAIT_TIMEOUT)
@blp.response(200, ProcessInstanceSchema)
def get_process_instance(partition: date, id: int) -> Response:
    """Gets a process instance.

    With `waitTimeout` the answer comes as soon as the instance has ended, or after that time with the instance as it is
    then. One that comes earlier says so by `Retry-After`.
    """

    def look() -> Seen:
        instance = service().see_instance(partition, id).instance
        return Seen(json_answer(encode_instance(instance)), instance.ended_at is not None)

    return answered(partial(_end_of, partition, id), seconds_to_wait(wait_timeout_parameter()), look)


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
@blp.paged_by(ProcessInstanceCriteria, WAITING)
@blp.arguments(ProcessInstanceCriteriaSchema)
@blp.response(200, page_of(ProcessInstanceSchema))
def query_process_instances(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a process instance query."""
    criteria = ProcessInstanceCriteria(**body)
    if not flag("waiting"):
        return find(encode_instance, criteria, paging)
    page = service().finding.page(criteria, paging)
    places = service().finding.places(page.records)

    def encode(instance: ProcessInstance) -> dict[str, Any]:
        incidents, elements = places.get((instance.partition, instance.id), (0, []))
        more = {"incidentCount": incidents, "waitingAt": elements}
        return encode_instance(instance) | {name: value for name, value in more.items() if value}

    return page_answer(encode, page)


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
@blp.query_arguments(DeleteProcessInstanceSchema)
@blp.response(204)
def delete_process_instance(query: dict[str, Any], partition: date, id: int) -> Response:
    """Deletes an ended process instance with everything in it, and everything it called.

    An instance that was called is deleted together with the one at the root. What the audit has of it stays.
    """
    command = DeleteProcessInstance(partition=partition, id=id, **query)
    while service().execute(command):
        command = replace(command, is_first=False)
    return empty()
