"""Who catches an error or escalation: the nearest event around it that waits for its code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.elements.trigger import Raised
from app.engine.payload import Payload
from app.engine.types import InstanceState, TaskType
from app.errors import execution_failed

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


def throw_error(run: Run, token: ElementInstance, code: str, message: str = "") -> None:
    """An activity throws an error; raises EngineError EXECUTION when nothing catches it."""
    caught = _find(run, token, Raised.error(code, message))
    if not caught:
        raise execution_failed("failed to throw BPMN error", f"failed to find boundary event for error code {code}")
    caught.happens()


def throw_escalation(run: Run, token: ElementInstance, code: str, title: str) -> bool:
    """An activity escalates; True if that ended it. Raises EngineError EXECUTION when nothing catches it."""
    caught = _find(run, token, Raised.escalation(code))
    if not caught:
        raise execution_failed(title, f"failed to find boundary event for escalation code {code}")
    caught.happens()
    return token.state.ended


def end_with_error(run: Run, token: ElementInstance, code: str) -> None:
    """An error end event: it completes, and what catches the error, if anything does, interrupts."""
    caught = _find(run, run.scope_of(token), Raised.error(code))
    run.complete(token)
    if caught:
        caught.happens()


def end_with_escalation(run: Run, token: ElementInstance, code: str) -> None:
    """An escalation end event: it completes, and what catches the escalation happens, rather what interrupts."""
    caught = _find(run, run.scope_of(token), Raised.escalation(code), interrupting=True)
    run.complete(token)
    if caught:
        caught.happens()


def throw_and_continue(run: Run, token: ElementInstance, code: str) -> None:
    """An escalation throw event: what catches the escalation happens, rather what does not interrupt.

    It completes, and its flow goes on unless what it is in was interrupted.
    """
    caught = _find(run, run.scope_of(token), Raised.escalation(code), interrupting=False)
    if caught and caught.interrupts:
        run.complete(token, [])
        caught.happens()
        return
    if caught:
        caught.happens()
    run.complete(token)


def escalate_from(run: Run, level: ElementInstance, code: str, *, thrower: ElementInstance | None = None) -> None:
    """Something at `level` escalates, and goes on: what catches that happens, if anything does.

    The `thrower` is complete before it is interrupted.
    """
    caught = _find(run, level, Raised.escalation(code))
    if not caught:
        return
    if thrower is not None and caught.interrupts:
        run.complete(thrower, [])
    caught.happens()


@dataclass(frozen=True, slots=True)
class _Caught:
    """The event that catches what `run` throws."""

    run: Run
    event: ElementInstance
    node: Node
    """Of several definitions of the event the one that catches."""
    interrupts: bool
    raised: Raised
    by_caller: bool

    def happens(self) -> None:
        """By a task where it is the caller that catches; an interrupting one ends the called instance at once."""
        if not self.by_caller:
            self.event.behavior.happens(self.run, self.event, raised=self.raised, node=self.node)
            return
        assert self.run.caller is not None
        payload = Payload(
            error_code=self.raised.error_code,
            error_message=self.raised.message or None,
            escalation_code=self.raised.escalation_code,
            part=self.node.part,
        )
        self.run.caller.create_task(self.event, TaskType.TRIGGER_EVENT, payload)
        if self.interrupts:
            self.run.end_instance(InstanceState.TERMINATED)


def _find(run: Run, level: ElementInstance, raised: Raised, *, interrupting: bool | None = None) -> _Caught | None:
    """Looks from `level` outwards, in the end at the call activity, as far as an event catches."""
    while True:
        found = _match(run.armed(level), raised, interrupting)
        if found:
            return _Caught(run, *found, raised, by_caller=False)
        if level.node.parent is None:
            break
        level = run.scope_of(level)
    call_activity = level.parent
    if not run.caller or not call_activity:
        return None
    # Those of a call activity with a marker are attached to what its instances are inside of.
    host = run.caller.scope_of(call_activity) if call_activity.is_inner else call_activity
    found = _match(run.caller.armed(host), raised, interrupting)
    return _Caught(run, *found, raised, by_caller=True) if found else None


def _match(
    events: list[ElementInstance], raised: Raised, interrupting: bool | None
) -> tuple[ElementInstance, Node, bool] | None:
    """What catches, which of its definitions does, and whether that interrupts.

    Of the configured events, it is one with that code before one that catches every code (BPMN 2.0.2, 10.5.5).

    What is inside of a scope catches before what is attached to it (10.5.6). Of several that match alike it is one
    that is, or is not, `interrupting`, if that matters; then the first.
    """
    found: list[tuple[tuple[bool, bool, bool], tuple[ElementInstance, Node, bool]]] = []
    for event in events:
        trigger = event.behavior.trigger
        if trigger is None:
            continue
        for node, code in trigger.codes(event, raised):
            if code in (raised.code, ""):
                interrupts = trigger.interrupts(event, node)
                rank = not event.node.starts_handler, code != raised.code, interrupting not in (None, interrupts)
                found.append((rank, (event, node, interrupts)))
    return min(found, key=lambda each: each[0])[1] if found else None
