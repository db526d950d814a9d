"""`py-bpmn watch` deploys what changes below a folder. The clock is the test's: each look follows a step of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.bpmn.lint import check
from py_bpmn import Client
from py_bpmn.cli import session as of_session
from py_bpmn.cli import watch as cli
from py_bpmn.cli.session import Options, Session
from py_bpmn.cli.tree import run
from py_bpmn.cli.watch import LOOK_SECONDS, Watch, Worker, environ_of, keep_watching
from py_bpmn.errors import Unavailable
from py_bpmn.testing.engine import InProcess
from tests.flow import flow

ORDER = flow("start -> charge -> end", process="order")
LONGER = flow("start -> charge -> ship -> end", process="order")
BROKEN = flow("start -> charge -> end", process="order").replace("serviceTask", "callChoreography")


@pytest.fixture(scope="module")
def engine() -> Iterator[InProcess]:
    engine = InProcess()
    yield engine
    engine.close()


@pytest.fixture
def bpmn(engine: InProcess) -> Client:
    engine.reset({})
    return engine.client("me")


@pytest.fixture
def session(bpmn: Client) -> Session:
    session = Session(Options(output="table"))
    session.__dict__["client"] = bpmn
    return session


class Process:
    """As one of the machine."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.signals: list[str] = []

    def poll(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.signals.append("TERM")

    def kill(self) -> None:
        self.signals.append("KILL")
        self.code = -9

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None and timeout is not None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self.code or 0


def watching(folder: Path, session: Session, *steps: Callable[[], object], **more: object) -> None:
    """A look, and one more after each step; then it is interrupted."""
    left = list(steps)

    def sleep(seconds: float) -> None:
        assert seconds == LOOK_SECONDS
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    with pytest.raises(KeyboardInterrupt):
        keep_watching(Watch(folder, session, check, **more), sleep)


def versions(bpmn: Client) -> list[str]:
    return [each.version for each in bpmn.api.query_processes().results]


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_files_are_deployed_when_they_change_and_it_is_told_what_has(tmp_path, session, bpmn, capsys):
    file = tmp_path / "models" / "order.bpmn"
    file.parent.mkdir()
    file.write_text(ORDER)
    watching(tmp_path, session, lambda: None, lambda: file.write_text(LONGER), lambda: file.touch())
    first, second = versions(bpmn)
    assert lines(capsys) == [
        f"models/order.bpmn: order {first}, the first version",
        f"models/order.bpmn: order {second}, against {first}: added ship; changed charge (outgoing), end (incoming)",
    ]


def test_a_new_file_is_deployed_and_one_that_is_gone_is_told(tmp_path, session, bpmn, capsys):
    file = tmp_path / "order.bpmn"
    hidden = tmp_path / ".git" / "order.bpmn"
    hidden.parent.mkdir()
    hidden.write_text(LONGER)
    watching(tmp_path, session, lambda: file.write_text(ORDER), file.unlink, lambda: None)
    [version] = versions(bpmn)
    assert lines(capsys) == [
        f"order.bpmn: order {version}, the first version",
        "order.bpmn is gone; what was deployed stays",
    ]


def test_what_is_deployed_already_is_said_so(tmp_path, session, bpmn, capsys):
    file = tmp_path / "order.bpmn"
    file.write_text(ORDER)
    version = bpmn.deploy(file).version
    watching(tmp_path, session)
    assert lines(capsys) == [f"order.bpmn: order {version} is deployed already"]


def test_it_is_said_who_evaluates_expressions_and_that_a_version_keeps_it(tmp_path, session, bpmn, capsys):
    file = tmp_path / "order.bpmn"
    file.write_text(ORDER)
    watching(tmp_path, session, lambda: file.write_text(LONGER), expressions="ENGINE")
    assert [each.expressions for each in bpmn.api.query_processes().results] == ["ENGINE"] * 2
    capsys.readouterr()
    watching(tmp_path, session, expressions="WORKER")
    _, version = versions(bpmn)
    assert lines(capsys) == [
        f"order.bpmn: order {version} is deployed already",
        f"warning: order {version} was deployed before with expressions ENGINE, and keeps that; "
        "another version can have WORKER",
    ]


def test_all_processes_of_a_file_are_deployed(tmp_path, session, bpmn):
    other = flow("start -> end", process="other")
    both = ORDER.replace("</definitions>", other[other.index("<process") :])
    (tmp_path / "both.bpmn").write_text(both)
    watching(tmp_path, session)
    assert {each.bpmn_process_id for each in bpmn.api.query_processes().results} == {"order", "other"}


def test_a_file_that_is_being_written_is_tried_again_and_told_once(tmp_path, session, bpmn, capsys):
    file = tmp_path / "order.bpmn"
    file.write_text("")
    watching(
        tmp_path,
        session,
        lambda: None,
        lambda: file.write_text(ORDER[:200]),
        lambda: file.write_text(ORDER),
    )
    [version] = versions(bpmn)
    assert lines(capsys) == [
        "order.bpmn is tried again: it is empty",
        f"order.bpmn: order {version}, the first version",
    ]


def test_what_is_wrong_is_told_once_and_not_deployed(tmp_path, session, bpmn, capsys):
    file = tmp_path / "order.bpmn"
    file.write_text(BROKEN)
    watching(tmp_path, session, lambda: None)
    assert versions(bpmn) == []
    out = capsys.readouterr().out.splitlines()
    assert [line.rpartition(": error: ")[2] for line in out] == [
        "element charge is not supported: callChoreography [element]"
    ]


def test_a_service_that_does_not_answer_is_tried_again(tmp_path, session, bpmn, capsys, monkeypatch):
    (tmp_path / "order.bpmn").write_text(ORDER)

    def fail(*_: object, **__: object) -> None:
        raise Unavailable("there is no answer from http://engine", status=0)

    monkeypatch.setattr(bpmn, "deploy", fail)
    watching(tmp_path, session, lambda: None, monkeypatch.undo)
    out, err = capsys.readouterr()
    [version] = versions(bpmn)
    assert err.splitlines() == [
        "order.bpmn is tried again: UNAVAILABLE: there is no answer from http://engine",
        f"order.bpmn: order {version}, the first version",
    ]
    # What lint has found is not told again, either.
    assert len(out.splitlines()) == len({*out.splitlines()}) > 0


def test_an_instance_is_started_with_the_variables_beside_the_file_and_followed(tmp_path, session, bpmn, capsys):
    (tmp_path / "order.bpmn").write_text(ORDER)
    (tmp_path / "order.vars.json").write_text('{"amount": 12.5, "note": "für dich"}')
    watching(tmp_path, session, lambda: None, starts=True)
    [instance] = bpmn.instances()
    assert instance.get_variables() == {"amount": 12.5, "note": "für dich"}
    out, err = capsys.readouterr()
    assert f"started {instance.ref} of order {instance.version}" in err
    assert "charge" in out.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "problem"), [("{", "order.vars.json can't be read"), ("[]", "order.vars.json must be a JSON object")]
)
def test_variables_that_can_not_be_read_start_nothing(tmp_path, session, bpmn, capsys, content, problem):
    (tmp_path / "order.bpmn").write_text(ORDER)
    (tmp_path / "order.vars.json").write_text(content)
    watching(tmp_path, session, starts=True)
    assert list(bpmn.instances()) == []
    assert f"order.bpmn: nothing is started: {problem}" in capsys.readouterr().err


def test_a_worker_starts_again_after_deployments_and_changes_of_code(tmp_path, session, capsys):
    started: list[Process] = []

    def spawn(command, environ):
        assert command == [sys.executable, "-m", "py_bpmn.worker", "shop:worker"]
        assert environ == {"BPMN_URL": "x"}
        started.append(Process())
        return started[-1]

    file, code = tmp_path / "order.bpmn", tmp_path / "shop" / "worker.py"
    file.write_text(ORDER)
    code.parent.mkdir()
    watching(
        tmp_path,
        session,
        lambda: None,
        lambda: code.write_text("a = 1"),
        lambda: file.write_text(LONGER),
        lambda: file.write_text(BROKEN),
        worker=Worker("shop:worker", {"BPMN_URL": "x"}, session.out.say, spawn),
    )
    assert [each.signals for each in started] == [["TERM", "KILL"]] * 3
    told = [line for line in lines(capsys) if line.startswith("worker")]
    assert told == ["worker shop:worker starts", *["worker shop:worker starts again"] * 2]


def test_a_worker_that_ends_by_itself_is_told_once_and_waits_for_a_change(tmp_path, session, capsys):
    started: list[Process] = []

    def spawn(*_):
        started.append(Process())
        return started[-1]

    def end():
        started[-1].code = 1

    watching(tmp_path, session, end, lambda: None, worker=Worker("shop:worker", {}, session.out.say, spawn))
    assert lines(capsys) == [
        "worker shop:worker starts",
        "worker shop:worker has ended with 1; it starts again after the next change",
    ]
    assert started[0].signals == []


def test_a_worker_speaks_to_the_same_service_as_who_watches(monkeypatch, tmp_path):
    key = tmp_path / "key"
    key.write_text("k-1\n")
    assert run(["profile", "add", "shop", "--url", "http://shop:1", "--key-file", str(key)]) == 0
    session = Session(Options(profile="shop", worker_id="w"))
    environ = environ_of(session)
    assert (environ["BPMN_URL"], environ["BPMN_AUTHORIZATION"], environ["BPMN_WORKER_ID"]) == (
        "http://shop:1", "k-1", "w",
    )  # fmt: skip
    assert "BPMN_AUTHORIZATION" not in environ_of(Session(Options(profile="shop", url="http://other:1")))


def test_the_command_ends_with_130_when_it_is_interrupted(tmp_path, bpmn, monkeypatch, capsys):
    (tmp_path / "order.bpmn").write_text(ORDER)
    monkeypatch.setattr(of_session.Session, "client", bpmn)
    monkeypatch.setattr(cli.keep_watching, "__defaults__", (lambda _: os.kill(os.getpid(), signal.SIGINT),))
    assert run(["watch", str(tmp_path)]) == 130
    assert len(versions(bpmn)) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path}: what changes is deployed to http://127.0.0.1:8080; ")


def test_what_is_no_folder_is_refused(tmp_path, capsys):
    assert run(["watch", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err
