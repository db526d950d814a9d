"""What undoes what has been done: compensation, and transactions that are cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from app.bpmn.attributes import TRUE
from app.bpmn.causes import at, at_flow
from app.bpmn.kinds import ACTIVITIES, SUB_PROCESSES, ElementType
from app.bpmn.model import MAX_ID_LENGTH, Element, Process
from app.bpmn.problems import object_to
from app.bpmn.reader import XmlNode
from app.bpmn.references import References
from app.errors import Cause

T = ElementType

_THROWING = frozenset({T.COMPENSATION_END_EVENT, T.COMPENSATION_THROW_EVENT})


class Undoing:
    """Collects what a process says about its compensation, then joins it."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._associations: list[XmlNode] = []
        self._throwing: list[tuple[Element, XmlNode]] = []

    def associate(self, node: XmlNode) -> None:
        """Notes an association."""
        self._associations.append(node)

    def define(self, element: Element, node: XmlNode) -> None:
        """Reads the definition of a compensation event."""
        if element.type in _THROWING:
            element.waits = not node.token("waitForCompletion") or node.token("waitForCompletion") in TRUE
            self._throwing.append((element, node))

    def join(self, by_id: Mapping[str, Element]) -> None:
        """Finds the handlers of boundary events, and the activities that throw events undo."""
        joined: dict[Element, list[Element]] = {}
        for node in self._associations:
            ends = [by_id.get(self._references.resolve(node.get(end))) for end in ("sourceRef", "targetRef")]
            for event, other in (ends, ends[::-1]):
                if event is not None and other is not None and event.type is T.COMPENSATION_BOUNDARY_EVENT:
                    joined.setdefault(event, []).append(other)
        for event, others in joined.items():
            if len(others) == 1 and others[0].is_compensation and others[0].parent is event.parent:
                event.handler = others[0]
        for element, node in self._throwing:
            self._refer(element, node, by_id)

    def _refer(self, element: Element, node: XmlNode, by_id: Mapping[str, Element]) -> None:
        reference = self._references.resolve(node.get("activityRef"))
        activity = by_id.get(reference)
        if not reference or element.parent is None:
            return
        scopes = [element.parent]
        if element.parent.type is T.EVENT_SUB_PROCESS and element.parent.parent is not None:
            scopes.append(element.parent.parent)
        if activity is None or activity.type not in ACTIVITIES or activity.parent not in scopes:
            what = f"no activity of the scope of compensation event {element.id}"
            object_to(element, f"{reference[:MAX_ID_LENGTH]} is {what}", node.place)
        else:
            element.activity_ref = activity


def handler_start(scope: Element) -> Element | None:
    """The start event of the event sub-process that undoes a sub-process."""
    for child in scope.children:
        if child.type is T.EVENT_SUB_PROCESS:
            for start in child.children:
                if start.type is T.COMPENSATION_START_EVENT:
                    return start
    return None


def _boundary_events(activity: Element) -> list[Element]:
    return [event for event in activity.attached if event.type is T.COMPENSATION_BOUNDARY_EVENT]


def check_references(process: Process) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.5: what a compensation event refers to can be undone."""
    throwing = [each for each in process.of_types(_THROWING) if each.activity_ref is not None and not each.refused]
    found = _compensable(process) if throwing else set()
    for element in throwing:
        activity = element.activity_ref
        if activity is not None and activity not in found:
            yield at(element, f"activity {activity.id} of compensation event {element.id} has nothing that undoes it")


def _compensable(process: Process) -> set[Element]:
    """The activities that can be undone, by a handler of their own or by those of what is inside."""
    found: set[Element] = set()
    for element in reversed(list(process.of_types(ACTIVITIES))):
        inside = element.type in SUB_PROCESSES and (
            handler_start(element) is not None or not found.isdisjoint(element.children)
        )
        if inside or _boundary_events(element):
            found.add(element)
    return found


def _boundary(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.7: an association leads from it to the handler, and no sequence flow does."""
    if element.refused:
        return
    for flow in element.outgoing:
        if not flow.target.refused:
            yield at_flow(flow, f"must not leave compensation boundary event {element.id}")
    if element.handler is None:
        what = f"compensation boundary event {element.id} must have exactly one association"
        yield at(element, f"{what} with a compensation activity of its scope")


def _activity(element: Element) -> Iterable[Cause]:
    """BPMN 2.0.2, 10.7: a compensation activity is outside the flow."""
    return _outside(element) if element.is_compensation and not element.refused else ()


def _outside(element: Element) -> Iterator[Cause]:
    who = f"compensation activity {element.id}"
    for flow in element.incoming:
        if not flow.source.refused:
            yield at_flow(flow, f"must not lead into {who}")
    for flow in element.outgoing:
        if not flow.target.refused:
            yield at_flow(flow, f"must not leave {who}")
    for event in element.attached:
        if not event.refused:
            yield at(event, f"boundary event {event.id} cannot be attached to {who}")
    if element.instantiate:
        yield at(element, f"{who} must not start the process")


def _handlers(element: Element) -> Iterator[Cause]:
    """Each compensation activity of a scope has a boundary event."""
    handlers = {child.handler for child in element.children}
    for child in element.children:
        if child.is_compensation and child not in handlers and not child.refused:
            yield at(child, f"compensation activity {child.id} has no association with a compensation boundary event")


def _single(element: Element) -> Iterable[Cause]:
    """One handler undoes an activity."""
    return _others(element) if element.attached or element.children else ()


def _others(element: Element) -> Iterator[Cause]:
    events = [event for event in _boundary_events(element) if not event.refused]
    start = handler_start(element)
    handlers = [*([start] if start is not None and not start.refused else []), *events]
    for handler in handlers[1:]:
        yield at(handler, f"compensation of {element.id} must have one handler: {handlers[0].id} is there already")


def _place(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 13.5.5: what undoes a scope is inside of it, and the scope must be one that can have completed."""
    scope = element.parent.parent if element.parent is not None else None
    if scope is not None and scope.type not in SUB_PROCESSES and not element.refused:
        kind = "a process" if scope.type is T.PROCESS else "an event sub-process"
        yield at(element, f"start event {element.id} catches compensation, so it must not be in {kind}")


def _cancel_end(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.3: it is for transactions."""
    scope = element.parent
    if scope is not None and scope.type is not T.TRANSACTION and not scope.refused:
        yield at(element, f"cancel end event {element.id} must be in a transaction, and not in {scope.id}")


def _cancel_boundary(element: Element) -> Iterator[Cause]:
    host = element.attached_to
    if host is not None and host.type is not T.TRANSACTION and not host.refused:
        yield at(element, f"cancel boundary event {element.id} must be attached to a transaction, and not to {host.id}")


def _transaction(element: Element) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.5 and 13.5.2: who cancels, and what happens then."""
    if element.refused:
        return
    ends = [child for child in element.children if child.type is T.CANCEL_END_EVENT]
    events = [event for event in element.attached if event.type is T.CANCEL_BOUNDARY_EVENT]
    for event in events[1:]:
        yield at(event, f"transaction {element.id} must have a single cancel boundary event, and has {events[0].id}")
    if ends and not events:
        yield at(element, f"transaction {element.id} has a cancel end event, so it must have a cancel boundary event")
    if events and not ends:
        yield at(element, f"transaction {element.id} has a cancel boundary event, so it must have a cancel end event")
    if ends and element.loop is not None:
        yield at(element, f"transaction {element.id} has a cancel end event, so it must have no marker")


RULES: Sequence[tuple[Callable[[Element], Iterable[Cause]], Iterable[ElementType]]] = (
    (_boundary, {T.COMPENSATION_BOUNDARY_EVENT}),
    (_activity, ACTIVITIES),
    (_handlers, SUB_PROCESSES | {T.EVENT_SUB_PROCESS, T.PROCESS}),
    (_single, ACTIVITIES),
    (_place, {T.COMPENSATION_START_EVENT}),
    (_cancel_end, {T.CANCEL_END_EVENT}),
    (_cancel_boundary, {T.CANCEL_BOUNDARY_EVENT}),
    (_transaction, {T.TRANSACTION}),
)
"""Each with the types it is about."""
