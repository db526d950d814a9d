"""Whether all texts can be evaluated that the engine evaluates, where it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.bpmn.causes import at, at_flow, bounded
from app.bpmn.kinds import CONDITIONAL_EVENTS, ERROR_EVENTS, ESCALATION_EVENTS, THROWN_EVENTS, ElementType
from app.bpmn.model import Element, EventDefinition, Expression, Part, Process
from app.errors import Cause
from app.expr import CompileError, compile_expression, compile_text

T = ElementType

CONSTANTS = frozenset({"true", "false"})
"""Conditions that need no evaluation, whoever decides."""
_EITHER_OR = {T.EXCLUSIVE_GATEWAY: "exclusive gateway", T.INCLUSIVE_GATEWAY: "inclusive gateway"}


def check_expressions(process: Process, definitions: Mapping[str, EventDefinition]) -> list[Cause]:
    """What can't be evaluated of a process whose expressions are for the engine; as far as `bounded` lets the causes.

    `definitions` are those of its events by element id. One that the file does not state comes before its texts.
    """
    return bounded(_causes(process, definitions))


def check_conditional_events(process: Process) -> Iterator[Cause]:
    """BPMN 2.0.2, 10.5.5: what they wait for. No job asks for it, so it must be there, whoever evaluates the rest."""
    for element in process.of_types(CONDITIONAL_EVENTS):
        if element.condition is None and not element.refused:
            yield at(element, f"conditional event {element.id} must have a condition")
        elif element.condition is not None:
            error = compile_error(element.condition, process.expression_language)
            if error is not None:
                yield at(element, f"condition of {element.id} cannot be evaluated: {error}")


def expressions_of(element: Element) -> Iterator[tuple[str, Expression]]:
    """Texts that are expressions in any case, with what they are for."""
    loop = element.loop
    if loop is not None and loop.cardinality is not None and loop.literal is None:
        yield "loopCardinality", loop.cardinality
    if loop is not None and loop.condition is not None:
        yield "completionCondition" if loop.multi else "loopCondition", loop.condition
    if element.condition is not None:
        yield _CONDITIONS.get(element.type, "condition"), element.condition


_CONDITIONS = {T.AD_HOC_SUB_PROCESS: "completionCondition", T.COMPLEX_GATEWAY: "activationCondition"}


def texts_of(element: Element, definition: EventDefinition | None) -> Iterator[tuple[str, str]]:
    """Texts that may be expressions or templates, with what they are for; those that a `definition` replaces aren't."""
    if element.called_element:
        yield "calledElement", element.called_element
    yield from texts_of_event(element, definition)


def texts_of_event(event: Element | Part, definition: EventDefinition | None) -> Iterator[tuple[str, str]]:
    """The same of an event, or of one of its definitions if it has several."""
    if event.timer_text is not None and definition is None:
        yield "timer", event.timer_text[1]
    if event.correlation_key is not None:
        yield "correlationKey", event.correlation_key.text
        if event.type in THROWN_EVENTS and event.declared_name:
            yield "messageName", event.declared_name
    if definition is not None and definition == event.definition:
        names = (
            ("errorCode", definition.error_code),
            ("escalationCode", definition.escalation_code),
            ("messageName", definition.message_name),
            ("signalName", definition.signal_name),
        )
        yield from ((slot, text) for slot, text in names if text)


def is_expression(text: str, language: str = "") -> bool:
    """Whether the text of a name, key, code or timer is not what it says, but gives that."""
    try:
        return compile_text(text, default_language=language) is not None
    except CompileError:
        return True


def compile_error(expression: Expression, language: str) -> CompileError | None:
    """Why it can't be evaluated."""
    if expression.text in CONSTANTS:
        return None
    try:
        compile_expression(expression.text, expression.language, language)
    except CompileError as error:
        return error
    return None


def _causes(process: Process, definitions: Mapping[str, EventDefinition]) -> Iterator[Cause]:
    language = process.expression_language
    for element in process.elements():
        for slot, expression in expressions_of(element):
            error = compile_error(expression, language)
            if error is not None:
                yield at(element, f"{slot} of {element.id} cannot be evaluated: {error}")
        for slot, text in texts_of(element, definitions.get(element.id)):
            if is_expression(text, language):
                yield from _of_text(element, element.type, slot, text, language)
        for part in element.parts:
            for slot, text in texts_of_event(part, part.definition):
                if is_expression(text, language):
                    yield from _of_text(element, part.type, slot, text, language)
        for event in element.loop.events if element.loop is not None else ():
            if any(is_expression(text, language) for _, text in texts_of_event(event, event.definition)):
                yield at(element, f"name or code of what multi-instance {element.id} throws must be a literal")
        yield from _of_flows(element, language)


def _of_text(element: Element, type: ElementType, slot: str, text: str, language: str) -> Iterator[Cause]:
    literal = _literal_needed(element, type, slot)
    if literal is not None:
        yield literal
        return
    try:
        compile_text(text, default_language=language)
    except CompileError as error:
        yield at(element, f"{slot} of {element.id} cannot be evaluated: {error}")


def _literal_needed(element: Element, type: ElementType, slot: str) -> Cause | None:
    """The cause where nothing can be evaluated: there is no instance yet, or it is a matter of what is caught."""
    if element.instantiates and slot in ("messageName", "signalName"):
        kind = slot.removesuffix("Name")
        detail = f"no {kind} name defined for element {element.id}"
        return Cause(element.pointer, f"{kind}_event", detail, "", *element.place)
    if type in ERROR_EVENTS | ESCALATION_EVENTS and type not in THROWN_EVENTS:
        kind = "error" if type in ERROR_EVENTS else "escalation"
        detail = f"{kind} code of element {element.id} must be a literal, since the event catches it"
        return Cause(element.pointer, f"{kind}_event", f"{detail} (line {element.line})", "", *element.place)
    return None


def _of_flows(element: Element, language: str) -> Iterator[Cause]:
    kind = _EITHER_OR.get(element.type, "") if any(flow.is_chosen for flow in element.outgoing) else ""
    for flow in element.outgoing:
        if flow.is_chosen:
            try:
                compile_expression(flow.condition, flow.language, language)
            except CompileError as error:
                detail = f"condition of {flow.id} cannot be evaluated: {error} (line {flow.line})"
                yield Cause(flow.pointer, "sequence_flow", detail, "", *flow.place)
        elif kind and not flow.is_default:
            who = f"{kind} {element.id}"
            yield at_flow(flow, f"must have a condition, since others of {who} have one and it is no default flow")
