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


def assert_nothing(response, status, allowed=None):
    assert (response.status_code, response.data) == (status, b"")
    assert "Content-Type" not in response.headers
    assert "Location" not in response.headers
    assert response.headers.get("Allow") == allowed


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_has_one_path_and_is_unknown_by_others(client, service, method, path):
    service.answer = [] if method == "GET" and path.endswith("variables") else "x"
    known = client.open(path, method=method, data="{")
    assert known.status_code == (200 if method == "GET" else 400)
    for other in (f"{path}/", f"/{path}", path.upper(), f"{path}/more"):
        # The client would take a doubled slash for the beginning of a host name.
        target = {"PATH_INFO": other, "RAW_URI": other}
        # What follows may be an id, or a partition and an id, though they are none that there could be.
        allowed = {
            "/processes/more": "DELETE",
            "/process-instances/query/more": "DELETE, GET, HEAD",
            "/user-tasks/query/more": "PATCH",
        }.get(other)
        assert_nothing(client.open("/", method=method, data="{}", environ_overrides=target), 404, allowed)


@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"])
def test_a_wrong_method_is_an_unknown_path_that_says_what_is_allowed(client, method, path):
    methods = {known for known, of in OPERATIONS if of == path}
    methods |= {"HEAD"} if "GET" in methods else set()
    if method not in methods:
        assert_nothing(client.open(path, method=method, data="{}"), 404, ", ".join(sorted(methods)))


def test_head_works_wherever_get_does(client, service):
    service.answer = "<xml/>"
    response = client.head("/processes/1/bpmn-xml")
    assert (response.status_code, response.data, response.content_length) == (200, b"", 6)
    assert_nothing(client.head("/jobs/query"), 404, "POST")


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
    refused = client.patch("/time", data="{")
    assert_nothing(refused, 403)
    assert refused.headers["X-Hint"] == "BPMN_SET_TIME_ENABLED is false"


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


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
NO_BROWSER = [{}, {"Accept": "*/*"}, {"Accept": "application/json"}, {"Accept": "text/*"}, {"Accept": "text/html;q=0"}]


def test_a_browser_is_led_to_the_documentation(client, service):
    for mode in ("none", "required"):
        service.configure(auth_mode=mode)
        response = client.get("/", headers=BROWSER)
        assert (response.status_code, response.headers["Location"], response.data) == (302, "docs", b"")
        assert client.head("/", headers=BROWSER).status_code == 302


def test_where_the_documentation_is_not_public_a_browser_is_asked_for_credentials_first(client, service):
    service.configure(auth_mode="required", docs_public=False)
    assert client.get("/", headers=BROWSER).status_code == 401
    service.configure(auth_mode="none")
    assert client.get("/", headers=BROWSER).status_code == 302


@pytest.mark.parametrize("headers", NO_BROWSER)
def test_for_others_there_is_nothing_at_the_root(client, service, headers):
    assert_nothing(client.get("/", headers=headers), 404)
    assert_nothing(client.post("/", headers=headers, data="{}"), 404)
    service.configure(auth_mode="required")
    assert client.get("/", headers=headers).status_code == 401


def test_a_browser_gets_a_short_page_instead_of_nothing(client, service):
    service.configure(set_time_enabled=False)

    def page(method, path, **options):
        response = client.open(path, method=method, headers=BROWSER, **options)
        assert response.content_type == "text/html; charset=utf-8"
        text = response.get_data(as_text=True)
        assert len(text) < 500
        return re.search("<title>(.*)</title>.*<p>(.*)</p>", text, re.DOTALL).groups()

    assert page("GET", "/nope") == ("404 Not Found", "There is no such path.")
    assert page("GET", "/jobs/query") == ("404 Not Found", "This path has no such method, but POST.")
    hint = "Engine time can't be moved: BPMN_SET_TIME_ENABLED is false."
    assert page("PATCH", "/time") == ("403 Forbidden", hint)
    peer = {"REMOTE_ADDR": "10.0.0.1"}
    hint = "BPMN_AUTH_MODE is none, which serves this machine only."
    assert page("GET", "/nope", environ_overrides=peer) == ("403 Forbidden", hint)
    service.configure(auth_mode="required")
    assert page("GET", "/nope") == ("401 Unauthorized", "Credentials are needed.")


@pytest.mark.parametrize("headers", NO_BROWSER)
def test_others_get_no_page(client, headers):
    assert_nothing(client.get("/nope", headers=headers), 404)


def test_a_page_repeats_nothing_of_the_request(client):
    answer = client.get("/<script>alert(1)</script>", headers=BROWSER)
    assert (answer.status_code, b"script" in answer.data) == (404, False)


def test_problems_are_the_same_for_a_browser(client):
    response = client.get("/processes/x/bpmn-xml", headers=BROWSER)
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
