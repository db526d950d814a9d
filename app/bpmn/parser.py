"""BPMN XML -> Model. Says what the file says; what can't be executed as drawn is noted, never dropped silently.

`TAGS` holds one row per supported flow node. Everything else in the namespace of BPMN is either known to have no
influence on the execution (`vocabulary`) or refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import islice

from app.bpmn.attributes import TRUE
from app.bpmn.data import Data
from app.bpmn.declarations import Declarations
from app.bpmn.foreign import Foreign
from app.bpmn.model import MAX_ID_LENGTH, Process
from app.bpmn.problems import refuse
from app.bpmn.process_reader import ENDS, ProcessReader, Surroundings, duplicate, lost_in
from app.bpmn.reader import Document, Place, XmlNode, read
from app.bpmn.references import References
from app.bpmn.strays import Strays
from app.bpmn.tags import GLOBAL_TASKS, TAGS, is_definition
from app.bpmn.vocabulary import HARMLESS, OPAQUE, is_skipped, is_standard
from app.errors import invalid, invalid_model

_MOST_UNKNOWN = 100
"""How many unknown elements, or extensions, beside the processes are told of."""
_SHOWN_IDS = 100
"""How many ids of processes a problem lists."""


def parse(xml: str, *, xml_timers: bool = True, evaluates: bool = False) -> Model:
    """The file; timers written in the XML count if `xml_timers`, and some names of other tools if the engine evaluates.

    Raises EngineError (PROCESS_MODEL) for text that can't be read as a BPMN file, and nothing else.
    """
    return Model(read(xml), xml_timers=xml_timers, evaluates=evaluates)


class Model:
    """A BPMN file. A process is read when it is asked for: what is wrong with one says nothing of the others."""

    def __init__(self, document: Document, *, xml_timers: bool, evaluates: bool) -> None:
        self._root = document.root
        self._evaluates = evaluates
        self._prefixes = document.prefixes
        self._strangers = document.strangers
        self._nodes = [node for node in document.root.children if node.tag == "process"]
        self._places: dict[str, list[Place]] = {}
        """Of the processes by id."""
        for node in self._nodes:
            self._places.setdefault(node.token("id"), []).append(node.place)
        known = list(document.root.walk(opaque=OPAQUE))
        self._references = References((node.token("id") for node in known), document.prefixes)
        shared = [node for node in document.root.children if is_definition(node.tag)]
        self._declarations = Declarations(known, shared, self._references, xml_timers=xml_timers)
        self._strays = Strays(self._nodes, self._references)
        global_tasks = {node.token("id"): node for node in document.root.children if node.tag in GLOBAL_TASKS}
        data = Data(document.root, self._references)
        self._surroundings = Surroundings(
            self._declarations,
            self._references,
            data,
            Foreign(data, evaluates=evaluates),
            {id: node for id, node in global_tasks.items() if id not in self._places},
            self._strays.moved,
        )

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
        return {node.token("id"): _is_startable(node) for node in self._nodes}

    @property
    def executable_ids(self) -> list[str]:
        """Of those processes that say so."""
        return [node.token("id") for node in self._nodes if node.token("isExecutable") in TRUE]

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
        reader = ProcessReader(node, self._surroundings)
        process = reader.process
        for stray in self._outside:
            refuse(process.element, f"{stray.tag} outside a process", stray.place)
        places = self._places[node.token("id")]
        if process.element.id and len(places) > 1:
            process.element.report(duplicate(process.element, places[1]))
        self._add_collaboration(process, node.token("id"))
        for flow in self._strays.flows.get(node, ()):
            reader.adopt(flow)
        if self._associations:
            reader.associate(self._associations)
        process.extensions = self._extensions
        process.prefixes = self._prefixes
        process.nameless = self._declarations.nameless
        process.startable = self._startable
        process.evaluates = self._evaluates
        process.expression_language = self._root.token("expressionLanguage")
        process.unknown = [*self._unknown, *process.unknown]
        reader.finish()
        return process

    @cached_property
    def _unknown(self) -> list[tuple[str, Place]]:
        """What is skipped beside the processes, though it is none of BPMN's elements, or lacks its namespace."""
        beside = (node for node in self._root.children if node.tag != "process" and is_skipped(node.tag))
        unknown = ((node.tag[:MAX_ID_LENGTH], node.place) for node in beside if not is_standard(node.tag))
        lost = ((f"{tag} of another namespace", place) for tag, place in self._strangers)
        return [*islice(unknown, _MOST_UNKNOWN), *lost]

    @cached_property
    def _extensions(self) -> list[tuple[str, Place]]:
        extensions = (node for node in self._root.children if node.tag == "extension")
        binding = (node for node in extensions if node.token("mustUnderstand") in TRUE)
        return [(node.token("definition")[:MAX_ID_LENGTH], node.place) for node in islice(binding, _MOST_UNKNOWN)]

    @cached_property
    def _outside(self) -> list[XmlNode]:
        """What is outside of all processes, but should be in one: it counts against each."""
        found: list[XmlNode] = []
        for node in self._root.children:
            if node.tag in HARMLESS or node.tag in ENDS or is_definition(node.tag):
                found += lost_in(node)
            elif node.tag == "process":
                continue
            elif is_skipped(node.tag):
                found += lost_in(node)
            else:
                found.append(node)
        return found

    @cached_property
    def _collaborations(self) -> list[XmlNode]:
        return [node for node in self._root.children if node.tag == "collaboration"]

    @cached_property
    def _associations(self) -> Mapping[str, list[XmlNode]]:
        """Those beside the processes, or in another one, by the ids of both ends."""
        found: dict[str, list[XmlNode]] = {}
        artifacts = (child for collaboration in self._collaborations for child in collaboration.children)
        for node in (*self._root.children, *artifacts, *self._strays.associations):
            if node.tag == "association":
                for end in {self._references.resolve(node.get(end)) for end in ("sourceRef", "targetRef")}:
                    found.setdefault(end, []).append(node)
        return found

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


def _is_startable(process: XmlNode) -> bool:
    """Whether a process has a none start event, or else no start event at all (BPMN 2.0.2, 13.2 and 13.3.4)."""
    starts = [node for node in process.children if node.tag == "startEvent"]
    if starts:
        return any(not any(is_definition(child.tag) for child in node.children) for node in starts)
    nodes = [node for node in process.children if node.tag in TAGS]
    return bool(nodes) and not any(node.token("instantiate") in TRUE for node in nodes)
