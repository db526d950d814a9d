"""Messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

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

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        name = _evaluated_name(run, token)
        return self._wait_for(run, token, name, run.slot(token, Slot.CORRELATION_KEY, as_key))

    def needs_of_job(self, token: ElementInstance, completion: Completion) -> Iterable[Need[Any]]:
        name, key = _subscription(token.node, completion)
        # What the name is, is known once it is evaluated.
        return () if Slot.MESSAGE_NAME in token.node.programs else (BufferedMessage(name, key),)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        """Waits for the message; False when a buffered one was taken at once.

        An event that recurs waits in any case: the next message may be sent before the first has been delivered.
        """
        name, key = _subscription(token.node, completion)
        if Slot.MESSAGE_NAME in token.node.programs:
            try:
                name = _evaluated_name(run, token)
            except NotEvaluated as error:
                raise refused(error.reason) from error
        return self._wait_for(run, token, name, key)

    def _wait_for(self, run: Run, token: ElementInstance, name: str, key: str) -> bool:
        taken = run.take_buffered(token, name, key)
        if taken and not token.node.recurs:
            token.context = name
            run.changes.update(token)
        else:
            run.subscribe_message(token, name, key)
        return not taken

    def needs_to_recur(self, token: ElementInstance, message: Message | None) -> Iterable[Need[Any]]:
        if message is None:
            return ()
        # It goes on waiting, and may find the next message already there.
        return IsSubscribed(token.partition, token.id), BufferedMessage(message.name, message.correlation_key)

    def recurrence(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> Recur | None:
        message = run.message

        def go_on(renewed: ElementInstance) -> None:
            # The flow of the event may end its host: then it takes no further message.
            run.drain()
            if message is None or renewed.state.ended:
                return
            if not run.need(IsSubscribed(token.partition, token.id)):
                assert token.context is not None
                run.subscribe_message(renewed, token.context, message.correlation_key)
            run.take_buffered(renewed, message.name, message.correlation_key)

        return go_on


def _evaluated_name(run: Run, token: ElementInstance) -> str:
    """Raises NotEvaluated."""
    if Slot.MESSAGE_NAME in token.node.programs:
        return run.slot(token, Slot.MESSAGE_NAME, as_text)
    assert token.node.definition is not None and token.node.definition.message_name is not None
    return token.node.definition.message_name


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
