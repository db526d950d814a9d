"""What this package raises: one family, each with a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class BpmnClientError(Exception):
    """Base of all that this package raises on its own."""


class ConfigurationError(BpmnClientError):
    """An argument, the environment or a profile is unusable."""


@dataclass(frozen=True, slots=True)
class ProblemCause:
    """One thing that is wrong with a request."""

    pointer: str
    """Where it is: in the body of the request, or in the BPMN model."""
    type: str
    detail: str
    value: str = ""

    def __str__(self) -> str:
        found = f" (is {self.value!r})" if self.value else ""
        return f"{self.pointer}: {self.detail}{found}" if self.pointer else f"{self.detail}{found}"


class ProblemError(BpmnClientError):
    """The service has refused a request, could not answer it, or was not reached.

    As text it has a line for what failed, and one for each cause.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        type: str = "UNAVAILABLE",
        title: str = "",
        errors: Sequence[ProblemCause] = (),
        existing: str | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(detail)
        self.status = status
        """Of HTTP; 0 when there was no answer."""
        self.type = type
        """As the service names it, such as `CONFLICT`."""
        self.title = title
        """What failed."""
        self.detail = detail
        """Why."""
        self.errors = tuple(errors)
        self.existing = existing
        """The process instance that is in the way, if one is, as `Client.instance` takes it: `2026-11-26/17`."""
        self.request_id = request_id
        """Under which the service has logged the request."""

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        sentence = ": ".join(part for part in (self.type, self.title, self.detail) if part)
        return "\n".join([f"{sentence}{request}", *(str(error) for error in self.errors)])


class Invalid(ProblemError):
    """Status 400: the request is wrong, or has a text that can't even be sent."""


class Unauthorized(ProblemError):
    """Status 401: the credentials are missing or unknown."""


class Forbidden(ProblemError):
    """Status 403: the credentials do not allow this."""


class NotFound(ProblemError):
    """Status 404: what the request is about is not there."""


class Conflict(ProblemError):
    """Status 409: the state of things does not allow it."""


class Refused(ProblemError):
    """Status 422: the model can't be executed, or the process does not allow it."""


class Unavailable(ProblemError):
    """Status 429 or 5xx, or no answer at all: the same request may succeed later."""


_KINDS: Mapping[int, type[ProblemError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Refused,
    429: Unavailable,
}


def problem(status: int, body: object, *, request_id: str = "", hint: str = "") -> ProblemError:
    """The error for an answer of this status; `body` is what was read from it, if it was JSON.

    `hint` is what the header X-Hint says where no credentials came with the request, or none that are known.
    """
    kind = _KINDS.get(status) or (Unavailable if status >= 500 else ProblemError)
    if not isinstance(body, Mapping):
        # Of something between here and the service, such as a proxy.
        detail = hint or f"the answer has status {status}, and no problem that says why"
        return kind(detail, status=status, type="HTTP", request_id=request_id)
    return kind(
        str(body.get("detail") or f"the answer has status {status}"),
        status=status,
        type=str(body.get("type") or "HTTP"),
        title=str(body.get("title") or ""),
        errors=[_cause(each) for each in body.get("errors") or () if isinstance(each, Mapping)],
        existing=_existing(body.get("existing")),
        request_id=request_id,
    )


def _cause(error: Mapping[str, Any]) -> ProblemCause:
    pointer, type, detail, value = (str(error.get(name) or "") for name in ("pointer", "type", "detail", "value"))
    return ProblemCause(pointer, type, detail, value)


def _existing(found: object) -> str | None:
    if not isinstance(found, Mapping) or "id" not in found:
        return None
    return f"{found.get('partition')}/{found['id']}"
