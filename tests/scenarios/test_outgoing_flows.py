"""Conditional and default flows out of activities and events, which a worker decides on."""

import pytest

from tests.flow import SERVICE, TASK, USER, Kind, boundary, catch, conditional, flow, loop, multi, receive
from tests.story import Story, send, signal

THREE = "t -> a, b, c"
NO_FLOW = "element t has no conditional sequence flow to c; possible: a (flow t_a)"


def of(kind: Kind = SERVICE) -> str:
    return flow("s -> t -> a, b, c", t=conditional(kind, default="b", a="x > 1"), a=SERVICE, b=SERVICE, c=SERVICE)


def test_the_default_flow_is_taken_where_no_condition_is_true(engine):
    story = Story.start(engine, of()).job_completes("t")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED | J: 1 EXECUTE@3 DONE; 2 EVALUATE_OUTGOING_FLOWS@3 DUE"
    )
    story.job_completes("t").waits_at("b", "c")


def test_flows_without_condition_are_taken_in_any_case(engine):
    story = Story.start(engine, of()).job_completes("t")
    story.job_completes("t", inclusive_gateway_decision=("a",)).waits_at("a", "c")


def test_a_flow_without_condition_can_not_be_decided_on(engine):
    story = Story.start(engine, of()).job_completes("t")
    story.job_fails("t", NO_FLOW, inclusive_gateway_decision=("c",)).incident_is_resolved()
    story.job_fails(
        "t", "decision contains duplicate BPMN element ID a", inclusive_gateway_decision=("a", "a")
    ).incident_is_resolved()
    story.job_completes("t", inclusive_gateway_decision=("t_a",)).waits_at("a", "c")


def test_something_must_be_true_where_all_flows_have_conditions(engine):
    story = Story.start(engine, flow("s -> t -> a, b", t=conditional(SERVICE, a="x", b="y"), a=SERVICE, b=SERVICE))
    story.job_completes("t").job_fails("t", "expected an outgoing sequence flow; possible: a (flow t_a), b (flow t_b)")
    story.incident_is_resolved().job_completes("t", inclusive_gateway_decision=("b", "a")).waits_at("a", "b")


def test_a_task_of_nobody_asks_a_worker(engine):
    story = Story.start(engine, of(TASK)).waits_at("t")
    story.job_completes("t", inclusive_gateway_decision=("a",)).waits_at("a", "c")


def test_a_user_task_is_over_when_it_is_decided(engine):
    story = Story.start(engine, of(USER))
    assert story.user_task_updates(completed=True).state == "COMPLETED"
    story.waits_at("t").job_completes("t").waits_at("b", "c")


def test_boundary_events_end_before_it_is_decided(engine):
    model = flow(
        "s -> t -> a, b; bb -> eb",
        t=conditional(SERVICE, default="b", a="x"),
        a=SERVICE,
        b=SERVICE,
        bb=boundary("t", "signal:g"),
    )
    story = Story.start(engine, model).job_completes("t")
    assert (story.visit("bb").state, story.subscriptions()) == ("TERMINATED", [])
    story.job_completes("t").waits_at("b")


def test_a_boundary_event_that_has_happened_waits_for_its_decision_without_its_host(engine):
    model = flow(
        "s -> t -> e; bb -> a, b",
        a=SERVICE,
        b=SERVICE,
        bb=conditional(boundary("t", "signal:g"), default="b", a="x"),
    )
    story = Story.start(engine, model)
    signal(engine)
    story.tasks_run("DONE")
    assert (story.visit("t").state, story.visit("bb").state) == ("TERMINATED", "STARTED")
    story.job_completes("bb", inclusive_gateway_decision=("a",)).waits_at("a")


@pytest.mark.parametrize("kind", [catch("message:m"), receive("m")])
def test_what_has_waited_for_a_message_waits_for_its_decision(engine, kind):
    story = Story.start(engine, of(kind)).job_completes("t", message_correlation_key="k")
    send(engine)
    story.tasks_run("DONE").job_completes("t", inclusive_gateway_decision=("a",)).waits_at("a", "c")


def test_a_condition_that_becomes_true_again_before_it_is_decided_does_not_happen_again(engine):
    story = Story.start(engine, of(catch('conditional:x == "1"')))
    story.sets(x="1").sets(x="2").sets(x="1").tasks_run("DONE")
    story.sets(x="2").sets(x="1").tasks_run()
    story.job_completes("t", inclusive_gateway_decision=("a",)).waits_at("a", "c")


def test_a_body_is_decided_on_once_all_instances_are_over(engine):
    model = flow("s -> t -> a, b", t=conditional(loop(SERVICE, maximum=2), default="b", a="x"), a=SERVICE, b=SERVICE)
    story = Story.start(engine, model).job_completes("t").job_completes("t")
    (job,) = story.jobs()
    assert (job.type, job.element_instance_id) == ("EVALUATE_OUTGOING_FLOWS", story.visits("t")[0].id)
    story.job_completes("t", inclusive_gateway_decision=("a",)).waits_at("a")


def test_it_is_not_asked_any_more_whether_it_is_enough_once_all_is_over(engine):
    each = conditional(multi(cardinality="2", condition="enough"), default="b", a="x")
    story = Story.start(engine, flow("s -> t -> a, b", t=each, a=SERVICE, b=SERVICE))
    story.job_completes("t").job_completes("t")
    assert [job.type for job in story.jobs()] == ["EVALUATE_COMPLETION_CONDITION", "EVALUATE_OUTGOING_FLOWS"]
    story.job_completes("t", condition_fulfilled=True).job_completes("t").waits_at("b")


def test_what_is_decided_while_suspended_goes_on_on_resume(engine):
    story = Story.start(engine, of()).job_completes("t").suspends().job_completes("t")
    assert [story.visit(id).state for id in ("t", "b", "c")] == ["COMPLETED", "SUSPENDED", "SUSPENDED"]
    story.resumes().job_completes("b").job_completes("c").is_completed()
