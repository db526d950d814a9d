"""Responses: JSON, plain text, or nothing but a status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import flask
import orjson
from flask import request


class Response(flask.Response):
    """A response that has no content type unless it is given one."""

    default_mimetype = None


def json_answer(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE), status, content_type="application/json")


def text_answer(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")


def empty(status: int = 204) -> Response:
    return Response(status=status)


def bare(status: int, sentence: str, headers: Mapping[str, str | list[str]] | None = None) -> Response:
    """A refusal without a body; a browser gets a short page with `sentence`."""
    response = empty(status)
    for name, value in (headers or {}).items():
        response.headers.setlist(name, value if isinstance(value, list) else [value])
    if wants_page():
        phrase = HTTPStatus(status).phrase
        response.set_data(_PAGE.format(title=f"{status} {phrase}", sentence=sentence))
        response.headers["Content-Type"] = HTML
    return response


def wants_page() -> bool:
    """Whether the request comes from a browser: it asks for HTML by name."""
    return any(media_type.lower() == "text/html" and quality for media_type, quality in request.accept_mimetypes)


HTML = "text/html; charset=utf-8"
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{sentence}</p></body>
</html>
"""
