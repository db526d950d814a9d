"""Models that are sent as the files they are."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from app.service import Service
from tests.http.models import BPMN, MESSAGE_START, SERVICE, TIMER_START
from tests.http.talk import Answer, Api

TWO = (
    f'<definitions xmlns="{BPMN}"><process id="p" isExecutable="{{p}}"><startEvent id="s"/></process>'
    '<process id="q" isExecutable="{q}"><startEvent id="t"/></process></definitions>'
)
BODY = (400, "HTTP_REQUEST_BODY", "invalid request body")
URI = (400, "HTTP_REQUEST_URI", "invalid query parameters")


def upload(
    api: Api, file: str | bytes, query: Mapping[str, Any] | str = "workerId=w", kind: str = "text/xml"
) -> Answer:
    text = query if isinstance(query, str) else urlencode(query, doseq=True)
    return api.send("POST", f"/processes?{text}", raw=file, headers={"Content-Type": kind})


@pytest.mark.parametrize("kind", ["application/xml", "text/xml", "Text/XML; charset=utf-8", " application/xml ; x=y"])
def test_a_file_is_deployed_as_it_is(api: Api, kind: str):
    answer = upload(api, SERVICE, kind=kind)
    assert answer.status == 201
    version = hashlib.sha256(SERVICE.encode()).hexdigest()[:12]
    assert (answer.body["bpmnProcessId"], answer.body["version"], answer.body["createdBy"]) == ("p", version, "w")
    assert api.get(f"/processes/{answer.body['id']}/bpmn-xml") == SERVICE
    assert upload(api, SERVICE, kind=kind).body == answer.body
    assert api.start(version=version)["processId"] == answer.body["id"]


def test_the_other_fields_are_query_parameters(api: Api):
    query = {
        "workerId": "w",
        "version": "7",
        "bpmnProcessId": "p",
        "parallelism": "3",
        "tags": ["team:a:b", "empty:", "x:y"],
        "messages": json.dumps([{"bpmnElementId": "start", "messageName": "ordered"}]),
        "errors": "",
    }
    process = upload(api, MESSAGE_START, query).body
    assert process["version"] == "7"
    assert process["parallelism"] == 3
    assert process["tags"] == [{"name": "team", "value": "a:b"}, {"name": "x", "value": "y"}]
    start = next(each for each in api.query("elements", processId=process["id"]) if each["bpmnElementId"] == "start")
    assert start["eventDefinition"]["messageName"] == "ordered"
    timer = json.dumps([{"bpmnElementId": "start", "timer": {"timeDuration": "PT1H"}}])
    assert upload(api, TIMER_START, {"workerId": "w", "version": "8", "timers": timer}).status == 201


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (codecs.BOM_UTF8 + SERVICE.encode(), "text/xml"),
        (codecs.BOM_UTF16_LE + SERVICE.encode("utf-16-le"), "text/xml"),
        (SERVICE.encode("utf-16-be"), "text/xml; charset=utf-16be"),
    ],
)
def test_every_encoding_of_a_text_is_the_same_model(api: Api, raw: bytes, kind: str):
    process = upload(api, raw, {"workerId": "w", "version": "1"}, kind).body
    assert api.get(f"/processes/{process['id']}/bpmn-xml") == SERVICE
    assert api.deploy(SERVICE)["id"] == process["id"]


def test_names_come_out_as_they_were_meant(api: Api):
    said = '<?xml version="1.0" encoding="ISO-8859-1"?>' + SERVICE.replace('id="work"', 'id="work" name="Prüfen"')
    process = upload(api, said.encode("latin-1")).body
    names = [each.get("bpmnElementName") for each in api.query("elements", processId=process["id"])]
    assert "Prüfen" in names
    assert api.get(f"/processes/{process['id']}/bpmn-xml") == said.replace("ISO-8859-1", "UTF-8")


def test_the_process_that_is_executable_is_meant(api: Api):
    assert upload(api, TWO.format(p="true", q="false")).body["bpmnProcessId"] == "p"
    assert upload(api, TWO.format(p="true", q="true"), "workerId=w&bpmnProcessId=q").body["bpmnProcessId"] == "q"
    for flags, what in (
        ({"p": "true", "q": "true"}, "several executable processes"),
        ({"p": "false", "q": "false"}, "no executable process, but several others"),
    ):
        assert upload(api, TWO.format(**flags)).problem == (
            *(400, "VALIDATION", "failed to create process"),
            f"bpmnProcessId is required, since the BPMN model has {what}: [p, q]",
        )
    assert upload(api, SERVICE.replace("true", "false")).problem[1] == "PROCESS_MODEL"
    none = upload(api, f'<definitions xmlns="{BPMN}"/>')
    assert none.problem[1:] == ("PROCESS_MODEL", "failed to create process", "BPMN model has no process")


@pytest.mark.parametrize(
    ("query", "detail", "errors"),
    [
        ("", "failed to validate query parameters", [("?/workerId", "required", "is required")]),
        (
            f"version={'x' * 256}&parallelism=-1&tags=!:x",
            "failed to validate query parameters",
            [
                ("?/parallelism", "gte", "must be greater than or equal to 0"),
                ("?/tags/0/name", "tag_name", "must match regex ^[a-zA-Z0-9_-]+$"),
                ("?/workerId", "required", "is required"),
                ("?/version", "max", "exceeds a maximum of 255 characters"),
            ],
        ),
        ("workerId=w&workerID=w", "unknown query parameter workerID, known are ", []),
        ("workerId=w&bpmnXml=x", "unknown query parameter bpmnXml, known are ", []),
        ("workerId=w&workerId=v", "query parameter workerId is given 2 times", []),
        ("workerId=w&parallelism=x", "query parameter parallelism is invalid", []),
        ("workerId=w&parallelism=9999999999", "query parameter parallelism is invalid", []),
        ("workerId=w&tags=a", "query parameter tags must be name:value", []),
        ("workerId=w&messages=x", "query parameter messages is not JSON", []),
        ("workerId=w&messages={}", "query parameter messages is invalid", []),
        (f"workerId=w&messages={'[' * 2000}", "query parameter messages is not JSON", []),
        ('workerId=w&messages=[{"x":1}]', 'unknown JSON field "x"', []),
        (
            'workerId=w&messages=[{"bpmnElementId":"work"}]',
            "failed to validate query parameters",
            [("?/messages/0/messageName", "required", "is required")],
        ),
        ("workerId=%00", "query parameter workerId contains a NUL character", []),
        ("workerId=%FF", "the query string is not UTF-8", []),
    ],
)
def test_wrong_parameters_are_told_and_leave_no_trace(api: Api, query: str, detail: str, errors: list[Any]):
    answer = upload(api, SERVICE, query)
    assert answer.problem[:3] == URI
    assert answer.body["detail"].startswith(detail)
    found = [(each["pointer"], each["type"], each["detail"]) for each in answer.body.get("errors", [])]
    assert sorted(found) == sorted(errors)
    assert api.query("processes") == []


@pytest.mark.parametrize(
    ("raw", "kind", "problem"),
    [
        (b"", "text/xml", (*BODY, "request body is empty")),
        (
            SERVICE.encode() + b"\xff",
            "text/xml",
            (*BODY, f"failed to decode XML: byte {len(SERVICE) + 1} is no utf-8"),
        ),
        (
            SERVICE.encode(),
            "text/xml; charset=utf-7",
            (*BODY, "encoding utf-7 is not supported: send UTF-8"),
        ),
        (b"<a>\0</a>", "text/xml", (*BODY, "XML contains a NUL character")),
        (
            b"{}",
            "application/xml",
            (422, "PROCESS_MODEL", "failed to create process", "BPMN XML is invalid: no definitions found"),
        ),
        (
            SERVICE.encode(),
            "application/xhtml+xml",
            (415, "HTTP_MEDIA_TYPE", "unsupported media type", "media type application/xhtml+xml is not supported"),
        ),
    ],
)
def test_what_is_no_model_is_told(api: Api, raw: bytes, kind: str, problem: Any):
    assert upload(api, raw, kind=kind).problem == problem


def test_a_file_has_the_bounds_of_all_bodies(api: Api, service: Service):
    service.config = replace(service.config, http_max_body=1000)
    assert upload(api, SERVICE + " " * 1000).problem == (
        *BODY,
        "request body size must not exceed 1000 bytes, as set by BPMN_HTTP_MAX_BODY=1000",
    )


def test_other_operations_take_no_files(api: Api):
    for path in ("/processes/query", "/jobs/lock"):
        answer = api.send("POST", path, raw=SERVICE, headers={"Content-Type": "text/xml"})
        assert answer.problem[0] == 415
