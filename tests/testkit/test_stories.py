"""The same stories with all engines: in this process, in another one, and a service that others might use."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from py_bpmn.testing.engine import OPTIONS, Engine, InProcess, Remote, Subprocess
from py_bpmn.testing.kit import Bpmn
from tests.bench.serve import PASSWORD, USERNAME, serving
from tests.databases import Databases
from tests.testkit.stories import AUTO, STORIES, Told


@pytest.fixture(scope="module", params=["in process", "subprocess", "remote"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "remote":
        yield request.getfixturevalue("remote")
        return
    engine = InProcess() if request.param == "in process" else Subprocess(sys.executable)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def remote(databases: Databases) -> Iterator[Engine]:
    """With an executor of its own, beside that of the kit, and stories that leave behind what they have."""
    options = {
        "BPMN_ENCRYPTION_KEYS": OPTIONS["BPMN_ENCRYPTION_KEYS"],
        "BPMN_SET_TIME_ENABLED": "true",
        "BPMN_TASK_EXECUTOR_ENABLED": "true",
    }
    with (
        databases.fresh("sqlite") as url,
        serving(url, **options) as served,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("BPMN_USERNAME", USERNAME)
        patch.setenv("BPMN_PASSWORD", PASSWORD)
        engine = Remote(f"http://127.0.0.1:{served.port}")
        yield engine
        engine.close()


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.__name__)
def test_a_story(engine: Engine, told: Told):
    engine.reset({})
    told(Bpmn(engine.client(""), auto=told in AUTO, is_shared=engine.is_shared))
