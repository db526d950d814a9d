"""What belongs to the request at hand: the service that answers it, and its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, g, request

from app import logs

if TYPE_CHECKING:
    from app.service import Service

EXTENSION = "bpmn"
"""Where the application keeps its service."""


def service() -> Service:
    found: Service = current_app.extensions[EXTENSION]
    return found


def request_id() -> str:
    """The caller's `X-Request-Id` where it is short visible ASCII, else one that is made up once per request."""
    found: str | None = g.get("request_id")
    if found is None:
        found = g.request_id = logs.usable_request_id(request.headers.get("X-Request-Id", ""))
    return found
