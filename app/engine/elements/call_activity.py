"""The call activity: a worker or the model says what is called; the called instance ends it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine.completion import CalledProcess as CalledInstance
from app.engine.completion import Completion
from app.engine.elements.activity import Activity
from app.engine.needs import CalledProcess, Need
from app.engine.records import Job
from app.engine.start import call
from app.engine.types import JobType
from app.errors import EngineError, ErrorKind, refused

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class CallActivity(Activity):
    leaves = (Job,)
    jobs = (JobType.CALL_PROCESS, JobType.PASS_VARIABLES)
    leaving_jobs = frozenset({JobType.PASS_VARIABLES})

    def start(self, run: Run, token: ElementInstance) -> None:
        run.create_job(token, JobType.CALL_PROCESS)

    def terminated(self, run: Ending, token: ElementInstance) -> None:
        run.terminate_called(token)

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        return (_called(token.node, completion),) if job.type is JobType.CALL_PROCESS else ()

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if job.type is JobType.PASS_VARIABLES:
            run.complete(token)
            return
        wanted = _called(token.node, completion)
        callee = run.need(wanted)
        if callee is None:
            if not wanted.version:
                raise refused(f"process {wanted.bpmn_process_id} could not be found")
            raise EngineError(
                ErrorKind.NOT_FOUND,
                f"process {wanted.bpmn_process_id}:{wanted.version} could not be found",
                title="failed to create process instance",
            )
        given = completion.called_process or CalledInstance()
        call(
            run,
            token,
            callee,
            correlation_key=given.correlation_key or None,
            tags={name: value for name, value in given.tags.items() if value},
            variables=given.variables,
            bpmn_element_id=given.bpmn_element_id,
        )


def _called(node: Node, completion: Completion) -> CalledProcess:
    """The process to call.

    The model's `calledElement` is `id`, or `id:version`; what the worker says overrides it. Raises Refusal.
    """
    called = completion.called_process
    bpmn_process_id, _, version = node.called_element.partition(":")
    if called is None and not bpmn_process_id:
        raise refused("expected a called process")
    newest = bool(bpmn_process_id) and not version
    if called is not None:
        bpmn_process_id = called.bpmn_process_id or bpmn_process_id
        version = called.version or version
    if not bpmn_process_id:
        raise refused("expected the BPMN process ID of a called process")
    if not version and not newest:
        raise refused("expected the version of a called process")
    is_modeled = bpmn_process_id == node.called_element.partition(":")[0]
    return CalledProcess(bpmn_process_id, version, is_modeled)
