"""Plays the people, workers and partners around a process: everything is addressed by the ids of the diagram."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from app.clock import ManualClock
from app.commands.instance import CreateProcessInstance
from app.commands.job import CompleteJob, LockJobs
from app.commands.message import SendMessage
from app.commands.process import CreateProcess
from app.commands.signal import SendSignal
from app.commands.task import LockTasks
from app.commands.user_task import UpdateUserTask
from app.criteria import (
    ElementInstanceCriteria,
    JobCriteria,
    MessageSubscriptionCriteria,
    ProcessInstanceCriteria,
    SignalSubscriptionCriteria,
    TaskCriteria,
    UserTaskCriteria,
)
from app.engine.completion import Completion
from app.engine.records import Job, ProcessInstance, UserTask
from app.service import Service

FILES = Path(__file__).resolve().parent.parent / "files"
SCOPES = ("PROCESS", "SUB_PROCESS")


class Stage:
    """One service with one model file deployed, each process of it in one version."""

    def __init__(
        self, service: Service, clock: ManualClock, file: str, processes: tuple[str, ...], version: str
    ) -> None:
        self.service = service
        self.version = version
        self._clock = clock
        xml = (FILES / file).read_text(encoding="utf-8")
        self._ids = {
            name: service.execute(
                CreateProcess(bpmn_process_id=name, bpmn_xml=xml, version=version, worker_id="modeler")
            ).id
            for name in processes
        }

    def start(self, process: str, correlation_key: str = "") -> Case:
        command = CreateProcessInstance(
            bpmn_process_id=process, version=self.version, worker_id="clerk", correlation_key=correlation_key
        )
        return Case(self, self.service.execute(command))

    def started(self, process: str) -> list[Case]:
        """The instances of a process that have not ended, in id order."""
        found = self.service.query(ProcessInstanceCriteria(process_id=self._ids[process]))
        return [Case(self, instance) for instance in found if not instance.state.ended]

    def message(self, name: str, key: str) -> None:
        sent = self.service.execute(SendMessage(name=name, correlation_key=key, worker_id="partner"))
        assert sent.correlated, f"nobody waits for message {name} with key {key}"
        self.run_tasks()

    def signal(self, name: str) -> None:
        sent = self.service.execute(SendSignal(name=name, worker_id="partner"))
        assert sent.subscriber_count, f"nobody waits for signal {name}"
        self.run_tasks()

    def later(self, **duration: float) -> None:
        self._clock.advance(timedelta(**duration))
        self.run_tasks()

    def run_tasks(self) -> None:
        """Executes due tasks until there are none."""
        while True:
            executed = self.service.execute_tasks(LockTasks(limit=100))
            assert not executed.failed
            assert [task.error for task in executed.completed if task.error] == []
            if not executed.completed:
                return


class Case:
    """One process instance."""

    def __init__(self, stage: Stage, instance: ProcessInstance) -> None:
        self._stage = stage
        self._service = stage.service
        self._key = {"partition": instance.partition, "process_instance_id": instance.id}
        self._partition = instance.partition
        self._id = instance.id

    @property
    def instance(self) -> ProcessInstance:
        [instance] = self._service.query(ProcessInstanceCriteria(partition=self._partition, id=self._id))
        return instance

    @property
    def waits_at(self) -> list[str]:
        """What is active, but for scopes and events that are attached or follow a gateway."""
        return sorted(
            visit.bpmn_element_id
            for visit in self._service.query(ElementInstanceCriteria(**self._key))
            if visit.bpmn_element_type not in SCOPES and visit.state == "STARTED"
        )

    def visits(self, element: str) -> list[str]:
        """The states of all visits of an element, in their order."""
        criteria = ElementInstanceCriteria(**self._key, bpmn_element_id=element)
        return [visit.state for visit in self._service.query(criteria)]

    def job(self, element: str, **completion: object) -> Case:
        """A worker does the open job at an element."""
        job = self._lock(element)
        done = self._service.execute(
            CompleteJob(partition=job.partition, id=job.id, worker_id="worker", completion=Completion(**completion))
        )
        assert done.error is None and done.state == "DONE", f"{element}: {done.state} {done.error}"
        self._stage.run_tasks()
        return self

    def _lock(self, element: str) -> Job:
        jobs = self._service.query(JobCriteria(**self._key))
        found = [each for each in jobs if each.bpmn_element_id == element and each.state == "DUE" and not each.detached]
        assert found, f"expected a job at {element}, waiting at: {', '.join(self.waits_at)}"
        [job] = self._service.execute(LockJobs(partition=self._partition, id=found[0].id, worker_id="worker"))
        return job

    def decides(self, gateway: str, *targets: str) -> Case:
        """A worker chooses the target of an exclusive gateway, or those of an inclusive one; none is the default."""
        [kind] = {each.type for each in self._open_jobs(gateway)}
        if kind == "EVALUATE_INCLUSIVE_GATEWAY":
            return self.job(gateway, inclusive_gateway_decision=targets)
        [target] = targets or [""]
        return self.job(gateway, exclusive_gateway_decision=target)

    def _open_jobs(self, element: str) -> list[Job]:
        jobs = self._service.query(JobCriteria(**self._key))
        return [each for each in jobs if each.bpmn_element_id == element and each.state == "DUE"]

    def waits_for_message(self, element: str, key: str) -> Case:
        """A worker says by which key a message finds the event."""
        return self.job(element, message_correlation_key=key)

    def user_task(self, element: str, **outcome: object) -> Case:
        """A person completes the user task at an element, or ends it by `error_code` or `escalation_code`."""
        user_tasks = self._service.query(UserTaskCriteria(**self._key))
        found: list[UserTask] = [
            each for each in user_tasks if each.bpmn_element_id == element and each.state == "STARTED"
        ]
        assert found, f"expected a user task at {element}, waiting at: {', '.join(self.waits_at)}"
        self._service.execute(
            UpdateUserTask(
                partition=self._partition,
                id=found[0].id,
                revision=found[0].revision,
                worker_id="clerk",
                completed=not outcome,
                **outcome,
            )
        )
        self._stage.run_tasks()
        return self

    def called(self) -> Case:
        """The active instance that was called by this one."""
        found = self._service.query(ProcessInstanceCriteria(partition=self._partition, parent_id=self._id))
        [instance] = [each for each in found if not each.state.ended]
        return Case(self._stage, instance)

    def is_completed(self) -> None:
        """The instance is COMPLETED, and nothing that belongs to it is still open."""
        assert self.instance.state == "COMPLETED", f"waiting at: {', '.join(self.waits_at)}"
        visits = self._service.query(ElementInstanceCriteria(**self._key))
        assert [visit.bpmn_element_id for visit in visits if visit.ended_at is None] == []
        work = [*self._service.query(JobCriteria(**self._key)), *self._service.query(TaskCriteria(**self._key))]
        assert [each.bpmn_element_id for each in work if each.completed_at is None and not each.detached] == []
        user_tasks = self._service.query(UserTaskCriteria(**self._key))
        assert [each.bpmn_element_id for each in user_tasks if each.state == "STARTED"] == []
        for criteria in (MessageSubscriptionCriteria(**self._key), SignalSubscriptionCriteria(**self._key)):
            assert self._service.query(criteria) == []


@dataclass(frozen=True, slots=True)
class Play:
    """A model file with its executable processes, and every way through them as a function of a stage."""

    file: str
    processes: tuple[str, ...]
    paths: tuple[Callable[[Stage], None], ...]

    def stage(self, service: Service, clock: ManualClock, version: str) -> Stage:
        return Stage(service, clock, self.file, self.processes, version)
