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
        self.chosen: dict[str, list[str]] = {}
        """Targets of the flows with a condition that are no default flows."""
        self.defaults: dict[str, str] = {}
        """Targets of default flows."""
        self.attached: dict[str, list[str]] = {}
        self.interrupting: dict[str, bool] = {}
        self.handler_starts: dict[str, list[str]] = {}
        """By scope, the start events of the event sub-processes in it."""
        self.undone_by: dict[str, str] = {}
        """What leads to the handler of an activity, a boundary event or the start event of an event sub-process."""
        self.handlers: dict[str, str] = {}
        """By compensation boundary event, the activity it leads to."""
        self.marked: set[str] = set()
        """What is a loop or multi-instance."""
        self.quantities: dict[str, tuple[int, int]] = {}
        """How many tokens an activity needs to start, and how many go on along each flow."""
        self.inside: dict[str, list[str]] = {}
        """By ad-hoc sub-process, the activities in it."""
        self.activated: set[str] = set()
        """Complex gateways with a condition that activates them."""
        self.sequential: set[str] = set()
        """Ad-hoc sub-processes whose activities are performed in turn."""
        root = ElementTree.fromstring(xml)
        defaults = {node.attrib["default"] for node in root.iter() if "default" in node.attrib}
        for node in root.iter():
            self._read(node, defaults)

    def _read(self, node: ElementTree.Element, defaults: set[str]) -> None:
        tag, id = _tag(node), node.get("id", "")
        if tag == "sequenceFlow":
            source, target = node.attrib["sourceRef"], node.attrib["targetRef"]
            self.targets.setdefault(source, []).append(target)
            self.sources.setdefault(target, []).append(source)
            if id in defaults:
                self.defaults[source] = target
            elif any(_tag(child) == "conditionExpression" for child in node):
                self.chosen.setdefault(source, []).append(target)
        elif tag == "boundaryEvent":
            self._read_boundary_event(node)
        elif tag == "association":
            self.handlers |= {node.attrib["sourceRef"]: node.attrib["targetRef"]}
        elif tag == "adHocSubProcess":
            if node.get("ordering") == "Sequential":
                self.sequential.add(id)
            self.inside[id] = [child.attrib["id"] for child in node if _is_selected(child)]
        if any(_tag(child) == "activationCondition" for child in node):
            self.activated.add(id)
        if any(_tag(child) in MARKERS for child in node):
            self.marked.add(id)
        if "startQuantity" in node.attrib or "completionQuantity" in node.attrib:
            self.quantities[id] = int(node.get("startQuantity", "1")), int(node.get("completionQuantity", "1"))
        self._read_handlers(node)

    def _read_boundary_event(self, node: ElementTree.Element) -> None:
        if any(_tag(child) == "compensateEventDefinition" for child in node):
            self.undone_by[node.attrib["attachedToRef"]] = node.attrib["id"]
        else:
            self.attached.setdefault(node.attrib["attachedToRef"], []).append(node.attrib["id"])
            self.interrupting[node.attrib["id"]] = node.get("cancelActivity") != "false"

    def _read_handlers(self, scope: ElementTree.Element) -> None:
        for handler in scope:
            if handler.get("triggeredByEvent") == "true":
                start = next(child for child in handler if _tag(child) == "startEvent")
                if any(_tag(child) == "compensateEventDefinition" for child in start):
                    self.undone_by[scope.attrib["id"]] = start.attrib["id"]
                else:
                    self.handler_starts.setdefault(scope.attrib["id"], []).append(start.attrib["id"])
                    self.interrupting[start.attrib["id"]] = start.get("isInterrupting") != "false"


def _tag(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _is_selected(node: ElementTree.Element) -> bool:
    tag = _tag(node)
    is_activity = tag.lower().endswith(("task", "activity", "subprocess")) or tag == "transaction"
    return is_activity and node.get("isForCompensation") != "true"


@lru_cache(maxsize=1000)
def drawing(xml: str) -> Drawing:
    return Drawing(xml)
