"""One walk through one process instance: the working set of a command, and the verbs behaviours speak in.

Tokens are worked off in the order in which they were created, so a walk is breadth-first and never recurses;
that order is also the order of the ids of what is created. What holds for every kind of element lives here:
suspended and queued scopes, counting children, attached events, ending. What is special about a kind is in
`app.engine.elements`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from app.engine.changes import Changes
from app.engine.completion import Completion, VariableInput
from app.engine.elements import behavior_of
from app.engine.graph import Flow, Graph, Node
from app.engine.needs import Callee, Missing, Need, WholeInstance
from app.engine.payload import Payload
from app.engine.records import (
    ElementInstance,
    Job,
    Message,
    ProcessInstance,
    Task,
)
from app.engine.types import InstanceState, JobType, TaskType, UserTaskState
from app.engine.variables import Variables
from app.engine.work import Work
from app.errors import EngineError, ErrorKind, invalid_model

MAX_STEPS = 10_000
"""How many element instances one walk may enter, before it counts as endless."""


Prepare = Callable[[ProcessInstance], None]
"""Gives a new instance its variables, before it begins."""
_NOTHING: Mapping[Need[Any], Any] = MappingProxyType({})


class Run(Work):
    def __init__(
        self,
        instance: ProcessInstance,
        graph: Graph,
        *,
        now: datetime,
        actor: str,
        changes: Changes,
        tokens: Iterable[ElementInstance] = (),
        whole: bool = False,
        variables: Variables | None = None,
        known: Mapping[Need[Any], Any] = _NOTHING,
        message: Message | None = None,
        called: Mapping[int, ProcessInstance] = MappingProxyType({}),
        caller: Run | None = None,
    ) -> None:
        """`tokens` are linked with each other and in id order; `whole` says that no active one is missing.

        `known` is what is known of needs, and `message` the one that has arrived. `called` are active instances by the
        id of their call activity's element instance, if `whole`. `caller` is a run over the calling instance that has
        its call activity, as far as one is active.
        """
        super().__init__(instance, now=now, actor=actor, changes=changes, known=known, message=message)
        self.graph = graph
        self.caller = caller
        self.variables = variables
        self._called = called
        self._whole = whole
        self._steps = 0
        self._queue: deque[tuple[bool, ElementInstance]] = deque()
        self._tokens: list[ElementInstance] = []
        self._attached: dict[ElementInstance, list[ElementInstance]] = {}
        self._children: dict[ElementInstance, list[ElementInstance]] = {}
        for token in tokens:
            self._remember(token)

    def begin(self, start: Node, call_activity: ElementInstance | None) -> None:
        """Enters a new instance at `start`, and walks."""
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
        self.arrive(start, root)
        self.drain()

    def token(self, id: int) -> ElementInstance:
        return next(token for token in self._tokens if token.id == id)

    def tokens(self) -> list[ElementInstance]:
        """The known tokens that have not ended, in id order."""
        return [token for token in self._tokens if not token.state.ended]

    def attached(self, token: ElementInstance) -> list[ElementInstance]:
        """The active boundary events of an activity, or the active events behind an event-based gateway."""
        return [t for t in self._attached.get(token, ()) if not t.state.ended]

    def drain(self) -> None:
        """Walks until every token waits or has ended.

        Raises EngineError EXECUTION for a walk without end, such as a cycle of elements nobody waits at.
        """
        while self._queue:
            enter, token = self._queue.popleft()
            if token.state.ended:
                continue
            if enter:
                self._enter(token)
            elif token.active_children == 0:
                behavior_of(token.node).emptied(self, token)

    def arrive(self, node: Node, scope: ElementInstance, prev: ElementInstance | None = None) -> ElementInstance:
        """A new token for `node` in `scope`; it is entered when its turn comes."""
        token = self._new_token(node, scope, prev)
        self._queue.append((True, token))
        return token

    def renew(self, event: ElementInstance) -> ElementInstance:
        """A new token for a boundary event that has happened, configured like it.

        Its subscription goes over to the new one, and so do the tasks of what has happened since.
        """
        renewed = self._new_token(event.node, self._scope(event), event.prev)
        renewed.context = event.context
        self.changes.renewed[renewed] = self.changes.renewed.pop(event, event)
        return renewed

    def _new_token(self, node: Node, scope: ElementInstance, prev: ElementInstance | None) -> ElementInstance:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise EngineError(
                ErrorKind.EXECUTION,
                f"no wait state was reached within {MAX_STEPS} element instances, at last {node.id}",
                title="failed to continue execution",
            )
        token = ElementInstance(
            partition=self.instance.partition,
            node=node,
            instance=self.instance,
            parent=scope,
            parent_id=scope.id or None,
            prev=prev,
            prev_id=(prev.id or None) if prev else None,
            prev_element_id=prev.node.element_id if prev else None,
            created_at=self.now,
            created_by=self.actor,
            state=InstanceState.CREATED,
        )
        self.changes.insert(token)
        scope.active_children += 1
        self.changes.update(scope)
        self._remember(token)
        return token

    def wait(self, token: ElementInstance, state: InstanceState = InstanceState.STARTED) -> None:
        """The token stays where it is, until a job, task or event moves it on."""
        token.state = state
        if state is InstanceState.STARTED and token.started_at is None:
            token.started_at = self.now
        self.changes.update(token)

    def complete(self, token: ElementInstance, flows: Sequence[Flow] | None = None) -> None:
        """The token ends and goes on along all outgoing flows, or along `flows`; its attached events end with it."""
        scope = self._scope(token)
        for flow in token.node.outgoing if flows is None else flows:
            self.arrive(flow.target, scope, token)
        if token.node.link:
            self.arrive(token.node.link, scope, token)
        for event in self.attached(token):
            self.abandon(event)
        self._end(token, InstanceState.COMPLETED)

    def end(self, token: ElementInstance) -> None:
        """The token is COMPLETED without going on; what it may have left open is cleared away."""
        self._end(token, InstanceState.COMPLETED)
        self.clear_away(token, UserTaskState.TERMINATED)

    def abandon(self, token: ElementInstance, state: InstanceState = InstanceState.TERMINATED) -> None:
        """The token ends from outside; what it leaves open is cleared away."""
        self._end(token, state)
        self.clear_away(token, UserTaskState.CANCELED if state is InstanceState.CANCELED else UserTaskState.TERMINATED)

    def terminate(self, token: ElementInstance) -> None:
        """The token ends from outside, with everything inside it, attached to it, and called by it."""
        pending = [token]
        while pending:
            victim = pending.pop()
            if victim.state.ended:
                continue
            pending += self.children(victim)
            pending += self.attached(victim)
            behavior_of(victim.node).terminated(self, victim)
            self.abandon(victim)

    def terminate_others(self, token: ElementInstance) -> None:
        """Everything else that is active in the scope of the token ends."""
        for sibling in self.children(self._scope(token)):
            if sibling is not token:
                self.terminate(sibling)

    def terminate_called(self, call_activity: ElementInstance) -> None:
        """What it has called ends, too, by a task."""
        if not self._whole and call_activity.id:
            raise Missing(WholeInstance())
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
        if not self._whole and self.instance.id:
            raise Missing(WholeInstance())
        for token in self.tokens():
            if cascade:
                behavior_of(token.node).terminated(self, token)
            self.abandon(token, state)
        self._end_process(state)

    def complete_instance(self, root: ElementInstance) -> None:
        """The instance is COMPLETED, and its caller asks a worker for what it hands over."""
        self._end(root, InstanceState.COMPLETED)
        self._end_process(InstanceState.COMPLETED)
        call_activity = root.parent
        if self.caller and call_activity and not call_activity.state.ended:
            self.caller.create_job(call_activity, JobType.PASS_VARIABLES)

    def children(self, scope: ElementInstance) -> list[ElementInstance]:
        """The active tokens in a scope; raises Missing where they are not all loaded."""
        if not behavior_of(scope.node).is_scope:
            return []
        if not self._whole and scope.id and scope.active_children:
            raise Missing(WholeInstance())
        return [t for t in self._children.get(scope, ()) if not t.state.ended]

    def attach(self, host: ElementInstance, nodes: Sequence[Node]) -> None:
        """Creates the events that are attached to `host`, or follow it; it is ready once all are defined."""
        host.state = InstanceState.CREATED
        self.changes.update(host)
        for node in nodes:
            self.arrive(node, self._scope(host), host)
            if behavior_of(node).needs_job(node):
                host.pending_events += 1
        if host.pending_events == 0:
            behavior_of(host.node).ready(self, host)

    def defined(self, event: ElementInstance) -> None:
        """An attached or following event needs no job any more; the last one makes its host ready."""
        host = event.prev
        assert host is not None
        host.pending_events -= 1
        self.changes.update(host)
        if host.pending_events == 0 and host.state is InstanceState.CREATED:
            behavior_of(host.node).ready(self, host)

    def gateway(self, token: ElementInstance) -> ElementInstance | None:
        """The event-based gateway that the token follows directly."""
        if token.prev and behavior_of(token.prev.node).is_followed_by_events:
            return token.prev
        return None

    def call(
        self,
        token: ElementInstance,
        callee: Callee,
        *,
        correlation_key: str | None,
        tags: dict[str, str],
        variables: Sequence[VariableInput],
    ) -> None:
        """Creates the called instance; it runs as part of this walk."""

        def prepare(called: ProcessInstance) -> None:
            if variables:
                assert self.variables is not None
                self.variables.set_process_variables(called, variables)

        start_instance(
            callee.graph,
            partition=self.instance.partition,
            now=self.now,
            actor=self.actor,
            created_by=self.actor,
            changes=self.changes,
            state=InstanceState.QUEUED if callee.queued else self.instance.state,
            correlation_key=correlation_key,
            tags=tags,
            caller=self,
            call_activity=token,
            prepare=prepare,
        )

    def job_done(self, job: Job, token: ElementInstance, completion: Completion, retry_due: datetime) -> None:
        """A worker has completed `job`; `retry_due` is when a follow-up job of the same kind becomes due.

        Raises Refusal, or another EngineError, when the completion is unusable.
        """
        behavior_of(token.node).job_done(self, token, job, completion, retry_due)
        self.drain()

    def task_due(self, task: Task, token: ElementInstance, payload: Payload) -> None:
        """A task of the token runs: a join, or an event that has happened."""
        behavior_of(token.node).task_due(self, token, task, payload)
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
                if token.active_children == 0:
                    self._queue.append((False, token))
            else:
                self._queue.append((True, token))
        self.drain()

    def release(self) -> None:
        """Starts a queued instance."""
        self._mark_started(self.instance)
        for token in self.tokens():
            if token.node.parent is None:
                self.wait(token)
            else:
                self._queue.append((True, token))
        self.drain()

    def _mark_started(self, instance: ProcessInstance) -> None:
        instance.state = InstanceState.STARTED
        if instance.started_at is None:
            instance.started_at = self.now
        self.changes.update(instance)

    def _remember(self, token: ElementInstance) -> None:
        self._tokens.append(token)
        if token.parent:
            self._children.setdefault(token.parent, []).append(token)
        if token.prev and (token.node.host is not None or self.gateway(token)):
            self._attached.setdefault(token.prev, []).append(token)

    def _scope(self, token: ElementInstance) -> ElementInstance:
        assert token.parent is not None, f"{token.node.id} has no scope"
        return token.parent

    def _enter(self, token: ElementInstance) -> None:
        scope = self._scope(token)
        behavior = behavior_of(token.node)
        if scope.state is InstanceState.QUEUED or (
            scope.state is InstanceState.SUSPENDED and behavior.stops_when_suspended
        ):
            token.state = scope.state
            self.changes.update(token)
        else:
            behavior.enter(self, token)

    def _end(self, token: ElementInstance, state: InstanceState) -> None:
        token.state = state
        token.ended_at = self.now
        if state is InstanceState.COMPLETED and token.started_at is None:
            token.started_at = self.now
        token.pending_events = 0
        self.changes.update(token)
        if token.node.parent is None:
            return
        scope = self._scope(token)
        scope.active_children -= 1
        self.changes.update(scope)
        if scope.active_children == 0:
            self._queue.append((False, scope))

    def _end_process(self, state: InstanceState) -> None:
        self.instance.state = state
        self.instance.ended_at = self.now
        if state is InstanceState.COMPLETED and self.instance.started_at is None:
            self.instance.started_at = self.now
        self.changes.update(self.instance)
        if self.instance.message_id:
            self.changes.finished_messages[self.instance.message_id] = self.now


def start_instance(
    graph: Graph,
    *,
    partition: date,
    now: datetime,
    actor: str,
    created_by: str,
    changes: Changes,
    state: InstanceState,
    start: Node | None = None,
    correlation_key: str | None = None,
    tags: dict[str, str] | None = None,
    message_id: int | None = None,
    caller: Run | None = None,
    call_activity: ElementInstance | None = None,
    prepare: Prepare | None = None,
) -> Run:
    """A new process instance, run to its first wait state from `start` or else from its none start event.

    `state` is STARTED, QUEUED, or SUSPENDED when the caller is. `actor` makes the element instances and jobs,
    `created_by` the instance, to which `prepare` gives its variables. Raises EngineError PROCESS_MODEL when there is
    no none start event.
    """
    start = start or _none_start_event(graph)
    parent = caller.instance if caller else None
    instance = ProcessInstance(
        partition=partition,
        parent=parent,
        parent_id=parent.id if parent else None,
        root_id=(parent.root_id or parent.id) if parent else None,
        message_id=message_id,
        process_id=graph.process_id,
        bpmn_process_id=graph.bpmn_process_id,
        correlation_key=correlation_key,
        created_at=now,
        created_by=created_by,
        started_at=None if state is InstanceState.QUEUED else now,
        state=state,
        tags=tags or {},
        version=graph.version,
    )
    changes.insert(instance)
    if prepare:
        prepare(instance)
    run = Run(
        instance,
        graph,
        now=now,
        actor=actor,
        changes=changes,
        whole=True,
        variables=caller.variables if caller else None,
        known=caller.known if caller else _NOTHING,
        caller=caller,
    )
    run.begin(start, call_activity)
    return run


def _none_start_event(graph: Graph) -> Node:
    starts = graph.root.start_events()
    if not starts:
        raise invalid_model(
            f"scope {graph.bpmn_process_id} has no none start event", title="failed to create execution"
        )
    return starts[0]
