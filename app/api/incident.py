"""Querying and resolving incidents."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, empty
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder, listed
from app.api.fields import Duration, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema
from app.api.params import Page
from app.api.schemas import reason, results_of, time_range, worker_id
from app.commands.incident import ResolveIncident
from app.criteria import IncidentCriteria, Paging

blp = Blueprint(
    "incident", __name__, description="An incident represents a failed job or task, which has no more retries left."
)


class IncidentSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    element_id = Int32()
    element_instance_id = Int32()
    job_id = Int32()
    process_id = Int32()
    process_instance_id = Int32()
    task_id = Int32()
    bpmn_process_id = Text(extension=True)
    bpmn_element_id = Text(extension=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    error = Text(description="The error of the job or task.", extension=True)
    error_id = Text(
        example="0b6d1c1a2f3e4d5c",
        description="Incidents have the same one if their errors differ only in numbers, quoted texts, UUIDs and "
        "addresses.",
        extension=True,
    )
    resolved_at = Timestamp()
    resolved_by = Text()


encode_incident = compile_encoder(IncidentSchema)


class IncidentGroupSchema(AnswerSchema):
    error_id = Text(example="0b6d1c1a2f3e4d5c")
    error = Text(description="The error of the last one.")
    bpmn_process_id = Text()
    bpmn_element_id = Text()
    count = Int32(required=True, example=1)
    first = Timestamp(required=True, description="When the first one was created.")
    last = Timestamp(required=True, description="When the last one was created.")


encode_group = compile_encoder(IncidentGroupSchema)


class IncidentCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Incident filter.")
    job_id = Int32(description="Job filter.")
    process_instance_id = Int32(description="Process instance filter.")
    task_id = Int32(description="Task filter.")
    process_id = Int32(description="Process filter.", extension=True)
    bpmn_process_id = ShortText(description="BPMN process ID filter.", extension=True)
    bpmn_element_id = ShortText(description="BPMN element ID filter.", extension=True)
    error_id = ShortText(description="Filter for the ID that equal errors have in common.", extension=True)
    created = time_range("When they were created.")
    open = Flag(description="Whether only incidents are included that are not resolved.", extension=True)


class ResolveIncidentSchema(ApiSchema):
    retry_timer = Duration(description="Duration until the retry job or task becomes due.")
    worker_id = worker_id("ID of the worker that resolves the incident.")
    reason = reason()


@blp.route("/incidents/query", methods=["POST"])
@blp.paged_by(IncidentCriteria)
@blp.arguments(IncidentCriteriaSchema)
@blp.response(200, page_of(IncidentSchema))
def query_incidents(body: dict[str, Any], paging: Paging) -> Response:
    """Performs an incident query."""
    return find(encode_incident, IncidentCriteria(**body), paging)


@blp.route("/incidents/groups", methods=["POST"], extension=True, reads=True)
@blp.paged
@blp.arguments(IncidentCriteriaSchema)
@blp.response(200, results_of(IncidentGroupSchema))
def group_incidents(body: dict[str, Any], page: Page) -> Response:
    """Groups incidents by what has failed where, the largest group first.

    Incidents of a group have an error ID, a BPMN process and a BPMN element in common; versions make no difference.
    """
    groups = service().finding.group_incidents(IncidentCriteria(**body), page.offset, page.limit)
    return listed(encode_group, groups)


@blp.route("/incidents/<partition>/<id>/resolve", methods=["PATCH"], problems=(404, 409))
@blp.arguments(ResolveIncidentSchema)
@blp.response(204)
def resolve_incident(body: dict[str, Any], partition: date, id: int) -> Response:
    """Resolves a job or task related incident.

    When an incident is resolved, a retry job or task is created. The retry count is set to 0.
    """
    service().execute(ResolveIncident(partition=partition, id=id, **body))
    return empty()
