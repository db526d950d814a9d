"""Short words for what tests of the store do with a service, and the models they play."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise
from typing import Any

from app.commands.base import Completion, Data, VariableInput
from app.commands.instance import CreateProcessInstance
from app.commands.job import CompleteJob, LockJobs
from app.commands.message import SendMessage
from app.commands.process import CreateProcess
from app.commands.task import LockTasks
from app.engine.records import DeployedProcess, Job, ProcessInstance, Task
from app.engine.types import TaskType
from app.service import Service
from app.timer import Timer

WORKER = "worker"
BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_TAGS = (
    ("start", "startEvent"),
    ("end", "endEvent"),
    ("fork", "parallelGateway"),
    ("join", "parallelGateway"),
    ("events", "eventBasedGateway"),
    ("call", "callActivity"),
    ("user", "userTask"),
)


def model(*paths: str, body: str = "", head: str = "", process_id: str = "p") -> str:
    """The process that has the flows of the paths, such as `start -> a -> end`.

    The beginning of an id tells the element: start, end, fork, join, events, call, user; the others are service tasks.
    What `body` defines itself, it defines instead.
    """
    flows = [pair for path in paths for pair in _pairs(path)]
    written = set(re.findall(r'<(?!sequenceFlow)\w+ id="(\w+)"', body))
    ids = dict.fromkeys(id for pair in flows for id in pair)
    elements = [f'<{_tag(id)} id="{id}"/>' for id in ids if id not in written]
    return (
        f'<definitions xmlns="{BPMN}">{head}<process id="{process_id}" isExecutable="true">'
        f"{''.join(elements)}{body}{edges(*paths)}</process></definitions>"
    )


def edges(*paths: str, prefix: str = "f") -> str:
    """The sequence flows of the paths, for the inside of a scope."""
    flows = [pair for path in paths for pair in _pairs(path)]
    return "".join(
        f'<sequenceFlow id="{prefix}{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(flows)
    )


def _pairs(path: str) -> list[tuple[str, str]]:
    return list(pairwise(path.split(" -> ")))


def _tag(id: str) -> str:
    return next((tag for beginning, tag in _TAGS if id.startswith(beginning)), "serviceTask")


ONE_TASK = model("start -> a -> end")
TWO_TASKS = model("start -> fork -> a -> join -> end", "fork -> b -> join")
MESSAGE_CATCH = model(
    "start -> catch -> a -> end",
    head='<message id="m" name="paid"/>',
    body='<intermediateCatchEvent id="catch"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
)
SIGNAL_CATCH = model(
    "start -> catch -> a -> end",
    head='<signal id="s" name="alarm"/>',
    body='<intermediateCatchEvent id="catch"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>',
)
MESSAGE_START = model(
    "start -> a -> end",
    head='<message id="m" name="ordered"/>',
    body='<startEvent id="start"><messageEventDefinition messageRef="m"/></startEvent>',
)
SIGNAL_START = model(
    "start -> a -> end",
    head='<signal id="s" name="alarm"/>',
    body='<startEvent id="start"><signalEventDefinition signalRef="s"/></startEvent>',
)


def wide(branches: int) -> str:
    """A fork into as many service tasks."""
    return model("start -> fork", *(f"fork -> a{n} -> end" for n in range(branches)))


def variables(**values: str) -> tuple[VariableInput, ...]:
    return tuple(VariableInput(name=name, data=Data(encoding="text", value=value)) for name, value in values.items())


def deploy(service: Service, xml: str = ONE_TASK, *, version: str = "1", **options: Any) -> DeployedProcess:
    found = re.search(r'<process id="(\w+)"', xml)
    assert found
    return service.execute(
        CreateProcess(bpmn_process_id=found[1], bpmn_xml=xml, version=version, worker_id=WORKER, **options)
    )


def start(service: Service, bpmn_process_id: str = "p", *, version: str = "1", **options: Any) -> ProcessInstance:
    return service.execute(
        CreateProcessInstance(bpmn_process_id=bpmn_process_id, version=version, worker_id=WORKER, **options)
    )


def begin(service: Service, xml: str = ONE_TASK, **options: Any) -> ProcessInstance:
    """An instance of the model, which is deployed if it is not yet."""
    process = deploy(service, xml, version=f"{zlib.crc32(xml.encode())}")
    return start(service, process.bpmn_process_id, version=process.version, **options)


def lock(service: Service, *, worker: str = WORKER, limit: int = 1000, **filters: Any) -> list[Job]:
    return service.execute(LockJobs(worker_id=worker, limit=limit, **filters))


def lock_of(service: Service, instance: ProcessInstance, *, worker: str = WORKER) -> list[Job]:
    """All jobs of the instance that are free."""
    return lock(service, worker=worker, partition=instance.partition, process_instance_id=instance.id)


def complete(
    service: Service, job: Job, *, worker: str = WORKER, completion: Completion | None = None, **options: Any
) -> Job:
    return service.execute(
        CompleteJob(partition=job.partition, id=job.id, worker_id=worker, completion=completion, **options)
    )


def work(service: Service, instance: ProcessInstance, **completion: Any) -> None:
    """Locks and completes all jobs that the instance has now."""
    for job in lock_of(service, instance):
        complete(service, job, completion=Completion(**completion))


def send(service: Service, name: str, key: str = "", **options: Any) -> Any:
    return service.execute(SendMessage(name=name, correlation_key=key, worker_id=WORKER, **options))


def run_tasks(service: Service, type: str = "", limit: int = 1000) -> list[Task]:
    """Runs the tasks that are due now, of all types or of one; none may break."""
    executed = service.execute_tasks(LockTasks(limit=limit, type=type))
    assert executed.failed == []
    return executed.completed


def run_events(service: Service, limit: int = 1000) -> list[Task]:
    """Runs the events that have happened."""
    return run_tasks(service, TaskType.TRIGGER_EVENT, limit)


def run_joins(service: Service, limit: int = 1000) -> list[Task]:
    return run_tasks(service, TaskType.JOIN_PARALLEL_GATEWAY, limit)


HOUR = Timer(time_duration="PT1H")
