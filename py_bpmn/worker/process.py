"""Processes and their handlers: which function does what is asked for at which element."""

from __future__ import annotations

import copy
import inspect
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypedDict, TypeVar, Unpack, get_args

from py_bpmn._operations import ExpressionMode
from py_bpmn.errors import ConfigurationError
from py_bpmn.worker.convert import Backoff, Parameter, Special, parameters, seconds, signature
from py_bpmn.worker.job import Job, Variables

Function = TypeVar("Function", bound=Callable[..., Any])

RETRIES = 3
BACKOFF = "10s..10m"
LEASE = "30s"
MOST_COUNTED = 2**31 - 1
"""Retries, or instances, that the service counts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A decorator: the types of jobs that its functions do, and what they return."""

    name: str
    types: tuple[str, ...]
    """None stands for all that no other function of the element does."""
    returns: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("execute", ("EXECUTE",), "a dict of process variables, a Result, or None"),
        Kind("exclusive", ("EVALUATE_EXCLUSIVE_GATEWAY",), "the id of the next element or of the flow to it"),
        Kind("inclusive", ("EVALUATE_INCLUSIVE_GATEWAY",), "a list of ids of next elements or of flows to them"),
        Kind("complex", ("EVALUATE_COMPLEX_GATEWAY",), "a list of ids of next elements or of flows to them"),
        Kind("flows", ("EVALUATE_OUTGOING_FLOWS",), "a list of ids of next elements or of flows to them"),
        Kind("activation_condition", ("EVALUATE_ACTIVATION_CONDITION",), "True or False"),
        Kind("completion_condition", ("EVALUATE_COMPLETION_CONDITION",), "True or False"),
        Kind("loop_condition", ("EVALUATE_LOOP_CONDITION",), "True or False"),
        Kind("cardinality", ("SET_LOOP_CARDINALITY",), "how many instances there are, an integer that is not negative"),
        Kind("activities", ("SELECT_ACTIVITIES",), "a list of ids of activities to start, or True when it is complete"),
        Kind("timer", ("SET_TIMER",), "a datetime with a time zone, a timedelta, or a Cron"),
        Kind("correlation_key", ("SET_MESSAGE_CORRELATION_KEY",), "the correlation key, a text or an integer"),
        Kind("message", ("SUBSCRIBE_MESSAGE",), "the name of the message and its correlation key, as a tuple"),
        Kind("signal", ("SUBSCRIBE_SIGNAL", "SET_SIGNAL_NAME"), "the name of the signal"),
        Kind("error_code", ("SET_ERROR_CODE",), "the code of the error, a text"),
        Kind("escalation_code", ("SET_ESCALATION_CODE",), "the code of the escalation, a text"),
        Kind("call", ("CALL_PROCESS",), "a Call, or None to call what the BPMN file says"),
        Kind("pass_variables", ("PASS_VARIABLES",), "a dict of process variables, a Result, or None"),
        Kind("any", (), "a Completion, or None"),
    )
}


class Options(TypedDict, total=False):
    """What all decorators take beside the id of the element."""

    retries: int
    """How often a job is tried again, after the first time."""
    backoff: str
    """How long to wait before that, such as `10s..10m`: doubled each time, up to a limit."""
    lease: timedelta | str
    """For how long a job is locked at a time; while the function runs, the lock is extended."""
    rename: Mapping[str, str]
    """Parameters by the names of their variables, where these differ."""
    no_retry: type[BaseException] | tuple[type[BaseException], ...]
    """Exceptions after which there is no other try."""


class Handler:
    """A function with what its decorator says."""

    def __init__(
        self,
        process: str,
        kind: Kind,
        element: str,
        function: Callable[..., Any],
        *,
        retries: int,
        backoff: str,
        lease: timedelta | str,
        rename: Mapping[str, str],
        no_retry: type[BaseException] | tuple[type[BaseException], ...],
    ) -> None:
        self.process = process
        self.kind = kind
        self.element = element
        self.function = function
        self.is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004  (of an object, whether it is a coroutine function)
        )
        try:
            if not callable(function):
                raise ConfigurationError("is no function")
            if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
                raise ConfigurationError("can't be a generator: it must return its result")
            if not isinstance(retries, int) or not 0 <= retries <= MOST_COUNTED:
                raise ConfigurationError(f"retries must be an integer from 0 to {MOST_COUNTED}, but is {retries!r}")
            self.retries = retries
            self.backoff = Backoff.parse(backoff)
            self.lease = _whole_seconds(lease)
            self.no_retry = _exceptions(no_retry)
            self.rename = _renamed(rename, signature(function).parameters)
        except ConfigurationError as error:
            raise self.mistake(str(error)) from error
        self._parameters: tuple[Parameter, ...] | None = None

    def __repr__(self) -> str:
        return f"<Handler {self.label} of {self.process}: {self.where}>"

    @property
    def label(self) -> str:
        return f'{self.kind.name}("{self.element}")'

    @property
    def where(self) -> str:
        """Name, file and line."""
        function = inspect.unwrap(getattr(self.function, "func", self.function))
        name = getattr(function, "__qualname__", type(function).__qualname__)
        code = getattr(function, "__code__", None)
        return f"{name} ({os.path.relpath(code.co_filename)}:{code.co_firstlineno})" if code else name

    def mistake(self, text: str) -> ConfigurationError:
        return ConfigurationError(f"{self.process}: {self.label}: {self.where} {text}")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Looked at when they are needed first: their annotations may name what comes later in the module."""
        if self._parameters is None:
            try:
                has_called = "PASS_VARIABLES" in self.kind.types
                self._parameters = parameters(self.function, self.rename, has_called=has_called)
            except ConfigurationError as error:
                raise self.mistake(f"can't be called: {error}") from error
        return self._parameters

    @property
    def variables(self) -> tuple[str, ...] | None:
        """Names of all variables that it may be called with; None for all there are."""
        if any(parameter.special == Special.VARIABLES for parameter in self.parameters):
            return None
        return tuple(name for parameter in self.parameters for name in parameter.variables)

    def arguments(self, job: Job, variables: Variables, called: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What to call the function with. Raises ValueError for a variable that is missing or does not fit."""
        given: dict[str, Any] = {}
        for parameter in self.parameters:
            if parameter.special:
                special = {Special.JOB: lambda: job, Special.VARIABLES: lambda: variables, Special.CALLED: called}
                given[parameter.name] = special[parameter.special]()
                continue
            found = next((name for name in parameter.variables if name in variables), None)
            if found is not None:
                value = variables[found]
                try:
                    given[parameter.name] = parameter.read(value)
                except ValueError as error:
                    raise ValueError(f"variable {found}: {error}") from None
            elif parameter.is_needed:
                raise ValueError(f"variable {' or '.join(parameter.variables)} is missing")
        return given


def _whole_seconds(lease: timedelta | str) -> timedelta:
    found = -(-seconds(lease) // 1)
    if found < 1:
        raise ConfigurationError("a lease must be a second at least")
    return timedelta(seconds=found)


def _renamed(rename: Any, known: Collection[str]) -> dict[str, str]:
    if not isinstance(rename, Mapping) or not all(isinstance(each, str) for each in (*rename, *rename.values())):
        raise ConfigurationError('rename must be a dict of parameters by variables, such as {"order-id": "order"}')
    unknown = [name for name in rename.values() if name not in known]
    if unknown:
        raise ConfigurationError(f"has no parameter {', '.join(unknown)}, which rename names")
    if len(set(rename.values())) < len(rename):
        raise ConfigurationError("rename has two variables for one parameter")
    return dict(rename)


def _exceptions(given: Any) -> tuple[type[BaseException], ...]:
    found = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(each, type) and issubclass(each, BaseException) for each in found):
        raise ConfigurationError("no_retry must be a tuple of types of exceptions")
    return found


class Process:
    """A process, and the functions that do what it asks for.

        order = Process("order", bpmn=Path(__file__).with_name("order.bpmn"))

        @order.execute("charge-card", retries=5)
        def charge(amount: float) -> dict[str, Any]: ...

    Arguments are variables with the names of the parameters. A function stays what it was, and can be called as before.
    """

    def __init__(
        self,
        id: str,
        *,
        bpmn: str | Path | None = None,
        version: str | None = None,
        expressions: ExpressionMode | None = None,
        partial: bool = False,
        retries: int = RETRIES,
        backoff: str = BACKOFF,
        lease: timedelta | str = LEASE,
    ) -> None:
        """`bpmn` is the path of the file, or its XML; without it, the newest version that is deployed counts.

        `version` is the beginning of the file's SHA-256, if it is not given. `expressions` says who evaluates those of
        the file when it is deployed, `ENGINE` or `WORKER`; without it the service decides. With `partial` there are
        others, who do what no function here does. `retries`, `backoff` and `lease` are for decorators that do not name
        them.
        """
        if not isinstance(id, str) or not id:
            raise ConfigurationError("a process needs the id that it has in its BPMN file")
        if not isinstance(bpmn, str | os.PathLike | None) or bpmn == "":
            raise ConfigurationError(
                f"{id}: bpmn must be the path of a file, or its XML as a text, but is {bpmn!r:.40}"
            )
        if not isinstance(version, str | None) or version == "":
            raise ConfigurationError(f'{id}: version must be a text, such as "2", but is {version!r}')
        if expressions not in (None, *get_args(ExpressionMode)):
            raise ConfigurationError(f"{id}: expressions must be ENGINE or WORKER, but is {expressions!r:.40}")
        self.id = id
        self.bpmn = bpmn
        self.version = version
        self.expressions = expressions
        self.partial = partial
        self._defaults: dict[str, Any] = {"retries": retries, "backoff": backoff, "lease": lease}
        self._handlers: dict[str, list[Handler]] = {}

    def __repr__(self) -> str:
        return f"<Process {self.id}>"

    @property
    def handlers(self) -> list[Handler]:
        return [handler for handlers in self._handlers.values() for handler in handlers]

    def handler(self, element: str, type: str) -> Handler | None:
        """Who does a job of this type."""
        found = self._handlers.get(element, ())
        for handler in found:
            if type in handler.kind.types:
                return handler
        return next((handler for handler in found if not handler.kind.types), None)

    def execute(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Does the work of a service, send, script or business rule task, or of a message throw or end event.

        Returns process variables, a Result, or None. Options, of all decorators: `retries`, `backoff` such as
        `10s..10m`, `lease`, `rename={"variable": "parameter"}`, `no_retry=(ValueError,)`.
        """
        return self._decorator("execute", element, options)

    def exclusive(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns the id of the element that an exclusive gateway leads to, or of the flow."""
        return self._decorator("exclusive", element, options)

    def inclusive(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns a list of ids of elements that an inclusive gateway leads to, or of flows."""
        return self._decorator("inclusive", element, options)

    def complex(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns a list of ids of elements that a complex gateway leads to, or of flows."""
        return self._decorator("complex", element, options)

    def flows(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns a list of ids of elements that flows with conditions lead to from a task or event, or of flows.

        Where it is empty, the default flow is taken. Flows without a condition are taken in any case.
        """
        return self._decorator("flows", element, options)

    def activation_condition(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns whether a complex gateway is activated by what has arrived there."""
        return self._decorator("activation_condition", element, options)

    def completion_condition(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns whether a multi-instance activity is complete, though not all of its instances are."""
        return self._decorator("completion_condition", element, options)

    def loop_condition(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns whether an activity with a loop is performed once more."""
        return self._decorator("loop_condition", element, options)

    def cardinality(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns how many instances a multi-instance activity has."""
        return self._decorator("cardinality", element, options)

    def activities(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns a list of ids of the activities that start in an ad-hoc sub-process, or True when it is complete."""
        return self._decorator("activities", element, options)

    def timer(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns when a timer event fires: a datetime, a timedelta, or a Cron."""
        return self._decorator("timer", element, options)

    def correlation_key(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns the correlation key of the message that an event waits for."""
        return self._decorator("correlation_key", element, options)

    def message(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns name and correlation key of the message that an event waits for."""
        return self._decorator("message", element, options)

    def signal(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns the name of the signal that an event waits for or sends."""
        return self._decorator("signal", element, options)

    def error_code(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns the code of the error that an event catches or throws; empty catches each."""
        return self._decorator("error_code", element, options)

    def escalation_code(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns the code of the escalation that an event catches or throws; empty catches each."""
        return self._decorator("escalation_code", element, options)

    def call(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns what a call activity calls: a Call, or None to call what the file says."""
        return self._decorator("call", element, options)

    def pass_variables(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Returns process variables when what was called has ended; `called` has the variables of the called instance.

        Where a call activity has `call` alone, nothing is passed.
        """
        return self._decorator("pass_variables", element, options)

    def any(self, element: str, **options: Unpack[Options]) -> Callable[[Function], Function]:
        """Does all jobs of an element that no other function does, of types that are yet to come, too.

        Returns a Completion, or None.
        """
        return self._decorator("any", element, options)

    def _decorator(self, kind: str, element: str, options: Options) -> Callable[[Function], Function]:
        known = {"rename": {}, "no_retry": (), **self._defaults}
        unknown = options.keys() - known.keys()
        if unknown:
            known_names = ", ".join(sorted(known))
            raise ConfigurationError(
                f'{self.id}: {kind}("{element}") has no option {", ".join(sorted(unknown))}, only {known_names}'
            )
        if not isinstance(element, str) or not element:
            raise ConfigurationError(f'{self.id}: {kind} needs the id of an element, as @process.{kind}("id")')

        def decorate(function: Function) -> Function:
            handler = Handler(self.id, KINDS[kind], element, function, **{**known, **options})
            for other in self._handlers.get(element, ()):
                if other.kind is handler.kind:
                    raise handler.mistake(f"is one too many: {other.where} does that already")
            self._handlers.setdefault(element, []).append(handler)
            return function

        return decorate

    def copy(self) -> Process:
        """The same functions; what is added to one of them is not added to the other."""
        found = copy.copy(self)
        found._handlers = {element: list(handlers) for element, handlers in self._handlers.items()}
        return found

    def served(self) -> Process:
        """A copy as it is served: a call activity of which a function says only what is called passes nothing on.

        With `partial`, somebody else may do that.
        """
        found = self.copy()
        if not self.partial:
            for element, handlers in self._handlers.items():
                names = {handler.kind.name for handler in handlers}
                if "call" in names and not names & {"pass_variables", "any"}:
                    found._decorator("pass_variables", element, {})(pass_nothing)
        return found


def pass_nothing() -> None:
    """What is done where no function passes variables on."""
