"""Call activities: what is called, what comes back, and who ends whom."""

import pytest

from app import criteria as c
from app.commands.base import CalledProcess
from tests.flow import PARALLEL, USER, boundary, call, catch, end, flow, start, sub
from tests.story import Story, deploy, instances, signal, variables

CHILD = flow("s -> t -> e", process="ch")
CALLER = flow("s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "error:"))


def calling(engine, model=CALLER, child=CHILD, **fields):
    """An instance and the one it has called."""
    deploy(engine, child, parallelism=fields.pop("parallelism", 0))
    story = Story.start(engine, model, **fields)
    story.job_completes("ca")
    return story, story.called()


def test_a_called_instance_runs_and_hands_back(engine):
    deploy(engine, CHILD)
    deploy(engine, CHILD, version="2")
    story = Story.start(engine, CALLER, correlation_key="pk")
    story.shows("STARTED | EI: 1 par STARTED; 2 s COMPLETED; 3 ca STARTED; 4 b CREATED | J: 1 CALL_PROCESS@3 DUE")
    story.job_completes("ca", worker="a")
    child = story.called()
    found = child.instance
    assert (found.version, found.correlation_key, found.parent_id, found.root_id) == ("2", None, story.id, story.id)
    assert (found.created_by, found.partition) == ("a", story.partition)
    assert child.visit("ch").parent_id == story.visit("ca").id
    child.shows("STARTED | EI: 5 ch STARTED ^3; 6 s COMPLETED; 7 t STARTED | J: 2 EXECUTE@7 DUE by a")
    child.job_completes("t", worker="b").is_completed()
    story.shows("STARTED | J: 1 CALL_PROCESS@3 DONE by w; 3 PASS_VARIABLES@3 DUE by b")
    (job,) = story.jobs()
    assert job.correlation_key == "pk"
    story.job_completes("ca", process_variables=variables(result="1"))
    story.shows("COMPLETED | EI: 1 par COMPLETED; 2 s COMPLETED; 3 ca COMPLETED; 4 b TERMINATED; 9 e COMPLETED")
    assert (story.variables(), child.variables()) == ({"result": "1"}, {})


def test_an_error_of_the_called_instance_is_caught_at_the_call_activity(engine):
    story, child = calling(engine)
    child.job_completes("t", error_code="Q")
    child.shows("TERMINATED | EI: 5 ch TERMINATED ^3; 6 s COMPLETED; 7 t TERMINATED | J: 2 EXECUTE@7 DONE")
    story.shows("STARTED | J: 1 CALL_PROCESS@3 DONE | T: 1 TRIGGER_EVENT@4 DUE").tasks_run("DONE")
    story.shows("COMPLETED | EI: 1 par COMPLETED; 2 s COMPLETED; 3 ca TERMINATED; 4 b COMPLETED; 8 eb COMPLETED")


@pytest.mark.parametrize("event", ["error:X", "escalation:X"])
def test_an_end_event_handed_to_the_caller_is_completed_with_an_end(engine, event):
    kind = event.partition(":")[0]
    model = flow("s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", f"{kind}:"))
    child_model = flow("s -> f -> u, x", process="ch", f=PARALLEL, u=USER, x=end(event))
    story, child = calling(engine, model, child_model)
    story.tasks_run("DONE")
    child.shows("TERMINATED | EI: 5 ch TERMINATED ^3; 6 s COMPLETED; 7 f COMPLETED; 8 u TERMINATED; 9 x COMPLETED")
    assert child.visit("x").ended_at == child.instance.ended_at
    assert [user_task.state for user_task in child.user_tasks()] == ["TERMINATED"]
    story.tasks_run("DONE").is_completed()


def test_an_error_that_the_caller_does_not_catch_stays_in_the_called_instance(engine):
    model = flow(
        "s -> sp -> e; b -> eb", process="par", sp=sub("s2 -> ca -> e2", ca=call("ch")), b=boundary("sp", "error:")
    )
    _, child = calling(engine, model)
    child.job_fails(
        "t",
        "EXECUTION: failed to throw BPMN error: failed to find boundary event for error code X",
        error_code="X",
    )
    child.waits_at("t")


def test_an_escalation_may_leave_both_running(engine):
    model = flow(
        "s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "escalation:C", interrupting=False)
    )
    story, child = calling(engine, model)
    child.job_completes("t", escalation_code="C").waits_at("t")
    story.tasks_run("DONE").waits_at("ca")
    assert len(story.visits("eb")) == 1
    child.job_completes("t").is_completed()
    story.job_completes("ca").is_completed()


@pytest.mark.parametrize(
    ("called_element", "called", "version"),
    [
        ("ch", None, "2"),
        ("ch:1", None, "1"),
        ("ch:1", CalledProcess(version="2"), "2"),
        ("ch", CalledProcess(version="1"), "1"),
        ("", CalledProcess(bpmn_process_id="ch", version="1"), "1"),
        ("other", CalledProcess(bpmn_process_id="ch"), "2"),
    ],
)
def test_the_model_says_what_is_called_and_the_worker_overrides_it(engine, called_element, called, version):
    deploy(engine, CHILD)
    deploy(engine, CHILD, version="2")
    story = Story.start(engine, flow("s -> ca -> e", ca=call(called_element)))
    story.job_completes("ca", **({"called_process": called} if called else {}))
    assert story.called().instance.version == version


@pytest.mark.parametrize(
    ("called_element", "called", "error"),
    [
        ("", None, "expected a called process"),
        ("", CalledProcess(version="1"), "expected the BPMN process ID of a called process"),
        ("", CalledProcess(bpmn_process_id="ch"), "expected the version of a called process"),
        ("no", None, "process no could not be found"),
        ("ch:9", None, "NOT_FOUND: failed to create process instance: process ch:9 could not be found"),
        ("ms:1", None, "PROCESS_MODEL: failed to create execution: scope ms has no none start event"),
    ],
)
def test_what_cannot_be_called_is_an_incident_and_creates_nothing(engine, called_element, called, error):
    deploy(engine, CHILD)
    deploy(engine, flow("s -> e", process="ms", s=start("message:go")))
    story = Story.start(engine, flow("s -> ca -> e", ca=call(called_element)))
    story.job_fails("ca", error, **({"called_process": called} if called else {}))
    assert len(instances(engine)) == 1


def test_the_worker_gives_the_called_instance_key_tags_and_variables(engine):
    deploy(engine, CHILD)
    story = Story.start(engine, CALLER, variables=variables(own="1"), tags={"a": "b"}, correlation_key="pk")
    called = CalledProcess(correlation_key="ck", tags={"x": "y"}, variables=variables(v="1"))
    child = story.job_completes("ca", called_process=called).called()
    assert (child.instance.correlation_key, child.instance.tags, child.variables()) == ("ck", {"x": "y"}, {"v": "1"})


def test_a_called_instance_that_ends_at_once_hands_back_at_once(engine):
    story, child = calling(engine, child=flow("s -> e", process="ch"))
    child.is_completed()
    story.job_completes("ca").is_completed()


def test_interrupting_a_call_activity_ends_what_it_called_level_by_level(engine):
    deploy(engine, flow("s -> f -> t, u, c -> e", process="gc", f=PARALLEL, u=USER, c=catch("signal:x")))
    model = flow("s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "timer:PT1H"))
    story, child = calling(engine, model, flow("s -> ca -> e", process="ch", ca=call("gc")))
    child.job_completes("ca")
    grandchild = child.called()
    assert (grandchild.instance.parent_id, grandchild.instance.root_id) == (child.id, story.id)
    story.clock_advances(hours=1).tasks_run("DONE").is_completed()
    child.waits_at("ca").tasks_run("DONE").has_state("TERMINATED")
    grandchild.tasks_run("DONE").has_state("TERMINATED")
    assert [user_task.state for user_task in grandchild.user_tasks()] == ["TERMINATED"]
    assert signal(engine, "x").subscriber_count == 0
    assert grandchild.query(c.TaskCriteria)[0].created_by == "default-engine"
    grandchild.job_completes("t", becomes="CANCELED")


def test_a_called_instance_that_ends_first_is_not_terminated(engine):
    model = flow("s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "signal:g"))
    story, child = calling(engine, model)
    signal(engine)
    story.tasks_run("DONE").is_completed()
    child.job_completes("t").is_completed()
    story.tasks_run("CANCELED")
    assert story.jobs() == []


def test_a_suspended_caller_calls_a_suspended_instance(engine):
    deploy(engine, CHILD)
    story = Story.start(engine, CALLER)
    child = story.suspends().job_completes("ca").called()
    child.shows("SUSPENDED | EI: 5 ch SUSPENDED ^3; 6 s SUSPENDED")
    child.resumes().job_completes("t").is_completed()
    story.job_completes("ca")
    story.shows("SUSPENDED | EI: 1 par SUSPENDED; 2 s COMPLETED; 3 ca COMPLETED; 4 b TERMINATED; 9 e SUSPENDED")
    story.resumes().is_completed()


def test_suspending_the_caller_leaves_the_called_instance_alone(engine):
    story, child = calling(engine)
    story.suspends()
    child.has_state("STARTED").job_completes("t").is_completed()


def test_a_called_instance_waits_in_the_queue_of_its_process(engine):
    deploy(engine, CHILD, parallelism=1)
    blocker = Story.of(engine, "ch")
    story = Story.start(engine, CALLER)
    child = story.job_completes("ca").called()
    child.has_state("QUEUED")
    blocker.job_completes("t")
    child.tasks_run("DONE").job_completes("t").is_completed()
    story.job_completes("ca").is_completed()


def test_a_queued_called_instance_that_is_terminated_leaves_the_queue(engine):
    deploy(engine, CHILD, parallelism=1)
    blocker = Story.of(engine, "ch")
    model = flow("s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "signal:g"))
    story = Story.start(engine, model)
    child = story.job_completes("ca").called()
    after = Story.of(engine, "ch")
    signal(engine)
    story.tasks_run("DONE").tasks_run("DONE")
    child.has_state("TERMINATED")
    blocker.job_completes("t")
    after.tasks_run("DONE").has_state("STARTED")


def test_instances_below_a_root_can_be_found_by_it(engine):
    story, child = calling(engine)
    other = Story.of(engine, "ch")
    found = [s.id for s in instances(engine, root_id=story.id)]
    assert found == [story.id, child.id]
    assert other.id not in found
