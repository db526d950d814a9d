"""Where a text of the file gives a decision or a value: its slots, compiled once for all instances.

In mode ENGINE all is evaluated that can be. Otherwise workers decide, but for what is constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from app.bpmn.model import Element, EventDefinition, Expression, SequenceFlow
from app.expr import CompileError, Program, compile_expression, compile_text


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


class NotEvaluated(Exception):
    """A slot has no value with the variables of now."""

    def __init__(self, slot: Slot, reason: str) -> None:
        super().__init__(reason)
        self.slot = slot
        self.reason = reason


_CONSTANTS = frozenset({"true", "false"})


def programs_of(
    element: Element, definition: EventDefinition | None, language: str, *, evaluates: bool
) -> Mapping[Slot, Program]:
    """What is evaluated for a flow node; `language` is the one of expressions that name none.

    A `definition` that is not the one of the file comes before its texts. A text that can't be compiled is left to
    whoever decides otherwise.
    """
    found: dict[Slot, Program] = {}
    for slot, expression in _expressions(element):
        if evaluates or expression.text in _CONSTANTS:
            _add(found, slot, expression, language)
    if evaluates:
        for slot, text in _texts(element, definition):
            program = _text(text, language)
            if program is not None:
                found[slot] = program
    return found


def condition_of(flow: SequenceFlow, language: str) -> Program | None:
    try:
        return compile_expression(flow.condition, flow.language, language)
    except CompileError:
        return None


def _expressions(element: Element) -> Iterator[tuple[Slot, Expression]]:
    loop = element.loop
    if loop is not None and loop.cardinality is not None and loop.literal is None:
        yield Slot.LOOP_CARDINALITY, loop.cardinality
    if loop is not None and loop.condition is not None:
        yield Slot.COMPLETION_CONDITION if loop.multi else Slot.LOOP_CONDITION, loop.condition


def _texts(element: Element, definition: EventDefinition | None) -> Iterator[tuple[Slot, str]]:
    if element.timer_text is not None and definition is None:
        yield Slot.TIMER, element.timer_text[1]
    if element.called_element:
        yield Slot.CALLED_ELEMENT, element.called_element
    if definition is None or definition != element.definition:
        return
    for slot, text in (
        (Slot.ERROR_CODE, definition.error_code),
        (Slot.ESCALATION_CODE, definition.escalation_code),
        (Slot.MESSAGE_NAME, definition.message_name),
        (Slot.SIGNAL_NAME, definition.signal_name),
    ):
        if text:
            yield slot, text


def _add(found: dict[Slot, Program], slot: Slot, expression: Expression, language: str) -> None:
    try:
        found[slot] = compile_expression(expression.text, expression.language, language)
    except CompileError:
        return


def _text(text: str, language: str) -> Program | None:
    try:
        return compile_text(text, default_language=language)
    except CompileError:
        return None
