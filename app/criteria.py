"""What each query may filter by, and which page of it is asked for.

Names of criteria equal names of columns; None, empty texts and 0 don't filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, get_args


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Times from one on and before another; None has no bound."""

    from_: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCriteria:
    id: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    """All must be present with equal value; an empty value tests presence of the name."""
    bpmn_process_id: str = ""
    latest_only: bool = False
    """The newest version of each process only."""


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
    bpmn_process_id: str = ""
    versions: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    correlation_key: str = ""
    created: Range | None = None
    ended: Range | None = None
    has_incident: bool = False
    """Those with an incident that is not resolved."""
    waiting_at: str = ""
    """A BPMN element id: those that have an active element instance there."""
    roots_only: bool = False
    """Those that nobody has called."""
    created_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementInstanceCriteria:
    partition: date | None = None
    id: int = 0
    parent_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    bpmn_element_id: str = ""
    states: tuple[str, ...] = ()
    bpmn_element_types: tuple[str, ...] = ()
    active: bool = False
    """Those that have not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCriteria:
    partition: date | None = None
    id: int = 0
    element_id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    states: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    bpmn_process_id: str = ""
    bpmn_element_id: str = ""
    locked_by: str = ""
    open: bool = False
    """Those that are still to be done: neither completed, nor of an element instance that has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCriteria:
    partition: date | None = None
    id: int = 0
    element_id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    type: str = ""
    states: tuple[str, ...] = ()
    bpmn_element_id: str = ""
    open: bool = False
    """Like that of jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTaskCriteria:
    partition: date | None = None
    id: int = 0
    element_instance_id: int = 0
    process_id: int = 0
    process_instance_id: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    states: tuple[str, ...] = ()
    bpmn_process_id: str = ""
    bpmn_element_id: str = ""
    correlation_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentCriteria:
    partition: date | None = None
    id: int = 0
    job_id: int = 0
    process_instance_id: int = 0
    task_id: int = 0
    process_id: int = 0
    bpmn_process_id: str = ""
    bpmn_element_id: str = ""
    error_id: str = ""
    created: Range | None = None
    open: bool = False
    """Those that are not resolved."""


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
    correlation_key: str = ""
    correlated: bool = False
    """Those that have reached somebody."""


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
    time: Range | None = None
    after: int = 0
    """The id that comes before those that are asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyCriteria:
    secret_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettingCriteria:
    bpmn_process_id: str = ""


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
    | ProcessSettingCriteria
)
CRITERIA: tuple[type[Any], ...] = get_args(Criteria)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceCount:
    """How many instances there are of a group; None is what it is not grouped by."""

    bpmn_process_id: str | None = None
    version: str | None = None
    process_id: int | None = None
    state: str | None = None
    count: int
    incident_count: int
    """Incidents of these instances that are not resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentGroup:
    """Incidents of one element of a process, over all its versions, that have failed in the same way."""

    error_id: str | None
    error: str | None
    """That of the last one."""
    bpmn_process_id: str | None
    bpmn_element_id: str | None
    count: int
    first: datetime
    """When the first one was created."""
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsCriteria:
    """Whose element instances are counted: those of processes, or of one instance."""

    bpmn_process_id: str = ""
    versions: tuple[str, ...] = ()
    process_ids: tuple[int, ...] = ()
    created: Range | None = None
    """When the instances were created."""
    states: tuple[str, ...] = ()
    """Of the instances."""
    instance: tuple[date, int] | None = None
    """Partition and id; then nothing else is given."""
    flows: bool = False
    """Whether it is counted, too, from where to where tokens have gone."""


@dataclass(slots=True, kw_only=True)
class ElementStatistics:
    process_id: int
    bpmn_element_id: str
    active: int = 0
    """Element instances that have not ended; boundary events that wait don't count."""
    incidents: int = 0
    """Incidents that are not resolved."""
    completed: int = 0
    canceled: int = 0
    """Those that were canceled or terminated."""
    failed_jobs: int = 0
    """Attempts that have failed."""
    average_ms: int | None = None
    """From start to end, of the completed ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStatistics:
    """How often a token has gone from one element to another, by whatever flow."""

    process_id: int
    from_: str
    to: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    as_of: datetime
    elements: list[ElementStatistics]
    """In the order of the elements in the file; those that were never visited are left out."""
    flows: list[FlowStatistics]
