"""Two distributions from one repository, and what the command offers in an environment with one, both or none."""

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import py_bpmn
from app import cli as of_service
from py_bpmn.cli import main, service
from py_bpmn.cli.tree import tree

ROOT = Path(__file__).resolve().parents[2]
SERVER = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CLIENT = tomllib.loads((ROOT / "py_bpmn" / "pyproject.toml").read_text())["project"]


def test_both_have_the_same_version():
    assert SERVER["version"] == CLIENT["version"] == py_bpmn.__version__


def test_both_have_the_same_command():
    assert SERVER["scripts"] == CLIENT["scripts"]
    assert service.GROUP not in CLIENT["entry-points"]


def test_the_service_needs_what_the_command_line_needs():
    ours = {*CLIENT["dependencies"], *CLIENT["optional-dependencies"]["cli"]}
    assert ours <= {*SERVER["dependencies"]}


def test_every_command_of_the_service_is_an_entry_point_and_is_listed_with_its_help():
    [commands] = [action for action in of_service._parser()._actions if action.choices]
    listed = {action.dest: action.help for action in commands._choices_actions}
    assert set(SERVER["entry-points"][service.GROUP]) == set(listed) - {"version"}
    assert {name: listed[name] for name in service.COMMANDS} == service.COMMANDS
    assert set(listed) <= set(tree().commands)


def test_the_commands_below_those_of_the_service_are_known():
    parser = of_service._parser()
    [commands] = [action for action in parser._actions if action.choices]
    for name, words in service.SUBCOMMANDS.items():
        [inner] = [action for action in commands.choices[name]._actions if action.choices]
        assert tuple(inner.choices) == words


@pytest.fixture
def without_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where only the client is installed."""
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: ())


@pytest.mark.usefixtures("without_the_service")
@pytest.mark.parametrize(
    "command", [*([name] for name in service.COMMANDS), ["audit", "export"], ["--no-color", "serve", "--x"]]
)
def test_without_the_service_its_commands_tell_where_it_is(capsys: pytest.CaptureFixture[str], command: list[str]):
    assert main(command) == 2
    assert capsys.readouterr() == ("", "error: the service is not installed here: pip install py-bpmn-server\n")


def test_the_service_gets_its_part_of_the_command_line_as_it_is(capsys: pytest.CaptureFixture[str]):
    assert main(["--no-color", "api-key", "create", "--secret-id", " "]) == 2
    assert "argument --secret-id: must not be blank" in capsys.readouterr().err
    assert main(["key", "create", "--help"]) == 0
    assert "--output FILE" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["version"], ["--version"]])
def test_the_version_can_be_asked_for_in_both_ways(capsys: pytest.CaptureFixture[str], command: list[str]):
    assert main(command) == 0
    assert capsys.readouterr() == (f"{py_bpmn.__version__}\n", "")


def test_two_distributions_in_one_environment_are_told_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "1.2.3")
    assert main(["version"]) == 0
    out, err = capsys.readouterr()
    assert out == "1.2.3\n"
    assert err.startswith("warning: py-bpmn-server 1.2.3 and py-bpmn-client 1.2.3 are both installed here")


def test_without_an_installation_there_is_no_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert main(["version"]) == 1
    assert capsys.readouterr().err == "error: py-bpmn is not installed\n"


def test_without_the_libraries_of_the_command_line_the_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, "py_bpmn.cli.tree", raising=False)
    monkeypatch.setitem(sys.modules, "click", None)
    assert main(["version"]) == 2
    assert capsys.readouterr().err == (
        "error: the command line is not installed here: pip install 'py-bpmn-client[cli]'\n"
    )


@pytest.mark.parametrize(
    "arguments", ["['version']", "['--help']", "['pi', 'query', '--help']", "['completion', 'zsh']"]
)
def test_what_asks_no_service_loads_neither_its_client_nor_the_service(arguments: str):
    program = (
        "import sys; from py_bpmn.cli import main; code = main(" + arguments + "); "
        "sys.exit(code or sorted({'httpx2', 'app', 'flask', 'rich'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
