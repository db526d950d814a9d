"""Ids: ascending per table and day, from 1 on; ascending over all days where there are no days; never given twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from app.clock import ManualClock
from app.commands.signal import SendSignal
from app.criteria import ElementInstanceCriteria, JobCriteria, MessageCriteria, ProcessInstanceCriteria
from app.service import Service, open_service
from app.store.save import Saver
from tests.store import play
from tests.store.database import rows
from tests.store.play import model


def ids(service: Service, table: str) -> list[tuple[date, int]]:
    """Day and id of all rows in the order they were written to the table of one kind."""
    found = rows(service.config.database_url, f"SELECT partition, id FROM {table} ORDER BY partition, id")
    return [(date.fromisoformat(str(day)), id) for day, id in found]


def test_every_table_counts_from_one_on_each_day(clock: ManualClock, service: Service):
    days = []
    for _ in range(3):
        days.append(clock.now().date())
        for _ in range(2):
            play.begin(service, variables=play.variables(x="1"))
        clock.advance(timedelta(days=1))
    for table, per_instance in (("process_instance", 1), ("element_instance", 3), ("job", 1), ("variable", 1)):
        assert ids(service, table) == [(day, id + 1) for day in days for id in range(2 * per_instance)], table


def test_what_belongs_to_an_instance_stays_on_its_day(clock: ManualClock, service: Service):
    instance = play.begin(service, model("start -> a -> b -> end"))
    clock.advance(timedelta(days=40))
    for _ in range(2):
        play.work(service, instance)
    found = service.query(ElementInstanceCriteria(process_instance_id=instance.id))
    assert {visit.partition for visit in found} == {instance.partition}
    assert [(job.partition, job.id) for job in service.query(JobCriteria())] == [
        (instance.partition, 1),
        (instance.partition, 2),
    ]
    (ended,) = service.query(ProcessInstanceCriteria())
    assert ended.ended_at is not None and ended.ended_at.date() == instance.partition + timedelta(days=40)


def test_messages_and_signals_are_counted_over_all_days(clock: ManualClock, service: Service):
    sent = []
    for _ in range(3):
        sent.append(play.send(service, "paid", "k", expiration_timer=play.HOUR, variables=play.variables(x="1")).id)
        clock.advance(timedelta(days=1))
    assert sent == [1, 2, 3]
    assert [message.id for message in service.query(MessageCriteria())] == [1, 2, 3]
    assert rows(service.config.database_url, "SELECT id, owner_id FROM message_variable ORDER BY id") == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]
    signals = [service.execute(SendSignal(name="alarm", worker_id=play.WORKER)).id for _ in range(2)]
    assert signals == [1, 2]


def test_subscriptions_are_counted_over_all_days(clock: ManualClock, service: Service):
    for _ in range(3):
        play.begin(service, play.SIGNAL_CATCH)
        clock.advance(timedelta(days=1))
    found = rows(service.config.database_url, "SELECT id, partition FROM signal_subscription ORDER BY id")
    assert [id for id, _ in found] == [1, 2, 3]
    assert len({day for _, day in found}) == 3


def test_processes_and_elements_are_counted_over_all(service: Service):
    processes = [play.deploy(service, model("start -> a -> end", process_id=f"p{n}")) for n in range(3)]
    assert [process.id for process in processes] == [1, 2, 3]
    found = rows(service.config.database_url, "SELECT id, process_id FROM element ORDER BY id")
    assert [id for id, _ in found] == list(range(1, len(found) + 1))
    assert [process_id for _, process_id in found] == [1] * 4 + [2] * 4 + [3] * 4


def test_the_ids_of_one_command_ascend_in_the_order_of_the_walk(service: Service):
    instance = play.begin(service, play.wide(20))
    found = service.query(ElementInstanceCriteria(process_instance_id=instance.id))
    assert [visit.bpmn_element_id for visit in found] == ["p", "start", "fork", *(f"a{n}" for n in range(20))]
    jobs = service.query(JobCriteria(process_instance_id=instance.id))
    assert [job.bpmn_element_id for job in jobs] == [f"a{n}" for n in range(20)]


def test_ids_ascend_where_two_services_take_turns(clock: ManualClock, service: Service):
    other = open_service(service.config, clock)
    taken = [play.begin(each).id for each in (service, other, other, service, other)]
    other.close()
    assert taken == [1, 2, 3, 4, 5]


def test_an_id_is_never_given_again_after_a_command_has_failed(service: Service, monkeypatch: pytest.MonkeyPatch):
    first = play.begin(service)
    save = Saver.save

    def broken(self, session, changes):
        save(self, session, changes)
        raise RuntimeError("after the ids were given")

    with monkeypatch.context() as patched:
        patched.setattr(Saver, "save", broken)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                play.begin(service)
    later = [play.begin(service) for _ in range(2)]
    taken = [instance.id for instance in (first, *later)]
    assert taken == sorted(set(taken))
    assert [instance.id for instance in service.query(ProcessInstanceCriteria())] == taken


def test_ids_go_on_after_rows_are_gone(service: Service):
    play.begin(service, play.SIGNAL_CATCH)
    service.execute(SendSignal(name="alarm", worker_id=play.WORKER))
    assert rows(service.config.database_url, "SELECT id FROM signal_subscription") == []
    play.begin(service, play.SIGNAL_CATCH)
    assert rows(service.config.database_url, "SELECT id FROM signal_subscription") == [(2,)]
