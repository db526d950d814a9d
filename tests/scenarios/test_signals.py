"""Signals: thrown by processes and sent by clients, caught by everyone who waits and every start event."""

from app import criteria as c
from tests.flow import boundary, catch, end, flow, start, throw
from tests.story import Story, deploy, instances, run_tasks, signal, tasks, variables

CATCH = flow("s -> c -> e", process="b", c=catch("signal:alarm"))
START = flow("s -> e", process="c", s=start("signal:alarm"))


def test_a_thrown_signal_reaches_a_catch_event_and_a_start_event(engine):
    caught = Story.start(engine, CATCH)
    deploy(engine, START)
    caught.shows("STARTED | EI: 1 b STARTED; 2 s COMPLETED; 3 c STARTED | J: ")
    assert caught.subscriptions() == ["alarm"]
    thrown = Story.start(engine, flow("s -> th -> e", process="a", th=throw("signal")))
    thrown.shows("STARTED | EI: 4 a STARTED; 5 s COMPLETED; 6 th CREATED | J: 1 SET_SIGNAL_NAME@6 DUE")
    thrown.job_completes("th", signal_name="alarm")
    thrown.shows("STARTED | EI: 4 a STARTED; 5 s COMPLETED; 6 th STARTED | T: 1 TRIGGER_EVENT@6 DUE")
    thrown.tasks_run("DONE")
    thrown.shows("COMPLETED | EI: 4 a COMPLETED; 5 s COMPLETED; 6 th COMPLETED; 7 e COMPLETED")
    caught.shows("STARTED | T: 2 TRIGGER_EVENT@3 DUE")
    assert caught.subscriptions() == []
    start_task = tasks(engine)[2]
    assert (start_task.bpmn_element_id, start_task.created_by) == ("s", "default-engine")
    caught.tasks_run("DONE", "DONE")
    caught.shows(
        "COMPLETED | EI: 1 b COMPLETED by w; 2 s COMPLETED by w; 3 c COMPLETED by w; 8 e COMPLETED by default-engine"
    )
    started = instances(engine)[-1]
    started.shows(
        "COMPLETED | EI: 9 c COMPLETED by default-engine; 10 s COMPLETED by default-engine; "
        "11 e COMPLETED by default-engine"
    )
    assert signal(engine, "alarm").subscriber_count == 1


def test_a_sent_signal_brings_variables_to_everyone(engine):
    one = Story.start(engine, CATCH, variables=variables(v="old"))
    two = one.again()
    deploy(engine, START)
    sent = signal(engine, "alarm", variables=variables(v="new"))
    assert sent.subscriber_count == 3
    one.tasks_run("DONE", "DONE", "DONE").is_completed()
    assert [story.variables() for story in instances(engine)] == [{"v": "new"}] * 3
    assert len(one.query(c.VariableCriteria)) == 1
    two.shows("COMPLETED | T: 2 TRIGGER_EVENT@6 DONE by sender")
    started = instances(engine)[-1].instance
    assert (started.created_by, started.correlation_key) == ("sender", None)


def test_a_signal_is_not_kept_for_later(engine):
    assert signal(engine, "alarm").subscriber_count == 0
    story = Story.start(engine, CATCH)
    story.tasks_run().waits_at("c")


def test_every_start_event_of_the_newest_versions_is_reached(engine):
    deploy(engine, START)
    deploy(engine, START, version="2")
    deploy(engine, flow("s -> e", process="d", s=start("signal:alarm")))
    assert signal(engine, "alarm").subscriber_count == 2
    run_tasks(engine)
    assert [(s.created.bpmn_process_id, s.created.version) for s in instances(engine)] == [("c", "2"), ("d", "1")]


def test_a_non_interrupting_boundary_event_waits_for_the_next_signal(engine):
    model = flow("s -> t -> e; b -> eb", b=boundary("t", "signal", interrupting=False))
    story = Story.start(engine, model)
    story.job_fails("b", "expected a signal name").incident_is_resolved()
    story.job_completes("b", signal_name="g")
    for _ in range(2):
        assert signal(engine).subscriber_count == 1
        story.tasks_run("DONE")
    assert len(story.visits("eb")) == 2
    story.job_completes("t").is_completed()
    assert signal(engine).subscriber_count == 0


def test_a_non_interrupting_boundary_event_takes_each_signal_whenever_the_tasks_run(engine):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "signal:g", interrupting=False)))
    for n in range(3):
        assert signal(engine, variables=variables(**{f"n{n}": "x"})).subscriber_count == 1
    story.tasks_run("DONE", "DONE", "DONE")
    assert len(story.visits("eb")) == 3
    assert sorted(story.variables()) == ["n0", "n1", "n2"]
    assert story.subscriptions() == ["g"]
    signal(engine)
    story.job_completes("t").is_completed()
    assert signal(engine).subscriber_count == 0
    story.tasks_run("CANCELED")


def test_a_thrown_signal_reaches_who_goes_on_waiting_each_time(engine):
    caught = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "signal:g", interrupting=False)))
    thrower = flow("s -> th -> e", process="a", th=throw("signal:g"))
    for number in range(2):
        Story.start(engine, thrower) if not number else Story.of(engine, "a")
    caught.tasks_run("DONE", "DONE").tasks_run("DONE", "DONE")
    assert len(caught.visits("eb")) == 2


def test_an_interrupting_boundary_event_ends_its_task(engine):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "signal:g")))
    signal(engine)
    story.tasks_run("DONE")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED; 5 eb COMPLETED")


def test_a_signal_end_event_sends_when_its_task_runs(engine):
    caught = Story.start(engine, CATCH)
    ended = Story.start(engine, flow("s -> x", x=end("signal:alarm")))
    ended.has_state("STARTED").tasks_run("DONE").is_completed()
    caught.tasks_run("DONE").is_completed()


def test_a_signal_to_what_has_ended_meanwhile_is_canceled(engine):
    story = Story.start(engine, CATCH)
    signal(engine, "alarm", variables=variables(v="1"))
    story.cancels().tasks_run("CANCELED")
    assert story.variables() == {}
