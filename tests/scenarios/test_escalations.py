"""Escalation events: thrown, ended with, and from jobs."""

import pytest

from tests.flow import USER, boundary, call, end, flow, sub, throw
from tests.story import Story, deploy

NOT_CAUGHT = "EXECUTION: failed to escalate job: failed to find boundary event for escalation code D"


def test_a_throw_event_fires_and_an_end_event_interrupts(engine):
    model = flow(
        "s -> sp -> e; bn -> en; bi -> ei",
        sp=sub("s2 -> th -> ee", th=throw("escalation:C"), ee=end("escalation:C")),
        bn=boundary("sp", "escalation:C", interrupting=False),
        bi=boundary("sp", "escalation:C"),
    )
    story = Story.start(engine, model)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 bn CREATED; 5 bi CREATED; 6 s2 COMPLETED ^3; "
        "7 th STARTED ^3 | T: 1 TRIGGER_EVENT@7 DUE"
    )
    story.tasks_run("DONE")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 bn COMPLETED; 5 bi CREATED; 6 s2 COMPLETED ^3; "
        "7 th COMPLETED ^3; 8 bn CREATED; 9 en COMPLETED; 10 ee STARTED ^3 "
        "| T: 1 TRIGGER_EVENT@7 DONE; 2 TRIGGER_EVENT@10 DUE"
    )
    story.tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 bn COMPLETED; 5 bi COMPLETED; "
        "6 s2 COMPLETED ^3; 7 th COMPLETED ^3; 8 bn TERMINATED; 9 en COMPLETED; 10 ee COMPLETED ^3; 11 ei COMPLETED"
    )


def test_each_escalation_of_a_called_instance_is_caught_whenever_the_tasks_run(engine):
    deploy(engine, flow("s -> t -> e", process="ch"))
    model = flow(
        "s -> ca -> e; b -> eb", process="par", ca=call("ch"), b=boundary("ca", "escalation:C", interrupting=False)
    )
    story = Story.start(engine, model).job_completes("ca")
    for _ in range(3):
        story.called().job_completes("t", escalation_code="C")
    story.tasks_run("DONE", "DONE", "DONE")
    assert len(story.visits("eb")) == 3
    story.called().job_completes("t", escalation_code="C").job_completes("t").is_completed()
    story.job_completes("ca").is_completed().tasks_run("CANCELED")


def test_an_escalation_throw_event_may_interrupt_and_an_end_event_may_not(engine):
    model = flow(
        "s -> sp -> sq -> e; bi -> sq; bn -> en",
        sp=sub("s2 -> th -> t", th=throw("escalation:C")),
        sq=sub("s3 -> ee", ee=end("escalation:C")),
        bi=boundary("sp", "escalation:C"),
        bn=boundary("sq", "escalation:", interrupting=False),
    )
    story = Story.start(engine, model)
    story.tasks_run("DONE").tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 bi COMPLETED; 5 s2 COMPLETED ^3; "
        "6 th COMPLETED ^3; 7 sq COMPLETED; 8 bn COMPLETED; 9 s3 COMPLETED ^7; 10 ee COMPLETED ^7; 11 bn TERMINATED; "
        "12 en COMPLETED; 13 e COMPLETED"
    )


def test_a_job_that_escalates_is_followed_by_another_one(engine):
    model = flow("s -> t -> e; b -> eb", b=boundary("t", "escalation:C", interrupting=False))
    story = Story.start(engine, model)
    story.job_fails("t", NOT_CAUGHT, escalation_code="D").incident_is_resolved()
    story.job_completes("t", escalation_code="C", retry_timer="PT1H")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b CREATED; 6 eb COMPLETED "
        f'| J: 1 EXECUTE@3 CAUSED_INCIDENT "{NOT_CAUGHT}"; 2 EXECUTE@3 DONE; 3 EXECUTE@3 CREATED'
    )
    story.clock_advances(hours=1).job_completes("t").is_completed()


@pytest.mark.parametrize("inner", [sub("s2 -> t -> e2"), sub("s2 -> t -> e2", t=USER)], ids=["job", "user task"])
def test_an_escalation_from_inside_a_sub_process_may_leave_it_running(engine, inner):
    model = flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "escalation:C", interrupting=False))
    story = Story.start(engine, model)
    if story.user_tasks():
        assert story.user_task_updates(escalation_code="C").state == "STARTED"
    else:
        story.job_completes("t", escalation_code="C")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 b COMPLETED; 5 s2 COMPLETED ^3; "
        "6 t STARTED ^3; 7 b CREATED; 8 eb COMPLETED"
    )
    if story.user_tasks():
        story.user_task_updates(completed=True)
    else:
        story.job_completes("t")
    story.is_completed()


def test_an_interrupting_escalation_ends_the_sub_process(engine):
    model = flow("s -> sp -> e; b -> eb", sp=sub("s2 -> t -> e2"), b=boundary("sp", "escalation:C"))
    story = Story.start(engine, model)
    story.job_completes("t", escalation_code="C")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; "
        "6 t TERMINATED ^3; 7 eb COMPLETED"
    )


def test_an_escalation_that_nobody_catches_passes(engine):
    story = Story.start(engine, flow("s -> th -> ee", th=throw("escalation"), ee=end("escalation:C")))
    story.job_completes("th", escalation_code="X").tasks_run("DONE")
    story.tasks_run("DONE").is_completed()
