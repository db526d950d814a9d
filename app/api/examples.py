"""Requests of the OpenAPI document. They work when they are sent as they are to an empty database, in `ORDER`."""

from __future__ import annotations

from typing import Any

DAY = "2025-05-01"
"""Stands for the day on which the document is asked for: what the examples create belongs to that one."""

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="https://example.org/order">
  <message id="paid" name="order-paid"/>
  <signal id="restocked" name="restocked"/>
  <process id="order" name="Order" isExecutable="true">
    <startEvent id="ordered"/>
    <parallelGateway id="fork"/>
    <serviceTask id="pack" name="Pack the goods"/>
    <serviceTask id="charge" name="Charge the card"/>
    <intermediateCatchEvent id="payment"><messageEventDefinition messageRef="paid"/></intermediateCatchEvent>
    <intermediateCatchEvent id="stock"><signalEventDefinition signalRef="restocked"/></intermediateCatchEvent>
    <userTask id="approve" name="Approve the order"/>
    <adHocSubProcess id="extras"><serviceTask id="wrap" name="Wrap it as a gift"/></adHocSubProcess>
    <boundaryEvent id="overdue" attachedToRef="approve" cancelActivity="false">
      <timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>
    </boundaryEvent>
    <endEvent id="reminded"/>
    <parallelGateway id="join"/>
    <endEvent id="shipped"/>
    <sequenceFlow id="f1" sourceRef="ordered" targetRef="fork"/>
    <sequenceFlow id="f2" sourceRef="fork" targetRef="pack"/>
    <sequenceFlow id="f3" sourceRef="fork" targetRef="charge"/>
    <sequenceFlow id="f4" sourceRef="fork" targetRef="payment"/>
    <sequenceFlow id="f5" sourceRef="fork" targetRef="stock"/>
    <sequenceFlow id="f6" sourceRef="fork" targetRef="approve"/>
    <sequenceFlow id="f7" sourceRef="pack" targetRef="join"/>
    <sequenceFlow id="f8" sourceRef="charge" targetRef="join"/>
    <sequenceFlow id="f9" sourceRef="payment" targetRef="join"/>
    <sequenceFlow id="f10" sourceRef="stock" targetRef="join"/>
    <sequenceFlow id="f11" sourceRef="approve" targetRef="join"/>
    <sequenceFlow id="f12" sourceRef="join" targetRef="shipped"/>
    <sequenceFlow id="f14" sourceRef="fork" targetRef="extras"/>
    <sequenceFlow id="f13" sourceRef="overdue" targetRef="reminded"/>
  </process>
</definitions>
"""

_WORKER = {"workerId": "go-bpmn"}
_INSTANCE = {"partition": DAY, "processInstanceId": 1}
_TAGS = [{"name": "customer", "value": "4711"}]
_VARIABLES = [{"name": "a", "data": {"encoding": "json", "value": '{"n":1}'}}]

BODIES: dict[str, dict[str, Any]] = {
    "createProcess": {
        "bpmnProcessId": "order",
        "bpmnXml": MODEL,
        "tags": _TAGS,
        "version": "1",
        **_WORKER,
    },
    "checkProcess": {
        "bpmnProcessId": "order",
        "bpmnXml": MODEL.replace('id="pack" name="Pack the goods"', 'id="pack" name="Pack all"'),
        "tags": _TAGS,
        "version": "3",
        **_WORKER,
    },
    "queryProcesses": {"tags": _TAGS},
    "queryElements": {"processId": 1},
    "createProcessInstance": {
        "bpmnProcessId": "order",
        "correlationKey": "order-1",
        "onConflict": "RETURN",
        "tags": _TAGS,
        "uniqueCorrelationKey": True,
        "variables": _VARIABLES,
        "version": "1",
        **_WORKER,
    },
    "createProcessInstances": {
        "processInstances": [
            {"bpmnProcessId": "order", "correlationKey": "order-2", "uniqueCorrelationKey": True},
            {"bpmnProcessId": "order", "correlationKey": "order-3", "variables": _VARIABLES, "version": "1"},
        ],
        **_WORKER,
    },
    "queryProcessInstances": {"partition": DAY, "processId": 1, "tags": _TAGS},
    "queryElementInstances": {**_INSTANCE, "states": ["STARTED"]},
    "setProcessVariables": {"variables": _VARIABLES, **_WORKER},
    "selectActivities": {"activities": ["wrap"], **_WORKER},
    "setElementVariables": {"variables": _VARIABLES, **_WORKER},
    "queryVariables": {**_INSTANCE, "names": ["a"]},
    "suspendProcessInstance": _WORKER,
    "resumeProcessInstance": _WORKER,
    "queryJobs": _INSTANCE,
    "lockJobs": {
        "partition": DAY,
        "processIds": [1],
        "limit": 10,
        "lockTimeout": "PT1M",
        "waitTimeout": "PT20S",
        **_WORKER,
    },
    "extendJobs": {
        "lockTimeout": "PT5M",
        "jobs": [{"partition": DAY, "id": 1, "lockVersion": 1}, {"partition": DAY, "id": 2, "lockVersion": 1}],
        **_WORKER,
    },
    "completeJobs": {
        "jobs": [
            {"partition": DAY, "id": 4, "processVariables": _VARIABLES},
            {"partition": DAY, "id": 5, "error": "card was declined", "retryLimit": 1, "retryTimer": "PT1M"},
        ],
        "lockNext": {"partition": DAY, "processIds": [1], "limit": 10},
        **_WORKER,
    },
    "unlockJobs": {"partition": DAY, **_WORKER},
    "getStatistics": {"bpmnProcessId": "order", "versions": ["1"]},
    "queryIncidents": _INSTANCE,
    "groupIncidents": {"bpmnProcessId": "order", "open": True},
    "countProcessInstances": {"bpmnProcessId": "order", "groupBy": ["version", "state"]},
    "resolveIncident": {"retryTimer": "PT1M", **_WORKER},
    "queryMessageSubscriptions": {"correlationKey": "order-1", "name": "order-paid"},
    "sendMessage": {
        "correlationKey": "order-1",
        "expirationTimer": {"timeDuration": "PT1H"},
        "name": "order-paid",
        "requireReceiver": False,
        "variables": _VARIABLES,
        **_WORKER,
    },
    "queryMessages": {"name": "order-paid"},
    "querySignalSubscriptions": {**_INSTANCE, "name": "restocked"},
    "sendSignal": {"name": "restocked", "variables": _VARIABLES, **_WORKER},
    "queryUserTasks": _INSTANCE,
    "executeTasks": {**_INSTANCE, "limit": 10},
    "queryTasks": {**_INSTANCE, "type": "TRIGGER_EVENT"},
    "unlockTasks": {"partition": DAY, "engineId": "default-engine"},
    "setProcessSetting": {"retentionDays": 90, "reason": "as the contract says", **_WORKER},
    "queryProcessSettings": {"bpmnProcessId": "order"},
    "queryAudit": {"operations": ["setProcessVariables"], **_INSTANCE},
    "createApiKey": {
        "secretId": "shop",
        "roles": ["WORKER"],
        "bpmnProcessIds": ["order*"],
        "maySend": True,
        "description": "workers of the shop",
        **_WORKER,
    },
    "queryApiKeys": {"secretId": "shop"},
    "revokeApiKey": {"reason": "the shop is closed", **_WORKER},
    "setTime": {"timeDuration": "PT1H"},
    "cancelProcessInstance": _WORKER,
    "resetEngine": {},
}
"""The body by operation, where there is one example."""

SEVERAL_BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "moveJob": {"retried": _WORKER},
    "moveTimer": {"reminded": _WORKER},
    "completeJob": {
        "done": {"processVariables": _VARIABLES, **_WORKER},
        "failed": {"error": "card was declined", "retryLimit": 0, **_WORKER},
        "correlated": {"completion": {"messageCorrelationKey": "order-1"}, **_WORKER},
    },
    "updateUserTask": {
        "assigned": {"revision": 1, "tags": [{"name": "assignee", "value": "bob"}], **_WORKER},
        "completed": {"revision": 2, "completed": True, "processVariables": _VARIABLES, **_WORKER},
    },
}
"""The bodies by operation and name of the example, in the order in which they work."""

QUERIES: dict[str, dict[str, Any]] = {
    "createProcess": {"bpmnProcessId": "order", "tags": ["customer:4711"], "version": "2", **_WORKER},
    "checkProcess": {"bpmnProcessId": "order"},
    "deleteProcess": _WORKER,
    "deleteProcessInstance": _WORKER,
}
"""Query parameters by operation, where there is no body in JSON."""

IDS = {
    "completeJob": {"done": 1, "failed": 2, "correlated": 3},
    "moveJob": {"retried": 14},
    "moveTimer": {"reminded": 2},
}
"""The ids in the path that go with the bodies of the same names."""
OTHER_IDS = {"deleteProcess": 2, "selectActivities": 9}
"""The ids in the path where there is one; all others are 1."""

ORDER = (
    *("createProcess", "checkProcess", "queryProcesses", "getBpmnXml", "getDiagram", "deleteProcess", "queryElements"),
    *("createProcessInstance", "createProcessInstances", "getProcessInstance", "getWaiting", "getHistory"),
    *("queryProcessInstances", "queryElementInstances"),
    *("setProcessVariables", "getProcessVariables", "setElementVariables", "getElementVariables", "queryVariables"),
    *("suspendProcessInstance", "resumeProcessInstance", "selectActivities"),
    *(
        "queryJobs",
        "lockJobs",
        "extendJobs",
        "completeJob",
        "completeJobs",
        "moveJob",
        "unlockJobs",
    ),
    *("queryIncidents", "groupIncidents", "countProcessInstances", "getStatistics", "resolveIncident"),
    *("queryMessageSubscriptions", "sendMessage", "queryMessages", "querySignalSubscriptions", "sendSignal"),
    *("queryUserTasks", "updateUserTask", "moveTimer", "executeTasks", "queryTasks", "unlockTasks"),
    *("setProcessSetting", "getProcessSetting", "queryProcessSettings"),
    *("queryAudit", "createApiKey", "queryApiKeys", "revokeApiKey"),
    *("setTime", "cancelProcessInstance", "deleteProcessInstance"),
    *("getMetrics", "getHealth", "checkReadiness", "checkLiveness", "resetEngine"),
)
"""The operations; three are refused unless they are enabled: setTime (BPMN_SET_TIME_ENABLED), getMetrics, and
resetEngine (BPMN_TEST_OPERATIONS), which is for SQLite only."""


def of_body(operation: str) -> dict[str, Any]:
    """`example` or `examples` of the body of an operation, as the OpenAPI document has them."""
    if operation in SEVERAL_BODIES:
        return {"examples": {name: {"value": body} for name, body in SEVERAL_BODIES[operation].items()}}
    return {"example": BODIES[operation]}


def of_path(operation: str, parameter: str) -> dict[str, Any]:
    """The same for a parameter in the path."""
    if parameter == "partition":
        return {"example": DAY}
    if parameter == "bpmnProcessId":
        return {"example": "order"}
    if operation in IDS:
        return {"examples": {name: {"value": id} for name, id in IDS[operation].items()}}
    return {"example": OTHER_IDS.get(operation, 1)}
