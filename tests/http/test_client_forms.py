"""What existing clients send literally, for every operation: nulls, zeros, nanoseconds, and no content type."""

from __future__ import annotations

import json

import pytest

from tests.http.models import (
    CALL,
    EXCLUSIVE,
    MESSAGE_CATCH,
    MESSAGE_START,
    PARALLEL,
    SERVICE,
    SIGNAL_CATCH,
    TIMER_CATCH,
    TIMER_START,
    USER_TASK,
)
from tests.http.talk import Api, key

CONTENT_TYPES = [None, "", "application/json", "application/json; charset=utf-8"]

QUERIES = {
    "/elements/query": '{"processId":1,"bpmnElementId":"work"}',
    "/element-instances/query": '{"partition":"2026-11-23","id":1,"parentId":1,"processId":1,"processInstanceId":1,'
    '"bpmnElementId":"work","states":["STARTED","COMPLETED"]}',
    "/messages/query": '{"id":1,"excludeExpired":true,"name":"n"}',
    "/events/messages/query": '{"excludeExpired":false}',
    "/messages/subscriptions/query": '{"partition":null,"processInstanceId":1,"correlationKey":"k","name":"n"}',
    "/signals/subscriptions/query": '{"partition":null,"processInstanceId":1,"name":"n"}',
    "/incidents/query": '{"partition":null,"id":1,"jobId":1,"processInstanceId":1,"taskId":1}',
    "/jobs/query": '{"partition":null,"id":1,"elementId":1,"elementInstanceId":1,"processId":1,"processInstanceId":1}',
    "/processes/query": '{"id":1,"tags":[{"name":"x","value":"y"}]}',
    "/process-instances/query": '{"partition":null,"id":1,"parentId":1,"rootId":1,"processId":1,'
    '"tags":[{"name":"x","value":""}]}',
    "/tasks/query": '{"partition":null,"id":1,"elementId":1,"elementInstanceId":1,"processId":1,'
    '"processInstanceId":1,"type":"TRIGGER_EVENT"}',
    "/user-tasks/query": '{"partition":null,"id":1,"elementInstanceId":1,"processId":1,"processInstanceId":1,'
    '"tags":[{"name":"x"}]}',
    "/variables/query": '{"partition":null,"elementInstanceId":1,"processInstanceId":1,"names":["a"]}',
}


class Client:
    """Sends bodies as texts, and headers as a client library does that knows or does not know of content types."""

    def __init__(self, api: Api, content_type: str | None) -> None:
        self._api = api
        self._headers = {"Accept": "*/*"} if content_type is None else {"Content-Type": content_type}

    def send(self, method: str, path: str, body: str | None = None, status: int = 200):
        answer = self._api.send(method, path, raw=body, headers=self._headers)
        assert answer.status == status, (method, path, body, answer)
        return answer.body

    def deploy(self, xml: str, process: str, more: str = ""):
        xml = json.dumps(xml.replace('process id="p"', f'process id="{process}"'))
        body = f'{{"bpmnProcessId":"{process}","bpmnXml":{xml},{more}"version":"1","workerId":"w1"}}'
        return self.send("POST", "/processes", body, 201)

    def start(self, process: str):
        body = f'{{"bpmnProcessId":"{process}","version":"1","workerId":"w1"}}'
        return self.send("POST", "/process-instances", body, 201)

    def lock(self, instance):
        body = (
            f'{{"partition":"{instance["partition"]}","processInstanceId":{instance["id"]},"limit":1,"workerId":"w1"}}'
        )
        (job,) = self.send("POST", "/jobs/lock", body)["jobs"]
        return job

    def complete(self, instance, more: str = "") -> str:
        job = self.lock(instance)
        body = f'{{{more}"retryTimer":null,"workerId":"w1"}}'
        completed = self.send("PATCH", f"/jobs/{key(job)}/complete", body)
        assert "error" not in completed
        return completed["type"]


@pytest.fixture(params=CONTENT_TYPES, ids=str)
def sender(request: pytest.FixtureRequest, api: Api) -> Client:
    return Client(api, request.param)


def test_queries(sender: Client):
    sender.start(sender.deploy(SERVICE, "p")["bpmnProcessId"])
    for path, everything in QUERIES.items():
        for page in ("", "?limit=100", "?offset=100", "?offset=1&limit=100"):
            sender.send("POST", path + page, "{}")
        sender.send("POST", path, everything)
        if '"partition":' in everything:
            assert sender.send("POST", path, '{"partition":null}') == sender.send("POST", path, "{}")
    for path in ("/messages/query", "/events/messages/query"):
        sender.send("POST", path, '{"excludeExpired":false}')


def test_deployments(sender: Client):
    sender.deploy(SERVICE, "tagged", '"parallelism":2,"tags":[{"name":"x","value":"y"}],')
    sender.deploy(USER_TASK, "human", '"errors":[{"bpmnElementId":"failed","errorCode":"E42"}],')
    timer = '{"time":"2026-12-24T18:00:00.123456789+01:00","timeDuration":null}'
    sender.deploy(TIMER_START, "at", f'"timers":[{{"bpmnElementId":"start","timer":{timer}}}],')
    timer = '{"timeCycle":"0 * * * *","timeDuration":null}'
    sender.deploy(TIMER_START, "each", f'"timers":[{{"bpmnElementId":"start","timer":{timer}}}],')
    sender.deploy(TIMER_START, "after", '"timers":[{"bpmnElementId":"start","timer":{"timeDuration":"PT1H"}}],')
    sender.deploy(MESSAGE_START, "message", '"messages":[{"bpmnElementId":"start","messageName":"m"}],')
    sender.deploy(SIGNAL_CATCH, "signal", '"signals":[{"bpmnElementId":"catch","signalName":"s"}],')
    process = sender.deploy(SERVICE, "tagged", '"parallelism":2,"tags":[{"name":"x","value":"y"}],')
    sender.send("GET", f"/processes/{process['id']}/bpmn-xml")


def test_instances_and_their_variables(sender: Client):
    sender.deploy(SERVICE, "p")
    instance = sender.send(
        "POST",
        "/process-instances",
        '{"bpmnProcessId":"p","correlationKey":"k1","tags":[{"name":"x","value":"y"}],"variables":[{"name":"a",'
        '"data":{"encoding":"json","encrypted":true,"value":"{}"}},{"name":"b","data":null}],"version":"1",'
        '"workerId":"w1"}',
        201,
    )
    job = sender.lock(instance)
    visit = f"{job['partition']}/{job['elementInstanceId']}"
    path = f"/process-instances/{key(instance)}"
    variables = '"variables":[{"name":"c","data":{"encoding":"json","value":"1"}},{"name":"b","data":null}]'
    sender.send("PUT", f"{path}/variables", f'{{{variables},"workerId":"w1"}}', 204)
    sender.send("PUT", f"/element-instances/{visit}/variables", f'{{{variables},"workerId":"w1"}}', 204)
    found = sender.send("GET", f"{path}/variables")
    assert [variable["name"] for variable in found["variables"]] == ["a", "c"]
    assert sender.send("GET", f"{path}/variables?names=a,b")["count"] == 1
    glued = "excludeParentVariables=truenames=c,zz"
    for query in ("names=c", "excludeParentVariables=true", glued):
        assert sender.send("GET", f"/element-instances/{visit}/variables?{query}")["count"] == 1
    sender.send("PATCH", f"{path}/suspend", '{"workerId":"w1"}', 204)
    sender.send("PATCH", f"{path}/resume", '{"workerId":"w1"}', 204)


def test_jobs_and_incidents(sender: Client):
    sender.deploy(SERVICE, "p")
    instance = sender.start("p")
    (job,) = sender.send("POST", "/jobs/lock", '{"partition":null,"limit":10,"workerId":"w1"}')["jobs"]
    assert sender.send("POST", "/jobs/unlock", '{"partition":null,"workerId":"w1"}') == {"count": 1}
    unlock = f'{{"partition":"{job["partition"]}","id":{job["id"]},"workerId":"w1"}}'
    sender.lock(instance)
    assert sender.send("POST", "/jobs/unlock", unlock) == {"count": 1}
    sender.lock(instance)
    failed = '{"error":"boom","retryLimit":1,"retryTimer":"PT0S","workerId":"w1"}'
    sender.send("PATCH", f"/jobs/{key(job)}/complete", failed)
    job = sender.lock(instance)
    sender.send("PATCH", f"/jobs/{key(job)}/complete", '{"error":"boom","retryTimer":null,"workerId":"w1"}')
    (incident,) = sender.send("POST", "/incidents/query", '{"partition":null}')["results"]
    sender.send("PATCH", f"/incidents/{key(incident)}/resolve", '{"retryTimer":null,"workerId":"w1"}', 204)
    variables = '[{"name":"a","data":{"encoding":"json","value":"1"}}]'
    sender.complete(instance, f'"elementVariables":{variables},"processVariables":{variables},')


def test_completions_of_every_kind(sender: Client):
    models = {
        "caller": CALL,
        "choice": EXCLUSIVE,
        "message": MESSAGE_CATCH,
        "signal": SIGNAL_CATCH,
        "timer": TIMER_CATCH,
    }
    for process, xml in models.items():
        sender.deploy(xml, process)
    sender.deploy(SERVICE, "p")
    completions = [
        ("caller", '{"calledProcess":{"bpmnProcessId":"p","version":"1"}}', "CALL_PROCESS"),
        ("choice", '{"exclusiveGatewayDecision":"left"}', "EVALUATE_EXCLUSIVE_GATEWAY"),
        ("message", '{"messageCorrelationKey":"k","messageName":"m"}', "SUBSCRIBE_MESSAGE"),
        ("signal", '{"signalName":"s"}', "SUBSCRIBE_SIGNAL"),
        ("timer", '{"timer":{"time":"2026-12-24T18:00:00.123456789+01:00","timeDuration":null}}', "SET_TIMER"),
        ("timer", '{"timer":{"timeCycle":"@daily","timeDuration":null}}', "SET_TIMER"),
        ("timer", '{"timer":{"timeDuration":"PT1H"}}', "SET_TIMER"),
    ]
    for process, completion, type in completions:
        assert sender.complete(sender.start(process), f'"completion":{completion},') == type


def test_a_called_process_that_the_model_names_may_be_left_empty(sender: Client):
    sender.deploy(SERVICE, "p")
    sender.deploy(CALL.replace('id="call"', 'id="call" calledElement="p:1"'), "caller")
    empty = '{"calledProcess":{"bpmnProcessId":"","version":""}}'
    sender.complete(sender.start("caller"), f'"completion":{empty},')


@pytest.mark.parametrize("prefix", ["", "/events"])
def test_messages_and_signals(sender: Client, prefix: str):
    variables = '"variables":[{"name":"a","data":{"encoding":"json","value":"1"}}],'
    for message in (
        '{"correlationKey":"k","expirationTimer":null,"name":"n","workerId":"w1"}',
        f'{{"correlationKey":"k","expirationTimer":{{"timeDuration":"PT1H"}},"name":"n",{variables}"workerId":"w1"}}',
        '{"correlationKey":"k","expirationTimer":{"timeCycle":"0 * * * *","timeDuration":null},"name":"n",'
        '"uniqueKey":"u","workerId":"w1"}',
        '{"correlationKey":"k","expirationTimer":{"time":"2026-12-24T18:00:00.5Z","timeDuration":null},"name":"n",'
        '"workerId":"w1"}',
    ):
        sender.send("POST", f"{prefix}/messages", message)
    sender.send("POST", f"{prefix}/signals", f'{{"name":"n",{variables}"workerId":"w1"}}')


def test_tasks(sender: Client):
    sender.deploy(PARALLEL, "p")
    instance = sender.start("p")
    sender.complete(instance)
    sender.complete(instance)
    one = f'"partition":"{instance["partition"]}","processInstanceId":{instance["id"]}'
    assert sender.send("POST", "/tasks/execute", f'{{{one},"limit":1}}')["completed"] == 1
    executed = sender.send("POST", "/tasks/execute", '{"partition":null,"type":"JOIN_PARALLEL_GATEWAY","limit":100}')
    assert executed["completed"] == 1
    sender.send("POST", "/tasks/execute", '{"partition":null,"limit":100}')
    sender.send("POST", "/tasks/unlock", '{"partition":null,"engineId":"default-engine"}')


def test_user_tasks(sender: Client):
    sender.deploy(USER_TASK, "p", '"errors":[{"bpmnElementId":"failed","errorCode":"E42"}],')
    for outcome in ('"completed":true', '"errorCode":"E42"'):
        instance = sender.start("p")
        criteria = f'{{"partition":"{instance["partition"]}","processInstanceId":{instance["id"]}}}'
        (task,) = sender.send("POST", "/user-tasks/query", criteria)["results"]
        tags = '{"revision":1,"tags":[{"name":"assignee","value":"bob"},{"name":"prio"}],"workerId":"w1"}'
        sender.send("PATCH", f"/user-tasks/{key(task)}", tags)
        sender.send("PATCH", f"/user-tasks/{key(task)}", f'{{"revision":2,{outcome},"workerId":"w1"}}')


def test_time(sender: Client):
    for body in (
        '{"timeDuration":"PT1H"}',
        '{"timeCycle":"0 * * * *","timeDuration":null}',
        '{"time":"2026-12-24T18:00:00.123456789+01:00","timeDuration":null}',
        '{"time":"2026-12-24T20:00:00.123456789+02:00"}',
    ):
        times = sender.send("PATCH", "/time", body)
        assert set(times) == {"newTime", "oldTime"}
