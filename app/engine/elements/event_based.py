"""The event-based gateway: the first of the following events decides, or starts the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.elements.base import Behavior

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class EventBasedGateway(Behavior):
    """One that starts the process has the id of the event that has happened as its context."""

    is_followed_by_events = True

    def enter(self, run: Run, token: ElementInstance) -> None:
        node = token.node
        if token.context is None:
            run.attach(token, [flow.target for flow in node.outgoing])
        else:
            run.complete(token, [flow for flow in node.outgoing if node.parallel or flow.target.id == token.context])

    def ready(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)


def enter_start(run: Run, token: ElementInstance) -> None:
    """What starts the process has happened, or waits for its message as another one beside it has started it.

    It waits for the same correlation key, as the events behind a parallel gateway do (BPMN 2.0.2, 10.6.6).
    """
    if token.prev is None or token.prev.context == token.node.id:
        run.complete(token)
        return
    definition, key = token.node.definition, run.instance.correlation_key
    assert definition is not None and definition.message_name is not None and key is not None
    run.wait(token)
    if run.take_buffered(token, token.node, definition.message_name, key):
        token.context = definition.message_name
        run.changes.update(token)
    else:
        run.subscribe_message(token, token.node, definition.message_name, key)
