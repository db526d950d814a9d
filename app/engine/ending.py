"""How tokens end: by themselves, from outside, with all that is inside of them, or with their instance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.records import READY, ElementInstance, Task
from app.engine.tokens import Tokens
from app.engine.types import InstanceState, TaskType, UserTaskState

if TYPE_CHECKING:
    pass


class Ending(Tokens):
    """Ends tokens, and notes the scopes that may be over by that."""

    def end(self, token: ElementInstance) -> None:
        """The token is COMPLETED without going on; what it may have left open is cleared away."""
        self._end(token, InstanceState.COMPLETED)
        self.clear_away(token, UserTaskState.TERMINATED)

    def abandon(self, token: ElementInstance, state: InstanceState = InstanceState.TERMINATED) -> None:
        """The token ends from outside; what it leaves open is cleared away."""
        self._end(token, state)
        self.clear_away(token, UserTaskState.CANCELED if state is InstanceState.CANCELED else UserTaskState.TERMINATED)

    def disarm(self, host: ElementInstance) -> None:
        """The events that are attached to the token happen no more."""
        for event in self.armed(host):
            self.abandon(event)

    def terminate(self, token: ElementInstance) -> None:
        """The token ends from outside, with everything inside it, attached to it, and called by it."""
        pending = [token]
        while pending:
            victim = pending.pop()
            if victim.state.ended:
                continue
            pending += self.children(victim)
            pending += self.armed(victim)
            victim.behavior.terminated(self, victim)
            self.abandon(victim)

    def terminate_others(self, token: ElementInstance) -> None:
        """Everything else that is active in the scope of the token ends."""
        for sibling in self.children(self.scope_of(token)):
            if sibling is not token:
                self.terminate(sibling)

    def interrupt(self, scope: ElementInstance) -> None:
        """Everything in the scope ends, and the scope itself goes on, even if it has not begun."""
        for event in self.armed(scope):
            if event.node.starts_handler:
                self.abandon(event)
        for child in self.children(scope):
            self.terminate(child)
        scope.pending_events = 0
        if scope.state is InstanceState.CREATED:
            self.wait(scope)

    def terminate_called(self, call_activity: ElementInstance) -> None:
        """What it has called ends, too, by a task."""
        if call_activity.id:
            self.need_all()
        called = self._called.get(call_activity.id)
        if called is None:
            return
        self.changes.schedule(
            Task(
                partition=called.partition,
                instance=called,
                process_id=called.process_id,
                process_instance_id=called.id,
                created_at=self.now,
                created_by=self.actor,
                due_at=self.now,
                type=TaskType.TERMINATE_PROCESS_INSTANCE,
            )
        )

    def end_instance(self, state: InstanceState, *, cascade: bool = True) -> None:
        """The instance and everything in it end in `state`; called instances too, by tasks, if `cascade`."""
        self.need_all()
        ending = self.tokens()
        for token in ending:
            self.abandon(token, state)
        for token in ending if cascade else ():
            token.behavior.terminated(self, token)
        self._end_process(state)

    def complete_instance(self, root: ElementInstance) -> None:
        """The instance is COMPLETED, and its caller is told."""
        self.disarm(root)
        self._end(root, InstanceState.COMPLETED)
        self._end_process(InstanceState.COMPLETED)
        call_activity = root.parent
        if self.caller and call_activity and not call_activity.state.ended:
            call_activity.behavior.returned(self.caller, call_activity, self.instance)

    def wait(self, token: ElementInstance, state: InstanceState = InstanceState.STARTED) -> None:
        """The token stays where it is, until a job, task or event moves it on."""
        token.state = state
        if state is InstanceState.STARTED and token.started_at is None:
            token.started_at = self.now
        self.changes.update(token)

    def _end(self, token: ElementInstance, state: InstanceState) -> None:
        was_waiting = token.waits_at_join
        token.state = state
        token.ended_at = self.now
        if state is InstanceState.COMPLETED:
            token.started_at = token.started_at or self.now
            if token.node.is_compensable:
                token.compensation = READY
        token.pending_events = 0
        self.changes.update(token)
        if token.node.parent is None or token.node.starts_handler:
            return
        scope = self.scope_of(token)
        self._count(scope, token, -1)
        if was_waiting:
            scope.waiting_joins -= 1
        if scope.waiting_joins:
            self._unsettled[scope] = None
        if scope.active_children == scope.active_handlers or scope.behavior.watches:
            self._queue.append((False, scope))

    def _end_process(self, state: InstanceState) -> None:
        self.instance.state = state
        self.instance.ended_at = self.now
        if state is InstanceState.COMPLETED and self.instance.started_at is None:
            self.instance.started_at = self.now
        self.changes.update(self.instance)
        if self.instance.message_id:
            self.changes.finished_messages[self.instance.message_id] = self.now
