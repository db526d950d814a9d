"""Events with several definitions that wait for one of them, or for all (BPMN 2.0.2, 10.5.5)."""

import json

import pytest

from app import criteria as c
from app.commands.deletion import DeleteProcess
from app.commands.due import MoveTimer
from app.commands.variable import SetProcessVariables
from app.errors import EngineError
from app.service import Service
from app.timer import Timer
from tests.flow import (
    EVENT_BASED,
    call,
    catch,
    conditional,
    event_sub,
    flow,
    multi,
    send_task,
    several,
    start,
)
from tests.story import Story, advance, deploy, instances, json_variable, run_tasks, send, signal, tasks

CATCH, BOUNDARY, START = "intermediateCatchEvent", "boundaryEvent", "startEvent"


def waiting(story: Story) -> list[tuple[str, int | None]]:
    """Names of the subscriptions, with their parts."""
    found = story.query(c.MessageSubscriptionCriteria) + story.query(c.SignalSubscriptionCriteria)
    return [(subscription.name, subscription.part) for subscription in found]


def parts(story: Story) -> list[object]:
    """Of the open tasks that are not detached."""
    return [json.loads(task.serialized_task).get("Part") for task in story.tasks() if not task.detached]


def sets(story: Story, **values: str) -> Story:
    """JSON texts."""
    given = tuple(json_variable(name, value) for name, value in values.items())
    command = SetProcessVariables(partition=story.partition, id=story.id, worker_id="op", variables=given)
    story.service.execute(command)
    return story


def caught(engine: Service, *events: str, **how) -> Story:
    return Story.start(engine, flow("s -> c -> e", c=several(CATCH, *events, **how)))


def at_host(engine: Service, *events: str, **how) -> Story:
    return Story.start(engine, flow("s -> t -> e; b -> x -> ex", b=several(BOUNDARY, *events, host="t", **how)))


def in_scope(engine: Service, *events: str, **how) -> Story:
    handler = event_sub("hs -> x -> he", hs=several(START, *events, **how))
    return Story.start(engine, flow("s -> t -> e; handler", handler=handler))


PLACES = pytest.mark.parametrize("make", [at_host, in_scope])


def test_the_first_signal_is_enough(engine: Service):
    story = caught(engine, "signal:A", "signal:B")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c STARTED")
    assert waiting(story) == [("A", 0), ("B", 1)]
    signal(engine, "B")
    assert parts(story) == [1]
    story.tasks_run("DONE").is_completed()
    assert waiting(story) == []


def test_both_signals_are_needed_and_each_counts_once(engine: Service):
    story = caught(engine, "signal:A", "signal:B", parallel=True)
    signal(engine, "A")
    story.tasks_run("DONE").waits_at("c")
    assert waiting(story) == [("B", 1)]
    assert signal(engine, "A").subscriber_count == 0
    signal(engine, "B")
    story.tasks_run("DONE").is_completed()
    assert waiting(story) == []


def test_signals_that_come_one_after_the_other_before_tasks_run(engine: Service):
    story = caught(engine, "signal:A", "signal:B", parallel=True)
    signal(engine, "B")
    signal(engine, "A")
    story.tasks_run("DONE", "DONE").is_completed()
    first = Story.start(engine, flow("s -> c -> e", process="q", c=several(CATCH, "signal:A", "signal:B")))
    signal(engine, "B")
    signal(engine, "A")
    first.tasks_run("DONE", "CANCELED").is_completed()


@pytest.mark.parametrize("parallel", [False, True])
def test_a_timer_is_a_part(engine: Service, parallel: bool):
    story = caught(engine, "signal:A", "timer:PT1H", parallel=parallel)
    assert parts(story) == [1]
    story.clock_advances(hours=1).tasks_run("DONE")
    if parallel:
        story.waits_at("c")
        signal(engine, "A")
        story.tasks_run("DONE")
    story.is_completed()


def test_a_message_is_a_part_whose_key_a_worker_says(engine: Service):
    story = caught(engine, "signal:A", "message:m")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c CREATED | J: 1 SET_MESSAGE_CORRELATION_KEY@3 DUE")
    story.job_completes("c", message_correlation_key="k").waits_at("c")
    assert waiting(story) == [("m", 1), ("A", 0)]
    send(engine)
    story.tasks_run("DONE").is_completed()


def test_a_message_is_used_up_by_the_part_that_waits_for_it(engine: Service):
    story = caught(engine, "message:m", "signal:A", parallel=True).job_completes("c", message_correlation_key="k")
    first, second = send(engine), send(engine, expiration_timer=Timer(time_duration="PT1H"))
    assert (first.correlated, second.correlated) == (True, False)
    story.tasks_run("DONE")
    signal(engine, "A")
    story.tasks_run("DONE").is_completed()


@pytest.mark.parametrize("parallel", [False, True])
def test_a_message_that_was_there_before_is_taken(engine: Service, parallel: bool):
    send(engine, expiration_timer=Timer(time_duration="PT1H"))
    story = caught(engine, "message:m", "signal:A", parallel=parallel).job_completes("c", message_correlation_key="k")
    assert waiting(story) == ([("A", 1)] if parallel else [])
    story.tasks_run("DONE")
    if parallel:
        signal(engine, "A")
        story.tasks_run("DONE")
    story.is_completed()


@pytest.mark.parametrize("parallel", [False, True])
def test_a_condition_is_a_part(engine: Service, parallel: bool):
    story = caught(engine, "conditional:x > 1", "signal:A", parallel=parallel)
    sets(story, x="1").tasks_run()
    sets(story, x="2").tasks_run("DONE")
    if parallel:
        sets(story, x="1").tasks_run().waits_at("c")
        signal(engine, "A")
        story.tasks_run("DONE")
    story.is_completed()


def test_behind_an_event_based_gateway(engine: Service):
    model = flow(
        "s -> g -> c, d; c -> x; d -> y",
        g=EVENT_BASED,
        c=several(CATCH, "message:m", "signal:A", "timer:PT1H", "conditional:x"),
        d=catch("signal:D"),
    )
    story = Story.start(engine, model).job_completes("c", message_correlation_key="k")
    send(engine)
    story.tasks_run("DONE").is_completed()
    assert (len(story.visits("x")), len(story.visits("y")), waiting(story)) == (1, 0, [])
    other = story.again().job_completes("c", message_correlation_key="k")
    signal(engine, "D")
    other.tasks_run("DONE").is_completed()
    story.clock_advances(hours=2).tasks_run("CANCELED", "CANCELED")


@PLACES
def test_one_that_interrupts_is_over_by_the_first(engine: Service, make):
    story = make(engine, "signal:A", "timer:PT1H", "escalation:E")
    signal(engine, "A")
    story.tasks_run("DONE").waits_at("x")
    assert waiting(story) == []
    story.clock_advances(hours=1).tasks_run("CANCELED")


@PLACES
def test_one_that_does_not_interrupt_happens_by_each_any_number_of_times(engine: Service, make):
    story = make(engine, "signal:A", "signal:B", "timer:R/PT1H", interrupting=False)
    for name in "ABA":
        signal(engine, name)
    story.tasks_run("DONE", "DONE", "DONE")
    for _ in range(2):
        story.clock_advances(hours=1).tasks_run("DONE")
    assert len(story.visits("x")) == 5
    assert waiting(story) == [("A", 0), ("B", 1)]
    story.job_completes("t")
    for _ in range(5):
        story.job_completes("x")
    story.is_completed()
    assert waiting(story) == []


@PLACES
def test_all_of_it_is_waited_for_anew(engine: Service, make):
    story = make(engine, "message:m", "signal:A", interrupting=False, parallel=True)
    story.job_completes("b" if make is at_host else "hs", message_correlation_key="key")
    for round in (1, 2):
        assert waiting(story) == [("m", 0), ("A", 1)]
        send(engine, key="key")
        signal(engine, "A")
        assert signal(engine, "A").subscriber_count == 0
        story.tasks_run("DONE", "DONE")
        assert len(story.visits("x")) == round
    send(engine, key="key", expiration_timer=Timer(time_duration="PT1H"))
    send(engine, key="key", expiration_timer=Timer(time_duration="PT1H"))
    signal(engine, "A")
    # The second message was there already when it was armed anew.
    story.tasks_run("DONE", "DONE").tasks_run("DONE")
    assert waiting(story) == [("A", 1)]
    signal(engine, "A")
    story.tasks_run("DONE")
    assert len(story.visits("x")) == 4


@PLACES
def test_only_the_last_part_interrupts(engine: Service, make):
    story = make(engine, "timer:PT1H", "signal:A", parallel=True)
    signal(engine, "A")
    story.tasks_run("DONE").waits_at("t")
    story.clock_advances(hours=1).tasks_run("DONE").waits_at("x")


def test_the_host_starts_once_the_only_part_that_asks_is_answered(engine: Service):
    story = at_host(engine, "timer", "signal:A")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t CREATED; 4 b CREATED | J: 1 SET_TIMER@4 DUE")
    assert waiting(story) == []
    story.job_completes("b", timer=Timer(time_duration="PT1H")).waits_at("t")
    assert (waiting(story), parts(story)) == ([("A", 1)], [0])
    story.clock_advances(hours=1).tasks_run("DONE").waits_at("x")


def test_the_timer_of_a_part_is_brought_forward(engine: Service):
    story = at_host(engine, "signal:A", "timer:R/PT1H", interrupting=False)
    (timer,) = story.tasks("b")
    engine.execute(MoveTimer(partition=timer.partition, id=timer.id, worker_id="op"))
    story.tasks_run("DONE")
    assert len(story.visits("x")) == 1
    assert parts(story) == [1]


def test_an_error_of_a_called_process_is_caught_by_a_part(engine: Service):
    deploy(engine, flow("qs -> qt -> qe", process="q"))
    b = several(BOUNDARY, "signal:A", "error:X", host="t")
    story = Story.start(engine, flow("s -> t -> e; b -> x -> ex", t=call("q:1"), b=b)).job_completes("t")
    called = story.called().job_completes("qt", error_code="X")
    story.tasks_run("DONE").waits_at("x")
    called.has_state("TERMINATED")
    assert waiting(story) == []


def test_an_event_sub_process_gets_the_code_of_a_part(engine: Service):
    story = in_scope(engine, "signal:A", "error:").job_completes("t", error_code="X")
    assert story.waits_at("x").knows("handler") == {"errorCode": "X"}


def test_at_a_multi_instance(engine: Service):
    b = several(BOUNDARY, "signal:A", "signal:B", host="t")
    story = Story.start(engine, flow("s -> t -> e; b -> x -> ex", t=multi(cardinality="2"), b=b))
    story.waits_at("t", "t")
    signal(engine, "B")
    story.tasks_run("DONE").waits_at("x")
    assert waiting(story) == []


@pytest.mark.parametrize("parallel", [False, True])
def test_a_signal_that_a_multi_instance_throws_is_caught_at_once(engine: Service, parallel: bool):
    t = multi(cardinality="2", behavior="None", throws={"signal:A": ""})
    b = several(BOUNDARY, "signal:A", "signal:B", host="t", interrupting=False, parallel=parallel)
    other = Story.start(engine, flow("s -> c -> e", process="q", c=catch("signal:A")))
    story = Story.start(engine, flow("s -> t -> e; b -> x -> ex", t=t, b=b)).job_completes("t")
    assert len(story.visits("x")) == (0 if parallel else 1)
    assert waiting(story) == ([("B", 1)] if parallel else [("A", 0), ("B", 1)])
    signal(engine, "B")
    story.tasks_run("DONE", "DONE")
    other.is_completed()
    assert len(story.visits("x")) == (1 if parallel else 2)
    assert waiting(story) == [("A", 0), ("B", 1)]


def test_it_waits_while_its_instance_is_suspended(engine: Service):
    story = caught(engine, "signal:A", "signal:B").suspends()
    signal(engine, "B")
    story.tasks_run("DONE").resumes().is_completed()
    armed = Story.start(engine, flow("s -> t -> c -> e", process="q", c=several(CATCH, "signal:A", "signal:B")))
    armed.suspends().job_completes("t")
    assert waiting(armed) == []
    armed.resumes()
    assert waiting(armed) == [("A", 0), ("B", 1)]
    armed.cancels()
    assert waiting(armed) == []


def test_while_a_worker_decides_where_it_goes_on_nothing_else_happens(engine: Service):
    event = conditional(several(CATCH, "signal:A", "timer:PT1H", "signal:B"), x="true", y="false")
    story = Story.start(engine, flow("s -> c -> x, y", c=event))
    signal(engine, "A")
    signal(engine, "B")
    story.tasks_run("DONE", "CANCELED")
    story.clock_advances(hours=1).tasks_run("CANCELED")
    story.job_completes("c", inclusive_gateway_decision=("x",)).is_completed()
    assert len(story.visits("x")) == 1


ENGINE = {"expressions": "ENGINE"}


def test_the_engine_evaluates_names_and_keys(engine: Service):
    c = several(CATCH, "message:${name}", "signal:${other}", key="= id")
    given = (json_variable("name", '"m"'), json_variable("other", '"o"'), json_variable("id", "7"))
    story = Story.start(engine, flow("s -> c -> e", c=c), definitions=ENGINE, variables=given)
    assert waiting(story) == [("m", 0), ("o", 1)]
    send(engine, key="7")
    story.tasks_run("DONE").is_completed()


def test_what_can_not_be_evaluated_is_evaluated_again_once_its_incident_is_resolved(engine: Service):
    model = flow("s -> t -> e; b -> x", b=several(BOUNDARY, "signal:A", "signal:${other}", host="t"))
    story = Story.start(engine, model, definitions=ENGINE)
    (failed,) = story.query(c.TaskCriteria)
    assert json.loads(failed.serialized_task) == {"Expression": "signalName", "Part": 1}
    assert waiting(story) == []
    story.incident_is_resolved().tasks_run("CAUSED_INCIDENT")
    sets(story, other='"o"').incident_is_resolved().tasks_run("DONE").waits_at("t")
    assert waiting(story) == [("A", 0), ("o", 1)]


STARTS = flow("s -> t -> e", s=several(START, "message:m", "signal:A", "timer:R/PT1H"))


def test_each_part_starts_the_process(engine: Service):
    deploy(engine, STARTS)
    send(engine)
    signal(engine, "A")
    (waiting_for_time,) = [task for task in tasks(engine) if json.loads(task.serialized_task).get("Timer")]
    assert json.loads(waiting_for_time.serialized_task)["Part"] == 2
    assert [json.loads(task.serialized_task)["Part"] for task in run_tasks(engine)] == [0, 1]
    advance(engine, hours=1)
    run_tasks(engine)
    found = instances(engine)
    assert len(found) == 3
    for story in found:
        assert [visit.state for visit in story.visits("s")] == ["COMPLETED"]
        story.waits_at("t")
    advance(engine, hours=1)
    run_tasks(engine)
    assert len(instances(engine)) == 4


def test_a_newer_version_takes_the_place_of_all_parts(engine: Service):
    deploy(engine, STARTS)
    newer = deploy(engine, STARTS.replace('name="A"', 'name="B"'), version="2")
    send(engine)
    assert signal(engine, "A").subscriber_count == 0
    assert signal(engine, "B").subscriber_count == 1
    advance(engine, hours=1)
    run_tasks(engine)
    assert [story.instance.process_id for story in instances(engine)] == [newer.id] * 3


def test_when_the_newest_version_is_deleted_all_parts_of_the_one_before_are_in_force_again(engine: Service):
    deploy(engine, STARTS)
    advance(engine, minutes=30)
    newer = deploy(engine, flow("s -> t -> e"), version="2")
    assert send(engine).correlated is False
    engine.execute(DeleteProcess(id=newer.id, worker_id="op"))
    send(engine)
    signal(engine, "A")
    assert len(run_tasks(engine)) == 2
    assert len(instances(engine)) == 2
    advance(engine, hours=1)
    assert len(run_tasks(engine)) >= 1
    assert len(instances(engine)) == 3


def test_a_version_is_deleted_with_all_that_starts_it(engine: Service):
    process = deploy(engine, STARTS)
    send(engine)
    with pytest.raises(EngineError, match="is about to be started by 1 message"):
        engine.execute(DeleteProcess(id=process.id, worker_id="op"))
    run_tasks(engine)
    other = deploy(engine, flow("s -> t -> e", process="q", s=several(START, "message:n", "signal:B", "timer:R/PT1H")))
    engine.execute(DeleteProcess(id=other.id, worker_id="op"))
    assert send(engine, "n").correlated is False
    assert signal(engine, "B").subscriber_count == 0
    advance(engine, hours=1)
    run_tasks(engine)
    assert {story.created.bpmn_process_id for story in instances(engine)} == {"p"}


def test_a_message_that_is_sent_by_the_engine_reaches_a_part(engine: Service):
    c = several(CATCH, "message:m", "signal:A", key="= 7", parallel=True)
    story = Story.start(engine, flow("s -> c -> e", c=c), definitions=ENGINE)
    Story.start(engine, flow("s -> t -> e", process="q", t=send_task("m", "= 7")), definitions=ENGINE).is_completed()
    assert waiting(story) == [("A", 1)]
    signal(engine, "A")
    story.tasks_run("DONE", "DONE").is_completed()


def test_a_part_that_starts_another_process_by_now_does_not_come_back(engine: Service):
    deploy(engine, STARTS)
    newer = deploy(engine, flow("s -> t -> e"), version="2")
    deploy(engine, flow("s -> t -> e", process="q", s=several(START, "message:m", "signal:A")))
    engine.execute(DeleteProcess(id=newer.id, worker_id="op"))
    send(engine)
    signal(engine, "A")
    run_tasks(engine)
    found = [(each.created.bpmn_process_id, len(each.visits())) for each in instances(engine)]
    assert sorted(found) == [("p", 3), ("q", 3), ("q", 3)]


def test_a_message_name_starts_one_process_only(engine: Service):
    deploy(engine, STARTS)
    for s in (several(START, "signal:B", "message:m"), start("message:m")):
        with pytest.raises(EngineError) as refused:
            deploy(engine, flow("s -> t -> e", process="q", s=s))
        (cause,) = refused.value.causes
        assert cause.detail == "start message name m must be unique - already defined in process p:1"


@pytest.mark.parametrize("event", ["message:m", "signal:A"])
def test_two_parts_that_start_the_process_must_not_be_the_same(engine: Service, event: str):
    with pytest.raises(EngineError) as refused:
        deploy(engine, flow("s -> t -> e", s=several(START, event, event)))
    kind, _, name = event.partition(":")
    assert [cause.detail for cause in refused.value.causes] == [f"start {kind} name {name} must be unique"]


def test_elements_show_all_definitions(engine: Service):
    process = deploy(
        engine,
        flow("s -> c -> e", s=several(START, "message:m", "signal:A"), c=several(CATCH, "conditional:x", "timer:PT1H")),
    )
    elements = engine.query(c.ElementCriteria(process_id=process.id))
    assert [element.bpmn_element_id for element in elements] == ["p", "s", "c", "e"]
    found = {element.bpmn_element_id: element for element in elements}
    assert [part.definition.name for part in found["s"].parts] == ["m", "A"]
    assert found["s"].definition.message_name == "m"
    assert found["c"].definition is None
    assert [part.definition and part.definition.timer.time_duration for part in found["c"].parts] == [None, "PT1H"]
    deploy(engine, flow("s -> t -> e"), version="2")
    (shown,) = engine.query(c.ElementCriteria(process_id=process.id, bpmn_element_id="s"))
    assert [part.suspended for part in shown.parts] == [True, True]


def test_what_each_part_waits_for_is_told(engine: Service):
    story = caught(engine, "message:m", "signal:A", "timer:PT1H", "conditional:x", parallel=True)
    story.job_completes("c", message_correlation_key="k")

    def told() -> list[str]:
        found, _ = engine.finding.waiting(story.partition, story.id, 100)
        return sorted(f"{each.kind} {each.name}" for each in found)

    assert told() == ["CONDITION None", "MESSAGE m", "SIGNAL A", "TIMER None"]
    send(engine)
    sets(story, x="true")
    assert told() == ["SIGNAL A", "TASK None", "TASK m", "TIMER None"]
    story.tasks_run("DONE", "DONE")
    assert told() == ["SIGNAL A", "TIMER None"]


def test_the_history_names_what_has_happened(engine: Service):
    story = caught(engine, "message:m", "signal:A", parallel=True).job_completes("c", message_correlation_key="k")
    send(engine)
    signal(engine, "A")
    story.tasks_run("DONE", "DONE").is_completed()
    page = engine.finding.history(story.partition, story.id, c.Paging(limit=100))
    assert [(each["kind"], each["name"]) for each in page.records if each["kind"] in ("MESSAGE", "SIGNAL")] == [
        ("MESSAGE", "m"),
        ("SIGNAL", "A"),
    ]
