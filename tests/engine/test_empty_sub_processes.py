"""Sub-processes and transactions that have no content: they are over as soon as they have started."""

import pytest

from app.engine.types import InstanceState
from app.timer import Timer
from tests.flow import Kind, boundary, compensate, compensation, loop, multi, sub, undo
from tests.walk import Walk

EMPTY = Kind("subProcess")


@pytest.mark.parametrize("kind", [EMPTY, Kind("transaction")])
def test_the_flow_goes_on_behind_it(kind):
    walk = Walk("s -> sp -> t -> e", sp=kind)
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 t STARTED"
    [sub_process] = [token for token in walk.tokens if token.node.id == "sp"]
    assert sub_process.started_at == sub_process.ended_at == walk.now


def test_a_process_may_be_nothing_but_one():
    assert str(Walk("sp", sp=EMPTY)) == "COMPLETED | 1 p COMPLETED; 2 sp COMPLETED | jobs:  | tasks: "


def test_it_may_be_in_another_one():
    assert Walk("s -> sp -> e", sp=sub("in", **{"in": EMPTY})).instance.state == "COMPLETED"


def test_its_boundary_events_end_with_it():
    walk = Walk("s -> sp -> e; b -> x", sp=EMPTY, b=boundary("sp", "timer:PT1H"))
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 sp COMPLETED; 4 b TERMINATED; 5 e COMPLETED"


def test_it_starts_once_its_boundary_events_are_defined():
    walk = Walk("s -> sp -> t; b -> x", sp=EMPTY, t=Kind("userTask"), b=boundary("sp", "timer"))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 sp CREATED; 4 b CREATED"
    walk.job("b").done(timer=Timer(time_duration="PT1H"))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 b TERMINATED; 5 t STARTED"


def test_a_suspended_instance_stops_in_front_of_it():
    walk = Walk("s -> a -> sp -> t -> e", sp=EMPTY)
    walk.suspend()
    walk.job("a").done()
    assert walk.trace == "1 p SUSPENDED; 2 s COMPLETED; 3 a COMPLETED; 4 sp SUSPENDED"
    walk.resume()
    assert walk.waiting_at == ["t"]


def test_a_suspended_instance_stops_behind_one_whose_events_are_defined_meanwhile():
    walk = Walk("s -> sp -> t; b -> x", sp=EMPTY, t=Kind("serviceTask"), b=boundary("sp", "signal"))
    walk.suspend()
    walk.job("b").done(signal_name="g")
    assert walk.trace == "1 p SUSPENDED; 2 s COMPLETED; 3 sp COMPLETED; 4 b TERMINATED; 5 t SUSPENDED"
    walk.resume()
    assert walk.waiting_at == ["t"]


def test_a_queued_instance_goes_through_it_when_it_is_dequeued():
    walk = Walk("sp -> e", state=InstanceState.QUEUED, sp=EMPTY)
    assert walk.trace == "1 p QUEUED; 2 sp QUEUED"
    walk.dequeue()
    assert walk.instance.state == "COMPLETED"


@pytest.mark.parametrize("sequential", [False, True])
def test_each_instance_of_it_is_over_at_once(sequential):
    walk = Walk("s -> sp -> e", sp=multi(EMPTY, cardinality="2", sequential=sequential))
    states = [(token.node.id, token.loop_counter, token.state) for token in walk.tokens if token.node.id == "sp"]
    assert states == [("sp", 2, "COMPLETED"), ("sp", 1, "COMPLETED"), ("sp", 2, "COMPLETED")]
    assert walk.instance.state == "COMPLETED"


def test_it_is_repeated_as_often_as_its_loop_says():
    walk = Walk("s -> sp -> e", sp=loop(EMPTY, maximum=3))
    assert [token.node.id for token in walk.tokens].count("sp") == 4
    assert walk.instance.state == "COMPLETED"


def test_it_can_be_undone():
    walk = Walk("s -> sp -> c -> e; b; u", sp=EMPTY, b=compensation("sp", "u"), c=compensate(), u=undo())
    assert walk.waiting_at == ["c", "u"]
    walk.job("u").done()
    assert walk.instance.state == "COMPLETED"
