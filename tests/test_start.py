"""What a start does without: it is what an operator waits for after a crash."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from tests.databases import Databases

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 120
STARTING = """
import json, sys
import app.cli
from app.config import Config
from app.serve import Application, load, prepare

config = Config(database_url=sys.argv[1], basic_auth_username="a", basic_auth_password="a")
loaded = load(config)
prepare(config, loaded)
before = sorted(sys.modules)
pool = loaded.store._dialect.engine.pool
connections = pool.checkedin() + pool.checkedout()
application = Application(config, loaded=loaded)
application.start()
ready = loaded.app.test_client().get("/readiness").status_code
documented = loaded.app.extensions.get("flask-smorest")
application.stop()
later = sorted(set(sys.modules) - set(before))
found = {"connections": connections, "ready": ready, "documented": documented, "loaded": before, "later": later}
print(json.dumps(found))
"""
"""What `py-bpmn serve` does but for the server: up to the fork, and then in the worker process."""
NEEDED_LATER = {
    "alembic": "who migrates",
    "mako": "who migrates",
    "pygments": "who migrates",
    "croniter": "who has timers with cron expressions",
    "dateutil": "who has timers with cron expressions",
    "cryptography": "who encrypts variables",
    "prometheus_client": "who wants metrics",
    "swagger_ui_bundle": "who looks at the documentation",
    "app.demo": "who plays the demonstration",
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def test_a_start_loads_nothing_that_is_needed_later_and_forks_without_connections(databases: Databases, kind: str):
    with databases.fresh(kind) as url:
        done = subprocess.run(
            [sys.executable, "-c", STARTING, url], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["connections"] == 0, "worker processes would share a connection"
    assert found["ready"] == 200
    assert found["documented"] is None, "the OpenAPI document was begun"
    loaded = {*found["loaded"], *found["later"]}
    assert loaded & set(NEEDED_LATER) == set()
    assert ("psycopg" in loaded) is (kind == "postgres")
    assert {name for name in found["later"] if name.startswith(("app.", "marshmallow", "sqlalchemy"))} == set()


@pytest.mark.sqlite
def test_garbage_is_collected_again_when_a_start_has_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("BPMN_DATABASE_URL", f"sqlite:///{tmp_path}/missing/bpmn.db")
    monkeypatch.setenv("BPMN_HTTP_BIND_ADDRESS", "127.0.0.1:0")
    assert main(["serve"]) == 1
    assert gc.isenabled()
