"""What steps say that fail: golden/sentences.txt has a line for each of the functions here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from py_bpmn._operations import Waiting
from py_bpmn.testing import words
from py_bpmn.testing.engine import Engine, InProcess
from py_bpmn.testing.kit import Bpmn
from py_bpmn.worker import Process
from tests.flow import EVENT_BASED, EXCLUSIVE, PARALLEL, USER, boundary, call, catch, flow, sub
from tests.testkit.shop import ORDER, order, quote

GOLDEN = Path(__file__).parent / "golden" / "sentences.txt"
FAILING: list[Callable[[Bpmn], object]] = []


def failing(told: Callable[[Bpmn], object]) -> Callable[[Bpmn], object]:
    FAILING.append(told)
    return told


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = InProcess()
    yield engine
    engine.close()


@pytest.fixture
def bpmn(engine: Engine) -> Bpmn:
    engine.reset({})
    return Bpmn(engine.client("tester"))


ONE = flow("start -> work -> end")


@failing
def waits_elsewhere(bpmn: Bpmn) -> object:
    bpmn.deploy(ORDER)
    story = bpmn.start("order")
    error = "ConnectionError: refused (cards.py:88)\n\nTraceback ..."
    story.at("charge-card").fails(error, retries=3, retry_in=timedelta(minutes=10))
    return story.waits_at("ship")


@failing
def waits_at_one_more(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> fork -> a, b -> join -> end", fork=PARALLEL, join=PARALLEL))
    story = bpmn.start("p")
    story.at("a").completes()
    return story.waits_at("b")


@failing
def waits_for_many_things(bpmn: Bpmn) -> object:
    kinds = {
        "fork": PARALLEL,
        "message": catch("message:m"),
        "signal": catch("signal:s"),
        "timer": catch("timer:PT90M"),
        "person": USER,
        "called": call(),
        "asked": EXCLUSIVE,
        "first": EVENT_BASED,
        "one": catch("timer:P2D"),
        "two": catch("signal:t"),
    }
    chain = "start -> fork -> message, signal, timer, person, called, asked, first; asked -> x, y; first -> one, two"
    bpmn.deploy(flow(chain, **kinds))
    story = bpmn.start("p")
    story.at("message").correlates("k")
    story.at("called").calls("other")
    return story.waits_at("nowhere", "nowhere")


@failing
def waits_and_is_completed(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    story.at("work").completes()
    return story.waits_at("work")


@failing
def waits_and_should_not(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").waits_at()


@failing
def waits_behind_another(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE, parallelism=1)
    bpmn.start("p")
    return bpmn.start("p").waits_at("work")


@failing
def waits_and_is_suspended(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    story.instance.suspend()
    return story.waits_at("end")


@failing
def did_not_pass(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").passed("start", "work", "end")


@failing
def passed_all_the_same(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").not_passed("end", "start")


@failing
def is_not_completed(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    story.at("work").fails("ValueError: wrong\n\nTraceback ...")
    return story.is_completed(at="end")


@failing
def is_completed_elsewhere(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> which -> a, b", which=EXCLUSIVE))
    story = bpmn.start("p")
    story.at("which").decides("a")
    return story.is_completed(at="b")


@failing
def is_not_canceled(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").is_canceled()


@failing
def has_another_value(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p", a=1, b="x").has(a=2, b="x", c=None)


@failing
def has_a_value_too_many(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p", a=1).has_no("a", "b")


@failing
def has_no_incident(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    story.at("work").fails("ValueError: wrong")
    return story.has_incident("work", "timeout")


@failing
def shows_something_else(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").shows("STARTED | EI: 1 p STARTED; 2 start COMPLETED | J: 1 EXECUTE@3 DONE")


@failing
def has_no_job(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").at("end").completes()


@failing
def has_a_job_of_another_kind(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> which -> a, b", which=EXCLUSIVE))
    return bpmn.start("p").at("which").completes()


@failing
def has_a_job_that_another_worker_holds(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    bpmn.client.api.lock_jobs(worker_id="somebody")
    return story.at("work").completes()


@failing
def has_a_job_that_is_due_later(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    story = bpmn.start("p")
    story.at("work").fails("busy", retries=5, retry_in=timedelta(hours=2))
    return story.at("work").completes()


@failing
def decides_for_what_is_not_there(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> which -> a, b", which=EXCLUSIVE))
    return bpmn.start("p").at("which").decides("c")


@failing
def throws_what_nobody_catches(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").at("work").throws("E1")


@failing
def has_no_function(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").at("work").runs()


@failing
def runs_and_fails_after_all(bpmn: Bpmn) -> object:
    bpmn.use(order)
    return bpmn.start("order", amount=-1).at("charge-card").runs()


@failing
def runs_without_what_it_needs(bpmn: Bpmn) -> object:
    bpmn.use(order)
    return bpmn.start("order").at("charge-card").runs()


@failing
def runs_though_it_should_fail(bpmn: Bpmn) -> object:
    bpmn.use(order)
    return bpmn.start("order", amount=5).at("charge-card").runs_and_fails(ConnectionError)


@failing
def fails_with_something_else(bpmn: Bpmn) -> object:
    bpmn.use(order)
    return bpmn.start("order", amount=-1).at("charge-card").runs_and_fails(KeyError)


@failing
def has_no_timer(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> work -> end; late -> given-up", late=boundary("work", "timer:PT1H")))
    story = bpmn.start("p")
    story.at("work").completes()
    return story.at("late").fires()


@failing
def has_no_user_task(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").at("work").user_completes()


@failing
def calls_another_process(bpmn: Bpmn) -> object:
    bpmn.use(order)
    story = bpmn.start("order", amount=5, order_id="o-1")
    bpmn.settle()
    bpmn.send("payment-received", key="o-1")
    return story.at("ship").calls("billing")


@failing
def has_called_another_process(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> ask -> end", ask=call()))
    story = bpmn.start("p")
    story.at("ask").calls("offer")
    return story.at("ask").calls("other")


@failing
def calls_nothing(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.start("p").at("end").calls("offer")


@failing
def ends_what_does_not_stand_for_something(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> look -> done", process="offer"))
    bpmn.use(quote)
    return bpmn.start("quote").at("ask").calls("offer").completes()


@failing
def was_not_started(bpmn: Bpmn) -> object:
    bpmn.deploy(ONE)
    return bpmn.started("p")


@failing
def sets_the_clock_back(bpmn: Bpmn) -> object:
    return bpmn.clock.set(bpmn.clock.now - timedelta(days=400))


@failing
def never_settles(bpmn: Bpmn) -> object:
    endless = Process("p", bpmn=flow("start -> merge -> work -> merge", merge=EXCLUSIVE))
    endless.execute("work")(lambda: None)
    bpmn.use(endless)
    bpmn.start("p")
    return bpmn.settle()


@failing
def is_inside_of_a_scope(bpmn: Bpmn) -> object:
    bpmn.deploy(flow("start -> inner -> end", inner=sub("begin -> work -> done")))
    return bpmn.start("p").waits_at("inner")


def test_steps_that_fail_say_where_the_instance_stands(engine: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("py_bpmn.testing.kit.MOST_STEPS", 10)
    lines = []
    for told in FAILING:
        engine.reset({})
        with pytest.raises(AssertionError) as raised:
            told(Bpmn(engine.client("tester")))
        lines.append(f"{told.__name__}: {_steady(str(raised.value))}")
    assert "\n".join(lines) + "\n" == GOLDEN.read_text(encoding="utf-8"), "\n".join(lines)


def _steady(sentence: str) -> str:
    sentence = re.sub(r"\d{4}-\d\d-\d\d/\d+", "DAY/ID", sentence)
    sentence = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", sentence)
    return re.sub(r"\(shop\.py:\d+\)", "(shop.py:LINE)", sentence)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.1, "1s"),
        (9.98, "10s"),
        (10, "10s"),
        (59.5, "1m"),
        (600, "10m"),
        (599.2, "10m"),
        (3600 * 25, "1d 1h"),
        (86400 * 30 + 60, "30d 1m"),
    ],
)
def test_durations_are_rounded(seconds: float, text: str):
    assert words.duration(timedelta(seconds=seconds)) == text


def test_a_job_that_has_failed_tells_how_often_and_why(bpmn: Bpmn):
    now = bpmn.clock.now
    common = {
        "element_instance_id": 1,
        "bpmn_element_id": "charge-card",
        "bpmn_element_type": "SERVICE_TASK",
        "since": now,
        "job_type": "EXECUTE",
        "due_at": now + timedelta(seconds=10),
        "error": "ConnectionError: refused\nTraceback ...",
    }
    waiting = [Waiting(**common, kind="RETRY", retry_count=count) for count in (1, 2, 3)]
    assert words.standing("STARTED", waiting, now) == (
        "is waiting at: charge-card (job failed once: ConnectionError: refused, retry due in 10s), "
        "charge-card (job failed twice: ConnectionError: refused, retry due in 10s), "
        "charge-card (job failed 3 times: ConnectionError: refused, retry due in 10s)"
    )
