"""Random processes, walked at random: what is counted stays true, and a suspension changes nothing in the end."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.awaited import Progress
from app.engine.contexts import GATHERING
from app.engine.elements.conditional import ConditionalTrigger
from app.engine.graph import Node
from app.engine.payload import parse_payload
from app.engine.records import ElementInstance, MessageSubscription, SignalSubscription, Task
from tests.conftest import examples
from tests.engine.answers import path, step, token_of, waits_for
from tests.engine.drawn import Scope, processes
from tests.engine.paths import gateways_that_could_go_on
from tests.walk import Walk

CHOICES = st.lists(st.integers(0, 2**20), min_size=5, max_size=40)
EXAMPLES = settings(max_examples=examples(check=150, full=3000))
MOST_STEPS = 200
"""After which a walk may still go round in a loop."""


def begun(drawn: Scope) -> Walk:
    return Walk(drawn.text, evaluates=drawn.evaluates, **drawn.kinds)


@EXAMPLES
@given(processes(), CHOICES)
def test_what_is_counted_stays_true(drawn, choices):
    walk = begun(drawn)
    for choice in choices:
        if choice % 7 == 5 and walk.instance.state == "STARTED":
            walk.suspend()
        elif choice % 7 in (5, 6) and walk.instance.state == "SUSPENDED":
            walk.resume()
        elif not step(walk, choice):
            break
        assert_nothing_hangs(walk)


@EXAMPLES
@given(processes(), st.integers(0, 2**32))
def test_whatever_is_answered_nothing_hangs(drawn, seed):
    walk, random = begun(drawn), Random(seed)
    for _ in range(MOST_STEPS):
        if not step(walk, random.getrandbits(32)) or walk.instance.state.ended:
            break
        assert_nothing_hangs(walk)


def assert_nothing_hangs(walk: Walk) -> None:
    """Gateways go on as soon as they can, and all that is left where nothing is open waits for what does not come.

    That are joins, activities that need more tokens, and conditions that are not true. An event that waits for several
    things can still happen by each of them that has not.
    """
    active = [token for token in walk.tokens if not token.state.ended]
    open_work = waits_for(walk)
    forgotten = [token.node.id for token in active if _is_forgotten(token, open_work)]
    assert not forgotten, f"{forgotten}: {walk}"
    if walk.instance.state == "SUSPENDED":
        return
    assert gateways_that_could_go_on(active) == []
    if open_work:
        return
    left = [token for token in active if not token.active_children and (token.host is None or token.state == "STARTED")]
    conditional = [token for token in active if _waits_for_condition(token)]
    hosts = [token.host for token in active if token in conditional or token.state == "STARTED"]
    stuck = [
        token.node.id
        for token in left
        if not (token.node.behavior.decides or token.context == GATHERING or token in conditional or token in hosts)
    ]
    assert not stuck, f"{stuck}: {walk}"
    assert left or walk.instance.state.ended


def _is_forgotten(event: ElementInstance, open_work: Sequence[Any]) -> bool:
    """Whether it waits for several things, and for one of them in vain."""
    progress = Progress.of(event.context)
    if progress is None or event.state != ("CREATED" if event.host else "STARTED"):
        return False
    of_event = [each for each in open_work if token_of(each) is event]
    left = [part for place, part in enumerate(event.node.parts) if not progress.happened & 1 << place]
    if not left:
        # It is about to go on, or to be told where.
        return not of_event
    sought = {part.part for part in left if not part.watched and not _is_thrown(part)}
    return not sought <= {_part(each) for each in of_event}


def _is_thrown(part: Node) -> bool:
    """Whether it is caught where it is thrown, so that nothing has to stand for it till then."""
    trigger = part.behavior.trigger
    assert trigger is not None
    return trigger.catches_errors or trigger.catches_escalations


def _part(of: Any) -> int | None:
    if isinstance(of, Task):
        return parse_payload(of.serialized_task).part
    return of.part if isinstance(of, MessageSubscription | SignalSubscription) else None


def _waits_for_condition(token: ElementInstance) -> bool:
    progress = Progress.of(token.context)
    if progress is None:
        return isinstance(token.node.behavior.trigger, ConditionalTrigger)
    return any(part.watched and not progress.happened & 1 << place for place, part in enumerate(token.node.parts))


@EXAMPLES
@given(processes(), CHOICES)
def test_a_suspension_changes_nothing_in_the_end(drawn, choices):
    plain, stopped = begun(drawn), begun(drawn)
    for choice in choices:
        if stopped.instance.state == "STARTED":
            stopped.suspend()
        if not step(plain, choice):
            break
        step(stopped, choice)
        if stopped.instance.state == "SUSPENDED":
            stopped.resume()
        if visits(stopped) != visits(plain):
            # How far the others have come that a terminate end event ends is a matter of who is first.
            cut = [*cut_short(stopped), *cut_short(plain)]
            assert visits(stopped, but=cut) == visits(plain, but=cut)
            break


def visits(walk: Walk, *, but: Sequence[str] = ()) -> list[str]:
    """All that are not inside of what is at these paths, whichever of those that come about together is first."""
    inside = tuple(f"{each}/" for each in but)
    return sorted(f"{path(token)} {token.state}" for token in walk.tokens if not path(token).startswith(inside))


def cut_short(walk: Walk) -> list[str]:
    """Where everything has just been ended by a terminate end event."""
    ends = [token for token in walk.tokens if token.node.terminate and token.state == "COMPLETED"]
    return [path(end.parent) for end in ends if end.ended_at == walk.now]
