"""Who catches an error or escalation, and what an interrupting or non-interrupting boundary event does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.bpmn.model import ElementType
from app.engine.payload import Payload
from app.engine.types import InstanceState, TaskType
from app.errors import execution_failed

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


def trigger_boundary(run: Run, event: ElementInstance, *, again: bool = True) -> ElementInstance | None:
    """The boundary event has happened: its flows continue, and its host ends if it interrupts.

    A non-interrupting one is attached anew, before its flows go on, if `again`; the new token is returned.
    """
    host = event.prev
    assert host is not None
    renewed = None
    if event.node.interrupting:
        run.complete(event)
        run.terminate(host)
    else:
        if again:
            renewed = run.renew(event)
        run.complete(event)
    return renewed


def throw_error(run: Run, token: ElementInstance, code: str) -> None:
    """An activity throws an error; raises EngineError EXECUTION when no boundary event catches it."""
    if not _throw(run, token, ElementType.ERROR_BOUNDARY_EVENT, code, lambda node: True):
        raise execution_failed("failed to throw BPMN error", f"failed to find boundary event for error code {code}")


def throw_escalation(run: Run, token: ElementInstance, code: str, title: str) -> bool:
    """An activity escalates; True if that ended it. Raises EngineError EXECUTION when nothing catches it."""
    if not _throw(run, token, ElementType.ESCALATION_BOUNDARY_EVENT, code, lambda node: True):
        raise execution_failed(title, f"failed to find boundary event for escalation code {code}")
    return token.state.ended


def end_with_error(run: Run, token: ElementInstance, code: str) -> None:
    """An error end event: it completes, and what catches the error, if anything does, interrupts."""
    scope = _scope(token)
    run.complete(token)
    _throw(run, scope, ElementType.ERROR_BOUNDARY_EVENT, code, lambda node: True)


def throw_from_event(run: Run, token: ElementInstance, code: str, *, interrupting: bool) -> None:
    """An escalation event: a throw event finds non-interrupting boundary events only, an end event the others."""
    scope = _scope(token)
    if interrupting:
        run.complete(token)
        _throw(run, scope, ElementType.ESCALATION_BOUNDARY_EVENT, code, lambda node: node.interrupting)
    else:
        _throw(run, scope, ElementType.ESCALATION_BOUNDARY_EVENT, code, lambda node: not node.interrupting)
        run.complete(token)


def _throw(run: Run, level: ElementInstance, kind: ElementType, code: str, allowed: Callable[[Node], bool]) -> bool:
    """Looks for a boundary event from `level` outwards, in the end at the call activity, and triggers it."""
    while True:
        event = _find(run, level, kind, code, allowed)
        if event:
            trigger_boundary(run, event)
            return True
        if level.node.parent is None:
            break
        level = _scope(level)
    call_activity = level.parent
    if not run.caller or not call_activity:
        return False
    event = _find(run.caller, call_activity, kind, code, allowed)
    if not event:
        return False
    payload = Payload(error_code=code) if kind is ElementType.ERROR_BOUNDARY_EVENT else Payload(escalation_code=code)
    run.caller.create_task(event, TaskType.TRIGGER_EVENT, payload)
    if event.node.interrupting:
        run.end_instance(InstanceState.TERMINATED)
    return True


def _find(
    run: Run, host: ElementInstance, kind: ElementType, code: str, allowed: Callable[[Node], bool]
) -> ElementInstance | None:
    """The configured boundary event with that code, else the first one that catches every code."""
    events = [
        event
        for event in run.attached(host)
        if event.node.type is kind and event.context is not None and allowed(event.node)
    ]
    exact = (event for event in events if event.context == code)
    any_code = (event for event in events if event.context == "")
    return next(exact, None) or next(any_code, None)


def _scope(token: ElementInstance) -> ElementInstance:
    assert token.parent is not None
    return token.parent
