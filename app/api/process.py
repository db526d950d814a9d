"""Deploying processes, and reading what was deployed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.http import parse_etags, unquote_etag

from app.api.answer import Response, empty, json_answer
from app.api.blueprint import Blueprint
from app.api.context import current, service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.openapi import TAGGED
from app.api.rules import MOST_ITEMS
from app.api.schemas import Tags, TimerField, all_tags, reason, worker_id
from app.bpmn.advice import REFUSED, RULES
from app.bpmn.diagram import diagram, etag
from app.bpmn.ignored import KINDS
from app.commands.deletion import DeleteProcess
from app.commands.process import CreateProcess, GetBpmnXml, GetProcess
from app.criteria import Paging, ProcessCriteria
from app.engine.records import DeployedProcess
from app.engine.types import ExpressionMode
from app.errors import EngineError

_RULES = "\n".join(
    [
        "The rule.\n",
        *(f"- `{rule.name}`: {rule.about}" for rule in RULES.values()),
        *(f"- `{name}`: {kind.about} It has no effect." for name, kind in KINDS.items()),
        f"- `{REFUSED}`: The version was deployed before; today its model would be refused.",
    ]
)

blp = Blueprint("process", __name__, description="A process is a version of a BPMN process that was deployed.")


class WarningSchema(AnswerSchema):
    """Something odd about a model that is accepted."""

    pointer = Text(required=True, description="Where it is in the BPMN model.", example="/orderFulfilment/packParcel")
    type = Text(required=True, example="unreachable", description=_RULES)
    detail = Text(required=True)


class ProcessSchema(AnswerSchema):
    id = Int32(required=True)
    bpmn_collaboration_id = Text(extension=True)
    bpmn_participant_id = Text(extension=True)
    bpmn_participant_name = Text(extension=True)
    bpmn_process_id = Text(required=True, example="parallelServiceTasksTest")
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    expressions = Choice(
        ExpressionMode,
        "expression mode",
        extension=True,
        description="ENGINE, if the engine evaluates expressions; absent, if workers do.",
    )
    parallelism = Int32()
    tags = all_tags()
    version = Text(required=True)
    warnings = Many(
        Object(WarningSchema),
        description="What is odd about the model; given when it is deployed, each time.",
        extension=True,
    )


encode_warning = compile_encoder(WarningSchema)
encode_process = compile_encoder(
    ProcessSchema, warnings=lambda process: [encode_warning(warning) for warning in process.warnings]
)


def _element_id() -> Text:
    return ShortText(required=True, description="ID of the event's element within the BPMN XML.")


def _expressions() -> Choice:
    return Choice(
        ExpressionMode,
        "expression mode",
        extension=True,
        description="Who evaluates the expressions of the BPMN XML: workers, which are asked by jobs, or the engine. "
        "If it is not given, BPMN_EXPRESSIONS counts. It is that of the version once it is created.",
    )


class ErrorDefinitionSchema(ApiSchema):
    bpmn_element_id = _element_id()
    error_code = ShortText(description="Empty catches every error.")


class EscalationDefinitionSchema(ApiSchema):
    bpmn_element_id = _element_id()
    escalation_code = ShortText(description="Empty catches every escalation.")


class MessageDefinitionSchema(ApiSchema):
    bpmn_element_id = _element_id()
    message_name = ShortText(required=True)


class SignalDefinitionSchema(ApiSchema):
    bpmn_element_id = _element_id()
    signal_name = ShortText(required=True)


class TimerDefinitionSchema(ApiSchema):
    bpmn_element_id = _element_id()
    timer = TimerField(required=True, needed=True)


def _by_element(attribute: str) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Of several definitions of one element the last one counts."""
    return lambda items: {item["bpmn_element_id"]: item.get(attribute, "") for item in items}


def _definitions(schema: type[ApiSchema], attribute: str, kind: str) -> Many:
    description = f"{kind} event definitions."
    return Many(Object(schema), most=MOST_ITEMS, make=_by_element(attribute), description=description)


class ProcessFileSchema(ApiSchema):
    """What goes with a model that is the body, and says itself what may be left out."""

    bpmn_process_id = ShortText(
        description="ID of the process element within the BPMN XML; the only executable one, if it is not given."
    )
    errors = _definitions(ErrorDefinitionSchema, "error_code", "Error")
    escalations = _definitions(EscalationDefinitionSchema, "escalation_code", "Escalation")
    expressions = _expressions()
    messages = _definitions(MessageDefinitionSchema, "message_name", "Message")
    parallelism = Int32(gte=0, description="Maximum number of process instances being executed; 0 is unlimited.")
    signals = _definitions(SignalDefinitionSchema, "signal_name", "Signal")
    tags = Tags(object_form=True)
    timers = _definitions(TimerDefinitionSchema, "timer", "Timer")
    version = ShortText(
        description="Any process version; the first 12 hex digits of the SHA-256 of the file, if it is not given."
    )
    worker_id = worker_id("ID of the worker that creates the process.")
    reason = reason()


class CreateProcessSchema(ApiSchema):
    bpmn_process_id = ShortText(required=True, description="ID of the process element within the BPMN XML.")
    bpmn_xml = Text(required=True, description="Model of the BPMN process as XML.")
    errors = _definitions(ErrorDefinitionSchema, "error_code", "Error")
    escalations = _definitions(EscalationDefinitionSchema, "escalation_code", "Escalation")
    expressions = _expressions()
    messages = _definitions(MessageDefinitionSchema, "message_name", "Message")
    parallelism = Int32(gte=0, description="Maximum number of process instances being executed; 0 is unlimited.")
    signals = _definitions(SignalDefinitionSchema, "signal_name", "Signal")
    tags = Tags(object_form=True)
    timers = _definitions(TimerDefinitionSchema, "timer", "Timer")
    version = ShortText(required=True, description="Any process version.", example="1")
    worker_id = worker_id("ID of the worker that creates the process.")
    reason = reason()


class ProcessCriteriaSchema(ApiSchema):
    id = Int32(description="Process filter.")
    tags = Tags(keep_empty=True, description="Tags, a process must have, to be included.")
    bpmn_process_id = ShortText(description="BPMN process ID filter.", extension=True)
    latest_only = Flag(
        description="Whether only the newest version of each process is included, as far as it matches.", extension=True
    )


@blp.route("/processes", methods=["POST"], problems=(409, 422))
@blp.arguments(CreateProcessSchema, file=ProcessFileSchema)
@blp.response(201, ProcessSchema)
def create_process(body: dict[str, Any]) -> Response:
    """Creates a process that is modeled as BPMN XML.

    If a process with the same BPMN process ID and version exists, the BPMN XML is compared. When it equals, the
    existing process is returned; when it differs, a problem of type CONFLICT.

    `warnings` tell what is odd about the model, though it is executed as it says.

    The body may also be the file itself, in its own encoding. Then the other fields are query parameters.
    """
    return json_answer(encode_process(service().execute(CreateProcess(**body))), 201)


@blp.route("/processes/query", methods=["POST"])
@blp.paged_by(ProcessCriteria)
@blp.arguments(ProcessCriteriaSchema)
@blp.response(200, page_of(ProcessSchema))
def query_processes(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a process query."""
    return find(encode_process, ProcessCriteria(**body), paging)


@blp.route("/processes/<id>/bpmn-xml", problems=(404,))
@blp.response(200, {"type": "string"}, content_type="text/xml")
def get_bpmn_xml(id: int) -> Response:
    """Gets the BPMN XML of an existing process."""
    # Clients compare the whole content type, so it must not name the encoding.
    return Response(service().execute(GetBpmnXml(id=id)).encode(), 200, "text/xml")


_FOR_EVER = "private, max-age=31536000, immutable"
"""How long a diagram may be kept: a version never changes."""


@blp.route("/processes/<id>/diagram", problems=(304, 404, 422), extension=True)
@blp.response(200, {"type": "string"}, content_type="text/xml", headers=TAGGED)
def get_diagram(id: int) -> Response:
    """Gets a BPMN XML of an existing process that can be shown.

    It is the deployed one, if that has a shape or an edge for every element and sequence flow of the process. Else it
    is one with the same elements and flows, and with positions that are computed.

    A request with the `ETag` of an earlier answer in `If-None-Match` is answered by 304 while the diagram is the same.
    """
    process = service().execute(GetProcess(id=id))
    tag = etag(process.bpmn_xml, process.bpmn_process_id)
    if parse_etags(current.get().if_none_match).contains_weak(unquote_etag(tag)[0]):
        response = empty(304)
    else:
        response = Response(_drawn(process).encode(), 200, "text/xml")
    response.headers += [("ETag", tag), ("Cache-Control", _FOR_EVER)]
    return response


def _drawn(process: DeployedProcess) -> str:
    try:
        return diagram(process.bpmn_xml, process.bpmn_process_id)
    except EngineError as error:
        error.title = "failed to get diagram"
        raise


class DeleteProcessSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that deletes the process.")
    reason = reason()


@blp.route("/processes/<id>", methods=["DELETE"], problems=(404, 409), extension=True)
@blp.query_arguments(DeleteProcessSchema)
@blp.response(204)
def delete_process(query: dict[str, Any], id: int) -> Response:
    """Deletes a process that has no process instances, ended ones included.

    What would start it goes with it. If it is the newest version, the one before it is that again: its start events are
    in force, and its parallelism.
    """
    service().execute(DeleteProcess(id=id, **query))
    return empty()
