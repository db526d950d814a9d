"""Errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
from app.engine.completion import Completion
from app.engine.elements.catching import end_with_error
from app.engine.elements.trigger import Thrown, Trigger
from app.engine.slots import Slot
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class ErrorTrigger(Trigger):
    undefined_job = JobType.SET_ERROR_CODE
    jobs = (JobType.SET_ERROR_CODE,)
    catches_errors = True

    def modeled(self, node: Node) -> Awaited:
        assert node.definition is not None
        return Awaited(name=node.definition.error_code or "")

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        return Awaited(name=completion.error_code)

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        run.waits_for(token, node, awaited.name)
        return True


class ThrownError(Thrown):
    """Thrown by end events only (BPMN 2.0.2, 10.5.3)."""

    slot = Slot.ERROR_CODE
    undefined_job = JobType.SET_ERROR_CODE

    def defined_as(self, node: Node) -> str | None:
        return node.definition.error_code if node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.error_code:
            raise refused("expected an error code")
        return completion.error_code

    def end(self, run: Run, token: ElementInstance, context: str) -> None:
        end_with_error(run, token, context)
