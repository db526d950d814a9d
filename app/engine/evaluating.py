"""What a walk finds out from variables: the values of expressions, and conditions that have become true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from app.engine.ending import Ending
from app.engine.needs import VariablesNamed
from app.engine.records import ElementInstance
from app.engine.slots import NotEvaluated, Slot
from app.engine.types import InstanceState, TaskType
from app.engine.values import Stored, value_of
from app.expr import MISSING, EvaluationError, Missing, Program, Value, as_condition

T = TypeVar("T")
TRUE, FALSE = "true", "false"
"""Context of an event that waits for a condition: what that was."""


class Evaluating(Ending):
    """Reads variables as the tokens of a walk see them."""

    def stored(self, token: ElementInstance | None, name: str) -> Stored | None:
        """What the variable is at the token, or else in the nearest scope around it that has it."""
        scope, loaded = token, self._loaded(name)
        while scope is not None and scope.instance is self.instance:
            found = self._stored_at(scope, name, loaded)
            if found is not None:
                return found
            scope = scope.parent
        return self._stored_at(None, name, loaded)

    def scope_with(self, token: ElementInstance, name: str) -> ElementInstance | None:
        """The innermost scope around the token that has a variable of that name; None is the process instance.

        An inner instance of a multi-instance has what its body collects, whether it is set yet or not.
        """
        loaded = self._loaded(name)
        scope = token.parent
        while scope is not None and scope.instance is self.instance:
            puts_out = scope.is_inner and scope.node.loop is not None and scope.node.loop.output_item == name
            if puts_out or self._stored_at(scope, name, loaded) is not None:
                return scope
            scope = scope.parent
        return None

    def evaluate(
        self,
        token: ElementInstance,
        program: Program,
        convert: Callable[[Value], T],
        given: Mapping[str, Value] = MappingProxyType({}),
    ) -> T:
        """The value of an expression with the variables that the token sees; those that are `given` come first.

        What is attached sees what its host does. Raises EvaluationError.
        """
        seen_from = token.host or token

        def look_up(name: str) -> Value | Missing:
            if name in given:
                return given[name]
            stored = self.stored(seen_from, name)
            return MISSING if stored is None else value_of(stored, self.variables.decrypt)

        return program.evaluate_as(convert, look_up, lambda: self.now)

    def slot(
        self,
        token: ElementInstance,
        slot: Slot,
        convert: Callable[[Value], T],
        given: Mapping[str, Value] = MappingProxyType({}),
        *,
        seen_from: ElementInstance | None = None,
    ) -> T:
        """The value of a slot of the element. Raises NotEvaluated."""
        try:
            return self.evaluate(seen_from or token, token.node.programs[slot], convert, given)
        except EvaluationError as error:
            raise NotEvaluated(slot, str(error)) from error

    def watch(self, event: ElementInstance) -> None:
        """The condition that the event waits for is looked at when the walk comes to rest."""
        self._watched[event] = None

    def look_at_conditions(self) -> None:
        """Has events happen that wait for a condition which has become true, now that nothing moves.

        One that can't be evaluated is false. It must have been false before the event happens again (10.5.5).
        """
        watched = self.graph.watched_names
        changed = {name for (instance, _, name) in self.changes.values if instance is self.instance} & watched
        if changed:
            self.need_all()
        waiting = [token for token in self.tokens() if token.node.is_watched] if changed else list(self._watched)
        for token in waiting:
            state = InstanceState.CREATED if token.host else InstanceState.STARTED
            is_new = token in self._watched
            if token.state is state and (is_new or changed & token.node.programs[Slot.CONDITION].names):
                self._look_at_condition(token)
        self._watched.clear()

    def _look_at_condition(self, token: ElementInstance) -> None:
        if token.context == TRUE and not token.node.recurs:
            # It has happened, and can do so only once, though its task has not run yet.
            return
        try:
            is_true = self.evaluate(token, token.node.programs[Slot.CONDITION], as_condition)
        except EvaluationError:
            is_true = False
        if is_true and token.context != TRUE:
            self.create_task(token, TaskType.TRIGGER_EVENT)
        token.context = TRUE if is_true else FALSE
        self.changes.update(token)

    def _loaded(self, name: str) -> Mapping[tuple[int | None, str], Stored]:
        if not self.instance.id:
            return {}
        names = self.graph.names if name in self.graph.names else frozenset({name})
        return self.need(VariablesNamed(self.instance.partition, self.instance.id, names))

    def _stored_at(
        self, scope: ElementInstance | None, name: str, loaded: Mapping[tuple[int | None, str], Stored]
    ) -> Stored | None:
        key = self.instance, scope, name
        if key in self.changes.values:
            return self.changes.values[key]
        return None if scope and not scope.id else loaded.get((scope.id if scope else None, name))
