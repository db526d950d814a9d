"""Reads a process of a file: its elements, what they say, and the flows between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.bpmn.attributes import TRUE, is_true, read_attributes
from app.bpmn.checks import check
from app.bpmn.data import Data
from app.bpmn.declarations import Declarations
from app.bpmn.expressions import read_expression
from app.bpmn.flows import Flows
from app.bpmn.foreign import Foreign
from app.bpmn.kinds import SCOPES, SUB_PROCESSES, ElementType
from app.bpmn.loops import LoopReader
from app.bpmn.model import MAX_ID_LENGTH, Element, Problem, Process
from app.bpmn.parts import part_of
from app.bpmn.problems import object_to, refuse
from app.bpmn.reader import WHITE_SPACE, Place, XmlNode, invalid_xml
from app.bpmn.references import References
from app.bpmn.tags import (
    CAUGHT_PARTS,
    GLOBAL_TASKS,
    HANDLER_STARTS,
    MULTIPLE,
    PARALLEL_MULTIPLE,
    TAGS,
    THROWN_PARTS,
    is_definition,
    is_marker,
)
from app.bpmn.undoing import Undoing
from app.bpmn.vocabulary import OPAQUE, is_skipped, is_standard

T = ElementType
Row = ElementType | Mapping[str, ElementType] | None

MAX_DEPTH = 50
"""Levels of sub-processes; with the longest id it bounds the size of pointers."""
ENDS = ("incoming", "outgoing")

_NODES = frozenset(TAGS) | {"process", "sequenceFlow"}
"""What must not get lost in something harmless."""
_CONNECTING = frozenset({"association", "dataInputAssociation", "dataOutputAssociation", "messageFlow"})
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
_MUST_BE_DEFINED = {"boundaryEvent": "boundary event", "intermediateCatchEvent": "intermediate catch event"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process may refer to in its file."""

    declarations: Declarations
    references: References
    data: Data
    foreign: Foreign
    global_tasks: Mapping[str, XmlNode]
    """By id."""
    moved: Collection[XmlNode]
    """Sequence flows that belong to another process than the one they are drawn in."""


class ProcessReader:
    """Reads one process; its content in document order and without recursion."""

    def __init__(self, node: XmlNode, file: Surroundings) -> None:
        element = _element(node, T.PROCESS, None)
        executable = node.token("isExecutable") in TRUE
        self.process = Process(element=element, check=check, executable=executable)
        self._by_id = {node.token("id"): element}
        self._file = file
        self._references = file.references
        self._declarations = file.declarations
        self._flows = Flows(file.references)
        self._undoing = Undoing(file.references)
        self._attached: list[tuple[Element, str]] = []
        self._markers: dict[Element, list[XmlNode]] = {}
        """Of loops and multi-instances."""
        self._other_ids: dict[str, list[XmlNode]] = {}
        """What is neither element nor flow."""
        self._associations: set[str] = set()
        """Ids of what connects elements, but is no sequence flow."""
        self._read(node)

    def adopt(self, node: XmlNode) -> None:
        """Draws a sequence flow between elements of the process that is outside of it."""
        source = self._by_id.get(self._references.resolve(node.get("sourceRef")))
        self._read_flow(node, source.parent if source is not None and source.parent else self.process.element)

    def associate(self, outside: Mapping[str, Sequence[XmlNode]]) -> None:
        """Notes the associations outside of the process, by the ids of their ends, that say what undoes an activity."""
        for event_id, element in self._by_id.items():
            if element.type is T.COMPENSATION_BOUNDARY_EVENT:
                for node in outside.get(event_id, ()):
                    self._associations.add(node.token("id"))
                    self._undoing.associate(node)

    def finish(self) -> None:
        """Joins what refers to each other."""
        by_id, process = self._by_id, self.process
        loops = LoopReader(self._file.data, self._declarations, evaluates=self._file.foreign.evaluates)
        for element, markers in self._markers.items():
            loops.read(element, markers)
        process.leftovers.extend(self._flows.join(by_id, self._associations))
        for flow_id in self._flows.drawn_ids():
            if flow_id in by_id:
                by_id[flow_id].report(duplicate(by_id[flow_id], by_id[flow_id].place))
        for element, ref in self._attached:
            host = element.attached_to = by_id.get(ref)
            if host is not None:
                host.attach(element)
        self._undoing.join(by_id)
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
                if node not in self._file.moved:
                    self._read_flow(node, scope)
            elif node.tag not in TAGS and (is_skipped(node.tag) or _is_part(node.tag)):
                self._read_part(node, scope)
            else:
                element = self._add(node, scope)
                if element.type in SCOPES:
                    pending.extend((child, element, depth + 1) for child in reversed(node.children))

    def _read_flow(self, node: XmlNode, scope: Element) -> None:
        self._flows.draw(node, scope)
        for child in node.children:
            if child.tag != "conditionExpression" and child.tag not in ENDS:
                if not is_skipped(child.tag):
                    refuse(scope, f"{child.tag} in a sequence flow", child.place)
                    continue
                self._note_unknown(child)
            if child.children:
                for lost in lost_in(child):
                    refuse(scope, f"{lost.tag} in a sequence flow", lost.place)

    def _read_part(self, node: XmlNode, element: Element) -> None:
        """Reads a child that is no element of its own."""
        if node.tag in ENDS:
            if element.type is not T.PROCESS:
                self._flows.state(element, node)
        elif is_skipped(node.tag):
            self._note_unknown(node)
            self._note_ids(node)
            if node.tag == "association":
                self._undoing.associate(node)
            elif node.tag == "completionCondition" and element.type is T.AD_HOC_SUB_PROCESS:
                element.condition = read_expression(element, node)
        elif node.tag == "activationCondition" and element.type is T.COMPLEX_GATEWAY:
            element.condition = read_expression(element, node)
        elif is_marker(node.tag):
            self._note_ids(node)
            self._markers.setdefault(element, []).append(node)
        else:
            refuse(element, node.tag, node.place)
            return
        for lost in lost_in(node):
            refuse(element, f"{lost.tag} in {node.tag}", lost.place)

    def _note_unknown(self, node: XmlNode) -> None:
        if not is_standard(node.tag):
            self.process.unknown.append((node.tag[:MAX_ID_LENGTH], node.place))

    def _note_ids(self, node: XmlNode) -> None:
        for part in node.walk(opaque=OPAQUE):
            if part.attributes.get("id"):
                self._other_ids.setdefault(part.token("id"), []).append(part)
                if part.tag in _CONNECTING:
                    self._associations.add(part.token("id"))

    def _add(self, node: XmlNode, scope: Element) -> Element:
        row: Row = TAGS.get(node.tag)
        if row is None:
            element = _element(node, _stand_in(node.tag), scope)
            refuse(element, node.tag, node.place)
        elif not isinstance(row, ElementType):
            element = self._add_event(node, row, scope)
        elif row is T.SUB_PROCESS and node.attributes and node.token("triggeredByEvent") in TRUE:
            element = _element(node, T.EVENT_SUB_PROCESS, scope)
        else:
            element = _element(node, row, scope)
        scope.add_child(element)
        element_id = node.token("id")
        if element_id and self._by_id.setdefault(element_id, element) is not element:
            element.report(duplicate(element, element.place))
        if row is not None:
            self._read_attributes(node, element)
        if element.type in _DONE_BY_WORKERS:
            element.task_type = _task_type(node)
        if node.children and element.type not in SCOPES:
            self._read_parts(node, element, row)
        return element

    def _read_parts(self, node: XmlNode, element: Element, row: Row) -> None:
        """Reads the children of anything but a sub-process; of a refused element only its flows matter."""
        for part in node.children:
            is_read = isinstance(row, Mapping) and is_definition(part.tag)
            if is_read:
                self._note_ids(part)
                for lost in lost_in(part):
                    refuse(element, f"{lost.tag} in {part.tag}", lost.place)
            elif row is not None or part.tag in ENDS:
                self._read_part(part, element)

    def _add_event(self, node: XmlNode, types: Mapping[str, ElementType], scope: Element) -> Element:
        definitions = [child for child in node.children if is_definition(child.tag)]
        if not definitions and "" not in types:
            what = f"{_MUST_BE_DEFINED[node.tag]} {node.token('id')[:MAX_ID_LENGTH]}"
            raise invalid_xml(f"failed to determine type of {what}", node.place)
        if node.tag == "startEvent" and scope.type is T.EVENT_SUB_PROCESS:
            types = HANDLER_STARTS
        if len(definitions) == 1:
            return self._add_defined(node, types, scope, definitions[0])
        if definitions:
            return self._add_multiple(node, types, scope, definitions)
        return _element(node, types[""], scope)

    def _add_multiple(
        self, node: XmlNode, types: Mapping[str, ElementType], scope: Element, definitions: Sequence[XmlNode]
    ) -> Element:
        """Adds an event with several definitions, each of which is read as if it was the only one."""
        element = _element(node, MULTIPLE[node.tag], scope)
        if node.tag in PARALLEL_MULTIPLE and is_true(element, node, "parallelMultiple"):
            element.type = PARALLEL_MULTIPLE[node.tag]
            element.parallel_multiple = True
        allowed = CAUGHT_PARTS if node.tag in PARALLEL_MULTIPLE else THROWN_PARTS
        fitting = {tag: type for tag, type in types.items() if tag in allowed}
        element.parts = [
            part_of(element, self._add_defined(node, fitting, scope, definition)) for definition in definitions
        ]
        return element

    def _add_defined(
        self, node: XmlNode, types: Mapping[str, ElementType], scope: Element, written: XmlNode
    ) -> Element:
        """Adds an event with the definition that is written there, or that is referred to."""
        definition: XmlNode | str = written
        if written.tag == "eventDefinitionRef":
            definition = self._declarations.shared(written.text)
        if isinstance(definition, str):
            element = _element(node, types.get("", T.TASK), scope)
            object_to(element, f"{definition}, but element {element.id} refers to it", written.place)
            element.refused = True
            return element
        type = types.get(definition.tag)
        element = _element(node, type or types.get("", T.TASK), scope)
        if type is None:
            refuse(element, f"{definition.tag} in {node.tag}", written.place)
            return element
        element.terminate = definition.tag == "terminateEventDefinition"
        construct = self._declarations.define(element, definition)
        if construct:
            refuse(element, construct, written.place)
        if definition.tag == "messageEventDefinition":
            self._read_message(element, definition, node)
        elif definition.tag == "compensateEventDefinition":
            self._undoing.define(element, definition)
        elif definition.foreign:
            self._file.foreign.read_variables(element, definition)
        return element

    def _read_attributes(self, node: XmlNode, element: Element) -> None:
        read_attributes(element, node)
        if "default" in node.attributes:
            element.default_flow = self._references.resolve(node.get("default"))
        if "gatewayDirection" in node.attributes:
            element.direction = node.token("gatewayDirection")
        if node.tag == "callActivity":
            element.called_element = node.token("calledElement")
            self._file.foreign.read_call(element, node)
            self._find_global_task(element)
        elif node.tag == "receiveTask":
            self._declarations.define_task(element, node)
            self._read_message(element, node, node)
        elif node.tag == "sendTask":
            self._read_message(element, node, node)
        elif node.tag == "boundaryEvent":
            self._attached.append((element, self._references.resolve(node.get("attachedToRef"))))

    def _read_message(self, element: Element, node: XmlNode, owner: XmlNode) -> None:
        """Reads what counts beyond BPMN of the message that a node refers to, which is in the element `owner`."""
        if self._file.foreign.evaluates:
            self._file.foreign.read_message(element, node, self._declarations.message(node.get("messageRef")), owner)

    def _find_global_task(self, element: Element) -> None:
        """Notes which task of the file a call activity calls, by its id or by what stands behind the last colon."""
        tasks, called = self._file.global_tasks, element.called_element
        node = tasks.get(called) or tasks.get(called.rpartition(":")[2])
        if node is not None:
            element.global_task = GLOBAL_TASKS[node.tag]
            element.task_type = _task_type(node)


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


def duplicate(element: Element, place: Place) -> Problem:
    return Problem("element", f"ID {element.id} is used more than once (line {place.line})", element, place)


def _stand_in(tag: str) -> ElementType:
    """The type of a refused element: the content of a sub-process is read for more findings."""
    type = TAGS.get(tag)
    return type if isinstance(type, ElementType) and type in SUB_PROCESSES else T.TASK


def _is_part(tag: str) -> bool:
    """True for what belongs to the element around it, rather than being an element itself."""
    return tag in ENDS or is_definition(tag) or is_marker(tag)


def lost_in(node: XmlNode) -> Iterator[XmlNode]:
    """Parts of a process in something that is skipped."""
    if not node.children:
        return iter(())
    return (below for below in node.walk(opaque=OPAQUE) if below is not node and below.tag in _NODES)
