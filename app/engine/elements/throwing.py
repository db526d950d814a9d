"""Throw and end events that act when their task runs, after a job has named what they throw, if the model does not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.records import Job, Task
from app.engine.types import InstanceState, JobType, TaskType

if TYPE_CHECKING:
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class ThrowEvent(Behavior):
    leaves = (Job, Task)
    undefined_job: JobType

    def enter(self, run: Run, token: ElementInstance) -> None:
        context = self.defined_as(token)
        if context is None:
            run.wait(token, InstanceState.CREATED)
            run.create_job(token, self.undefined_job)
        else:
            self._schedule(run, token, context)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        self._schedule(run, token, self.given_by(completion))

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        assert token.context is not None
        self.throw(run, token, token.context)

    def defined_as(self, token: ElementInstance) -> str | None:
        """The code or name the model gives; None asks a worker for it."""
        raise NotImplementedError

    def given_by(self, completion: Completion) -> str:
        """The code or name a worker gives; raises Refusal when it is missing."""
        raise NotImplementedError

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        raise NotImplementedError

    def _schedule(self, run: Run, token: ElementInstance, context: str) -> None:
        token.context = context
        run.wait(token)
        run.create_task(token, TaskType.TRIGGER_EVENT)
