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

from app.bpmn.advice import advise
from app.bpmn.causes import bounded
from app.bpmn.definitions import duplicate_start_names, resolve
from app.bpmn.drawn import Drawing, read_drawing
from app.bpmn.extensions import File as Extensions
from app.bpmn.extensions import read_extensions
from app.bpmn.foreign import counts
from app.bpmn.ignored import KINDS, ignored_in
from app.bpmn.kinds import (
    ACTIVITIES,
    BOUNDARY_EVENTS,
    DECIDING_GATEWAYS,
    END_EVENTS,
    GATEWAYS,
    INTERMEDIATE_EVENTS,
    START_EVENTS,
    ElementType,
)
from app.bpmn.model import MAX_ID_LENGTH, Element, Process
from app.bpmn.parser import Model, find_process, only_process, parse
from app.bpmn.reader import Place, XmlNode, read
from app.bpmn.references import References
from app.bpmn.tags import is_definition
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
    """What a file says beside its processes, read when it is asked for, and once for all of them."""

    def __init__(self, xml: str) -> None:
        self._xml = xml

    @cached_property
    def extensions(self) -> Extensions:
        return read_extensions(self._xml)

    @cached_property
    def constructs(self) -> Sequence[tuple[str, int, Place]]:
        """What has no influence on the execution, with how often and where first it is; not all, where there are many.

        In alphabetical order.
        """
        found = self.extensions
        return [(name, count, found.first_places[name]) for name, count in sorted(found.counts.items())[:_MOST_IGNORED]]

    @cached_property
    def drawing(self) -> Drawing:
        return read_drawing(self._xml)

    @cached_property
    def declared(self) -> Sequence[Declared]:
        """In document order."""
        document = read(self._xml)
        nodes = list(document.root.walk(opaque=OPAQUE))
        references = References((node.token("id") for node in nodes), document.prefixes)
        uses: dict[tuple[str, str], Counter[str]] = {}
        shared = {node.token("id"): node for node in document.root.children if is_definition(node.tag)}
        for node in nodes:
            for tag, reference, role in _references(node, lambda text: shared.get(references.resolve(text))):
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


def _references(node: XmlNode, shared: Callable[[str], XmlNode | None]) -> Iterator[tuple[str, str, str]]:
    """Kind, reference and role of the declarations that a node, or one of its children, refers to.

    `shared` finds the event definition that a reference means.
    """
    role = _ROLES.get(node.tag, "")
    for child in (node, *node.children):
        part = (shared(child.text) if child.tag == "eventDefinitionRef" else None) or child
        own = part is node
        for tag in DECLARATIONS:
            reference = part.get(f"{tag}Ref")
            if reference and (own or part.tag.endswith("EventDefinition")):
                yield tag, reference, role
        if not own and part.tag in _CHILDREN:
            yield _CHILDREN[part.tag], part.text, role


Remark = tuple[str, str, Place]
"""Pointer, sentence, and where it is in the file."""
Find = Callable[[File, Process], Iterable[Remark]]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    level: FindingLevel
    find: Find
    of_file: bool
    """Whether it says the same with each process of a file."""

    @property
    def about(self) -> str:
        """What the rule looks for, in one sentence."""
        return (self.find.__doc__ or "").partition("\n")[0]


RULES: dict[str, Rule] = {}
"""By name: what is a matter of taste, or a guess."""


def _rule(name: str, level: FindingLevel = FindingLevel.WARNING, *, of_file: bool = False) -> Callable[[Find], Find]:
    def register(find: Find) -> Find:
        RULES[name] = Rule(name, level, find, of_file)
        return find

    return register


_NAMED = (ACTIVITIES | {T.EVENT_SUB_PROCESS} | BOUNDARY_EVENTS | START_EVENTS | INTERMEDIATE_EVENTS | END_EVENTS) - {
    T.NONE_END_EVENT,
    T.NONE_START_EVENT,
    T.NONE_THROW_EVENT,
}
"""Types that tell a reader nothing without a name; a gateway that decides is one more."""


def _at(element: Element, sentence: str) -> Remark:
    return element.pointer, sentence, element.place


@_rule("no-name")
def _no_name(file: File, process: Process) -> Iterator[Remark]:
    """A task, an event with a definition, or a gateway that decides has no name."""
    for element in process.elements():
        decides = element.type in DECIDING_GATEWAYS and len(element.outgoing) > 1
        if not element.name.strip() and (element.type in _NAMED or decides):
            yield _at(element, f"element {element.id} has no name")


@_rule("forks-and-joins", NOTE)
def _forks_and_joins(file: File, process: Process) -> Iterator[Remark]:
    """A gateway joins and forks, and does not say that it is Mixed."""
    for element in process.of_types(GATEWAYS):
        if len(element.incoming) > 1 and len(element.outgoing) > 1 and element.direction != "Mixed":
            what = f"gateway {element.id} joins and forks"
            yield _at(element, f'{what}: draw two gateways, or give it the gatewayDirection "Mixed"')


@_rule("no-default", NOTE)
def _no_default(file: File, process: Process) -> Iterator[Remark]:
    """A gateway that decides has no default flow: its worker must decide each time."""
    for element in process.of_types(DECIDING_GATEWAYS):
        if len(element.outgoing) > 1 and not element.default_flow:
            count = len(element.outgoing)
            yield _at(element, f"{element.id} has {count} outgoing flows and no default: its worker must decide")


@_rule("unused-declaration", of_file=True)
def _unused_declaration(file: File, process: Process) -> Iterator[Remark]:
    """A message, signal, error or escalation is declared, and nothing refers to it."""
    for declared in file.declared:
        # Without a name, messages and signals have a rule of their own.
        if not declared.uses and (declared.name or declared.tag in ("error", "escalation")):
            sentence = f"{declared.tag} {declared.id} is declared, but nothing refers to it"
            yield process.element.pointer, sentence, declared.place


@_rule("alike-names", of_file=True)
def _alike_names(file: File, process: Process) -> Iterator[Remark]:
    """Names of two messages or signals differ in case, spaces or punctuation only."""
    seen: dict[tuple[str, str], Declared] = {}
    for declared in file.declared:
        plain = _NO_LETTER.sub("", declared.name).casefold()
        if plain and declared.tag in ("message", "signal"):
            other = seen.setdefault((declared.tag, plain), declared)
            if other.name != declared.name:
                sentence = f"{declared.tag} name {declared.name!r} looks like {other.name!r}, and is another one"
                yield process.element.pointer, sentence, declared.place


@_rule("used-once", NOTE, of_file=True)
def _used_once(file: File, process: Process) -> Iterator[Remark]:
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
            yield process.element.pointer, sentence, all_declared[0].place


@_rule("no-diagram", NOTE)
def _no_diagram(file: File, process: Process) -> Iterator[Remark]:
    """The file does not draw each element and flow of the process."""
    if not file.drawing.has(process):
        sentence = f"the file has no complete diagram of process {process.element.id}"
        yield _at(process.element, f"{sentence}: one with computed positions is shown")


def findings(
    file: File, process: Process | None, errors: Iterable[Cause], warnings: Iterable[Cause], *, of_file: bool = True
) -> list[Finding]:
    """All findings in the order of the file, given what a deployment says.

    Without a process, and of one that can't be deployed, only the errors are told. Without `of_file`, what is the same
    with each process of the file is left out.
    """
    found = [_finding(FindingLevel.ERROR, cause) for cause in errors]
    if not found and process is not None:
        found += [
            _finding(FindingLevel.NOTE if cause.type in KINDS else FindingLevel.WARNING, cause) for cause in warnings
        ]
        found += _linted(file, process, [rule for rule in RULES.values() if of_file or not rule.of_file])
        found += _without_influence(file, process, [each.detail for each in found if each.rule in KINDS])
    return sorted(found, key=lambda finding: (finding.line, finding.column))


def check(raw: bytes, bpmn_process_ids: Iterable[str] = ("",)) -> Iterator[dict[str, Any]]:
    """What the service answers to `POST /processes/check` for each of the processes, as far as the file alone tells.

    That is whether it could be deployed, and the findings. Without an id the only executable process is meant. The
    file is read once, and what is the same with each of its processes is told with the first that has no errors.
    """
    try:
        xml = decode(raw)
        model = parse(xml)
    except DecodingError as error:
        unreadable = Cause("#/bpmnXml", "process", str(error))
    except EngineError as error:
        unreadable = _unreadable(error)
    else:
        yield from _check(File(xml), model, bpmn_process_ids)
        return
    for _ in bpmn_process_ids:
        yield _answer(None, [unreadable], findings(File(""), None, [unreadable], ()))


def _check(file: File, model: Model, bpmn_process_ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    of_file = True
    for id in bpmn_process_ids:
        process: Process | None = None
        warnings: list[Cause] = []
        try:
            process = find_process(model, id) if id else only_process(model)
            errors = process.causes or _definition_causes(process)
        except EngineError as error:
            errors = [_unreadable(error)]
        if process is not None and not errors:
            if not of_file:
                # These are of the file, too.
                process.nameless = process.extensions = ()
            warnings = advise(process) + ignored_in(file.extensions, process)
        yield _answer(process, errors, findings(file, process, errors, warnings, of_file=of_file))
        of_file = of_file and bool(errors)


def _unreadable(error: EngineError) -> Cause:
    return Cause("#/bpmnXml", "process", error.detail, "", *error.place)


def _answer(process: Process | None, errors: Sequence[Cause], found: Iterable[Finding]) -> dict[str, Any]:
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


def _linted(file: File, process: Process, rules: Iterable[Rule]) -> list[Finding]:
    causes = bounded(
        Cause(pointer, rule.name, sentence, "", *place)
        for rule in rules
        for pointer, sentence, place in rule.find(file, process)
    )
    return [_finding(RULES[cause.type].level, cause) for cause in causes]


def _without_influence(file: File, process: Process, told: Sequence[str]) -> Iterator[Finding]:
    """One note for each construct that is not told of already."""
    for construct, count, place in file.constructs:
        if process.evaluates and counts(construct):
            continue
        if not any(construct in detail for detail in told):
            often = f" ({count} in the file)" if count > 1 else ""
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
