"""Exclusive, inclusive and parallel gateways."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.outgoing import decided_flow, possible, true_flows
from app.engine.reach import leading_to_empty, reach_of
from app.engine.records import Job, Task
from app.engine.slots import Slot
from app.engine.types import InstanceState, JobType, TaskType
from app.errors import refused
from app.expr import EvaluationError

if TYPE_CHECKING:
    from app.engine.graph import Flow, Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class ExclusiveGateway(Behavior):
    """Asks a worker which element comes next; passes through where there is no choice."""

    decides = True
    leaves = (Job,)
    jobs = (JobType.EVALUATE_EXCLUSIVE_GATEWAY,)
    leaving_jobs = frozenset(jobs)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if token.node.evaluates_flows:
            complete_by_conditions(run, token, first=True)
        elif len(token.node.outgoing) > 1:
            run.wait(token)
            run.create_job(token, JobType.EVALUATE_EXCLUSIVE_GATEWAY)
        else:
            run.complete(token)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        complete_by_conditions(run, token, first=True)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        decision = completion.exclusive_gateway_decision
        flow = decided_flow(token.node, decision) if decision else token.node.default
        if flow is None:
            raise refused(f"expected an exclusive gateway decision; {possible(token.node.outgoing)}")
        run.complete(token, [flow])


class InclusiveGateway(Behavior):
    """Joins all tokens that can still come, and forks to the elements a worker chooses.

    The target of the default flow is always among them. Tokens wait until nothing else can get to the flows that are
    empty so far (BPMN 2.0.2, 13.4.3).
    """

    decides = True
    synchronizes = True
    leaves = (Job,)
    jobs = (JobType.EVALUATE_INCLUSIVE_GATEWAY,)
    leaving_jobs = frozenset(jobs)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if not token.node.is_join:
            self._fork(run, token)
            return
        run.wait(token)
        run.wait_at_join(token)

    def settle(self, run: Run, scope: ElementInstance, node: Node) -> bool:
        waiting = [token for token in run.children(scope) if token.node is node and token.waits_at_join]
        first = first_arrivals(waiting)
        filled = sum(1 << place for place in first)
        if not filled or can_still_come(run, scope, node, filled):
            return False
        *others, last = sorted(first.values(), key=waiting.index)
        for token in others:
            run.end(token)
        run.leave_join(last)
        self._fork(run, last)
        return True

    def _fork(self, run: Run, token: ElementInstance) -> None:
        if token.node.evaluates_flows:
            complete_by_conditions(run, token)
        elif len(token.node.outgoing) > 1:
            run.wait(token)
            run.create_job(token, JobType.EVALUATE_INCLUSIVE_GATEWAY)
        else:
            run.complete(token)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        complete_by_conditions(run, token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        chosen: list[Flow] = []
        for decision in completion.inclusive_gateway_decision:
            flow = decided_flow(token.node, decision)
            if flow in chosen:
                raise refused(f"decision contains duplicate BPMN element ID {decision}")
            chosen.append(flow)
        default = token.node.default
        if default and default.target not in [flow.target for flow in chosen]:
            chosen.append(default)
        if not chosen:
            raise refused(f"expected an inclusive gateway decision; {possible(token.node.outgoing)}")
        run.complete(token, chosen)


class ParallelGateway(Behavior):
    """Forks, and joins: each arrival waits with a task that looks whether one of each flow has arrived."""

    decides = True
    leaves = (Task,)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if len(token.node.incoming) > 1:
            run.wait(token)
            run.create_task(token, TaskType.JOIN_PARALLEL_GATEWAY)
        else:
            run.complete(token)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        arrived: dict[object, deque[ElementInstance]] = {}
        for other in sorted(run.tokens(), key=lambda t: t is not token):
            if other.node is token.node and other.parent is token.parent and other.state is InstanceState.STARTED:
                arrived.setdefault(_way(other), deque()).append(other)
        joined: list[ElementInstance] = []
        for place, flow in enumerate(token.node.incoming):
            waiting = arrived.get(place) or arrived.get(flow.source)
            if not waiting:
                return
            joined.append(waiting.popleft())
        run.complete(token)
        for other in joined:
            if other is not token:
                run.end(other)


def complete_by_conditions(run: Run, token: ElementInstance, *, first: bool = False) -> None:
    """The gateway goes on where conditions are true, or only at the `first` one; where they fail, it waits."""
    try:
        flows = true_flows(run, token, first=first)
    except EvaluationError as error:
        run.wait(token)
        run.fail_to_evaluate(token, Slot.CONDITION, str(error))
    else:
        run.complete(token, flows)


def first_arrivals(waiting: Iterable[ElementInstance]) -> dict[int, ElementInstance]:
    """Of each incoming flow, by its place, the token that has waited longest."""
    first: dict[int, ElementInstance] = {}
    for token in waiting:
        first.setdefault(_place(token), token)
    return first


def can_still_come(run: Run, scope: ElementInstance, node: Node, filled: int) -> bool:
    """Whether a token of the scope can get to an incoming flow of the node that is not `filled`.

    A token that can get to a filled flow as well does not count. Nor do events that have not happened: what they are
    attached to does.
    """
    reach = reach_of(node)
    for token in run.children(scope):
        if token.node is node and token.waits_at_join:
            continue
        if token.behavior.has_gone_on(token) or (token.host is not None and token.state is not InstanceState.STARTED):
            continue
        if leading_to_empty(reach.get(token.node, ()), filled):
            return True
    return False


def _place(token: ElementInstance) -> int:
    way = _way(token)
    if isinstance(way, int):
        return way
    return next(place for place, flow in enumerate(token.node.incoming) if flow.source is way)


def _way(token: ElementInstance) -> object:
    """The place of the flow it came on; for one of before places were kept, the node it came from."""
    if token.incoming is not None:
        return token.incoming
    sources = (flow.source for flow in token.node.incoming)
    return next((source for source in sources if source.element_id == token.prev_element_id), None)
