"""Event sub-processes: who catches, what ends, and what waits anew."""

from __future__ import annotations

import pytest

from app.engine.completion import CalledProcess
from tests.flow import SERVICE, TASK, USER, Kind, boundary, call, end, event_sub, flow, start, sub, throw
from tests.story import Story, deploy, run_tasks, send, signal, variables

CALLED = CalledProcess(bpmn_process_id="ch", version="1")


def test_an_interrupting_message_ends_the_process_by_its_own_way(engine):
    story = Story.start(
        engine, flow("s -> t -> e; x", x=event_sub("m -> u -> ex", m=start("message:cancel"), u=SERVICE))
    )
    story.shows("STARTED | EI: 1 p STARTED; 2 m CREATED; 3 s CREATED | J: 1 SET_MESSAGE_CORRELATION_KEY@2 DUE")
    story.job_completes("m", message_correlation_key="k")
    story.shows("STARTED | EI: 1 p STARTED; 2 m CREATED; 3 s COMPLETED; 4 t STARTED")
    assert story.subscriptions() == ["cancel"]
    send(engine, "cancel")
    story.tasks_run("DONE")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 m COMPLETED; 3 s COMPLETED; 4 t TERMINATED; 5 x STARTED; 6 u STARTED ^5 "
        "| J: 1 SET_MESSAGE_CORRELATION_KEY@2 DONE; 2 EXECUTE@4 DUE; 3 EXECUTE@6 DUE"
    )
    assert story.jobs("t")[0].detached
    story.job_completes("t", becomes="CANCELED").job_completes("u")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 m COMPLETED; 3 s COMPLETED; 4 t TERMINATED; 5 x COMPLETED; "
        "6 u COMPLETED ^5; 7 ex COMPLETED ^5"
    )


@pytest.mark.parametrize("again", [True, False])
def test_it_catches_before_the_boundary_event_and_may_throw_again(engine, again):
    handler = event_sub("m -> u -> ex", m=start("error:X"), ex=end("error:X") if again else Kind("endEvent"))
    model = flow("s -> sp -> e; b -> eb", sp=sub("s2 -> w -> e2; x", x=handler), b=boundary("sp", "error:X"))
    story = Story.start(engine, model)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 m CREATED ^3; 5 b CREATED; 6 s2 COMPLETED ^3; "
        "7 w STARTED ^3"
    )
    story.job_completes("w", error_code="X", error_message="no stock")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 m COMPLETED ^3; 5 b CREATED; 6 s2 COMPLETED ^3; "
        "7 w TERMINATED ^3; 8 x STARTED ^3; 9 u STARTED ^8"
    )
    assert story.knows("x") == {"errorCode": "X", "errorMessage": "no stock"}
    story.job_completes("u")
    if again:
        story.tasks_run("DONE")
    story.is_completed()
    states = {id: story.visit(id).state for id in ("x", "sp", "b")}
    ended = "TERMINATED" if again else "COMPLETED"
    assert states == {"x": ended, "sp": ended, "b": "COMPLETED" if again else "TERMINATED"}
    assert len(story.visits("eb")) == again


def test_a_timer_that_recurs_handles_each_time(engine):
    handler = event_sub("m -> n", m=start("timer:R2/PT1H", interrupting=False), n=TASK)
    story = Story.start(engine, flow("s -> sp -> e", sp=sub("s2 -> w -> e2; x", x=handler)))
    for times in (1, 2):
        story.clock_advances(hours=1).tasks_run("DONE").waits_at("w")
        assert len(story.visits("n")) == times
    story.clock_advances(hours=5).tasks_run()
    assert [visit.state for visit in story.visits("m")] == ["COMPLETED", "COMPLETED"]
    story.job_completes("w").is_completed()


def test_messages_and_signals_that_do_not_interrupt_are_waited_for_anew(engine):
    model = flow(
        "s -> t -> e; x; y",
        x=event_sub("m -> n", m=start("message:m", interrupting=False), n=TASK),
        y=event_sub("g -> o", g=start("signal:g", interrupting=False), o=TASK),
    )
    story = Story.start(engine, model).job_completes("m", message_correlation_key="k")
    for _ in range(2):
        send(engine)
        send(engine)
        signal(engine)
    while run_tasks(engine):
        pass
    assert (len(story.visits("n")), len(story.visits("o"))) == (4, 2)
    assert sorted(story.subscriptions()) == ["g", "m"]
    story.job_completes("t").is_completed()
    assert story.subscriptions() == []


def test_two_messages_before_the_first_is_delivered_interrupt_once(engine):
    model = flow("s -> t -> e; x", x=event_sub("m -> u", m=start("message:m"), u=SERVICE))
    story = Story.start(engine, model).job_completes("m", message_correlation_key="k")
    send(engine)
    send(engine)
    story.tasks_run("DONE").waits_at("u")


@pytest.mark.parametrize("interrupting", [True, False])
def test_an_escalation_of_a_job_is_handled_in_its_scope(engine, interrupting):
    handler = event_sub("m -> u", m=start("escalation:C", interrupting=interrupting), u=USER)
    story = Story.start(engine, flow("s -> t -> e; x", x=handler))
    story.job_completes("t", escalation_code="C")
    story.waits_at(*(["u"] if interrupting else ["t", "u"]))
    assert story.knows("x") == {"escalationCode": "C"}
    story.user_task_updates(completed=True)
    if not interrupting:
        story.job_completes("t")
    story.is_completed()


def test_a_person_throws_an_error_that_is_handled(engine):
    story = Story.start(engine, flow("s -> u -> e; x", u=USER, x=event_sub("m -> n", m=start("error:"), n=SERVICE)))
    assert story.user_task_updates(error_code="E", error_message="why").state == "TERMINATED"
    assert story.waits_at("n").knows("x") == {"errorCode": "E", "errorMessage": "why"}


def test_an_escalation_throw_event_that_is_interrupted_does_not_go_on(engine):
    handler = event_sub("m -> u", m=start("escalation:C"), u=SERVICE)
    story = Story.start(engine, flow("s -> th -> t -> e; x", th=throw("escalation:C"), x=handler))
    story.tasks_run("DONE").waits_at("u")
    assert (story.visit("th").state, story.visits("t")) == ("COMPLETED", [])


def test_a_signal_end_event_ends_its_scope_before_it_is_sent(engine):
    handler = event_sub("m -> u", m=start("signal:g"), u=SERVICE)
    story = Story.start(engine, flow("s -> eg; x", eg=end("signal:g"), x=handler))
    story.tasks_run("DONE").is_completed()
    assert story.visits("u") == []


def test_a_called_process_handles_its_errors_itself(engine):
    deploy(engine, flow("s -> w -> e; x", process="ch", x=event_sub("m -> u", m=start("error:X"), u=SERVICE)))
    model = flow("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", "error:X"))
    story = Story.start(engine, model).job_completes("ca")
    story.called().job_completes("w", error_code="X").waits_at("u").job_completes("u").is_completed()
    story.job_completes("ca").is_completed()
    assert story.visits("eb") == []


def test_scopes_around_a_call_activity_catch_nothing_of_it(engine):
    deploy(engine, flow("s -> w -> e", process="ch"))
    handler = event_sub("m -> u", m=start("error:X"), u=SERVICE)
    story = Story.start(engine, flow("s -> ca -> e; x", ca=call("ch"), x=handler)).job_completes("ca")
    story.called().job_completes("w", error_code="X", becomes="CAUSED_INCIDENT")
    story.waits_at("ca")


def test_what_happens_while_suspended_is_handled_on_resume(engine):
    story = Story.start(
        engine, flow("s -> t -> e; x", x=event_sub("m -> u", m=start("signal:g"), u=SERVICE))
    ).suspends()
    signal(engine)
    story.tasks_run("DONE")
    story.shows(
        "SUSPENDED | EI: 1 p SUSPENDED; 2 m COMPLETED; 3 s COMPLETED; 4 t TERMINATED; 5 x SUSPENDED; 6 u SUSPENDED ^5"
    )
    story.resumes().job_completes("u").is_completed()


def test_a_queued_instance_arms_its_events_when_it_is_released(engine):
    model = flow("s -> t -> e; x", x=event_sub("m -> u", m=start("signal:g"), u=SERVICE))
    first = Story.start(engine, model, parallelism=1)
    second = first.again().has_state("QUEUED")
    assert second.subscriptions() == []
    first.job_completes("t").is_completed()
    run_tasks(engine)
    second.waits_at("t")
    assert second.subscriptions() == ["g"]


def test_canceling_ends_armed_events_and_handlers(engine):
    handler = event_sub("m -> u", m=start("signal:g", interrupting=False), u=SERVICE)
    story = Story.start(engine, flow("s -> t -> e; x", x=handler))
    signal(engine)
    story.tasks_run("DONE").cancels()
    assert [visit.state for visit in story.visits()] == [
        "CANCELED",
        "COMPLETED",
        "COMPLETED",
        "CANCELED",
        "CANCELED",
        "CANCELED",
        "CANCELED",
    ]
    assert story.subscriptions() == []
    story.job_completes("u", becomes="CANCELED")


def test_message_variables_go_to_the_process(engine):
    model = flow("s -> t -> e; x", x=event_sub("m -> u", m=start("message:m"), u=SERVICE))
    story = Story.start(engine, model).job_completes("m", message_correlation_key="k")
    send(engine, variables=variables(v="1"))
    story.tasks_run("DONE")
    assert (story.variables(), story.knows("x")) == ({"v": "1"}, {})
