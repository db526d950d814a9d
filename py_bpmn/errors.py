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
        is_foreign: bool = False,
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
        self.is_foreign = is_foreign
        """Whether something that is not py-bpmn has answered, such as a proxy that does not reach it."""

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
    """Status 429 or 5xx, an answer that is not one of py-bpmn's, or none at all: the same request may succeed later."""


_KINDS: Mapping[int, type[ProblemError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Refused,
    429: Unavailable,
}


def problem(status: int, body: Mapping[str, Any] | None, *, request_id: str = "") -> ProblemError:
    """The error for a status with the problem that says why, as the service answers it."""
    kind = _KINDS.get(status) or (Unavailable if status >= 500 else ProblemError)
    body = body or {}
    return kind(
        str(body.get("detail") or f"the answer has status {status}, and no problem that says why"),
        status=status,
        type=str(body.get("type") or "HTTP"),
        title=str(body.get("title") or ""),
        errors=[_cause(each) for each in body.get("errors") or () if isinstance(each, Mapping)],
        existing=_existing(body.get("existing")),
        request_id=request_id,
    )


def foreign(url: str, status: int, what: str) -> Unavailable:
    """The error for an answer of something that is not py-bpmn; `what` is said of it."""
    return Unavailable(f"{url} is answered by something that is not py-bpmn: {what}", status=status, is_foreign=True)


def _cause(error: Mapping[str, Any]) -> ProblemCause:
    pointer, type, detail, value = (str(error.get(name) or "") for name in ("pointer", "type", "detail", "value"))
    return ProblemCause(pointer, type, detail, value)


def _existing(found: object) -> str | None:
    if not isinstance(found, Mapping) or "id" not in found:
        return None
    return f"{found.get('partition')}/{found['id']}"
