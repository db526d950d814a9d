"""The receive task: an activity that waits for a message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.elements.activity import Activity
from app.engine.elements.event import CatchEvent
from app.engine.elements.event_based import enter_start
from app.engine.elements.message import MessageTrigger
from app.engine.records import Job, Task
from app.engine.slots import NotEvaluated

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.needs import Need
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance
    from app.engine.run import Run
    from app.engine.slots import Slot


class ReceiveTask(Activity):
    """Behind an event-based gateway it is one of the events there, and no activity (BPMN 2.0.2, 10.6.6)."""

    trigger = MessageTrigger()
    leaves = (Job, Task, *trigger.leaves)
    jobs = trigger.jobs
    _event = CatchEvent(trigger)

    def is_pending(self, node: Node) -> bool:
        return self._event.is_pending(node)

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        return self.trigger.needs_of_job(token.node, completion)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if token.node.instantiates:
            enter_start(run, token)
        elif run.gateway(token):
            self._event.enter(run, token)
        else:
            super().enter(run, token)

    def start(self, run: Run, token: ElementInstance) -> None:
        if self.trigger.is_evaluated(token.node):
            try:
                self.trigger.define_by_evaluation(run, token)
            except NotEvaluated as error:
                run.fail_to_evaluate(token, error.slot, error.reason)
        else:
            run.create_job(token, self.trigger.job(token.node))

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        if run.gateway(token):
            self._event.evaluate(run, token, slot)
        else:
            self.start(run, token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if run.gateway(token):
            self._event.job_done(run, token, job, completion, retry_due)
        else:
            self.trigger.define_from(run, token, completion)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        self._event.task_due(run, token, task, payload)
