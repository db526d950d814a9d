"""Querying and updating user tasks."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema
from app.api.schemas import Tags, all_tags, choices, element_variables, error_message, process_variables, worker_id
from app.commands.user_task import UpdateUserTask
from app.criteria import Paging, UserTaskCriteria
from app.engine.types import UserTaskState

blp = Blueprint("user-task", __name__, description="A user task is work for a human being.")


class UserTaskSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    revision = Int32(required=True)
    element_id = Int32(required=True)
    element_instance_id = Int32(required=True)
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="userTask")
    correlation_key = Text()
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    state = Choice(UserTaskState, "user task state", required=True)
    tags = all_tags()
    updated_at = Timestamp(required=True)
    updated_by = Text(required=True)


encode_user_task = compile_encoder(UserTaskSchema)


class UserTaskCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="User task filter.")
    element_instance_id = Int32(description="Element instance filter.")
    process_id = Int32(description="Process filter.")
    process_instance_id = Int32(description="Process instance filter.")
    tags = Tags(keep_empty=True, description="Tags, a user task must have, to be included.")
    states = choices(UserTaskState, "user task state", "States to include.")
    bpmn_process_id = ShortText(description="BPMN process ID filter.", extension=True)
    bpmn_element_id = ShortText(description="BPMN element ID filter.", extension=True)
    correlation_key = ShortText(description="Correlation key filter.", extension=True)


class UpdateUserTaskSchema(ApiSchema):
    revision = Int32(required=True, gte=1, description="The current revision of the user task.")
    element_variables = element_variables(description="Variables to set or delete at element instance scope.")
    error_code = ShortText(description="Code of a BPMN error to throw.")
    error_message = error_message()
    escalation_code = ShortText(description="Code of an escalation.")
    completed = Flag(description="Whether the user task is completed.")
    process_variables = process_variables(description="Variables to set or delete at process instance scope.")
    tags = Tags(keep_empty=True, description="Merged into the existing tags; an empty value removes the tag.")
    worker_id = worker_id("ID of the worker that updates the user task.")


@blp.route("/user-tasks/query", methods=["POST"], extension=True)
@blp.paged_by(UserTaskCriteria)
@blp.arguments(UserTaskCriteriaSchema)
@blp.response(200, page_of(UserTaskSchema))
def query_user_tasks(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a user task query."""
    return find(encode_user_task, UserTaskCriteria(**body), paging)


@blp.route("/user-tasks/<partition>/<id>", methods=["PATCH"], problems=(404, 409, 422), extension=True)
@blp.arguments(UpdateUserTaskSchema)
@blp.response(200, UserTaskSchema)
def update_user_task(body: dict[str, Any], partition: date, id: int) -> Response:
    """Updates a user task: tags and variables, and optionally completion, a BPMN error or an escalation."""
    return json_answer(encode_user_task(service().execute(UpdateUserTask(partition=partition, id=id, **body))))
