"""Which paths there are, the probes, and the request id."""

from __future__ import annotations

import re

import pytest

OPERATIONS = [
    ("POST", "/elements/query"),
    ("POST", "/element-instances/query"),
    ("GET", "/element-instances/2025-05-01/1/variables"),
    ("PUT", "/element-instances/2025-05-01/1/variables"),
    ("POST", "/messages"),
    ("POST", "/events/messages"),
    ("POST", "/messages/query"),
    ("POST", "/events/messages/query"),
    ("POST", "/messages/subscriptions/query"),
    ("POST", "/signals"),
    ("POST", "/events/signals"),
    ("POST", "/signals/subscriptions/query"),
    ("POST", "/incidents/query"),
    ("PATCH", "/incidents/2025-05-01/1/resolve"),
    ("POST", "/jobs/lock"),
    ("POST", "/jobs/query"),
    ("POST", "/jobs/unlock"),
    ("PATCH", "/jobs/2025-05-01/1/complete"),
    ("POST", "/processes"),
    ("POST", "/processes/query"),
    ("GET", "/processes/1/bpmn-xml"),
    ("POST", "/process-instances"),
    ("POST", "/process-instances/query"),
    ("PATCH", "/process-instances/2025-05-01/1/resume"),
    ("PATCH", "/process-instances/2025-05-01/1/suspend"),
    ("PATCH", "/process-instances/2025-05-01/1/cancel"),
    ("GET", "/process-instances/2025-05-01/1/variables"),
    ("PUT", "/process-instances/2025-05-01/1/variables"),
    ("POST", "/tasks/execute"),
    ("POST", "/tasks/query"),
    ("POST", "/tasks/unlock"),
    ("POST", "/user-tasks/query"),
    ("PATCH", "/user-tasks/2025-05-01/1"),
    ("POST", "/variables/query"),
    ("PATCH", "/time"),
    ("GET", "/readiness"),
    ("GET", "/healthz"),
]


def assert_nothing(response, status):
    assert (response.status_code, response.data) == (status, b"")
    assert "Content-Type" not in response.headers
    assert "Location" not in response.headers
    assert "Allow" not in response.headers


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_has_one_path_and_is_unknown_by_others(client, service, method, path):
    service.answer = [] if method == "GET" and path.endswith("variables") else "x"
    known = client.open(path, method=method, data="{")
    assert known.status_code == (200 if method == "GET" else 400)
    for other in (f"{path}/", f"/{path}", path.upper(), f"{path}/more"):
        # The client would take a doubled slash for the beginning of a host name.
        target = {"PATH_INFO": other, "RAW_URI": other}
        assert_nothing(client.open("/", method=method, data="{}", environ_overrides=target), 404)


@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_a_wrong_method_is_an_unknown_path(client, method, path):
    if (method, path) not in OPERATIONS:
        assert_nothing(client.open(path, method=method, data="{}"), 404)


def test_head_works_wherever_get_does(client, service):
    service.answer = "<xml/>"
    response = client.head("/processes/1/bpmn-xml")
    assert (response.status_code, response.data, response.content_length) == (200, b"", 6)
    assert_nothing(client.head("/jobs/query"), 404)


def test_a_service_that_works_is_ready(client):
    response = client.get("/readiness")
    assert (response.status_code, response.data) == (200, b"ready")
    assert response.content_type == "text/plain; charset=utf-8"


def test_a_service_that_stops_is_not_ready_but_alive(client, service):
    service.draining = True
    response = client.get("/readiness")
    assert (response.status_code, response.data) == (503, b"server is shutting down\n")
    assert response.content_type == "text/plain; charset=utf-8"
    assert client.get("/healthz").status_code == 200
    assert client.post("/jobs/query", json={}).status_code == 200


def test_a_service_without_its_database_is_not_ready_and_says_why_but_alive(client, service):
    service.is_ready = False
    response = client.get("/readiness")
    assert (response.status_code, response.data) == (503, b"server is not ready: the database can't be reached\n")
    assert client.get("/healthz").status_code == 200


def test_engine_time_is_moved_only_where_it_is_enabled(client, service):
    service.configure(set_time_enabled=False)
    assert_nothing(client.patch("/time", data="{"), 403)


@pytest.mark.parametrize("given", ["abc", "x" * 128, "!~"])
def test_the_id_of_a_request_is_taken_over(client, given):
    for path in ("/readiness", "/unknown", "/processes/x/bpmn-xml"):
        assert client.get(path, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "x" * 129, "a b", "ä", "a\tb"])
def test_a_request_without_a_sane_id_gets_one(client, given):
    headers = {} if given is None else {"X-Request-Id": given}
    first, second = (client.post("/jobs/query", json={}, headers=headers).headers["X-Request-Id"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


def test_a_refused_request_has_an_id_too(client, service):
    service.configure(auth_mode="required")
    assert client.get("/unknown").headers["X-Request-Id"]
