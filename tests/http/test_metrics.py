"""What /metrics tells, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app.api.auth import METRICS_PATH
from app.clock import ManualClock
from app.errors import unavailable
from app.gauges import MOST_PROCESSES, OTHERS, gauges
from app.service import Service
from app.store import Facts
from tests.http.models import SERVICE, USER_TASK
from tests.http.talk import BASIC, Api

Series = dict[tuple[str, ...], float]


def scraped(client: FlaskClient, **headers: str) -> dict[str, Series]:
    """The values by the name of the metric and, in their order, the values of its labels."""
    answer = client.get(METRICS_PATH, headers=BASIC)
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        assert family.documentation
        for sample in family.samples:
            labels = tuple(value for name, value in sample.labels.items() if name != "le")
            if "le" not in sample.labels:
                found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gauges of the database are read each time."""
    monkeypatch.setattr("app.metrics.FRESH_SECONDS", -1.0)


@pytest.fixture
def open_work(api: Api, clock: ManualClock) -> Iterator[Any]:
    """Of `p` an incident, a locked and a due job, of `human` a due one; a minute later."""
    api.deploy(SERVICE)
    api.deploy(USER_TASK.replace('process id="p"', 'process id="human"'), process="human")
    api.work(instance=api.start(), error="declined")
    api.start()
    api.lock(limit=1)
    api.start()
    api.start("human")
    clock.advance(timedelta(minutes=1))
    yield


def test_gauges_tell_what_is_open_by_process(open_work: Any, client: FlaskClient):
    found = scraped(client)
    assert found["bpmn_jobs_due"] == {(): 2}
    assert found["bpmn_jobs_oldest_due_seconds"][()] == pytest.approx(60, abs=1)
    assert found["bpmn_jobs_locked"] == {(): 1}
    assert found["bpmn_instances_active"] == {("p",): 3, ("human",): 1}
    assert found["bpmn_incidents_open"] == {("p",): 1, ("human",): 0}
    assert found["bpmn_tasks_overdue"] == {(): 0}
    assert found["bpmn_database_up"] == {(): 1}


def test_gauges_are_of_the_files_or_of_the_days_of_the_database(service: Service, client: FlaskClient):
    found = scraped(client)
    if service.config.is_sqlite:
        assert found["bpmn_database_file_bytes"]["database",] > 0
        assert found["bpmn_database_disk_free_bytes"][()] > 0
    else:
        assert found["bpmn_partition_days"]["attached",] >= 3
        assert found["bpmn_partition_days_ahead"][()] >= 1


def test_the_database_is_asked_once_in_a_while(service: Service, api: Api, client: FlaskClient):
    api.deploy(SERVICE)
    assert scraped(client)["bpmn_jobs_due"] == {(): 0}
    api.start()
    assert scraped(client)["bpmn_jobs_due"] == {(): 0}


def test_tasks_that_nobody_executes_are_overdue(api: Api, client: FlaskClient, clock: ManualClock, asked_anew: None):
    api.deploy(SERVICE)
    assert scraped(client)["bpmn_tasks_overdue"] == {(): 0}
    # The purges of the days to come.
    clock.advance(timedelta(days=4))
    found = scraped(client)
    assert found["bpmn_tasks_overdue"][()] >= 2
    assert found["bpmn_tasks_oldest_overdue_seconds"][()] > 30


def test_requests_and_commands_are_counted(api: Api, client: FlaskClient):
    api.deploy(SERVICE)
    api.work(instance=api.start(), error="declined")
    api.send("POST", "/jobs/lock", {})
    api.send("GET", "/no/such/path")
    client.get("/docs")
    found = scraped(client)
    requests = found["bpmn_http_requests_total"]
    assert requests["lockJobs", "200"] == 1 and requests["lockJobs", "400"] == 1
    assert requests["unknown", "404"] == 1 and requests["docs", "200"] == 1
    assert found["bpmn_http_request_seconds_count"] == requests
    assert found["bpmn_command_seconds_count"]["LockJobs",] == 1
    assert found["bpmn_incidents_created_total"] == {(): 1}


def test_commands_that_share_a_transaction_are_counted_each(api: Api, client: FlaskClient):
    api.deploy(SERVICE)
    new = {"bpmnProcessId": "p", "version": "1"}
    api.post("/process-instances/batch", workerId="w1", processInstances=[new] * 3)
    assert scraped(client)["bpmn_command_seconds_count"]["CreateProcessInstance",] == 3


def test_what_was_counted_is_told_while_the_database_is_away(
    service: Service, api: Api, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> Any:
        raise unavailable("the database can't be reached")

    monkeypatch.setattr(service, "facts", fail)
    api.query("jobs")
    found = scraped(client)
    assert found["bpmn_database_up"] == {(): 0}
    assert "bpmn_jobs_due" not in found
    assert found["bpmn_http_requests_total"]["queryJobs", "200"] == 1


class TestAccess:
    @pytest.fixture(params=[pytest.param("sqlite", marks=pytest.mark.sqlite)])
    def database_url(self, databases: Any) -> Iterator[str]:
        with databases.fresh("sqlite") as url:
            yield url

    def test_credentials_are_needed_unless_it_is_public(self, service: Service, client: FlaskClient):
        assert client.get(METRICS_PATH).status_code == 401
        service.config = replace(service.config, metrics_public=True)
        assert client.get(METRICS_PATH).status_code == 200
        assert client.get("/metrics/").status_code == 401

    def test_there_is_nothing_where_metrics_are_off(self, service: Service, client: FlaskClient):
        service.metrics = None
        answer = client.get(METRICS_PATH, headers=BASIC)
        assert answer.status_code == 404
        assert "BPMN_METRICS_ENABLED is false" in answer.get_json()["detail"]


def test_days_that_are_over_are_not_ahead(clock: ManualClock):
    today = clock.now().date()
    for last, ahead in ((-1, 0), (0, 0), (2, 2)):
        facts = Facts(days=tuple(today + timedelta(days=n) for n in range(-30, last + 1)))
        values = {name: series for name, _, series, _ in gauges(facts, [], clock.now(), clock.now())}
        assert values["bpmn_partition_days_ahead"] == {(): ahead}


def test_processes_beyond_a_bound_share_a_series(clock: ManualClock):
    facts = Facts(active={f"p{n}": n + 1 for n in range(MOST_PROCESSES + 2)})
    values = {name: series for name, _, series, _ in gauges(facts, [], clock.now(), clock.now())}
    assert len(values["bpmn_instances_active"]) == MOST_PROCESSES + 1
    assert values["bpmn_instances_active"][OTHERS,] == 1 + 2
