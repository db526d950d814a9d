"""/openapi.json and the contract say the same: nothing is missing, and nothing is in it that is no extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import validate

from app import create_app
from app.config import Config
from app.service import Service
from tests.conftest import application
from tests.http.bodies import FULL
from tests.http.contract import (
    ALSO_ACCEPTED,
    ANSWERS,
    ENUMS,
    ERROR_TYPES,
    KEY_HEADER,
    OPERATIONS,
    ORDERS,
    PAGE,
    PUBLIC,
    QUERY_PARAMETERS,
    REQUESTS,
    SHARED,
    Operation,
    writes,
)
from tests.http.talk import Nobody

TYPES = {
    ("string", None): "string",
    ("string", "date"): "date",
    ("string", "date-time"): "time",
    ("string", "cron"): "string cron",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("boolean", None): "boolean",
    ("object", None): "object",
}
CONSTRAINTS = {"minimum": "gte-", "maximum": "lte-", "maxItems": "max-", "maxLength": "max-"}
DURATION = "P1Y2M3W4DT5H6M7S"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    answer = application(Nobody()).test_client().get("/openapi.json")
    assert answer.content_type == "application/json"
    return answer.get_json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def reference(schema: dict[str, Any]) -> str:
    """The name of the schema that is referred to, or nothing."""
    if "allOf" in schema:
        (schema,) = schema["allOf"]
    if "anyOf" in schema:
        schema, null = schema["anyOf"]
        assert null["enum"] == [None]
    return schema.get("$ref", "").rpartition("/")[2]


def base_type(schema: dict[str, Any]) -> str:
    if reference(schema):
        return reference(schema)
    if schema["type"] == "array":
        return f"[{base_type(schema['items'])}]"
    return TYPES[schema["type"], schema.get("format")]


def words(schema: dict[str, Any], *, needed: str = "", not_needed: str = "") -> set[str]:
    """A property in the words of the contract."""
    found = {*base_type(schema).split(), needed or not_needed}
    found |= {word + str(schema[key]) for key, word in CONSTRAINTS.items() if key in schema}
    found |= {f"each-{bound}" for bound in [schema.get("items", {}).get("maxLength")] if bound}
    found |= {"unique"} if schema.get("uniqueItems") else set()
    found |= {"+"} if schema.get("x-extension") else set()
    if "enum" in schema:
        found.add(f"one-of-{len(schema['enum'])}")
    if "pattern" in schema:
        found.add("duration" if re.search(schema["pattern"], DURATION) and schema["pattern"][:2] == "^P" else "name")
    return found - {""}


def test_the_document_is_valid(document):
    validate(document)


def test_it_has_all_operations_and_no_others(document):
    expected = {(operation.method, operation.path, name) for name, operation in OPERATIONS.items()}
    expected |= {
        (operation.method, operation.alias, f"{name}Alias") for name, operation in OPERATIONS.items() if operation.alias
    }
    assert {(method, path, operation["operationId"]) for method, path, operation in operations(document)} == expected


@pytest.fixture(params=OPERATIONS)
def pair(request, document) -> tuple[str, Operation, list[dict[str, Any]]]:
    """Name and contract of an operation, and its documentation under each of its paths."""
    expected = OPERATIONS[request.param]
    paths = [path for path in (expected.path, expected.alias) if path]
    return request.param, expected, [document["paths"][path][expected.method.lower()] for path in paths]


def test_operations_have_their_statuses(pair):
    name, expected, documented = pair
    statuses = {expected.success, *expected.also, *expected.problems}
    if name not in PUBLIC:
        statuses |= {401, 403, 500, 503}
        statuses |= {400} if expected.request or "{" in expected.path else set()
        statuses |= {400, 409} if writes(name) else set()
        statuses |= {415} if expected.request else set()
    for operation in documented:
        assert {int(status) for status in operation["responses"]} == statuses


def test_operations_have_their_bodies(pair, document):
    _, expected, documented = pair
    for operation in documented:
        body = operation.get("requestBody", {"content": {}})
        media_types = {"application/json": expected.request} if expected.request else {}
        if expected.takes_file:
            media_types |= {"application/xml": "", "text/xml": ""}
        assert {media: reference(found["schema"]) for media, found in body["content"].items()} == media_types
        assert body.get("required", False) is bool(expected.request)
        content = operation["responses"][str(expected.success)].get("content", {})
        answer = {media: reference(found["schema"]) for media, found in content.items()}
        if "/" in expected.answer:
            assert answer == {expected.answer: ""}
        else:
            assert answer == ({"application/json": expected.answer} if expected.answer else {})


def test_failures_are_problems_or_have_no_body(pair, document):
    name, _, documented = pair
    for status, response in documented[0]["responses"].items():
        if int(status) >= 400:
            component = response.get("$ref", "").rpartition("/")[2]
            content = document["components"]["responses"].get(component, response).get("content", {})
            media = {"401": []}.get(status, ["application/problem+json"])
            if name in PUBLIC:
                media = ["text/plain"]
            assert list(content) == media, (name, status)


def test_operations_have_their_parameters(pair, document):
    name, expected, documented = pair
    in_query = QUERY_PARAMETERS.get(name, {})
    if expected.path.endswith("/query"):
        in_query = in_query | PAGE | {"order": f"string + one-of-{2 * (1 + len(ORDERS.get(name, '').split()))}"}
    in_path = {
        "partition": "date required",
        "id": "int32 gte-1 required",
        "bpmnProcessId": "string max-255 required",
    }
    for path, operation in zip([expected.path, expected.alias], documented, strict=False):
        everything = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        found = {
            (parameter["in"], parameter["name"]): words(
                schema_of(parameter) | {"x-extension": parameter.get("x-extension")},
                needed="required" if parameter.get("required") else "",
            )
            for parameter in everything
        }
        expected_parameters = {("query", key): set(value.split()) for key, value in in_query.items()}
        expected_parameters |= {("path", key): set(in_path[key].split()) for key in re.findall("{(.*?)}", path)}
        expected_parameters |= {("header", "Idempotency-Key"): set(KEY_HEADER.split())} if writes(name) else {}
        assert found == expected_parameters


def schema_of(parameter: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = (parameter.get("content", {}).get("application/json") or parameter)["schema"]
    return schema


def test_operations_say_whether_they_are_extensions_and_need_authentication(pair):
    name, expected, documented = pair
    for number, operation in enumerate(documented):
        assert operation.get("x-extension", False) is expected.extension
        assert operation.get("deprecated", False) is (number > 0)
        assert ("security" in operation) is (name in PUBLIC)
        assert operation["summary"]


def test_it_has_all_schemas_and_no_others(document):
    assert set(document["components"]["schemas"]) == {*REQUESTS, *SHARED, *ANSWERS, *ENUMS}


@pytest.mark.parametrize("name", [*REQUESTS, *SHARED])
def test_requests_have_their_properties(document, name):
    schema = document["components"]["schemas"][name]
    required = schema.get("required", [])
    assert schema["additionalProperties"] is False
    assert {
        key: words(value, needed="required" if key in required else "") for key, value in schema["properties"].items()
    } == {key: set(value.split()) for key, value in (REQUESTS | SHARED)[name].items()}
    for key, value in schema["properties"].items():
        allows_null = value.get("nullable", False) or "anyOf" in value
        assert allows_null is (key not in required), f"{name}.{key}: null means absent"
        assert "x-also-accepts" in value or f"{name}.{key}" not in ALSO_ACCEPTED
        assert "x-also-accepts" not in value or f"{name}.{key}" in ALSO_ACCEPTED
        if key in required and value.get("type") == "string":
            assert value["minLength"] == 1


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_have_their_properties(document, name):
    schema = document["components"]["schemas"][name]
    required = schema.get("required", [])
    assert {
        key: words(value, needed="A" if key in required else "", not_needed="O") | or_null(value)
        for key, value in schema["properties"].items()
    } == {key: set(value.split()) for key, value in ANSWERS[name].items()}
    assert list(schema["properties"]) == list(ANSWERS[name]), "properties are written in this order"


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith("query")])
def test_queries_have_their_orders(document, name):
    parameters = document["paths"][OPERATIONS[name].path]["post"]["parameters"]
    (order,) = [parameter["schema"]["enum"] for parameter in parameters if parameter["name"] == "order"]
    assert order == [sign + column for column in ["id", *ORDERS.get(name, "").split()] for sign in ("", "-")]


def or_null(schema: dict[str, Any]) -> set[str]:
    return {"or-null"} if schema.get("nullable") else set()


@pytest.mark.parametrize("name", ENUMS)
def test_enumerations_have_their_values(document, name):
    schema = document["components"]["schemas"][name]
    values = ENUMS[name].split()
    assert sorted(schema["enum"]) == sorted(value.rstrip("+") for value in values)
    if name != "UserTaskState":
        extensions = [value.rstrip("+") for value in values if value.endswith("+")]
        assert sorted(schema.get("x-extensions", [])) == sorted(extensions)


def test_errors_have_their_types(document):
    assert document["components"]["schemas"]["Error"]["properties"]["type"]["enum"] == ERROR_TYPES.split()


def _examples(value: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every schema with an example of it."""
    if isinstance(value, list):
        for item in value:
            yield from _examples(item)
    elif isinstance(value, dict):
        if "example" in value and ("type" in value or "schema" in value):
            yield value.get("schema", value), value["example"]
        for item in value.values():
            yield from _examples(item)


def test_examples_are_what_they_are_examples_of(document):
    found = list(_examples(document))
    assert len(found) > 50
    for schema, example in found:
        validator = OAS30Validator(
            {"components": document["components"], "allOf": [schema]}, format_checker=oas30_format_checker
        )
        validator.validate(example)


def _validator(document: dict[str, Any], name: str) -> OAS30Validator:
    schema = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
    return OAS30Validator(schema, format_checker=oas30_format_checker)


@pytest.mark.parametrize("name", FULL)
def test_a_request_with_everything_is_valid_and_so_it_is_with_nulls(document, name):
    schema = OPERATIONS[name].request
    body = FULL[name][2]
    assert list(body) == list(REQUESTS[schema])
    _validator(document, schema).validate(body)
    nulls = {key: None if "required" not in REQUESTS[schema][key].split() else value for key, value in body.items()}
    _validator(document, schema).validate(nulls)


def test_the_document_is_the_same_whatever_the_configuration(document, service: Service):
    app = create_app(Config(set_time_enabled=False, auth_mode="none"), service=service)
    assert app.test_client().get("/openapi.json").get_json() == document
