"""Standard loops."""

import pytest

from app.commands.instance import CreateProcessInstance
from tests.flow import SERVICE, TASK, boundary, flow, loop, sub
from tests.story import Story, deploy, detail, json_variable, signal


def test_a_worker_decides_after_each_iteration_up_to_the_maximum(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop(condition="more", maximum=2)))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 t STARTED ^3 | J: 1 EXECUTE@4 DUE")
    story.job_completes("t")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 t COMPLETED ^3 "
        "| J: 1 EXECUTE@4 DONE; 2 EVALUATE_LOOP_CONDITION@3 DUE"
    )
    story.job_completes("t", condition_fulfilled=True).job_completes("t")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 t COMPLETED ^3; 5 t COMPLETED ^3; "
        "6 e COMPLETED | J: 1 EXECUTE@4 DONE; 2 EVALUATE_LOOP_CONDITION@3 DONE; 3 EXECUTE@5 DONE"
    )
    assert [visit.loop_counter for visit in story.visits("t")] == [None, 1, 2]
    assert not any(visit.multi_instance for visit in story.visits("t"))


def test_it_may_be_decided_before_there_is_any_iteration(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop(condition="more", maximum=2, test_before=True)))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED | J: 1 EVALUATE_LOOP_CONDITION@3 DUE")
    story.job_completes("t", condition_fulfilled=False)
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 e COMPLETED")


def test_a_maximum_alone_is_the_number_of_iterations(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop(maximum=3)))
    for number in ("1", "2", "3"):
        assert story.knows("t") == {"loopCounter": number}
        story.job_completes("t")
    story.is_completed()


def test_without_condition_and_maximum_a_worker_decides(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop()))
    for more in (True, True, False):
        story.job_completes("t").job_completes("t", condition_fulfilled=more)
    assert len(story.is_completed().visits("t")) == 4


def test_it_must_be_said_whether_it_goes_on(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop()))
    story.job_completes("t").job_fails("t", "expected whether the condition is fulfilled")
    story.incident_is_resolved().job_completes("t", condition_fulfilled=False).is_completed()


def test_variables_of_an_iteration_end_with_it(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop(maximum=2)))
    story.job_completes("t", element_variables=[json_variable("x", "1")])
    assert story.knows("t") == {"loopCounter": "2"}
    assert story.knows("t", 0) == {}


def test_a_boundary_event_belongs_to_all_iterations(engine):
    model = flow("s -> sp -> e; b -> eb", sp=loop(sub("s2 -> w -> e2")), b=boundary("sp", "timer:PT1H"))
    story = Story.start(engine, model)
    story.job_completes("w").job_completes("sp", condition_fulfilled=True)
    story.clock_advances(hours=1).tasks_run("DONE").is_completed()
    assert [visit.state for visit in story.visits("sp")] == ["TERMINATED", "COMPLETED", "TERMINATED"]
    story.job_completes("w", becomes="CANCELED")


def test_it_can_be_interrupted_while_it_is_decided(engine):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", t=loop(), b=boundary("t", "signal:g")))
    story.job_completes("t")
    signal(engine)
    story.tasks_run("DONE").is_completed()
    story.job_completes("t", condition_fulfilled=True, becomes="CANCELED")


def test_what_is_decided_while_suspended_begins_on_resume(engine):
    story = Story.start(engine, flow("s -> t -> e", t=loop()))
    story.job_completes("t").suspends().job_completes("t", condition_fulfilled=True)
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 t SUSPENDED; 4 t COMPLETED ^3; 5 t SUSPENDED ^3")
    story.resumes().job_completes("t").suspends().job_completes("t", condition_fulfilled=False).waits_at("e")
    story.resumes().is_completed()


@pytest.mark.parametrize("condition", ["true", "false"])
def test_a_constant_condition_needs_no_worker(engine, condition):
    story = Story.start(engine, flow("s -> t -> e", t=loop(SERVICE, condition=condition, maximum=2)))
    story.job_completes("t")
    if condition == "true":
        story.job_completes("t")
    story.is_completed()


def test_one_that_nobody_waits_in_is_refused_when_it_does_not_end(engine):
    deploy(engine, flow("s -> t -> e", t=loop(TASK, condition="true")))
    command = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w")
    assert detail(engine, command).startswith("EXECUTION: no wait state was reached")
