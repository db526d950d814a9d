"""How often a worker asks a service that has no jobs, or does not let it wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import httpx2
import pytest

from py_bpmn import Client
from py_bpmn.worker.board import Board
from py_bpmn.worker.fetch import EARLY_SECONDS, FIRST_PAUSE, LONGEST_PAUSE, WAIT, Fetcher
from py_bpmn.worker.outage import SHORTEST_WAIT, Outage
from py_bpmn.worker.wanted import Wanted

NOTHING = httpx2.Response(200, json={"count": 0, "jobs": []})
BUSY = httpx2.Response(429, headers={"Retry-After": "1"}, json={"status": 429, "title": "", "type": "", "detail": ""})
DOWN = httpx2.Response(503, json={"status": 503, "title": "", "type": "", "detail": ""})


def asked_at(answers: Sequence[tuple[float, httpx2.Response]]) -> list[float]:
    """The seconds at which the worker asks, where answers come after so many seconds."""
    now = 0.0
    asked: list[float] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        nonlocal now
        asked.append(round(now, 3))
        seconds, found = answers[len(asked) - 1]
        now += seconds
        if len(asked) == len(answers):
            board.stop()
        return found

    def pause(seconds: float) -> bool:
        nonlocal now
        now += seconds
        return False

    board = Board(1, 1, lambda: now)
    wanted = Wanted(is_async=False, lease=timedelta(seconds=30), all_variables=False, processes={"p"}, elements={"a"})
    outage = Outage(lambda _reason: None, lambda _seconds: None, lambda: now)
    with Client("http://service", transport=httpx2.MockTransport(answer)) as client:
        fetcher = Fetcher(client, board, outage, receive=lambda _wanted, _jobs: None, pause=pause)
        fetcher.follow([wanted])
        (thread,) = fetcher._threads.values()
        thread.join()
    return asked


def test_who_was_let_wait_asks_again_at_once():
    full = WAIT.total_seconds()
    assert asked_at([(full, NOTHING)] * 3) == [0, full, 2 * full]


def test_an_empty_answer_that_comes_early_is_not_asked_for_again_at_once():
    assert asked_at([(0.0, NOTHING)] * 4) == [n * EARLY_SECONDS for n in range(4)]
    assert asked_at([(EARLY_SECONDS, NOTHING)] * 2) == [0, EARLY_SECONDS]


@pytest.mark.parametrize("refusal", [BUSY, DOWN], ids=["too many requests", "unavailable"])
def test_a_service_that_refuses_is_asked_ever_more_rarely(refusal: httpx2.Response):
    asked = asked_at([(0.0, refusal)] * 12)
    waits = [after - before for before, after in pairwise(asked)]
    assert waits[0] <= max(SHORTEST_WAIT, FIRST_PAUSE * 1.25)
    assert LONGEST_PAUSE * 0.75 <= waits[-1] <= LONGEST_PAUSE * 1.25


def test_after_a_refusal_an_answer_is_as_good_as_ever():
    full = WAIT.total_seconds()
    asked = asked_at([(0.0, DOWN)] * 8 + [(full, NOTHING), (0.0, DOWN), (0.0, NOTHING)])
    assert asked[9] - asked[8] == pytest.approx(full)
    assert asked[10] - asked[9] <= max(SHORTEST_WAIT, FIRST_PAUSE * 1.25)
