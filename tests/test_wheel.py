import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, **options) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with nothing but the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    [wheel] = folder.glob("py_bpmn-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    programs = folder / "venv" / "bin"
    lock = ROOT / ".ci" / "requirements.lock"
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", lock, wheel)
    return programs


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
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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
