"""The commands that the rows of a database allow, and what each of them has to do with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.commands.base import CalledProcess, Command, Completion
from app.commands.incident import ResolveIncident
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.job import CompleteJob, LockJobs, UnlockJobs
from app.commands.maintenance import Prepare
from app.commands.message import SendMessage
from app.commands.process import CreateProcess
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
from app.engine.records import Task
from app.timer import Timer, parse_timestamp
from tests.machine import completion
from tests.machine.completion import Luck
from tests.machine.picture import KEYS, MESSAGES, SIGNALS
from tests.machine.tables import Row, Tables
from tests.machine.view import active
from tests.races.stage import ENGINE, OTHER_WORKER
from tests.store import play


@dataclass(frozen=True)
class Possible:
    """A command, and the names of what it has to do with, such as an instance or the queue of a process."""

    command: Command[Any]
    about: frozenset[str]


def possible(tables: Tables, tasks: list[Task], luck: Luck) -> list[Possible]:
    """One of each kind at least, on all that is there; `tasks` are those that the engine has locked."""
    return [*_on_instances(tables, luck), *_on_work(tables, luck), *_on_tasks(tables, tasks), *_elsewhere(tables, luck)]


def _about(tables: Tables, row: Row) -> frozenset[str]:
    """The instance of a row, its tree, and the queue it may be in."""
    id = row["id"] if "root_id" in row else row["process_instance_id"]
    instance = tables.one("process_instance", row["partition"], id)
    if instance is None:
        return frozenset({f"process {row['process_id']}"})
    root = instance["root_id"] or instance["id"]
    return frozenset({f"instance {id}", f"tree {root}", f"queue {instance['bpmn_process_id']}"})


def _key(row: Row) -> dict[str, Any]:
    return {"partition": date.fromisoformat(row["partition"]), "id": row["id"]}


def _on_instances(tables: Tables, luck: Luck) -> Iterator[Possible]:
    steer: list[Callable[..., Command[Any]]] = [CancelProcessInstance, SuspendProcessInstance, ResumeProcessInstance]
    for instance in tables["process_instance"]:
        if not active(instance):
            continue
        about = _about(tables, instance)
        for kind in steer:
            yield Possible(kind(**_key(instance), worker_id=OTHER_WORKER), about)
        variables = play.variables(a=str(luck.below(100)))
        yield Possible(SetProcessVariables(**_key(instance), worker_id=OTHER_WORKER, variables=variables), about)
    for element in tables["element_instance"]:
        if active(element) and not luck.below(3):
            variables = play.variables(b=str(luck.below(100)))
            yield Possible(
                SetElementVariables(**_key(element), worker_id=OTHER_WORKER, variables=variables),
                _about(tables, element),
            )


def _on_work(tables: Tables, luck: Luck) -> Iterator[Possible]:
    for job in tables["job"]:
        about = _about(tables, job)
        if job["completed_at"] is None and job["locked_by"]:
            given: dict[str, Any] = {**_key(job), "worker_id": job["locked_by"]}
            right = completion.right(tables, job, luck)
            if right is not None:
                yield Possible(CompleteJob(**given, completion=_completion(right)), about)
            yield Possible(CompleteJob(**given, error="broken", retry_limit=luck.below(2)), about)
        elif job["completed_at"] is None:
            yield Possible(LockJobs(worker_id=OTHER_WORKER, **_key(job)), about)
    for worker in {job["locked_by"] for job in tables["job"] if job["completed_at"] is None and job["locked_by"]}:
        about = frozenset().union(*(_about(tables, job) for job in tables["job"] if job["locked_by"] == worker))
        yield Possible(UnlockJobs(worker_id=worker), about)
    yield Possible(LockJobs(worker_id=OTHER_WORKER, limit=luck.pick((1, 100))), frozenset())
    for task in tables["user_task"]:
        if task["state"] == "STARTED":
            how: dict[str, Any] = luck.pick(({"completed": True}, {"completed": True}, {"tags": {"t": "1"}}))
            command = UpdateUserTask(**_key(task), revision=task["revision"], worker_id=OTHER_WORKER, **how)
            yield Possible(command, _about(tables, task))
    for incident in tables["incident"]:
        if incident["resolved_at"] is None:
            command_ = ResolveIncident(**_key(incident), worker_id=OTHER_WORKER)
            yield Possible(command_, _about(tables, incident))


def _completion(given: dict[str, Any]) -> Completion:
    """From the form in which a request has it."""
    called, timer = given.get("calledProcess"), given.get("timer")
    return Completion(
        called_process=CalledProcess(bpmn_process_id=called["bpmnProcessId"], version=called["version"])
        if called
        else None,
        error_code=given.get("errorCode", ""),
        escalation_code=given.get("escalationCode", ""),
        exclusive_gateway_decision=given.get("exclusiveGatewayDecision", ""),
        inclusive_gateway_decision=tuple(given.get("inclusiveGatewayDecision", ())),
        message_correlation_key=given.get("messageCorrelationKey", ""),
        message_name=given.get("messageName", ""),
        signal_name=given.get("signalName", ""),
        timer=Timer(
            time=parse_timestamp(timer["time"]) if "time" in timer else None,
            time_cycle=timer.get("timeCycle", ""),
            time_duration=timer.get("timeDuration", ""),
        )
        if timer
        else None,
    )


def _on_tasks(tables: Tables, tasks: list[Task]) -> Iterator[Possible]:
    for task in tasks:
        row = tables.by_key["task"][task.partition.isoformat(), task.id]
        about = _about(tables, row) | {f"task {task.id}"}
        yield Possible(RunTask(task=task), about)
        yield Possible(RunTask(task=task), about)
        yield Possible(ReleaseTasks(partition=task.partition, ids=(task.id,)), about)
        yield Possible(ExtendTasks(partition=task.partition, ids=(task.id,)), about)
        yield Possible(PostponeTask(task=task, error="interrupted"), about)
        yield Possible(FailTask(task=task, error="broken"), about)
    yield Possible(UnlockTasks(engine_id=ENGINE), frozenset(f"task {task.id}" for task in tasks))
    yield Possible(RecoverTasks(), frozenset(f"task {task.id}" for task in tasks))
    yield Possible(LockTasks(limit=100), frozenset())


def _elsewhere(tables: Tables, luck: Luck) -> Iterator[Possible]:
    waiting = [(row["name"], row["correlation_key"]) for row in tables["message_subscription"]]
    for name, key in {*waiting, (luck.pick(MESSAGES), luck.pick(KEYS))}:
        subscribers = [
            row for row in tables["message_subscription"] if (row["name"], row["correlation_key"]) == (name, key)
        ]
        about = frozenset().union(*(_about(tables, row) for row in subscribers)) if subscribers else frozenset()
        command = SendMessage(
            name=name,
            correlation_key=key,
            worker_id=OTHER_WORKER,
            unique_key=luck.pick(("", "u")),
            expiration_timer=luck.pick((None, Timer(time_duration="PT1H"))),
        )
        yield Possible(command, about | {"messages"})
    for name in SIGNALS:
        about = frozenset().union(
            *(_about(tables, row) for row in tables["signal_subscription"] if row["name"] == name), {"signals"}
        )
        yield Possible(SendSignal(name=name, worker_id=OTHER_WORKER), about)
    for process in completion.startable(tables):
        id, version = process["bpmn_process_id"], process["version"]
        create = CreateProcessInstance(bpmn_process_id=id, version=version, worker_id=OTHER_WORKER)
        yield Possible(create, frozenset({f"queue {id}"}))
    for process in tables["process"]:
        id = process["bpmn_process_id"]
        deploy = CreateProcess(
            bpmn_process_id=id,
            bpmn_xml=play.model("start -> a -> end", process_id=id),
            version="next",
            worker_id=OTHER_WORKER,
            parallelism=luck.below(4),
        )
        yield Possible(deploy, frozenset({f"queue {id}"}))
    yield Possible(SetTime(timer=Timer(time_duration=luck.pick(("PT1H", "P1D")))), frozenset({"time"}))
    yield Possible(Prepare(), frozenset({"time"}))
