"""Everything that is to be said of a file while it is written: why it would be refused, what is odd, what has no
effect, and what is a matter of taste. Each finding has a place in the file.

A deployment tells the first two only. The rules that are registered here are never in its way, and not in its answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from app.bpmn.advice import GATEWAYS, advise
from app.bpmn.checks import BOUNDARY_EVENTS, bounded
from app.bpmn.definitions import duplicate_start_names, resolve
from app.bpmn.drawn import draws
from app.bpmn.extensions import read_extensions
from app.bpmn.ignored import KINDS, ignored
from app.bpmn.model import MAX_ID_LENGTH, Element, ElementType, Process
from app.bpmn.parser import find_process, only_process, parse
from app.bpmn.reader import Place, XmlNode, read
from app.bpmn.references import References
from app.bpmn.text import DecodingError, decode
from app.bpmn.vocabulary import DECLARATIONS, OPAQUE
from app.errors import Cause, EngineError

T = ElementType

IGNORED = "ignored"
"""The rule of what has no influence on the execution, and never had any."""
_MOST_IGNORED = 100
"""Constructs without influence that are told."""
_WITH_LINE = re.compile(r" \(line \d+(, column \d+)?\)$")
_NO_LETTER = re.compile(r"[\W_]+")


class FindingLevel(StrEnum):
    ERROR = "ERROR"
    """The file can't be deployed."""
    WARNING = "WARNING"
    NOTE = "NOTE"
    """Nothing that must be changed."""


NOTE = FindingLevel.NOTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    level: FindingLevel
    rule: str
    detail: str
    pointer: str
    line: int
    """0 where it is about the file as a whole; the column is from 1."""
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class Declared:
    """A message, signal, error or escalation (`tag`) of a file, and the events that refer to it."""

    tag: str
    id: str
    name: str
    place: Place
    uses: Counter[str]
    """How often it is thrown, caught, or referred to otherwise."""


class File:
    """A process, and the file around it."""

    def __init__(self, xml: str, process: Process) -> None:
        self.process = process
        self._xml = xml

    @cached_property
    def is_drawn(self) -> bool:
        return draws(self._xml, self.process)

    @cached_property
    def declared(self) -> Sequence[Declared]:
        """In document order."""
        document = read(self._xml)
        nodes = list(document.root.walk(opaque=OPAQUE))
        references = References((node.token("id") for node in nodes), document.prefixes)
        uses: dict[tuple[str, str], Counter[str]] = {}
        for node in nodes:
            for tag, reference, role in _references(node):
                uses.setdefault((tag, references.resolve(reference)), Counter())[role] += 1
        return [
            Declared(
                node.tag,
                node.token("id")[:MAX_ID_LENGTH],
                node.get("name"),
                node.place,
                uses.get((node.tag, node.token("id")), Counter()),
            )
            for node in nodes
            if node.tag in DECLARATIONS
        ]


_ROLES = {
    **dict.fromkeys(("endEvent", "intermediateThrowEvent", "sendTask"), "thrown"),
    **dict.fromkeys(("boundaryEvent", "intermediateCatchEvent", "receiveTask", "startEvent"), "caught"),
}
"""What an element does with the declaration that it, or its event definition, refers to."""
_CHILDREN = {"errorRef": "error", "inMessageRef": "message", "outMessageRef": "message"}
"""Elements whose text is a reference."""


def _references(node: XmlNode) -> Iterator[tuple[str, str, str]]:
    """Kind, reference and role of the declarations that a node, or one of its children, refers to."""
    role = _ROLES.get(node.tag, "")
    for part in (node, *node.children):
        own = part is node
        for tag in DECLARATIONS:
            reference = part.get(f"{tag}Ref")
            if reference and (own or part.tag.endswith("EventDefinition")):
                yield tag, reference, role
        if not own and part.tag in _CHILDREN:
            yield _CHILDREN[part.tag], part.text, role


Remark = tuple[str, str, Place]
"""Pointer, sentence, and where it is in the file."""
Find = Callable[[File], Iterable[Remark]]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    level: FindingLevel
    find: Find

    @property
    def about(self) -> str:
        """What the rule looks for, in one sentence."""
        return (self.find.__doc__ or "").partition("\n")[0]


RULES: dict[str, Rule] = {}
"""By name: what is a matter of taste, or a guess."""


def _rule(name: str, level: FindingLevel = FindingLevel.WARNING) -> Callable[[Find], Find]:
    def register(find: Find) -> Find:
        RULES[name] = Rule(name, level, find)
        return find

    return register


_NAMED = frozenset(
    {
        *(T.BUSINESS_RULE_TASK, T.CALL_ACTIVITY, T.MANUAL_TASK, T.SCRIPT_TASK, T.SEND_TASK, T.SERVICE_TASK),
        *(T.SUB_PROCESS, T.TASK, T.USER_TASK),
        *BOUNDARY_EVENTS,
        *(T.MESSAGE_CATCH_EVENT, T.MESSAGE_END_EVENT, T.MESSAGE_START_EVENT, T.MESSAGE_THROW_EVENT),
        *(T.SIGNAL_CATCH_EVENT, T.SIGNAL_END_EVENT, T.SIGNAL_START_EVENT, T.SIGNAL_THROW_EVENT),
        *(T.ERROR_END_EVENT, T.ESCALATION_END_EVENT, T.ESCALATION_THROW_EVENT),
        *(T.TIMER_CATCH_EVENT, T.TIMER_START_EVENT),
    }
)
"""Types that tell a reader nothing without a name; a gateway that decides is one more."""
_DECIDING_GATEWAYS = frozenset({T.EXCLUSIVE_GATEWAY, T.INCLUSIVE_GATEWAY})


def _at(element: Element, sentence: str) -> Remark:
    return element.pointer, sentence, element.place


@_rule("no-name")
def _no_name(file: File) -> Iterator[Remark]:
    """A task, an event with a definition, or a gateway that decides has no name."""
    for element in file.process.elements():
        decides = element.type in _DECIDING_GATEWAYS and len(element.outgoing) > 1
        if not element.name.strip() and (element.type in _NAMED or decides):
            yield _at(element, f"element {element.id} has no name")


@_rule("forks-and-joins", NOTE)
def _forks_and_joins(file: File) -> Iterator[Remark]:
    """A gateway joins and forks, and does not say that it is Mixed."""
    for element in file.process.of_types(GATEWAYS):
        if len(element.incoming) > 1 and len(element.outgoing) > 1 and element.direction != "Mixed":
            what = f"gateway {element.id} joins and forks"
            yield _at(element, f'{what}: draw two gateways, or give it the gatewayDirection "Mixed"')


@_rule("no-default", NOTE)
def _no_default(file: File) -> Iterator[Remark]:
    """A gateway that decides has no default flow: its worker must decide each time."""
    for element in file.process.of_types(_DECIDING_GATEWAYS):
        if len(element.outgoing) > 1 and not element.default_flow:
            count = len(element.outgoing)
            yield _at(element, f"{element.id} has {count} outgoing flows and no default: its worker must decide")


@_rule("unused-declaration")
def _unused_declaration(file: File) -> Iterator[Remark]:
    """A message, signal, error or escalation is declared, and nothing refers to it."""
    for declared in file.declared:
        # Without a name, messages and signals have a rule of their own.
        if not declared.uses and (declared.name or declared.tag in ("error", "escalation")):
            sentence = f"{declared.tag} {declared.id} is declared, but nothing refers to it"
            yield file.process.element.pointer, sentence, declared.place


@_rule("alike-names")
def _alike_names(file: File) -> Iterator[Remark]:
    """Names of two messages or signals differ in case, spaces or punctuation only."""
    seen: dict[tuple[str, str], Declared] = {}
    for declared in file.declared:
        plain = _NO_LETTER.sub("", declared.name).casefold()
        if plain and declared.tag in ("message", "signal"):
            other = seen.setdefault((declared.tag, plain), declared)
            if other.name != declared.name:
                sentence = f"{declared.tag} name {declared.name!r} looks like {other.name!r}, and is another one"
                yield file.process.element.pointer, sentence, declared.place


@_rule("used-once", NOTE)
def _used_once(file: File) -> Iterator[Remark]:
    """The name of a message or signal is thrown and not caught in the file, or that of a signal only caught."""
    for tag in ("message", "signal"):
        by_name: dict[str, list[Declared]] = {}
        for declared in file.declared:
            if declared.tag == tag and declared.name:
                by_name.setdefault(declared.name, []).append(declared)
        for name, all_declared in by_name.items():
            thrown = any(declared.uses["thrown"] for declared in all_declared)
            caught = any(declared.uses["caught"] for declared in all_declared)
            if thrown and not caught:
                sentence = f"{tag} {name} is thrown, but nothing in this file catches it"
            elif caught and not thrown and tag == "signal":
                sentence = f"{tag} {name} is caught, but nothing in this file throws it"
            else:
                continue
            yield file.process.element.pointer, sentence, all_declared[0].place


@_rule("no-diagram", NOTE)
def _no_diagram(file: File) -> Iterator[Remark]:
    """The file does not draw each element and flow of the process."""
    if not file.is_drawn:
        process = file.process.element
        sentence = f"the file has no complete diagram of process {process.id}: one with computed positions is shown"
        yield _at(process, sentence)


def findings(xml: str, process: Process | None, errors: Iterable[Cause], warnings: Iterable[Cause]) -> list[Finding]:
    """All findings in the order of the file, given what a deployment says.

    Without a process, and of one that can't be deployed, only the errors are told.
    """
    found = [_finding(FindingLevel.ERROR, cause) for cause in errors]
    if not found and process is not None:
        found += [
            _finding(FindingLevel.NOTE if cause.type in KINDS else FindingLevel.WARNING, cause) for cause in warnings
        ]
        found += _linted(File(xml, process))
        found += _without_influence(xml, process, [each.detail for each in found if each.rule in KINDS])
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def check(raw: bytes, bpmn_process_id: str = "") -> dict[str, Any]:
    """What the service answers to `POST /processes/check`, as far as it is about the file alone.

    That is whether it could be deployed, and the findings. Without an id the only executable process is meant.
    """
    process: Process | None = None
    xml = ""
    warnings: list[Cause] = []
    errors: Sequence[Cause] = ()
    try:
        xml = decode(raw)
        model = parse(xml)
        process = find_process(model, bpmn_process_id) if bpmn_process_id else only_process(model)
        errors = process.causes or _definition_causes(process)
        warnings = [] if errors else advise(process) + ignored(xml, process)
    except DecodingError as error:
        errors = [Cause("#/bpmnXml", "process", str(error))]
    except EngineError as error:
        errors = [Cause("#/bpmnXml", "process", error.detail, "", *error.place)]
    found = findings(xml, process, errors, warnings)
    return {
        "deployable": not errors,
        "bpmnProcessId": process.element.id if process else "",
        "findings": [_plain(finding) for finding in found],
    }


def _definition_causes(process: Process) -> list[Cause]:
    """Of a deployment that defines no events itself."""
    nothing: Mapping[str, Any] = {}
    named = {"errors": nothing, "escalations": nothing, "messages": nothing, "signals": nothing, "timers": nothing}
    definitions, causes = resolve(process, **named)
    return causes or duplicate_start_names(process, definitions)


def _plain(finding: Finding) -> dict[str, Any]:
    plain = {
        "level": str(finding.level),
        "rule": finding.rule,
        "detail": finding.detail,
        "pointer": finding.pointer,
        "line": finding.line,
        "column": finding.column,
    }
    return {name: value for name, value in plain.items() if value}


def _linted(file: File) -> list[Finding]:
    causes = bounded(
        Cause(pointer, rule.name, sentence, "", *place)
        for rule in RULES.values()
        for pointer, sentence, place in rule.find(file)
    )
    return [_finding(RULES[cause.type].level, cause) for cause in causes]


def _without_influence(xml: str, process: Process, told: Sequence[str]) -> Iterator[Finding]:
    """One note for each construct that is not told of already."""
    file = read_extensions(xml, process.element.id)
    for construct, count in sorted(file.counts.items())[:_MOST_IGNORED]:
        if not any(construct in detail for detail in told):
            often = f" ({count} in the file)" if count > 1 else ""
            place = file.first_places[construct]
            cause = Cause(process.element.pointer, IGNORED, f"{construct} has no effect{often}", "", *place)
            yield _finding(NOTE, cause)


def _finding(level: FindingLevel, cause: Cause) -> Finding:
    return Finding(
        level=level,
        rule=cause.type,
        # The place says it, too.
        detail=_WITH_LINE.sub("", cause.detail) if cause.line else cause.detail,
        pointer=cause.pointer,
        line=cause.line,
        column=cause.column,
    )
