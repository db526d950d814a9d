"""What a multi-instance throws when instances of it complete (BPMN 2.0.2, 10.3.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from app.bpmn.causes import at
from app.bpmn.declarations import Declarations
from app.bpmn.evaluation import compile_error
from app.bpmn.expressions import read_expression
from app.bpmn.kinds import ElementType
from app.bpmn.model import MAX_ID_LENGTH, Element, Expression, Part, Process
from app.bpmn.problems import object_to
from app.bpmn.reader import XmlNode
from app.bpmn.tags import is_definition
from app.errors import Cause

T = ElementType

BEHAVIORS = ("All", "None", "One", "Complex")
_REFERENCES = {"None": "noneBehaviorEventRef", "One": "oneBehaviorEventRef"}
_THROWN: Mapping[str, ElementType] = {
    "escalationEventDefinition": T.ESCALATION_THROW_EVENT,
    "signalEventDefinition": T.SIGNAL_THROW_EVENT,
}


class BehaviorReader:
    """Reads the behavior of the multi-instances of a file."""

    def __init__(self, declarations: Declarations) -> None:
        self._declarations = declarations

    def read(self, element: Element, node: XmlNode, behavior: str) -> list[Part]:
        """The events that are thrown; what is wrong about them becomes a problem of the element."""
        if behavior in _REFERENCES:
            attribute = _REFERENCES[behavior]
            if node.token(attribute):
                return self._thrown(element, node, self._declarations.shared(node.token(attribute)), None)
            what = f"multi-instance {element.id} with behavior {behavior} must have a {attribute}"
            object_to(element, what, node.place)
        found: list[Part] = []
        if behavior == "Complex":
            definitions = [child for child in node.children if child.tag == "complexBehaviorDefinition"]
            if not definitions:
                what = f"multi-instance {element.id} with behavior Complex must have a complexBehaviorDefinition"
                object_to(element, what, node.place)
            for definition in definitions:
                found += self._complex(element, definition)
        return found

    def _complex(self, element: Element, node: XmlNode) -> list[Part]:
        condition = read_expression(element, _child(node, "condition"))
        event = _child(node, "event")
        definitions = [child for child in event.children if is_definition(child.tag)] if event is not None else ()
        if condition is None or not definitions:
            what = f"complexBehaviorDefinition of multi-instance {element.id} must have a condition and an event"
            object_to(element, what, node.place)
            return []
        found: list[Part] = []
        for each in definitions:
            is_reference = each.tag == "eventDefinitionRef"
            definition = self._declarations.shared(each.text) if is_reference else each
            found += self._thrown(element, each, definition, condition)
        return found

    def _thrown(
        self, element: Element, node: XmlNode, definition: XmlNode | str, condition: Expression | None
    ) -> list[Part]:
        """The event of a definition that is written in `node`, or that it refers to; empty where it is no use."""
        if isinstance(definition, str):
            object_to(element, f"{definition}, but element {element.id} refers to it", node.place)
            return []
        type = _THROWN.get(definition.tag)
        if type is None:
            what = f"event that multi-instance {element.id} throws must be a signal or an escalation"
            object_to(element, f"{what}, and not {definition.tag[:MAX_ID_LENGTH]}", node.place)
            return []
        event = Element(id=element.id, written_id=element.id, type=type, parent=element.parent)
        self._declarations.define(event, definition)
        if event.definition is None or not event.definition.name:
            kind = "signal" if type is T.SIGNAL_THROW_EVENT else "escalation"
            what = "name" if type is T.SIGNAL_THROW_EVENT else "code"
            object_to(element, f"{kind} that multi-instance {element.id} throws must have a {what}", node.place)
            return []
        return [Part(type=type, definition=event.definition, condition=condition, declared_name=event.declared_name)]


def check_behavior(process: Process) -> Iterator[Cause]:
    """Conditions of what is thrown can be evaluated: no job asks for them."""
    for element in process.elements():
        events: Sequence[Part] = element.loop.events if element.loop is not None else ()
        for condition in dict.fromkeys(event.condition for event in events if event.condition is not None):
            error = compile_error(condition, process.expression_language)
            if error is not None:
                what = f"condition of a complexBehaviorDefinition of {element.id} cannot be evaluated"
                yield at(element, f"{what}: {error}")


def _child(node: XmlNode, tag: str) -> XmlNode | None:
    return next((child for child in node.children if child.tag == tag), None)
