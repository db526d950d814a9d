"""A BPMN document that can be shown: the deployed one, or one that is made from what the engine knows of it.

The interchange format is BPMN DI (BPMN 2.0.2, chapter 12).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from app.bpmn.declarations import REFERENCES
from app.bpmn.drawn import draws
from app.bpmn.kinds import SCOPES, START_EVENTS, ElementType
from app.bpmn.layout import Box, Layout, Point, lay_out
from app.bpmn.loops import MULTI_INSTANCE, STANDARD_LOOP
from app.bpmn.model import Element, Expression, Loop, Part, Process, SequenceFlow
from app.bpmn.parser import find_process, parse
from app.bpmn.tags import HANDLER_STARTS, MULTIPLE, PARALLEL_MULTIPLE, TAGS
from app.bpmn.text import as_utf8
from app.timer import Timer, format_timestamp

T = ElementType

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
DD = "http://www.omg.org/spec/DD/20100524/DI"
EDITION = 2
"""Of what is drawn: it goes up whenever the same process would be drawn in another way."""

_DEFINITIONS = {name: row.tag for name, row in REFERENCES.items()}
"""Event definitions that refer to a declaration, with its element."""
_CODES = {row.tag: row.value for row in REFERENCES.values()}
"""The attribute of a declaration that counts."""


def etag(xml: str, bpmn_process_id: str) -> str:
    """Tells diagrams apart, without making one."""
    digest = hashlib.sha256(f"{EDITION}\0{bpmn_process_id}\0{xml}".encode())
    return f'"{digest.hexdigest()[:32]}"'


def diagram(xml: str, bpmn_process_id: str) -> str:
    """The document with a shape for each element of the process, and an edge for each of its flows.

    It is the XML itself where that has them and the namespace of BPMN, else one that has only this process, with ids,
    names, kinds, nesting, flows and event definitions. Raises EngineError (PROCESS_MODEL) for XML without the process.
    """
    return show(xml, find_process(parse(xml), bpmn_process_id))


def show(xml: str, process: Process) -> str:
    """The same for a process that was read from the XML."""
    return as_utf8(xml) if draws(xml, process) else document(process)


def document(process: Process) -> str:
    """A document with the process and a drawing of it, from which the parser reads the same process."""
    return "\n".join(_Writer(process).lines()) + "\n"


def _inverse() -> Mapping[ElementType, tuple[str, str]]:
    """Tag and event definition by type; where several are possible, the first one."""
    found: dict[ElementType, tuple[str, str]] = {}
    for tag, row in [*TAGS.items(), ("startEvent", HANDLER_STARTS), ("subProcess", T.EVENT_SUB_PROCESS)]:
        for definition, type in {"": row}.items() if isinstance(row, ElementType) else row.items():
            found.setdefault(type, (tag, definition))
    for several in (MULTIPLE, PARALLEL_MULTIPLE):
        found |= {type: (tag, "") for tag, type in several.items()}
    return found


_WRITTEN = _inverse()
_CONDITIONS = {T.AD_HOC_SUB_PROCESS: "completionCondition", T.COMPLEX_GATEWAY: "activationCondition"}


class _Writer:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._elements = list(process.elements())
        self._layout = lay_out(process)
        self._flows: dict[Element, list[SequenceFlow]] = {}
        for element in self._elements:
            for flow in element.outgoing:
                self._flows.setdefault(flow.scope, []).append(flow)
        taken = {element.id for element in self._elements} | {flow.id for flow in self._layout.edges}
        self._prefix = "_"
        while any(id.startswith(self._prefix) for id in taken):
            self._prefix += "_"
        self._declared: dict[tuple[str, str], str] = {}
        """Ids by kind and value."""
        self._associations: dict[Element, str] = {}
        """Ids of what connects compensation events with their handlers, by event."""

    def lines(self) -> Iterable[str]:
        process = self._process_lines()
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield f'<definitions xmlns="{MODEL}" xmlns:bpmndi="{DI}" xmlns:dc="{DC}" xmlns:di="{DD}"'
        yield f'    id="{self._prefix}definitions" targetNamespace="{MODEL}">'
        for (kind, value), id in self._declared.items():
            attribute = f" {_CODES[kind]}={quoteattr(value)}" if value else ""
            yield f'  <{kind} id="{id}"{attribute}/>'
        yield from process
        plane = quoteattr(self._process.element.id)
        yield f'  <bpmndi:BPMNDiagram id="{self._prefix}diagram">'
        yield f'    <bpmndi:BPMNPlane id="{self._prefix}plane" bpmnElement={plane}>'
        yield from self._drawing()
        yield "    </bpmndi:BPMNPlane>"
        yield "  </bpmndi:BPMNDiagram>"
        yield "</definitions>"

    def _process_lines(self) -> list[str]:
        lines: list[str] = []
        pending: list[tuple[Element, bool]] = [(self._process.element, False)]
        while pending:
            element, closes = pending.pop()
            if closes:
                lines += [_flow(flow) for flow in self._flows.get(element, ())]
                lines += [self._association(child) for child in element.children if child.handler is not None]
                lines.append(f"</{self._tag(element)}>")
                continue
            parts = self._parts(element)
            has_more = bool(element.children or element in self._flows)
            if not parts and not has_more:
                lines.append(f"<{self._tag(element)}{self._attributes(element)}/>")
                continue
            lines.append(f"<{self._tag(element)}{self._attributes(element)}>")
            lines += parts
            pending.append((element, True))
            pending.extend((child, False) for child in reversed(element.children))
        return ["  " + line for line in lines]

    def _association(self, event: Element) -> str:
        """What connects a compensation event with its handler."""
        assert event.handler is not None
        self._associations[event] = id = f"{self._prefix}association_{len(self._associations) + 1}"
        ends = f"sourceRef={quoteattr(event.id)} targetRef={quoteattr(event.handler.id)}"
        return f'<association id="{id}" associationDirection="One" {ends}/>'

    def _tag(self, element: Element) -> str:
        return "process" if element.type is T.PROCESS else _WRITTEN[element.type][0]

    def _attributes(self, element: Element) -> str:
        host = element.attached_to
        attributes = {
            "id": element.id,
            "name": element.name,
            "isExecutable": "true" if element.type is T.PROCESS and self._process.executable else "",
            "default": element.default_flow,
            "gatewayDirection": element.direction,
            "calledElement": element.called_element,
            "messageRef": self._message(element),
            "attachedToRef": host.id if host is not None else "",
            **_marks(element),
        }
        return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)

    def _parts(self, element: Element) -> list[str]:
        """The flows in their order, which is that of decisions, the event definitions and the marker."""
        lines = [f"<incoming>{_text(flow.id)}</incoming>" for flow in element.incoming]
        lines += [f"<outgoing>{_text(flow.id)}</outgoing>" for flow in element.outgoing]
        tag = "terminateEventDefinition" if element.terminate else _WRITTEN.get(element.type, ("", ""))[1]
        if tag:
            lines.append(self._definition(element, tag))
        lines += [self._definition(part, tag) for part in element.parts if (tag := _WRITTEN[part.type][1])]
        if element.loop is not None:
            lines.append(_marker(element.loop))
        if element.condition is not None and element.type in _CONDITIONS:
            lines.append(_condition(_CONDITIONS[element.type], element.condition))
        return lines

    def _definition(self, event: Element | Part, tag: str) -> str:
        """Of an event, or one of several that it has."""
        if tag in _DEFINITIONS:
            return f"<{tag}{self._reference(event, _DEFINITIONS[tag])}/>"
        if isinstance(event, Element) and tag == "linkEventDefinition":
            return f"<{tag} name={quoteattr(event.link_name)}/>"
        if tag == "timerEventDefinition":
            timer = event.definition.timer if event.definition else None
            kind, text = _timer(timer) if timer else event.unread_timer or ("", "")
            return f"<{tag}><{kind}>{_text(text)}</{kind}></{tag}>" if kind else f"<{tag}/>"
        if tag == "conditionalEventDefinition" and event.condition is not None:
            return f"<{tag}>{_condition('condition', event.condition)}</{tag}>"
        if isinstance(event, Element) and tag == "compensateEventDefinition":
            activity = f" activityRef={quoteattr(event.activity_ref.id)}" if event.activity_ref else ""
            waits = "" if event.waits else ' waitForCompletion="false"'
            return f"<{tag}{activity}{waits}/>"
        return f"<{tag}/>"

    def _message(self, element: Element) -> str:
        """The id of the message that a receive task waits for."""
        return self._declare(element, "message") if element.type is T.RECEIVE_TASK else ""

    def _reference(self, event: Element | Part, kind: str) -> str:
        id = self._declare(event, kind)
        return f' {kind}Ref="{id}"' if id else ""

    def _declare(self, element: Element | Part, kind: str) -> str:
        """The id of what the definition of an element, or a part of it, refers to, if it has one."""
        value = element.definition.name if element.definition is not None else None
        if value is None:
            return ""
        return self._declared.setdefault((kind, value), f"{self._prefix}{kind}_{len(self._declared) + 1}")

    def _drawing(self) -> Iterable[str]:
        layout = self._layout
        for number, (element, box) in enumerate(layout.shapes.items(), 1):
            marks = ' isExpanded="true"' if element.type in SCOPES else ""
            marks += ' isMarkerVisible="true"' if element.type is T.EXCLUSIVE_GATEWAY else ""
            yield (
                f'      <bpmndi:BPMNShape id="{self._prefix}shape_{number}" bpmnElement={quoteattr(element.id)}{marks}>'
            )
            yield f"        {_bounds(box)}"
            yield from _label(layout, element)
            yield "      </bpmndi:BPMNShape>"
        for number, (flow, points) in enumerate(layout.edges.items(), 1):
            yield f'      <bpmndi:BPMNEdge id="{self._prefix}edge_{number}" bpmnElement={quoteattr(flow.id)}>'
            yield from (f'        <di:waypoint x="{x}" y="{y}"/>' for x, y in points)
            yield from _label(layout, flow)
            yield "      </bpmndi:BPMNEdge>"
        for event, id in self._associations.items():
            assert event.handler is not None
            yield f'      <bpmndi:BPMNEdge id="{self._prefix}edge_of{id}" bpmnElement="{id}">'
            yield from (f'        <di:waypoint x="{x}" y="{y}"/>' for x, y in _between(layout, event, event.handler))
            yield "      </bpmndi:BPMNEdge>"


def _between(layout: Layout, event: Element, handler: Element) -> tuple[Point, Point]:
    """A straight line between two shapes, from the side that faces the other one."""
    start, end = layout.shapes[event], layout.shapes[handler]
    is_below = end.y >= start.bottom
    first, last = (start.bottom, end.y) if is_below else (start.y, end.bottom)
    return Point(start.middle.x, first), Point(end.middle.x, last)


def _marks(element: Element) -> dict[str, str]:
    """Attributes that are left out where they say the usual."""
    cancel = "isInterrupting" if element.type in START_EVENTS else "cancelActivity"
    return {
        "isForCompensation": "true" if element.is_compensation else "",
        "triggeredByEvent": "true" if element.type is T.EVENT_SUB_PROCESS else "",
        "instantiate": "true" if element.instantiate else "",
        "eventGatewayType": "Parallel" if element.parallel else "",
        "parallelMultiple": "true" if element.parallel_multiple else "",
        "ordering": "Sequential" if element.sequential else "",
        "cancelRemainingInstances": "" if element.cancel_remaining else "false",
        "startQuantity": str(element.start_quantity) if element.start_quantity > 1 else "",
        "completionQuantity": str(element.completion_quantity) if element.completion_quantity > 1 else "",
        cancel: "" if element.says_interrupting else "false",
    }


def _marker(loop: Loop) -> str:
    attributes = {
        "isSequential": "true" if loop.multi and loop.sequential else "",
        "testBefore": "true" if loop.test_before else "",
        "loopMaximum": str(loop.maximum or ""),
    }
    texts = {
        "loopCardinality": loop.cardinality.text if loop.cardinality else "",
        "loopDataInputRef": loop.collection,
        "loopDataOutputRef": loop.output_collection,
        "completionCondition" if loop.multi else "loopCondition": loop.condition.text if loop.condition else "",
    }
    items = {"inputDataItem": loop.item, "outputDataItem": loop.output_item}
    tag = MULTI_INSTANCE if loop.multi else STANDARD_LOOP
    stated = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)
    parts = [f"<{name}>{_text(text)}</{name}>" for name, text in texts.items() if text]
    parts += [f"<{name} name={quoteattr(value)}/>" for name, value in items.items() if value]
    return f"<{tag}{stated}>{''.join(parts)}</{tag}>"


def _condition(tag: str, expression: Expression) -> str:
    language = f" language={quoteattr(expression.language)}" if expression.language else ""
    return f"<{tag}{language}>{_text(expression.text)}</{tag}>"


def _flow(flow: SequenceFlow) -> str:
    name = f" name={quoteattr(flow.name)}" if flow.name else ""
    ends = f"sourceRef={quoteattr(flow.source.id)} targetRef={quoteattr(flow.target.id)}"
    start = f"<sequenceFlow id={quoteattr(flow.id)}{name} {ends}"
    return f"{start}><conditionExpression/></sequenceFlow>" if flow.conditional else f"{start}/>"


def _timer(timer: Timer) -> tuple[str, str]:
    if timer.time is not None:
        return "timeDate", format_timestamp(timer.time)
    return ("timeCycle", timer.time_cycle) if timer.time_cycle else ("timeDuration", timer.time_duration)


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _bounds(box: Box) -> str:
    return f'<dc:Bounds x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}"/>'


def _label(layout: Layout, what: Element | SequenceFlow) -> Sequence[str]:
    box = layout.labels.get(what)
    return () if box is None else (f"        <bpmndi:BPMNLabel>{_bounds(box)}</bpmndi:BPMNLabel>",)
