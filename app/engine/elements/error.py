"""Error boundary and end events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.catching import end_with_error
from app.engine.elements.event import BoundaryEvent
from app.engine.elements.throwing import ThrowEvent
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class ErrorBoundaryEvent(BoundaryEvent):
    undefined_job = JobType.SET_ERROR_CODE
    jobs = (JobType.SET_ERROR_CODE,)

    def define(self, run: Run, token: ElementInstance) -> None:
        assert token.node.definition is not None
        token.context = token.node.definition.error_code or ""

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        token.context = completion.error_code
        run.changes.update(token)


class ErrorEndEvent(ThrowEvent):
    undefined_job = JobType.SET_ERROR_CODE
    jobs = (JobType.SET_ERROR_CODE,)

    def defined_as(self, token: ElementInstance) -> str | None:
        return token.node.definition.error_code if token.node.definition else None

    def given_by(self, completion: Completion) -> str:
        if not completion.error_code:
            raise refused("expected an error code")
        return completion.error_code

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        end_with_error(run, token, context)
