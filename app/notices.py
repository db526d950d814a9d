"""What operators are told of what was committed: one line of the log for each thing they care about.

Lines name things by what identifies them (processes, elements, addresses, workers), and hold no value of a variable.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from app.commands.deletion import DeleteProcess
from app.commands.incident import ResolveIncident
from app.commands.instance import CancelProcessInstance, ResumeProcessInstance, SuspendProcessInstance
from app.commands.process import CreateProcess
from app.commands.system import SetTime
from app.engine.changes import Changes
from app.engine.records import Incident
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
        logger.warning("an incident was created", extra=_of_incident(incident, with_errors))
    return len(incidents)


def _of_incident(incident: Incident, with_errors: bool) -> Fields:
    fields: Fields = {"incident": _address(incident.partition, incident.id)}
    if incident.process_instance_id is not None:
        fields["instance"] = _address(incident.partition, incident.process_instance_id)
    known = {
        "bpmn_process_id": incident.bpmn_process_id,
        "element": incident.bpmn_element_id,
        "job": incident.job_id and _address(incident.partition, incident.job_id),
        "task": incident.task_id and _address(incident.partition, incident.task_id),
        "worker_id": incident.created_by,
        "error_id": incident.error_id,
        "error": incident.error and with_errors and without_values(incident.error),
    }
    return fields | {name: value for name, value in known.items() if value}


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


def _of_deletion(command: DeleteProcess, _: Any) -> Fields:
    return {"process_id": command.id, "worker_id": command.worker_id}


def _of_resolving(command: ResolveIncident, _: Any) -> Fields:
    return {"incident": _address(command.partition, command.id), "worker_id": command.worker_id}


def _of_time(_: SetTime, times: Any) -> Fields:
    return {"old_time": f"{times.old_time.isoformat()}Z", "new_time": f"{times.new_time.isoformat()}Z"}


_NOTICES: Mapping[type[Any], tuple[str, Callable[[Any, Any], Fields]]] = {
    CancelProcessInstance: ("a process instance was canceled", _of_instance),
    CreateProcess: ("a process was deployed", _of_deployment),
    DeleteProcess: ("a process was deleted", _of_deletion),
    ResolveIncident: ("an incident was resolved", _of_resolving),
    ResumeProcessInstance: ("a process instance was resumed", _of_instance),
    SetTime: ("engine time was moved", _of_time),
    SuspendProcessInstance: ("a process instance was suspended", _of_instance),
}
