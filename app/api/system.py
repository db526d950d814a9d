"""Engine time, and whether the service works."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from app.api.answer import Response, bare, json_answer, text_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Timestamp
from app.api.objects import AnswerSchema
from app.api.schemas import TimerSchema, reason
from app.commands.system import SetTime
from app.errors import EngineError, ErrorKind
from app.gauges import gauges
from app.timer import Timer

if TYPE_CHECKING:
    from app.metrics import Measured

blp = Blueprint("system", __name__, description="Engine time and the state of the service.")


class SetTimeSchema(TimerSchema):
    reason = reason()


class SetTimeResSchema(AnswerSchema):
    new_time = Timestamp(required=True)
    old_time = Timestamp(required=True)


_HINT = "BPMN_SET_TIME_ENABLED is false"

encode_engine_time = compile_encoder(SetTimeResSchema)


def _if_enabled(view: Callable[..., Response]) -> Callable[..., Response]:
    """Refuses before the body is looked at."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Response:
        if service().config.set_time_enabled:
            return view(**kwargs)
        return bare(403, f"Engine time can't be moved: {_HINT}.", {"X-Hint": _HINT})

    return guarded


@blp.route("/time", methods=["PATCH"], problems=(403, 409))
@_if_enabled
@blp.arguments(SetTimeSchema)
@blp.response(200, SetTimeResSchema)
def set_time(body: dict[str, Any]) -> Response:
    """Increases the engine's time for testing purposes."""
    why = body.pop("reason", "")
    return json_answer(encode_engine_time(service().execute(SetTime(timer=Timer(**body), reason=why))))


@blp.route("/metrics", extension=True, problems=(404,))
@blp.response(200, {"type": "string"}, content_type="text/plain")
def get_metrics() -> Response:
    """Metrics in the text format of Prometheus: of all processes of this service, and of the database.

    Needs authentication unless BPMN_METRICS_PUBLIC is true.
    """
    current = service()
    metrics = current.metrics
    if metrics is None:
        detail = "metrics could not be found, since BPMN_METRICS_ENABLED is false"
        raise EngineError(ErrorKind.NOT_FOUND, detail, title="failed to get metrics")

    def read() -> list[Measured]:
        return gauges(current.facts(), current.nodes.find(), current.now(), current.nodes.now())

    return Response(metrics.text(read), 200, "text/plain; version=0.0.4; charset=utf-8")


@blp.route("/readiness", public=True)
@blp.response(200, {"type": "string"}, content_type="text/plain")
@blp.response(503, {"type": "string"}, content_type="text/plain", description="Starting, stopping or out of order.")
def check_readiness() -> Response:
    """Tells whether requests should be sent to this service."""
    current = service()
    if current.draining:
        return text_answer("server is shutting down\n", 503)
    reason = current.why_not_ready()
    return text_answer(f"server is not ready: {reason}\n", 503) if reason else text_answer("ready")


@blp.route("/healthz", public=True, extension=True)
@blp.response(200, {"type": "string"}, content_type="text/plain")
def check_liveness() -> Response:
    """Tells that the process answers; the database is not asked."""
    return text_answer("ok")
