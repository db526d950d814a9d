"""Who may use which operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from app import caller
from app.api.context import Request
from app.caller import Caller, Grant, Role
from app.errors import forbidden

READER, WORKER, OPERATOR, ADMIN = Role


class Bound(Enum):
    """What an operation is for a credential that is bound to some processes."""

    WITHIN = auto()
    """The same, as if there were no other processes."""
    SENDS = auto()
    """It concerns no process: needs `maySend`."""
    NEVER = auto()
    """It concerns all processes: refused."""


@dataclass(frozen=True, slots=True)
class Rule:
    roles: frozenset[Role]
    """Each of them suffices."""
    bound: Bound = Bound.WITHIN
    with_deploy: bool = False
    """Whether `mayDeploy` suffices as well."""


READING = Rule(frozenset({READER, OPERATOR, ADMIN}))
"""What shows how things are."""
WATCHING = Rule(READING.roles, Bound.NEVER)
"""The same for what shows the service as a whole."""
WORKING = Rule(frozenset({WORKER, ADMIN}))
LOOKING = Rule(frozenset({READER, WORKER, OPERATOR, ADMIN}))
"""What workers need to see for their work, too."""
OPERATING = Rule(frozenset({OPERATOR, ADMIN}))
HELPING = Rule(frozenset({WORKER, OPERATOR, ADMIN}))
"""What workers do with what is theirs, and operators with what is left behind."""
SENDING = Rule(frozenset({WORKER, ADMIN}), Bound.SENDS)
DEPLOYING = Rule(frozenset({ADMIN}), with_deploy=True)
KEEPING = Rule(frozenset({ADMIN}))
"""What the engine does by itself, done by hand; settings and audit of processes."""
OWNING = Rule(frozenset({ADMIN}), Bound.NEVER)
"""What concerns the service as a whole."""

EVERYBODY = "docs"
"""Stands for what is no operation."""

RULES: Mapping[str, Rule] = {
    "cancelProcessInstance": OPERATING,
    "checkLiveness": LOOKING,
    "checkReadiness": LOOKING,
    "checkProcess": DEPLOYING,
    "completeJob": WORKING,
    "completeJobs": WORKING,
    "countProcessInstances": READING,
    "createApiKey": OWNING,
    "createProcess": DEPLOYING,
    "createProcessInstance": WORKING,
    "createProcessInstances": WORKING,
    "deleteProcess": OPERATING,
    "deleteProcessInstance": OPERATING,
    "executeTasks": KEEPING,
    "extendJobs": WORKING,
    "getBpmnXml": LOOKING,
    "getDiagram": LOOKING,
    "getHealth": WATCHING,
    "getMetrics": WATCHING,
    "getElementVariables": LOOKING,
    "getHistory": READING,
    "getProcessInstance": LOOKING,
    "getProcessSetting": READING,
    "getProcessVariables": LOOKING,
    "getStatistics": READING,
    "getWaiting": READING,
    "groupIncidents": READING,
    "lockJobs": WORKING,
    "moveJob": OPERATING,
    "moveTimer": OPERATING,
    "queryApiKeys": OWNING,
    "queryAudit": KEEPING,
    "queryElementInstances": LOOKING,
    "queryElements": LOOKING,
    "queryIncidents": READING,
    "queryJobs": LOOKING,
    "queryMessageSubscriptions": READING,
    "queryMessages": READING,
    "queryProcessInstances": LOOKING,
    "queryProcessSettings": READING,
    "queryProcesses": LOOKING,
    "querySignalSubscriptions": READING,
    "queryTasks": READING,
    "queryUserTasks": READING,
    "queryVariables": LOOKING,
    "resetEngine": OWNING,
    "resolveIncident": OPERATING,
    "resumeProcessInstance": OPERATING,
    "revokeApiKey": OWNING,
    "selectActivities": OPERATING,
    "sendMessage": SENDING,
    "sendSignal": SENDING,
    "setElementVariables": OPERATING,
    "setProcessSetting": KEEPING,
    "setProcessVariables": OPERATING,
    "setTime": OWNING,
    "suspendProcessInstance": OPERATING,
    "unlockJobs": HELPING,
    "unlockTasks": KEEPING,
    "updateUserTask": OPERATING,
}
"""By operation id; an operation that is missing is for ADMIN only."""


def admit(grant: Grant, operation: str, request_id: str) -> Caller:
    """The caller who may use the operation. Raises EngineError FORBIDDEN for a credential that is not for it."""
    rule = RULES.get(operation, OWNING)
    role = _role(grant, rule)
    if role is None:
        raise forbidden(_needed(operation, rule))
    if grant.scope is not None and rule.bound is not Bound.WITHIN:
        _check_bound(grant, operation, rule)
    return Caller(grant=grant, role=role, operation=operation, request_id=request_id)


@cache
def _least(roles: frozenset[Role], rule: Rule) -> Role | None:
    return next((role for role in Role if role in roles and role in rule.roles), None)


def _role(grant: Grant, rule: Rule) -> Role | None:
    """The least of the roles that suffices."""
    found = _least(grant.roles, rule)
    if found is None and rule.with_deploy and grant.may_deploy:
        return next(role for role in Role if role in grant.roles)
    return found


def _needed(operation: str, rule: Rule) -> str:
    *others, last = [role.value for role in Role if role in rule.roles]
    needed = f"the role {', '.join(others)} or {last}" if others else f"the role {last}"
    return f"{operation} needs {needed}{', or mayDeploy' if rule.with_deploy else ''}"


def _check_bound(grant: Grant, operation: str, rule: Rule) -> None:
    if rule.bound is Bound.NEVER:
        raise forbidden(f"{operation} concerns all processes, but {grant.credential} is bound to some")
    if not grant.may_send:
        detail = f"{operation} concerns no process, but {grant.credential} is bound to some: it would need maySend"
        raise forbidden(detail)


def enter(request: Request, operation: str) -> None:
    """Has what follows done for the caller. Raises EngineError FORBIDDEN.

    What needs no authentication, and the documentation, is for everybody.
    """
    if request.grant is not None and operation != EVERYBODY:
        request.caller = admit(request.grant, operation, request.id)
        caller.current.set(request.caller)
