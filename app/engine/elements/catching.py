"""Who catches an error or escalation, and what an interrupting or non-interrupting boundary event does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.bpmn.model import ElementType
from app.engine.payload import Payload
from app.engine.types import InstanceState, TaskType
from app.errors import execution_failed

if TYPE_CHECKING:
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
    caught = _find(run, token, ElementType.ERROR_BOUNDARY_EVENT, code)
    if not caught:
        raise execution_failed("failed to throw BPMN error", f"failed to find boundary event for error code {code}")
    caught.happens()


def throw_escalation(run: Run, token: ElementInstance, code: str, title: str) -> bool:
    """An activity escalates; True if that ended it. Raises EngineError EXECUTION when nothing catches it."""
    caught = _find(run, token, ElementType.ESCALATION_BOUNDARY_EVENT, code)
    if not caught:
        raise execution_failed(title, f"failed to find boundary event for escalation code {code}")
    caught.happens()
    return token.state.ended


def end_with_error(run: Run, token: ElementInstance, code: str) -> None:
    """An error end event: it completes, and what catches the error, if anything does, interrupts."""
    caught = _find(run, _scope(token), ElementType.ERROR_BOUNDARY_EVENT, code)
    run.complete(token)
    if caught:
        caught.happens()


def end_with_escalation(run: Run, token: ElementInstance, code: str) -> None:
    """An escalation end event: it completes, and what catches the escalation happens, rather what interrupts."""
    caught = _find(run, _scope(token), ElementType.ESCALATION_BOUNDARY_EVENT, code, interrupting=True)
    run.complete(token)
    if caught:
        caught.happens()


def throw_and_continue(run: Run, token: ElementInstance, code: str) -> None:
    """An escalation throw event: what catches the escalation happens, rather what does not interrupt.

    It completes, and its flow goes on unless what it is in was interrupted.
    """
    caught = _find(run, _scope(token), ElementType.ESCALATION_BOUNDARY_EVENT, code, interrupting=False)
    if caught and caught.event.node.interrupting:
        run.complete(token, [])
        caught.happens()
        return
    if caught:
        caught.happens()
    run.complete(token)


@dataclass(frozen=True, slots=True)
class _Caught:
    """The boundary event that catches an error or escalation which `run` throws."""

    run: Run
    event: ElementInstance
    code: str
    by_caller: bool

    def happens(self) -> None:
        """By a task where it is the caller that catches; an interrupting one ends the called instance at once."""
        if not self.by_caller:
            trigger_boundary(self.run, self.event)
            return
        assert self.run.caller is not None
        is_error = self.event.node.type is ElementType.ERROR_BOUNDARY_EVENT
        payload = Payload(error_code=self.code) if is_error else Payload(escalation_code=self.code)
        self.run.caller.create_task(self.event, TaskType.TRIGGER_EVENT, payload)
        if self.event.node.interrupting:
            self.run.end_instance(InstanceState.TERMINATED)


def _find(
    run: Run, level: ElementInstance, kind: ElementType, code: str, *, interrupting: bool | None = None
) -> _Caught | None:
    """Looks from `level` outwards, in the end at the call activity, as far as a boundary event catches."""
    while True:
        event = _match(run.attached(level), kind, code, interrupting)
        if event:
            return _Caught(run, event, code, by_caller=False)
        if level.node.parent is None:
            break
        level = _scope(level)
    call_activity = level.parent
    if not run.caller or not call_activity:
        return None
    event = _match(run.caller.attached(call_activity), kind, code, interrupting)
    return _Caught(run, event, code, by_caller=True) if event else None


def _match(
    events: list[ElementInstance], kind: ElementType, code: str, interrupting: bool | None
) -> ElementInstance | None:
    """Of the configured events, one with that code before one that catches every code (BPMN 2.0.2, 10.5.5).

    Of several that match alike it is one that is, or is not, `interrupting`, if that matters; then the first.
    """
    found = [event for event in events if event.node.type is kind and event.context in (code, "")]
    return min(
        found,
        key=lambda event: (event.context != code, interrupting not in (None, event.node.interrupting)),
        default=None,
    )


def _scope(token: ElementInstance) -> ElementInstance:
    assert token.parent is not None
    return token.parent
