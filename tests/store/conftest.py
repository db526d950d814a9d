"""A service as it runs in production, but for its clock, which stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.clock import ManualClock
from app.config import Config
from app.service import Service, open_service
from tests.databases import Databases
from tests.store.emptied import Emptied, shared


@pytest.fixture(scope="session")
def emptied(databases: Databases) -> Iterator[Emptied]:
    with shared(databases) as emptied:
        yield emptied


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A migrated database without rows; the test runs once on each kind. On PostgreSQL days may exist already."""
    if request.param == "postgres":
        yield request.getfixturevalue("emptied").url()
        return
    with databases.fresh(request.param) as url:
        yield url


@pytest.fixture
def config(config: Config) -> Config:
    """Prepares one day only, which is the slow part of opening a service on PostgreSQL."""
    return replace(config, set_time_enabled=False, partition_ahead_days=0)


@pytest.fixture
def service(config: Config, clock: ManualClock) -> Iterator[Service]:
    service = open_service(config, clock)
    yield service
    service.close()


@pytest.fixture
def other(config: Config, clock: ManualClock, service: Service) -> Iterator[Service]:
    """A second service on the database of `service`, which shares nothing else with it."""
    other = open_service(config, clock)
    yield other
    other.close()


@pytest.fixture(params=[pytest.param(None, marks=pytest.mark.postgres)], ids=["postgres"])
def postgres(emptied: Emptied, clock: ManualClock) -> Iterator[Service]:
    """A service for what only PostgreSQL has."""
    service = open_service(Config(database_url=emptied.url(), partition_ahead_days=0), clock)
    yield service
    service.close()
