"""The ad-hoc sub-process: workers or people select which of its activities start (BPMN 2.0.2, 10.3.5 and 13.3.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from app.engine.completion import Completion
from app.engine.contexts import ASKED, FAILED, GATHERING, OVER
from app.engine.elements.activity import Activity
from app.engine.elements.sub_process import SubProcess
from app.engine.outgoing import MOST_NAMED
from app.engine.records import Job, Task
from app.engine.slots import Slot
from app.engine.types import InstanceState, JobType
from app.errors import conflict, refused
from app.expr import EvaluationError, as_condition

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run

SELECTED = "selected"
"""Context of a token that has waited at an activity, and was selected."""


class AdHocSubProcess(SubProcess):
    """Asks what is to start, again after each activity, until its completion condition is true.

    It also asks where a token has reached an activity, and where nothing goes on any more: nobody else would.
    """

    watches = True
    leaves = (Job, Task)
    jobs = (JobType.SELECT_ACTIVITIES,)
    leaving_jobs = frozenset(jobs)

    def ready(self, run: Run, token: ElementInstance) -> None:
        # Nothing is in it yet that a suspension could stop.
        Activity.ready(self, run, token)

    def start(self, run: Run, token: ElementInstance) -> None:
        self._ask(run, token)

    def holds(self, run: Run, scope: ElementInstance, token: ElementInstance) -> bool:
        """A token that a flow leads to an activity waits there until that is selected."""
        if not token.node.is_selected or not token.node.incoming:
            return False
        if token.context == SELECTED:
            token.context = None
            return False
        if _is(scope, OVER):
            run.abandon(token)
        else:
            token.context = GATHERING
            run.wait(token, InstanceState.CREATED)
            self._ask(run, scope)
        return True

    def child_completed(self, run: Run, token: ElementInstance, child: ElementInstance) -> None:
        if child.node.is_selected and not _is(token, OVER):
            self._go_on(run, token)

    def emptied(self, run: Run, token: ElementInstance) -> None:
        if not _is(token, OVER):
            if not _is_active(run, token):
                self._ask(run, token)
        elif token.active_children == 0:
            super().emptied(run, token)

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        _mark(run, token, ASKED, on=False)
        if _is(token, OVER):
            # Completed too late: what it asks has been decided otherwise.
            return
        is_fulfilled = bool(completion.condition_fulfilled) and token.node.completion is None
        if completion.activities and is_fulfilled:
            raise refused("expected either activities or a fulfilled condition")
        if completion.activities:
            self._select(run, token, completion.activities)
        elif is_fulfilled:
            self._finish(run, token)
        elif not _is_active(run, token):
            if token.node.condition:
                raise refused("expected activities to start")
            self._finish(run, token)

    def select(self, run: Run, token: ElementInstance, ids: Sequence[str]) -> None:
        if token.state is not InstanceState.STARTED:
            raise conflict(f"ad-hoc sub-process {token.node.id} is not in state {InstanceState.STARTED}")
        self._select(run, token, ids)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        _mark(run, token, FAILED, on=False)
        self._go_on(run, token)

    def _go_on(self, run: Run, token: ElementInstance) -> None:
        """An activity has completed: that is all, or more are asked for."""
        program = token.node.completion
        if _is(token, FAILED):
            return
        if program is None:
            self._ask(run, token)
            return
        try:
            is_true = run.evaluate(token, program, as_condition)
        except EvaluationError as error:
            _mark(run, token, FAILED)
            run.fail_to_evaluate(token, Slot.COMPLETION_CONDITION, str(error))
            return
        if is_true:
            self._finish(run, token)
        else:
            self._ask(run, token)

    def _ask(self, run: Run, token: ElementInstance) -> None:
        if not (_is(token, ASKED) or _is(token, FAILED)):
            _mark(run, token, ASKED)
            run.create_job(token, JobType.SELECT_ACTIVITIES)

    def _finish(self, run: Run, token: ElementInstance) -> None:
        _mark(run, token, OVER)
        for child in run.children(token):
            if token.node.cancels_remaining or _waits(child):
                run.terminate(child)
        run.look_at(token)

    def _select(self, run: Run, token: ElementInstance, ids: Sequence[str]) -> None:
        """Raises Refusal."""
        node = token.node
        waiting: dict[Node, list[ElementInstance]] = defaultdict(list)
        is_performing = False
        for child in run.children(token):
            if _waits(child):
                waiting[child.node].append(child)
            elif child.node.is_selected and not _has_only_arrived(child):
                is_performing = True
        chosen = []
        for id in ids:
            found = next((child for child in node.children if child.id == id and child.is_selected), None)
            tokens = _taken(found, waiting) if found is not None and not _is(token, OVER) else None
            if found is None or tokens is None:
                raise refused(f"activity {id} of {node.id} is not enabled; {_enabled(node, waiting)}")
            chosen.append((found, tokens))
        if node.sequential and chosen and (is_performing or len(chosen) > 1):
            raise refused(f"activities of {node.id} are performed one after the other")
        for found, tokens in chosen:
            _start(run, token, found, tokens)


def _start(run: Run, token: ElementInstance, node: Node, tokens: Sequence[ElementInstance]) -> None:
    """One instance of the activity: the last of the `tokens` that have waited, or a new one."""
    if not tokens:
        run.arrive(node, token)
        return
    *others, last = tokens
    for other in others:
        run.end(other)
    last.context = SELECTED
    run.changes.update(last)
    run.enter(last)


def _taken(node: Node, waiting: dict[Node, list[ElementInstance]]) -> list[ElementInstance] | None:
    """Takes what has waited longest at the activity, as many as it needs; None where there are not that many."""
    if not node.incoming:
        return []
    found = waiting[node]
    if len(found) < node.start_quantity:
        return None
    waiting[node] = found[node.start_quantity :]
    return found[: node.start_quantity]


def _enabled(node: Node, waiting: dict[Node, list[ElementInstance]]) -> str:
    enabled = [
        child.id
        for child in node.children
        if child.is_selected and (not child.incoming or len(waiting[child]) >= child.start_quantity)
    ]
    return f"enabled: {', '.join(enabled[:MOST_NAMED])}{', …' if len(enabled) > MOST_NAMED else ''}"


def _waits(child: ElementInstance) -> bool:
    """Whether it is a token that waits at an activity until that is selected."""
    return child.context == GATHERING and child.state is InstanceState.CREATED


def _has_only_arrived(child: ElementInstance) -> bool:
    """Whether it is going to wait like that once the instance is resumed."""
    is_stopped = child.state is InstanceState.SUSPENDED and child.started_at is None
    return is_stopped and bool(child.node.incoming) and child.context != SELECTED


def _is_active(run: Run, token: ElementInstance) -> bool:
    return any(not _waits(child) for child in run.children(token))


def _is(token: ElementInstance, mark: str) -> bool:
    return mark in (token.context or "").split()


def _mark(run: Run, token: ElementInstance, mark: str, *, on: bool = True) -> None:
    marks = {*(token.context or "").split(), mark} if on else {*(token.context or "").split()} - {mark}
    token.context = " ".join(sorted(marks)) or None
    run.changes.update(token)
