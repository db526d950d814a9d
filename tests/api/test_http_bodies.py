"""Content types, JSON, and which values a request may have."""

from __future__ import annotations

import io
from datetime import date, datetime

import orjson
import pytest

from app.criteria import JobCriteria
from app.timer import Timer

DEEP = "[" * 100_000


def problem_of(response):
    assert response.content_type == "application/problem+json"
    problem = response.get_json()
    assert (problem["status"], problem["title"]) == (response.status_code, "invalid request body")
    assert (problem["status"], problem["type"]) == (400, "HTTP_REQUEST_BODY")
    return problem


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "application/json; charset=utf-8", " Application/JSON ;x"],
)
def test_these_media_types_are_json(client, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert client.post("/jobs/query", data="{}", headers=headers).status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json"])
def test_another_media_type_is_refused_before_the_body_is_looked_at(client, media_type):
    response = client.post("/jobs/query", data="{", headers={"Content-Type": media_type})
    assert response.content_type == "application/problem+json"
    assert response.get_json() == {
        "status": 415,
        "type": "HTTP_MEDIA_TYPE",
        "title": "unsupported media type",
        "detail": f"media type {media_type} is not supported",
    }


def test_a_get_request_may_carry_anything(client, service):
    service.answer = []
    path = "/process-instances/2025-05-01/1/variables"
    assert client.get(path, data="{", headers={"Content-Type": "text/plain"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("/jobs/query", "", "request body is empty"),
        ("/jobs/query", " \t\r\n", "request body is empty"),
        ("/jobs/query", "{_}", "malformed JSON at position 2"),
        ("/jobs/query", "{'id': 1}", "malformed JSON at position 2"),
        ("/messages/query", '{"name":"ä",_}', "malformed JSON at position 14"),
        ("/messages/query", '{"name":"a\nb"}', "malformed JSON at position 11"),
        ("/jobs/query", '{"id":NaN}', "malformed JSON at position 7"),
        ("/messages/query", '{"name":"NaN","id":-Infinity}', "malformed JSON at position 20"),
        ("/jobs/query", b"\xef\xbb\xbf{}", "malformed JSON at position 1"),
        ("/messages/query", b'{"name":"\xff"}', "malformed JSON at position 10"),
        ("/jobs/query", "{", "unexpected end of JSON"),
        ("/jobs/query", '{"id": 1', "unexpected end of JSON"),
        ("/jobs/query", '{"id": 1,', "unexpected end of JSON"),
        ("/jobs/query", '{"id": tru', "unexpected end of JSON"),
        ("/messages/query", '{"name": "a', "unexpected end of JSON"),
        ("/jobs/query", "[]", "JSON field  has an invalid value at position 1"),
        ("/jobs/query", "null", "JSON field  has an invalid value at position 4"),
        ("/jobs/query", '"text"', "JSON field  has an invalid value at position 6"),
        ("/jobs/query", '{"processId":"x"}', "JSON field processId has an invalid value at position 16"),
        ("/jobs/query", '{"id":1.0}', "JSON field id has an invalid value at position 9"),
        ("/jobs/query", '{"id":1e2}', "JSON field id has an invalid value at position 9"),
        ("/jobs/query", '{"id":true}', "JSON field id has an invalid value at position 10"),
        ("/jobs/query", '{"id":2147483648}', "JSON field id has an invalid value at position 16"),
        ("/jobs/query", '{"id":-2147483649}', "JSON field id has an invalid value at position 17"),
        ("/jobs/query", '{"id":' + "9" * 5000 + "}", "JSON field id has an invalid value at position 5006"),
        ("/messages/query", '{"id":9223372036854775808}', "JSON field id has an invalid value at position 25"),
        (
            "/messages/query",
            '{"excludeExpired":"true"}',
            "JSON field excludeExpired has an invalid value at position 24",
        ),
        ("/messages/query", '{"name":"ä","id":""}', "JSON field id has an invalid value at position 20"),
        ("/processes/query", '{"tags":{"x":"y"}}', "JSON field tags has an invalid value at position 9"),
        (
            "/process-instances",
            '{"variables":[{"name":"a","data":{"encoding":"json","value":{}}}]}',
            "JSON field variables.data.value has an invalid value at position 61",
        ),
        (
            "/process-instances",
            '{"tags": [{"name": "a"}, {"name": "b"}, {"name": [1, {}]}]}',
            "JSON field tags.name has an invalid value at position 50",
        ),
        ("/jobs/query", '{"foo":1}', 'unknown JSON field "foo"'),
        ("/jobs/query", '{"foo":null}', 'unknown JSON field "foo"'),
        ("/process-instances", '{"tags":[{"name":"a","color":"c"}]}', 'unknown JSON field "color"'),
        ("/jobs/query", '{"\\ud800":1}', 'unknown JSON field "?"'),
        ("/jobs/query", '{"partition":"x"}', 'failed to unmarshal JSON: invalid partition "x"'),
        ("/jobs/query", '{"partition":"2025-5-1"}', 'failed to unmarshal JSON: invalid partition "2025-5-1"'),
        ("/jobs/query", '{"partition":""}', 'failed to unmarshal JSON: invalid partition ""'),
        ("/jobs/query", '{"partition":20250501}', "failed to unmarshal JSON: invalid partition 20250501"),
        ("/jobs/query", '{"partition":"2025-13-01"}', "failed to unmarshal JSON: failed to parse partition 2025-13-01"),
        ("/element-instances/query", '{"states":["FOO"]}', "failed to unmarshal JSON: invalid instance state FOO"),
        ("/element-instances/query", '{"states":[[1]]}', "failed to unmarshal JSON: invalid instance state [1]"),
        ("/tasks/execute", '{"type":"FOO","limit":1}', "failed to unmarshal JSON: invalid task type FOO"),
        ("/tasks/execute", '{"type":"","limit":1}', "failed to unmarshal JSON: invalid task type "),
        ("/messages/query", '{"name":"a\\u0000b"}', "JSON field name contains a NUL character"),
        ("/messages/query", '{"name":"a\\ud800b"}', "JSON field name contains a lone surrogate"),
        ("/process-instances", '{"tags":{"\\u0000":"a"}}', "JSON field tags.\0 contains a NUL character"),
        ("/jobs/query", DEEP, "JSON is nested deeper than 100 levels at position 101"),
        ("/jobs/query", '{"id":' * 101, "JSON is nested deeper than 100 levels at position 601"),
        ("/jobs/query", '{"foo":1,"id":""}', 'unknown JSON field "foo"'),
        ("/jobs/query", '{"id":"","foo":1}', "JSON field id has an invalid value at position 8"),
    ],
)
def test_the_first_thing_that_can_not_be_decoded_is_reported_alone(client, path, body, detail):
    problem = problem_of(client.post(path, data=body))
    assert problem["detail"] == detail
    assert "errors" not in problem


def test_a_duration_that_is_no_text_can_not_be_decoded(client):
    problem = problem_of(client.patch("/jobs/2025-05-01/1/complete", data='{"retryTimer":5,"workerId":""}'))
    assert problem["detail"] == "failed to unmarshal JSON: invalid duration 5"


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00+0200",
        "2030-01-01t00:00:00Z",
        "2030-01-01T24:00:00Z",
        "2030-01-01T00:00:60Z",
        "0001-01-01T00:00:00+01:00",
        "",
    ],
)
def test_a_timestamp_must_be_rfc_3339(client, text):
    problem = problem_of(client.patch("/time", json={"time": text}))
    assert problem["detail"].startswith("failed to unmarshal JSON: ")


def test_a_body_of_exactly_one_megabyte_is_fine_and_one_byte_more_is_not(client):
    size = 1024 * 1024
    assert client.post("/jobs/query", data=b"{}".ljust(size)).status_code == 200
    for too_large in (size + 1, size + 3):
        problem = problem_of(client.post("/jobs/query", data=b"{}".ljust(too_large)))
        assert problem["detail"] == "request body size must not exceed 1MB, as set by BPMN_HTTP_MAX_BODY=1048576"


def test_the_size_of_a_chunked_body_is_limited_too(client, service):
    service.configure(http_max_body=1500)

    def status(size):
        stream = io.BytesIO(b"{}".ljust(size))
        response = client.post(
            "/jobs/query", input_stream=stream, environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        )
        return response.status_code, response.get_json().get("detail")

    assert status(1500) == (200, None)
    assert status(1501) == (400, "request body size must not exceed 1500 bytes, as set by BPMN_HTTP_MAX_BODY=1500")
    assert status(9999) == (400, "request body size must not exceed 1500 bytes, as set by BPMN_HTTP_MAX_BODY=1500")


@pytest.mark.parametrize(
    ("body", "criteria"),
    [
        ("{}", JobCriteria()),
        ('{"partition":null}', JobCriteria()),
        ('{"partition":null,"id":null,"elementId":0}', JobCriteria()),
        ('{"partition":"2024-02-29","id":-5}', JobCriteria(partition=date(2024, 2, 29), id=-5)),
        ('{"id":1,"id":2}', JobCriteria(id=2)),
        ('{"id":1} and more', JobCriteria(id=1)),
        ('{"id":2147483647}', JobCriteria(id=2147483647)),
        ('{"id":-0}', JobCriteria()),
    ],
)
def test_null_and_zero_are_absent_and_only_the_first_value_counts(client, service, body, criteria):
    assert client.post("/jobs/query", data=body).status_code == 200
    assert service.criteria == criteria


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-29T22:00:45Z", datetime(2026, 11, 29, 22, 0, 45)),
        ("2026-11-29T22:00:45.987654321Z", datetime(2026, 11, 29, 22, 0, 45, 987000)),
        ("2026-11-30T00:00:45.9+02:00", datetime(2026, 11, 29, 22, 0, 45, 900000)),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_a_timestamp_becomes_utc_cut_to_milliseconds(client, service, text, time):
    service.answer = RuntimeError("not interesting")
    client.patch("/time", json={"time": text, "timeDuration": None})
    assert service.command.timer == Timer(time=time)


def test_a_null_item_is_the_zero_value_of_its_type(client, service):
    client.post("/jobs/lock", json={"processIds": [None, 3], "workerId": "w"})
    assert service.command.process_ids == (0, 3)
    client.post("/variables/query", json={"names": [None, ""]})
    assert service.criteria.names == ("", "")
    problem = problem_of(client.post("/processes/query", json={"tags": [None]}))
    assert problem["errors"] == [{"pointer": "#/tags/0/name", "type": "required", "detail": "is required"}]


def test_a_text_of_a_megabyte_is_read_as_it_is(client, service):
    xml = "<ä>" + "\n" * 500_000
    service.answer = RuntimeError("not interesting")
    body = {"bpmnProcessId": "p", "bpmnXml": xml, "version": "1", "workerId": "w"}
    client.post("/processes", data=orjson.dumps(body))
    assert service.command.bpmn_xml == xml
