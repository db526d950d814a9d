"""Does one job: calls its handler, and makes the completion of what that returned or raised. Never raises."""

from __future__ import annotations

import asyncio
import random
import sysconfig
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from py_bpmn._operations import (
    CalledProcess,
    CompleteJobsItem,
    ElementVariable,
    JobCompletion,
    ProcessVariable,
    Tag,
    Timer,
)
from py_bpmn._operations import Job as Data
from py_bpmn.client import DELETED, given
from py_bpmn.errors import ConfigurationError
from py_bpmn.values import Values
from py_bpmn.worker.convert import seconds
from py_bpmn.worker.job import Job, Variables
from py_bpmn.worker.outcome import BpmnError, Call, Completion, Cron, Escalation, Fail, JobGone, Result
from py_bpmn.worker.process import MOST_COUNTED, Handler

MOST_OF_TRACEBACK = 4096
MOST_OF_TEXT = 4096
MOST_OF_ERROR = 16_384
"""Characters; the service takes no request of any size."""
MOST_VARIABLES = 100
"""That one completion can set."""
_NOT_THEIRS = (sysconfig.get_paths()["stdlib"], "site-packages", "dist-packages", "<frozen")

Called = Callable[[], dict[str, Any]]
Newest = Callable[[str], str | None]


class Wrong(Exception):
    """The job fails, and trying again does not help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job has ended for its handler."""

    item: CompleteJobsItem | None
    """To be sent; None where nobody wants it any more."""
    name: str
    """`completed`, `error`, `escalation`, `failed` or `gone`."""
    reason: str = ""
    """What may be logged of a failure: the exception's type and place, not its text."""


class Performer:
    """What all jobs have in common."""

    def __init__(self, values: Values, called: Callable[[Data], dict[str, Any]], newest: Newest) -> None:
        self._values = values
        self._called = called
        """The variables of the instance that a call activity has called."""
        self._newest = newest
        """The newest version of a process."""

    def perform(self, handler: Handler, job: Job) -> Outcome:
        try:
            returned = handler.function(**self._arguments(handler, job))
            return self._returned(handler, job, returned)
        except BaseException as error:
            return self._raised(handler, job, error)

    async def perform_async(self, handler: Handler, job: Job) -> Outcome:
        try:
            returned = await handler.function(**self._arguments(handler, job))
            return self._returned(handler, job, returned)
        except BaseException as error:
            return self._raised(handler, job, error)

    def _arguments(self, handler: Handler, job: Job) -> dict[str, Any]:
        variables = Variables(self._values, job.data.variables)
        try:
            return handler.arguments(job, variables, lambda: self._called(job.data))
        except ValueError as error:
            raise Wrong(str(error)) from None

    def _returned(self, handler: Handler, job: Job, returned: Any) -> Outcome:
        completion, variables = self._completion(handler, job, returned)
        return Outcome(self._item(job, completion=completion, **variables), "completed")

    def _raised(self, handler: Handler, job: Job, error: BaseException) -> Outcome:
        try:
            return self._told(handler, job, error)
        except BaseException as another:
            # An exception is an object of somebody's own, and anything may happen when it is looked at.
            name = f"{type(error).__name__}{_place(error)}"
            text = f"{name}, which can't be told: it raises {type(another).__name__}"
            return Outcome(self.failed(job, text, retries=handler.retries), "failed", name)

    def _told(self, handler: Handler, job: Job, error: BaseException) -> Outcome:
        # What was raised last decides.
        decisive = _find(error, (BpmnError, Escalation, Fail))
        failure = decisive if isinstance(decisive, Fail) else None
        try:
            if isinstance(decisive, BpmnError | Escalation):
                return self._thrown(job, decisive)
        except Wrong as wrong:
            error = wrong
        if not job.alive and (_find(error, (JobGone,)) or isinstance(error, asyncio.CancelledError)):
            return Outcome(None, "gone")
        if isinstance(error, Wrong):
            return Outcome(self.failed(job, str(error)), "failed", str(error).partition(":")[0])
        place = _place(error)
        text = f"{type(error).__name__}: {_text(error)}{place}"
        tail = "".join(traceback.format_exception(error))[-MOST_OF_TRACEBACK:]
        reason = f"{type(error).__name__}{place}"
        if isinstance(error, Fail):
            text = _text(error)
        if failure is not None and not failure.retry:
            return Outcome(self.failed(job, f"{text}\n\n{tail}"), "failed", reason)
        if isinstance(error, handler.no_retry):
            return Outcome(self.failed(job, f"{text}\n\n{tail}"), "failed", reason)
        delay = handler.backoff.delay(job.data.retry_count, random.random())
        if failure is not None and failure.retry_in is not None:
            try:
                delay = timedelta(seconds=seconds(failure.retry_in))
            except (ConfigurationError, OverflowError) as wrong:
                return Outcome(self.failed(job, f"{text}\n\nFail can't be understood: {wrong}"), "failed", reason)
        item = self.failed(job, f"{text}\n\n{tail}", retries=handler.retries, delay=delay)
        return Outcome(item, "failed", reason)

    def _thrown(self, job: Job, thrown: BpmnError | Escalation) -> Outcome:
        kind = type(thrown).__name__
        if job.type != "EXECUTE":
            raise Wrong(f"{kind} {thrown.code}: only functions of execute can throw it, since {job.type} can't")
        if not isinstance(thrown.code, str) or not thrown.code:
            raise Wrong(f"{kind} needs a code, which is a text, and is given to the __init__ of its base class")
        variables = self._variables("process_variables", thrown.variables or {}, f"the variables of {kind}")
        if isinstance(thrown, BpmnError):
            said = _clean(thrown.text)[:MOST_OF_ERROR] if isinstance(thrown.text, str) else ""
            completion = JobCompletion(error_code=thrown.code, error_message=said or None)
            return Outcome(self._item(job, completion=completion, **variables), "error")
        completion = JobCompletion(escalation_code=thrown.code)
        return Outcome(self._item(job, completion=completion, **variables), "escalation")

    def failed(self, job: Job, text: str, *, retries: int = 0, delay: timedelta | None = None) -> CompleteJobsItem:
        """The completion that has a job fail; without retries there is an incident at once."""
        text = _clean(text)
        if len(text) > MOST_OF_ERROR:
            text = f"{text[:MOST_OF_ERROR]} …"
        return self._item(job, error=text or "failed", retry_limit=retries, retry_timer=delay)

    def _item(self, job: Job, **outcome: Any) -> CompleteJobsItem:
        data = job.data
        known = {name: value for name, value in outcome.items() if value is not None}
        if data.lock_version is not None:
            known["lock_version"] = data.lock_version
        return CompleteJobsItem(partition=data.partition, id=data.id, **known)

    def _completion(
        self, handler: Handler, job: Job, returned: Any
    ) -> tuple[JobCompletion | None, dict[str, Sequence[Any]]]:
        """What is told by the value that a handler has returned."""
        kind = handler.kind.name
        if kind in ("execute", "pass_variables"):
            return None, self._result(handler, returned)
        if kind == "any":
            return self._any(handler, job, returned)
        if kind == "call":
            return (None if returned is None else self._call(handler, job, returned)), {}
        return JobCompletion(**_FIELDS[kind](handler, returned)), {}

    def _result(self, handler: Handler, returned: Any) -> dict[str, Sequence[Any]]:
        if returned is None:
            return {}
        if isinstance(returned, Result):
            return self._all_variables(handler, returned.process, returned.element, returned.delete)
        if isinstance(returned, Mapping):
            return self._all_variables(handler, returned, None, ())
        raise _wrong(handler, returned)

    def _all_variables(self, handler: Handler, process: Any, element: Any, delete: Any) -> dict[str, Sequence[Any]]:
        what = f"{handler.label}: the result"
        if isinstance(delete, str):
            delete = (delete,)
        deleted = dict.fromkeys(delete, DELETED)
        found = self._variables("process_variables", {**deleted, **(process or {})}, what)
        return found | self._variables("element_variables", element or {}, what)

    def _variables(self, name: str, variables: Any, what: str) -> dict[str, Sequence[Any]]:
        if not isinstance(variables, Mapping) or not all(isinstance(each, str) for each in variables):
            raise Wrong(f"{what} must have the names of variables as keys, which are texts")
        if len(variables) > MOST_VARIABLES:
            raise Wrong(f"{what} has {len(variables)} variables, but {MOST_VARIABLES} can be set at once")
        try:
            found = given(self._values, variables)
        except ValueError as error:
            raise Wrong(f"{what} can't be stored: {error}") from None
        except Exception as error:
            raise Wrong(f"{what} can't be stored: {type(error).__name__} was raised by a codec or a model") from error
        if name == "process_variables":
            return {name: found} if found else {}
        return {name: [_element_variable(each) for each in found]} if found else {}

    def _call(self, handler: Handler, job: Job, returned: Any) -> JobCompletion:
        if not isinstance(returned, Call):
            raise _wrong(handler, returned)
        what = f"{handler.label}: the call"
        for name in ("process", "version", "key", "at"):
            if not isinstance(getattr(returned, name), str | None):
                raise Wrong(f"{what} has a {name} that is no text")
        version = returned.version
        if returned.process and not version and returned.process != (job.called_element or "").partition(":")[0]:
            # Where the file names another one, or none, the service would ask for its version.
            version = self._newest(returned.process)
            if version is None:
                raise Wrong(f"{what} names {returned.process}, which is not deployed")
        found = self._variables("process_variables", returned.variables or {}, what).get("process_variables", ())
        tags = [Tag(name=name, value=value) for name, value in (returned.tags or {}).items()]
        named = {
            "bpmn_process_id": returned.process,
            "bpmn_element_id": returned.at,
            "version": version,
            "correlation_key": returned.key,
        }
        called = {name: value for name, value in named.items() if value is not None}
        return JobCompletion(called_process=CalledProcess(**called, variables=tuple(found), tags=tuple(tags)))

    def _any(self, handler: Handler, job: Job, returned: Any) -> tuple[JobCompletion | None, dict[str, Sequence[Any]]]:
        if returned is None:
            return None, {}
        if not isinstance(returned, Completion):
            raise _wrong(handler, returned)
        decision = returned.decision
        told = {
            "exclusive_gateway_decision": decision if isinstance(decision, str) else None,
            "inclusive_gateway_decision": None if decision is None or isinstance(decision, str) else tuple(decision),
            "message_name": returned.message_name,
            "message_correlation_key": returned.key,
            "signal_name": returned.signal_name,
            "condition_fulfilled": returned.condition,
            "loop_cardinality": returned.cardinality,
            "activities": tuple(returned.activities) or None,
            "error_code": returned.error_code,
            "error_message": returned.error_message,
            "escalation_code": returned.escalation_code,
        }
        found: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        if returned.timer is not None:
            found |= _timer(handler, returned.timer)
        if returned.call is not None:
            found["called_process"] = self._call(handler, job, returned.call).called_process
        if job.type in _OF_SEVERAL and isinstance(decision, str):
            found["inclusive_gateway_decision"] = (found.pop("exclusive_gateway_decision"),)
        variables = self._all_variables(handler, returned.variables, returned.element, returned.delete)
        return (JobCompletion(**found) if found else None), variables


def _element_variable(variable: ProcessVariable) -> ElementVariable:
    if variable.data is None:
        return ElementVariable(name=variable.name)
    return ElementVariable(name=variable.name, data=variable.data)


def _wrong(handler: Handler, returned: Any) -> Wrong:
    found = "None" if returned is None else f"a {type(returned).__name__}"
    return Wrong(f"{handler.label}: {handler.where} must return {handler.kind.returns}, but has returned {found}")


def _text_field(name: str) -> Callable[[Handler, Any], dict[str, Any]]:
    def field(handler: Handler, returned: Any) -> dict[str, Any]:
        if not isinstance(returned, str) or not returned:
            raise _wrong(handler, returned)
        return {name: str(returned)}

    return field


def _code_field(name: str) -> Callable[[Handler, Any], dict[str, Any]]:
    def field(handler: Handler, returned: Any) -> dict[str, Any]:
        if not isinstance(returned, str):
            raise _wrong(handler, returned)
        # Without a code, each is caught.
        return {name: str(returned)} if returned else {}

    return field


def _ids(handler: Handler, returned: Any) -> tuple[str, ...]:
    if not isinstance(returned, list | tuple | set | frozenset) or not all(isinstance(each, str) for each in returned):
        raise _wrong(handler, returned)
    return tuple(returned)


def _several(handler: Handler, returned: Any) -> dict[str, Any]:
    return {"inclusive_gateway_decision": _ids(handler, returned)}


def _condition(handler: Handler, returned: Any) -> dict[str, Any]:
    if not isinstance(returned, bool):
        raise _wrong(handler, returned)
    return {"condition_fulfilled": returned}


def _cardinality(handler: Handler, returned: Any) -> dict[str, Any]:
    if isinstance(returned, bool) or not isinstance(returned, int) or not 0 <= returned <= MOST_COUNTED:
        raise _wrong(handler, returned)
    return {"loop_cardinality": int(returned)}


def _activities(handler: Handler, returned: Any) -> dict[str, Any]:
    if isinstance(returned, bool):
        return {"condition_fulfilled": returned}
    return {"activities": _ids(handler, returned)}


def _timer(handler: Handler, returned: Any) -> dict[str, Any]:
    if isinstance(returned, Cron) and isinstance(returned.expression, str) and returned.expression:
        return {"timer": Timer(time_cycle=returned.expression)}
    if isinstance(returned, timedelta):
        if returned < timedelta(0):
            raise Wrong(f"{handler.label}: a timer can't fire after a negative time, but {returned} was returned")
        return {"timer": Timer(time_duration=returned)}
    if isinstance(returned, datetime) and returned.tzinfo is not None:
        return {"timer": Timer(time=returned)}
    raise _wrong(handler, returned)


def _correlation_key(handler: Handler, returned: Any) -> dict[str, Any]:
    if isinstance(returned, bool) or not isinstance(returned, str | int) or returned == "":
        raise _wrong(handler, returned)
    return {"message_correlation_key": str(returned)}


def _message(handler: Handler, returned: Any) -> dict[str, Any]:
    if not isinstance(returned, tuple | list) or len(returned) != 2 or not isinstance(returned[0], str):
        raise _wrong(handler, returned)
    return {"message_name": returned[0], **_correlation_key(handler, returned[1])}


_OF_SEVERAL = ("EVALUATE_COMPLEX_GATEWAY", "EVALUATE_INCLUSIVE_GATEWAY", "EVALUATE_OUTGOING_FLOWS")
"""Types of jobs that decide for any number of flows."""
_FIELDS: dict[str, Callable[[Handler, Any], dict[str, Any]]] = {
    "exclusive": _text_field("exclusive_gateway_decision"),
    "inclusive": _several,
    "complex": _several,
    "flows": _several,
    "activation_condition": _condition,
    "completion_condition": _condition,
    "loop_condition": _condition,
    "cardinality": _cardinality,
    "activities": _activities,
    "timer": _timer,
    "correlation_key": _correlation_key,
    "message": _message,
    "signal": _text_field("signal_name"),
    "error_code": _code_field("error_code"),
    "escalation_code": _code_field("escalation_code"),
}


def _find(error: BaseException, kinds: tuple[type[BaseException], ...]) -> BaseException | None:
    """The error itself, the one it was raised from, or one of its group: the first that is of such a type."""
    seen: set[int] = set()
    found = [error]
    while found:
        each = found.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, kinds):
            return each
        if isinstance(each, BaseExceptionGroup):
            found.extend(each.exceptions)
        if each.__cause__ is not None:
            found.append(each.__cause__)
    return None


def _clean(text: str) -> str:
    """Without what the service does not take."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _text(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        return "(its text can't be shown)"
    return text if len(text) <= MOST_OF_TEXT else f"{text[:MOST_OF_TEXT]} …"


def _place(error: BaseException) -> str:
    """File and line of the innermost call that is neither of Python nor of an installed package."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    # The first one is ours.
    theirs = [each for each in frames[1:] if not any(part in each[0] for part in _NOT_THEIRS)]
    if not theirs:
        return ""
    path, line = theirs[-1]
    return f" ({path.replace(chr(92), '/').rpartition('/')[2]}:{line})"
