"""The OpenAPI document and its page."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import validate

from app import create_app
from app.api.examples import DAY


@pytest.fixture(scope="module")
def document(application):
    return application.test_client().get("/openapi.json").get_json()


def operations(document):
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    ]


def resolved(document, schema):
    if "$ref" in schema:
        return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_the_document_is_valid(document):
    validate(document)


def test_every_operation_is_documented_under_its_name(document, application):
    documented = {(method.upper(), path) for method, path, _ in operations(document)}
    served = {
        (method, re.sub("<(.*?)>", r"{\1}", rule.rule))
        for rule in application.url_map.iter_rules()
        for method in rule.methods - {"HEAD"}
        if not re.match("/docs|/openapi", rule.rule)
    }
    assert documented == served


def test_operation_ids_are_unique(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_the_older_paths_are_deprecated(document):
    deprecated = {path for _, path, operation in operations(document) if operation.get("deprecated")}
    assert deprecated == {"/events/messages", "/events/messages/query", "/events/signals"}


def test_paths_and_pages_have_parameters(document):
    for _, path, operation in operations(document):
        common = document["paths"][path].get("parameters", [])
        found = [*common, *operation.get("parameters", [])]
        names = [parameter["name"] for parameter in found if parameter["in"] != "header"]
        expected = re.findall("{(.*?)}", path)
        if path.endswith("/query"):
            expected += ["offset", "limit", "order", "cursor", "total"]
        elif path == "/incidents/groups":
            expected += ["offset", "limit"]
        # Others follow: what a file needs beside itself, or what an operation has of its own.
        assert names[: len(expected)] == expected


def test_bodies_refer_to_schemas_that_refuse_unknown_properties(document):
    for method, _, operation in operations(document):
        if method in ("get", "delete"):
            assert "requestBody" not in operation
            continue
        body = operation["requestBody"]
        assert body["required"]
        schema = resolved(document, body["content"]["application/json"]["schema"])
        assert schema["additionalProperties"] is False


def test_constraints_are_those_that_are_checked(document):
    schemas = document["components"]["schemas"]
    lock = schemas["LockJobs"]
    assert lock["required"] == ["workerId"]
    assert {key: lock["properties"]["limit"][key] for key in ("minimum", "maximum", "default", "format")} == {
        "minimum": 1,
        "maximum": 1000,
        "default": 1,
        "format": "int32",
    }
    assert (lock["properties"]["processIds"]["maxItems"], lock["properties"]["processIds"]["uniqueItems"]) == (
        100,
        True,
    )
    assert schemas["CreateProcess"]["required"] == ["bpmnProcessId", "bpmnXml", "version", "workerId"]
    assert schemas["Tag"]["properties"]["name"]["pattern"] == "^[a-zA-Z0-9_-]+$"
    assert schemas["MessageCriteria"]["properties"]["id"]["format"] == "int64"
    assert schemas["CompleteJob"]["properties"]["retryTimer"]["nullable"] is True


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("InstanceState", 7),
        ("JobType", 19),
        ("TaskType", 11),
        ("UserTaskState", 4),
        ("WorkState", 7),
        ("ElementType", 61),
        ("ProblemType", 13),
    ],
)
def test_enumerations_are_components(document, name, size):
    assert len(document["components"]["schemas"][name]["enum"]) == size


def test_answers_list_what_is_always_there(document):
    job = document["components"]["schemas"]["Job"]
    optional = set(job["properties"]) - set(job["required"])
    assert {name for name in optional if not job["properties"][name].get("x-extension")} == {
        "completedAt",
        "error",
        "lockedAt",
        "lockedBy",
    }
    assert not [name for name in job["required"] if job["properties"][name].get("x-extension")]


def test_problems_have_their_own_media_type(document):
    responses = document["components"]["responses"]
    for name, response in responses.items():
        if name in ("NOT_MODIFIED", "UNAUTHORIZED"):
            assert "content" not in response
        else:
            assert list(response["content"]) == ["application/problem+json"]
    complete = document["paths"]["/jobs/{partition}/{id}/complete"]["patch"]["responses"]
    assert sorted(complete) == ["200", "400", "401", "403", "404", "409", "415", "500", "503"]


def test_answers_without_a_body_and_those_that_pass_have_headers(document):
    responses = document["components"]["responses"]
    headers = {name: list(response["headers"]) for name, response in responses.items() if "headers" in response}
    assert headers == {
        "NOT_MODIFIED": ["ETag", "Cache-Control"],
        "UNAUTHORIZED": ["WWW-Authenticate"],
        "FORBIDDEN": ["X-Hint"],
        "SERVICE_UNAVAILABLE": ["Retry-After"],
    }


def test_the_largest_limit_is_the_configured_one(service):
    service.configure(max_query_limit=50)
    app = create_app(service.config, service=service)
    query = app.test_client().get("/openapi.json").get_json()["paths"]["/jobs/query"]["post"]
    (limit,) = [each for each in query["parameters"] if each["name"] == "limit"]
    assert limit["schema"]["maximum"] == 50


def test_examples_are_of_the_day(client, service):
    text = client.get("/openapi.json").get_data(as_text=True)
    assert str(service.now().date()) in text
    assert DAY not in text


def test_the_xml_is_documented_as_xml(document):
    assert list(document["paths"]["/processes/{id}/bpmn-xml"]["get"]["responses"]["200"]["content"]) == ["text/xml"]


ORIGINAL = {
    "checkReadiness",
    "completeJob",
    "createProcess",
    "createProcessInstance",
    "executeTasks",
    "getBpmnXml",
    "getElementVariables",
    "getProcessVariables",
    "lockJobs",
    "queryElementInstances",
    "queryElements",
    "queryIncidents",
    "queryJobs",
    "queryMessages",
    "queryProcessInstances",
    "queryProcesses",
    "queryTasks",
    "queryVariables",
    "resolveIncident",
    "resumeProcessInstance",
    "sendMessage",
    "sendSignal",
    "setElementVariables",
    "setProcessVariables",
    "setTime",
    "suspendProcessInstance",
    "unlockJobs",
    "unlockTasks",
}
"""The operations of the original API."""


def test_what_the_original_api_does_not_have_is_marked(document):
    names = {operation["operationId"] for _, _, operation in operations(document) if "deprecated" not in operation}
    extensions = {operation["operationId"] for _, _, operation in operations(document) if operation.get("x-extension")}
    assert names - extensions == ORIGINAL
    assert document["components"]["schemas"]["JobCompletion"]["properties"]["calledProcess"]["x-extension"] is True
    tags = document["components"]["schemas"]["CreateProcessInstance"]["properties"]["tags"]
    assert tags["x-also-accepts"]["type"] == "object"


def test_only_probes_do_without_authentication(document):
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "bearer", "basic"}
    assert len(document["security"]) == 3
    free = {path for _, path, operation in operations(document) if operation.get("security") == []}
    assert free == {"/readiness", "/healthz"}


def test_the_page_loads_nothing_from_elsewhere(client):
    response = client.get("/docs")
    assert response.content_type == "text/html; charset=utf-8"
    page = response.get_data(as_text=True)
    assert "//" not in page
    for name in re.findall('(?:src|href)="(.*?)"', page):
        asset = client.get(f"/{name}")
        assert asset.status_code == 200
        assert len(asset.data) > 500
    types = [client.get(f"/docs/{name}").content_type for name in ("swagger-ui.css", "swagger-ui-bundle.js")]
    assert types == ["text/css", "text/javascript"]


def test_every_type_of_job_is_described(document):
    described = document["components"]["schemas"]["JobType"]
    rows = [line.split(" | ")[0] for line in described["description"].splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(f"| `{name}`" for name in described["enum"])
