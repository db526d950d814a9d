"""What a command wants written, as one set; the store takes it in one call.

Every record is written once, in the state it has when the set is saved. Inserts keep their order within a
table, which is the order of their ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from app.engine.records import (
    ElementInstance,
    EventVariable,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    Queue,
    QueueEntry,
    Signal,
    SignalSubscription,
    Start,
    Task,
    Variable,
)
from app.engine.types import UserTaskState
from app.engine.values import Stored

Rec = TypeVar("Rec")


@dataclass(frozen=True, slots=True)
class ThrownSignal:
    """A signal that goes out when the walk has ended."""

    name: str
    subscribers: list[SignalSubscription]
    """Locked."""


@dataclass(frozen=True, slots=True)
class ThrownMessage:
    """A message that goes out when the walk has ended."""

    name: str
    correlation_key: str
    variables: list[EventVariable]
    receivers: Receivers


@dataclass(frozen=True, slots=True)
class Receivers:
    """Who may get a message, besides those who begin to wait for it in the same walk."""

    subscription: MessageSubscription | None
    """The oldest one, locked."""
    start: Start | None
    """What it would start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableKey:
    """Addresses a variable; a process variable where `element_instance_id` is None."""

    partition: date
    process_instance_id: int
    element_instance_id: int | None
    name: str


class Changes:
    def __init__(self) -> None:
        self.new: dict[type[Any], list[Any]] = {}
        self.updated: dict[type[Any], list[Any]] = {}
        self.deleted: dict[type[Any], list[Any]] = {}
        self._known: set[int] = set()
        self.variables: list[Variable] = []
        """To insert, or to update where the name exists in its scope."""
        self.deleted_variables: list[VariableKey] = []
        self.values: dict[tuple[ProcessInstance, ElementInstance | None, str], Stored | None] = {}
        """What variables of an instance or element instance are by that; None is gone."""
        self.abandoned: list[tuple[ElementInstance, UserTaskState]] = []
        """Ended element instances that may leave open work behind, and the state their user tasks end in."""
        self.happened: list[ElementInstance] = []
        """Events with several definitions that have happened: subscriptions and tasks of their other parts go."""
        self.renewed: dict[ElementInstance, ElementInstance] = {}
        """New element instances of boundary events, each with the one that has happened: what is open there, such as
        tasks of further triggers, and its subscription go over to the new one."""
        self.requeued: list[MessageSubscription] = []
        """Subscriptions that have got a message and stay: each goes behind all others."""
        self.expired_messages: dict[int, datetime] = {}
        """Messages that were consumed, with the time of use; one that has expired already keeps its time."""
        self.finished_messages: dict[int, datetime] = {}
        """Messages whose instance has ended, with that time: they have expired, and their unique keys are free."""
        self.delivered_signals: list[int] = []
        """Signals of which one subscriber less is outstanding, once per entry."""
        self.event_variables: list[tuple[Message | Signal, list[EventVariable]]] = []
        """Variables that travel with a new message or signal."""
        self.thrown: list[ThrownSignal | ThrownMessage] = []
        """What is to be sent before the set is saved, in this order; then there is none left."""
        self.suspended_starts: list[str] = []
        """BPMN process ids whose start events of earlier versions are replaced."""
        self.queues: dict[str, Queue] = {}
        """Limits and counts to be kept, by BPMN process id."""
        self.queued: list[ProcessInstance] = []
        """New instances that queue up."""
        self.dequeued: list[QueueEntry] = []
        """Entries that are taken out of their queues."""
        self.clock_offset_ms: int | None = None
        self.undeployed: list[int] = []
        """Ids of process versions that go, with their elements and the timers that would start them."""
        self.resumed_starts: list[tuple[int, int]] = []
        """Element ids of start events that are in force again, each with the place of the definition, 0 or its part."""
        self.assumes_deployed: set[int] = set()
        """Ids of process versions that must be there still, or the set is refused."""
        self.assumes_unlimited: set[str] = set()
        """Processes that must have no limit on parallelism, or the set is refused."""
        self.moved: list[Job | Task] = []
        """Jobs and tasks that wait, and become due at another time; nothing else of them has changed."""
        self.due: list[datetime] = []
        """When the tasks created or moved here become due."""

    def insert(self, record: Rec) -> Rec:
        self.new.setdefault(type(record), []).append(record)
        self._known.add(id(record))
        return record

    def schedule(self, task: Task) -> Task:
        """Inserts a task, and has those know who run tasks when it becomes due."""
        self.due.append(task.due_at)
        return self.insert(task)

    def update(self, record: Any) -> None:
        """Notes that a loaded record was changed; noting it twice, or a new one, is harmless."""
        if id(record) not in self._known:
            self._known.add(id(record))
            self.updated.setdefault(type(record), []).append(record)

    def delete(self, record: Any) -> None:
        self.deleted.setdefault(type(record), []).append(record)

    def absorb(self, other: Changes) -> None:
        """Takes over what a command after this one wants written; no record may be in both sets."""
        for mine, theirs in ((self.new, other.new), (self.updated, other.updated), (self.deleted, other.deleted)):
            for kind, found in theirs.items():
                mine.setdefault(kind, []).extend(found)
        self._known |= other._known
        self.variables += other.variables
        self.deleted_variables += other.deleted_variables
        self.values |= other.values
        self.abandoned += other.abandoned
        self.happened += other.happened
        self.renewed |= other.renewed
        self.requeued += other.requeued
        self.expired_messages |= other.expired_messages
        self.finished_messages |= other.finished_messages
        self.delivered_signals += other.delivered_signals
        self.event_variables += other.event_variables
        self.suspended_starts += other.suspended_starts
        self.queues |= other.queues
        self.queued += other.queued
        self.dequeued += other.dequeued
        if other.clock_offset_ms is not None:
            self.clock_offset_ms = other.clock_offset_ms
        self.undeployed += other.undeployed
        self.resumed_starts += other.resumed_starts
        self.assumes_deployed |= other.assumes_deployed
        self.assumes_unlimited |= other.assumes_unlimited
        self.moved += other.moved
        self.due += other.due
        self.thrown += other.thrown

    def __bool__(self) -> bool:
        return bool(
            self.new
            or self.updated
            or self.deleted
            or self.variables
            or self.deleted_variables
            or self.abandoned
            or self.requeued
            or self.expired_messages
            or self.finished_messages
            or self.delivered_signals
            or self.suspended_starts
            or self.undeployed
            or self.resumed_starts
            or self.moved
            or self.queues
            or self.queued
            or self.dequeued
            or self.clock_offset_ms is not None
        )
