"""What records look like on the wire: recorded answers, letter by letter."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from app.bpmn.model import ElementType, EventDefinition
from app.commands.system import EngineTime
from app.commands.task import ExecutedTasks
from app.engine.records import (
    DeployedElement,
    DeployedProcess,
    ElementVisit,
    Incident,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    Signal,
    SignalSubscription,
    Task,
    UserTask,
    Variable,
    VariableView,
)
from app.engine.types import InstanceState, JobType, TaskType, UserTaskState, WorkState
from app.timer import Timer

DAY = date(2026, 11, 23)
NEXT = date(2026, 11, 24)
WORKER = {"workerId": "w"}


def at(text):
    return datetime.fromisoformat(text)


CREATED = {"created_at": at("2026-11-23T22:17:58.888"), "created_by": "w1"}
TOKEN = {"element_id": 3, "element_instance_id": 3, "process_id": 1, "process_instance_id": 1}
INSTANCE = {"partition": DAY, "id": 1, "process_id": 1, "bpmn_process_id": "serviceTest", **CREATED}
JOB = {"partition": DAY, "bpmn_element_id": "serviceTask", **TOKEN}
ELEMENT = {"process_id": 5, "bpmn_element_type": ElementType.TIMER_START_EVENT, "parent_bpmn_element_id": "t"}
CREATE_PROCESS = {"bpmnProcessId": "p", "bpmnXml": "x", "version": "1", **WORKER}
CREATE_INSTANCE = {"bpmnProcessId": "p", "version": "1", **WORKER}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "record", "expected"),
    [
        (
            "POST",
            "/processes",
            CREATE_PROCESS,
            201,
            DeployedProcess(
                id=3,
                bpmn_collaboration_id="collaboration",
                bpmn_participant_id="a",
                bpmn_participant_name="participant a",
                bpmn_process_id="collaborationATest",
                bpmn_xml="<secret/>",
                created_at=at("2026-11-23T22:17:58.87"),
                created_by="w1",
                parallelism=5,
                tags={"b": "2", "a": "1"},
                version="1",
            ),
            '{"id":3,"bpmnCollaborationId":"collaboration","bpmnParticipantId":"a",'
            '"bpmnParticipantName":"participant a","bpmnProcessId":"collaborationATest",'
            '"createdAt":"2026-11-23T22:17:58.87Z","createdBy":"w1","parallelism":5,'
            '"tags":[{"name":"a","value":"1"},{"name":"b","value":"2"}],"version":"1"}',
        ),
        (
            "POST",
            "/processes",
            CREATE_PROCESS,
            201,
            DeployedProcess(id=5, bpmn_process_id="timerStartTest", version="1", **CREATED),
            '{"id":5,"bpmnProcessId":"timerStartTest","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"version":"1"}',
        ),
        (
            "POST",
            "/process-instances",
            CREATE_INSTANCE,
            201,
            ProcessInstance(
                **INSTANCE,
                correlation_key="k1",
                started_at=at("2026-11-23T22:17:58"),
                state=InstanceState.STARTED,
                tags={"x": "y"},
                version="1",
            ),
            '{"partition":"2026-11-23","id":1,"processId":1,"bpmnProcessId":"serviceTest","correlationKey":"k1",'
            '"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","startedAt":"2026-11-23T22:17:58Z",'
            '"state":"STARTED","tags":[{"name":"x","value":"y"}],"version":"1"}',
        ),
        (
            "POST",
            "/process-instances",
            CREATE_INSTANCE,
            201,
            ProcessInstance(
                **INSTANCE,
                parent_id=8,
                root_id=6,
                ended_at=at("2026-11-24T00:00:00.008"),
                state=InstanceState.QUEUED,
                version="1",
            ),
            '{"partition":"2026-11-23","id":1,"parentId":8,"rootId":6,"processId":1,"bpmnProcessId":"serviceTest",'
            '"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","endedAt":"2026-11-24T00:00:00.008Z",'
            '"state":"QUEUED","version":"1"}',
        ),
        (
            "PATCH",
            "/jobs/2026-11-23/1/complete",
            WORKER,
            200,
            Job(
                **JOB,
                id=1,
                completed_at=at("2026-11-23T22:17:58.909"),
                correlation_key="k1",
                due_at=at("2026-11-23T22:17:58.888"),
                error="boom",
                locked_at=at("2026-11-23T22:17:58.907"),
                locked_by="w1",
                locked_until=at("2026-11-23T23:17:58.907"),
                state=WorkState.CAUSED_RETRY,
                type=JobType.EXECUTE,
                **CREATED,
            ),
            '{"partition":"2026-11-23","id":1,"elementId":3,"elementInstanceId":3,"processId":1,"processInstanceId":1,'
            '"bpmnElementId":"serviceTask","completedAt":"2026-11-23T22:17:58.909Z","correlationKey":"k1",'
            '"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","dueAt":"2026-11-23T22:17:58.888Z","error":"boom",'
            '"lockedAt":"2026-11-23T22:17:58.907Z","lockedBy":"w1","retryCount":0,"state":"CAUSED_RETRY",'
            '"type":"EXECUTE"}',
        ),
        (
            "POST",
            "/messages",
            {"name": "n", "correlationKey": "k", **WORKER},
            200,
            Message(id=1, correlation_key="order-1", name="order-paid", correlated=True, **CREATED),
            '{"id":1,"correlationKey":"order-1","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"correlated":true,"name":"order-paid"}',
        ),
        (
            "POST",
            "/messages",
            {"name": "n", "correlationKey": "k", **WORKER},
            200,
            Message(
                id=2,
                correlation_key="order-2",
                expires_at=at("2026-11-24T01:00:00.021"),
                name="order-paid",
                unique_key="u1",
                **CREATED,
            ),
            '{"id":2,"correlationKey":"order-2","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"expiresAt":"2026-11-24T01:00:00.021Z","correlated":false,"name":"order-paid","uniqueKey":"u1"}',
        ),
        (
            "POST",
            "/signals",
            {"name": "n", **WORKER},
            200,
            Signal(id=2, name="stock-low", active_subscriber_count=3, **CREATED),
            '{"id":2,"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","name":"stock-low","subscriberCount":0}',
        ),
        (
            "PATCH",
            "/user-tasks/2026-11-24/1",
            {"revision": 1, **WORKER},
            200,
            UserTask(
                partition=NEXT,
                id=1,
                revision=3,
                **TOKEN,
                bpmn_element_id="t",
                correlation_key="c7",
                state=UserTaskState.STARTED,
                tags={"prio": "1", "assignee": "bob"},
                updated_at=at("2026-11-24T00:00:00.037"),
                updated_by="w2",
                **CREATED,
            ),
            '{"partition":"2026-11-24","id":1,"revision":3,"elementId":3,"elementInstanceId":3,"processId":1,'
            '"processInstanceId":1,"bpmnElementId":"t","correlationKey":"c7","createdAt":"2026-11-23T22:17:58.888Z",'
            '"createdBy":"w1","state":"STARTED","tags":[{"name":"assignee","value":"bob"},{"name":"prio","value":"1"}],'
            '"updatedAt":"2026-11-24T00:00:00.037Z","updatedBy":"w2"}',
        ),
        (
            "PATCH",
            "/time",
            {"timeCycle": "0 * * * *"},
            200,
            EngineTime(new_time=at("2026-11-24T00:00:00"), old_time=at("2026-11-23T23:17:58.918")),
            '{"newTime":"2026-11-24T00:00:00Z","oldTime":"2026-11-23T23:17:58.918Z"}',
        ),
        ("POST", "/jobs/unlock", WORKER, 200, 0, '{"count":0}'),
        ("POST", "/tasks/unlock", {"engineId": "e"}, 200, 3, '{"count":3}'),
        ("POST", "/jobs/lock", WORKER, 200, [], '{"count":0,"jobs":[]}'),
        (
            "POST",
            "/tasks/execute",
            {},
            200,
            ExecutedTasks(),
            '{"locked":0,"completed":0,"failed":0,"completedTasks":[],"failedTasks":[]}',
        ),
        (
            "GET",
            "/element-instances/2026-11-23/3/variables",
            None,
            200,
            [VariableView(bpmn_element_id="serviceTask", name="ev", encoding="json", encrypted=False, value="1")],
            '{"count":1,"variables":[{"bpmnElementId":"serviceTask","name":"ev",'
            '"data":{"encoding":"json","value":"1"}}]}',
        ),
        (
            "GET",
            "/process-instances/2026-11-23/1/variables",
            None,
            200,
            [
                VariableView(name="a", encoding="json", encrypted=True, value='{"n":1}'),
                VariableView(name="b", encoding="text", encrypted=False, value="Müller 🚀"),
            ],
            '{"count":2,"variables":[{"name":"a","data":{"encoding":"json","encrypted":true,"value":"{\\"n\\":1}"}},'
            '{"name":"b","data":{"encoding":"text","value":"Müller 🚀"}}]}',
        ),
    ],
)
def test_an_operation_answers_like_the_recorded_one(client, service, method, path, body, status, record, expected):
    service.answer = record
    response = client.open(path, method=method, json=body)
    assert (response.status_code, response.content_type) == (status, "application/json")
    assert response.get_data(as_text=True) == expected + "\n"


@pytest.mark.parametrize(
    ("path", "record", "expected"),
    [
        (
            "/elements/query",
            DeployedElement(id=1, process_id=1, bpmn_element_id="serviceTest", bpmn_element_type=ElementType.PROCESS),
            '{"id":1,"processId":1,"bpmnElementId":"serviceTest","bpmnElementType":"PROCESS"}',
        ),
        (
            "/elements/query",
            DeployedElement(
                id=20,
                bpmn_element_id="start",
                bpmn_element_name="Start",
                definition=EventDefinition(timer=Timer(time_cycle="0 * * * *")),
                **ELEMENT,
            ),
            '{"id":20,"processId":5,"bpmnElementId":"start","bpmnElementName":"Start",'
            '"bpmnElementType":"TIMER_START_EVENT","parentBpmnElementId":"t",'
            '"eventDefinition":{"suspended":false,"timer":{"timeCycle":"0 * * * *","timeDuration":null}}}',
        ),
        (
            "/elements/query",
            DeployedElement(
                id=21,
                bpmn_element_id="start",
                definition=EventDefinition(timer=Timer(time=at("2026-11-24T00:00:00.5"), time_duration="PT1H")),
                suspended=True,
                **ELEMENT,
            ),
            '{"id":21,"processId":5,"bpmnElementId":"start","bpmnElementType":"TIMER_START_EVENT",'
            '"parentBpmnElementId":"t","eventDefinition":{"suspended":true,'
            '"timer":{"time":"2026-11-24T00:00:00.5Z","timeDuration":"PT1H"}}}',
        ),
        *(
            (
                "/elements/query",
                DeployedElement(
                    id=33,
                    process_id=8,
                    bpmn_element_id="b",
                    bpmn_element_type=ElementType.ERROR_BOUNDARY_EVENT,
                    definition=definition,
                ),
                '{"id":33,"processId":8,"bpmnElementId":"b","bpmnElementType":"ERROR_BOUNDARY_EVENT",'
                f'"eventDefinition":{{"suspended":false{encoded}}}}}',
            )
            for definition, encoded in (
                (EventDefinition(error_code="E42"), ',"errorCode":"E42"'),
                (EventDefinition(error_code=""), ""),
                (EventDefinition(escalation_code="S"), ',"escalationCode":"S"'),
                (EventDefinition(message_name="m"), ',"messageName":"m"'),
                (EventDefinition(signal_name="s"), ',"signalName":"s"'),
            )
        ),
        (
            "/element-instances/query",
            ElementVisit(
                partition=DAY,
                id=3,
                parent_id=1,
                element_id=3,
                process_id=1,
                process_instance_id=1,
                bpmn_element_id="serviceTask",
                bpmn_element_type="SERVICE_TASK",
                ended_at=None,
                started_at=at("2026-11-23T22:17:58.888"),
                state="STARTED",
                **CREATED,
            ),
            '{"partition":"2026-11-23","id":3,"parentId":1,"elementId":3,"processId":1,"processInstanceId":1,'
            '"bpmnElementId":"serviceTask","bpmnElementType":"SERVICE_TASK","createdAt":"2026-11-23T22:17:58.888Z",'
            '"createdBy":"w1","startedAt":"2026-11-23T22:17:58.888Z","state":"STARTED"}',
        ),
        (
            "/incidents/query",
            Incident(partition=DAY, id=1, job_id=2, **TOKEN, **CREATED),
            '{"partition":"2026-11-23","id":1,"elementId":3,"elementInstanceId":3,"jobId":2,"processId":1,'
            '"processInstanceId":1,"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1"}',
        ),
        (
            "/incidents/query",
            Incident(
                partition=DAY, id=2, task_id=9, resolved_at=at("2026-11-24T00:00:00.006"), resolved_by="w1", **CREATED
            ),
            '{"partition":"2026-11-23","id":2,"taskId":9,"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"resolvedAt":"2026-11-24T00:00:00.006Z","resolvedBy":"w1"}',
        ),
        (
            "/jobs/query",
            Job(
                **JOB,
                id=2,
                due_at=at("2026-11-23T23:17:58.909"),
                retry_count=1,
                state=WorkState.DUE,
                type=JobType.SET_TIMER,
                **CREATED,
            ),
            '{"partition":"2026-11-23","id":2,"elementId":3,"elementInstanceId":3,"processId":1,"processInstanceId":1,'
            '"bpmnElementId":"serviceTask","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"dueAt":"2026-11-23T23:17:58.909Z","retryCount":1,"state":"DUE","type":"SET_TIMER"}',
        ),
        (
            "/tasks/query",
            Task(
                partition=NEXT,
                id=1,
                created_at=at("2026-11-23T22:06:51.445"),
                created_by="default-engine",
                due_at=at("2026-11-24T00:00:00"),
                serialized_task='{"Partition":"2026-11-26"}',
                type=TaskType.CREATE_PARTITION,
            ),
            '{"partition":"2026-11-24","id":1,"createdAt":"2026-11-23T22:06:51.445Z","createdBy":"default-engine",'
            '"dueAt":"2026-11-24T00:00:00Z","retryCount":0,"serializedTask":"{\\"Partition\\":\\"2026-11-26\\"}",'
            '"state":"CREATED","type":"CREATE_PARTITION"}',
        ),
        (
            "/messages/subscriptions/query",
            MessageSubscription(
                id=1, partition=NEXT, **TOKEN, bpmn_element_id="catch", correlation_key="k", name="n", **CREATED
            ),
            '{"id":1,"partition":"2026-11-24","elementId":3,"elementInstanceId":3,"processId":1,"processInstanceId":1,'
            '"bpmnElementId":"catch","correlationKey":"k","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1",'
            '"name":"n"}',
        ),
        (
            "/signals/subscriptions/query",
            SignalSubscription(id=1, partition=NEXT, **TOKEN, bpmn_element_id="catch", name="n", **CREATED),
            '{"id":1,"partition":"2026-11-24","elementId":3,"elementInstanceId":3,"processId":1,"processInstanceId":1,'
            '"bpmnElementId":"catch","createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","name":"n"}',
        ),
        (
            "/variables/query",
            Variable(
                partition=DAY,
                id=3,
                process_id=1,
                process_instance_id=1,
                encoding="json",
                name="c",
                updated_at=at("2026-11-23T22:17:58.892"),
                updated_by="w1",
                value="secret",
                **CREATED,
            ),
            '{"partition":"2026-11-23","id":3,"processId":1,"processInstanceId":1,'
            '"createdAt":"2026-11-23T22:17:58.888Z","createdBy":"w1","encoding":"json","encrypted":false,"name":"c",'
            '"updatedAt":"2026-11-23T22:17:58.892Z","updatedBy":"w1"}',
        ),
    ],
)
def test_a_query_answers_like_the_recorded_one(client, service, path, record, expected):
    service.answer = [record, record]
    response = client.post(path, json={})
    assert response.get_data(as_text=True) == f'{{"count":2,"results":[{expected},{expected}]}}\n'


def test_executed_tasks_are_counted_and_listed(client, service):
    task = Task(partition=NEXT, id=1, due_at=CREATED["created_at"], type=TaskType.TRIGGER_EVENT, **CREATED)
    service.answer = ExecutedTasks(completed=[task, task], failed=[task])
    answer = client.post("/tasks/execute", json={}).get_json()
    assert (answer["locked"], answer["completed"], answer["failed"]) == (3, 2, 1)
    assert [len(answer["completedTasks"]), len(answer["failedTasks"])] == [2, 1]


def test_bpmn_xml_comes_as_it_was_created_and_its_type_names_no_encoding(client, service):
    service.answer = "<definitions>Ä\r\n</definitions> "
    response = client.get("/processes/1/bpmn-xml")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "text/xml")
    assert response.data.decode() == service.answer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/process-instances/2026-11-23/1/variables"),
        ("PUT", "/element-instances/2026-11-23/1/variables"),
        ("PATCH", "/process-instances/2026-11-23/1/suspend"),
        ("PATCH", "/process-instances/2026-11-23/1/resume"),
        ("PATCH", "/process-instances/2026-11-23/1/cancel"),
        ("PATCH", "/incidents/2026-11-23/1/resolve"),
    ],
)
def test_an_operation_with_nothing_to_say_answers_nothing(client, method, path):
    response = client.open(path, method=method, json=WORKER)
    assert (response.status_code, response.data) == (204, b"")
    assert "Content-Type" not in response.headers
