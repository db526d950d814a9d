"""The time of a command comes after its last lock: whatever it waited for is older than what it writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands import HANDLERS
from app.commands.activity import SelectActivities
from app.commands.base import Command, Data, VariableInput
from app.commands.check import CheckProcess
from app.commands.context import Context
from app.commands.deletion import DeleteProcess
from app.commands.due import MoveJob, MoveTimer
from app.commands.incident import ResolveIncident
from app.commands.instance import (
    CancelProcessInstance,
    GetProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.job import UnlockJobs
from app.commands.key import CreateApiKey, RevokeApiKey
from app.commands.lease import ExtendJobs, HeldJob, RecoverJobs
from app.commands.maintenance import Prepare
from app.commands.process import GetBpmnXml, GetProcess
from app.commands.removal import DeleteEndedInstances, DeleteProcessInstance
from app.commands.settings import GetProcessSetting, SetProcessSetting
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import (
    ExtendTasks,
    FailTask,
    LockTasks,
    PostponeTask,
    ReleaseTasks,
    RunTask,
    UnlockTasks,
)
from app.commands.user_task import UpdateUserTask
from app.commands.variable import GetElementVariables, GetProcessVariables, SetElementVariables, SetProcessVariables
from app.config import Config
from app.criteria import IncidentCriteria, JobCriteria, ProcessInstanceCriteria, TaskCriteria, UserTaskCriteria
from app.engine.completion import CalledProcess
from app.engine.records import ProcessInstance
from app.engine.types import TaskType
from app.service import Service
from app.store.transaction import Transaction
from app.timer import Timer
from tests.store import play

SECOND = timedelta(seconds=1)
DAY = Timer(time_duration="P1D")


class Witness:
    """Lets a second pass with each lock, and remembers which commands read their time before that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> None:
        self.locking: set[type[Any]] = set()
        self.timed: set[type[Any]] = set()
        self.tasks: set[TaskType] = set()
        self.late: list[Command[Any]] = []
        self._locks = 0
        self._clock = clock
        before_lock = Transaction._before_lock

        def passes(tx: Transaction) -> None:
            before_lock(tx)
            self._locks += 1
            clock.advance(SECOND)

        monkeypatch.setattr(Transaction, "_before_lock", passes)
        for kind, handler in HANDLERS.items():
            monkeypatch.setitem(HANDLERS, kind, self._watched(handler))  # type: ignore[arg-type]

    def _watched(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        def watched(ctx: Context, command: Command[Any]) -> Any:
            self._locks = 0
            result = handler(ctx, command)
            if self._locks:
                self.locking.add(type(command))
            if ctx.tx.is_timed:
                self.timed.add(type(command))
                offset = ctx.tx.clock_offset()
                if ctx.now != self._clock.now() + offset:
                    self.late.append(command)
            if isinstance(command, RunTask):
                self.tasks.add(command.task.type)
            return result

        return watched


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, set_time_enabled=True, partition_retention_days=1, drop_partition_enabled=True)


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch, service: Service, clock: ManualClock) -> Witness:
    return Witness(monkeypatch, clock)


def test_every_command_reads_its_time_after_its_last_lock(service: Service, witness: Witness):
    live(service)
    assert witness.late == []
    assert witness.locking | witness.timed | READS == set(HANDLERS)
    assert witness.tasks == set(TaskType)


READS = {
    CheckProcess,
    DeleteEndedInstances,
    GetBpmnXml,
    GetProcess,
    GetProcessInstance,
    GetProcessSetting,
    GetElementVariables,
    GetProcessVariables,
    UnlockJobs,
    UnlockTasks,
    ReleaseTasks,
}
"""Commands that neither wait nor decide by the time after a lock."""

LIMITED = play.model("start -> a -> end", process_id="limited")
CALLER = play.model(
    "start -> call -> end",
    "stopped -> end",
    process_id="caller",
    head='<signal id="s" name="stop"/>',
    body='<boundaryEvent id="stopped" attachedToRef="call"><signalEventDefinition signalRef="s"/></boundaryEvent>',
)
BOUNDARY = play.model(
    "start -> user -> end",
    process_id="boundary",
    head='<message id="m" name="reminded"/>',
    body='<boundaryEvent id="b" attachedToRef="user" cancelActivity="false">'
    '<messageEventDefinition messageRef="m"/></boundaryEvent>',
)
THROWER = play.model(
    "start -> throw -> end",
    process_id="thrower",
    head='<signal id="s" name="alarm"/>',
    body='<intermediateThrowEvent id="throw"><signalEventDefinition signalRef="s"/></intermediateThrowEvent>',
)
TIMER_CATCH = play.model(
    "start -> catch -> end",
    process_id="pausing",
    body='<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)
TIMER_START = play.model(
    "start -> end",
    process_id="ticking",
    body='<startEvent id="start"><timerEventDefinition><timeCycle>R2/PT1H</timeCycle></timerEventDefinition>'
    "</startEvent>",
)
FOR_EACH = play.model(
    "start -> each -> end",
    process_id="foreach",
    body='<serviceTask id="each"><multiInstanceLoopCharacteristics><loopDataInputRef>items</loopDataInputRef>'
    "</multiInstanceLoopCharacteristics></serviceTask>",
)
AD_HOC = play.model(
    "start -> adhoc -> end",
    process_id="choosing",
    body='<adHocSubProcess id="adhoc"><serviceTask id="chosen"/></adHocSubProcess>',
)
MESSAGE_START = play.MESSAGE_START.replace('"p"', '"ordering"')
SIGNAL_START = play.SIGNAL_START.replace('"p"', '"alarming"')


def live(service: Service) -> None:
    """A life with every command and every type of task, also of processes with a limit."""
    do = service.execute
    process = play.deploy(service, LIMITED, parallelism=1)
    do(GetBpmnXml(id=process.id))
    do(DeleteProcess(id=play.deploy(service, TIMER_START, version="unused").id, worker_id="w"))
    for xml in (MESSAGE_START, SIGNAL_START, TIMER_START):
        play.deploy(service, xml)
    # An end that gives its slot away, a start by a task, and a cancellation.
    first, second, third, _ = [play.start(service, "limited") for _ in range(4)]
    play.work(service, first)
    play.run_tasks(service)
    of_second = {"partition": second.partition, "id": second.id, "worker_id": play.WORKER}
    do(SuspendProcessInstance(**of_second))
    do(ResumeProcessInstance(**of_second))
    do(SetProcessVariables(**of_second, variables=play.variables(x="1")))
    do(GetProcessVariables(partition=second.partition, id=second.id))
    do(CancelProcessInstance(**of_second))
    play.run_tasks(service)
    play.deploy(service, LIMITED, version="2", parallelism=2)
    play.run_tasks(service)
    play.deploy(service, LIMITED, version="3")
    _fails_and_is_resolved(service, third)
    _are_brought_forward(service)
    _is_evaluated_again(service)
    _is_selected(service)
    _keys_and_settings(service)
    _go(service)
    _calls(service)
    _sends(service)
    play.work(service, play.begin(service, play.TWO_TASKS))
    play.run_tasks(service)
    (job,) = play.lock_of(service, play.begin(service))
    do(SetElementVariables(partition=job.partition, id=job.element_instance_id, worker_id=play.WORKER))
    do(GetElementVariables(partition=job.partition, id=job.element_instance_id))
    held = HeldJob(partition=job.partition, id=job.id)
    do(ExtendJobs(worker_id=play.WORKER, lock_timeout="PT1M", jobs=(held,)))
    do(RecoverJobs())
    do(UnlockJobs(worker_id=play.WORKER))
    do(Prepare())
    for instance in _instances(service):
        if not instance.state.ended:
            do(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER))
    for _ in range(3):
        do(SetTime(timer=DAY))
        while play.run_tasks(service):
            pass
    play.send(service, "ordered")
    (task,) = do(LockTasks(type=TaskType.TRIGGER_EVENT))
    do(ExtendTasks(partition=task.partition, ids=(task.id,)))
    do(PostponeTask(task=task, error="away"))
    do(ReleaseTasks(partition=task.partition, ids=(task.id,)))
    do(UnlockTasks(engine_id=service.config.engine_id))
    (task,) = do(LockTasks(type=TaskType.TRIGGER_EVENT))
    do(FailTask(task=task, error="broken"))


def _fails_and_is_resolved(service: Service, instance: ProcessInstance) -> None:
    (job,) = play.lock_of(service, instance)
    play.complete(service, job, error="broken")
    (incident,) = service.query(IncidentCriteria())
    service.execute(ResolveIncident(partition=incident.partition, id=incident.id, worker_id=play.WORKER))
    play.work(service, instance)


def _keys_and_settings(service: Service) -> None:
    service.execute(CreateApiKey(secret_id="shop", secret_hash="hash", worker_id=play.WORKER, created_at=service.now()))
    service.execute(RevokeApiKey(secret_id="shop", worker_id=play.WORKER))
    service.execute(SetProcessSetting(bpmn_process_id="p", worker_id=play.WORKER, retention_days=1))
    service.execute(GetProcessSetting(bpmn_process_id="p"))


def _go(service: Service) -> None:
    """Ended instances."""
    instance, other = play.begin(service), play.begin(service)
    for each in (instance, other):
        play.work(service, each)
    service.execute(DeleteProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER))
    assert service.execute(DeleteEndedInstances(bpmn_process_id=other.bpmn_process_id, retention_days=0))


def _are_brought_forward(service: Service) -> None:
    """A retry and a timer."""
    instance = play.begin(service)
    (job,) = play.lock_of(service, instance)
    play.complete(service, job, error="broken", retry_limit=1, retry_timer="PT1H")
    (retry,) = service.query(JobCriteria(partition=job.partition, process_instance_id=instance.id, open=True))
    service.execute(MoveJob(partition=retry.partition, id=retry.id, worker_id=play.WORKER))
    play.work(service, instance)
    instance = play.begin(service, TIMER_CATCH)
    (timer,) = service.query(TaskCriteria(partition=instance.partition, process_instance_id=instance.id))
    service.execute(MoveTimer(partition=timer.partition, id=timer.id, worker_id=play.WORKER))
    play.run_tasks(service)


def _is_evaluated_again(service: Service) -> None:
    """A collection that is there later."""
    instance = play.begin(service, FOR_EACH)
    of_instance = {"partition": instance.partition, "worker_id": play.WORKER}
    items = VariableInput(name="items", data=Data(encoding="json", value="[1]"))
    service.execute(SetProcessVariables(id=instance.id, variables=(items,), **of_instance))
    (incident,) = service.query(IncidentCriteria(process_instance_id=instance.id))
    service.execute(ResolveIncident(id=incident.id, **of_instance))
    play.run_tasks(service)
    play.work(service, instance)
    assert [each.state for each in _instances(service) if each.id == instance.id] == ["COMPLETED"]


def _is_selected(service: Service) -> None:
    """An activity of an ad-hoc sub-process, by somebody who was not asked."""
    instance = play.begin(service, AD_HOC)
    (job,) = service.query(JobCriteria(partition=instance.partition, process_instance_id=instance.id))
    service.execute(
        SelectActivities(
            partition=job.partition, id=job.element_instance_id, activities=("chosen",), worker_id=play.WORKER
        )
    )


def _calls(service: Service) -> None:
    """A called instance that ends by itself, and one that is terminated with its caller's activity."""
    for ends in (True, False):
        caller = play.begin(service, CALLER)
        play.work(service, caller, called_process=CalledProcess(bpmn_process_id="limited", version="3"))
        (called,) = [each for each in _instances(service) if each.parent_id == caller.id]
        if ends:
            play.work(service, called)
            play.work(service, caller)
    service.execute(SendSignal(name="stop", worker_id=play.WORKER))
    while play.run_tasks(service):
        pass
    (called,) = [each for each in _instances(service) if each.parent_id == caller.id]
    assert called.state == "TERMINATED"


def _instances(service: Service) -> list[ProcessInstance]:
    return service.query(ProcessInstanceCriteria())


def _sends(service: Service) -> None:
    play.send(service, "paid", "k", unique_key="u", expiration_timer=play.HOUR)
    play.work(service, play.begin(service, play.MESSAGE_CATCH), message_correlation_key="k")
    play.send(service, "ordered")
    play.work(service, play.begin(service, BOUNDARY), message_correlation_key="k")
    play.send(service, "reminded", "k")
    play.begin(service, play.SIGNAL_CATCH)
    play.begin(service, THROWER)
    service.execute(SendSignal(name="alarm", worker_id=play.WORKER))
    play.run_tasks(service)
    (user_task,) = service.query(UserTaskCriteria())
    service.execute(
        UpdateUserTask(
            partition=user_task.partition, id=user_task.id, revision=1, worker_id=play.WORKER, completed=True
        )
    )


def test_a_lock_after_the_time_was_read_is_refused(service: Service, monkeypatch: pytest.MonkeyPatch):
    def handler(ctx: Context, command: Prepare) -> None:
        assert ctx.now
        ctx.tx.lock_key("late")

    monkeypatch.setitem(HANDLERS, Prepare, handler)  # type: ignore[arg-type] # it is a Mapping to all others
    with pytest.raises(AssertionError, match="after its last lock"):
        service.execute(Prepare())
