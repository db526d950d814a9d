"""The commands that meet in a race, each with a name, its type, and how it is made once the stage is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.commands.activity import SelectActivities
from app.commands.base import Command, Completion
from app.commands.deletion import DeleteProcess
from app.commands.due import MoveJob, MoveTimer
from app.commands.incident import ResolveIncident
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.job import CompleteJob, LockJobs, UnlockJobs
from app.commands.key import CreateApiKey, RevokeApiKey
from app.commands.lease import ExtendJobs, HeldJob, RecoverJobs
from app.commands.maintenance import Prepare
from app.commands.message import SendMessage
from app.commands.process import CreateProcess
from app.commands.removal import DeleteEndedInstances, DeleteProcessInstance
from app.commands.settings import SetProcessSetting
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import (
    ExtendTasks,
    FailTask,
    LockTasks,
    PostponeTask,
    RecoverTasks,
    ReleaseTasks,
    RunTask,
    UnlockTasks,
)
from app.commands.user_task import UpdateUserTask
from app.commands.variable import SetElementVariables, SetProcessVariables
from app.criteria import ProcessCriteria
from app.timer import Timer
from tests.races.stage import ENGINE, OTHER_WORKER, START, Stage
from tests.store import play

DAY = START.date()


@dataclass(frozen=True)
class Move:
    """`of` names what it acts on, such as an instance of the stage."""

    command: type[Command[Any]]
    of: str
    make: Callable[[Stage], Command[Any]]

    def __str__(self) -> str:
        return f"{self.command.__name__}-{self.of}" if self.of else self.command.__name__


# On an instance


def create_instance(bpmn_process_id: str = "p", version: str = "1") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return CreateProcessInstance(
            bpmn_process_id=bpmn_process_id, version=version, worker_id=OTHER_WORKER, tags={"name": "new"}
        )

    name = bpmn_process_id if version == "1" else f"{bpmn_process_id}:{version or 'newest'}"
    return Move(CreateProcessInstance, name, make)


def _steer(kind: type[Any], name: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        command: Command[Any] = kind(partition=DAY, id=stage.instances[name].id, worker_id=OTHER_WORKER)
        return command

    return Move(kind, name, make)


def cancel(name: str) -> Move:
    return _steer(CancelProcessInstance, name)


def suspend(name: str) -> Move:
    return _steer(SuspendProcessInstance, name)


def resume(name: str) -> Move:
    return _steer(ResumeProcessInstance, name)


def set_process_variables(name: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return SetProcessVariables(
            partition=DAY, id=stage.instances[name].id, worker_id=OTHER_WORKER, variables=play.variables(x="new", y="1")
        )

    return Move(SetProcessVariables, name, make)


def set_element_variables(name: str, element: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return SetElementVariables(
            partition=DAY,
            id=stage.visit(name, element).id,
            worker_id=OTHER_WORKER,
            variables=play.variables(x="new", z="1"),
        )

    return Move(SetElementVariables, f"{name}.{element}", make)


def select_activities(name: str, element: str, *activities: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        visit = stage.visit(name, element)
        return SelectActivities(partition=DAY, id=visit.id, activities=activities, worker_id=OTHER_WORKER)

    return Move(SelectActivities, f"{name}.{element}", make)


# On work


def complete(name: str, element: str, completion: Completion | None = None, how: str = "", **options: Any) -> Move:
    """A job that the worker of the stage has locked."""

    def make(stage: Stage) -> Command[Any]:
        return CompleteJob(
            partition=DAY,
            id=stage.job(name, element).id,
            worker_id=play.WORKER,
            completion=completion,
            process_variables=play.variables(x="done"),
            **options,
        )

    return Move(CompleteJob, f"{name}.{element}{how}", make)


def fail(name: str, element: str) -> Move:
    return complete(name, element, how=":fails", error="broken")


def retry(name: str, element: str) -> Move:
    return complete(name, element, how=":retries", error="broken", retry_limit=1)


def lock_jobs(name: str = "", limit: int = 100, id_of: str = "") -> Move:
    """Of an instance, or any."""

    def make(stage: Stage) -> Command[Any]:
        filters: dict[str, Any] = {"process_instance_id": stage.instances[name].id} if name else {}
        if id_of:
            filters = {"id": stage.job(name, id_of).id}
        return LockJobs(worker_id=OTHER_WORKER, limit=limit, partition=DAY, **filters)

    return Move(LockJobs, ".".join(filter(None, (name, id_of))) + (f":{limit}" if limit < 100 else ""), make)


def extend_jobs(name: str, *elements: str, lock_version: int = 1) -> Move:
    """Jobs that the worker of the stage has locked."""

    def make(stage: Stage) -> Command[Any]:
        jobs = [HeldJob(partition=DAY, id=stage.job(name, each).id, lock_version=lock_version) for each in elements]
        return ExtendJobs(worker_id=play.WORKER, lock_timeout="PT9H", jobs=tuple(jobs))

    return Move(ExtendJobs, f"{name}.{'+'.join(elements)}", make)


def move_job(name: str, element: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return MoveJob(partition=DAY, id=stage.job(name, element).id, worker_id=OTHER_WORKER)

    return Move(MoveJob, f"{name}.{element}", make)


def move_timer(name: str, element: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return MoveTimer(partition=DAY, id=stage.task("TRIGGER_EVENT", name, element).id, worker_id=OTHER_WORKER)

    return Move(MoveTimer, f"{name}.{element}", make)


def recover_jobs() -> Move:
    return Move(RecoverJobs, "", lambda stage: RecoverJobs())


def unlock_jobs() -> Move:
    return Move(UnlockJobs, "", lambda stage: UnlockJobs(worker_id=play.WORKER))


def update_user_task(name: str, how: str = "complete") -> Move:
    def make(stage: Stage) -> Command[Any]:
        task = stage.user_task(name)
        given: dict[str, Any] = {"completed": True} if how == "complete" else {"tags": {"t": how}}
        return UpdateUserTask(partition=DAY, id=task.id, revision=task.revision, worker_id=OTHER_WORKER, **given)

    return Move(UpdateUserTask, f"{name}:{how}", make)


def resolve(name: str) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return ResolveIncident(partition=DAY, id=stage.incident(name).id, worker_id=OTHER_WORKER)

    return Move(ResolveIncident, name, make)


# On tasks


def run_task(type: str, name: str = "", element: str = "") -> Move:
    """One that the stage has claimed."""

    def make(stage: Stage) -> Command[Any]:
        return RunTask(task=stage.task(type, name, element))

    return Move(RunTask, ".".join(filter(None, (name, element, type))), make)


def lock_tasks(name: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return LockTasks(limit=100, process_instance_id=stage.instances[name].id if name else 0)

    return Move(LockTasks, name, make)


def release_tasks(type: str, name: str = "", element: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        task = stage.task(type, name, element)
        return ReleaseTasks(partition=task.partition, ids=(task.id,))

    return Move(ReleaseTasks, ".".join(filter(None, (name, element, type))), make)


def extend_tasks(type: str, name: str = "", element: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        task = stage.task(type, name, element)
        return ExtendTasks(partition=task.partition, ids=(task.id,))

    return Move(ExtendTasks, ".".join(filter(None, (name, element, type))), make)


def postpone_task(type: str, name: str = "", element: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return PostponeTask(task=stage.task(type, name, element), error="interrupted")

    return Move(PostponeTask, ".".join(filter(None, (name, element, type))), make)


def fail_task(type: str, name: str = "", element: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return FailTask(task=stage.task(type, name, element), error="broken")

    return Move(FailTask, ".".join(filter(None, (name, element, type))), make)


def recover_tasks() -> Move:
    return Move(RecoverTasks, "", lambda stage: RecoverTasks())


def unlock_tasks() -> Move:
    return Move(UnlockTasks, "", lambda stage: UnlockTasks(engine_id=ENGINE))


# On no instance


def send(name: str = "paid", key: str = "k", unique: str = "", *, keeps: bool = True) -> Move:
    def make(stage: Stage) -> Command[Any]:
        return SendMessage(
            name=name,
            correlation_key=key,
            worker_id=OTHER_WORKER,
            unique_key=unique,
            expiration_timer=Timer(time_duration="PT9H") if keeps else None,
            variables=play.variables(x="sent"),
        )

    suffix = (f".{unique}" if unique else "") + ("" if keeps else ":at-once")
    return Move(SendMessage, f"{name}.{key}{suffix}", make)


def signal(name: str = "alarm") -> Move:
    return Move(
        SendSignal,
        name,
        lambda stage: SendSignal(name=name, worker_id=OTHER_WORKER, variables=play.variables(x="rung")),
    )


def deploy(xml: str, version: str = "2", parallelism: int = 0, how: str = "") -> Move:
    def make(stage: Stage) -> Command[Any]:
        process_id = xml.split('<process id="')[1].split('"')[0]
        return CreateProcess(
            bpmn_process_id=process_id, bpmn_xml=xml, version=version, worker_id=OTHER_WORKER, parallelism=parallelism
        )

    return Move(CreateProcess, f"v{version}:limit{parallelism}{how}", make)


def create_key(secret_id: str = "new") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return CreateApiKey(secret_id=secret_id, secret_hash="hash", worker_id=OTHER_WORKER, created_at=START)

    return Move(CreateApiKey, secret_id, make)


def revoke_key(secret_id: str = "old") -> Move:
    return Move(RevokeApiKey, secret_id, lambda stage: RevokeApiKey(secret_id=secret_id, worker_id=OTHER_WORKER))


def delete(name: str) -> Move:
    """An ended instance."""
    return _steer(DeleteProcessInstance, name)


def delete_ended(bpmn_process_id: str = "p") -> Move:
    """All that have ended before this moment."""

    def make(stage: Stage) -> Command[Any]:
        return DeleteEndedInstances(bpmn_process_id=bpmn_process_id, retention_days=0)

    return Move(DeleteEndedInstances, bpmn_process_id, make)


def set_setting(bpmn_process_id: str = "p") -> Move:
    def make(stage: Stage) -> Command[Any]:
        return SetProcessSetting(bpmn_process_id=bpmn_process_id, worker_id=OTHER_WORKER, retention_days=7)

    return Move(SetProcessSetting, bpmn_process_id, make)


def delete_process(bpmn_process_id: str = "p", version: str = "1") -> Move:
    def make(stage: Stage) -> Command[Any]:
        found = stage.service.query(ProcessCriteria())
        (id,) = (each.id for each in found if (each.bpmn_process_id, each.version) == (bpmn_process_id, version))
        return DeleteProcess(id=id, worker_id=OTHER_WORKER)

    return Move(DeleteProcess, f"{bpmn_process_id}:{version}", make)


def prepare() -> Move:
    return Move(Prepare, "", lambda stage: Prepare())


def set_time(duration: str = "PT2H") -> Move:
    return Move(SetTime, duration, lambda stage: SetTime(timer=Timer(time_duration=duration)))
