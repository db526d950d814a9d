"""Who may use the API: API keys and, beside them, one configured pair for Basic authentication."""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from flask import request

from app.api.answer import Response, empty
from app.api.context import service
from app.api.docs import DOCS_PATHS

PROBES = frozenset({"/readiness", "/healthz"})


def refuse() -> Response | None:
    """The answer to a request that may not pass, else None.

    Without authentication only this machine is served. A peer from elsewhere gets 403 and not 401, since there are no
    credentials that would help it.
    """
    if _is_exempt():
        return None
    if service().config.auth_mode == "none":
        return None if _is_loopback(request.remote_addr) else empty(403)
    return None if _is_authorized(request.headers.get("Authorization", "")) else empty(401)


def _is_exempt() -> bool:
    path = request.path
    if path in PROBES:
        # The target as it was sent: a query string, even an empty one, makes it another target.
        return request.method in ("GET", "HEAD") and _raw_target() == path
    return path in DOCS_PATHS and service().config.docs_public


def _raw_target() -> str:
    """Servers that don't keep it get the path and the query put together again."""
    environ = request.environ
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    return target or (request.full_path if request.query_string else request.path)


def _is_authorized(header: str) -> bool:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic" and rest:
        return _is_basic_pair(rest)
    return _is_api_key(rest if scheme.lower() == "bearer" and rest else header)


def _is_basic_pair(credentials: str) -> bool:
    config = service().config
    username, _, password = (_decode(credentials) or "").partition(":")
    if not config.basic_auth_username:
        return False
    # Both halves are always compared, so that the time taken does not tell which one is wrong.
    matches = _equal(username, config.basic_auth_username), _equal(password, config.basic_auth_password)
    return all(matches)


def _is_api_key(key: str) -> bool:
    secret_id, colon, secret = (_decode(key) or "").rpartition(":")
    return bool(colon and secret_id and secret) and service().api_key_valid(secret_id, secret)


def _decode(credentials: str) -> str | None:
    try:
        text = base64.b64decode(credentials.strip(" "), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return None if "\0" in text else text


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


@lru_cache(maxsize=1024)
def _is_loopback(address: str | None) -> bool:
    """A peer without an address came through a Unix socket of this machine."""
    if not address:
        return address == ""
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return (mapped or peer).is_loopback
