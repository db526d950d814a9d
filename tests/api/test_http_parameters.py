"""Path and query parameters, and in which order a request is looked at."""

from __future__ import annotations

from datetime import date

import pytest


def summary(response):
    problem = response.get_json()
    return response.status_code, problem["type"], problem["title"], problem["detail"]


PARTITION = "invalid path parameter partition"
ID = "invalid path parameter id"


@pytest.mark.parametrize(
    ("path", "title", "detail"),
    [
        ("/process-instances/x/1/variables", PARTITION, "failed to parse value 'x'"),
        ("/process-instances/2025-02-30/1/variables", PARTITION, "failed to parse value '2025-02-30'"),
        ("/process-instances/2025-5-1/1/variables", PARTITION, "failed to parse value '2025-5-1'"),
        ("/process-instances/20250501/1/variables", PARTITION, "failed to parse value '20250501'"),
        ("/process-instances/2025-W01-1/1/variables", PARTITION, "failed to parse value '2025-W01-1'"),
        ("/process-instances/x/y/variables", PARTITION, "failed to parse value 'x'"),
        ("/processes/x/bpmn-xml", ID, "failed to parse value 'x'"),
        ("/processes/1.5/bpmn-xml", ID, "failed to parse value '1.5'"),
        ("/processes/1_0/bpmn-xml", ID, "failed to parse value '1_0'"),
        ("/processes/%D9%A1/bpmn-xml", ID, "failed to parse value '١'"),  # noqa: RUF001  an Arabic digit on purpose
        ("/processes/2147483648/bpmn-xml", ID, "failed to parse value '2147483648'"),
        (f"/processes/{'9' * 5000}/bpmn-xml", ID, f"failed to parse value '{'9' * 5000}'"),
    ],
)
def test_a_path_that_can_not_be_parsed_is_a_problem(client, path, title, detail):
    response = client.get(path)
    assert response.content_type == "application/problem+json"
    assert summary(response) == (400, "HTTP_REQUEST_URI", title, detail)


@pytest.mark.parametrize("value", ["0", "-1", "-2147483648"])
def test_an_id_must_be_positive(client, value):
    detail = f"ID {value} must be greater than 0"
    assert summary(client.get(f"/processes/{value}/bpmn-xml")) == (400, "VALIDATION", ID, detail)


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("+7", 7), ("0000000000007", 7), ("2147483647", 2147483647)])
def test_an_id_may_have_a_sign_and_leading_zeros(client, service, text, value):
    service.answer = "<xml/>"
    assert client.get(f"/processes/{text}/bpmn-xml").status_code == 200
    assert service.command.id == value


@pytest.mark.parametrize(
    ("query", "kind", "detail"),
    [
        ("limit=x", "HTTP_REQUEST_URI", "failed to parse value x"),
        ("limit=", "HTTP_REQUEST_URI", "failed to parse value "),
        ("limit=1.5", "HTTP_REQUEST_URI", "failed to parse value 1.5"),
        ("limit=+5", "HTTP_REQUEST_URI", "failed to parse value  5"),
        ("limit=2147483648", "HTTP_REQUEST_URI", "failed to parse value 2147483648"),
        ("limit=-1", "VALIDATION", "limit -1 must be greater than or equal to 0"),
        ("offset=x", "HTTP_REQUEST_URI", "failed to parse value x"),
        ("offset=-1", "VALIDATION", "offset -1 must be greater than or equal to 0"),
        ("offset=x&limit=y", "HTTP_REQUEST_URI", "failed to parse value y"),
        ("limit=x&limit=1", "HTTP_REQUEST_URI", "failed to parse value x"),
    ],
)
def test_a_bad_page_is_a_problem(client, query, kind, detail):
    name = "limit" if "limit" in query else "offset"
    title = f"invalid query parameter {name}"
    assert summary(client.post(f"/jobs/query?{query}", data="{")) == (400, kind, title, detail)


@pytest.mark.parametrize(
    ("query", "offset", "limit"),
    [
        ("", 0, 25),
        ("?limit=0", 0, 25),
        ("?limit=5000&offset=3", 3, 5000),
        ("?limit=%2B5", 0, 5),
        ("?limit=7&limit=x&foo=bar", 0, 7),
    ],
)
def test_a_page_without_limit_has_the_configured_one(client, service, query, offset, limit):
    service.configure(default_query_limit=25)
    assert client.post(f"/jobs/query{query}", json={}).get_json() == {"count": 0, "results": []}
    ((_, *page),) = service.queries
    assert page == [offset, limit]


@pytest.mark.parametrize(
    ("query", "names", "exclude"),
    [
        ("", None, False),
        ("?names=", ("",), False),
        ("?names=a,b", ("a", "b"), False),
        ("?names=a%2Cb&names=c", ("a", "b", "c"), False),
        ("?excludeParentVariables=yes", None, False),
        ("?excludeParentVariables=", None, False),
        ("?excludeParentVariables=true&names=ev", ("ev",), True),
        ("?excludeParentVariables=truenames=a,b", ("a", "b"), True),
        *((f"?excludeParentVariables={word}", None, True) for word in ("1", "t", "T", "TRUE", "true", "True")),
    ],
)
def test_variables_are_chosen_by_name_and_scope(client, service, query, names, exclude):
    service.answer = []
    path = f"/element-instances/2025-05-01/3/variables{query}"
    assert client.get(path).get_json() == {"count": 0, "variables": []}
    command = service.command
    assert (command.partition, command.id) == (date(2025, 5, 1), 3)
    assert (command.names, command.exclude_parent_variables) == (names, exclude)


def test_a_name_with_a_nul_character_is_a_problem(client):
    response = client.get("/process-instances/2025-05-01/3/variables?names=a,%00")
    assert summary(response) == (
        400,
        "HTTP_REQUEST_URI",
        "invalid query parameter names",
        "a name contains a NUL character",
    )


def test_each_step_comes_before_the_next(client, service):
    """Authentication, route, set-time switch, path, media type, body, validation."""
    service.configure(auth_mode="required", set_time_enabled=False)
    xml = {"Content-Type": "application/xml"}
    assert client.patch("/nope", data="{", headers=xml).status_code == 401
    assert client.patch("/jobs/x/y/complete", data="{", headers=xml).status_code == 401
    service.configure(auth_mode="none")
    assert client.patch("/nope/x", data="{", headers=xml).status_code == 404
    assert client.post("/jobs/x/y/complete", data="{", headers=xml).status_code == 404
    assert client.patch("/time", data="{", headers=xml).status_code == 403
    assert summary(client.patch("/jobs/x/y/complete", data="{", headers=xml))[2] == PARTITION
    assert summary(client.patch("/jobs/2025-05-01/y/complete", data="{", headers=xml))[2] == ID
    assert client.patch("/jobs/2025-05-01/1/complete", data="{", headers=xml).status_code == 415
    assert summary(client.patch("/jobs/2025-05-01/1/complete", data="{"))[3] == "unexpected end of JSON"
    assert summary(client.patch("/jobs/2025-05-01/1/complete", data="{}"))[3] == "failed to validate request body"
    assert service.commands == []
