"""What is set for all versions of a process."""

from __future__ import annotations

from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Int32, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema
from app.api.schemas import reason, worker_id
from app.commands.settings import GetProcessSetting, SetProcessSetting
from app.criteria import Paging, ProcessSettingCriteria

blp = Blueprint("settings", __name__, description="Settings hold for all versions of a process.")

MOST_DAYS = 36_500


class ProcessSettingSchema(AnswerSchema):
    bpmn_process_id = Text(required=True, example="order")
    retention_days = Int32(description="After how many days ended instances are deleted. Left out: their day decides.")
    updated_at = Timestamp(description="Left out where nothing was ever set.")
    updated_by = Text()


encode_setting = compile_encoder(ProcessSettingSchema)


class SetProcessSettingSchema(ApiSchema):
    retention_days = Int32(
        gte=1,
        lte=MOST_DAYS,
        description="After how many days ended instances are deleted; until then they are kept, whatever their day. "
        "Left out: their day decides.",
    )
    worker_id = worker_id("ID of who changes the settings.")
    reason = reason()


class ProcessSettingCriteriaSchema(ApiSchema):
    bpmn_process_id = ShortText(description="Process filter.")


@blp.route("/process-settings/<bpmnProcessId>", problems=(404,), extension=True)
@blp.response(200, ProcessSettingSchema)
def get_process_setting(bpmn_process_id: str) -> Response:
    """Gets the settings of a process."""
    return json_answer(encode_setting(service().execute(GetProcessSetting(bpmn_process_id=bpmn_process_id))))


@blp.route("/process-settings/<bpmnProcessId>", methods=["PUT"], problems=(404,), extension=True)
@blp.arguments(SetProcessSettingSchema)
@blp.response(200, ProcessSettingSchema)
def set_process_setting(body: dict[str, Any], bpmn_process_id: str) -> Response:
    """Replaces the settings of a process; what is left out is not set any more."""
    command = SetProcessSetting(bpmn_process_id=bpmn_process_id, **body)
    return json_answer(encode_setting(service().execute(command)))


@blp.route("/process-settings/query", methods=["POST"], extension=True)
@blp.paged_by(ProcessSettingCriteria)
@blp.arguments(ProcessSettingCriteriaSchema)
@blp.response(200, page_of(ProcessSettingSchema))
def query_process_settings(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a process setting query, which finds the processes for which anything was ever set."""
    return find(encode_setting, ProcessSettingCriteria(**body), paging)
