"""Starts that are to be unique, at once: of those with one correlation key, one makes an instance."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from app.commands.instance import CancelProcessInstance, CreateProcessInstance, OnConflict
from app.config import Config
from app.engine.records import ProcessInstance
from app.errors import EngineError
from app.service import Service
from tests.races.held import Held, InBackground, wait_for_a_lock
from tests.store import play
from tests.store.database import require_sound, value
from tests.store.together import failures, in_threads

ROUNDS = 10
RETURN: dict[str, Any] = {"unique_correlation_key": True, "on_conflict": OnConflict.RETURN}
FAIL: dict[str, Any] = {"unique_correlation_key": True}
LIMITED = play.model("start -> a -> end", process_id="limited")


def start(service: Service, key: str, **options: Any) -> ProcessInstance:
    return play.start(service, "limited", correlation_key=key, **options)


@pytest.mark.parametrize("parallelism", [0, 1])
def test_of_starts_at_once_one_makes_an_instance_and_all_get_it(
    config: Config, service: Service, other: Service, parallelism: int
):
    """Under a limit, too, where all but the first instance are queued."""
    play.deploy(service, LIMITED, parallelism=parallelism)
    for number in range(ROUNDS):
        found = in_threads(*[partial(start, each, f"k{number}", **RETURN) for each in (service, other) * 2])
        assert failures(found) == []
        assert len({instance.id for instance in found}) == 1
        assert sorted(instance.existing for instance in found) == [False, True, True, True]
    assert value(config.database_url, "SELECT count(*) FROM process_instance") == ROUNDS
    require_sound(config.database_url)


def test_of_starts_at_once_all_others_are_told_of_the_one(config: Config, service: Service, other: Service):
    play.deploy(service, LIMITED)
    for number in range(ROUNDS):
        found = in_threads(*[partial(start, each, f"k{number}", **FAIL) for each in (service, other)])
        (refused,) = failures(found)
        (created,) = [each for each in found if isinstance(each, ProcessInstance)]
        assert isinstance(refused, EngineError)
        assert refused.existing == (created.partition, created.id)
    assert value(config.database_url, "SELECT count(*) FROM process_instance") == ROUNDS


def test_batches_at_once_start_each_key_once(config: Config, service: Service, other: Service):
    play.deploy(service, LIMITED)
    keys = [f"k{number}" for number in range(ROUNDS)]

    def batch(of: Service, order: list[str]) -> list[Any]:
        commands = [
            CreateProcessInstance(bpmn_process_id="limited", worker_id=play.WORKER, correlation_key=key, **RETURN)
            for key in order
        ]
        return of.execute_each(commands)

    one, two = in_threads(partial(batch, service, keys + keys), partial(batch, other, keys[::-1]))
    assert failures([*one, *two]) == []
    for key in keys:
        assert len({instance.id for instance in [*one, *two] if instance.correlation_key == key}) == 1
    assert value(config.database_url, "SELECT count(*) FROM process_instance") == ROUNDS


def test_a_start_and_the_end_of_the_one_before_are_as_good_as_one_after_the_other(
    config: Config, service: Service, other: Service
):
    play.deploy(service, LIMITED)
    for number in range(ROUNDS):
        key = f"k{number}"
        first = start(service, key, **FAIL)
        cancel = CancelProcessInstance(partition=first.partition, id=first.id, worker_id=play.WORKER)
        outcomes = in_threads(partial(service.execute, cancel), partial(start, other, key, **RETURN))
        assert failures(outcomes) == []
        found: ProcessInstance = outcomes[1]
        assert found.existing is (found.id == first.id)
        is_open = f"SELECT count(*) FROM process_instance WHERE correlation_key = '{key}' AND ended_at IS NULL"
        assert value(config.database_url, is_open) == (not found.existing)
    require_sound(config.database_url)


def test_who_is_second_waits_for_what_becomes_of_the_first(postgres: Service, monkeypatch: pytest.MonkeyPatch):
    url = postgres.config.database_url
    play.deploy(postgres, LIMITED)
    for key in ("commits", "rolls back"):
        first = Held(monkeypatch, partial(start, postgres, key, **RETURN))
        second = InBackground(partial(start, postgres, key, **RETURN))
        wait_for_a_lock(url, second)
        # Nobody else has to.
        assert not start(postgres, f"other than {key}", **FAIL).existing
        if key == "commits":
            created = first.commits()
            assert (created.existing, second.result().id) == (False, created.id)
        else:
            first.rolls_back()
            assert not second.result().existing
        assert value(url, f"SELECT count(*) FROM process_instance WHERE correlation_key = '{key}'") == 1
