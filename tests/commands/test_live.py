"""What a running service is needed for, beside the transcripts."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_bpmn.cli import asking, main
from tests.commands.conftest import CREDENTIALS, serving, suggested, terminal
from tests.databases import Databases
from tests.flow import conditional, exclusive, flow

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def served(databases: Databases) -> Iterator[str]:
    with serving(databases) as url:
        yield url


@pytest.fixture
def address(
    served: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """Of an instance that waits at its service task."""
    for name, value in {**CREDENTIALS, "BPMN_URL": served}.items():
        monkeypatch.setenv(name, value)
    model = tmp_path_factory.mktemp("models") / "order.bpmn"
    model.write_text(flow("start -> charge -> end", process="order"))
    assert main(["run", str(model), "-v", "card=4711", "-o", "ids"]) == 0
    return capsys.readouterr().out.strip()


def test_ids_are_completed_with_those_of_the_service(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    # How long it takes is not the question here.
    monkeypatch.setattr(asking, "SECONDS", 30)
    for words, found in (
        ("py-bpmn pi create --process or", "order"),
        ("py-bpmn job query --element ch", "charge"),
        ("py-bpmn pi get 2", address),
        ("py-bpmn job lock --instance 2", address),
        ("py-bpmn job complete execute ", address),
    ):
        assert found in suggested(capsys, monkeypatch, words)
    assert suggested(capsys, monkeypatch, "py-bpmn user-task update ") == []


def test_a_terminal_gets_a_table_with_colors_unless_they_are_unwanted(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    terminal(monkeypatch)
    assert main(["pi", "query", address, "--columns", "instance,state"]) == 0
    colored = capsys.readouterr().out
    assert colored.startswith("\x1b[1mINSTANCE")
    plain = f"INSTANCE       STATE\n{address}   STARTED\n".replace(
        "INSTANCE   ", "INSTANCE" + " " * (len(address) - 5), 1
    )
    for option, environ in ((["--no-color"], ""), ([], "1")):
        monkeypatch.setenv("NO_COLOR", environ)
        assert main([*option, "pi", "query", address, "--columns", "instance,state"]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert out.split() == plain.split()


def test_a_terminal_is_asked_before_several_things_are_changed(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, served: str
):
    terminal(monkeypatch, "n\ny\n")
    assert main(["pi", "suspend", address, address]) == 1
    err = capsys.readouterr().err
    assert f"Suspend 2 process instances ({served})? [y/N]: " in err
    assert err.endswith("Error: nothing was done\n")
    assert main(["pi", "suspend", address, address]) == 1
    assert "is not in state STARTED" in capsys.readouterr().err


def test_requests_and_answers_are_shown_without_values(address: str, capsys: pytest.CaptureFixture[str]):
    assert main(["--debug", "pi", "set-variables", address, "-v", "card=4712"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "> PUT http://" in err
    assert "\n< 204 " in err
    assert '"name": "card"' in err
    assert "4712" not in err
    assert main(["pi", "get-variables", address, "--debug"]) == 0
    out, err = capsys.readouterr()
    assert "4712" in out
    assert "4712" not in err
    assert CREDENTIALS["BPMN_PASSWORD"] not in err


@pytest.mark.usefixtures("address")
class TestCheck:
    """Without the service installed, the one at BPMN_URL is asked; with it, the database."""

    @pytest.fixture(autouse=True)
    def only_the_client_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: ())

    def test_a_service_is_asked_for_its_health(self, capsys: pytest.CaptureFixture[str]):
        # Its tasks are executed by nobody, which is what it has to say.
        assert main(["check"]) == 2
        out = capsys.readouterr().out
        assert "ERROR  No executor looks for due tasks" in out
        assert "         -> run py-bpmn serve with BPMN_TASK_EXECUTOR_ENABLED=true" in out
        assert "ok     The database answers" in out
        assert "node   default-engine on " in out
        assert main(["check", "--json"]) == 2
        assert json.loads(capsys.readouterr().out)["status"] == "ERROR"

    def test_a_service_that_can_not_be_asked_is_a_finding(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("BPMN_PASSWORD", "wrong")
        assert main(["check"]) == 2
        assert "ERROR  The service can't be asked: " in capsys.readouterr().out


@pytest.mark.usefixtures("address")
def test_expressions_are_evaluated_by_whom_it_was_deployed_for_first(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    model = tmp_path / "greeting.bpmn"
    model.write_text(flow("s -> g -> a, b", process="who", g=conditional(exclusive("b"), default="b", a="royal")))
    command = ["run", str(model), "-o", "json", "--wait", "-v", "royal=true", "--expressions"]
    assert main([*command, "engine"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["state"] == "COMPLETED"
    assert "warning" not in err
    assert main([*command, "worker"]) == 0
    assert "was deployed before with expressions ENGINE, and keeps that" in capsys.readouterr().err
