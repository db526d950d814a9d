"""Boundary and catch events, event-based gateways, terminate end events, and what an ended token leaves behind."""

import pytest

from app.engine.records import Message
from app.engine.types import InstanceState, JobType, TaskType, WorkState
from app.errors import EngineError, Refusal
from app.timer import Timer
from tests.flow import (
    EVENT_BASED,
    PARALLEL,
    SERVICE,
    TASK,
    USER,
    Kind,
    boundary,
    call,
    catch,
    conditional,
    end,
    multi,
    sub,
    throw,
)
from tests.walk import NOW, Facts, Walk

HOUR = Timer(time_duration="PT1H")


def message(name="m", key="k") -> Message:
    return Message(id=7, name=name, correlation_key=key, created_at=NOW, created_by="sender", expires_at=NOW)


def open_work(walk):
    """Types and places of jobs and tasks that are not detached."""
    return [(work.type, work.bpmn_element_id) for work in (*walk.jobs(), *walk.tasks()) if not work.detached]


@pytest.mark.parametrize(
    ("event", "job"),
    [
        ("error", "SET_ERROR_CODE"),
        ("escalation", "SET_ESCALATION_CODE"),
        ("message", "SUBSCRIBE_MESSAGE"),
        ("message:m", "SET_MESSAGE_CORRELATION_KEY"),
        ("signal", "SUBSCRIBE_SIGNAL"),
        ("timer", "SET_TIMER"),
    ],
)
def test_an_activity_does_not_start_before_its_boundary_event_is_defined(event, job):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", event))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t CREATED; 4 b CREATED"
    assert open_work(walk) == [(job, "b")]
    assert walk.token("t").started_at is None


@pytest.mark.parametrize(
    ("event", "completion"),
    [
        ("error", {"error_code": "X"}),
        ("error", {}),
        ("escalation", {}),
        ("message", {"message_name": "m", "message_correlation_key": "k"}),
        ("message:m", {"message_correlation_key": "k"}),
        ("signal", {"signal_name": "g"}),
        ("timer", {"timer": HOUR}),
    ],
)
def test_an_activity_starts_when_its_last_event_is_defined(event, completion):
    walk = Walk("s -> t -> e; b -> eb; b2 -> eb", b=boundary("t", event), b2=boundary("t", "error"))
    walk.job("b2").done()
    assert walk.token("t").state == "CREATED"
    walk.job("b").done(**completion)
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b CREATED; 5 b2 CREATED"
    assert (JobType.EXECUTE, "t") in open_work(walk)


@pytest.mark.parametrize("event", ["error:X", "escalation:", "signal:g", "timer:PT1H"])
def test_an_event_that_the_model_defines_holds_nothing_up(event):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", event))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b CREATED"


@pytest.mark.parametrize(
    ("kind", "completion", "sentence"),
    [
        (catch("message"), {"message_name": "m"}, "expected a message name and correlation key"),
        (catch("message:m"), {}, "expected a message correlation key"),
        (catch("signal"), {}, "expected a signal name"),
        (catch("timer"), {}, "expected a timer"),
        (
            catch("timer"),
            {"timer": Timer()},
            "failed to evaluate timer: must specify a time, time cycle or time duration",
        ),
        (end("error"), {}, "expected an error code"),
        (end("escalation"), {}, "expected an escalation code"),
        (throw("escalation"), {}, "expected an escalation code"),
        (throw("signal"), {}, "expected a signal name"),
    ],
)
def test_a_job_without_the_definition_it_asks_for_is_refused(kind, completion, sentence):
    walk = Walk("s -> c", c=kind)
    with pytest.raises(Refusal) as refusal:
        walk.job("c").done(**completion)
    assert refusal.value.as_text() == sentence


def test_an_interrupting_event_ends_its_host_and_the_events_beside_it():
    walk = Walk("s -> t -> e; b -> eb; b2 -> eb", b=boundary("t", "timer:PT1H"), b2=boundary("t", "signal:g"))
    walk.task("b").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED; 5 b2 TERMINATED; 6 eb COMPLETED"
    )
    assert walk.records.subscriptions == []
    assert [job.detached for job in walk.jobs()] == [True]


def test_an_event_may_fire_before_its_host_has_started():
    walk = Walk("s -> t -> e; b -> eb; b2 -> eb", b=boundary("t", "timer:PT1H"), b2=boundary("t", "error"))
    walk.task("b").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED; 5 b2 TERMINATED; 6 eb COMPLETED"
    )


def test_an_interrupting_event_without_a_flow_ends_its_scope_exactly_once():
    walk = Walk("s -> t -> e; b", b=boundary("t", "timer:PT1H"))
    walk.task("b").run()
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED"


def test_an_interrupting_event_without_a_flow_ends_a_sub_process_exactly_once():
    inner = sub("s2 -> t; b", t=SERVICE, b=boundary("t", "timer:PT1H"))
    walk = Walk("s -> sp -> n -> e", sp=inner)
    walk.task("b").run()
    assert walk.trace == (
        "1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 s2 COMPLETED ^3; 5 t TERMINATED ^3; 6 b COMPLETED ^3; "
        "7 n STARTED"
    )


def test_a_non_interrupting_event_is_attached_anew_before_its_flow_goes_on():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "signal:g", interrupting=False))
    walk.happens("b")
    assert walk.trace == ("1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b CREATED; 6 eb COMPLETED")
    assert [s.token.id for s in walk.records.subscriptions] == [5]
    walk.job("t").done()
    assert walk.trace.endswith("5 b TERMINATED; 6 eb COMPLETED; 7 e COMPLETED")


@pytest.mark.parametrize("event", ["signal:g", "message:m"])
def test_a_non_interrupting_event_happens_each_time_it_is_sent_whenever_the_tasks_run(event):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", event, interrupting=False))
    if event.startswith("message"):
        walk.job("b").done(message_correlation_key="k")
    sent = [walk.sent("b") for _ in range(3)]
    assert [step.run() for step in (sent[1], sent[0], sent[2])] == [WorkState.DONE] * 3
    assert walk.trace.count("eb COMPLETED") == walk.trace.count(" b COMPLETED") == 3
    assert [s.token for s in walk.records.subscriptions] == [walk.token("b")]


def test_what_was_sent_to_a_non_interrupting_event_ends_with_its_host():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "signal:g", interrupting=False))
    for _ in range(2):
        walk.sent("b")
    walk.task("b").run()
    walk.job("t").done()
    assert [task.detached for task in walk.tasks()] == [True]
    assert walk.tasks_run() == [WorkState.CANCELED]
    assert walk.records.subscriptions == []


def test_a_non_interrupting_event_whose_flow_ends_its_host_leaves_nothing_behind():
    walk = Walk("s -> t -> e; b -> x", b=boundary("t", "message:m", interrupting=False), x=end("terminate"))
    walk.job("b").done(message_correlation_key="k")
    first, second = walk.sent("b"), walk.sent("b")
    unread = message()
    first.run(Facts(buffered=unread))
    assert walk.instance.state == "COMPLETED"
    assert second.task.detached
    assert second.run() == WorkState.CANCELED
    assert walk.records.subscriptions == []
    assert not unread.correlated


@pytest.mark.parametrize("event", ["signal:g", "message:m"])
def test_an_event_without_a_subscription_gets_one_when_it_has_happened(event):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", event, interrupting=False))
    if event.startswith("message"):
        walk.job("b").done(message_correlation_key="k")
    step = walk.sent("b")
    walk.records.subscriptions.clear()
    step.run(Facts(subscribed=False, correlation_key="k"))
    assert [(s.token, s.name) for s in walk.records.subscriptions] == [(walk.token("b"), event[-1])]


@pytest.mark.parametrize(
    ("timer", "firings"),
    [("timer:PT1H", 1), ("timer:R3/PT1H", 3), ("timer:2026-11-24T00:00:00Z", 1)],
)
def test_a_timer_from_the_xml_fires_as_often_as_it_says(timer, firings):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", timer, interrupting=False))
    for _ in range(firings):
        (task,) = walk.tasks()
        walk.now = task.due_at
        walk.tasks_run()
    assert walk.tasks() == []
    assert walk.trace.count("eb COMPLETED") == firings
    assert walk.waiting_at == ["t"]


def test_a_cycle_without_a_limit_goes_on_until_its_host_ends():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "timer:0 * * * *", interrupting=False))
    for _ in range(5):
        walk.now = walk.tasks()[0].due_at
        walk.tasks_run()
    assert len(walk.tasks()) == 1
    walk.job("t").done()
    assert walk.tasks_run() == [WorkState.CANCELED]


def test_a_duration_that_a_job_gives_repeats_from_the_time_it_ran():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "timer", interrupting=False))
    walk.job("b").done(timer=HOUR)
    walk.now = NOW.replace(hour=14)
    walk.task("b").run()
    assert [task.due_at.hour for task in walk.tasks()] == [15]


@pytest.mark.parametrize("cycle", ["R3/PT1H", "R/PT1H", "0 * * * *"])
def test_missed_ticks_of_a_boundary_event_come_to_one_firing(cycle):
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", f"timer:{cycle}", interrupting=False))
    due = []
    for hour, minute in ((17, 30), (19, 0), (20, 10)):
        walk.now = NOW.replace(hour=hour, minute=minute)
        walk.tasks_run()
        due += [task.due_at.hour for task in walk.tasks()]
    assert due == ([18, 20] if cycle == "R3/PT1H" else [18, 20, 21])
    assert walk.trace.count("eb COMPLETED") == 3


def test_a_monthly_timer_keeps_the_day_it_was_due_first():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "timer:R/P1M", interrupting=False))
    task = walk.tasks()[0]
    task.due_at = NOW.replace(year=2027, month=1, day=31)
    task.serialized_task = task.serialized_task.replace("2026-12-23", "2027-01-31")
    due = []
    for _ in range(4):
        walk.now = walk.tasks()[0].due_at
        walk.tasks_run()
        due += [f"{task.due_at:%d %b}" for task in walk.tasks()]
    assert due == ["28 Feb", "31 Mar", "30 Apr", "31 May"]


def test_a_fixed_time_that_a_job_gives_fires_once():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "timer", interrupting=False))
    walk.job("b").done(timer=Timer(time=NOW))
    walk.task("b").run()
    assert walk.tasks() == []
    assert walk.trace.endswith("3 t STARTED; 4 b COMPLETED; 5 eb COMPLETED")


def test_a_completed_activity_takes_the_subscriptions_of_its_events_along():
    walk = Walk("s -> t -> e; b -> eb; b2 -> eb", b=boundary("t", "signal:g"), b2=boundary("t", "message:m"))
    walk.job("b2").done(message_correlation_key="k")
    assert len(walk.records.subscriptions) == 2
    walk.job("t").done()
    assert walk.records.subscriptions == []


def test_a_buffered_message_is_taken_at_once_and_its_host_does_not_start():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "message:m"))
    walk.job("b").done(Facts(buffered=message()), message_correlation_key="k")
    assert walk.token("t").state == "CREATED"
    assert walk.records.subscriptions == []
    assert [task.serialized_task for task in walk.tasks()] == ['{"MessageId":7}']


def test_a_buffered_message_of_a_non_interrupting_event_lets_its_host_start():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "message:m", interrupting=False))
    walk.job("b").done(Facts(buffered=message()), message_correlation_key="k")
    assert walk.token("t").state == "STARTED"
    assert [(s.name, s.correlation_key, s.token.id) for s in walk.records.subscriptions] == [("m", "k", 4)]
    walk.task("b").run()
    assert [(s.name, s.correlation_key, s.token.id) for s in walk.records.subscriptions] == [("m", "k", 5)]


def test_a_non_interrupting_event_takes_the_next_buffered_message():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "message:m", interrupting=False))
    walk.job("b").done(Facts(buffered=message()), message_correlation_key="k")
    walk.task("b").run(Facts(buffered=message()))
    assert [s.token.id for s in walk.records.subscriptions] == [5]
    assert [(task.type, task.token.id) for task in walk.tasks()] == [(TaskType.TRIGGER_EVENT, 5)]


def test_everything_inside_an_interrupted_sub_process_ends():
    inner = sub("s2 -> f -> u, c, t -> e2", f=PARALLEL, u=USER, c=catch("signal:g"), t=SERVICE)
    walk = Walk("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "timer:PT1H"))
    walk.task("b").run()
    assert walk.instance.state == "COMPLETED"
    assert [token.state for token in walk.tokens if token.node.id in ("u", "c", "t")] == ["TERMINATED"] * 3
    assert walk.records.user_tasks[0].state == "TERMINATED"
    assert walk.records.subscriptions == []
    assert open_work(walk) == []


def test_a_user_task_waits_without_a_job():
    walk = Walk("s -> u -> e", u=USER)
    assert open_work(walk) == []
    walk.user_task("u").done()
    assert walk.instance.state == "COMPLETED"


GATEWAY = "s -> g -> a -> ea; g -> b -> eb"


def test_the_first_event_behind_an_event_based_gateway_wins():
    walk = Walk(GATEWAY, g=EVENT_BASED, a=catch("signal:g"), b=catch("timer:PT1H"))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 g STARTED; 4 a CREATED; 5 b CREATED"
    walk.task("b").run()
    assert walk.trace == ("1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 a TERMINATED; 5 b COMPLETED; 6 eb COMPLETED")
    assert walk.records.subscriptions == []


def test_an_event_based_gateway_waits_for_the_definition_of_every_event():
    walk = Walk(GATEWAY, g=EVENT_BASED, a=catch("message:m"), b=catch("timer"))
    walk.job("b").done(timer=HOUR)
    assert walk.token("g").state == "CREATED"
    walk.job("a").done(message_correlation_key="k")
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 g STARTED; 4 a CREATED; 5 b CREATED"


def test_an_event_may_happen_before_its_gateway_is_ready():
    walk = Walk(GATEWAY, g=EVENT_BASED, a=catch("message:m"), b=catch("timer:PT1H"))
    walk.task("b").run()
    gateway = walk.token("g")
    assert (gateway.state, gateway.ended_at, walk.instance.state) == ("COMPLETED", NOW, "COMPLETED")
    assert open_work(walk) == []


def test_a_buffered_message_behind_a_gateway_ends_the_instance():
    walk = Walk(GATEWAY, g=EVENT_BASED, a=catch("message:m"), b=catch("timer:PT1H"))
    walk.job("a").done(Facts(buffered=message()), message_correlation_key="k")
    assert walk.token("g").state == "CREATED"
    walk.task("a").run()
    assert walk.instance.state == "COMPLETED"
    assert walk.tasks_run() == [WorkState.CANCELED]


def test_a_terminate_end_event_ends_everything_else_in_its_scope():
    inner = sub("s2 -> f -> t, x", f=PARALLEL, t=SERVICE, x=end("terminate"))
    walk = Walk("s -> fork -> sp, o -> e", fork=PARALLEL, sp=inner)
    assert walk.trace == (
        "1 p STARTED; 2 s COMPLETED; 3 fork COMPLETED; 4 sp COMPLETED; 5 o STARTED; 6 s2 COMPLETED ^4; "
        "7 f COMPLETED ^4; 8 t TERMINATED ^4; 9 x COMPLETED ^4; 10 e COMPLETED"
    )
    assert open_work(walk) == [(JobType.EXECUTE, "o")]


def test_a_terminate_end_event_of_the_process_ends_the_instance():
    walk = Walk(
        "s -> f -> sp, u, a; a -> x",
        f=PARALLEL,
        sp=sub("s2 -> t -> e2"),
        u=USER,
        x=end("terminate"),
    )
    walk.job("a").done()
    assert walk.instance.state == "COMPLETED"
    assert [walk.token(id).state for id in ("sp", "t", "u", "x")] == ["TERMINATED"] * 3 + ["COMPLETED"]
    assert walk.records.user_tasks[0].state == "TERMINATED"


def test_a_terminate_end_event_stops_what_was_created_in_the_same_walk():
    walk = Walk(
        "s -> f -> t, c, x; b -> e",
        f=PARALLEL,
        t=SERVICE,
        c=catch("signal:g"),
        b=boundary("t", "timer:PT1H"),
        x=end("terminate"),
    )
    assert walk.instance.state == "COMPLETED"
    assert open_work(walk) == []
    assert walk.records.subscriptions == []


def test_a_terminate_end_event_ends_what_was_called():
    walk = Walk("s -> f -> ca, a; a -> x", f=PARALLEL, ca=call("ch"), x=end("terminate"))
    called = walk.job("ca").calls("s -> t -> e")
    walk.job("a").done()
    assert [task.type for task in called.tasks()] == [TaskType.TERMINATE_PROCESS_INSTANCE]
    called.tasks_run()
    assert [token.state for token in called.tokens] == ["TERMINATED", "COMPLETED", "TERMINATED"]


def test_leftover_tasks_are_marked_and_canceled_when_they_run():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "timer:PT1H"))
    walk.job("t").done()
    assert [task.detached for task in walk.tasks()] == [True]
    assert walk.tasks_run() == [WorkState.CANCELED]


def test_tasks_pass_without_effect_on_what_has_ended():
    walk = Walk("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL, a=TASK, b=TASK)
    assert walk.tasks_run() == [WorkState.DONE, WorkState.CANCELED]


def test_a_timer_without_a_point_in_time_is_refused_when_it_is_reached():
    with pytest.raises(EngineError) as error:
        Walk("s -> c -> e", c=catch("timer:0 0 0 1 1 * 2020"))
    assert error.value.as_text().startswith("failed to evaluate timer")


@pytest.mark.parametrize("tag", ["task", "manualTask"])
@pytest.mark.parametrize("event", ["error:X", "escalation:", "message:m", "signal", "timer", "timer:PT1H"])
def test_a_boundary_event_of_a_task_that_is_passed_through_has_no_visit(tag, event):
    walk = Walk("s -> t -> u -> e; b -> eb", t=Kind(tag), b=boundary("t", event))
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t COMPLETED; 4 u STARTED"
    assert open_work(walk) == [("EXECUTE", "u")]


def test_a_task_with_a_boundary_event_that_is_passed_through_stops_while_its_scope_is_suspended():
    walk = Walk("s -> t -> e; b -> eb", state=InstanceState.SUSPENDED, t=TASK, b=boundary("t", "signal:g"))
    walk.resume()
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 e COMPLETED"


def test_a_catch_event_occurs_once_however_often_its_condition_becomes_true():
    walk = Walk("s -> c -> e", c=catch("conditional:ready"))
    for ready in (True, False, True):
        walk.set(ready=ready)
    assert len(walk.tasks()) == 1
    walk.task("c").run()
    assert (walk.tasks(), walk.instance.state) == ([], "COMPLETED")


def test_a_boundary_event_that_does_not_interrupt_occurs_each_time_its_condition_becomes_true():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "conditional:ready", interrupting=False))
    for ready in (True, False, True):
        walk.set(ready=ready)
    assert walk.tasks_run() == ["DONE", "DONE"]
    assert [token.state for token in walk.tokens if token.node.id == "b"] == ["COMPLETED", "COMPLETED", "CREATED"]


def test_an_event_that_interrupts_who_has_thrown_a_signal_has_its_flows_decided():
    walk = Walk(
        "s -> t -> e; b -> x; b -> y",
        t=multi(cardinality="2", behavior="None", throws={"signal:g": ""}),
        b=conditional(boundary("t", "signal:g"), default="y", x="n > 1"),
    )
    walk.job("t").done()
    assert (walk.token("t").state, walk.token("b").state) == ("TERMINATED", "STARTED")
    walk.job("b").done(inclusive_gateway_decision=["x"])
    assert walk.instance.state == "COMPLETED"


def test_an_event_has_its_flows_decided_though_its_host_ends_when_it_happens():
    inside = sub("s2 -> t -> e2", e2=end("escalation:C"))
    walk = Walk(
        "s -> sp -> e; b -> x; b -> y",
        sp=inside,
        b=conditional(boundary("sp", "escalation:C", interrupting=False), default="y", x="n > 1"),
    )
    walk.job("t").done()
    walk.task("e2").run()
    assert walk.token("sp").state == "COMPLETED"
    walk.job("b").done(inclusive_gateway_decision=["x"])
    assert walk.instance.state == "COMPLETED"
    assert walk.token("x").state == "COMPLETED"
