"""API keys against the real service: created, used in both forms, expired, revoked, and remembered for some seconds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from app.caller import Role
from app.clock import ManualClock
from app.config import Config
from app.errors import EngineError, ErrorKind, unavailable
from app.secret import hash_secret
from app.service import Service, open_service
from app.store import ApiKey
from app.store.dialect import Write
from app.store.keys import INSERT_KEY, row_of_key
from tests.conftest import application
from tests.http.dump import dump
from tests.store.counting import counting_statements

TTL = 10


class Seconds:
    """Stands in for the module `time` where keys are remembered: seconds pass when a test says so."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def module(self) -> SimpleNamespace:
        return SimpleNamespace(monotonic=lambda: self.passed)


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    seconds = Seconds()
    monkeypatch.setattr("app.keys.time", seconds.module())
    return seconds


@pytest.fixture
def config(config: Config) -> Config:
    return replace(config, api_key_cache_ttl=TTL)


@pytest.fixture
def other(config: Config, clock: ManualClock) -> Iterator[Service]:
    """Another process on the same database."""
    other = open_service(config, clock)
    yield other
    other.close()


def ask(client: FlaskClient, authorization: str, path: str = "/jobs/query") -> int:
    response = client.post(path, data="{}", headers={"Authorization": authorization})
    if response.status_code == 401:
        assert (response.data, "Content-Type" in response.headers) == (b"", False)
        challenges = response.headers.getlist("WWW-Authenticate")
        assert challenges == ['Basic realm="py-bpmn"', 'Bearer realm="py-bpmn"']
    return response.status_code


@pytest.mark.parametrize("secret_id", ["a", "a:b", "ключ", "a b", "Bearer"])
def test_a_key_opens_the_service_bare_and_as_bearer(client, service, secret_id):
    key = service.keys.create(secret_id)
    assert [ask(client, form) for form in (key, f"Bearer {key}", f"bearer {key}")] == [200, 200, 200]


def test_a_configured_pair_works_beside_keys(client, service):
    service.keys.create("a")
    assert ask(client, "Basic dGVzdDp0ZXN0") == 200


def test_nothing_else_opens_it_and_unknown_paths_are_as_closed(client, service):
    key = service.keys.create("a")
    secret_id, _, secret = base64.b64decode(key).decode().rpartition(":")
    wrong = [
        "",
        f"Basic {key}",
        f"Token {key}",
        key[:-4],
        secret,
        f"{secret_id}:{secret}",
        *(base64.b64encode(text.encode()).decode() for text in (f"b:{secret}", f"a:{secret}x", "a:", ":", "a", secret)),
    ]
    for form in wrong:
        assert (ask(client, form), ask(client, form, "/nope")) == (401, 401), form
    assert ask(client, key, "/nope") == 404


def test_a_secret_is_stored_as_a_hash_and_is_never_the_same_twice(config, service):
    keys = [service.keys.create(secret_id) for secret_id in ("a", "b")]
    secrets = [base64.b64decode(key).decode().rpartition(":")[2] for key in keys]
    assert secrets[0] != secrets[1]
    assert all(len(secret) >= 32 for secret in secrets)
    stored = repr(dump(config.database_url)["api_key"])
    assert not any(secret in stored for secret in secrets)


def test_keys_are_listed_in_the_order_they_were_created(service, clock):
    service.keys.create("b")
    service.keys.create("a", clock.now() + timedelta(days=1))
    listed = service.keys.listed()
    assert [(key.secret_id, key.expires_at) for key in listed] == [("b", None), ("a", clock.now() + timedelta(days=1))]
    assert all(abs(key.created_at - clock.now()) < timedelta(seconds=1) for key in listed)


def test_an_id_is_taken_until_its_key_is_revoked(client, service):
    old = service.keys.create("a")
    with pytest.raises(EngineError) as refused:
        service.keys.create("a")
    assert refused.value.kind is ErrorKind.CONFLICT
    service.keys.revoke("a")
    new = service.keys.create("a")
    assert (ask(client, old), ask(client, new)) == (401, 200)


def test_an_unknown_key_can_not_be_revoked(service):
    with pytest.raises(EngineError) as refused:
        service.keys.revoke("a")
    assert refused.value.kind is ErrorKind.NOT_FOUND


def test_a_key_expires_at_its_time_even_while_it_is_remembered(client, service, clock, seconds):
    key = service.keys.create("a", clock.now() + timedelta(minutes=1))
    clock.advance(timedelta(seconds=58))
    assert ask(client, key) == 200
    clock.advance(timedelta(seconds=4))
    assert ask(client, key) == 401


def test_moving_engine_time_does_not_make_keys_expire(client, service, clock, seconds):
    key = service.keys.create("a", clock.now() + timedelta(hours=1))
    moved = client.patch("/time", data='{"timeDuration":"P1Y"}', headers={"Authorization": key})
    seconds.passed += TTL + 1
    assert (moved.status_code, ask(client, key)) == (200, 200)


def test_a_revoked_key_is_refused_at_once_by_the_process_that_revoked_it(client, service, seconds):
    key = service.keys.create("a")
    assert ask(client, key) == 200
    service.keys.revoke("a")
    assert ask(client, key) == 401


def test_another_process_accepts_a_revoked_key_for_the_seconds_it_remembers_it(service, other, seconds):
    key = service.keys.create("a")
    client = application(other).test_client()
    assert ask(client, key) == 200
    service.keys.revoke("a")
    seconds.passed += TTL - 1
    assert ask(client, key) == 200
    seconds.passed += 2
    assert ask(client, key) == 401


@pytest.fixture
def lookups(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the keys that the database was asked for."""
    asked: list[str] = []
    find = service._store.find_api_key

    def noting(secret_id: str) -> Any:
        asked.append(secret_id)
        return find(secret_id)

    monkeypatch.setattr(service._store, "find_api_key", noting)
    return asked


def encoded(secret_id: str, secret: str) -> str:
    return base64.b64encode(f"{secret_id}:{secret}".encode()).decode()


def test_a_valid_key_is_looked_up_once_in_a_while(client, service, seconds, lookups):
    key = service.keys.create("a")
    assert [ask(client, key) for _ in range(5)] == [200] * 5
    assert lookups == ["a"]
    seconds.passed += TTL + 1
    assert (ask(client, key), lookups) == (200, ["a", "a"])


def test_wrong_keys_take_no_memory_and_push_no_valid_key_out(client, service, lookups, monkeypatch):
    monkeypatch.setattr("app.keys.MOST_REMEMBERED", 2)
    key = service.keys.create("a")
    assert ask(client, key) == 200
    lookups.clear()
    for number in range(50):
        assert ask(client, encoded(f"{number}" * 500, "x")) == 401
        assert ask(client, encoded("a", f"{number}")) == 401
    assert len(service.keys._valid) == 1
    lookups.clear()
    assert (ask(client, key), lookups) == (200, [])


def test_a_key_that_was_wrong_is_valid_as_soon_as_it_is_created(client, service, other, seconds, monkeypatch):
    monkeypatch.setattr("app.secret.new_secret", lambda: "foreseen")
    assert ask(client, encoded("a", "foreseen")) == 401
    other.keys.create("a")
    assert ask(client, encoded("a", "foreseen")) == 200


def test_a_key_of_the_same_id_takes_the_place_of_a_revoked_one_at_once(client, service, other, seconds):
    """Also where the old one is still remembered."""
    old = service.keys.create("a")
    assert ask(client, old) == 200
    other.keys.revoke("a")
    assert ask(client, other.keys.create("a")) == 200


def test_valid_keys_are_remembered_up_to_a_number(client, service, lookups, monkeypatch):
    monkeypatch.setattr("app.keys.MOST_REMEMBERED", 2)
    keys = [service.keys.create(secret_id) for secret_id in "abc"]
    assert [ask(client, key) for key in keys] == [200, 200, 200]
    assert len(service.keys._valid) == 2
    lookups.clear()
    assert [ask(client, key) for key in (keys[2], keys[1], keys[0])] == [200, 200, 200]
    assert lookups == ["a"]


def test_what_is_remembered_does_not_depend_on_the_length_of_the_id(client, service):
    key = service.keys.create("x" * 255)
    assert ask(client, key) == 200
    (known,) = service.keys._valid
    assert len(known) == 32


def test_an_id_has_at_most_255_characters(client, service):
    longest = "".join(chr(0x20000 + number) for number in range(255))
    assert ask(client, service.keys.create(longest)) == 200
    with pytest.raises(EngineError, match="256 characters") as refused:
        service.keys.create(longest + "x")
    assert refused.value.kind is ErrorKind.VALIDATION


def test_a_longer_id_of_an_older_version_stays_valid(client, service):
    stored = ApiKey("x" * 400, hash_secret("s"), service.now(), id=1)
    with service._store.begin() as tx:
        tx.along(Write(INSERT_KEY, [row_of_key(stored)]))
    assert ask(client, encoded("x" * 400, "s")) == 200


class TestWithoutMemory:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, api_key_cache_ttl=0)

    def test_a_revoked_key_is_refused_at_once_everywhere(self, service, other):
        key = service.keys.create("a")
        client = application(other).test_client()
        assert ask(client, key) == 200
        service.keys.revoke("a")
        assert ask(client, key) == 401


BASIC = {"Authorization": "Basic dGVzdDp0ZXN0"}


def send(client: FlaskClient, method: str, path: str, **body: Any) -> Any:
    return client.open(path, method=method, json=body, headers=BASIC)


def test_a_key_is_made_listed_and_revoked_over_http(client, service):
    made = send(client, "POST", "/api-keys", secretId="shop", roles=["WORKER"], description="shop", workerId="ada")
    assert made.status_code == 201
    shown = made.get_json()
    authorization = shown.pop("authorization")
    assert ask(client, authorization) == 200
    assert {**shown, "createdAt": ""} == {
        "id": shown["id"],
        "secretId": "shop",
        "roles": ["WORKER"],
        "description": "shop",
        "createdAt": "",
        "createdBy": "ada",
    }
    assert send(client, "POST", "/api-keys/query").get_json()["results"] == [shown]
    assert authorization not in send(client, "POST", "/api-keys/query").get_data(as_text=True)
    again = send(client, "POST", "/api-keys", secretId="shop", roles=["READER"], workerId="ada")
    assert (again.status_code, again.get_json()["type"]) == (409, "CONFLICT")
    assert send(client, "PATCH", f"/api-keys/{shown['id']}/revoke", workerId="ada").status_code == 204
    assert ask(client, authorization) == 401
    assert send(client, "PATCH", f"/api-keys/{shown['id']}/revoke", workerId="ada").status_code == 404


def test_an_id_of_a_key_does_not_come_again(client, service):
    first = send(client, "POST", "/api-keys", secretId="a", roles=["READER"], workerId="ada").get_json()["id"]
    send(client, "PATCH", f"/api-keys/{first}/revoke", workerId="ada")
    assert send(client, "POST", "/api-keys", secretId="a", roles=["READER"], workerId="ada").get_json()["id"] > first


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"secretId": " "}, "#/secretId"),
        ({"roles": []}, "#/roles"),
        ({"roles": ["READER", "READER"]}, "#/roles"),
        ({"bpmnProcessIds": ["a", "b*c"]}, "#/bpmnProcessIds/1"),
        ({"bpmnProcessIds": [""]}, "#/bpmnProcessIds/0"),
        ({"bpmnProcessIds": []}, "#/bpmnProcessIds"),
    ],
)
def test_a_key_that_can_not_be_meant_is_refused(client, service, wrong, pointer):
    body = {"secretId": "a", "roles": ["READER"], "workerId": "ada"} | wrong
    refused = send(client, "POST", "/api-keys", **body)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (400, pointer)
    past = {"secretId": "a", "roles": ["READER"], "workerId": "ada", "expiresAt": "2020-01-01T00:00:00Z"}
    assert send(client, "POST", "/api-keys", **past).get_json()["type"] == "VALIDATION"
    assert service.keys.listed() == []


class TestKeysByCommandOnly:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, api_keys_over_http=False)

    def test_nobody_makes_or_sees_keys_over_http(self, client, service):
        service.keys.create("a")
        for method, path in (("POST", "/api-keys"), ("POST", "/api-keys/query"), ("PATCH", "/api-keys/1/revoke")):
            refused = send(client, method, path)
            assert (refused.status_code, refused.data) == (403, b"")
            assert refused.headers["X-Hint"] == "BPMN_API_KEYS_OVER_HTTP is false"
        assert len(service.keys.listed()) == 1


def test_the_use_of_keys_is_noted_to_the_minute_and_no_request_waits_for_it(client, service, clock, lookups):
    keys = [service.keys.create(secret_id) for secret_id in ("used", "unused")]
    (chore,) = [each for each in service.chores if each.name == "note the use of API keys"]
    with counting_statements() as count:
        assert [ask(client, keys[0], "/nope") for _ in range(3)] == [404] * 3
    assert count.statements <= 1, "one to look the key up"
    before = service.keys._now()
    chore.do_when_due()
    used, unused = service.keys.listed()
    assert unused.last_used_at is None
    assert used.last_used_at is not None
    assert (used.last_used_at.second, used.last_used_at.microsecond) == (0, 0)
    assert timedelta(0) <= before - used.last_used_at < timedelta(minutes=1, seconds=1)
    chore._due = 0.0
    with counting_statements() as count:
        chore.do_when_due()
    assert count.statements == 0


def test_the_use_of_a_key_is_not_forgotten_while_the_database_is_away(client, service, monkeypatch):
    key = service.keys.create("a")
    assert ask(client, key) == 200

    def fail(*_: Any) -> None:
        raise unavailable("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(service._store, "note_use", fail)
        with pytest.raises(EngineError):
            service.keys.note_use()
    service.keys.note_use()
    assert service.keys.listed()[0].last_used_at


def test_what_a_key_may_do_is_remembered_with_it(client, service, other, seconds):
    key = service.keys.create("a", roles=frozenset({Role.READER}))
    assert (ask(client, key), ask(client, key, "/jobs/lock")) == (200, 403)
    assert (ask(client, key), ask(client, key, "/jobs/lock")) == (200, 403)


def test_keys_that_were_made_before_there_were_roles_may_do_everything(client, service, config):
    key = service.keys.create("a")
    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO api_key (id, secret_id, secret_hash, created_at) "
            "SELECT id + 1000, 'old', secret_hash, created_at FROM api_key"
        )
    engine.dispose()
    secret = base64.b64decode(key).decode().rpartition(":")[2]
    old = service.keys.grant("old", secret)
    assert (old.roles, old.scope) == ({Role.ADMIN}, None)
