"""What of a file is accepted and has no effect: extensions of other engines, and BPMN that nobody here executes.

The file is read a second time for it, when it is deployed. What it means to nobody is only counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.bpmn.assignment import Assignment, literal_tags
from app.bpmn.causes import bounded
from app.bpmn.extensions import ENGINES, Extension, File, read_extensions
from app.bpmn.model import MAX_ID_LENGTH, Element, Process
from app.bpmn.reader import Place
from app.errors import Cause

MOST_OF_A_KIND = 10
"""Warnings of one kind; one more tells how many elements there are beyond."""
_SHOWN = 3
"""How many things of one kind are named for an element."""


@dataclass(frozen=True, slots=True)
class Kind:
    about: str
    """What it is, in one sentence."""
    instead: str
    """What to do instead."""


KINDS: Mapping[str, Kind] = {
    "ignored-implementation": Kind(
        "Code that is to be called: a class, an expression, a connector.",
        "a worker executes the task, and gets a job for it",
    ),
    "ignored-script": Kind("A script.", "a worker executes the task, and gets a job for it"),
    "ignored-decision": Kind(
        "A decision table that is to be evaluated.", "a worker executes the task, and gets a job for it"
    ),
    "ignored-mapping": Kind(
        "A mapping of variables into an element, or out of it.",
        "who completes the job reads and sets variables, of the element or of the process",
    ),
    "ignored-data-association": Kind(
        "A flow of data between elements.",
        "who completes the job reads and sets variables, of the element or of the process",
    ),
    "ignored-called-element": Kind(
        "What a call activity calls, said in an extension.",
        "write it as calledElement, or a CALL_PROCESS job asks for it",
    ),
    "ignored-called-variables": Kind(
        "Variables that are to be passed to a called process, or back.",
        "variables are passed when jobs of the call activity are completed: CALL_PROCESS and PASS_VARIABLES",
    ),
    "ignored-correlation-key": Kind(
        "An expression for the correlation key of a message.", "a job asks for it when an instance begins to wait"
    ),
    "ignored-listener": Kind(
        "Code that is to be called at a stage of an element.", "put it into the worker, or into a task of its own"
    ),
    "ignored-form": Kind("A form of a user task or start event.", "whoever shows the task chooses the form"),
    "ignored-assignment": Kind(
        "An assignment of a user task that is an expression, or names several groups.",
        "only a literal assignee and a single literal group become tags of the user task; set others by an update",
    ),
    "ignored-schedule": Kind(
        "A due date, follow-up date or priority.", "use a timer boundary event, or tags of the user task"
    ),
    "ignored-retries": Kind(
        "How often a failed job is tried again.", "whoever fails the job says retryLimit and retryTimer"
    ),
    "ignored-headers": Kind("Fixed values for the worker of a task.", "keep them with the worker, by element"),
    "ignored-evaluation": Kind(
        "Conditions, in a model that was made for an engine which evaluates them.",
        "a worker decides, and gets a job for it: EVALUATE_EXCLUSIVE_GATEWAY, EVALUATE_INCLUSIVE_GATEWAY or "
        "EVALUATE_OUTGOING_FLOWS",
    ),
}
"""By the type of their warnings, in the order in which these are given."""

_ELEMENTS: Mapping[str, str] = {
    **dict.fromkeys(("connector", "field"), "ignored-implementation"),
    "script": "ignored-script",
    "calledDecision": "ignored-decision",
    **dict.fromkeys(("inputOutput", "ioMapping", "errorEventDefinition"), "ignored-mapping"),
    "calledElement": "ignored-called-element",
    **dict.fromkeys(("in", "out"), "ignored-called-variables"),
    **dict.fromkeys(("executionListener", "executionListeners", "taskListener", "taskListeners"), "ignored-listener"),
    **dict.fromkeys(("formData", "formDefinition", "formProperty"), "ignored-form"),
    **dict.fromkeys(("priorityDefinition", "taskSchedule"), "ignored-schedule"),
    "failedJobRetryTimeCycle": "ignored-retries",
    "taskHeaders": "ignored-headers",
}
"""Extension elements of the known engines, by local name."""
_ATTRIBUTES: Mapping[str, str] = {
    **dict.fromkeys(("class", "delegateExpression", "expression"), "ignored-implementation"),
    "decisionRef": "ignored-decision",
    **dict.fromkeys(
        ("errorCodeVariable", "errorMessageVariable", "escalationCodeVariable", "resultVariable"), "ignored-mapping"
    ),
    **dict.fromkeys(("calledElementBinding", "calledElementVersion", "caseRef"), "ignored-called-element"),
    **dict.fromkeys(("formKey", "formRef"), "ignored-form"),
    **dict.fromkeys(("dueDate", "followUpDate", "priority"), "ignored-schedule"),
}
"""Extension attributes of the known engines."""
_STANDARD: Mapping[str, str] = {
    **dict.fromkeys(("dataInputAssociation", "dataOutputAssociation"), "ignored-data-association"),
    "script": "ignored-script",
    **dict.fromkeys(("humanPerformer", "performer", "potentialOwner", "resourceRole"), "ignored-assignment"),
}
"""Elements of BPMN itself."""


_WORDS = (*ENGINES, "dataInputA", "dataOutputA", "erformer", "potentialOwner", "resourceRole", "script>")
"""A file without any of these has nothing that is noted."""


def ignored(xml: str, process: Process) -> list[Cause]:
    """The warnings: by kind, one for each element, and at most some of each kind."""
    return ignored_in(read_extensions(xml), process) if any(word in xml for word in _WORDS) else []


def ignored_in(file: File, process: Process) -> list[Cause]:
    """The same for a file that is read already."""
    noted = file.of(process.element.id)
    elements = {element.id: element for element in process.elements()}
    found: dict[str, dict[str, list[Extension]]] = {kind: {} for kind in KINDS}
    for extension in noted.extensions:
        kind = _kind(extension)
        element = elements.get(extension.element_id)
        if kind and element is not None and not (process.evaluates and _counts(extension, element)):
            found[kind].setdefault(extension.element_id, []).append(extension)
    for assignment in noted.assignments:
        if assignment.element_id in elements and not literal_tags(assignment).is_complete:
            found["ignored-assignment"].setdefault(assignment.element_id, []).append(_shown(assignment))
    for element in elements.values():
        if element.correlation_key is not None:
            continue
        name = element.definition.message_name if element.definition else None
        if name in file.keys:
            found["ignored-correlation-key"][element.id] = [_key(element.id, file.keys[name])]
    if not process.evaluates:
        _add_conditions(found["ignored-evaluation"], file, elements.values())
    return bounded(cause for kind, of in found.items() for cause in _causes(kind, of, elements, process))


def _kind(extension: Extension) -> str:
    if extension.is_standard:
        return _STANDARD.get(extension.name, "")
    if extension.name == "taskDefinition":
        return "ignored-retries" if extension.has_retries else ""
    return (_ATTRIBUTES if extension.is_attribute else _ELEMENTS).get(extension.name, "")


def _counts(extension: Extension, element: Element) -> bool:
    """Whether an extension has an effect where the engine evaluates."""
    kind = _kind(extension)
    if kind == "ignored-called-element":
        return bool(element.called_element) and extension.name in ("calledElement", "calledElementVersion")
    if kind == "ignored-called-variables":
        return bool(element.variables_in if extension.name == "in" else element.variables_out)
    variables = {
        "errorCodeVariable": element.error_code_variable,
        "errorMessageVariable": element.error_message_variable,
        "escalationCodeVariable": element.escalation_code_variable,
    }
    return bool(variables.get(extension.name))


def _shown(assignment: Assignment) -> Extension:
    return Extension(assignment.element_id, assignment.prefix, "assignment", assignment.place, is_attribute=False)


def _key(element_id: str, place: Place) -> Extension:
    return Extension(element_id, "zeebe", "subscription", place, is_attribute=False)


def _add_conditions(found: dict[str, list[Extension]], file: File, elements: Iterable[Element]) -> None:
    if file.engine:
        for element in elements:
            place = next((flow.place for flow in element.outgoing if flow.conditional), None)
            if place:
                found[element.id] = [Extension(element.id, "", "conditionExpression", place, is_attribute=False)]


def _causes(
    kind: str, found: Mapping[str, list[Extension]], elements: Mapping[str, Element], process: Process
) -> Iterable[Cause]:
    for element_id, extensions in list(found.items())[:MOST_OF_A_KIND]:
        names = list(dict.fromkeys(extension.shown for extension in extensions))
        what = ", ".join(name[:MAX_ID_LENGTH] for name in names[:_SHOWN]) + ", …" * (len(names) > _SHOWN)
        element = elements[element_id]
        place = extensions[0].place
        detail = f"{what} of element {element.id} has no effect: {KINDS[kind].instead} (line {place.line})"
        yield Cause(element.pointer, kind, detail, "", *place)
    more = len(found) - MOST_OF_A_KIND
    if more > 0:
        yield Cause(
            process.element.pointer, kind, f"the same holds for {more} more elements", "", *process.element.place
        )
