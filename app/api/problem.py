"""Every error as `application/problem+json`, here and nowhere else. What nobody expected is logged, and not shown."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from app.api.answer import Response, bare
from app.api.context import current
from app.api.fields import Choice, Int32, Partition, Text
from app.api.objects import AnswerSchema, Many, Object
from app.api.rules import shown
from app.errors import Cause, EngineError, ErrorKind

logger = logging.getLogger(__name__)

STATUSES = {
    ErrorKind.BUG: 500,
    ErrorKind.CONFLICT: 409,
    ErrorKind.EXECUTION: 422,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.HTTP_MEDIA_TYPE: 415,
    ErrorKind.HTTP_REQUEST_BODY: 400,
    ErrorKind.HTTP_REQUEST_URI: 400,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.PROCESS_MODEL: 422,
    ErrorKind.QUERY: 400,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.UNKNOWN: 500,
    ErrorKind.VALIDATION: 400,
}

RETRY_AFTER = 1
"""Seconds after which a request that met an unavailable database should be sent again."""
MOST_OF_DETAIL = 10_000
"""Characters: details quote the request, which may be long."""

_RULES = [
    *("cron", "gte", "lte", "max", "required", "unique", "iso8601_duration", "tag_name", "timer", "variable_name"),
    "bpmn_process_id",
    *("process", "element", "sequence_flow"),
    *("error_event", "escalation_event", "message_event", "signal_event", "timer_event"),
]
"""What is broken in a body, in a model, and by event definitions."""


class ErrorSchema(AnswerSchema):
    pointer = Text(required=True, description="Where it is: in the request body, or in the BPMN model.")
    type = Text(required=True, example="required", facts={"enum": _RULES}, description="The rule that is broken.")
    detail = Text(required=True, example="is required")
    value = Text(description="The value that breaks it.")


class ExistingSchema(AnswerSchema):
    """A process instance."""

    partition = Partition(required=True)
    id = Int32(required=True)


class ProblemSchema(AnswerSchema):
    status = Int32(required=True, description="The HTTP status.")
    type = Choice(ErrorKind, "problem type", required=True)
    title = Text(required=True, description="The action that failed.")
    detail = Text(required=True, description="The concrete reason.")
    errors = Many(Object(ErrorSchema))
    existing = Object(ExistingSchema, description="The process instance that is in the way.", extension=True)


def answer_to(error: Exception) -> Response:
    """The response to a request that has led to `error`."""
    if isinstance(error, EngineError):
        return _engine_error(error)
    if isinstance(error, HTTPException):
        return _http_exception(error)
    return _unexpected(error)


def _engine_error(error: EngineError) -> Response:
    response = _answer(problem_of(error))
    if error.kind is ErrorKind.UNAVAILABLE:
        response.headers.append(("Retry-After", str(RETRY_AFTER)))
    return response


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem that tells of an error; one that nobody expected is logged, and not shown."""
    if not isinstance(error, EngineError):
        _log(error)
        detail = f"see server logs, request {current.get().id}"
        return _problem(500, ErrorKind.UNKNOWN, "unexpected error occurred", detail)
    status = STATUSES[error.kind]
    if status < 500:
        problem = _problem(status, error.kind, error.title, error.detail, error.causes)
        if error.existing:
            problem["existing"] = dict(zip(("partition", "id"), error.existing, strict=True))
        return problem
    if error.kind is ErrorKind.UNAVAILABLE:
        # Whoever noticed that the database is away has logged it, once for all the requests that meet it.
        return _problem(status, error.kind, error.title or "service is unavailable", error.detail)
    _log(error)
    title = error.title or "unexpected error occurred"
    return _problem(status, error.kind, title, f"{error.detail}, request {current.get().id}", error.causes)


def _http_exception(error: HTTPException) -> Response:
    """What werkzeug refuses: an unknown path, a method that a path does not have, a request that breaks off."""
    status = error.code or 500
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return bare(404, f"This path has no such method, but {allowed}.", {"Allow": allowed})
    if status in (404, 405) or status < 400:
        return bare(404, "There is no such path.")
    if status >= 500:
        return _unexpected(error)
    return _answer(_problem(status, ErrorKind.HTTP_REQUEST_BODY, "invalid request", error.description or error.name))


def _unexpected(error: Exception) -> Response:
    return _answer(problem_of(error))


def _log(error: Exception) -> None:
    request = current.get()
    logger.error("%s %s failed, request %s", request.method, request.path, request.id, exc_info=error)


def _problem(status: int, kind: ErrorKind, title: str, detail: str, causes: tuple[Cause, ...] = ()) -> dict[str, Any]:
    detail = shown(detail, MOST_OF_DETAIL)
    problem: dict[str, Any] = {"status": status, "type": kind, "title": title, "detail": detail}
    if causes:
        problem["errors"] = [encode_cause(cause) for cause in causes]
    return problem


def _answer(problem: dict[str, Any]) -> Response:
    return Response(_dumps(problem), problem["status"], "application/problem+json")


def encode_cause(cause: Cause) -> dict[str, str]:
    error = {"pointer": shown(cause.pointer), "type": cause.type, "detail": cause.detail}
    if cause.value:
        error["value"] = cause.value
    return error


def _dumps(problem: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(problem, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        # A lone surrogate: the text that was refused is quoted in the problem.
        return orjson.dumps(_encodable(problem), option=orjson.OPT_APPEND_NEWLINE)


def _encodable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
