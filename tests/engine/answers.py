"""Whoever a walk waits for: workers, people and operators, who answer by a number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from app.engine.contexts import GATHERING
from app.engine.elements.complex_gateway import LATE
from app.engine.graph import Flow
from app.engine.records import ElementInstance, Incident, Job
from app.engine.types import InstanceState, JobType, TaskType, WorkState
from app.errors import EngineError
from app.timer import Timer
from tests.walk import JobStep, TaskStep, UserTaskStep, Walk

T = TypeVar("T")
VALUES = (0, 1, 2, 3)


class Luck:
    """Choices that follow from a number."""

    def __init__(self, number: int) -> None:
        self._number = number

    def below(self, n: int) -> int:
        self._number, found = divmod(self._number, n)
        return found

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]


def completion(walk: Walk, job: Job, luck: Luck) -> dict[str, Any]:
    """One with which the job is done."""
    token = job.token
    assert token is not None
    if job.type is JobType.EXECUTE:
        return luck.pick(({}, {}, {}, {"error_code": "E"}, {"escalation_code": "C"}))
    if job.type is JobType.EVALUATE_EXCLUSIVE_GATEWAY:
        return {"exclusive_gateway_decision": luck.pick(token.node.outgoing).id}
    if job.type is JobType.SELECT_ACTIVITIES:
        return _selection(walk, token, luck)
    if job.type in (
        JobType.EVALUATE_INCLUSIVE_GATEWAY,
        JobType.EVALUATE_OUTGOING_FLOWS,
        JobType.EVALUATE_COMPLEX_GATEWAY,
    ):
        return {"inclusive_gateway_decision": _flows(job, token, luck)}
    if job.type in (
        JobType.EVALUATE_COMPLETION_CONDITION,
        JobType.EVALUATE_LOOP_CONDITION,
        JobType.EVALUATE_ACTIVATION_CONDITION,
    ):
        return {"condition_fulfilled": luck.below(2) == 1}
    return {
        JobType.SET_LOOP_CARDINALITY: {"loop_cardinality": luck.below(3)},
        JobType.SUBSCRIBE_MESSAGE: {"message_name": "m", "message_correlation_key": "k"},
        JobType.SET_MESSAGE_CORRELATION_KEY: {"message_correlation_key": "k"},
        JobType.SUBSCRIBE_SIGNAL: {"signal_name": "g"},
        JobType.SET_TIMER: {"timer": Timer(time_duration="PT1H")},
    }[job.type]


def _flows(job: Job, token: ElementInstance, luck: Luck) -> list[str]:
    """Ids of some of the flows that are decided about, or none, where something follows all the same."""
    node = token.node
    decided: list[Flow] = [flow for flow in node.outgoing if flow.is_conditional] or node.outgoing
    if job.type is JobType.EVALUATE_INCLUSIVE_GATEWAY:
        decided = node.outgoing
    chosen = [flow.id for flow in decided if luck.below(2)]
    is_late = token.context is not None and token.context.startswith(LATE)
    if chosen or node.default or len(decided) < len(node.outgoing) or is_late:
        return chosen
    return [luck.pick(decided).id]


def _selection(walk: Walk, token: ElementInstance, luck: Luck) -> dict[str, Any]:
    """Activities that are enabled; or that it is over, once in a while, or where that can be said only."""
    node = token.node
    inside = [each for each in walk.tokens if each.parent is token and not each.state.ended]
    waiting = [each.node for each in inside if each.context == GATHERING and each.state is InstanceState.CREATED]
    enabled = [
        each.id
        for each in node.children
        if each.is_selected and (not each.incoming or waiting.count(each) >= each.start_quantity)
    ]
    is_active = len(inside) > len(waiting)
    if (is_active and node.sequential) or (is_active and luck.below(2)):
        return {}
    if node.completion is None and luck.below(3) == 2:
        return {"condition_fulfilled": True}
    chosen = [id for id in enabled if luck.below(2)] or [luck.pick(enabled)]
    # What has waited comes before what is new where the instance is suspended meanwhile.
    return {"activities": chosen[:1] if node.sequential or waiting else chosen}


def unresolved(walk: Walk) -> list[Incident]:
    return [each for each in walk.records.incidents if each.resolved_at is None]


def waits_for(walk: Walk) -> list[Any]:
    """Work that is open and subscriptions, each of a token; not tasks of what has ended."""
    people = [user_task for user_task in walk.records.user_tasks if user_task.state == "STARTED"]
    incidents = [each for each in unresolved(walk) if each.task and each.task.token and not each.task.token.state.ended]
    tasks = [task for task in walk.tasks() if not task.detached]
    options: list[Any] = [*walk.jobs(), *tasks, *people, *walk.records.subscriptions, *incidents]
    # Not in the order in which they came about: that is another one where the walk has been suspended.
    return sorted(options, key=lambda each: (path(token_of(each)), token_of(each).id, type(each).__name__))


def path(token: ElementInstance) -> str:
    """Where it is: the ids of its element and of what that visit is inside of."""
    return f"{path(token.parent)}/{token.node.id}" if token.parent else ""


def token_of(of: Any) -> ElementInstance:
    token = of.task.token if isinstance(of, Incident) else of.token
    assert token is not None
    return token


def step(walk: Walk, number: int) -> bool:
    """Something that is open is done, or happens, or the variable is set; False where nothing is open."""
    luck = Luck(number)
    for task in walk.tasks():
        if task.detached:
            # There may be more of them where the walk was suspended: what was armed meanwhile may end as it is resumed.
            assert TaskStep(walk, task).run() is WorkState.CANCELED
    walk.now += timedelta(seconds=1)
    options = waits_for(walk)
    names = walk.graph.watched_names
    if names and not walk.instance.state.ended and (not options or luck.below(4) == 3):
        walk.set(**{name: luck.pick(VALUES) for name in sorted(names)})
        return True
    if not options:
        return False
    picked = luck.pick(options)
    if isinstance(picked, Job):
        _complete(walk, picked, luck)
    elif isinstance(picked, Incident):
        walk.set(**{name: luck.pick(VALUES) for name in sorted(walk.graph.names)})
        picked.resolved_at = walk.now
        walk.resolved(picked)
    elif picked in walk.tasks():
        _run(walk, picked)
    elif picked in walk.records.user_tasks:
        UserTaskStep(walk, picked).done()
    else:
        walk.happens(picked.token.node.id, name=picked.name)
    return True


def _complete(walk: Walk, job: Job, luck: Luck) -> None:
    if job.detached:
        job.completed_at = walk.now
        return
    try:
        JobStep(walk, job).done(**completion(walk, job, luck))
    except EngineError as error:
        assert "failed to find boundary event" in error.detail, error
        JobStep(walk, job).done()


def _run(walk: Walk, task: Any) -> None:
    """One that fails has its incident once more."""
    try:
        TaskStep(walk, task).run()
    except EngineError:
        assert task.type is TaskType.EVALUATE_EXPRESSION
        for incident in walk.records.incidents:
            if incident.task and incident.task.token is task.token:
                incident.resolved_at = None
