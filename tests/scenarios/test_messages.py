"""Messages: catch, boundary and start events, buffering, expiry and unique keys."""

import pytest

from app import criteria as c
from app.commands.message import SendMessage
from app.timer import Timer
from tests.flow import PARALLEL, boundary, catch, flow, start
from tests.story import Story, advance, deploy, detail, instances, messages, run_tasks, send, tasks, variables

HOUR = Timer(time_duration="PT1H")
CATCH = flow("s -> c -> e", c=catch("message"))
START = flow("s -> t -> e", s=start("message"))
NAMED = {"message_name": "m", "message_correlation_key": "k"}


def test_a_message_reaches_who_waits_for_it(engine):
    story = Story.start(engine, CATCH)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c CREATED | J: 1 SUBSCRIBE_MESSAGE@3 DUE")
    lost = send(engine)
    assert (lost.correlated, lost.expires_at) == (False, lost.created_at)
    story.job_completes("c", **NAMED)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c STARTED | J: 1 SUBSCRIBE_MESSAGE@3 DONE")
    assert story.subscriptions() == ["m"]
    sent = send(engine, variables=variables(v="1"))
    assert (sent.correlated, sent.expires_at) == (True, None)
    assert story.subscriptions() == []
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c STARTED | T: 1 TRIGGER_EVENT@3 DUE by sender")
    story.tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 c COMPLETED by w; 4 e COMPLETED by sender "
        "| T: 1 TRIGGER_EVENT@3 DONE by sender"
    )
    assert [m.expires_at for m in messages(engine, id=sent.id)] == [story.instance.ended_at]
    (variable,) = story.query(c.VariableCriteria)
    assert (variable.name, variable.created_by) == ("v", "sender")


@pytest.mark.parametrize(("name", "key"), [("other", "k"), ("m", "other")])
def test_a_message_with_another_name_or_key_reaches_nobody(engine, name, key):
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    assert send(engine, name, key).correlated is False
    story.tasks_run().waits_at("c")


def test_a_buffered_message_is_taken_by_the_next_subscriber(engine):
    sent = send(engine, expiration_timer=HOUR)
    assert sent.correlated is False
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    assert story.subscriptions() == []
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c STARTED | T: 1 TRIGGER_EVENT@3 DUE by w")
    (taken,) = messages(engine)
    assert (taken.correlated, taken.expires_at) == (True, None)
    story.tasks_run("DONE").is_completed()


def test_an_expired_message_is_not_taken(engine):
    send(engine, expiration_timer=HOUR)
    advance(engine, hours=1)
    assert messages(engine, exclude_expired=True) == []
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    assert story.subscriptions() == ["m"]


def test_buffered_messages_are_taken_oldest_first_and_each_once(engine):
    first = send(engine, expiration_timer=HOUR, variables=variables(n="1"))
    second = send(engine, expiration_timer=HOUR, variables=variables(n="2"))
    one = Story.start(engine, CATCH)
    two = one.again()
    one.job_completes("c", **NAMED)
    two.job_completes("c", **NAMED).tasks_run("DONE", "DONE")
    assert first.id < second.id
    assert (one.variables(), two.variables()) == ({"n": "1"}, {"n": "2"})


def test_a_message_reaches_the_oldest_subscriber_only(engine):
    one = Story.start(engine, CATCH)
    two = one.again()
    one.job_completes("c", **NAMED)
    two.job_completes("c", **NAMED)
    send(engine)
    one.tasks_run("DONE").is_completed()
    two.waits_at("c")


def test_an_empty_expiration_timer_is_refused(engine):
    command = SendMessage(name="m", correlation_key="k", worker_id="w", expiration_timer=Timer())
    assert detail(engine, command).startswith("VALIDATION: ")
    assert messages(engine) == []


@pytest.mark.parametrize("expiration_timer", [None, HOUR])
def test_a_unique_key_holds_while_the_message_is_neither_consumed_nor_expired(engine, expiration_timer):
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    first = send(engine, unique_key="u", expiration_timer=expiration_timer)
    again = send(engine, unique_key="u", worker="other")
    assert (again.id, again.created_by) == (first.id, "sender")
    assert send(engine, unique_key="another").id != first.id
    story.tasks_run("DONE").is_completed()
    assert send(engine, unique_key="u").id != first.id


def test_an_expired_message_does_not_block_its_unique_key(engine):
    first = send(engine, unique_key="u", expiration_timer=HOUR)
    assert send(engine, unique_key="u").id == first.id
    advance(engine, hours=1)
    second = send(engine, unique_key="u")
    assert second.id != first.id
    assert send(engine, unique_key="u").id not in (first.id, second.id)


def test_a_message_without_expiry_that_reached_nobody_does_not_block_its_unique_key(engine):
    assert send(engine, unique_key="u").id != send(engine, unique_key="u").id


def test_a_start_event_holds_the_unique_key_until_its_instance_has_ended(engine):
    deploy(engine, START, messages={"s": "go"})
    first = send(engine, "go", unique_key="u")
    assert first.correlated
    assert send(engine, "go", unique_key="u", worker="other").id == first.id
    (task,) = tasks(engine)
    assert (task.element_instance_id, task.bpmn_element_id, task.created_by) == (None, "s", "sender")
    assert [t.state for t in run_tasks(engine)] == ["DONE"]
    (story,) = instances(engine)
    assert (story.instance.created_by, story.instance.correlation_key) == ("sender", "k")
    assert [t.process_instance_id for t in tasks(engine)] == [story.id]
    story.shows(
        "STARTED | EI: 1 p STARTED by default-engine; 2 s COMPLETED by default-engine; 3 t STARTED by default-engine "
        "| J: 1 EXECUTE@3 DUE by default-engine"
    )
    assert send(engine, "go", unique_key="u").id == first.id
    story.job_completes("t").is_completed()
    assert [m.expires_at for m in messages(engine, id=first.id)] == [story.instance.ended_at]
    assert send(engine, "go", unique_key="u").id != first.id


def test_a_message_with_an_expiration_timer_is_consumed_when_its_instance_starts(engine):
    deploy(engine, START, messages={"s": "go"})
    first = send(engine, "go", unique_key="u", expiration_timer=HOUR, variables=variables(v="1"))
    run_tasks(engine)
    (story,) = instances(engine)
    assert story.instance.correlation_key == "k"
    assert story.variables() == {"v": "1"}
    assert [m.expires_at for m in messages(engine, id=first.id)] == [story.instance.created_at]
    assert send(engine, "go", unique_key="u").id != first.id


def test_a_canceled_instance_releases_the_unique_key_of_its_message(engine):
    deploy(engine, START, messages={"s": "go"})
    first = send(engine, "go", unique_key="u")
    run_tasks(engine)
    (story,) = instances(engine)
    story.cancels()
    assert send(engine, "go", unique_key="u").id != first.id


def test_only_the_newest_version_is_started_by_messages(engine):
    old = deploy(engine, START, messages={"s": "go"})
    deploy(engine, START, version="2", messages={"s": "go2"})
    suspended = {e.bpmn_element_id: e.suspended for e in engine.query(c.ElementCriteria(process_id=old.id))}
    assert suspended["s"] is True
    assert send(engine, "go").correlated is False
    assert send(engine, "go2").correlated is True
    run_tasks(engine)
    assert [story.instance.version for story in instances(engine)] == ["2"]


def test_a_trigger_that_exists_when_a_new_version_arrives_still_starts_the_old_one(engine):
    deploy(engine, START, messages={"s": "go"})
    send(engine, "go")
    deploy(engine, START, version="2", messages={"s": "go"})
    run_tasks(engine)
    assert [story.instance.version for story in instances(engine)] == ["1"]


def test_a_name_that_another_process_catches_is_free_for_a_start_event(engine):
    caught = Story.start(engine, flow("s -> c -> e", process="q", c=catch("message:go")))
    deploy(engine, START, messages={"s": "go"})
    assert send(engine, "go").correlated is True
    run_tasks(engine)
    assert [story.created.bpmn_process_id for story in instances(engine)] == ["q", "p"]
    caught.waits_at("c")


def test_a_subscriber_is_preferred_to_a_start_event(engine):
    caught = Story.start(engine, flow("s -> c -> e", process="q", c=catch("message:go")))
    deploy(engine, START, messages={"s": "go"})
    caught.job_completes("c", message_correlation_key="k")
    send(engine, "go")
    caught.tasks_run("DONE").is_completed()
    assert len(instances(engine)) == 1


def test_a_delivered_variable_replaces_what_is_there_and_deletes(engine):
    story = Story.start(engine, CATCH, variables=variables(v="old", gone="x"))
    (before,) = [v for v in story.query(c.VariableCriteria) if v.name == "v"]
    story.job_completes("c", **NAMED)
    send(engine, variables=variables(v="new", gone=None))
    story.tasks_run("DONE")
    assert story.variables() == {"v": "new"}
    (after,) = story.query(c.VariableCriteria)
    assert (after.id, after.created_by, after.updated_by) == (before.id, "w", "sender")


def test_a_message_to_what_has_ended_meanwhile_is_canceled_and_expires(engine):
    model = flow("s -> f -> c -> e; f -> x", f=PARALLEL, c=catch("message:m"))
    story = Story.start(engine, model)
    story.job_completes("c", message_correlation_key="k")
    sent = send(engine, variables=variables(v="1"))
    story.cancels().tasks_run("CANCELED")
    (message,) = messages(engine, id=sent.id)
    assert message.correlated
    assert message.expires_at is not None
    assert story.variables() == {}


BOUNDARY = flow("s -> t -> e; b -> eb", b=boundary("t", "message:m", interrupting=False))


def test_a_non_interrupting_boundary_event_waits_for_the_next_message(engine):
    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    for _ in range(2):
        send(engine)
        story.tasks_run("DONE")
    assert story.subscriptions() == ["m"]
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b COMPLETED; 6 eb COMPLETED; "
        "7 b CREATED; 8 eb COMPLETED"
    )
    story.job_completes("t").is_completed()
    assert story.subscriptions() == []


def test_a_non_interrupting_boundary_event_takes_what_is_buffered(engine):
    story = Story.start(engine, BOUNDARY)
    for n in range(3):
        send(engine, expiration_timer=HOUR, variables=variables(**{f"n{n}": "x"}))
    story.job_completes("b", message_correlation_key="k")
    assert story.visit("t").state == "STARTED"
    for _ in range(3):
        story.tasks_run("DONE")
    assert len(story.visits("eb")) == 3
    assert sorted(story.variables()) == ["n0", "n1", "n2"]
    assert story.subscriptions() == ["m"]


def test_a_buffered_message_interrupts_before_the_task_has_started(engine):
    send(engine, expiration_timer=HOUR)
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "message:m")))
    story.job_completes("b", message_correlation_key="k")
    assert story.visit("t").state == "CREATED"
    story.tasks_run("DONE")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED; 5 eb COMPLETED")
