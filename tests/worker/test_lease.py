"""What a worker holds, for how long, and how many more it asks for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import httpx2
import pytest

from py_bpmn import Client
from py_bpmn._operations import Job as Data
from py_bpmn.worker import Process, Worker
from py_bpmn.worker.board import Board, Held
from py_bpmn.worker.wanted import Wanted
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


Answer = Callable[[httpx2.Request], httpx2.Response]


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
