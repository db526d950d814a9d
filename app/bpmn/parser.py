"""BPMN XML -> Model. Says what the file says; what can't be executed as drawn is noted, never dropped silently.

`TAGS` holds one row per supported flow node. Everything else in the namespace of BPMN is either known to have no
influence on the execution (`vocabulary`) or refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from app.bpmn.checks import check
from app.bpmn.declarations import Declarations
from app.bpmn.flows import Flows
from app.bpmn.model import Element, ElementType, Model, Problem, Process
from app.bpmn.reader import XmlNode, invalid_xml, read
from app.bpmn.vocabulary import HARMLESS, HARMLESS_AT_ROOT, OPAQUE
from app.errors import invalid_model

T = ElementType

TAGS: Mapping[str, ElementType | Mapping[str, ElementType]] = {
    "businessRuleTask": T.BUSINESS_RULE_TASK,
    "callActivity": T.CALL_ACTIVITY,
    "eventBasedGateway": T.EVENT_BASED_GATEWAY,
    "exclusiveGateway": T.EXCLUSIVE_GATEWAY,
    "inclusiveGateway": T.INCLUSIVE_GATEWAY,
    "manualTask": T.MANUAL_TASK,
    "parallelGateway": T.PARALLEL_GATEWAY,
    "scriptTask": T.SCRIPT_TASK,
    "sendTask": T.SEND_TASK,
    "serviceTask": T.SERVICE_TASK,
    "subProcess": T.SUB_PROCESS,
    "task": T.TASK,
    "userTask": T.USER_TASK,
    "startEvent": {
        "": T.NONE_START_EVENT,
        "messageEventDefinition": T.MESSAGE_START_EVENT,
        "signalEventDefinition": T.SIGNAL_START_EVENT,
        "timerEventDefinition": T.TIMER_START_EVENT,
    },
    "intermediateCatchEvent": {
        "linkEventDefinition": T.LINK_CATCH_EVENT,
        "messageEventDefinition": T.MESSAGE_CATCH_EVENT,
        "signalEventDefinition": T.SIGNAL_CATCH_EVENT,
        "timerEventDefinition": T.TIMER_CATCH_EVENT,
    },
    "intermediateThrowEvent": {
        "": T.NONE_THROW_EVENT,
        "escalationEventDefinition": T.ESCALATION_THROW_EVENT,
        "linkEventDefinition": T.LINK_THROW_EVENT,
        "messageEventDefinition": T.MESSAGE_THROW_EVENT,
        "signalEventDefinition": T.SIGNAL_THROW_EVENT,
    },
    "boundaryEvent": {
        "errorEventDefinition": T.ERROR_BOUNDARY_EVENT,
        "escalationEventDefinition": T.ESCALATION_BOUNDARY_EVENT,
        "messageEventDefinition": T.MESSAGE_BOUNDARY_EVENT,
        "signalEventDefinition": T.SIGNAL_BOUNDARY_EVENT,
        "timerEventDefinition": T.TIMER_BOUNDARY_EVENT,
    },
    "endEvent": {
        "": T.NONE_END_EVENT,
        "errorEventDefinition": T.ERROR_END_EVENT,
        "escalationEventDefinition": T.ESCALATION_END_EVENT,
        "messageEventDefinition": T.MESSAGE_END_EVENT,
        "signalEventDefinition": T.SIGNAL_END_EVENT,
        "terminateEventDefinition": T.NONE_END_EVENT,
    },
}
"""XML element -> type, or type by event definition (`""`: without one)."""

MAX_DEPTH = 50
"""Levels of sub-processes; with the next limit it bounds the size of pointers."""
MAX_ID_LENGTH = 255

_STAND_INS = {"adHocSubProcess": T.SUB_PROCESS, "transaction": T.SUB_PROCESS}
"""Types of refused elements whose content is read for more findings; all others are tasks."""

_EXECUTED = frozenset(TAGS) | frozenset(_STAND_INS) | {"complexGateway", "process", "receiveTask", "sequenceFlow"}
"""What must not get lost in something harmless."""

_WITH_DEFAULT = frozenset({T.EXCLUSIVE_GATEWAY, T.INCLUSIVE_GATEWAY})
_MUST_BE_DEFINED = {"boundaryEvent": "boundary event", "intermediateCatchEvent": "intermediate catch event"}
_ENDS = ("incoming", "outgoing")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})


def parse(xml: str, *, xml_timers: bool = True) -> Model:
    """All processes of a file, each with its causes; timers written in the XML count if `xml_timers`.

    Raises EngineError (PROCESS_MODEL) for text that can't be read as a BPMN file, and nothing else.
    """
    root = read(xml)
    declarations = Declarations(root.walk(opaque=OPAQUE), xml_timers=xml_timers)
    readers = [_ProcessReader(node, declarations) for node in root.children if node.tag == "process"]
    _check_root(root, [reader.process for reader in readers])
    _check_process_ids([reader.process for reader in readers])
    _add_collaboration(root, [reader.process for reader in readers])
    known: dict[str, Element] = {}
    for reader in readers:
        for element_id, element in reader.by_id.items():
            known.setdefault(element_id, element)
    for reader in readers:
        reader.finish(known)
    return Model(processes=[reader.process for reader in readers])


def find_process(model: Model, bpmn_process_id: str) -> Process:
    """The process with that id; raises EngineError (PROCESS_MODEL) if the file has none."""
    for process in model.processes:
        if process.element.id == bpmn_process_id:
            return process
    ids = ", ".join(process.element.id for process in model.processes)
    raise invalid_model(f"BPMN model has no process {bpmn_process_id}, but [{ids}]")


def _check_root(root: XmlNode, processes: Iterable[Process]) -> None:
    """What is outside of all processes, but should be in one, counts against each."""
    stray = [node for node in root.children if node.tag not in HARMLESS_AT_ROOT and node.tag != "process"]
    stray += [lost for node in root.children if node.tag in HARMLESS_AT_ROOT for lost in _lost(node)]
    for process in processes:
        for node in stray:
            _refuse(process.element, f"{node.tag} outside a process", node.line)


def _check_process_ids(processes: Iterable[Process]) -> None:
    processes = list(processes)
    counts = Counter(process.element.id for process in processes)
    for element in (process.element for process in processes):
        if element.id and counts[element.id] > 1:
            element.problems.append(_duplicate(element))


def _add_collaboration(root: XmlNode, processes: Iterable[Process]) -> None:
    collaborations = [node for node in root.children if node.tag == "collaboration"]
    if not collaborations:
        return
    participants: dict[str, XmlNode] = {}
    for collaboration in collaborations:
        for node in collaboration.children:
            if node.tag == "participant":
                participants.setdefault(node.get("processRef"), node)
    for process in processes:
        process.collaboration_id = collaborations[0].get("id")
        participant = participants.get(process.element.id)
        if participant is not None:
            process.participant_id = participant.get("id")
            process.participant_name = participant.get("name")


class _ProcessReader:
    """Reads one process; its content in document order and without recursion."""

    def __init__(self, node: XmlNode, declarations: Declarations) -> None:
        element = _element(node, T.PROCESS, None)
        self.process = Process(element=element, causes=[], executable=node.get("isExecutable") in _TRUE)
        self.by_id = {element.id: element}
        self._flows = Flows()
        self._declarations = declarations
        self._attached: list[tuple[Element, str]] = []
        self._defaults: list[tuple[Element, XmlNode]] = []
        self._read(node)

    def finish(self, known: Mapping[str, Element]) -> None:
        """Joins what refers to each other and fills `causes`; `known` are the elements of the whole file by id."""
        self._flows.join(self.by_id)
        for element in (self.by_id[flow_id] for flow_id in self._flows.drawn_ids() if flow_id in self.by_id):
            element.problems.append(_duplicate(element))
        for element, ref in self._attached:
            element.attached_to = self.by_id.get(ref) or known.get(ref)
        for element, node in self._defaults:
            if len(element.outgoing_ids) > 1:
                _refuse(element, "default sequence flow of something that is no gateway", node.line)
        self.process.causes.extend(check(self.process))

    def _read(self, root: XmlNode) -> None:
        pending = [(child, self.process.element, 0) for child in reversed(root.children)]
        while pending:
            node, scope, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise invalid_xml(f"sub-processes are nested deeper than {MAX_DEPTH} levels (line {node.line})")
            if node.tag == "sequenceFlow":
                self._read_flow(node, scope)
            elif node.tag in HARMLESS or _is_part(node.tag):
                self._read_part(node, scope)
            else:
                element = self._add(node, scope)
                if element.type is T.SUB_PROCESS:
                    pending.extend((child, element, depth + 1) for child in reversed(node.children))

    def _read_flow(self, node: XmlNode, scope: Element) -> None:
        self._flows.draw(node, scope)
        for child in node.children:
            if child.tag != "conditionExpression" and child.tag not in HARMLESS:
                _refuse(scope, f"{child.tag} in a sequence flow", child.line)

    def _read_part(self, node: XmlNode, element: Element) -> None:
        """Reads a child that is no element of its own."""
        if node.tag in _ENDS and element.type is not T.PROCESS:
            self._flows.state(element, node)
        elif node.tag in HARMLESS:
            for lost in _lost(node):
                _refuse(element, f"{lost.tag} in {node.tag}", lost.line)
        else:
            _refuse(element, node.tag, node.line)

    def _add(self, node: XmlNode, scope: Element) -> Element:
        row = TAGS.get(node.tag)
        if row is None:
            element = _element(node, _STAND_INS.get(node.tag, T.TASK), scope)
            _refuse(element, node.tag, node.line)
        elif isinstance(row, ElementType):
            element = _element(node, row, scope)
        else:
            element = self._add_event(node, row, scope)
        scope.children.append(element)
        if element.id and self.by_id.setdefault(element.id, element) is not element:
            element.problems.append(_duplicate(element))
        if row is not None:
            self._read_attributes(node, element)
        if element.type is not T.SUB_PROCESS:
            self._read_parts(node, element)
        return element

    def _read_parts(self, node: XmlNode, element: Element) -> None:
        """Reads the children of anything but a sub-process; of a refused element only its flows matter."""
        row = TAGS.get(node.tag)
        for part in node.children:
            is_read = isinstance(row, Mapping) and _is_definition(part.tag)
            if part.tag in _ENDS or (row is not None and not is_read):
                self._read_part(part, element)

    def _add_event(self, node: XmlNode, types: Mapping[str, ElementType], scope: Element) -> Element:
        definitions = [child for child in node.children if _is_definition(child.tag)]
        if not definitions and "" not in types:
            raise invalid_xml(f"failed to determine type of {_MUST_BE_DEFINED[node.tag]} {node.get('id')}")
        definition = definitions[0] if len(definitions) == 1 else None
        element = _element(node, types.get(definition.tag if definition else "", types.get("", T.TASK)), scope)
        if len(definitions) > 1:
            _refuse(element, "several event definitions", definitions[1].line)
        elif definition is not None and definition.tag not in types:
            _refuse(element, f"{definition.tag} in {node.tag}", definition.line)
        elif definition is not None:
            element.terminate = definition.tag == "terminateEventDefinition"
            construct = self._declarations.define(element, definition)
            if construct:
                _refuse(element, construct, definition.line)
        return element

    def _read_attributes(self, node: XmlNode, element: Element) -> None:
        for construct in _refused_attributes(node):
            _refuse(element, construct, node.line)
        if node.get("default") and element.type in _WITH_DEFAULT:
            element.default_flow = node.get("default")
        elif node.get("default"):
            self._defaults.append((element, node))
        if node.tag == "callActivity":
            element.called_element = node.get("calledElement")
        elif node.tag == "boundaryEvent":
            self._attached.append((element, node.get("attachedToRef")))
            cancel = node.get("cancelActivity")
            element.interrupting = not cancel or cancel in _TRUE or element.type is T.ERROR_BOUNDARY_EVENT


def _element(node: XmlNode, element_type: ElementType, scope: Element | None) -> Element:
    if len(node.get("id")) > MAX_ID_LENGTH:
        raise invalid_xml(f"ID of {node.tag} is longer than {MAX_ID_LENGTH} characters (line {node.line})")
    return Element(id=node.get("id"), type=element_type, name=node.get("name"), line=node.line, parent=scope)


def _refuse(element: Element, construct: str, line: int) -> None:
    who = f"element {element.id}" if element.id else "element without ID"
    element.problems.append(Problem("element", f"{who} is not supported: {construct} (line {line})", element))
    element.refused = True


def _duplicate(element: Element) -> Problem:
    return Problem("element", f"ID {element.id} is used more than once (line {element.line})", element)


def _refused_attributes(node: XmlNode) -> Iterator[str]:
    """What the attributes of a flow node ask for and can't be executed."""
    for attribute in ("startQuantity", "completionQuantity"):
        if node.get(attribute) not in ("", "1"):
            yield f"{attribute} {node.get(attribute)}"
    if node.get("isForCompensation") in _TRUE:
        yield "compensation marker"
    if node.get("triggeredByEvent") in _TRUE:
        yield "event sub-process"
    if node.get("instantiate") in _TRUE:
        yield f"instantiating {node.tag}"
    if node.get("eventGatewayType") not in ("", "Exclusive"):
        yield f"{node.get('eventGatewayType')} event-based gateway"


def _is_definition(tag: str) -> bool:
    return tag.endswith("EventDefinition") or tag in ("eventDefinition", "eventDefinitionRef")


def _is_part(tag: str) -> bool:
    """True for what belongs to the element around it, rather than being an element itself."""
    return tag in _ENDS or _is_definition(tag) or tag.lower().endswith("loopcharacteristics")


def _lost(node: XmlNode) -> Iterator[XmlNode]:
    """Parts of a process in something that is skipped."""
    return (below for below in node.walk(opaque=OPAQUE) if below is not node and below.tag in _EXECUTED)
