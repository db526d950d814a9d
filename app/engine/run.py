"""One walk through one process instance: the working set of a command, and the verbs behaviours speak in.

Tokens are worked off in the order in which they were created, so a walk is breadth-first and never recurses;
that order is also the order of the ids of what is created. What holds for every kind of element lives here and in
the classes below: suspended and queued scopes, counting children, attached events, ending. What is special about a
kind is in `app.engine.elements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from app.engine.completion import Completion
from app.engine.contexts import GATHERING, GONE_ON, JOINED
from app.engine.evaluating import Evaluating
from app.engine.graph import Flow, Node
from app.engine.needs import Need
from app.engine.outgoing import decided_flows, true_flows
from app.engine.payload import Payload
from app.engine.records import ElementInstance, Job, ProcessInstance, Task
from app.engine.slots import Slot
from app.engine.types import InstanceState, JobType, TaskType, UserTaskState
from app.expr import EvaluationError


def needs_of_job(token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
    """What `Run.job_done` is going to need; raises Refusal for an unusable completion."""
    if job.type is JobType.EVALUATE_OUTGOING_FLOWS:
        # It is no matter of what the element waits for otherwise.
        return ()
    return token.behavior.needs_of_job(token, job, completion)


class Run(Evaluating):
    """Moves the tokens."""

    def begin(self, starts: Sequence[Node], call_activity: ElementInstance | None) -> None:
        """Enters a new instance at `starts`, and walks."""
        root = self.changes.insert(
            ElementInstance(
                partition=self.instance.partition,
                node=self.graph.root,
                instance=self.instance,
                parent=call_activity,
                parent_id=call_activity.id if call_activity else None,
                created_at=self.now,
                created_by=self.actor,
                started_at=self.instance.started_at,
                state=self.instance.state,
            )
        )
        self._remember(root)
        for node in root.node.handler_starts:
            self._queue.append((True, self.new_token(node, root, host=root)))
        for node in starts:
            gateway = node.starting_gateway
            token = self.arrive(gateway or node, root)
            if gateway is not None:
                token.context = node.id
        self._count_pending(root)
        self.drain()

    def drain(self) -> None:
        """Walks until every token waits or has ended.

        Raises EngineError EXECUTION for a walk without end, such as a cycle of elements nobody waits at.
        """
        while True:
            while self._queue:
                enter, token = self._queue.popleft()
                if token.state.ended:
                    continue
                if enter:
                    self._enter(token)
                else:
                    self._look_at(token)
            if not self._settle():
                self._arm_anew()
                self.look_at_conditions()
                return

    def arrive(
        self,
        node: Node,
        scope: ElementInstance,
        prev: ElementInstance | None = None,
        incoming: int | None = None,
        *,
        host: ElementInstance | None = None,
    ) -> ElementInstance:
        """A new token for `node` in `scope`; it is entered when its turn comes."""
        if scope.state is InstanceState.STARTED and self._is_stopped(scope):
            # What it is inside of was suspended while there was nothing in it to be stopped.
            self.wait(scope, InstanceState.SUSPENDED)
        token = self.new_token(node, scope, prev, host=host, incoming=incoming)
        self._queue.append((True, token))
        return token

    def go_on(self, token: ElementInstance, flows: Sequence[Flow], context: str = GONE_ON) -> None:
        """The flows go on, while the token stays: it does not keep a gateway from joining others any more."""
        token.context = context
        self.changes.update(token)
        self._go_on(token, self.scope_of(token), flows)
        self.unsettle(self.scope_of(token))

    def renew(self, event: ElementInstance) -> ElementInstance:
        """A new token for an attached event that has happened, configured like it.

        Its subscription goes over to the new one, and so do the tasks of what has happened since.
        """
        renewed = self.new_token(event.node, self.scope_of(event), event.prev, host=event.host)
        renewed.context = event.context
        self.changes.renewed[renewed] = self.changes.renewed.pop(event, event)
        return renewed

    def arm_later(self, event: ElementInstance) -> None:
        """A new token for an attached event that has happened waits anew, once the walk has come to rest."""
        self._to_arm.append(event)

    def complete(self, token: ElementInstance, flows: Sequence[Flow] | None = None) -> None:
        """The token ends and goes on along all outgoing flows, or along `flows`; its attached events end with it.

        Where the flows have conditions it stays until these are decided. An instance inside of a loop or multi-instance
        activity has no flows.
        """
        self.disarm(token)
        scope = self.scope_of(token)
        if not token.is_inner:
            if flows is None:
                flows = self.decide_flows(token) if token.node.has_conditions else token.node.outgoing
            if flows is None:
                return
            self._go_on(token, scope, flows)
        self._end(token, InstanceState.COMPLETED)
        if token.behavior.is_scope and token.behavior.leaves:
            # A decision that it has asked for does not matter any more.
            self.clear_away(token, UserTaskState.TERMINATED)
        scope.behavior.child_completed(self, scope, token)
        if token.host_id or token.host:
            if token.host is None:
                self.need_all()
            else:
                token.host.behavior.hosted_completed(self, token.host, token)

    def decide_flows(self, token: ElementInstance) -> list[Flow] | None:
        """Those of an activity or event with conditions; None where it waits for their decision."""
        if token in self._undecided:
            # A scope may be told more than once that nothing is active in it.
            return None
        self._undecided.add(token)
        self.wait(token)
        if not token.node.evaluates_flows:
            self.create_job(token, JobType.EVALUATE_OUTGOING_FLOWS)
            return None
        try:
            return true_flows(self, token)
        except EvaluationError as error:
            self.fail_to_evaluate(token, Slot.CONDITION, str(error))
            return None

    def attach(self, host: ElementInstance, nodes: Sequence[Node]) -> None:
        """Creates the events that are attached to `host`, or follow it; it is ready once all are defined."""
        host.state = InstanceState.CREATED
        self.changes.update(host)
        for node in nodes:
            if node.starts_handler:
                token = self.new_token(node, host, host=host)
            else:
                token = self.new_token(node, self.scope_of(host), host, host=host)
            self._queue.append((True, token))
        self._count_pending(host)
        if host.pending_events == 0:
            host.behavior.ready(self, host)

    def defined(self, event: ElementInstance) -> None:
        """An attached or following event needs no job any more; the last one makes its host ready."""
        host = event.host
        assert host is not None
        if not host.pending_events:
            # What happens inside it has begun already, by an event that did not wait for the others.
            return
        host.pending_events -= 1
        self.changes.update(host)
        if host.pending_events == 0 and (host.state is InstanceState.CREATED or host.node.parent is None):
            host.behavior.ready(self, host)

    def enter(self, token: ElementInstance) -> None:
        """The token, which was held, is entered when its turn comes."""
        self._queue.append((True, token))

    def look_at(self, scope: ElementInstance) -> None:
        """The scope is told when its turn comes, if nothing is active inside it."""
        self._queue.append((False, scope))

    def unsettle(self, scope: ElementInstance) -> None:
        """Gateways of the scope at which tokens wait for others are looked at when the walk comes to rest."""
        self._unsettled[scope] = None

    def is_gathered(self, token: ElementInstance) -> bool:
        """Whether as many tokens have arrived as the activity needs to start (BPMN 2.0.2, 13.3.2)."""
        siblings = [
            other
            for other in self.children(self.scope_of(token))
            if other.node is token.node and other.context == GATHERING and other.state is InstanceState.CREATED
        ]
        if len(siblings) + 1 < token.node.start_quantity:
            token.context = GATHERING
            return False
        token.context = None
        for other in siblings[: token.node.start_quantity - 1]:
            self.end(other)
        return True

    def wait_at_join(self, token: ElementInstance) -> None:
        """The token has begun to wait at a gateway until no other one of its scope can get there."""
        scope = self.scope_of(token)
        scope.waiting_joins += 1
        self.changes.update(scope)
        self.unsettle(scope)

    def leave_join(self, token: ElementInstance, context: str = JOINED) -> None:
        """The token has been joined, and is to decide where it goes on."""
        token.context = context
        self.changes.update(token)
        scope = self.scope_of(token)
        scope.waiting_joins -= 1
        self.changes.update(scope)

    def job_done(self, job: Job, token: ElementInstance, completion: Completion, retry_due: datetime) -> None:
        """A worker has completed `job`; `retry_due` is when a follow-up job of the same kind becomes due.

        Raises Refusal, or another EngineError, when the completion is unusable.
        """
        if job.type is JobType.EVALUATE_OUTGOING_FLOWS:
            token.behavior.decided(self, token, decided_flows(token.node, completion.inclusive_gateway_decision))
        else:
            token.behavior.job_done(self, token, job, completion, retry_due)
        self.drain()

    def task_due(self, task: Task, token: ElementInstance, payload: Payload) -> None:
        """A task of the token runs: a join, an event that has happened, or what could not be evaluated."""
        if task.type is TaskType.EVALUATE_EXPRESSION:
            assert payload.expression is not None
            slot = Slot(payload.expression)
            self.evaluates = token, slot, payload.part
            if slot is Slot.CONDITION and token.node.has_conditions:
                flows = self.decide_flows(token)
                if flows is not None:
                    token.behavior.decided(self, token, flows)
            else:
                token.behavior.evaluate(self, token, slot)
        else:
            token.behavior.task_due(self, token, task, payload)
        self.drain()

    def select_activities(self, token: ElementInstance, ids: Sequence[str]) -> None:
        """Starts activities of an ad-hoc sub-process.

        Raises EngineError CONFLICT for anything else, or one that is not STARTED, and Refusal where that is not
        possible.
        """
        token.behavior.select(self, token, ids)
        self.drain()

    def suspend(self) -> None:
        """Suspends the instance and its scopes; nothing that waits already is touched."""
        self.instance.state = InstanceState.SUSPENDED
        self.changes.update(self.instance)
        for token in self.tokens():
            if token.state is InstanceState.STARTED and token.active_children:
                token.state = InstanceState.SUSPENDED
                self.changes.update(token)

    def resume(self) -> None:
        """Continues a suspended instance: its scopes first, then what was reached meanwhile, in id order."""
        self._mark_started(self.instance)
        stopped = [t for t in self.tokens() if t.state is InstanceState.SUSPENDED]
        for token in stopped:
            if token.active_children or token.started_at or token.node.parent is None:
                self.wait(token)
                if token.waiting_joins:
                    self.unsettle(token)
                if token.active_children == token.active_handlers:
                    self.look_at(token)
            else:
                self.enter(token)
        self.drain()

    def dequeue(self) -> None:
        """Starts a queued instance."""
        self._mark_started(self.instance)
        for token in self.tokens():
            if token.node.parent is None:
                self.wait(token)
                self._count_pending(token)
            else:
                self.enter(token)
        self.drain()

    def _mark_started(self, instance: ProcessInstance) -> None:
        instance.state = InstanceState.STARTED
        if instance.started_at is None:
            instance.started_at = self.now
        self.changes.update(instance)

    def _count_pending(self, host: ElementInstance) -> None:
        """How many of the events that are attached to it now, or follow it, a job must define."""
        if host.state is not InstanceState.QUEUED:
            host.pending_events = sum(t.node.behavior.is_pending(t.node) for t in self.armed(host))

    def _is_stopped(self, scope: ElementInstance) -> bool:
        """Whether what the scope is inside of is suspended."""
        return scope.node.parent is not None and self.scope_of(scope).state is InstanceState.SUSPENDED

    def _enter(self, token: ElementInstance) -> None:
        scope = self.scope_of(token)
        behavior = token.behavior
        if scope.state is InstanceState.QUEUED or (
            scope.state is InstanceState.SUSPENDED and behavior.stops_when_suspended
        ):
            token.state = scope.state
            self.changes.update(token)
        elif scope.pending_events and scope.node.parent is None and token.host is None and not token.node.is_handler:
            # The process begins when the starts of its event sub-processes are defined.
            self.wait(token, InstanceState.CREATED)
        elif not scope.behavior.holds(self, scope, token):
            behavior.enter(self, token)

    def _look_at(self, scope: ElementInstance) -> None:
        if scope.active_children == 0 or scope.behavior.watches:
            scope.behavior.emptied(self, scope)
        elif scope.active_children == scope.active_handlers and scope.state is InstanceState.STARTED:
            # It only waits for what handles its events, and takes no further ones (BPMN 2.0.2, 13.5.4).
            for event in self.armed(scope):
                if event.node.starts_handler:
                    self.abandon(event)

    def _go_on(self, token: ElementInstance, scope: ElementInstance, flows: Iterable[Flow]) -> None:
        for flow in flows:
            for _ in range(token.node.completion_quantity):
                self.arrive(flow.target, scope, token, flow.place)
        if token.node.link:
            self.arrive(token.node.link, scope, token)

    def _arm_anew(self) -> None:
        """What has happened may have ended their hosts."""
        for event in self._to_arm:
            trigger = event.behavior.trigger
            if trigger is not None and not event.state.ended:
                trigger.arm_anew(self, event)
        self._to_arm.clear()

    def _settle(self) -> bool:
        """Has gateways look whether what waits there can go on, now that nothing moves; whether something does."""
        for scope in list(self._unsettled):
            del self._unsettled[scope]
            if scope.waiting_joins and scope.state is InstanceState.STARTED:
                self.need_all()
                for node in scope.node.joins:
                    if node.behavior.settle(self, scope, node):
                        self._unsettled[scope] = None
                        return True
        return bool(self._queue)
