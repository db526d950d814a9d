"""Who may use the API: API keys and, beside them, one configured pair for Basic authentication."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

from app import secret
from app.api.answer import Response, bare
from app.api.context import Request
from app.api.docs import DOCS_PATHS, leads_to_docs
from app.caller import Grant
from app.config import Config

if TYPE_CHECKING:
    from app.service import Service

PROBES = frozenset({"/readiness", "/healthz"})
METRICS_PATH = "/metrics"
MOST_CREDENTIALS = 4096
"""Characters of the Authorization header; more are refused unread. A key with the longest id has some 1,500."""
REALM = 'realm="py-bpmn"'
_FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP")
_X_FORWARDED = "HTTP_X_FORWARDED"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]*)(?::[0-9]*)?", re.IGNORECASE)


EVERYTHING = Grant()


def refuse(request: Request) -> Response | None:
    """The answer to a request that may not pass, else None; then the request has what its credentials allow.

    Without authentication only this machine is served, and only directly. Whoever comes from elsewhere gets 403 and
    not 401, since there are no credentials that would help.
    """
    if _is_exempt(request):
        return None
    if request.service.config.auth_mode == "none":
        reason = _reason_to_distrust(request)
        request.grant = EVERYTHING
        return bare(403, f"{reason}.", {"X-Hint": reason}) if reason else None
    request.grant = _granted(request.authorization, request.service)
    if request.grant is not None:
        return None
    return bare(401, "Credentials are needed.", {"WWW-Authenticate": _challenges(request.service.config)})


def _challenges(config: Config) -> list[str]:
    """What credentials would be accepted (RFC 9110, section 11.6.1; RFC 6750, section 3)."""
    basic = [f"Basic {REALM}"] if config.has_basic_auth else []
    return [*basic, f"Bearer {REALM}"]


def _is_exempt(request: Request) -> bool:
    path = request.path
    if path in PROBES:
        # The target as it was sent: a query string, even an empty one, makes it another target.
        return request.method in ("GET", "HEAD") and _raw_target(request) == path
    if path == METRICS_PATH and request.service.config.metrics_public:
        return True
    return (path in DOCS_PATHS or leads_to_docs(request)) and request.service.config.docs_public


def _raw_target(request: Request) -> str:
    """Servers that don't keep it get the path and the query put together again."""
    environ = request.environ
    target: str = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    return target or (f"{request.path}?{request.query}" if request.query else request.path)


def _reason_to_distrust(request: Request) -> str:
    """Why the request may not come from this machine, though its connection does; empty when all is well.

    A proxy on this machine, and a page in a browser on it whose host name was made to point here, have loopback
    addresses, too. The first one adds headers, the second one names its own host.
    """
    if not _is_loopback(request.environ.get("REMOTE_ADDR")):
        return "BPMN_AUTH_MODE is none, which serves this machine only"
    if any(name in _FORWARDED or name.startswith(_X_FORWARDED) for name in request.environ):
        return "BPMN_AUTH_MODE is none, which serves no forwarded requests"
    # HTTP/1.0 knows no Host.
    if not _is_loopback_host(request.environ.get("HTTP_HOST", "localhost")):
        return "BPMN_AUTH_MODE is none, which serves requests to localhost only"
    return ""


def _granted(header: str, service: Service) -> Grant | None:
    """What the credentials in the header allow; None for those that are unknown."""
    if len(header) > MOST_CREDENTIALS:
        return None
    config = service.config
    if config.has_basic_auth and _equal(header, _basic_value(config.basic_auth_username, config.basic_auth_password)):
        return _of_pair(config)
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic" and rest:
        return _of_pair(config) if _is_basic_pair(rest, config) else None
    return _of_api_key(rest if scheme.lower() == "bearer" and rest else header, service)


@lru_cache(maxsize=1)
def _of_pair(config: Config) -> Grant:
    return Grant(credential=config.basic_auth_username, roles=config.basic_auth_roles)


@lru_cache(maxsize=1)
def _basic_value(username: str, password: str) -> str:
    """The header as clients write it, with which most requests need not be decoded."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def _is_basic_pair(credentials: str, config: Config) -> bool:
    username, _, password = (_decode(credentials) or "").partition(":")
    if not config.has_basic_auth:
        return False
    # Both halves are always compared, so that the time taken does not tell which one is wrong.
    matches = _equal(username, config.basic_auth_username), _equal(password, config.basic_auth_password)
    return all(matches)


def _of_api_key(key: str, service: Service) -> Grant | None:
    pair = secret.split_authorization(key.strip(" "))
    return service.keys.grant(*pair) if pair is not None else None


def _decode(credentials: str) -> str | None:
    try:
        return base64.b64decode(credentials.strip(" "), validate=True).decode()
    except (binascii.Error, ValueError):
        return None


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


def _is_loopback_host(host: str) -> bool:
    """Whether the Host of a request, with or without a port, is a name of this machine (RFC 6761, section 6.3)."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"].strip("[]").lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost") or bool(name and _is_loopback(name))
