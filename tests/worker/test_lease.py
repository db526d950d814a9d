"""What a worker holds, for how long, and how many more it asks for."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from py_bpmn import Client
from py_bpmn._operations import Job as Data
from py_bpmn.worker import Job, Process, Worker
from py_bpmn.worker.board import Board, Held, Stage
from py_bpmn.worker.lease import LONGEST_QUEUED, Keeper, Unlocker
from py_bpmn.worker.outage import Outage
from py_bpmn.worker.perform import Outcome, Performer
from py_bpmn.worker.run import LAST_WORDS
from py_bpmn.worker.wanted import Wanted
from tests.worker.conftest import PATIENCE, until
from tests.worker.models import tasks

LONG = timedelta(seconds=10)
TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
LEASE = 12.0
WANTED = Wanted(is_async=False, lease=timedelta(seconds=LEASE), all_variables=False, processes={"p"}, elements={"a"})
AWAY = httpx2.Response(503, headers={"Retry-After": "20"}, json={"status": 503, "title": "", "type": "", "detail": ""})


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def nobody() -> Iterator[Client]:
    with Client("http://service") as client:
        yield client


def locked(client: Client, id: int = 1, *, version: int = 1, now: float = 0.0) -> Held:
    process = Process("p", lease=timedelta(seconds=LEASE))
    process.execute("a")(lambda: None)
    data = Data(
        partition=TODAY,
        id=id,
        element_id=1,
        element_instance_id=id,
        process_id=1,
        process_instance_id=id,
        bpmn_element_id="a",
        created_at=NOW,
        created_by="tester",
        due_at=NOW,
        lock_version=version,
        retry_count=0,
        state="LOCKED",
        type="EXECUTE",
    )
    return Held(data, process.handlers[0], client, now)


def do(board: Board, time: Time, held: Held, seconds: float) -> None:
    board.add([held])
    assert board.begin(held)
    time.now += seconds
    board.done(held)
    board.sent([held])


def limit(board: Board) -> int:
    """How many jobs are asked for now."""
    found = board.next_for([WANTED])
    if found is None:
        return 0
    board.end_next(*found, brought=0)
    return found[1]


def test_fast_handlers_have_jobs_fetched_ahead(time: Time, nobody: Client):
    board = Board(1, 0, time)
    assert limit(board) == 1
    for id in range(100):
        do(board, time, locked(nobody, id), 0.001)
    assert limit(board) > 20


def test_nothing_is_fetched_for_a_handler_that_takes_longer_than_those_before(time: Time, nobody: Client):
    board = Board(1, 0, time)
    for id in range(100):
        do(board, time, locked(nobody, id), 0.001)
    slow = locked(nobody, 100)
    board.add([slow])
    board.begin(slow)
    assert limit(board) > 20
    time.now += 12
    assert limit(board) == 0


def test_one_slow_handler_takes_only_its_own_share(time: Time, nobody: Client):
    board = Board(2, 0, time)
    for id in range(100):
        do(board, time, locked(nobody, id), 0.005)
    before = limit(board)
    slow = locked(nobody, 100)
    board.add([slow])
    board.begin(slow)
    time.now += 12
    assert before / 2 - 1 <= limit(board) < before


def test_a_job_that_is_locked_anew_is_not_done_twice_at_once(time: Time, nobody: Client):
    board = Board(2, 0, time)
    first, second = locked(nobody), locked(nobody, version=2)
    board.add([first])
    assert board.begin(first)
    assert board.add([second]) == [first]
    assert not first.job.alive and second.job.alive
    assert not board.begin(second)
    assert not board.done(first)
    assert first.follower is second
    assert board.begin(second)
    assert board.done(second)
    board.sent([second])
    assert board.is_empty()


def test_only_the_newest_lock_of_a_job_is_begun(time: Time, nobody: Client):
    board = Board(4, 0, time)
    locks = [locked(nobody, version=version) for version in range(1, 6)]
    first, second, third, fourth, fifth = locks
    board.add([second])
    assert board.begin(second)
    assert board.add([third]) == [second]
    # The answers to two requests may come in any order.
    assert board.add([fifth, first, fourth]) == []
    assert board.held() == [second, fifth]
    assert not board.done(second)
    assert second.follower is fifth
    assert [each for each in locks if board.begin(each)] == [fifth]


def test_a_result_is_dropped_that_was_not_sent_before_its_job_is_locked_anew(time: Time, nobody: Client):
    board = Board(2, 0, time)
    first, second = locked(nobody), locked(nobody, version=2)
    board.add([first])
    board.begin(first)
    assert board.done(first)
    board.add([second])
    assert not first.job.alive
    assert board.begin(second)
    board.sent([first])
    assert board.held() == [second]


def test_a_job_that_waits_for_an_earlier_handler_is_given_back_at_the_end_alone(time: Time, nobody: Client):
    board = Board(2, 0, time)
    first, second = locked(nobody), locked(nobody, version=2)
    board.add([first])
    board.begin(first)
    board.add([second])
    time.now += 2 * LONGEST_QUEUED
    assert board.give_back_one(LONGEST_QUEUED) is None
    assert board.give_back() == [second]
    board.done(first)
    assert board.is_empty()
    assert limit(board) == 2 - 1


Answer = Callable[[httpx2.Request], httpx2.Response]


class Parts:
    """Those who keep leases, in front of a service that answers as it is told."""

    def __init__(self, client: Client, time: Time) -> None:
        self.board = Board(1, 0, time)
        self.lost: list[Held] = []
        outage = Outage(lambda _reason: None, lambda _seconds: None, time)
        self.unlocker = Unlocker(client, self.board, outage)
        self.keeper = Keeper(
            client,
            self.board,
            outage,
            shortest_lease=0.1,
            look=self.unlocker.look,
            lost=lambda held, _reason: self.lost.append(held),
        )

    def running(self, held: Held) -> Held:
        self.board.add([held])
        assert self.board.begin(held)
        return held


@contextmanager
def keeping(time: Time, answer: Answer) -> Iterator[Parts]:
    def sleep(_: float) -> None:
        raise AssertionError("nobody sleeps while leases end")

    with Client("http://service", transport=httpx2.MockTransport(answer), sleep=sleep) as client:
        parts = Parts(client, time)
        try:
            yield parts
        finally:
            parts.keeper.stop(PATIENCE)
            parts.unlocker.stop(PATIENCE)


def extended(*ids: int) -> httpx2.Response:
    results = [{"partition": str(TODAY), "id": id, "status": 200} for id in ids]
    return httpx2.Response(200, json={"results": results})


def test_a_lease_is_extended_in_time_though_the_service_asks_for_patience(time: Time, nobody: Client):
    asked: queue.SimpleQueue[float] = queue.SimpleQueue()
    answers = [AWAY, AWAY, extended(1)]

    def answer(_: httpx2.Request) -> httpx2.Response:
        asked.put(time.now)
        return answers.pop(0)

    with keeping(time, answer) as parts:
        held = parts.running(locked(nobody))
        time.now = LEASE / 3
        assert asked.get(timeout=PATIENCE) == time.now
        until(lambda: held.due > time.now, "another try is planned")
        for _ in range(2):
            assert held.due < held.ends
            before, time.now = held.due, held.due
            assert asked.get(timeout=PATIENCE) == time.now
            until(lambda before=before: held.due > before, "another try is planned")
        assert held.ends == time.now + LEASE
        assert held.job.alive
    assert not parts.lost


def test_a_job_is_gone_when_its_lease_ends_also_while_an_answer_is_waited_for(time: Time, nobody: Client):
    is_asked, is_over = threading.Event(), threading.Event()

    def answer(_: httpx2.Request) -> httpx2.Response:
        is_asked.set()
        assert is_over.wait(PATIENCE)
        return AWAY

    with keeping(time, answer) as parts:
        held = parts.running(locked(nobody))
        time.now = LEASE / 3
        assert is_asked.wait(PATIENCE)
        assert held.job.alive
        time.now = LEASE
        until(lambda: not held.job.alive, "it is gone")
        is_over.set()
    assert parts.lost == [held]


def test_leases_are_extended_while_others_are_unlocked_which_takes_long(time: Time, nobody: Client):
    unlocking, is_extended, is_over = threading.Event(), threading.Event(), threading.Event()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/jobs/unlock":
            unlocking.set()
            assert is_over.wait(PATIENCE)
            return httpx2.Response(200, json={"count": 1})
        is_extended.set()
        return extended(*range(9))

    with keeping(time, answer) as parts:
        parts.running(locked(nobody, 0))
        queued = [locked(nobody, id) for id in range(1, 10)]
        parts.board.add(queued)
        time.now = LONGEST_QUEUED + 0.1
        assert unlocking.wait(PATIENCE)
        time.now = LEASE / 3
        assert is_extended.wait(PATIENCE)
        # The others may still be begun here.
        assert [held.stage for held in queued] == [Stage.QUEUED] * 8 + [Stage.GONE]
        parts.board.give_back()
        is_over.set()


def test_a_job_that_may_be_held_by_a_newer_lock_is_not_unlocked(time: Time, nobody: Client):
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.put(request.content)
        return httpx2.Response(200, json={"count": 1})

    with keeping(time, answer) as parts:
        time.now = LEASE
        parts.unlocker.put(locked(nobody, 1).data, LEASE)
        parts.unlocker.put(locked(nobody, 2).data, LEASE + 1)
        assert b'"id":2' in asked.get(timeout=PATIENCE)
    assert asked.empty()


class Between(httpx2.HTTPTransport):
    """Something between worker and service that answers these paths itself, as long as it is told to."""

    def __init__(self, answer: Answer, *paths: str) -> None:
        super().__init__()
        self._answer = answer
        self._paths = paths
        self.is_on = threading.Event()
        self.asked: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.is_on.is_set() and request.url.path in self._paths:
            self.asked.append(request)
            return self._answer(request)
        return super().handle_request(request)


def test_a_worker_that_loses_a_job_does_it_again_when_its_handler_has_ended(lite: Client):
    process = Process("own-again", bpmn=tasks("own-again", "a"), lease="1s")
    between = Between(lambda _: AWAY, "/jobs/extend")
    between.is_on.set()
    at_work = threading.Lock()
    alive: list[bool] = []

    @process.execute("a")
    def a(job: Job) -> dict[str, Any]:
        assert at_work.acquire(blocking=False)
        try:
            if not alive:
                until(lambda: any(held.stage is Stage.WAITING for held in board.held()), "it is locked anew")
                between.is_on.clear()
            alive.append(job.alive)
            return {"runs": len(alive)}
        finally:
            at_work.release()

    with Client(lite.url, worker_id="own", transport=between) as client:
        worker = Worker(process, client=client, threads=2)
        with worker.running():
            assert worker._running is not None
            board = worker._running.board
            found = lite.start("own-again", wait=LONG, returns=["runs"])
            assert found.state == "COMPLETED"
            assert found.get_variables() == {"runs": 2}
    assert alive == [False, True]


def test_a_worker_ends_soon_though_the_service_does_not_answer(lite: Client, caplog: pytest.LogCaptureFixture):
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("timed out", request=request)

    process = Process("frozen", bpmn=tasks("frozen", "a"))
    process.execute("a")(lambda: None)
    between = Between(answer, "/jobs/unlock")
    between.is_on.set()
    with Client(lite.url, worker_id="own", transport=between) as client, Worker(process, client=client).running():
        pass
    (last,) = between.asked
    assert all(0 < seconds <= LAST_WORDS for seconds in last.extensions["timeout"].values())
    assert "jobs could not be unlocked" in caplog.text


def test_a_result_is_sent_again_in_time_though_the_service_asks_for_patience(lite: Client):
    process = Process("patience", bpmn=tasks("patience", "a"))
    process.execute("a")(lambda: None)

    def answer(_: httpx2.Request) -> httpx2.Response:
        between.is_on.clear()
        return AWAY

    between = Between(answer, "/jobs/complete")
    between.is_on.set()
    with Client(lite.url, worker_id="own", transport=between) as client, Worker(process, client=client).running():
        assert lite.start("patience", wait=LONG).state == "COMPLETED"
    assert len(between.asked) == 1


def test_a_job_of_an_unknown_version_is_given_back_when_the_service_does_not_tell_of_it(lite: Client):
    lite.deploy(tasks("judged", "a", "b"))
    before = lite.start("judged")
    process, other = Process("judged", bpmn=tasks("judged", "a")), Process("judged-too", bpmn=tasks("judged-too", "a"))
    process.execute("a")(lambda: {"done": True})
    other.execute("a")(lambda: None)

    def answer(_: httpx2.Request) -> httpx2.Response:
        between.is_on.clear()
        return AWAY

    between = Between(answer, "/processes/query")
    between.is_on.set()
    with (
        Client(lite.url, worker_id="own", transport=between) as client,
        Worker(process, other, client=client).running(),
    ):
        until(lambda: [each.bpmn_element_id for each in before.waiting()] == ["b"], "a is done")
    assert between.asked


def test_a_mistake_of_the_worker_itself_leaves_the_job_to_its_lease(
    lite: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    process = Process("mistake", bpmn=tasks("mistake", "a"), lease="1s")
    process.execute("a")(lambda: None)
    perform = Performer.perform

    def failing(self: Performer, *arguments: Any) -> Outcome:
        monkeypatch.setattr(Performer, "perform", perform)
        raise RuntimeError

    monkeypatch.setattr(Performer, "perform", failing)
    with Worker(process, client=lite, threads=1).running():
        assert lite.start("mistake", wait=LONG).state == "COMPLETED"
    assert "could not be done" in caplog.text
