"""Trying a deployment says what the deployment would say, and leaves no trace."""

from __future__ import annotations

from typing import Any

import pytest

from app.bpmn.drawn import draws
from app.bpmn.parser import find_process, parse
from tests.http.models import BPMN, MESSAGE_START, PARALLEL, SERVICE, SIGNAL_CATCH, STRAIGHT, TIMER_START
from tests.http.talk import Api
from tests.models.stage import FILES


def check(api: Api, xml: str, **more: Any) -> Any:
    before = api.query("processes")
    answer = api.post("/processes/check", bpmnXml=xml, **more)
    assert api.query("processes") == before
    return answer


def test_a_model_that_can_be_deployed_is_shown(api: Api):
    answer = check(api, PARALLEL)
    drawn = answer.pop("diagram")
    assert draws(drawn, find_process(parse(drawn), "p"))
    assert answer == {"deployable": True, "bpmnProcessId": "p"}


@pytest.mark.parametrize(
    ("xml", "fields"),
    [
        (SERVICE.replace("serviceTask", "callChoreography"), {}),
        (SERVICE.replace('targetRef="end"', 'targetRef="nowhere"'), {}),
        (SERVICE.replace("true", "false"), {}),
        (MESSAGE_START, {}),
        (TIMER_START, {"timers": [{"bpmnElementId": "start", "timer": {"timeDuration": "P9999Y"}}]}),
        (SIGNAL_CATCH, {"signals": [{"bpmnElementId": "x", "signalName": "s"}]}),
        (MESSAGE_START, {"messages": [{"bpmnElementId": "start", "messageName": "taken"}]}),
    ],
)
def test_causes_are_those_of_the_deployment(api: Api, xml: str, fields: dict[str, Any]):
    taken = [{"bpmnElementId": "start", "messageName": "taken"}]
    api.deploy(MESSAGE_START.replace('process id="p"', 'process id="other"'), process="other", messages=taken)
    body = {"bpmnProcessId": "p", "bpmnXml": xml, "version": "1", "workerId": "w", **fields}
    refused = api.send("POST", "/processes", body)
    assert refused.status in (400, 422)
    answer = check(api, xml, **fields)
    assert answer["deployable"] is False
    assert answer["errors"] == refused.body["errors"]


@pytest.mark.parametrize(
    ("xml", "fields", "pointer", "rule"),
    [
        ("<x", {}, "#/bpmnXml", "process"),
        (SERVICE, {"bpmnProcessId": "q"}, "#/bpmnXml", "process"),
        (SERVICE, {"version": "1"}, "#/version", "unique"),
        (
            f'<definitions xmlns="{BPMN}"><process id="a"/><process id="b"/></definitions>',
            {},
            "#/bpmnProcessId",
            "required",
        ),
    ],
)
def test_what_has_no_causes_of_its_own_points_into_the_request(
    api: Api, xml: str, fields: Any, pointer: str, rule: str
):
    api.deploy(STRAIGHT)
    answer = check(api, xml, **fields)
    (error,) = answer["errors"]
    assert (answer["deployable"], error["pointer"], error["type"]) == (False, pointer, rule)
    refused = api.send(
        "POST", "/processes", {"bpmnProcessId": "p", "bpmnXml": xml, "version": "1", "workerId": "w", **fields}
    )
    if rule != "required":
        assert error["detail"] == refused.body["detail"]


def test_a_version_that_is_deployed_already_is_named(api: Api):
    process = api.deploy(SERVICE, version="3")
    answer = check(api, SERVICE, version="3", workerId="w")
    assert (answer["deployable"], answer["processId"]) == (True, process["id"])
    assert "processId" not in check(api, SERVICE, version="4")


def test_warnings_and_what_is_ignored_are_told(api: Api):
    xml = (FILES / "claim.bpmn").read_text()
    answer = check(api, xml)
    deployed = api.deploy(xml, process="insuranceClaim")
    assert answer["warnings"] == deployed["warnings"]
    assert {"construct": "lane", "count": 2, "line": 9} in answer["ignored"]


def test_differences_to_the_newest_version_are_told(api: Api):
    api.deploy(PARALLEL)
    newest = api.deploy(SERVICE, version="2")
    same = check(api, SERVICE.replace("start-work", "renamed"))["differences"]
    assert same == {"processId": newest["id"], "version": "2"}
    changed = SERVICE.replace('<serviceTask id="work"/>', '<userTask id="work" name="Work"/><task id="more"/>')
    changed = changed.replace('id="work-end" sourceRef="work"', 'id="x" sourceRef="more"').replace("end", "stop")
    changed = changed.replace("</process>", '<sequenceFlow id="y" sourceRef="work" targetRef="more"/></process>')
    changed = changed.replace("stopEvent", "endEvent")
    found = check(api, changed)["differences"]
    assert found["added"] == [
        {"bpmnElementId": "more", "bpmnElementType": "TASK"},
        {"bpmnElementId": "stop", "bpmnElementType": "NONE_END_EVENT"},
    ]
    assert found["removed"] == [{"bpmnElementId": "end", "bpmnElementType": "NONE_END_EVENT"}]
    assert found["changed"] == [
        {
            "bpmnElementId": "work",
            "bpmnElementName": "Work",
            "bpmnElementType": "USER_TASK",
            "aspects": ["type", "name", "outgoing"],
        }
    ]


def test_a_file_is_checked_as_it_is(api: Api):
    headers = {"Content-Type": "application/xml"}
    answer = api.send("POST", "/processes/check?bpmnProcessId=p", raw=SERVICE, headers=headers)
    assert (answer.status, answer.body["deployable"]) == (200, True)
    assert api.send("POST", "/processes/check?x=y", raw=SERVICE, headers=headers).problem[0] == 400
    assert api.query("processes") == []


def test_findings_are_told_on_request_only(api: Api):
    assert "findings" not in check(api, SERVICE)
    (finding,) = [each for each in check(api, SERVICE, findings=True)["findings"] if each["rule"] == "no-name"]
    column = SERVICE.splitlines()[finding["line"] - 1].index("<serviceTask") + 1
    assert finding == {
        "level": "WARNING",
        "rule": "no-name",
        "detail": "element work has no name",
        "pointer": "/p/work",
        "line": finding["line"],
        "column": column,
    }


def test_findings_about_a_file_are_asked_for_in_the_query(api: Api):
    def ask(wish: str) -> Any:
        headers = {"Content-Type": "application/xml"}
        return api.send("POST", f"/processes/check?findings={wish}", raw=SERVICE, headers=headers)

    assert ask("true").body["findings"] == check(api, SERVICE, findings=True)["findings"]
    assert "findings" not in ask("false").body
    assert ask("maybe").problem[0] == 400


def test_findings_have_the_errors_of_the_whole_deployment(api: Api):
    api.deploy(STRAIGHT)
    (finding,) = check(api, SERVICE, version="1", findings=True)["findings"]
    assert (finding["level"], finding["rule"], finding["pointer"]) == ("ERROR", "unique", "#/version")
