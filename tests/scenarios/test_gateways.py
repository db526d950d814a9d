"""Parallel, exclusive and inclusive gateways."""

import pytest

from tests.flow import EXCLUSIVE, INCLUSIVE, PARALLEL, exclusive, flow, inclusive
from tests.story import Story

JOIN = flow("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL)
DEFAULT = flow("s -> x -> e1, e2", x=exclusive("e1"))
INCLUSIVE_DEFAULT = flow("s -> x -> e1, e2, e3", x=inclusive("e1"))


def test_a_join_waits_for_both_branches(engine):
    story = Story.start(engine, JOIN)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 f COMPLETED; 4 a STARTED; 5 b STARTED "
        "| J: 1 EXECUTE@4 DUE; 2 EXECUTE@5 DUE"
    )
    story.job_completes("b")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 f COMPLETED; 4 a STARTED; 5 b COMPLETED; 6 j STARTED "
        "| T: 1 JOIN_PARALLEL_GATEWAY@6 DUE"
    )
    story.tasks_run("DONE").waits_at("a", "j")
    story.job_completes("a")
    story.shows("STARTED | T: 1 JOIN_PARALLEL_GATEWAY@6 DONE; 2 JOIN_PARALLEL_GATEWAY@7 DUE")
    story.tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 f COMPLETED by w; 4 a COMPLETED by w; "
        "5 b COMPLETED by w; 6 j COMPLETED by w; 7 j COMPLETED by w; 8 e COMPLETED by default-engine"
    )


def test_the_task_of_a_surplus_arrival_is_marked_and_canceled(engine):
    story = Story.start(engine, JOIN)
    story.job_completes("a").job_completes("b").task_runs("j").is_completed()
    assert [task.detached for task in story.tasks()] == [True]
    story.tasks_run("CANCELED")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 f COMPLETED; 4 a COMPLETED; 5 b COMPLETED; 6 j COMPLETED; "
        "7 j COMPLETED; 8 e COMPLETED | T: 1 JOIN_PARALLEL_GATEWAY@6 DONE; 2 JOIN_PARALLEL_GATEWAY@7 CANCELED"
    )


def test_instances_of_one_process_do_not_join_each_other(engine):
    first = Story.start(engine, JOIN)
    second = first.again()
    first.job_completes("a")
    second.job_completes("b").tasks_run("DONE", "DONE")
    first.waits_at("b", "j")
    second.waits_at("a", "j")


def test_two_flows_from_one_source_are_joined(engine):
    story = Story.start(engine, flow("s -> a -> j -> e; a -> j", j=PARALLEL))
    story.job_completes("a").tasks_run("DONE", "CANCELED").is_completed()


def test_a_default_flow_is_taken_without_a_completion(engine):
    story = Story.start(engine, DEFAULT)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 x STARTED | J: 1 EVALUATE_EXCLUSIVE_GATEWAY@3 DUE")
    story.job_completes("x")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 x COMPLETED; 4 e1 COMPLETED")


def test_a_default_flow_is_taken_for_an_empty_decision(engine):
    story = Story.start(engine, DEFAULT)
    story.job_completes("x", exclusive_gateway_decision="")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 x COMPLETED; 4 e1 COMPLETED")


def test_a_decision_names_the_target_element(engine):
    story = Story.start(engine, DEFAULT)
    story.job_completes("x", exclusive_gateway_decision="e2")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 x COMPLETED; 4 e2 COMPLETED")


def test_a_decision_names_the_flow(engine):
    story = Story.start(engine, DEFAULT)
    story.job_completes("x", exclusive_gateway_decision="x_e2")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 x COMPLETED; 4 e2 COMPLETED")


@pytest.mark.parametrize("decision", ["e4", "s"])
def test_a_decision_for_anything_else_is_an_incident_and_moves_nothing(engine, decision):
    story = Story.start(engine, DEFAULT)
    error = f"element x has no outgoing sequence flow to {decision}; possible: e1 (flow x_e1), e2 (flow x_e2)"
    story.job_fails("x", error, exclusive_gateway_decision=decision)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 x STARTED")
    story.incident_is_resolved().job_completes("x").is_completed()


@pytest.mark.parametrize(
    ("completion", "reached"),
    [
        ({}, ["e1"]),
        ({"inclusive_gateway_decision": ()}, ["e1"]),
        ({"inclusive_gateway_decision": ("e3",)}, ["e3", "e1"]),
        ({"inclusive_gateway_decision": ("e3", "e1")}, ["e3", "e1"]),
    ],
)
def test_an_inclusive_gateway_takes_what_was_decided_and_its_default(engine, completion, reached):
    story = Story.start(engine, INCLUSIVE_DEFAULT)
    story.job_completes("x", **completion).is_completed()
    assert [visit.bpmn_element_id for visit in story.visits()[3:]] == reached


@pytest.mark.parametrize(
    ("decision", "error"),
    [
        (("e2", "e2"), "decision contains duplicate BPMN element ID e2"),
        (
            ("s",),
            "element x has no outgoing sequence flow to s; possible: e1 (flow x_e1), e2 (flow x_e2), e3 (flow x_e3)",
        ),
    ],
)
def test_an_unusable_inclusive_decision_is_an_incident(engine, decision, error):
    story = Story.start(engine, INCLUSIVE_DEFAULT)
    story.job_fails("x", error, inclusive_gateway_decision=decision).waits_at("x")


@pytest.mark.parametrize(
    ("gateway", "completion"),
    [
        (EXCLUSIVE, {"exclusive_gateway_decision": "j"}),
        (INCLUSIVE, {"inclusive_gateway_decision": ("j",)}),
    ],
)
def test_a_decision_that_leads_directly_into_a_join_is_joined(engine, gateway, completion):
    story = Story.start(engine, flow("s -> f -> x, b; x -> j, c; b -> j -> e", f=PARALLEL, j=PARALLEL, x=gateway))
    story.job_completes("x", **completion).tasks_run("DONE")
    story.job_completes("b").tasks_run("DONE").is_completed()
