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
        """Sequence flows by the process that they belong to, in document order; not those that it draws, too."""
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
        strays = [
            (owner, node)
            for process, node in connections
            if (owner := _owner(process, node, owners, references)) is not None
        ]
        if not strays:
            return
        self.associations = [node for _, node in strays if node.tag == "association"]
        self.moved = {node for _, node in strays if node.tag == "sequenceFlow"}
        flows = [(process, node) for process, node in connections if node.tag == "sequenceFlow"]
        drawn = {(process, node.token("id")): node for process, node in flows if node not in self.moved}
        for owner, node in strays:
            if node in self.moved and not _repeats(node, drawn.setdefault((owner, node.token("id")), node)):
                self.flows.setdefault(owner, []).append(node)


def _repeats(node: XmlNode, other: XmlNode) -> bool:
    """Whether a flow is one that is drawn elsewhere, too; flows without ids are each one of their own."""
    named = (node.token(name) and node.token(name) == other.token(name) for name in ("id", "sourceRef", "targetRef"))
    return node is not other and all(named)


def _owner(
    process: XmlNode, node: XmlNode, owners: Mapping[str, Sequence[XmlNode]], references: References
) -> XmlNode | None:
    """The only process that has both ends of a connection, if it is not the one in which that is drawn."""
    source, target = (owners.get(references.resolve(node.get(end)), ()) for end in ("sourceRef", "targetRef"))
    if len(source) != 1 or len(target) != 1 or source[0] is not target[0] or source[0] is process:
        return None
    return source[0]
