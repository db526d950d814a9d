"""XML text -> what a file says beyond that which is executed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from defusedxml.ElementTree import DefusedXMLParser

from app.bpmn.assignment import Assignment, literal_tags
from app.bpmn.model import MAX_ID_LENGTH
from app.bpmn.reader import OWN, WHITE_SPACE, Place, unqualified
from app.bpmn.substitution import concrete
from app.bpmn.tags import TAGS
from app.bpmn.vocabulary import HARMLESS

ENGINES = {
    "http://activiti.org/bpmn": "activiti",
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://camunda.org/schema/zeebe/1.0": "zeebe",
    "http://flowable.org/bpmn": "flowable",
}
"""The namespaces of extensions whose meaning is known, with their usual prefixes."""
_STANDARD = frozenset(
    {
        *("dataInputAssociation", "dataOutputAssociation", "humanPerformer", "performer", "potentialOwner"),
        *("resourceRole", "script"),
    }
)
"""What is noted of BPMN itself."""
_UNCOUNTED = frozenset(
    {
        *("collaboration", "documentation", "error", "escalation", "extensionElements", "flowNodeRef", "laneSet"),
        *("message", "participant", "script", "signal", "text"),
    }
)
"""Harmless elements that are read, or belong to one that is counted."""
_USED = frozenset(
    {("zeebe", "taskDefinition"), *((engine, name) for engine in ENGINES.values() for name in ("topic", "type"))}
)
"""Extensions that are handed to workers."""
_ASSIGNMENT = {"assignee": "assignee", "candidateGroups": "groups", "candidateUsers": "users"}
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Extension:
    element_id: str
    """The element it belongs to, or the nearest one around it."""
    prefix: str
    """Empty for BPMN itself."""
    name: str
    place: Place
    is_attribute: bool
    is_standard: bool = False
    has_retries: bool = False

    @property
    def shown(self) -> str:
        shown = f"{self.prefix}:{self.name}" if self.prefix else self.name
        return f"retries of {shown}" if self.has_retries else shown


@dataclass(slots=True, eq=False)
class Noted:
    """What is noted of a process."""

    extensions: list[Extension] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class File:
    engine: str = ""
    """Prefix of the engine that the file was made for, as far as its namespaces tell."""
    processes: dict[str, Noted] = field(default_factory=dict)
    """Those of which something is noted, by id."""
    keys: dict[str, Place] = field(default_factory=dict)
    """Names of messages that say something about their correlation keys, with the place."""
    counts: Counter[str] = field(default_factory=Counter)
    """How often each construct occurs, in the whole file, that has no influence on the execution."""
    first_places: dict[str, Place] = field(default_factory=dict)
    """Where it is first."""

    def of(self, bpmn_process_id: str) -> Noted:
        """What is noted of that process."""
        return self.processes.get(bpmn_process_id) or Noted()


def read_extensions(xml: str) -> File:
    """What the well-formed XML says of its processes beyond that which is executed."""
    collector = _Collector()
    collector.feed(xml.removeprefix("\ufeff"))
    return collector.file


def user_task_tags(xml: str, bpmn_process_id: str) -> dict[str, dict[str, str]]:
    """The tags of the user tasks that the process assigns to somebody, by BPMN element id."""
    if not any(word in xml for word in _ASSIGNMENT):
        return {}
    found = read_extensions(xml).of(bpmn_process_id).assignments
    return {assignment.element_id: tags for assignment in found if (tags := literal_tags(assignment).tags)}


class _Collector:
    def __init__(self) -> None:
        self.file = File()
        self._prefixes: dict[str, str] = {}
        """By namespace."""
        self._namespace: str | None = None
        """Of the root."""
        self._open: list[tuple[bool, str]] = []
        """Of the elements around, whether they are BPMN, and their local names."""
        self._message = ""
        """Name of the last declared message."""
        self._owners: list[tuple[int, str]] = []
        """Depths and ids of the process and the flow nodes around."""
        parser = DefusedXMLParser(target=self, forbid_dtd=True)
        self._parser = parser
        self._expat: Any = parser.parser
        self._expat.StartNamespaceDeclHandler = self._declare

    def feed(self, xml: str) -> None:
        self._parser.feed(xml)
        self._parser.close()
        # They refer to each other.
        self._expat.StartNamespaceDeclHandler = None

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        if uri:
            self._prefixes.setdefault(uri, prefix or "")
            if not self.file.engine:
                self.file.engine = ENGINES.get(uri, "")

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        namespace, _, local = name.rpartition("}")
        namespace = namespace[1:]
        if self._namespace is None:
            self._namespace = namespace
        is_ours = namespace == self._namespace
        if is_ours:
            local = concrete(local, attributes)
        if is_ours and not self._is_foreign():
            self._enter(local, unqualified(attributes, f"{{{namespace}}}") if namespace else attributes)
        elif self._open and self._open[-1] == (True, "extensionElements"):
            self._extend(namespace, local, attributes)
        self._open.append((is_ours, local))

    def _is_foreign(self) -> bool:
        return bool(self._open) and not self._open[-1][0]

    def _enter(self, local: str, attributes: dict[str, Any]) -> None:
        if local == "process" or local in TAGS:
            self._owners.append((len(self._open), str(attributes.get("id", "")).strip(WHITE_SPACE)[:MAX_ID_LENGTH]))
        if local == "message":
            self._message = str(attributes.get("name", ""))
        if local in HARMLESS and local not in _UNCOUNTED:
            self._count(local)
        if local in _STANDARD:
            self._note("", local, is_standard=True)
        assignment: dict[str, str] = {}
        prefix = ""
        for key, value in attributes.items():
            if "}" in key:
                namespace, _, name = key[1:].partition("}")
                if namespace == _SCHEMA_INSTANCE:
                    continue
                engine = ENGINES.get(namespace, "")
                if engine and name in _ASSIGNMENT and local == "userTask":
                    assignment[_ASSIGNMENT[name]] = str(value)
                    prefix = engine
                elif self._owners and namespace != OWN and (engine, name) not in _USED:
                    self._count(self._shown(namespace, name))
                    if engine:
                        self._note(engine, name, is_attribute=True)
        if assignment:
            self._assign(prefix, assignment)

    def _extend(self, namespace: str, local: str, attributes: dict[str, Any]) -> None:
        engine = ENGINES.get(namespace, "")
        if engine and local == "assignmentDefinition":
            self._assign(engine, {_ASSIGNMENT[key]: str(attributes[key]) for key in _ASSIGNMENT if attributes.get(key)})
            return
        if (engine, local) not in _USED:
            self._count(self._shown(namespace, local))
        if engine and local == "subscription" and not self._owners:
            self.file.keys.setdefault(self._message, self._place())
        elif engine:
            self._note(engine, local, has_retries=local == "taskDefinition" and "retries" in attributes)

    def _assign(self, prefix: str, found: dict[str, str]) -> None:
        if found and self._owners:
            self._noted().assignments.append(Assignment(self._owners[-1][1], prefix, self._place(), **found))

    def _place(self) -> Place:
        return Place(self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 1)

    def _noted(self) -> Noted:
        """Of the process around."""
        return self.file.processes.setdefault(self._owners[0][1], Noted())

    def _note(
        self,
        prefix: str,
        name: str,
        *,
        is_attribute: bool = False,
        is_standard: bool = False,
        has_retries: bool = False,
    ) -> None:
        if self._owners:
            element_id = self._owners[-1][1]
            found = Extension(element_id, prefix, name, self._place(), is_attribute, is_standard, has_retries)
            self._noted().extensions.append(found)

    def _shown(self, namespace: str, name: str) -> str:
        prefix = ENGINES.get(namespace) or self._prefixes.get(namespace, "")
        return f"{prefix}:{name}" if prefix else name

    def _count(self, construct: str) -> None:
        construct = construct[:MAX_ID_LENGTH]
        self.file.counts[construct] += 1
        self.file.first_places.setdefault(construct, self._place())

    def end(self, _name: str) -> None:
        self._open.pop()
        if self._owners and self._owners[-1][0] == len(self._open):
            self._owners.pop()

    def data(self, _text: str) -> None:
        """Texts are not looked at."""

    def close(self) -> None:
        """Part of the parser's protocol."""
