"""POST /testing/reset: an engine as if it were new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.clock import ManualClock
from app.config import Config
from app.service import Service, open_service
from tests.conftest import application
from tests.http.dump import dump
from tests.http.talk import Answer, Api

PROCESS = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p" isExecutable="true">'
    '<startEvent id="start"/><sequenceFlow id="f" sourceRef="start" targetRef="{task}"/><serviceTask id="{task}"/>'
    "</process></definitions>"
)
IDS = {"workerId": "w"}
sqlite = pytest.param("sqlite", marks=pytest.mark.sqlite)
only_sqlite = pytest.mark.parametrize("database_url", [sqlite], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: Any) -> Any:
    with databases.fresh(request.param) as url:
        yield url


def reset(api: Api) -> Answer:
    return api.send("POST", "/testing/reset", {})


def start(api: Api, task: str = "task") -> Any:
    api.post("/processes", bpmnProcessId="p", bpmnXml=PROCESS.format(task=task), version="1", **IDS)
    return api.post("/process-instances", bpmnProcessId="p", version="1", correlationKey="k", **IDS)


def locked(api: Api) -> list[str]:
    return [job["bpmnElementId"] for job in api.post("/jobs/lock", bpmnProcessIds=["p"], **IDS)["jobs"]]


def rows(config: Config) -> dict[str, int]:
    return {name: len(found) for name, found in dump(config.database_url).items() if found}


@only_sqlite
def test_nothing_is_left_but_what_the_engine_has_at_first(api: Api, config: Config):
    before = rows(config)
    start(api)
    api.post("/messages", name="m", correlationKey="k", expirationTimer={"timeDuration": "PT1H"}, **IDS)
    api.post("/signals", name="s", **IDS)
    api.put("/process-settings/p", retentionDays=1, **IDS)
    api.patch("/time", timeDuration="PT30H")
    assert rows(config) != before
    assert reset(api).status == 204
    assert rows(config) == before


@only_sqlite
def test_time_is_that_of_the_clock_again(api: Api, service: Service, clock: ManualClock):
    api.patch("/time", timeDuration="PT30H")
    assert service.now() > clock.now()
    reset(api)
    assert service.now() == clock.now()


@only_sqlite
def test_what_comes_after_has_nothing_of_what_was_there_under_the_same_name(api: Api):
    first = start(api)
    assert locked(api) == ["task"]
    assert api.post("/processes/statistics", bpmnProcessId="p")["results"]
    reset(api)
    assert api.post("/processes/statistics", bpmnProcessId="p")["results"] == []
    assert api.send("POST", "/process-instances", {"bpmnProcessId": "p", "version": "1", **IDS}).status == 404
    second = start(api, task="other")
    assert second["id"] > first["id"]
    assert locked(api) == ["other"]


@only_sqlite
def test_api_keys_stay(api: Api):
    key = api.post("/api-keys", secretId="k", roles=["ADMIN"], **IDS)["authorization"]
    reset(api)
    assert api.send("POST", "/testing/reset", {}, headers={"Authorization": key}).status == 204


@only_sqlite
def test_it_is_refused_where_it_is_not_enabled(api: Api, config: Config):
    closed = open_service(replace(config, test_operations=False))
    try:
        start(api)
        answer = reset(Api(application(closed).test_client()))
        assert (answer.status, answer.headers["X-Hint"]) == (403, "BPMN_TEST_OPERATIONS is false")
        assert rows(config)["process_instance"] == 1
    finally:
        closed.close()


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_it_is_refused_on_postgres(api: Api):
    answer = reset(api)
    assert answer.problem == (403, "FORBIDDEN", "failed to reset the engine", "the database is not SQLite")
    assert answer.headers["X-Hint"] == "the database is not SQLite"
