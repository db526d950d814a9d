"""Who sends and who waits, and who ends meanwhile: nobody misses the other, nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from app.clock import ManualClock
from app.commands.instance import CancelProcessInstance
from app.commands.signal import SendSignal
from app.commands.task import LockTasks, RunTask
from app.commands.variable import SetProcessVariables
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.engine.completion import Completion
from app.engine.records import ProcessInstance
from app.service import Service
from tests.races.held import Held, InBackground, wait_for_a_lock
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.together import failures, in_threads

ROUNDS = 20

MISSED = """
    SELECT m.name, m.correlation_key FROM message m
    JOIN message_subscription s ON s.name = m.name AND s.correlation_key = m.correlation_key
    WHERE NOT m.correlated AND m.expires_at IS NOT NULL"""
"""Messages that are buffered beside a subscription that waits for them."""


def test_a_sender_and_a_subscriber_never_miss_each_other(config: Config, service: Service, other: Service):
    for number in range(ROUNDS):
        key = f"k{number}"
        instance = play.begin(service, play.MESSAGE_CATCH)
        (job,) = play.lock_of(service, instance)
        outcomes = in_threads(
            partial(play.complete, service, job, completion=Completion(message_correlation_key=key)),
            partial(play.send, other, "paid", key, expiration_timer=play.HOUR),
        )
        assert failures(outcomes) == []
        assert rows(config.database_url, MISSED) == []
    play.run_events(service)
    # Each of them has got its message, and now waits at the service task behind.
    assert len(play.lock(service)) == ROUNDS
    assert value(config.database_url, "SELECT count(*) FROM message WHERE NOT correlated") == 0
    require_sound(config.database_url)


def test_two_senders_reach_two_subscribers_and_not_one_of_them_twice(config: Config, service: Service, other: Service):
    for number in range(ROUNDS // 2):
        for _ in range(2):
            play.work(service, play.begin(service, play.MESSAGE_CATCH), message_correlation_key=f"k{number}")
        sending = [partial(play.send, each, "paid", f"k{number}") for each in (service, other)]
        messages = in_threads(*sending)
        assert failures(messages) == []
        assert [message.correlated for message in messages] == [True, True]
    assert rows(config.database_url, "SELECT id FROM message_subscription") == []
    tasks = play.run_events(service)
    assert len({task.element_instance_id for task in tasks}) == len(tasks) == ROUNDS // 2 * 2
    require_sound(config.database_url)


def test_two_senders_with_one_unique_key_send_one_message(config: Config, service: Service, other: Service):
    for number in range(ROUNDS // 2):
        send = [
            partial(play.send, each, "paid", f"k{number}", unique_key="u", expiration_timer=play.HOUR)
            for each in (service, other)
        ]
        messages = in_threads(*send)
        assert failures(messages) == []
        assert len({message.id for message in messages}) == 1
    assert value(config.database_url, "SELECT count(*) FROM message") == ROUNDS // 2


def test_two_subscribers_take_one_buffered_message_once(config: Config, service: Service, other: Service):
    for number in range(ROUNDS // 2):
        play.send(service, "paid", f"k{number}", expiration_timer=play.HOUR)
        jobs = [play.lock_of(service, play.begin(service, play.MESSAGE_CATCH))[0] for _ in range(2)]
        subscribing = [
            partial(play.complete, each, job, completion=Completion(message_correlation_key=f"k{number}"))
            for each, job in zip((service, other), jobs, strict=True)
        ]
        assert failures(in_threads(*subscribing)) == []
        waiting = f"SELECT count(*) FROM message_subscription WHERE correlation_key = 'k{number}'"
        assert value(config.database_url, waiting) == 1
    assert len(play.run_events(service)) == ROUNDS // 2
    require_sound(config.database_url)


def test_a_message_and_a_request_that_set_one_variable_leave_one_row(config: Config, service: Service, other: Service):
    for number in range(ROUNDS):
        instance = play.begin(service, play.MESSAGE_CATCH)
        play.work(service, instance, message_correlation_key=f"k{number}")
        play.send(service, "paid", f"k{number}", variables=play.variables(x="of the message"))
        put = SetProcessVariables(
            partition=instance.partition,
            id=instance.id,
            worker_id=play.WORKER,
            variables=play.variables(x="of the request"),
        )
        assert failures(in_threads(partial(play.run_events, service), partial(other.execute, put))) == []
        found = rows(config.database_url, f"SELECT name, value FROM variable WHERE process_instance_id = {instance.id}")
        assert len(found) == 1
        assert found[0][1] in ("of the message", "of the request")


@dataclass(slots=True)
class Kind:
    """What can be sent to an instance that waits for it."""

    xml: str
    send: Callable[[Service], Any]
    subscriptions: str

    def begin(self, service: Service) -> ProcessInstance:
        instance = play.begin(service, self.xml)
        for job in play.lock_of(service, instance):
            play.complete(service, job, completion=Completion(message_correlation_key="k"))
        return instance


def send_signal(service: Service) -> Any:
    return service.execute(SendSignal(name="alarm", worker_id=play.WORKER))


def send_message(service: Service) -> Any:
    return play.send(service, "paid", "k")


def beside(kind: str, name: str) -> str:
    """A user task with a boundary event that does not interrupt."""
    return play.model(
        "start -> user -> end",
        "event -> a -> end",
        head=f'<{kind} id="x" name="{name}"/>',
        body='<boundaryEvent id="event" attachedToRef="user" cancelActivity="false">'
        f'<{kind}EventDefinition {kind}Ref="x"/></boundaryEvent>',
    )


SIGNAL = Kind(play.SIGNAL_CATCH, send_signal, "signal_subscription")
MESSAGE = Kind(play.MESSAGE_CATCH, send_message, "message_subscription")
SIGNAL_BESIDE = Kind(beside("signal", "alarm"), send_signal, "signal_subscription")
MESSAGE_BESIDE = Kind(beside("message", "paid"), send_message, "message_subscription")
KINDS = pytest.mark.parametrize(
    "kind",
    [SIGNAL, MESSAGE, SIGNAL_BESIDE, MESSAGE_BESIDE],
    ids=["signal", "message", "signal beside", "message beside"],
)
RECURRING = pytest.mark.parametrize("kind", [SIGNAL_BESIDE, MESSAGE_BESIDE], ids=["signal", "message"])


def cancel(service: Service, instance: ProcessInstance) -> None:
    service.execute(CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER))


@KINDS
def test_what_was_sent_to_an_instance_that_then_ends_is_cleared_away_with_it(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    """The sender has taken the subscription and written the task, but not committed, when the instance ends."""
    url = postgres.config.database_url
    instance = kind.begin(postgres)
    sending = Held(monkeypatch, lambda: kind.send(postgres))
    canceling = InBackground(lambda: cancel(postgres, instance))
    wait_for_a_lock(url, canceling)
    sending.commits()
    canceling.result()
    assert rows(url, "SELECT detached FROM task WHERE type = 'TRIGGER_EVENT'") == [(True,)]
    require_sound(url)
    (task,) = play.run_events(postgres)
    assert task.state == "CANCELED"
    (ended,) = postgres.query(ProcessInstanceCriteria())
    assert ended.state == "CANCELED"


@KINDS
def test_what_is_sent_to_an_instance_that_is_just_ending_reaches_nobody(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    """The instance has ended and deleted its subscription, but not committed, when the sender looks for it."""
    url = postgres.config.database_url
    instance = kind.begin(postgres)
    canceling = Held(monkeypatch, lambda: cancel(postgres, instance))
    sending = InBackground(lambda: kind.send(postgres))
    wait_for_a_lock(url, sending)
    canceling.commits()
    sending.result()
    assert rows(url, "SELECT id FROM task WHERE type = 'TRIGGER_EVENT'") == []
    assert rows(url, f"SELECT id FROM {kind.subscriptions}") == []
    require_sound(url)


@KINDS
def test_what_was_sent_is_delivered_when_the_end_of_the_instance_is_taken_back(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    """A subscription that is being deleted is waited for, not passed over: its deletion may yet fail."""
    url = postgres.config.database_url
    instance = kind.begin(postgres)
    canceling = Held(monkeypatch, lambda: cancel(postgres, instance))
    sending = InBackground(lambda: kind.send(postgres))
    wait_for_a_lock(url, sending)
    canceling.rolls_back()
    sending.result()
    (task,) = play.run_events(postgres)
    assert task.state == "DONE"
    assert len(play.lock_of(postgres, instance)) == 1
    require_sound(url)


@KINDS
def test_an_event_that_happens_while_the_instance_ends_is_canceled(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    instance = kind.begin(postgres)
    kind.send(postgres)
    (task,) = postgres.execute(LockTasks(limit=10, type="TRIGGER_EVENT"))
    canceling = Held(monkeypatch, lambda: cancel(postgres, instance))
    running = InBackground(lambda: postgres.execute(RunTask(task=task)))
    wait_for_a_lock(postgres.config.database_url, running)
    canceling.commits()
    assert running.result().state == "CANCELED"
    require_sound(postgres.config.database_url)


@RECURRING
def test_two_that_are_sent_at_once_both_reach_an_event_that_does_not_interrupt(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    instance = kind.begin(postgres)
    first = Held(monkeypatch, lambda: kind.send(postgres))
    second = InBackground(lambda: kind.send(postgres))
    wait_for_a_lock(postgres.config.database_url, second)
    first.commits()
    second.result()
    assert [task.state for task in play.run_events(postgres)] == ["DONE", "DONE"]
    assert len(play.lock_of(postgres, instance)) == 2
    assert len(rows(postgres.config.database_url, f"SELECT id FROM {kind.subscriptions}")) == 1
    require_sound(postgres.config.database_url)


@RECURRING
def test_what_is_being_sent_when_an_event_is_renewed_goes_over_to_the_new_one(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    url = postgres.config.database_url
    instance = kind.begin(postgres)
    kind.send(postgres)
    (task,) = postgres.execute(LockTasks(limit=10, type="TRIGGER_EVENT"))
    sending = Held(monkeypatch, lambda: kind.send(postgres))
    running = InBackground(lambda: postgres.execute(RunTask(task=task)))
    wait_for_a_lock(url, running)
    sending.commits()
    assert running.result().state == "DONE"
    require_sound(url)
    assert [task.state for task in play.run_events(postgres)] == ["DONE"]
    assert len(play.lock_of(postgres, instance)) == 2
    require_sound(url)


@RECURRING
def test_what_is_sent_while_an_event_is_being_renewed_reaches_the_new_one(
    postgres: Service, monkeypatch: pytest.MonkeyPatch, kind: Kind
):
    url = postgres.config.database_url
    instance = kind.begin(postgres)
    kind.send(postgres)
    (task,) = postgres.execute(LockTasks(limit=10, type="TRIGGER_EVENT"))
    running = Held(monkeypatch, lambda: postgres.execute(RunTask(task=task)))
    sending = InBackground(lambda: kind.send(postgres))
    wait_for_a_lock(url, sending)
    assert running.commits().state == "DONE"
    sending.result()
    require_sound(url)
    assert [task.state for task in play.run_events(postgres)] == ["DONE"]
    assert len(play.lock_of(postgres, instance)) == 2
    require_sound(url)


@RECURRING
def test_what_many_send_while_others_run_it_happens_each_time(
    config: Config, service: Service, other: Service, kind: Kind
):
    instance = kind.begin(service)
    for _ in range(ROUNDS // 2):
        outcomes = in_threads(
            partial(kind.send, service),
            partial(kind.send, other),
            partial(play.run_events, service),
            partial(play.run_events, other),
        )
        assert failures(outcomes) == []
        require_sound(config.database_url)
    play.run_events(service)
    assert len(play.lock_of(service, instance)) == ROUNDS
    assert len(rows(config.database_url, f"SELECT id FROM {kind.subscriptions}")) == 1


@RECURRING
def test_nothing_is_left_of_an_event_whose_host_ends_while_others_send_to_it(
    config: Config, service: Service, other: Service, kind: Kind
):
    for _ in range(ROUNDS // 2):
        instance = kind.begin(service)
        outcomes = in_threads(
            partial(kind.send, service),
            partial(kind.send, other),
            partial(cancel, service, instance),
            partial(play.run_events, other),
        )
        assert failures(outcomes) == []
        require_sound(config.database_url)
        assert rows(config.database_url, f"SELECT id FROM {kind.subscriptions}") == []


def test_a_message_that_expires_while_a_completion_waits_for_its_lock_is_not_consumed(
    postgres: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    """The completion goes by the time at which it has the lock, and so does the answer to the sender."""
    url = postgres.config.database_url
    (job,) = play.lock_of(postgres, play.begin(postgres, play.MESSAGE_CATCH))
    sending = Held(monkeypatch, lambda: play.send(postgres, "paid", "k", expiration_timer=play.HOUR))
    completion = Completion(message_correlation_key="k")
    completing = InBackground(lambda: play.complete(postgres, job, completion=completion))
    wait_for_a_lock(url, completing)
    clock.advance(timedelta(hours=2))
    assert not sending.commits().correlated
    completing.result()
    assert rows(url, "SELECT correlated FROM message") == [(False,)]
    assert value(url, "SELECT count(*) FROM message_subscription") == 1
    require_sound(url)
