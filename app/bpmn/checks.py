"""What a process must satisfy before it can be executed: one small rule each, in the order causes are reported.

The rules see the process as drawn. What couldn't even be read as a process is already a problem of some element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from app.bpmn.model import Element, ElementType, Process
from app.errors import Cause

T = ElementType

MAX_CAUSES = 1000
"""More don't help anyone and could make an answer larger than the request by orders of magnitude."""

ACTIVITIES = frozenset(
    {
        T.BUSINESS_RULE_TASK,
        T.CALL_ACTIVITY,
        T.SCRIPT_TASK,
        T.SEND_TASK,
        T.SERVICE_TASK,
        T.SUB_PROCESS,
        T.USER_TASK,
    }
)
"""The types that can carry boundary events."""
_BOUNDARY_EVENTS = frozenset(
    {
        T.ERROR_BOUNDARY_EVENT,
        T.ESCALATION_BOUNDARY_EVENT,
        T.MESSAGE_BOUNDARY_EVENT,
        T.SIGNAL_BOUNDARY_EVENT,
        T.TIMER_BOUNDARY_EVENT,
    }
)
_AFTER_EVENT_GATEWAY = frozenset({T.MESSAGE_CATCH_EVENT, T.SIGNAL_CATCH_EVENT, T.TIMER_CATCH_EVENT})
_DEFINED_START_EVENTS = frozenset({T.MESSAGE_START_EVENT, T.SIGNAL_START_EVENT, T.TIMER_START_EVENT})
_WITH_DEFAULT = {T.EXCLUSIVE_GATEWAY: "exclusive gateway", T.INCLUSIVE_GATEWAY: "inclusive gateway"}


def check(process: Process) -> list[Cause]:
    """All causes, at most `MAX_CAUSES`: of the process, of each element in numbering order, of link events."""
    return list(islice(_causes(process), MAX_CAUSES))


def _causes(process: Process) -> Iterator[Cause]:
    for process_rule in PROCESS_RULES:
        yield from process_rule(process)
    for element in process.elements():
        for rule in ELEMENT_RULES:
            yield from rule(element)
    yield from _links(process)


def _at(element: Element, detail: str) -> Cause:
    return Cause(element.pointer, "element", f"{detail} (line {element.line})")


def _executable(process: Process) -> Iterator[Cause]:
    element = process.element
    if not process.executable:
        yield Cause(element.pointer, "process", f"process {element.id} is not executable")


def _one_none_start(process: Process) -> Iterator[Cause]:
    element = process.element
    if len(_none_starts(element)) > 1:
        yield Cause(element.pointer, "process", f"process {element.id} has multiple none start events")


def _none_starts(scope: Element) -> list[Element]:
    return [child for child in scope.children if child.type is T.NONE_START_EVENT and not child.refused]


def _supported(element: Element) -> Iterator[Cause]:
    return (problem.cause() for problem in element.problems if problem.type == "element")


def _has_id(element: Element) -> Iterator[Cause]:
    if not element.id and not element.refused:
        yield _at(element, f"element of type {element.type} has no ID")


def _event_gateway_branches(element: Element) -> Iterator[Cause]:
    if element.type is T.EVENT_BASED_GATEWAY and not element.refused and len(element.outgoing_ids) < 2:
        yield _at(element, f"event-based gateway {element.id} must have at least 2 outgoing sequence flows")


def _event_gateway_targets(element: Element) -> Iterator[Cause]:
    if element.type is not T.EVENT_BASED_GATEWAY:
        return
    for target in dict.fromkeys(flow.target for flow in element.outgoing):
        if target.type not in _AFTER_EVENT_GATEWAY and not target.refused:
            yield _at(target, f"event-based gateway {element.id} cannot be followed by {target.type}")


def _default_flow(element: Element) -> Iterator[Cause]:
    if element.default_flow and element.default_flow not in element.outgoing_ids:
        kind = _WITH_DEFAULT[element.type]
        yield _at(element, f"{kind} {element.id} has no default sequence flow {element.default_flow}")


def _no_inclusive_join(element: Element) -> Iterator[Cause]:
    if element.type is T.INCLUSIVE_GATEWAY and len(element.incoming_ids) > 1:
        yield _at(element, f"element {element.id} is not supported: joining inclusive gateway")


def _sub_process_starts(element: Element) -> Iterator[Cause]:
    if element.type is not T.SUB_PROCESS or element.refused:
        return
    for child in element.children:
        if child.type in _DEFINED_START_EVENTS:
            what = f"sub-process {element.id} cannot be started by {child.type}: not a none start event"
            yield _at(child, what)
    refused = any(child.type is T.NONE_START_EVENT and child.refused for child in element.children)
    if len(_none_starts(element)) != 1 and not refused:
        yield _at(element, f"sub-process {element.id} has no or multiple none start events")


def _attached(element: Element) -> Iterator[Cause]:
    if element.type not in _BOUNDARY_EVENTS:
        return
    host = element.attached_to
    if host is None:
        yield _at(element, f"boundary event {element.id} is not attached")
    elif host.parent is not element.parent:
        yield _at(element, f"boundary event {element.id} is attached to {host.id} of another scope")
    elif host.type not in ACTIVITIES and not host.refused:
        yield _at(element, f"boundary event {element.id} cannot be attached to {host.type}: not an activity")


def _flows(element: Element) -> Iterator[Cause]:
    return (problem.cause() for problem in element.problems if problem.type == "sequence_flow")


Rule = Callable[[Element], Iterable[Cause]]

PROCESS_RULES: tuple[Callable[[Process], Iterable[Cause]], ...] = (_executable, _one_none_start)
ELEMENT_RULES: tuple[Rule, ...] = (
    _supported,
    _has_id,
    _event_gateway_branches,
    _event_gateway_targets,
    _default_flow,
    _no_inclusive_join,
    _sub_process_starts,
    _attached,
    _flows,
)


def _links(process: Process) -> Iterator[Cause]:
    """Link names: set, caught at most once, and caught in the scope they are thrown in. Catch events come first."""
    links = [element for element in process.elements() if element.type in (T.LINK_CATCH_EVENT, T.LINK_THROW_EVENT)]
    caught: dict[str, Element] = {}
    for element in (link for link in links if link.type is T.LINK_CATCH_EVENT):
        if not element.link_name:
            yield _at(element, "link name is empty")
        elif caught.setdefault(element.link_name, element) is not element:
            yield _at(element, f"link name {element.link_name} must be unique")
    for element in (link for link in links if link.type is T.LINK_THROW_EVENT):
        catch = caught.get(element.link_name)
        if not element.link_name:
            yield _at(element, "link name is empty")
        elif catch is None:
            yield _at(element, f"no link catch event defined for link name {element.link_name}")
        elif catch.parent is not element.parent:
            scope = element.parent.id if element.parent else ""
            yield _at(element, f"no link catch event defined for link name {element.link_name} in scope {scope}")
