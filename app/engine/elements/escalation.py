"""Escalation boundary, throw and end events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.catching import end_with_escalation, throw_and_continue
from app.engine.elements.event import BoundaryEvent
from app.engine.elements.throwing import ThrowEvent
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class EscalationBoundaryEvent(BoundaryEvent):
    undefined_job = JobType.SET_ESCALATION_CODE
    jobs = (JobType.SET_ESCALATION_CODE,)

    def define(self, run: Run, token: ElementInstance) -> None:
        assert token.node.definition is not None
        token.context = token.node.definition.escalation_code or ""

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        token.context = completion.escalation_code
        run.changes.update(token)


class EscalationThrowEvent(ThrowEvent):
    undefined_job = JobType.SET_ESCALATION_CODE
    jobs = (JobType.SET_ESCALATION_CODE,)

    def defined_as(self, token: ElementInstance) -> str | None:
        return token.node.definition.escalation_code if token.node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.escalation_code:
            raise refused("expected an escalation code")
        return completion.escalation_code

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        throw_and_continue(run, token, context)


class EscalationEndEvent(EscalationThrowEvent):
    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        end_with_escalation(run, token, context)
