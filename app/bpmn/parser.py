"""BPMN XML -> Model. Says what the file says; what can't be executed as drawn is noted, never dropped silently.

`TAGS` holds one row per supported flow node. Everything else in the namespace of BPMN is either known to have no
influence on the execution (`vocabulary`) or refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from app.bpmn.checks import check
from app.bpmn.declarations import Declarations
from app.bpmn.flows import Flows
from app.bpmn.model import MAX_ID_LENGTH, Element, ElementType, Problem, Process
from app.bpmn.reader import WHITE_SPACE, Document, Place, XmlNode, invalid_xml, read
from app.bpmn.references import References
from app.bpmn.vocabulary import HARMLESS, OPAQUE
from app.errors import invalid, invalid_model

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
"""Levels of sub-processes; with the longest id it bounds the size of pointers."""

_STAND_INS = {"adHocSubProcess": T.SUB_PROCESS, "transaction": T.SUB_PROCESS}
"""Types of refused elements whose content is read for more findings; all others are tasks."""

_EXECUTED = frozenset(TAGS) | frozenset(_STAND_INS) | {"complexGateway", "process", "receiveTask", "sequenceFlow"}
"""What must not get lost in something harmless."""

_DONE_BY_WORKERS = frozenset(
    {
        T.BUSINESS_RULE_TASK,
        T.MESSAGE_END_EVENT,
        T.MESSAGE_THROW_EVENT,
        T.SCRIPT_TASK,
        T.SEND_TASK,
        T.SERVICE_TASK,
    }
)
_DECIDING_GATEWAYS = frozenset({T.EXCLUSIVE_GATEWAY, T.INCLUSIVE_GATEWAY})
_MUST_BE_DEFINED = {"boundaryEvent": "boundary event", "intermediateCatchEvent": "intermediate catch event"}
_ENDS = ("incoming", "outgoing")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})
_MARKERS = {
    "isForCompensation": "compensation marker",
    "triggeredByEvent": "event sub-process",
    "instantiate": "instantiating {tag}",
    "cancelActivity": "",
}
"""Attributes that are true or false, and what can't be executed where they are true."""
_RESTRICTED = ("startQuantity", "completionQuantity", *_MARKERS, "eventGatewayType")
_SHOWN_IDS = 100
"""How many ids of processes a problem lists."""


def parse(xml: str, *, xml_timers: bool = True) -> Model:
    """The file; timers written in the XML count if `xml_timers`.

    Raises EngineError (PROCESS_MODEL) for text that can't be read as a BPMN file, and nothing else.
    """
    return Model(read(xml), xml_timers=xml_timers)


class Model:
    """A BPMN file. A process is read when it is asked for: what is wrong with one says nothing of the others."""

    def __init__(self, document: Document, *, xml_timers: bool) -> None:
        self._root = document.root
        self._prefixes = document.prefixes
        self._nodes = [node for node in document.root.children if node.tag == "process"]
        self._places: dict[str, list[Place]] = {}
        """Of the processes by id."""
        for node in self._nodes:
            self._places.setdefault(node.token("id"), []).append(node.place)
        known = list(document.root.walk(opaque=OPAQUE))
        self._references = References((node.token("id") for node in known), document.prefixes)
        self._declarations = Declarations(known, self._references, xml_timers=xml_timers)

    @property
    def process_ids(self) -> list[str]:
        """In document order; an id that is used twice is there twice."""
        return [node.token("id") for node in self._nodes]

    @property
    def processes(self) -> list[Process]:
        """All processes, in document order."""
        return [self._process(node) for node in self._nodes]

    @cached_property
    def _startable(self) -> Mapping[str, bool]:
        return {node.token("id"): _has_none_start(node) for node in self._nodes}

    @property
    def executable_ids(self) -> list[str]:
        """Of those processes that say so."""
        return [node.token("id") for node in self._nodes if node.token("isExecutable") in _TRUE]

    def find(self, bpmn_process_id: str) -> Process | None:
        """The first process whose id is, or is written, like that.

        Raises EngineError (PROCESS_MODEL) if it can't be read.
        """
        node = self._by_id.get(bpmn_process_id)
        return None if node is None else self._process(node)

    @cached_property
    def _by_id(self) -> Mapping[str, XmlNode]:
        """The first process of each id, and of each way to write it."""
        found: dict[str, XmlNode] = {}
        for node in self._nodes:
            found.setdefault(node.token("id"), node)
            found.setdefault(node.get("id"), node)
        return found

    def _process(self, node: XmlNode) -> Process:
        reader = _ProcessReader(node, self._declarations, self._references)
        process = reader.process
        for stray in self._outside:
            _refuse(process.element, f"{stray.tag} outside a process", stray.place)
        places = self._places[node.token("id")]
        if process.element.id and len(places) > 1:
            process.element.report(_duplicate(process.element, places[1]))
        self._add_collaboration(process, node.token("id"))
        process.prefixes = self._prefixes
        process.nameless = self._declarations.nameless
        process.startable = self._startable
        reader.finish()
        return process

    @cached_property
    def _outside(self) -> list[XmlNode]:
        """What is outside of all processes, but should be in one: it counts against each."""
        found: list[XmlNode] = []
        for node in self._root.children:
            if node.tag in HARMLESS or node.tag in _ENDS or _is_definition(node.tag):
                found += _lost(node)
            elif node.tag != "process":
                found.append(node)
        return found

    @cached_property
    def _collaborations(self) -> list[XmlNode]:
        return [node for node in self._root.children if node.tag == "collaboration"]

    @cached_property
    def _participants(self) -> Mapping[str, XmlNode]:
        """The first one of each process."""
        found: dict[str, XmlNode] = {}
        for node in (child for collaboration in self._collaborations for child in collaboration.children):
            if node.tag == "participant":
                found.setdefault(self._references.resolve(node.get("processRef")), node)
        return found

    def _add_collaboration(self, process: Process, process_id: str) -> None:
        if not self._collaborations:
            return
        process.collaboration_id = self._collaborations[0].token("id")
        process.collaboration_place = self._collaborations[0].place
        participant = self._participants.get(process_id)
        if participant is not None:
            process.participant_id = participant.token("id")
            process.participant_name = participant.get("name")
            process.participant_place = participant.place


def find_process(model: Model, bpmn_process_id: str) -> Process:
    """The process with that id; raises EngineError (PROCESS_MODEL) if the file has none, or it is unreadable."""
    process = model.find(bpmn_process_id)
    if process is None:
        ids = [process_id[:MAX_ID_LENGTH] for process_id in model.process_ids[:_SHOWN_IDS]]
        more = ", …" if len(model.process_ids) > _SHOWN_IDS else ""
        raise invalid_model(f"BPMN model has no process {bpmn_process_id}, but [{', '.join(ids)}{more}]")
    return process


def only_process(file: Model) -> Process:
    """The one that is meant where none is named. Raises EngineError, which names all that may be meant."""
    named = file.executable_ids or file.process_ids
    if not named:
        raise invalid_model("BPMN model has no process")
    if len(named) > 1:
        what = "several executable processes" if file.executable_ids else "no executable process, but several others"
        some = ", ".join(each[:MAX_ID_LENGTH] for each in named[:_SHOWN_IDS]) + ", …" * (len(named) > _SHOWN_IDS)
        raise invalid(f"bpmnProcessId is required, since the BPMN model has {what}: [{some}]")
    return find_process(file, named[0])


class _ProcessReader:
    """Reads one process; its content in document order and without recursion."""

    def __init__(self, node: XmlNode, declarations: Declarations, references: References) -> None:
        element = _element(node, T.PROCESS, None)
        executable = node.token("isExecutable") in _TRUE
        self.process = Process(element=element, check=check, executable=executable)
        self._by_id = {node.token("id"): element}
        self._references = references
        self._flows = Flows(references)
        self._declarations = declarations
        self._attached: list[tuple[Element, str]] = []
        self._defaults: list[tuple[Element, XmlNode]] = []
        self._other_ids: dict[str, list[XmlNode]] = {}
        """What is neither element nor flow."""
        self._read(node)

    def finish(self) -> None:
        """Joins what refers to each other."""
        by_id, process = self._by_id, self.process
        process.leftovers.extend(self._flows.join(by_id))
        for flow_id in self._flows.drawn_ids():
            if flow_id in by_id:
                by_id[flow_id].report(_duplicate(by_id[flow_id], by_id[flow_id].place))
        for element, ref in self._attached:
            host = element.attached_to = by_id.get(ref)
            if host is not None:
                host.attach(element)
        for element, node in self._defaults:
            if len(element.outgoing_ids) > 1:
                _refuse(element, "default sequence flow of something that is no gateway", node.place)
        taken = by_id.keys() | set(self._flows.drawn_ids())
        for other_id, nodes in self._other_ids.items():
            more = nodes if other_id in taken else nodes[1:]
            process.doubled_ids += [(other_id, node.place) for node in more]

    def _read(self, root: XmlNode) -> None:
        pending = [(child, self.process.element, 0) for child in reversed(root.children)]
        while pending:
            node, scope, depth = pending.pop()
            if depth > MAX_DEPTH:
                raise invalid_xml(
                    f"sub-processes are nested deeper than {MAX_DEPTH} levels (line {node.line})", node.place
                )
            if node.tag == "sequenceFlow":
                self._read_flow(node, scope)
            elif node.tag not in TAGS and (node.tag in HARMLESS or _is_part(node.tag)):
                self._read_part(node, scope)
            else:
                element = self._add(node, scope)
                if element.type is T.SUB_PROCESS:
                    pending.extend((child, element, depth + 1) for child in reversed(node.children))

    def _read_flow(self, node: XmlNode, scope: Element) -> None:
        self._flows.draw(node, scope)
        for child in node.children:
            if child.tag not in HARMLESS and child.tag != "conditionExpression" and child.tag not in _ENDS:
                _refuse(scope, f"{child.tag} in a sequence flow", child.place)
            elif child.children:
                for lost in _lost(child):
                    _refuse(scope, f"{lost.tag} in a sequence flow", lost.place)

    def _read_part(self, node: XmlNode, element: Element) -> None:
        """Reads a child that is no element of its own."""
        if node.tag in _ENDS:
            if element.type is not T.PROCESS:
                self._flows.state(element, node)
        elif node.tag in HARMLESS:
            self._note_ids(node)
        else:
            _refuse(element, node.tag, node.place)
            return
        for lost in _lost(node):
            _refuse(element, f"{lost.tag} in {node.tag}", lost.place)

    def _note_ids(self, node: XmlNode) -> None:
        for part in node.walk(opaque=OPAQUE):
            if part.attributes.get("id"):
                self._other_ids.setdefault(part.token("id"), []).append(part)

    def _add(self, node: XmlNode, scope: Element) -> Element:
        row = TAGS.get(node.tag)
        if row is None:
            element = _element(node, _STAND_INS.get(node.tag, T.TASK), scope)
            _refuse(element, node.tag, node.place)
        elif isinstance(row, ElementType):
            element = _element(node, row, scope)
        else:
            element = self._add_event(node, row, scope)
        scope.add_child(element)
        element_id = node.token("id")
        if element_id and self._by_id.setdefault(element_id, element) is not element:
            element.report(_duplicate(element, element.place))
        if row is not None:
            self._read_attributes(node, element)
        if element.type in _DONE_BY_WORKERS:
            element.task_type = _task_type(node)
        if node.children and element.type is not T.SUB_PROCESS:
            self._read_parts(node, element, row)
        return element

    def _read_parts(self, node: XmlNode, element: Element, row: ElementType | Mapping[str, ElementType] | None) -> None:
        """Reads the children of anything but a sub-process; of a refused element only its flows matter."""
        for part in node.children:
            is_read = isinstance(row, Mapping) and _is_definition(part.tag)
            if is_read:
                self._note_ids(part)
                for lost in _lost(part):
                    _refuse(element, f"{lost.tag} in {part.tag}", lost.place)
            elif row is not None or part.tag in _ENDS:
                self._read_part(part, element)

    def _add_event(self, node: XmlNode, types: Mapping[str, ElementType], scope: Element) -> Element:
        definitions = [child for child in node.children if _is_definition(child.tag)]
        if not definitions and "" not in types:
            what = f"{_MUST_BE_DEFINED[node.tag]} {node.token('id')[:MAX_ID_LENGTH]}"
            raise invalid_xml(f"failed to determine type of {what}", node.place)
        definition = definitions[0] if len(definitions) == 1 else None
        element = _element(node, types.get(definition.tag if definition else "", types.get("", T.TASK)), scope)
        if len(definitions) > 1:
            _refuse(element, "several event definitions", definitions[1].place)
        elif definition is not None and definition.tag not in types:
            _refuse(element, f"{definition.tag} in {node.tag}", definition.place)
        elif definition is not None:
            element.terminate = definition.tag == "terminateEventDefinition"
            construct = self._declarations.define(element, definition)
            if construct:
                _refuse(element, construct, definition.place)
        return element

    def _read_attributes(self, node: XmlNode, element: Element) -> None:
        if not node.attributes.keys().isdisjoint(_RESTRICTED):
            for construct in _refused_attributes(node):
                _refuse(element, construct, node.place)
        if "default" in node.attributes:
            element.default_flow = self._references.resolve(node.get("default"))
            if element.default_flow and element.type not in _DECIDING_GATEWAYS:
                self._defaults.append((element, node))
        if "gatewayDirection" in node.attributes:
            element.direction = node.token("gatewayDirection")
        if node.tag == "callActivity":
            element.called_element = node.token("calledElement")
        elif node.tag == "boundaryEvent":
            self._attached.append((element, self._references.resolve(node.get("attachedToRef"))))
            cancel = node.token("cancelActivity")
            element.says_interrupting = not cancel or cancel in _TRUE
            element.interrupting = element.says_interrupting or element.type is T.ERROR_BOUNDARY_EVENT


def _element(node: XmlNode, element_type: ElementType, scope: Element | None) -> Element:
    written = node.get("id")
    return Element(
        id=written.strip(WHITE_SPACE)[:MAX_ID_LENGTH],
        written_id=written,
        type=element_type,
        name=node.get("name"),
        line=node.line,
        column=node.column,
        parent=scope,
    )


def _task_type(node: XmlNode) -> str:
    """Of a flow node, or of its event definition."""
    stated = node.task_type or next((child.task_type for child in node.children if child.task_type), "")
    return stated[:MAX_ID_LENGTH]


def _refuse(element: Element, construct: str, place: Place) -> None:
    who = f"element {element.id}" if element.id else "element without ID"
    element.report(Problem("element", f"{who} is not supported: {construct} (line {place.line})", element, place))
    element.refused = True


def _duplicate(element: Element, place: Place) -> Problem:
    return Problem("element", f"ID {element.id} is used more than once (line {place.line})", element, place)


def _refused_attributes(node: XmlNode) -> Iterator[str]:
    """What the attributes of a flow node ask for and can't be executed."""
    for attribute in _RESTRICTED:
        value = node.token(attribute)
        if attribute in _MARKERS:
            if value in _TRUE and _MARKERS[attribute]:
                yield _MARKERS[attribute].format(tag=node.tag)
            elif value not in _TRUE and value not in _FALSE:
                yield f"{attribute} {value[:MAX_ID_LENGTH]}"
        elif attribute == "eventGatewayType":
            if value not in ("", "Exclusive"):
                yield f"{value[:MAX_ID_LENGTH]} event-based gateway"
        elif value not in ("", "1"):
            yield f"{attribute} {value[:MAX_ID_LENGTH]}"


def _has_none_start(process: XmlNode) -> bool:
    return any(
        node.tag == "startEvent" and not any(_is_definition(child.tag) for child in node.children)
        for node in process.children
    )


def _is_definition(tag: str) -> bool:
    return tag.endswith("EventDefinition") or tag in ("eventDefinition", "eventDefinitionRef")


def _is_part(tag: str) -> bool:
    """True for what belongs to the element around it, rather than being an element itself."""
    return tag in _ENDS or _is_definition(tag) or tag.lower().endswith("loopcharacteristics")


def _lost(node: XmlNode) -> Iterator[XmlNode]:
    """Parts of a process in something that is skipped."""
    if not node.children:
        return iter(())
    return (below for below in node.walk(opaque=OPAQUE) if below is not node and below.tag in _EXECUTED)
