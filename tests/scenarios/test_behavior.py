"""Events that multi-instances throw when instances of them complete."""

import pytest

from tests.flow import boundary, catch, flow, multi
from tests.story import Story

SIGNAL, ESCALATION = "signal:g", "escalation:E"


def model(event: str, behavior: str, *, interrupting: bool = False) -> str:
    task = multi(cardinality="2", behavior=behavior, throws={event: ""})
    return flow("s -> t -> e; b -> x", t=task, b=boundary("t", event, interrupting=interrupting))


def ends(story: Story) -> list[str]:
    return [visit.bpmn_element_id for visit in story.visits() if visit.bpmn_element_id in ("x", "e")]


@pytest.mark.parametrize("event", [SIGNAL, ESCALATION])
@pytest.mark.parametrize(("behavior", "reached"), [("None", ["x", "x", "e"]), ("One", ["x", "e"])])
def test_boundary_events_of_the_activity_catch_what_it_throws(engine, event, behavior, reached):
    story = Story.start(engine, model(event, behavior))
    story.job_completes("t").job_completes("t").tasks_run().is_completed()
    assert ends(story) == reached
    assert story.subscriptions() == []


@pytest.mark.parametrize("event", [SIGNAL, ESCALATION])
def test_an_event_that_interrupts_ends_the_activity(engine, event):
    story = Story.start(engine, model(event, "One", interrupting=True))
    story.job_completes("t").tasks_run().is_completed()
    assert ends(story) == ["x"]
    assert story.subscriptions() == []


def test_others_get_the_signal_too(engine):
    waiting = Story.start(engine, flow("s -> c -> e", process="q", c=catch(SIGNAL)))
    story = Story.start(engine, model(SIGNAL, "One"))
    story.job_completes("t").tasks_run("DONE")
    waiting.is_completed()
    assert ends(story) == ["x"]


def test_conditions_say_what_is_thrown(engine):
    throws = {SIGNAL: "numberOfCompletedInstances == 2", ESCALATION: "numberOfCompletedInstances == 1"}
    task = multi(cardinality="2", behavior="Complex", throws=throws)
    at = {"b": boundary("t", ESCALATION, interrupting=False), "c": boundary("t", SIGNAL, interrupting=False)}
    story = Story.start(engine, flow("s -> t -> e; b -> x; c -> y", t=task, **at))
    story.job_completes("t")
    assert (len(story.visits("x")), len(story.visits("y"))) == (1, 0)
    story.job_completes("t").tasks_run().is_completed()
    assert (len(story.visits("x")), len(story.visits("y"))) == (1, 1)
