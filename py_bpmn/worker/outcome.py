"""What handlers return and raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from py_bpmn.errors import BpmnClientError


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Variables of the process instance, and of the element alone; `delete` names those that shall not be there."""

    process: Mapping[str, Any] | None = None
    element: Mapping[str, Any] | None = None
    delete: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cron:
    """When a timer fires again and again, such as `0 8 * * *`, in UTC."""

    expression: str


@dataclass(frozen=True, slots=True)
class Call:
    """The process that a call activity calls. What is left out is as the BPMN file says, or else the newest version."""

    process: str | None = None
    version: str | None = None
    key: str | None = None
    """Correlation key of the called instance."""
    at: str | None = None
    """The none start event where it begins, which a process with several needs."""
    variables: Mapping[str, Any] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Everything that the completion of a job can say; which part counts depends on the type of the job."""

    variables: Mapping[str, Any] | None = None
    """Of the process instance."""
    element: Mapping[str, Any] | None = None
    """Variables of the element alone."""
    delete: Sequence[str] = ()
    decision: str | Sequence[str] | None = None
    """Where a gateway, task or event leads to: the id of a flow or element, or several."""
    condition: bool | None = None
    """Whether the condition that is asked for is fulfilled."""
    cardinality: int | None = None
    """How many instances of a multi-instance activity there are."""
    activities: Sequence[str] = ()
    """Ids of the activities that start in an ad-hoc sub-process."""
    timer: datetime | timedelta | Cron | None = None
    message_name: str | None = None
    key: str | None = None
    """Correlation key of a message."""
    signal_name: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    escalation_code: str | None = None
    call: Call | None = None


class _Thrown(Exception):
    # A class of somebody's own may not call what is below.
    code: str = ""
    text: str = ""
    variables: Mapping[str, Any] | None = None

    def __init__(self, code: str, text: str = "", *, variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code
        self.text = text
        self.variables = variables


class BpmnError(_Thrown):
    """Raised by a handler: what catches this error goes on, and the variables are set. It gets the text, too."""


class Escalation(_Thrown):
    """Raised by a handler: what catches this escalation goes on, and the variables are set."""


class Fail(Exception):
    """Raised by a handler that fails and knows what shall follow: a retry after some time, or none at all.

    Where it says nothing about that, its decorator does.
    """

    retry_in: timedelta | str | None = None
    retry: bool = True

    def __init__(self, text: str, *, retry_in: timedelta | str | None = None, retry: bool = True) -> None:
        super().__init__(text)
        self.retry_in = retry_in
        self.retry = retry


class JobGone(BpmnClientError):
    """The job was canceled, or somebody else has it: whatever is done for it is in vain."""
