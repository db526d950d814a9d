"""A row is written only while it is as the command has read it; otherwise the command starts again. PostgreSQL only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.commands.incident import ResolveIncident
from app.commands.instance import CancelProcessInstance, SuspendProcessInstance
from app.commands.task import LockTasks, RunTask
from app.commands.user_task import UpdateUserTask
from app.criteria import IncidentCriteria, JobCriteria, TaskCriteria, UserTaskCriteria
from app.engine.completion import Completion
from app.engine.records import ProcessInstance
from app.engine.types import TaskType, WorkState
from app.errors import EngineError, ErrorKind
from app.service import Service
from app.store.postgres import Postgres
from tests.races.held import InBackground, wait_for_a_lock
from tests.races.paused import Paused
from tests.store import play
from tests.store.database import connected, require_sound, rows, value

OTHER = "somebody else"


def change(service: Service, statement: str) -> None:
    """Something that another process has done, without a lock on the instance."""
    with connected(service.config.database_url) as connection:
        assert connection.execute(statement).rowcount == 1, statement


def require_conflict(do: Callable[[], object], detail: str) -> None:
    with pytest.raises(EngineError) as raised:
        do()
    assert raised.value.kind is ErrorKind.CONFLICT
    assert detail in raised.value.detail


def test_a_job_that_is_given_back_and_taken_by_another_worker_is_not_completed_by_the_first(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    instance = play.begin(postgres)
    (job,) = play.lock_of(postgres, instance)
    completing = Paused(monkeypatch, lambda: play.complete(postgres, job))
    change(postgres, f"UPDATE job SET locked_by = '{OTHER}' WHERE id = {job.id}")
    require_conflict(completing.goes_on, f"not locked by worker {play.WORKER}, but {OTHER}")
    (left,) = postgres.query(JobCriteria(process_instance_id=instance.id))
    assert (left.state, left.locked_by, left.completed_at) == (WorkState.LOCKED, OTHER, None)
    play.complete(postgres, job, worker=OTHER)
    require_sound(postgres.config.database_url)


def test_a_job_that_is_given_back_in_the_moment_it_is_completed_stays_free(postgres: Service):
    """The one who completes waits for the row, and finds it changed."""
    instance = play.begin(postgres)
    (job,) = play.lock_of(postgres, instance)
    with connected(postgres.config.database_url) as connection, connection.transaction():
        connection.execute(f"UPDATE job SET locked_by = NULL, locked_at = NULL, state = 'CREATED' WHERE id = {job.id}")
        completing = InBackground(lambda: play.complete(postgres, job))
        wait_for_a_lock(postgres.config.database_url, completing)
    require_conflict(completing.result, "is not locked")
    assert [each.id for each in play.lock_of(postgres, instance)] == [job.id]


def test_a_task_that_is_given_back_while_it_runs_has_no_effect(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    play.work(postgres, play.begin(postgres, play.TWO_TASKS))
    (task, *_) = postgres.execute(LockTasks(type=TaskType.JOIN_PARALLEL_GATEWAY))
    running = Paused(monkeypatch, lambda: postgres.execute(RunTask(task=task)))
    change(postgres, f"UPDATE task SET locked_by = NULL, locked_at = NULL, state = 'CREATED' WHERE id = {task.id}")
    require_conflict(running.goes_on, "is not locked by")
    (left,) = [each for each in postgres.query(TaskCriteria()) if each.id == task.id]
    assert left.completed_at is None
    assert [each.state for each in play.run_joins(postgres)].count(WorkState.DONE) == 1
    require_sound(postgres.config.database_url)


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that a command rewrites, what somebody does to it meanwhile, and what is found in the end."""

    prepare: Callable[[Service], Callable[[], object]]
    meanwhile: str
    found: str
    expected: Any


def _suspends(service: Service) -> Callable[[], object]:
    instance = play.begin(service)
    return lambda: service.execute(
        SuspendProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER)
    )


def _cancels(service: Service) -> Callable[[], object]:
    instance: ProcessInstance = play.begin(service)
    return lambda: service.execute(
        CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER)
    )


def _ends(service: Service) -> Callable[[], object]:
    (job,) = play.lock_of(service, play.begin(service))
    return lambda: play.complete(service, job)


def _subscribes(service: Service) -> Callable[[], object]:
    play.send(service, "paid", "k", expiration_timer=play.HOUR)
    (job,) = play.lock_of(service, play.begin(service, play.MESSAGE_CATCH))
    return lambda: play.complete(service, job, completion=Completion(message_correlation_key="k"))


REVISION = "SELECT revision FROM process_instance"
CHANGED = {
    "an instance that is suspended": Changed(
        _suspends, "UPDATE process_instance SET revision = revision + 1", REVISION, [(2,)]
    ),
    "an instance that is canceled": Changed(
        _cancels, "UPDATE process_instance SET revision = revision + 1", REVISION, [(2,)]
    ),
    "an instance that ends": Changed(_ends, "UPDATE process_instance SET revision = revision + 1", REVISION, [(2,)]),
    "a buffered message that is gone": Changed(
        _subscribes, "DELETE FROM message", "SELECT count(*) FROM message_subscription", [(1,)]
    ),
    "a buffered message that was taken": Changed(
        _subscribes, "UPDATE message SET correlated = true", "SELECT count(*) FROM message_subscription", [(1,)]
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_command_starts_again_when_a_row_has_changed_since_it_was_read(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, name: str
):
    changed = CHANGED[name]
    # Nobody could write an instance that is locked: here the guard is alone.
    monkeypatch.setattr(Postgres, "locks_rows", False)
    command = Paused(monkeypatch, changed.prepare(postgres))
    change(postgres, changed.meanwhile)
    command.goes_on()
    assert command.attempts == 2
    assert rows(postgres.config.database_url, changed.found) == changed.expected
    require_sound(postgres.config.database_url)


def test_a_user_task_that_was_updated_meanwhile_is_in_another_revision(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    play.begin(postgres, play.model("start -> user -> end"))
    (user_task,) = postgres.query(UserTaskCriteria())
    update = UpdateUserTask(
        partition=user_task.partition, id=user_task.id, revision=1, worker_id=play.WORKER, tags={"a": "b"}
    )
    updating = Paused(monkeypatch, lambda: postgres.execute(update))
    change(postgres, "UPDATE user_task SET revision = 2")
    require_conflict(updating.goes_on, "is not in revision 1, but 2")
    assert value(postgres.config.database_url, "SELECT tags FROM user_task") is None


def test_an_incident_that_was_resolved_meanwhile_is_not_resolved_twice(
    postgres: Service, monkeypatch: pytest.MonkeyPatch
):
    (job,) = play.lock_of(postgres, play.begin(postgres))
    play.complete(postgres, job, error="broken")
    (incident,) = postgres.query(IncidentCriteria())
    resolve = ResolveIncident(partition=incident.partition, id=incident.id, worker_id=play.WORKER)
    resolving = Paused(monkeypatch, lambda: postgres.execute(resolve))
    change(postgres, f"UPDATE incident SET resolved_at = created_at, resolved_by = '{OTHER}'")
    require_conflict(resolving.goes_on, "is resolved")
    assert len(postgres.query(JobCriteria())) == 1
