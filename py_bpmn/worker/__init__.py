"""Workers: processes whose jobs are done by functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py_bpmn.worker.job import Job, Variables
from py_bpmn.worker.observe import JobFields
from py_bpmn.worker.outcome import BpmnError, Call, Completion, Cron, Escalation, Fail, JobGone, Result
from py_bpmn.worker.process import Process

if TYPE_CHECKING:
    from py_bpmn.worker.worker import Worker


def __getattr__(name: str) -> Any:
    """What needs a client is loaded when it is asked for."""
    if name == "Worker":
        from py_bpmn.worker.worker import Worker

        return Worker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main(
    target: str, processes: int | None = None, metrics_port: int | None = None, log_format: str | None = None
) -> int:
    """Runs the worker that `MODULE:ATTR` names, until a signal, and returns the exit code."""
    from py_bpmn.worker.supervise import main as run

    return run(target, processes, metrics_port, log_format)


__all__ = [
    "BpmnError",
    "Call",
    "Completion",
    "Cron",
    "Escalation",
    "Fail",
    "Job",
    "JobFields",
    "JobGone",
    "Process",
    "Result",
    "Variables",
    "Worker",
    "main",
]
