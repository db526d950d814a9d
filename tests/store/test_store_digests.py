"""Texts that are too long, together, for an index: their digest stands in it, also for what older versions stored."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.clock import ManualClock
from app.config import Config
from app.criteria import MessageCriteria
from app.service import Service, open_service
from app.store import migrate
from app.store.digest import digest
from app.timer import Timer
from tests.databases import Databases
from tests.store import play
from tests.store.database import connected, rows
from tests.store.migrations import go_to
from tests.store.test_store_migration import with_connection

LONG = 10_000
ROWS = 1_200
"""More than are filled by one statement."""


def hard_to_compress(characters: int, seed: int = 1) -> str:
    """Characters of four bytes each, of which PostgreSQL can't make less."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.randrange(0x20000, 0x2A6D0)) for _ in range(characters))


def test_texts_that_run_together_are_not_the_same():
    assert digest("ab", "c") != digest("a", "bc") != digest("abc", "")
    assert digest("a", "b") == digest("a", "b")
    assert -(2**63) <= digest("ä", "𝄞" * LONG) < 2**63


def test_three_longest_texts_of_a_message_fit(service: Service, clock: ManualClock):
    name, key, unique = (hard_to_compress(255, seed) for seed in (1, 2, 3))
    first = play.send(service, name, key, unique_key=unique, expiration_timer=play.HOUR)
    again = play.send(service, name, key, unique_key=unique, expiration_timer=play.HOUR)
    other = play.send(service, name, key, unique_key=hard_to_compress(255, 4), expiration_timer=play.HOUR)
    assert (again.id, other.id != first.id) == (first.id, True)


def test_a_subscription_with_the_longest_texts_gets_its_message(service: Service):
    name, key = hard_to_compress(255, 1), hard_to_compress(255, 2)
    instance = play.begin(service, play.MESSAGE_CATCH.replace('name="paid"', f'name="{name}"'))
    play.work(service, instance, message_correlation_key=key)
    assert not play.send(service, name, hard_to_compress(255, 3)).correlated
    assert play.send(service, name, key).correlated


def test_keys_of_equal_digest_are_told_apart(service: Service, monkeypatch: pytest.MonkeyPatch):
    for module in ("rows", "transaction"):
        monkeypatch.setattr(f"app.store.{module}.digest", lambda *texts: 7)
    waiting = play.begin(service, play.MESSAGE_CATCH)
    play.work(service, waiting, message_correlation_key="k1")
    sent = [play.send(service, "paid", key, unique_key="u", expiration_timer=play.HOUR) for key in ("k2", "k1", "k2")]
    assert [message.correlated for message in sent] == [False, True, False]
    assert sent[0].id == sent[2].id
    later = play.begin(service, play.MESSAGE_CATCH)
    play.work(service, later, message_correlation_key="k3")
    assert play.send(service, "paid", "k2", unique_key="v").correlated is False


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def first_schema(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database as the first version left it."""
    with databases.fresh(request.param, migrated=False) as url:
        with_connection(url, lambda connection: go_to(connection, "0001"))
        yield url


def insert(url: str, table: str, found: list[dict[str, Any]]) -> None:
    mark: Callable[[str], str] = (lambda name: f":{name}") if url.startswith("sqlite") else (lambda name: f"%({name})s")
    values = ", ".join(mark(name) for name in found[0])
    with connected(url) as connection:
        connection.execute("BEGIN")
        connection.cursor().executemany(f"INSERT INTO {table} ({', '.join(found[0])}) VALUES ({values})", found)
        connection.execute("COMMIT")


def test_what_older_versions_stored_is_found_after_the_migration(first_schema: str, clock: ManualClock):
    now, later = str(clock.now()), str(clock.now() + timedelta(hours=1))
    texts = [(f"n{n}", f"k{n}", None if n % 3 else f"u{n}") for n in range(ROWS)]
    texts.append(("n" * LONG, "k" * LONG, "u" * LONG))
    common = {"created_at": now, "created_by": "w"}
    messages = [
        {"id": id, "name": name, "correlation_key": key, "unique_key": unique, "expires_at": later, "correlated": False}
        for id, (name, key, unique) in enumerate(texts, 1)
    ]
    place = {"partition": str(clock.now().date()), "element_id": 1, "element_instance_id": 1, "process_id": 1}
    place |= {"process_instance_id": 1, "bpmn_element_id": "catch"}
    subscriptions = [
        {"id": id, "name": name, "correlation_key": key} | place for id, (name, key, _) in enumerate(texts, 1)
    ]
    insert(first_schema, "message", [message | common for message in messages])
    insert(first_schema, "message_subscription", [subscription | common for subscription in subscriptions])
    migrate(Config(database_url=first_schema))
    found = rows(first_schema, "SELECT name, correlation_key, digest FROM message_subscription ORDER BY id")
    assert found == [(name, key, digest(name, key)) for name, key, _ in texts]
    found = rows(
        first_schema, "SELECT name, correlation_key, unique_key, digest, unique_digest FROM message ORDER BY id"
    )
    assert found == [
        (name, key, unique, digest(name, key), digest(name, key, unique) if unique else None)
        for name, key, unique in texts
    ]


def test_a_unique_key_of_an_older_version_still_blocks(first_schema: str, clock: ManualClock):
    now, later = str(clock.now()), str(clock.now() + timedelta(days=1))
    message = {"id": 7, "name": "n", "correlation_key": "k" * LONG, "unique_key": "u", "correlated": False}
    insert(first_schema, "message", [message | {"created_at": now, "created_by": "w", "expires_at": later}])
    config = Config(database_url=first_schema, partition_ahead_days=0)
    migrate(config)
    service = open_service(config, clock)
    sent = play.send(service, "n", "k" * LONG, unique_key="u", expiration_timer=Timer(time_duration="PT1H"))
    listed = service.query(MessageCriteria())
    service.close()
    assert (sent.id, [each.id for each in listed]) == (7, [7])
