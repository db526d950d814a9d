"""Joining inclusive gateways, as they are stored and loaded; all about when they go on is in tests of the engine."""

from tests.flow import EXCLUSIVE, INCLUSIVE, PARALLEL, boundary, flow, sub
from tests.story import Story, signal


def test_it_waits_for_what_has_been_chosen(engine):
    story = Story.start(engine, flow("s -> g -> a, b, c -> j -> e", g=INCLUSIVE, j=INCLUSIVE))
    story.job_completes("g", inclusive_gateway_decision=("a", "b")).job_completes("a")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 g COMPLETED; 4 a COMPLETED; 5 b STARTED; 6 j STARTED | T: "
    )
    story.job_completes("b")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 a COMPLETED; 5 b COMPLETED; 6 j COMPLETED; "
        "7 j COMPLETED; 8 e COMPLETED | T: "
    )


def test_it_goes_on_with_the_decision_that_leads_elsewhere(engine):
    model = flow("s -> f -> a, b; a -> j -> e; b -> x -> j, b, e2", f=PARALLEL, j=INCLUSIVE, x=EXCLUSIVE)
    story = Story.start(engine, model).job_completes("a").job_completes("b")
    story.job_completes("x", exclusive_gateway_decision="b").waits_at("j", "b").job_completes("b")
    story.job_completes("x", exclusive_gateway_decision="e2").is_completed()


def test_it_does_not_wait_for_what_can_get_to_a_filled_flow_as_well(engine):
    model = flow(
        "s -> f -> a, b; a -> m; b -> y -> m, j; m -> j -> e", f=PARALLEL, m=EXCLUSIVE, y=EXCLUSIVE, j=INCLUSIVE
    )
    story = Story.start(engine, model).job_completes("a").waits_at("b").job_completes("b")
    story.job_completes("y", exclusive_gateway_decision="j").is_completed()
    assert len(story.visits("e")) == 2


def test_it_goes_on_when_a_boundary_event_ends_what_it_waits_for(engine):
    inner = sub("s2 -> f -> a, b -> j -> t -> e2; bb -> x", f=PARALLEL, j=INCLUSIVE, bb=boundary("b", "signal:g"))
    story = Story.start(engine, flow("s -> sp -> e", sp=inner)).job_completes("a").waits_at("b", "j")
    signal(engine)
    story.tasks_run("DONE").waits_at("t").job_completes("t").is_completed()


def test_what_arrives_while_suspended_counts_on_resume(engine):
    story = Story.start(engine, flow("s -> f -> a, b -> j -> t -> e", f=PARALLEL, j=INCLUSIVE))
    story.job_completes("a").suspends().job_completes("b")
    assert [visit.state for visit in story.visits("j")] == ["STARTED", "SUSPENDED"]
    story.resumes().waits_at("t").job_completes("t").is_completed()


def test_joined_tokens_decide_once(engine):
    story = Story.start(engine, flow("s -> f -> a, b -> j -> c, d -> e", f=PARALLEL, j=INCLUSIVE))
    story.job_completes("a").job_completes("b").job_fails(
        "j", "expected an inclusive gateway decision; possible: c (flow j_c), d (flow j_d)"
    )
    story.incident_is_resolved().job_completes("j", inclusive_gateway_decision=("d",)).waits_at("d")


def test_canceling_ends_what_waits(engine):
    story = Story.start(engine, flow("s -> f -> a, b -> j -> e", f=PARALLEL, j=INCLUSIVE)).job_completes("a").cancels()
    assert (story.visit("j").state, story.visit("b").state) == ("CANCELED", "CANCELED")
