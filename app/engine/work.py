"""What a token waits for: jobs, tasks, user tasks, and subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from app.engine.changes import Changes
from app.engine.graph import Graph
from app.engine.payload import Payload
from app.engine.records import (
    ElementInstance,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    SignalSubscription,
    Task,
    UserTask,
)
from app.engine.types import JobType, TaskType, UserTaskState

Prepare = Callable[[ProcessInstance], None]
"""Gives a new instance its variables, before it begins."""


@dataclass(slots=True, kw_only=True)
class Call:
    """The process that a call activity is about to call."""

    graph: Graph
    queued: bool
    correlation_key: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    prepare: Prepare | None = None


@dataclass(slots=True, kw_only=True)
class Facts:
    """What a walk may need to know beyond its own instance; loaded beforehand, as the command tells."""

    called: dict[int, ProcessInstance] = field(default_factory=dict)
    """Active called instances by the id of their call activity's element instance."""
    call: Call | None = None
    buffered: Message | None = None
    """The oldest buffered message for the event that is being subscribed, or has just happened."""
    subscribed: bool = True
    """Whether the event that has happened has a subscription left."""
    correlation_key: str = ""
    """Key of the message that has arrived."""


class Work:
    """Creates what tokens of one instance wait for, and clears it away."""

    def __init__(
        self, instance: ProcessInstance, *, now: datetime, actor: str, changes: Changes, facts: Facts | None
    ) -> None:
        self.instance = instance
        self.now = now
        self.actor = actor
        self.changes = changes
        self.facts = facts or Facts()

    def create_job(
        self, token: ElementInstance, type: JobType, *, retry_count: int = 0, due_at: datetime | None = None
    ) -> Job:
        return self.changes.insert(
            Job(
                partition=self.instance.partition,
                token=token,
                element_id=token.node.element_id,
                element_instance_id=token.id,
                process_id=self.instance.process_id,
                process_instance_id=self.instance.id,
                bpmn_element_id=token.node.id,
                correlation_key=self.instance.correlation_key,
                created_at=self.now,
                created_by=self.actor,
                due_at=due_at or self.now,
                retry_count=retry_count,
                type=type,
            )
        )

    def create_task(
        self,
        token: ElementInstance,
        type: TaskType,
        payload: Payload | None = None,
        *,
        due_at: datetime | None = None,
        repetitions: int | None = None,
    ) -> Task:
        due = due_at or self.now
        self.changes.due.append(due)
        return self.changes.insert(
            Task(
                partition=self.instance.partition,
                instance=self.instance,
                token=token,
                element_id=token.node.element_id,
                element_instance_id=token.id or None,
                process_id=self.instance.process_id,
                process_instance_id=self.instance.id or None,
                bpmn_element_id=token.node.id,
                created_at=self.now,
                created_by=self.actor,
                due_at=due,
                repetitions=repetitions,
                serialized_task=payload.serialize() if payload else None,
                type=type,
            )
        )

    def create_user_task(self, token: ElementInstance) -> UserTask:
        return self.changes.insert(
            UserTask(
                partition=self.instance.partition,
                token=token,
                element_id=token.node.element_id,
                element_instance_id=token.id,
                process_id=self.instance.process_id,
                process_instance_id=self.instance.id,
                bpmn_element_id=token.node.id,
                correlation_key=self.instance.correlation_key,
                created_at=self.now,
                created_by=self.actor,
                tags=dict(token.node.tags or {}),
                updated_at=self.now,
                updated_by=self.actor,
            )
        )

    def take_buffered(self, token: ElementInstance) -> bool:
        """Has the buffered message arrive at the token; False when there is none."""
        message = self.facts.buffered
        if message is None:
            return False
        self.facts.buffered = None
        message.correlated = True
        message.expires_at = None
        self.changes.update(message)
        self.create_task(token, TaskType.TRIGGER_EVENT, Payload(message_id=message.id))
        return True

    def subscribe_message(self, token: ElementInstance, name: str, correlation_key: str) -> None:
        token.context = name
        self.changes.update(token)
        self.changes.insert(
            MessageSubscription(
                partition=self.instance.partition,
                token=token,
                element_id=token.node.element_id,
                process_id=self.instance.process_id,
                bpmn_element_id=token.node.id,
                correlation_key=correlation_key,
                created_at=self.now,
                created_by=self.actor,
                name=name,
            )
        )

    def subscribe_signal(self, token: ElementInstance, name: str) -> None:
        token.context = name
        self.changes.update(token)
        self.changes.insert(
            SignalSubscription(
                partition=self.instance.partition,
                token=token,
                element_id=token.node.element_id,
                process_id=self.instance.process_id,
                bpmn_element_id=token.node.id,
                created_at=self.now,
                created_by=self.actor,
                name=name,
            )
        )

    def clear_away(self, token: ElementInstance, state: UserTaskState) -> None:
        """What the ended token leaves open is detached, closed in `state`, or deleted."""
        happened = self.changes.renewed.pop(token, None)
        if happened:
            # What was to go over to it is still at the one before.
            self.changes.abandoned.append((happened, state))
        self.changes.abandoned.append((token, state))
        new = self.changes.new
        for work in (*new.get(Job, ()), *new.get(Task, ())):
            if work.token is token:
                work.detached = True
        for user_task in new.get(UserTask, ()):
            if user_task.token is token:
                user_task.state = state
        for kind in (MessageSubscription, SignalSubscription):
            if kind in new:
                new[kind] = [subscription for subscription in new[kind] if subscription.token is not token]
