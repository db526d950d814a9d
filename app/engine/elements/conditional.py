"""Conditions that an event waits for (BPMN 2.0.2, 10.5.5): it occurs when its condition becomes true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
from app.engine.elements.trigger import Raised, Trigger
from app.engine.types import TaskType

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run

TRUE, FALSE, HAPPENED = "true", "false", "happened"
"""Context of an event that waits for a condition: what that was, or that it is waited for no more."""


class ConditionalTrigger(Trigger):
    """Nothing has to be defined: the walk looks at the condition when it comes to rest."""

    jobs = ()

    def needs_job(self, node: Node) -> bool:
        return False

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        run.watch(token)
        return True

    def happens(self, run: Run, event: ElementInstance, node: Node, raised: Raised | None) -> bool:
        if event.node.has_conditions and not event.node.recurs:
            # It may become true again while it is decided where the event goes on.
            event.context = HAPPENED
            run.stop_waiting(event)
        return True

    def look(self, run: Ending, event: ElementInstance, node: Node, *, is_true: bool) -> None:
        if event.context == HAPPENED or (event.context == TRUE and not event.node.recurs):
            # It has happened, and can do so only once, though its task has not run yet.
            return
        if is_true and event.context != TRUE:
            run.create_task(event, TaskType.TRIGGER_EVENT)
        event.context = TRUE if is_true else FALSE
        run.changes.update(event)
