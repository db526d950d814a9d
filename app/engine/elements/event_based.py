"""The event-based gateway: the first of the following events decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.elements.base import Behavior

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class EventBasedGateway(Behavior):
    is_followed_by_events = True

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.attach(token, [flow.target for flow in token.node.outgoing])

    def ready(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
