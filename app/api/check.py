"""Trying a deployment."""

from __future__ import annotations

from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, ShortText, Text
from app.api.objects import AnswerSchema, Many, Object
from app.api.problem import ErrorSchema, encode_cause
from app.api.process import CreateProcessSchema, ProcessFileSchema, WarningSchema, encode_warning
from app.bpmn.diagram import show
from app.bpmn.difference import ASPECTS
from app.bpmn.lint import IGNORED, RULES, FindingLevel
from app.bpmn.model import ElementType
from app.commands.check import CheckedProcess, CheckProcess
from app.commands.process import CreateProcess

blp = Blueprint("check", __name__, description="What a deployment would say.")


_WITH_FINDINGS = "Whether to answer all findings with their places, those that a deployment does not tell included."
_RULES = "\n".join(
    [
        "The rule: the type of an error or a warning, or one of these.\n",
        *(f"- `{rule.name}`: {rule.about}" for rule in RULES.values()),
        f"- `{IGNORED}`: Something has no influence on the execution.",
    ]
)


class CheckProcessSchema(CreateProcessSchema):
    """What a deployment takes, of which only the model is needed."""

    bpmn_process_id = ShortText(
        description="ID of the process element within the BPMN XML; the only executable one, if it is not given."
    )
    version = ShortText(description="Any process version; without one, none is in the way.", example="2")
    worker_id = ShortText(description="ID of the worker that would create the process.", example="go-bpmn")
    findings = Flag(description=_WITH_FINDINGS)


class CheckFileSchema(ProcessFileSchema):
    worker_id = ShortText(description="ID of the worker that would create the process.", example="go-bpmn")
    findings = Flag(description=_WITH_FINDINGS)


class IgnoredSchema(AnswerSchema):
    construct = Text(required=True, example="camunda:inputOutput")
    count = Int32(required=True, description="How often it is in the file.")
    line = Int32(required=True, description="Where it is first.")


class DifferentElementSchema(AnswerSchema):
    bpmn_element_id = Text(required=True)
    bpmn_element_name = Text()
    bpmn_element_type = Choice(ElementType, "element type", required=True)
    aspects = Many(
        Text(facts={"enum": list(ASPECTS)}),
        description="What has changed of it; left out where all of it is new or gone.",
    )


class DifferencesSchema(AnswerSchema):
    process_id = Int32(required=True, description="The newest version that is deployed.")
    version = Text(required=True)
    added = Many(Object(DifferentElementSchema), description="Elements that this version does not have.")
    removed = Many(Object(DifferentElementSchema), description="Elements that only this version has.")
    changed = Many(Object(DifferentElementSchema))


class FileFindingSchema(AnswerSchema):
    level = Choice(FindingLevel, "finding level", required=True)
    rule = Text(required=True, example="no-name", description=_RULES)
    detail = Text(required=True)
    pointer = Text(required=True, description="Where it is in the BPMN model, or in the request body.")
    line = Int32(description="Where it is in the BPMN XML.")
    column = Int32(description="Where it is in that line, from 1.")


class CheckedProcessSchema(AnswerSchema):
    deployable = Flag(required=True, description="Whether the model would be deployed.")
    bpmn_process_id = Text()
    process_id = Int32(description="The process that has this version and model already: nothing would be created.")
    errors = Many(Object(ErrorSchema), description="Why it would be refused; as in the problem of a deployment.")
    warnings = Many(Object(WarningSchema), description="As in the answer to a deployment.")
    ignored = Many(Object(IgnoredSchema), description="Everything of the file that has no influence on the execution.")
    differences = Object(DifferencesSchema, description="To the newest version, if there is one.")
    findings = Many(
        Object(FileFindingSchema),
        description="With `findings=true`: errors, warnings and what has no effect, and matters of taste beside them; "
        "in the order of the file.",
    )
    diagram = Text(description="A BPMN XML that can be shown, of a process that can be executed.")


_encode_added = compile_encoder(
    DifferentElementSchema,
    bpmn_element_id=lambda element: element.id,
    bpmn_element_name=lambda element: element.name,
    bpmn_element_type=lambda element: element.type,
    aspects=lambda element: None,
)
_encode_finding = compile_encoder(FileFindingSchema)
_encode_ignored = compile_encoder(IgnoredSchema)


def _differences(checked: CheckedProcess) -> dict[str, Any] | None:
    found, newest = checked.difference, checked.newest
    if found is None or newest is None:
        return None
    lists = {
        "added": [_encode_added(element) for element in found.added],
        "removed": [_encode_added(element) for element in found.removed],
        "changed": [{**_encode_added(each.element), "aspects": each.aspects} for each in found.changed],
    }
    return {"processId": newest.id, "version": newest.version, **{name: each for name, each in lists.items() if each}}


def _diagram(checked: CheckedProcess, xml: str) -> str:
    return "" if checked.model is None or checked.model.causes else show(xml, checked.model)


@blp.route("/processes/check", methods=["POST"], extension=True, reads=True)
@blp.arguments(CheckProcessSchema, file=CheckFileSchema)
@blp.response(200, CheckedProcessSchema)
def check_process(body: dict[str, Any]) -> Response:
    """Says what a deployment of the model would say, and stores nothing.

    The answer is 200 whether the model can be deployed or not. The body may also be the file itself. Then the other
    fields are query parameters.
    """
    wants_findings = body.pop("findings", False)
    deployment = CreateProcess(**{"version": "", "worker_id": "", **body})
    checked = service().execute(CheckProcess(deployment=deployment, findings=wants_findings))
    answer = {
        "deployable": not checked.errors,
        "bpmnProcessId": checked.model.element.id if checked.model else "",
        "processId": checked.process_id,
        "errors": [encode_cause(cause) for cause in checked.errors],
        "warnings": [encode_warning(warning) for warning in checked.warnings],
        "ignored": [_encode_ignored(each) for each in checked.ignored],
        "differences": _differences(checked),
        "findings": [_encode_finding(each) for each in checked.findings],
        "diagram": _diagram(checked, deployment.bpmn_xml),
    }
    return json_answer({key: value for key, value in answer.items() if value or key == "deployable"})
