"""Processes that are started by what follows an event-based gateway."""

from tests.flow import catch, flow, receive, starting
from tests.story import advance, deploy, instances, run_tasks, send, signal, tasks


def model(*, parallel: bool = False, **kinds) -> str:
    kinds = {"m1": catch("message:m1"), "m2": catch("message:m2"), **kinds}
    return flow("g -> m1, m2; m1 -> a -> e; m2 -> b -> e", g=starting(parallel=parallel), **kinds)


def only(service):
    (story,) = instances(service)
    return story


def test_all_messages_are_waited_for_behind_a_parallel_gateway(engine):
    deploy(engine, model(parallel=True))
    send(engine, "m1")
    run_tasks(engine)
    story = only(engine)
    story.shows("STARTED | EI: 1 p STARTED; 2 g COMPLETED; 3 m1 COMPLETED; 4 m2 STARTED; 5 a STARTED")
    assert story.subscriptions() == ["m2"]
    send(engine, "m2")
    run_tasks(engine)
    only(engine).waits_at("a", "b").job_completes("a").job_completes("b").is_completed()
    assert story.subscriptions() == []


def test_the_first_message_once_more_starts_another_instance(engine):
    deploy(engine, model(parallel=True))
    for name in ("m1", "m1", "m2"):
        send(engine, name)
        run_tasks(engine)
    first, second = instances(engine)
    first.waits_at("a", "b")
    second.waits_at("m2", "a")


def test_keys_do_not_mix(engine):
    deploy(engine, model(parallel=True))
    send(engine, "m1", "k")
    run_tasks(engine)
    send(engine, "m2", "other")
    run_tasks(engine)
    first, second = instances(engine)
    first.waits_at("m2", "a")
    second.waits_at("m1", "b")


def test_each_message_starts_an_instance_of_its_own_behind_an_exclusive_gateway(engine):
    deploy(engine, model())
    send(engine, "m1")
    run_tasks(engine)
    only(engine).shows("STARTED | EI: 1 p STARTED; 2 g COMPLETED; 3 m1 COMPLETED; 4 a STARTED")
    send(engine, "m2")
    run_tasks(engine)
    assert [len(story.subscriptions()) for story in instances(engine)] == [0, 0]
    instances(engine)[1].waits_at("b")


def test_receive_tasks(engine):
    deploy(engine, model(parallel=True, m1=receive("m1"), m2=receive("m2")))
    send(engine, "m2")
    run_tasks(engine)
    only(engine).waits_at("m1", "b")
    send(engine, "m1")
    run_tasks(engine)
    only(engine).waits_at("b", "a")


def test_signals_and_timers(engine):
    deploy(engine, model(m1=catch("signal:g"), m2=catch("timer:R/PT1H")))
    signal(engine, "g")
    run_tasks(engine)
    only(engine).waits_at("a")
    for _ in range(2):
        advance(engine, hours=1)
        run_tasks(engine)
    _, second, third = instances(engine)
    second.waits_at("b")
    third.waits_at("b")


def test_a_newer_version_replaces_what_starts_an_older_one(engine):
    deploy(engine, model(m2=catch("timer:PT1H")))
    deploy(engine, model(m2=catch("timer:PT2H")), version="2")
    send(engine, "m1")
    advance(engine, hours=1)
    run_tasks(engine)
    assert [story.instance.version for story in instances(engine)] == ["2"]
    advance(engine, hours=1)
    run_tasks(engine)
    assert [story.instance.version for story in instances(engine)] == ["2", "2"]


def test_an_instance_that_had_to_queue_up_begins_behind_its_event(engine):
    deploy(engine, model(parallel=True), parallelism=1)
    send(engine, "m1", "first")
    send(engine, "m2", "second")
    run_tasks(engine)
    first, second = instances(engine)
    assert second.state == "QUEUED"
    send(engine, "m2", "first")
    run_tasks(engine)
    first.job_completes("a").job_completes("b").is_completed()
    run_tasks(engine)
    second.waits_at("m1", "b")
    assert [str(visit.state) for visit in second.visits("m2")] == ["COMPLETED"]
    assert second.subscriptions() == ["m1"]
    assert [task for task in tasks(engine) if task.completed_at is None] == []
