"""What users of py-bpmn import into their own projects."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from py_bpmn.client import DELETED, AsyncClient, Client, Instance, Start
    from py_bpmn.errors import (
        BpmnClientError,
        ConfigurationError,
        Conflict,
        Forbidden,
        Invalid,
        NotFound,
        ProblemCause,
        ProblemError,
        Refused,
        Unauthorized,
        Unavailable,
    )
    from py_bpmn.values import Codec, Raw, secret
    from py_bpmn.worker import (
        BpmnError,
        Call,
        Completion,
        Cron,
        Escalation,
        Fail,
        Job,
        JobGone,
        Process,
        Result,
        Variables,
        Worker,
    )

__version__ = "0.2.0"

_HOMES = {
    "py_bpmn.client": ("DELETED", "AsyncClient", "Client", "Instance", "Start"),
    "py_bpmn.errors": (
        "BpmnClientError",
        "ConfigurationError",
        "Conflict",
        "Forbidden",
        "Invalid",
        "NotFound",
        "ProblemCause",
        "ProblemError",
        "Refused",
        "Unauthorized",
        "Unavailable",
    ),
    "py_bpmn.values": ("Codec", "Raw", "secret"),
    "py_bpmn.worker": (
        "BpmnError",
        "Call",
        "Completion",
        "Cron",
        "Escalation",
        "Fail",
        "Job",
        "JobGone",
        "Process",
        "Result",
        "Variables",
        "Worker",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DELETED",
    "AsyncClient",
    "BpmnClientError",
    "BpmnError",
    "Call",
    "Client",
    "Codec",
    "Completion",
    "ConfigurationError",
    "Conflict",
    "Cron",
    "Escalation",
    "Fail",
    "Forbidden",
    "Instance",
    "Invalid",
    "Job",
    "JobGone",
    "NotFound",
    "ProblemCause",
    "ProblemError",
    "Process",
    "Raw",
    "Refused",
    "Result",
    "Start",
    "Unauthorized",
    "Unavailable",
    "Variables",
    "Worker",
    "secret",
]


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is: a command that needs no client shall not wait for one."""
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
