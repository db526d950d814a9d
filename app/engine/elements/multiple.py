"""Events with several definitions that are thrown (BPMN 2.0.2, 10.5.3 and 10.5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.engine.elements.base import Behavior
from app.engine.elements.catching import escalate_from
from app.engine.needs import Need, SignalSubscribers
from app.engine.records import Task
from app.engine.slots import NotEvaluated, Slot, Thrown
from app.engine.types import TaskType
from app.expr import EvaluationError, as_text

if TYPE_CHECKING:
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message
    from app.engine.run import Run


class MultipleThrow(Behavior):
    """Throws all of its signals and escalations by one task, in the order of the file, and goes on.

    It goes no further where an escalation interrupts what it is in. Signals that are left are thrown all the same.
    """

    leaves = (Task,)

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        run.create_task(token, TaskType.TRIGGER_EVENT)

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        for thrown in token.node.throws:
            if thrown.name is None and thrown.definition.signal_name is not None:
                yield SignalSubscribers(thrown.definition.signal_name)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        self._throw(run, token)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        self._throw(run, token)

    def _throw(self, run: Run, token: ElementInstance) -> None:
        try:
            events = [(thrown.slot, _name(run, token, thrown)) for thrown in token.node.throws]
        except NotEvaluated as error:
            run.fail_to_evaluate(token, error.slot, error.reason)
            return
        scope = run.scope_of(token)
        for slot, name in events:
            if slot is Slot.SIGNAL_NAME:
                run.throw_signal(name)
            elif not scope.state.ended:
                escalate_from(run, scope, name, thrower=None if token.state.ended else token)
        if not token.state.ended:
            run.complete(token)


def _name(run: Run, token: ElementInstance, thrown: Thrown) -> str:
    """The name or code; raises NotEvaluated."""
    definition = thrown.definition
    if thrown.name is None:
        return definition.signal_name or definition.escalation_code or ""
    try:
        return run.evaluate(token, thrown.name, as_text)
    except EvaluationError as error:
        raise NotEvaluated(thrown.slot, str(error)) from error
