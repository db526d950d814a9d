"""How the system is, for operators."""

from __future__ import annotations

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, Text, Timestamp
from app.api.objects import AnswerSchema, Many, Object
from app.examine import Health, examine
from app.health import HealthLevel
from app.version import version

blp = Blueprint("health", __name__, description="What is wrong with the system, and what helps.")


class FindingSchema(AnswerSchema):
    code = Text(required=True, example="incidents", description="What was looked at.")
    level = Choice(HealthLevel, "level", required=True)
    title = Text(required=True, example="3 incidents open")
    detail = Text(example="order: 3", description="Since when, how much, or where.")
    hint = Text(description="What helps: a command, an option or a request.")


class NodeSchema(AnswerSchema):
    engine_id = Text(required=True)
    host = Text(required=True)
    pid = Int32(required=True)
    version = Text(description="Of py-bpmn; left out where it runs without being installed.")
    executor = Flag(required=True, description="Whether it executes due tasks.")
    executor_seen = Timestamp(description="When it last looked for due tasks.")
    started_at = Timestamp(required=True)
    last_seen = Timestamp(required=True, description="Processes renew it every 10 seconds; none for 30: it is dead.")


class HealthSchema(AnswerSchema):
    status = Choice(HealthLevel, "level", required=True, description="The worst level of the findings.")
    version = Text(required=True, description="Of the py-bpmn that answers.")
    findings = Many(Object(FindingSchema), required=True, description="The worst first; also what is in order.")
    nodes = Many(
        Object(NodeSchema), required=True, description="The service processes on the database, also those just died."
    )


_encode_finding = compile_encoder(FindingSchema)
_encode_node = compile_encoder(NodeSchema)


def encode_health(health: Health) -> dict[str, object]:
    return {
        "status": health.status,
        "version": version(),
        "findings": [_encode_finding(finding) for finding in health.findings],
        "nodes": [_encode_node(node) for node in health.nodes],
    }


@blp.route("/health", extension=True)
@blp.response(200, HealthSchema)
def get_health() -> Response:
    """Tells what is wrong with the system, and what helps.

    The status is 200 also where something is wrong: whether requests should be sent here is what `/readiness` tells.
    """
    return json_answer(encode_health(examine(service())))
