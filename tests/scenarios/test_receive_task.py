"""Receive tasks: as activities, behind event-based gateways, and as what starts a process."""

from app.timer import Timer
from tests.flow import EVENT_BASED, boundary, catch, flow, receive
from tests.story import Story, deploy, instances, run_tasks, send, tasks


def test_it_is_completed_by_its_message_before_its_timer(engine):
    model = flow("s -> r -> e; bt -> x", r=receive("M"), bt=boundary("r", "timer:PT1H"))
    story = Story.start(engine, model)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 r STARTED; 4 bt CREATED "
        "| J: 1 SET_MESSAGE_CORRELATION_KEY@3 DUE | T: 1 TRIGGER_EVENT@4 CREATED"
    )
    story.job_completes("r", message_correlation_key="k")
    send(engine, "M")
    story.tasks_run("DONE")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 r COMPLETED; 4 bt TERMINATED; 5 e COMPLETED")
    assert story.subscriptions() == []


def test_its_timer_ends_it_with_its_subscription(engine):
    model = flow("s -> r -> e; bt -> x", r=receive("M"), bt=boundary("r", "timer:PT1H"))
    story = Story.start(engine, model).job_completes("r", message_correlation_key="k").clock_advances(hours=1)
    story.tasks_run("DONE").is_completed()
    assert (story.visit("r").state, story.subscriptions()) == ("TERMINATED", [])


def test_a_worker_names_the_message_where_the_file_does_not(engine):
    story = Story.start(engine, flow("s -> r -> e", r=receive()))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 r STARTED | J: 1 SUBSCRIBE_MESSAGE@3 DUE")
    story.job_fails("r", "expected a message name and correlation key").incident_is_resolved()
    story.job_completes("r", message_name="m", message_correlation_key="k")
    send(engine)
    story.tasks_run("DONE").is_completed()


def test_it_takes_a_message_that_is_there_already(engine):
    story = Story.start(engine, flow("s -> r -> e", r=receive("m")))
    send(engine, expiration_timer=Timer(time_duration="PT1H"))
    story.job_completes("r", message_correlation_key="k").tasks_run("DONE").is_completed()


def test_behind_an_event_based_gateway_it_is_one_of_the_events(engine):
    model = flow("s -> g -> r, c -> e", g=EVENT_BASED, r=receive("m"), c=catch("timer:PT1H"))
    story = Story.start(engine, model)
    assert [(visit.bpmn_element_id, visit.state) for visit in story.visits()][2:] == [
        ("g", "CREATED"),
        ("r", "CREATED"),
        ("c", "CREATED"),
    ]
    story.job_completes("r", message_correlation_key="k")
    assert story.visit("g").state == "STARTED"
    send(engine)
    story.tasks_run("DONE").is_completed()
    assert (story.visit("r").state, story.visit("c").state) == ("COMPLETED", "TERMINATED")


def test_a_message_arrives_while_suspended(engine):
    story = Story.start(engine, flow("s -> r -> t -> e", r=receive("m")))
    story.job_completes("r", message_correlation_key="k").suspends()
    send(engine)
    story.tasks_run("DONE")
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 r COMPLETED; 4 t SUSPENDED")
    story.resumes().job_completes("t").is_completed()


def test_one_without_a_flow_to_it_starts_the_process(engine):
    deploy(engine, flow("r -> t -> e", r=receive("M", instantiate=True)))
    send(engine, "M", "k1")
    (task,) = tasks(engine)
    assert (task.type, task.element_instance_id) == ("TRIGGER_EVENT", None)
    run_tasks(engine)
    (story,) = instances(engine)
    story.shows("STARTED | EI: 1 p STARTED; 2 r COMPLETED; 3 t STARTED")
    assert story.created.correlation_key == "k1"
    story.job_completes("t").is_completed()


def test_only_the_newest_version_is_started(engine):
    for version in ("1", "2"):
        deploy(engine, flow("r -> t -> e", r=receive("M", instantiate=True)), version=version)
    send(engine, "M")
    run_tasks(engine)
    (story,) = instances(engine)
    assert story.created.version == "2"
