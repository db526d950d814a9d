"""Commands that share a transaction: each is answered as it would be alone, and nothing of one is half done."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.clock import ManualClock, SystemClock
from app.commands import HANDLERS
from app.commands.base import CalledProcess, Completion, Data, VariableInput
from app.commands.context import Context
from app.commands.group import execute_together
from app.commands.instance import CancelProcessInstance, CreateProcessInstance
from app.commands.job import CompleteJob, UnlockJobs
from app.commands.task import LockTasks, RecoverTasks
from app.config import Config
from app.criteria import JobCriteria, ProcessInstanceCriteria
from app.engine.records import Job, Task
from app.engine.run import Run
from app.engine.types import TaskType
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from app.store import AssumedWrongly, Store, Transaction
from app.store.dialect import Session, Write
from app.store.postgres_session import PostgresSession
from app.store.save import SET_QUEUE, Saver
from app.store.sqlite_session import SQLiteSession
from tests.databases import Databases
from tests.store import play
from tests.store.counting import counting_statements
from tests.store.database import dump, require_sound, rows, value
from tests.store.play import model
from tests.store.test_store_atomicity import breaking
from tests.store.together import PATIENCE, context, in_threads
from tests.wire import Wire

TIMER_CATCH = model(
    "start -> catch -> end",
    body='<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>",
)
CALLING = model("start -> call -> end", body='<callActivity id="call" calledElement="p"/>', process_id="calling")
OPEN_INSTANCES = "SELECT count(*) FROM process_instance WHERE ended_at IS NULL"


def completion(job: Job, **options: Any) -> CompleteJob:
    return CompleteJob(partition=job.partition, id=job.id, **{"worker_id": play.WORKER, **options})


def creation(bpmn_process_id: str = "p", version: str = "1", **options: Any) -> CreateProcessInstance:
    return CreateProcessInstance(bpmn_process_id=bpmn_process_id, version=version, worker_id=play.WORKER, **options)


def locked(service: Service, count: int, xml: str = play.ONE_TASK) -> list[Job]:
    """One job each of as many new instances."""
    return [job for _ in range(count) for job in play.lock_of(service, play.begin(service, xml))]


def shown(outcomes: list[Any]) -> list[str]:
    """States, and the kinds of errors."""
    return [str(each.kind if isinstance(each, EngineError) else each.state) for each in outcomes]


class Shared:
    """How many commands each transaction has done that was shared, and how many left it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settled: list[int] = []
        self.alone: list[int] = []

        def noted(*given: Any) -> Any:
            shared = execute_together(*given)
            self.settled.append(len(shared.settled))
            self.alone.append(len(shared.alone))
            return shared

        monkeypatch.setattr("app.sharing.execute_together", noted)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Shared:
    return Shared(monkeypatch)


def test_every_outcome_comes_in_one_transaction(service: Service, shared: Shared):
    done, failing, retrying, completed, foreign, free, canceled, unknown_scope = locked(service, 8)
    play.complete(service, completed)
    play.lock(service, id=foreign.id, partition=foreign.partition)
    service.execute(UnlockJobs(worker_id=play.WORKER, partition=free.partition, id=free.id))
    service.execute(
        CancelProcessInstance(partition=canceled.partition, id=canceled.process_instance_id, worker_id="op")
    )
    scope = VariableInput(name="x", bpmn_element_id="nowhere")
    commands = [
        completion(done, process_variables=play.variables(x="1")),
        completion(failing, error="broken"),
        completion(retrying, error="broken", retry_limit=3, retry_timer="PT1H"),
        completion(completed),
        completion(foreign, worker_id="somebody else"),
        completion(free),
        completion(canceled),
        completion(unknown_scope, element_variables=(scope,)),
        CompleteJob(partition=done.partition, id=999, worker_id=play.WORKER),
    ]
    outcomes = service.execute_each(commands)
    assert shown(outcomes) == [
        *("DONE", "CAUSED_INCIDENT", "CAUSED_RETRY", "CONFLICT", "CONFLICT", "CONFLICT", "CANCELED", "VALIDATION"),
        "NOT_FOUND",
    ]
    assert {outcome.title for outcome in outcomes if isinstance(outcome, EngineError)} == {
        "failed to complete job",
        "failed to set element variables",
    }
    assert (shared.settled, shared.alone) == ([9], [0])
    states = [
        (job.state, job.completed_at is None) for job in service.query(JobCriteria()) if job.id == unknown_scope.id
    ]
    assert states == [("LOCKED", True)]
    require_sound(service.config.database_url)


def test_an_encrypted_variable_without_a_key_refuses_its_own_command_only(
    config: Config, clock: ManualClock, shared: Shared
):
    service = open_service(replace(config, encryption_keys=()), clock)
    play.deploy(service)
    secret = (VariableInput(name="secret", data=Data(encoding="text", value="1", encrypted=True)),)
    outcomes = service.execute_each([creation(), creation(variables=secret), creation()])
    assert shown(outcomes) == ["STARTED", "VALIDATION", "STARTED"]
    assert (shared.settled[-1], shared.alone[-1]) == (3, 0)
    service.close()


def test_the_same_job_twice_is_completed_and_then_a_conflict(service: Service):
    job, other = locked(service, 2)
    outcomes = service.execute_each([completion(job), completion(other), completion(job), completion(job)])
    assert shown(outcomes) == ["DONE", "DONE", "CONFLICT", "CONFLICT"]
    assert outcomes[2].detail == f"job {job.partition}/{job.id} is completed"


def test_jobs_of_one_instance_see_what_those_before_have_left(service: Service):
    """Of the instances, each ends with the last of its jobs only."""
    jobs = [
        job
        for _ in range(3)
        for job in play.lock_of(service, play.begin(service, model("start -> fork -> a -> end", "fork -> b -> end")))
    ]
    assert shown(service.execute_each([completion(job) for job in jobs])) == ["DONE"] * 6
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_a_job_that_is_canceled_by_one_before_it_changes_nothing(service: Service):
    """An error that a boundary event catches ends the other task of the sub-process."""
    xml = model(
        "start -> sub -> end",
        "caught -> late",
        head='<error id="e" errorCode="E"/>',
        body='<subProcess id="sub"><startEvent id="s"/><parallelGateway id="forks"/><serviceTask id="x"/>'
        '<serviceTask id="y"/><endEvent id="z"/>'
        f"{play.edges('s -> forks -> x -> z', 'forks -> y -> z', prefix='g')}</subProcess>"
        '<boundaryEvent id="caught" attachedToRef="sub"><errorEventDefinition errorRef="e"/></boundaryEvent>'
        '<endEvent id="late"/>',
    )
    instance = play.begin(service, xml)
    x, y = sorted(play.lock_of(service, instance), key=lambda job: job.bpmn_element_id)
    (other,) = locked(service, 1)
    thrown = completion(x, completion=Completion(error_code="E"))
    assert shown(service.execute_each([thrown, completion(other), completion(y)])) == ["DONE", "DONE", "CANCELED"]
    require_sound(service.config.database_url)


def test_a_caller_and_what_it_called_take_turns(service: Service, shared: Shared):
    """The end of the called instance creates a job of the caller, which is completed in the next batch."""
    play.deploy(service)
    called: list[Job] = []
    for _ in range(3):
        (call,) = play.lock_of(service, play.begin(service, CALLING))
        given = Completion(called_process=CalledProcess(bpmn_process_id="p", version="1"))
        play.complete(service, call, completion=given)
    called = play.lock(service)
    shared.settled.clear()
    assert shown(service.execute_each([completion(job) for job in called])) == ["DONE"] * 3
    assert (shared.settled, shared.alone) == ([3], [0])
    passing = play.lock(service)
    assert {job.type for job in passing} == {"PASS_VARIABLES"}
    assert shown(service.execute_each([completion(job) for job in passing])) == ["DONE"] * 3
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_jobs_of_a_caller_and_of_what_it_called_come_after_each_other(service: Service, shared: Shared):
    """They share a root, and what one leaves there the other has to see."""
    play.deploy(service)
    xml = model(
        "start -> fork -> call -> end",
        "fork -> b -> end",
        body='<callActivity id="call" calledElement="p"/>',
        process_id="calling",
    )
    for _ in range(2):
        jobs = {job.bpmn_element_id: job for job in play.lock_of(service, play.begin(service, xml))}
        given = Completion(called_process=CalledProcess(bpmn_process_id="p", version="1"))
        play.complete(service, jobs["call"], completion=given)
    called = play.lock(service)
    callers = [job for job in service.query(JobCriteria()) if job.bpmn_element_id == "b"]
    shared.settled.clear()
    outcomes = service.execute_each([completion(job) for job in (*called, *callers)])
    assert shown(outcomes) == ["DONE"] * 4
    assert shared.settled == [2, 2]
    play_on = service.execute_each([completion(job) for job in play.lock(service)])
    assert shown(play_on) == ["DONE"] * 2
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_instances_with_much_that_is_active_are_read_where_the_jobs_are(service: Service, shared: Shared):
    jobs = [play.lock_of(service, play.begin(service, play.wide(12)))[n] for n in range(3)]
    assert shown(service.execute_each([completion(job) for job in jobs])) == ["DONE"] * 3
    assert (shared.settled, shared.alone) == ([3], [0])
    assert value(service.config.database_url, OPEN_INSTANCES) == 3
    require_sound(service.config.database_url)


@pytest.mark.postgres
def test_groups_that_meet_never_wait_for_each_other_in_a_circle(postgres: Service):
    """Each has jobs of all the instances, one of them in the opposite order, beside single commands."""
    url = postgres.config.database_url
    xml = model("start -> fork -> a -> end", "fork -> b -> end", "fork -> c -> end")
    found: dict[str, list[Job]] = {"a": [], "b": [], "c": []}
    for _ in range(40):
        for job in play.lock_of(postgres, play.begin(postgres, xml)):
            found[job.bpmn_element_id].append(job)
    outcomes = in_threads(
        lambda: postgres.execute_each([completion(job) for job in found["a"]]),
        lambda: postgres.execute_each([completion(job) for job in reversed(found["b"])]),
        lambda: [postgres.execute(completion(job)) for job in found["c"]],
    )
    assert [shown(each) for each in outcomes] == [["DONE"] * 40] * 3
    assert value(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0
    assert value(url, OPEN_INSTANCES) == 0
    require_sound(url)


def test_process_instances_of_a_limited_process_queue_up_in_their_order(service: Service, shared: Shared):
    play.deploy(service, model("start -> a -> end", process_id="limited"), parallelism=2)
    play.deploy(service)
    outcomes = service.execute_each([creation("limited"), creation(), creation("limited"), creation("limited")])
    assert shown(outcomes) == ["STARTED", "STARTED", "STARTED", "QUEUED"]
    assert value(service.config.database_url, "SELECT active FROM process_queue WHERE bpmn_process_id = 'limited'") == 2
    require_sound(service.config.database_url)


def test_a_process_that_has_got_a_limit_meanwhile_is_noticed_by_the_whole_batch(
    service: Service, config: Config, clock: ManualClock
):
    """Another process has deployed it, so nothing tells this one."""
    play.deploy(service)
    service.execute_each([creation(), creation()])
    other = open_service(config, clock)
    play.deploy(other, version="2", parallelism=3)
    other.close()
    outcomes = service.execute_each([creation(), creation(), creation("nowhere")])
    assert shown(outcomes) == ["STARTED", "QUEUED", "NOT_FOUND"]


def test_instances_of_a_limited_process_end_one_by_one_and_others_come_in_their_place(service: Service):
    xml = model("start -> a -> end", process_id="limited")
    play.deploy(service, xml, parallelism=2)
    for _ in range(4):
        play.start(service, "limited")
    jobs = play.lock(service)
    assert shown(service.execute_each([completion(job) for job in jobs])) == ["DONE", "DONE"]
    play.run_tasks(service)
    assert [each.state for each in service.query(ProcessInstanceCriteria())] == [
        *("COMPLETED", "COMPLETED", "STARTED", "STARTED")
    ]


def test_two_that_wait_for_the_same_message_do_not_both_get_it(service: Service, shared: Shared):
    jobs = locked(service, 2, play.MESSAGE_CATCH)
    play.send(service, "paid", "k", expiration_timer=play.HOUR)
    given = Completion(message_correlation_key="k")
    assert shown(service.execute_each([completion(job, completion=given) for job in jobs])) == ["DONE", "DONE"]
    assert shared.alone == [2]
    found = rows(service.config.database_url, "SELECT count(*) FROM task WHERE type = 'TRIGGER_EVENT'")
    waiting = rows(service.config.database_url, "SELECT count(*) FROM message_subscription")
    assert (found, waiting) == ([(1,)], [(1,)])


def test_one_that_fails_among_a_hundred_takes_no_other_with_it(service: Service, monkeypatch: pytest.MonkeyPatch):
    """What the walk of one of them raises is nothing anyone expects."""
    play.deploy(service)
    service.execute_each([creation() for _ in range(100)])
    jobs = play.lock(service)
    tragic = jobs[37].id

    def breaks(self: Any, job: Job, *given: Any) -> Any:
        if job.id == tragic:
            raise ZeroDivisionError("broken on purpose")
        return job_done(self, job, *given)

    job_done = Run.job_done
    monkeypatch.setattr(Run, "job_done", breaks)
    outcomes = service.execute_each([completion(job) for job in jobs])
    assert [number for number, outcome in enumerate(outcomes) if not isinstance(outcome, Job)] == [37]
    assert isinstance(outcomes[37], ZeroDivisionError)
    assert value(service.config.database_url, OPEN_INSTANCES) == 1
    require_sound(service.config.database_url)


def test_one_that_can_not_be_written_among_many_takes_no_other_with_it(service: Service):
    """The database refuses the rows of the whole transaction, and of one command when they come one by one."""
    jobs = locked(service, 5)
    url = service.config.database_url
    before = dump(url)
    with breaking(url, "INSERT", "variable"):
        outcomes = service.execute_each(
            [completion(job, process_variables=play.variables(x="1") if n == 2 else ()) for n, job in enumerate(jobs)]
        )
    assert [isinstance(outcome, Job) for outcome in outcomes] == [True, True, False, True, True]
    assert value(url, OPEN_INSTANCES) == 1
    with breaking(url, "UPDATE", "job"):
        assert not any(
            isinstance(each, Job) for each in service.execute_each([completion(jobs[2]), completion(jobs[2])])
        )
    assert dump(url)["variable"] == before["variable"]
    require_sound(url)


def test_what_another_process_has_unlocked_meanwhile_fails_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch, shared: Shared
):
    """Unlocking takes no lock of the instance: the write notices it, and each is executed by itself."""
    jobs = locked(service, 4)
    save = Saver.save
    once = [True]

    def meanwhile(self: Saver, session: Session, changes: Any) -> Any:
        calls = save(self, session, changes)
        if once:
            once.clear()
            changes.updated[Job][1].locked_by = "as it was read before"
            calls = save(self, session, changes)
        return calls

    monkeypatch.setattr(Saver, "save", meanwhile)
    assert shown(service.execute_each([completion(job) for job in jobs])) == ["DONE"] * 4
    assert shared.settled == [4]
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_a_limit_that_comes_to_light_in_the_write_has_each_executed_alone(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(service)
    save = Saver.save
    times: list[int] = []

    def refuses(self: Saver, session: Session, changes: Any) -> Any:
        times.append(1)
        if len(times) == 1:
            raise AssumedWrongly
        return save(self, session, changes)

    monkeypatch.setattr(Saver, "save", refuses)
    assert shown(service.execute_each([creation() for _ in range(3)])) == ["STARTED"] * 3
    assert len(times) == 4


def test_nothing_is_tried_any_more_once_the_database_is_away(service: Service, monkeypatch: pytest.MonkeyPatch):
    jobs = locked(service, 7)
    monkeypatch.setattr("app.sharing.MOST_TOGETHER", 3)
    begin, tried = Store.begin_group, []

    def away(self: Store, loaded: Any) -> Any:
        tried.append(1)
        if len(tried) == 2:
            raise EngineError(ErrorKind.UNAVAILABLE, "the database can't be reached")
        return begin(self, loaded)

    monkeypatch.setattr(Store, "begin_group", away)
    monkeypatch.setattr(Store, "is_away", lambda self, error: isinstance(error, EngineError))
    outcomes = service.execute_each([completion(job) for job in jobs])
    assert shown(outcomes) == ["DONE"] * 3 + ["UNAVAILABLE"] * 4
    assert [outcome.detail for outcome in outcomes[3:]] == [
        *["the database can't be reached"] * 3,
        "not tried, because the database was unavailable just before",
    ]
    assert {outcome.title for outcome in outcomes[3:]} == {"failed to complete job"}
    assert len(tried) == 2


def test_the_time_of_a_group_is_read_after_its_last_lock(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    jobs = locked(service, 3)
    before_lock = Transaction._before_lock

    def passes(tx: Transaction) -> None:
        before_lock(tx)
        clock.advance(timedelta(seconds=1))

    began = clock.now()
    monkeypatch.setattr(Transaction, "_before_lock", passes)
    outcomes = service.execute_each([completion(job) for job in jobs])
    assert {job.completed_at for job in outcomes if isinstance(job, Job)} == {began + timedelta(seconds=1)}


# Tasks of the engine


def due_timers(service: Service, clock: ManualClock, count: int) -> list[Task]:
    for _ in range(count):
        play.begin(service, TIMER_CATCH)
    clock.advance(timedelta(hours=2))
    return service.execute(LockTasks(limit=count, type=TaskType.TRIGGER_EVENT))


def test_due_timers_of_different_instances_share_a_transaction(service: Service, clock: ManualClock, shared: Shared):
    tasks = due_timers(service, clock, 5)
    executed = service.tasks.run(tasks)
    assert [task.id for task in executed.completed] == [task.id for task in tasks]
    assert {task.state for task in executed.completed} == {"DONE"}
    assert shared.settled == [5]
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_joins_share_a_transaction_too(service: Service, shared: Shared):
    for _ in range(4):
        play.work(service, play.begin(service, play.TWO_TASKS))
    shared.settled.clear()
    # Each of the two branches has a task, of which the second one finds nothing left to do.
    assert Counter(str(task.state) for task in play.run_joins(service)) == {"DONE": 4, "CANCELED": 4}
    assert shared.settled == [4, 4]
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_an_instance_of_a_limited_process_that_ends_by_surprise_is_walked_by_itself(
    service: Service, clock: ManualClock, shared: Shared
):
    """Nothing but the walk tells that it ends; what was read together for others as well is spoiled by then."""
    timer = (
        '<intermediateCatchEvent id="c"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
        '</timerEventDefinition></intermediateCatchEvent><manualTask id="pass"/>'
    )
    xml = model("start -> c -> pass -> end", body=timer, process_id="limited")
    play.deploy(service, xml, parallelism=5)
    for _ in range(3):
        play.start(service, "limited")
    clock.advance(timedelta(hours=2))
    executed = service.tasks.run(service.execute(LockTasks(limit=100, type=TaskType.TRIGGER_EVENT)))
    assert [task.state for task in executed.completed] == ["DONE"] * 3
    assert shared.alone == [3]
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    assert value(service.config.database_url, "SELECT active FROM process_queue") == 0
    require_sound(service.config.database_url)


def test_tasks_of_one_instance_run_after_each_other(service: Service, clock: ManualClock):
    body = "".join(
        f'<intermediateCatchEvent id="{id}"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
        "</timerEventDefinition></intermediateCatchEvent>"
        for id in ("c1", "c2", "c3")
    )
    two = model("start -> fork -> c1 -> end", "fork -> c2 -> end", "fork -> c3 -> end", body=body)
    for _ in range(3):
        play.begin(service, two)
    clock.advance(timedelta(hours=2))
    executed = service.tasks.run(service.execute(LockTasks(limit=100, type=TaskType.TRIGGER_EVENT)))
    assert Counter(task.state for task in executed.completed) == {"DONE": 9}
    assert value(service.config.database_url, OPEN_INSTANCES) == 0
    require_sound(service.config.database_url)


def test_a_task_that_was_lost_leaves_the_others_of_its_group_alone(
    service: Service, clock: ManualClock, config: Config
):
    tasks = due_timers(service, clock, 3)
    clock.advance(timedelta(seconds=config.task_lock_timeout))
    other = open_service(config, clock)
    other.execute(RecoverTasks())
    other.close()
    held = service.execute(LockTasks(limit=1, partition=tasks[0].partition, id=tasks[0].id))
    assert [task.id for task in held] == [tasks[0].id]
    executed = service.tasks.run(tasks)
    assert [task.id for task in executed.completed] == [tasks[0].id]
    assert [task.id for task in executed.failed] == [task.id for task in tasks[1:]]


def test_a_task_that_breaks_is_taken_out_and_has_its_incident(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    tasks = due_timers(service, clock, 4)
    task_due = Run.task_due

    def breaks(self: Any, task: Task, *given: Any) -> Any:
        if task.id == tasks[1].id:
            raise ZeroDivisionError("broken on purpose")
        return task_due(self, task, *given)

    monkeypatch.setattr(Run, "task_due", breaks)
    executed = service.tasks.run(tasks)
    assert {task.id: str(task.state) for task in executed.completed} == {
        task.id: "CAUSED_INCIDENT" if task is tasks[1] else "DONE" for task in tasks
    }
    require_sound(service.config.database_url)


def test_a_task_that_fails_stays_in_its_group(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, shared: Shared
):
    """An error of the engine is an outcome like any other."""
    tasks = due_timers(service, clock, 3)
    task_due = Run.task_due

    def fails(self: Any, task: Task, *given: Any) -> Any:
        if task.id == tasks[1].id:
            raise EngineError(ErrorKind.EXECUTION, "it can't go on", title="failed to continue execution")
        return task_due(self, task, *given)

    monkeypatch.setattr(Run, "task_due", fails)
    executed = service.tasks.run(tasks)
    assert [str(task.state) for task in executed.completed] == ["DONE", "CAUSED_INCIDENT", "DONE"]
    assert (shared.settled, shared.alone) == ([3], [0])
    require_sound(service.config.database_url)


def test_what_is_stopped_finishes_its_group_and_gives_back_the_rest(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, shared: Shared
):
    monkeypatch.setattr("app.sharing.MOST_TOGETHER", 3)
    tasks = due_timers(service, clock, 8)
    executed = service.tasks.run(tasks, lambda: bool(shared.settled))
    assert len(executed.completed) == 3
    free = "SELECT count(*) FROM task WHERE type = 'TRIGGER_EVENT' AND locked_by IS NULL AND completed_at IS NULL"
    assert value(service.config.database_url, free) == 5


# Killed


MOST = 3


def die_at(at: str, number: int) -> None:
    """This process will end in the write of a group, or between two groups."""
    count = [0]

    def die() -> None:
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    begin = Store.begin_group

    def begins(self: Store, loaded: Any) -> Any:
        die()
        return begin(self, loaded)

    if at == "between":
        Store.begin_group = begins  # type: ignore[method-assign]  # nobody comes after
        return
    for session in (PostgresSession, SQLiteSession):
        session.commit = _dies_before_commit(session.commit, die)  # type: ignore[method-assign]  # as above


def _dies_before_commit(commit: Any, die: Callable[[], None]) -> Any:
    def dies(self: Any, *calls: Any) -> None:
        if len(calls) and self._open:
            self.run(*calls)
            die()
            commit(self)
        else:
            commit(self, *calls)

    return dies


def complete_until_killed(url: str, at: str, number: int) -> None:
    import app.sharing

    app.sharing.MOST_TOGETHER = MOST
    service = open_service(Config(database_url=url, partition_ahead_days=0), SystemClock())
    jobs = service.query(JobCriteria())
    service._store.load_graph(jobs[0].process_id)
    die_at(at, number)
    service.execute_each([completion(job) for job in jobs])


@pytest.mark.parametrize("at", ["between", "write"])
def test_a_kill_leaves_whole_groups_done_or_not_at_all(service: Service, at: str):
    url = service.config.database_url
    locked(service, 4 * MOST)
    process = context().Process(target=complete_until_killed, args=(url, at, 3), daemon=True)
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == -signal.SIGKILL
    assert value(url, OPEN_INSTANCES) == 2 * MOST
    require_sound(url)
    left = [job for job in service.query(JobCriteria()) if job.completed_at is None]
    assert shown(service.execute_each([completion(job) for job in left])) == ["DONE"] * (2 * MOST)
    require_sound(url)


# What it costs


@pytest.mark.postgres
def test_a_commit_whose_outcome_is_unknown_is_not_repeated(databases: Databases):
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        service = open_service(Config(database_url=wire.url, partition_ahead_days=0), SystemClock())
        jobs = locked(service, 3)
        wire.loses("COMMIT", arrives=True)
        outcomes = service.execute_each([completion(job) for job in jobs])
        assert {outcome.detail for outcome in outcomes} == {
            "the connection to the database was lost while saving: it may or may not have taken effect"
        }
        assert shown(outcomes) == ["UNAVAILABLE"] * 3
        assert value(url, OPEN_INSTANCES) == 0
        service.close()
        wire.close()


@pytest.mark.postgres
def test_a_group_whose_connection_is_lost_before_its_commit_is_repeated(databases: Databases):
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        service = open_service(Config(database_url=wire.url, partition_ahead_days=0), SystemClock())
        jobs = locked(service, 3)
        wire.loses("FROM process_instance", arrives=True)
        assert shown(service.execute_each([completion(job) for job in jobs])) == ["DONE"] * 3
        service.close()
        wire.close()


def costs(service: Service, clock: ManualClock, counting: Callable[[], Any], count: int) -> dict[str, tuple[int, int]]:
    """Statements and round trips of batches of so many, once everything is warm."""
    found = {}
    for _ in range(3):
        play.deploy(service)
        with counting() as counted:
            service.execute_each([creation() for _ in range(count)])
        found["create"] = counted.statements, counted.round_trips
        jobs = play.lock(service, limit=count)
        with counting() as counted:
            service.execute_each([completion(job) for job in jobs])
        found["complete"] = counted.statements, counted.round_trips
        tasks = due_timers(service, clock, count)
        with counting() as counted:
            assert len(service.tasks.run(tasks).completed) == count
        found["timers"] = counted.statements, counted.round_trips
    return found


@pytest.mark.postgres
def test_a_batch_costs_as_much_as_one_command_on_postgresql(databases: Databases):
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        clock = ManualClock(datetime(2026, 11, 23, 12))
        service = open_service(Config(database_url=wire.url, partition_ahead_days=0), clock)
        found = {count: costs(service, clock, wire.counting, count) for count in (5, 50)}
        service.close()
        wire.close()
    assert found[50] == found[5] == {"create": (2, 2), "complete": (5, 3), "timers": (5, 3)}


@pytest.mark.postgres
def test_no_statement_of_a_batch_is_planned_anew(databases: Databases):
    with databases.fresh("postgres") as url:
        clock = ManualClock(datetime(2026, 11, 23, 12))
        service = open_service(Config(database_url=url, partition_ahead_days=0, database_pool_size=2), clock)
        for _ in range(4):
            costs(service, clock, counting_statements, 20)
        plans = []
        with service._store._dialect.engine.connect() as one, service._store._dialect.engine.connect() as other:
            for connection in (one, other):
                plans += connection.exec_driver_sql(
                    "SELECT statement, custom_plans FROM pg_prepared_statements WHERE generic_plans + custom_plans > 9"
                ).all()
        service.close()
    assert len(plans) >= 8
    # The first five times a statement is planned for its parameters, to compare.
    assert [statement for statement, custom in plans if custom > 5] == []


@pytest.mark.sqlite
def test_the_statements_of_a_batch_do_not_grow_with_it_on_sqlite(databases: Databases):
    with databases.fresh("sqlite") as url:
        clock = ManualClock(datetime(2026, 11, 23, 12))
        service = open_service(Config(database_url=url, partition_ahead_days=0), clock)
        found = {count: costs(service, clock, counting_statements, count) for count in (5, 50)}
        service.close()
    statements = {count: {name: cost[0] for name, cost in each.items()} for count, each in found.items()}
    assert statements[50] == statements[5] == {"create": 4, "complete": 7, "timers": 7}


def note(tx: Transaction, name: str) -> None:
    """Something to be written along with a command."""
    row = {"bpmn_process_id": name, "parallelism": 0, "active": 0}
    tx.along(Write(SET_QUEUE, [row]))


def test_what_goes_along_is_written_with_the_command_or_not_at_all(service: Service, database_url: str) -> None:
    store = service._store
    with store.begin() as tx:
        note(tx, "alone")
    with store.begin() as tx:
        note(tx, "first")
        note(tx, "second")
        tx.begin_alone()
    with pytest.raises(RuntimeError), store.begin() as tx:
        note(tx, "never")
        raise RuntimeError
    found = rows(database_url, "SELECT bpmn_process_id FROM process_queue ORDER BY 1")
    assert [name for (name,) in found] == ["alone", "first", "second"]


def test_what_goes_along_with_a_command_that_shares_a_transaction_is_written_unless_it_is_refused(
    service: Service, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    play.deploy(service, play.ONE_TASK)
    handler = HANDLERS[CreateProcessInstance]

    def noting(ctx: Context, cmd: CreateProcessInstance) -> Any:
        note(ctx.tx, cmd.correlation_key)
        return handler(ctx, cmd)

    monkeypatch.setitem(HANDLERS, CreateProcessInstance, noting)
    outcomes = service.execute_each(
        [creation(correlation_key="a"), creation(version="9", correlation_key="b"), creation(correlation_key="c")]
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    found = rows(database_url, "SELECT bpmn_process_id FROM process_queue WHERE parallelism = 0 ORDER BY 1")
    assert [name for (name,) in found] == ["a", "c"]
