"""How many tokens an activity needs, and how many it passes on."""

from dataclasses import replace

import pytest

from tests.flow import PARALLEL, SERVICE, boundary, flow, multi
from tests.story import Story, signal

TWICE = replace(SERVICE, attributes=' completionQuantity="2"')
NEEDS_TWO = replace(SERVICE, attributes=' startQuantity="2"')


def test_two_tokens_are_passed_on_and_needed(engine):
    story = Story.start(engine, flow("s -> a -> b -> e", a=TWICE, b=NEEDS_TWO)).job_completes("a")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 a COMPLETED; 4 b COMPLETED; 5 b STARTED "
        "| J: 1 EXECUTE@3 DONE; 2 EXECUTE@5 DUE"
    )
    story.job_completes("b").is_completed()
    assert len(story.visits("e")) == 1


def test_too_few_tokens_wait_for_ever(engine):
    story = Story.start(engine, flow("s -> a -> b -> e", a=SERVICE, b=NEEDS_TWO)).job_completes("a")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 a COMPLETED; 4 b CREATED | J: 1 EXECUTE@3 DONE")
    story.cancels()
    assert story.visit("b").state == "CANCELED"


def test_tokens_of_all_flows_count_together(engine):
    story = Story.start(engine, flow("s -> f -> a1, a2, a3 -> b -> e", f=PARALLEL, b=NEEDS_TWO))
    story.job_completes("a2").waits_at("a1", "a3", "b").job_completes("a3")
    assert [visit.state for visit in story.visits("b")] == ["COMPLETED", "STARTED"]
    story.job_completes("b").job_completes("a1").waits_at("b")


def test_boundary_events_wait_once_it_has_begun(engine):
    model = flow("s -> f -> a1, a2 -> b -> e; bb -> eb", f=PARALLEL, b=NEEDS_TWO, bb=boundary("b", "signal:g"))
    story = Story.start(engine, model).job_completes("a1")
    assert story.visits("bb") == []
    story.job_completes("a2")
    signal(engine)
    story.tasks_run("DONE").is_completed()
    assert [visit.state for visit in story.visits("b")] == ["COMPLETED", "TERMINATED"]


@pytest.mark.parametrize("first", ["before", "while"])
def test_tokens_count_when_the_instance_is_resumed(engine, first):
    story = Story.start(engine, flow("s -> f -> a1, a2 -> b -> e", f=PARALLEL, b=NEEDS_TWO))
    if first == "before":
        story.job_completes("a1").suspends()
    else:
        story.suspends().job_completes("a1")
    story.job_completes("a2")
    assert story.visit("b").state == "SUSPENDED"
    story.resumes().job_completes("b").is_completed()


def test_quantities_are_those_of_all_instances_together(engine):
    each = multi(replace(SERVICE, attributes=' startQuantity="2" completionQuantity="2"'), cardinality="2")
    story = Story.start(engine, flow("s -> a -> b -> e", a=TWICE, b=each)).job_completes("a")
    story.job_completes("b").job_completes("b").is_completed()
    assert (len(story.visits("b")), len(story.visits("e"))) == (4, 2)
