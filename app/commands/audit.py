"""What is noted of commands that operators give: who has asked for what, and why, committed together with it.

Names and ids are noted, never the value of a variable. What changes nothing is not noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.caller import Role
from app.commands.activity import SelectActivities
from app.commands.base import Audited, Command, VariableInput
from app.commands.context import Context
from app.commands.deletion import DeleteProcess
from app.commands.due import MoveJob, MoveTimer
from app.commands.incident import ResolveIncident
from app.commands.instance import CancelProcessInstance, ResumeProcessInstance, SuspendProcessInstance
from app.commands.job import UnlockJobs
from app.commands.key import CreateApiKey, RevokeApiKey
from app.commands.process import CreateProcess
from app.commands.removal import DeleteProcessInstance
from app.commands.settings import SetProcessSetting
from app.commands.system import EngineTime, SetTime
from app.commands.task import UnlockTasks
from app.commands.variable import SetElementVariables, SetProcessVariables
from app.engine.records import DeployedProcess, Job, Task
from app.store.audit import NOTE, AuditEntry, row_of_entry
from app.store.dialect import Write
from app.store.keys import ApiKey
from app.store.settings import ProcessSetting
from app.timer import format_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a command has done; the instance that it was about is known besides."""

    target: str = ""
    """Kind and address, such as `incident 2025-05-01/1`; empty where it is the instance."""
    bpmn_process_id: str = ""
    """Where it is about a process, and no instance of it."""
    detail: Mapping[str, Any] = field(default_factory=dict)


def _on_instance(_command: Any, _result: Any) -> Deed:
    return Deed()


def _deployed(command: CreateProcess, process: DeployedProcess) -> Deed:
    target = f"process {process.bpmn_process_id}:{process.version}"
    detail = {"parallelism": command.parallelism} if command.parallelism else {}
    return Deed(target=target, bpmn_process_id=process.bpmn_process_id, detail=detail)


def _resolved(command: ResolveIncident, _result: None) -> Deed:
    detail = {"retryTimer": command.retry_timer} if command.retry_timer else {}
    return Deed(target=_named("incident", command.partition, command.id), detail=detail)


def _set_variables(command: SetProcessVariables, _result: None) -> Deed:
    return Deed(detail=_names(command.variables))


def _set_element_variables(command: SetElementVariables, _result: None) -> Deed:
    target = _named("element instance", command.partition, command.id)
    return Deed(target=target, detail=_names(command.variables))


def _selected(command: SelectActivities, _result: None) -> Deed:
    target = _named("element instance", command.partition, command.id)
    return Deed(target=target, detail={"activities": list(command.activities)})


def _names(variables: tuple[VariableInput, ...]) -> dict[str, Any]:
    """By what has become of them; as often as they were named."""
    found = {
        "variables": [variable.name for variable in variables if variable.data],
        "deletedVariables": [variable.name for variable in variables if not variable.data],
    }
    return {key: names for key, names in found.items() if names}


def _unlocked(command: UnlockJobs | UnlockTasks, count: int) -> Deed | None:
    if not count:
        return None
    kind, holder = ("job", command.worker_id) if isinstance(command, UnlockJobs) else ("task", command.engine_id)
    detail: dict[str, Any] = {"count": count, "lockedBy": holder}
    if command.partition:
        detail["partition"] = command.partition.isoformat()
    if not command.id or not command.partition:
        return Deed(detail=detail)
    return Deed(target=_named(kind, command.partition, command.id), detail=detail)


def _made_key(_command: CreateApiKey, key: ApiKey) -> Deed:
    detail: dict[str, Any] = {"roles": [role.value for role in Role if role in key.roles]}
    detail |= {"bpmnProcessIds": list(key.bpmn_process_ids)} if key.bpmn_process_ids else {}
    detail |= {name: True for name, may in (("mayDeploy", key.may_deploy), ("maySend", key.may_send)) if may}
    detail |= {"expiresAt": format_timestamp(key.expires_at)} if key.expires_at else {}
    return Deed(target=f"API key {key.secret_id}", detail=detail)


def _revoked_key(_command: RevokeApiKey, secret_id: str) -> Deed:
    return Deed(target=f"API key {secret_id}")


def _deleted(command: DeleteProcessInstance, _result: bool) -> Deed | None:
    return Deed() if command.is_first else None


def _deleted_version(command: DeleteProcess, process: DeployedProcess) -> Deed:
    target = f"process {process.bpmn_process_id}:{process.version}"
    return Deed(target=target, bpmn_process_id=process.bpmn_process_id, detail={"processId": command.id})


def _moved(kind: str) -> Callable[[Any, Any], Deed]:
    def moved(command: MoveJob | MoveTimer, work: Job | Task) -> Deed:
        return Deed(target=_named(kind, command.partition, command.id), detail={"dueAt": format_timestamp(work.due_at)})

    return moved


def _changed_settings(command: SetProcessSetting, setting: ProcessSetting) -> Deed:
    detail = {"retentionDays": setting.retention_days} if setting.retention_days else {}
    return Deed(target=f"process {command.bpmn_process_id}", bpmn_process_id=command.bpmn_process_id, detail=detail)


def _moved_time(_command: SetTime, time: EngineTime) -> Deed:
    return Deed(detail={"oldTime": format_timestamp(time.old_time), "newTime": format_timestamp(time.new_time)})


def _named(kind: str, partition: date, id: int) -> str:
    return f"{kind} {partition}/{id}"


AUDITED: Mapping[type[Audited[Any]], Callable[[Any, Any], Deed | None]] = {
    CancelProcessInstance: _on_instance,
    CreateApiKey: _made_key,
    CreateProcess: _deployed,
    DeleteProcess: _deleted_version,
    DeleteProcessInstance: _deleted,
    MoveJob: _moved("job"),
    MoveTimer: _moved("task"),
    ResolveIncident: _resolved,
    ResumeProcessInstance: _on_instance,
    RevokeApiKey: _revoked_key,
    SelectActivities: _selected,
    SetElementVariables: _set_element_variables,
    SetProcessSetting: _changed_settings,
    SetProcessVariables: _set_variables,
    SetTime: _moved_time,
    SuspendProcessInstance: _on_instance,
    UnlockJobs: _unlocked,
    UnlockTasks: _unlocked,
}
"""What each command that is audited has done, by its result; None for nothing."""


def note(ctx: Context, command: Command[Any], result: Any) -> None:
    """Has it written, together with what the command has changed, who has asked for that; comes after its handler."""
    if ctx.caller is None or not isinstance(command, Audited) or not ctx.tx.changes_something:
        return
    deed = AUDITED[type(command)](command, result)
    if deed is None:
        return
    caller, instance = ctx.caller, ctx.tx.subject
    entry = AuditEntry(
        time=ctx.now,
        actor=getattr(command, "worker_id", None),
        credential=caller.grant.credential or None,
        role=caller.role.value,
        operation=caller.operation,
        partition=instance.partition if instance else None,
        process_instance_id=instance.id if instance else None,
        bpmn_process_id=deed.bpmn_process_id or (instance.bpmn_process_id if instance else None),
        target=deed.target or None,
        detail=dict(deed.detail) or None,
        reason=command.reason or None,
        request_id=caller.request_id or None,
    )
    ctx.tx.along(Write(NOTE, [row_of_entry(entry)]))
