"""Incidents of failed jobs and tasks, and what makes two failures the same."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from app.engine.records import Incident, Job, Task

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_MAIL = r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_MEMORY = r"0[xX][0-9a-fA-F]+"
_IP = r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]+)?\b|\[[0-9a-fA-F]*:[0-9a-fA-F:.]*\](?::[0-9]+)?"
_QUOTED = r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)|`[^`\n]*`|“[^“”\n]*”|„[^„“\n]*“|«[^«»\n]*»"
_DIGEST = r"\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"
_NUMBER = r"[0-9]+(?:[.,:][0-9]+)*"
_CHANGING = re.compile("|".join((_QUOTED, _UUID, _MAIL, _MEMORY, _IP, _DIGEST, _NUMBER)))
_MARK = "#"


def error_id(error: str) -> str:
    """16 hex digits that failures have in common which differ in numbers, quoted texts, UUIDs and addresses only."""
    alike = " ".join(_CHANGING.sub(_MARK, error).split())
    return hashlib.sha256(alike.encode(errors="replace")).hexdigest()[:16]


def incident_of(work: Job | Task, bpmn_process_id: str | None, now: datetime, actor: str) -> Incident:
    """The incident of a job or task that has failed with its error, and is not to be tried again."""
    return Incident(
        partition=work.partition,
        element_id=work.element_id,
        element_instance_id=work.element_instance_id,
        job_id=work.id if isinstance(work, Job) else None,
        process_id=work.process_id,
        process_instance_id=work.process_instance_id,
        task_id=work.id if isinstance(work, Task) else None,
        created_at=now,
        created_by=actor,
        bpmn_process_id=bpmn_process_id,
        bpmn_element_id=work.bpmn_element_id,
        error=work.error,
        error_id=error_id(work.error) if work.error else None,
    )
