"""What the instances of an activity with a marker are inside of: of a multi-instance, or of a standard loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.bpmn.loops import COUNTER, MAX_PARALLEL
from app.engine.completion import Completion
from app.engine.contexts import FAILED, OVER
from app.engine.elements.base import Behavior
from app.engine.elements.catching import escalate_from
from app.engine.elements.signal import throw_signal
from app.engine.needs import OutputItems
from app.engine.records import Job, Task
from app.engine.slots import NotEvaluated, Slot, Thrown
from app.engine.types import InstanceState, JobType
from app.engine.values import Stored, as_json, items_of, value_of
from app.errors import refused
from app.expr import EvaluationError, Value, as_cardinality, as_condition

if TYPE_CHECKING:
    from app.bpmn.model import Loop
    from app.engine.records import ElementInstance
    from app.engine.run import Run

TOO_MANY = f"expected a loop cardinality of at most {MAX_PARALLEL}"


class Body(Behavior):
    """Carries the boundary events of the activity, and goes on when its inner instances are over."""

    is_scope = True
    leaves = (Job, Task)

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.attach(token, token.node.attached)

    def ready(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        self.begin(run, token)

    def begin(self, run: Run, token: ElementInstance) -> None:
        """The body is STARTED."""
        raise NotImplementedError

    def child_completed(self, run: Run, token: ElementInstance, child: ElementInstance) -> None:
        token.loop_completed += 1
        run.changes.update(token)
        self.throw(run, token, child)
        if not token.state.ended:
            self.go_on(run, token, child)

    def throw(self, run: Run, token: ElementInstance, last: ElementInstance) -> None:
        """Throws what the `last` inner instance, which is over, gives rise to; it may end the body."""

    def go_on(self, run: Run, token: ElementInstance, last: ElementInstance | None) -> None:
        """The `last` inner instance is over: another one starts, or it is asked whether one shall."""
        raise NotImplementedError

    def emptied(self, run: Run, token: ElementInstance) -> None:
        """It is over once as many have been started as it wants; till then a job, or the next one, is on its way."""
        wanted = token.loop_cardinality
        if token.state is not InstanceState.STARTED or token.context == OVER:
            return
        if wanted is not None and token.loop_completed >= wanted:
            token.context = OVER
            run.changes.update(token)
            self.over(run, token)

    def over(self, run: Run, token: ElementInstance) -> None:
        run.complete(token)

    def start_next(self, run: Run, token: ElementInstance) -> ElementInstance:
        """One more inner instance, which knows its number."""
        inner = run.arrive(token.node, token)
        inner.loop_counter = token.loop_completed + token.active_children
        run.variables.set_values(inner, {COUNTER: str(inner.loop_counter)})
        return inner

    def finish(self, run: Run, token: ElementInstance) -> None:
        """No further instance is wanted: those that are active end, and the body is over."""
        for inner in run.children(token):
            run.terminate(inner)
        token.loop_cardinality = token.loop_completed
        run.changes.update(token)
        run.look_at(token)


class StandardLoop(Body):
    """Repeats as long as its condition is true, and at most as often as its maximum says (BPMN 2.0.2, 13.3.6)."""

    jobs = (JobType.EVALUATE_LOOP_CONDITION,)
    leaving_jobs = frozenset(jobs)

    def begin(self, run: Run, token: ElementInstance) -> None:
        if _loop(token).test_before:
            self.go_on(run, token, None)
        else:
            self.start_next(run, token)

    def go_on(self, run: Run, token: ElementInstance, last: ElementInstance | None) -> None:
        loop = _loop(token)
        if loop.maximum is not None and token.loop_completed >= loop.maximum:
            self.finish(run, token)
        elif loop.condition is None and loop.maximum is not None:
            self.start_next(run, token)
        elif Slot.LOOP_CONDITION not in token.node.programs:
            run.create_job(token, JobType.EVALUATE_LOOP_CONDITION)
        else:
            try:
                given = {COUNTER: token.loop_completed}
                is_true = run.slot(token, Slot.LOOP_CONDITION, as_condition, given, seen_from=last)
            except NotEvaluated as error:
                run.fail_to_evaluate(token, error.slot, error.reason)
            else:
                self._decide(run, token, goes_on=is_true)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        self.go_on(run, token, None)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        self._decide(run, token, goes_on=_fulfilled(completion))

    def _decide(self, run: Run, token: ElementInstance, *, goes_on: bool) -> None:
        if goes_on:
            self.start_next(run, token)
        else:
            self.finish(run, token)


class MultiInstance(Body):
    """As many instances as a number, a collection or a worker says, at once or in turn (BPMN 2.0.2, 13.3.7)."""

    jobs = (JobType.SET_LOOP_CARDINALITY, JobType.EVALUATE_COMPLETION_CONDITION)
    leaving_jobs = frozenset({JobType.EVALUATE_COMPLETION_CONDITION})

    def begin(self, run: Run, token: ElementInstance) -> None:
        loop = _loop(token)
        if loop.collection:
            self._begin_with_items(run, token, loop)
        elif loop.literal is None and Slot.LOOP_CARDINALITY not in token.node.programs:
            run.create_job(token, JobType.SET_LOOP_CARDINALITY)
        else:
            try:
                self._begin_with(run, token, _wanted(run, token, loop))
            except NotEvaluated as error:
                run.fail_to_evaluate(token, error.slot, error.reason)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        loop = _loop(token)
        if job.type is JobType.SET_LOOP_CARDINALITY:
            wanted = completion.loop_cardinality
            if wanted is None or wanted < 0:
                raise refused("expected a loop cardinality")
            if _is_too_many(loop, wanted):
                raise refused(TOO_MANY)
            self._begin_with(run, token, wanted)
        elif token.context != OVER:
            self._decide(run, token, is_complete=_fulfilled(completion))

    def throw(self, run: Run, token: ElementInstance, last: ElementInstance) -> None:
        """Boundary events of the body catch it before anything else does (BPMN 2.0.2, 10.3.8)."""
        node, scope = token.node, run.scope_of(token)
        if _loop(token).behavior == "One" and token.loop_completed > 1:
            return
        given = _counts(token, last)
        for thrown in [each for each in node.throws if _is_thrown(run, last, each, given)]:
            if scope.state.ended:
                return
            if thrown.definition.signal_name is not None:
                throw_signal(run, token, thrown.definition.signal_name)
            elif thrown.definition.escalation_code is not None:
                escalate_from(run, token, thrown.definition.escalation_code)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        if slot is Slot.LOOP_DATA_OUTPUT:
            self.over(run, token)
        elif slot is not Slot.COMPLETION_CONDITION:
            self.begin(run, token)
        elif token.context != OVER:
            token.context = None
            self.go_on(run, token, None)

    def go_on(self, run: Run, token: ElementInstance, last: ElementInstance | None) -> None:
        loop = _loop(token)
        is_next = loop.sequential and token.loop_completed < (token.loop_cardinality or 0)
        if token.context == FAILED or not (is_next or token.active_children):
            return
        if loop.condition is None:
            self._decide(run, token, is_complete=False)
        elif Slot.COMPLETION_CONDITION not in token.node.programs:
            run.create_job(token, JobType.EVALUATE_COMPLETION_CONDITION)
        else:
            try:
                given = _counts(token, last)
                is_true = run.slot(token, Slot.COMPLETION_CONDITION, as_condition, given, seen_from=last)
            except NotEvaluated as error:
                # Until that is resolved, nothing is evaluated.
                token.context = FAILED
                run.changes.update(token)
                run.fail_to_evaluate(token, error.slot, error.reason)
            else:
                self._decide(run, token, is_complete=is_true)

    def _decide(self, run: Run, token: ElementInstance, *, is_complete: bool) -> None:
        if is_complete:
            self.finish(run, token)
        elif _loop(token).sequential:
            self.start_next(run, token)

    def start_next(self, run: Run, token: ElementInstance) -> ElementInstance:
        inner = super().start_next(run, token)
        token.loop_counter = inner.loop_counter
        loop = _loop(token)
        if loop.item and loop.sequential:
            assert inner.loop_counter is not None
            item = self._item_of(run, token, loop, inner.loop_counter)
            _give_item(run, inner, loop, item, encrypted=self._is_encrypted(run, token, loop))
        return inner

    def _item_of(self, run: Run, token: ElementInstance, loop: Loop, number: int) -> Any:
        """None where somebody has made the body's copy of the collection shorter, or something else, meanwhile."""
        try:
            items = self._items(run, token, loop)
        except EvaluationError:
            return None
        return items[number - 1] if number <= len(items) else None

    def over(self, run: Run, token: ElementInstance) -> None:
        if _loop(token).output_collection:
            try:
                self._collect(run, token, _loop(token))
            except EvaluationError as error:
                run.fail_to_evaluate(token, Slot.LOOP_DATA_OUTPUT, str(error))
                return
        super().over(run, token)

    def _begin_with(self, run: Run, token: ElementInstance, wanted: int) -> None:
        token.loop_cardinality = wanted
        token.loop_counter = 0
        run.changes.update(token)
        if not wanted:
            run.look_at(token)
        for _ in range(min(wanted, 1) if _loop(token).sequential else wanted):
            self.start_next(run, token)

    def _begin_with_items(self, run: Run, token: ElementInstance, loop: Loop) -> None:
        try:
            items = self._items(run, token, loop)
        except EvaluationError as error:
            run.fail_to_evaluate(token, Slot.LOOP_DATA_INPUT, str(error))
            return
        if _is_too_many(loop, len(items)):
            run.fail_to_evaluate(token, Slot.LOOP_DATA_INPUT, TOO_MANY)
            return
        encrypted = self._is_encrypted(run, token, loop)
        if loop.sequential:
            # What changes later does not count.
            run.variables.set_values(token, {loop.collection: as_json(items)}, encrypted=encrypted)
        self._begin_with(run, token, len(items))
        if loop.item and not loop.sequential:
            for inner, item in zip(run.children(token), items, strict=True):
                _give_item(run, inner, loop, item, encrypted=encrypted)

    def _items(self, run: Run, token: ElementInstance, loop: Loop) -> list[Any]:
        return items_of(loop.collection, run.stored(token, loop.collection), run.variables.decrypt)

    def _is_encrypted(self, run: Run, token: ElementInstance, loop: Loop) -> bool:
        stored = run.stored(token, loop.collection)
        return stored is not None and stored.encrypted

    def _collect(self, run: Run, token: ElementInstance, loop: Loop) -> None:
        """Writes what the inner instances have put out, in their order, to the scope that has such a collection."""
        found = self._outputs(run, token, loop)
        decrypt, numbers = run.variables.decrypt, range(1, (token.loop_counter or 0) + 1)
        items = [_item(found.get(number), decrypt) for number in numbers]
        run.variables.store(
            run.instance,
            run.scope_with(token, loop.output_collection),
            loop.output_collection,
            "json",
            as_json(items),
            encrypted=any(stored.encrypted for stored in found.values()),
        )

    def _outputs(self, run: Run, token: ElementInstance, loop: Loop) -> dict[int, Stored]:
        found: dict[int, Stored] = {}
        if token.id:
            stored_items = run.need(OutputItems(token.partition, run.instance.id, token.id, loop.output_item))
            found.update(stored_items)
        for known in run.inside(token):
            if known.loop_counter and known.state is not InstanceState.COMPLETED:
                found.pop(known.loop_counter, None)
        for (_, inner, name), stored in run.changes.values.items():
            if inner and inner.parent is token and inner.loop_counter and name == loop.output_item:
                if stored is None:
                    found.pop(inner.loop_counter, None)
                elif inner.state is InstanceState.COMPLETED:
                    found[inner.loop_counter] = stored
        return found


def _is_thrown(run: Run, last: ElementInstance, thrown: Thrown, given: Mapping[str, Value]) -> bool:
    """Whether its condition is true; one that can't be evaluated is not."""
    if thrown.condition is None:
        return True
    try:
        return run.evaluate(last, thrown.condition, as_condition, given)
    except EvaluationError:
        return False


def _give_item(run: Run, inner: ElementInstance, loop: Loop, item: Any, *, encrypted: bool) -> None:
    run.variables.set_values(inner, {loop.item: as_json(item)}, encrypted=encrypted)


def _item(stored: Stored | None, decrypt: Callable[[str], str]) -> Any:
    return None if stored is None else value_of(stored, decrypt)


def _wanted(run: Run, token: ElementInstance, loop: Loop) -> int:
    """How many instances the model says. Raises NotEvaluated."""
    wanted = loop.literal
    if wanted is None:
        wanted = run.slot(token, Slot.LOOP_CARDINALITY, as_cardinality)
    if _is_too_many(loop, wanted):
        raise NotEvaluated(Slot.LOOP_CARDINALITY, TOO_MANY)
    return wanted


def _counts(token: ElementInstance, last: ElementInstance | None) -> dict[str, int]:
    """What is known of the instances when one of them is over (BPMN 2.0.2, 10.3.8)."""
    started = token.loop_counter or 0
    return {
        COUNTER: (last.loop_counter if last else None) or token.loop_completed,
        "numberOfInstances": started,
        "numberOfActiveInstances": token.active_children,
        "numberOfCompletedInstances": token.loop_completed,
        "numberOfTerminatedInstances": started - token.active_children - token.loop_completed,
    }


def _is_too_many(loop: Loop, wanted: int) -> bool:
    return not loop.sequential and wanted > MAX_PARALLEL


def _fulfilled(completion: Completion) -> bool:
    if completion.condition_fulfilled is None:
        raise refused("expected whether the condition is fulfilled")
    return completion.condition_fulfilled


def _loop(token: ElementInstance) -> Loop:
    assert token.node.loop is not None
    return token.node.loop
