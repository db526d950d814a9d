"""What a token waits for: jobs, tasks, user tasks, and subscriptions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from app.engine.changes import Changes, ThrownMessage, ThrownSignal
from app.engine.failures import incident_of
from app.engine.needs import BufferedMessage, MessageReceivers, Missing, Need, SignalSubscribers
from app.engine.payload import Payload
from app.engine.records import (
    ElementInstance,
    EventVariable,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    SignalSubscription,
    Task,
    UserTask,
)
from app.engine.slots import Slot
from app.engine.types import JobType, TaskType, UserTaskState, WorkState
from app.engine.values import failed

if TYPE_CHECKING:
    from app.engine.graph import Node

T = TypeVar("T")


class Work:
    """Creates what tokens of one instance wait for, and clears it away."""

    def __init__(
        self,
        instance: ProcessInstance,
        *,
        now: datetime,
        actor: str,
        engine_id: str,
        changes: Changes,
        known: Mapping[Need[Any], Any],
        message: Message | None,
    ) -> None:
        self.instance = instance
        self.now = now
        self.actor = actor
        self.engine_id = engine_id
        self.evaluates: tuple[ElementInstance, Slot, int | None] | None = None
        """The token, slot and part of the task that runs, if that evaluates again."""
        self.changes = changes
        self.known = known
        self.message = message
        """The one that has arrived."""

    def need(self, need: Need[T]) -> T:
        """What is known of it; raises Missing where nothing is."""
        try:
            found: T = self.known[need]
        except KeyError:
            raise Missing(need) from None
        return found

    def throw_signal(self, name: str, caught: Collection[ElementInstance] = ()) -> None:
        """Sends the signal when the walk has ended, but not to those events that have `caught` it already."""
        ids = [event.id for event in caught]
        subscribers = [each for each in self.need(SignalSubscribers(name)) if each.element_instance_id not in ids]
        self.changes.thrown.append(ThrownSignal(name, subscribers))

    def throw_message(self, name: str, correlation_key: str, variables: list[EventVariable]) -> None:
        """Sends the message when the walk has ended: it is lost where nobody waits for it by then."""
        receivers = self.need(MessageReceivers(name, correlation_key))
        self.changes.thrown.append(ThrownMessage(name, correlation_key, variables, receivers))

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
        task = self._task(token, type, payload)
        task.due_at = due_at or self.now
        task.repetitions = repetitions
        return self.changes.schedule(task)

    def _task(self, token: ElementInstance, type: TaskType, payload: Payload | None) -> Task:
        return Task(
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
            due_at=self.now,
            serialized_task=payload.serialize() if payload else None,
            type=type,
        )

    def fail_to_evaluate(self, token: ElementInstance, slot: Slot, reason: str, part: int | None = None) -> None:
        """The token waits for an operator: once the incident is resolved, a task evaluates `slot` again.

        Of an event with several definitions, it is that of `part`.

        Raises EngineError where such a task is what runs.
        """
        if self.evaluates == (token, slot, part):
            raise failed(reason)
        payload = Payload(expression=slot, part=part)
        task = self.changes.insert(self._task(token, TaskType.EVALUATE_EXPRESSION, payload))
        task.state = WorkState.CAUSED_INCIDENT
        task.completed_at = self.now
        task.created_by = self.engine_id
        task.error = failed(reason).as_text()
        incident = incident_of(task, self.instance.bpmn_process_id, self.now, self.engine_id)
        incident.task = task
        self.changes.insert(incident)

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

    def take_buffered(self, token: ElementInstance, node: Node, name: str, correlation_key: str) -> bool:
        """Has the buffered message arrive at the token; False when there is none.

        `node` is that of the token, or a part of it, as for subscriptions.
        """
        message = self.need(BufferedMessage(name, correlation_key))
        if message is None or message.correlated:
            return False
        message.correlated = True
        message.expires_at = None
        self.changes.update(message)
        self.create_task(token, TaskType.TRIGGER_EVENT, Payload(message_id=message.id, part=node.part))
        return True

    def subscribe_message(self, token: ElementInstance, node: Node, name: str, correlation_key: str) -> None:
        self.waits_for(token, node, name)
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
                part=node.part,
            )
        )

    def waits_for(self, token: ElementInstance, node: Node, name: str) -> None:
        """Notes the name or code that the token waits for; an event with several definitions notes it by itself."""
        if node.part is None:
            token.context = name
            self.changes.update(token)

    def subscribe_signal(self, token: ElementInstance, node: Node, name: str) -> None:
        self.waits_for(token, node, name)
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
                part=node.part,
            )
        )

    def unsubscribe_signal(self, token: ElementInstance, node: Node, name: str) -> None:
        """The token waits no more for a signal that is thrown in the walk."""
        for each in self.need(SignalSubscribers(name)):
            if each.element_instance_id == token.id and each.part == node.part:
                self.changes.delete(each)
        new = self.changes.new.get(SignalSubscription, [])
        new[:] = [each for each in new if each.token is not token or (each.part, each.name) != (node.part, name)]

    def stop_waiting(self, event: ElementInstance) -> None:
        """The event has happened, whether it has gone on or not: what else it waits for is given up."""
        if event not in self.changes.happened:
            self.changes.happened.append(event)
        for task in self.changes.new.get(Task, ()):
            if task.token is event:
                task.detached = True
        self._drop_subscriptions(event)

    def clear_away(self, token: ElementInstance, state: UserTaskState) -> None:
        """What the ended token leaves open is detached, closed in `state`, or deleted."""
        happened = self.changes.renewed.pop(token, None)
        if happened:
            # What was to go over to it is still at the one before.
            self.changes.abandoned.append((happened, state))
        self.changes.abandoned.append((token, state))
        new = self.changes.new
        for work in (*new.get(Job, ()), *new.get(Task, ())):
            if work.token is token and type(work) in token.leaves:
                work.detached = True
        for user_task in new.get(UserTask, ()):
            if user_task.token is token:
                user_task.state = state
        self._drop_subscriptions(token)

    def _drop_subscriptions(self, token: ElementInstance) -> None:
        new = self.changes.new
        for kind in (MessageSubscription, SignalSubscription):
            if kind in new:
                new[kind] = [subscription for subscription in new[kind] if subscription.token is not token]
