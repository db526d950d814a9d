"""What counts though BPMN has no word for it: attributes of our own, and a few extensions of other tools.

Where workers decide everything, only the names of variables count that an event puts what it has caught into.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.bpmn.data import Data
from app.bpmn.kinds import BOUNDARY_EVENTS, START_EVENTS, THROWN_EVENTS
from app.bpmn.model import MAX_CALLED_LENGTH, MAX_EXPRESSION_LENGTH, MAX_ID_LENGTH, MAX_NAME_LENGTH, Element, Expression
from app.bpmn.names import is_variable
from app.bpmn.problems import object_to
from app.bpmn.reader import VARIABLES, XmlNode

_CATCHING = BOUNDARY_EVENTS | START_EVENTS
_PASSED = ("all", "none")
_DIRECTIONS = (
    ("variables", "in", "propagateAllParentVariables"),
    ("outVariables", "out", "propagateAllChildVariables"),
)
"""Of variables that are passed by calls, how our own attribute and what others have are called."""
_OTHER_MAPPINGS = frozenset({"camunda:inputOutput", "zeebe:ioMapping"})
_BOUND = frozenset({"deployment", "versionTag"})
_BY_FLAG: Mapping[str, str] = {"true": "all", "false": "none"}

_COUNTING = frozenset(
    {
        *("camunda:calledElementVersion", "camunda:collection", "camunda:elementVariable", "camunda:in", "camunda:out"),
        *("zeebe:calledElement", "zeebe:loopCharacteristics", "zeebe:subscription"),
    }
)


def counts(extension: str) -> bool:
    """Whether an extension, as files call it, may have an effect where the engine evaluates."""
    return extension in _COUNTING or extension.rpartition(":")[2] in VARIABLES


class Foreign:
    """Reads what counts of one file."""

    def __init__(self, data: Data, *, evaluates: bool) -> None:
        self._data = data
        self.evaluates = evaluates

    def read_variables(self, element: Element, definition: XmlNode) -> None:
        """Sets where an event puts the code and the text that it has caught."""
        if element.type not in _CATCHING:
            return
        kind = definition.tag.removesuffix("EventDefinition")
        if kind == "error":
            element.error_code_variable = self._variable(element, definition, "errorCodeVariable")
            element.error_message_variable = self._variable(element, definition, "errorMessageVariable")
        elif kind == "escalation":
            element.escalation_code_variable = self._variable(element, definition, "escalationCodeVariable")

    def _variable(self, element: Element, node: XmlNode, attribute: str) -> str:
        name = node.foreign.get(attribute, "")
        if not name and self.evaluates:
            name = node.foreign.get(f"foreign:{attribute}", "")
        if name and not is_variable(name):
            what = f"{attribute} of element {element.id} must be the name of a variable"
            object_to(element, f"{what}, and not {name[:MAX_ID_LENGTH]}", node.place)
            return ""
        return name

    def read_message(self, element: Element, node: XmlNode, message: XmlNode | None, owner: XmlNode) -> None:
        """Sets how the correlation key of a message is found, and what the message carries.

        `node` refers to the `message`, and is, or is inside of, the element `owner`.
        """
        throws = element.type in THROWN_EVENTS
        key = node.foreign.get("correlationKey", "")
        if not key and message is not None:
            key = message.foreign.get("correlationKey", "")
            if not key and not throws:
                key = message.extension("zeebe:subscription").get("correlationKey", "")
        if key:
            element.correlation_key = Expression(key[: MAX_EXPRESSION_LENGTH + 1], "", *node.place)
        if throws and message is not None:
            element.declared_name = message.get("name")[:MAX_NAME_LENGTH]
            element.inputs = self._inputs(element, owner) if key else ()

    def _inputs(self, element: Element, node: XmlNode) -> list[str]:
        inputs = [each for each in node.children if each.tag == "dataInput"]
        for specification in node.children:
            if specification.tag == "ioSpecification":
                inputs += [each for each in specification.children if each.tag == "dataInput"]
        found = []
        for each in inputs:
            name, replaced = self._data.name(each)
            if is_variable(name):
                found.append(name)
                element.rename(replaced, name)
            else:
                what = f"dataInput of element {element.id} must be the name of a variable"
                object_to(element, f"{what}, and not {name[:MAX_ID_LENGTH] or 'empty'}", each.place)
        return list(dict.fromkeys(found))

    def read_call(self, element: Element, node: XmlNode) -> None:
        """Sets what a call activity calls, and which variables it passes, as far as extensions say that."""
        if not self.evaluates:
            return
        called = node.extension("zeebe:calledElement")
        if not element.called_element:
            element.called_element = called.get("processId", "")[: MAX_CALLED_LENGTH + 1]
        passed = [self._passed(element, node, *direction) for direction in _DIRECTIONS]
        is_bound = called.get("bindingType", "") in _BOUND or node.foreign.get("camunda:calledElementBinding") in _BOUND
        if None not in passed and not is_bound and self._add_version(element, node):
            element.variables_in, element.variables_out = (each or "" for each in passed)

    def _add_version(self, element: Element, node: XmlNode) -> bool:
        """Whether the version that is to be called, if one is, can be said beside what is called."""
        version = node.foreign.get("camunda:calledElementVersion", "")
        if not version:
            return True
        if not element.called_element or element.called_element.startswith("=") or ":" in element.called_element:
            return False
        element.called_element = f"{element.called_element}:{version}"
        return True

    def _passed(self, element: Element, node: XmlNode, attribute: str, tag: str, flag: str) -> str | None:
        """`all`, `none`, or empty where nothing is said; None where more is said than that."""
        own = node.foreign.get(attribute, "")
        if own and own not in _PASSED:
            what = f"{attribute} of element {element.id} must be {_PASSED[0]} or {_PASSED[1]}"
            object_to(element, f"{what}, and not {own[:MAX_ID_LENGTH]}", node.place)
        mapped = [attributes for name, attributes in node.extensions if name == f"camunda:{tag}"]
        if any(each != {"variables": "all"} for each in mapped):
            return None
        if any(name in _OTHER_MAPPINGS for name, _ in node.extensions):
            return None
        by_flag = _BY_FLAG.get(node.extension("zeebe:calledElement").get(flag, ""), "")
        return own or ("all" if mapped else by_flag)


def plain_name(text: str) -> str:
    """The name of a variable in the text of an extension, which may be an expression that is nothing but a name."""
    if text.startswith("="):
        return text[1:].strip()
    if text.startswith(("${", "#{")) and text.endswith("}"):
        return text[2:-1].strip()
    return text
