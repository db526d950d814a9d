"""What an XML says about flows, read without the parser that is tested."""

from __future__ import annotations

from functools import lru_cache
from xml.etree import ElementTree

TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
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
        self.begins: set[str] = set()
        """What a scope without start event begins with, if no flow leads to it."""
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
        self.called: dict[str, str] = {}
        """By call activity, the tag of the global task that it is done as."""
        self.activated: set[str] = set()
        """Complex gateways with a condition that activates them."""
        self.sequential: set[str] = set()
        """Ad-hoc sub-processes whose activities are performed in turn."""
        self.parts: dict[str, list[str]] = {}
        """By event that has several definitions, what each is about: a message, say."""
        root = ElementTree.fromstring(xml)
        shared = {node.get("id", "").strip(): _tag(node) for node in root if _tag(node).startswith("global")}
        calls = {
            node.get("id", ""): _reference(node, "calledElement")
            for node in root.iter()
            if _tag(node) == "callActivity"
        }
        self.called = {id: shared[called] for id, called in calls.items() if called in shared}
        defaults = {_reference(node, "default") for node in root.iter()}
        associations: list[tuple[str, str]] = []
        for node in root.iter():
            self._read(node, defaults, associations)
        self._read_flows_of_nodes(root)
        for ends in associations:
            for event, handler in (ends, ends[::-1]):
                if event in self.undone_by.values():
                    self.handlers[event] = handler

    def _read(self, node: ElementTree.Element, defaults: set[str], associations: list[tuple[str, str]]) -> None:
        tag, id = _tag(node), node.get("id", "").strip()
        if tag == "sequenceFlow":
            source, target = _reference(node, "sourceRef"), _reference(node, "targetRef")
            self.targets.setdefault(source, []).append(target)
            self.sources.setdefault(target, []).append(source)
            if id and id in defaults:
                self.defaults[source] = target
            elif any(_tag(child) == "conditionExpression" and (child.text or "").strip() for child in node):
                self.chosen.setdefault(source, []).append(target)
        elif tag == "boundaryEvent":
            self._read_boundary_event(node)
        elif tag == "association":
            associations.append((_reference(node, "sourceRef"), _reference(node, "targetRef")))
        elif tag == "adHocSubProcess":
            if node.get("ordering") == "Sequential":
                self.sequential.add(id)
            self.inside[id] = [child.get("id", "").strip() for child in node if _is_selected(child)]
        parts = [
            _tag(child).removesuffix("EventDefinition") for child in node if _tag(child).endswith("EventDefinition")
        ]
        if len(parts) > 1:
            self.parts[id] = parts
        if any(_tag(child) == "activationCondition" for child in node):
            self.activated.add(id)
        if any(_tag(child) in MARKERS for child in node):
            self.marked.add(id)
        if "startQuantity" in node.attrib or "completionQuantity" in node.attrib:
            self.quantities[id] = int(node.get("startQuantity", "1")), int(node.get("completionQuantity", "1"))
        if tag in ("process", "subProcess", "transaction") and not any(_tag(child) == "startEvent" for child in node):
            self.begins.update(child.get("id", "").strip() for child in node)
        self._read_handlers(node)

    def _read_flows_of_nodes(self, root: ElementTree.Element) -> None:
        """Those that nodes name, where none is drawn."""
        ends: dict[str, dict[str, str]] = {"incoming": {}, "outgoing": {}}
        for node in root.iter():
            for child in node:
                if _tag(child) in ends:
                    ends[_tag(child)][(child.text or "").strip()] = node.get("id", "").strip()
        if not any(_tag(node) == "sequenceFlow" for node in root.iter()):
            for flow, source in ends["outgoing"].items():
                self.targets.setdefault(source, []).append(ends["incoming"][flow])
                self.sources.setdefault(ends["incoming"][flow], []).append(source)

    def _read_boundary_event(self, node: ElementTree.Element) -> None:
        host, id = _reference(node, "attachedToRef"), node.get("id", "").strip()
        if any(_tag(child) == "compensateEventDefinition" for child in node):
            self.undone_by[host] = id
        else:
            self.attached.setdefault(host, []).append(id)
            self.interrupting[id] = node.get("cancelActivity") != "false"

    def _read_handlers(self, scope: ElementTree.Element) -> None:
        for handler in scope:
            if handler.get("triggeredByEvent") == "true":
                start = next(child for child in handler if _tag(child) == "startEvent")
                if any(_tag(child) == "compensateEventDefinition" for child in start):
                    self.undone_by[scope.get("id", "").strip()] = start.get("id", "").strip()
                else:
                    self.handler_starts.setdefault(scope.get("id", "").strip(), []).append(start.get("id", "").strip())
                    self.interrupting[start.get("id", "").strip()] = start.get("isInterrupting") != "false"


def _tag(node: ElementTree.Element) -> str:
    """The local name; some tools say by a type what an element is."""
    tag = node.tag.rpartition("}")[2]
    if tag in ("eventDefinition", "flowElement", "loopCharacteristics") and TYPE in node.attrib:
        type = node.attrib[TYPE].rpartition(":")[2].removeprefix("t")
        return type[:1].lower() + type[1:]
    return tag


def _reference(node: ElementTree.Element, attribute: str) -> str:
    """An id, without the prefix that references may have."""
    return node.get(attribute, "").strip().rpartition(":")[2]


def _is_selected(node: ElementTree.Element) -> bool:
    tag = _tag(node)
    is_activity = tag.lower().endswith(("task", "activity", "subprocess")) or tag == "transaction"
    return is_activity and node.get("isForCompensation") != "true"


@lru_cache(maxsize=1000)
def drawing(xml: str) -> Drawing:
    return Drawing(xml)
