"""Stories that are the same for all engines. Each takes the fixture `bpmn`, as a test of a process author does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from py_bpmn.testing import Bpmn
from py_bpmn.values import Raw, secret
from py_bpmn.worker import Call, Process
from tests.flow import (
    EVENT_BASED,
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    USER,
    Kind,
    boundary,
    call,
    catch,
    conditional,
    end,
    event_sub,
    flow,
    loop,
    multi,
    several,
    start,
    sub,
    throw,
)
from tests.testkit.shop import order, quote

Told = Callable[[Bpmn], None]
STORIES: list[Told] = []
AUTO: set[Told] = set()
"""Those that are told with `auto=True`."""


def story(told: Told) -> Told:
    STORIES.append(told)
    return told


def auto(told: Told) -> Told:
    AUTO.add(told)
    return told


@story
def an_order_is_paid_and_shipped(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=20, order_id="o-1")
    story.waits_at("charge-card").runs()
    story.waits_at("payment-received")
    story.not_passed("remind")
    bpmn.clock.advances(hours=25)
    story.passed("remind")
    assert bpmn.send("payment-received", key="o-1", amount=20).result == "DELIVERED"
    story.at("ship").calls("shipping").completes(tracking="T1")
    story.is_completed(at="done").has(receipt="R20.0", tracking="T1", token="T")


@story
def a_card_is_declined(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start(order, amount=20)
    story.at("charge-card").throws("DECLINED", reason="stolen")
    story.waits_at("ask-for-another-card", "cancel-order-timer")
    story.waits_at("cancel-order-timer", "ask-for-another-card")
    story.at("ask-for-another-card").user_completes(card="other")
    story.waits_at("cancel-order-timer").fires()
    story.passed("asked", "canceled").is_completed().has(card="other", reason="stolen")


@story
def a_function_throws_a_bpmn_error(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=2000)
    story.at("charge-card").runs()
    story.passed("declined").has(reason="too much")


@story
def a_function_fails_and_is_tried_again(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=-1, order_id="o-1")
    story.at("charge-card").runs_and_fails(ConnectionError)
    story.waits_at("charge-card")
    bpmn.clock.advances(minutes=15)
    story.waits_at("charge-card").runs()
    story.waits_at("payment-received")


@story
def a_function_fails_for_good(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=600)
    story.at("charge-card").runs_and_fails()
    story.has_incident("charge-card", "a person has to look at this")


@story
@auto
def an_order_goes_as_far_as_it_can_by_itself(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=20, order_id="o-1")
    story.waits_at("payment-received")
    bpmn.send("payment-received", key="o-1")
    story.at("ship").calls("shipping").completes()
    story.is_completed(at="done")


@story
@auto
def retries_that_are_due_run_by_themselves(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=-1, order_id="o-1")
    story.waits_at("charge-card")
    bpmn.clock.advances(minutes=15)
    story.waits_at("payment-received")


@story
def work_is_done_when_it_is_asked_for(bpmn: Bpmn) -> None:
    bpmn.use(order)
    stories = [bpmn.start("order", amount=amount, order_id=f"o-{amount}") for amount in (1, 2)]
    for each in stories:
        each.waits_at("charge-card")
    bpmn.settle()
    for each in stories:
        each.waits_at("payment-received")
    bpmn.send("payment-received", key="o-2")
    stories[0].waits_at("payment-received")
    stories[1].waits_at("ship")


@story
def what_a_call_activity_calls_is_passed_on_by_a_function(bpmn: Bpmn) -> None:
    bpmn.use(quote)
    story = bpmn.start("quote")
    story.at("ask").calls("offer").completes(offered=5)
    story.waits_at("sum-up").has(price=10)
    story.at("sum-up").runs()
    story.is_completed().has(total=11.0).has_no("price", "offered")


@story
def a_process_that_is_called_has_its_own_story(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> look -> done", process="offer"))
    bpmn.deploy(flow("start -> ask -> done", process="p", ask=call()))
    story = bpmn.start("p")
    called = story.waits_at("ask").calls("offer")
    assert called.caller is story
    called.waits_at("look").completes(offered=5)
    called.is_completed().has(offered=5)
    story.waits_at("ask").completes(price=5)
    story.is_completed().has(price=5)


@story
def a_gateway_decides(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> which -> a, b; a -> enda; b -> endb", which=EXCLUSIVE))
    story = bpmn.start("p")
    story.waits_at("which").decides("b")
    story.waits_at("b").completes()
    story.is_completed(at="endb").not_passed("a", "enda")


@story
def a_gateway_decides_for_several(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> which -> a, b, c; a -> enda; b -> endb; c -> endc", which=INCLUSIVE))
    story = bpmn.start("p")
    story.waits_at("which").decides("a", "c")
    story.waits_at("c", "a")


@story
def branches_join(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> fork -> a, b -> join -> end", fork=PARALLEL, join=PARALLEL))
    story = bpmn.start("p")
    story.at("a").completes(x=1)
    story.waits_at("b", "join")
    story.at("b").completes(y=2)
    story.is_completed(at="end").has(x=1, y=2)


@story
def two_tokens_wait_at_one_element(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> fork -> one, two -> both -> end", fork=PARALLEL, one=PARALLEL, two=PARALLEL))
    story = bpmn.start("p")
    story.waits_at("both", "both")
    story.at("both").completes()
    story.waits_at("both").completes()
    story.is_completed()


@story
def a_job_fails_and_an_operator_helps(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end"))
    story = bpmn.start("p")
    story.at("work").fails("ValueError: wrong")
    story.waits_at("work")
    story.has_incident("work", "wrong")
    (incident,) = bpmn.client.incidents(partition=story.partition, process_instance_id=story.id)
    bpmn.client.resolve(incident)
    story.waits_at("work").completes()
    story.is_completed()


@story
def a_job_fails_and_is_due_later(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end"))
    story = bpmn.start("p")
    story.at("work").fails("busy", retries=1, retry_in=timedelta(hours=1))
    bpmn.clock.advances(hours=1)
    story.at("work").completes()
    story.is_completed()


@story
def a_timer_fires(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> wait -> end", wait=catch("timer:P30D")))
    began = bpmn.clock.now
    story = bpmn.start("p")
    story.waits_at("wait").fires()
    story.is_completed()
    assert timedelta(days=30) <= bpmn.clock.now - began < timedelta(days=30, minutes=1)


@story
def a_timer_interrupts(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end; late -> given-up", late=boundary("work", "timer:PT1H")))
    story = bpmn.start("p")
    bpmn.clock.advances(minutes=59)
    story.waits_at("work")
    story.at("late").fires()
    story.is_completed(at="given-up").not_passed("work")


@story
def a_timer_is_set(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> wait -> end", wait=catch("timer")))
    story = bpmn.start("p")
    story.waits_at("wait").is_set(after=timedelta(days=1))
    story.waits_at("wait")
    bpmn.clock.set(bpmn.clock.now + timedelta(days=1, seconds=1))
    story.is_completed()


@story
def a_message_is_waited_for(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> wait -> end", wait=catch("message")))
    story = bpmn.start("p")
    story.waits_at("wait").correlates("k", name="paid")
    assert bpmn.send("paid", key="other").result == "DISCARDED"
    story.waits_at("wait")
    bpmn.send("paid", key="k", variables={"name": "both", "key": 1})
    story.is_completed().has({"name": "both", "key": 1})


@story
def a_message_interrupts(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end; stop -> stopped", stop=boundary("work", "message:stop")))
    story = bpmn.start("p")
    story.at("stop").correlates("k")
    story.waits_at("work")
    bpmn.send("stop", key="k")
    story.is_completed(at="stopped")


@story
def an_event_that_waits_for_several_things_is_one_place(bpmn: Bpmn) -> None:
    wait = several("intermediateCatchEvent", "message:paid", "signal:open", "timer:PT1H", parallel=True)
    bpmn.deploy(flow("start -> wait -> end", wait=wait))
    story = bpmn.start("p")
    story.waits_at("wait").correlates("k")
    bpmn.send("paid", key="k")
    story.waits_at("wait")
    bpmn.signal("open")
    story.waits_at("wait").fires()
    story.is_completed(at="end")


@story
def a_message_starts_an_instance(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end", start=start("message:begin")))
    bpmn.send("begin", key="k", n=7)
    story = bpmn.started("p", key="k")
    story.waits_at("work").has(n=7)


@story
def a_signal_comes(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> wait -> end", wait=catch("signal")))
    stories = [bpmn.start("p") for _ in range(2)]
    for each in stories:
        each.waits_at("wait").signals("all-clear")
    bpmn.signal("all-clear", by="me")
    for each in stories:
        each.is_completed().has(by="me")


@story
def an_escalation_goes_up(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end; up -> seen", up=boundary("work", "escalation:LATE", interrupting=False)))
    story = bpmn.start("p")
    story.at("work").escalates("LATE", hours=3)
    story.passed("up", "seen").has(hours=3)


@story
def an_error_ends_a_sub_process(bpmn: Bpmn) -> None:
    inside = sub("begin -> work -> broken", broken=end("error"))
    bpmn.deploy(flow("start -> inner -> end; caught -> handled", inner=inside, caught=boundary("inner", "error")))
    story = bpmn.start("p")
    story.at("caught").catches()
    story.waits_at("work").completes()
    story.waits_at("broken").throws("E1")
    story.is_completed(at="handled").not_passed("inner")


@story
def the_first_event_counts(bpmn: Bpmn) -> None:
    bpmn.deploy(
        flow(
            "start -> first -> paid, late; paid -> endp; late -> endl",
            first=EVENT_BASED,
            paid=catch("message:paid"),
            late=catch("timer:PT1H"),
        )
    )
    stories = [bpmn.start("p") for _ in range(2)]
    for each, key in zip(stories, "ab", strict=True):
        each.at("paid").correlates(key)
    bpmn.send("paid", key="b")
    stories[1].is_completed(at="endp")
    stories[0].at("late").fires()
    stories[0].is_completed(at="endl")


@story
def a_user_completes_a_task(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> approve -> end", approve=USER))
    story = bpmn.start("p", key="k", tags={"region": "north"})
    story.waits_at("approve").user_completes(approved=True)
    story.is_completed().has(approved=True)


@dataclass(frozen=True)
class Address:
    street: str
    no: int


@story
def values_are_compared_as_they_are_stored(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end"))
    given = {
        "amount": Decimal("12.50"),
        "day": date(2026, 11, 26),
        "moment": datetime(2026, 11, 26, 12, tzinfo=UTC),
        "address": Address("Main", 5),
        "data": b"\x00\xff",
        "none": None,
        "many": [1, {"a": 2.5}],
        "secret": secret("s"),
        "file": Raw("<a/>", encoding="xml"),
    }
    story = bpmn.start("p", variables=given)
    story.has(given).has(amount="12.50", secret="s", address={"street": "Main", "no": 5})


@story
def an_instance_is_canceled(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end"))
    story = bpmn.start("p").cancels()
    story.is_canceled().waits_at()
    story.not_passed("work", "end")


@story
def everything_is_shown(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> inner -> end", inner=sub("begin -> work -> done")))
    story = bpmn.start("p")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 start COMPLETED; 3 inner STARTED; 4 begin COMPLETED ^3; 5 work STARTED ^3 | "
        "J: 1 EXECUTE@5 DUE | T: "
    )
    story.at("work").completes()
    story.shows("COMPLETED | J: 1 EXECUTE@5 DONE")


@story
def a_signal_is_sent_to_others(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> tell -> end", process="teller", tell=throw("signal")))
    bpmn.deploy(flow("start -> hear -> end", process="hearer", hear=catch("signal")))
    hearer = bpmn.start("hearer")
    hearer.at("hear").signals("news")
    bpmn.start("teller").waits_at("tell").signals("news")
    hearer.is_completed()


@story
def variables_may_have_the_names_of_parameters(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> work -> end"))
    story = bpmn.start("p", variables={"key": 1, "version": 2}, process=3, name=4, self=5)
    story.has({"key": 1, "version": 2, "process": 3, "name": 4, "self": 5})


@story
def a_file_may_name_the_version_that_is_called(bpmn: Bpmn) -> None:
    bpmn.deploy(flow("start -> one -> done", process="offer"), version="1")
    bpmn.deploy(flow("start -> two -> done", process="offer"), version="2")
    process = Process("p", bpmn=flow("start -> ask -> again -> done", ask=call("offer:1"), again=call("offer")))
    process.call("ask")(lambda: None)
    process.call("again")(lambda: Call("offer", version="2"))
    bpmn.use(process)
    story = bpmn.start(process)
    called = story.at("ask").calls("offer")
    called.waits_at("one").completes(price=5)
    # Where a function says what is called and none what is passed on, a worker passes nothing.
    story.waits_at("ask").runs()
    story.has_no("price").waits_at("again").calls("offer").waits_at("two")


@story
@auto
def nothing_is_passed_on_where_no_function_does(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=1, order_id="o-1")
    bpmn.send("payment-received", key="o-1")
    called = story.at("ship").calls("shipping")
    called.at("task").completes(tracking="T1")
    story.is_completed(at="done").has_no("tracking")


@story
def conditions_and_numbers_are_answered(bpmn: Bpmn) -> None:
    bpmn.deploy(
        flow(
            "start -> each -> again -> sort -> red, blue; handler",
            process="answers",
            each=multi(cardinality="= number", condition="= enough"),
            again=loop(condition="= more", test_before=True),
            sort=conditional(SERVICE, default="red", blue="colour == 'blue'"),
            handler=event_sub("stop -> stopped", stop=start("message:stop")),
        )
    )
    story = bpmn.start("answers")
    story.at("stop").correlates("k")
    story.waits_at("each").counts(3)
    story.waits_at("each", "each", "each")
    assert "each #2 (job)" in story.standing()
    story.at("each").completes()
    story.at("each").answers(True)
    story.waits_at("again").answers(True)
    story.waits_at("again").completes()
    story.waits_at("again").answers(False)
    story.waits_at("sort").completes()
    story.waits_at("sort").decides("blue")
    story.is_completed(at="blue")


@story
def an_instance_begins_at_one_of_several_start_events(bpmn: Bpmn) -> None:
    bpmn.deploy(
        flow(
            "paper -> type; web -> print",
            process="starts",
            paper=Kind("startEvent"),
            web=Kind("startEvent"),
            type=SERVICE,
            print=SERVICE,
        ),
        expressions="ENGINE",
    )
    bpmn.start_at("web", "starts").waits_at("print").completes()
