"""Names of data: of data objects and properties, by whatever in a file refers to them (BPMN 2.0.2, 10.4)."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from app.bpmn.names import is_variable
from app.bpmn.reader import XmlNode
from app.bpmn.references import References
from app.bpmn.vocabulary import OPAQUE

_TAGS = frozenset({"dataInput", "dataObject", "dataObjectReference", "dataOutput", "property"})
_ASSOCIATIONS = {
    "dataInputAssociation": ("targetRef", "sourceRef"),
    "dataOutputAssociation": ("sourceRef", "targetRef"),
}
"""By tag the child that names the data input or output, and the one that names what it is connected with."""


class DataName(NamedTuple):
    """The name of the variable that something in a file means."""

    variable: str
    replaced: str = ""
    """What the file calls it, where no variable can be called that."""


class Data:
    """The data of a file, which is looked for when it is first asked for."""

    def __init__(self, root: XmlNode, references: References) -> None:
        self._root = root
        self._references = references

    def variable(self, reference: str) -> DataName:
        """The name of the variable that a reference to data means.

        An input or output stands for what an association connects it with, and a reference to a data object for that
        object unless it has a name of its own. What is no data of the file is a name.
        """
        id = self._references.resolve(reference)
        found = self._nodes.get(id)
        if found is not None and found.tag in ("dataInput", "dataOutput"):
            found = self._nodes.get(self._connected.get(id, ""), found)
        if found is None:
            return DataName(reference)
        if found.tag == "dataObjectReference" and not is_variable(found.token("name")):
            shared = self._nodes.get(self._references.resolve(found.get("dataObjectRef")))
            if shared is not None:
                name = name_of(shared)
                return name._replace(replaced=found.token("name") or name.replaced)
        return name_of(found)

    def name(self, node: XmlNode) -> DataName:
        """The name of the variable that a data input or output means."""
        id = node.token("id")
        return self.variable(id) if id else name_of(node)

    @cached_property
    def _nodes(self) -> dict[str, XmlNode]:
        found: dict[str, XmlNode] = {}
        for node in self._root.walk(opaque=OPAQUE):
            if node.tag in _TAGS and node.token("id"):
                found.setdefault(node.token("id"), node)
        return found

    @cached_property
    def _connected(self) -> dict[str, str]:
        """The other end of associations, by data input or output."""
        found: dict[str, str] = {}
        for node in self._root.walk(opaque=OPAQUE):
            if node.tag in _ASSOCIATIONS:
                own, other = (self._reference(node, tag) for tag in _ASSOCIATIONS[node.tag])
                if own and other:
                    found.setdefault(own, other)
        return found

    def _reference(self, node: XmlNode, tag: str) -> str:
        return next((self._references.resolve(child.text) for child in node.children if child.tag == tag), "")


def name_of(node: XmlNode) -> DataName:
    """The name of data or of an item: the attribute, or the id where a variable can be called that only."""
    name, id = node.token("name"), node.token("id")
    if name and (is_variable(name) or not is_variable(id)):
        return DataName(name)
    return DataName(id, name)
