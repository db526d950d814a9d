"""Throw and end events with several definitions."""

import pytest

from tests.flow import boundary, catch, flow, several, sub
from tests.story import Story


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
def test_signals_and_escalations_are_thrown_together(engine, tag):
    first = Story.start(engine, flow("s -> c -> e", process="q", c=catch("signal:g")))
    second = Story.start(engine, flow("s -> c -> e", process="r", c=catch("signal:h")))
    inner = sub("is -> t", t=several(tag, "signal:g", "escalation:E", "signal:h"))
    b = boundary("sp", "escalation:E", interrupting=False)
    story = Story.start(engine, flow("s -> sp -> e; b -> x", sp=inner, b=b))
    story.tasks_run("DONE")
    story.is_completed()
    assert len(story.visits("x")) == 1
    story.tasks_run("DONE", "DONE")
    first.is_completed()
    second.is_completed()


def test_names_that_the_engine_evaluates(engine):
    waiting = Story.start(engine, flow("s -> c -> e", process="q", c=catch("signal:g")))
    model = flow("s -> t -> e", t=several("intermediateThrowEvent", "signal:${name}", "escalation:E"))
    story = Story.start(engine, model, definitions={"expressions": "ENGINE"})
    story.tasks_run("DONE").waits_at("t")
    story.sets(name="g").incident_is_resolved().tasks_run("DONE").is_completed()
    story.tasks_run("DONE")
    waiting.is_completed()
