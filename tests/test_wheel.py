import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


LOCK = ROOT / ".ci" / "requirements.lock"


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(folder: Path, wheel: str, *options: str | Path) -> Path:
    """The folder of programs of a fresh environment with nothing but the wheel and what it needs."""
    run(sys.executable, "-m", "venv", folder)
    install(folder / "bin", wheel, *options)
    return folder / "bin"


def install(programs: Path, wheel: str, *options: str | Path) -> None:
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", LOCK, wheel, *options)


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheels of both distributions."""
    folder = tmp_path_factory.mktemp("wheels")
    for source in (ROOT, ROOT / "py_bpmn"):
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source)
    return folder


def tutorial(kind: str, title: str = "A first process in five minutes") -> list[str]:
    """The blocks of a section of the README in a language."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{kind}\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that was made the way the README says."""
    folder = tmp_path_factory.mktemp("server")
    script = re.sub(r"^DIST=.*$", f"DIST={wheels}", tutorial("sh")[0], flags=re.MULTILINE)
    run("bash", "-euc", script, cwd=folder, env=bare() | {"PIP_CONSTRAINT": str(LOCK), "PIP_QUIET": "1"})
    return folder / ".venv" / "bin"


def bare(programs: Path | None = None) -> dict[str, str]:
    """The environment of somebody who has no checkout, with the programs of an installation."""
    path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
    return {"PATH": path, "HOME": os.environ.get("HOME", "/")}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def client_wheel(wheels: Path) -> Path:
    [wheel] = wheels.glob("py_bpmn_client-*.whl")
    return wheel


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a user, with a package app of its own."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("NAME = 'of the user'\n")
    return tmp_path


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readiness", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


GUNICORN = ["gunicorn", "--worker-class", "app.http_worker.Worker", "--no-control-socket", "--bind", "127.0.0.1:{port}"]


@pytest.mark.slow
def test_the_installed_wheel_has_the_examples_for_deployments(installed: Path):
    [deploy] = installed.parent.glob("lib/python*/site-packages/app/deploy")
    assert {path.name for path in deploy.iterdir()} == {path.name for path in (ROOT / "app" / "deploy").iterdir()}


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("program", [["py-bpmn", "serve"], [*GUNICORN, "app.wsgi"]], ids=["serve", "gunicorn"])
def test_the_installed_wheel_serves_from_any_folder(installed: Path, tmp_path: Path, program: list[str]):
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_", "PYTHON"))}
    environ |= {
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BPMN_HTTP_BASIC_AUTH_USERNAME": "test",
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": "test",
    }
    command = [installed / program[0], *(each.format(port=port) for each in program[1:])]
    process = subprocess.Popen(command, cwd=tmp_path, env=environ)
    try:
        deadline = time.monotonic() + 60
        while not is_ready(port):
            assert process.poll() is None, "the service ended"
            assert time.monotonic() < deadline, "the service did not become ready"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
    assert (tmp_path / "bpmn.db").is_file()


@contextmanager
def running(command: str, folder: Path, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """What is typed in a terminal that is left open."""
    with subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, env=environ) as process:
        try:
            yield process
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.sqlite
def test_the_first_process_of_the_readme_is_built_tested_and_run(installed: Path, tmp_path: Path):
    for name, content in zip(
        ("greeting.bpmn", "greeting.py", "test_greeting.py"), tutorial("xml") + tutorial("python"), strict=True
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
    _, first, second, third = tutorial("sh")
    (operating,) = tutorial("sh", "Operating")
    *before, serve = first.splitlines()
    port = free_port()
    environ = bare(installed) | {
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BPMN_URL": f"http://127.0.0.1:{port}",
        "BPMN_SHUTDOWN_DELAY": "0",
    }
    tested = run("bash", "-euc", "\n".join(before), cwd=tmp_path, env=environ)
    assert "1 passed" in tested
    given, _, command = serve.partition(" ")
    with running(command, tmp_path, environ | dict([given.split("=")])), running(second, tmp_path, environ):
        deadline = time.monotonic() + 60
        while not is_ready(port):
            assert time.monotonic() < deadline, "the service did not become ready"
        shown = run("bash", "-euc", third + operating, cwd=tmp_path, env=environ)
    followed, found, *_ = (json.loads(line) for line in shown.splitlines())
    assert (followed["state"], found["state"]) == ("COMPLETED", "COMPLETED")
    assert "Hello, World!" in shown


@pytest.fixture(scope="module")
def equipped(installed: Path) -> Path:
    """The programs, in an environment that has what the examples need beside."""
    install(installed, "pydantic")
    return installed


EXAMPLES = sorted(path.parent for path in (ROOT / "tests" / "examples").glob("*/README.md"))


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_pass_their_tests_where_the_wheel_is_installed(equipped: Path, tmp_path: Path, example: Path):
    project = tmp_path / example.name
    shutil.copytree(example, project)
    environ = bare(equipped) | {"PYTHONPATH": str(project)}
    covered = ("--bpmn-cov=.", "--bpmn-cov-fail-under=100")
    tested = run(equipped / "pytest", "-q", "-p", "no:cacheprovider", *covered, cwd=project, env=environ)
    assert " passed" in tested
    assert "skipped" not in tested


@pytest.mark.slow
@pytest.mark.sqlite
def test_the_client_alone_tests_with_the_service_of_another_environment(
    installed: Path, client_wheel: Path, project: Path, tmp_path_factory: pytest.TempPathFactory
):
    """In a project with a package app of its own."""
    programs = environment(tmp_path_factory.mktemp("beside") / "venv", f"{client_wheel}[test]")
    shutil.copytree(ROOT / "tests" / "examples" / "messages", project, dirs_exist_ok=True)
    environ = bare(programs) | {"PYTHONPATH": str(project), "BPMN_TEST_PYTHON": str(installed / "python")}
    tested = run(programs / "pytest", "-q", "-p", "no:cacheprovider", cwd=project, env=environ)
    assert "2 passed" in tested


@pytest.mark.slow
def test_the_wheel_of_the_client_brings_one_package_and_little_else(
    client_wheel: Path, project: Path, tmp_path_factory: pytest.TempPathFactory
):
    with zipfile.ZipFile(client_wheel) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"py_bpmn"}
    assert {"py_bpmn/py.typed", "py_bpmn/client.py", "py_bpmn/cli/tree.py"} <= set(names)
    assert not [name for name in names if name.endswith((".toml", ".md"))]
    folder = tmp_path_factory.mktemp("client")
    programs = environment(folder / "venv", str(client_wheel), "--report", folder / "report.json")
    brought = [each["metadata"]["name"] for each in json.loads((folder / "report.json").read_text())["install"]]
    assert len(brought) <= 8, brought
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(project), "BPMN_URL": "http://127.0.0.1:1"}
    program = "import app, py_bpmn; print(app.NAME, py_bpmn.Client().url)"
    found = run(programs / "python", "-c", program, env=environ, cwd=project)
    assert found == "of the user http://127.0.0.1:1\n"
    bare = subprocess.run([programs / "py-bpmn", "version"], env=environ, capture_output=True, text=True)
    assert (bare.returncode, bare.stderr.count("py-bpmn-client[cli]")) == (2, 1)

    install(programs, f"{client_wheel}[cli]")
    version = client_wheel.name.split("-")[1]
    assert run(programs / "py-bpmn", "version", env=environ, cwd=project) == f"{version}\n"
    for command, code, error in (
        ("serve", 2, "the service is not installed here: pip install py-bpmn-server"),
        ("check", 2, ""),
    ):
        done = subprocess.run([programs / "py-bpmn", command], env=environ, cwd=project, capture_output=True, text=True)
        assert done.returncode == code
        assert error in done.stderr


@pytest.mark.slow
def test_the_installed_wheel_has_the_grammars_of_expressions(installed: Path, tmp_path: Path):
    program = (
        "from app.expr import *; print(*(compile_expression('1', each).dialect for each in ('cel', 'feel', 'juel')))"
    )
    assert run(installed / "python", "-c", program, cwd=tmp_path, env=bare(installed)) == "CEL FEEL JUEL\n"


@pytest.mark.slow
def test_the_wheel_of_the_service_has_the_client_as_well(wheels: Path, client_wheel: Path):
    [server] = wheels.glob("py_bpmn_server-*.whl")
    with zipfile.ZipFile(server) as ours, zipfile.ZipFile(client_wheel) as theirs:
        mine = {name for name in ours.namelist() if name.startswith("py_bpmn/")}
        assert mine == {name for name in theirs.namelist() if name.startswith("py_bpmn/")}
        assert {name.partition("/")[0] for name in ours.namelist() if ".dist-info/" not in name} == {"app", "py_bpmn"}
