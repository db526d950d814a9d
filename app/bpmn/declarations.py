"""What event definitions refer to: errors, escalations, messages and signals, wherever the file declares them; and the
timers and link names they state themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from app.bpmn.expressions import read_expression
from app.bpmn.model import MAX_ID_LENGTH, MAX_NAME_LENGTH, Element, ElementType, EventDefinition, Nameless
from app.bpmn.reader import XmlNode
from app.bpmn.references import References
from app.errors import Cause
from app.timer import parse_xml_timer


@dataclass(frozen=True, slots=True)
class _Reference:
    """How one kind of event definition refers to a declaration."""

    tag: str
    attribute: str
    value: str
    """The attribute of the declaration that counts."""
    make: Callable[[str], EventDefinition]
    required: bool
    """Whether the value must not be empty."""
    unused: frozenset[ElementType] = frozenset()
    """Types that are executed by a job in any case: the definition is dropped."""


REFERENCES: Mapping[str, _Reference] = {
    "errorEventDefinition": _Reference(
        "error", "errorRef", "errorCode", lambda code: EventDefinition(error_code=code), required=False
    ),
    "escalationEventDefinition": _Reference(
        "escalation",
        "escalationRef",
        "escalationCode",
        lambda code: EventDefinition(escalation_code=code),
        required=False,
    ),
    "messageEventDefinition": _Reference(
        "message",
        "messageRef",
        "name",
        lambda name: EventDefinition(message_name=name),
        required=True,
        unused=frozenset({ElementType.MESSAGE_THROW_EVENT, ElementType.MESSAGE_END_EVENT}),
    ),
    "signalEventDefinition": _Reference(
        "signal", "signalRef", "name", lambda name: EventDefinition(signal_name=name), required=True
    ),
}
_MESSAGE = REFERENCES["messageEventDefinition"]
_CATCH_ALL = frozenset({ElementType.ERROR_START_EVENT, ElementType.ESCALATION_START_EVENT})
"""Types that catch every code when they refer to none."""
_TIMER_KINDS = ("timeDate", "timeDuration", "timeCycle")
_NAMED = {row.tag: row for row in REFERENCES.values() if row.required}


class Declarations:
    """The declarations of a file by tag and id."""

    def __init__(
        self, nodes: Iterable[XmlNode], shared: Iterable[XmlNode], references: References, *, xml_timers: bool
    ) -> None:
        """`nodes` are all of the file, `shared` the event definitions beside its processes."""
        self._references = references
        self._xml_timers = xml_timers
        self._declared: dict[str, dict[str, list[XmlNode]]] = {row.tag: {} for row in REFERENCES.values()}
        self._definitions: list[XmlNode] = []
        """What may refer to declarations, and is executed."""
        self._shared: dict[str, list[XmlNode]] = {}
        for node in shared:
            self._shared.setdefault(node.token("id"), []).append(node)
        for node in nodes:
            if node.tag in self._declared:
                self._declared[node.tag].setdefault(node.token("id"), []).append(node)
            elif node.tag in REFERENCES or node.tag == "receiveTask":
                self._definitions.append(node)

    def define(self, element: Element, node: XmlNode) -> str:
        """Fills what the event definition `node` says about `element`; returns what of it can't be executed, or ""."""
        row = REFERENCES.get(node.tag)
        if row is not None:
            self._refer(element, row, self._references.resolve(node.get(row.attribute)))
        elif node.tag == "linkEventDefinition":
            # The two ends of a link are drawn with one label (BPMN 2.0.2, 10.5.5), which may be all there is.
            element.link_name = node.get("name") or element.name
        elif node.tag == "conditionalEventDefinition":
            condition = next((child for child in node.children if child.tag == "condition"), None)
            element.condition = read_expression(element, condition)
        elif node.tag == "timerEventDefinition":
            written = [child for child in node.children if child.tag in _TIMER_KINDS]
            timers = [child for child in written if child.text] or written[:1]
            if len(timers) > 1:
                return "several timers in one event" if self._xml_timers else ""
            if timers:
                self._set_timer(element, timers[0])
        return ""

    def define_task(self, element: Element, node: XmlNode) -> None:
        """Fills what a receive task says about the message that it waits for."""
        self._refer(element, _MESSAGE, self._references.resolve(node.get(_MESSAGE.attribute)))

    def message(self, reference: str) -> XmlNode | None:
        """The message that a reference means, if there is one and only one."""
        found = self._declared[_MESSAGE.tag].get(self._references.resolve(reference), [])
        return found[0] if len(found) == 1 else None

    def shared(self, reference: str) -> XmlNode | str:
        """The event definition beside the processes that a reference means, or what is wrong about the reference."""
        id = self._references.resolve(reference)
        found = self._shared.get(id, [])
        if len(found) == 1:
            return found[0]
        reason = f"is declared more than once (line {found[1].line})" if found else "is not declared"
        return f"event definition {id[:MAX_ID_LENGTH]} {reason}"

    @cached_property
    def nameless(self) -> list[Nameless]:
        """Messages and signals without a name that no event of the file refers to."""
        return list(self._nameless())

    def _nameless(self) -> Iterator[Nameless]:
        referred = {
            (row.tag, self._references.resolve(node.get(row.attribute)))
            for node in self._definitions
            if (row := REFERENCES.get(node.tag, _MESSAGE)).required
        }
        for tag, row in _NAMED.items():
            for id, nodes in self._declared[tag].items():
                if (tag, id) not in referred:
                    yield from (Nameless(tag, id[:MAX_ID_LENGTH], n.place) for n in nodes if not n.get(row.value))

    def _set_timer(self, element: Element, node: XmlNode) -> None:
        if node.text:
            element.timer_text = (node.tag, node.text[:MAX_NAME_LENGTH])
        if not self._xml_timers:
            return
        timer = parse_xml_timer(node.tag, node.text)
        if timer is not None:
            element.definition = EventDefinition(timer=timer)
        elif node.text:
            element.unread_timer = (node.tag, node.text)

    def _refer(self, element: Element, row: _Reference, ref: str) -> None:
        if not ref:
            if element.type in _CATCH_ALL:
                element.definition = row.make("")
            return
        found = self._declared[row.tag].get(ref, [])
        place = element.place
        if not found:
            reason = f"is not declared (line {element.line})"
        elif len(found) > 1:
            reason = f"is declared more than once (line {found[1].line})"
            place = found[1].place
        elif row.required and not found[0].get(row.value):
            reason = f"has no {row.value} (line {found[0].line})"
            place = found[0].place
        elif len(found[0].get(row.value)) > MAX_ID_LENGTH:
            reason = f"has a {row.value} of more than {MAX_ID_LENGTH} characters (line {found[0].line})"
            place = found[0].place
        else:
            element.declared_name = found[0].get("name")[:MAX_NAME_LENGTH]
            element.definition = None if element.type in row.unused else row.make(found[0].get(row.value))
            return
        detail = f"{row.tag} {ref[:MAX_ID_LENGTH]} of element {element.id} {reason}"
        element.definition_cause = Cause(element.pointer, f"{row.tag}_event", detail, "", *place)
