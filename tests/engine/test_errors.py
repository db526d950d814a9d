"""Who catches an error or an escalation."""

import pytest

from app.engine.types import TaskType
from app.errors import EngineError, Refusal
from tests.flow import PARALLEL, SERVICE, USER, boundary, call, end, sub, throw
from tests.walk import Walk


def ends(walk):
    """The end events that were reached, in order."""
    return [t.node.id for t in walk.tokens if t.node.id.startswith("e") and t.state == "COMPLETED"]


@pytest.mark.parametrize(
    ("codes", "thrown", "reached"),
    [
        (("X", "Y"), "Y", "e2"),
        (("", "X"), "X", "e2"),
        (("", "X"), "Z", "e1"),
        (("", ""), "X", "e1"),
        (("X", ""), "Y", "e2"),
    ],
)
def test_an_equal_code_beats_an_event_for_every_code_and_the_first_beats_the_second(codes, thrown, reached):
    walk = Walk(
        "s -> t -> e; b1 -> e1; b2 -> e2",
        b1=boundary("t", f"error:{codes[0]}"),
        b2=boundary("t", f"error:{codes[1]}"),
    )
    walk.job("t").done(error_code=thrown)
    assert ends(walk) == [reached]
    assert walk.token("t").state == "TERMINATED"


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        (
            {"error_code": "Y"},
            "EXECUTION: failed to throw BPMN error: failed to find boundary event for error code Y",
        ),
        (
            {"escalation_code": "Y"},
            "EXECUTION: failed to escalate job: failed to find boundary event for escalation code Y",
        ),
        ({"error_code": "X", "escalation_code": "X"}, "expected error code or escalation code to be set"),
    ],
)
def test_what_nobody_catches_is_refused_with_a_sentence(completion, text):
    walk = Walk("s -> t -> e; b1 -> e1; b2 -> e1", b1=boundary("t", "error:X"), b2=boundary("t", "escalation:X"))
    with pytest.raises(EngineError) as error:
        walk.job("t").done(**completion)
    assert error.value.as_text() == text
    assert isinstance(error.value, Refusal) == text.startswith("expected")


def nested(inner_event="", outer_event="error:X"):
    """A task in a sub-process in a sub-process, with a boundary event at each."""
    inner = sub("s3 -> t -> e3")
    if inner_event:
        outer = sub("s2 -> in -> e2; bi -> ei", **{"in": inner}, bi=boundary("in", inner_event))
    else:
        outer = sub("s2 -> in -> e2", **{"in": inner})
    return Walk("s -> out -> e; bo -> eo", out=outer, bo=boundary("out", outer_event))


def test_an_error_is_looked_for_from_the_activity_outwards():
    walk = nested(inner_event="error:Z")
    walk.job("t").done(error_code="X")
    assert walk.instance.state == "COMPLETED"
    assert [walk.token(id).state for id in ("out", "bo", "in", "bi", "t")] == [
        "TERMINATED",
        "COMPLETED",
        "TERMINATED",
        "TERMINATED",
        "TERMINATED",
    ]
    assert ends(walk) == ["eo"]


def test_the_nearest_level_catches_even_where_a_farther_one_has_the_equal_code():
    walk = nested(inner_event="error:", outer_event="error:X")
    walk.job("t").done(error_code="X")
    assert walk.token("in").state == "TERMINATED"
    assert ends(walk) == ["ei", "e"]


def test_a_user_task_throws_like_a_job():
    walk = Walk("s -> u -> e; b -> eb", u=USER, b=boundary("u", "error:X"))
    walk.user_task("u").throws("X")
    assert walk.trace.endswith("3 u TERMINATED; 4 b COMPLETED; 5 eb COMPLETED")


def test_an_error_caught_at_the_sub_process_takes_only_the_flow_of_the_event():
    walk = Walk("s -> sp -> e; b -> eb", sp=sub("s2 -> t -> e2"), b=boundary("sp", "error:X"))
    walk.job("t").done(error_code="X")
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; 6 t TERMINATED ^3; "
        "7 eb COMPLETED"
    )


def test_an_error_end_event_completes_and_interrupts_the_scope_around_it():
    inner = sub("s2 -> f -> t, ee", f=PARALLEL, t=SERVICE, ee=end("error:X"))
    walk = Walk("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "error:X"))
    walk.task("ee").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; 6 f COMPLETED ^3; "
        "7 t TERMINATED ^3; 8 ee COMPLETED ^3; 9 eb COMPLETED"
    )


@pytest.mark.parametrize("event", ["error:X", "escalation:X"])
def test_an_end_event_that_nobody_catches_ends_like_any_other(event):
    walk = Walk("s -> sp -> e", sp=sub("s2 -> ee", ee=end(event)))
    walk.task("ee").run()
    assert walk.trace.endswith("5 ee COMPLETED ^3; 6 e COMPLETED")


def test_a_last_error_end_event_ends_its_sub_process_once():
    walk = Walk("s -> sp -> e; b -> eb", sp=sub("s2 -> ee", ee=end("error:X")), b=boundary("sp", "error:"))
    walk.task("ee").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; 6 ee COMPLETED ^3; "
        "7 eb COMPLETED"
    )


def escalated(kind, *, interrupting, code="C"):
    walk = Walk(
        "s -> sp -> e; b -> eb",
        sp=sub("s2 -> x", x=kind),
        b=boundary("sp", f"escalation:{code}", interrupting=interrupting),
    )
    walk.task("x").run()
    return walk


@pytest.mark.parametrize(
    ("kind", "interrupting", "reached"),
    [
        (throw("escalation:C"), False, ["eb", "e"]),
        (throw("escalation:C"), True, ["eb"]),
        (end("escalation:C"), False, ["eb", "e"]),
        (end("escalation:C"), True, ["eb"]),
    ],
)
def test_throw_and_end_events_reach_boundary_events_of_both_kinds(kind, interrupting, reached):
    walk = escalated(kind, interrupting=interrupting)
    assert ends(walk) == reached
    assert walk.token("x").state == "COMPLETED"
    assert walk.instance.state == "COMPLETED"


def test_a_throw_event_that_is_interrupted_does_not_go_on():
    walk = Walk(
        "s -> sp -> e; b -> eb", sp=sub("s2 -> x -> t", x=throw("escalation:C")), b=boundary("sp", "escalation:")
    )
    walk.task("x").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; 6 x COMPLETED ^3; "
        "7 eb COMPLETED"
    )


def test_a_sub_process_that_ends_with_an_escalation_leaves_no_event_behind():
    walk = escalated(throw("escalation:C"), interrupting=False)
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp COMPLETED; 4 b COMPLETED; 5 s2 COMPLETED ^3; 6 x COMPLETED ^3; "
        "7 b TERMINATED; 8 eb COMPLETED; 9 e COMPLETED"
    )


@pytest.mark.parametrize(
    ("kind", "codes", "caught_by"),
    [
        (throw("escalation:C"), ("C", "C"), "non-interrupting"),
        (throw("escalation:C"), ("", ""), "non-interrupting"),
        (throw("escalation:C"), ("C", ""), "interrupting"),
        (end("escalation:C"), ("C", "C"), "interrupting"),
        (end("escalation:C"), ("", ""), "interrupting"),
        (end("escalation:C"), ("", "C"), "non-interrupting"),
    ],
)
@pytest.mark.parametrize("order", [("bi", "bn"), ("bn", "bi")], ids=" before ".join)
def test_of_events_that_match_alike_a_throw_event_takes_what_goes_on_and_an_end_event_what_ends(
    kind, codes, caught_by, order
):
    events = {
        "bi": boundary("sp", f"escalation:{codes[0]}"),
        "bn": boundary("sp", f"escalation:{codes[1]}", interrupting=False),
    }
    walk = Walk(
        f"s -> sp -> e; {order[0]} -> e1; {order[1]} -> e2",
        sp=sub("s2 -> f -> x, t", f=PARALLEL, t=SERVICE, x=kind),
        **events,
    )
    walk.task("x").run()
    fired = {"interrupting": "bi", "non-interrupting": "bn"}[caught_by]
    assert [t.node.id for t in walk.tokens if t.node.id in events and t.state == "COMPLETED"] == [fired]
    assert (walk.waiting_at == ["t"]) == (fired == "bn")


@pytest.mark.parametrize("event", ["error", "escalation"])
def test_an_empty_code_is_caught_by_the_first_event_for_every_code(event):
    walk = Walk(
        "s -> sp -> e; b1 -> e1; b2 -> e2",
        sp=sub("s2 -> x", x=end(f"{event}:")),
        b1=boundary("sp", f"{event}:"),
        b2=boundary("sp", f"{event}:"),
    )
    walk.task("x").run()
    assert ends(walk) == ["e1"]


def test_a_job_that_escalates_without_interruption_is_followed_by_another_one():
    walk = Walk("s -> t -> e; b -> eb", b=boundary("t", "escalation:C", interrupting=False))
    walk.job("t").done(escalation_code="C")
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b CREATED; 6 eb COMPLETED"
    (again,) = walk.jobs()
    assert (again.type, again.retry_count, (again.due_at - walk.now).total_seconds()) == ("EXECUTE", 0, 60)


def test_a_job_in_a_sub_process_escalates_to_an_event_at_the_sub_process():
    walk = Walk("s -> sp -> e; b -> eb", sp=sub("s2 -> t -> e2"), b=boundary("sp", "escalation:C", interrupting=False))
    walk.job("t").done(escalation_code="C")
    assert ends(walk) == ["eb"]
    walk.job("t").done()
    assert ends(walk) == ["eb", "e2", "e"]


def test_a_user_task_that_escalates_without_interruption_stays_open():
    walk = Walk("s -> u -> e; b -> eb", u=USER, b=boundary("u", "escalation:", interrupting=False))
    walk.user_task("u").escalates("anything")
    assert walk.waiting_at == ["u"]
    walk.user_task("u").done()
    assert walk.instance.state == "COMPLETED"


def calling(event, **options):
    """A walk at a call activity with a boundary event, and the walk of what it has called."""
    walk = Walk("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", event, **options))
    return walk, walk.job("ca").calls("s -> t -> ee", ee=end("error:X"))


def test_a_called_instance_that_ends_hands_back_with_a_job():
    walk = Walk("s -> ca -> e", ca=call("ch"))
    called = walk.job("ca").calls("s -> t -> e")
    assert (called.instance.parent, called.token("p").parent) == (walk.instance, walk.token("ca"))
    called.job("t").done()
    assert called.instance.state == "COMPLETED"
    (job,) = walk.jobs()
    assert (job.type, job.bpmn_element_id) == ("PASS_VARIABLES", "ca")
    walk.job("ca").done()
    assert walk.instance.state == "COMPLETED"


def test_a_called_instance_without_a_wait_state_ends_while_it_is_called():
    walk = Walk("s -> ca -> e", ca=call("ch"))
    called = walk.job("ca").calls("s -> e")
    assert called.instance.state == "COMPLETED"
    assert [job.type for job in walk.jobs()] == ["PASS_VARIABLES"]


def test_an_error_is_handed_to_the_caller_and_ends_the_called_instance():
    walk, called = calling("error:X")
    called.job("t").done(error_code="X")
    assert called.instance.state == "TERMINATED"
    assert called.token("t").state == "TERMINATED"
    (task,) = walk.tasks()
    assert (task.type, task.serialized_task) == (TaskType.TRIGGER_EVENT, '{"ErrorCode":"X"}')
    walk.tasks_run()
    assert walk.trace.count("TERMINATED") == 1
    assert ends(walk) == ["eb"]


def test_an_error_end_event_handed_to_the_caller_has_an_end():
    walk, called = calling("error:")
    called.job("t").done()
    called.task("ee").run()
    token = called.token("ee")
    assert (token.state, token.ended_at) == ("COMPLETED", called.now)
    assert called.instance.state == "TERMINATED"
    assert len(walk.tasks()) == 1


def test_an_escalation_that_does_not_interrupt_leaves_the_called_instance_running():
    walk, called = calling("escalation:C", interrupting=False)
    called.job("t").done(escalation_code="C")
    assert called.waiting_at == ["t"]
    walk.tasks_run()
    assert ends(walk) == ["eb"]
    assert walk.waiting_at == ["ca"]


def test_each_escalation_of_a_called_instance_reaches_an_event_that_does_not_interrupt():
    """The second one comes before the task of the first has run."""
    walk, called = calling("escalation:C", interrupting=False)
    called.job("t").done(escalation_code="C")
    called.job("t").done(escalation_code="C")
    assert walk.tasks_run() == ["DONE", "DONE"]
    assert ends(walk) == ["eb", "eb"]
    assert walk.waiting_at == ["ca"]


@pytest.mark.parametrize("kind", [throw("escalation:C"), end("escalation:C")])
def test_an_escalation_event_of_a_called_instance_may_interrupt_the_caller(kind):
    walk = Walk("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", "escalation:C"))
    called = walk.job("ca").calls("s -> x", x=kind)
    called.task("x").run()
    assert called.instance.state == "TERMINATED"
    assert called.token("x").state == "COMPLETED"
    walk.tasks_run()
    assert ends(walk) == ["eb"]


def test_the_lookup_stops_at_the_call_activity():
    walk = Walk("s -> sp -> e; b -> eb", sp=sub("s2 -> ca -> e2", ca=call("ch")), b=boundary("sp", "error:X"))
    called = walk.job("ca").calls("s -> t -> e")
    with pytest.raises(EngineError):
        called.job("t").done(error_code="X")


def test_interrupting_a_call_activity_terminates_what_it_called():
    walk = Walk("s -> ca -> e; b -> eb", ca=call("ch"), b=boundary("ca", "timer:PT1H"))
    called = walk.job("ca").calls("s -> ca -> e", ca=call("gc"))
    grandchild = called.job("ca").calls("s -> t -> e")
    walk.task("b").run()
    assert walk.instance.state == "COMPLETED"
    called.tasks_run()
    assert called.instance.state == "TERMINATED"
    grandchild.tasks_run()
    assert grandchild.instance.state == "TERMINATED"
    assert grandchild.instance.root_id == walk.instance.id


def test_a_suspended_caller_calls_a_suspended_instance():
    walk = Walk("s -> ca -> e", ca=call("ch"))
    walk.suspend()
    called = walk.job("ca").calls("s -> t -> e")
    assert [token.state for token in called.tokens] == ["SUSPENDED", "SUSPENDED"]
    assert called.instance.started_at == called.token("p").started_at == called.now
    called.resume()
    assert called.waiting_at == ["t"]


def test_a_queued_called_instance_waits_in_the_queue():
    walk = Walk("s -> ca -> e", ca=call("ch"))
    called = walk.job("ca").calls("s -> t -> e", queued=True)
    assert [token.state for token in called.tokens] == ["QUEUED", "QUEUED"]
    assert called.instance.started_at is None
    called.dequeue()
    called.job("t").done()
    assert [job.type for job in walk.jobs()] == ["PASS_VARIABLES"]
