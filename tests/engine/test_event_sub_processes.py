"""Event sub-processes where several things come together at once."""

from app.engine.types import InstanceState
from tests.flow import SERVICE, TASK, boundary, end, event_sub, multi, start, sub, throw
from tests.walk import Walk

ONE = event_sub("m -> u", m=start("signal:g"), u=SERVICE)
EACH = event_sub("m -> u", m=start("signal:g", interrupting=False), u=SERVICE)


def test_one_that_has_a_start_event_only_is_over_at_once():
    walk = Walk("s -> t -> e; x", x=event_sub("m", m=start("signal:g")))
    walk.happens("m")
    assert walk.trace == "1 p COMPLETED; 2 m COMPLETED; 3 s COMPLETED; 4 t TERMINATED; 5 x COMPLETED"


def test_one_that_is_over_at_once_arms_its_own_events_once_in_a_suspended_instance():
    inner = event_sub("n -> v", n=start("error:E"), v=SERVICE)
    walk = Walk("s -> t -> e; x", x=event_sub("m; y", m=start("signal:g", interrupting=False), y=inner))
    walk.suspend()
    walk.happens("m")
    walk.resume()
    assert walk.trace.endswith("4 t STARTED; 5 m CREATED; 6 x COMPLETED; 7 n TERMINATED ^6")


def test_an_event_happens_before_the_process_begins_whose_other_events_are_not_defined():
    walk = Walk("s -> t -> e; x; y", x=EACH, y=event_sub("n -> v", n=start("message:m"), v=SERVICE))
    walk.happens("m")
    assert walk.waiting_at == ["s", "u"]
    walk.job("n").done(message_correlation_key="k")
    assert walk.waiting_at == ["u", "t"]
    walk.job("u").done()
    walk.job("t").done()
    assert walk.instance.state == "COMPLETED"


def test_an_event_inside_a_sub_process_that_has_not_begun_is_handled_when_the_instance_is_resumed():
    inner = sub("s2 -> t; x", t=SERVICE, x=EACH)
    walk = Walk("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "message:m"))
    walk.suspend()
    walk.happens("m")
    assert (walk.token("sp").state, walk.token("x").state, walk.token("u").state) == (
        "CREATED",
        "SUSPENDED",
        "SUSPENDED",
    )
    walk.resume()
    assert walk.waiting_at == ["u"]
    walk.job("b").done(message_correlation_key="k")
    assert walk.waiting_at == ["u", "t"]


def test_an_interrupting_event_has_a_sub_process_begin_whose_boundary_events_are_not_defined():
    inner = sub("s2 -> t; x", t=SERVICE, x=ONE)
    walk = Walk("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "message:m"))
    walk.happens("m")
    assert walk.token("sp").state == "STARTED"
    walk.job("b").done(message_correlation_key="k")
    assert walk.waiting_at == ["u"]
    walk.happens("b")
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 m COMPLETED ^3; 5 b COMPLETED; 6 x TERMINATED ^3; "
        "7 u TERMINATED ^6; 8 eb COMPLETED"
    )


def test_a_handler_that_is_left_alone_takes_no_further_events():
    walk = Walk("s -> t -> e; x", x=EACH)
    walk.happens("m")
    late = walk.sent("m")
    walk.job("t").done()
    assert walk.waiting_at == ["u"]
    assert late.run() == "CANCELED"
    walk.job("u").done()
    assert walk.instance.state == "COMPLETED"


def test_two_interrupting_triggers_before_the_first_runs_are_one():
    walk = Walk("s -> t -> e; x; y", x=ONE, y=event_sub("n -> v", n=start("signal:h"), v=SERVICE))
    first, second = walk.sent("m"), walk.sent("n")
    assert (second.run(), first.run()) == ("DONE", "CANCELED")
    assert walk.waiting_at == ["v"]


def test_several_triggers_that_do_not_interrupt_are_handled_each():
    walk = Walk("s -> t -> e; x", x=EACH)
    first, second = walk.sent("m"), walk.sent("m")
    assert (first.run(), second.run()) == ("DONE", "DONE")
    assert walk.waiting_at == ["t", "u", "u"]


def test_an_interrupting_handler_ends_the_running_ones():
    other = event_sub("n -> v", n=start("signal:h"), v=SERVICE)
    walk = Walk("s -> t -> e; x; y", x=EACH, y=other)
    walk.happens("m")
    walk.happens("n")
    assert walk.waiting_at == ["v"]
    assert (walk.token("x").state, walk.token("u").state) == ("TERMINATED", "TERMINATED")


def test_an_error_of_a_running_handler_is_caught_by_an_interrupting_one_of_the_same_scope():
    walk = Walk("s -> t -> e; x; y", x=EACH, y=event_sub("n -> v", n=start("error:E"), v=SERVICE))
    walk.happens("m")
    walk.job("u").done(error_code="E")
    assert walk.waiting_at == ["v"]
    assert (walk.token("t").state, walk.token("x").state) == ("TERMINATED", "TERMINATED")


def test_what_an_interrupting_handler_throws_again_goes_to_the_boundary_event():
    handler = event_sub("m -> u -> again", m=start("error:E"), again=end("error:E"))
    walk = Walk("s -> sp -> e; b -> eb", sp=sub("s2 -> t; x", t=SERVICE, x=handler), b=boundary("sp", "error:E"))
    walk.job("t").done(error_code="E")
    walk.job("u").done()
    walk.task("again").run()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 m COMPLETED ^3; 5 b COMPLETED; 6 s2 COMPLETED ^3; "
        "7 t TERMINATED ^3; 8 x TERMINATED ^3; 9 u COMPLETED ^8; 10 again COMPLETED ^8; 11 eb COMPLETED"
    )


def test_a_terminate_end_event_inside_ends_the_handler_only():
    handler = event_sub("m -> u, v; u -> x2", m=start("signal:g", interrupting=False), v=SERVICE, x2=end("terminate"))
    walk = Walk("s -> t -> e; x", x=handler)
    walk.happens("m")
    walk.job("u").done()
    assert walk.waiting_at == ["t"]
    assert (walk.token("x").state, walk.token("v").state) == ("COMPLETED", "TERMINATED")


def test_each_instance_of_a_multi_instance_has_events_of_its_own():
    inner = sub("s2 -> w -> e2; x", x=ONE)
    walk = Walk("s -> sp -> e", sp=multi(inner, cardinality="2"))
    walk.happens("m")
    assert [token.state for token in walk.tokens if token.node.id == "w"] == ["TERMINATED", "STARTED"]
    walk.job("u").done()
    walk.job("w").done()
    assert walk.instance.state == "COMPLETED"
    assert [token.state for token in walk.tokens if token.node.id == "sp"] == ["COMPLETED"] * 3


def test_an_escalation_that_interrupts_what_it_is_thrown_in_does_not_go_on():
    walk = Walk(
        "s -> th -> t -> e; x", th=throw("escalation:C"), x=event_sub("m -> u", m=start("escalation:C"), u=TASK)
    )
    walk.task("th").run()
    assert walk.trace == "1 p COMPLETED; 2 m COMPLETED; 3 s COMPLETED; 4 th COMPLETED; 5 x COMPLETED; 6 u COMPLETED ^5"


def test_an_escalation_end_event_is_handled_inside_the_scope_that_it_ends():
    walk = Walk("s -> ee; x", ee=end("escalation:C"), x=event_sub("m -> u", m=start("escalation:C"), u=SERVICE))
    walk.task("ee").run()
    assert walk.waiting_at == ["u"]
    walk.job("u").done()
    assert walk.instance.state == "COMPLETED"


def test_events_of_nested_event_sub_processes_wait_while_these_run():
    inner = event_sub("n -> v", n=start("signal:h"), v=SERVICE)
    walk = Walk(
        "s -> t -> e; x",
        x=event_sub("m -> u; y", m=start("signal:g", interrupting=False), u=SERVICE, y=inner),
    )
    walk.happens("m")
    walk.happens("n")
    assert walk.waiting_at == ["t", "v"]
    walk.job("v").done()
    assert walk.token("x").state == "COMPLETED"
    assert walk.waiting_at == ["t"]


def test_a_queued_instance_arms_its_events_when_it_is_dequeued():
    walk = Walk("s -> t -> e; x", state=InstanceState.QUEUED, x=event_sub("m -> u", m=start("message:m"), u=SERVICE))
    assert walk.trace == "1 p QUEUED; 2 m QUEUED; 3 s QUEUED"
    walk.dequeue()
    assert walk.trace == "1 p STARTED; 2 m CREATED; 3 s CREATED"
    walk.job("m").done(message_correlation_key="k")
    assert walk.waiting_at == ["t"]


def test_canceling_ends_handlers_and_armed_events():
    walk = Walk("s -> t -> e; x", x=EACH)
    walk.happens("m")
    walk.end(InstanceState.CANCELED)
    assert walk.trace == (
        "1 p CANCELED; 2 m COMPLETED; 3 s COMPLETED; 4 t CANCELED; 5 m CANCELED; 6 x CANCELED; 7 u CANCELED ^6"
    )
