"""Reads request bodies: media type, size, JSON, schema, in this order; the first step that fails answers."""

from __future__ import annotations

from typing import Any

from flask import request
from marshmallow import ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from app.api.context import service
from app.api.fields import ApiSchema
from app.api.json_text import BadJson, read_json
from app.api.rules import flatten
from app.errors import Cause, EngineError, ErrorKind

_MEGABYTE = 1024 * 1024


def read_body(schema: ApiSchema) -> dict[str, Any]:
    """The loaded body of the request, without what is absent or zero. Raises `EngineError`."""
    _check_media_type()
    try:
        decoded = read_json(_raw_body(), schema.decode)
    except BadJson as error:
        raise _invalid(str(error)) from None
    try:
        loaded: dict[str, Any] = schema.load(decoded)
    except ValidationError as error:
        raise broken_body(error) from None
    return loaded


def broken_body(error: ValidationError) -> EngineError:
    """The refusal of a body that breaks rules."""
    return _invalid("failed to validate request body", flatten(error.messages_dict))


def _check_media_type() -> None:
    """Existing clients send no media type at all."""
    header = request.headers.get("Content-Type", "")
    media_type = header.partition(";")[0].strip()
    if header.strip() and media_type.lower() != "application/json":
        detail = f"media type {media_type} is not supported"
        raise EngineError(ErrorKind.HTTP_MEDIA_TYPE, detail, title="unsupported media type")


def _raw_body() -> bytes:
    limit = service().config.http_max_body
    # A body without a length is cut off at this limit, silently: the byte beyond ours tells.
    request.max_content_length = limit + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    if len(raw) > limit:
        raise _too_large(limit)
    if not raw.strip(b" \t\r\n"):
        raise _invalid("request body is empty")
    return raw


def _too_large(limit: int) -> EngineError:
    size = f"{limit} bytes" if limit % _MEGABYTE else f"{limit // _MEGABYTE}MB"
    return _invalid(f"request body size must not exceed {size}, as set by BPMN_HTTP_MAX_BODY={limit}")


def _invalid(detail: str, causes: list[Cause] | None = None) -> EngineError:
    return EngineError(ErrorKind.HTTP_REQUEST_BODY, detail, title="invalid request body", causes=causes or ())
