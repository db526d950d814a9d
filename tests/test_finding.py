"""What is counted once is answered to all who ask the same, for a while."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from app.errors import EngineError, ErrorKind, unavailable
from app.finding import LEAST_SECONDS, MOST_KEPT, TIMES_TAKEN, Kept


class Time:
    """Seconds that go on when something is found."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls = 0

    def finding(self, seconds: float, value: Any = None) -> Any:
        def find() -> Any:
            self.now += seconds
            self.calls += 1
            if isinstance(value, Exception):
                raise value
            return self.calls

        return find


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def kept(time: Time) -> Kept:
    return Kept(lambda: time.now)


@pytest.mark.parametrize("taken", [0.01, 0.5])
def test_what_was_found_is_kept_the_longer_the_longer_it_took(time: Time, kept: Kept, taken: float):
    assert kept.get("a", time.finding(taken)) == 1
    time.now += max(LEAST_SECONDS, TIMES_TAKEN * taken) - 0.001
    assert kept.get("a", time.finding(taken)) == 1
    assert kept.get("b", time.finding(taken)) == 2
    time.now += 0.002
    assert kept.get("a", time.finding(taken)) == 3


def test_what_took_too_long_is_not_tried_again_at_once(time: Time, kept: Kept):
    slow = EngineError(ErrorKind.QUERY, "too slow")
    for _ in range(3):
        with pytest.raises(EngineError, match="too slow"):
            kept.get("a", time.finding(2.0, slow))
    assert time.calls == 1
    time.now += TIMES_TAKEN * 2.0
    assert kept.get("a", time.finding(0.1)) == 2


def test_what_failed_for_another_reason_is_tried_again(time: Time, kept: Kept):
    with pytest.raises(EngineError):
        kept.get("a", time.finding(0.1, unavailable("away")))
    assert kept.get("a", time.finding(0.1)) == 2


def test_only_some_answers_are_kept(time: Time, kept: Kept):
    for number in range(MOST_KEPT + 1):
        kept.get(number, time.finding(0.0))
    before = time.calls
    kept.get(MOST_KEPT, time.finding(0.0))
    assert time.calls == before
    kept.get(0, time.finding(0.0))
    assert time.calls == before + 1


def test_those_who_ask_the_same_at_once_wait_for_one_of_them(time: Time, kept: Kept):
    entered, go_on = threading.Event(), threading.Event()
    answers: list[Any] = []

    def find() -> int:
        entered.set()
        assert go_on.wait(30)
        time.calls += 1
        return time.calls

    threads = [threading.Thread(target=lambda: answers.append(kept.get("a", find))) for _ in range(4)]
    threads[0].start()
    assert entered.wait(30)
    for thread in threads[1:]:
        thread.start()
    assert kept.get("b", time.finding(0.0)) == 1
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert answers == [2] * 4
