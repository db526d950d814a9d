import base64
import contextlib
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.cli import main
from app.config import OPTIONS


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No option comes from outside, and the default database is one of the test's own."""
    for name in [name for name in os.environ if name.startswith(("BPMN_", "GO_BPMN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Takes back what commands set up for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    monkeypatch.setenv("BPMN_DATABASE_URL", database_url)


def test_a_key_is_32_random_bytes_and_nothing_else(capsys: pytest.CaptureFixture[str]):
    keys = []
    for _ in range(2):
        assert main(["key", "create"]) == 0
        keys.append(capsys.readouterr().out)
    assert [len(base64.b64decode(key, validate=True)) for key in keys] == [32, 32]
    assert keys[0] != keys[1]


def test_the_configuration_lists_all_options_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BPMN_HTTP_BASIC_AUTH_USERNAME", "me")
    monkeypatch.setenv("BPMN_HTTP_BASIC_AUTH_PASSWORD", "topsecret")
    assert main(["config"]) == 0
    out = capsys.readouterr().out
    assert all(f"{option.name}=" in out for option in OPTIONS)
    assert "BPMN_HTTP_BASIC_AUTH_PASSWORD=***" in out
    assert "topsecret" not in out


@pytest.mark.parametrize("command", [["config"], ["serve"], ["migrate"], ["api-key", "list"]])
def test_an_unusable_configuration_ends_a_command_with_all_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
):
    monkeypatch.setenv("BPMN_TASK_RETRY_LIMIT", "-1")
    monkeypatch.setenv("BPMN_ENGINE_ID", "")
    assert main(command) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "BPMN_ENGINE_ID",
        "BPMN_TASK_RETRY_LIMIT",
        "configuration has 2 error(s)",
    ]


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["unknown"],
        ["api-key"],
        ["api-key", "create"],
        ["api-key", "create", "--secret-id", " "],
        ["api-key", "create", "--secret-id", "a\udcff"],
        ["api-key", "revoke", "--secret-id", "a\udcff"],
        ["api-key", "create", "--secret-id", "a", "--expires", "soon"],
        ["api-key", "create", "--secret-id", "a", "--expires", "2020-01-01T00:00:00Z"],
        ["api-key", "create", "--secret-id", "a", "--expires", "0s"],
        ["api-key", "create", "--secret-id", "a", "--expires", "900000000000d"],
    ],
)
def test_a_wrong_command_line_is_refused(capsys: pytest.CaptureFixture[str], command: list[str]):
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert "usage: py-bpmn" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
class TestApiKeys:
    def test_a_created_key_is_printed_once_and_listed_without_its_secret(self, capsys: pytest.CaptureFixture[str]):
        assert main(["api-key", "create", "--secret-id", "a:b"]) == 0
        value = capsys.readouterr().out
        secret_id, _, secret = base64.b64decode(value, validate=True).decode().rpartition(":")
        assert (secret_id, len(secret) >= 32) == ("a:b", True)
        assert main(["api-key", "list"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("a:b\tcreated ")
        assert secret not in out

    @pytest.mark.parametrize("expires", ["30d", "P30D", "date-time"])
    def test_a_key_can_expire(self, capsys: pytest.CaptureFixture[str], expires: str):
        if expires == "date-time":
            expires = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
        assert main(["api-key", "create", "--secret-id", "a", "--expires", expires]) == 0
        capsys.readouterr()
        main(["api-key", "list"])
        text = capsys.readouterr().out.strip().rpartition("expires ")[2].removesuffix("Z")
        remaining = datetime.fromisoformat(text) - datetime.now(UTC).replace(tzinfo=None)
        assert timedelta(days=29) < remaining <= timedelta(days=30)

    def test_an_id_is_taken_until_it_is_revoked(self, capsys: pytest.CaptureFixture[str]):
        create = ["api-key", "create", "--secret-id", "a"]
        assert main(create) == 0
        assert main(create) == 1
        assert "already exists" in capsys.readouterr().err
        assert main(["api-key", "revoke", "--secret-id", "a"]) == 0
        assert main(create) == 0

    def test_revoking_an_unknown_key_fails(self, capsys: pytest.CaptureFixture[str]):
        assert main(["api-key", "revoke", "--secret-id", "a"]) == 1
        assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"BPMN_HTTP_BIND_ADDRESS": "127.0.0.1:0"}, "no authentication is configured"),
        ({"BPMN_AUTH_MODE": "none", "BPMN_HTTP_BIND_ADDRESS": "0.0.0.0:0"}, "bind to a loopback address"),
    ],
)
def test_the_service_refuses_to_start_open_to_everybody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], message: str
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["serve"]) == 1
    assert message in capsys.readouterr().err


@contextlib.contextmanager
def serving(**environ: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`py-bpmn serve` as a process that answers, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    root = str(Path(__file__).resolve().parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        env=os.environ
        | {"PYTHONPATH": root, "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "BPMN_SHUTDOWN_DELAY": "0"}
        | environ,
        stdin=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while get(port, "/readiness") != 200:
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service did not become ready"
        yield process, port
    finally:
        process.kill()
        process.wait()


def get(port: int, path: str) -> int:
    return ask(port, "GET", path)


def ask(port: int, method: str, path: str, body: str | None = None, **headers: str) -> int:
    """The status of the answer, or 0 where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except ConnectionError:
        return 0
    finally:
        connection.close()


@pytest.mark.usefixtures("database")
def test_a_service_that_is_told_to_stop_still_serves_for_a_while_but_is_not_ready():
    with serving(BPMN_AUTH_MODE="none", BPMN_SHUTDOWN_DELAY="2") as (process, port):
        process.send_signal(signal.SIGTERM)
        seen = set()
        while process.poll() is None:
            seen.add((get(port, "/readiness"), get(port, "/healthz")))
        assert (503, 200) in seen
        assert process.returncode == 0


@pytest.mark.usefixtures("database")
def test_the_service_serves_with_an_api_key_alone_and_stops_when_told(capsys: pytest.CaptureFixture[str]):
    assert main(["api-key", "create", "--secret-id", "a"]) == 0
    key = capsys.readouterr().out
    query = {"body": "{}", "Content-Type": "application/json"}
    with serving(BPMN_HTTP_WORKERS="2") as (process, port):
        assert ask(port, "POST", "/jobs/query", **query) == 401
        assert ask(port, "POST", "/jobs/query", **query, Authorization=key) == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_without_authentication_the_service_serves_this_machine():
    with serving(BPMN_AUTH_MODE="none") as (_, port):
        assert get(port, "/healthz") == 200
