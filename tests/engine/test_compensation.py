"""Compensation, and transactions that are canceled (BPMN 2.0.2, 10.7, 13.5.5 and 13.5.6)."""

import pytest

from app.engine.types import InstanceState
from tests.flow import (
    EXCLUSIVE,
    SERVICE,
    TASK,
    boundary,
    compensate,
    compensation,
    conditional,
    end,
    event_sub,
    loop,
    multi,
    start,
    sub,
    transaction,
    undo,
)
from tests.walk import Walk

A_AND_B = {"ua": undo(), "ba": compensation("a", "ua"), "ub": undo(), "bb": compensation("b", "ub")}
TRIP = {
    "tx": transaction(
        "s2 -> a -> x -> e2, ce; ba; ua",
        x=EXCLUSIVE,
        ce=end("cancel"),
        ua=undo(),
        ba=compensation("a", "ua"),
    ),
    "b": boundary("tx", "cancel"),
    "ko": SERVICE,
    "ok": SERVICE,
}


def sequence(**kinds) -> Walk:
    return Walk("s -> a -> b -> c -> e; ba; bb; ua; ub", **{**A_AND_B, "c": compensate(), **kinds})


def test_what_has_completed_is_undone_the_last_one_first():
    walk = sequence()
    walk.job("a").done()
    walk.job("b").done()
    assert walk.trace == (
        "1 p STARTED; 2 s COMPLETED; 3 a COMPLETED; 4 b COMPLETED; 5 c STARTED; 6 bb COMPLETED; 7 ub STARTED"
    )
    walk.job("ub").done()
    assert walk.waiting_at == ["c", "ua"]
    walk.job("ua").done()
    assert walk.trace.endswith(
        "5 c COMPLETED; 6 bb COMPLETED; 7 ub COMPLETED; 8 ba COMPLETED; 9 ua COMPLETED; 10 e COMPLETED"
    )
    assert walk.instance.state == "COMPLETED"


def test_one_activity_is_undone_where_the_event_names_it():
    walk = sequence(c=compensate("a"))
    walk.job("a").done()
    walk.job("b").done()
    assert walk.waiting_at == ["c", "ua"]
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_what_is_undone_once_is_not_undone_again():
    walk = Walk("s -> a -> c -> d -> e; ba; ua", ua=undo(), ba=compensation("a", "ua"), c=compensate(), d=compensate())
    walk.job("a").done()
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_nothing_to_undo_goes_on_at_once():
    assert Walk("s -> c -> e", c=compensate()).instance.state == "COMPLETED"


def test_an_event_that_does_not_wait_goes_on_and_keeps_its_scope_open():
    walk = Walk(
        "s -> a -> c -> t -> e; ba; ua", ua=undo(), ba=compensation("a", "ua"), c=compensate(waits=False), t=SERVICE
    )
    walk.job("a").done()
    assert walk.waiting_at == ["c", "t", "ua"]
    walk.job("t").done()
    assert walk.waiting_at == ["c", "ua"]
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_an_end_event_compensates_and_ends_its_path():
    walk = Walk("s -> a -> c; ba; ua", ua=undo(), ba=compensation("a", "ua"), c=compensate(tag="endEvent"))
    walk.job("a").done()
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_a_sub_process_is_undone_by_its_own_event_sub_process_which_sees_what_it_has_completed():
    undoing = event_sub("k -> y", k=start("compensate"), y=compensate(tag="endEvent"))
    walk = Walk(
        "s -> sp -> t -> c -> e",
        sp=sub("s2 -> a -> b -> e2; x; ba; bb; ua; ub", x=undoing, **A_AND_B),
        t=SERVICE,
        c=compensate(),
    )
    for id in ("a", "b", "t"):
        walk.job(id).done()
    assert walk.waiting_at == ["c", "y", "ub"]
    walk.job("ub").done()
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_a_sub_process_without_a_handler_is_undone_by_undoing_what_is_inside():
    walk = Walk("s -> sp -> c -> e", sp=sub("s2 -> a -> b -> e2; ba; bb; ua; ub", **A_AND_B), c=compensate())
    walk.job("a").done()
    walk.job("b").done()
    assert walk.waiting_at == ["c", "ub"]
    walk.job("ub").done()
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_each_instance_of_a_multi_instance_is_undone_with_its_variables():
    walk = Walk(
        "s -> a -> c -> e; ba; ua", a=multi(cardinality="2"), ua=undo(), ba=compensation("a", "ua"), c=compensate()
    )
    walk.job("a").done()
    walk.job("a").done()
    counters = []
    for _ in range(2):
        handler = walk.token("ua")
        counters.append(walk.records.variables[walk.instance, handler, "loopCounter"].value)
        walk.job("ua").done()
    assert counters == ["2", "1"]
    assert walk.instance.state == "COMPLETED"


def test_iterations_of_a_loop_are_undone_in_reverse():
    walk = Walk("s -> a -> c -> e; ba; ua", a=loop(maximum=3), ua=undo(), ba=compensation("a", "ua"), c=compensate())
    for _ in range(3):
        walk.job("a").done()
    counters = []
    for _ in range(3):
        counters.append(walk.records.variables[walk.instance, walk.token("ua"), "loopCounter"].value)
        walk.job("ua").done()
    assert counters == ["3", "2", "1"]


def test_what_has_been_terminated_is_not_undone():
    walk = Walk(
        "s -> sp -> c -> e; x -> c",
        sp=sub("s2 -> a -> b -> e2; ba; ua", ua=undo(), ba=compensation("a", "ua")),
        x=boundary("sp", "error:E"),
        c=compensate(),
    )
    walk.job("a").done()
    walk.job("b").done(error_code="E")
    assert walk.instance.state == "COMPLETED"
    assert "ua" not in walk.trace


def test_an_event_that_is_terminated_ends_its_handlers_too():
    walk = Walk(
        "s -> sp -> e; x -> late",
        sp=sub("s2 -> a -> c -> e2; ba; ua", ua=undo(), ba=compensation("a", "ua"), c=compensate()),
        x=boundary("sp", "signal:S"),
        late=TASK,
    )
    walk.job("a").done()
    assert walk.waiting_at == ["c", "ua"]
    walk.happens("x")
    assert walk.instance.state == "COMPLETED"
    assert "ua TERMINATED" in walk.trace


def test_handlers_stop_where_the_instance_is_suspended():
    walk = sequence()
    walk.job("a").done()
    walk.job("b").done()
    walk.suspend()
    walk.job("ub").done()
    assert walk.waiting_at == ["c", "ua"]
    assert [job.bpmn_element_id for job in walk.jobs()] == []
    walk.resume()
    walk.job("ua").done()
    assert walk.instance.state == "COMPLETED"


def test_a_transaction_that_is_canceled_is_undone_and_left_by_its_cancel_event():
    walk = Walk("s -> tx -> ok; b -> ko", **TRIP)
    walk.job("a").done()
    walk.job("x").done(exclusive_gateway_decision="ce")
    assert walk.waiting_at == ["ce", "ua"]
    walk.job("ua").done()
    assert walk.waiting_at == ["ko"]
    assert walk.token("tx").state == "TERMINATED"
    assert walk.token("b").state == "COMPLETED"
    assert walk.token("ce").state == "COMPLETED"


def test_a_transaction_that_succeeds_is_left_by_its_flow():
    walk = Walk("s -> tx -> ok; b -> ko", **TRIP)
    walk.job("a").done()
    walk.job("x").done(exclusive_gateway_decision="e2")
    assert walk.waiting_at == ["ok"]
    assert walk.token("b").state == "TERMINATED"


def test_the_cancellation_of_a_transaction_ends_what_is_active_in_it():
    walk = Walk(
        "s -> tx -> ok; b -> ko",
        tx=transaction("s2 -> t, x; x -> ce; t -> e2", ce=end("cancel"), t=SERVICE, x=SERVICE),
        b=boundary("tx", "cancel"),
        ko=SERVICE,
        ok=SERVICE,
    )
    walk.job("x").done()
    assert walk.waiting_at == ["ko"]
    assert walk.token("t").state == "TERMINATED"


def aside(*, evaluates: bool = False) -> Walk:
    """Goes on where a condition is true, and does not wait for what undoes."""
    walk = Walk(
        "s -> a -> k -> x, y; ba; ua",
        evaluates=evaluates,
        ba=compensation("a", "ua"),
        ua=undo(),
        k=conditional(compensate(waits=False), default="y", x="p"),
        x=SERVICE,
        y=SERVICE,
    )
    walk.job("a").done()
    return walk


@pytest.mark.parametrize("undone_first", [True, False])
def test_one_that_does_not_wait_leaves_by_the_flows_that_are_decided(undone_first):
    walk = aside()
    for id in ("ua", "k") if undone_first else ("k", "ua"):
        assert walk.token("k").state == "STARTED"
        walk.job(id).done(**({"inclusive_gateway_decision": ["x"]} if id == "k" else {}))
    assert walk.waiting_at == ["x"]
    assert walk.token("k").state == "COMPLETED"


@pytest.mark.parametrize("undone_first", [True, False])
def test_one_that_does_not_wait_leaves_when_its_conditions_can_be_evaluated(undone_first):
    walk = aside(evaluates=True)
    if undone_first:
        walk.job("ua").done()
    assert walk.token("k").state == "STARTED"
    walk.set(p=False)
    walk.resolved().run()
    if not undone_first:
        walk.job("ua").done()
    assert walk.waiting_at == ["y"]
    assert walk.token("k").state == "COMPLETED"


def test_an_instance_that_is_terminated_ends_what_undoes_once():
    walk = sequence()
    walk.job("a").done()
    walk.job("b").done()
    walk.end(InstanceState.TERMINATED)
    assert walk.trace == (
        "1 p TERMINATED; 2 s COMPLETED; 3 a COMPLETED; 4 b COMPLETED; 5 c TERMINATED; 6 bb COMPLETED; 7 ub TERMINATED"
    )
