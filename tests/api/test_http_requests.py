"""What requests become: commands and criteria."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from app import criteria
from app.commands.base import CalledProcess, Completion, Data, VariableInput
from app.commands.incident import ResolveIncident
from app.commands.instance import (
    CancelProcessInstance,
    CreateProcessInstance,
    ResumeProcessInstance,
    SuspendProcessInstance,
)
from app.commands.job import CompleteJob, LockJobs, UnlockJobs
from app.commands.message import SendMessage
from app.commands.process import CreateProcess, GetBpmnXml
from app.commands.signal import SendSignal
from app.commands.system import SetTime
from app.commands.task import LockTasks, UnlockTasks
from app.commands.user_task import UpdateUserTask
from app.commands.variable import (
    GetElementVariables,
    GetProcessVariables,
    SetElementVariables,
    SetProcessVariables,
)
from app.engine.types import ExpressionMode
from app.errors import conflict
from app.timer import Timer

DAY = date(2025, 5, 1)
KEY = {"partition": DAY, "id": 7}
VARIABLES = [
    {"name": "a", "data": {"encoding": "json", "encrypted": True, "value": "1"}},
    {"name": "b", "data": None},
    {"name": "a", "data": {"encoding": "text", "encrypted": False, "value": "2"}},
]
SET = (
    VariableInput(name="a", data=Data(encoding="json", encrypted=True, value="1")),
    VariableInput(name="b"),
    VariableInput(name="a", data=Data(encoding="text", value="2")),
)


@pytest.mark.parametrize(
    ("method", "path", "body", "command"),
    [
        (
            "POST",
            "/processes",
            {
                "bpmnProcessId": "p",
                "bpmnXml": "<x/>",
                "errors": [{"bpmnElementId": "e"}, {"bpmnElementId": "f", "errorCode": "E1"}],
                "escalations": [{"bpmnElementId": "g", "escalationCode": None}],
                "messages": [{"bpmnElementId": "m", "messageName": "x"}, {"bpmnElementId": "m", "messageName": "y"}],
                "expressions": "ENGINE",
                "parallelism": 5,
                "signals": [{"bpmnElementId": "s", "signalName": "z"}],
                "tags": [{"name": "b", "value": "2"}, {"name": "a", "value": "1"}, {"name": "b", "value": ""}],
                "timers": [
                    {"bpmnElementId": "t", "timer": {"timeDuration": "PT1H"}},
                    {"bpmnElementId": "u", "timer": {"time": "2026-01-01T00:00:00.1239+01:00", "timeDuration": None}},
                ],
                "version": "1",
                "workerId": "w",
            },
            CreateProcess(
                bpmn_process_id="p",
                bpmn_xml="<x/>",
                errors={"e": "", "f": "E1"},
                escalations={"g": ""},
                expressions=ExpressionMode.ENGINE,
                messages={"m": "y"},
                parallelism=5,
                signals={"s": "z"},
                tags={"a": "1"},
                timers={
                    "t": Timer(time_duration="PT1H"),
                    "u": Timer(time=datetime(2025, 12, 31, 23, 0, 0, 123000)),
                },
                version="1",
                worker_id="w",
            ),
        ),
        ("GET", "/processes/7/bpmn-xml", None, GetBpmnXml(id=7)),
        (
            "POST",
            "/process-instances",
            {"bpmnProcessId": "p", "version": "1", "workerId": "w", "correlationKey": "k", "variables": VARIABLES},
            CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w", correlation_key="k", variables=SET),
        ),
        (
            "POST",
            "/process-instances",
            {"bpmnProcessId": "p", "version": "1", "workerId": "w", "tags": [], "variables": None},
            CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w"),
        ),
        (
            "POST",
            "/process-instances",
            {"bpmnProcessId": "p", "version": "", "workerId": "w"},
            CreateProcessInstance(bpmn_process_id="p", worker_id="w"),
        ),
        (
            "POST",
            "/process-instances",
            {"bpmnElementId": "s", "bpmnProcessId": "p", "workerId": "w"},
            CreateProcessInstance(bpmn_element_id="s", bpmn_process_id="p", worker_id="w"),
        ),
        (
            "PATCH",
            "/process-instances/2025-05-01/7/suspend",
            {"workerId": "w"},
            SuspendProcessInstance(**KEY, worker_id="w"),
        ),
        (
            "PATCH",
            "/process-instances/2025-05-01/7/resume",
            {"workerId": "w"},
            ResumeProcessInstance(**KEY, worker_id="w"),
        ),
        (
            "PATCH",
            "/process-instances/2025-05-01/7/cancel",
            {"workerId": "w"},
            CancelProcessInstance(**KEY, worker_id="w"),
        ),
        ("GET", "/process-instances/2025-05-01/7/variables", None, GetProcessVariables(**KEY)),
        ("GET", "/element-instances/2025-05-01/7/variables", None, GetElementVariables(**KEY)),
        (
            "PUT",
            "/process-instances/2025-05-01/7/variables",
            {"variables": VARIABLES, "workerId": "w"},
            SetProcessVariables(**KEY, worker_id="w", variables=SET),
        ),
        (
            "PUT",
            "/element-instances/2025-05-01/7/variables",
            {"variables": [{"bpmnElementId": "scope", "name": "n"}], "workerId": "w"},
            SetElementVariables(**KEY, worker_id="w", variables=(VariableInput(bpmn_element_id="scope", name="n"),)),
        ),
        (
            "PUT",
            "/element-instances/2025-05-01/7/variables",
            {"workerId": "w"},
            SetElementVariables(**KEY, worker_id="w"),
        ),
        ("POST", "/jobs/lock", {"workerId": "w"}, LockJobs(worker_id="w", limit=1)),
        ("POST", "/jobs/lock", {"partition": None, "limit": None, "workerId": "w"}, LockJobs(worker_id="w", limit=1)),
        (
            "POST",
            "/jobs/lock",
            {
                "partition": "2025-05-01",
                "id": 7,
                "processIds": [2, 1],
                "processInstanceId": 3,
                "limit": 1000,
                "workerId": "w",
            },
            LockJobs(**KEY, process_ids=(2, 1), process_instance_id=3, limit=1000, worker_id="w"),
        ),
        ("POST", "/jobs/unlock", {"partition": None, "workerId": "w"}, UnlockJobs(worker_id="w")),
        (
            "POST",
            "/jobs/unlock",
            {"partition": "2025-05-01", "id": 7, "workerId": "w"},
            UnlockJobs(**KEY, worker_id="w"),
        ),
        (
            "PATCH",
            "/jobs/2025-05-01/7/complete",
            {"retryTimer": None, "workerId": "w"},
            CompleteJob(**KEY, worker_id="w"),
        ),
        (
            "PATCH",
            "/jobs/2025-05-01/7/complete",
            {
                "completion": {},
                "elementVariables": [{"name": "n", "bpmnElementId": "s"}],
                "error": "boom",
                "processVariables": VARIABLES,
                "retryLimit": 3,
                "retryTimer": "PT1H",
                "workerId": "w",
            },
            CompleteJob(
                **KEY,
                completion=Completion(),
                element_variables=(VariableInput(name="n", bpmn_element_id="s"),),
                error="boom",
                process_variables=SET,
                retry_limit=3,
                retry_timer="PT1H",
                worker_id="w",
            ),
        ),
        (
            "PATCH",
            "/jobs/2025-05-01/7/complete",
            {
                "completion": {
                    "calledProcess": {
                        "bpmnProcessId": "",
                        "version": "",
                        "correlationKey": "child",
                        "tags": [{"name": "t", "value": "v"}],
                        "variables": VARIABLES,
                    },
                    "errorCode": "E",
                    "escalationCode": "S",
                    "exclusiveGatewayDecision": "x",
                    "inclusiveGatewayDecision": ["i", "j", "i"],
                    "messageCorrelationKey": "k",
                    "messageName": "m",
                    "signalName": "s",
                    "timer": {},
                },
                "workerId": "w",
            },
            CompleteJob(
                **KEY,
                completion=Completion(
                    called_process=CalledProcess(correlation_key="child", tags={"t": "v"}, variables=SET),
                    error_code="E",
                    escalation_code="S",
                    exclusive_gateway_decision="x",
                    inclusive_gateway_decision=("i", "j", "i"),
                    message_correlation_key="k",
                    message_name="m",
                    signal_name="s",
                    timer=Timer(),
                ),
                worker_id="w",
            ),
        ),
        *(
            (
                "PATCH",
                "/jobs/2025-05-01/7/complete",
                {"completion": given, "workerId": "w"},
                CompleteJob(**KEY, completion=completion, worker_id="w"),
            )
            for given, completion in (
                (
                    {
                        "activities": ["a", "b", "a"],
                        "calledProcess": {"bpmnElementId": "s"},
                        "conditionFulfilled": True,
                        "errorMessage": "none is left",
                        "loopCardinality": 3,
                    },
                    Completion(
                        activities=("a", "b", "a"),
                        called_process=CalledProcess(bpmn_element_id="s"),
                        condition_fulfilled=True,
                        error_message="none is left",
                        loop_cardinality=3,
                    ),
                ),
                (
                    {"activities": [], "conditionFulfilled": False, "errorMessage": "", "loopCardinality": 0},
                    Completion(condition_fulfilled=False, loop_cardinality=0),
                ),
                (
                    {"activities": None, "conditionFulfilled": None, "errorMessage": None, "loopCardinality": None},
                    Completion(),
                ),
                ({"errorMessage": "x" * 10_001}, Completion(error_message="x" * 10_000)),
            )
        ),
        ("POST", "/tasks/execute", {"partition": None}, LockTasks(limit=1)),
        (
            "POST",
            "/tasks/execute",
            {
                "partition": "2025-05-01",
                "id": 7,
                "processId": 2,
                "processInstanceId": 3,
                "type": "TRIGGER_EVENT",
                "limit": 100,
            },
            LockTasks(**KEY, process_id=2, process_instance_id=3, type="TRIGGER_EVENT", limit=100),
        ),
        ("POST", "/tasks/unlock", {"partition": None, "engineId": "e"}, UnlockTasks(engine_id="e")),
        *(
            (
                "POST",
                path,
                {"correlationKey": "k", "expirationTimer": timer, "name": "n", "uniqueKey": "u", "workerId": "w"},
                SendMessage(correlation_key="k", expiration_timer=loaded, name="n", unique_key="u", worker_id="w"),
            )
            for path in ("/messages", "/events/messages")
            for timer, loaded in (
                (None, None),
                ({}, Timer()),
                ({"timeDuration": None}, Timer()),
                ({"timeCycle": "0 * * * *", "timeDuration": None}, Timer(time_cycle="0 * * * *")),
            )
        ),
        *(
            (
                "POST",
                path,
                {"name": "n", "variables": VARIABLES, "workerId": "w"},
                SendSignal(name="n", variables=SET, worker_id="w"),
            )
            for path in ("/signals", "/events/signals")
        ),
        (
            "PATCH",
            "/incidents/2025-05-01/7/resolve",
            {"retryTimer": None, "workerId": "w"},
            ResolveIncident(**KEY, worker_id="w"),
        ),
        (
            "PATCH",
            "/incidents/2025-05-01/7/resolve",
            {"retryTimer": "PT1H", "workerId": "w"},
            ResolveIncident(**KEY, retry_timer="PT1H", worker_id="w"),
        ),
        (
            "PATCH",
            "/user-tasks/2025-05-01/7",
            {
                "revision": 2,
                "elementVariables": [{"name": "n"}],
                "errorCode": "",
                "errorMessage": "none is left",
                "escalationCode": "S",
                "completed": True,
                "processVariables": VARIABLES,
                "tags": [{"name": "prio"}, {"name": "assignee", "value": "bob"}],
                "workerId": "w",
            },
            UpdateUserTask(
                **KEY,
                revision=2,
                element_variables=(VariableInput(name="n"),),
                error_message="none is left",
                escalation_code="S",
                completed=True,
                process_variables=SET,
                tags={"prio": "", "assignee": "bob"},
                worker_id="w",
            ),
        ),
        ("PATCH", "/time", {}, SetTime(timer=Timer())),
        ("PATCH", "/time", {"time": None, "timeDuration": "PT1H"}, SetTime(timer=Timer(time_duration="PT1H"))),
    ],
)
def test_a_request_becomes_a_command(client, service, method, path, body, command):
    service.answer = conflict("the answer is of no interest")
    assert client.open(path, method=method, json=body).status_code == 409
    assert service.command == command


DAY_AND_ID = {"partition": "2025-05-01", "id": 7}
TAGS = {"tags": [{"name": "x", "value": "y"}, {"name": "present"}]}
FOUND = {"tags": {"x": "y", "present": ""}}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/processes/query", {"id": 7, **TAGS}, criteria.ProcessCriteria(id=7, **FOUND)),
        (
            "/elements/query",
            {"processId": 1, "bpmnElementId": "e"},
            criteria.ElementCriteria(process_id=1, bpmn_element_id="e"),
        ),
        (
            "/process-instances/query",
            {**DAY_AND_ID, "parentId": 1, "rootId": 2, "processId": 3, **TAGS},
            criteria.ProcessInstanceCriteria(**KEY, parent_id=1, root_id=2, process_id=3, **FOUND),
        ),
        (
            "/element-instances/query",
            {
                **DAY_AND_ID,
                "parentId": 1,
                "processId": 2,
                "processInstanceId": 3,
                "bpmnElementId": "e",
                "states": ["QUEUED", "STARTED"],
            },
            criteria.ElementInstanceCriteria(
                **KEY,
                parent_id=1,
                process_id=2,
                process_instance_id=3,
                bpmn_element_id="e",
                states=("QUEUED", "STARTED"),
            ),
        ),
        (
            "/jobs/query",
            {**DAY_AND_ID, "elementId": 1, "elementInstanceId": 2, "processId": 3, "processInstanceId": 4},
            criteria.JobCriteria(**KEY, element_id=1, element_instance_id=2, process_id=3, process_instance_id=4),
        ),
        (
            "/tasks/query",
            {
                **DAY_AND_ID,
                "elementId": 1,
                "elementInstanceId": 2,
                "processId": 3,
                "processInstanceId": 4,
                "type": "TRIGGER_EVENT",
            },
            criteria.TaskCriteria(
                **KEY,
                element_id=1,
                element_instance_id=2,
                process_id=3,
                process_instance_id=4,
                type="TRIGGER_EVENT",
            ),
        ),
        (
            "/user-tasks/query",
            {**DAY_AND_ID, "elementInstanceId": 2, "processId": 3, "processInstanceId": 4, **TAGS},
            criteria.UserTaskCriteria(**KEY, element_instance_id=2, process_id=3, process_instance_id=4, **FOUND),
        ),
        (
            "/incidents/query",
            {**DAY_AND_ID, "jobId": 1, "processInstanceId": 2, "taskId": 3},
            criteria.IncidentCriteria(**KEY, job_id=1, process_instance_id=2, task_id=3),
        ),
        (
            "/variables/query",
            {"partition": "2025-05-01", "elementInstanceId": 1, "processInstanceId": 2, "names": ["x", ","]},
            criteria.VariableCriteria(partition=DAY, element_instance_id=1, process_instance_id=2, names=("x", ",")),
        ),
        *(
            (path, body, expected)
            for path in ("/messages/query", "/events/messages/query")
            for body, expected in (
                (
                    {"id": 2**63 - 1, "excludeExpired": True, "name": "n"},
                    criteria.MessageCriteria(id=2**63 - 1, exclude_expired=True, name="n"),
                ),
                ({"excludeExpired": False}, criteria.MessageCriteria()),
            )
        ),
        (
            "/messages/subscriptions/query",
            {"partition": "2025-05-01", "processInstanceId": 1, "correlationKey": "k", "name": "n"},
            criteria.MessageSubscriptionCriteria(partition=DAY, process_instance_id=1, correlation_key="k", name="n"),
        ),
        (
            "/signals/subscriptions/query",
            {"partition": "2025-05-01", "processInstanceId": 1, "name": "n"},
            criteria.SignalSubscriptionCriteria(partition=DAY, process_instance_id=1, name="n"),
        ),
    ],
)
def test_a_query_becomes_criteria(client, service, path, body, expected):
    assert client.post(path, json=body).get_json() == {"count": 0, "results": []}
    assert service.criteria == expected


@pytest.mark.parametrize("path", ["/process-instances/2025-05-01/1/suspend", "/incidents/2025-05-01/1/resolve"])
def test_what_the_path_says_is_unknown_in_the_body(client, path):
    for name, value in (("partition", "2025-05-01"), ("id", 1)):
        response = client.patch(path, json={"workerId": "w", name: value})
        assert response.get_json()["detail"] == f'unknown JSON field "{name}"'
