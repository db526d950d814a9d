"""What events with several definitions wait for: one of their parts, or all of them (BPMN 2.0.2, 10.5.5).

Each part has the trigger of an event that has nothing but that. An event one of whose parts has to be defined by a job
is not armed before, by none of its parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from app.engine.awaited import Awaited, Progress
from app.engine.completion import Completion
from app.engine.elements.trigger import Raised, Recur, Trigger
from app.engine.needs import Need
from app.engine.payload import Payload
from app.engine.records import MessageSubscription, SignalSubscription
from app.engine.slots import NotEvaluated
from app.engine.types import JobType, TaskType
from app.errors import refused
from app.timer import TimerError, first_due

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.graph import Node
    from app.engine.records import ElementInstance, Message, Task
    from app.engine.run import Run


class MultipleTrigger(Trigger):
    """The first of the parts that happens is enough."""

    jobs = (JobType.SET_MESSAGE_CORRELATION_KEY, JobType.SET_TIMER)
    leaves = (MessageSubscription, SignalSubscription)

    def needs_job(self, node: Node) -> bool:
        return any(part.is_left_to_job for part in node.parts)

    def job(self, node: Node) -> JobType:
        part = node.asked_about
        return _trigger(part).job(part)

    def is_evaluated(self, node: Node) -> bool:
        return not self.needs_job(node) and any(_trigger(part).is_evaluated(part) for part in node.parts)

    def define(self, run: Run, token: ElementInstance) -> None:
        self._begin(run, token, {})

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        return self._begin(run, token, dict(_evaluated(run, token)))

    def needs_of_job(self, node: Node, completion: Completion) -> Iterable[Need[Any]]:
        part = node.asked_about
        return _trigger(part).needs_of_job(part, completion)

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        part = token.node.asked_about
        assert part.part is not None
        known = {part.part: _trigger(part).given(run, token, part, completion)}
        try:
            known |= _evaluated(run, token)
        except NotEvaluated as error:
            raise refused(error.reason) from error
        return self._begin(run, token, known)

    def part_of(self, node: Node, payload: Payload) -> Node:
        assert payload.part is not None
        return node.parts[payload.part]

    def may_catch_errors(self, node: Node) -> bool:
        return any(_trigger(part).catches_errors for part in node.parts)

    def codes(self, event: ElementInstance, raised: Raised) -> Iterator[tuple[Node, str]]:
        for part, awaited in self._waiting(event):
            if raised.is_kind_of(_trigger(part)):
                yield part, awaited.name

    def signals(self, event: ElementInstance) -> Iterator[tuple[Node, str]]:
        for part, awaited in self._waiting(event):
            if _trigger(part).waits_for_signals:
                yield part, awaited.name

    def look(self, run: Ending, event: ElementInstance, node: Node, *, is_true: bool) -> None:
        progress = Progress.of(event.context)
        if progress is None:
            return
        if is_true and not (progress.true | progress.happened) & _bit(node):
            self._becomes_true(run, event, node, progress)
        if is_true:
            progress.true |= _bit(node)
        elif event.node.recurs:
            # One that can happen only once has, though its task has not run yet.
            progress.true &= ~_bit(node)
        _keep(run, event, progress)

    def happens(self, run: Run, event: ElementInstance, node: Node, raised: Raised | None) -> bool:
        if not event.node.recurs:
            _is_over(run, event)
        return True

    def needs_to_recur(self, token: ElementInstance, node: Node, message: Message | None) -> Iterable[Need[Any]]:
        return _trigger(node).needs_to_recur(token, node, message)

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
        recur = _trigger(node).recurrence(run, token, node, task, payload)
        if recur is not None or token.node.interrupting:
            return recur
        progress = _progress(token)
        progress.happened |= _bit(node)
        _keep(run, token, progress)
        return None if progress.happened == _all(token) else lambda _renewed: None

    def _becomes_true(self, run: Ending, event: ElementInstance, node: Node, progress: Progress) -> None:
        run.create_task(event, TaskType.TRIGGER_EVENT, Payload(part=node.part))

    def _begin(self, run: Run, token: ElementInstance, known: Mapping[int, Awaited]) -> bool:
        """`known` is what the model does not say."""
        _keep(run, token, Progress(known=dict(known)))
        return self._arm(run, token)

    def _arm(self, run: Run, token: ElementInstance) -> bool:
        """False where it has happened by that: then it need not wait for the others, unless it recurs."""
        waits = True
        for part, awaited in self._waiting(token):
            waits = _trigger(part).arm(run, token, part, awaited) and waits
            if not (waits or token.node.recurs):
                break
        return waits

    def _waiting(self, event: ElementInstance) -> Iterator[tuple[Node, Awaited]]:
        """Its parts that have not happened yet, if it is armed, each with what it waits for."""
        progress = Progress.of(event.context)
        return _left(event.node, progress) if progress is not None else iter(())


class ParallelMultipleTrigger(MultipleTrigger):
    """All of the parts must have happened, each of them once; then they are waited for anew, if the event recurs.

    A condition has happened when it has become true, whatever it is later: its task only sees whether all is complete.
    """

    def happens(self, run: Run, event: ElementInstance, node: Node, raised: Raised | None) -> bool:
        progress = _progress(event)
        if not node.watched:
            progress.happened |= _bit(node)
        if raised is not None:
            progress.raised |= raised.variables()
        _keep(run, event, progress)
        is_complete = progress.happened == _all(event)
        if is_complete and not event.node.recurs:
            _is_over(run, event)
        return is_complete

    def interrupts(self, event: ElementInstance, node: Node) -> bool:
        return event.node.interrupting and _progress(event).happened | _bit(node) == _all(event)

    def caught(self, event: ElementInstance, raised: Raised | None) -> dict[str, str]:
        return _progress(event).raised

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
        return lambda _renewed: None

    def renew(self, run: Run, event: ElementInstance) -> ElementInstance | None:
        progress = _progress(event)
        progress.happened, progress.raised = 0, {}
        if not all(_can_happen(run, awaited) for _, awaited in _left(event.node, progress)):
            _is_over(run, event)
            return None
        renewed = run.renew(event)
        _keep(run, renewed, progress)
        run.arm_later(renewed)
        return renewed

    def arm_anew(self, run: Run, renewed: ElementInstance) -> None:
        self._arm(run, renewed)

    def _becomes_true(self, run: Ending, event: ElementInstance, node: Node, progress: Progress) -> None:
        progress.happened |= _bit(node)
        super()._becomes_true(run, event, node, progress)

    def _arm(self, run: Run, token: ElementInstance) -> bool:
        """False where all have happened by that."""
        waits = [_trigger(part).arm(run, token, part, awaited) for part, awaited in self._waiting(token)]
        return any(waits)


def _left(node: Node, progress: Progress) -> Iterator[tuple[Node, Awaited]]:
    """The parts that have not happened yet, each with what it waits for."""
    for number, part in enumerate(node.parts):
        if not progress.happened & _bit(part):
            yield part, progress.known.get(number) or _trigger(part).modeled(part)


def _can_happen(run: Run, awaited: Awaited) -> bool:
    """Whether a part that has happened can do so again: a date comes once."""
    if awaited.timer is None:
        return True
    try:
        return awaited.timer.time is None and first_due(awaited.timer, run.now) is not None
    except TimerError:
        return False


def _evaluated(run: Run, token: ElementInstance) -> Iterator[tuple[int, Awaited]]:
    """What the engine evaluates of the parts. Raises NotEvaluated."""
    for number, part in enumerate(token.node.parts):
        if _trigger(part).is_evaluated(part):
            yield number, _trigger(part).evaluated(run, token, part)


def _trigger(part: Node) -> Trigger:
    assert part.behavior.trigger is not None
    return part.behavior.trigger


def _progress(event: ElementInstance) -> Progress:
    progress = Progress.of(event.context)
    assert progress is not None, f"{event.node.id} is not armed"
    return progress


def _keep(run: Ending, event: ElementInstance, progress: Progress) -> None:
    event.context = progress.context
    run.changes.update(event)


def _is_over(run: Run, event: ElementInstance) -> None:
    """Nothing else can happen to the event, even if it has to wait for a decision of where it goes on."""
    progress = _progress(event)
    progress.happened = _all(event)
    _keep(run, event, progress)
    run.stop_waiting(event)


def _bit(part: Node) -> int:
    assert part.part is not None
    return 1 << part.part


def _all(event: ElementInstance) -> int:
    return (1 << len(event.node.parts)) - 1
