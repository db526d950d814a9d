"""Fixtures that all tests share: hypothesis profiles, databases, and the configuration for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime
from functools import cache

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings

from app import create_app
from app.api.context import EXTENSION
from app.clock import ManualClock
from app.config import Config
from app.service import Service, open_service
from tests.databases import Databases
from tests.wire import Wire

collect_ignore = ["examples"]
"""Projects of their own, whose tests run where the packages are installed."""
PROFILE = os.environ.get("BPMN_TEST_PROFILE", "check")
"""How much generated tests do: `check`, `full` with the long runs, `long` for an evening, `explore` for new cases."""
SEED = int(os.environ.get("BPMN_TEST_EXPLORE", "0"))
"""Generated tests take the cases of this seed; 0 stands for the same ones on every run.

So a change is judged by what it changes, and new cases are looked for apart (`make explore`).
"""


def examples(*, check: int, full: int) -> int:
    """How many examples a test takes that has numbers of its own."""
    return {"check": check, "full": full, "long": 5 * full, "explore": full // 4}[PROFILE]


settings.register_profile(
    "check",
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    derandomize=not SEED,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile("full", settings.get_profile("check"), max_examples=400, stateful_step_count=40)
settings.register_profile("long", settings.get_profile("full"), max_examples=2000)
settings.register_profile("explore", settings.get_profile("full"), max_examples=100)
settings.load_profile(PROFILE)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if SEED:
        config.option.hypothesis_seed = str(SEED)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Jobs in the background are started so. What a test starts would ignore the signal as well; unlike that,
        # a handler is not inherited.
        signal.signal(signal.SIGINT, lambda *_: None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SEED:
        terminalreporter.write_line(f"generated with BPMN_TEST_EXPLORE={SEED} BPMN_TEST_PROFILE={PROFILE}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves the long runs to the full profile, and begins with the files that take long."""
    if PROFILE not in ("full", "long"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]
    # Processes that share the tests by files end at about the same time when the last ones are small.
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("hypothesis")}
    items.sort(key=lambda item: item.path not in long)


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
    """How tests configure the service: test:test as credentials, time that can be set, no executor, no long waits."""
    return Config(
        database_url=url,
        basic_auth_username="test",
        basic_auth_password="test",
        engine_id="default-engine",
        set_time_enabled=True,
        test_operations=True,
        task_executor_enabled=False,
        # What is generated waits, too.
        long_poll_max=0.1,
    )


@pytest.fixture
def config(database_url: str) -> Config:
    return configured(database_url)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 23, 12))


@pytest.fixture
def service(config: Config, clock: ManualClock) -> Iterator[Service]:
    """A service on a fresh database, whose time stands still at `clock`."""
    service = open_service(config, clock)
    yield service
    service.close()


@cache
def _application() -> Flask:
    return create_app(Config(), service=object())


def application(service: Service) -> Flask:
    """The application, answered by `service`; there is one for the whole run, since building it is slow."""
    app = _application()
    app.extensions[EXTENSION] = service
    return app


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return application(service).test_client()


@pytest.fixture
def wire(databases: Databases) -> Iterator[Wire]:
    """A counting proxy before a fresh PostgreSQL database; its `url` is the one to connect to."""
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        yield wire
        wire.close()


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """No commands share a transaction."""
    monkeypatch.setattr("app.sharing.MOST_TOGETHER", 1)
