"""Attributes of flow nodes that change the execution."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from app.bpmn.kinds import ACTIVITIES, ElementType
from app.bpmn.model import MAX_ID_LENGTH, Element
from app.bpmn.problems import object_to, refuse
from app.bpmn.reader import XmlNode

T = ElementType

TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})
_INSTANTIATING = frozenset({T.EVENT_BASED_GATEWAY, T.RECEIVE_TASK})
_ALWAYS_INTERRUPTING = frozenset(
    {T.CANCEL_BOUNDARY_EVENT, T.COMPENSATION_BOUNDARY_EVENT, T.COMPENSATION_START_EVENT, T.ERROR_BOUNDARY_EVENT}
)
"""Whatever the attribute says. That of a start event which catches errors must say so."""
_NUMBER = re.compile("[0-9]{1,18}")
MAX_QUANTITY = 1000


def read_attributes(element: Element, node: XmlNode) -> None:
    if not node.attributes.keys().isdisjoint(_READERS):
        for name, read in _READERS.items():
            if name in node.attributes:
                read(element, node, name)


def whole_number(text: str) -> int | None:
    """The number that a text consists of, from 0; None where it is something else, or absurdly long."""
    return int(text) if _NUMBER.fullmatch(text) else None


def is_true(element: Element, node: XmlNode, name: str) -> bool:
    """What an attribute says that is true or false; anything else is refused."""
    value = node.token(name)
    if value not in TRUE and value not in _FALSE:
        refuse(element, f"{name} {value[:MAX_ID_LENGTH]}", node.place)
    return value in TRUE


def _read_quantity(element: Element, node: XmlNode, name: str) -> None:
    value = node.token(name)
    if value in ("", "1"):
        return
    if element.type not in ACTIVITIES:
        refuse(element, f"{name} {value[:MAX_ID_LENGTH]}", node.place)
        return
    quantity = whole_number(value)
    if quantity is None or not 1 <= quantity <= MAX_QUANTITY:
        object_to(element, f"{name} of element {element.id} must be an integer from 1 to {MAX_QUANTITY}", node.place)
    elif name == "startQuantity":
        element.start_quantity = quantity
    else:
        element.completion_quantity = quantity


def _read_compensation(element: Element, node: XmlNode, name: str) -> None:
    # An event sub-process says by its start event whether it is one.
    if is_true(element, node, name) and element.type is not T.EVENT_SUB_PROCESS:
        if element.type in ACTIVITIES:
            element.is_compensation = True
        else:
            refuse(element, "compensation marker", node.place)


def _read_triggered(element: Element, node: XmlNode, name: str) -> None:
    if is_true(element, node, name) and element.type is not T.EVENT_SUB_PROCESS:
        refuse(element, "event sub-process", node.place)


def _read_instantiate(element: Element, node: XmlNode, name: str) -> None:
    if is_true(element, node, name):
        if element.type in _INSTANTIATING:
            element.instantiate = True
        else:
            refuse(element, f"instantiating {node.tag}", node.place)


def _read_gateway_type(element: Element, node: XmlNode, name: str) -> None:
    value = node.token(name)
    if value == "Parallel" and element.instantiate:
        element.parallel = True
    elif value not in ("", "Exclusive"):
        refuse(element, f"{value[:MAX_ID_LENGTH]} event-based gateway", node.place)


def _read_interrupting(element: Element, node: XmlNode, name: str) -> None:
    is_true(element, node, name)
    value = node.token(name)
    is_handler = element.parent is not None and element.parent.type is T.EVENT_SUB_PROCESS
    if node.tag == "boundaryEvent" or (node.tag == "startEvent" and is_handler):
        element.says_interrupting = not value or value in TRUE
        element.interrupting = element.says_interrupting or element.type in _ALWAYS_INTERRUPTING


def _read_method(element: Element, node: XmlNode, name: str) -> None:
    """What is done when a transaction is cancelled: a name behind ##, or the last part of a URI."""
    value = node.token(name)
    if element.type is T.TRANSACTION and value and re.split("[#/]", value)[-1].lower() != "compensate":
        refuse(element, f"transaction method {value[:MAX_ID_LENGTH]}", node.place)


def _read_ordering(element: Element, node: XmlNode, name: str) -> None:
    value = node.token(name)
    if element.type is T.AD_HOC_SUB_PROCESS and value:
        element.sequential = value == "Sequential"
        if value not in ("Parallel", "Sequential"):
            what = f"ordering of ad-hoc sub-process {element.id} must be Parallel or Sequential"
            object_to(element, f"{what}, and not {value[:MAX_ID_LENGTH]}", node.place)


def _read_cancel_remaining(element: Element, node: XmlNode, name: str) -> None:
    if element.type is T.AD_HOC_SUB_PROCESS and node.token(name):
        element.cancel_remaining = is_true(element, node, name)


_READERS: Mapping[str, Callable[[Element, XmlNode, str], None]] = {
    "startQuantity": _read_quantity,
    "completionQuantity": _read_quantity,
    "isForCompensation": _read_compensation,
    "triggeredByEvent": _read_triggered,
    "instantiate": _read_instantiate,
    "cancelActivity": _read_interrupting,
    "isInterrupting": _read_interrupting,
    "eventGatewayType": _read_gateway_type,
    "method": _read_method,
    "ordering": _read_ordering,
    "cancelRemainingInstances": _read_cancel_remaining,
}
