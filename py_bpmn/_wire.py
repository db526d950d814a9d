"""Requests and answers without I/O: what the synchronous and the asynchronous client share."""

from __future__ import annotations

import json
import random
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, dataclass_transform
from urllib.parse import quote, urlencode

from py_bpmn.errors import ProblemError, Unavailable, problem

T = TypeVar("T")

Read = Callable[[Any], Any]
"""Makes a value of Python from one of JSON."""
TRIES = 3
FIRST_DELAY = 0.2
"""Seconds before the second try; doubled for each that follows."""
LONGEST_DELAY = 30.0
"""Seconds that a service can have its client wait before the next try."""
PASSING = frozenset({429, 502, 503, 504})
"""Statuses of answers that may be others soon."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """An object of the API, which does not change. Attributes are the properties of its JSON in snake_case.

    It is made, compared and shown like a frozen dataclass; but a hundred of these would take a tenth of a second to
    import, which is too long for a command.
    """

    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]]
    """By the name of the property: the attribute, and how it is read where it is not JSON as it is."""
    REQUIRED: ClassVar[tuple[str, ...]] = ()
    """Attributes without a default."""
    HIDDEN: ClassVar[tuple[str, ...]] = ()
    """Attributes that are not shown, since what is shown gets into logs."""

    def __init__(self, **values: Any) -> None:
        if unknown := values.keys() - {attribute for attribute, _ in self.FIELDS.values()}:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        if missing := [name for name in self.REQUIRED if name not in values]:
            raise TypeError(f"{type(self).__name__} needs {', '.join(missing)}")
        self.__dict__.update(values)

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Properties that this version does not know are left out, so that the service may be newer."""
        fields = cls.FIELDS
        found = cls.__new__(cls)
        values = found.__dict__
        for name, value in data.items():
            known = fields.get(name)
            if known is not None and value is not None:
                attribute, read = known
                values[attribute] = value if read is None else read(value)
        if any(name not in values for name in cls.REQUIRED):
            raise ValueError(f"{cls.__name__} lacks a property")
        return found

    def write(self) -> dict[str, Any]:
        """As JSON, without what is not set."""
        values = {}
        for name, (attribute, _) in self.FIELDS.items():
            value = self.__dict__.get(attribute)
            if value is not None and value != ():
                values[name] = write(value)
        return values

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} can't be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} can't be changed")

    def __replace__(self, **changes: Any) -> Self:
        return type(self)(**{**self.__dict__, **changes})

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, attribute) for attribute, _ in self.FIELDS.values())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values() == self._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = (
            f"{attribute}={'...' if attribute in self.HIDDEN else repr(self.__dict__[attribute])}"
            for attribute, _ in self.FIELDS.values()
            if attribute in self.__dict__
        )
        return f"{type(self).__name__}({', '.join(shown)})"


def read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


read_date = date.fromisoformat


def read_texts(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(values)


def read_many(model: type[Model]) -> Read:
    def read(values: Iterable[Mapping[str, Any]]) -> tuple[Model, ...]:
        return tuple(model.read(value) for value in values)

    return read


def write(value: Any) -> Any:
    """The JSON of a value: models, times, durations, and lists of them."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, Model):
        return value.write()
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Mapping):
        return {key: write(each) for key, each in value.items()}
    if isinstance(value, Iterable):
        return [write(each) for each in value]
    raise TypeError(f"{type(value).__name__} can't be sent")


def time_text(value: datetime) -> str:
    """In UTC; a time without a zone is one of this machine's own, as everywhere in Python."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration_text(value: timedelta) -> str:
    """In ISO 8601, whole seconds, since the API knows no parts of them: what is below is rounded up.

    Raises ValueError for a negative duration.
    """
    seconds = -(-value // timedelta(seconds=1))
    if seconds < 0:
        raise ValueError(f"a duration must not be negative, but is {value}")
    days, seconds = divmod(seconds, 86400)
    return (f"P{days}D" if days else "P") + (f"T{seconds}S" if seconds or not days else "")


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """One operation of the API."""

    name: str
    method: str
    path: str
    """With the names of its parameters in braces."""
    read: Callable[[Any], T]
    """Makes the answer from its JSON, or from its text."""
    answers: Literal["json", "text", "nothing"] = "json"
    keyed: bool = False
    """Whether it takes an Idempotency-Key, by which the service knows a repetition."""
    repeated: bool = True
    """Whether the request is sent again when it has failed for a reason that may pass."""


def read_nothing(_: Any) -> None:
    return None


def read_text(text: Any) -> str:
    return str(text)


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """A request as it is sent, each time."""

    operation: Operation[T]
    path: str
    """With the query."""
    headers: dict[str, str]
    content: bytes | None


def request(
    operation: Operation[T],
    *,
    path: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    file: bytes | None = None,
    idempotency_key: str | None = None,
) -> Request[T]:
    """The request of an operation; None stands for what is not sent. `file` is a BPMN file in place of a body."""
    target = operation.path
    for name, value in (path or {}).items():
        target = target.replace(f"{{{name}}}", quote(str(write(value)), safe=""))
    given = {name: write(value) for name, value in (query or {}).items() if value is not None}
    if given:
        pairs = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
        target += "?" + urlencode(pairs, doseq=True)
    headers = {"Accept": "application/json, text/*"}
    if operation.keyed:
        headers["Idempotency-Key"] = idempotency_key or str(uuid.uuid4())
    content = file
    if file is not None:
        headers["Content-Type"] = "application/xml"
    elif body is not None:
        headers["Content-Type"] = "application/json"
        content = encoded(body)
    return Request(operation, target, headers, content)


def encoded(body: Mapping[str, Any]) -> bytes:
    """A body as it is sent; None stands for what is not sent."""
    sent = {name: write(value) for name, value in body.items() if value is not None}
    return json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes
    headers: Mapping[str, str]
    """To be asked in lower case."""

    @property
    def retry_after(self) -> float | None:
        """Seconds, if the service names them."""
        try:
            return max(0.0, float(self.headers.get("retry-after", "")))
        except ValueError:
            return None


def read(request: Request[T], answer: Answer) -> T:
    """What the answer says. Raises ProblemError."""
    if answer.status >= 300 or answer.status < 200:
        raise _problem(answer)
    if request.operation.answers == "nothing":
        return request.operation.read(None)
    text = answer.content.decode("utf-8", "replace")
    if request.operation.answers == "text":
        return request.operation.read(text)
    try:
        return request.operation.read(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        message = f"the answer to {request.operation.method} {request.operation.path} is not one of py-bpmn's"
        raise ProblemError(message, status=answer.status, type="HTTP") from error


def _problem(answer: Answer) -> ProblemError:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    headers = answer.headers
    return problem(answer.status, body, request_id=headers.get("x-request-id", ""), hint=headers.get("x-hint", ""))


@dataclass(slots=True)
class Retry:
    """Decides after each try of one request whether there is another one."""

    operation: Operation[Any]
    random: Callable[[], float] = random.random
    tries: int = field(default=0, init=False)

    def after(self, answer: Answer) -> float | None:
        """Seconds to wait before the request is sent again; None if this is the answer."""
        if answer.status not in PASSING:
            return None
        return self._next(answer.retry_after)

    def after_failure(self) -> float | None:
        """The same when there was no answer."""
        return self._next(None)

    def _next(self, asked: float | None) -> float | None:
        self.tries += 1
        if not self.operation.repeated or self.tries >= TRIES:
            return None
        if asked is not None:
            # Somewhat later than asked for, so that not all who were sent away come back at once.
            return min(asked, LONGEST_DELAY) * (1 + self.random() / 4)
        return float(FIRST_DELAY * 2 ** (self.tries - 1) * (0.5 + self.random()))


def unreachable(url: str, error: Exception) -> Unavailable:
    """For a request that got no answer."""
    reason = str(error) or type(error).__name__
    return Unavailable(f"{url} does not answer: {reason}")


def basic(username: str, password: str) -> str:
    """The value of the header Authorization."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
