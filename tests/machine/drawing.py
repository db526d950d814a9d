"""What an XML says about flows, read without the parser that is tested."""

from __future__ import annotations

from functools import lru_cache
from xml.etree import ElementTree

MARKERS = frozenset({"multiInstanceLoopCharacteristics", "standardLoopCharacteristics"})


class Drawing:
    """Sources and targets of the sequence flows, and how elements hang together, by element id."""

    def __init__(self, xml: str) -> None:
        self.targets: dict[str, list[str]] = {}
        self.sources: dict[str, list[str]] = {}
        self.defaults: set[str] = set()
        self.attached: dict[str, list[str]] = {}
        self.interrupting: dict[str, bool] = {}
        self.handler_starts: dict[str, list[str]] = {}
        """By scope, the start events of the event sub-processes in it."""
        self.marked: set[str] = set()
        """What is a loop or multi-instance."""
        for node in ElementTree.fromstring(xml).iter():
            tag = node.tag.rpartition("}")[2]
            if tag == "sequenceFlow":
                source, target = node.attrib["sourceRef"], node.attrib["targetRef"]
                self.targets.setdefault(source, []).append(target)
                self.sources.setdefault(target, []).append(source)
            elif tag == "boundaryEvent":
                self.attached.setdefault(node.attrib["attachedToRef"], []).append(node.attrib["id"])
                self.interrupting[node.attrib["id"]] = node.get("cancelActivity") != "false"
            elif tag in MARKERS:
                self.marked.add(node.attrib["id"].removeprefix("marker-"))
            self._read_handlers(node)
            if "default" in node.attrib:
                self.defaults.add(node.attrib["id"])

    def _read_handlers(self, scope: ElementTree.Element) -> None:
        for handler in scope:
            if handler.get("triggeredByEvent") == "true":
                start = next(child for child in handler if child.tag.endswith("startEvent"))
                self.handler_starts.setdefault(scope.attrib["id"], []).append(start.attrib["id"])
                self.interrupting[start.attrib["id"]] = start.get("isInterrupting") != "false"


@lru_cache(maxsize=1000)
def drawing(xml: str) -> Drawing:
    return Drawing(xml)
