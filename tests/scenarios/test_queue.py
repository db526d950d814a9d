"""Limits on parallelism: who waits, who is next, and what happens when the limit changes."""

import pytest

from tests.flow import flow, start
from tests.story import Story, deploy, instances, run_tasks, send, tasks, variables

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
