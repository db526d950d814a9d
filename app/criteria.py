"""What each query may filter by, and which page of it is asked for.

Names of criteria equal names of columns; None, empty texts and 0 don't filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


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

ORDERS: Mapping[type[Any], tuple[str, ...]] = {
    ProcessCriteria: ("created_at",),
    ProcessInstanceCriteria: ("created_at", "ended_at"),
    ElementInstanceCriteria: ("created_at",),
    JobCriteria: ("created_at", "due_at"),
    TaskCriteria: ("created_at", "due_at"),
    UserTaskCriteria: ("created_at",),
    IncidentCriteria: ("created_at",),
    MessageCriteria: ("created_at",),
    AuditCriteria: ("time",),
}
"""The columns that what is found can be ordered by, beside `id`, which stands for the order without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page of what matches is asked for."""

    limit: int
    offset: int = 0
    order: str = ""
    """One of ORDERS or `id`, with `-` in front where it is descending; empty is the cursor's, or `id`."""
    cursor: str = ""
    """`next_cursor` of the page before; with it, there is no offset."""
    with_cursor: bool = False
    """Whether `next_cursor` is wanted."""
    with_total: bool = False
    """Whether all that match are to be counted."""


@dataclass(slots=True, kw_only=True)
class Page:
    records: list[Any]
    next_cursor: str = ""
    """Empty on the last page, and where it is not wanted."""
    total: int | None = None
    """How many match, where that was asked."""
    total_is_lower_bound: bool = False
    """Whether there are more than are counted."""
