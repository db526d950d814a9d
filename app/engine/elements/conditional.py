"""Conditions that an event waits for (BPMN 2.0.2, 10.5.5): it occurs when its condition becomes true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
from app.engine.elements.trigger import Trigger
from app.engine.types import TaskType

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run

TRUE, FALSE = "true", "false"
"""Context of an event that waits for a condition: what that was when it was looked at last."""


class ConditionalTrigger(Trigger):
    """Nothing has to be defined: the walk looks at the condition when it comes to rest."""

    jobs = ()

    def needs_job(self, node: Node) -> bool:
        return False

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        run.watch(token)
        return True

    def look(self, run: Ending, event: ElementInstance, node: Node, *, is_true: bool) -> None:
        if event.context == TRUE and not event.node.recurs:
            # It is about to happen, or waits for a decision where it goes on: becoming false takes nothing back.
            return
        if is_true and event.context != TRUE:
            run.create_task(event, TaskType.TRIGGER_EVENT)
        event.context = TRUE if is_true else FALSE
        run.changes.update(event)
