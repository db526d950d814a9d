"""GET /health, and `py-bpmn check`, which shows the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.cli import main
from app.clock import ManualClock
from app.crypto import Cipher, new_key
from app.errors import unavailable
from app.service import Service
from tests.http.models import SERVICE
from tests.http.talk import BASIC, Api


def findings(client: FlaskClient) -> dict[str, dict[str, Any]]:
    """The findings by their code."""
    answer = client.get("/health", headers=BASIC)
    assert answer.status_code == 200
    body = answer.get_json()
    found = {finding["code"]: finding for finding in body["findings"]}
    assert len(found) == len(body["findings"])
    assert body["status"] == body["findings"][0]["level"]
    return found


def test_health_tells_what_was_looked_at_and_of_the_processes(service: Service, client: FlaskClient):
    service.nodes.beat()
    body = client.get("/health", headers=BASIC).get_json()
    [node] = body["nodes"]
    assert node["engineId"] == "default-engine" and node["executor"] is False
    found = findings(client)
    assert found["database"]["level"] == found["schema"]["level"] == found["nodes"]["level"] == "OK"
    assert found["executor"]["level"] == "ERROR"
    assert ("disk" in found) is service.config.is_sqlite
    assert ("days" in found) is not service.config.is_sqlite


def test_what_is_open_and_late_is_told(api: Api, client: FlaskClient, clock: ManualClock):
    api.deploy(SERVICE)
    api.work(instance=api.start(), error="declined")
    api.start()
    api.lock(limit=1)
    api.start()
    clock.advance(timedelta(hours=2))
    found = findings(client)
    assert found["incidents"]["detail"] == "p: 1"
    assert found["jobs"]["detail"] == "1 job waiting, the first one for 2h"
    assert found["locks"]["detail"].startswith("1 job, the first one for ")


def test_leases_that_nobody_ends_are_told(service: Service, api: Api, client: FlaskClient, clock: ManualClock):
    api.deploy(SERVICE)
    api.start()
    api.lock(lockTimeout="PT1M")
    clock.advance(timedelta(minutes=5))
    assert findings(client)["leases"]["level"] == "WARN"


def test_values_whose_key_is_missing_are_told(service: Service, api: Api, client: FlaskClient):
    api.deploy(SERVICE)
    api.start(variables=[{"name": "a", "data": {"encoding": "text", "encrypted": True, "value": "secret"}}])
    assert findings(client)["encryption"]["level"] == "OK"
    service._options.cipher = Cipher([new_key()])
    assert findings(client)["encryption"]["detail"] == "1 of the newest 1 encrypted ones"


def test_a_database_that_is_away_is_a_finding(service: Service, client: FlaskClient, monkeypatch: pytest.MonkeyPatch):
    def fail() -> Any:
        raise unavailable("the database can't be reached")

    monkeypatch.setattr(service, "facts", fail)
    assert findings(client)["database"]["detail"] == "the database can't be reached"


def test_credentials_are_needed(client: FlaskClient):
    assert client.get("/health").status_code == 401


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def served(application: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class TestCheck:
    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
        monkeypatch.setattr("app.logs.set_up", lambda *_: None)
        monkeypatch.setenv("BPMN_DATABASE_URL", database_url)

    def test_the_database_is_looked_at_without_a_service(
        self, api: Api, capsys: pytest.CaptureFixture[str], service: Service
    ):
        api.deploy(SERVICE)
        api.work(instance=api.start(), error="declined")
        assert main(["check"]) == 2
        first, hint, *lines = capsys.readouterr().out.splitlines()
        assert first.startswith("ERROR  No executor looks for due tasks")
        assert hint.strip().startswith("-> run py-bpmn serve")
        assert "WARN   1 incident open: p: 1" in lines
        assert len(lines) < 24

    @pytest.mark.parametrize(("status", "code"), [("OK", 0), ("WARN", 1), ("ERROR", 2)])
    def test_the_exit_code_is_that_of_the_worst_finding(self, monkeypatch: pytest.MonkeyPatch, status: str, code: int):
        found = {"status": status, "findings": [], "nodes": []}
        monkeypatch.setattr("app.check.local", lambda config: found)
        assert main(["check"]) == main(["check", "--json"]) == code

    def test_a_service_is_asked_with_a_key(
        self, service: Service, api: Api, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ):
        service.nodes.note_executor()
        service.nodes.beat()
        (tmp_path / "key").write_text(service.keys.create("monitor") + "\n")
        with served(api._client.application) as url:
            main(["check", "--json", "--url", f"{url}/", "--key-file", str(tmp_path / "key")])
        found = json.loads(capsys.readouterr().out)
        assert [finding["code"] for finding in found["findings"]].count("database") == 1
        assert found["nodes"]

    def test_what_can_not_be_asked_is_told(
        self, api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        assert main(["check", "--url", "http://127.0.0.1:1"]) == 2
        assert main(["check", "--url", "http://127.0.0.1:port"]) == 2
        assert "http://127.0.0.1:1 does not answer: " in capsys.readouterr().out
        assert main(["check", "--url", "http://ada:secret@127.0.0.1:1"]) == 2
        assert "secret" not in capsys.readouterr().out
        assert main(["check", "--url", "http://127.0.0.1:1", "--key-file", "missing"]) == 2
        assert "missing can't be read: No such file" in capsys.readouterr().out
        monkeypatch.setenv("BPMN_HTTP_BASIC_AUTH_USERNAME", "test")
        monkeypatch.setenv("BPMN_HTTP_BASIC_AUTH_PASSWORD", "wrong")
        with served(api._client.application) as url:
            assert main(["check", "--url", url]) == 2
        assert f"{url} answered 401" in capsys.readouterr().out

    def test_what_keeps_the_database_from_being_read_is_told(
        self, service: Service, database_url: str, capsys: pytest.CaptureFixture[str]
    ):
        engine = create_engine(database_url)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE node RENAME TO away"))
        try:
            assert main(["check"]) == 2
        finally:
            with engine.begin() as connection:
                connection.execute(text("ALTER TABLE away RENAME TO node"))
            engine.dispose()
        shown = capsys.readouterr().out
        assert "The database can't be read" in shown
        assert "Traceback" not in shown

    def test_tables_of_a_newer_version_are_not_to_be_migrated(
        self, service: Service, database_url: str, capsys: pytest.CaptureFixture[str]
    ):
        engine = create_engine(database_url)
        with engine.begin() as connection:
            before = connection.scalar(text("SELECT version_num FROM alembic_version"))
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        try:
            assert main(["check"]) == 2
        finally:
            with engine.begin() as connection:
                connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": before})
            engine.dispose()
        shown = capsys.readouterr().out
        assert "-> use the version of py-bpmn that has migrated the database" in shown
        assert "py-bpmn migrate" not in shown

    def test_a_database_without_tables_and_one_that_is_not_there_are_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ):
        monkeypatch.setenv("BPMN_DATABASE_URL", f"sqlite:///{tmp_path}/bpmn.db")
        assert main(["check"]) == 2
        assert "there is no database" in capsys.readouterr().out
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "bpmn.db").touch()
        assert main(["check"]) == 2
        assert "-> py-bpmn migrate" in capsys.readouterr().out
