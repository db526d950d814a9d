"""What catch and boundary events have in common: being defined, waiting, and happening."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.elements.catching import trigger_boundary
from app.engine.records import Job, Task
from app.engine.types import InstanceState, JobType

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class Event(Behavior):
    """An event whose definition comes from the model, or else from a job."""

    leaves: tuple[type[Any], ...] = (Job, Task)

    undefined_job: JobType
    """The job that asks for the definition."""

    def needs_job(self, node: Node) -> bool:
        return node.definition is None

    def enter(self, run: Run, token: ElementInstance) -> None:
        if token.node.definition is None:
            run.wait(token, InstanceState.CREATED)
            run.create_job(token, self.undefined_job)
        else:
            self.define(run, token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        self.define_from(run, token, completion)
        self.armed(run, token)

    def define(self, run: Run, token: ElementInstance) -> None:
        """Arms the event with the definition of its element."""
        raise NotImplementedError

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        """Arms the event with what a worker says; raises Refusal if that is not enough."""
        raise NotImplementedError

    def armed(self, run: Run, token: ElementInstance) -> None:
        """A job has armed the event."""


class CatchEvent(Event):
    """Waits for its event in the flow, or as one of several behind an event-based gateway."""

    def wait_armed(self, run: Run, token: ElementInstance) -> None:
        run.wait(token, InstanceState.CREATED if run.gateway(token) else InstanceState.STARTED)

    def armed(self, run: Run, token: ElementInstance) -> None:
        self.wait_armed(run, token)
        if run.gateway(token):
            run.defined(token)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        gateway = run.gateway(token)
        run.complete(token)
        if gateway:
            for other in run.attached(gateway):
                run.abandon(other)
            run.end(gateway)


class BoundaryEvent(Event):
    """Attached to an activity, which it interrupts or not."""

    stops_when_suspended = False

    def armed(self, run: Run, token: ElementInstance) -> None:
        run.defined(token)

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token, InstanceState.CREATED)
        super().enter(run, token)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        trigger_boundary(run, token)
