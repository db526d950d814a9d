"""Activities: they carry boundary events, and start once all of these are defined."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.elements.catching import throw_error, throw_escalation
from app.engine.records import Job, UserTask
from app.engine.types import JobType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class Activity(Behavior):
    def enter(self, run: Run, token: ElementInstance) -> None:
        run.attach(token, [*token.node.handler_starts, *([] if token.is_inner else token.node.attached)])

    def ready(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        self.start(run, token)

    def start(self, run: Run, token: ElementInstance) -> None:
        """The activity has become STARTED."""
        raise NotImplementedError


class Executed(Behavior):
    """Done by a worker: its EXECUTE job completes it, throws an error, or escalates."""

    leaves = (Job,)
    jobs = (JobType.EXECUTE,)
    leaving_jobs = frozenset(jobs)

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        run.create_job(token, JobType.EXECUTE)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if completion.error_code and completion.escalation_code:
            raise refused("expected error code or escalation code to be set")
        if completion.error_code:
            throw_error(run, token, completion.error_code, completion.error_message)
        elif completion.escalation_code:
            if not throw_escalation(run, token, completion.escalation_code, "failed to escalate job"):
                run.create_job(token, JobType.EXECUTE, retry_count=job.retry_count, due_at=retry_due)
        else:
            run.complete(token)


class WorkerTask(Activity, Executed):
    """Business rule, script, send and service task."""

    enter = Activity.enter

    def start(self, run: Run, token: ElementInstance) -> None:
        run.create_job(token, JobType.EXECUTE)


class UserTaskActivity(Activity):
    """Done by a person: `UpdateUserTask` completes it, throws an error, or escalates."""

    leaves = (UserTask,)

    def start(self, run: Run, token: ElementInstance) -> None:
        run.create_user_task(token)
