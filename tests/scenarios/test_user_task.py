"""User tasks: revisions, tags, completion, errors, escalations, and being closed from outside."""

import pytest

from app.commands.user_task import UpdateUserTask
from app.errors import EngineError
from tests.flow import PARALLEL, USER, boundary, call, end, flow, sub
from tests.story import Story, deploy, signal, variables

ESCALATED = flow("s -> u -> e; b -> eb", u=USER, b=boundary("u", "escalation:C", interrupting=False))


def update(story, revision, **fields):
    """Kind and sentence of the problem."""
    (user_task,) = story.user_tasks()
    with pytest.raises(EngineError) as error:
        story.service.execute(
            UpdateUserTask(partition=story.partition, id=user_task.id, revision=revision, worker_id="w", **fields)
        )
    return f"{error.value.kind}: {error.value.detail}".replace(f"{story.partition}/{user_task.id}", "KEY")


def test_a_user_task_is_worked_on_revision_by_revision(engine):
    story = Story.start(engine, ESCALATED, correlation_key="ck")
    (created,) = story.user_tasks()
    assert (created.state, created.revision, created.created_by, created.updated_by) == ("STARTED", 1, "w", "w")
    assert (created.bpmn_element_id, created.correlation_key) == ("u", "ck")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 u STARTED; 4 b CREATED | J:  | T: ")
    updated = story.user_task_updates(tags={"a": "1", "b": "2"}, worker="x")
    assert (updated.revision, updated.tags, updated.updated_by) == (2, {"a": "1", "b": "2"}, "x")
    assert update(story, 1) == "CONFLICT: user task KEY is not in revision 1, but 2"
    assert update(story, 2, escalation_code="D") == "EXECUTION: failed to find boundary event for escalation code D"
    escalated = story.user_task_updates(escalation_code="C")
    assert (escalated.revision, escalated.state) == (3, "STARTED")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 u STARTED; 4 b COMPLETED; 5 b CREATED; 6 eb COMPLETED")
    assert story.user_task_updates(tags={"a": ""}).tags == {"b": "2"}
    assert (
        update(story, 4, completed=True, error_code="X")
        == "VALIDATION: expected to either complete user task, throw error or escalate user task"
    )
    done = story.user_task_updates(completed=True)
    assert (done.revision, done.state) == (5, "COMPLETED")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 u COMPLETED; 4 b COMPLETED; 5 b TERMINATED; "
        "6 eb COMPLETED; 7 e COMPLETED"
    )
    assert update(story, 5) == "CONFLICT: user task KEY is not in state STARTED, but COMPLETED"


def test_an_update_that_is_refused_changes_nothing(engine):
    story = Story.start(engine, ESCALATED)
    update(story, 1, error_code="X", tags={"a": "1"}, process_variables=variables(v="1"))
    (user_task,) = story.user_tasks()
    assert (user_task.revision, user_task.tags, story.variables()) == (1, {}, {})


def test_an_update_writes_variables_even_without_an_action(engine):
    story = Story.start(engine, ESCALATED)
    story.user_task_updates(process_variables=variables(v="1"), element_variables=variables(w="2"))
    assert story.variables() == {"v": "1"}
    story.waits_at("u")


def test_an_error_ends_the_user_task(engine):
    story = Story.start(engine, flow("s -> u -> e; b -> eb", u=USER, b=boundary("u", "error:X")))
    assert story.user_task_updates(error_code="X").state == "TERMINATED"
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 u TERMINATED; 4 b COMPLETED; 5 eb COMPLETED")


def test_a_user_task_is_closed_when_a_boundary_event_interrupts_it(engine):
    model = flow("s -> f -> u, t -> e; b -> eb", f=PARALLEL, u=USER, b=boundary("u", "signal:g"))
    story = Story.start(engine, model)
    signal(engine)
    story.tasks_run("DONE").waits_at("t")
    assert update(story, 1, completed=True) == "CONFLICT: user task KEY is not in state STARTED, but TERMINATED"
    story.waits_at("t").job_completes("t").is_completed()


def test_a_user_task_is_closed_when_its_sub_process_is_interrupted(engine):
    model = flow("s -> sp -> e; b -> eb", sp=sub("s2 -> u -> e2", u=USER), b=boundary("sp", "signal:g"))
    story = Story.start(engine, model)
    signal(engine)
    story.tasks_run("DONE").is_completed()
    assert [user_task.state for user_task in story.user_tasks()] == ["TERMINATED"]


def test_a_user_task_is_closed_when_another_branch_hands_an_error_to_the_caller(engine):
    deploy(engine, flow("s -> f -> u, x", process="ch", f=PARALLEL, u=USER, x=end("error:X")))
    story = Story.start(engine, flow("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", "error:X")))
    child = story.job_completes("ca").called()
    story.tasks_run("DONE")
    child.has_state("TERMINATED")
    assert update(child, 1, completed=True) == "CONFLICT: user task KEY is not in state STARTED, but TERMINATED"


def test_a_user_task_is_canceled_with_its_instance(engine):
    story = Story.start(engine, ESCALATED)
    story.cancels()
    assert update(story, 1, completed=True) == "CONFLICT: user task KEY is not in state STARTED, but CANCELED"


def test_a_user_task_that_hands_its_error_to_the_caller_is_terminated(engine):
    deploy(engine, flow("s -> u -> e", process="ch", u=USER))
    story = Story.start(engine, flow("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", "error:")))
    child = story.job_completes("ca").called()
    assert child.user_task_updates(error_code="X").state == "TERMINATED"
    child.has_state("TERMINATED")
    story.tasks_run("DONE").is_completed()


def test_an_unknown_user_task_is_not_found(engine):
    story = Story.start(engine, ESCALATED)
    command = UpdateUserTask(partition=story.partition, id=999999, revision=1, worker_id="w")
    with pytest.raises(EngineError) as error:
        engine.execute(command)
    assert error.value.detail == f"user task {story.partition}/999999 could not be found"
