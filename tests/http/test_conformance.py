"""The scenarios of the conformance corpus. Without one, this module is not collected, and the run says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from app.config import Config
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.databases import Databases
from tests.http.corpus import load_runner, scenarios_by_file
from tests.http.talk import BASIC

KINDS = ("sqlite", "postgres")
RUNNER = load_runner()
FILES = scenarios_by_file(RUNNER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All scenarios of a file after each other, on a database of each kind."""
    cases = [
        pytest.param((kind, file), scenario, id=f"{kind}-{file}-{scenario.id}", marks=getattr(pytest.mark, kind))
        for kind in KINDS
        for file, scenarios in FILES.items()
        for scenario in scenarios
    ]
    metafunc.parametrize(("service", "scenario"), cases, indirect=["service"], scope="module")


def _config(url: str, settings: dict[str, str]) -> Config:
    return replace(
        configured(url),
        # Scenarios jump from day to day, and days are what costs on PostgreSQL.
        partition_ahead_days=1,
        set_time_enabled=settings["set_time"] == "true",
        encryption_keys=tuple(key for key in settings["encryption_keys"].split(",") if key),
    )


@pytest.fixture(scope="module")
def service(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Service]:
    """A service for all scenarios of one file, which may build on each other's engine time."""
    kind, file = request.param
    with databases.fresh(kind) as url:
        service = open_service(_config(url, FILES[file][0].settings))
        yield service
        service.close()


def _requests_to(service: Service) -> Callable[..., tuple[int, Any, bytes]]:
    client = application(service).test_client()

    def request(method: str, path: str, json: Any = None, *, data: Any = None, headers: Any = None) -> Any:
        sent = {name: value for name, value in (BASIC | (headers or {})).items() if value is not None}
        response = client.open(path, method=method, json=json, data=data, headers=sent)
        return response.status_code, response.headers, response.data

    return request


def test_a_scenario(service: Service, scenario: Any):
    RUNNER.run_scenario(scenario, _requests_to(service))
