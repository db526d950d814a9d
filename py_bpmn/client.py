"""The clients of the service, synchronous and asynchronous."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlsplit

import httpx2

from py_bpmn import _wire
from py_bpmn._operations import (
    CHECK_PROCESS,
    CREATE_PROCESS,
    Api,
    AsyncApi,
    CheckedProcess,
    Data,
    ExpressionMode,
    HistoryEntry,
    Incident,
    InstanceState,
    NewProcessInstance,
    Process,
    ProcessInstance,
    ProcessVariable,
    SentMessage,
    Signal,
    StartedProcessInstance,
    Tag,
    Timer,
    UserTask,
    VisibleVariable,
    Waiting,
)
from py_bpmn._wire import Answer, Operation, Request, Retry
from py_bpmn.errors import ConfigurationError, Invalid, ProblemError, problem
from py_bpmn.values import Codec, Raw, Values

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8080"
CONNECT_TIMEOUT = 5.0
"""Seconds."""
READ_TIMEOUT = 40.0
"""Seconds: longer than a service lets a request wait, unless it is configured."""
ANSWER_TIMEOUT = 10.0
"""Seconds that an answer may take at most beyond the time that it was asked to wait, if `timeout` is no longer."""
CONNECTIONS = 20
"""Of one client at most."""
MOST_AT_ONCE = 100
"""Instances that one request starts."""
TOO_LARGE = 413
"""Status of an answer to a request whose body is too large."""
ENDED: frozenset[InstanceState] = frozenset({"CANCELED", "COMPLETED"})
VERSION_DIGITS = 12
_DECLARED = re.compile(r"""\A(\ufeff?<\?xml\b[^>]*?\sencoding\s*=\s*["'])(?!utf-8["'])[^"'>]*""", re.IGNORECASE)


def version_of(bpmn: bytes) -> str:
    """The version that a file gets where none is named: the beginning of its SHA-256."""
    return sha256(bpmn).hexdigest()[:VERSION_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where the service is, and who asks."""

    url: str
    authorization: str = ""
    """Value of the header; empty sends none."""
    worker_id: str
    ca_file: str = ""
    """Certificates that are trusted, beside those of the machine, by the path of their file."""
    timeout: float = READ_TIMEOUT
    """Seconds to wait for an answer; where the service is asked to wait as long, some more."""

    def __repr__(self) -> str:
        return f"Connection({self.url})"


def connection(
    url: str | None = None,
    *,
    key: str | None = None,
    username: str | None = None,
    password: str | None = None,
    worker_id: str | None = None,
    ca_file: str | Path | None = None,
    timeout: float = READ_TIMEOUT,
    environ: Mapping[str, str] | None = None,
) -> Connection:
    """What is given, and for the rest what the environment says. Raises ConfigurationError.

    The environment's credentials are looked at only where none are given.
    """
    environ = os.environ if environ is None else environ
    if key is None and username is None:
        key, username, password = (environ.get(f"BPMN_{name}") for name in ("AUTHORIZATION", "USERNAME", "PASSWORD"))
    if key and username:
        raise ConfigurationError("there is a key, and a user name as well; only one of them can be sent")
    if bool(username) != bool(password):
        raise ConfigurationError("a user name needs a password, and a password a user name")
    authorization = _basic(username, password) if username and password else key or ""
    if not authorization.isascii() or not authorization.isprintable():
        raise ConfigurationError("a key must be visible ASCII characters, without a line break")
    return Connection(
        url=_checked_url(url or environ.get("BPMN_URL") or DEFAULT_URL),
        authorization=authorization,
        worker_id=worker_id or environ.get("BPMN_WORKER_ID") or default_worker_id(),
        ca_file=str(ca_file or environ.get("BPMN_CA_FILE") or ""),
        timeout=timeout,
    )


def _basic(username: str, password: str) -> str:
    try:
        return _wire.basic(username, password)
    except UnicodeEncodeError:
        # Not chained: the password is part of it. The environment may have bytes that are no text.
        raise ConfigurationError("a user name and its password must be texts that UTF-8 has a form for") from None


def default_worker_id() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        # A user without a name, as in some containers.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"[:255]


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        # As it is done when it is looked up: a label may be empty or too long.
        (parts.hostname or "").encode("idna")
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL):
        usable = False
    if not usable:
        raise ConfigurationError(f"the URL must be such as {DEFAULT_URL}, but is {url!r}")
    if parts.username or parts.password:
        raise ConfigurationError("the URL must not have a user name or password; they are given apart")
    if parts.query or parts.fragment:
        raise ConfigurationError("the URL must end with the path, without a query")
    return url.rstrip("/")


def _options(known: Connection) -> dict[str, Any]:
    from py_bpmn import __version__

    headers = {"User-Agent": f"py-bpmn-client/{__version__}"}
    if known.authorization:
        headers["Authorization"] = known.authorization
    options: dict[str, Any] = {
        "base_url": known.url,
        "headers": headers,
        "limits": httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
    }
    if known.url.startswith("http:"):
        # Nothing is encrypted, and nobody is led elsewhere: the certificates of the machine need not be read.
        options["verify"] = False
    elif known.ca_file:
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(known.ca_file)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{known.ca_file!r} is no file of certificates: {error}") from error
        options["verify"] = context
    return options


def _timeout(known: Connection, request: Request[Any]) -> httpx2.Timeout:
    """An answer that the service is asked to wait with must not be given up before it comes: it may start something."""
    read = max(known.timeout, request.wait + min(known.timeout, ANSWER_TIMEOUT)) if request.wait else known.timeout
    return httpx2.Timeout(known.timeout, connect=min(CONNECT_TIMEOUT, known.timeout), read=read)


@contextmanager
def _opening() -> Iterator[None]:
    """Raises ConfigurationError for what httpx2 can't use: a proxy, since the URL of the service is checked before."""
    try:
        yield
    except ImportError:
        raise _unusable_proxy("is one by SOCKS, which needs the package socksio") from None
    except (httpx2.InvalidURL, ValueError):
        raise _unusable_proxy() from None


@contextmanager
def _sending(transport: object) -> Iterator[None]:
    """Raises what httpx2 does not have in its family as errors of this package."""
    try:
        yield
    except httpx2.InvalidURL as error:
        raise Invalid(f"the request can't be sent: {error}", status=400, type="VALIDATION") from error
    except UnicodeError:
        if transport is not None:
            raise
        # A host whose name can't be looked up.
        raise _unusable_proxy() from None


def _unusable_proxy(why: str = "can't be used; its URL must be such as http://proxy:3128") -> ConfigurationError:
    """It is not shown, and not chained to what is: there may be a password in it."""
    return ConfigurationError(f"a proxy that the environment names (http_proxy, https_proxy or all_proxy) {why}")


class _Sender:
    """Sends requests over a pool of connections. Threads may share it; a process that is forked gets a pool anew."""

    def __init__(
        self, known: Connection, transport: httpx2.BaseTransport | None, sleep: Callable[[float], object]
    ) -> None:
        self._connection = known
        self._transport = transport
        self._sleep = sleep
        self._closes = True
        self.worker_id = known.worker_id
        self._process = os.getpid()
        self._http = self._open()

    def _open(self) -> httpx2.Client:
        options = _options(self._connection)
        with _opening():
            return httpx2.Client(transport=self._transport, **options)

    def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        request = _wire.request(
            operation, path=path, query=query, body=body, file=file, idempotency_key=idempotency_key
        )
        known = self._connection
        return _wire.read(request, self._answer(request), url=known.url, authorization=known.authorization)

    def _answer(self, request: Request[Any]) -> Answer:
        if os.getpid() != self._process:
            # The connections are still those of the parent: what is sent here must not get between its requests.
            self._process = os.getpid()
            self._http = self._open()
        retry = Retry(request.operation)
        while True:
            try:
                with _sending(self._transport):
                    found = self._http.request(
                        request.operation.method,
                        request.path,
                        headers=request.headers,
                        content=request.content,
                        timeout=_timeout(self._connection, request),
                    )
            except httpx2.RequestError as error:
                delay = retry.after_failure()
                if delay is None:
                    raise _wire.unreachable(self._connection.url, error) from error
            else:
                answer = Answer(found.status_code, found.content, found.headers)
                delay = retry.after(answer)
                if delay is None:
                    return answer
            self._sleep(delay)

    def sibling(self, worker_id: str, sleep: Callable[[float], object], timeout: float | None) -> _Sender:
        known = replace(self._connection, worker_id=worker_id, timeout=timeout or self._connection.timeout)
        found = _Sender(known, self._transport, sleep)
        # A transport that was given is still used by others.
        found._closes = self._transport is None
        return found

    def cut(self) -> None:
        # httpx2 has no word for this: closing its pool waits for what is under way.
        transport: Any = self._http._transport
        for connection in getattr(getattr(transport, "_pool", None), "connections", ()):
            stream = getattr(getattr(connection, "_connection", None), "_network_stream", None)
            found = stream.get_extra_info("socket") if stream is not None else None
            if found is not None:
                with suppress(OSError):
                    found.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._closes:
            self._http.close()


class _AsyncSender:
    """As `_Sender`, for one event loop."""

    def __init__(self, known: Connection, transport: httpx2.AsyncBaseTransport | None) -> None:
        self._connection = known
        self._transport = transport
        self.worker_id = known.worker_id
        options = _options(known)
        with _opening():
            self._http = httpx2.AsyncClient(transport=transport, **options)

    async def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        request = _wire.request(
            operation, path=path, query=query, body=body, file=file, idempotency_key=idempotency_key
        )
        known = self._connection
        return _wire.read(request, await self._answer(request), url=known.url, authorization=known.authorization)

    async def _answer(self, request: Request[Any]) -> Answer:
        retry = Retry(request.operation)
        while True:
            try:
                with _sending(self._transport):
                    found = await self._http.request(
                        request.operation.method,
                        request.path,
                        headers=request.headers,
                        content=request.content,
                        timeout=_timeout(self._connection, request),
                    )
            except httpx2.RequestError as error:
                delay = retry.after_failure()
                if delay is None:
                    raise _wire.unreachable(self._connection.url, error) from error
            else:
                answer = Answer(found.status_code, found.content, found.headers)
                delay = retry.after(answer)
                if delay is None:
                    return answer
            await asyncio.sleep(delay)

    async def close(self) -> None:
        await self._http.aclose()


class AsyncClient:
    """The operations of the API for programs with an event loop: `await client.api.lock_jobs(...)`."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        worker_id: str | None = None,
        ca_file: str | Path | None = None,
        timeout: float = READ_TIMEOUT,
        codecs: Iterable[Codec] = (),
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """As `Client`."""
        known = connection(
            url,
            key=key,
            username=username,
            password=password,
            worker_id=worker_id,
            ca_file=ca_file,
            timeout=timeout,
        )
        self._sender = _AsyncSender(known, transport)
        self.url = known.url
        self.worker_id = known.worker_id
        self.values = Values(codecs)
        self.api = AsyncApi(self._sender)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._sender.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One of many instances to be started; as the arguments of `Client.start`."""

    process: str
    version: str | None = None
    key: str | None = None
    unique: bool = False
    at: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)


class _Page(Protocol):
    @property
    def results(self) -> Any: ...

    @property
    def next_cursor(self) -> str | None: ...


class Client:
    """The service, for programs that do one thing after the other. Threads may share it."""

    def __init__(
        self,
        url: str | None = None,
        *,
        key: str | None = None,
        username: str | None = None,
        password: str | None = None,
        worker_id: str | None = None,
        ca_file: str | Path | None = None,
        timeout: float = READ_TIMEOUT,
        codecs: Iterable[Codec] = (),
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """`key` is an API key, as `py-bpmn api-key create` prints it; a user name and password work as well.

        What is not given is taken from the environment: BPMN_URL (or else http://127.0.0.1:8080), BPMN_AUTHORIZATION
        for the key, BPMN_USERNAME and BPMN_PASSWORD, BPMN_WORKER_ID (or else user@host) and BPMN_CA_FILE. `timeout` is
        how many seconds one answer may take; one that the service is asked to wait with may take longer than that wait.
        `transport` is how requests are sent where that is not by HTTP. Raises ConfigurationError.
        """
        known = connection(
            url,
            key=key,
            username=username,
            password=password,
            worker_id=worker_id,
            ca_file=ca_file,
            timeout=timeout,
        )
        self._sender = _Sender(known, transport, sleep)
        self.url = known.url
        self.worker_id = known.worker_id
        self.values = Values(codecs)
        self.api = Api(self._sender)
        """All operations of the API, one method each."""
        self.call = self._sender.send
        """Sends an operation, as the methods of `api` do."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._sender.close()

    def sibling(
        self, *, worker_id: str, sleep: Callable[[float], object] = time.sleep, timeout: float | None = None
    ) -> Self:
        """A client of the same service with the same credentials and codecs, and connections of its own."""
        found = copy(self)
        found._sender = self._sender.sibling(worker_id, sleep, timeout)
        found.worker_id = worker_id
        found.api = Api(found._sender)
        found.call = found._sender.send
        return found

    def cut(self) -> None:
        """Has requests of other threads that wait for an answer fail with `Unavailable`."""
        self._sender.cut()

    def deploy(
        self,
        bpmn: str | Path,
        *,
        version: str | None = None,
        process: str | None = None,
        parallelism: int | None = None,
        expressions: ExpressionMode | None = None,
        tags: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> Process:
        """Deploys a file, given by its path or as XML, and answers the process. Doing so again changes nothing.

        `version` is the beginning of the file's SHA-256, if it is not given, and `process` the only executable process
        of the file. `expressions` says who evaluates those of the file, `ENGINE` or `WORKER`; without it the service
        decides. Raises `Refused` for a model that can't be executed, and `Conflict` if the version is there with
        another model.
        """
        query = {
            "bpmnProcessId": process,
            "version": version,
            "parallelism": parallelism,
            "expressions": expressions,
            "tags": None if tags is None else [f"{name}:{value}" for name, value in tags.items()],
            "reason": reason,
            "workerId": self.worker_id,
        }
        return self._sender.send(CREATE_PROCESS, query=query, file=read_bpmn(bpmn))

    def check(self, bpmn: str | Path, *, process: str | None = None) -> CheckedProcess:
        """What a deployment of the file would say; nothing is stored."""
        return self._sender.send(CHECK_PROCESS, query={"bpmnProcessId": process}, file=read_bpmn(bpmn))

    def start(
        self,
        process: str,
        *,
        version: str | None = None,
        key: str | None = None,
        unique: bool = False,
        at: str | None = None,
        variables: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        wait: timedelta | None = None,
        returns: Sequence[str] | None = None,
    ) -> Instance:
        """Starts an instance of the newest version of a process, or of `version`.

        `key` is its correlation key. With `unique` there is at most one open instance with it: if there is one already,
        that one is answered, and nothing is started. `at` is the none start event where it begins, which a process with
        several needs. With `wait` the answer comes when the instance has ended, or after
        that time; `returns` then names the variables that come with it.
        """
        started = self.api.create_process_instance(
            bpmn_process_id=process,
            bpmn_element_id=at,
            version=version,
            correlation_key=key,
            unique_correlation_key=True if unique else None,
            on_conflict="RETURN" if unique else None,
            variables=self._given(variables),
            tags=_tags(tags),
            wait_timeout=wait,
            return_variables=returns,
        )
        return Instance(self, started)

    def start_many(self, starts: Iterable[Start]) -> Iterator[Instance | ProblemError]:
        """Starts many instances with few requests, and answers for each, in their order, it or why it was not started.

        Each is started for itself: that one is refused, or can't be sent, does not stop the others, and neither does a
        request that gets no answer. What is `Unavailable` may have been started nevertheless; `unique` ones can be
        started again.
        """
        starts = iter(starts)
        while some := list(islice(starts, MOST_AT_ONCE)):
            new = [self._new(start) for start in some]
            results = iter(self._started([each for each in new if not isinstance(each, ProblemError)]))
            for each in new:
                yield each if isinstance(each, ProblemError) else next(results)

    def _started(self, new: Sequence[NewProcessInstance]) -> list[Instance | ProblemError]:
        if not new:
            return []
        try:
            results = self.api.create_process_instances(process_instances=new).results
        except ProblemError as error:
            if len(new) > 1 and (isinstance(error, Invalid) or error.status == TOO_LARGE):
                # All are refused for one that is not understood, or for the size of all.
                half = len(new) // 2
                return self._started(new[:half]) + self._started(new[half:])
            return [error] * len(new)
        return [
            problem(each.status, each.problem.write() if each.problem else None)
            if each.process_instance is None
            else Instance(self, each.process_instance)
            for each in results
        ]

    def _new(self, start: Start) -> NewProcessInstance | Invalid:
        try:
            variables = self._given(start.variables)
        except ValueError as error:
            return Invalid(str(error), status=400, type="VALIDATION")
        return NewProcessInstance(
            bpmn_process_id=start.process,
            bpmn_element_id=start.at,
            version=start.version,
            correlation_key=start.key,
            unique_correlation_key=True if start.unique else None,
            on_conflict="RETURN" if start.unique else None,
            variables=tuple(variables or ()),
            tags=tuple(_tags(start.tags) or ()),
        )

    def instance(self, ref: Ref) -> Instance:
        """The process instance at partition and id: `"2026-11-26/17"`, or a pair. Raises NotFound."""
        partition, id = address(ref)
        return Instance(self, self.api.get_process_instance(partition=partition, id=id))

    def instances(
        self,
        *,
        process: str | None = None,
        version: str | None = None,
        key: str | None = None,
        states: Sequence[InstanceState] | None = None,
        has_incident: bool | None = None,
        order: str = "id",
        **criteria: Any,
    ) -> Iterator[Instance]:
        """All process instances that meet each of the criteria, as `api.query_process_instances` has more of them."""
        found = self.each(
            self.api.query_process_instances,
            bpmn_process_id=process,
            versions=None if version is None else [version],
            correlation_key=key,
            states=states,
            has_incident=has_incident,
            order=order,
            **criteria,
        )
        return (Instance(self, each) for each in found)

    def each(self, query: Callable[..., _Page], **criteria: Any) -> Iterator[Any]:
        """All results of a query of `api`, page by page: `client.each(client.api.query_jobs, open=True)`."""
        cursor: str | None = ""
        while cursor is not None:
            page = query(cursor=cursor, **criteria)
            yield from page.results
            cursor = page.next_cursor

    def send(
        self,
        name: str,
        *,
        key: str,
        variables: Mapping[str, Any] | None = None,
        unique_key: str | None = None,
        expires: timedelta | datetime | None = None,
        require_receiver: bool = False,
        wait: timedelta | None = None,
    ) -> SentMessage:
        """Sends a message to the element that waits for its name and key; `result` of the answer tells who gets it.

        Until it `expires` it waits for one that comes later. With `require_receiver` it is refused (`NotFound`) if
        nobody waits. With `wait` the answer comes when it has arrived, or after that time.
        """
        return self.api.send_message(
            name=name,
            correlation_key=key,
            variables=self._given(variables),
            unique_key=unique_key,
            expiration_timer=_timer(expires),
            require_receiver=True if require_receiver else None,
            wait_timeout=wait,
        )

    def signal(self, name: str, *, variables: Mapping[str, Any] | None = None) -> Signal:
        """Sends a signal to all that wait for it."""
        return self.api.send_signal(name=name, variables=self._given(variables))

    def incidents(self, *, open: bool | None = True, **criteria: Any) -> Iterator[Incident]:
        """Incidents, by default those that are not resolved."""
        return self.each(self.api.query_incidents, open=open, **criteria)

    def resolve(self, incident: Incident, *, retry_in: timedelta | None = None, reason: str | None = None) -> None:
        """Has what failed tried again, at once or after a time."""
        self.api.resolve_incident(partition=incident.partition, id=incident.id, retry_timer=retry_in, reason=reason)

    def user_tasks(self, **criteria: Any) -> Iterator[UserTask]:
        """User tasks that meet the criteria of `api.query_user_tasks`."""
        return self.each(self.api.query_user_tasks, **criteria)

    def complete_user_task(self, task: UserTask, *, variables: Mapping[str, Any] | None = None) -> UserTask:
        """Completes a user task as it was read; `Conflict` if somebody has changed it since."""
        return self.api.update_user_task(
            partition=task.partition,
            id=task.id,
            revision=task.revision,
            completed=True,
            process_variables=self._given(variables),
        )

    def _given(self, variables: Mapping[str, Any] | None) -> list[ProcessVariable] | None:
        return None if variables is None else given(self.values, variables)


class Instance:
    """A process instance, as it was when it was read."""

    def __init__(self, client: Client, data: ProcessInstance | StartedProcessInstance) -> None:
        self._client = client
        self.data = data
        returned = data.variables if isinstance(data, StartedProcessInstance) else ()
        self.variables: dict[str, Any] = visible(client.values, returned)
        """What it was started with `returns` for; what can't be read is `Raw`, as it is stored."""

    def __repr__(self) -> str:
        return f"<Instance {self.ref} of {self.process}: {self.state}>"

    @property
    def partition(self) -> date:
        return self.data.partition

    @property
    def id(self) -> int:
        return self.data.id

    @property
    def ref(self) -> str:
        """Partition and id, by which it is addressed."""
        return f"{self.data.partition}/{self.data.id}"

    @property
    def process(self) -> str:
        """BPMN process id."""
        return self.data.bpmn_process_id

    @property
    def version(self) -> str:
        return self.data.version

    @property
    def key(self) -> str | None:
        """Correlation key."""
        return self.data.correlation_key

    @property
    def state(self) -> InstanceState:
        return self.data.state

    @property
    def ended(self) -> bool:
        return self.data.state in ENDED

    def refresh(self) -> Instance:
        """It, as it is now."""
        return self._client.instance(self)

    def wait(self, timeout: timedelta) -> Instance:
        """It, when it has ended, or else after that time, or after the longest that the service lets one wait."""
        found = self._client.api.get_process_instance(partition=self.partition, id=self.id, wait_timeout=timeout)
        return Instance(self._client, found)

    def waiting(self) -> list[Waiting]:
        """Where it waits, and for what."""
        return list(self._client.api.get_waiting(partition=self.partition, id=self.id).results)

    def history(self) -> Iterator[HistoryEntry]:
        """What has happened in it, the oldest first."""
        return self._client.each(self._client.api.get_history, partition=self.partition, id=self.id)

    def get_variables(self, *names: str) -> dict[str, Any]:
        """Its variables, all or those with these names.

        Raises ValueError for one that is asked for by its name and can't be read; among all it is `Raw`, as it is
        stored.
        """
        values = self._client.values
        found = self._client.api.get_process_variables(
            partition=self.partition, id=self.id, names=",".join(names) if names else None
        ).variables
        if not names:
            return visible(values, found)
        return {each.name: _decoded(values, each.name, each.data) for each in found if each.data is not None}

    def set_variables(self, variables: Mapping[str, Any], *, reason: str | None = None) -> None:
        """Sets these variables and leaves others as they are; `DELETED` as a value deletes one."""
        self._client.api.set_process_variables(
            partition=self.partition, id=self.id, variables=given(self._client.values, variables), reason=reason
        )

    def cancel(self, *, reason: str | None = None) -> None:
        self._client.api.cancel_process_instance(partition=self.partition, id=self.id, reason=reason)

    def suspend(self, *, reason: str | None = None) -> None:
        self._client.api.suspend_process_instance(partition=self.partition, id=self.id, reason=reason)

    def resume(self, *, reason: str | None = None) -> None:
        self._client.api.resume_process_instance(partition=self.partition, id=self.id, reason=reason)

    def delete(self, *, reason: str | None = None) -> None:
        """Deletes it with all that it has left; only one that has ended."""
        self._client.api.delete_process_instance(partition=self.partition, id=self.id, reason=reason)


class _Deleted:
    def __repr__(self) -> str:
        return "DELETED"


DELETED = _Deleted()
"""As the value of a variable: it shall not be there any more."""

Ref = str | tuple[date, int] | Instance | ProcessInstance | StartedProcessInstance
"""How an instance is named."""


def address(ref: Ref) -> tuple[date, int]:
    """Partition and id. Raises ConfigurationError for what is no address."""
    if isinstance(ref, tuple):
        return ref
    if not isinstance(ref, str):
        return ref.partition, ref.id
    partition, _, id = ref.partition("/")
    try:
        return date.fromisoformat(partition), int(id)
    except ValueError:
        raise ConfigurationError(f"an instance is addressed such as 2026-11-26/17, but not by {ref!r}") from None


def read_bpmn(bpmn: str | Path) -> bytes:
    """The content of a file, as it is, or a text that is XML already, in UTF-8 whatever encoding it declares.

    Raises ConfigurationError for a file that can't be read, and Invalid for a text that can't be sent.
    """
    if isinstance(bpmn, str) and bpmn.lstrip("\ufeff \t\r\n").startswith("<"):
        # The encoding that a text declares was that of a file.
        return _wire.utf8(_DECLARED.sub(r"\1UTF-8", bpmn), "the XML")
    try:
        return Path(bpmn).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"can't read {bpmn}: {error.strerror}") from error
    except ValueError as error:
        # Not the name of any file: it has a NUL, or half of a character.
        raise ConfigurationError(f"can't read {str(bpmn)!r}: {error}") from error


def given(values: Values, variables: Mapping[str, Any]) -> list[ProcessVariable]:
    """Variables as they are sent. Raises ValueError for a value that can't be."""
    found = []
    for name, value in variables.items():
        if value is DELETED:
            found.append(ProcessVariable(name=name))
            continue
        try:
            encoded = values.encode(value)
        except ValueError as error:
            raise ValueError(f"variable {name}: {error}") from error
        data = Data(encoding=encoded.encoding, value=encoded.value, encrypted=encoded.encrypted or None)
        found.append(ProcessVariable(name=name, data=data))
    return found


def _decoded(values: Values, name: str, data: Data) -> Any:
    try:
        return values.decode(data.encoding, data.value)
    except ValueError as error:
        raise ValueError(f"variable {name}: {error}") from None


def visible(values: Values, variables: Iterable[VisibleVariable | ProcessVariable]) -> dict[str, Any]:
    """Variables as they are read; those without data are left out.

    One that can't be read is Raw, as it is stored: it must not hide the others.
    """
    found: dict[str, Any] = {}
    for variable in variables:
        if variable.data is not None:
            try:
                found[variable.name] = values.decode(variable.data.encoding, variable.data.value)
            except ValueError:
                found[variable.name] = Raw(variable.data.value, variable.data.encoding)
    return found


def _tags(tags: Mapping[str, str] | None) -> list[Tag] | None:
    return None if tags is None else [Tag(name=name, value=value) for name, value in tags.items()]


def _timer(expires: timedelta | datetime | None) -> Timer | None:
    if expires is None:
        return None
    if isinstance(expires, timedelta):
        return Timer(time_duration=expires)
    return Timer(time=expires)
