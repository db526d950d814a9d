"""A request of every operation with a body, in which each of its properties has a value."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.http.models import SERVICE

DATA = {"encoding": "json", "encrypted": True, "value": "1"}
TAGS = [{"name": "x", "value": "y"}]
TIMER = {"time": "2026-11-24T00:00:00Z", "timeCycle": "0 * * * *", "timeDuration": "PT1H"}
PROCESS_VARIABLES = [{"name": "a", "data": DATA}]
ELEMENT_VARIABLES = [{"bpmnElementId": "work", "name": "a", "data": DATA}]
DAY = "2026-11-23"
RANGE = {"from": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}
WORKER = {"workerId": "w1"}
INSTANCES = {
    "partition": DAY,
    "id": 1,
    "parentId": 1,
    "rootId": 1,
    "processId": 1,
    "tags": TAGS,
    "bpmnProcessId": "p",
    "versions": ["1"],
    "states": ["STARTED"],
    "correlationKey": "k",
    "created": RANGE,
    "ended": RANGE,
    "hasIncident": True,
    "waitingAt": "work",
    "rootsOnly": True,
    "createdBy": "w1",
}
WHY = {"reason": "asked for"}
LEASE = {"lockTimeout": "PT1M"}
KINDS = {"types": ["EXECUTE"], "bpmnElementIds": ["work"], "bpmnProcessIds": ["p"], "taskTypes": ["x"]}
KINDS |= {"variables": ["a"], "allVariables": True}
WAIT = {"waitTimeout": "PT1S"}

OUTCOME = {
    "completion": {
        "activities": ["a"],
        "calledProcess": {
            "bpmnElementId": "start",
            "bpmnProcessId": "p",
            "correlationKey": "k",
            "tags": TAGS,
            "variables": PROCESS_VARIABLES,
            "version": "1",
        },
        "conditionFulfilled": True,
        "errorCode": "E",
        "errorMessage": "none is left",
        "escalationCode": "E",
        "exclusiveGatewayDecision": "a",
        "inclusiveGatewayDecision": ["a"],
        "loopCardinality": 1,
        "messageCorrelationKey": "k",
        "messageName": "n",
        "signalName": "n",
        "timer": TIMER,
    },
    "elementVariables": ELEMENT_VARIABLES,
    "error": "boom",
    "lockVersion": 1,
    "processVariables": PROCESS_VARIABLES,
    "retryLimit": 1,
    "retryTimer": "PT1H",
}
NEW_INSTANCE = {
    "bpmnElementId": "start",
    "bpmnProcessId": "p",
    "correlationKey": "k",
    "onConflict": "RETURN",
    "tags": TAGS,
    "uniqueCorrelationKey": True,
    "variables": PROCESS_VARIABLES,
    "version": "1",
}

FULL: dict[str, tuple[str, str, dict[str, Any]]] = {
    "queryElements": ("POST", "/elements/query", {"processId": 1, "bpmnElementId": "work"}),
    "queryElementInstances": (
        "POST",
        "/element-instances/query",
        {
            "partition": DAY,
            "id": 1,
            "parentId": 1,
            "processId": 1,
            "processInstanceId": 1,
            "bpmnElementId": "work",
            "states": ["STARTED"],
            "bpmnElementTypes": ["SERVICE_TASK"],
            "active": True,
        },
    ),
    "selectActivities": (
        "PATCH",
        f"/element-instances/{DAY}/{{visit}}/activities",
        {"activities": ["a"], **WORKER, **WHY},
    ),
    "setElementVariables": (
        "PUT",
        f"/element-instances/{DAY}/{{visit}}/variables",
        {"variables": ELEMENT_VARIABLES, **WORKER, **WHY},
    ),
    "sendMessage": (
        "POST",
        "/messages",
        {
            "correlationKey": "k",
            "expirationTimer": TIMER,
            "name": "n",
            "requireReceiver": True,
            "uniqueKey": "u",
            "variables": PROCESS_VARIABLES,
            **WAIT,
            **WORKER,
        },
    ),
    "queryMessages": (
        "POST",
        "/messages/query",
        {"id": 1, "excludeExpired": True, "name": "n", "correlationKey": "k", "correlated": True},
    ),
    "queryMessageSubscriptions": (
        "POST",
        "/messages/subscriptions/query",
        {"partition": DAY, "processInstanceId": 1, "correlationKey": "k", "name": "n"},
    ),
    "sendSignal": ("POST", "/signals", {"name": "n", "variables": PROCESS_VARIABLES, **WAIT, **WORKER}),
    "querySignalSubscriptions": (
        "POST",
        "/signals/subscriptions/query",
        {"partition": DAY, "processInstanceId": 1, "name": "n"},
    ),
    "queryIncidents": (
        "POST",
        "/incidents/query",
        {
            "partition": DAY,
            "id": 1,
            "jobId": 1,
            "processInstanceId": 1,
            "taskId": 1,
            "processId": 1,
            "bpmnProcessId": "p",
            "bpmnElementId": "work",
            "errorId": "0b6d1c1a2f3e4d5c",
            "created": RANGE,
            "open": True,
        },
    ),
    "getStatistics": (
        "POST",
        "/processes/statistics",
        {
            "bpmnProcessId": "p",
            "versions": ["1"],
            "processIds": [1],
            "created": RANGE,
            "states": ["STARTED"],
            "processInstance": {"partition": DAY, "id": 1},
        },
    ),
    "groupIncidents": (
        "POST",
        "/incidents/groups",
        {
            "partition": DAY,
            "id": 1,
            "jobId": 1,
            "processInstanceId": 1,
            "taskId": 1,
            "processId": 1,
            "bpmnProcessId": "p",
            "bpmnElementId": "work",
            "errorId": "0b6d1c1a2f3e4d5c",
            "created": RANGE,
            "open": True,
        },
    ),
    "resolveIncident": ("PATCH", f"/incidents/{DAY}/{{incident}}/resolve", {"retryTimer": "PT1H", **WORKER, **WHY}),
    "lockJobs": (
        "POST",
        "/jobs/lock",
        {
            "partition": DAY,
            "id": 1,
            "processIds": [1],
            "processInstanceId": 1,
            **KINDS,
            "limit": 1,
            **LEASE,
            **WAIT,
            **WORKER,
        },
    ),
    "queryJobs": (
        "POST",
        "/jobs/query",
        {
            "partition": DAY,
            "id": 1,
            "elementId": 1,
            "elementInstanceId": 1,
            "processId": 1,
            "processInstanceId": 1,
            "states": ["DUE"],
            "types": ["EXECUTE"],
            "bpmnProcessId": "p",
            "bpmnElementId": "work",
            "lockedBy": "w",
            "open": True,
        },
    ),
    "unlockJobs": ("POST", "/jobs/unlock", {"partition": DAY, "id": 1, **WORKER, **WHY}),
    "extendJobs": (
        "POST",
        "/jobs/extend",
        {"jobs": [{"partition": DAY, "id": 1, "lockVersion": 1}], **LEASE, **WORKER},
    ),
    "moveJob": ("PATCH", f"/jobs/{DAY}/{{job}}/due", {"dueAt": "2026-11-23T13:00:00Z", **WORKER, **WHY}),
    "moveTimer": ("PATCH", f"/tasks/{DAY}/1/due", {"dueAt": "2026-11-23T13:00:00Z", **WORKER, **WHY}),
    "completeJob": ("PATCH", f"/jobs/{DAY}/{{job}}/complete", {**OUTCOME, **WORKER}),
    "completeJobs": (
        "POST",
        "/jobs/complete",
        {
            "jobs": [{"partition": DAY, "id": 1, **OUTCOME}],
            "lockNext": {
                "partition": DAY,
                "id": 1,
                "processIds": [1],
                "processInstanceId": 1,
                **KINDS,
                "limit": 1,
                **LEASE,
                **WAIT,
            },
            **WORKER,
        },
    ),
    "createProcess": (
        "POST",
        "/processes",
        {
            "bpmnProcessId": "p",
            "bpmnXml": SERVICE,
            "errors": [{"bpmnElementId": "work", "errorCode": "E"}],
            "escalations": [{"bpmnElementId": "work", "escalationCode": "E"}],
            "expressions": "WORKER",
            "messages": [{"bpmnElementId": "work", "messageName": "n"}],
            "parallelism": 1,
            "signals": [{"bpmnElementId": "work", "signalName": "n"}],
            "tags": TAGS,
            "timers": [{"bpmnElementId": "work", "timer": TIMER}],
            "version": "2",
            **WORKER,
            **WHY,
        },
    ),
    "checkProcess": (
        "POST",
        "/processes/check",
        {
            "bpmnProcessId": "p",
            "bpmnXml": SERVICE,
            "errors": [{"bpmnElementId": "work", "errorCode": "E"}],
            "escalations": [{"bpmnElementId": "work", "escalationCode": "E"}],
            "expressions": "WORKER",
            "messages": [{"bpmnElementId": "work", "messageName": "n"}],
            "parallelism": 1,
            "signals": [{"bpmnElementId": "work", "signalName": "n"}],
            "tags": TAGS,
            "timers": [{"bpmnElementId": "work", "timer": TIMER}],
            "version": "2",
            **WORKER,
            **WHY,
            "findings": True,
        },
    ),
    "queryProcesses": ("POST", "/processes/query", {"id": 1, "tags": TAGS, "bpmnProcessId": "p", "latestOnly": True}),
    "createProcessInstance": (
        "POST",
        "/process-instances",
        {**NEW_INSTANCE, "returnVariables": ["a"], **WAIT, **WORKER},
    ),
    "createProcessInstances": (
        "POST",
        "/process-instances/batch",
        {"processInstances": [NEW_INSTANCE], **WORKER},
    ),
    "queryProcessInstances": (
        "POST",
        "/process-instances/query",
        INSTANCES,
    ),
    "countProcessInstances": (
        "POST",
        "/process-instances/count",
        {**INSTANCES, "groupBy": ["bpmnProcessId", "version", "state"]},
    ),
    "suspendProcessInstance": ("PATCH", f"/process-instances/{DAY}/{{instance}}/suspend", {**WORKER, **WHY}),
    "resumeProcessInstance": ("PATCH", f"/process-instances/{DAY}/{{instance}}/resume", {**WORKER, **WHY}),
    "cancelProcessInstance": ("PATCH", f"/process-instances/{DAY}/{{instance}}/cancel", {**WORKER, **WHY}),
    "setProcessVariables": (
        "PUT",
        f"/process-instances/{DAY}/{{instance}}/variables",
        {"variables": PROCESS_VARIABLES, **WORKER, **WHY},
    ),
    "executeTasks": (
        "POST",
        "/tasks/execute",
        {"partition": DAY, "id": 1, "processId": 1, "processInstanceId": 1, "type": "TRIGGER_EVENT", "limit": 1},
    ),
    "queryTasks": (
        "POST",
        "/tasks/query",
        {
            "partition": DAY,
            "id": 1,
            "elementId": 1,
            "elementInstanceId": 1,
            "processId": 1,
            "processInstanceId": 1,
            "type": "TRIGGER_EVENT",
            "states": ["DUE"],
            "bpmnElementId": "work",
            "open": True,
        },
    ),
    "unlockTasks": ("POST", "/tasks/unlock", {"partition": DAY, "id": 1, "engineId": "e", **WHY}),
    "queryUserTasks": (
        "POST",
        "/user-tasks/query",
        {
            "partition": DAY,
            "id": 1,
            "elementInstanceId": 1,
            "processId": 1,
            "processInstanceId": 1,
            "tags": TAGS,
            "states": ["STARTED"],
            "bpmnProcessId": "p",
            "bpmnElementId": "work",
            "correlationKey": "k",
        },
    ),
    "updateUserTask": (
        "PATCH",
        f"/user-tasks/{DAY}/{{task}}",
        {
            "revision": 1,
            "elementVariables": ELEMENT_VARIABLES,
            "errorCode": "E",
            "errorMessage": "none is left",
            "escalationCode": "E",
            "completed": True,
            "processVariables": PROCESS_VARIABLES,
            "tags": TAGS,
            **WORKER,
        },
    ),
    "setProcessSetting": ("PUT", "/process-settings/p", {"retentionDays": 1, **WORKER, **WHY}),
    "queryProcessSettings": ("POST", "/process-settings/query", {"bpmnProcessId": "p"}),
    "createApiKey": (
        "POST",
        "/api-keys",
        {
            "secretId": "shop",
            "roles": ["READER"],
            "bpmnProcessIds": ["p*"],
            "mayDeploy": True,
            "maySend": True,
            "description": "of the shop",
            "expiresAt": "2099-11-24T00:00:00Z",
            **WORKER,
            **WHY,
        },
    ),
    "queryApiKeys": ("POST", "/api-keys/query", {"secretId": "shop"}),
    "revokeApiKey": ("PATCH", "/api-keys/{key}/revoke", {**WORKER, **WHY}),
    "queryAudit": (
        "POST",
        "/audit/query",
        {
            "created": {"from": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"},
            "actor": "w1",
            "credential": "test",
            "operations": ["createProcess"],
            "partition": DAY,
            "processInstanceId": 1,
            "bpmnProcessId": "p",
        },
    ),
    "queryVariables": (
        "POST",
        "/variables/query",
        {"partition": DAY, "elementInstanceId": 1, "processInstanceId": 1, "names": ["a"]},
    ),
    "setTime": ("PATCH", "/time", {**TIMER, **WHY}),
    "resetEngine": ("POST", "/testing/reset", {}),
}

Place = tuple[str | int, ...]


def places(value: Any, kind: type, place: Place = ()) -> Iterator[Place]:
    """Where in a body the values of that kind are."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from places(item, kind, (*place, step))
    elif type(value) is kind:
        yield place


def put(body: Any, place: Place, value: Any) -> Any:
    """The body with another value in that place."""
    changed = deepcopy(body)
    found = changed
    for step in place[:-1]:
        found = found[step]
    found[place[-1]] = value
    return changed
