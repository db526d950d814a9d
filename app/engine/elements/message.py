"""Message catch, boundary, throw and end events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.catching import trigger_boundary
from app.engine.elements.event import BoundaryEvent, CatchEvent, Event
from app.engine.needs import BufferedMessage, IsSubscribed, Need
from app.engine.records import Job, MessageSubscription, Task
from app.engine.types import InstanceState, JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message
    from app.engine.run import Run


class MessageEvent(Event):
    """A worker gives the correlation key in any case, and the name where the model has none."""

    undefined_job = JobType.SUBSCRIBE_MESSAGE
    jobs = (JobType.SUBSCRIBE_MESSAGE, JobType.SET_MESSAGE_CORRELATION_KEY)
    leaves = (Job, Task, MessageSubscription)

    def needs_job(self, node: Node) -> bool:
        return True

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token, InstanceState.CREATED)
        defined = token.node.definition is not None
        run.create_job(token, JobType.SET_MESSAGE_CORRELATION_KEY if defined else JobType.SUBSCRIBE_MESSAGE)

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        return (BufferedMessage(*subscription(token.node, completion)),)

    def subscribe(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        """Waits for the message; False when a buffered one was taken at once. Raises Refusal.

        An event that recurs waits in any case: the next message may be sent before the first has been delivered.
        """
        name, key = subscription(token.node, completion)
        taken = run.take_buffered(token, name, key)
        if taken and not token.node.recurs:
            token.context = name
        else:
            run.subscribe_message(token, name, key)
        return not taken


class MessageCatchEvent(MessageEvent, CatchEvent):
    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        waits = self.subscribe(run, token, completion)
        self.wait_armed(run, token)
        # A gateway whose event has happened already need not become ready: that event is about to end it.
        if waits and run.gateway(token):
            run.defined(token)

    def armed(self, run: Run, token: ElementInstance) -> None:
        pass


class MessageBoundaryEvent(MessageEvent, BoundaryEvent):
    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        if not token.node.recurs or message is None:
            return ()
        # It goes on waiting, and may find the next message already there.
        return IsSubscribed(token.partition, token.id), BufferedMessage(message.name, message.correlation_key)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        waits = self.subscribe(run, token, completion)
        run.changes.update(token)
        # The host of an interrupting event that has happened already must not start any more.
        if waits or token.node.recurs:
            run.defined(token)

    def armed(self, run: Run, token: ElementInstance) -> None:
        pass

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        renewed = trigger_boundary(run, token)
        # The flow of the event may end its host: then it takes no further message.
        run.drain()
        message = run.message
        if renewed and message and not renewed.state.ended:
            if not run.need(IsSubscribed(token.partition, token.id)):
                assert token.context is not None
                run.subscribe_message(renewed, token.context, message.correlation_key)
            run.take_buffered(renewed, message.name, message.correlation_key)


def subscription(node: Node, completion: Completion) -> tuple[str, str]:
    """Name and correlation key of the message to wait for; raises Refusal if the completion lacks one."""
    if node.definition is not None:
        if not completion.message_correlation_key:
            raise refused("expected a message correlation key")
        assert node.definition.message_name is not None
        return node.definition.message_name, completion.message_correlation_key
    if not completion.message_name or not completion.message_correlation_key:
        raise refused("expected a message name and correlation key")
    return completion.message_name, completion.message_correlation_key
