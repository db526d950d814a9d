"""What a start does without: it is what an operator waits for after a crash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
application = Application(config, loaded=loaded)
application.start()
ready = loaded.app.test_client().get("/readiness").status_code
documented = loaded.app.extensions.get("flask-smorest")
application.stop()
found = {"ready": ready, "documented": documented, "loaded": before, "later": sorted(set(sys.modules) - set(before))}
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
    "swagger_ui_bundle": "who looks at the documentation",
    "app.demo": "who plays the demonstration",
}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def test_a_start_on_a_migrated_database_loads_nothing_that_is_needed_later(databases: Databases, kind: str):
    with databases.fresh(kind) as url:
        done = subprocess.run(
            [sys.executable, "-c", STARTING, url], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ready"] == 200
    assert found["documented"] is None, "the OpenAPI document was begun"
    loaded = {*found["loaded"], *found["later"]}
    assert loaded & set(NEEDED_LATER) == set()
    assert ("psycopg" in loaded) is (kind == "postgres")
    assert {name for name in found["later"] if name.startswith(("app.", "marshmallow", "sqlalchemy"))} == set()
