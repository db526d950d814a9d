"""Conditions that an event waits for (BPMN 2.0.2, 10.5.5): it occurs when its condition becomes true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.elements.trigger import Trigger

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class ConditionalTrigger(Trigger):
    """Nothing has to be defined: the walk looks at the condition when it comes to rest."""

    jobs = ()

    def needs_job(self, node: Node) -> bool:
        return False

    def define(self, run: Run, token: ElementInstance) -> None:
        run.watch(token)
