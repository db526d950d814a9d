"""Sub-processes, terminate end events, link events, and walks without end."""

import pytest

from app.errors import EngineError
from tests.flow import PARALLEL, SERVICE, TASK, USER, Kind, boundary, call, catch, end, flow, sub, throw
from tests.story import Story, deploy, instances, tasks


def test_a_sub_process_ends_with_its_last_child(engine):
    story = Story.start(engine, flow("s -> sp -> e", sp=sub("s2 -> f -> a, b -> e2", f=PARALLEL)))
    assert story.visit("a").parent_id == story.visit("sp").id
    story.job_completes("a").waits_at("b").job_completes("b")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp COMPLETED; 4 s2 COMPLETED ^3; 5 f COMPLETED ^3; "
        "6 a COMPLETED ^3; 7 b COMPLETED ^3; 8 e2 COMPLETED ^3; 9 e2 COMPLETED ^3; 10 e COMPLETED"
    )


def test_a_sub_process_without_content_is_over_at_once(engine):
    model = flow("s -> sp -> t -> e; b -> x", sp=Kind("subProcess"), t=SERVICE, b=boundary("sp", "message:M"))
    story = Story.start(engine, model)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp CREATED; 4 b CREATED")
    story.job_completes("b", message_correlation_key="k")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 b TERMINATED; 5 t STARTED")
    assert story.subscriptions() == []
    story.job_completes("t").is_completed()


def test_links_of_one_name_stay_within_their_scopes(engine):
    inner = sub("s2 -> th2; ca2 -> b -> e2", th2=throw("link:L"), ca2=catch("link:L"))
    story = Story.start(engine, flow("s -> th; ca -> sp -> e", th=throw("link:L"), ca=catch("link:L"), sp=inner))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 th COMPLETED; 4 ca COMPLETED; 5 sp STARTED; 6 s2 COMPLETED ^5; "
        "7 th2 COMPLETED ^5; 8 ca2 COMPLETED ^5; 9 b STARTED ^5"
    )
    story.job_completes("b").is_completed()


def test_interrupting_a_sub_process_ends_everything_in_it(engine):
    inner = sub(
        "s2 -> f -> t, u, c, in -> e2",
        f=PARALLEL,
        u=USER,
        c=catch("signal:g"),
        **{"in": sub("s3 -> t3 -> e3")},
    )
    story = Story.start(engine, flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "timer:PT1H")))
    story.clock_advances(hours=1).task_runs("b").is_completed()
    assert {story.visit(id).state for id in ("t", "u", "c", "in", "t3", "sp")} == {"TERMINATED"}
    assert [user_task.state for user_task in story.user_tasks()] == ["TERMINATED"]
    assert story.subscriptions() == []
    assert all(job.detached for job in story.jobs())


def test_a_terminate_end_event_ends_its_sub_process_only(engine):
    inner = sub("s2 -> f -> t, x", f=PARALLEL, t=SERVICE, x=end("terminate"))
    story = Story.start(engine, flow("s -> fork -> sp, o -> e", fork=PARALLEL, sp=inner))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 fork COMPLETED; 4 sp COMPLETED; 5 o STARTED; "
        "6 s2 COMPLETED ^4; 7 f COMPLETED ^4; 8 t TERMINATED ^4; 9 x COMPLETED ^4; 10 e COMPLETED"
    )
    assert [job.detached for job in story.jobs("t") + story.jobs("o")] == [True, False]
    story.job_completes("t", becomes="CANCELED").job_completes("o").is_completed()


def test_a_terminate_end_event_ends_the_process_and_what_it_has_called(engine):
    deploy(engine, flow("s -> t -> e", process="ch"))
    model = flow(
        "s -> f -> ca, u, c, a; a -> x; b -> e",
        f=PARALLEL,
        ca=call("ch"),
        u=USER,
        c=catch("timer:PT1H"),
        a=SERVICE,
        b=boundary("ca", "signal:g"),
        x=end("terminate"),
    )
    story = Story.start(engine, model)
    story.job_completes("ca").job_completes("a").is_completed()
    assert {story.visit(id).state for id in ("ca", "u", "c", "b")} == {"TERMINATED"}
    assert [user_task.state for user_task in story.user_tasks()] == ["TERMINATED"]
    assert story.subscriptions() == []
    child = story.called()
    story.tasks_run("DONE")
    child.has_state("TERMINATED")
    story.clock_advances(hours=1).tasks_run("CANCELED")


def test_a_link_is_followed_in_one_go(engine):
    story = Story.start(engine, flow("s -> th; ca -> t -> e", th=throw("link:L"), ca=catch("link:L"), t=TASK))
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 th COMPLETED; 4 ca COMPLETED; 5 t COMPLETED; 6 e COMPLETED"
    )


def test_a_cycle_that_nobody_waits_at_is_refused_and_leaves_nothing(engine):
    deploy(engine, flow("s -> a -> b -> a", a=TASK, b=TASK))
    with pytest.raises(EngineError) as error:
        Story.of(engine)
    assert (error.value.kind, error.value.title) == ("EXECUTION", "failed to continue execution")
    assert instances(engine) == []
    assert tasks(engine) == []


def test_a_job_that_leads_into_an_endless_cycle_becomes_an_incident(engine):
    story = Story.start(engine, flow("s -> t -> a -> b -> a", a=TASK, b=TASK))
    story.job_completes("t", becomes="CAUSED_INCIDENT").waits_at("t")
    assert len(story.visits()) == 3
