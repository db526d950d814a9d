"""A service in a process of its own, and an environment that knows no other one."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from py_bpmn.cli import main
from tests.databases import Databases

ROOT = Path(__file__).resolve().parents[2]
CREDENTIALS = {"BPMN_USERNAME": "me", "BPMN_PASSWORD": "secret"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No option and no profile comes from outside, and what is written stays in the test's own folder."""
    for name in [name for name in os.environ if name.startswith(("BPMN_", "_PY_BPMN_")) or name == "NO_COLOR"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("BPMN_WORKER_ID", "me@here")
    monkeypatch.chdir(tmp_path)


@contextmanager
def serving(databases: Databases) -> Iterator[str]:
    """The address of `py-bpmn serve` on a fresh SQLite database, whose tasks run when they are asked to."""
    with databases.fresh("sqlite") as url, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("BPMN_")} | {
            "BPMN_DATABASE_URL": url,
            "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
            "BPMN_HTTP_BASIC_AUTH_USERNAME": CREDENTIALS["BPMN_USERNAME"],
            "BPMN_HTTP_BASIC_AUTH_PASSWORD": CREDENTIALS["BPMN_PASSWORD"],
            "BPMN_SET_TIME_ENABLED": "true",
            "BPMN_TASK_EXECUTOR_ENABLED": "false",
            "BPMN_SHUTDOWN_DELAY": "0",
            "BPMN_LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "app.cli", "serve"]
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            deadline = time.monotonic() + 30
            while not is_ready(f"http://127.0.0.1:{port}"):
                assert process.poll() is None, "the service ended"
                assert time.monotonic() < deadline, "the service did not become ready"
            yield f"http://127.0.0.1:{port}"
        finally:
            # With its worker process, which would else notice only some time later that it is alone.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readiness", timeout=5):
            return True
    except OSError:
        return False


def suggested(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str) -> list[str]:
    """What completes the last word, which is empty after a space."""
    with monkeypatch.context() as patch:
        patch.setenv("COMP_WORDS", words)
        patch.setenv("COMP_CWORD", str(len(words.split()) - (not words.endswith(" "))))
        patch.setenv("_PY_BPMN_COMPLETE", "bash_complete")
        assert main([]) == 0
    return [line.partition(",")[2] for line in capsys.readouterr().out.splitlines() if line]


def terminal(monkeypatch: pytest.MonkeyPatch, answers: str = "") -> None:
    """Has the command believe that people see its output, and type these answers."""
    typed = io.StringIO(answers)
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.delenv("TERM", raising=False)
