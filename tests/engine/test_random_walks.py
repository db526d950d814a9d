"""Random processes, walked at random: what is counted stays true, and a suspension changes nothing in the end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.engine.contexts import GATHERING
from app.engine.records import Job
from app.engine.types import JobType
from app.errors import EngineError
from app.timer import Timer
from tests.engine.drawn import processes
from tests.engine.paths import gateways_that_could_go_on
from tests.walk import JobStep, TaskStep, UserTaskStep, Walk

CHOICES = st.lists(st.integers(0, 2**16), min_size=5, max_size=40)


def completion(job: Job, luck: int) -> dict[str, Any]:
    """One with which the job is done."""
    assert job.token is not None
    targets = [flow.target.id for flow in job.token.node.outgoing]
    if job.type is JobType.EXECUTE:
        return ({}, {}, {}, {"error_code": "E"}, {"escalation_code": "C"})[luck % 5]
    return {
        JobType.EVALUATE_EXCLUSIVE_GATEWAY: {"exclusive_gateway_decision": targets[luck % len(targets)]},
        JobType.EVALUATE_INCLUSIVE_GATEWAY: {"inclusive_gateway_decision": targets[: 1 + luck % len(targets)]},
        JobType.EVALUATE_OUTGOING_FLOWS: {
            "inclusive_gateway_decision": [
                f.target.id for f in job.token.node.outgoing if f.is_conditional and luck % 2
            ]
        },
        JobType.EVALUATE_COMPLETION_CONDITION: {"condition_fulfilled": luck % 2 == 0},
        JobType.EVALUATE_LOOP_CONDITION: {"condition_fulfilled": luck % 2 == 0},
        JobType.SET_LOOP_CARDINALITY: {"loop_cardinality": luck % 3},
        JobType.SUBSCRIBE_MESSAGE: {"message_name": "m", "message_correlation_key": "k"},
        JobType.SET_MESSAGE_CORRELATION_KEY: {"message_correlation_key": "k"},
        JobType.SUBSCRIBE_SIGNAL: {"signal_name": "g"},
        JobType.SET_TIMER: {"timer": Timer(time_duration="PT1H")},
    }[job.type]


def step(walk: Walk, luck: int) -> bool:
    """Something that is open is done, or happens; False where nothing is."""
    people = [u for u in walk.records.user_tasks if u.state == "STARTED"]
    options: list[Any] = [*walk.jobs(), *walk.tasks(), *people, *walk.records.subscriptions]
    # Not in the order in which they came about: that is another one where the walk has been suspended.
    options.sort(key=lambda each: (each.token.id, type(each).__name__))
    if not options:
        return False
    picked, luck = options[luck % len(options)], luck // len(options)
    if isinstance(picked, Job):
        if picked.detached:
            picked.completed_at = walk.now
            return True
        try:
            JobStep(walk, picked).done(**completion(picked, luck))
        except EngineError as error:
            assert "failed to find boundary event" in error.detail, error
            JobStep(walk, picked).done()
    elif picked in walk.tasks():
        TaskStep(walk, picked).run()
    elif picked in people:
        UserTaskStep(walk, picked).done()
    else:
        walk.happens(picked.token.node.id)
    return True


@given(processes(), CHOICES)
def test_what_is_counted_stays_true(drawn, choices):
    walk = Walk(drawn.text, **drawn.kinds)
    for choice in choices:
        if choice % 7 == 5 and walk.instance.state == "STARTED":
            walk.suspend()
        elif choice % 7 in (5, 6) and walk.instance.state == "SUSPENDED":
            walk.resume()
        elif not step(walk, choice):
            assert_only_joins_are_left(walk)
            break
        assert gateways_that_could_go_on([t for t in walk.tokens if not t.state.ended]) == []


def assert_only_joins_are_left(walk: Walk) -> None:
    """Nothing is open: either it is over, or all that is left waits for tokens that do not come."""
    if walk.instance.state == "SUSPENDED":
        return
    left = [t for t in walk.tokens if not t.state.ended and not t.active_children and t.host is None]
    stuck = [t.node.id for t in left if not t.node.behavior.decides and t.context != GATHERING]
    assert not stuck, f"{stuck}: {walk}"
    assert left or walk.instance.state.ended


@given(processes(), CHOICES)
def test_a_suspension_changes_nothing_in_the_end(drawn, choices):
    plain, stopped = Walk(drawn.text, **drawn.kinds), Walk(drawn.text, **drawn.kinds)
    for choice in choices:
        if not step(plain, choice):
            break
        if stopped.instance.state == "STARTED":
            stopped.suspend()
        step(stopped, choice)
        if stopped.instance.state == "SUSPENDED":
            stopped.resume()
        assert stopped.trace == plain.trace
