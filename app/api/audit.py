"""Who has done what."""

from __future__ import annotations

from typing import Any

from app.api.answer import Response
from app.api.blueprint import Blueprint
from app.api.encode import compile_encoder
from app.api.fields import Choice, Details, Int32, Int64, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many
from app.api.rules import MOST_ITEMS
from app.api.schemas import time_range
from app.caller import Role
from app.criteria import AuditCriteria, Paging

blp = Blueprint("audit", __name__, description="The audit tells what operators have done: who, when, to what, and why.")


class AuditEntrySchema(AnswerSchema):
    id = Int64(required=True)
    time = Timestamp(required=True)
    actor = Text(description="The `workerId` of the request.")
    credential = Text(description="The secret ID of the API key, or the user name.")
    role = Choice(Role, "role", required=True, description="The role by which the operation was allowed.")
    operation = Text(required=True, example="cancelProcessInstance", description="An operation ID of this document.")
    partition = Partition(description="Of the process instance.")
    process_instance_id = Int32()
    bpmn_process_id = Text()
    target = Text(example="incident 2025-05-01/1", description="What it was about, beside the process instance.")
    detail = Details(description="IDs and names; never the values of variables.")
    reason = Text()
    request_id = Text(description="The `X-Request-Id` of the request.")


encode_entry = compile_encoder(AuditEntrySchema)


class AuditCriteriaSchema(ApiSchema):
    created = time_range("When it was done.")
    actor = ShortText(description="Filter for the `workerId` of requests.")
    credential = ShortText(description="Filter for the secret ID of an API key, or a user name.")
    operations = Many(ShortText(), most=MOST_ITEMS, unique=True, description="Operation IDs to include.")
    partition = Partition(description="Partition filter.")
    process_instance_id = Int32(description="Process instance filter.")
    bpmn_process_id = ShortText(description="Process filter.")


@blp.route("/audit/query", methods=["POST"], extension=True)
@blp.paged_by(AuditCriteria)
@blp.arguments(AuditCriteriaSchema)
@blp.response(200, page_of(AuditEntrySchema))
def query_audit(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a query for what operators have done.

    Noted are deployments, settings, changes of process instances and their variables, resolved incidents, unlocked
    jobs, API keys, and engine time that was moved. Starting, working and sending are not: what they leave tells who.
    """
    criteria = AuditCriteria(time=body.pop("created", None), **body)
    return find(encode_entry, criteria, paging)
