"""Exclusive, inclusive and parallel gateways."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.elements.base import Behavior
from app.engine.records import Job, Task
from app.engine.types import InstanceState, JobType, TaskType
from app.errors import refused

if TYPE_CHECKING:
    from app.engine.graph import Flow, Node
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance
    from app.engine.run import Run

MOST_NAMED = 50
"""Flows that a refusal lists."""


class ExclusiveGateway(Behavior):
    """Asks a worker which element comes next; passes through where there is no choice."""

    leaves = (Job,)
    jobs = (JobType.EVALUATE_EXCLUSIVE_GATEWAY,)
    leaving_jobs = frozenset(jobs)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if len(token.node.outgoing) > 1:
            run.wait(token)
            run.create_job(token, JobType.EVALUATE_EXCLUSIVE_GATEWAY)
        else:
            run.complete(token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        decision = completion.exclusive_gateway_decision
        flow = _decided(token.node, decision) if decision else token.node.default
        if flow is None:
            raise refused(f"expected an exclusive gateway decision; {_possible(token.node)}")
        run.complete(token, [flow])


class InclusiveGateway(Behavior):
    """Forks to the elements a worker chooses; the target of the default flow is always among them."""

    leaves = (Job,)
    jobs = (JobType.EVALUATE_INCLUSIVE_GATEWAY,)
    leaving_jobs = frozenset(jobs)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if len(token.node.outgoing) > 1:
            run.wait(token)
            run.create_job(token, JobType.EVALUATE_INCLUSIVE_GATEWAY)
        else:
            run.complete(token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        chosen: list[Flow] = []
        for decision in completion.inclusive_gateway_decision:
            flow = _decided(token.node, decision)
            if flow in chosen:
                raise refused(f"decision contains duplicate BPMN element ID {decision}")
            chosen.append(flow)
        default = token.node.default
        if default and default.target not in [flow.target for flow in chosen]:
            chosen.append(default)
        if not chosen:
            raise refused(f"expected an inclusive gateway decision; {_possible(token.node)}")
        run.complete(token, chosen)


class ParallelGateway(Behavior):
    """Forks, and joins: each arrival waits with a task that looks whether one of each flow has arrived."""

    leaves = (Task,)

    def enter(self, run: Run, token: ElementInstance) -> None:
        if len(token.node.incoming) > 1:
            run.wait(token)
            run.create_task(token, TaskType.JOIN_PARALLEL_GATEWAY)
        else:
            run.complete(token)

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        arrived: dict[int | None, deque[ElementInstance]] = {}
        for other in sorted(run.tokens(), key=lambda t: t is not token):
            if other.node is token.node and other.parent is token.parent and other.state is InstanceState.STARTED:
                arrived.setdefault(other.prev_element_id, deque()).append(other)
        joined: list[ElementInstance] = []
        for flow in token.node.incoming:
            waiting = arrived.get(flow.source.element_id)
            if not waiting:
                return
            joined.append(waiting.popleft())
        run.complete(token)
        for other in joined:
            if other is not token:
                run.end(other)


def _decided(node: Node, decision: str) -> Flow:
    """The flow that a decision names by its id or by its target. Raises Refusal."""
    flow = node.flow(decision)
    if flow is None:
        raise refused(f"element {node.id} has no outgoing sequence flow to {decision}; {_possible(node)}")
    return flow


def _possible(node: Node) -> str:
    some = [f"{flow.target.id} (flow {flow.id})" for flow in node.outgoing[:MOST_NAMED]]
    return f"possible: {', '.join(some)}{', …' if len(node.outgoing) > MOST_NAMED else ''}"
