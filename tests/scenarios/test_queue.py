"""Limits on parallelism: who waits, who is next, and what happens when the limit changes."""

from collections.abc import Callable

import pytest

from tests.flow import PARALLEL, TASK, USER, boundary, call, catch, end, flow, start, sub
from tests.story import Story, deploy, instances, run_tasks, send, signal, tasks, variables

LINE = flow("s -> t -> e")


def states(engine):
    return [story.state for story in instances(engine)]


def deployed(engine, version, parallelism):
    """A newer version with another limit; the model differs, since equal ones are answered with what is there."""
    return deploy(engine, LINE, version=version, parallelism=parallelism)


def three(engine, parallelism=1):
    story = Story.start(engine, LINE, parallelism=parallelism)
    return story, story.again(), story.again()


def test_what_exceeds_the_limit_waits_in_the_queue(engine):
    one, two, three_ = three(engine)
    assert states(engine) == ["STARTED", "QUEUED", "QUEUED"]
    assert two.instance.started_at is None
    two.shows("QUEUED | EI: 4 p QUEUED; 5 s QUEUED | J:  | T: ")
    one.job_completes("t")
    two.shows("QUEUED | EI: 4 p QUEUED by w; 5 s QUEUED by w | T: 1 START_PROCESS_INSTANCE DUE by w")
    two.tasks_run("DONE")
    two.shows(
        "STARTED | EI: 4 p STARTED by w; 5 s COMPLETED by w; 9 t STARTED by default-engine "
        "| J: 2 EXECUTE@9 DUE by default-engine | T: 1 START_PROCESS_INSTANCE DONE by w"
    )
    assert two.instance.started_at is not None
    three_.has_state("QUEUED")


def test_a_raised_limit_takes_instances_out_of_the_queue_one_by_one(engine):
    one, two, _ = three(engine)
    one.job_completes("t")
    two.tasks_run("DONE")
    process = deployed(engine, "2", 2)
    (dequeue,) = [task for task in tasks(engine) if task.type == "DEQUEUE_PROCESS_INSTANCE"]
    assert (dequeue.process_id, dequeue.serialized_task) == (process.id, '{"BpmnProcessId":"p"}')
    Story.of(engine, version="2").has_state("QUEUED")
    two.tasks_run("DONE").tasks_run("DONE").tasks_run()
    assert [(s.created.version, s.state) for s in instances(engine)] == [
        ("1", "COMPLETED"),
        ("1", "STARTED"),
        ("1", "STARTED"),
        ("2", "QUEUED"),
    ]


def test_a_lowered_limit_lets_running_instances_finish(engine):
    one, two, third = three(engine, parallelism=2)
    deployed(engine, "2", 1)
    one.job_completes("t").tasks_run()
    third.has_state("QUEUED")
    two.job_completes("t").tasks_run("DONE")
    third.has_state("STARTED")


def test_a_lifted_limit_empties_the_queue_and_later_instances_start_at_once(engine):
    one, _, _ = three(engine)
    one.again()
    deployed(engine, "2", 0)
    while run_tasks(engine):
        pass
    assert states(engine) == ["STARTED"] * 4
    Story.of(engine, version="2").has_state("STARTED")


def test_who_arrives_while_the_queue_is_emptied_waits_behind_it(engine):
    three(engine)
    deployed(engine, "2", 0)
    late = Story.of(engine, version="2")
    late.has_state("QUEUED")
    while run_tasks(engine):
        pass
    late.has_state("STARTED")


def test_a_dequeue_without_a_queue_is_canceled(engine):
    one, two, third = three(engine)
    two.cancels()
    deployed(engine, "2", 2)
    third.cancels()
    one.tasks_run("CANCELED")


@pytest.mark.parametrize("parallelism", [1, 2, 3])
def test_never_more_than_the_limit_are_active(engine, parallelism):
    story = Story.start(engine, LINE, parallelism=parallelism)
    for _ in range(4):
        story.again()
    finished = 0
    while open_jobs := [job for each in instances(engine) for job in each.jobs()]:
        assert len(open_jobs) <= parallelism
        active = next(each for each in instances(engine) if each.jobs())
        active.job_completes("t")
        finished += 1
        run_tasks(engine)
    assert finished == 5
    assert states(engine) == ["COMPLETED"] * 5


def test_instances_start_in_the_order_of_their_creation(engine):
    one, two, third = three(engine)
    one.job_completes("t").tasks_run("DONE")
    assert states(engine) == ["COMPLETED", "STARTED", "QUEUED"]
    two.job_completes("t").tasks_run("DONE")
    third.has_state("STARTED")


def test_a_suspended_instance_keeps_its_slot(engine):
    one, two, _ = three(engine)
    one.suspends().tasks_run()
    two.has_state("QUEUED")
    one.resumes().job_completes("t").tasks_run("DONE")
    two.has_state("STARTED")


def test_a_canceled_instance_gives_its_slot_to_the_next(engine):
    one, two, _ = three(engine)
    one.cancels().tasks_run("DONE")
    two.has_state("STARTED")


def test_a_queued_instance_that_is_canceled_leaves_the_queue(engine):
    one, two, third = three(engine)
    two.cancels().tasks_run()
    one.job_completes("t").tasks_run("DONE")
    third.has_state("STARTED")


def test_an_instance_that_is_canceled_after_its_turn_came_gives_it_to_the_next(engine):
    one, two, third = three(engine)
    one.job_completes("t")
    two.cancels().tasks_run("CANCELED", "DONE")
    third.has_state("STARTED")


def test_instances_of_start_events_wait_too(engine):
    deploy(engine, flow("s -> t -> e", s=start("message:go")), parallelism=1)
    send(engine, "go", "1")
    send(engine, "go", "2", variables=variables(v="1"))
    run_tasks(engine)
    assert states(engine) == ["STARTED", "QUEUED"]
    one, two = instances(engine)
    assert two.variables() == {"v": "1"}
    one.job_completes("t").tasks_run("DONE")
    two.waits_at("t")


def test_variables_of_a_queued_instance_can_be_set(engine):
    _, two, _ = three(engine)
    two.sets(v="1")
    assert two.variables() == {"v": "1"}


def test_processes_do_not_share_a_limit(engine):
    Story.start(engine, LINE, parallelism=1)
    Story.start(engine, flow("s -> t -> e", process="q"), parallelism=1).has_state("STARTED")


def drain(engine):
    while run_tasks(engine):
        pass


def test_an_end_fills_all_slots_that_a_raised_limit_has_left(engine):
    """It need not wait for the task that does the same."""
    one, *_ = three(engine)
    one.again()
    deployed(engine, "2", 3)
    one.job_completes("t")
    run_tasks(engine)
    drain(engine)
    assert states(engine) == ["COMPLETED", "STARTED", "STARTED", "STARTED"]
    assert [task.type for task in tasks(engine) if task.state == "CANCELED"] == ["DEQUEUE_PROCESS_INSTANCE"]


def test_a_lowered_limit_is_not_filled_before_enough_have_ended(engine):
    one, two, third = three(engine, parallelism=3)
    fourth, fifth = one.again(), one.again()
    deployed(engine, "2", 1)
    one.job_completes("t").tasks_run()
    two.job_completes("t").tasks_run()
    third.job_completes("t").tasks_run("DONE")
    assert [fourth.state, fifth.state] == ["STARTED", "QUEUED"]


def test_a_limit_that_is_lifted_and_set_again_counts_who_is_there(engine):
    one, two, third = three(engine)
    deployed(engine, "2", 0)
    drain(engine)
    deployed(engine, "3", 4)
    assert [one.again().state for _ in range(2)] == ["STARTED", "QUEUED"]
    for story in (one, two, third):
        story.job_completes("t")
    drain(engine)
    assert states(engine) == ["COMPLETED"] * 3 + ["STARTED"] * 2


def test_a_limit_that_is_set_again_before_the_queue_was_empty_holds_at_once(engine):
    """Of the lifted one a single instance has made use."""
    one, _, _ = three(engine)
    deployed(engine, "2", 0)
    run_tasks(engine)
    deployed(engine, "3", 2)
    drain(engine)
    assert states(engine) == ["STARTED", "STARTED", "QUEUED"]
    assert one.again().state == "QUEUED"


CALLER = flow(
    "s -> ca -> e; b -> eb; g -> eg",
    process="caller",
    ca=call("p"),
    b=boundary("ca", "error:"),
    g=boundary("ca", "signal:stop"),
)


def call_p(engine):
    """A caller, and the instance of `p` it has called."""
    caller = Story.start(engine, CALLER)
    caller.job_completes("ca")
    return caller, caller.called()


def test_a_queued_instance_that_is_terminated_with_its_call_frees_no_slot(engine):
    one = Story.start(engine, LINE, parallelism=1)
    caller, called = call_p(engine)
    called.has_state("QUEUED")
    signal(engine, "stop")
    drain(engine)
    called.has_state("TERMINATED")
    caller.is_completed()
    late = one.again()
    late.has_state("QUEUED")
    one.job_completes("t").tasks_run("DONE")
    late.has_state("STARTED")


def test_an_instance_that_is_terminated_after_its_turn_came_gives_it_to_the_next(engine):
    one = Story.start(engine, LINE, parallelism=1)
    _, called = call_p(engine)
    third = one.again()
    one.job_completes("t")
    signal(engine, "stop")
    drain(engine)
    called.has_state("TERMINATED")
    third.has_state("STARTED")


def _by_message(engine, story):
    story.job_completes("x", message_correlation_key="k")
    send(engine, "m", "k")
    drain(engine)


def _by_signal(engine, _):
    signal(engine, "g")
    drain(engine)


def _by_timer(engine, story):
    story.clock_advances(hours=1)
    drain(engine)


def _by_join(engine, story):
    story.job_completes("a").job_completes("b")
    drain(engine)


def _by_resuming(_, story):
    story.suspends().job_completes("t").has_state("SUSPENDED").resumes()


ENDS: dict[str, tuple[str, Callable]] = {
    "a job": (LINE, lambda _, story: story.job_completes("t")),
    "a job before a terminate end event": (
        flow("s -> f -> t -> e; f -> x", f=PARALLEL, e=end("terminate")),
        lambda _, story: story.job_completes("t"),
    ),
    "a user task": (flow("s -> u -> e", u=USER), lambda _, story: story.user_task_updates(completed=True)),
    "a message": (flow("s -> x -> e", x=catch("message:m")), _by_message),
    "a signal": (flow("s -> x -> e", x=catch("signal:g")), _by_signal),
    "a timer": (flow("s -> x -> e", x=catch("timer:PT1H")), _by_timer),
    "a join": (flow("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL), _by_join),
    "a job in a scope": (flow("s -> u -> e", u=sub("s2 -> t -> e2")), lambda _, story: story.job_completes("t")),
    "a cancellation": (LINE, lambda _, story: story.cancels()),
    "a resumption": (flow("s -> t -> x -> e", x=TASK), _by_resuming),
}
"""Whatever ends an instance."""


@pytest.mark.parametrize("name", ENDS)
def test_whatever_ends_an_instance_gives_its_slot_to_the_next(engine, name):
    model, finish = ENDS[name]
    story = Story.start(engine, model, parallelism=1)
    later = story.again()
    later.has_state("QUEUED")
    finish(engine, story)
    assert story.instance.state.ended
    drain(engine)
    later.has_state("STARTED")
    assert story.again().state == "QUEUED"


def test_an_error_that_ends_a_called_instance_gives_its_slot_to_the_next(engine):
    deploy(engine, LINE, parallelism=1)
    _, called = call_p(engine)
    later = Story.of(engine)
    called.job_completes("t", error_code="E").has_state("TERMINATED")
    drain(engine)
    later.has_state("STARTED")


def test_an_instance_that_ends_as_soon_as_its_turn_comes_gives_it_to_the_next(engine):
    one = Story.start(engine, LINE, parallelism=1)
    deploy(engine, flow("s -> e"), version="2", parallelism=1)
    short, third = Story.of(engine, version="2"), one.again()
    one.job_completes("t")
    drain(engine)
    short.is_completed()
    third.has_state("STARTED")


def test_an_instance_that_ends_as_soon_as_it_starts_takes_no_slot(engine):
    Story.start(engine, flow("s -> e"), parallelism=1).is_completed()
    Story.of(engine).is_completed()


def test_an_event_of_a_scope_that_does_not_interrupt_leaves_the_slot_as_it_is(engine):
    inside = sub("s2 -> t -> e2; m -> e3", m=boundary("t", "message:m", interrupting=False))
    story = Story.start(engine, flow("s -> u -> e", u=inside), parallelism=1)
    later = story.again()
    story.job_completes("m", message_correlation_key="k")
    for _ in range(2):
        send(engine, "m", "k")
        drain(engine)
    assert [story.state, later.state] == ["STARTED", "QUEUED"]
    story.job_completes("t")
    drain(engine)
    assert [story.state, later.state] == ["COMPLETED", "STARTED"]
