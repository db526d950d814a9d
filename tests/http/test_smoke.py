"""The story that existing clients live by, from deployment to completion, with every answer in full."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.clock import ManualClock
from tests.http.models import BPMN
from tests.http.talk import WORKER, Api, Near, key, of

XML = (
    f'<definitions xmlns="{BPMN}"><process id="serviceTest" isExecutable="true">'
    '<startEvent id="startEvent"/><serviceTask id="serviceTask" name="Work"/><endEvent id="endEvent"/>'
    '<sequenceFlow id="f1" sourceRef="startEvent" targetRef="serviceTask"/>'
    '<sequenceFlow id="f2" sourceRef="serviceTask" targetRef="endEvent"/></process></definitions>'
)
ENCRYPTED = {"encoding": "json", "encrypted": True, "value": '{"n":1}'}
TEXT = {"encoding": "text", "value": "any text"}
DAY = "2026-11-23"


def test_a_process_runs_through_retry_and_incident_to_its_end(api: Api, clock: ManualClock):
    created = Near(clock.now())
    body = {"bpmnProcessId": "serviceTest", "bpmnXml": XML, "version": "1", "tags": [{"name": "x", "value": "y"}]}
    answer = api.send("POST", "/processes", body | WORKER)
    process = answer.body
    assert (answer.status, answer.headers["Content-Type"]) == (201, "application/json")
    assert process == {
        "id": process["id"],
        "bpmnProcessId": "serviceTest",
        "createdAt": created,
        "createdBy": "w1",
        "tags": [{"name": "x", "value": "y"}],
        "version": "1",
    }

    elements = api.query("elements", processId=process["id"])
    ids = [element["id"] for element in elements]
    assert ids == sorted(ids)
    inner = {"processId": process["id"], "parentBpmnElementId": "serviceTest"}
    assert elements == [
        {"id": ids[0], "processId": process["id"], "bpmnElementId": "serviceTest", "bpmnElementType": "PROCESS"},
        {"id": ids[1], "bpmnElementId": "startEvent", "bpmnElementType": "NONE_START_EVENT", **inner},
        {
            "id": ids[2],
            "bpmnElementId": "serviceTask",
            "bpmnElementName": "Work",
            "bpmnElementType": "SERVICE_TASK",
            **inner,
        },
        {"id": ids[3], "bpmnElementId": "endEvent", "bpmnElementType": "NONE_END_EVENT", **inner},
    ]

    body = {
        "bpmnProcessId": "serviceTest",
        "version": "1",
        "correlationKey": "k1",
        "tags": [{"name": "x", "value": "y"}],
        "variables": [{"name": "b", "data": TEXT}, {"name": "a", "data": ENCRYPTED}],
    }
    answer = api.send("POST", "/process-instances", body | WORKER)
    instance = answer.body
    assert (answer.status, instance) == (
        201,
        {
            "partition": DAY,
            "id": instance["id"],
            "processId": process["id"],
            "bpmnProcessId": "serviceTest",
            "correlationKey": "k1",
            "createdAt": created,
            "createdBy": "w1",
            "startedAt": created,
            "state": "STARTED",
            "tags": [{"name": "x", "value": "y"}],
            "version": "1",
        },
    )

    (job,) = api.query("jobs", **of(instance))
    assert job == {
        "partition": DAY,
        "id": job["id"],
        "elementId": ids[2],
        "elementInstanceId": job["elementInstanceId"],
        "processId": process["id"],
        "processInstanceId": instance["id"],
        "bpmnElementId": "serviceTask",
        "bpmnElementName": "Work",
        "correlationKey": "k1",
        "createdAt": created,
        "createdBy": "w1",
        "dueAt": created,
        "retryCount": 0,
        "state": "DUE",
        "type": "EXECUTE",
    }

    locked = api.post("/jobs/lock", partition=DAY, processIds=[process["id"]], limit=1, **WORKER)
    lock = {"lockedAt": created, "lockedBy": "w1"}
    assert locked == {"count": 1, "jobs": [job | lock | {"state": "LOCKED"}]}
    assert api.post("/jobs/lock", partition=None, limit=1, **WORKER) == {"count": 0, "jobs": []}

    failed = api.complete(job, error="boom", retryLimit=1, retryTimer="PT1H")
    assert failed == job | lock | {"completedAt": created, "error": "boom", "state": "CAUSED_RETRY"}
    _, retry = api.query("jobs", **of(instance))
    due = Near(clock.now() + timedelta(hours=1))
    assert retry == job | {"id": retry["id"], "dueAt": due, "retryCount": 1, "state": "CREATED"}

    times = api.patch("/time", time="2026-11-24T01:00:00.123456789+01:00")
    assert times == {"newTime": "2026-11-24T00:00:00.123Z", "oldTime": created}
    later = Near(datetime(2026, 11, 24))
    lock = {"lockedAt": later, "lockedBy": "w1"}

    assert api.lock() == retry | lock | {"state": "LOCKED"}
    failed = api.complete(retry, error="boom again", retryLimit=1)
    assert failed == retry | lock | {"completedAt": later, "error": "boom again", "state": "CAUSED_INCIDENT"}

    (incident,) = api.query("incidents", **of(instance))
    assert incident == {
        "partition": DAY,
        "id": incident["id"],
        "bpmnElementId": "serviceTask",
        "bpmnProcessId": "serviceTest",
        "error": "boom again",
        "errorId": incident["errorId"],
        "elementId": ids[2],
        "elementInstanceId": job["elementInstanceId"],
        "jobId": retry["id"],
        "processId": process["id"],
        "processInstanceId": instance["id"],
        "createdAt": later,
        "createdBy": "w1",
    }
    answer = api.send("PATCH", f"/incidents/{key(incident)}/resolve", {"retryTimer": None} | WORKER)
    assert (answer.status, answer.body, "Content-Type" in answer.headers) == (204, "", False)
    assert api.query("incidents", **of(instance)) == [incident | {"resolvedAt": later, "resolvedBy": "w1"}]

    last = api.lock()
    assert last == job | lock | {"id": last["id"], "createdAt": later, "dueAt": later, "state": "LOCKED"}
    variable = {"name": "c", "data": {"encoding": "json", "value": '{"ok":true}'}}
    done = api.complete(last, processVariables=[variable], retryTimer=None)
    assert done == last | {"completedAt": later, "state": "DONE"}

    assert api.query("process-instances", partition=DAY, id=instance["id"]) == [
        instance | {"endedAt": later, "state": "COMPLETED"}
    ]
    states = {each["bpmnElementId"]: each["state"] for each in api.query("element-instances", **of(instance))}
    assert states == dict.fromkeys(("serviceTest", "startEvent", "serviceTask", "endEvent"), "COMPLETED")
    assert api.get(f"/process-instances/{key(instance)}/variables") == {
        "count": 3,
        "variables": [{"name": "a", "data": ENCRYPTED}, {"name": "b", "data": TEXT}, variable],
    }


def test_the_xml_comes_back_as_it_was_sent(api: Api):
    xml = f"<!-- grün -->\r\n{XML}\n"
    process = api.post("/processes", bpmnProcessId="serviceTest", bpmnXml=xml, version="1", **WORKER)
    answer = api.send("GET", f"/processes/{process['id']}/bpmn-xml")
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "text/xml", xml)
