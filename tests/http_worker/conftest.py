from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.http_worker.serving import Client, Served, serving


@pytest.fixture(scope="package")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service on SQLite with two request threads, which gives nobody up for as long as a test takes."""
    folder = tmp_path_factory.mktemp("served")
    with databases.fresh("sqlite") as url, serving(url, folder, BPMN_HTTP_REQUEST_TIMEOUT="10m") as served:
        yield served


@pytest.fixture(scope="package")
def impatient(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that gives slow clients up after a moment."""
    folder = tmp_path_factory.mktemp("impatient")
    with databases.fresh("sqlite") as url, serving(url, folder, BPMN_HTTP_REQUEST_TIMEOUT="500ms") as served:
        yield served


@pytest.fixture
def sqlite_url(databases: Databases) -> Iterator[str]:
    with databases.fresh("sqlite") as url:
        yield url


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.connect() as client:
        yield client
