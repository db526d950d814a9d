"""What is drawn in one process of a file, and connects elements of another.

A connection says by its ends what it connects (BPMN 2.0.2, 8.4.13): some tools keep those of a whole diagram in one
process, whichever pools they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.bpmn.reader import XmlNode
from app.bpmn.references import References
from app.bpmn.tags import TAGS
from app.bpmn.vocabulary import OPAQUE

_CONNECTING = frozenset({"association", "sequenceFlow"})


class Strays:
    """The connections between elements of another process than the one they are drawn in."""

    def __init__(self, processes: Sequence[XmlNode], references: References) -> None:
        self.moved: set[XmlNode] = set()
        """Sequence flows that don't count where they are drawn."""
        self.flows: dict[XmlNode, list[XmlNode]] = {}
        """Sequence flows by the process that they belong to, in document order."""
        self.associations: list[XmlNode] = []
        if len(processes) > 1:
            self._find(processes, references)

    def _find(self, processes: Sequence[XmlNode], references: References) -> None:
        owners: dict[str, list[XmlNode]] = {}
        """The processes that have a flow node of an id."""
        connections: list[tuple[XmlNode, XmlNode]] = []
        for process in processes:
            for node in process.walk(opaque=OPAQUE):
                if node.tag in TAGS:
                    owners.setdefault(node.token("id"), []).append(process)
                elif node.tag in _CONNECTING:
                    connections.append((process, node))
        for process, node in connections:
            owner = _owner(process, node, owners, references)
            if owner is not None and node.tag == "association":
                self.associations.append(node)
            elif owner is not None:
                self.moved.add(node)
                self.flows.setdefault(owner, []).append(node)


def _owner(
    process: XmlNode, node: XmlNode, owners: Mapping[str, Sequence[XmlNode]], references: References
) -> XmlNode | None:
    """The only process that has both ends of a connection, if it is not the one in which that is drawn."""
    source, target = (owners.get(references.resolve(node.get(end)), ()) for end in ("sourceRef", "targetRef"))
    if len(source) != 1 or len(target) != 1 or source[0] is not target[0] or source[0] is process:
        return None
    return source[0]
