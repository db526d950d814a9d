"""The markers of activities that are repeated: standard loops and multi-instances (BPMN 2.0.2, 10.3.8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from app.bpmn.attributes import TRUE, whole_number
from app.bpmn.behavior import BEHAVIORS, BehaviorReader
from app.bpmn.data import Data, DataName, name_of
from app.bpmn.declarations import Declarations
from app.bpmn.expressions import read_expression
from app.bpmn.foreign import plain_name
from app.bpmn.kinds import ACTIVITIES
from app.bpmn.model import MAX_ID_LENGTH, Element, Loop
from app.bpmn.names import is_variable
from app.bpmn.problems import object_to, refuse
from app.bpmn.reader import XmlNode

MULTI_INSTANCE = "multiInstanceLoopCharacteristics"
STANDARD_LOOP = "standardLoopCharacteristics"
MAX_PARALLEL = 1000
"""Instances that are created at once."""
MAX_NUMBER = 2**31 - 1
COUNTER = "loopCounter"
"""A variable of each instance, which nothing else may be called."""
_INTEGER = re.compile("-?[0-9]+")


class LoopReader:
    """Reads the markers of the activities of a file."""

    def __init__(self, data: Data, declarations: Declarations, *, evaluates: bool) -> None:
        self._data = data
        self._behaviors = BehaviorReader(declarations)
        self._evaluates = evaluates

    def read(self, element: Element, markers: Sequence[XmlNode]) -> None:
        """Sets what the markers say of an element; what is wrong about them becomes a problem of it."""
        marker = markers[0]
        reader = _READERS.get(marker.tag)
        if reader is None or element.type not in ACTIVITIES:
            for each in markers:
                refuse(element, each.tag, each.place)
        elif len(markers) > 1:
            what = f"activity {element.id} must have a single loop or multi-instance marker"
            object_to(element, what, markers[1].place)
        else:
            element.loop = reader(self, element, marker)

    def _standard(self, element: Element, node: XmlNode) -> Loop:
        stated = node.token("loopMaximum")
        maximum = whole_number(stated) if stated else None
        if stated and (maximum is None or not 1 <= maximum <= MAX_NUMBER):
            what = f"loopMaximum of activity {element.id} must be an integer from 1 to {MAX_NUMBER}"
            object_to(element, what, node.place)
        return Loop(
            multi=False,
            sequential=True,
            condition=read_expression(element, _child(node, "loopCondition")),
            test_before=node.token("testBefore") in TRUE,
            maximum=maximum,
        )

    def _multi(self, element: Element, node: XmlNode) -> Loop:
        sequential = node.token("isSequential") in TRUE
        cardinality = read_expression(element, _child(node, "loopCardinality"))
        literal = None
        if cardinality is not None and _INTEGER.fullmatch(cardinality.text):
            literal = self._literal(element, node, cardinality.text, sequential=sequential)
        collection, item = self._names(element, node, "loopDataInputRef", "inputDataItem")
        output_collection, output_item = self._names(element, node, "loopDataOutputRef", "outputDataItem")
        if self._evaluates:
            foreign = self._foreign(element, node)
            if cardinality is None and not collection:
                collection, item = foreign["inputCollection"], item or foreign["inputElement"]
            if not output_collection:
                output_collection, output_item = foreign["outputCollection"], output_item or foreign["outputElement"]
        if cardinality is not None and collection:
            what = f"multi-instance {element.id} must have either a loopCardinality or a loopDataInputRef"
            object_to(element, what, node.place)
        if _child(node, "inputDataItem") is not None and not collection:
            what = f"multi-instance {element.id} must have a loopDataInputRef for its inputDataItem"
            object_to(element, what, node.place)
        if bool(output_collection) != bool(output_item):
            what = f"multi-instance {element.id} must have both a loopDataOutputRef and an outputDataItem, or neither"
            object_to(element, what, node.place)
        behavior = node.token("behavior") or "All"
        self._check_behavior(element, node, behavior)
        return Loop(
            multi=True,
            sequential=sequential,
            cardinality=cardinality,
            literal=literal,
            collection=collection,
            item=item,
            output_collection=output_collection,
            output_item=output_item,
            condition=read_expression(element, _child(node, "completionCondition")),
            behavior=behavior,
            events=tuple(self._behaviors.read(element, node, behavior)),
        )

    def _literal(self, element: Element, node: XmlNode, text: str, *, sequential: bool) -> int | None:
        most = MAX_NUMBER if sequential else MAX_PARALLEL
        # A text of any length might be there, and int() takes longer the longer it is.
        number = int(text) if len(text) <= MAX_ID_LENGTH else -1
        if 0 <= number <= most:
            return number
        object_to(element, f"loopCardinality of multi-instance {element.id} must be from 0 to {most}", node.place)
        return None

    def _names(self, element: Element, node: XmlNode, reference_tag: str, item_tag: str) -> tuple[str, str]:
        """The names of the variables with a collection and with an item of it."""
        reference, item = _child(node, reference_tag), _child(node, item_tag)
        nothing = DataName("")
        collection = self._data.variable(reference.text) if reference is not None and reference.text else nothing
        found = collection, name_of(item) if item is not None else nothing
        for tag, child, name in zip((reference_tag, item_tag), (reference, item), found, strict=True):
            if child is None or (child is reference and not name.variable):
                continue
            if name.variable == COUNTER or not is_variable(name.variable):
                what = f"{tag} of multi-instance {element.id} must be the name of a variable"
                object_to(element, f"{what}, and not {name.variable[:MAX_ID_LENGTH] or 'empty'}", child.place)
            else:
                element.rename(name.replaced, name.variable)
        return found[0].variable, found[1].variable

    def _foreign(self, element: Element, node: XmlNode) -> Mapping[str, str]:
        """What extensions say of collections and their items."""
        found = dict.fromkeys(("inputCollection", "inputElement", "outputCollection", "outputElement"), "")
        found["inputCollection"] = node.foreign.get("camunda:collection", "")
        found["inputElement"] = node.foreign.get("camunda:elementVariable", "")
        found |= {key: value for key, value in node.extension("zeebe:loopCharacteristics").items() if key in found}
        names = {key: plain_name(value) for key, value in found.items()}
        for key, name in names.items():
            if name and (name == COUNTER or not is_variable(name)):
                what = f"{key} of multi-instance {element.id} must be the name of a variable"
                object_to(element, f"{what}, and not {found[key][:MAX_ID_LENGTH]}", node.place)
        return names

    def _check_behavior(self, element: Element, node: XmlNode, behavior: str) -> None:
        if behavior not in BEHAVIORS:
            what = f"behavior of multi-instance {element.id} must be {', '.join(BEHAVIORS[:-1])} or {BEHAVIORS[-1]}"
            object_to(element, what, node.place)


def _child(node: XmlNode, tag: str) -> XmlNode | None:
    return next((child for child in node.children if child.tag == tag), None)


_READERS: Mapping[str, Callable[[LoopReader, Element, XmlNode], Loop]] = {
    MULTI_INSTANCE: LoopReader._multi,
    STANDARD_LOOP: LoopReader._standard,
}
