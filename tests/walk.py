"""A process instance that is walked without a database.

    walk = Walk("start -> fork -> a, b -> join -> end", fork=PARALLEL, join=PARALLEL)
    walk.job("a").done()
    assert walk.waiting_at == ["b", "join"]

After every step the counters, times and leftovers of all element instances are checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.engine.awaited import name_of
from app.engine.changes import Changes
from app.engine.completion import CalledProcess as CalledInstance
from app.engine.completion import Completion
from app.engine.elements.catching import throw_error, throw_escalation
from app.engine.needs import (
    AllVariables,
    BufferedMessage,
    CalledProcess,
    Callee,
    ElementVariables,
    IsSubscribed,
    Need,
    OutputItems,
    SignalSubscribers,
    VariablesNamed,
)
from app.engine.payload import Payload, parse_payload
from app.engine.records import (
    READY,
    ElementInstance,
    Incident,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    SignalSubscription,
    Task,
    UserTask,
)
from app.engine.run import Run, needs_of_job
from app.engine.start import start_instance, starts_of
from app.engine.types import InstanceState, TaskType, UserTaskState, WorkState
from app.engine.values import Stored
from app.engine.variables import Variables
from app.store.rows import resolve
from tests.flow import Kind, graph

NOW = datetime(2026, 11, 23, 12)
NAMED = CalledInstance(bpmn_process_id="called", version="1")


def variables(changes: Changes, actor: str) -> Variables:
    """What nothing is encrypted in."""
    return Variables(changes, now=NOW, actor=actor, encrypt=str, decrypt=str)


def _set(setting: Variables, instance: ProcessInstance, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setting.store(instance, None, name, "json", json.dumps(value))


class Records:
    """What would be in the database, of a process instance and of those it calls."""

    def __init__(self) -> None:
        self.instances: list[ProcessInstance] = []
        self.tokens: list[ElementInstance] = []
        self.jobs: list[Job] = []
        self.tasks: list[Task] = []
        self.user_tasks: list[UserTask] = []
        self.subscriptions: list[MessageSubscription | SignalSubscription] = []
        self.incidents: list[Incident] = []
        self.variables: dict[tuple[ProcessInstance, ElementInstance | None, str], Stored | None] = {}

    def take(self, changes: Changes) -> None:
        """Gives ids in the order of creation, and clears away what ended element instances have left behind."""
        lists: dict[type[Any], list[Any]] = {
            ProcessInstance: self.instances,
            ElementInstance: self.tokens,
            Job: self.jobs,
            Task: self.tasks,
            UserTask: self.user_tasks,
            MessageSubscription: self.subscriptions,
            SignalSubscription: self.subscriptions,
            Incident: self.incidents,
        }
        self.variables |= changes.values
        for kind, found in changes.new.items():
            for record in found:
                lists[kind].append(record)
                record.id = len(lists[kind])
        for token in changes.new.get(ElementInstance, []):
            resolve(token)
        for renewed, happened in changes.renewed.items():
            self._go_over(happened, renewed)
        for token, state in changes.abandoned:
            self._clear_away(token, state, token.leaves)
        for token in changes.happened:
            self._clear_away(token, UserTaskState.TERMINATED, (Task, MessageSubscription, SignalSubscription))
        for each in changes.deleted.get(SignalSubscription, []):
            self.subscriptions.remove(each)
        self.check()

    def _go_over(self, happened: ElementInstance, renewed: ElementInstance) -> None:
        waiting: list[Any] = [*(t for t in self.tasks if t.completed_at is None), *self.subscriptions]
        for each in waiting:
            if each.token is happened:
                each.token = renewed

    def _clear_away(self, token: ElementInstance, state: UserTaskState, leaves: tuple[type[Any], ...]) -> None:
        open_work: list[Job | Task] = [*self.jobs, *self.tasks]
        for work in open_work:
            if work.token is token and work.completed_at is None and type(work) in leaves:
                work.detached = True
        for user_task in self.user_tasks:
            if user_task.token is token and user_task.state is UserTaskState.STARTED and UserTask in leaves:
                user_task.state = state
        self.subscriptions[:] = [s for s in self.subscriptions if s.token is not token or type(s) not in leaves]

    def check(self) -> None:
        """Holds after every step of every walk."""
        active = [token for token in self.tokens if not token.state.ended]
        for token in self.tokens:
            inside = [
                t.node.id
                for t in active
                if t.parent is token and t.instance is token.instance and not t.node.starts_handler
            ]
            assert token.active_children == len(inside), f"{token.node.id} counts {token.active_children}: {inside}"
            handlers = [t.node.id for t in active if t.parent is token and t.node.is_handler]
            assert token.active_handlers == len(handlers), f"{token.node.id} counts {token.active_handlers}: {handlers}"
            at_joins = [t.node.id for t in active if t.parent is token and t.waits_at_join]
            assert token.waiting_joins == len(at_joins), f"{token.node.id} counts {token.waiting_joins}: {at_joins}"
            self._check_pending(token)
            assert (token.ended_at is not None) == token.state.ended, f"{token.node.id} ended at {token.ended_at}"
            assert token.state is not InstanceState.STARTED or token.started_at, f"{token.node.id} has no start"
        for instance in self.instances:
            alive = [t.node.id for t in active if t.instance is instance]
            assert bool(alive) != instance.state.ended, f"{instance.state} with {alive} active"
        work_left: list[Job | Task] = [*self.jobs, *self.tasks]
        waiting: list[Any] = [work for work in work_left if work.completed_at is None and not work.detached]
        waiting += [u for u in self.user_tasks if u.state is UserTaskState.STARTED] + self.subscriptions
        for work in waiting:
            assert work.token is None or not work.token.state.ended, f"{type(work).__name__} left at {work.token}"

    def _check_pending(self, token: ElementInstance) -> None:
        """An event is pending until it is defined; one whose message was there already, until it happens."""
        asked = {job.token for job in self.jobs if job.completed_at is None}
        hosted = [t for t in self.tokens if t.host is token and t.state is InstanceState.CREATED]
        undefined = [t.node.id for t in hosted if t.node.behavior.is_pending(t.node) and t in asked]
        taken = [t for t in hosted if MessageSubscription in t.leaves and not t.node.recurs]
        taken += [t for t in hosted if t not in taken and _is_evaluated(t)]
        pending = range(len(undefined), len(undefined) + len([t for t in taken if t not in asked]) + 1)
        # Once an interrupting event has happened inside of it, it waits for the others no more.
        waits = token.state is InstanceState.CREATED or token.pending_events
        if waits and not token.state.ended:
            assert token.pending_events in pending, f"{token.node.id} waits for {token.pending_events}: {undefined}"


@dataclass(kw_only=True)
class Facts(Mapping[Need[Any], Any]):
    """What is known of needs, whatever they say."""

    callee: Callee | None = None
    buffered: Message | None = None
    subscribed: bool = True
    correlation_key: str = "k"
    stored: dict[tuple[int | None, str], Stored] = field(default_factory=dict)
    outputs: dict[tuple[int, str], dict[int, Stored]] = field(default_factory=dict)
    """By the id of a body and the name, what its inner instances have put out."""

    def __getitem__(self, need: Need[Any]) -> Any:
        if isinstance(need, OutputItems):
            return self.outputs.get((need.body_id, need.name), {})
        if isinstance(need, ElementVariables):
            return {key: stored for key, stored in self.stored.items() if key[0] in need.element_instance_ids}
        return {
            AllVariables: self.stored,
            VariablesNamed: self.stored,
            BufferedMessage: self.buffered,
            CalledProcess: self.callee,
            IsSubscribed: self.subscribed,
            SignalSubscribers: [],
        }[type(need)]

    def __iter__(self) -> Iterator[Need[Any]]:
        return iter(())

    def __len__(self) -> int:
        return 0


class Walk:
    """A process instance without a database; it starts with the object."""

    def __init__(
        self,
        text: str,
        *,
        state: InstanceState = InstanceState.STARTED,
        evaluates: bool = False,
        given: Mapping[str, Any] | None = None,
        start: str = "",
        correlation_key: str | None = None,
        **kinds: Kind,
    ) -> None:
        """`given` are process variables; with `evaluates` the engine evaluates expressions.

        `start` is what starts it by an event, such as a message with that key.
        """
        self.now = NOW
        self.records = Records()
        self.caller: Walk | None = None
        self.called: list[Walk] = []
        self.graph = graph(text, process_id=1, evaluates=evaluates, **kinds)
        changes = Changes()
        setting = variables(changes, "w")
        event = next((node for node in self.graph.root.children if node.id == start), None)
        self.instance = start_instance(
            self.graph,
            [event] if event else starts_of(self.graph),
            partition=NOW.date(),
            now=self.now,
            actor="w",
            engine_id="engine",
            variables=setting,
            created_by="w",
            changes=changes,
            state=state,
            correlation_key=correlation_key,
            known=Facts(),
            prepare=lambda instance: _set(setting, instance, given or {}),
        ).instance
        self.records.take(changes)

    def __str__(self) -> str:
        jobs = "; ".join(f"{job.type}@{job.bpmn_element_id}" for job in self.jobs())
        tasks = "; ".join(f"{task.type}@{task.bpmn_element_id}" for task in self.tasks())
        return f"{self.instance.state} | {self.trace} | jobs: {jobs} | tasks: {tasks}"

    def run(
        self, changes: Changes, facts: Facts | None = None, *, actor: str = "w", message: Message | None = None
    ) -> Run:
        called_by = {}
        for called in self.called:
            root = next(t for t in called.tokens if t.node.parent is None)
            if root.parent and not called.instance.state.ended:
                called_by[root.parent.id] = called.instance
        caller = self.caller.run(changes, actor=actor) if self.caller else None
        return Run(
            self.instance,
            self.graph,
            now=self.now,
            actor=actor,
            engine_id="engine",
            variables=variables(changes, actor),
            changes=changes,
            tokens=self.tokens,
            whole=True,
            completed=[t for t in self.tokens if t.compensation == READY],
            known=self._facts(facts),
            message=message,
            called=called_by,
            caller=caller,
        )

    def _facts(self, facts: Facts | None) -> Facts:
        found = Facts() if facts is None else facts
        for (instance, token, name), stored in self.records.variables.items():
            if instance is self.instance and stored is not None:
                found.stored[token.id if token else None, name] = stored
                if (
                    token
                    and token.is_inner
                    and token.parent
                    and token.loop_counter
                    and token.state is not InstanceState.TERMINATED
                ):
                    found.outputs.setdefault((token.parent.id, name), {})[token.loop_counter] = stored
        return found

    def set(self, **values: Any) -> None:
        """Sets process variables, for which events may wait."""
        changes = Changes()
        _set(variables(changes, "w"), self.instance, values)
        if self.graph.watched_names and not self.instance.state.ended:
            self.run(changes).drain()
        self.records.take(changes)

    def value(self, name: str) -> Any:
        """Of a process variable."""
        stored = self.records.variables[self.instance, None, name]
        assert stored is not None
        return json.loads(stored.value)

    @property
    def tokens(self) -> list[ElementInstance]:
        return [token for token in self.records.tokens if token.instance is self.instance]

    @property
    def trace(self) -> str:
        """Number, element and state of every visit, in the order of the ids, and ^ with the number of its scope."""
        return "; ".join(self._visit(token) for token in self.tokens)

    def _visit(self, token: ElementInstance) -> str:
        inner = token.parent if token.parent and token.parent.node.parent else None
        return f"{token.id} {token.node.id} {token.state}" + (f" ^{inner.id}" if inner else "")

    @property
    def waiting_at(self) -> list[str]:
        """Where tokens are, scopes with content and attached events left out."""
        return [
            token.node.id
            for token in self.tokens
            if not token.state.ended
            and not token.active_children
            and token.node.host is None
            and not token.node.starts_handler
        ]

    def token(self, id: str) -> ElementInstance:
        """The newest visit of the element."""
        return [token for token in self.tokens if token.node.id == id][-1]

    def jobs(self) -> list[Job]:
        """The open ones."""
        return [j for j in self.records.jobs if j.token in self.tokens and j.completed_at is None]

    def tasks(self) -> list[Task]:
        return [t for t in self.records.tasks if t.instance is self.instance and t.completed_at is None]

    def job(self, id: str) -> JobStep:
        """The first open job at the element whose token is still there."""
        return JobStep(self, self._open([job for job in self.jobs() if not job.detached], id)[0])

    def task(self, id: str, *, nth: int = 0) -> TaskStep:
        return TaskStep(self, self._open(self.tasks(), id)[nth])

    def tasks_run(self) -> list[WorkState]:
        """Runs all that are open now, whatever they are due, and returns what became of them."""
        return [TaskStep(self, task).run() for task in self.tasks()]

    def user_task(self, id: str) -> UserTaskStep:
        found = [u for u in self.records.user_tasks if u.token in self.tokens and u.state is UserTaskState.STARTED]
        return UserTaskStep(self, self._open(found, id)[0])

    def _open(self, found: list[Any], id: str) -> list[Any]:
        here = [each for each in found if each.bpmn_element_id == id]
        assert here, f"nothing open at {id}: {self}"
        return here

    def happens(self, id: str, facts: Facts | None = None, *, name: str = "") -> None:
        """What the first subscription at the element, or the one to that name, waits for."""
        self.sent(id, name=name).run(facts)

    def sent(self, id: str, *, name: str = "") -> TaskStep:
        """What the first subscription at the element waits for has been sent: its task."""
        found = [each for each in self.records.subscriptions if name in ("", each.name)]
        subscription = self._open(found, id)[0]
        assert subscription.token is not None
        if not subscription.token.node.stays_subscribed:
            self.records.subscriptions.remove(subscription)
        changes = Changes()
        payload = Payload(part=subscription.part)
        task = self.run(changes).create_task(subscription.token, TaskType.TRIGGER_EVENT, payload)
        self.records.take(changes)
        return TaskStep(self, task)

    def select(self, id: str, *activities: str) -> None:
        """Somebody selects activities in the newest visit of an ad-hoc sub-process."""
        changes = Changes()
        self.run(changes).select_activities(self.token(id), activities)
        self.records.take(changes)

    def resolved(self, incident: Incident | None = None) -> TaskStep:
        """The task that evaluates again what has failed, last unless it is said."""
        failed = (incident or self.records.incidents[-1]).task
        assert failed is not None and failed.token is not None
        changes = Changes()
        again = self.run(changes).create_task(failed.token, failed.type, parse_payload(failed.serialized_task))
        self.records.take(changes)
        return TaskStep(self, again)

    def suspend(self) -> None:
        changes = Changes()
        self.run(changes).suspend()
        self.records.take(changes)

    def resume(self) -> None:
        changes = Changes()
        self.run(changes, actor="op").resume()
        self.records.take(changes)

    def dequeue(self) -> None:
        """Starts it out of the queue."""
        changes = Changes()
        self.run(changes).dequeue()
        self.records.take(changes)

    def end(self, state: InstanceState) -> None:
        changes = Changes()
        self.run(changes).end_instance(state)
        self.records.take(changes)


@dataclass(frozen=True, slots=True)
class JobStep:
    walk: Walk
    job: Job

    def done(self, facts: Facts | None = None, **completion: Any) -> None:
        """Raises EngineError when the completion is unusable; the walk is spoiled then."""
        changes = Changes()
        run = self.walk.run(changes, facts)
        assert self.job.token is not None
        retry_due = self.walk.now + timedelta(minutes=1)
        tuple(needs_of_job(self.job.token, self.job, Completion(**completion)))
        run.job_done(self.job, self.job.token, Completion(**completion), retry_due)
        self.job.completed_at, self.job.state = self.walk.now, WorkState.DONE
        self.walk.records.take(changes)

    def calls(self, text: str, *, queued: bool = False, **kinds: Kind) -> Walk:
        """Completes a CALL_PROCESS job; the walk of the called instance."""
        called = Walk.__new__(Walk)
        called.now, called.records, called.caller, called.called = self.walk.now, self.walk.records, self.walk, []
        called.graph = graph(text, process_id=2, **kinds)
        changes = Changes()
        run = self.walk.run(changes, Facts(callee=Callee(called.graph, queued)))
        assert self.job.token is not None
        run.job_done(self.job, self.job.token, Completion(called_process=NAMED), self.walk.now)
        (called.instance,) = changes.new[ProcessInstance]
        self.job.completed_at, self.job.state = self.walk.now, WorkState.DONE
        self.walk.records.take(changes)
        self.walk.called.append(called)
        return called


@dataclass(frozen=True, slots=True)
class TaskStep:
    walk: Walk
    task: Task

    def run(self, facts: Facts | None = None) -> WorkState:
        """DONE, or CANCELED where what it is for has ended."""
        task, walk = self.task, self.walk
        changes = Changes()
        task.completed_at = walk.now
        if task.type is TaskType.TERMINATE_PROCESS_INSTANCE:
            walk.run(changes).end_instance(InstanceState.TERMINATED)
            task.state = WorkState.DONE
        elif task.token is None or task.token.state.ended or task.detached:
            task.state = WorkState.CANCELED
        else:
            message = _arrived(task, facts)
            run = walk.run(changes, facts, actor="engine", message=message)
            run.task_due(task, task.token, parse_payload(task.serialized_task))
            task.state = WorkState.DONE
        walk.records.take(changes)
        return task.state


def _is_evaluated(event: ElementInstance) -> bool:
    trigger = event.behavior.trigger
    return trigger is not None and trigger.is_evaluated(event.node)


def _arrived(task: Task, facts: Facts | None) -> Message:
    """What the token has waited for, if that was a message."""
    assert task.token is not None
    key = (Facts() if facts is None else facts).correlation_key
    part = parse_payload(task.serialized_task).part
    if part is None:
        name = task.token.context or "m"
    else:
        name = name_of(part, task.token.context, task.token.node.parts[part].definition) or "m"
    return Message(name=name, correlation_key=key, created_at=NOW, created_by="sender")


@dataclass(frozen=True, slots=True)
class UserTaskStep:
    walk: Walk
    user_task: UserTask

    def done(self) -> None:
        self._step(lambda run, token: run.complete(token), UserTaskState.COMPLETED)

    def throws(self, error_code: str) -> None:
        self._step(lambda run, token: throw_error(run, token, error_code), UserTaskState.TERMINATED)

    def escalates(self, code: str) -> None:
        self._step(lambda run, token: throw_escalation(run, token, code, "failed"), UserTaskState.STARTED)

    def _step(self, act: Any, state: UserTaskState) -> None:
        changes = Changes()
        run = self.walk.run(changes)
        act(run, self.user_task.token)
        run.drain()
        self.user_task.state = state if state is not UserTaskState.STARTED else self.user_task.state
        self.walk.records.take(changes)
