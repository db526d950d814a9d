"""Requests and answers without I/O: what the synchronous and the asynchronous client share."""

from __future__ import annotations

import json
import random
import re
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar, dataclass_transform
from urllib.parse import quote, urlencode, urlsplit

from py_bpmn.errors import Invalid, ProblemError, Unauthorized, Unavailable, foreign, problem

T = TypeVar("T")

Read = Callable[[Any], Any]
"""Makes a value of Python from one of JSON."""
TRIES = 3
FIRST_DELAY = 0.2
"""Seconds before the second try; doubled for each that follows."""
LONGEST_DELAY = 30.0
"""Seconds that a service can have its client wait before the next try."""
MOST_WAIT = 86400.0
"""Seconds that an answer is waited for beyond its own time: sockets take no number of any size."""
_WAIT = "waitTimeout"
_REALM = 'realm="py-bpmn"'
_DAYS = {"Y": 31622400, "M": 2678400, "W": 604800, "D": 86400}
_CLOCK = {"H": 3600, "M": 60, "S": 1}
"""Seconds of the units before and behind the T of a duration."""
_PART = re.compile(r"(\d+)([A-Z])")
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
    seconds, rest = divmod(value, timedelta(seconds=1))
    seconds += bool(rest)
    if seconds < 0:
        raise ValueError(f"a duration must not be negative, but is {value}")
    days, seconds = divmod(seconds, 86400)
    return (f"P{days}D" if days else "P") + (f"T{seconds}S" if seconds or not days else "")


def _seconds(duration: object) -> float:
    """Of a duration of ISO 8601, at least so many; anything for a text that is none, which the service refuses."""
    days, _, clock = str(duration or "").partition("T")
    parts = [(_DAYS, each) for each in _PART.findall(days)] + [(_CLOCK, each) for each in _PART.findall(clock)]
    return min(sum(int(number[:9]) * units.get(unit, 0) for units, (number, unit) in parts), MOST_WAIT)


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
    wait: float = 0.0
    """Seconds that the service is asked to wait before it answers."""


def request(
    operation: Operation[T],
    *,
    path: Mapping[str, Any] | None = None,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
    file: bytes | None = None,
    idempotency_key: str | None = None,
) -> Request[T]:
    """The request of an operation; None stands for what is not sent. `file` is a BPMN file in place of a body.

    Raises Invalid for a text that can't be sent.
    """
    target = operation.path
    for name, value in (path or {}).items():
        target = target.replace(f"{{{name}}}", quote(utf8(str(write(value)), f"path parameter {name}"), safe=""))
    given = {name: write(value) for name, value in (query or {}).items() if value is not None}
    if given:
        for name, value in given.items():
            _check(value, f"query parameter {name}")
        pairs = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
        target += "?" + urlencode(pairs, doseq=True)
    waits = [given.get(_WAIT)]
    headers = {"Accept": "application/json, text/*"}
    if operation.keyed:
        headers["Idempotency-Key"] = _checked_key(idempotency_key or str(uuid.uuid4()))
    content = file
    if file is not None:
        headers["Content-Type"] = "application/xml"
    elif body is not None:
        headers["Content-Type"] = "application/json"
        sent = _written(body)
        content = _dumped(sent)
        waits += [sent.get(_WAIT), sent.get("lockNext", {}).get(_WAIT)]
    return Request(operation, target, headers, content, max(_seconds(each) for each in waits))


def encoded(body: Mapping[str, Any]) -> bytes:
    """A body as it is sent, without what is None. Raises Invalid for a text that can't be sent, with its place."""
    return _dumped(_written(body))


def _written(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: write(value) for name, value in body.items() if value is not None}


def _dumped(sent: Mapping[str, Any]) -> bytes:
    text = json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:
        _check(sent, "#")
        raise


def utf8(text: str, place: str) -> bytes:
    """Raises Invalid for half of a character, which UTF-8 has no form for; it names the place, and not the text."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        half = f"the lone surrogate U+{ord(text[error.start]):04X}"
        sentence = f"{place} has half of a character, {half}, which can't be sent"
        # Not chained: the text is part of that error.
        raise Invalid(sentence, status=400, type="VALIDATION") from None


def _check(value: Any, place: str) -> None:
    """Raises Invalid for the first text in what was made by `write` that can't be sent."""
    if isinstance(value, str):
        utf8(value, place)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            utf8(name, f"a name in {place}")
            _check(each, f"{place}/{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _check(each, f"{place}/{number}")


def _checked_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key:
        sentence = "an idempotency key must be visible ASCII characters, without spaces"
        raise Invalid(sentence, status=400, type="VALIDATION")
    return key


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: bytes
    headers: Mapping[str, str]
    """To be asked in lower case."""

    @property
    def is_page(self) -> bool:
        """Whether it is for people, which no answer to this client is."""
        return self.headers.get("content-type", "").lower().startswith("text/html")

    @property
    def retry_after(self) -> float | None:
        """Seconds, if the service names them."""
        try:
            return max(0.0, float(self.headers.get("retry-after", "")))
        except ValueError:
            return None


def read(request: Request[T], answer: Answer, *, url: str, authorization: str) -> T:
    """What the answer says. Raises ProblemError, which tells where the request was sent, and what is wrong with it."""
    operation = request.operation
    asked = f"{operation.method} {operation.path}"
    if answer.status >= 300 or answer.status < 200:
        raise _problem(request, answer, url, authorization)
    if answer.is_page:
        raise foreign(url, answer.status, f"it answers {asked} by a page")
    if operation.answers == "nothing":
        return operation.read(None)
    text = answer.content.decode("utf-8", "replace")
    if operation.answers == "text":
        return operation.read(text)
    try:
        return operation.read(json.loads(text))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise foreign(url, answer.status, f"the answer to {asked} is none of py-bpmn's, or not all of it") from error


def _problem(request: Request[Any], answer: Answer, url: str, authorization: str) -> ProblemError:
    """The error for an answer that is no success.

    py-bpmn itself says why in a problem of its form, or by text where the operation answers text, or it has no more to
    say than the status, in headers of its own. All else is of something in between.
    """
    headers = answer.headers
    request_id = headers.get("x-request-id", "")
    body = _body(answer)
    if body is not None:
        return problem(answer.status, body, request_id=request_id)
    is_marked = bool(request_id or headers.get("x-hint")) or _REALM in headers.get("www-authenticate", "")
    is_own = is_marked and (not answer.content or (request.operation.answers == "text" and not answer.is_page))
    if answer.status == 401:
        return _unauthorized(url, authorization, request_id, is_own)
    if not is_own:
        leads = _origin(headers.get("location", ""))
        return foreign(url, answer.status, f"status {answer.status}{f', which leads to {leads}' if leads else ''}")
    said = headers.get("x-hint", "") or answer.content.decode("utf-8", "replace").strip()
    if not said and answer.status == 404:
        asked = f"{request.operation.method} {request.operation.path}"
        said = f"{url} has no {asked}: look at the path in BPMN_URL, or the service is older than this client"
    return problem(answer.status, {"detail": said}, request_id=request_id)


def _body(answer: Answer) -> Mapping[str, Any] | None:
    """The problem that py-bpmn has answered. Others name its type by a URI, if they have one."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    if isinstance(body, Mapping) and "detail" in body and str(body.get("type", "")).isidentifier():
        return body
    return None


def _unauthorized(url: str, authorization: str, request_id: str, is_own: bool) -> Unauthorized:
    if not is_own:
        detail = f"{url} is answered by something that is not py-bpmn, and that asks for credentials"
    elif not authorization:
        detail = (
            f"{url} needs credentials, and none were sent: set BPMN_AUTHORIZATION to an API key, or BPMN_USERNAME and "
            "BPMN_PASSWORD, or give them to the client"
        )
    elif authorization.lower().startswith("basic "):
        detail = (
            f"{url} does not take the user name and password that were sent: look at BPMN_USERNAME and BPMN_PASSWORD, "
            "or at what the client was given"
        )
    else:
        detail = (
            f"{url} does not take the API key that was sent, which is wrong, revoked or has expired: look at "
            "BPMN_AUTHORIZATION, or at what the client was given"
        )
    return Unauthorized(detail, status=401, type="UNAUTHORIZED", request_id=request_id, is_foreign=not is_own)


def _origin(location: str) -> str:
    """Where a redirect leads, without path and query, which may have secrets."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else ""
    except ValueError:
        return ""


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
