"""Broken constraints of request bodies: all of them, in order, one per field."""

from __future__ import annotations

import pytest

from app.api.rules import OWN, Violation, flatten
from app.commands.base import Data, VariableInput
from app.errors import Cause


def errors_of(response):
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    problem = response.get_json()
    errors = problem.pop("errors")
    assert problem == {
        "status": 400,
        "type": "HTTP_REQUEST_BODY",
        "title": "invalid request body",
        "detail": "failed to validate request body",
    }
    return errors


def required(pointer):
    return {"pointer": pointer, "type": "required", "detail": "is required"}


def at_least(pointer, bound, value):
    detail = f"must be greater than or equal to {bound}"
    return {"pointer": pointer, "type": "gte", "detail": detail, "value": value}


def at_most(pointer, bound, value):
    detail = f"must be less than or equal to {bound}"
    return {"pointer": pointer, "type": "lte", "detail": detail, "value": value}


def too_long(pointer, value):
    return {"pointer": pointer, "type": "max", "detail": "exceeds a maximum of 255 characters", "value": value}


def invalid(pointer, rule, value):
    return {"pointer": pointer, "type": rule, "detail": "is invalid", "value": value}


def misnamed(pointer, rule, value):
    return {"pointer": pointer, "type": rule, "detail": "must match regex ^[a-zA-Z0-9_-]+$", "value": value}


def repeated(pointer, value):
    return {"pointer": pointer, "type": "unique", "detail": "must be unique", "value": value}


JOB = "/jobs/2026-11-23/1/complete"
VARIABLES = "/process-instances/2026-11-23/1/variables"


@pytest.mark.parametrize(
    ("method", "path", "body", "errors"),
    [
        ("POST", "/processes", {}, [required(f"#/{p}") for p in ("bpmnProcessId", "bpmnXml", "version", "workerId")]),
        (
            "POST",
            "/processes",
            {
                "bpmnProcessId": "serviceTest",
                "bpmnXml": "<…>",
                "version": "9",
                "workerId": "w1",
                "parallelism": -1,
                "tags": [{"name": ",", "value": "a"}, {"value": "b"}],
                "timers": [
                    {"bpmnElementId": "a", "timer": None},
                    {"bpmnElementId": "b", "timer": {}},
                    {"bpmnElementId": "c", "timer": {"timeCycle": "*", "timeDuration": "PT"}},
                ],
                "messages": [{"bpmnElementId": "d"}],
            },
            [
                required("#/messages/0/messageName"),
                at_least("#/parallelism", 0, "-1"),
                misnamed("#/tags/0/name", "tag_name", ","),
                required("#/tags/1/name"),
                required("#/timers/0/timer"),
                {
                    "pointer": "#/timers/1/timer",
                    "type": "timer",
                    "detail": "must specify a time, time cycle or time duration",
                },
                invalid("#/timers/2/timer/timeCycle", "cron", "*"),
                invalid("#/timers/2/timer/timeDuration", "iso8601_duration", "PT"),
            ],
        ),
        (
            "POST",
            "/jobs/lock",
            {"processIds": [1, 1], "limit": 1001},
            [repeated("#/processIds", "[1 1]"), at_most("#/limit", 1000, "1001"), required("#/workerId")],
        ),
        ("POST", "/jobs/lock", {"limit": 0, "workerId": "w"}, [at_least("#/limit", 1, "0")]),
        (
            "POST",
            "/element-instances/query",
            {"states": ["STARTED", "STARTED"]},
            [repeated("#/states", "[STARTED STARTED]")],
        ),
        (
            "POST",
            "/messages",
            {"expirationTimer": {"timeDuration": "PT"}, "variables": [{"name": ","}]},
            [
                required("#/correlationKey"),
                invalid("#/expirationTimer/timeDuration", "iso8601_duration", "PT"),
                required("#/name"),
                misnamed("#/variables/0/name", "variable_name", ","),
                required("#/workerId"),
            ],
        ),
        (
            "POST",
            "/signals",
            {"variables": [{"name": "x", "data": {"encoding": "json"}}]},
            [required("#/name"), required("#/variables/0/data/value"), required("#/workerId")],
        ),
        (
            "PATCH",
            "/incidents/2026-11-23/1/resolve",
            {"retryTimer": "PT"},
            [invalid("#/retryTimer", "iso8601_duration", "PT"), required("#/workerId")],
        ),
        (
            "PATCH",
            JOB,
            {
                "completion": {
                    "timer": {"timeCycle": "*"},
                    "calledProcess": {"tags": [{"name": ","}]},
                    "loopCardinality": -1,
                },
                "processVariables": [{"name": ","}, {"name": "x", "data": {"encoding": "json"}}],
                "retryLimit": -1,
                "retryTimer": "PT",
                "workerId": "w1",
            },
            [
                misnamed("#/completion/calledProcess/tags/0/name", "tag_name", ","),
                at_least("#/completion/loopCardinality", 0, "-1"),
                invalid("#/completion/timer/timeCycle", "cron", "*"),
                misnamed("#/processVariables/0/name", "variable_name", ","),
                required("#/processVariables/1/data/value"),
                at_least("#/retryLimit", 0, "-1"),
                invalid("#/retryTimer", "iso8601_duration", "PT"),
            ],
        ),
        (
            "POST",
            "/process-instances",
            {
                "bpmnProcessId": "serviceTest",
                "version": "1",
                "workerId": "w1",
                "tags": [{"name": ",", "value": "x"}],
                "variables": [{"name": " "}, {"name": "a", "data": {}}],
            },
            [
                misnamed("#/tags/0/name", "tag_name", ","),
                misnamed("#/variables/0/name", "variable_name", " "),
                required("#/variables/1/data/encoding"),
                required("#/variables/1/data/value"),
            ],
        ),
        ("PATCH", "/process-instances/2026-11-23/1/suspend", {}, [required("#/workerId")]),
        (
            "PUT",
            VARIABLES,
            {"variables": [{"name": ","}, {"name": "x", "data": {}}]},
            [
                misnamed("#/variables/0/name", "variable_name", ","),
                required("#/variables/1/data/encoding"),
                required("#/variables/1/data/value"),
                required("#/workerId"),
            ],
        ),
        ("POST", "/tasks/execute", {"limit": 0}, [at_least("#/limit", 1, "0")]),
        ("POST", "/tasks/execute", {"limit": 101}, [at_most("#/limit", 100, "101")]),
        ("POST", "/tasks/unlock", {}, [required("#/engineId")]),
        (
            "PATCH",
            "/user-tasks/2026-11-24/1",
            {"revision": 0},
            [required("#/revision"), required("#/workerId")],
        ),
        ("PATCH", "/user-tasks/2026-11-24/1", {"revision": -1, "workerId": "w"}, [at_least("#/revision", 1, "-1")]),
        (
            "PATCH",
            "/time",
            {"timeCycle": "*", "timeDuration": "PT"},
            [invalid("#/timeCycle", "cron", "*"), invalid("#/timeDuration", "iso8601_duration", "PT")],
        ),
        (
            "POST",
            "/process-instances",
            {"bpmnProcessId": None, "version": None, "workerId": "w"},
            [required("#/bpmnProcessId"), required("#/version")],
        ),
        ("POST", "/process-instances", {"version": "1", "workerId": "w"}, [required("#/bpmnProcessId")]),
        (
            "POST",
            "/process-instances",
            {"bpmnProcessId": "p" * 256, "correlationKey": "k"},
            [too_long("#/bpmnProcessId", "p" * 256), required("#/workerId")],
        ),
        (
            "PUT",
            VARIABLES,
            {"variables": [{"name": "a\n"}], "workerId": "w"},
            [misnamed("#/variables/0/name", "variable_name", "a\n")],
        ),
        (
            "PUT",
            VARIABLES,
            {"variables": [{"name": "ä"}], "workerId": "w"},
            [misnamed("#/variables/0/name", "variable_name", "ä")],
        ),
    ],
)
def test_every_broken_field_is_reported_in_the_documented_order(client, method, path, body, errors):
    assert errors_of(client.open(path, method=method, json=body)) == errors


def test_problems_are_one_line_of_json(client):
    response = client.patch("/incidents/2026-11-23/1/resolve", data='{"retryTimer":"PT"}')
    assert response.get_data(as_text=True) == (
        '{"status":400,"type":"HTTP_REQUEST_BODY","title":"invalid request body",'
        '"detail":"failed to validate request body","errors":['
        '{"pointer":"#/retryTimer","type":"iso8601_duration","detail":"is invalid","value":"PT"},'
        '{"pointer":"#/workerId","type":"required","detail":"is required"}]}\n'
    )


@pytest.mark.parametrize(
    ("path", "body", "pointer", "value"),
    [
        ("/jobs/lock", {"processIds": [7] * 101, "workerId": "w"}, "#/processIds", f"[{' '.join(['7'] * 101)}]"),
        ("/processes/query", {"tags": [{"name": ","}] * 101}, "#/tags", f"[{' '.join([','] * 101)}]"),
        (
            "/signals",
            {"name": "n", "variables": [{"name": "v"}] * 101, "workerId": "w"},
            "#/variables",
            f"[{' '.join(['v'] * 101)}]",
        ),
        ("/element-instances/query", {"states": ["STARTED"] * 8}, "#/states", f"[{' '.join(['STARTED'] * 8)}]"),
        (
            "/processes",
            {
                "bpmnProcessId": "p",
                "bpmnXml": "x",
                "version": "1",
                "workerId": "w",
                "errors": [{"bpmnElementId": "e", "errorCode": "c"}] * 101,
            },
            "#/errors",
            f"[{' '.join(['{e c}'] * 101)}]",
        ),
        (
            "/process-instances",
            {
                "bpmnProcessId": "p",
                "version": "1",
                "workerId": "w",
                "tags": {f"n{index}": "v" for index in range(101)},
            },
            "#/tags",
            f"[{' '.join(f'n{index}' for index in range(101))}]",
        ),
    ],
)
def test_an_array_that_is_too_long_is_reported_instead_of_what_is_in_it(client, path, body, pointer, value):
    most = 7 if pointer == "#/states" else 100
    detail = f"exceeds a maximum of {most}"
    assert errors_of(client.post(path, json=body)) == [
        {"pointer": pointer, "type": "max", "detail": detail, "value": value}
    ]


def test_no_more_than_100_activities_are_selected_at_once(client):
    named = ["a"] * 101
    response = client.patch(JOB, json={"completion": {"activities": named}, "workerId": "w1"})
    value, detail = f"[{' '.join(named)}]", "exceeds a maximum of 100"
    assert errors_of(response) == [
        {"pointer": "#/completion/activities", "type": "max", "detail": detail, "value": value}
    ]


@pytest.mark.parametrize("path", [VARIABLES, "/element-instances/2026-11-23/1/variables"])
class TestVariablesAsAnObject:
    def test_are_set_and_deleted_by_name(self, client, service, path):
        body = {
            "variables": {
                "a": {"encoding": "json", "encrypted": True, "value": "1"},
                "b": None,
                "c": {"data": {"encoding": "text", "value": "v"}},
                "d": {"data": None},
            },
            "workerId": "w",
        }
        assert client.put(path, json=body).status_code == 204
        assert service.command.variables == (
            VariableInput(name="a", data=Data(encoding="json", encrypted=True, value="1")),
            VariableInput(name="b"),
            VariableInput(name="c", data=Data(encoding="text", value="v")),
            VariableInput(name="d"),
        )

    def test_have_pointers_without_indexes(self, client, path):
        body = {"variables": {",": {}, "a": {"encoding": "json"}, "x/~y": None, "": None}, "workerId": "w"}
        assert errors_of(client.put(path, json=body)) == [
            misnamed("#/variables/,", "variable_name", ","),
            required("#/variables/,/encoding"),
            required("#/variables/,/value"),
            required("#/variables/a/value"),
            misnamed("#/variables/x~1~0y", "variable_name", "x/~y"),
            required("#/variables/"),
        ]

    @pytest.mark.parametrize(
        ("variables", "detail"),
        [
            ('{"a":1}', "JSON field variables.a has an invalid value at position 19"),
            ('{"a":{"value":1}}', "JSON field variables.a.value has an invalid value at position 28"),
            ('{"a":{"color":1}}', 'unknown JSON field "color"'),
            ('{"a":{"data":null,"color":1}}', 'unknown JSON field "color"'),
        ],
    )
    def test_are_decoded_like_others(self, client, path, variables, detail):
        response = client.put(path, data=f'{{"variables":{variables},"workerId":"w"}}')
        assert response.get_json()["detail"] == detail


INSTANCE = {"bpmnProcessId": "p", "version": "1", "workerId": "w"}


class TestTagsAsAnObject:
    @pytest.mark.parametrize(("path", "more"), [("/process-instances", {}), ("/processes", {"bpmnXml": "x"})])
    def test_are_tags_by_name(self, client, service, path, more):
        client.post(path, json={**INSTANCE, **more, "tags": {"x": "y", "none": None, "empty": ""}})
        assert service.command.tags == {"x": "y"}

    def test_have_pointers_without_indexes(self, client):
        body = {**INSTANCE, "tags": {",": "y"}}
        assert errors_of(client.post("/process-instances", json=body)) == [misnamed("#/tags/,", "tag_name", ",")]

    def test_must_have_texts(self, client):
        response = client.post("/process-instances", data='{"tags":{"x":1}}')
        assert response.get_json()["detail"] == "JSON field tags.x has an invalid value at position 14"


def test_violations_are_flattened_parents_first():
    errors = {
        "a": {OWN: [Violation("r", "own", 1)], "b": [Violation("s", "inner")]},
        "c": {2: {"d": [Violation("t", "deep", "v"), Violation("u", "left out")]}},
    }
    assert flatten(errors) == [
        Cause("#/a", "r", "own", "1"),
        Cause("#/a/b", "s", "inner"),
        Cause("#/c/2/d", "t", "deep", "v"),
    ]
