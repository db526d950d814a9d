"""Compensation: what has completed is undone, the last one first (BPMN 2.0.2, 10.7 and 13.5.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from app.engine.awaited import Awaited
from app.engine.contexts import GONE_ON
from app.engine.elements.base import Behavior
from app.engine.elements.event import BoundaryEvent
from app.engine.elements.trigger import Trigger
from app.engine.needs import ElementVariables
from app.engine.records import DONE, READY
from app.engine.values import Stored

if TYPE_CHECKING:
    from app.engine.ending import Ending
    from app.engine.graph import Flow, Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class CompensationThrow(Behavior):
    """Has the handlers of what has completed in its scope run one after the other, and goes on when none is left.

    One at a time, in the reverse order of the starts, satisfies all that the standard asks of their order.
    """

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        if not token.node.waits:
            flows = run.decide_flows(token) if token.node.has_conditions else token.node.outgoing
            if flows is not None:
                run.go_on(token, flows)
        self.proceed(run, token)

    def decided(self, run: Run, token: ElementInstance, flows: Sequence[Flow]) -> None:
        if run.hosted(token):
            run.go_on(token, flows)
        else:
            run.complete(token, flows)

    def has_gone_on(self, token: ElementInstance) -> bool:
        return token.context == GONE_ON

    def hosted_completed(self, run: Run, token: ElementInstance, hosted: ElementInstance) -> None:
        self.proceed(run, token)

    def terminated(self, run: Ending, token: ElementInstance) -> None:
        for handler in run.hosted(token):
            run.terminate(handler)

    def proceed(self, run: Run, token: ElementInstance) -> None:
        """Starts the next handler; the event is over where there is none."""
        completed = _Completed(run, token)
        while (candidate := completed.last()) is not None:
            if completed.undo(candidate):
                return
        self.over(run, token)

    def over(self, run: Run, token: ElementInstance) -> None:
        if token.node.waits:
            run.complete(token)
        elif self.has_gone_on(token):
            run.complete(token, [])


class CancelEnd(CompensationThrow):
    """Ends what is active in its transaction, undoes what has completed there, and leaves it by its cancel event.

    BPMN 2.0.2, 13.5.6.
    """

    def enter(self, run: Run, token: ElementInstance) -> None:
        transaction = run.scope_of(token)
        for event in run.armed(transaction):
            trigger = event.node.behavior.trigger
            is_kept = trigger is not None and (trigger.may_catch_errors(event.node) or trigger.catches_cancellation)
            if not is_kept:
                run.abandon(event)
        run.terminate_others(token)
        super().enter(run, token)

    def over(self, run: Run, token: ElementInstance) -> None:
        transaction = run.scope_of(token)
        run.complete(token)
        for event in run.armed(transaction):
            trigger = event.node.behavior.trigger
            if trigger is not None and trigger.catches_cancellation:
                event.behavior.happens(run, event)


class CancelTrigger(Trigger):
    """Nothing has to be defined."""

    jobs = ()
    catches_cancellation = True

    def needs_job(self, node: Node) -> bool:
        return False

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        """It waits for the transaction to be canceled."""
        return True


class CancelBoundary(BoundaryEvent):
    def __init__(self) -> None:
        super().__init__(CancelTrigger())


class _Completed:
    """What a compensation event can undo."""

    def __init__(self, run: Run, event: ElementInstance) -> None:
        self._run = run
        self._event = event
        run.need_all()
        self._all = [each for each in run.completed() if each.compensation == READY]

    def last(self) -> ElementInstance | None:
        """The one that has started last, of those that the event sees and that had ended when it was reached."""
        event = self._event
        reached = event.started_at
        assert reached is not None
        return _last(
            each
            for scope_id, scope in self._scopes()
            for each in self._inside(scope_id, scope)
            if event.node.activity in (None, each.node) and each.ended_at is not None and each.ended_at <= reached
        )

    def undo(self, completed: ElementInstance) -> bool:
        """Starts the handler of what has completed, or of what is inside of it; False where none is left there."""
        way = [completed]
        while (inside := self._next_inside(way[-1])) is not None:
            way.append(inside)
        last = way[-1]
        last.compensation = DONE
        self._run.changes.update(last)
        self._all.remove(last)
        handled_by = None if last.is_body else last.node.compensated_by
        if handled_by is None:
            return False
        self._handle(handled_by, way)
        return True

    def _next_inside(self, completed: ElementInstance) -> ElementInstance | None:
        """What is to be undone before it, where it has no handler of its own."""
        if completed.node.compensated_by is not None and not completed.is_body:
            return None
        return _last(iter(self._inside(completed.id, completed)))

    def _scopes(self) -> Iterator[tuple[int, ElementInstance | None]]:
        """What the event is in; in an event sub-process also what that belongs to, or what it undoes."""
        scope = self._run.scope_of(self._event)
        yield scope.id, scope
        if scope.node.is_handler:
            if scope.undoes is not None:
                yield scope.undoes.id, scope.undoes
            elif scope.context is not None:
                yield int(scope.context), None
            elif scope.parent is not None:
                yield scope.parent.id, scope.parent

    def _inside(self, scope_id: int, scope: ElementInstance | None) -> list[ElementInstance]:
        return [
            each
            for each in self._all
            if (each.parent is scope and scope is not None) or (scope_id and each.parent_id == scope_id)
        ]

    def _handle(self, handled_by: Node, way: list[ElementInstance]) -> None:
        """A visit of the event that leads to the handler, and the handler with the variables of what it undoes."""
        run, scope = self._run, self._run.scope_of(self._event)
        event = run.new_token(handled_by, scope, way[-1])
        run.complete(event, [])
        node = handled_by.undone_by or handled_by.parent
        assert node is not None
        handler = run.arrive(node, scope, event, host=self._event)
        if node.is_handler:
            handler.undoes = way[-1]
        for name, stored in self._variables(way).items():
            run.variables.copy(run.instance, handler, name, stored)

    def _variables(self, way: list[ElementInstance]) -> dict[str, Stored]:
        """Of the scopes that have ended, from the outermost to what is undone: inner values win."""
        ids = tuple(each.id for each in way if each.id)
        loaded = self._run.need(ElementVariables(self._run.instance.partition, ids)) if ids else {}
        found: dict[str, Stored] = {}
        for scope in way:
            own: dict[str, Stored | None] = {name: stored for (id, name), stored in loaded.items() if id == scope.id}
            for (_, token, name), stored in self._run.changes.values.items():
                if token is not None and (token is scope or (token.id and token.id == scope.id)):
                    own[name] = stored
            found |= {name: stored for name, stored in own.items() if stored is not None}
        return found


def _last(found: Iterator[ElementInstance]) -> ElementInstance | None:
    """The one that has started last; new ones have no ids yet, and are in their order."""
    last: ElementInstance | None = None
    for each in found:
        if last is None or _start(each) >= _start(last):
            last = each
    return last


def _start(token: ElementInstance) -> tuple[object, bool, int]:
    return token.started_at, not token.id, token.id
