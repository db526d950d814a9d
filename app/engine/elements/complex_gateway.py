"""The complex gateway: activated by a condition, then waiting for what comes late (BPMN 2.0.2, 10.6.5 and 13.4.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.contexts import ASKED
from app.engine.elements.base import Behavior
from app.engine.elements.gateway import can_still_come, first_arrivals
from app.engine.outgoing import decided_flows, named_flows, true_conditions
from app.engine.records import Job, Task
from app.engine.slots import NotEvaluated, Slot
from app.engine.types import InstanceState, JobType, UserTaskState
from app.errors import refused
from app.expr import EvaluationError, Value, as_condition

if TYPE_CHECKING:
    from app.engine.graph import Flow, Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run

STARTED = "started:"
"""Context of the token that stands for the gateway while it decides where it goes on, before the used flows as a mask.
"""
RESET = "reset:"
"""The same once it has gone on, and waits until nothing can come any more."""
LATE = "late:"
"""The same while it decides once more, because of tokens that came late."""
_PHASES = (STARTED, RESET, LATE)


class ComplexGateway(Behavior):
    """Of the tokens that activate it the last one stays, and stands for it until it is reset.

    Until then tokens wait: on flows that were used for the next start, on others for the reset.
    """

    decides = True
    synchronizes = True
    leaves = (Job, Task)
    jobs = (JobType.EVALUATE_ACTIVATION_CONDITION, JobType.EVALUATE_COMPLEX_GATEWAY)
    leaving_jobs = frozenset(jobs)

    def waits_to_join(self, token: ElementInstance) -> bool:
        return _waits(token) or self.has_gone_on(token)

    def has_gone_on(self, token: ElementInstance) -> bool:
        return _is_in(token, RESET)

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.wait(token)
        if not token.node.is_join:
            self._decide(run, token)
        else:
            run.wait_at_join(token)
            self._try_to_start(run, token)

    def settle(self, run: Run, scope: ElementInstance, node: Node) -> bool:
        at_node = [token for token in run.children(scope) if token.node is node]
        last = next((token for token in at_node if _is_in(token, RESET)), None)
        if last is None:
            return False
        used = used_flows(last.context)
        arrivals = first_arrivals([token for token in at_node if _waits(token)])
        late = {place: token for place, token in arrivals.items() if not used >> place & 1}
        filled = used + sum(1 << place for place in late)
        if can_still_come(run, scope, node, filled):
            return False
        for token in late.values():
            run.end(token)
        if late and _conditional(node):
            run.leave_join(last, f"{LATE}{filled}")
            self._decide_again(run, last)
        else:
            self._reset(run, last, [])
        return True

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        if job.type is JobType.EVALUATE_ACTIVATION_CONDITION:
            self._answered(run, token, completion)
        elif _is_in(token, LATE):
            chosen = named_flows(token.node, _conditional(token.node), completion.inclusive_gateway_decision)
            self._reset(run, token, chosen or _default(token.node))
        else:
            self._go_on(run, token, decided_flows(token.node, completion.inclusive_gateway_decision))

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        if slot is Slot.ACTIVATION_CONDITION:
            if _waits(token):
                self._try_to_start(run, token)
        elif _is_in(token, LATE):
            self._decide_again(run, token)
        else:
            self._decide(run, token)

    def _answered(self, run: Run, token: ElementInstance, completion: Completion) -> None:
        """Whether it is activated. Where another token has done that meanwhile, it does not matter any more."""
        if token.context != ASKED:
            return
        if completion.condition_fulfilled is None:
            raise refused("expected whether the condition is fulfilled")
        token.context = None
        run.changes.update(token)
        if completion.condition_fulfilled and not _is_activated(run, token):
            self._activate(run, run.scope_of(token), token.node)

    def _try_to_start(self, run: Run, token: ElementInstance) -> None:
        """Looks whether the gateway is activated, now that the token has arrived."""
        node = token.node
        if _is_activated(run, token):
            return
        if not node.condition:
            self._activate(run, run.scope_of(token), node)
        elif Slot.ACTIVATION_CONDITION not in node.programs:
            token.context = ASKED
            run.create_job(token, JobType.EVALUATE_ACTIVATION_CONDITION)
        else:
            given = _given(len(first_arrivals(_waiting(run, run.scope_of(token), node))), is_start=True)
            try:
                is_true = run.slot(token, Slot.ACTIVATION_CONDITION, as_condition, given)
            except NotEvaluated as error:
                run.fail_to_evaluate(token, error.slot, error.reason)
            else:
                if is_true:
                    self._activate(run, run.scope_of(token), node)

    def _activate(self, run: Run, scope: ElementInstance, node: Node) -> None:
        """Takes a token from each flow that has one."""
        waiting = _waiting(run, scope, node)
        first = first_arrivals(waiting)
        *others, last = sorted(first.values(), key=waiting.index)
        for token in others:
            run.end(token)
        run.leave_join(last, f"{STARTED}{sum(1 << place for place in first)}")
        self._decide(run, last)

    def _decide(self, run: Run, token: ElementInstance) -> None:
        """Finds out where the gateway goes on when it is activated."""
        node = token.node
        if node.evaluates_flows:
            given = _given(used_flows(token.context).bit_count(), is_start=True)
            try:
                true = true_conditions(run, token, given) or _default(node)
                if not true and all(flow.is_conditional for flow in node.outgoing):
                    raise EvaluationError(f"no condition of {node.id} is true and it has no default sequence flow")
            except EvaluationError as error:
                run.fail_to_evaluate(token, Slot.CONDITION, str(error))
                return
            others = [flow for flow in node.outgoing if not (flow.is_conditional or flow.default)]
            self._go_on(run, token, [flow for flow in node.outgoing if flow in true or flow in others])
        elif len(node.outgoing) > 1:
            run.create_job(token, JobType.EVALUATE_COMPLEX_GATEWAY)
        else:
            self._go_on(run, token, node.outgoing)

    def _go_on(self, run: Run, token: ElementInstance, flows: Sequence[Flow]) -> None:
        if len(token.node.incoming) > 1:
            run.go_on(token, flows, f"{RESET}{used_flows(token.context)}")
            run.wait_at_join(token)
        else:
            # Nothing can come late.
            self._reset(run, token, flows)

    def _decide_again(self, run: Run, token: ElementInstance) -> None:
        """Finds out which flows with conditions the late tokens go on along; it may be none."""
        node = token.node
        if not node.evaluates_flows:
            run.create_job(token, JobType.EVALUATE_COMPLEX_GATEWAY)
            return
        try:
            true = true_conditions(run, token, _given(used_flows(token.context).bit_count(), is_start=False))
        except EvaluationError as error:
            run.fail_to_evaluate(token, Slot.CONDITION, str(error))
        else:
            self._reset(run, token, true or _default(node))

    def _reset(self, run: Run, token: ElementInstance, flows: Sequence[Flow]) -> None:
        """The gateway waits for its start anew, with what has come on used flows meanwhile."""
        run.complete(token, flows)
        run.clear_away(token, UserTaskState.TERMINATED)
        waiting = _waiting(run, run.scope_of(token), token.node)
        if waiting and not any(other.context == ASKED for other in waiting):
            self._try_to_start(run, waiting[-1])


def _waiting(run: Run, scope: ElementInstance, node: Node) -> list[ElementInstance]:
    if not node.is_join:
        return []
    return [token for token in run.children(scope) if token.node is node and _waits(token)]


def _waits(token: ElementInstance) -> bool:
    """Whether it has not been taken yet."""
    return token.state is InstanceState.STARTED and token.context in (None, ASKED)


def _is_activated(run: Run, token: ElementInstance) -> bool:
    siblings = run.children(run.scope_of(token))
    return any(other.node is token.node and _is_in(other, *_PHASES) for other in siblings)


def _is_in(token: ElementInstance, *phases: str) -> bool:
    return token.context is not None and token.context.startswith(phases)


def used_flows(context: str | None) -> int:
    """As a mask, the incoming flows whose tokens one stands for that has this context."""
    return int(context.partition(":")[2]) if context else 1


def _conditional(node: Node) -> list[Flow]:
    return [flow for flow in node.outgoing if flow.is_conditional]


def _default(node: Node) -> list[Flow]:
    return [node.default] if node.default else []


def _given(count: int, *, is_start: bool) -> Mapping[str, Value]:
    """What expressions of the gateway know beside variables."""
    return {"activationCount": count, "waitingForStart": is_start}
