"""The service behind PgBouncer in transaction mode, for real; no part of the tests, since it needs the program.

`make pooler` runs it (on Debian: apt-get install pgbouncer).
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import NamedTuple
from urllib.parse import unquote

import psycopg
import pytest
from sqlalchemy import text

from app.cli import main
from app.clock import ManualClock
from app.service import Service, open_service
from app.store.dialect import Execution
from tests.conftest import application, configured
from tests.databases import Databases, plain
from tests.http.models import SERVICE, USER_TASK
from tests.http.talk import Api, key
from tests.http_worker.serving import free_port, serving

SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 500
server_reset_query_always = 0
{more}
"""
SESSIONS = 3
"""Fewer than there are threads, so that they change sessions all the time."""


VARIABLES = [{"name": "a", "data": {"encoding": "text", "value": "1"}}]


class Pooled(NamedTuple):
    url: str
    direct: str


@contextmanager
def pgbouncer(direct: str, folder: Path, more: str = "") -> Iterator[str]:
    """The address of the database behind a pooler."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    assert os.access(program, os.X_OK), "pgbouncer is needed: apt-get install pgbouncer"
    info = psycopg.conninfo.conninfo_to_dict(plain(direct))
    listen, host = free_port(), unquote(str(info.get("host", "127.0.0.1")))
    settings = SETTINGS.format(
        host=host,
        port=info.get("port", 5432),
        user=info["user"],
        listen=listen,
        sessions=SESSIONS,
        more=more,
    )
    (folder / "pgbouncer.ini").write_text(settings)
    command = [program, "pgbouncer.ini"]
    if os.getuid() == 0:
        # It refuses to be root, and must find the socket of the server.
        user = pwd.getpwuid(os.stat(host).st_uid) if host.startswith("/") else pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        command = [program, "-u", user.pw_name, "pgbouncer.ini"]
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            assert process.poll() is None, (folder / "pgbouncer.log").read_text()
            assert time.monotonic() < deadline
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", listen)) == 0:
                    break
            time.sleep(0.05)
        yield f"postgresql+psycopg://{info['user']}@127.0.0.1:{listen}/{info['dbname']}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def direct(databases: Databases) -> Iterator[str]:
    with databases.fresh("postgres") as url:
        yield url


@pytest.fixture
def pooled(direct: str, tmp_path: Path) -> Iterator[Pooled]:
    with pgbouncer(direct, tmp_path) as url:
        yield Pooled(url, direct)


@pytest.fixture
def service(pooled: Pooled, clock: ManualClock) -> Iterator[Service]:
    config = replace(configured(pooled.url), database_direct_url=pooled.direct, http_threads=8, database_pool_size=12)
    service = open_service(config, clock)
    yield service
    service.close()


def test_instances_run_through_changing_sessions(service: Service, clock: ManualClock):
    api = Api(application(service).test_client())
    api.deploy(SERVICE)
    api.deploy(USER_TASK.replace('process id="p"', 'process id="human"'), process="human")
    failures: list[BaseException] = []

    def play(number: int) -> None:
        try:
            mine = Api(application(service).test_client())
            for _ in range(20):
                instance = mine.start()
                mine.work(
                    instance=instance, processVariables=[{"name": "a", "data": {"encoding": "text", "value": "1"}}]
                )
                [found] = mine.query("process-instances", partition=instance["partition"], id=instance["id"])
                assert found["state"] == "COMPLETED"
        except BaseException as error:
            failures.append(error)

    threads = [Thread(target=play, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    api.work(instance=api.start(), error="declined")
    [incident] = api.query("incidents")
    api.patch(f"/incidents/{key(incident)}/resolve", workerId="w1")
    new = {"bpmnProcessId": "p", "version": "1"}
    api.post("/process-instances/batch", workerId="w1", processInstances=[new] * 10)
    # Days come and go by connections of their own.
    clock.advance(timedelta(days=3))
    assert api.execute_tasks()["failedTasks"] == []


def test_each_transaction_has_the_settings_of_ours(service: Service):
    with service._store.begin() as tx:
        names = ("enable_seqscan", "statement_timeout", "timezone")
        ask = text(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}")
        for _ in range(5):
            assert tx._session.run(Execution(ask)) == [[("off", "30s", "UTC")]]


def test_the_service_starts_serves_and_waits_behind_it(pooled: Pooled, tmp_path: Path):
    folder = tmp_path / "service"
    folder.mkdir()
    options = {"BPMN_DATABASE_DIRECT_URL": pooled.direct, "BPMN_TASK_EXECUTOR_ENABLED": "true"}
    with serving(pooled.url, folder, **options) as served:
        assert served.post("/jobs/lock", b'{"workerId": "w", "waitTimeout": "PT1S"}').status == 200
        assert served.get("/health").status == 200
        assert served.stop() == 0
        assert not [line for line in served.log if " ERROR " in line or "Traceback" in line]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "it is a pooler such as PgBouncer: set BPMN_DATABASE_DIRECT_URL"),
        ("ignore_startup_parameters = options", "through this pooler, which ignores how sessions are to be set"),
    ],
)
def test_without_the_direct_address_it_is_refused_with_what_helps(
    direct: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: str,
    words: str,
):
    with pgbouncer(direct, tmp_path, more) as url:
        monkeypatch.setenv("BPMN_DATABASE_URL", url)
        monkeypatch.setenv("BPMN_AUTH_MODE", "none")
        monkeypatch.setenv("BPMN_HTTP_BIND_ADDRESS", "127.0.0.1:0")
        assert main(["serve"]) == 1
    error = capsys.readouterr().err
    assert words in error and "BPMN_DATABASE_DIRECT_URL" in error


def test_migrating_goes_past_it(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with databases.fresh("postgres", migrated=False) as direct, pgbouncer(direct, tmp_path) as url:
        monkeypatch.setenv("BPMN_DATABASE_URL", url)
        monkeypatch.setenv("BPMN_DATABASE_DIRECT_URL", direct)
        assert main(["migrate"]) == 0
        assert main(["api-key", "create", "--secret-id", "a"]) == 0
