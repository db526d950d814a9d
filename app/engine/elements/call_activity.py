"""The call activity: a worker or the model says what is called; the called instance ends it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.bpmn.model import MAX_CALLED_LENGTH
from app.engine.completion import CalledProcess as CalledInstance
from app.engine.completion import Completion
from app.engine.elements.activity import Activity
from app.engine.needs import AllVariables, CalledProcess, Callee, Need
from app.engine.records import Job, Task
from app.engine.slots import NotEvaluated, Slot
from app.engine.start import call
from app.engine.types import JobType, TaskType
from app.errors import EngineError, ErrorKind, refused
from app.expr import as_text

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message, ProcessInstance
    from app.engine.run import Run
    from app.engine.values import Stored


ALL = "all"


class CallActivity(Activity):
    leaves = (Job,)
    jobs = (JobType.CALL_PROCESS, JobType.PASS_VARIABLES)
    leaving_jobs = frozenset({JobType.PASS_VARIABLES})

    def start(self, run: Run, token: ElementInstance) -> None:
        if Slot.CALLED_ELEMENT in token.node.programs:
            try:
                token.context = run.slot(token, Slot.CALLED_ELEMENT, lambda value: as_text(value, MAX_CALLED_LENGTH))
            except NotEvaluated as error:
                run.fail_to_evaluate(token, error.slot, error.reason)
                return
        if token.node.variables_in and _model(token):
            run.create_task(token, TaskType.TRIGGER_EVENT)
        else:
            run.create_job(token, JobType.CALL_PROCESS)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        self.start(run, token)

    def returned(self, run: Ending, token: ElementInstance, called: ProcessInstance) -> None:
        """What it has called is COMPLETED: a worker says what is handed over, unless the model does."""
        if token.node.variables_out:
            task = run.create_task(token, TaskType.TRIGGER_EVENT)
            task.called = called
        else:
            run.create_job(token, JobType.PASS_VARIABLES)

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        if payload.process_instance_id:
            if token.node.variables_out == ALL:
                yield AllVariables(token.partition, payload.process_instance_id)
            return
        yield _modeled(token)
        if token.node.variables_in == ALL:
            yield AllVariables(token.partition, token.instance.id)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        if payload.process_instance_id:
            self._take_over(run, token, payload.process_instance_id)
            return
        wanted = _modeled(token)
        given: dict[str, Stored] = {}
        if token.node.variables_in == ALL:
            found = run.need(AllVariables(token.partition, token.instance.id))
            scopes = [None, *(scope.id for scope in _outermost_first(token))]
            for scope_id in scopes:
                given |= {name: stored for (id, name), stored in found.items() if id == scope_id}
        call(run, token, _callee(run, wanted), correlation_key=None, tags={}, variables=(), passed_on=given)

    def _take_over(self, run: Run, token: ElementInstance, called_id: int) -> None:
        """The variables of the called instance become those of the caller; at an inner instance they stay there."""
        if token.node.variables_out == ALL:
            found = run.need(AllVariables(token.partition, called_id))
            at = token if token.is_inner else None
            for (id, name), stored in found.items():
                if id is None:
                    run.variables.copy(run.instance, at, name, stored)
        run.complete(token)

    def terminated(self, run: Ending, token: ElementInstance) -> None:
        run.terminate_called(token)

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        return (_called(token, completion),) if job.type is JobType.CALL_PROCESS else ()

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if job.type is JobType.PASS_VARIABLES:
            run.complete(token)
            return
        callee = _callee(run, _called(token, completion))
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


def _outermost_first(token: ElementInstance) -> list[ElementInstance]:
    """The scopes around the token in its instance, and the token itself."""
    found = [token]
    while found[-1].node.parent is not None and found[-1].parent is not None:
        found.append(found[-1].parent)
    return found[::-1]


def _callee(run: Run, wanted: CalledProcess) -> Callee:
    callee = run.need(wanted)
    if callee is not None:
        return callee
    if not wanted.version:
        raise refused(f"process {wanted.bpmn_process_id} could not be found")
    raise EngineError(
        ErrorKind.NOT_FOUND,
        f"process {wanted.bpmn_process_id}:{wanted.version} could not be found",
        title="failed to create process instance",
    )


def _model(token: ElementInstance) -> str:
    """What the model calls: `id`, or `id:version`."""
    return token.context or token.node.called_element


def _modeled(token: ElementInstance) -> CalledProcess:
    bpmn_process_id, _, version = _model(token).partition(":")
    return CalledProcess(bpmn_process_id, version, is_modeled=True)


def _called(token: ElementInstance, completion: Completion) -> CalledProcess:
    """The process to call.

    The model's `calledElement` is `id`, or `id:version`; what the worker says overrides it. Raises Refusal.
    """
    called = completion.called_process
    bpmn_process_id, _, version = _model(token).partition(":")
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
    is_modeled = bpmn_process_id == _model(token).partition(":")[0]
    return CalledProcess(bpmn_process_id, version, is_modeled)
