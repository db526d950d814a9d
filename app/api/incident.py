"""Querying and resolving incidents."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, empty
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import AnswerSchema, ApiSchema, Duration, Int32, Partition, Text, Timestamp
from app.api.find import find, page_of
from app.api.schemas import reason, worker_id
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
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    resolved_at = Timestamp()
    resolved_by = Text()


encode_incident = compile_encoder(IncidentSchema)


class IncidentCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Incident filter.")
    job_id = Int32(description="Job filter.")
    process_instance_id = Int32(description="Process instance filter.")
    task_id = Int32(description="Task filter.")


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


@blp.route("/incidents/<partition>/<id>/resolve", methods=["PATCH"], problems=(404, 409))
@blp.arguments(ResolveIncidentSchema)
@blp.response(204)
def resolve_incident(body: dict[str, Any], partition: date, id: int) -> Response:
    """Resolves a job or task related incident.

    When an incident is resolved, a retry job or task is created. The retry count is set to 0.
    """
    service().execute(ResolveIncident(partition=partition, id=id, **body))
    return empty()
