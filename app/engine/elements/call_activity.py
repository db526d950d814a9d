"""The call activity: a worker or the model says what is called; the called instance ends it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.activity import Activity
from app.engine.records import Job
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class CallActivity(Activity):
    leaves = (Job,)
    jobs = (JobType.CALL_PROCESS, JobType.PASS_VARIABLES)

    def start(self, run: Run, token: ElementInstance) -> None:
        run.create_job(token, JobType.CALL_PROCESS)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if job.type is JobType.PASS_VARIABLES:
            run.complete(token)
        else:
            assert run.facts.call is not None
            run.call(token, run.facts.call)


def called_process(node: Node, completion: Completion) -> tuple[str, str]:
    """BPMN id and version of the process to call; an empty version is the newest one.

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
    return bpmn_process_id, version
