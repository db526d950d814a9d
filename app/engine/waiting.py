"""What a process instance waits for: each of its active element instances, with what would have it go on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar

from app.bpmn.kinds import BOUNDARY_EVENTS, CONDITIONAL_EVENTS, GATEWAYS, SCOPES, START_EVENTS, ElementType
from app.engine.awaited import Progress, name_of
from app.engine.contexts import GATHERING, GONE_ON
from app.engine.elements.complex_gateway import RESET, used_flows
from app.engine.graph import Node
from app.engine.payload import parse_payload
from app.engine.reach import leading_to_empty, reach_of
from app.engine.records import (
    Incident,
    Job,
    MessageSubscription,
    ProcessInstance,
    SignalSubscription,
    Task,
    UserTask,
)
from app.engine.types import InstanceState, JobType, TaskType, WorkState


class WaitingKind(StrEnum):
    """What is waited for."""

    CALLED_INSTANCE = "CALLED_INSTANCE"
    CONDITION = "CONDITION"
    INCIDENT = "INCIDENT"
    JOB = "JOB"
    JOIN = "JOIN"
    MESSAGE = "MESSAGE"
    QUEUED = "QUEUED"
    RETRY = "RETRY"
    SELECTION = "SELECTION"
    SIGNAL = "SIGNAL"
    SUSPENDED = "SUSPENDED"
    TASK = "TASK"
    TIMER = "TIMER"
    USER_TASK = "USER_TASK"


@dataclass(slots=True, eq=False, kw_only=True)
class ActiveVisit:
    """An element instance that has not ended, with the name of its element."""

    id: int
    prev_element_id: int | None
    parent_id: int | None
    host_id: int | None = None
    """What it is attached to."""
    incoming: int | None = None
    """Of several incoming flows the one that it came on, by its place among them."""
    multi_instance: bool = False
    """Whether the instances of a multi-instance activity are inside of it."""
    loop_counter: int | None = None
    element_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None
    bpmn_element_type: ElementType
    context: str | None
    """The message or signal name it was configured with."""
    created_at: datetime
    started_at: datetime | None
    state: InstanceState

    @property
    def waits_at_host(self) -> bool:
        """Whether it is a boundary event, or a start event of an event sub-process, that has not happened."""
        is_attached = self.host_id is not None and self.bpmn_element_type in ATTACHED
        return is_attached and self.state is not InstanceState.STARTED

    @property
    def is_reset_awaited(self) -> bool:
        """Whether it stands for a complex gateway that has gone on, until nothing can come late any more."""
        is_complex = self.bpmn_element_type is ElementType.COMPLEX_GATEWAY
        return is_complex and self.context is not None and self.context.startswith(RESET)

    @property
    def number(self) -> int | None:
        """Of an instance inside of an activity that has a loop or multi-instance marker, from 1."""
        return None if self.multi_instance else self.loop_counter


ATTACHED = BOUNDARY_EVENTS | START_EVENTS
_WAITING = (InstanceState.CREATED, InstanceState.STARTED)


@dataclass(slots=True, kw_only=True)
class Situation:
    """What there is of an instance that has not been done yet."""

    instance: ProcessInstance
    visits: Sequence[ActiveVisit] = ()
    has_more: bool = False
    """Whether there are other active element instances."""
    jobs: Sequence[Job] = ()
    errors: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """The error of the last failed job, by element instance and type: an element may ask for several in turn."""
    tasks: Sequence[Task] = ()
    incidents: Sequence[Incident] = ()
    user_tasks: Sequence[UserTask] = ()
    messages: Sequence[MessageSubscription] = ()
    signals: Sequence[SignalSubscription] = ()
    called: Sequence[tuple[int, ProcessInstance]] = ()
    """Called instances that are active or were canceled, each behind the id of the element instance that called it."""
    queue_position: int = 0
    """1 is the next one; 0 where its turn has come."""


@dataclass(slots=True, eq=False, kw_only=True)
class Waiting:
    """One thing that an element instance waits for; what does not belong to its kind is None."""

    element_instance_id: int
    bpmn_element_id: str
    bpmn_element_name: str | None
    bpmn_element_type: ElementType
    multi_instance: bool
    loop_counter: int | None
    since: datetime
    kind: WaitingKind
    job_id: int | None = None
    job_type: JobType | None = None
    task_id: int | None = None
    task_type: TaskType | None = None
    incident_id: int | None = None
    user_task_id: int | None = None
    partition: date | None = None
    process_instance_id: int | None = None
    state: WorkState | None = None
    due_at: datetime | None = None
    retry_count: int | None = None
    locked_by: str | None = None
    locked_until: datetime | None = None
    error: str | None = None
    error_id: str | None = None
    name: str | None = None
    correlation_key: str | None = None
    missing: Sequence[str] = ()
    """The BPMN elements whose flows into a join have not arrived; none where there are too many to look at."""
    position: int | None = None
    also: list[Waiting] = field(default_factory=list)
    """The boundary events of the element instance, and the start events of event sub-processes in it."""


def waiting(situation: Situation, node: Callable[[int], Node], now: datetime) -> list[Waiting]:
    """In the order of the element instances; `node` finds an element of the process by its id."""
    reasons = _Reasons(situation, node, now)
    found: list[Waiting] = []
    hosts: dict[int, Waiting] = {}
    attached: list[tuple[ActiveVisit, list[Waiting]]] = []
    for visit in situation.visits:
        entries = list(reasons.of(visit))
        if visit.waits_at_host:
            attached.append((visit, entries))
        else:
            found += entries
            if entries:
                hosts[visit.id] = entries[0]
    for visit, entries in attached:
        host = hosts.get(visit.host_id or 0)
        # What has no entry of its own, such as a sub-process, does not hide its events.
        (host.also if host else found).extend(entries)
    return sorted(found, key=lambda entry: entry.element_instance_id)


class _Reasons:
    def __init__(self, situation: Situation, node: Callable[[int], Node], now: datetime) -> None:
        self._situation = situation
        self._node = node
        self._now = now
        self._jobs = _by_visit(situation.jobs)
        self._tasks = _by_visit(situation.tasks)
        self._incidents = _by_visit(situation.incidents)
        self._user_tasks = _by_visit(situation.user_tasks)
        self._messages = _by_visit(situation.messages)
        self._signals = _by_visit(situation.signals)
        self._called: dict[int, list[ProcessInstance]] = defaultdict(list)
        for visit_id, instance in situation.called:
            self._called[visit_id].append(instance)

    def of(self, visit: ActiveVisit) -> Iterator[Waiting]:
        found = list(self._work(visit))
        found += self._events(visit)
        yield from found or self._state(visit)

    def _work(self, visit: ActiveVisit) -> Iterator[Waiting]:
        for incident in self._incidents[visit.id]:
            yield _entry(
                visit,
                incident.created_at,
                WaitingKind.INCIDENT,
                incident_id=incident.id,
                job_id=incident.job_id,
                task_id=incident.task_id,
                error=incident.error,
                error_id=incident.error_id,
            )
        for job in self._jobs[visit.id]:
            yield self._job(visit, job)
        for user_task in self._user_tasks[visit.id]:
            yield _entry(visit, user_task.created_at, WaitingKind.USER_TASK, user_task_id=user_task.id)
        for called in self._called[visit.id]:
            yield _entry(
                visit,
                called.created_at,
                WaitingKind.CALLED_INSTANCE,
                partition=called.partition,
                process_instance_id=called.id,
            )

    def _job(self, visit: ActiveVisit, job: Job) -> Waiting:
        is_due = job.due_at <= self._now
        error = self._situation.errors.get((visit.id, job.type))
        is_retry = error is not None and not is_due
        return _entry(
            visit,
            job.created_at,
            WaitingKind.RETRY if is_retry else WaitingKind.JOB,
            job_id=job.id,
            job_type=job.type,
            state=WorkState.DUE if job.state is WorkState.CREATED and is_due else job.state,
            due_at=job.due_at,
            retry_count=job.retry_count,
            locked_by=job.locked_by,
            locked_until=job.locked_until,
            error=error,
        )

    def _events(self, visit: ActiveVisit) -> Iterator[Waiting]:
        for task in self._tasks[visit.id]:
            if task.type is not TaskType.JOIN_PARALLEL_GATEWAY:
                yield self._task(visit, task)
        for message in self._messages[visit.id]:
            yield _entry(
                visit,
                message.created_at,
                WaitingKind.MESSAGE,
                name=message.name,
                correlation_key=message.correlation_key,
            )
        for signal in self._signals[visit.id]:
            yield _entry(visit, signal.created_at, WaitingKind.SIGNAL, name=signal.name)
        yield from self._conditions(visit)

    def _conditions(self, visit: ActiveVisit) -> Iterator[Waiting]:
        """Those that an event waits for beside others."""
        parts = self._node(visit.element_id).parts
        progress = Progress.of(visit.context) if parts else None
        if progress is not None and visit.state in _WAITING:
            for place, part in enumerate(parts):
                if part.watched and not progress.happened >> place & 1:
                    yield _entry(visit, visit.started_at or visit.created_at, WaitingKind.CONDITION)

    def _task(self, visit: ActiveVisit, task: Task) -> Waiting:
        payload = parse_payload(task.serialized_task)
        return _entry(
            visit,
            task.created_at,
            # Anything else has happened, and is about to be worked off.
            WaitingKind.TIMER if payload.timer and not payload.message_id else WaitingKind.TASK,
            task_id=task.id,
            task_type=task.type,
            due_at=task.due_at,
            retry_count=task.retry_count,
            name=self._name(visit, payload.part) if payload.message_id or payload.signal_id else None,
        )

    def _name(self, visit: ActiveVisit, part: int | None) -> str | None:
        """Of what has come, for a part of the event if it has several."""
        if part is None:
            return visit.context
        return name_of(part, visit.context, self._node(visit.element_id).parts[part].definition)

    def _state(self, visit: ActiveVisit) -> Iterator[Waiting]:
        """Where nothing else is waited for."""
        since = visit.started_at or visit.created_at
        is_root = visit.bpmn_element_type is ElementType.PROCESS
        if visit.state is InstanceState.SUSPENDED and (is_root or not self._has_inside(visit)):
            yield _entry(visit, since, WaitingKind.SUSPENDED)
        elif visit.state is InstanceState.QUEUED and is_root:
            yield _entry(visit, since, WaitingKind.QUEUED, position=self._situation.queue_position)
        elif self._is_joining(visit):
            missing = [] if self._situation.has_more else _missing(self._node(visit.element_id), self._near(visit))
            yield _entry(visit, since, WaitingKind.JOIN, missing=missing)
        elif visit.state is InstanceState.CREATED and visit.context == GATHERING:
            is_selected = self._node(visit.element_id).is_selected
            yield _entry(visit, since, WaitingKind.SELECTION if is_selected else WaitingKind.JOIN)
        elif visit.state in _WAITING and visit.bpmn_element_type in CONDITIONAL_EVENTS:
            yield _entry(visit, since, WaitingKind.CONDITION)

    def _has_inside(self, visit: ActiveVisit) -> bool:
        """Whether others may be inside of it, so that these are what waits."""
        is_marked = self._node(visit.element_id).loop is not None and visit.number is None
        return is_marked or visit.bpmn_element_type in SCOPES

    def _is_joining(self, visit: ActiveVisit) -> bool:
        if visit.state is not InstanceState.STARTED or visit.bpmn_element_type not in GATEWAYS:
            return False
        if visit.is_reset_awaited:
            return True
        if visit.context:
            return False
        is_parallel = visit.bpmn_element_type is ElementType.PARALLEL_GATEWAY
        return is_parallel or self._node(visit.element_id).is_join

    def _near(self, visit: ActiveVisit) -> list[tuple[Node, ActiveVisit]]:
        """All of its scope, itself included."""
        return [
            (self._node(other.element_id), other)
            for other in self._situation.visits
            if other.parent_id == visit.parent_id
        ]


def _missing(join: Node, near: Sequence[tuple[Node, ActiveVisit]]) -> list[str]:
    """The sources of the flows that something has still to come on; `near` is all that is in the scope."""
    arrived = [
        visit for node, visit in near if node is join and visit.state is InstanceState.STARTED and visit.context is None
    ]
    places = [visit.incoming for visit in arrived if visit.incoming is not None]
    for _, visit in near:
        if visit.element_id == join.element_id and visit.is_reset_awaited:
            places += [place for place in range(len(join.incoming)) if used_flows(visit.context) >> place & 1]
    sources = [visit.prev_element_id for visit in arrived if visit.incoming is None]
    empty: list[int] = []
    for place, flow in enumerate(join.incoming):
        if place in places:
            continue
        if flow.source.element_id in sources:
            # Several flows may come from one element.
            sources.remove(flow.source.element_id)
        else:
            empty.append(place)
    if join.is_join:
        reached = _reached(join, empty, [(node, visit) for node, visit in near if visit not in arrived])
        empty = [place for place in empty if reached >> place & 1]
    return [join.incoming[place].source.id for place in empty]


def _reached(join: Node, empty: Sequence[int], others: Sequence[tuple[Node, ActiveVisit]]) -> int:
    """The empty flows that one of the others can get to, but that to no flow on which something has come.

    As a mask; it is by these that an inclusive gateway waits (BPMN 2.0.2, 13.4.3).
    """
    reach = reach_of(join)
    filled = ~sum(1 << place for place in empty)
    found = 0
    for node, visit in others:
        if not (visit.waits_at_host or visit.is_reset_awaited or visit.context == GONE_ON):
            found |= leading_to_empty(reach.get(node, ()), filled)
    return found


def _entry(visit: ActiveVisit, since: datetime, kind: WaitingKind, **fields: object) -> Waiting:
    return Waiting(
        element_instance_id=visit.id,
        bpmn_element_id=visit.bpmn_element_id,
        bpmn_element_name=visit.bpmn_element_name,
        bpmn_element_type=visit.bpmn_element_type,
        multi_instance=visit.multi_instance,
        loop_counter=visit.number,
        since=since,
        kind=kind,
        **fields,  # type: ignore[arg-type]  # of the kind
    )


_OfVisit = TypeVar("_OfVisit", Incident, Job, MessageSubscription, SignalSubscription, Task, UserTask)


def _by_visit(records: Iterable[_OfVisit]) -> dict[int, list[_OfVisit]]:
    found: dict[int, list[_OfVisit]] = defaultdict(list)
    for record in records:
        if record.element_instance_id:
            found[record.element_instance_id].append(record)
    return found
