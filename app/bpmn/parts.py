"""Events with several definitions (BPMN 2.0.2, 10.5.5): one of them is enough, or all of them are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.bpmn.causes import at
from app.bpmn.evaluation import compile_error, is_expression
from app.bpmn.kinds import CONDITIONAL_EVENTS, ERROR_EVENTS, MESSAGE_EVENTS, MULTIPLE_EVENTS, TIMER_EVENTS, ElementType
from app.bpmn.model import Element, Part, Problem, Process
from app.bpmn.reader import Place
from app.errors import Cause

T = ElementType

MAX_DEFINITIONS = 1000
"""Of an event. One signal may have each of them happen, by a task of its own."""


def part_of(element: Element, single: Element) -> Part:
    """A definition of the event `element`, given how it would be if it had no other one."""
    for problem in single.problems:
        element.report(replace(problem, base=element))
    element.refused = element.refused or single.refused
    cause = single.definition_cause
    if cause is not None:
        element.report(Problem("element", cause.detail, element, Place(cause.line, cause.column)))
    return Part(
        type=single.type,
        definition=single.definition,
        condition=single.condition,
        unread_timer=single.unread_timer,
        timer_text=single.timer_text,
        declared_name=single.declared_name,
        correlation_key=single.correlation_key,
        error_code_variable=single.error_code_variable,
        error_message_variable=single.error_message_variable,
        escalation_code_variable=single.escalation_code_variable,
    )


def check_parts(process: Process) -> Iterator[Cause]:
    """What is wrong about the events of a process that have several definitions."""
    for element in process.of_types(MULTIPLE_EVENTS):
        if element.refused:
            continue
        if len(element.parts) > MAX_DEFINITIONS:
            yield at(element, f"event {element.id} has more than {MAX_DEFINITIONS} definitions")
            continue
        yield from _defined(element, process.expression_language)
        if sum(_needs_job(element, part, process) for part in element.parts) > 1:
            what = f"event {element.id} has several definitions, of which only one may be left to a job"
            yield at(element, f"{what}: a correlation key, or a timer")
        has_error = any(part.type in ERROR_EVENTS for part in element.parts)
        if has_error and not element.interrupting:
            yield at(element, f"event {element.id} catches an error, so it must interrupt")
        if element.parallel_multiple and has_error:
            yield at(element, f"event {element.id} waits for all of its definitions, so none must be an error")
        if element.type is T.PARALLEL_MULTIPLE_START_EVENT and _scope(element) is T.PROCESS:
            yield at(element, f"start event {element.id} of a process must not wait for all of its definitions")


def _scope(element: Element) -> ElementType | None:
    return element.parent.type if element.parent is not None else None


def _defined(element: Element, language: str) -> Iterator[Cause]:
    """Nobody is asked for names and codes, and a process is not started by what is not known before."""
    for number, part in enumerate(element.parts, 1):
        which = f"definition {number} of event {element.id}"
        if part.type in CONDITIONAL_EVENTS:
            error = compile_error(part.condition, language) if part.condition is not None else None
            if part.condition is None:
                yield at(element, f"{which} must have a condition")
            elif error is not None:
                yield at(element, f"condition of {element.id} cannot be evaluated: {error}")
        elif part.definition is None and (part.type not in TIMER_EVENTS or element.instantiates):
            kind = part.type.partition("_")[0].lower()
            yield at(element, f"{which} must say which {kind} it is about")


def _needs_job(element: Element, part: Part, process: Process) -> bool:
    if element.instantiates:
        return False
    if part.type in TIMER_EVENTS and part.definition is None:
        text = part.timer_text[1] if part.timer_text is not None else ""
        return not (process.evaluates and is_expression(text, process.expression_language))
    return part.type in MESSAGE_EVENTS and part.correlation_key is None
