"""What the README and the guide of plain HTTP say is what happens, and their tables are current."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.api.job import JobCompletionSchema
from app.bpmn.tags import TAGS
from app.config.listing import markdown
from app.engine.types import JobType
from tests.databases import Databases

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HTTP = (ROOT / "app" / "guides" / "http.md").read_text(encoding="utf-8")
WORKERS = (ROOT / "app" / "guides" / "workers.md").read_text(encoding="utf-8")
URL = "http://127.0.0.1:8080"
TIMEOUT = 120


def section(title: str, text: str = README) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[1]


def commands(title: str, text: str = README) -> str:
    """All shell blocks of a section, one after the other."""
    return "".join(re.findall(r"^```sh\n(.*?)^```$", section(title, text), re.DOTALL | re.MULTILINE))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where a service listens that was started the way `make run` does, but for the port."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BPMN_")}
    environ |= {
        "BPMN_HTTP_BIND_ADDRESS": "127.0.0.1:0",
        "BPMN_HTTP_BASIC_AUTH_USERNAME": "dev",
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": "dev",
        "BPMN_SHUTDOWN_DELAY": "0",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.cli", "serve"]
    with subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            listening = next((line for line in process.stderr if "Listening at: " in line), "")
            assert listening, "the service does not listen"
            yield re.sub(r".*Listening at: (\S+).*\n", r"\1", listening)
        finally:
            process.terminate()
            process.communicate(timeout=TIMEOUT)


def ask(url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    headers = {"Authorization": f"Basic {b64encode(b'dev:dev').decode()}"}
    data = None if body is None else json.dumps(body).encode()
    if data:
        headers["Content-Type"] = "application/json"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=TIMEOUT) as answer:
        return json.load(answer)


@pytest.mark.sqlite
def test_the_first_process_is_completed_by_pasting_its_commands(url: str, tmp_path: Path):
    script = commands("A process with curl", HTTP)
    assert URL in script

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script.replace(URL, url)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"status":' not in done.stdout, "a problem was answered"
    [instance] = ask(f"{url}/process-instances/query", {})["results"]
    assert (instance["bpmnProcessId"], instance["state"]) == ("greeting", "COMPLETED")
    found = ask(f"{url}/process-instances/{instance['partition']}/{instance['id']}/variables")["variables"]
    assert {variable["name"]: variable["data"]["value"] for variable in found} == {
        "greeting": "Hello, World!",
        "name": "World",
    }


@pytest.mark.sqlite
def test_the_worker_completes_what_is_there_and_what_comes_later(url: str, tmp_path: Path):
    (script,) = re.findall(
        r"^```python\n(.*?)^```$", section("A worker without the library", HTTP), re.DOTALL | re.MULTILINE
    )
    (xml,) = re.findall(r"^<\?xml.*?</definitions>$", HTTP, re.DOTALL | re.MULTILINE)
    assert URL in script
    ask(f"{url}/processes", {"bpmnProcessId": "greeting", "version": "1", "workerId": "me", "bpmnXml": xml})

    def start() -> str:
        name = {"name": "name", "data": {"encoding": "text", "value": "World"}}
        started = ask(f"{url}/process-instances", {"bpmnProcessId": "greeting", "workerId": "me", "variables": [name]})
        return f"{url}/process-instances/{started['partition']}/{started['id']}"

    earlier = start()
    with subprocess.Popen([sys.executable, "-c", script.replace(URL, url)], cwd=tmp_path) as worker:
        try:
            for instance in (earlier, start()):
                assert ask(f"{instance}?waitTimeout=PT20S")["state"] == "COMPLETED"
                found = ask(f"{instance}/variables?names=greeting")["variables"]
                assert [variable["data"]["value"] for variable in found] == ["Hello, World!"]
        finally:
            worker.kill()


@pytest.mark.postgres
def test_what_comes_before_the_service_in_production_works_and_keeps_its_secrets(databases: Databases, tmp_path: Path):
    script = commands("In production").partition("export BPMN_DATABASE_URL=")[2]
    before, _, after = script.partition("bpmn/bin/py-bpmn serve\n")
    assert before and not after
    with databases.fresh("postgres", migrated=False) as url:
        given = f"export BPMN_DATABASE_URL={shlex.quote(url)}\n{before.partition(chr(10))[2]}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", given.replace("bpmn/bin/py-bpmn", f"{sys.executable} -m app.cli")],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("created the schema")
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {
        "encryption.key": 0o600,
        "shop.key": 0o600,
    }


def test_the_table_of_options_is_current():
    guide = (ROOT / "app" / "guides" / "options.md").read_text(encoding="utf-8")
    assert markdown() in guide, "put the output of `py-bpmn config --markdown` there"


def test_the_table_of_elements_names_all_that_can_be_executed_and_nothing_else():
    named: dict[str, set[str]] = {}
    for kind, content in re.findall(r"^\| (.+?) \| (.+?) \|$", section("What can be executed"), re.MULTILINE)[2:]:
        tags = re.findall(r"`(\w+)`", content)
        if not kind.startswith("`"):
            named |= {tag: set() for tag in tags}
        else:
            named[kind.strip("`")] = {*tags, ""} if content.startswith("none") else set(tags)
    assert named == {tag: set(row) if isinstance(row, Mapping) else set() for tag, row in TAGS.items()}


def test_the_table_of_jobs_names_all_types_and_all_fields_of_completions():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", section("What is asked for", WORKERS), re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(JobType)
    named = {field for _, _, needs in rows for field in re.findall(r"`(\w+)`", needs)}
    within = {"bpmnElementId", "bpmnProcessId", "version", "calledElement", "id", "time", "timeDuration", "timeCycle"}
    fields = {field.data_key for field in JobCompletionSchema().fields.values()}
    assert named - within == fields


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)\b", README))))
def test_a_target_that_is_named_exists(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
