"""Where a text of the file gives a decision or a value: its slots, compiled once for all instances.

In mode ENGINE all is evaluated that can be. Otherwise workers decide, but for what is constant.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.bpmn.evaluation import CONSTANTS, expressions_of, texts_of, texts_of_event
from app.bpmn.kinds import CONDITIONAL_EVENTS, THROWN_EVENTS, ElementType
from app.bpmn.model import Element, EventDefinition, Expression, Part, SequenceFlow
from app.expr import CompileError, Program, compile_expression, compile_text, constant


class Slot(StrEnum):
    """As tasks name it that evaluate again."""

    ACTIVATION_CONDITION = "activationCondition"
    CALLED_ELEMENT = "calledElement"
    COMPLETION_CONDITION = "completionCondition"
    CONDITION = "condition"
    CORRELATION_KEY = "correlationKey"
    ERROR_CODE = "errorCode"
    ESCALATION_CODE = "escalationCode"
    LOOP_CARDINALITY = "loopCardinality"
    LOOP_CONDITION = "loopCondition"
    LOOP_DATA_INPUT = "loopDataInput"
    LOOP_DATA_OUTPUT = "loopDataOutput"
    MESSAGE_NAME = "messageName"
    SIGNAL_NAME = "signalName"
    TIMER = "timer"


@dataclass(frozen=True, slots=True)
class Thrown:
    """One of the signals and escalations that an event with several definitions, or a multi-instance, throws."""

    definition: EventDefinition
    condition: Program | None = None
    """Of a multi-instance: whether it is thrown when an instance completes (BPMN 2.0.2, 10.3.8)."""
    name: Program | None = None
    """What gives the name or code, where that is evaluated."""

    @property
    def slot(self) -> Slot:
        """Where the name or code is said."""
        return Slot.ESCALATION_CODE if self.definition.signal_name is None else Slot.SIGNAL_NAME

    def programs(self) -> Iterator[Program]:
        yield from (program for program in (self.condition, self.name) if program is not None)


class NotEvaluated(Exception):
    """A slot has no value with the variables of now."""

    def __init__(self, slot: Slot, reason: str, part: int | None = None) -> None:
        super().__init__(reason)
        self.slot = slot
        self.reason = reason
        self.part = part
        """Of an event with several definitions, the one whose slot it is."""


def programs_of(
    element: Element, definition: EventDefinition | None, language: str, *, evaluates: bool
) -> Mapping[Slot, Program]:
    """What is evaluated for a flow node; `language` is the one of expressions that name none.

    A `definition` that is not the one of the file comes before its texts. A text that can't be compiled is left to
    whoever decides otherwise.
    """
    found: dict[Slot, Program] = {}
    for slot, expression in expressions_of(element):
        if element.type is ElementType.AD_HOC_SUB_PROCESS and expression is element.condition:
            # A multi-instance of it has a completion condition, too.
            continue
        if evaluates or expression.text in CONSTANTS or element.type in CONDITIONAL_EVENTS:
            _add(found, slot, _compiled(expression, language))
    if evaluates:
        _add_texts(found, texts_of(element, definition), element.correlation_key, language)
    return found


def programs_of_part(
    part: Part, definition: EventDefinition | None, language: str, *, evaluates: bool
) -> Mapping[Slot, Program]:
    """The same for one of several definitions of an event that waits for it."""
    found: dict[Slot, Program] = {}
    if part.condition is not None:
        _add(found, Slot.CONDITION, _compiled(part.condition, language))
    if evaluates:
        _add_texts(found, texts_of_event(part, definition), part.correlation_key, language)
    return found


def completion_of(element: Element, language: str, *, evaluates: bool) -> Program | None:
    """What says whether an ad-hoc sub-process is over, where that is evaluated."""
    expression = element.condition
    if element.type is not ElementType.AD_HOC_SUB_PROCESS or expression is None:
        return None
    if not (evaluates or expression.text in CONSTANTS):
        return None
    return _compiled(expression, language)


def thrown_by(element: Element, language: str, *, evaluates: bool) -> Sequence[Thrown]:
    """What an event with several definitions throws, or a multi-instance.

    A condition that can't be compiled is never true.
    """
    found = []
    for part in element.parts if element.type in THROWN_EVENTS else ():
        if part.definition is not None:
            names: dict[Slot, Program] = {}
            for slot, text in texts_of_event(part, part.definition) if evaluates else ():
                _add(names, slot, _compiled_text(text, language))
            found.append(Thrown(part.definition, name=next(iter(names.values()), None)))
    for part in element.loop.events if element.loop is not None else ():
        program = _compiled(part.condition, language) if part.condition is not None else None
        if part.definition is not None and (program is not None or part.condition is None):
            found.append(Thrown(part.definition, program))
    return found


def condition_of(flow: SequenceFlow, language: str) -> Program | None:
    return _compiled(Expression(flow.condition, flow.language), language)


def _add_texts(
    found: dict[Slot, Program], texts: Iterable[tuple[str, str]], key: Expression | None, language: str
) -> None:
    for slot, text in texts:
        _add(found, slot, _compiled_text(text, language))
    if key is not None and Slot.CORRELATION_KEY not in found:
        found[Slot.CORRELATION_KEY] = constant(key.text)


def _compiled(expression: Expression, language: str) -> Program | None:
    """None for what can't be compiled."""
    try:
        return compile_expression(expression.text, expression.language, language)
    except CompileError:
        return None


def _compiled_text(text: str, language: str) -> Program | None:
    """None for a text that stands for itself, too."""
    try:
        return compile_text(text, default_language=language)
    except CompileError:
        return None


def _add(found: dict[Slot, Program], slot: str, program: Program | None) -> None:
    if program is not None:
        found[Slot(slot)] = program
