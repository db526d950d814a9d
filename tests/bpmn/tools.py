"""What a file says, read by the letter of BPMN's schema, and told without a word of the parser's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from tests.bpmn.build import BPMN

_NAMESPACE = f"{{{BPMN}}}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_SPACE = " \t\r\n"
_SUB_PROCESSES = ("adHocSubProcess", "subProcess", "transaction")
_GATEWAYS = ("complexGateway", "eventBasedGateway", "exclusiveGateway", "inclusiveGateway", "parallelGateway")
_EVENTS = {
    "boundaryEvent": "BOUNDARY_EVENT",
    "endEvent": "END_EVENT",
    "intermediateCatchEvent": "CATCH_EVENT",
    "intermediateThrowEvent": "THROW_EVENT",
    "startEvent": "START_EVENT",
}
_ACTIVITIES = (
    *_SUB_PROCESSES,
    *("businessRuleTask", "callActivity", "manualTask", "receiveTask", "scriptTask", "sendTask", "serviceTask"),
    *("task", "userTask"),
)
_FLOW_NODES = (*_ACTIVITIES, *_EVENTS, *_GATEWAYS)
_KINDS = {"COMPENSATE": "COMPENSATION", "TERMINATE": "NONE", "": "NONE"}


@dataclass(eq=True)
class Node:
    type: str
    name: str
    parent: str
    attached_to: str = ""
    cancels: bool = True
    marker: str = ""
    """"loop", "parallel" or "sequential"."""
    cardinality: str = ""
    quantities: tuple[int, int] = (1, 1)
    compensates: bool = False
    default: str = ""
    terminates: bool = False
    refers_to: str = ""
    """What the message, signal, error, escalation that it refers to is called, or has as its code."""
    timer: str = ""
    condition: str = ""


@dataclass(eq=True)
class Drawing:
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[tuple[str, str, str, str]] = field(default_factory=list)
    """Ids (empty where the file gives none), sources, targets, and texts of conditions, sorted."""


def draw(xml: str) -> Drawing:
    """The executable process of a file."""
    root = ElementTree.fromstring(re.sub(r"^<\?xml.*?\?>", "", xml))
    [process] = [e for e in root if _tag(e) == "process" and e.get("isExecutable") == "true"]
    found = Drawing()
    _draw(process, _id(process), found, root)
    found.flows.sort()
    return found


def _draw(scope: ElementTree.Element, scope_id: str, found: Drawing, root: ElementTree.Element) -> None:
    for element in scope:
        tag = _tag(element)
        if tag == "sequenceFlow":
            ends = (_reference(element.get(end, "")) for end in ("sourceRef", "targetRef"))
            condition = _text(_child(element, "conditionExpression"))
            found.flows.append((_id(element), *ends, condition))
        elif tag in _FLOW_NODES:
            found.nodes[_id(element)] = _node(element, tag, scope_id, root)
            if tag in _SUB_PROCESSES:
                _draw(element, _id(element), found, root)


def _node(element: ElementTree.Element, tag: str, parent: str, root: ElementTree.Element) -> Node:
    node = Node(re.sub("([A-Z])", r"_\1", tag).upper(), element.get("name", ""), parent)
    node.default = _reference(element.get("default", ""))
    if tag in _EVENTS:
        _add_event(node, element, tag, root)
    if tag == "subProcess" and element.get("triggeredByEvent") == "true":
        node.type = "EVENT_SUB_PROCESS"
    if tag == "receiveTask":
        node.refers_to = _declared(element.get("messageRef", ""), "name", root)
    if tag in _ACTIVITIES:
        quantities = [int(element.get(name, "1")) for name in ("startQuantity", "completionQuantity")]
        node.quantities = quantities[0], quantities[1]
        node.compensates = element.get("isForCompensation") == "true"
        _add_marker(node, element)
    if tag in ("adHocSubProcess", "complexGateway"):
        which = "completionCondition" if tag == "adHocSubProcess" else "activationCondition"
        node.condition = _text(_child(element, which))
    return node


def _add_marker(node: Node, element: ElementTree.Element) -> None:
    multiple = _child(element, "multiInstanceLoopCharacteristics")
    if multiple is not None:
        node.marker = "sequential" if multiple.get("isSequential") == "true" else "parallel"
        node.cardinality = _text(_child(multiple, "loopCardinality"))
    elif _child(element, "standardLoopCharacteristics") is not None:
        node.marker = "loop"


def _add_event(node: Node, element: ElementTree.Element, tag: str, root: ElementTree.Element) -> None:
    definition = next((child for child in element if _tag(child).endswith("EventDefinition")), None)
    reference = _child(element, "eventDefinitionRef")
    if reference is not None:
        [definition] = [e for e in root if _id(e) == _reference(_text(reference))]
    kind = _tag(definition).removesuffix("EventDefinition") if definition is not None else ""
    node.type = f"{_KINDS.get(kind.upper(), kind.upper())}_{_EVENTS[tag]}"
    node.terminates = kind == "terminate"
    node.cancels = (element.get("cancelActivity") or element.get("isInterrupting") or "true") == "true"
    if tag == "boundaryEvent":
        node.attached_to = _reference(element.get("attachedToRef", ""))
    if definition is None:
        return
    attribute = {"error": "errorCode", "escalation": "escalationCode"}.get(kind, "name")
    node.refers_to = _declared(definition.get(f"{kind}Ref", ""), attribute, root)
    timers = [_child(definition, name) for name in ("timeDate", "timeDuration", "timeCycle")]
    node.timer = "".join(_text(timer) for timer in timers)
    node.condition = _text(_child(definition, "condition"))


def _declared(reference: str, attribute: str, root: ElementTree.Element) -> str:
    id = _reference(reference)
    return next((e.get(attribute, "") for e in root if id and _id(e) == id), "")


def _tag(element: ElementTree.Element) -> str:
    """The local name; of an element of an abstract type that of the type it has there."""
    if not element.tag.startswith(_NAMESPACE):
        return ""
    local = element.tag.removeprefix(_NAMESPACE)
    if local in ("eventDefinition", "flowElement", "loopCharacteristics", "rootElement"):
        local = element.get(_TYPE, "").partition(":")[2][1:]
    return local[:1].lower() + local[1:]


def _child(element: ElementTree.Element, tag: str) -> ElementTree.Element | None:
    return next(_children(element, tag), None)


def _children(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _tag(child) == tag)


def _text(element: ElementTree.Element | None) -> str:
    return (element.text or "").strip(_SPACE) if element is not None else ""


def _id(element: ElementTree.Element) -> str:
    return element.get("id", "").strip(_SPACE)


def _reference(text: str) -> str:
    """None of the ids of the files has a colon."""
    return text.strip(_SPACE).rpartition(":")[2]
