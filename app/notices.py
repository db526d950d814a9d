"""What operators are told of what was committed: one line of the log for each thing they care about.

Lines name things by what identifies them (processes, elements, addresses, workers), and hold no value of a variable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from app.commands.incident import ResolveIncident
from app.commands.instance import CancelProcessInstance, ResumeProcessInstance, SuspendProcessInstance
from app.commands.process import CreateProcess
from app.commands.system import SetTime
from app.engine.changes import Changes
from app.engine.records import Incident, Job, Task
from app.redact import without_values

logger = logging.getLogger(__name__)

Fields = dict[str, Any]


def of_command(command: Any, result: Any) -> None:
    """Tells of a command that has changed something, if it is one that operators give, or want to know about."""
    notice = _NOTICES.get(type(command))
    if notice is not None:
        message, fields = notice
        logger.info("%s", message, extra=fields(command, result))


def of_changes(changes: Changes, *, with_errors: bool) -> int:
    """Tells of the incidents that were created, whatever has caused them; how many these are.

    `with_errors` tells also why, without what looks like a value.
    """
    incidents = changes.new.get(Incident, ())
    for incident in incidents:
        logger.warning("an incident was created", extra=_of_incident(incident, _failed(changes, incident), with_errors))
    return len(incidents)


def _failed(changes: Changes, incident: Incident) -> Job | Task | None:
    """The job or task that the incident is about: it was changed together with it."""
    kind, id = (Job, incident.job_id) if incident.job_id is not None else (Task, incident.task_id)
    found = (work for work in changes.updated.get(kind, ()) if work.id == id and work.partition == incident.partition)
    return next(found, None)


def _of_incident(incident: Incident, work: Job | Task | None, with_errors: bool) -> Fields:
    fields: Fields = {"incident": _address(incident.partition, incident.id)}
    if incident.process_instance_id is not None:
        fields["instance"] = _address(incident.partition, incident.process_instance_id)
    if incident.process_id is not None:
        fields["process_id"] = incident.process_id
    if work is not None:
        if work.bpmn_element_id:
            fields["element"] = work.bpmn_element_id
        fields["job" if isinstance(work, Job) else "task"] = _address(work.partition, work.id)
        fields["type"] = work.type.value
        fields["worker_id"] = incident.created_by
        if with_errors and work.error:
            fields["error"] = without_values(work.error)
    return fields


def _address(partition: object, id: int) -> str:
    return f"{partition}/{id}"


def _of_instance(command: Any, _: Any) -> Fields:
    return {"instance": _address(command.partition, command.id), "worker_id": command.worker_id}


def _of_deployment(command: CreateProcess, process: Any) -> Fields:
    return {
        "bpmn_process_id": process.bpmn_process_id,
        "version": process.version,
        "process_id": process.id,
        "worker_id": command.worker_id,
        "warnings": len(process.warnings),
    }


def _of_resolving(command: ResolveIncident, _: Any) -> Fields:
    return {"incident": _address(command.partition, command.id), "worker_id": command.worker_id}


def _of_time(_: SetTime, times: Any) -> Fields:
    return {"old_time": f"{times.old_time.isoformat()}Z", "new_time": f"{times.new_time.isoformat()}Z"}


_NOTICES: Mapping[type[Any], tuple[str, Callable[[Any, Any], Fields]]] = {
    CancelProcessInstance: ("a process instance was canceled", _of_instance),
    CreateProcess: ("a process was deployed", _of_deployment),
    ResolveIncident: ("an incident was resolved", _of_resolving),
    ResumeProcessInstance: ("a process instance was resumed", _of_instance),
    SetTime: ("engine time was moved", _of_time),
    SuspendProcessInstance: ("a process instance was suspended", _of_instance),
}
