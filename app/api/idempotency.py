"""The header Idempotency-Key: a request that is sent again is answered as it was the first time, and does nothing more.

The key belongs to whoever sends it, and to one operation; with it comes the whole request, which must be the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from app import secret
from app.api.answer import Response
from app.api.context import Request
from app.errors import EngineError, invalid
from app.remembering import Remembering

if TYPE_CHECKING:
    from app.api.application import View
    from app.service import Service

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MOST_CHARACTERS = 255
_HEADER = "HTTP_IDEMPOTENCY_KEY"
_VISIBLE = re.compile(r"[!-~]{1,255}")
_READING = frozenset({"GET", "HEAD"})
UNREPEATABLE = "unrepeatable"
"""Attribute of a view whose answers must not be kept, or have nothing to be kept in."""

PARAMETER = {
    "name": KEY,
    "in": "header",
    "description": "Names the request, so that it can be sent again when its answer was lost: the repetition does "
    f"nothing more and is answered like the first one, with `{REPLAYED}: true`. Visible ASCII characters. Another "
    "request with the same key, operation and credentials is a problem of type CONFLICT.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": "^[!-~]+$"},
    "x-extension": True,
}
"""What the OpenAPI document says of it."""


REPLAYED_HEADER = (REPLAYED, "true")
"""Of an answer for which nothing was done anew."""


def answer(request: Request, view: View, parts: Mapping[str, Any]) -> Response:
    """What the view answers, given the converted parts of the path. Raises EngineError for a key that can't be used."""
    key = request.environ.get(_HEADER)
    if key is None or request.method in _READING:
        return view(**parts)
    if hasattr(view, UNREPEATABLE):
        raise _unusable("the answer to this operation is not kept: send the request without it")
    if _VISIBLE.fullmatch(key) is None:
        raise _unusable(f"must be 1 to {MOST_CHARACTERS} visible ASCII characters, without spaces")
    service = request.service
    memory = service.memory(digest(key, caller(request.authorization), view.__name__), lambda: _fingerprint(request))
    request.memory = memory
    request.service = cast("Service", Remembering(service, memory))
    return view(**parts)


def _unusable(detail: str) -> EngineError:
    return invalid(detail, title=f"invalid header {KEY}")


def _fingerprint(request: Request) -> str:
    return digest(request.method, request.path, request.query, request.body)


def digest(*parts: str | bytes) -> str:
    """SHA-256 over the parts, each with its length before it."""
    found = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


def caller(authorization: str) -> str:
    """Who has sent the credentials, which are valid: the id of an API key or the name of a user, in any form."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic" and rest:
        try:
            name = base64.b64decode(rest.strip(" ")).partition(b":")[0].decode(errors="replace")
        except binascii.Error:
            return ""
        return f"user {name}"
    pair = secret.split_authorization((rest if scheme.lower() == "bearer" and rest else authorization).strip(" "))
    return f"key {pair[0]}" if pair else ""
