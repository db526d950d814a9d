"""What a process must satisfy before it can be executed: one small rule each, in the order causes are reported.

The rules see the process as drawn. What couldn't even be read as a process is already a problem of some element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from app.bpmn import undoing, waiting
from app.bpmn.behavior import check_behavior
from app.bpmn.causes import at, at_flow, bounded
from app.bpmn.evaluation import check_conditional_events
from app.bpmn.kinds import (
    ACTIVITIES,
    BOUNDARY_EVENTS,
    END_EVENTS,
    SCOPES,
    START_EVENTS,
    ElementType,
)
from app.bpmn.model import (
    MAX_CALLED_LENGTH,
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    Element,
    Process,
    SequenceFlow,
)
from app.bpmn.parts import check_parts
from app.bpmn.reader import WHITE_SPACE
from app.errors import Cause

T = ElementType

MAX_ELEMENTS = 20_000
"""Of a process. Whoever deploys keeps others out while they are written."""
MAX_START_EVENTS = 1000
"""Of a process: what starts it by a message, signal or timer. Each is looked up while others are kept out."""

_DECIDING_GATEWAYS = {
    T.COMPLEX_GATEWAY: "complex gateway",
    T.EXCLUSIVE_GATEWAY: "exclusive gateway",
    T.INCLUSIVE_GATEWAY: "inclusive gateway",
}
_WITHOUT_CONDITIONS: Mapping[ElementType, str] = {
    **dict.fromkeys(START_EVENTS, "start event"),
    T.EVENT_BASED_GATEWAY: "event-based gateway",
    T.PARALLEL_GATEWAY: "parallel gateway",
}
_HANDLER = {T.EVENT_SUB_PROCESS: "event sub-process"}
_PLACES_OF_HANDLERS = SCOPES - {T.AD_HOC_SUB_PROCESS}
_WITHOUT_INCOMING: Mapping[ElementType, str] = {
    **dict.fromkeys(START_EVENTS, "start event"),
    **dict.fromkeys(BOUNDARY_EVENTS, "boundary event"),
    T.LINK_CATCH_EVENT: "link catch event",
    **_HANDLER,
}
_WITHOUT_OUTGOING: Mapping[ElementType, str] = {
    **dict.fromkeys(END_EVENTS, "end event"),
    T.LINK_THROW_EVENT: "link throw event",
    **_HANDLER,
}


def check(process: Process) -> list[Cause]:
    """All causes, as far as `bounded` lets them: of the process, of each element in numbering order, of link events."""
    return bounded(_causes(process))


def _causes(process: Process) -> Iterator[Cause]:
    for process_rule in PROCESS_RULES:
        yield from process_rule(process)
    for element in process.elements():
        for rule in _RULES[element.type]:
            yield from rule(element)
    yield from check_conditional_events(process)
    yield from check_parts(process)
    yield from check_behavior(process)
    yield from undoing.check_references(process)
    yield from _links(process)


def _of_process(process: Process, detail: str) -> Cause:
    return Cause(process.element.pointer, "process", detail, "", *process.element.place)


def _executable(process: Process) -> Iterator[Cause]:
    element = process.element
    if not process.executable:
        yield _of_process(process, f"process {element.id} is not executable")


def _one_none_start(process: Process) -> Iterator[Cause]:
    """Several are alternatives (BPMN 2.0.2, 13.2), of which whoever starts an instance names one.

    Clients that don't know of that are told here; those that have the engine evaluate expressions do.
    """
    element = process.element
    begins = [child for child in element.children if child.type is T.NONE_START_EVENT and not child.refused]
    if len(begins) > 1 and not process.evaluates:
        yield _of_process(process, f"process {element.id} has multiple none start events")


def _few_elements(process: Process) -> Iterator[Cause]:
    element = process.element
    if sum(1 for _ in process.elements()) > MAX_ELEMENTS:
        detail = f"process {element.id} has more than {MAX_ELEMENTS} elements (line {element.line})"
        yield _of_process(process, detail)


def _few_starts(process: Process) -> Iterator[Cause]:
    element = process.element
    starts = [child for child in element.children if child.instantiates]
    if len(starts) > MAX_START_EVENTS:
        detail = f"process {element.id} has more than {MAX_START_EVENTS} start events (line {element.line})"
        yield _of_process(process, detail)
    elif sum(len(start.parts) or 1 for start in starts) > MAX_START_EVENTS:
        what = f"start events of process {element.id} have more than {MAX_START_EVENTS} definitions"
        yield _of_process(process, f"{what} (line {element.line})")


def _supported(element: Element) -> Iterator[Cause]:
    return (problem.cause() for problem in element.problems if problem.type == "element")


def _has_id(element: Element) -> Iterator[Cause]:
    if not element.id and not element.refused:
        yield at(element, f"element of type {element.type} has no ID")


def _short_enough(element: Element) -> Iterator[Cause]:
    """The id has been cut already: what is looked at is the one in the file."""
    too_long = []
    if len(element.written_id) > MAX_ID_LENGTH and len(element.written_id.strip(WHITE_SPACE)) > MAX_ID_LENGTH:
        too_long.append(("ID", MAX_ID_LENGTH))
    if len(element.name) > MAX_NAME_LENGTH:
        too_long.append(("name", MAX_NAME_LENGTH))
    if len(element.called_element) > MAX_CALLED_LENGTH:
        too_long.append(("called element", MAX_CALLED_LENGTH))
    if len(element.link_name) > MAX_ID_LENGTH:
        too_long.append(("link name", MAX_ID_LENGTH))
    for what, limit in too_long:
        yield at(element, f"{what} of element {element.id} is longer than {limit} characters")


def _participant_short_enough(process: Process) -> Iterator[Cause]:
    texts = (
        ("ID of the collaboration", process.collaboration_id, MAX_ID_LENGTH),
        ("ID of the participant", process.participant_id, MAX_ID_LENGTH),
        ("name of the participant", process.participant_name, MAX_NAME_LENGTH),
    )
    for what, text, limit in texts:
        if len(text) > limit:
            place = process.participant_place if "participant" in what else process.collaboration_place
            detail = f"{what} of process {process.element.id} is longer than {limit} characters (line {place.line})"
            yield Cause(process.element.pointer, "process", detail, "", *place)


def _quantities(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 13.3.2: only tokens that come along flows can be waited for."""
    if element.start_quantity > 1 and not element.refused:
        reason = ""
        if element.instantiate:
            reason = "it starts the process"
        elif element.is_compensation:
            reason = "it is a compensation activity"
        elif not element.incoming_ids:
            reason = "no sequence flow leads to it"
        elif waiting.event_gateway(element) is not None:
            reason = "it waits for an event"
        if reason:
            yield at(element, f"startQuantity of element {element.id} must be 1, since {reason}")


def _conditions(element: Element) -> Iterable[Cause]:
    """BPMN 2.0.2, 8.4.13 and 10.5.2: where flows have conditions."""
    conditional = [flow for flow in element.outgoing if flow.conditional]
    return _misplaced(element, conditional) if conditional else ()


def _misplaced(element: Element, conditional: Iterable[SequenceFlow]) -> Iterator[Cause]:
    kind = _WITHOUT_CONDITIONS.get(element.type, "")
    for flow in conditional:
        if not element.refused and not flow.target.refused:
            if kind:
                yield at_flow(flow, f"must have no condition, since it leaves {kind} {element.id}")
            elif len(element.outgoing_ids) == 1:
                yield at_flow(flow, f"must have no condition, since it is the only one that leaves {element.id}")


def _default_flow(element: Element) -> Iterable[Cause]:
    """It matters at what chooses among its flows: a gateway, or where one of them has a condition."""
    default = element.default_flow
    if default and default not in element.outgoing_ids:
        kind = _DECIDING_GATEWAYS.get(element.type, "")
        if kind or any(flow.conditional for flow in element.outgoing):
            who = f"{kind or 'element'} {element.id}"
            return (at(element, f"{who} has no default sequence flow {default[:MAX_ID_LENGTH]}"),)
    return ()


def _activation(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.6.5: which tokens it waits for."""
    if len(element.incoming) > 1 and element.condition is None and not element.refused:
        what = f"complex gateway {element.id} has several incoming sequence flows, so it must have"
        yield at(element, f"{what} an activationCondition")


def _sub_process_starts(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 13.3.4: one none start event, or nodes without incoming flows. One without nodes is over at once."""
    if element.refused or not element.children:
        return
    starts = [child for child in element.children if child.type in START_EVENTS]
    for child in starts:
        if child.type is not T.NONE_START_EVENT:
            what = f"sub-process {element.id} cannot be started by {child.type}: not a none start event"
            yield at(child, what)
    begins = [child for child in starts if child.type is T.NONE_START_EVENT]
    if starts and len(begins) != 1 and not any(child.refused for child in begins):
        yield at(element, f"sub-process {element.id} has no or multiple none start events")
    if not starts and not any(child.refused for child in element.children) and not element.start_nodes():
        what = f"sub-process {element.id} has neither a start event nor an element without incoming sequence flow"
        yield at(element, f"{what} that it could begin with")


def _event_sub_process(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.3.5: one start event with a definition."""
    if element.refused:
        return
    scope = element.parent
    if scope is not None and scope.type not in _PLACES_OF_HANDLERS and not scope.refused:
        yield at(element, f"event sub-process {element.id} must not be in ad-hoc sub-process {scope.id}")
    starts = [child for child in element.children if child.type in START_EVENTS]
    if len(starts) != 1:
        number = len(starts) or "none"
        yield at(element, f"event sub-process {element.id} must have exactly one start event, but has {number}")
    for child in starts:
        if child.type is T.NONE_START_EVENT and not child.refused:
            what = f"start event {child.id} of event sub-process {element.id} must have an event definition"
            yield at(child, what)
        if child.type is T.ERROR_START_EVENT and not child.interrupting:
            what = f"start event {child.id} of event sub-process {element.id} catches an error, so it must interrupt"
            yield at(child, what)


def _ad_hoc(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.3.5: what is performed in it is selected, and no flow begins or ends there."""
    if element.refused:
        return
    who = f"ad-hoc sub-process {element.id}"
    for child in element.children:
        if child.type in START_EVENTS | END_EVENTS and not child.refused:
            kind = "start" if child.type in START_EVENTS else "end"
            yield at(child, f"{kind} event {child.id} must not be in {who}")
    if not any(child.refused or (child.type in ACTIVITIES and not child.is_compensation) for child in element.children):
        yield at(element, f"{who} must have an activity that can be selected")


def _same_triggers(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.6: only one of the event sub-processes of a scope can be the one that interrupts it."""
    seen: dict[tuple[ElementType, str], Element] = {}
    for handler in element.children:
        if handler.type is T.EVENT_SUB_PROCESS:
            for start in handler.children:
                if start.type in START_EVENTS and start.interrupting:
                    for trigger in _triggers(start):
                        first = seen.setdefault(trigger, start)
                        if first is not start:
                            yield at(start, f"interrupting start event {start.id} catches the same as {first.id}")


def _triggers(start: Element) -> Iterator[tuple[ElementType, str]]:
    for event in start.with_parts:
        name = event.definition.name if event.definition is not None else None
        if name is not None:
            yield event.type, name


def _attached(element: Element) -> Iterator[Cause]:
    host = element.attached_to
    if host is None:
        yield at(element, f"boundary event {element.id} is not attached")
    elif host.parent is not element.parent:
        yield at(element, f"boundary event {element.id} is attached to {host.id} of another scope")
    elif host.type not in ACTIVITIES and not host.refused:
        yield at(element, f"boundary event {element.id} cannot be attached to {host.type}: not an activity")


def _flows(element: Element) -> Iterator[Cause]:
    return (problem.cause() for problem in element.problems if problem.type == "sequence_flow")


def _no_incoming(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.2 (start events) and 10.5.4 (boundary events, link events)."""
    kind = _WITHOUT_INCOMING[element.type]
    for flow in element.incoming:
        if not flow.source.refused and not element.refused:
            yield at_flow(flow, f"must not lead into {kind} {element.id}")


def _no_outgoing(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.3 (end events) and 10.5.4 (link events)."""
    kind = _WITHOUT_OUTGOING[element.type]
    for flow in element.outgoing:
        if not flow.target.refused and not element.refused:
            yield at_flow(flow, f"must not leave {kind} {element.id}")


Rule = Callable[[Element], Iterable[Cause]]

_ALL = frozenset(T)

PROCESS_RULES: tuple[Callable[[Process], Iterable[Cause]], ...] = (
    _executable,
    _one_none_start,
    _few_elements,
    _few_starts,
    _participant_short_enough,
)
ELEMENT_RULES: tuple[tuple[Rule, Iterable[ElementType]], ...] = (
    (_supported, _ALL),
    (_has_id, _ALL),
    (_short_enough, _ALL),
    *waiting.RULES,
    (_conditions, _ALL - _DECIDING_GATEWAYS.keys()),
    (_default_flow, _ALL),
    (_activation, {T.COMPLEX_GATEWAY}),
    (_quantities, ACTIVITIES),
    (_sub_process_starts, {T.SUB_PROCESS, T.TRANSACTION}),
    (_event_sub_process, {T.EVENT_SUB_PROCESS}),
    (_ad_hoc, {T.AD_HOC_SUB_PROCESS}),
    (_same_triggers, SCOPES),
    (_attached, BOUNDARY_EVENTS),
    *undoing.RULES,
    (_flows, _ALL),
    (_no_incoming, _WITHOUT_INCOMING),
    (_no_outgoing, _WITHOUT_OUTGOING),
)
"""Each with the types it is about."""

_RULES: Mapping[ElementType, tuple[Rule, ...]] = {
    type: tuple(rule for rule, types in ELEMENT_RULES if type in types) for type in T
}


def _links(process: Process) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.5: link names are set, and caught once, where they are thrown. Catch events come first."""
    links = list(process.of_types((T.LINK_CATCH_EVENT, T.LINK_THROW_EVENT)))
    caught: dict[tuple[Element | None, str], Element] = {}
    for element in (link for link in links if link.type is T.LINK_CATCH_EVENT):
        if not element.link_name:
            yield at(element, "link name is empty")
        elif caught.setdefault((element.parent, element.link_name), element) is not element:
            yield at(element, f"link name {element.link_name[:MAX_ID_LENGTH]} must be unique")
    elsewhere = {name for _, name in caught}
    for element in (link for link in links if link.type is T.LINK_THROW_EVENT):
        missing = f"no link catch event defined for link name {element.link_name[:MAX_ID_LENGTH]}"
        if not element.link_name:
            yield at(element, "link name is empty")
        elif element.link_name not in elsewhere:
            yield at(element, missing)
        elif (element.parent, element.link_name) not in caught:
            yield at(element, f"{missing} in scope {element.parent.id if element.parent else ''}")
