"""A process, as a story told in the ids of its diagram; steps fail with the state they found.

    story = Story.start(service, flow("start -> serviceTask -> end; timer -> late", timer=...))
    story.clock_advances(hours=1).task_runs("timer")
    story.waits_at("serviceTask").job_completes()
    story.is_completed()

States are written like this, parts that are left out are not looked at:

    STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED by w | J: 1 EXECUTE@3 DUE | T: 1 TRIGGER_EVENT@3 CREATED

A visit is number, element, state and `^` with the number of its scope unless that is the first visit of the instance;
work is number, type @ visit, state, `rc` with the retry count, and the error in quotes. Numbers count what there is in
the database in the order of ids, so that gaps between ids don't matter. `by` may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from app import criteria as c
from app.commands.base import Command, Completion, Data, VariableInput
from app.commands.incident import ResolveIncident
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.job import CompleteJob, LockJobs
from app.commands.message import SendMessage
from app.commands.process import CreateProcess
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import ExecutedTasks, LockTasks
from app.commands.user_task import UpdateUserTask
from app.commands.variable import GetElementVariables, GetProcessVariables, SetProcessVariables
from app.engine import records as r
from app.engine.types import TaskType, UserTaskState, WorkState
from app.errors import EngineError
from app.service import Service
from app.timer import Timer

FILES = Path(__file__).parent / "files"
SCOPES = {"PROCESS", "SUB_PROCESS", "TRANSACTION", "EVENT_SUB_PROCESS"}
ATTACHED = "BOUNDARY|(?<!NONE)_START"
"""Types of events that are attached to something."""
ENGINE_TASKS = {
    TaskType.EVALUATE_EXPRESSION,
    TaskType.DEQUEUE_PROCESS_INSTANCE,
    TaskType.EVALUATE_EXPRESSION,
    TaskType.JOIN_PARALLEL_GATEWAY,
    TaskType.START_PROCESS_INSTANCE,
    TaskType.TERMINATE_PROCESS_INSTANCE,
    TaskType.TRIGGER_EVENT,
}
"""All others look after the database, and are no part of a story."""


def variables(**values: str | Data | None) -> tuple[VariableInput, ...]:
    """Plain texts by name; None deletes."""
    return tuple(
        VariableInput(name=name, data=Data(encoding="text", value=value) if isinstance(value, str) else value)
        for name, value in values.items()
    )


def json_variable(name: str, value: str, *, encrypted: bool = False) -> VariableInput:
    return VariableInput(name=name, data=Data(encoding="json", value=value, encrypted=encrypted))


def deploy(service: Service, model: str, *, version: str = "1", worker: str = "w", **fields: Any) -> r.Process:
    """`model` is BPMN XML, or the name of a file in tests/files."""
    xml = model if model.lstrip().startswith("<") else (FILES / model).read_text(encoding="utf-8")
    process = re.search(r'<(?:\w+:)?process [^>]*?\bid="([^"]+)"', xml)
    assert process, "the model has no process"
    command = CreateProcess(bpmn_process_id=process[1], bpmn_xml=xml, version=version, worker_id=worker, **fields)
    return service.execute(command)


def send(service: Service, name: str = "m", key: str = "k", *, worker: str = "sender", **fields: Any) -> r.Message:
    return service.execute(SendMessage(name=name, correlation_key=key, worker_id=worker, **fields))


def signal(service: Service, name: str = "g", *, worker: str = "sender", **fields: Any) -> r.Signal:
    return service.execute(SendSignal(name=name, worker_id=worker, **fields))


def advance(service: Service, **step: float) -> None:
    """Moves engine time by a second more than asked for.

    The clocks of a database and of its connections may differ by fractions of a millisecond.
    """
    seconds = int(timedelta(**step).total_seconds()) + 1
    service.execute(SetTime(timer=Timer(time_duration=f"PT{seconds}S")))


def run_tasks(service: Service, limit: int = 100) -> list[r.Task]:
    """Executes what is due now, without what the database needs."""
    executed = service.execute_tasks(LockTasks(limit=limit))
    assert executed.failed == [], f"failed: {executed.failed}"
    return [task for task in executed.completed if task.type in ENGINE_TASKS]


def run_task(service: Service, task: r.Task) -> r.Task:
    executed: ExecutedTasks = service.execute_tasks(LockTasks(partition=task.partition, id=task.id))
    assert executed.failed == [], f"failed: {executed.failed}"
    assert executed.completed, f"{task.type} is not due before {task.due_at}"
    return executed.completed[0]


def instances(service: Service, **fields: Any) -> list[Story]:
    """In the order of their ids."""
    return [Story(service, found) for found in service.query(c.ProcessInstanceCriteria(**fields))]


def messages(service: Service, **fields: Any) -> list[r.Message]:
    return service.query(c.MessageCriteria(**fields))


def tasks(service: Service, **fields: Any) -> list[r.Task]:
    return [task for task in service.query(c.TaskCriteria(**fields)) if task.type in ENGINE_TASKS]


def detail(service: Service, command: Command[Any]) -> str:
    """Kind and sentence of the problem that the command must end in."""
    try:
        result = service.execute(command)
    except EngineError as error:
        return f"{error.kind}: {error.detail}"
    raise AssertionError(f"{type(command).__name__} was accepted: {result}")


class Story:
    """One process instance."""

    def __init__(self, service: Service, instance: r.ProcessInstance) -> None:
        self.service = service
        self.created = instance
        self.partition = instance.partition
        self.id = instance.id

    @classmethod
    def start(
        cls,
        service: Service,
        model: str,
        *,
        parallelism: int = 0,
        definitions: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Story:
        """Deploys the model as version 1 and creates an instance; `fields` are those of CreateProcessInstance."""
        process = deploy(service, model, parallelism=parallelism, **(definitions or {}))
        return cls.of(service, process.bpmn_process_id, **fields)

    @classmethod
    def of(cls, service: Service, process: str = "p", *, version: str = "1", worker: str = "w", **fields: Any) -> Story:
        """A new instance of a deployed process."""
        command = CreateProcessInstance(bpmn_process_id=process, version=version, worker_id=worker, **fields)
        return cls(service, service.execute(command))

    def again(self, **fields: Any) -> Story:
        """Another instance of the same process."""
        return Story.of(self.service, self.created.bpmn_process_id, **fields)

    def called(self) -> Story:
        """The newest instance that this one has called."""
        found = instances(self.service, partition=self.partition, parent_id=self.id)
        assert found, f"nothing was called: {self}"
        return found[-1]

    def __str__(self) -> str:
        visits, jobs, tasks = self._visits(), self._jobs(), self._tasks()
        return f"{self.state} | EI: {'; '.join(visits)} | J: {'; '.join(jobs)} | T: {'; '.join(tasks)}"

    @property
    def instance(self) -> r.ProcessInstance:
        found: r.ProcessInstance
        (found,) = self.service.query(c.ProcessInstanceCriteria(partition=self.partition, id=self.id))
        return found

    @property
    def state(self) -> str:
        return self.instance.state

    def query(self, of: Any, **fields: Any) -> list[Any]:
        return self.service.query(of(partition=self.partition, process_instance_id=self.id, **fields))

    def visits(self, id: str = "") -> list[r.ElementVisit]:
        return self.query(c.ElementInstanceCriteria, bpmn_element_id=id)

    def visit(self, id: str) -> r.ElementVisit:
        """The newest visit of an element."""
        found = self.visits(id)
        assert found, f"{id} was never reached: {self}"
        return found[-1]

    def jobs(self, at: str = "") -> list[r.Job]:
        """The open ones."""
        found = self.query(c.JobCriteria)
        return [job for job in found if job.completed_at is None and at in ("", job.bpmn_element_id)]

    def tasks(self, at: str = "") -> list[r.Task]:
        found = self.query(c.TaskCriteria)
        return [task for task in found if task.completed_at is None and at in ("", task.bpmn_element_id)]

    def user_tasks(self) -> list[r.UserTask]:
        return self.query(c.UserTaskCriteria)

    def incidents(self) -> list[r.Incident]:
        return self.query(c.IncidentCriteria)

    def subscriptions(self) -> list[str]:
        """Names of the messages and signals that are waited for."""
        found = self.query(c.MessageSubscriptionCriteria) + self.query(c.SignalSubscriptionCriteria)
        return [subscription.name for subscription in found]

    def variables(self) -> dict[str, str]:
        found = self.service.execute(GetProcessVariables(partition=self.partition, id=self.id))
        return {variable.name: variable.value for variable in found}

    def knows(self, id: str, number: int = -1) -> dict[str, str]:
        """The variables of a visit of the element, without those of the scopes around it."""
        found = self.visits(id)[number]
        command = GetElementVariables(partition=found.partition, id=found.id, exclude_parent_variables=True)
        return {variable.name: variable.value for variable in self.service.execute(command)}

    def shows(self, expected: str) -> Story:
        state, *parts = expected.split(" | ")
        assert self.state == state, f"expected {state}: {self}"
        for part in parts:
            name, _, entries = part.partition(": ")
            found = {"EI": self._visits, "J": self._jobs, "T": self._tasks}[name]()
            wanted = entries.split("; ") if entries else []
            shown = [
                entry if " by " in want else entry.rsplit(" by ", 1)[0]
                for entry, want in zip(found, wanted, strict=False)
            ] + found[len(wanted) :]
            assert shown == wanted, f"{name} of {self}"
        return self

    def waits_at(self, *ids: str) -> Story:
        """Where it is, scopes with content and attached events left out."""
        scopes = {visit.parent_id for visit in self.visits() if visit.ended_at is None}
        here = [
            visit.bpmn_element_id
            for visit in self.visits()
            if visit.ended_at is None and visit.id not in scopes and not re.search(ATTACHED, visit.bpmn_element_type)
        ]
        assert here == list(ids), f"expected {list(ids)}, waiting at: {here}; {self}"
        return self

    def has_state(self, state: str) -> Story:
        assert self.state == state, f"expected {state}: {self}"
        return self

    def is_completed(self) -> Story:
        return self.has_state("COMPLETED")

    def job_completes(
        self,
        at: str = "",
        *,
        nth: int = 0,
        worker: str = "w",
        error: str = "",
        retry_limit: int = 0,
        retry_timer: str = "",
        process_variables: Iterable[VariableInput] = (),
        element_variables: Iterable[VariableInput] = (),
        becomes: WorkState = WorkState.DONE,
        **completion: Any,
    ) -> Story:
        """Locks the first open job, or the nth after it, at an element if given, and completes it."""
        job = self.job_is_locked(at, nth=nth, worker=worker)
        done = self.service.execute(
            CompleteJob(
                partition=job.partition,
                id=job.id,
                worker_id=worker,
                completion=Completion(**completion) if completion else None,
                error=error,
                retry_limit=retry_limit,
                retry_timer=retry_timer,
                process_variables=tuple(process_variables),
                element_variables=tuple(element_variables),
            )
        )
        assert done.state == becomes, f"{done.type} became {done.state}: {done.error}; {self}"
        return self

    def job_is_locked(self, at: str = "", *, nth: int = 0, worker: str = "w") -> r.Job:
        open_jobs = self.jobs(at)
        assert len(open_jobs) > nth, f"no open job at {at or 'all'}: {self}"
        command = LockJobs(worker_id=worker, partition=self.partition, id=open_jobs[nth].id)
        locked = self.service.execute(command)
        assert locked, f"{open_jobs[nth].type} can't be locked: {self}"
        return locked[0]

    def job_fails(self, at: str, error: str, **fields: Any) -> Story:
        """The job at the element is completed, and ends in an incident with that error."""
        self.job_completes(at, becomes=WorkState.CAUSED_INCIDENT, **fields)
        failed = [job for job in self.query(c.JobCriteria) if job.error]
        assert failed[-1].error == error, f"{failed[-1].error!r}; {self}"
        return self

    def task_runs(self, at: str, becomes: WorkState = WorkState.DONE) -> Story:
        """Executes the first open task at an element, and nothing else."""
        found = self.tasks(at)
        assert found, f"no open task at {at}: {self}"
        done = run_task(self.service, found[0])
        assert done.state == becomes, f"{done.type} became {done.state}: {done.error}; {self}"
        return self

    def tasks_run(self, *states: str) -> Story:
        """Executes whatever is due anywhere, and must end in `states`; without any, nothing must be due."""
        done = run_tasks(self.service)
        found = [str(task.state) for task in done]
        assert found == list(states), f"expected {list(states)}, found {found} {[t.error for t in done]}; {self}"
        return self

    def clock_advances(self, **step: float) -> Story:
        advance(self.service, **step)
        return self

    def user_task_updates(self, *, worker: str = "w", **fields: Any) -> r.UserTask:
        """Updates the only open user task in its current revision."""
        found = [u for u in self.user_tasks() if u.state is UserTaskState.STARTED]
        assert len(found) == 1, f"{len(found)} open user tasks: {self}"
        fields.setdefault("revision", found[0].revision)
        return self.service.execute(
            UpdateUserTask(partition=self.partition, id=found[0].id, worker_id=worker, **fields)
        )

    def incident_is_resolved(self, *, worker: str = "op", **fields: Any) -> Story:
        """The newest one."""
        found = [incident for incident in self.incidents() if incident.resolved_at is None]
        assert found, f"no open incident: {self}"
        self.service.execute(ResolveIncident(partition=self.partition, id=found[-1].id, worker_id=worker, **fields))
        return self

    def suspends(self) -> Story:
        self.service.execute(SuspendProcessInstance(partition=self.partition, id=self.id, worker_id="op"))
        return self

    def resumes(self) -> Story:
        self.service.execute(ResumeProcessInstance(partition=self.partition, id=self.id, worker_id="op"))
        return self

    def cancels(self) -> Story:
        self.service.execute(CancelProcessInstance(partition=self.partition, id=self.id, worker_id="op"))
        return self

    def sets(self, worker: str = "w", **values: str | Data | None) -> Story:
        """Sets process variables."""
        self.service.execute(
            SetProcessVariables(partition=self.partition, id=self.id, worker_id=worker, variables=variables(**values))
        )
        return self

    def _visits(self) -> list[str]:
        number = self._numbers(c.ElementInstanceCriteria)
        own = self.visits()
        shown = []
        for visit in own:
            scope = f" ^{number[visit.parent_id]}" if visit.parent_id not in (None, own[0].id) else ""
            shown.append(f"{number[visit.id]} {visit.bpmn_element_id} {visit.state}{scope} by {visit.created_by}")
        return shown

    def _jobs(self) -> list[str]:
        return self._work(c.JobCriteria)

    def _tasks(self) -> list[str]:
        return self._work(c.TaskCriteria)

    def _work(self, of: Any) -> list[str]:
        number, visit = self._numbers(of), self._numbers(c.ElementInstanceCriteria)
        shown = []
        for work in self.query(of):
            at = f"@{visit[work.element_instance_id]}" if work.element_instance_id else ""
            retries = f" rc{work.retry_count}" if work.retry_count else ""
            error = f' "{work.error}"' if work.error else ""
            shown.append(f"{number[work.id]} {work.type}{at} {work.state}{retries}{error} by {work.created_by}")
        return shown

    def _numbers(self, of: Any) -> dict[int, int]:
        found = self.service.query(of(partition=self.partition))
        if of is c.TaskCriteria:
            found = [task for task in found if task.type in ENGINE_TASKS]
        return {record.id: number for number, record in enumerate(found, 1)}
