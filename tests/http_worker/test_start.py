"""A service that can't start says so once; one that was there before waits for its database."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import serve
from app.config import Config
from app.errors import conflict, unavailable
from app.serve import Application
from tests.databases import Databases
from tests.http_worker.serving import PATIENCE, SERVE, Relay, Served, gunicorn, serving


class Folder:
    """The way to a SQLite database, which can be cut and mended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._path = Path(url.removeprefix("sqlite:///")).parent
        self._away = self._path.with_name(f"{self._path.name}-away")

    def cut(self) -> None:
        self._path.rename(self._away)

    def mend(self) -> None:
        self._away.rename(self._path)


@pytest.fixture
def way(database_url: str) -> Iterator[Folder | Relay]:
    way = Folder(database_url) if database_url.startswith("sqlite") else Relay(database_url)
    yield way
    if isinstance(way, Relay):
        way.cut()


def kill_worker(served: Served) -> None:
    [worker] = served.workers
    os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize("program", ["serve", "gunicorn"])
def test_a_process_that_starts_while_the_database_is_away_waits_for_it(
    way: Folder | Relay, tmp_path: Path, program: str
):
    command = SERVE if program == "serve" else gunicorn("app.wsgi")
    with serving(way.url, tmp_path, program=command) as served:
        way.cut()
        kill_worker(served)
        ready = served.until_status("/readiness", 503)
        while ready.body != b"server is not ready: the database can't be reached\n":
            ready = served.until_status("/readiness", 503)
        assert served.get("/healthz").body == b"ok"
        for _ in range(3):
            answer = served.post("/jobs/query")
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert answer.problem["type"] == "UNAVAILABLE"
            assert answer.problem["detail"] == "the service is not ready: the database can't be reached"
        way.mend()
        served.until_status("/readiness", 200)
        assert served.post("/jobs/query").status == 200
        assert sum("waiting for the database" in line for line in served.log) == 1
        assert not any("Traceback" in line for line in served.log)


@pytest.mark.sqlite
def test_a_process_that_can_never_start_ends_the_service_with_one_line(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served:
        with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
            connection.execute("INSERT OR REPLACE INTO engine_clock (id, offset_ms) VALUES (1, 1000)")
        connection.close()
        kill_worker(served)
        assert served.process.wait(PATIENCE) == serve.BOOT_ERROR
        [line] = [line for line in served.log if "can't start" in line]
        assert "BPMN_SET_TIME_ENABLED" in line
        assert not any("Traceback" in line for line in served.log)


@pytest.mark.sqlite
def test_gunicorn_ends_with_one_line_when_the_configuration_is_wrong(sqlite_url: str, tmp_path: Path):
    options = {"program": gunicorn("app.wsgi"), "ready": False, "BPMN_HTTP_THREADS": "none", "BPMN_ENGINE_ID": ""}
    with serving(sqlite_url, tmp_path, **options) as served:
        assert served.process.wait(PATIENCE) == serve.BOOT_ERROR
        [line] = [line for line in served.log if "can't start" in line]
        assert "BPMN_ENGINE_ID: " in line
        assert "BPMN_HTTP_THREADS: " in line


@pytest.mark.sqlite
def test_a_port_that_is_in_use_is_said_once(sqlite_url: str, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with serving(sqlite_url, tmp_path, ready=False, BPMN_HTTP_BIND_ADDRESS=address) as served:
            assert served.process.wait(PATIENCE) == 1
            assert served.log == [
                f"error: BPMN_HTTP_BIND_ADDRESS {address} can't be used: another process listens there"
            ]


@pytest.mark.sqlite
def test_a_host_that_is_not_here_is_said_once(sqlite_url: str, tmp_path: Path):
    options = {"BPMN_HTTP_BIND_ADDRESS": "192.0.2.1:0", "BPMN_HTTP_BASIC_AUTH_USERNAME": "a"}
    options |= {"BPMN_HTTP_BASIC_AUTH_PASSWORD": "a", "BPMN_AUTH_MODE": "required"}
    with serving(sqlite_url, tmp_path, ready=False, **options) as served:
        assert served.process.wait(PATIENCE) == 1
        [line] = served.log
        assert line.startswith("error: BPMN_HTTP_BIND_ADDRESS 192.0.2.1:0 can't be used: ")


@pytest.mark.sqlite
class TestTries:
    @pytest.fixture
    def ended(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
        """The codes with which the process would have ended."""
        ended: list[int] = []
        monkeypatch.setattr(serve.os, "_exit", ended.append)
        monkeypatch.setattr(serve, "_pauses", lambda: iter([0.0] * 100))
        yield ended

    def application(self, url: str, *outcomes: Exception | None, after_the_first: threading.Event | None = None):
        left = list(outcomes)

        def prepare() -> None:
            if after_the_first is not None and len(left) < len(outcomes):
                after_the_first.wait(PATIENCE)
            outcome = left.pop(0)
            if outcome is not None:
                raise outcome

        return Application(Config(database_url=url, task_executor_enabled=False), prepare)

    def test_it_is_tried_again_until_the_database_is_there(
        self, sqlite_url: str, ended: list[int], caplog: pytest.LogCaptureFixture
    ):
        away = unavailable("away")
        application = self.application(sqlite_url, away, away, away, None)
        application.start()
        while not application.begin_to_stop():
            assert not ended
            time.sleep(0.01)
        application.stop()
        assert [record.levelname for record in caplog.records if record.name == "app.serve"] == ["WARNING"]

    def test_what_waiting_does_not_help_ends_the_process(
        self, sqlite_url: str, ended: list[int], caplog: pytest.LogCaptureFixture
    ):
        application = self.application(sqlite_url, conflict("the clock was moved"))
        with pytest.raises(SystemExit) as exit:
            application.start()
        assert (exit.value.code, ended) == (serve.BOOT_ERROR, [])
        [record] = [record for record in caplog.records if record.name == "app.serve"]
        assert (record.levelname, record.exc_info) == ("ERROR", None)
        assert record.getMessage() == "the service can't start: the clock was moved"

    def test_what_turns_out_later_not_to_be_helped_ends_it_too(self, sqlite_url: str, ended: list[int]):
        goes_on = threading.Event()
        outcomes = unavailable("away"), conflict("the clock was moved")
        self.application(sqlite_url, *outcomes, after_the_first=goes_on).start()
        assert not ended
        goes_on.set()
        while not ended:
            time.sleep(0.01)
        assert ended == [serve.BOOT_ERROR]

    def test_what_is_unexpected_is_logged_with_its_traceback(
        self, sqlite_url: str, ended: list[int], caplog: pytest.LogCaptureFixture
    ):
        with pytest.raises(SystemExit):
            self.application(sqlite_url, ZeroDivisionError()).start()
        assert [bool(record.exc_info) for record in caplog.records if record.levelno == logging.ERROR] == [True]


@pytest.mark.postgres
def test_a_service_that_waits_for_its_database_stops_when_told(databases: Databases, tmp_path: Path):
    with databases.fresh("postgres") as url:
        way = Relay(url)
        with serving(way.url, tmp_path) as served:
            way.cut()
            kill_worker(served)
            served.until_status("/readiness", 503)
            assert served.stop() == 0
