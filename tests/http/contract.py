"""The contract of the HTTP API as a table, written down once, by hand, from its description.

Types are `string`, `boolean`, `int32`, `int64`, `date`, `time`, the name of a schema, or one of these in brackets for
an array. Of requests, words after the type are constraints (`max` counts the items of an array, of which `each` has a
bound of its own, and the characters of a text); of answers, `A` marks what is always there and `O` what is
left out when it is empty. A trailing `+` marks an extension: what the original API does not have.
"""

from __future__ import annotations

from typing import NamedTuple


class Operation(NamedTuple):
    method: str
    path: str
    success: int
    request: str = ""
    answer: str = ""
    problems: tuple[int, ...] = ()
    """Statuses of failures beyond 400, 401, 415 and 500."""
    extension: bool = False
    takes_file: bool = False
    """Whether the body may be an XML file, too."""
    also: tuple[int, ...] = ()
    """Other statuses of success, with the same answer."""
    alias: str = ""
    """An older path of the same operation."""


OPERATIONS = {
    "queryElements": Operation("POST", "/elements/query", 200, "ElementCriteria", "ElementRes"),
    "queryElementInstances": Operation(
        "POST", "/element-instances/query", 200, "ElementInstanceCriteria", "ElementInstanceRes"
    ),
    "getElementVariables": Operation(
        "GET", "/element-instances/{partition}/{id}/variables", 200, "", "GetElementVariablesRes", (404,)
    ),
    "selectActivities": Operation(
        "PATCH",
        "/element-instances/{partition}/{id}/activities",
        204,
        "SelectActivities",
        "",
        (404, 409),
        extension=True,
    ),
    "setElementVariables": Operation(
        "PUT", "/element-instances/{partition}/{id}/variables", 204, "SetElementVariables", "", (404, 409)
    ),
    "sendMessage": Operation("POST", "/messages", 200, "SendMessage", "SentMessage", (404,), alias="/events/messages"),
    "queryMessages": Operation(
        "POST", "/messages/query", 200, "MessageCriteria", "MessageRes", alias="/events/messages/query"
    ),
    "queryMessageSubscriptions": Operation(
        "POST",
        "/messages/subscriptions/query",
        200,
        "MessageSubscriptionCriteria",
        "MessageSubscriptionRes",
        extension=True,
    ),
    "sendSignal": Operation("POST", "/signals", 200, "SendSignal", "Signal", alias="/events/signals"),
    "querySignalSubscriptions": Operation(
        "POST",
        "/signals/subscriptions/query",
        200,
        "SignalSubscriptionCriteria",
        "SignalSubscriptionRes",
        extension=True,
    ),
    "countProcessInstances": Operation(
        "POST", "/process-instances/count", 200, "CountProcessInstances", "ProcessInstanceCountRes", extension=True
    ),
    "getWaiting": Operation(
        "GET", "/process-instances/{partition}/{id}/waiting", 200, "", "GetWaitingRes", (404,), extension=True
    ),
    "getHistory": Operation(
        "GET", "/process-instances/{partition}/{id}/history", 200, "", "GetHistoryRes", (404,), extension=True
    ),
    "getStatistics": Operation(
        "POST", "/processes/statistics", 200, "StatisticsCriteria", "GetStatisticsRes", (404,), extension=True
    ),
    "groupIncidents": Operation(
        "POST", "/incidents/groups", 200, "IncidentCriteria", "IncidentGroupRes", extension=True
    ),
    "queryIncidents": Operation("POST", "/incidents/query", 200, "IncidentCriteria", "IncidentRes"),
    "resolveIncident": Operation(
        "PATCH", "/incidents/{partition}/{id}/resolve", 204, "ResolveIncident", "", (404, 409)
    ),
    "lockJobs": Operation("POST", "/jobs/lock", 200, "LockJobs", "LockJobsRes"),
    "queryJobs": Operation("POST", "/jobs/query", 200, "JobCriteria", "JobRes"),
    "unlockJobs": Operation("POST", "/jobs/unlock", 200, "UnlockJobs", "CountRes"),
    "moveJob": Operation("PATCH", "/jobs/{partition}/{id}/due", 200, "MoveDue", "Job", (404, 409), extension=True),
    "moveTimer": Operation("PATCH", "/tasks/{partition}/{id}/due", 200, "MoveDue", "Task", (404, 409), extension=True),
    "extendJobs": Operation("POST", "/jobs/extend", 200, "ExtendJobs", "ExtendJobsRes", extension=True),
    "completeJob": Operation("PATCH", "/jobs/{partition}/{id}/complete", 200, "CompleteJob", "Job", (404, 409)),
    "completeJobs": Operation("POST", "/jobs/complete", 200, "CompleteJobs", "CompleteJobsRes", extension=True),
    "createProcess": Operation("POST", "/processes", 201, "CreateProcess", "Process", (409, 422), takes_file=True),
    "deleteProcess": Operation("DELETE", "/processes/{id}", 204, "", "", (404, 409), extension=True),
    "checkProcess": Operation(
        "POST", "/processes/check", 200, "CheckProcess", "CheckedProcess", extension=True, takes_file=True
    ),
    "queryProcesses": Operation("POST", "/processes/query", 200, "ProcessCriteria", "ProcessRes"),
    "getBpmnXml": Operation("GET", "/processes/{id}/bpmn-xml", 200, "", "text/xml", (404,)),
    "getDiagram": Operation("GET", "/processes/{id}/diagram", 200, "", "text/xml", (304, 404, 422), extension=True),
    "createProcessInstance": Operation(
        "POST",
        "/process-instances",
        201,
        "CreateProcessInstance",
        "StartedProcessInstance",
        (404, 409, 422),
        also=(200, 202),
    ),
    "getProcessInstance": Operation(
        "GET", "/process-instances/{partition}/{id}", 200, "", "ProcessInstance", (404,), extension=True
    ),
    "createProcessInstances": Operation(
        "POST",
        "/process-instances/batch",
        200,
        "CreateProcessInstances",
        "CreateProcessInstancesRes",
        extension=True,
    ),
    "queryProcessInstances": Operation(
        "POST", "/process-instances/query", 200, "ProcessInstanceCriteria", "ProcessInstanceRes"
    ),
    "resumeProcessInstance": Operation(
        "PATCH", "/process-instances/{partition}/{id}/resume", 204, "ResumeProcessInstance", "", (404, 409)
    ),
    "suspendProcessInstance": Operation(
        "PATCH", "/process-instances/{partition}/{id}/suspend", 204, "SuspendProcessInstance", "", (404, 409)
    ),
    "cancelProcessInstance": Operation(
        "PATCH",
        "/process-instances/{partition}/{id}/cancel",
        204,
        "CancelProcessInstance",
        "",
        (404, 409),
        extension=True,
    ),
    "getProcessVariables": Operation(
        "GET", "/process-instances/{partition}/{id}/variables", 200, "", "GetProcessVariablesRes", (404,)
    ),
    "setProcessVariables": Operation(
        "PUT", "/process-instances/{partition}/{id}/variables", 204, "SetProcessVariables", "", (404, 409)
    ),
    "executeTasks": Operation("POST", "/tasks/execute", 200, "ExecuteTasks", "ExecuteTasksRes"),
    "queryTasks": Operation("POST", "/tasks/query", 200, "TaskCriteria", "TaskRes"),
    "unlockTasks": Operation("POST", "/tasks/unlock", 200, "UnlockTasks", "CountRes"),
    "queryUserTasks": Operation("POST", "/user-tasks/query", 200, "UserTaskCriteria", "UserTaskRes", extension=True),
    "updateUserTask": Operation(
        "PATCH", "/user-tasks/{partition}/{id}", 200, "UpdateUserTask", "UserTask", (404, 409, 422), extension=True
    ),
    "queryVariables": Operation("POST", "/variables/query", 200, "VariableCriteria", "VariableRes"),
    "getProcessSetting": Operation(
        "GET", "/process-settings/{bpmnProcessId}", 200, "", "ProcessSetting", (404,), extension=True
    ),
    "setProcessSetting": Operation(
        "PUT", "/process-settings/{bpmnProcessId}", 200, "SetProcessSetting", "ProcessSetting", (404,), extension=True
    ),
    "queryProcessSettings": Operation(
        "POST", "/process-settings/query", 200, "ProcessSettingCriteria", "ProcessSettingRes", extension=True
    ),
    "deleteProcessInstance": Operation(
        "DELETE", "/process-instances/{partition}/{id}", 204, "", "", (404, 409), extension=True
    ),
    "queryAudit": Operation("POST", "/audit/query", 200, "AuditCriteria", "AuditEntryRes", extension=True),
    "createApiKey": Operation("POST", "/api-keys", 201, "CreateApiKey", "CreatedApiKey", (409,), extension=True),
    "queryApiKeys": Operation("POST", "/api-keys/query", 200, "ApiKeyCriteria", "ApiKeyRes", extension=True),
    "revokeApiKey": Operation("PATCH", "/api-keys/{id}/revoke", 204, "RevokeApiKey", "", (404,), extension=True),
    "setTime": Operation("PATCH", "/time", 200, "SetTime", "SetTimeRes", (403, 409)),
    "getHealth": Operation("GET", "/health", 200, "", "Health", extension=True),
    "getMetrics": Operation("GET", "/metrics", 200, "", "text/plain", (404,), extension=True),
    "checkReadiness": Operation("GET", "/readiness", 200, "", "text/plain", (503,)),
    "checkLiveness": Operation("GET", "/healthz", 200, "", "text/plain", extension=True),
    "resetEngine": Operation("POST", "/testing/reset", 204, "ResetEngine", "", (403,), extension=True),
}

READING = {"checkProcess", "countProcessInstances", "groupIncidents", "getStatistics"}
"""Operations that only read, though their method is not GET and their path does not end in `/query`."""

UNREPEATABLE = {"createApiKey", "resetEngine"}
"""Operations that take no Idempotency-Key, since what they answer must not be kept, or has nothing to be kept in."""

KEY_HEADER = "string name max-255 +"
"""`Idempotency-Key`, in every operation that writes."""

PUBLIC = {"checkReadiness", "checkLiveness"}
"""Operations without authentication."""

_FILE = {
    "bpmnProcessId": "string max-255 +",
    "errors": "[ErrorDefinition] max-100 +",
    "escalations": "[EscalationDefinition] max-100 +",
    "expressions": "string one-of-2 +",
    "messages": "[MessageDefinition] max-100 +",
    "parallelism": "int32 gte-0 +",
    "signals": "[SignalDefinition] max-100 +",
    "tags": "[string] max-100 +",
    "timers": "[TimerDefinition] max-100 +",
    "version": "string max-255 +",
    "workerId": "string max-255 +",
    "reason": "string max-500 +",
}
"""What goes with a file as body."""
_WHY = {"reason": "string max-500 +"}
QUERY_PARAMETERS = {
    "getStatistics": {"flows": "boolean"},
    "queryProcessInstances": {"waiting": "boolean +"},
    "getWaiting": {"limit": "int32 gte-0 lte-100000"},
    "getHistory": {"limit": "int32 gte-0 lte-100000", "order": "string one-of-2", "cursor": "string"},
    "deleteProcess": {"workerId": "string required max-255", **_WHY},
    "groupIncidents": {"offset": "int32 gte-0", "limit": "int32 gte-0 lte-100000"},
    "checkProcess": _FILE | {"findings": "boolean +"},
    "createProcess": _FILE,
    "getElementVariables": {"names": "string", "excludeParentVariables": "boolean +"},
    "getProcessInstance": {"waitTimeout": "string duration +"},
    "getProcessVariables": {"names": "string"},
    "deleteProcessInstance": {"workerId": "string max-255 required", "reason": "string max-500 +"},
}
PAGE = {"offset": "int32 gte-0", "limit": "int32 gte-0 lte-100000", "cursor": "string +", "total": "boolean +"}
"""Query parameters of all queries, beside `order`."""
ORDERS = {
    "queryProcesses": "createdAt",
    "queryProcessInstances": "createdAt endedAt",
    "queryElementInstances": "createdAt",
    "queryJobs": "createdAt dueAt",
    "queryTasks": "createdAt dueAt",
    "queryUserTasks": "createdAt",
    "queryIncidents": "createdAt",
    "queryMessages": "createdAt",
    "queryAudit": "time",
}
"""What results can be ordered by, beside `id`."""

_WORKER = {"workerId": "string required max-255"}
_TIMER = {"time": "time", "timeCycle": "string cron max-256", "timeDuration": "string duration max-255"}
_TAGS = "[Tag] max-100"
_LOCK = {
    "partition": "date",
    "id": "int32",
    "processIds": "[int32] max-100 unique",
    "processInstanceId": "int32",
    "types": "[JobType] max-100 unique +",
    "bpmnElementIds": "[string] max-100 each-255 unique +",
    "bpmnProcessIds": "[string] max-100 each-255 unique +",
    "taskTypes": "[string] max-100 each-255 unique +",
    "variables": "[string] max-1000 each-255 unique +",
    "allVariables": "boolean +",
    "limit": "int32 gte-1 lte-1000",
    "lockTimeout": "string duration max-255 +",
    "waitTimeout": "string duration max-255 +",
}
_OUTCOME = {
    "completion": "JobCompletion",
    "elementVariables": "[ElementVariable] max-100",
    "error": "string",
    "lockVersion": "int32 gte-1 +",
    "processVariables": "[ProcessVariable] max-100",
    "retryLimit": "int32 gte-0",
    "retryTimer": "string duration max-255",
}
_NEW_INSTANCE = {
    "bpmnElementId": "string max-255 +",
    "bpmnProcessId": "string required max-255",
    "correlationKey": "string max-255",
    "onConflict": "OnConflict +",
    "tags": _TAGS,
    "uniqueCorrelationKey": "boolean +",
    "variables": "[ProcessVariable] max-100",
    "version": "string max-255",
}

REQUESTS: dict[str, dict[str, str]] = {
    "ElementCriteria": {"processId": "int32", "bpmnElementId": "string max-255"},
    "ElementInstanceCriteria": {
        "partition": "date",
        "id": "int32",
        "parentId": "int32 +",
        "processId": "int32",
        "processInstanceId": "int32",
        "bpmnElementId": "string max-255",
        "states": "[InstanceState] max-7 unique",
        "bpmnElementTypes": "[ElementType] max-100 unique +",
        "active": "boolean +",
    },
    "SelectActivities": {"activities": "[string] required max-100 each-255", **_WORKER, **_WHY},
    "SetElementVariables": {"variables": "[ElementVariable] max-100", **_WORKER, **_WHY},
    "SendMessage": {
        "correlationKey": "string required max-255",
        "expirationTimer": "Timer",
        "name": "string required max-255",
        "requireReceiver": "boolean +",
        "uniqueKey": "string max-255",
        "variables": "[ProcessVariable] max-100",
        "waitTimeout": "string duration max-255 +",
        **_WORKER,
    },
    "MessageCriteria": {
        "id": "int64",
        "excludeExpired": "boolean",
        "name": "string max-255",
        "correlationKey": "string max-255 +",
        "correlated": "boolean +",
    },
    "MessageSubscriptionCriteria": {
        "partition": "date",
        "processInstanceId": "int32",
        "correlationKey": "string max-255",
        "name": "string max-255",
    },
    "SendSignal": {
        "name": "string required max-255",
        "variables": "[ProcessVariable] max-100",
        "waitTimeout": "string duration max-255 +",
        **_WORKER,
    },
    "SignalSubscriptionCriteria": {"partition": "date", "processInstanceId": "int32", "name": "string max-255"},
    "IncidentCriteria": {
        "partition": "date",
        "id": "int32",
        "jobId": "int32",
        "processInstanceId": "int32",
        "taskId": "int32",
        "processId": "int32 +",
        "bpmnProcessId": "string max-255 +",
        "bpmnElementId": "string max-255 +",
        "errorId": "string max-255 +",
        "created": "TimeRange +",
        "open": "boolean +",
    },
    "ResolveIncident": {"retryTimer": "string duration max-255", **_WORKER, **_WHY},
    "LockJobs": {**_LOCK, **_WORKER},
    "LockConditions": _LOCK,
    "JobCriteria": {
        "partition": "date",
        "id": "int32",
        "elementId": "int32",
        "elementInstanceId": "int32",
        "processId": "int32",
        "processInstanceId": "int32",
        "states": "[WorkState] max-100 unique +",
        "types": "[JobType] max-100 unique +",
        "bpmnProcessId": "string max-255 +",
        "bpmnElementId": "string max-255 +",
        "lockedBy": "string max-255 +",
        "open": "boolean +",
    },
    "MoveDue": {"dueAt": "time", **_WORKER, **_WHY},
    "ExtendJobs": {
        "jobs": "[ExtendJobsItem] required max-1000",
        "lockTimeout": "string required duration max-255 +",
        **_WORKER,
    },
    "ExtendJobsItem": {"partition": "date required", "id": "int32 required gte-1", "lockVersion": "int32 gte-1 +"},
    "UnlockJobs": {"partition": "date", "id": "int32", **_WORKER, **_WHY},
    "CompleteJob": {**_OUTCOME, **_WORKER},
    "CompleteJobs": {"jobs": "[CompleteJobsItem] required max-100", "lockNext": "LockConditions", **_WORKER},
    "CompleteJobsItem": {"partition": "date required", "id": "int32 required gte-1", **_OUTCOME},
    "JobCompletion": {
        "activities": "[string] max-100 each-255 +",
        "calledProcess": "CalledProcess +",
        "conditionFulfilled": "boolean +",
        "errorCode": "string max-255",
        "errorMessage": "string +",
        "escalationCode": "string max-255",
        "exclusiveGatewayDecision": "string max-255",
        "inclusiveGatewayDecision": "[string] max-100 each-255",
        "loopCardinality": "int32 gte-0 +",
        "messageCorrelationKey": "string max-255",
        "messageName": "string max-255",
        "signalName": "string max-255",
        "timer": "Timer",
    },
    "CalledProcess": {
        "bpmnElementId": "string max-255 +",
        "bpmnProcessId": "string max-255",
        "correlationKey": "string max-255",
        "tags": _TAGS,
        "variables": "[ProcessVariable] max-100",
        "version": "string max-255",
    },
    "CreateProcess": {
        "bpmnProcessId": "string required max-255",
        "bpmnXml": "string required",
        "errors": "[ErrorDefinition] max-100",
        "escalations": "[EscalationDefinition] max-100",
        "expressions": "ExpressionMode +",
        "messages": "[MessageDefinition] max-100",
        "parallelism": "int32 gte-0",
        "signals": "[SignalDefinition] max-100",
        "tags": _TAGS,
        "timers": "[TimerDefinition] max-100",
        "version": "string required max-255",
        **_WORKER,
        **_WHY,
    },
    "CheckProcess": {
        "bpmnProcessId": "string max-255",
        "bpmnXml": "string required",
        "errors": "[ErrorDefinition] max-100",
        "escalations": "[EscalationDefinition] max-100",
        "expressions": "ExpressionMode +",
        "messages": "[MessageDefinition] max-100",
        "parallelism": "int32 gte-0",
        "signals": "[SignalDefinition] max-100",
        "tags": _TAGS,
        "timers": "[TimerDefinition] max-100",
        "version": "string max-255",
        "workerId": "string max-255",
        **_WHY,
        "findings": "boolean",
    },
    "ErrorDefinition": {"bpmnElementId": "string required max-255", "errorCode": "string max-255"},
    "EscalationDefinition": {"bpmnElementId": "string required max-255", "escalationCode": "string max-255"},
    "MessageDefinition": {"bpmnElementId": "string required max-255", "messageName": "string required max-255"},
    "SignalDefinition": {"bpmnElementId": "string required max-255", "signalName": "string required max-255"},
    "TimerDefinition": {"bpmnElementId": "string required max-255", "timer": "Timer required"},
    "ProcessCriteria": {"id": "int32", "tags": _TAGS, "bpmnProcessId": "string max-255 +", "latestOnly": "boolean +"},
    "CreateProcessInstance": {
        **_NEW_INSTANCE,
        "returnVariables": "[string] max-1000 each-255 +",
        "waitTimeout": "string duration max-255 +",
        **_WORKER,
    },
    "CreateProcessInstances": {"processInstances": "[NewProcessInstance] required max-100", **_WORKER},
    "NewProcessInstance": _NEW_INSTANCE,
    "ProcessInstanceCriteria": {
        "partition": "date",
        "id": "int32",
        "parentId": "int32 +",
        "rootId": "int32 +",
        "processId": "int32",
        "tags": _TAGS,
        "bpmnProcessId": "string max-255 +",
        "versions": "[string] max-100 each-255 unique +",
        "states": "[InstanceState] max-100 unique +",
        "correlationKey": "string max-255 +",
        "created": "TimeRange +",
        "ended": "TimeRange +",
        "hasIncident": "boolean +",
        "waitingAt": "string max-255 +",
        "rootsOnly": "boolean +",
        "createdBy": "string max-255 +",
    },
    "CountProcessInstances": {},
    "StatisticsCriteria": {
        "bpmnProcessId": "string max-255",
        "versions": "[string] max-100 each-255 unique",
        "processIds": "[int32] max-100 unique",
        "created": "TimeRange +",
        "states": "[InstanceState] max-100 unique +",
        "processInstance": "InstanceKey",
    },
    "InstanceKey": {"partition": "date required", "id": "int32 required gte-1"},
    "SuspendProcessInstance": {**_WORKER, **_WHY},
    "ResumeProcessInstance": {**_WORKER, **_WHY},
    "CancelProcessInstance": {**_WORKER, **_WHY},
    "SetProcessVariables": {"variables": "[ProcessVariable] max-100", **_WORKER, **_WHY},
    "ExecuteTasks": {
        "partition": "date",
        "id": "int32",
        "processId": "int32",
        "processInstanceId": "int32",
        "type": "TaskType",
        "limit": "int32 gte-1 lte-100",
    },
    "TaskCriteria": {
        "partition": "date",
        "id": "int32",
        "elementId": "int32",
        "elementInstanceId": "int32",
        "processId": "int32",
        "processInstanceId": "int32",
        "type": "TaskType",
        "states": "[WorkState] max-100 unique +",
        "bpmnElementId": "string max-255 +",
        "open": "boolean +",
    },
    "UnlockTasks": {"partition": "date", "id": "int32", "engineId": "string required max-255", **_WHY},
    "UserTaskCriteria": {
        "partition": "date",
        "id": "int32",
        "elementInstanceId": "int32",
        "processId": "int32",
        "processInstanceId": "int32",
        "tags": _TAGS,
        "states": "[UserTaskState] max-100 unique +",
        "bpmnProcessId": "string max-255 +",
        "bpmnElementId": "string max-255 +",
        "correlationKey": "string max-255 +",
    },
    "UpdateUserTask": {
        "revision": "int32 required gte-1",
        "elementVariables": "[ElementVariable] max-100",
        "errorCode": "string max-255",
        "errorMessage": "string +",
        "escalationCode": "string max-255",
        "completed": "boolean",
        "processVariables": "[ProcessVariable] max-100",
        "tags": _TAGS,
        **_WORKER,
    },
    "VariableCriteria": {
        "partition": "date",
        "elementInstanceId": "int32",
        "processInstanceId": "int32",
        "names": "[string] max-1000 each-255",
    },
    "SetProcessSetting": {"retentionDays": "int32 gte-1 lte-36500", **_WORKER, **_WHY},
    "ProcessSettingCriteria": {"bpmnProcessId": "string max-255"},
    "AuditCriteria": {
        "created": "TimeRange +",
        "actor": "string max-255",
        "credential": "string max-255",
        "operations": "[string] max-100 each-255 unique",
        "partition": "date",
        "processInstanceId": "int32",
        "bpmnProcessId": "string max-255",
    },
    "CreateApiKey": {
        "secretId": "string required max-255",
        "roles": "[Role] required max-4 unique",
        "bpmnProcessIds": "[string] max-100 each-255 unique",
        "mayDeploy": "boolean",
        "maySend": "boolean",
        "description": "string max-500",
        "expiresAt": "time",
        **_WORKER,
        **_WHY,
    },
    "ApiKeyCriteria": {"secretId": "string max-255"},
    "RevokeApiKey": {**_WORKER, **_WHY},
    "TimeRange": {"from": "time", "until": "time"},
    "ResetEngine": {},
    "SetTime": {**_TIMER, **_WHY},
    "Timer": _TIMER,
}

REQUESTS["CountProcessInstances"] = {
    **REQUESTS["ProcessInstanceCriteria"],
    "groupBy": "[InstanceGroup] max-3 unique",
}

SHARED: dict[str, dict[str, str]] = {
    "Tag": {"name": "string required name max-255", "value": "string max-1000"},
    "ProcessVariable": {"name": "string required name max-255", "data": "Data"},
    "ElementVariable": {"bpmnElementId": "string + max-255", "name": "string required name max-255", "data": "Data"},
    "Data": {"encoding": "string required max-255", "encrypted": "boolean", "value": "string required"},
}
"""In requests and in answers; what requests need is always there in answers."""

ALSO_ACCEPTED = {"CheckProcess.tags", "CreateProcess.tags", "CreateProcessInstance.tags", "NewProcessInstance.tags"} | {
    f"{schema}.variables" for schema in ("SetElementVariables", "SetProcessVariables")
}
"""Properties that may come as an object by name, too."""

_CREATED = {"createdAt": "time A", "createdBy": "string A"}
_LOCKED = {"lockedAt": "time O", "lockedBy": "string O"}
_KEY = {"partition": "date A", "id": "int32 A"}
_PLACE = {
    "elementId": "int32 A",
    "elementInstanceId": "int32 A",
    "processId": "int32 A",
    "processInstanceId": "int32 A",
}
_API_KEY = {
    "id": "int32 A",
    "secretId": "string A",
    "roles": "[Role] A",
    "bpmnProcessIds": "[string] O",
    "mayDeploy": "boolean O",
    "maySend": "boolean O",
    "description": "string O",
    **_CREATED,
    "createdBy": "string O",
    "expiresAt": "time O",
    "lastUsedAt": "time O",
}
_WAITING = {
    "elementInstanceId": "int32 A",
    "bpmnElementId": "string A",
    "bpmnElementName": "string O",
    "bpmnElementType": "ElementType A",
    "multiInstance": "boolean O",
    "loopCounter": "int32 O",
    "since": "time A",
    "kind": "WaitingKind A",
    "jobId": "int32 O",
    "jobType": "JobType O",
    "taskId": "int32 O",
    "taskType": "TaskType O",
    "incidentId": "int32 O",
    "userTaskId": "int32 O",
    "partition": "date O",
    "processInstanceId": "int32 O",
    "state": "WorkState O",
    "dueAt": "time O",
    "retryCount": "int32 O",
    "lockedBy": "string O",
    "lockedUntil": "time O",
    "error": "string O",
    "errorId": "string O",
    "name": "string O",
    "correlationKey": "string O",
    "missing": "[string] O",
    "position": "int32 O",
}
_MAYBE_PLACE = dict.fromkeys(_PLACE, "int32 O")

_INSTANCE = {
    **_KEY,
    "parentId": "int32 O +",
    "rootId": "int32 O +",
    "processId": "int32 A",
    "bpmnProcessId": "string A",
    "correlationKey": "string O",
    **_CREATED,
    "endedAt": "time O",
    "startedAt": "time O",
    "state": "InstanceState A",
    "tags": "[Tag] O",
    "version": "string A",
    "incidentCount": "int32 O +",
    "waitingAt": "[string] O +",
}

_MESSAGE = {
    "id": "int64 A",
    "correlationKey": "string A",
    **_CREATED,
    "expiresAt": "time O",
    "correlated": "boolean A",
    "name": "string A",
    "uniqueKey": "string O",
    "result": "MessageResult O +",
    "partition": "date O +",
    "processInstanceId": "int32 O +",
    "bpmnElementId": "string O +",
    "bpmnProcessId": "string O +",
    "version": "string O +",
}

ANSWERS: dict[str, dict[str, str]] = {
    "Health": {"status": "HealthLevel A", "version": "string A", "findings": "[Finding] A", "nodes": "[Node] A"},
    "Finding": {
        "code": "string A",
        "level": "HealthLevel A",
        "title": "string A",
        "detail": "string O",
        "hint": "string O",
    },
    "Node": {
        "engineId": "string A",
        "host": "string A",
        "pid": "int32 A",
        "version": "string O",
        "executor": "boolean A",
        "executorSeen": "time O",
        "startedAt": "time A",
        "lastSeen": "time A",
    },
    "Element": {
        "id": "int32 A",
        "processId": "int32 A",
        "bpmnElementId": "string A",
        "bpmnElementName": "string O +",
        "bpmnElementType": "ElementType A",
        "multiInstance": "boolean O +",
        "parentBpmnElementId": "string O +",
        "eventDefinition": "EventDefinition O +",
        "eventDefinitions": "[EventDefinition] O +",
    },
    "EventDefinition": {
        "suspended": "boolean A",
        "errorCode": "string O",
        "escalationCode": "string O",
        "messageName": "string O",
        "signalName": "string O",
        "timer": "EventTimer O",
    },
    "EventTimer": {"time": "time O", "timeCycle": "string O", "timeDuration": "string A or-null"},
    "ElementInstance": {
        **_KEY,
        "parentId": "int32 O",
        "prevId": "int32 O +",
        "prevBpmnElementId": "string O +",
        "elementId": "int32 A",
        "processId": "int32 A",
        "processInstanceId": "int32 A",
        "bpmnElementId": "string A",
        "bpmnElementType": "ElementType A",
        **_CREATED,
        "endedAt": "time O",
        "loopCounter": "int32 O +",
        "multiInstance": "boolean O +",
        "startedAt": "time O",
        "state": "InstanceState A",
    },
    "Incident": {
        **_KEY,
        "elementId": "int32 O",
        "elementInstanceId": "int32 O",
        "jobId": "int32 O",
        "processId": "int32 O",
        "processInstanceId": "int32 O",
        "taskId": "int32 O",
        "bpmnProcessId": "string O +",
        "bpmnElementId": "string O +",
        **_CREATED,
        "error": "string O +",
        "errorId": "string O +",
        "resolvedAt": "time O",
        "resolvedBy": "string O",
    },
    "Job": {
        **_KEY,
        **_PLACE,
        "bpmnElementId": "string A",
        "bpmnElementName": "string O +",
        "completedAt": "time O",
        "correlationKey": "string O +",
        **_CREATED,
        "dueAt": "time A",
        "error": "string O",
        **_LOCKED,
        "lockedUntil": "time O +",
        "lockVersion": "int32 O +",
        "retryCount": "int32 A",
        "state": "WorkState A",
        "type": "JobType A",
        "taskType": "string O +",
        "decisions": "[Decision] O +",
        "expression": "string O +",
        "calledElement": "string O +",
        "messageName": "string O +",
        "signalName": "string O +",
        "errorName": "string O +",
        "escalationName": "string O +",
        "variables": "[VisibleVariable] O +",
        "timer": "JobTimer O +",
    },
    "Decision": {
        "flowId": "string A",
        "name": "string O",
        "target": "string A",
        "targetName": "string O",
        "condition": "string O",
        "default": "boolean O",
    },
    "VisibleVariable": {"bpmnElementId": "string O", "name": "string A", "data": "Data O", "error": "string O"},
    "JobTimer": {"type": "string A", "text": "string A"},
    "Message": _MESSAGE,
    "SentMessage": {**_MESSAGE, "delivered": "boolean O +"},
    "MessageSubscription": {
        "id": "int64 A",
        "partition": "date A",
        **_PLACE,
        "bpmnElementId": "string A",
        "correlationKey": "string A",
        **_CREATED,
        "name": "string A",
    },
    "Signal": {
        "id": "int64 A",
        **_CREATED,
        "name": "string A",
        "subscriberCount": "int32 A",
        "deliveredCount": "int32 O +",
    },
    "SignalSubscription": {
        "id": "int64 A",
        "partition": "date A",
        **_PLACE,
        "bpmnElementId": "string A",
        **_CREATED,
        "name": "string A",
    },
    "Process": {
        "id": "int32 A",
        "bpmnCollaborationId": "string O +",
        "bpmnParticipantId": "string O +",
        "bpmnParticipantName": "string O +",
        "bpmnProcessId": "string A",
        **_CREATED,
        "expressions": "ExpressionMode O +",
        "parallelism": "int32 O",
        "tags": "[Tag] O",
        "version": "string A",
        "warnings": "[Warning] O +",
    },
    "CheckedProcess": {
        "deployable": "boolean A",
        "bpmnProcessId": "string O",
        "processId": "int32 O",
        "errors": "[Error] O",
        "warnings": "[Warning] O",
        "ignored": "[Ignored] O",
        "differences": "Differences O",
        "findings": "[FileFinding] O",
        "diagram": "string O",
    },
    "FileFinding": {
        "level": "FindingLevel A",
        "rule": "string A",
        "detail": "string A",
        "pointer": "string A",
        "line": "int32 O",
        "column": "int32 O",
    },
    "Ignored": {"construct": "string A", "count": "int32 A", "line": "int32 A"},
    "Differences": {
        "processId": "int32 A",
        "version": "string A",
        "added": "[DifferentElement] O",
        "removed": "[DifferentElement] O",
        "changed": "[DifferentElement] O",
    },
    "DifferentElement": {
        "bpmnElementId": "string A",
        "bpmnElementName": "string O",
        "bpmnElementType": "ElementType A",
        "aspects": "[string] O",
    },
    "Warning": {"pointer": "string A", "type": "string A", "detail": "string A"},
    "ProcessInstance": _INSTANCE,
    "StartedProcessInstance": {**_INSTANCE, "variables": "[ProcessVariable] O +"},
    "Task": {
        **_KEY,
        **_MAYBE_PLACE,
        "bpmnElementId": "string O +",
        "completedAt": "time O",
        **_CREATED,
        "dueAt": "time A",
        "error": "string O",
        **_LOCKED,
        "retryCount": "int32 A",
        "serializedTask": "string O",
        "state": "WorkState A",
        "type": "TaskType A",
    },
    "UserTask": {
        **_KEY,
        "revision": "int32 A",
        **_PLACE,
        "bpmnElementId": "string A",
        "correlationKey": "string O",
        **_CREATED,
        "state": "UserTaskState A",
        "tags": "[Tag] O",
        "updatedAt": "time A",
        "updatedBy": "string A",
    },
    "Variable": {
        **_KEY,
        "elementId": "int32 O",
        "elementInstanceId": "int32 O",
        "processId": "int32 A",
        "processInstanceId": "int32 A",
        **_CREATED,
        "encoding": "string A",
        "encrypted": "boolean A",
        "name": "string A",
        "updatedAt": "time A",
        "updatedBy": "string A",
    },
    **{
        f"{entity}Res": {
            "count": "int32 A",
            "results": f"[{entity}] A",
            "nextCursor": "string O +",
            "total": "int32 O +",
            "totalIsLowerBound": "boolean O +",
        }
        for entity in (
            "ApiKey",
            "AuditEntry",
            "ProcessSetting",
            "Element",
            "ElementInstance",
            "Incident",
            "Job",
            "Message",
            "MessageSubscription",
            "Process",
            "ProcessInstance",
            "SignalSubscription",
            "Task",
            "UserTask",
            "Variable",
        )
    },
    "AuditEntry": {
        "id": "int64 A",
        "time": "time A",
        "actor": "string O",
        "credential": "string O",
        "role": "Role A",
        "operation": "string A",
        "partition": "date O",
        "processInstanceId": "int32 O",
        "bpmnProcessId": "string O",
        "target": "string O",
        "detail": "object O",
        "reason": "string O",
        "requestId": "string O",
    },
    "ProcessSetting": {
        "bpmnProcessId": "string A",
        "retentionDays": "int32 O",
        "updatedAt": "time O",
        "updatedBy": "string O",
    },
    "ApiKey": _API_KEY,
    "CreatedApiKey": {**_API_KEY, "authorization": "string A"},
    "CompleteJobsRes": {"results": "[CompleteJobsResult] A", "jobs": "[Job] O", "problem": "Problem O"},
    "ExtendJobsRes": {"results": "[ExtendJobsResult] A"},
    "ExtendJobsResult": {**_KEY, "status": "int32 A", "lockedUntil": "time O", "problem": "Problem O"},
    "CompleteJobsResult": {**_KEY, "status": "int32 A", "job": "Job O", "problem": "Problem O"},
    "CreateProcessInstancesRes": {"results": "[CreateProcessInstancesResult] A"},
    "CreateProcessInstancesResult": {
        "status": "int32 A",
        "processInstance": "ProcessInstance O",
        "problem": "Problem O",
    },
    "WaitingEvent": _WAITING,
    "Waiting": {**_WAITING, "also": "[WaitingEvent] O"},
    "GetWaitingRes": {"count": "int32 A", "results": "[Waiting] A", "hasMore": "boolean O"},
    "HistoryEntry": {
        "time": "time A",
        "kind": "HistoryKind A",
        "elementInstanceId": "int32 O",
        "bpmnElementId": "string O",
        "bpmnElementType": "ElementType O",
        "prevId": "int32 O",
        "prevBpmnElementId": "string O",
        "multiInstance": "boolean O",
        "loopCounter": "int32 O",
        "state": "string O",
        "createdAt": "time O",
        "createdBy": "string O",
        "startedAt": "time O",
        "endedAt": "time O",
        "dueAt": "time O",
        "jobId": "int32 O",
        "jobType": "JobType O",
        "lockedAt": "time O",
        "lockedBy": "string O",
        "retryCount": "int32 O",
        "error": "string O",
        "errorId": "string O",
        "incidentId": "int32 O",
        "resolvedAt": "time O",
        "resolvedBy": "string O",
        "userTaskId": "int32 O",
        "updatedAt": "time O",
        "updatedBy": "string O",
        "taskId": "int32 O",
        "taskType": "TaskType O",
        "messageId": "int64 O",
        "signalId": "int64 O",
        "name": "string O",
        "operation": "string O",
        "actor": "string O",
        "target": "string O",
        "detail": "object O",
        "reason": "string O",
    },
    "GetHistoryRes": {"count": "int32 A", "results": "[HistoryEntry] A", "nextCursor": "string O"},
    "ElementStatistics": {
        "processId": "int32 A",
        "bpmnElementId": "string A",
        "active": "int32 A",
        "incidents": "int32 A",
        "completed": "int32 A",
        "canceled": "int32 A",
        "failedJobs": "int32 A",
        "averageMs": "int64 O",
    },
    "FlowStatistics": {"processId": "int32 A", "from": "string A", "to": "string A", "count": "int32 A"},
    "GetStatisticsRes": {"asOf": "time A", "results": "[ElementStatistics] A", "flows": "[FlowStatistics] O"},
    "IncidentGroup": {
        "errorId": "string O",
        "error": "string O",
        "bpmnProcessId": "string O",
        "bpmnElementId": "string O",
        "count": "int32 A",
        "first": "time A",
        "last": "time A",
    },
    "IncidentGroupRes": {"count": "int32 A", "results": "[IncidentGroup] A"},
    "ProcessInstanceCount": {
        "bpmnProcessId": "string O",
        "version": "string O",
        "processId": "int32 O",
        "state": "InstanceState O",
        "count": "int32 A",
        "incidentCount": "int32 A",
    },
    "ProcessInstanceCountRes": {"count": "int32 A", "results": "[ProcessInstanceCount] A"},
    "LockJobsRes": {"count": "int32 A", "jobs": "[Job] A"},
    "GetElementVariablesRes": {"count": "int32 A", "variables": "[ElementVariable] A"},
    "GetProcessVariablesRes": {"count": "int32 A", "variables": "[ProcessVariable] A"},
    "ExecuteTasksRes": {
        "locked": "int32 A",
        "completed": "int32 A",
        "failed": "int32 A",
        "completedTasks": "[Task] A",
        "failedTasks": "[Task] A",
    },
    "CountRes": {"count": "int32 A"},
    "SetTimeRes": {"newTime": "time A", "oldTime": "time A"},
    "Problem": {
        "status": "int32 A",
        "type": "ProblemType A",
        "title": "string A",
        "detail": "string A",
        "errors": "[Error] O",
        "existing": "Existing O +",
    },
    "Existing": _KEY,
    "Error": {"pointer": "string A", "type": "string A one-of-19", "detail": "string A", "value": "string O"},
}

ENUMS = {
    "HealthLevel": "ERROR OK WARN",
    "FindingLevel": "ERROR NOTE WARNING",
    "InstanceGroup": "bpmnProcessId version state",
    "WaitingKind": "CALLED_INSTANCE CONDITION INCIDENT JOB JOIN MESSAGE QUEUED RETRY SELECTION SIGNAL SUSPENDED "
    "TASK TIMER USER_TASK",
    "HistoryKind": "ACTION ELEMENT_INSTANCE INCIDENT JOB MESSAGE SIGNAL TASK TIMER USER_TASK",
    "MessageResult": "BUFFERED DELIVERED DISCARDED DUPLICATE STARTING",
    "OnConflict": "FAIL RETURN",
    "Role": "READER WORKER OPERATOR ADMIN",
    "InstanceState": "CANCELED COMPLETED CREATED QUEUED STARTED SUSPENDED TERMINATED",
    "ExpressionMode": "ENGINE WORKER",
    "JobType": "CALL_PROCESS+ EVALUATE_ACTIVATION_CONDITION+ EVALUATE_COMPLETION_CONDITION+ EVALUATE_COMPLEX_GATEWAY+ "
    "EVALUATE_EXCLUSIVE_GATEWAY EVALUATE_INCLUSIVE_GATEWAY EVALUATE_LOOP_CONDITION+ EVALUATE_OUTGOING_FLOWS+ EXECUTE "
    "PASS_VARIABLES+ SELECT_ACTIVITIES+ SET_ERROR_CODE SET_ESCALATION_CODE SET_LOOP_CARDINALITY+ "
    "SET_MESSAGE_CORRELATION_KEY SET_SIGNAL_NAME+ SET_TIMER SUBSCRIBE_MESSAGE SUBSCRIBE_SIGNAL",
    "TaskType": "DEQUEUE_PROCESS_INSTANCE EVALUATE_EXPRESSION+ JOIN_PARALLEL_GATEWAY START_PROCESS_INSTANCE "
    "TERMINATE_PROCESS_INSTANCE+ TRIGGER_EVENT CREATE_PARTITION DETACH_PARTITION DROP_PARTITION PURGE_MESSAGES "
    "PURGE_SIGNALS",
    "UserTaskState": "CANCELED COMPLETED STARTED TERMINATED",
    "WorkState": "CANCELED CAUSED_INCIDENT CAUSED_RETRY CREATED DONE DUE LOCKED",
    "ElementType": "AD_HOC_SUB_PROCESS+ BUSINESS_RULE_TASK CALL_ACTIVITY+ CANCEL_BOUNDARY_EVENT+ CANCEL_END_EVENT+ "
    "COMPENSATION_BOUNDARY_EVENT+ COMPENSATION_END_EVENT+ COMPENSATION_START_EVENT+ COMPENSATION_THROW_EVENT+ "
    "COMPLEX_GATEWAY+ CONDITIONAL_BOUNDARY_EVENT+ CONDITIONAL_CATCH_EVENT+ CONDITIONAL_START_EVENT+ "
    "ERROR_BOUNDARY_EVENT ERROR_END_EVENT+ ERROR_START_EVENT+ ESCALATION_BOUNDARY_EVENT ESCALATION_END_EVENT+ "
    "ESCALATION_START_EVENT+ ESCALATION_THROW_EVENT+ EVENT_BASED_GATEWAY+ EVENT_SUB_PROCESS+ EXCLUSIVE_GATEWAY "
    "INCLUSIVE_GATEWAY LINK_CATCH_EVENT+ LINK_THROW_EVENT+ MANUAL_TASK MESSAGE_BOUNDARY_EVENT "
    "MESSAGE_CATCH_EVENT MESSAGE_END_EVENT+ MESSAGE_START_EVENT MESSAGE_THROW_EVENT+ MULTIPLE_BOUNDARY_EVENT+ "
    "MULTIPLE_CATCH_EVENT+ MULTIPLE_END_EVENT+ MULTIPLE_START_EVENT+ MULTIPLE_THROW_EVENT+ NONE_END_EVENT "
    "NONE_START_EVENT NONE_THROW_EVENT PARALLEL_GATEWAY PARALLEL_MULTIPLE_BOUNDARY_EVENT+ "
    "PARALLEL_MULTIPLE_CATCH_EVENT+ PARALLEL_MULTIPLE_START_EVENT+ PROCESS RECEIVE_TASK+ SCRIPT_TASK SEND_TASK "
    "SERVICE_TASK SIGNAL_BOUNDARY_EVENT SIGNAL_CATCH_EVENT SIGNAL_END_EVENT+ SIGNAL_START_EVENT "
    "SIGNAL_THROW_EVENT+ SUB_PROCESS+ TASK TIMER_BOUNDARY_EVENT TIMER_CATCH_EVENT TIMER_START_EVENT "
    "TRANSACTION+ USER_TASK+",
    "ProblemType": "HTTP_MEDIA_TYPE HTTP_REQUEST_BODY HTTP_REQUEST_URI BUG+ CONFLICT EXECUTION+ NOT_FOUND "
    "PROCESS_MODEL QUERY VALIDATION UNAVAILABLE+ UNKNOWN+ FORBIDDEN+",
}

ERROR_TYPES = (
    "cron gte lte max required unique iso8601_duration tag_name timer variable_name bpmn_process_id process element "
    "sequence_flow error_event escalation_event message_event signal_event timer_event"
)


def writes(name: str) -> bool:
    """Whether an operation changes something, so that it takes an Idempotency-Key."""
    operation = OPERATIONS[name]
    return operation.method != "GET" and not operation.path.endswith("/query") and name not in READING | UNREPEATABLE
