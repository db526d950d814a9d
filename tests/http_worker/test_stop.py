"""A service that is told to stop finishes what it has begun."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.http_worker.serving import PATIENCE, gunicorn, serving
from tests.http_worker.test_probes import blocked, deploy

pytestmark = pytest.mark.sqlite


def test_a_request_that_runs_when_the_service_is_told_to_stop_is_answered(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served, served.connect() as running, served.connect() as idle:
        assert idle.send_get("/healthz").answer().status == 200
        with blocked(sqlite_url):
            running.send_post("/processes", deploy(1))
            served.process.send_signal(signal.SIGTERM)
            while not any("Handling signal: term" in line for line in served.log):
                assert running.is_silent
            assert idle.ends()
            with pytest.raises(OSError):
                served.connect()
        answer = running.answer()
        assert (answer.status, answer.is_last) == (201, True)
        assert served.process.wait(PATIENCE) == 0


def test_a_request_on_a_kept_connection_is_still_answered_when_the_service_stops(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served, served.connect() as client, served.connect() as idle:
        assert client.send_get("/healthz").answer().status == 200
        assert idle.send_get("/healthz").answer().status == 200
        client.send(b"GET /healthz HTTP/1.1\r\n")
        assert served.get("/healthz").status == 200
        served.process.send_signal(signal.SIGTERM)
        # The master knows of it first; once the process that serves does, it ends what is idle.
        assert idle.ends()
        assert client.is_silent
        answer = client.send(b"Host: 127.0.0.1\r\n\r\n").answer()
        assert (answer.status, answer.is_last) == (200, True)
        assert served.process.wait(PATIENCE) == 0


def test_a_service_that_is_told_to_quit_does_not_wait_for_requests(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served, served.connect() as running, blocked(sqlite_url):
        running.send_post("/processes", deploy(1))
        assert served.get("/healthz").status == 200
        assert served.stop(signal.SIGQUIT) == 0
        assert running.ends()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT])
def test_a_process_that_is_told_to_stop_while_it_is_started_does_so(
    sqlite_url: str, tmp_path: Path, sig: signal.Signals
):
    settings = tmp_path / "settings.py"
    # Called in the new process, before it has handlers of its own.
    settings.write_text(
        f"def post_fork(master, worker):\n    worker.age == 1 and __import__('os').kill(worker.pid, {int(sig)})"
    )
    with serving(sqlite_url, tmp_path, program=gunicorn("app.wsgi", "--config", str(settings)), ready=False) as served:
        deadline = time.monotonic() + PATIENCE
        while sum("Booting worker with pid" in line for line in served.log) < 2:
            assert time.monotonic() < deadline, "the process that was told to stop goes on"
        assert served.until_status("/readiness", 200)
        assert served.stop() == 0


def test_a_service_that_is_told_to_reload_goes_on_with_other_processes(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served:
        before = served.workers
        served.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while served.workers & before:
            assert served.get("/healthz").status == 200
            assert time.monotonic() < deadline, "the process of before still runs"
        assert served.until_status("/readiness", 200)
        assert len(served.workers) == 1


def test_a_process_that_dies_is_replaced(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path) as served:
        [before] = served.workers
        os.kill(before, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while served.workers in (set(), {before}):
            assert time.monotonic() < deadline, "there is no other process"
        assert served.until_status("/readiness", 200)


def test_a_process_that_has_served_its_number_of_requests_is_replaced(sqlite_url: str, tmp_path: Path):
    program = gunicorn("app.wsgi", "--max-requests", "5")
    with serving(sqlite_url, tmp_path, program=program, ready=False) as served:
        seen: set[int] = set()
        deadline = time.monotonic() + PATIENCE
        while len(seen) < 2:
            with suppress(OSError):
                assert served.get("/healthz").status == 200
            seen |= served.workers
            assert time.monotonic() < deadline
