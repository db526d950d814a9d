"""The service under gunicorn's own command line, by its worker and by others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.version import version
from tests.http_worker.serving import ROOT, environment, free_port, gunicorn, serving

pytestmark = pytest.mark.sqlite


def test_everything_is_logged_as_json_when_that_is_asked_for(sqlite_url: str, tmp_path: Path):
    with serving(sqlite_url, tmp_path, program=gunicorn("app.wsgi"), BPMN_LOG_FORMAT="json") as served:
        assert served.post("/jobs/query").status == 200
        with served.connect() as client:
            assert client.send(b"oops\r\n\r\n").answer().status == 400
        assert served.stop() == 0
        records = [json.loads(line) for line in served.log]
    assert "py-bpmn starts" in {record["message"] for record in records}
    assert {"gunicorn.error", "app.http_worker.worker"} <= {record["logger"] for record in records}


def test_serve_logs_everything_as_json_too_and_first_of_all_what_starts(sqlite_url: str, tmp_path: Path):
    secrets = {"BPMN_HTTP_BASIC_AUTH_USERNAME": "ada", "BPMN_HTTP_BASIC_AUTH_PASSWORD": "topsecret"}
    with serving(sqlite_url, tmp_path, BPMN_LOG_FORMAT="json", BPMN_AUTH_MODE="required", **secrets) as served:
        assert served.post("/jobs/query").status == 401
        assert served.stop() == 0
        records = [json.loads(line) for line in served.log]
    assert {"gunicorn.error", "app.api.log"} <= {record["logger"] for record in records}
    [start] = [record for record in records if record["message"] == "py-bpmn starts"]
    assert start["version"] == version()
    assert start["database"] == sqlite_url
    assert start["authentication"] == "API keys, basic"
    changed = {"BPMN_HTTP_THREADS": "2", "BPMN_HTTP_BASIC_AUTH_PASSWORD": "***", "BPMN_LOG_FORMAT": "json"}
    assert changed.items() <= start["options"].items()
    assert "BPMN_LOG_LEVEL" not in start["options"]
    assert not any("topsecret" in line for line in served.log)


@pytest.mark.parametrize("module", ["wsgi", "app.wsgi"])
def test_another_worker_serves_and_its_process_logs_as_the_service_does(sqlite_url: str, tmp_path: Path, module: str):
    program = gunicorn(module, "--chdir", str(ROOT), worker=("--worker-class", "gthread"))
    with serving(sqlite_url, tmp_path, program=program, BPMN_LOG_FORMAT="json") as served:
        assert served.get("/healthz").body == b"ok"
        assert served.post("/jobs/query").status == 200
        assert served.stop() == 0
        [line] = [line for line in served.log if "Worker exiting" in line]
        assert json.loads(line)["logger"] == "gunicorn.error"


def test_what_gunicorn_shall_write_to_a_file_stays_there(sqlite_url: str, tmp_path: Path):
    file = tmp_path / "errors.log"
    program = gunicorn("app.wsgi", "--error-logfile", str(file))
    with serving(sqlite_url, tmp_path, program=program) as served:
        assert served.stop() == 0
        assert not any("Worker exiting" in line for line in served.log)
    assert "Worker exiting" in file.read_text(encoding="utf-8")


def test_the_worker_leaves_tls_to_a_proxy(sqlite_url: str, tmp_path: Path):
    port = free_port()
    for name in ("cert", "key"):
        (tmp_path / name).write_text("")
    program = gunicorn("app.wsgi", "--certfile", str(tmp_path / "cert"), "--keyfile", str(tmp_path / "key"))
    command = [sys.executable, *(each.format(port=port) for each in program)]
    done = subprocess.run(command, env=environment(sqlite_url, port), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "leave TLS to a proxy" in done.stderr
