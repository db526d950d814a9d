"""What each query may filter by. Field names equal column names; None, empty texts and 0 don't filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCriteria:
    id: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    """All must be present with equal value; an empty value tests presence of the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementCriteria:
    process_id: int = 0
    bpmn_element_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInstanceCriteria:
    partition: date | None = None
    id: int = 0
    parent_id: int = 0
    root_id: int = 0
    """The root itself and everything below it."""
    process_id: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementInstanceCriteria:
    partition: date | None = None
    id: int = 0
    parent_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    bpmn_element_id: str = ""
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCriteria:
    partition: date | None = None
    id: int = 0
    element_id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCriteria:
    partition: date | None = None
    id: int = 0
    element_id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskCriteria:
    partition: date | None = None
    id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCriteria:
    partition: date | None = None
    id: int = 0
    job_id: int = 0
    process_instance_id: int = 0
    task_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableCriteria:
    partition: date | None = None
    element_instance_id: int = 0
    process_instance_id: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCriteria:
    id: int = 0
    exclude_expired: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSubscriptionCriteria:
    partition: date | None = None
    process_instance_id: int = 0
    correlation_key: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSubscriptionCriteria:
    partition: date | None = None
    process_instance_id: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCriteria:
    partition: date | None = None
    process_instance_id: int = 0
    actor: str = ""
    credential: str = ""
    operations: tuple[str, ...] = ()
    bpmn_process_id: str = ""
    time_from: datetime | None = None
    time_until: datetime | None = None
    """Exclusive."""
    after: int = 0
    """The id that comes before those that are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCriteria:
    secret_id: str = ""


Criteria = (
    ProcessCriteria
    | ElementCriteria
    | ProcessInstanceCriteria
    | ElementInstanceCriteria
    | JobCriteria
    | TaskCriteria
    | UserTaskCriteria
    | IncidentCriteria
    | VariableCriteria
    | MessageCriteria
    | MessageSubscriptionCriteria
    | SignalSubscriptionCriteria
    | AuditCriteria
    | ApiKeyCriteria
)
