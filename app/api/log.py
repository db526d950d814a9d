"""What is logged about requests: a line for each that is answered, and one for credentials that are refused."""

from __future__ import annotations

import logging
from typing import Any

from app import secret
from app.api.auth import MOST_CREDENTIALS, PROBES
from app.api.context import Request
from app.logs import Plain, Sparing

logger = logging.getLogger(__name__)

MOST_SHOWN = 100
"""Characters of what a client says about itself without having been asked."""

_refusals = Sparing(10, 1.0)


def log_answer(request: Request, status: int, seconds: float) -> None:
    """One line at INFO for a request that is no probe, unless BPMN_LOG_REQUESTS is false."""
    if not logger.isEnabledFor(logging.INFO) or not request.service.config.log_requests or request.path in PROBES:
        return
    fields: dict[str, Any] = {"method": request.method}
    if request.route:
        fields["route"] = request.route
        fields |= {name: part[:MOST_SHOWN] for name, part in request.parts.items()}
    fields["status"] = status
    fields["ms"] = round(seconds * 1000, 2)
    if request.worker_id:
        fields["worker_id"] = request.worker_id
    fields["request_id"] = request.id
    # Not by `info`: what it finds out about the place it is called from takes longer than all the rest.
    logger.handle(Plain(logger.name, logging.INFO, "request", fields))


def log_refusal(request: Request, status: int) -> None:
    """A line at WARNING for credentials that were refused, and for requests without any where there must be some.

    It tells the id of the key that was tried, and never a secret. In a while there are no more than a few.
    """
    if status != 401 or (more := _refusals.ask()) is None:
        return
    header = request.authorization
    fields: dict[str, Any] = {"peer": request.environ.get("REMOTE_ADDR", "")}
    if forwarded := request.environ.get("HTTP_X_FORWARDED_FOR"):
        fields["forwarded_for"] = forwarded[:MOST_SHOWN]
    if key := _key_id(header):
        fields["key"] = key[:MOST_SHOWN]
    message = "credentials were refused" if header else "a request without credentials was refused"
    logger.warning("%s", message, extra=fields | more)


def _key_id(header: str) -> str:
    """The id of an API key, whether or not there is such a key; empty for what has not the form of one.

    User names are left out: who mistakes one field for the other writes a password there.
    """
    if len(header) > MOST_CREDENTIALS:
        return ""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic" and rest:
        return ""
    pair = secret.split_authorization((rest if scheme.lower() == "bearer" and rest else header).strip(" "))
    return pair[0] if pair else ""
