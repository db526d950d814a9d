"""The one exception family below HTTP, and what it tells the user.

    EngineError          a problem with a kind, a title and one concrete detail
      Refusal            a walk that can't go on: the sentence a job or task keeps as its error

Beside it stands what ends a command of operators before there is a service: StartError.

`app.api.problem` maps kinds to HTTP statuses, in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class ErrorKind(StrEnum):
    """Problem types as clients know them: the enumeration `ProblemType` of the OpenAPI document."""

    BUG = "BUG"
    CONFLICT = "CONFLICT"
    EXECUTION = "EXECUTION"
    FORBIDDEN = "FORBIDDEN"
    HTTP_MEDIA_TYPE = "HTTP_MEDIA_TYPE"
    HTTP_REQUEST_BODY = "HTTP_REQUEST_BODY"
    HTTP_REQUEST_URI = "HTTP_REQUEST_URI"
    NOT_FOUND = "NOT_FOUND"
    PROCESS_MODEL = "PROCESS_MODEL"
    QUERY = "QUERY"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN = "UNKNOWN"
    VALIDATION = "VALIDATION"


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a problem: where (`pointer`), which rule (`type`), and a sentence about it."""

    pointer: str
    type: str
    detail: str
    value: str = ""
    line: int = field(default=0, compare=False)
    """Where it is in a file, like `column` counted from 1; 0 where there is no such place."""
    column: int = field(default=0, compare=False)


class EngineError(Exception):
    """A problem that the user can understand and act on.

    `title` names the failed action; left empty, the service fills in the title of the command.
    """

    def __init__(self, kind: ErrorKind, detail: str, *, title: str = "", causes: Sequence[Cause] = ()) -> None:
        super().__init__(detail)
        self.kind = kind
        self.title = title
        self.detail = detail
        self.causes = tuple(causes)
        self.existing: tuple[date, int] | None = None
        """Partition and id of the process instance that is in the way."""
        self.place = (0, 0)
        """Line and column in the file that can't be read, as in `Cause`."""

    def as_text(self) -> str:
        """The error as a job or task keeps it: `TYPE: title: detail`."""
        return f"{self.kind}: {self.title}: {self.detail}"


class Refusal(EngineError):
    """The completion or the walk is unusable: the job or task that asked for it fails with this sentence."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorKind.VALIDATION, detail)

    def as_text(self) -> str:
        return self.detail


class StartError(Exception):
    """A command can't begin, for the reason in the message: one sentence, about what the operator can put right."""


def not_found(what: str) -> EngineError:
    return EngineError(ErrorKind.NOT_FOUND, f"{what} could not be found")


def conflict(detail: str) -> EngineError:
    return EngineError(ErrorKind.CONFLICT, detail)


def forbidden(detail: str) -> EngineError:
    """The credential of the caller is not for it; the detail says what would be needed."""
    return EngineError(ErrorKind.FORBIDDEN, detail, title="not allowed")


def invalid(detail: str, *, title: str = "", causes: Sequence[Cause] = ()) -> EngineError:
    return EngineError(ErrorKind.VALIDATION, detail, title=title, causes=causes)


def invalid_model(detail: str, *, title: str = "", causes: Sequence[Cause] = ()) -> EngineError:
    return EngineError(ErrorKind.PROCESS_MODEL, detail, title=title, causes=causes)


def execution_failed(title: str, detail: str) -> EngineError:
    return EngineError(ErrorKind.EXECUTION, detail, title=title)


def unavailable(detail: str) -> EngineError:
    """The database is away or busy: the same request may succeed a little later."""
    return EngineError(ErrorKind.UNAVAILABLE, detail)


def is_unavailable(outcome: object) -> bool:
    """Whether it is the error that says so. Who has noticed it has logged it, once for all that meet it."""
    return isinstance(outcome, EngineError) and outcome.kind is ErrorKind.UNAVAILABLE


def bug(detail: str) -> EngineError:
    return EngineError(ErrorKind.BUG, detail)


def refused(detail: str) -> Refusal:
    return Refusal(detail)
