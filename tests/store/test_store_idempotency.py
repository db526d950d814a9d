"""What is kept of requests with an Idempotency-Key: with the commit of each command, and no longer than it is said."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands import HANDLERS
from app.commands.base import Command
from app.commands.instance import CreateProcessInstance, OnConflict
from app.commands.job import CompleteJob, LockJobs
from app.commands.key import CreateApiKey
from app.commands.result import _restorer, _returned, restored, stored
from app.commands.task import ExecutedTasks, LockTasks
from app.config import Config
from app.errors import Cause, EngineError, ErrorKind, conflict
from app.remembering import Remembering
from app.service import Service, open_service
from app.store import Store
from app.store.transaction import Transaction
from tests.races.held import Held, InBackground, wait_for_a_lock
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.together import failures, in_threads

INSTANCES = "SELECT count(*) FROM process_instance"
KEPT = "SELECT count(*) FROM idempotency"
NOW = datetime(2026, 11, 23, 12)
NEW = CreateProcessInstance(bpmn_process_id="p", worker_id=play.WORKER)


class Killed(BaseException):
    """Nothing of the process is left, but what it has committed."""


def request(service: Service, key: str = "k", body: str = "body") -> Any:
    """The service as a request sees it."""
    return Remembering(service, service.memory(key, lambda: body))


def is_replayed(seen: Any) -> bool:
    found: bool = seen._memory.is_replayed
    return found


def new(**options: Any) -> CreateProcessInstance:
    return replace(NEW, **options)


def test_a_command_that_is_not_committed_leaves_nothing_to_be_replayed(
    config: Config, service: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(service)

    def dies(_tx: Transaction) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "_commit", dies)
        with pytest.raises(Killed):
            request(service).execute(NEW)
    assert (value(config.database_url, INSTANCES), value(config.database_url, KEPT)) == (0, 0)
    again = request(service)
    again.execute(NEW)
    assert not is_replayed(again)


def test_a_command_whose_answer_was_lost_is_replayed(
    config: Config, service: Service, other: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(service)

    def dies(_store: Store, _began: float) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Store, "written", dies)
        with pytest.raises(Killed):
            request(service).execute(NEW)
    again = request(other)
    assert again.execute(NEW).id == rows(config.database_url, "SELECT id FROM process_instance")[0][0]
    assert is_replayed(again)
    assert value(config.database_url, INSTANCES) == 1


def killed_after(patch: pytest.MonkeyPatch, commits: int) -> None:
    left = [commits]
    written = Store.written

    def dies(store: Store, began: float) -> None:
        written(store, began)
        left[0] -= 1
        if not left[0]:
            raise Killed

    patch.setattr(Store, "written", dies)


@pytest.mark.parametrize("commits", [1, 2, 3])
def test_of_a_batch_that_was_killed_the_rest_is_done(
    config: Config, service: Service, other: Service, monkeypatch: pytest.MonkeyPatch, commits: int
):
    """Two transactions of many commands, and two of one that takes a lock of its own."""
    play.deploy(service)
    unique = [new(correlation_key=str(n), unique_correlation_key=True) for n in range(2)]
    commands = [*[NEW] * 25, unique[0], *[NEW] * 40, unique[1]]
    with monkeypatch.context() as patch:
        killed_after(patch, commits)
        with pytest.raises(Killed):
            request(service).execute_each(commands)
    assert 0 < value(config.database_url, INSTANCES) < len(commands)
    seen = request(other)
    found = seen.execute_each(commands)
    assert not is_replayed(seen)
    assert failures(found) == []
    assert len({instance.id for instance in found}) == len(commands) == value(config.database_url, INSTANCES)
    third = request(service)
    assert [instance.id for instance in third.execute_each(commands)] == [instance.id for instance in found]
    assert is_replayed(third)


def test_what_a_batch_was_refused_is_replayed_once_all_of_it_was_answered(service: Service):
    play.deploy(service)
    commands = [NEW, new(bpmn_process_id="later"), NEW]
    first = request(service).execute_each(commands)
    play.deploy(service, play.model("start -> a -> end", process_id="later"))
    seen = request(service)
    again = seen.execute_each(commands)
    assert is_replayed(seen)
    assert [str(outcome) for outcome in (first[1], again[1])] == ["process later could not be found"] * 2
    assert (first[1].kind, first[1].title) == (again[1].kind, again[1].title)
    assert [again[place].id for place in (0, 2)] == [first[place].id for place in (0, 2)]


def test_a_batch_is_not_final_while_the_database_was_away_for_some_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(service)
    commands = [NEW, new(correlation_key="k", unique_correlation_key=True), new(bpmn_process_id="later")]
    execute = Service.execute

    def away(self: Service, command: Command[Any], *step: Any) -> Any:
        if isinstance(command, CreateProcessInstance) and command.unique_correlation_key:
            raise EngineError(ErrorKind.UNAVAILABLE, "away")
        return execute(self, command, *step)

    with monkeypatch.context() as patch:
        patch.setattr(Service, "execute", away)
        first = request(service).execute_each(commands)
    assert [isinstance(outcome, EngineError) for outcome in first] == [False, True, True]
    play.deploy(service, play.model("start -> a -> end", process_id="later"))
    again = request(service).execute_each(commands)
    assert failures(again) == []
    assert again[0].id == first[0].id


def test_the_same_jobs_are_locked_again_and_none_is_no_answer_to_be_kept(config: Config, service: Service):
    lock = LockJobs(worker_id="w", limit=2)
    assert request(service).execute(lock) == []
    assert value(config.database_url, KEPT) == 0
    for _ in range(3):
        play.begin(service)
    seen = request(service)
    # The request has looked before, and looks again.
    first = [seen.execute(lock), seen.execute(replace(lock, worker_id="x"))]
    assert [len(jobs) for jobs in first] == [2, 1]
    again = request(service)
    jobs = again.execute(lock)
    assert is_replayed(again)
    assert [vars_of(job) for job in jobs] == [vars_of(job) for job in first[0]]


def vars_of(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__ if name not in ("token", "instance", "parent")}


def test_tasks_that_were_run_are_not_run_again_and_those_that_were_not_are(
    config: Config, service: Service, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(3):
        play.work(service, play.begin(service, play.TWO_TASKS))
    monkeypatch.setattr("app.sharing.MOST_TOGETHER", 1)
    lock = LockTasks(limit=10, type="JOIN_PARALLEL_GATEWAY")
    with monkeypatch.context() as patch:
        killed_after(patch, 1)
        with pytest.raises(Killed):
            request(service).execute_tasks(lock)
    done = "SELECT count(*) FROM task WHERE type = 'JOIN_PARALLEL_GATEWAY' AND completed_at IS NOT NULL"
    assert value(config.database_url, done) == 1
    first: ExecutedTasks = request(service).execute_tasks(lock)
    # There is one for each branch.
    assert (len(first.completed), first.failed) == (6, [])
    assert value(config.database_url, done) == 6
    seen = request(service)
    again = seen.execute_tasks(lock)
    assert is_replayed(seen)
    assert [vars_of(task) for task in again.completed] == [vars_of(task) for task in first.completed]


def test_another_request_with_the_key_is_refused(service: Service):
    play.deploy(service)
    request(service).execute(NEW)
    for do in (
        lambda seen: seen.execute(NEW),
        lambda seen: seen.execute_each([NEW, NEW]),
        lambda seen: seen.execute_tasks(LockTasks()),
    ):
        with pytest.raises(EngineError) as refused:
            do(request(service, body="another"))
        assert refused.value.kind is ErrorKind.CONFLICT


def test_a_refused_command_keeps_nothing(config: Config, service: Service):
    with pytest.raises(EngineError):
        request(service).execute(NEW)
    assert value(config.database_url, KEPT) == 0


def test_of_requests_at_once_one_is_executed_and_all_get_its_answer(config: Config, service: Service, other: Service):
    play.deploy(service)
    for number in range(10):
        requests = [request(each, f"k{number}") for each in (service, other) * 2]
        found = in_threads(*[partial(seen.execute, NEW) for seen in requests])
        assert failures(found) == []
        assert len({instance.id for instance in found}) == 1
        assert sorted(map(is_replayed, requests)) == [False, True, True, True]
    assert value(config.database_url, INSTANCES) == 10
    batch = [NEW] * 60
    batches = in_threads(*[partial(request(each, "batch").execute_each, batch) for each in (service, other)])
    assert failures([outcome for outcomes in batches for outcome in outcomes]) == []
    assert [instance.id for instance in batches[0]] == [instance.id for instance in batches[1]]
    assert value(config.database_url, INSTANCES) == 70
    require_sound(config.database_url)


def test_the_second_request_waits_for_what_becomes_of_the_first(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    url = postgres.config.database_url
    play.deploy(postgres)
    for key in ("commits", "rolls back"):
        first = Held(monkeypatch, partial(request(postgres, key).execute, NEW))
        seen = request(postgres, key)
        second = InBackground(partial(seen.execute, NEW))
        wait_for_a_lock(url, second)
        # Nobody else has to.
        request(postgres, f"other than {key}").execute(NEW)
        if key == "commits":
            assert first.commits().id == second.result().id
        else:
            first.rolls_back()
            second.result()
        assert is_replayed(seen) is (key == "commits")
    assert value(url, INSTANCES) == 4


def test_results_are_forgotten_some_time_after_they_were_kept(
    config: Config, service: Service, monkeypatch: pytest.MonkeyPatch
):
    play.deploy(service)
    request(service, "old").execute(NEW)
    time = service._base_time()
    monkeypatch.setattr(service, "_base_time", lambda: time + timedelta(hours=23, minutes=59))
    assert not service.forget_results()
    assert is_replayed(replayed(service, "old"))
    request(service, "new").execute(NEW)
    monkeypatch.setattr(service, "_base_time", lambda: time + timedelta(hours=24, minutes=1))
    assert not service.forget_results()
    assert value(config.database_url, KEPT) == 1
    assert [is_replayed(replayed(service, key)) for key in ("old", "new")] == [False, True]


def test_many_results_are_forgotten_bit_by_bit(config: Config, service: Service):
    assert any(chore.name == "forget idempotency keys" for chore in service.chores)
    for day in (1, 2, 3):
        fill = f"""WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
            INSERT INTO idempotency (key, place, request, result, encrypted, created_at)
            SELECT 'k' || n, {day}, '', '', false, '2020-01-0{day} 00:00:00.000000' FROM s"""
        rows(config.database_url, fill if config.is_sqlite else fill.replace(".000000'", "'::timestamp"))
    left = []
    while service.forget_results():
        left.append(value(config.database_url, KEPT))
    assert left == [2000, 1000, 0]


def test_results_are_cipher_text_where_there_is_a_key(config: Config, clock: ManualClock):
    keys = [base64.b64encode(bytes([n]) * 32).decode() for n in range(2)]
    query = "SELECT result, encrypted FROM idempotency"

    def open_with(*given: str) -> Service:
        return open_service(replace(config, encryption_keys=given), clock)

    plain = open_with()
    play.deploy(plain)
    request(plain, "plain").execute(new(correlation_key="secret"))
    ((result, encrypted),) = rows(config.database_url, query)
    assert ("secret" in result, bool(encrypted)) == (True, False)
    one = open_with(keys[0])
    created = request(one, "one").execute(new(correlation_key="secret"))
    found = rows(config.database_url, query)
    assert sorted(("secret" in result, bool(encrypted)) for result, encrypted in found) == [
        (False, True),
        (True, False),
    ]
    # Whoever has the key can read it, and what was plain stays readable.
    both = open_with(keys[1], keys[0])
    assert request(both, "one").execute(new(correlation_key="secret")).id == created.id
    assert is_replayed(replayed(both, "plain"))
    for service in (plain, open_with(keys[1])):
        with pytest.raises(EngineError) as refused:
            request(service, "one").execute(NEW)
        assert refused.value.kind is ErrorKind.UNKNOWN
        assert refused.value.detail.startswith("the answer to the request was kept, but can't be decrypted: ")
        service.close()
    for service in (one, both):
        service.close()


def replayed(service: Service, key: str) -> Any:
    seen = request(service, key)
    seen.execute(NEW)
    return seen


UNREPEATABLE = {CreateApiKey}
"""The secret of a key is told once: its request takes no Idempotency-Key."""


@pytest.mark.parametrize(
    "kind", [each for each in HANDLERS if not each.reads and each not in UNREPEATABLE], ids=lambda kind: kind.__name__
)
def test_every_result_can_be_kept_but_of_what_only_reads(kind: type[Command[Any]]):
    assert callable(_restorer(_returned(HANDLERS[kind])))


def test_a_refusal_is_restored_as_it_was():
    error = conflict("in the way")
    error.title = "failed"
    error.causes = (Cause("#/a", "required", "is required", "v"),)
    error.existing = NOW.date(), 7
    again = restored(None, stored(error))
    assert {name: getattr(again, name) for name in vars(error)} == vars(error)


def test_an_instance_that_was_there_before_is_told_as_such_again(service: Service):
    play.deploy(service)
    options: dict[str, Any] = {"unique_correlation_key": True, "on_conflict": OnConflict.RETURN}
    first = play.start(service, correlation_key="k")
    for _ in range(2):
        found = request(service).execute(new(correlation_key="k", **options))
        assert (found.id, found.existing) == (first.id, True)


def test_a_completion_that_was_killed_before_it_could_lock_the_next_job_locks_it(service: Service):
    for _ in range(2):
        play.begin(service)
    (job,) = play.lock(service, limit=1)
    complete = CompleteJob(partition=job.partition, id=job.id, worker_id=play.WORKER)
    request(service).execute_each([complete])
    seen = request(service)
    assert [job.state for job in seen.execute_each([complete])] == ["DONE"]
    assert len(seen.execute(LockJobs(worker_id="w"))) == 1
    third = request(service)
    third.execute_each([complete])
    assert len(third.execute(LockJobs(worker_id="w"))) == 1
    assert is_replayed(third)
