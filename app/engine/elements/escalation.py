"""Escalations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
from app.engine.completion import Completion
from app.engine.elements.catching import end_with_escalation, throw_and_continue
from app.engine.elements.trigger import Thrown, Trigger
from app.engine.slots import Slot
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class EscalationTrigger(Trigger):
    undefined_job = JobType.SET_ESCALATION_CODE
    jobs = (JobType.SET_ESCALATION_CODE,)
    catches_escalations = True

    def modeled(self, node: Node) -> Awaited:
        assert node.definition is not None
        return Awaited(name=node.definition.escalation_code or "")

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        return Awaited(name=completion.escalation_code)

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        run.waits_for(token, node, awaited.name)
        return True


class ThrownEscalation(Thrown):
    slot = Slot.ESCALATION_CODE
    undefined_job = JobType.SET_ESCALATION_CODE

    def defined_as(self, node: Node) -> str | None:
        return node.definition.escalation_code if node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.escalation_code:
            raise refused("expected an escalation code")
        return completion.escalation_code

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        throw_and_continue(run, token, context)

    def end(self, run: Run, token: ElementInstance, context: str) -> None:
        end_with_escalation(run, token, context)
