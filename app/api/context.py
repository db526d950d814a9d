"""What belongs to the request at hand: the service that answers it, and its id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import uuid4

from flask import current_app, g, request

if TYPE_CHECKING:
    from app.service import Service

EXTENSION = "bpmn"
"""Where the application keeps its service."""

_REQUEST_ID = re.compile(r"[!-~]{1,128}")


def service() -> Service:
    found: Service = current_app.extensions[EXTENSION]
    return found


def request_id() -> str:
    """The caller's `X-Request-Id` where it is short visible ASCII, else one that is made up once per request."""
    found: str | None = g.get("request_id")
    if found is None:
        given = request.headers.get("X-Request-Id", "")
        found = g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
    return found
