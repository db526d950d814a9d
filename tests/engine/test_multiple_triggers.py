"""Events with several definitions that wait for one of them, or for all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.changes import Changes
from app.engine.records import Message
from app.engine.types import InstanceState, WorkState
from app.errors import Refusal
from app.timer import Timer
from tests.flow import (
    EVENT_BASED,
    SERVICE,
    Kind,
    boundary,
    call,
    catch,
    conditional,
    end,
    event_sub,
    multi,
    several,
    sub,
    throw,
    transaction,
)
from tests.walk import NOW, Facts, Walk

CATCH, BOUNDARY, START = "intermediateCatchEvent", "boundaryEvent", "startEvent"
HOUR = Timer(time_duration="PT1H")


def message(name: str = "m", key: str = "k") -> Message:
    return Message(id=7, name=name, correlation_key=key, created_at=NOW, created_by="sender", expires_at=NOW)


def waited_for(walk: Walk) -> list[str]:
    """Subscriptions and open tasks that are not detached, each with its part."""
    found = [f"{each.name}@{each.bpmn_element_id}.{each.part}" for each in walk.records.subscriptions]
    tasks = [task for task in walk.tasks() if not task.detached]
    return found + [f"task@{task.bpmn_element_id}.{json.loads(task.serialized_task)['Part']}" for task in tasks]


def reached(walk: Walk, id: str) -> int:
    return sum(token.node.id == id for token in walk.tokens)


def caught(*events: str, **how) -> Walk:
    return Walk("s -> c -> e", c=several(CATCH, *events, **how))


def at_host(*events: str, **how) -> Walk:
    return Walk("s -> t -> e; b -> x -> ex", b=several(BOUNDARY, *events, host="t", **how))


def in_scope(*events: str, **how) -> Walk:
    handler = event_sub("hs -> h -> he", hs=several(START, *events, **how))
    return Walk("s -> t -> e; handler", handler=handler)


EVENTS = {
    "signal": "signal:A",
    "timer": "timer:PT1H",
    "message": "message:m",
    "conditional": "conditional:x",
    "error": "error:X",
    "escalation": "escalation:E",
}


def occurs(walk: Walk, id: str, kind: str) -> None:
    if kind in ("signal", "message"):
        walk.happens(id, name=EVENTS[kind].partition(":")[2])
    elif kind == "timer":
        walk.task(id).run()
    elif kind == "conditional":
        walk.set(x=True)
        look(walk)
        walk.task(id).run()
    else:
        walk.job("t").done(**{f"{kind}_code": EVENTS[kind].partition(":")[2]})


def placed(position: str, event: Kind) -> Walk:
    """What follows the event is w."""
    if position == "flow":
        return Walk("s -> b -> w -> e", b=event, given={"x": False})
    if position == "gateway":
        return Walk(
            "s -> g -> b, d; b -> w -> e; d -> e", g=EVENT_BASED, b=event, d=catch("signal:D"), given={"x": False}
        )
    if position == "boundary":
        return Walk("s -> t -> e; b -> w -> e", b=event, given={"x": False})
    return Walk("s -> t -> e; handler", handler=event_sub("b -> w -> he", b=event), given={"x": False})


CATCHING = [
    (position, kind, interrupting, parallel)
    for position in ("flow", "gateway", "boundary", "handler")
    for kind in EVENTS
    for interrupting in (True, False)
    if position in ("boundary", "handler") or (interrupting and kind not in ("error", "escalation"))
    if interrupting or kind != "error"
    for parallel in (False, True)
    if not (parallel and (position == "gateway" or kind == "error"))
]


@pytest.mark.parametrize(("position", "kind", "interrupting", "parallel"), CATCHING)
def test_each_kind_of_part_happens_in_each_position(position: str, kind: str, interrupting: bool, parallel: bool):
    tag = {"boundary": BOUNDARY, "handler": START}.get(position, CATCH)
    host = "t" if position == "boundary" else ""
    event = several(tag, "signal:Z", EVENTS[kind], host=host, interrupting=interrupting, parallel=parallel)
    walk = placed(position, event)
    if kind == "message":
        walk.job("b").done(message_correlation_key="k")
    occurs(walk, "b", kind)
    assert reached(walk, "w") == (not parallel)
    if parallel:
        walk.happens("b", name="Z")
        assert reached(walk, "w") == 1
    if interrupting:
        assert (walk.waiting_at, waited_for(walk)) == (["w"], [])
    else:
        assert "Z@b.0" in waited_for(walk)


def test_each_part_waits_for_itself_and_the_first_one_that_happens_is_enough():
    walk = caught("signal:A", "timer:PT1H", "signal:B")
    assert waited_for(walk) == ["A@c.0", "B@c.2", "task@c.1"]
    assert walk.token("c").state == "STARTED"
    walk.happens("c", name="B")
    assert (walk.instance.state, waited_for(walk)) == ("COMPLETED", [])
    assert walk.tasks_run() == ["CANCELED"]


def test_a_timer_ends_what_waits_for_signals():
    walk = caught("signal:A", "timer:PT1H")
    assert walk.task("c").run() is WorkState.DONE
    assert (walk.instance.state, waited_for(walk)) == ("COMPLETED", [])


def test_one_of_several_that_is_a_condition():
    walk = Walk("s -> t -> c -> e", c=several(CATCH, "signal:A", "conditional:x"), given={"x": False})
    walk.job("t").done()
    assert waited_for(walk) == ["A@c.0"]
    walk.set(x=True)
    look(walk)
    assert waited_for(walk) == ["A@c.0", "task@c.1"]
    look(walk)
    walk.tasks_run()
    assert walk.instance.state == "COMPLETED"


def look(walk: Walk) -> None:
    """The walk looks at conditions after variables have been set."""
    changes = Changes()
    changes.values = {(instance, token, name): v for (instance, token, name), v in walk.records.variables.items()}
    walk.run(changes).drain()
    walk.records.take(changes)


def test_a_condition_that_is_true_when_it_is_armed_has_happened():
    walk = Walk("s -> c -> e", c=several(CATCH, "signal:A", "conditional:x"), given={"x": True})
    assert walk.tasks_run() == ["DONE"]
    assert walk.instance.state == "COMPLETED"


@pytest.mark.parametrize("name", ["A", "B"])
def test_behind_an_event_based_gateway_it_is_one_of_the_events(name):
    walk = Walk(
        "s -> g -> c, d; c -> x; d -> y", g=EVENT_BASED, c=several(CATCH, "signal:A", "signal:B"), d=catch("signal:D")
    )
    assert walk.token("g").state == "STARTED"
    walk.happens("c", name=name)
    assert (walk.waiting_at, walk.records.subscriptions) == ([], [])
    assert (reached(walk, "x"), reached(walk, "y"), walk.token("d").state) == (1, 0, "TERMINATED")


def test_behind_an_event_based_gateway_a_condition_is_looked_at_once_it_is_armed():
    c = several(CATCH, "message:m", "conditional:x")
    walk = Walk("s -> g -> c, d; c -> x; d -> y", g=EVENT_BASED, c=c, d=catch("signal:D"), given={"x": True})
    look(walk)
    assert walk.tasks() == []
    walk.job("c").done(message_correlation_key="k")
    walk.tasks_run()
    assert (reached(walk, "x"), walk.instance.state, waited_for(walk)) == (1, "COMPLETED", [])


def test_an_event_beside_it_at_the_gateway_ends_all_of_its_parts():
    walk = Walk(
        "s -> g -> c, d; c -> x; d -> y",
        g=EVENT_BASED,
        c=several(CATCH, "signal:A", "timer:PT1H"),
        d=catch("signal:D"),
    )
    walk.happens("d")
    assert (reached(walk, "x"), reached(walk, "y"), waited_for(walk)) == (0, 1, [])


@pytest.mark.parametrize("make", [at_host, in_scope])
def test_one_that_interrupts_ends_its_host(make):
    walk = make("signal:A", "timer:PT1H", "escalation:E")
    walk.task("b" if make is at_host else "hs").run()
    assert walk.waiting_at == ["x" if make is at_host else "h"]
    assert waited_for(walk) == []


@pytest.mark.parametrize("make", [at_host, in_scope])
def test_one_that_does_not_interrupt_goes_on_waiting_for_all_of_its_parts(make):
    id, follows = ("b", "x") if make is at_host else ("hs", "h")
    walk = make("signal:A", "signal:B", "timer:R/PT1H", interrupting=False)
    for name in ("A", "B", "A"):
        walk.happens(id, name=name)
    walk.task(id).run()
    walk.happens(id, name="B")
    assert reached(walk, follows) == 5
    assert waited_for(walk) == [f"A@{id}.0", f"B@{id}.1", f"task@{id}.2"]


def test_a_part_that_happens_once_leaves_the_others():
    walk = at_host("timer:PT1H", "signal:A", interrupting=False)
    walk.task("b").run()
    assert waited_for(walk) == ["A@b.1"]
    walk.happens("b")
    assert reached(walk, "x") == 2


def test_when_no_part_can_happen_again_nothing_waits_any_more():
    walk = at_host("timer:PT1H", "timer:PT2H", interrupting=False)
    walk.task("b").run()
    assert walk.token("b").state == "CREATED"
    walk.task("b").run()
    assert walk.token("b").state == "COMPLETED"
    walk.job("t").done()
    assert (reached(walk, "x"), walk.token("t").state) == (2, "COMPLETED")


@pytest.mark.parametrize(
    ("events", "code", "id"),
    [
        (("error:X", "signal:A"), "X", "b"),
        (("error:", "signal:A"), "X", "b"),
        (("signal:A", "error:Y", "error:X"), "X", "b"),
    ],
)
def test_an_error_is_caught_by_a_part(events, code, id):
    walk = Walk("s -> t -> e; b -> x; o -> y", b=several(BOUNDARY, *events, host="t"), o=boundary("t", "error:Z"))
    walk.job("t").done(error_code=code)
    assert (reached(walk, "x"), reached(walk, "y"), waited_for(walk)) == (1, 0, [])


def test_a_code_comes_before_what_catches_every_one():
    walk = Walk(
        "s -> t -> e; b -> x; o -> y", b=several(BOUNDARY, "error:", "signal:A", host="t"), o=boundary("t", "error:X")
    )
    walk.job("t").done(error_code="X")
    assert (reached(walk, "x"), reached(walk, "y")) == (0, 1)


def test_an_error_that_no_part_catches_climbs_on():
    walk = Walk(
        "s -> sp -> e; o -> y",
        sp=sub("is -> t -> ie; b -> x", b=several(BOUNDARY, "error:Y", "signal:A", host="t")),
        o=boundary("sp", "error:X"),
    )
    walk.job("t").done(error_code="X")
    assert (reached(walk, "x"), reached(walk, "y"), waited_for(walk)) == (0, 1, [])


def test_an_escalation_is_caught_any_number_of_times():
    walk = Walk(
        "s -> sp -> e; b -> x",
        sp=sub("is -> k, l -> ie", k=throw("escalation:E"), l=throw("escalation:F")),
        b=several(BOUNDARY, "escalation:E", "escalation:F", host="sp", interrupting=False),
    )
    assert walk.tasks_run() == ["DONE", "DONE"]
    assert reached(walk, "x") == 2


def test_what_a_called_process_throws_is_caught_by_a_part_of_what_is_attached_to_the_call():
    walk = Walk("s -> t -> e; b -> x -> ex", t=call("q"), b=several(BOUNDARY, "signal:A", "error:X", host="t"))
    called = walk.job("t").calls("qs -> qe", qe=end("error:X"))
    called.task("qe").run()
    (task,) = walk.tasks()
    assert json.loads(task.serialized_task) == {"ErrorCode": "X", "Part": 1}
    walk.task("b").run()
    assert (walk.waiting_at, called.instance.state, waited_for(walk)) == (["x"], "TERMINATED", [])


def test_an_event_sub_process_knows_what_it_handles():
    walk = in_scope("signal:A", "error:X")
    walk.job("t").done(error_code="X", error_message="no")
    handler = walk.token("handler")
    known = {name: v.value for (_, token, name), v in walk.records.variables.items() if token is handler and v}
    assert known == {"errorCode": "X", "errorMessage": "no"}
    assert walk.waiting_at == ["h"]


def test_at_a_multi_instance_it_waits_once_for_all_instances():
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        t=multi(cardinality="2"),
        b=several(BOUNDARY, "signal:A", "signal:B", host="t"),
    )
    assert (walk.waiting_at, waited_for(walk)) == (["t", "t"], ["A@b.0", "B@b.1"])
    walk.happens("b", name="B")
    assert (walk.waiting_at, waited_for(walk)) == (["x"], [])


@pytest.mark.parametrize("kind", ["multiple", "parallel"])
def test_it_ends_with_its_host(kind):
    walk = at_host("signal:A", "timer:PT1H", parallel=kind == "parallel")
    walk.job("t").done()
    assert (walk.instance.state, waited_for(walk)) == ("COMPLETED", [])


@pytest.mark.parametrize("kind", ["multiple", "parallel"])
def test_it_is_cancelled(kind):
    walk = caught("signal:A", "timer:PT1H", parallel=kind == "parallel")
    walk.end(InstanceState.CANCELED)
    assert waited_for(walk) == []


def test_in_a_suspended_instance_what_follows_waits():
    walk = Walk("s -> c -> w -> e", c=several(CATCH, "signal:A", "signal:B"))
    walk.suspend()
    walk.happens("c", name="B")
    assert str(walk.token("w").state) == "SUSPENDED"
    walk.resume()
    assert walk.waiting_at == ["w"]


def test_it_is_armed_when_a_suspended_instance_is_resumed():
    walk = Walk("s -> t -> c -> e", c=several(CATCH, "signal:A", "signal:B", parallel=True))
    walk.suspend()
    walk.job("t").done()
    assert waited_for(walk) == []
    walk.resume()
    assert waited_for(walk) == ["A@c.0", "B@c.1"]


@pytest.mark.parametrize("how", [{}, {"parallel": True}])
def test_while_it_waits_for_the_decision_where_it_goes_on_nothing_else_happens(how):
    event = conditional(several(CATCH, "conditional:x", "signal:A", "timer:PT1H", **how), x="true", y="false")
    walk = Walk("s -> c -> x, y", c=event, given={"x": True})
    walk.tasks_run()
    if how:
        walk.happens("c")
    walk.set(x=False)
    look(walk)
    walk.set(x=True)
    look(walk)
    assert [job.type for job in walk.jobs()] == ["EVALUATE_OUTGOING_FLOWS"]
    assert waited_for(walk) == []
    walk.job("c").done(inclusive_gateway_decision=("x",))
    assert (walk.instance.state, reached(walk, "x"), reached(walk, "y")) == ("COMPLETED", 1, 0)


def test_all_parts_must_happen_and_each_counts_once():
    walk = caught("signal:A", "signal:B", parallel=True)
    walk.happens("c", name="A")
    assert (walk.token("c").context, waited_for(walk)) == ("parts:1", ["B@c.1"])
    walk.happens("c", name="B")
    assert (walk.instance.state, waited_for(walk)) == ("COMPLETED", [])


@pytest.mark.parametrize("make", [at_host, in_scope])
def test_only_the_last_part_interrupts(make):
    id, follows = ("b", "x") if make is at_host else ("hs", "h")
    walk = make("signal:A", "timer:PT1H", parallel=True)
    walk.task(id).run()
    assert walk.waiting_at == ["t"]
    walk.happens(id)
    assert walk.waiting_at == [follows]


@pytest.mark.parametrize("make", [at_host, in_scope])
def test_when_all_have_happened_they_are_waited_for_anew(make):
    id, follows = ("b", "x") if make is at_host else ("hs", "h")
    walk = make("signal:A", "timer:PT1H", interrupting=False, parallel=True)
    for round in (1, 2, 3):
        assert waited_for(walk) == [f"A@{id}.0", f"task@{id}.1"]
        walk.task(id).run()
        walk.happens(id)
        assert reached(walk, follows) == round
    assert "t" in walk.waiting_at


@given(st.lists(st.sampled_from("ABC"), max_size=12))
def test_what_has_happened_is_not_waited_for_until_the_others_have(names: list[str]):
    walk = at_host("signal:A", "signal:B", "signal:C", interrupting=False, parallel=True)
    happened: set[str] = set()
    times = 0
    for name in names:
        assert {each.name for each in walk.records.subscriptions} == set("ABC") - happened
        if name not in happened:
            walk.happens("b", name=name)
            happened.add(name)
        if len(happened) == 3:
            times += 1
            happened.clear()
        assert reached(walk, "x") == times


def test_a_date_comes_once_so_nothing_is_waited_for_anew():
    walk = at_host("timer:2026-11-23T13:00:00Z", "signal:A", interrupting=False, parallel=True)
    walk.happens("b")
    walk.task("b").run()
    assert (reached(walk, "x"), reached(walk, "b"), waited_for(walk)) == (1, 1, [])


def test_a_condition_that_was_true_has_happened_whatever_it_is_later():
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        b=several(BOUNDARY, "conditional:x", "signal:A", host="t", interrupting=False, parallel=True),
        given={"x": True},
    )
    assert walk.tasks_run() == ["DONE"]
    walk.set(x=False)
    look(walk)
    walk.happens("b")
    assert reached(walk, "x") == 1
    assert walk.token("b").context == "parts:0"
    walk.set(x=True)
    look(walk)
    assert walk.token("b").context == 'parts:1 {"true":1}'


def test_a_condition_that_stays_true_must_have_been_false_before_it_counts_again():
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        b=several(BOUNDARY, "conditional:x", "signal:A", host="t", interrupting=False, parallel=True),
        given={"x": True},
    )
    walk.tasks_run()
    walk.happens("b")
    assert walk.token("b").context == 'parts:0 {"true":1}'
    walk.happens("b")
    assert reached(walk, "x") == 1


def test_the_last_part_may_be_a_condition():
    walk = Walk("s -> c -> e", c=several(CATCH, "conditional:x", "signal:A", parallel=True), given={"x": False})
    walk.happens("c")
    walk.set(x=True)
    look(walk)
    walk.tasks_run()
    assert walk.instance.state == "COMPLETED"


def test_an_escalation_does_not_interrupt_before_all_have_happened():
    walk = Walk(
        "s -> sp -> e; b -> x -> ex",
        sp=sub("is -> k -> w -> ie", k=throw("escalation:E")),
        b=several(BOUNDARY, "escalation:E", "signal:A", host="sp", parallel=True),
    )
    walk.task("k").run()
    assert walk.waiting_at == ["w"]
    walk.happens("b")
    assert walk.waiting_at == ["x"]


def test_an_escalation_interrupts_where_it_is_the_last():
    walk = Walk(
        "s -> sp -> e; b -> x -> ex",
        sp=sub("is -> k -> w -> ie", k=throw("escalation:E")),
        b=several(BOUNDARY, "escalation:E", "signal:A", host="sp", parallel=True),
    )
    walk.happens("b")
    walk.task("k").run()
    assert (walk.waiting_at, reached(walk, "w")) == (["x"], 0)


def test_an_event_sub_process_knows_what_was_caught_before_the_last_part():
    handler = event_sub("hs -> h -> he", hs=several(START, "escalation:E", "signal:A", parallel=True))
    walk = Walk("s -> k -> w -> e; handler", k=throw("escalation:E"), handler=handler)
    walk.task("k").run()
    walk.happens("hs")
    token = walk.token("handler")
    known = {name: v.value for (_, at, name), v in walk.records.variables.items() if at is token and v}
    assert known == {"escalationCode": "E"}


def test_a_called_process_goes_on_as_long_as_not_all_have_happened():
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        t=call("q"),
        b=several(BOUNDARY, "escalation:E", "signal:A", host="t", parallel=True),
    )
    called = walk.job("t").calls("qs -> k -> qw -> qe", k=throw("escalation:E"))
    called.task("k").run()
    walk.task("b").run()
    assert (called.waiting_at, walk.token("b").context) == (["qw"], 'parts:1 {"raised":{"escalationCode":"E"}}')
    walk.happens("b")
    assert (walk.waiting_at, called.tasks_run()) == (["x"], ["DONE"])
    assert called.instance.state == "TERMINATED"


@pytest.mark.parametrize(
    ("event", "job", "completion", "part"),
    [
        ("message:m", "SET_MESSAGE_CORRELATION_KEY", {"message_correlation_key": "k"}, "m@c.1"),
        ("timer", "SET_TIMER", {"timer": HOUR}, "task@c.1"),
    ],
)
def test_all_parts_are_armed_once_a_worker_has_defined_one(event, job, completion, part):
    walk = caught("signal:A", event)
    assert (str(walk.token("c").state), waited_for(walk)) == ("CREATED", [])
    assert [each.type for each in walk.jobs()] == [job]
    walk.job("c").done(**completion)
    assert (str(walk.token("c").state), waited_for(walk)) == ("STARTED", ["A@c.0", part])


def test_a_host_waits_for_the_job_of_one_part():
    walk = at_host("signal:A", "message:m")
    assert (str(walk.token("t").state), waited_for(walk)) == ("CREATED", [])
    walk.job("b").done(message_correlation_key="k")
    assert (str(walk.token("t").state), waited_for(walk)) == ("STARTED", ["A@b.0", "m@b.1"])


def test_a_completion_without_what_the_part_needs_is_refused():
    walk = caught("signal:A", "message:m")
    with pytest.raises(Refusal, match="expected a message correlation key"):
        walk.job("c").done()


def test_a_buffered_message_is_taken_when_it_is_armed_and_the_others_are_not_waited_for():
    walk = caught("message:m", "signal:A")
    walk.job("c").done(Facts(buffered=message()), message_correlation_key="k")
    assert waited_for(walk) == ["task@c.0"]
    assert walk.task("c").run() is WorkState.DONE
    assert walk.instance.state == "COMPLETED"


def test_a_buffered_message_is_one_part_of_all():
    walk = caught("message:m", "signal:A", parallel=True)
    walk.job("c").done(Facts(buffered=message()), message_correlation_key="k")
    assert waited_for(walk) == ["A@c.1", "task@c.0"]
    walk.task("c").run()
    assert walk.token("c").context.startswith("parts:1")
    walk.happens("c")
    assert walk.instance.state == "COMPLETED"


def test_the_host_does_not_start_where_a_buffered_message_is_about_to_interrupt_it():
    walk = at_host("message:m", "signal:A")
    walk.job("b").done(Facts(buffered=message()), message_correlation_key="k")
    assert str(walk.token("t").state) == "CREATED"
    walk.task("b").run()
    assert walk.waiting_at == ["x"]


def test_the_host_starts_where_a_buffered_message_is_not_all():
    walk = at_host("message:m", "signal:A", parallel=True)
    walk.job("b").done(Facts(buffered=message()), message_correlation_key="k")
    assert str(walk.token("t").state) == "STARTED"


def test_a_message_goes_on_being_waited_for_and_what_is_buffered_meanwhile_is_taken():
    walk = at_host("message:m", "signal:A", interrupting=False)
    walk.job("b").done(message_correlation_key="k")
    walk.happens("b", Facts(buffered=message()), name="m")
    assert waited_for(walk) == ["m@b.0", "A@b.1", "task@b.0"]
    walk.task("b").run()
    walk.happens("b", name="A")
    assert reached(walk, "x") == 3


def test_all_are_waited_for_anew_with_the_key_that_a_worker_has_given():
    walk = at_host("message:m", "signal:A", interrupting=False, parallel=True)
    walk.job("b").done(message_correlation_key="key")
    for round in (1, 2):
        assert [each.correlation_key for each in walk.records.subscriptions if each.name == "m"] == ["key"]
        walk.happens("b", Facts(correlation_key="key"), name="m")
        assert waited_for(walk) == ["A@b.1"]
        walk.happens("b")
        assert reached(walk, "x") == round
    assert walk.jobs()[0].bpmn_element_id == "t"


def test_all_are_waited_for_anew_with_the_timer_that_a_worker_has_given():
    walk = at_host("timer", "signal:A", interrupting=False, parallel=True)
    walk.job("b").done(timer=Timer(time_cycle="0 * * * *"))
    for _ in range(2):
        assert json.loads(walk.tasks()[0].serialized_task)["Timer"]["timeCycle"] == "0 * * * *"
        walk.task("b").run()
        walk.happens("b")
    assert reached(walk, "x") == 2


def test_no_message_is_taken_by_an_event_whose_flow_has_ended_its_host():
    walk = Walk(
        "s -> sp -> e",
        sp=sub(
            "is -> t -> ie; b -> stop",
            b=several(BOUNDARY, "message:m", "signal:A", host="t", interrupting=False, parallel=True),
            stop=end("terminate"),
        ),
    )
    walk.job("b").done(message_correlation_key="k")
    walk.happens("b", name="m")
    walk.happens("b", Facts(buffered=message()))
    assert (walk.instance.state, waited_for(walk)) == ("COMPLETED", [])
    assert [task.completed_at for task in walk.records.tasks].count(None) == 0


def evaluated(**how) -> Walk:
    events = ("message:${name}", "signal:${other}", "timer:R/${pause}")
    given = {"name": "n", "other": "o", "pause": "PT1H", "id": "1"}
    return Walk("s -> c -> e", c=several(CATCH, *events[:2], key="= id", **how), evaluates=True, given=given)


def test_names_and_keys_are_evaluated():
    walk = evaluated()
    (m, g) = walk.records.subscriptions
    assert (m.name, m.correlation_key, m.part, g.name, g.part) == ("n", "1", 0, "o", 1)
    walk.happens("c", name="o")
    assert walk.instance.state == "COMPLETED"


def test_what_can_not_be_evaluated_waits_for_an_operator_and_nothing_is_armed():
    walk = Walk("s -> c -> e", c=several(CATCH, "signal:A", "signal:${other}"), evaluates=True)
    assert (str(walk.token("c").state), waited_for(walk)) == ("CREATED", [])
    (incident,) = walk.records.incidents
    assert json.loads(incident.task.serialized_task) == {"Expression": "signalName", "Part": 1}
    walk.set(other="o")
    assert walk.resolved().run() is WorkState.DONE
    assert (str(walk.token("c").state), waited_for(walk)) == ("STARTED", ["A@c.0", "o@c.1"])


def test_another_part_that_can_not_be_evaluated_has_an_incident_of_its_own():
    walk = Walk("s -> c -> e", c=several(CATCH, "signal:${one}", "signal:${other}"), evaluates=True)
    walk.set(one="1")
    assert walk.resolved().run() is WorkState.DONE
    found = [json.loads(each.task.serialized_task)["Part"] for each in walk.records.incidents]
    assert found == [0, 1]


def test_a_host_waits_until_all_parts_are_evaluated():
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        b=several(BOUNDARY, "signal:A", "signal:${other}", host="t", interrupting=False, parallel=True),
        evaluates=True,
    )
    assert str(walk.token("t").state) == "CREATED"
    walk.set(other="o")
    walk.resolved().run()
    assert (str(walk.token("t").state), waited_for(walk)) == ("STARTED", ["A@b.0", "o@b.1"])
    walk.set(other="changed")
    walk.happens("b", name="A")
    walk.happens("b", name="o")
    assert waited_for(walk) == ["A@b.0", "o@b.1"]


def test_what_a_worker_says_of_one_part_goes_with_what_is_evaluated_of_others():
    c = several(CATCH, "message:m", "signal:${other}", parallel=True)
    walk = Walk("s -> c -> e", c=c, evaluates=True, given={"other": "o"})
    assert (waited_for(walk), [job.type for job in walk.jobs()]) == ([], ["SET_MESSAGE_CORRELATION_KEY"])
    walk.job("c").done(message_correlation_key="k")
    assert waited_for(walk) == ["m@c.0", "o@c.1"]
    walk.happens("c", name="o")
    walk.happens("c", name="m")
    assert walk.instance.state == "COMPLETED"


def test_a_name_that_can_not_be_evaluated_when_a_worker_has_given_the_key_fails_the_job():
    walk = Walk("s -> c -> e", c=several(CATCH, "message:m", "signal:${other}"), evaluates=True)
    with pytest.raises(Refusal, match="other"):
        walk.job("c").done(message_correlation_key="k")


@pytest.mark.parametrize("how", [{}, {"parallel": True}])
def test_a_timer_is_evaluated_once(how):
    walk = Walk(
        "s -> t -> e; b -> x -> ex",
        b=several(BOUNDARY, "timer:R/${pause}", "signal:A", host="t", interrupting=False, **how),
        evaluates=True,
        given={"pause": "PT1H"},
    )
    walk.set(pause="no timer")
    for _ in range(2):
        (task,) = walk.tasks()
        assert json.loads(task.serialized_task)["Timer"] == {"timeCycle": "R/PT1H", "timeDuration": None}
        walk.task("b").run()
        walk.happens("b")
    assert reached(walk, "x") == (2 if how else 4)


def test_a_timer_that_can_not_be_evaluated_names_its_part():
    walk = Walk("s -> c -> e", c=several(CATCH, "signal:A", "timer:R/${pause}"), evaluates=True, given={"pause": "x"})
    (incident,) = walk.records.incidents
    assert json.loads(incident.task.serialized_task) == {"Expression": "timer", "Part": 1}


def test_what_cancels_a_transaction_leaves_what_may_catch_an_error():
    walk = Walk(
        "s -> tx -> e; b -> x; c -> y; d -> z",
        tx=transaction("is -> t -> ie", t=SERVICE, ie=end("cancel")),
        b=several(BOUNDARY, "error:X", "signal:A", host="tx"),
        c=boundary("tx", "cancel"),
        d=several(BOUNDARY, "signal:B", "signal:C", host="tx"),
    )
    walk.job("t").done()
    assert (reached(walk, "x"), reached(walk, "y"), reached(walk, "z"), waited_for(walk)) == (0, 1, 0, [])
    assert (walk.token("b").state, walk.token("d").state) == ("TERMINATED", "TERMINATED")


@pytest.mark.parametrize("events", [("message:m", "signal:A"), ("timer:R/PT1H", "message:m", "message:n")])
def test_what_starts_a_process_is_complete_at_once(events):
    walk = Walk("s -> t -> e", s=several(START, *events), start="s")
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED"
