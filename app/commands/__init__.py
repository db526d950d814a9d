"""The registry: which handler runs each command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.commands import (
    check,
    incident,
    instance,
    job,
    key,
    lease,
    maintenance,
    message,
    process,
    signal,
    system,
    task,
    user_task,
    variable,
)

HANDLERS: Mapping[type[Any], Callable[..., Any]] = {
    check.CheckProcess: check.check_process,
    incident.ResolveIncident: incident.resolve_incident,
    instance.CancelProcessInstance: instance.cancel_process_instance,
    instance.CreateProcessInstance: instance.create_process_instance,
    instance.ResumeProcessInstance: instance.resume_process_instance,
    instance.SuspendProcessInstance: instance.suspend_process_instance,
    job.CompleteJob: job.complete_job,
    job.LockJobs: job.lock_jobs,
    job.UnlockJobs: job.unlock_jobs,
    key.CreateApiKey: key.create_api_key,
    key.RevokeApiKey: key.revoke_api_key,
    lease.ExtendJobs: lease.extend_jobs,
    lease.RecoverJobs: lease.recover_jobs,
    maintenance.Prepare: maintenance.prepare,
    message.SendMessage: message.send_message,
    process.CreateProcess: process.create_process,
    process.GetBpmnXml: process.get_bpmn_xml,
    process.GetProcess: process.get_process,
    signal.SendSignal: signal.send_signal,
    system.SetTime: system.set_time,
    task.ExtendTasks: task.extend_tasks,
    task.FailTask: task.fail_task,
    task.LockTasks: task.lock_tasks,
    task.PostponeTask: task.postpone_task,
    task.RecoverTasks: task.recover_tasks,
    task.ReleaseTasks: task.release_tasks,
    task.RunTask: task.run_task,
    task.UnlockTasks: task.unlock_tasks,
    user_task.UpdateUserTask: user_task.update_user_task,
    variable.GetElementVariables: variable.get_element_variables,
    variable.GetProcessVariables: variable.get_process_variables,
    variable.SetElementVariables: variable.set_variables_of_element,
    variable.SetProcessVariables: variable.set_variables_of_process,
}
