"""Messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.awaited import Awaited
from app.engine.completion import Completion
from app.engine.elements.trigger import Recur, Trigger
from app.engine.needs import BufferedMessage, IsSubscribed, Need
from app.engine.records import MessageSubscription
from app.engine.slots import NotEvaluated, Slot
from app.engine.types import JobType
from app.errors import refused
from app.expr import as_key, as_text

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message, Task
    from app.engine.run import Run


class MessageTrigger(Trigger):
    """A worker gives the correlation key in any case, and the name where the model has none."""

    undefined_job = JobType.SUBSCRIBE_MESSAGE
    jobs = (JobType.SUBSCRIBE_MESSAGE, JobType.SET_MESSAGE_CORRELATION_KEY)
    leaves = (MessageSubscription,)

    def needs_job(self, node: Node) -> bool:
        return True

    def job(self, node: Node) -> JobType:
        return self.undefined_job if node.definition is None else JobType.SET_MESSAGE_CORRELATION_KEY

    def is_evaluated(self, node: Node) -> bool:
        return Slot.CORRELATION_KEY in node.programs and (
            node.definition is not None or Slot.MESSAGE_NAME in node.programs
        )

    def evaluated(self, run: Run, token: ElementInstance, node: Node) -> Awaited:
        name = _evaluated_name(run, token, node)
        return Awaited(name=name, correlation_key=run.slot(token, Slot.CORRELATION_KEY, as_key, node=node))

    def needs_of_job(self, node: Node, completion: Completion) -> Iterable[Need[Any]]:
        name, key = _subscription(node, completion)
        # What the name is, is known once it is evaluated.
        return () if Slot.MESSAGE_NAME in node.programs else (BufferedMessage(name, key),)

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        name, key = _subscription(node, completion)
        if Slot.MESSAGE_NAME in node.programs:
            try:
                name = _evaluated_name(run, token, node)
            except NotEvaluated as error:
                raise refused(error.reason) from error
        return Awaited(name=name, correlation_key=key)

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        """Waits for the message; False when a buffered one was taken at once.

        An event that stays subscribed waits in any case: the next message may be sent before the first has been
        delivered.
        """
        taken = run.take_buffered(token, node, awaited.name, awaited.correlation_key)
        if taken and not node.stays_subscribed:
            run.waits_for(token, node, awaited.name)
        else:
            run.subscribe_message(token, node, awaited.name, awaited.correlation_key)
        return not taken

    def needs_to_recur(self, token: ElementInstance, node: Node, message: Message | None) -> Iterable[Need[Any]]:
        if message is None:
            return
        # It goes on waiting, and may find the next message already there.
        if node.part is None:
            yield IsSubscribed(token.partition, token.id)
        yield BufferedMessage(message.name, message.correlation_key)

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
        message = run.message

        def go_on(renewed: ElementInstance) -> None:
            # The flow of the event may end its host: then it takes no further message.
            run.drain()
            if message is None or renewed.state.ended:
                return
            if node.part is None and not run.need(IsSubscribed(token.partition, token.id)):
                assert token.context is not None
                run.subscribe_message(renewed, node, token.context, message.correlation_key)
            run.take_buffered(renewed, node, message.name, message.correlation_key)

        return go_on


def _evaluated_name(run: Run, token: ElementInstance, node: Node) -> str:
    """Raises NotEvaluated."""
    if Slot.MESSAGE_NAME in node.programs:
        return run.slot(token, Slot.MESSAGE_NAME, as_text, node=node)
    assert node.definition is not None and node.definition.message_name is not None
    return node.definition.message_name


def _subscription(node: Node, completion: Completion) -> tuple[str, str]:
    """Name and correlation key of the message to wait for; raises Refusal if the completion lacks one."""
    if node.definition is not None:
        if not completion.message_correlation_key:
            raise refused("expected a message correlation key")
        assert node.definition.message_name is not None
        return node.definition.message_name, completion.message_correlation_key
    if not completion.message_name or not completion.message_correlation_key:
        raise refused("expected a message name and correlation key")
    return completion.message_name, completion.message_correlation_key
