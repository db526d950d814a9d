"""A command that is refused, or that breaks wherever it may, leaves the database as it was, and the service usable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.base import Data, VariableInput
from app.commands.instance import CancelProcessInstance, ResumeProcessInstance, SuspendProcessInstance
from app.commands.job import CompleteJob
from app.commands.signal import SendSignal
from app.commands.task import LockTasks, RunTask
from app.commands.variable import SetElementVariables, SetProcessVariables
from app.config import Config
from app.engine.completion import Completion
from app.engine.records import Job, ProcessInstance
from app.engine.types import InstanceState, WorkState
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from app.timer import Timer
from tests.databases import Databases
from tests.store import play
from tests.store.database import connected, dump, require_sound
from tests.store.play import model

KINDS = ("sqlite", "postgres")
NOON = datetime(2026, 11, 23, 12)
ENCRYPTED = (VariableInput(name="secret", data=Data(encoding="text", value="1", encrypted=True)),)
TIMER_START = model("start -> a -> end", body='<startEvent id="start"><timerEventDefinition/></startEvent>')
OTHER_MESSAGE_START = play.MESSAGE_START.replace('<process id="p"', '<process id="other"')


@dataclass(slots=True)
class Stage:
    """A service with an instance that waits at its service task, whose job is locked; and one beside it."""

    service: Service
    instance: ProcessInstance
    job: Job

    def completes(self, **options: Any) -> Job:
        return play.complete(self.service, self.job, **options)


def staged(service: Service) -> Stage:
    play.deploy(service)
    instance = play.begin(service, model("start -> a -> b -> end"), variables=play.variables(x="1"))
    (job,) = play.lock_of(service, instance)
    return Stage(service, instance, job)


@pytest.fixture
def stage(service: Service) -> Stage:
    return staged(service)


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in KINDS])
def calm_stage(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Stage]:
    """One stage for all commands that are refused, with others to be refused: none of them leaves a trace."""
    with databases.fresh(request.param) as url:
        service = open_service(Config(database_url=url, partition_ahead_days=0), ManualClock(NOON))
        stage = staged(service)
        awaited = play.MESSAGE_CATCH.replace("paid", "awaited")
        play.work(service, play.begin(service, awaited), message_correlation_key="k")
        play.begin(service, play.SIGNAL_CATCH)
        # Start events of the newest version only are in force.
        play.deploy(service, play.MESSAGE_START, version="message")
        yield stage
        service.close()


def require_unchanged(stage: Stage, do: Callable[[], object], kind: ErrorKind) -> None:
    url = stage.service.config.database_url
    before = dump(url)
    with pytest.raises(EngineError) as raised:
        do()
    assert raised.value.kind is kind
    assert dump(url) == before


DEPLOYMENTS: dict[str, tuple[str, dict[str, Any], ErrorKind]] = {
    "a model that cannot be executed": (
        model("start -> a -> end", body='<callChoreography id="a"/>', process_id="q"),
        {},
        ErrorKind.PROCESS_MODEL,
    ),
    "a file that is broken": ('<definitions><process id="q">', {}, ErrorKind.PROCESS_MODEL),
    "a start event without a definition": (TIMER_START, {}, ErrorKind.VALIDATION),
    "definitions for unknown elements": (play.ONE_TASK, {"errors": {"nowhere": "1"}}, ErrorKind.VALIDATION),
    "a message start of another process": (OTHER_MESSAGE_START, {}, ErrorKind.VALIDATION),
    "the same version with another model": (model("start -> z -> end"), {"version": "1"}, ErrorKind.CONFLICT),
    "a timer that cannot be evaluated": (
        TIMER_START,
        {"timers": {"start": Timer(time_duration="nonsense")}},
        ErrorKind.VALIDATION,
    ),
}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_refused_deployment_writes_nothing(calm_stage: Stage, name: str):
    xml, options, kind = DEPLOYMENTS[name]
    require_unchanged(calm_stage, lambda: play.deploy(calm_stage.service, xml, **{"version": "2", **options}), kind)


def test_deploying_the_same_again_writes_nothing(calm_stage: Stage):
    url = calm_stage.service.config.database_url
    before = dump(url)
    play.deploy(calm_stage.service)
    assert dump(url) == before


def test_an_instance_of_an_unknown_process_writes_nothing(calm_stage: Stage):
    require_unchanged(calm_stage, lambda: play.start(calm_stage.service, "nowhere"), ErrorKind.NOT_FOUND)


def test_an_instance_that_cannot_start_writes_nothing(calm_stage: Stage):
    require_unchanged(calm_stage, lambda: play.start(calm_stage.service, version="message"), ErrorKind.PROCESS_MODEL)


def test_an_encrypted_variable_without_a_key_starts_nothing(calm_stage: Stage):
    require_unchanged(calm_stage, lambda: play.start(calm_stage.service, variables=ENCRYPTED), ErrorKind.VALIDATION)


COMPLETIONS: dict[str, tuple[dict[str, Any], ErrorKind]] = {
    "by another worker": ({"worker": "somebody else"}, ErrorKind.CONFLICT),
    "with an unknown scope": (
        {
            "element_variables": (
                VariableInput(name="x", data=Data(encoding="t", value="1"), bpmn_element_id="nowhere"),
            )
        },
        ErrorKind.VALIDATION,
    ),
    "with an encrypted process variable": ({"process_variables": ENCRYPTED}, ErrorKind.VALIDATION),
    "with an encrypted element variable": ({"element_variables": ENCRYPTED}, ErrorKind.VALIDATION),
    "with a retry beyond all years": (
        {"error": "broken", "retry_limit": 1, "retry_timer": "P9000Y"},
        ErrorKind.VALIDATION,
    ),
}


@pytest.mark.parametrize("name", COMPLETIONS)
def test_a_refused_completion_writes_nothing(calm_stage: Stage, name: str):
    options, kind = COMPLETIONS[name]
    require_unchanged(calm_stage, lambda: calm_stage.completes(**options), kind)


def test_completing_what_is_not_locked_writes_nothing(stage: Stage):
    instance = play.start(stage.service)
    (job,) = play.lock_of(stage.service, instance)
    play.complete(stage.service, job)
    require_unchanged(stage, lambda: play.complete(stage.service, job), ErrorKind.CONFLICT)
    missing = CompleteJob(partition=job.partition, id=99, worker_id=play.WORKER)
    require_unchanged(stage, lambda: stage.service.execute(missing), ErrorKind.NOT_FOUND)


def test_a_walk_that_fails_writes_the_failed_job_and_what_the_worker_set_and_nothing_else(stage: Stage):
    url = stage.service.config.database_url
    before = dump(url)
    done = stage.completes(completion=Completion(error_code="nobody catches this"), process_variables=ENCRYPTED[:0])
    assert done.state is WorkState.CAUSED_INCIDENT
    after = dump(url)
    assert [table for table in before if before[table] != after[table]] == ["incident", "job"]


REFUSED: dict[str, tuple[Callable[[Stage], object], ErrorKind]] = {
    "a message with a timer that cannot be evaluated": (
        lambda stage: play.send(stage.service, "paid", "k", expiration_timer=Timer(time_duration="nonsense")),
        ErrorKind.VALIDATION,
    ),
    "a message with an encrypted variable": (
        lambda stage: play.send(stage.service, "paid", "k", variables=ENCRYPTED),
        ErrorKind.VALIDATION,
    ),
    "a message with an encrypted variable to a subscriber": (
        lambda stage: play.send(stage.service, "awaited", "k", variables=ENCRYPTED),
        ErrorKind.VALIDATION,
    ),
    "a signal with an encrypted variable": (
        lambda stage: stage.service.execute(SendSignal(name="alarm", worker_id=play.WORKER, variables=ENCRYPTED)),
        ErrorKind.VALIDATION,
    ),
    "an encrypted variable of a process": (
        lambda stage: stage.service.execute(
            SetProcessVariables(
                partition=stage.instance.partition,
                id=stage.instance.id,
                worker_id=play.WORKER,
                variables=(*play.variables(x="2"), *ENCRYPTED),
            )
        ),
        ErrorKind.VALIDATION,
    ),
    "a variable of an unknown scope": (
        lambda stage: stage.service.execute(
            SetElementVariables(
                partition=stage.job.partition,
                id=stage.job.element_instance_id,
                worker_id=play.WORKER,
                variables=(
                    *play.variables(x="2"),
                    VariableInput(name="x", data=Data(encoding="t", value="1"), bpmn_element_id="nowhere"),
                ),
            )
        ),
        ErrorKind.VALIDATION,
    ),
    "resuming what is not suspended": (
        lambda stage: stage.service.execute(
            ResumeProcessInstance(partition=stage.instance.partition, id=stage.instance.id, worker_id=play.WORKER)
        ),
        ErrorKind.CONFLICT,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_writes_nothing(calm_stage: Stage, name: str):
    do, kind = REFUSED[name]
    require_unchanged(calm_stage, lambda: do(calm_stage), kind)


@contextmanager
def breaking(url: str, event: str, table: str) -> Iterator[None]:
    """Any insert, update or delete of a row of the table is refused by the database."""
    with connected(url) as connection:
        if url.startswith("sqlite"):
            connection.execute(
                f"CREATE TRIGGER breaking BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
            )
        else:
            connection.execute(
                "CREATE OR REPLACE FUNCTION break() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$"
            )
            connection.execute(
                f"CREATE TRIGGER breaking BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION break()"
            )
    try:
        yield
    finally:
        with connected(url) as connection:
            connection.execute("DROP TRIGGER breaking" + ("" if url.startswith("sqlite") else f" ON {table}"))


def _by_key(instance: ProcessInstance) -> dict[str, Any]:
    return {"partition": instance.partition, "id": instance.id, "worker_id": play.WORKER}


def _prepare_join(stage: Stage) -> Callable[[], object]:
    play.work(stage.service, play.begin(stage.service, play.TWO_TASKS))
    task = stage.service.execute(LockTasks(limit=1, type="JOIN_PARALLEL_GATEWAY"))[0]
    return lambda: stage.service.execute(RunTask(task=task))


def _prepare_message(stage: Stage) -> Callable[[], object]:
    play.work(stage.service, play.begin(stage.service, play.MESSAGE_CATCH), message_correlation_key="k")
    return lambda: play.send(stage.service, "paid", "k", variables=play.variables(x="1"))


def _prepare_signal(stage: Stage) -> Callable[[], object]:
    play.begin(stage.service, play.SIGNAL_CATCH)
    command = SendSignal(name="alarm", worker_id=play.WORKER, variables=play.variables(x="1"))
    return lambda: stage.service.execute(command)


def _prepare_variables(stage: Stage) -> Callable[[], object]:
    deleted = VariableInput(name="x")
    command = SetProcessVariables(**_by_key(stage.instance), variables=(*play.variables(y="1", z="2"), deleted))
    return lambda: stage.service.execute(command)


BREAKABLE: dict[str, tuple[Callable[[Stage], Callable[[], object]], list[tuple[str, str]]]] = {
    "deploy": (
        lambda stage: lambda: play.deploy(stage.service, play.SIGNAL_START, version="new", parallelism=1),
        [
            ("INSERT", "process"),
            ("INSERT", "element"),
            ("INSERT", "event_definition"),
            ("INSERT", "process_queue"),
        ],
    ),
    "start": (
        lambda stage: lambda: play.start(stage.service, variables=play.variables(x="1")),
        [("INSERT", "process_instance"), ("INSERT", "element_instance"), ("INSERT", "job"), ("INSERT", "variable")],
    ),
    "complete": (
        lambda stage: lambda: stage.completes(process_variables=play.variables(y="1")),
        [("INSERT", "element_instance"), ("INSERT", "job"), ("UPDATE", "job"), ("INSERT", "variable")],
    ),
    "run a join": (
        _prepare_join,
        [("INSERT", "element_instance"), ("UPDATE", "element_instance"), ("UPDATE", "process_instance")],
    ),
    "send a message": (
        _prepare_message,
        [("INSERT", "message"), ("INSERT", "message_variable"), ("INSERT", "task"), ("DELETE", "message_subscription")],
    ),
    "send a signal": (
        _prepare_signal,
        [("INSERT", "signal"), ("INSERT", "signal_variable"), ("INSERT", "task"), ("DELETE", "signal_subscription")],
    ),
    "set variables": (_prepare_variables, [("INSERT", "variable"), ("DELETE", "variable")]),
    "suspend": (
        lambda stage: lambda: stage.service.execute(SuspendProcessInstance(**_by_key(stage.instance))),
        [("UPDATE", "process_instance"), ("UPDATE", "element_instance")],
    ),
    "cancel": (
        lambda stage: lambda: stage.service.execute(CancelProcessInstance(**_by_key(stage.instance))),
        [("UPDATE", "process_instance"), ("UPDATE", "element_instance"), ("UPDATE", "job")],
    ),
}
"""What prepares a command, and where that may break."""


@pytest.mark.parametrize("name", BREAKABLE)
def test_a_command_that_breaks_writes_nothing_and_succeeds_afterwards(stage: Stage, name: str):
    prepare, breakages = BREAKABLE[name]
    do = prepare(stage)
    url = stage.service.config.database_url
    before = dump(url)
    for event, table in breakages:
        with breaking(url, event, table), pytest.raises(Exception, match="broken on purpose"):
            do()
        assert dump(url) == before, (event, table)
    do()
    assert dump(url) != before
    require_sound(url)


def test_a_process_whose_deployment_broke_is_unknown(stage: Stage):
    """Nothing of it may be remembered from before the commit."""
    url = stage.service.config.database_url
    xml = model("start -> a -> end", process_id="q")
    with breaking(url, "INSERT", "element"), pytest.raises(Exception, match="broken on purpose"):
        play.deploy(stage.service, xml)
    require_unchanged(stage, lambda: play.start(stage.service, "q"), ErrorKind.NOT_FOUND)
    play.deploy(stage.service, xml)
    assert play.start(stage.service, "q").state is InstanceState.STARTED


def test_others_can_write_while_nothing_is_left_open(stage: Stage):
    url = stage.service.config.database_url
    with pytest.raises(EngineError):
        stage.completes(worker="somebody else")
    with connected(url) as other:
        if url.startswith("sqlite"):
            other.execute("PRAGMA busy_timeout = 0")
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        else:
            found = other.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
            )
            assert found.fetchone() == (0,)
