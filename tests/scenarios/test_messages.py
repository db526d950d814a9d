"""Messages: catch, boundary and start events, buffering, expiry and unique keys."""

import pytest

from app import criteria as c
from app.commands.message import SendMessage
from app.engine.variables import Variables
from app.errors import execution_failed
from app.timer import Timer
from tests.flow import PARALLEL, boundary, catch, flow, start
from tests.store.database import connected
from tests.story import (
    Story,
    advance,
    deploy,
    detail,
    instances,
    messages,
    run_task,
    run_tasks,
    send,
    signal,
    tasks,
    variables,
)

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
def test_a_consumed_message_still_has_its_unique_key(engine, expiration_timer):
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    first = send(engine, unique_key="u", expiration_timer=expiration_timer)
    again = send(engine, unique_key="u", worker="other")
    assert (again.id, again.created_by) == (first.id, "sender")
    assert send(engine, unique_key="another").id != first.id
    story.tasks_run("DONE").is_completed()
    again = send(engine, unique_key="u")
    assert (again.id, again.expires_at) == (first.id, story.instance.ended_at)
    assert send(engine, key="other", unique_key="u").id != first.id
    assert send(engine, "other", unique_key="u").id != first.id


def test_an_expired_message_still_has_its_unique_key(engine):
    first = send(engine, unique_key="u", expiration_timer=HOUR)
    advance(engine, hours=1)
    again = send(engine, unique_key="u", expiration_timer=HOUR)
    assert (again.id, again.expires_at, again.correlated) == (first.id, first.expires_at, False)


def test_a_message_that_reached_nobody_still_has_its_unique_key(engine):
    first = send(engine, unique_key="u")
    story = Story.start(engine, CATCH)
    story.job_completes("c", **NAMED)
    assert send(engine, unique_key="u").id == first.id
    assert story.subscriptions() == ["m"]


def test_a_start_event_holds_the_unique_key_until_its_instance_has_ended(engine):
    deploy(engine, START, messages={"s": "go"})
    first = send(engine, "go", unique_key="u")
    assert first.correlated
    assert send(engine, "go", unique_key="u", worker="other").id == first.id
    (trigger,) = tasks(engine)
    assert (trigger.element_instance_id, trigger.bpmn_element_id, trigger.created_by) == (None, "s", "sender")
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
    assert send(engine, "go", unique_key="u").id == first.id


@pytest.mark.parametrize("ends", [lambda story: story.job_completes("t"), lambda story: story.cancels()])
def test_a_start_message_expires_with_its_instance_whatever_its_expiration_was(engine, ends):
    deploy(engine, START, messages={"s": "go"})
    first = send(engine, "go", unique_key="u", expiration_timer=HOUR)
    run_tasks(engine)
    advance(engine, minutes=1)
    (story,) = instances(engine)
    ends(story)
    assert [m.expires_at for m in messages(engine, id=first.id)] == [story.instance.ended_at]
    assert send(engine, "go", unique_key="u").id != first.id


@pytest.mark.parametrize("expiration_timer", [None, HOUR])
def test_a_start_message_whose_instance_ends_at_once_frees_its_unique_key(engine, expiration_timer):
    deploy(engine, flow("s -> e", s=start("message")), messages={"s": "go"})
    first = send(engine, "go", unique_key="u", expiration_timer=expiration_timer)
    run_tasks(engine)
    second = send(engine, "go", unique_key="u")
    assert second.id != first.id
    assert send(engine, "go", unique_key="u").id == second.id
    (story,) = instances(engine)
    assert [m.expires_at for m in messages(engine, id=first.id)] == [story.instance.ended_at]


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


def test_an_interrupting_boundary_event_takes_the_first_message_only(engine):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "message:m")))
    story.job_completes("b", message_correlation_key="k")
    assert [send(engine).correlated for _ in range(2)] == [True, False]
    story.tasks_run("DONE").is_completed()


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


def test_a_non_interrupting_boundary_event_takes_each_message_whenever_the_tasks_run(engine):
    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    sent = [send(engine, variables=variables(**{f"n{n}": "x"})) for n in range(3)]
    assert [m.correlated for m in sent] == [True] * 3
    assert story.subscriptions() == ["m"]
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b CREATED "
        "| T: 1 TRIGGER_EVENT@4 DUE by sender; 2 TRIGGER_EVENT@4 DUE by sender; 3 TRIGGER_EVENT@4 DUE by sender"
    )
    story.tasks_run("DONE", "DONE", "DONE")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b COMPLETED; 6 eb COMPLETED; "
        "7 b COMPLETED; 8 eb COMPLETED; 9 b CREATED; 10 eb COMPLETED "
        "| T: 1 TRIGGER_EVENT@4 DONE; 2 TRIGGER_EVENT@5 DONE; 3 TRIGGER_EVENT@7 DONE"
    )
    assert sorted(story.variables()) == ["n0", "n1", "n2"]
    assert story.subscriptions() == ["m"]
    assert send(engine).correlated


def test_what_was_sent_to_a_non_interrupting_boundary_event_is_canceled_when_its_task_ends(engine):
    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    sent = [send(engine, variables=variables(v="x")) for _ in range(2)]
    run_task(engine, story.tasks()[0])
    story.job_completes("t").is_completed()
    assert story.subscriptions() == []
    assert send(engine).correlated is False
    story.tasks_run("CANCELED")
    assert all(m.expires_at for m in messages(engine) if m.id in {each.id for each in sent})


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_an_event_whose_subscription_was_used_up_by_an_earlier_release_waits_again(engine, kind):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", f"{kind}:m", interrupting=False)))
    if kind == "message":
        story.job_completes("b", message_correlation_key="k")
    sends = send if kind == "message" else signal
    sends(engine, "m")
    with connected(engine.config.database_url) as connection:
        connection.execute(f"DELETE FROM {kind}_subscription")
    story.tasks_run("DONE")
    assert story.subscriptions() == ["m"]
    sends(engine, "m")
    story.tasks_run("DONE")
    assert len(story.visits("eb")) == 2


def test_subscribers_that_go_on_waiting_take_turns(engine):
    one = Story.start(engine, BOUNDARY)
    two = one.again()
    for story in (one, two):
        story.job_completes("b", message_correlation_key="k")
    for _ in range(4):
        send(engine)
    one.tasks_run("DONE", "DONE", "DONE", "DONE")
    assert [len(story.visits("eb")) for story in (one, two)] == [2, 2]


def test_a_message_that_comes_while_a_buffered_one_is_delivered_is_taken_too(engine):
    for n in range(2):
        send(engine, expiration_timer=HOUR, variables=variables(**{f"n{n}": "x"}))
    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    assert send(engine, variables=variables(n2="x")).correlated
    story.tasks_run("DONE", "DONE").tasks_run("DONE").tasks_run()
    assert sorted(story.variables()) == ["n0", "n1", "n2"]
    assert len(story.visits("eb")) == 3


def test_a_failed_delivery_is_made_up_for_after_another_message_has_come(engine, monkeypatch):
    """The incident is about an element instance that has ended meanwhile."""
    failures = [execution_failed("failed to deliver", "on purpose")]
    deliver = Variables.deliver

    def fails_first(*arguments):
        if failures:
            raise failures.pop()
        deliver(*arguments)

    monkeypatch.setattr(Variables, "deliver", fails_first)
    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    send(engine, variables=variables(n0="x"))
    story.tasks_run("CAUSED_INCIDENT")
    send(engine, variables=variables(n1="x"))
    story.tasks_run("DONE").incident_is_resolved()
    assert [each.element_instance_id for each in story.tasks()] == [story.visit("b").id]
    story.tasks_run("DONE")
    assert sorted(story.variables()) == ["n0", "n1"]
    assert len(story.visits("eb")) == 2
    assert story.subscriptions() == ["m"]


def test_a_failed_delivery_that_is_tried_again_after_its_host_has_ended_is_canceled(engine, monkeypatch):
    def fails(*_arguments):
        raise execution_failed("failed to deliver", "on purpose")

    story = Story.start(engine, BOUNDARY)
    story.job_completes("b", message_correlation_key="k")
    send(engine)
    with monkeypatch.context() as patched:
        patched.setattr(Variables, "deliver", fails)
        story.tasks_run("CAUSED_INCIDENT")
    send(engine)
    story.tasks_run("DONE").job_completes("t").is_completed()
    story.incident_is_resolved().tasks_run("CANCELED")


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
