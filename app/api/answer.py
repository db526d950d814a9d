"""Responses: JSON, plain text, or nothing."""

from __future__ import annotations

from typing import Any

import flask
import orjson


class Response(flask.Response):
    """A response that has no content type unless it is given one."""

    default_mimetype = None


def json_answer(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE), status, content_type="application/json")


def text_answer(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")


def empty(status: int = 204) -> Response:
    return Response(status=status)
