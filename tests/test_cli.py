import base64
import contextlib
import http.client
import importlib.metadata
import json
import logging
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.cli import main
from app.config import Config
from app.config.table import OPTIONS
from app.store import head_revision, migrating
from tests.databases import Databases
from tests.store.migrations import go_back

ROOT = str(Path(__file__).resolve().parent.parent)
KINDS = [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No option comes from outside; the default database is one of the test's own, the port one that is free."""
    for name in [name for name in os.environ if name.startswith(("BPMN_", "GO_BPMN_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BPMN_HTTP_BIND_ADDRESS", "127.0.0.1:0")
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
        ["api-key", "create", "--secret-id", "a", "--role", "root"],
        ["api-key", "create", "--secret-id", "a", "--process", "a*b"],
        ["api-key", "create", "--secret-id", "a", "--reason", "x" * 501],
        ["audit", "export", "--since", "yesterday"],
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


@pytest.mark.parametrize("command", [["version"], ["--version"]])
def test_the_version_can_be_asked_for_in_both_ways(capsys: pytest.CaptureFixture[str], command: list[str]):
    with contextlib.suppress(SystemExit):
        assert main(command) == 0
    assert capsys.readouterr().out == f"{importlib.metadata.version('py-bpmn-server')}\n"


def test_the_longest_id_of_a_key_has_255_characters(capsys: pytest.CaptureFixture[str]):
    assert main(["migrate"]) == 0
    assert main(["api-key", "create", "--secret-id", "\N{SNOWMAN}" * 255]) == 0
    with pytest.raises(SystemExit):
        main(["api-key", "create", "--secret-id", "a" * 256])
    assert "must have at most 255 characters" in capsys.readouterr().err


class TestOutput:
    @pytest.mark.parametrize("command", [["key", "create"], ["api-key", "create", "--secret-id", "a"]])
    def test_a_secret_goes_into_a_file_that_only_its_owner_can_read(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]
    ):
        assert main(["migrate"]) == 0
        capsys.readouterr()
        assert main([*command, "--output", "secret"]) == 0
        assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
        assert len(base64.b64decode((tmp_path / "secret").read_text(), validate=True)) >= 32
        assert capsys.readouterr() == ("", "")

    def test_a_file_that_exists_is_kept_and_no_key_is_created(self, capsys: pytest.CaptureFixture[str], tmp_path: Path):
        (tmp_path / "secret").write_text("the only copy")
        assert main(["migrate"]) == 0
        assert main(["api-key", "create", "--secret-id", "a", "--output", "secret"]) == 1
        assert capsys.readouterr().err == "error: secret exists already, and is not overwritten\n"
        assert (tmp_path / "secret").read_text() == "the only copy"
        assert main(["api-key", "revoke", "--secret-id", "a"]) == 1

    def test_a_key_that_is_not_created_leaves_no_file(self, tmp_path: Path):
        create = ["api-key", "create", "--secret-id", "a"]
        assert main(["migrate"]) == 0
        assert main(create) == 0
        assert main([*create, "--output", "secret"]) == 1
        assert not (tmp_path / "secret").exists()

    def test_a_key_that_nobody_can_see_is_none(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        assert main(["migrate"]) == 0
        with open("/dev/full", "w") as full, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", full)
            assert main(["api-key", "create", "--secret-id", "a"]) == 1
            # What is left in the buffer can't be written either.
            with pytest.raises(OSError):
                full.close()
        assert capsys.readouterr().err == "error: can't write standard output: No space left on device\n"
        assert main(["api-key", "revoke", "--secret-id", "a"]) == 1

    def test_a_file_that_can_not_be_written_is_one_sentence(self, capsys: pytest.CaptureFixture[str]):
        assert main(["key", "create", "--output", "missing/secret"]) == 1
        assert capsys.readouterr() == ("", "error: can't write missing/secret: No such file or directory\n")


NEEDING_A_DATABASE = [["serve"], ["migrate"], ["api-key", "list"]]
NOT_MIGRATING = [["serve"], ["api-key", "list"], ["api-key", "create", "--secret-id", "a"]]


def failure(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """The one line of a command that fails."""
    capsys.readouterr()
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert out == ""
    [line] = err.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


@contextlib.contextmanager
def refusing_server() -> Iterator[int]:
    """The port of a stand-in for a PostgreSQL server that takes no password."""
    fields = b'SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
    refusal = b"E" + struct.pack("!i", len(fields) + 4) + fields

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(refusal)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refuse)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


class TestStartProblems:
    """Whatever is wrong with the database is said in one line, by each command in the same way."""

    @pytest.fixture(autouse=True)
    def authentication(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BPMN_AUTH_MODE", "none")

    @pytest.mark.parametrize("command", NEEDING_A_DATABASE)
    @pytest.mark.parametrize(
        ("url", "problem"),
        [
            ("sqlite:///missing/bpmn.db", "there is no database {}/missing/bpmn.db"),
            ("sqlite:///folder", "the database {}/folder can't be used: it is a folder, not a file"),
            ("sqlite:///text", "the database {}/text can't be used: the file is no SQLite database"),
            ("sqlite:///file:text?mode=ro&uri=true", "the database {}/text can't be used: the file is no SQLite"),
        ],
    )
    def test_a_file_that_is_no_database(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        command: list[str],
        url: str,
        problem: str,
    ):
        (tmp_path / "folder").mkdir()
        (tmp_path / "text").write_text("This is a text, which is longer than the header of a database.\n" * 10)
        monkeypatch.setenv("BPMN_DATABASE_URL", url)
        before = sorted(tmp_path.iterdir())
        if "missing" in url and command != ["api-key", "list"]:
            problem = "the database {}/missing/bpmn.db can't be used: the folder {}/missing does not exist"
        assert failure(capsys, command).startswith(problem.format(tmp_path, tmp_path))
        assert sorted(tmp_path.iterdir()) == before

    def test_a_file_that_is_read_only(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ):
        assert main(["migrate"]) == 0
        monkeypatch.setenv("BPMN_DATABASE_URL", "sqlite:///file:bpmn.db?mode=ro&uri=true")
        assert failure(capsys, ["serve"]).startswith(f"the database {tmp_path}/bpmn.db can't be used: it is read-only")

    @pytest.mark.parametrize("command", NEEDING_A_DATABASE)
    def test_a_server_that_refuses(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
    ):
        monkeypatch.setenv("BPMN_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/bpmn")
        line = failure(capsys, command)
        assert line.startswith("the database postgresql+psycopg://me:***@127.0.0.1:1/bpmn can't be used: ")
        assert "port 1 failed" in line

    def test_a_password_that_is_wrong(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        with refusing_server() as port:
            url = f"postgresql://me:secret@127.0.0.1:{port}/bpmn?sslmode=disable&gssencmode=disable"
            monkeypatch.setenv("BPMN_DATABASE_URL", url)
            line = failure(capsys, ["serve"])
        assert 'password authentication failed for user "me"' in line
        assert "secret" not in line

    @pytest.mark.postgres
    @pytest.mark.parametrize("what", ["role", "database"])
    def test_a_name_that_the_server_does_not_know(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, databases: Databases, what: str
    ):
        with databases.fresh("postgres") as url:
            unknown = {"role": {"username": "nobody_here"}, "database": {"database": "nobody_here"}}[what]
            monkeypatch.setenv("BPMN_DATABASE_URL", make_url(url).set(**unknown).render_as_string(hide_password=False))
            assert f'{what} "nobody_here" does not exist' in failure(capsys, ["serve"])

    @pytest.mark.parametrize("command", NOT_MIGRATING)
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_database_without_tables(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        databases: Databases,
        kind: str,
        command: list[str],
    ):
        monkeypatch.setenv("BPMN_MIGRATE_ON_START", "false")
        with databases.fresh(kind, migrated=False) as url:
            if kind == "sqlite":
                Path(url.removeprefix("sqlite:///")).touch()
            monkeypatch.setenv("BPMN_DATABASE_URL", url)
            assert failure(capsys, command).endswith(" has no tables yet: run `py-bpmn migrate`")

    @pytest.mark.usefixtures("database")
    @pytest.mark.parametrize("command", NOT_MIGRATING)
    def test_a_schema_that_is_older(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
    ):
        monkeypatch.setenv("BPMN_MIGRATE_ON_START", "false")
        with migrating(Config.from_env()) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        [head] = head_revision()
        line = failure(capsys, command)
        assert line.endswith(f" has the schema revision 0001, but {head} is needed: run `py-bpmn migrate`")

    @pytest.mark.usefixtures("database")
    @pytest.mark.parametrize("command", [*NEEDING_A_DATABASE, *NOT_MIGRATING])
    def test_a_schema_that_is_newer(self, capsys: pytest.CaptureFixture[str], command: list[str]):
        with migrating(Config.from_env()) as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        assert " has the schema revision 9999, which this py-bpmn does not know: " in failure(capsys, command)


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["config"],
        ["key", "create"],
        ["api-key", "list"],
        ["api-key", "create", "--secret-id", "a"],
        ["api-key", "revoke", "--secret-id", "a"],
    ],
)
def test_no_database_is_created_by_accident(tmp_path: Path, command: list[str]):
    """`serve` has no authentication to serve with."""
    main(command)
    assert list(tmp_path.iterdir()) == []


def test_the_service_creates_no_database_that_it_must_not_be_reached_with(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("BPMN_AUTH_MODE", "none")
    monkeypatch.setenv("BPMN_HTTP_BIND_ADDRESS", "0.0.0.0:0")
    assert "bind to a loopback address" in failure(capsys, ["serve"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_migrating_says_what_it_did(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, databases: Databases, kind: str
):
    [head] = head_revision()
    with databases.fresh(kind, migrated=False) as url:
        monkeypatch.setenv("BPMN_DATABASE_URL", url)
        said = []
        for _ in range(2):
            assert main(["migrate"]) == 0
            said.append(capsys.readouterr().out)
        with migrating(Config(database_url=url)) as connection:
            go_back(connection, "0001")
        assert main(["migrate"]) == 0
        said.append(capsys.readouterr().out)
    assert said == [
        f"created the schema, revision {head}\n",
        f"the database is up to date, revision {head}\n",
        f"the database was upgraded from 0001 to {head}\n",
    ]


def test_an_unknown_option_is_warned_of_in_the_format_of_the_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BPMN_DATABASE_ULR", "sqlite:///other.db")
    monkeypatch.setenv("BPMN_LOG_FORMAT", "json")
    assert main(["migrate"]) == 0
    [line] = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["level"] == "WARNING"
    assert record["message"] == "BPMN_DATABASE_ULR is not an option: did you mean BPMN_DATABASE_URL?"


def test_an_unknown_option_is_warned_of_beside_the_errors_of_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("BPMN_DATABASE_ULR", "sqlite:///other.db")
    monkeypatch.setenv("BPMN_AUTH_MODE", "on")
    assert main(["migrate"]) == 1
    assert caplog.messages == ["BPMN_DATABASE_ULR is not an option: did you mean BPMN_DATABASE_URL?"]


@pytest.mark.parametrize("of_the_user", ["app/__init__.py", "app.py"])
def test_a_package_of_the_user_with_the_same_name_is_named(tmp_path: Path, of_the_user: str):
    (tmp_path / "app").mkdir()
    (tmp_path / of_the_user).touch()
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from py_bpmn.cli import main; sys.exit(main())", "config"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    found = tmp_path / of_the_user.removesuffix("/__init__.py")
    assert done.stderr == (
        f"error: Python finds another package app before the one of py-bpmn: {found}. "
        "Start py-bpmn without that folder in PYTHONPATH\n"
    )
    assert (done.returncode, done.stdout) == (1, "")


def test_the_command_is_found_beside_a_folder_of_the_user_with_the_same_name(tmp_path: Path):
    (tmp_path / "app").mkdir()
    environ = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [Path(sys.executable).parent / "py-bpmn", "config"]
    assert subprocess.run(command, env=environ, capture_output=True, text=True).returncode == 0


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
        text = capsys.readouterr().out.split("\t")[2].removeprefix("expires ").removesuffix("Z")
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

    def test_a_key_has_the_roles_and_processes_that_it_is_given(self, capsys: pytest.CaptureFixture[str]):
        options = ["--role", "worker", "--role", "READER", "--process", "order*", "--process", "x", "--may-send"]
        assert main(["api-key", "create", "--secret-id", "a", *options, "--description", "of the shop"]) == 0
        assert main(["api-key", "create", "--secret-id", "b", "--may-deploy"]) == 0
        capsys.readouterr()
        main(["api-key", "list"])
        first, second = (line.split("\t")[3:] for line in capsys.readouterr().out.splitlines())
        assert first == ["READER,WORKER", "order*,x", "never used", "may send", "of the shop"]
        assert second == ["ADMIN", "all processes", "never used", "may deploy"]

    def test_what_was_done_with_keys_is_exported(self, capsys: pytest.CaptureFixture[str], database_url: str):
        main(["api-key", "create", "--secret-id", "a", "--role", "READER", "--reason", "a report"])
        main(["api-key", "revoke", "--secret-id", "a"])
        capsys.readouterr()
        assert main(["audit", "export"]) == 0
        made, revoked = map(json.loads, capsys.readouterr().out.splitlines())
        assert (
            made.items()
            >= {
                "operation": "createApiKey",
                "credential": "py-bpmn",
                "role": "ADMIN",
                "target": "API key a",
                "detail": {"roles": ["READER"]},
                "reason": "a report",
            }.items()
        )
        assert (revoked["operation"], revoked["actor"]) == ("revokeApiKey", made["actor"])
        assert main(["audit", "export", "--until", made["time"]]) == 0
        assert main(["audit", "export", "--since", "2999-01-01"]) == 0
        assert capsys.readouterr().out == ""


def test_the_export_of_the_audit_goes_on_behind_what_was_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("app.cli.EXPORTED_AT_ONCE", 2)
    assert main(["migrate"]) == 0
    for number in range(5):
        main(["api-key", "create", "--secret-id", f"{number}"])
    capsys.readouterr()
    assert main(["audit", "export"]) == 0
    targets = [json.loads(line)["target"] for line in capsys.readouterr().out.splitlines()]
    assert targets == [f"API key {number}" for number in range(5)]


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
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"],
        env=os.environ
        | {"PYTHONPATH": ROOT, "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "BPMN_SHUTDOWN_DELAY": "0"}
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
