"""Errors of the service, expected and not."""

from __future__ import annotations

import logging

import pytest
from werkzeug.exceptions import BadRequest, ImATeapot, ServiceUnavailable

from app.errors import Cause, EngineError, ErrorKind, conflict, not_found, unavailable


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("CONFLICT", 409),
        ("EXECUTION", 422),
        ("HTTP_MEDIA_TYPE", 415),
        ("HTTP_REQUEST_BODY", 400),
        ("HTTP_REQUEST_URI", 400),
        ("NOT_FOUND", 404),
        ("PROCESS_MODEL", 422),
        ("QUERY", 400),
        ("VALIDATION", 400),
    ],
)
def test_every_kind_of_error_has_its_status(client, service, kind, status):
    service.answer = EngineError(ErrorKind(kind), "the detail", title="the title")
    response = client.post("/signals", json={"name": "n", "workerId": "w"})
    assert (response.status_code, response.content_type) == (status, "application/problem+json")
    assert response.get_json() == {"status": status, "type": kind, "title": "the title", "detail": "the detail"}


def test_causes_are_listed_without_empty_values(client, service):
    service.answer = EngineError(
        ErrorKind.PROCESS_MODEL,
        "BPMN process is invalid",
        title="failed to create process",
        causes=[Cause("/e", "process", "process e is not executable"), Cause("/e/f", "element", "is <&>", "v")],
    )
    response = client.post("/signals", json={"name": "n", "workerId": "w"})
    assert response.get_data(as_text=True) == (
        '{"status":422,"type":"PROCESS_MODEL","title":"failed to create process","detail":"BPMN process is invalid",'
        '"errors":[{"pointer":"/e","type":"process","detail":"process e is not executable"},'
        '{"pointer":"/e/f","type":"element","detail":"is <&>","value":"v"}]}\n'
    )


def test_an_unknown_entity_is_a_problem_while_an_unknown_path_is_not(client, service):
    service.answer = not_found("process 7")
    response = client.get("/processes/7/bpmn-xml")
    assert (response.status_code, response.get_json()["detail"]) == (404, "process 7 could not be found")


def test_a_failed_query_is_a_problem_too(client, service):
    service.answer = conflict("no")
    assert client.post("/jobs/query", json={}).status_code == 409


def test_what_nobody_expected_is_logged_and_not_shown(client, service, caplog):
    service.answer = RuntimeError("the password is secret")
    response = client.post("/jobs/lock", json={"workerId": "w"}, headers={"X-Request-Id": "request-7"})
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert response.headers["X-Request-Id"] == "request-7"
    assert response.get_json() == {
        "status": 500,
        "type": "UNKNOWN",
        "title": "unexpected error occurred",
        "detail": "see server logs, request request-7",
    }
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == "POST /jobs/lock failed, request request-7"
    assert record.exc_info[1] is service.answer


@pytest.mark.parametrize("kind", [ErrorKind.BUG, ErrorKind.UNKNOWN])
def test_a_failure_that_can_be_explained_is_logged_and_shown(client, service, caplog, kind):
    service.answer = EngineError(kind, "no encryption key is configured")
    response = client.post("/jobs/lock", json={"workerId": "w"}, headers={"X-Request-Id": "r"})
    assert response.get_json() == {
        "status": 500,
        "type": kind,
        "title": "unexpected error occurred",
        "detail": "no encryption key is configured, request r",
    }
    assert len(caplog.records) == 1


@pytest.mark.parametrize("title", ["failed to lock jobs", ""])
def test_an_unavailable_database_is_no_failure_of_the_service(client, service, caplog, title):
    """Whoever found the database away has said so in the log."""
    service.answer = unavailable("the database is away")
    service.answer.title = title
    response = client.post("/jobs/lock", json={"workerId": "w"})
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert response.headers["Retry-After"] == "1"
    assert response.get_json() == {
        "status": 503,
        "type": "UNAVAILABLE",
        "title": title or "service is unavailable",
        "detail": "the database is away",
    }
    assert caplog.records == []


def test_a_key_that_can_not_be_looked_up_is_neither_accepted_nor_refused(client, service):
    service.configure(auth_mode="required")

    def grant(*_):
        raise unavailable("the database is away")

    service.keys.grant = grant
    response = client.post("/jobs/query", json={}, headers={"Authorization": "YTpi"})
    assert (response.status_code, response.get_json()["type"]) == (503, "UNAVAILABLE")


def test_what_flask_refuses_is_a_problem(client, service):
    service.answer = ImATeapot()
    response = client.post("/jobs/lock", json={"workerId": "w"})
    assert (response.status_code, response.content_type) == (418, "application/problem+json")
    service.answer = BadRequest()
    assert client.post("/jobs/lock", json={"workerId": "w"}).status_code == 400


def test_failures_of_flask_are_not_shown(client, service, caplog):
    service.answer = ServiceUnavailable("the password is secret")
    response = client.post("/jobs/lock", json={"workerId": "w"})
    assert response.status_code == 500
    assert "secret" not in response.get_data(as_text=True)
    assert len(caplog.records) == 1


def test_a_title_that_can_not_be_encoded_does_not_matter(client, service):
    service.answer = EngineError(ErrorKind.CONFLICT, "\ud800", title="\ud800", causes=[Cause("/\ud800", "t", "d")])
    response = client.post("/jobs/lock", json={"workerId": "w"})
    assert (response.status_code, response.get_json()["errors"][0]["pointer"]) == (409, "/?")
