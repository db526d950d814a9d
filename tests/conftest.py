"""Fixtures that all tests share: hypothesis profiles, databases, and the configuration for them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from app.config import Config
from tests.databases import Databases
from tests.wire import Wire

settings.register_profile(
    "check",
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "full",
    max_examples=400,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
PROFILE = os.environ.get("BPMN_TEST_PROFILE", "check")
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long runs to the full profile."""
    if PROFILE == "full":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def _migrate(url: str) -> None:
    from app.store import migrate

    migrate(Config(database_url=url))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    databases = Databases(_migrate)
    yield databases
    databases.stop()


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A fresh migrated database; the test runs once on each kind."""
    with databases.fresh(request.param) as url:
        yield url


def configured(url: str) -> Config:
    """How tests configure the service: test:test as credentials, time that can be set, no executor."""
    return Config(
        database_url=url,
        basic_auth_username="test",
        basic_auth_password="test",
        engine_id="default-engine",
        set_time_enabled=True,
        task_executor_enabled=False,
    )


@pytest.fixture
def config(database_url: str) -> Config:
    return configured(database_url)


@pytest.fixture
def wire(databases: Databases) -> Iterator[Wire]:
    """A counting proxy before a fresh PostgreSQL database; its `url` is the one to connect to."""
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        yield wire
        wire.close()
