"""What the log says of requests, and of what operators care about."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

import app.api.log
from app import secret
from app.logs import JsonFormatter, Sparing
from app.service import Service
from tests.http.models import SERVICE
from tests.http.talk import Api, key

on_one_database = pytest.mark.parametrize(
    "database_url", [pytest.param("sqlite", marks=pytest.mark.sqlite)], indirect=True
)
"""What the database has no part in."""


class Lines(logging.Handler):
    """The lines of the log, as they are in JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.all: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(self.format(record)))

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.all if line["logger"] == logger]

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [line for line in self.of("app.api.log") if line["message"] == "request"]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    monkeypatch.setattr(app.api.log, "_refusals", Sparing(2, 3600.0))
    handler, logger = Lines(), logging.getLogger("app")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def fields(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: line[name] for name in names if name in line}


NAMED = ("method", "route", "partition", "id", "status", "worker_id")


@on_one_database
class TestRequests:
    def test_a_request_is_one_line_that_names_its_operation_its_outcome_and_who_sent_it(self, api: Api, lines: Lines):
        api.deploy(SERVICE)
        job = api.lock(processInstanceId=api.start()["id"])
        api.complete(job)
        api.send("PATCH", "/jobs/2026-11-23/no-number/complete", {"workerId": "w2"})
        api.send("GET", "/no/such/path")
        [*_, done, refused, unknown] = lines.requests
        complete = {"method": "PATCH", "route": "/jobs/{partition}/{id}/complete", "partition": job["partition"]}
        assert fields(done, *NAMED) == {**complete, "id": str(job["id"]), "status": 200, "worker_id": "w1"}
        assert fields(refused, *NAMED) == {**complete, "id": "no-number", "status": 400}
        assert fields(unknown, *NAMED) == {"method": "GET", "status": 404}
        assert done["ms"] >= 0
        assert len({line["request_id"] for line in lines.requests}) == len(lines.requests) == 6

    def test_the_id_of_a_request_is_the_one_in_its_answer(self, api: Api, lines: Lines):
        answer = api.send("POST", "/jobs/query", {}, headers={"X-Request-Id": "r-1"})
        assert answer.headers["X-Request-Id"] == lines.requests[0]["request_id"] == "r-1"

    def test_probes_are_not_logged(self, client: FlaskClient, lines: Lines):
        assert client.get("/healthz").status_code == client.get("/readiness").status_code == 200
        assert lines.all == []

    def test_requests_are_not_logged_when_that_is_turned_off(self, service: Service, api: Api, lines: Lines):
        service.config = replace(service.config, log_requests=False)
        api.query("jobs")
        assert lines.all == []

    def test_what_stands_in_a_path_is_cut(self, api: Api, lines: Lines):
        api.send("PATCH", f"/jobs/{'x' * 5000}/1/complete", {})
        assert lines.requests[0]["partition"] == "x" * 100


@on_one_database
class TestRefusedCredentials:
    def test_a_key_that_does_not_fit_is_told_by_its_id_and_never_by_its_secret(self, client: FlaskClient, lines: Lines):
        for scheme in ("", "Bearer "):
            client.post(
                "/jobs/query",
                headers={
                    "Authorization": scheme + secret.authorization_value("shop", "topsecret"),
                    "X-Forwarded-For": "192.0.2.7",
                },
            )
        refusals = [line for line in lines.all if line["level"] == "WARNING"]
        assert len(refusals) == 2
        for line in refusals:
            assert line["message"] == "credentials were refused"
            named = {"peer": "127.0.0.1", "forwarded_for": "192.0.2.7", "key": "shop"}
            assert fields(line, "peer", "forwarded_for", "key") == named
            assert line["request_id"]
        assert "topsecret" not in json.dumps(lines.all)

    @pytest.mark.parametrize("header", ["Basic dG9wc2VjcmV0OnRvcHNlY3JldA==", "topsecret", "Bearer topsecret:"])
    def test_what_may_be_a_password_is_not_logged(self, client: FlaskClient, lines: Lines, header: str):
        client.post("/jobs/query", headers={"Authorization": header})
        [line] = [line for line in lines.all if line["level"] == "WARNING"]
        assert "key" not in line
        assert "topsecret" not in json.dumps(lines.all) and "dG9wc2VjcmV0" not in json.dumps(lines.all)

    def test_who_tries_in_masses_does_not_fill_the_log(self, client: FlaskClient, lines: Lines):
        for _ in range(5):
            client.get("/jobs/query")
        messages = [line["message"] for line in lines.all if line["level"] == "WARNING"]
        assert messages == ["a request without credentials was refused"] * 2


NOTICES = "app.notices"
NAMED_BESIDE = ("element", "job", "worker_id", "error")


class TestNotices:
    """On both databases: the incident is taken out of what was written."""

    def test_deploying_is_told_once_with_the_version(self, api: Api, lines: Lines):
        process = api.deploy(SERVICE)
        api.deploy(SERVICE)
        [line] = lines.of(NOTICES)
        named = {"bpmn_process_id": "p", "version": "1", "process_id": process["id"], "worker_id": "w1"}
        assert fields(line, "message", *named) == {"message": "a process was deployed", **named}

    def test_an_incident_is_told_with_its_error_and_so_is_its_resolution(self, api: Api, lines: Lines):
        api.deploy(SERVICE)
        instance = api.start()
        job = api.work(instance=instance, error='card "4711" of ada@example.org was declined by acme\nTraceback')
        [incident] = api.query("incidents")
        api.patch(f"/incidents/{key(incident)}/resolve", workerId="ada")
        [_, created, resolved] = lines.of(NOTICES)
        assert created["level"] == "WARNING"
        assert created["error_id"] == incident["errorId"]
        assert fields(created, "message", "incident", "instance", "bpmn_process_id", *NAMED_BESIDE) == {
            "message": "an incident was created",
            "incident": key(incident),
            "instance": key(instance),
            "bpmn_process_id": "p",
            "element": "work",
            "job": key(job),
            "worker_id": "w1",
            "error": "card … of … was declined by acme",
        }
        named = {"message": "an incident was resolved", "incident": key(incident), "worker_id": "ada"}
        assert fields(resolved, *named) == named

    def test_incidents_of_jobs_that_are_completed_together_are_told(self, api: Api, lines: Lines):
        api.deploy(SERVICE)
        jobs = []
        for _ in range(2):
            instance = api.start()
            jobs.append(api.lock(partition=instance["partition"], processInstanceId=instance["id"]))
        api.post(
            "/jobs/complete",
            workerId="w1",
            jobs=[{"partition": job["partition"], "id": job["id"], "error": "declined"} for job in jobs],
        )
        told = [line["job"] for line in lines.of(NOTICES) if line["message"] == "an incident was created"]
        assert sorted(told) == sorted(key(job) for job in jobs)

    def test_errors_are_left_out_where_that_is_asked_for(self, service: Service, api: Api, lines: Lines):
        service.config = replace(service.config, log_errors=False)
        api.deploy(SERVICE)
        api.work(instance=api.start(), error="declined")
        assert "error" not in lines.of(NOTICES)[-1]

    @on_one_database
    def test_what_operators_do_to_an_instance_is_told(self, api: Api, lines: Lines):
        api.deploy(SERVICE)
        instance = api.start()
        for verb in ("suspend", "resume", "cancel"):
            api.patch(f"/process-instances/{key(instance)}/{verb}", workerId="ada")
        api.send("PATCH", f"/process-instances/{key(instance)}/cancel", {"workerId": "ada"})
        told = [(line["message"], line["instance"], line["worker_id"]) for line in lines.of(NOTICES)[1:]]
        assert told == [
            (f"a process instance was {done}", key(instance), "ada") for done in ("suspended", "resumed", "canceled")
        ]

    @on_one_database
    def test_moving_engine_time_is_told(self, api: Api, lines: Lines):
        api.patch("/time", timeDuration="PT1H")
        [line] = lines.of(NOTICES)
        assert line["old_time"] < line["new_time"]
