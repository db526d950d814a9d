from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from flask.testing import FlaskClient

from app.config import Config
from tests.conftest import configured
from tests.databases import Databases, plain
from tests.http import corpus
from tests.http.dump import TABLES
from tests.http.talk import Api

collect_ignore = [] if corpus.is_there() else ["test_conformance.py"]

EMPTY = ";".join(f"DELETE FROM {each.name}" for each in TABLES)


def pytest_report_collectionfinish() -> str:
    found = "is run" if corpus.is_there() else "is not there, so it is not run"
    return f"conformance corpus: {corpus.CORPUS} {found}"


@pytest.fixture(scope="session")
def shared_postgres_url(databases: Databases) -> Iterator[str]:
    with databases.fresh("postgres") as url:
        yield url


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A database without rows, of each kind. On PostgreSQL it is one for all, since a copy costs most of a second."""
    if request.param == "sqlite":
        with databases.fresh("sqlite") as url:
            yield url
        return
    url = request.getfixturevalue("shared_postgres_url")
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(EMPTY)
    yield url


@pytest.fixture
def config(database_url: str) -> Config:
    keys = (base64.b64encode(bytes(32)).decode(),)
    return replace(configured(database_url), encryption_keys=keys, metrics_enabled=True)


@pytest.fixture
def api(client: FlaskClient) -> Api:
    return Api(client)
