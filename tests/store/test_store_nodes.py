"""Service processes know of each other by their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.config import Config
from app.nodes import REMEMBERED, Heart
from app.service import Service, open_service
from app.store.nodes import ALIVE
from tests.store.database import value


@pytest.fixture
def other(config: Config, clock: ManualClock, service: Service) -> Iterator[Service]:
    """A second service on the database of `service`."""
    other = open_service(config, clock)
    yield other
    other.close()


def test_a_process_that_beats_has_one_row_that_tells_who_it_is(service: Service, clock: ManualClock, config: Config):
    service.nodes.beat()
    started = clock.now()
    clock.advance(timedelta(seconds=10))
    service.nodes.note_executor()
    clock.advance(timedelta(seconds=1))
    service.nodes.beat()
    [node] = service.nodes.find()
    assert (node.engine_id, node.pid, node.executor) == (config.engine_id, os.getpid(), False)
    assert node.host
    assert node.version
    assert (node.started_at, node.last_seen) == (started, started + timedelta(seconds=11))
    assert node.executor_seen == started + timedelta(seconds=10)
    assert node.waits_since is None


def test_processes_know_of_those_that_are_alive(service: Service, other: Service, clock: ManualClock):
    first = service.nodes.beat()
    second = other.nodes.beat()
    assert [each.id for each in other.nodes.others] == [first.id]
    assert service.nodes.others == ()
    service.nodes.beat()
    assert [each.id for each in service.nodes.others] == [second.id]
    clock.advance(ALIVE)
    service.nodes.beat()
    assert [each.id for each in service.nodes.others] == [second.id]
    clock.advance(timedelta(milliseconds=1))
    service.nodes.beat()
    assert service.nodes.others == ()


def test_the_row_of_a_dead_process_goes_after_an_hour(service: Service, other: Service, clock: ManualClock):
    other.nodes.beat()
    clock.advance(REMEMBERED)
    own = service.nodes.beat()
    assert len(service.nodes.find()) == 2
    clock.advance(timedelta(seconds=1))
    service.nodes.beat()
    assert [each.id for each in service.nodes.find()] == [own.id]


def test_a_process_that_was_taken_for_dead_has_its_row_again(service: Service, other: Service, clock: ManualClock):
    own = other.nodes.beat()
    clock.advance(2 * REMEMBERED)
    service.nodes.beat()
    other.nodes.beat()
    [node] = [each for each in service.nodes.find() if each.id == own.id]
    assert node.started_at == own.started_at


def test_a_heart_beats_before_the_service_serves_and_the_row_goes_when_that_is_closed(service: Service, config: Config):
    heart = Heart(service.nodes)
    heart.start()
    assert len(service.nodes.find()) == 1
    heart.stop()
    service.close()
    assert value(config.database_url, "SELECT count(*) FROM node") == 0


def test_leaving_without_a_row_touches_nothing(service: Service, config: Config):
    service.nodes.leave()
    assert value(config.database_url, "SELECT count(*) FROM node") == 0
