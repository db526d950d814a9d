"""Reads request bodies: media type, size, JSON, schema, in this order; the first step that fails answers."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from marshmallow import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from app.api.context import Request, current
from app.api.json_text import BadJson, read_json
from app.api.objects import ApiSchema
from app.api.rules import flatten
from app.errors import Cause, EngineError, ErrorKind

_MEGABYTE = 1024 * 1024


def read_body(schema: ApiSchema) -> dict[str, Any]:
    """The loaded body of the request, without what is absent or zero. Raises `EngineError`."""
    request = current.get()
    _check_media_type(request.content_type)
    try:
        decoded = read_json(raw_body(request), schema.decode)
    except BadJson as error:
        raise invalid_body(str(error)) from None
    try:
        loaded: dict[str, Any] = schema.load(decoded)
    except ValidationError as error:
        raise broken_body(flatten(error.messages_dict)) from None
    request.worker_id = loaded.get("worker_id", "")
    return loaded


def broken_body(causes: Sequence[Cause]) -> EngineError:
    """The refusal of a body that breaks rules."""
    return invalid_body("failed to validate request body", causes)


def _check_media_type(header: str) -> None:
    """Existing clients send no media type at all."""
    if header == "application/json":
        return
    media_type = header.partition(";")[0].strip()
    if header.strip() and media_type.lower() != "application/json":
        detail = f"media type {media_type} is not supported"
        raise EngineError(ErrorKind.HTTP_MEDIA_TYPE, detail, title="unsupported media type")


def raw_body(request: Request) -> bytes:
    """The body as it is, which is not empty, nor larger than configured. Raises `EngineError`."""
    limit = request.service.config.http_max_body
    raw = _content(request.environ, limit)
    if len(raw) > limit:
        raise _too_large(limit)
    request.body = raw
    if not raw.strip(b" \t\r\n"):
        raise invalid_body("request body is empty")
    return raw


def _content(environ: dict[str, Any], limit: int) -> bytes:
    """The body, or what of it is within the limit and a byte beyond, which tells that it is too large."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH") or "0"
    if isinstance(stream, BytesIO) and "wsgi.input_terminated" in environ and int(length) <= limit:
        # Our own worker has received it already.
        return stream.read(limit + 1)
    try:
        return get_input_stream(environ, max_content_length=limit + 1).read()
    except RequestEntityTooLarge:
        raise _too_large(limit) from None


def _too_large(limit: int) -> EngineError:
    size = f"{limit} bytes" if limit % _MEGABYTE else f"{limit // _MEGABYTE}MB"
    return invalid_body(f"request body size must not exceed {size}, as set by BPMN_HTTP_MAX_BODY={limit}")


def invalid_body(detail: str, causes: Sequence[Cause] = ()) -> EngineError:
    """The refusal of a body."""
    return EngineError(ErrorKind.HTTP_REQUEST_BODY, detail, title="invalid request body", causes=causes)
