"""Event-based gateways: the first of the events decides."""

from app.timer import Timer
from tests.flow import EVENT_BASED, catch, flow
from tests.story import Story, send, signal

HOUR = Timer(time_duration="PT1H")


def gateway(message="message", other="timer"):
    return flow("s -> g -> cm -> em; g -> ct -> et", g=EVENT_BASED, cm=catch(message), ct=catch(other))


def test_a_timer_wins_over_a_message(engine):
    story = Story.start(engine, gateway())
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 g CREATED; 4 cm CREATED; 5 ct CREATED "
        "| J: 1 SUBSCRIBE_MESSAGE@4 DUE; 2 SET_TIMER@5 DUE"
    )
    story.job_completes("ct", timer=HOUR)
    story.job_completes("cm", message_name="m", message_correlation_key="k")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 g STARTED; 4 cm CREATED; 5 ct CREATED "
        "| T: 1 TRIGGER_EVENT@5 CREATED"
    )
    story.clock_advances(hours=1).tasks_run("DONE")
    assert story.subscriptions() == []
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 g COMPLETED by w; 4 cm TERMINATED by w; "
        "5 ct COMPLETED by w; 6 et COMPLETED by default-engine"
    )


def test_a_message_wins_over_a_timer(engine):
    story = Story.start(engine, gateway("message:m", "timer:PT1H"))
    story.job_completes("cm", message_correlation_key="k")
    send(engine)
    story.tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 cm COMPLETED; 5 ct TERMINATED; 6 em COMPLETED"
    )
    story.clock_advances(hours=1).tasks_run("CANCELED")


def test_a_gateway_waits_for_the_key_of_a_message_that_the_model_names(engine):
    story = Story.start(engine, gateway("message:m", "timer:PT1H"))
    assert story.visit("g").state == "CREATED"
    story.job_completes("cm", message_correlation_key="k")
    assert story.visit("g").state == "STARTED"


def test_a_gateway_whose_event_happens_before_it_is_ready_is_completed_with_an_end(engine):
    story = Story.start(engine, gateway("message:m", "timer:PT1H"))
    story.clock_advances(hours=1).tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 cm TERMINATED; 5 ct COMPLETED; 6 et COMPLETED"
    )
    assert story.visit("g").ended_at == story.instance.ended_at
    story.job_completes("cm", message_correlation_key="k", becomes="CANCELED")
    assert story.subscriptions() == []


def test_a_buffered_message_wins_at_once(engine):
    send(engine, expiration_timer=HOUR)
    story = Story.start(engine, gateway("message:m", "signal:g"))
    story.job_completes("cm", message_correlation_key="k").tasks_run("DONE").is_completed()
    assert signal(engine).subscriber_count == 0


def test_two_events_that_happen_at_once_are_decided_by_the_first_task(engine):
    story = Story.start(engine, gateway("message:m", "signal:g"))
    story.job_completes("cm", message_correlation_key="k")
    signal(engine)
    send(engine)
    story.tasks_run("DONE", "CANCELED").is_completed()
    assert [visit.bpmn_element_id for visit in story.visits()][-1] == "et"
