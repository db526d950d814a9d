"""What multi-instances throw when instances of them complete."""

import pytest

from app.engine.records import SignalSubscription
from app.engine.types import InstanceState
from tests.flow import Kind, boundary, conditional, event_sub, multi, several, start, sub
from tests.walk import Facts, Walk

SIGNAL, ESCALATION = "signal:g", "escalation:E"


def begun(event: str, behavior: str, *, interrupting: bool = False, caught: str = "", when: str = "", **fields) -> Walk:
    task = multi(cardinality="3", behavior=behavior, throws={event: when}, **fields)
    return Walk("s -> t -> e; b -> x", t=task, b=boundary("t", caught or event, interrupting=interrupting))


def reached(walk: Walk, id: str) -> int:
    return sum(token.node.id == id for token in walk.tokens)


def signals(walk: Walk, facts: Facts | None = None) -> list[str]:
    """Completes the first job at the activity; the signals that are broadcast by that."""
    step = walk.job("t")
    thrown: list[str] = []
    take = walk.records.take

    def noting(changes):
        thrown.extend(each.name for each in changes.thrown)
        take(changes)

    walk.records.take = noting
    step.done(facts)
    walk.records.take = take
    return thrown


@pytest.mark.parametrize("event", [SIGNAL, ESCALATION])
@pytest.mark.parametrize(("behavior", "times"), [("None", 3), ("One", 1)])
@pytest.mark.parametrize("sequential", [False, True])
def test_boundary_events_catch_what_each_or_the_first_instance_throws(event, behavior, times, sequential):
    walk = begun(event, behavior, sequential=sequential)
    walk.job("t").done()
    assert reached(walk, "x") == 1
    walk.job("t").done()
    walk.job("t").done()
    assert reached(walk, "x") == times
    assert reached(walk, "e") == 1
    assert walk.instance.state == "COMPLETED"


@pytest.mark.parametrize("event", [SIGNAL, ESCALATION])
def test_an_event_that_interrupts_ends_all_instances(event):
    walk = begun(event, "One", interrupting=True)
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (1, 0)
    assert [str(token.state) for token in walk.tokens if token.is_inner] == ["COMPLETED", "TERMINATED", "TERMINATED"]
    assert walk.records.subscriptions == []
    assert walk.instance.state == "COMPLETED"


def test_all_throws_nothing():
    walk = begun(ESCALATION, "")
    for _ in range(3):
        walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (0, 1)


@pytest.mark.parametrize("event", [SIGNAL, ESCALATION])
def test_an_event_about_something_else_does_not_catch(event):
    kind = event.partition(":")[0]
    walk = begun(event, "None", caught=f"{kind}:other")
    for _ in range(3):
        walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (0, 1)


def test_a_signal_is_sent_to_all_others():
    walk = begun(SIGNAL, "One")
    assert signals(walk) == ["g"]
    assert signals(walk) == []


def test_what_has_caught_a_signal_at_the_boundary_does_not_get_it_once_more():
    walk = begun(SIGNAL, "None")
    (own,) = walk.records.subscriptions
    own.element_instance_id = own.token.id
    other = SignalSubscription(
        partition=own.partition,
        element_id=1,
        element_instance_id=99,
        process_id=1,
        bpmn_element_id="o",
        created_at=own.created_at,
        created_by="w",
        name="g",
    )
    found = []

    class Subscribed(Facts):
        def __getitem__(self, need):
            return [own, other] if type(need).__name__ == "SignalSubscribers" else super().__getitem__(need)

    take = walk.records.take

    def noting(changes):
        found.extend(each.subscribers for each in changes.thrown)
        take(changes)

    walk.records.take = noting
    walk.job("t").done(Subscribed())
    assert found == [[other]]


def test_a_signal_that_is_two_of_several_definitions_has_the_event_happen_once():
    task = multi(cardinality="2", behavior="One", throws={SIGNAL: ""})
    event = several("boundaryEvent", SIGNAL, "signal:h", SIGNAL, host="t", interrupting=False)
    walk = Walk("s -> t -> e; b -> x, y", t=task, b=conditional(event, x="late"))
    walk.job("t").done()
    # It is still to be decided where the one goes on that has happened.
    assert [str(token.state) for token in walk.tokens if token.node.id == "b"] == ["STARTED", "CREATED"]
    assert [subscription.token for subscription in walk.records.subscriptions] == [walk.token("b")] * 3


def test_an_escalation_that_nothing_at_the_activity_catches_climbs_on():
    task = multi(cardinality="2", behavior="None", throws={ESCALATION: ""})
    inner = sub("is -> t -> ie", t=task)
    walk = Walk("s -> c -> e; b -> x", c=inner, b=boundary("c", ESCALATION, interrupting=False))
    walk.job("t").done()
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (2, 1)


def test_an_event_sub_process_catches_an_escalation():
    task = multi(cardinality="2", behavior="One", throws={ESCALATION: ""})
    handler = event_sub("hs -> h -> he", hs=start(ESCALATION))
    walk = Walk("s -> t -> e; handler", t=task, handler=handler)
    walk.job("t").done()
    assert walk.waiting_at == ["h"]
    assert reached(walk, "e") == 0


def test_complex_conditions_say_when_which_event_is_thrown():
    task = multi(
        cardinality="3",
        behavior="Complex",
        throws={
            "escalation:first": "numberOfCompletedInstances == 1",
            "escalation:last": "numberOfActiveInstances == 0 && loopCounter > 0",
            "escalation:never": "unknown > 1",
        },
    )
    walk = Walk(
        "s -> t -> e; b -> x; c -> y; d -> z",
        t=task,
        b=boundary("t", "escalation:first", interrupting=False),
        c=boundary("t", "escalation:last", interrupting=False),
        d=boundary("t", "escalation:never", interrupting=False),
    )
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 0)
    walk.job("t").done()
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "y"), reached(walk, "z"), reached(walk, "e")) == (1, 1, 0, 1)
    assert walk.records.incidents == []


def test_what_is_thrown_comes_before_the_completion_condition():
    walk = begun(ESCALATION, "One", interrupting=True, condition="true")
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (1, 0)


def test_a_suspended_one_throws_and_what_follows_waits():
    walk = begun(ESCALATION, "None")
    walk.suspend()
    walk.job("t").done()
    assert walk.token("x").state is InstanceState.SUSPENDED
    walk.resume()
    assert walk.token("x").state is InstanceState.COMPLETED


def test_instances_of_sub_processes_throw_when_they_are_over():
    content = sub("is -> w -> ie")
    task = multi(content, cardinality="2", behavior="None", throws={ESCALATION: ""})
    walk = Walk("s -> t -> e; b -> x", t=task, b=boundary("t", ESCALATION, interrupting=False))
    walk.job("w").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (1, 0)
    walk.job("w").done()
    assert (reached(walk, "x"), reached(walk, "e")) == (2, 1)


def test_passed_through_tasks_throw_too():
    task = multi(Kind("manualTask"), cardinality="2", behavior="One", throws={ESCALATION: ""})
    walk = Walk("s -> t -> e; b -> x", t=task, b=boundary("t", ESCALATION, interrupting=False))
    assert (reached(walk, "x"), reached(walk, "e")) == (1, 1)
