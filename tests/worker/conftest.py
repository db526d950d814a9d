"""Services for the tests of workers: one for each kind of database, that lasts for the whole run."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from py_bpmn import Client
from tests.databases import Databases
from tests.http_worker.serving import Served, serving

PATIENCE = 30.0
OPTIONS = {
    "BPMN_TASK_EXECUTOR_ENABLED": "true",
    "BPMN_TASK_EXECUTOR_INTERVAL": "1s",
    "BPMN_HTTP_THREADS": "4",
    "BPMN_ENCRYPTION_KEYS": b64encode(bytes(32)).decode(),
}


def until(reached: Callable[[], Any], what: str) -> Any:
    """What `reached` returns, once that is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := reached()):
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="session")
def services(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Served]]:
    running: dict[str, Served] = {}
    with ExitStack() as stack:

        def service(kind: str) -> Served:
            if kind not in running:
                url = stack.enter_context(databases.fresh(kind))
                folder = tmp_path_factory.mktemp("service")
                running[kind] = stack.enter_context(serving(url, folder, **OPTIONS))
            return running[kind]

        yield service


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def bpmn(request: pytest.FixtureRequest, services: Callable[[str], Served]) -> Iterator[Client]:
    """A client of a service on each kind of database."""
    with Client(f"http://127.0.0.1:{services(request.param).port}", worker_id="tester") as client:
        yield client


@pytest.fixture
def lite(services: Callable[[str], Served]) -> Iterator[Client]:
    """A client of a service on SQLite, for what no database has a part in."""
    with Client(f"http://127.0.0.1:{services('sqlite').port}", worker_id="tester") as client:
        yield client


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name.startswith("bpmn-")]
    assert not left
