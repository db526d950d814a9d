"""Process instances: creation, tags, suspending, resuming and canceling."""

import pytest

from app import criteria as c
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.variable import SetProcessVariables
from tests.flow import PARALLEL, SERVICE, USER, boundary, call, catch, flow, start, sub
from tests.story import Story, deploy, detail, instances, run_tasks, send, signal, variables

LINE = flow("s -> t -> e")


def key(story):
    return f"{story.partition}/{story.id}"


def of(command, story):
    return command(partition=story.partition, id=story.id, worker_id="w")


def test_an_instance_has_key_tags_and_variables(engine):
    story = Story.start(
        engine, LINE, correlation_key="ck", tags={"b": "2", "a": "1", "gone": ""}, variables=variables(v="1", no=None)
    )
    found = story.instance
    assert (found.correlation_key, found.tags, found.version) == ("ck", {"a": "1", "b": "2"}, "1")
    assert story.variables() == {"v": "1"}
    assert found.started_at == found.created_at


def test_instances_are_found_by_all_of_the_given_tags(engine):
    one = Story.start(engine, LINE, tags={"a": "1", "b": "2"})
    two = one.again(tags={"a": "1"})
    assert [s.id for s in instances(engine, tags={"a": "1"})] == [one.id, two.id]
    assert [s.id for s in instances(engine, tags={"a": "1", "b": ""})] == [one.id]
    assert instances(engine, tags={"a": "2"}) == []


def test_an_instance_without_a_wait_state_is_created_completed(engine):
    story = Story.start(engine, flow("s -> e"))
    assert (story.created.state, story.created.ended_at) == ("COMPLETED", story.created.created_at)


def test_an_unknown_version_is_not_found(engine):
    deploy(engine, LINE)
    command = CreateProcessInstance(bpmn_process_id="p", version="9", worker_id="w")
    assert detail(engine, command) == "NOT_FOUND: process p:9 could not be found"


def test_without_a_version_it_is_the_one_that_was_created_last(engine):
    for version in ("9", "10", "1"):
        deploy(engine, LINE, version=version)
        deploy(engine, LINE.replace('id="p"', 'id="other"'), version=f"{version}x")
        created = engine.execute(CreateProcessInstance(bpmn_process_id="p", worker_id="w"))
        assert created.version == version
    # Deployed again, a version stays as old as it is.
    deploy(engine, LINE, version="9")
    assert engine.execute(CreateProcessInstance(bpmn_process_id="p", worker_id="w")).version == "1"
    command = CreateProcessInstance(bpmn_process_id="nowhere", worker_id="w")
    assert detail(engine, command) == "NOT_FOUND: process nowhere could not be found"


def test_a_process_without_a_none_start_event_creates_nothing_and_takes_no_slot(engine):
    deploy(engine, flow("s -> t -> e", s=start("message:go")), parallelism=1)
    command = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w")
    assert detail(engine, command) == "PROCESS_MODEL: scope p has no none start event"
    assert instances(engine) == []
    send(engine, "go")
    assert [task.state for task in run_tasks(engine)] == ["DONE"]
    assert [story.state for story in instances(engine)] == ["STARTED"]


BOUNDARY = flow("s -> a -> b -> e; bb -> eb", bb=boundary("b", "signal"))


def test_a_suspended_instance_stops_at_what_is_newly_reached(engine):
    story = Story.start(engine, BOUNDARY)
    story.suspends()
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 a STARTED | J: 1 EXECUTE@3 DUE")
    again = f"CONFLICT: process instance {key(story)} is not in state STARTED, but SUSPENDED"
    assert detail(engine, of(SuspendProcessInstance, story)) == again
    story.job_completes("a")
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 a COMPLETED; 4 b SUSPENDED | J: 1 EXECUTE@3 DONE")
    story.resumes()
    story.shows(
        "STARTED | EI: 1 p STARTED by w; 2 s COMPLETED by w; 3 a COMPLETED by w; 4 b CREATED by w; 5 bb CREATED by op "
        "| J: 1 EXECUTE@3 DONE by w; 2 SUBSCRIBE_SIGNAL@5 DUE by op"
    )
    story.suspends().job_completes("bb", signal_name="g")
    story.shows(
        "SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 a COMPLETED; 4 b STARTED; 5 bb CREATED "
        "| J: 1 EXECUTE@3 DONE; 2 SUBSCRIBE_SIGNAL@5 DONE; 3 EXECUTE@4 DUE"
    )
    story.job_completes("b")
    story.shows(
        "SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 a COMPLETED; 4 b COMPLETED; 5 bb TERMINATED; 6 e SUSPENDED"
    )
    story.resumes().is_completed()
    ended = f"CONFLICT: process instance {key(story)} is not in state SUSPENDED, but COMPLETED"
    assert detail(engine, of(ResumeProcessInstance, story)) == ended


def test_what_an_instance_waits_for_still_happens_while_it_is_suspended(engine):
    model = flow("s -> f -> c, t -> e; b -> eb", f=PARALLEL, c=catch("timer:PT1H"), b=boundary("t", "signal:g"))
    story = Story.start(engine, model)
    story.suspends()
    signal(engine)
    story.clock_advances(hours=1).tasks_run("DONE", "DONE")
    story.shows(
        "SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 f COMPLETED; 4 c COMPLETED; 5 t TERMINATED; 6 b COMPLETED; "
        "7 eb SUSPENDED; 8 e SUSPENDED"
    )
    story.resumes().is_completed()


def test_branches_join_while_suspended(engine):
    story = Story.start(engine, flow("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL))
    story.job_completes("a").job_completes("b").suspends().tasks_run("DONE", "CANCELED")
    story.waits_at("e").resumes().is_completed()


def test_a_sub_process_that_ran_empty_while_suspended_is_completed_when_resumed(engine):
    story = Story.start(engine, flow("s -> sp -> t -> e", sp=sub("s2 -> a", a=SERVICE)))
    story.suspends().job_completes("a").resumes()
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 s2 COMPLETED ^3; 5 a COMPLETED ^3; 6 t STARTED"
    )


def test_a_sub_process_that_is_reached_while_suspended_has_a_start_once_it_is_resumed(engine):
    story = Story.start(engine, flow("s -> a -> sp -> e", sp=sub("s2 -> t -> e2")))
    story.suspends().job_completes("a").resumes()
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 a COMPLETED; 4 sp STARTED; 5 s2 COMPLETED ^4; 6 t STARTED ^4"
    )
    assert story.visit("sp").started_at is not None


def test_a_sub_process_that_starts_while_suspended_has_a_start_once_it_is_resumed(engine):
    model = flow("s -> sp -> e; b -> eb", sp=sub("s2 -> t -> e2"), b=boundary("sp", "signal"))
    story = Story.start(engine, model)
    story.suspends().job_completes("b", signal_name="g")
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 sp SUSPENDED; 4 b CREATED; 5 s2 SUSPENDED ^3")
    story.resumes()
    assert story.visit("sp").started_at is not None
    story.waits_at("t").job_completes("t").is_completed()


def test_a_canceled_instance_ends_with_everything_in_it(engine):
    model = flow(
        "s -> f -> sp, u, c, m, t -> e; b -> eb",
        f=PARALLEL,
        sp=sub("s2 -> x -> e2"),
        u=USER,
        c=catch("signal:g"),
        m=catch("message:m"),
        b=boundary("t", "timer:PT1H"),
    )
    story = Story.start(engine, model)
    story.job_completes("m", message_correlation_key="k").cancels()
    story.shows(
        "CANCELED | EI: 1 p CANCELED; 2 s COMPLETED; 3 f COMPLETED; 4 sp CANCELED; 5 u CANCELED; 6 c CANCELED; "
        "7 m CANCELED; 8 t CANCELED; 9 s2 COMPLETED ^4; 10 b CANCELED; 11 x CANCELED ^4"
    )
    assert story.instance.ended_at is not None
    assert [user_task.state for user_task in story.user_tasks()] == ["CANCELED"]
    assert (story.subscriptions(), signal(engine).subscriber_count, send(engine).correlated) == ([], 0, False)
    story.job_completes("t", becomes="CANCELED").job_completes("x", becomes="CANCELED")
    story.clock_advances(hours=1).tasks_run("CANCELED")


def test_canceling_ends_what_was_called_in_the_same_transaction(engine):
    deploy(engine, flow("s -> t -> e", process="gc"))
    deploy(engine, flow("s -> f -> ca, u -> e", process="ch", f=PARALLEL, ca=call("gc"), u=USER))
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch")))
    child = story.job_completes("ca").called()
    grandchild = child.job_completes("ca").called()
    story.cancels()
    assert [s.state for s in (story, child, grandchild)] == ["CANCELED"] * 3
    assert [user_task.state for user_task in child.user_tasks()] == ["CANCELED"]
    grandchild.job_completes("t", becomes="CANCELED")
    story.tasks_run()


def test_canceling_a_called_instance_leaves_its_caller_waiting(engine):
    deploy(engine, flow("s -> t -> e", process="ch"))
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch")))
    story.job_completes("ca").called().cancels().has_state("CANCELED")
    story.waits_at("ca").cancels().has_state("CANCELED")


def test_a_sibling_of_a_canceled_called_instance_goes_on(engine):
    deploy(engine, flow("s -> t -> e", process="ch"))
    story = Story.start(engine, flow("s -> f -> ca, cb -> e", f=PARALLEL, ca=call("ch"), cb=call("ch")))
    first = story.job_completes("ca").called()
    second = story.job_completes("cb").called()
    first.cancels()
    second.waits_at("t").job_completes("t").is_completed()


@pytest.mark.parametrize("state", ["STARTED", "SUSPENDED", "QUEUED"])
def test_whatever_has_not_ended_can_be_canceled_once(engine, state):
    story = Story.start(engine, LINE, parallelism=1)
    if state == "SUSPENDED":
        story.suspends()
    elif state == "QUEUED":
        story = story.again()
    story.has_state(state).cancels().has_state("CANCELED")
    ended = f"CONFLICT: process instance {key(story)} is ended"
    assert detail(engine, of(CancelProcessInstance, story)) == ended


@pytest.mark.parametrize(
    "command", [CancelProcessInstance, ResumeProcessInstance, SuspendProcessInstance, SetProcessVariables]
)
def test_an_unknown_instance_is_not_found(engine, command):
    story = Story.start(engine, LINE)
    story.id += 1000
    assert detail(engine, of(command, story)) == f"NOT_FOUND: process instance {key(story)} could not be found"


def test_an_ended_instance_takes_no_variables(engine):
    story = Story.start(engine, flow("s -> e"))
    ended = f"CONFLICT: process instance {key(story)} is ended"
    assert detail(engine, of(SetProcessVariables, story)) == ended


def test_every_subscription_and_open_work_belongs_to_an_active_visit(engine):
    inner = sub("s2 -> u, t -> e2; b2 -> e2", s2=start(""), u=USER, b2=boundary("t", "signal:g"))
    model = flow("s -> sp -> e; b -> n -> e", sp=inner, b=boundary("sp", "signal:g"))
    story = Story.start(engine, model)
    signal(engine)
    story.tasks_run("DONE", "CANCELED").waits_at("n")
    ended = {visit.id for visit in story.visits() if visit.ended_at}
    assert [job.detached for job in story.jobs() if job.element_instance_id in ended] == [True]
    assert story.subscriptions() == []
    assert story.query(c.UserTaskCriteria)[0].state == "TERMINATED"
