"""The request at hand, and the service that answers it."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from app import logs
from app.caller import Caller, Grant

if TYPE_CHECKING:
    from app.memory import Memory
    from app.service import Service

EXTENSION = "bpmn"
"""Where the application keeps its service."""


class Request:
    """What a WSGI server says about a request (PEP 3333), the request's id, and what is known about it later on."""

    __slots__ = (
        *("environ", "id", "method", "path", "service"),
        *("body", "caller", "grant", "memory", "operation", "parts", "route", "worker_id"),
    )

    def __init__(self, environ: dict[str, Any], service: Service) -> None:
        self.environ = environ
        self.service = service
        self.caller: Caller | None = None
        """Who asks for which operation, once it is known that they may; kept while the request waits."""
        self.grant: Grant | None = None
        """What the caller may do, once that is known; None for what needs no authentication."""
        self.body = b""
        """As it was sent, once it was read."""
        self.memory: Memory | None = None
        """Of a request with an Idempotency-Key: what was done for it before."""
        self.method: str = environ["REQUEST_METHOD"].upper()
        self.path = "/" + _decoded(environ["PATH_INFO"]).lstrip("/")
        self.id = logs.usable_request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        """The caller's `X-Request-Id` where it is short visible ASCII, else one that is made up."""
        self.route = ""
        """The path as it is documented, such as `/jobs/{partition}/{id}/complete`; empty for one that is unknown."""
        self.operation = ""
        """The id of its operation in the OpenAPI document; empty where there is none."""
        self.parts: Mapping[str, str] = {}
        """The variable parts of the path, as they were sent."""
        self.worker_id = ""
        """Who sends it, where its body tells."""

    @property
    def query(self) -> str:
        """The query string, still percent-encoded."""
        return _decoded(self.environ.get("QUERY_STRING", ""))

    @property
    def authorization(self) -> str:
        found: str = self.environ.get("HTTP_AUTHORIZATION", "")
        return found

    @property
    def if_none_match(self) -> str:
        found: str = self.environ.get("HTTP_IF_NONE_MATCH", "")
        return found

    @property
    def content_type(self) -> str:
        found: str = self.environ.get("CONTENT_TYPE", "")
        return found


def _decoded(text: str) -> str:
    """WSGI passes bytes as if they were Latin-1."""
    return text if text.isascii() else text.encode("latin-1").decode(errors="replace")


current: ContextVar[Request] = ContextVar("request")
"""The request that this thread answers."""


def service() -> Service:
    return current.get().service
